//! A store, a catalog and an origin for tests.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod growing;

use blobs::Blobs;
use catalog::sql::Sql;
use catalog::{AssetStatus, Catalog, CatalogUrl, Domain, DomainKind, NewRecording, OpenCycle, SealedCycle};
use domain::rule::{OnDemand, RecordRule, RuleKey};
use testkit::reels::write_reel;
#[allow(unused_imports, reason = "each test file uses its part")]
pub use testkit::reels::{Clip, Planned, WALL, Writer, clip, plan, usual};
use units::{AssetId, RecordingId, ReelId, StreamPath};

/// A running origin over a store of its own.
pub struct World {
    pub folder: tempfile::TempDir,
    pub blobs: Blobs,
    pub catalog: Catalog,
    pub url: String,
    pub usage: origin::Usage,
}

pub fn path() -> StreamPath {
    StreamPath::new("play.localhost", "app", "s1").unwrap()
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(&folder.path().join("store")).unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let deps =
            origin::Deps { catalog: catalog.clone(), blobs: blobs.clone(), settings: origin::Settings::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let usage = origin::Usage::default();
        let app =
            origin::counting_router(deps, usage.clone()).into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        catalog.add_domain(&Domain::new(path().domain(), DomainKind::Play, WALL)).await.unwrap();
        Self { folder, blobs, catalog, url, usage }
    }

    /// Writes a whole reel of these clips.
    pub fn reel(&self, clips: &[&Clip]) -> Writer {
        write_reel(&self.blobs, self.catalog.ids().reel(WALL), clips)
    }

    pub async fn begin_recording(&self, reel: ReelId) -> RecordingId {
        let id = self.catalog.ids().recording(WALL);
        let rule = RecordRule {
            key: RuleKey { domain: path().domain().to_owned(), app: "*".to_owned(), stream: "*".to_owned() },
            on_demand: OnDemand::Automatic,
            cycle_length: std::time::Duration::from_secs(3600),
            grace: std::time::Duration::from_secs(60),
            template_group: "VOD_NO_TRANSCODE".to_owned(),
            compose_group: None,
            safety_buffer: std::time::Duration::ZERO,
        };
        let new = NewRecording { id, path: path(), rule, reel, node: "local".to_owned(), began: WALL };
        self.catalog.begin_recording(&new).await.unwrap();
        id
    }

    /// An asset of these spans.
    pub async fn asset(&self, spans: &[(ReelId, i64, i64)]) -> AssetId {
        let (reel, from_ticks, to_ticks) = spans[0];
        let recording = self.begin_recording(reel).await;
        let asset = self.catalog.ids().asset(WALL);
        self.catalog.open_cycle(recording, &OpenCycle { number: 0, asset, from_ticks, began: WALL }).await.unwrap();
        let sealed = SealedCycle {
            recording,
            cycle: 0,
            asset,
            title: "t".to_owned(),
            template_group: "VOD_NO_TRANSCODE".to_owned(),
            status: AssetStatus::Normal,
            reel,
            from_ticks,
            to_ticks,
            began: WALL,
            ended: WALL,
            duration_ticks: to_ticks - from_ticks,
            size_bytes: 0,
            width: 0,
            height: 0,
            fps: 0.0,
            bitrate_kbps: 0,
            sealed_at: WALL,
        };
        self.catalog.seal_cycle(&sealed, None).await.unwrap();
        let mut tx = self.catalog.begin().await.unwrap();
        for (position, (reel, from, to)) in (0i64..).zip(spans).skip(1) {
            Sql::new("INSERT INTO span (asset, position, reel, from_ticks, to_ticks) VALUES ($1, $2, $3, $4, $5)")
                .arg(asset)
                .arg(position)
                .arg(*reel)
                .arg(*from)
                .arg(*to)
                .run(&mut tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        asset
    }

    /// An asset of all of these clips, on one reel.
    pub async fn asset_of(&self, clips: &[&Clip]) -> AssetId {
        let writer = self.reel(clips);
        self.asset(&[(writer.reel, 0, writer.end())]).await
    }

    pub fn at(&self, asset: AssetId, name: &str) -> String {
        format!("{}/v/{asset}/{name}", self.url)
    }
}

/// ffmpeg's hash of every decoded picture, in order of showing; it must be silent.
pub async fn picture_hashes(source: &str, before: &[&str], after: &[&str]) -> Vec<String> {
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error"]).args(before).args([
        "-i",
        source,
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
    ]);
    let said = ffmpeg.args(after).args(["-f", "framemd5", "-"]).output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stderr), "", "ffmpeg on {source}");
    let lines = String::from_utf8(said.stdout).unwrap();
    let hash = |line: &str| line.rsplit(',').next().unwrap().trim().to_owned();
    lines.lines().filter(|line| !line.starts_with('#')).map(hash).collect()
}
