//! `reprise serve`: everything wired together, and taken apart again in one written-down order.
//!
//! # The shutdown sequence
//!
//! SIGTERM or SIGINT starts it; so does a service that ends by itself. A second signal ends the process at once, which costs no
//! more than a crash does.
//!
//! 1. `/readyz` answers 503, so that load balancers look elsewhere. Everything else is still answered.
//! 2. Ingest takes no more connections and ends the running pushes; what they have sent is in the hub. Publishers see the end and
//!    come back, to another node or to the next start of this one.
//! 3. The recorder writes and syncs what is in the hub. Its recordings are left interrupted, not sealed, so that a push that comes
//!    back within its grace goes on in the same recording after the restart.
//! 4. Jobs: none is claimed any more; those that run have five seconds, then they are given back.
//! 5. Pages of the console that listen for changes are let go.
//! 6. HTTP takes no more connections; the requests that run have ten seconds to finish.
//! 7. What was played and sent since the last minute is written.
//! 8. The catalog is closed, after everyone who writes to it; the data folder is free when the process is gone.

use std::convert::Infallible;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use api::ApiState;
use axum::Router;
use axum::middleware;
use blobs::{Blobs, Space, Turn};
use catalog::{Catalog, CatalogUrl, Ids};
use door::Secret;
use encode::Capabilities;
use hub::{Hub, HubLimits};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use rtmp::Waits;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use units::WallTime;

use crate::access_key::{self, AccessKey};
use crate::bootstrap::{bootstrap, first_template_group};
use crate::config::{Config, Edge, Http, Listen};
use crate::data_dir::{DataDir, Holder};
use crate::health::{self, Health};
use crate::http::tls::Certificate;
use crate::http::tls::acme::{self, AcmeCertificate};
use crate::http::tls::files::{FileCertificate, Files};
use crate::http::{self, Listeners, TlsListener};
use crate::master_key;
use crate::service::{self, Service};
use crate::web_console;

/// How long running HTTP requests may take to finish at shutdown. Orchestrators commonly kill after 30 s.
pub const HTTP_DRAIN: Duration = Duration::from_secs(10);
/// The exit status of a process ended by a second signal: 128 + SIGINT, as shells have it.
pub const EXIT_SECOND_SIGNAL: i32 = 130;
/// Threads that write recordings: enough for 500 streams on a disk that takes 100 ms for a sync, and few enough that the
/// threads that answer requests get their turn beside them on one processor.
const WRITERS_MAX: usize = 64;
/// Other threads that wait for files; what the runtime has by itself.
const BLOCKING_MAX: usize = 512;
/// The name of this process in rows: recordings and leases of an earlier run are taken up under it.
pub const NODE: &str = "local";
/// How often the disk is looked at: at 1 GB/s that is 2 GiB.
const SPACE_LOOK: Duration = Duration::from_secs(2);
/// How often the metrics library tidies up after itself.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// Runs the server until it is told to stop.
pub fn run(config: Config) -> anyhow::Result<()> {
    raise_file_limit();
    let runtime = |name, blocking_max| {
        let mut builder = Builder::new_multi_thread();
        builder.thread_name(name).max_blocking_threads(blocking_max).enable_all();
        builder.build().context("cannot start a runtime")
    };
    // Pushes and their recordings have threads of their own: whatever they are asked to carry, the API, playback and the
    // probes of whoever watches over this process get their turn; and the load of the one is measured without the other.
    let (media, rest) = (runtime("media", WRITERS_MAX)?, runtime("rest", BLOCKING_MAX)?);
    let done = rest.block_on(serve(config, media.handle()));
    // Each of its services was waited for; whatever is left then must not keep the process.
    media.shutdown_background();
    done
}

async fn serve(config: Config, media: &Handle) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let mut data = DataDir::open(Path::new(&config.storage.data_dir))?;
    let key = access_key::load_or_make(&config.auth, data.path())?;
    let catalog = open_catalog(&config, data.path()).await?;
    master_key::unlock(&catalog, &config.auth.master_key, data.path()).await?;
    bootstrap(&catalog, &config.live, now()).await?;
    let encoder = worker::encoder_capabilities(config.transcode.ffmpeg.as_ref()).await;
    first_template_group(&catalog, encoder, now()).await?;
    let blobs = Blobs::local(&data.path().join("media")).context("cannot open the media folder")?;
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot start the metrics")?;
    let http_listener = bind("http.listen", &config.http.listen).await?;
    let rtmp_listener = bind("rtmp.listen", &config.rtmp.listen).await?;
    let tls = tls_listener(&config.http, data.path()).await?;
    let addresses = Addresses {
        http: http_listener.local_addr()?,
        https: tls.as_ref().map(TlsListener::local_addr).transpose()?,
        rtmp: rtmp_listener.local_addr()?,
    };

    let space = Space::new(u64::from(config.storage.free_min_mib) << 20);
    look_at_space(&space, &blobs, &data.path().join("media")).await;
    let stopping = CancellationToken::new();
    let (ends, ended) = service::ends();
    let (hub, pushes) = Hub::new(HubLimits { patience: config.recording.disk_patience, ..HubLimits::default() });
    let rest = Handle::current();
    let recorder = Service::start("recorder", media, &ends, |stop| {
        recorder::run(pushes, recorder_deps(&config, &catalog, &blobs, &space), stop)
    });
    let worker = Service::start("worker", &rest, &ends, |stop| {
        worker::run(catalog.clone(), blobs.clone(), worker_settings(&config, addresses, data.path()), stop)
    });
    let edge_secret = edge_secret(&config.edge)?;
    let health = Health {
        stopping: stopping.clone(),
        catalog: catalog.clone(),
        data: data.path().to_owned(),
        metrics: metrics.clone(),
    };
    let usage = origin::Usage::default();
    let settings = api_settings(&config, encoder, addresses.rtmp.port());
    let parts = Parts {
        config: &config,
        settings,
        catalog: &catalog,
        blobs: &blobs,
        space: &space,
        key: &key,
        edge_secret,
        data: data.path(),
    };
    let (app, feed) = app(parts, usage.clone());
    let app = health::router(health).merge(app);
    let limits = http::Limits::new(config.http.connections_max);
    let http = Service::start("http", &rest, &ends, |stop| {
        infallible(http::serve(Listeners { plain: http_listener, tls }, app, limits, stop, HTTP_DRAIN))
    });
    let counts = catalog.clone();
    let counting = Service::start("usage", &rest, &ends, |stop| {
        infallible(async move { usage.run(counts, stop.cancelled_owned()).await })
    });
    let ingest = Service::start("ingest", media, &ends, |stop| {
        infallible(ingest::serve(rtmp_listener, ingest_deps(&config, &catalog, hub, &space), stop))
    });
    let telling = Service::start("console", &rest, &ends, |stop| {
        infallible(async move {
            match feed {
                Some(feed) => feed.run(stop).await,
                None => stop.cancelled().await,
            }
        })
    });
    let upkeep = tokio::spawn(tidy_metrics(metrics));
    let watching = tokio::spawn(watch_space(space.clone(), blobs.clone(), data.path().join("media")));
    let link = web_console::link(&config, &catalog, addresses.http, data.path()).await?;
    data.announce(&Holder {
        pid: std::process::id(),
        http: Some(addresses.http),
        https: addresses.https,
        rtmp: Some(addresses.rtmp),
    })?;
    greet(&key, addresses, link, data.path());

    // Until a signal, or until a service ends by itself.
    // In the order in which they are stopped.
    let services = [ingest, recorder, worker, telling, http, counting];
    let outcome = service::until_over(services, ended, signals, &stopping).await;
    upkeep.abort();
    watching.abort();
    catalog.close().await;
    outcome
}

/// What the answers over HTTP are made of.
struct Parts<'a> {
    config: &'a Config,
    settings: api::Settings,
    catalog: &'a Catalog,
    blobs: &'a Blobs,
    space: &'a Space,
    key: &'a AccessKey,
    edge_secret: Option<Secret>,
    data: &'a Path,
}

/// Everything that is answered over HTTP but how the server is.
fn app(parts: Parts<'_>, usage: origin::Usage) -> (Router, Option<console::Feed>) {
    let Parts { config, settings, catalog, blobs, space, key, edge_secret, data } = parts;
    let root = api::AccessKey { id: key.id.clone(), secret: key.secret.reveal().to_owned() };
    let state = ApiState::new(catalog.clone(), blobs.clone(), settings, [root]).with_space(space.clone());
    let origin = origin::Deps {
        catalog: catalog.clone(),
        blobs: blobs.clone(),
        settings: origin::Settings {
            behind_proxy: config.http.behind_proxy,
            edge_secret: edge_secret.clone(),
            ..origin::Settings::default()
        },
    };
    let edges = edge_secret.map_or_else(Router::new, |secret| api::edge_router(state.clone(), secret));
    let rest = edges.merge(origin::counting_router(origin, usage));
    let api = api::router(state.clone());
    if !config.console.enabled {
        return (api.merge(rest), None);
    }
    let (pages, feed) = console::router(web_console::deps(config, catalog, state, data));
    (api.layer(middleware::from_fn(console::welcome)).merge(pages).merge(rest), Some(feed))
}

/// What edges show; `None` where there are none.
pub fn edge_secret(config: &Edge) -> anyhow::Result<Option<Secret>> {
    match config.secret.reveal() {
        "" => Ok(None),
        secret => match Secret::new(secret) {
            Some(secret) => Ok(Some(secret)),
            None => bail!("edge.secret is to have at least {} letters or digits", Secret::LENGTH_MIN),
        },
    }
}

fn api_settings(config: &Config, encoder: Capabilities, rtmp_port: u16) -> api::Settings {
    api::Settings {
        public_url: config.http.public_url.clone(),
        cycle_seconds_min: config.recording.cycle_seconds_min,
        delay_seconds_min: config.recording.delay_seconds_min,
        undelete_window: config.storage.undelete_window,
        encoder,
        private_receivers: config.callbacks.private_receivers,
        upload_size_max: u64::from(config.uploads.size_max_gib) << 30,
        behind_proxy: config.http.behind_proxy,
        limits: api::Limits {
            reads_per_second: config.auth.reads_per_second,
            writes_per_second: config.auth.writes_per_second,
            failures_per_minute: config.auth.failures_per_minute,
        },
        push: api::PushSettings {
            public_url: config.rtmp.public_url.clone(),
            port: rtmp_port,
            default_domain: config.live.default_push_domain.to_ascii_lowercase(),
        },
        node: NODE.to_owned(),
        ..api::Settings::default()
    }
}

fn ingest_deps(config: &Config, catalog: &Catalog, hub: Hub, space: &Space) -> ingest::Deps {
    let defaults = ingest::Settings::default();
    let settings = ingest::Settings {
        takeover: config.rtmp.takeover,
        pushes_max: usize::try_from(config.rtmp.pushes_max).unwrap_or(usize::MAX),
        busy_max: f64::from(config.rtmp.busy_max_percent) / 100.0,
        waits: Waits { publish: config.rtmp.publish_timeout, ..defaults.waits },
        default_push_domain: config.live.default_push_domain.to_ascii_lowercase(),
        node: NODE.to_owned(),
    };
    ingest::Deps { catalog: catalog.clone(), hub, space: space.clone(), settings }
}

fn recorder_deps(config: &Config, catalog: &Catalog, blobs: &Blobs, space: &Space) -> recorder::Deps {
    recorder::Deps {
        catalog: catalog.clone(),
        blobs: blobs.clone(),
        space: space.clone(),
        ids: Arc::new(Ids::from_os()),
        settings: recorder::Settings { node: NODE.to_owned(), sync_interval: config.recording.sync_interval },
    }
}

fn worker_settings(config: &Config, addresses: Addresses, data: &Path) -> worker::Settings {
    // Where nothing else is said, events go to receivers on this machine.
    let reached = reached_here(addresses.http);
    let public_url = match config.http.public_url.as_str() {
        "" => format!("http://{reached}"),
        configured => configured.to_owned(),
    };
    let defaults = worker::TranscodeSettings::default();
    let at_once = if config.transcode.chunks_at_once == 0 { defaults.at_once } else { config.transcode.chunks_at_once };
    worker::Settings {
        public_url,
        compose_cycles_max: config.recording.compose_cycles_max,
        node: NODE.to_owned(),
        private_receivers: config.callbacks.private_receivers,
        keep_telling: config.callbacks.keep_telling,
        undelete_window: config.storage.undelete_window,
        audit_kept: config.auth.audit_kept,
        alarm: (!config.alarm.url.is_empty()).then(|| worker::AlarmReceiver {
            url: config.alarm.url.clone(),
            key: config.alarm.key.reveal().to_owned(),
        }),
        transcode: worker::TranscodeSettings {
            ffmpeg: config.transcode.ffmpeg.clone().into(),
            scratch: data.join("scratch"),
            at_once,
        },
        uploads: worker::UploadSettings {
            private_sources: config.uploads.private_sources,
            size_max: u64::from(config.uploads.size_max_gib) << 30,
            time_max: config.uploads.time_max,
            pulls_at_once: config.uploads.pulls_at_once,
        },
        ingest: reached_here(addresses.rtmp),
    }
}

/// The address under which this machine reaches what listens there.
pub fn reached_here(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], listen.port())) } else { listen }
}

/// A service that has no errors of its own.
pub async fn infallible(service: impl Future<Output = ()>) -> Result<(), Infallible> {
    service.await;
    Ok(())
}

/// Where the configured catalog is.
pub fn catalog_url(config: &Config, data: &Path) -> anyhow::Result<CatalogUrl> {
    match config.catalog.url.reveal() {
        "" => Ok(CatalogUrl::Sqlite(data.join("catalog.sqlite"))),
        url => url.parse().context("catalog.url"),
    }
}

/// Opens the catalog and brings its schema up to date.
pub async fn open_catalog(config: &Config, data: &Path) -> anyhow::Result<Catalog> {
    let url = catalog_url(config, data)?;
    let catalog = Catalog::open(&url).await.context("cannot open the catalog")?;
    catalog.migrate().await.context("cannot bring the catalog's schema up to date")?;
    Ok(catalog)
}

/// The wall clock.
pub fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Listens on a configured address; the error names the key.
pub async fn bind(key: &str, listen: &Listen) -> anyhow::Result<TcpListener> {
    TcpListener::bind(listen.as_str()).await.with_context(|| format!("cannot listen on {key} = {:?}", listen.as_str()))
}

/// Listens for HTTPS, where that is configured. Certificates that are got are kept below `folder`.
pub async fn tls_listener(config: &Http, folder: &Path) -> anyhow::Result<Option<TlsListener>> {
    if config.tls_listen.is_empty() {
        return Ok(None);
    }
    let certificate = if config.acme_domains.is_empty() {
        let files = Files { certificate: (&config.tls_certificate).into(), key: (&config.tls_key).into() };
        Certificate::Files(FileCertificate::open(files).await?)
    } else {
        let settings = acme::Settings {
            names: config.acme_domains.iter().map(|name| name.to_ascii_lowercase()).collect(),
            contact: config.acme_contact.clone(),
            directory: config.acme_directory.clone(),
            root: (!config.acme_root.is_empty()).then(|| (&config.acme_root).into()),
            folder: folder.join("acme"),
        };
        Certificate::Acme(Box::new(AcmeCertificate::open(settings).await?))
    };
    let listener = bind("http.tls_listen", &Listen::new(&config.tls_listen)).await?;
    Ok(Some(TlsListener { listener, certificate }))
}

/// Every push and every open file counts, and the usual soft limit of 1024 is a login shell's. A failure is no reason not to
/// start: the limits on connections and pushes are told when they are met.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the number of files that may be open");
    }
}

/// Keeps the metrics' memory bounded: histograms are drained in between scrapes.
pub async fn tidy_metrics(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}

/// Looks at the disk as long as the server runs.
async fn watch_space(space: Space, blobs: Blobs, media: PathBuf) {
    let mut ticks = tokio::time::interval(SPACE_LOOK);
    loop {
        ticks.tick().await;
        look_at_space(&space, &blobs, &media).await;
    }
}

/// Measures the disk, tells its metrics and its alarm, and logs when room gets low or is enough again.
async fn look_at_space(space: &Space, blobs: &Blobs, media: &Path) {
    let folder = media.to_owned();
    let measured = match tokio::task::spawn_blocking(move || blobs::measure(&folder)).await {
        Ok(Ok(measured)) => measured,
        Ok(Err(error)) => return tracing::warn!(%error, "the disk cannot be measured"),
        Err(error) => return tracing::warn!(%error, "the disk cannot be measured"),
    };
    let free_mib = measured.free >> 20;
    match space.note(measured) {
        Turn::Low => {
            tracing::error!(free_mib, "the disk is nearly full: no new recording is begun until there is room")
        }
        Turn::Enough => tracing::info!(free_mib, "there is room on the disk again: new recordings are begun"),
        Turn::Same => {}
    }
    blobs.alarm().set_low(space.is_low().then_some(measured.free));
    // A metric is a float; whole MiB are told exactly.
    let mib = f64::from(u32::try_from(free_mib).unwrap_or(u32::MAX));
    metrics::gauge!("storage_free_bytes").set(mib * 1_048_576.0);
    metrics::gauge!("storage_low").set(f64::from(u8::from(space.is_low())));
}

/// Where the server listens, with the real ports.
#[derive(Clone, Copy)]
struct Addresses {
    http: SocketAddr,
    https: Option<SocketAddr>,
    rtmp: SocketAddr,
}

/// Tells a person what is there, once, on standard output. Whoever cannot hear it finds the same in the data folder.
fn greet(key: &AccessKey, addresses: Addresses, console: Option<web_console::Link>, data: &Path) {
    let https = addresses.https.map_or_else(String::new, |https| format!("                 https://{https}/\n"));
    let mut text = format!(
        "Reprise {}\n  push           rtmp://{}/APP/STREAM\n  API and media  http://{}/\n{https}  data           {}\n",
        env!("CARGO_PKG_VERSION"),
        addresses.rtmp,
        addresses.http,
        data.display()
    );
    if let Some(link) = console {
        text += &format!("  console        {}\n", link.url);
        if link.sets_up {
            text += "                 open it to set a password\n";
        }
    }
    if key.fresh {
        let kept = data.join(access_key::FILE);
        text += &format!("  access key     {} {}\n", key.id, key.secret.reveal());
        text += &format!("                 shown this once; kept in {}\n", kept.display());
    }
    if let Err(error) = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        tracing::warn!(%error, "cannot write to standard output");
    }
}

/// SIGTERM and SIGINT, as one stream.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// The next of them.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
