//! `reprise serve`: everything wired together, and taken apart again in one written-down order.
//!
//! # The shutdown sequence
//!
//! SIGTERM or SIGINT starts it; so does a service that ends by itself. A second signal ends the process at once, which costs no
//! more than a crash does.
//!
//! 1. `/readyz` answers 503, so that load balancers look elsewhere. Everything else is still answered.
//! 2. Jobs: none is claimed any more; those that run have five seconds, then they are given back.
//! 3. HTTP takes no more connections; the requests that run have ten seconds to finish.
//! 4. The catalog is closed, after everyone who writes to it; the data folder is free when the process is gone.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use api::ApiState;
use axum::Router;
use blobs::Blobs;
use catalog::{Catalog, CatalogUrl};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rustix::process::{Resource, getrlimit, setrlimit};
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
use crate::service::{self, Service};

/// How long running HTTP requests may take to finish at shutdown. Orchestrators commonly kill after 30 s.
const HTTP_DRAIN: Duration = Duration::from_secs(10);
/// The exit status of a process ended by a second signal: 128 + SIGINT, as shells have it.
const EXIT_SECOND_SIGNAL: i32 = 130;
/// How often the metrics library tidies up after itself.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Runs the server until it is told to stop.
pub fn run(config: Config) -> anyhow::Result<()> {
    raise_file_limit();
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
    let blobs = Blobs::local(&data.path().join("media")).context("cannot open the media folder")?;
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot start the metrics")?;
    let http_listener = bind("http.listen", &config.http.listen).await?;
    let addresses = Addresses { http: http_listener.local_addr()? };

    let stopping = CancellationToken::new();
    let (ends, mut ended) = service::ends();
    let worker = Service::start("worker", &ends, |stop| {
        worker::run(catalog.clone(), blobs.clone(), worker_settings(&config), stop)
    });
    let app = app(&config, &catalog, &key, data.path(), &metrics, &stopping);
    let connections_max = usize::try_from(config.http.connections_max).unwrap_or(usize::MAX);
    let http = Service::start("http", &ends, |stop| async move {
        http::serve(http_listener, app, connections_max, stop, HTTP_DRAIN).await;
        Ok::<_, std::convert::Infallible>(())
    });
    let upkeep = tokio::spawn(tidy_metrics(metrics));
    data.announce(&Holder { pid: std::process::id(), http: Some(addresses.http), rtmp: None })?;
    greet(&key, addresses, data.path());

    // Until a signal, or until a service ends by itself.
    let services = [worker, http];
    let fault = tokio::select! {
        () = signals.next() => None,
        name = ended.recv() => name,
    };
    tracing::info!(fault, "shutting down");
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(EXIT_SECOND_SIGNAL);
    });
    stopping.cancel();
    let mut ended_badly = Vec::new();
    for service in services {
        let name = service.name;
        if let Err(error) = service.stop().await {
            tracing::error!(service = name, error = format!("{error:#}"), "ended badly");
            ended_badly.push(format!("{name}: {error:#}"));
        }
    }
    upkeep.abort();
    catalog.close().await;
    match (ended_badly.is_empty(), fault) {
        (true, None) => Ok(()),
        (true, Some(name)) => bail!("the service {name} ended by itself"),
        (false, _) => bail!("{}", ended_badly.join("; ")),
    }
}

/// Everything that is answered over HTTP.
fn app(
    config: &Config,
    catalog: &Catalog,
    key: &AccessKey,
    data: &Path,
    metrics: &PrometheusHandle,
    stopping: &CancellationToken,
) -> Router {
    let settings = api::Settings {
        public_url: config.http.public_url.clone(),
        cycle_seconds_min: config.recording.cycle_seconds_min,
        delay_seconds_min: config.recording.delay_seconds_min,
        undelete_window: config.storage.undelete_window,
        ..api::Settings::default()
    };
    let root = api::AccessKey { id: key.id.clone(), secret: key.secret.reveal().to_owned() };
    let health = Health {
        stopping: stopping.clone(),
        catalog: catalog.clone(),
        data: data.to_owned(),
        metrics: metrics.clone(),
    };
    health::router(health).merge(api::router(ApiState::new(catalog.clone(), settings, [root])))
}

fn worker_settings(config: &Config) -> worker::Settings {
    worker::Settings { private_receivers: config.callbacks.private_receivers, ..worker::Settings::default() }
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

/// Every push and every open file counts, and the usual soft limit of 1024 is a login shell's. A failure is no reason not to
/// start: the limits on connections and pushes are told when they are met.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the number of files that may be open");
    }
}

/// Keeps the metrics' memory bounded: histograms are drained in between scrapes.
async fn tidy_metrics(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// Where the server listens, with the real ports.
#[derive(Clone, Copy)]
struct Addresses {
    http: SocketAddr,
}

/// Tells a person what is there, once, on standard output.
fn greet(key: &AccessKey, addresses: Addresses, data: &Path) {
    println!("Reprise {}", env!("CARGO_PKG_VERSION"));
    println!("  API and media  http://{}/", addresses.http);
    println!("  data           {}", data.display());
    if key.fresh {
        println!("  access key     {} {}", key.id, key.secret.reveal());
        println!("                 shown this once; kept in {}", data.join("access-key.json").display());
    }
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
