//! `reprise serve`: everything wired together, and taken apart again in one written-down order.
//!
//! # The shutdown sequence
//!
//! SIGTERM or SIGINT starts it; a second signal ends the process at once.
//!
//! 1. `/readyz` answers 503, so that load balancers look elsewhere.
//! 2. HTTP takes no more connections; the requests that run have ten seconds to finish.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use catalog::{Catalog, CatalogUrl};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use units::WallTime;

use crate::access_key::{self, AccessKey};
use crate::bootstrap::bootstrap;
use crate::config::{Config, Listen};
use crate::data_dir::{DataDir, Holder};
use crate::health::{self, Health};
use crate::http;

/// How long running HTTP requests may take to finish at shutdown. Orchestrators commonly kill after 30 s.
const HTTP_DRAIN: Duration = Duration::from_secs(10);
/// The exit status of a process ended by a second signal: 128 + SIGINT, as shells have it.
const EXIT_SECOND_SIGNAL: i32 = 130;

/// Runs the server until it is told to stop.
pub fn run(config: Config) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let mut data = DataDir::open(Path::new(&config.storage.data_dir))?;
    let key = access_key::load_or_make(&config.auth, data.path())?;
    let catalog = open_catalog(&config, data.path()).await?;
    bootstrap(&catalog, &config.live, now()).await?;
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot start the metrics")?;

    let http_listener = bind("http.listen", &config.http.listen).await?;
    let http_address = http_listener.local_addr()?;
    data.announce(&Holder { pid: std::process::id(), http: Some(http_address), rtmp: None })?;
    let stopping = CancellationToken::new();
    let health = Health { stopping: stopping.clone(), catalog: catalog.clone(), data: data.path().to_owned(), metrics };
    let connections_max = usize::try_from(config.http.connections_max).unwrap_or(usize::MAX);
    let serving =
        tokio::spawn(http::serve(http_listener, health::router(health), connections_max, stopping.clone(), HTTP_DRAIN));
    greet(&config, &key, http_address, data.path());

    signals.next().await;
    stopping.cancel();
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(EXIT_SECOND_SIGNAL);
    });
    serving.await?;
    Ok(())
}

/// Opens the catalog and brings its schema up to date.
async fn open_catalog(config: &Config, data: &Path) -> anyhow::Result<Catalog> {
    let url = match config.catalog.url.reveal() {
        "" => CatalogUrl::Sqlite(data.join("catalog.sqlite")),
        url => url.parse().context("catalog.url")?,
    };
    let catalog = Catalog::open(&url).await.context("cannot open the catalog")?;
    catalog.migrate().await.context("cannot bring the catalog's schema up to date")?;
    Ok(catalog)
}

/// The wall clock.
fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Listens on a configured address; the error names the key.
async fn bind(key: &str, listen: &Listen) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen.as_str()).await.with_context(|| format!("cannot listen on {key} = {:?}", listen.as_str()))
}

/// Tells a person what is there, once, on standard output.
fn greet(config: &Config, key: &AccessKey, http: SocketAddr, data: &Path) {
    let version = env!("CARGO_PKG_VERSION");
    println!("Reprise {version}");
    println!("  API and media  http://{http}/");
    println!("  data           {}", data.display());
    if key.fresh {
        println!("  access key     {} {}", key.id, key.secret.reveal());
        println!("                 shown this once; kept in {}", data.join("access-key.json").display());
    }
    let _ = config;
}

/// SIGTERM and SIGINT, as one stream.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
