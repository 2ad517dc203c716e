//! A running ingest with a catalog of its own, and the reading side of its hub.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use blobs::Space;
use catalog::{Catalog, CatalogUrl, Domain, DomainKind, Mapping, Push};
use codec::{Frame, TrackKind};
use hub::{Hub, HubLimits, NewPush, PushEnd, Pushes};
use ingest::{Deps, Settings, serve};
use rtmp::Waits;
use tempfile::TempDir;
use testkit::publisher::Publisher;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use units::{PushId, WallTime};

/// How long a state may take to come about before a test has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    pub catalog: Catalog,
    pub hub: Hub,
    pub space: Space,
    pub address: SocketAddr,
    pushes: Pushes,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    _folder: TempDir,
}

/// What came out of the hub for one push.
#[derive(Debug, Default)]
pub struct Read {
    pub configs: usize,
    pub video: Vec<i64>,
    pub audio: Vec<i64>,
    pub keys: usize,
    pub end: Option<PushEnd>,
}

impl World {
    pub async fn start() -> Self {
        Self::start_with(Settings::default()).await
    }

    /// A session that is silent for a second is given up.
    pub fn impatient() -> Settings {
        let waits =
            Waits { handshake: Duration::from_secs(1), publish: Duration::from_secs(2), idle: Duration::from_secs(1) };
        Settings { waits, ..Settings::default() }
    }

    pub async fn start_with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"));
        let catalog = Catalog::open(&url).await.unwrap();
        catalog.migrate().await.unwrap();
        let (hub, pushes) = Hub::new(HubLimits::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let space = Space::new(1 << 30);
        let deps = Deps { catalog: catalog.clone(), hub: hub.clone(), space: space.clone(), settings };
        let serving = tokio::spawn(serve(listener, deps, shutdown.clone()));
        let world = Self { catalog, hub, space, address, pushes, shutdown, serving, _folder: folder };
        world.add_pair("push.localhost", "play.localhost").await;
        world
    }

    pub async fn add_pair(&self, push: &str, play: &str) {
        let now = WallTime::from_unix_ms(1);
        for (name, kind) in [(push, DomainKind::Push), (play, DomainKind::Play)] {
            let domain = Domain::new(name, kind, now);
            self.catalog.add_domain(&domain).await.unwrap();
        }
        let mapping = Mapping { push_domain: push.to_owned(), play_domain: play.to_owned() };
        self.catalog.add_mapping(&mapping, now).await.unwrap();
    }

    /// Turns type A on for a domain.
    pub async fn sign(&self, domain: &str, key: &str) {
        self.catalog.set_domain_config(domain, "aliauth", &auth_args(key), WallTime::from_unix_ms(1)).await.unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("rtmp://{}/{path}", self.address)
    }

    pub async fn publish(&self, path: &str) -> Publisher {
        Publisher::connect(&self.url(path)).await.unwrap()
    }

    /// Why a publish is refused.
    pub async fn refusal(&self, path: &str) -> String {
        Publisher::connect(&self.url(path)).await.unwrap_err().to_string()
    }

    /// The next push in the recorder's inbox.
    pub async fn next_push(&mut self) -> NewPush {
        timeout(PATIENCE, self.pushes.next()).await.expect("a push in the inbox").unwrap()
    }

    /// The row of a push once it is ended.
    pub async fn ended_row(&self, push: PushId) -> Push {
        let ended = async {
            loop {
                match self.catalog.push(push).await.unwrap() {
                    Some(row) if row.ended.is_some() => return row,
                    _ => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        timeout(PATIENCE, ended).await.expect("the row is ended")
    }

    /// Runs the shutdown to its end.
    pub async fn stop(self) {
        self.shutdown.cancel();
        timeout(PATIENCE, self.serving).await.expect("ingest stops").unwrap();
    }
}

/// Reads a push to its end.
pub async fn read_all(push: &mut NewPush) -> Read {
    let mut read = Read::default();
    while let Some(batch) = timeout(PATIENCE, push.frames.next()).await.expect("a batch or the end") {
        for frame in &batch.frames {
            match frame {
                Frame::Config(_) => read.configs += 1,
                Frame::Sample(sample) => match sample.track {
                    TrackKind::Video => {
                        read.keys += usize::from(sample.sync);
                        read.video.push(sample.dts);
                    }
                    TrackKind::Audio => read.audio.push(sample.dts),
                },
            }
        }
    }
    read.end = push.frames.end();
    read
}

/// How long a signed URL lives, in seconds.
pub const AUTH_VALIDITY_S: i64 = 600;

/// URL authentication of type A with this key.
pub fn auth_args(key: &str) -> BTreeMap<String, String> {
    let validity = AUTH_VALIDITY_S.to_string();
    let args = [("auth_type", "type_a"), ("auth_key1", key), ("ali_auth_delta", &validity)];
    args.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
