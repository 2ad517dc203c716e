//! A worker on a catalog and a store of its own.

use std::time::Duration;

use blobs::Blobs;
use catalog::*;
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use tokio_util::sync::CancellationToken;
use units::{AssetId, ReelId, StreamPath, WallTime};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Running {
    pub catalog: Catalog,
    pub blobs: Blobs,
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Running {
    pub async fn start(private_receivers: bool) -> Self {
        Self::start_with(private_receivers, async |_: &Catalog| {}).await
    }

    /// Like [`start`](Self::start), after `prepare` has filled the catalog.
    pub async fn start_with(private_receivers: bool, prepare: impl AsyncFnOnce(&Catalog)) -> Self {
        let settings = worker::Settings {
            node: "n1".into(),
            private_receivers,
            keep_telling: Duration::ZERO,
            undelete_window: Duration::ZERO,
            ..Default::default()
        };
        Self::start_as(settings, prepare).await
    }

    /// With all settings.
    pub async fn start_as(settings: worker::Settings, prepare: impl AsyncFnOnce(&Catalog)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        prepare(&catalog).await;
        let blobs = Blobs::local(folder.path()).unwrap();
        let stop = CancellationToken::new();
        let (to_run, token) = (worker::run(catalog.clone(), blobs.clone(), settings, stop.clone()), stop.clone());
        let task = tokio::spawn(async move {
            to_run.await.unwrap();
            drop(token);
        });
        Self { catalog, blobs, stop, task: Some(task), _folder: folder }
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        self.task.take().unwrap().await.unwrap();
    }
}

pub fn at(second: i64) -> WallTime {
    WallTime::from_unix_s(1_772_359_200 + second)
}

pub fn path(stream: &str) -> StreamPath {
    StreamPath::new("play.example.org", "cup", stream).unwrap()
}

pub async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let waited = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waited).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A recording of one reel whose cycles, `(from, to)` in ticks, are sealed assets.
pub async fn recorded(catalog: &Catalog, stream: &str, cycles: &[(i64, i64)]) -> (Recording, Vec<AssetId>) {
    recorded_to_compose(catalog, stream, cycles, None).await
}

/// The same, under a rule with a compose group.
pub async fn recorded_to_compose(
    catalog: &Catalog,
    stream: &str,
    cycles: &[(i64, i64)],
    compose_group: Option<&str>,
) -> (Recording, Vec<AssetId>) {
    let rule = RecordRule {
        key: RuleKey { domain: "play.example.org".into(), app: "*".into(), stream: "*".into() },
        on_demand: OnDemand::Automatic,
        cycle_length: Duration::from_secs(3600),
        grace: Duration::from_secs(180),
        template_group: NO_TRANSCODE.into(),
        compose_group: compose_group.map(str::to_owned),
        safety_buffer: Duration::ZERO,
    };
    let ids = catalog.ids();
    let reel: ReelId = ids.reel(at(0));
    let new =
        NewRecording { id: ids.recording(at(0)), path: path(stream), rule, reel, node: "n1".into(), began: at(0) };
    catalog.begin_recording(&new).await.unwrap();
    let mut assets = Vec::new();
    for (number, (from, to)) in (0..).zip(cycles) {
        let asset = ids.asset(at(0));
        catalog.open_cycle(new.id, &OpenCycle { number, asset, from_ticks: *from, began: at(0) }).await.unwrap();
        let sealed = SealedCycle {
            recording: new.id,
            cycle: number,
            asset,
            title: stream.into(),
            template_group: NO_TRANSCODE.into(),
            status: AssetStatus::Normal,
            reel,
            from_ticks: *from,
            to_ticks: *to,
            began: at(0),
            ended: at(20),
            duration_ticks: to - from,
            size_bytes: 1,
            width: 0,
            height: 0,
            fps: 0.0,
            bitrate_kbps: 0,
            sealed_at: at(20),
        };
        catalog.seal_cycle(&sealed, None).await.unwrap();
        assets.push(asset);
    }
    (catalog.recording(new.id).await.unwrap().unwrap(), assets)
}
