//! A router over a catalog of its own, a clock that stands still, and a client that signs.
#![allow(dead_code, reason = "each test file uses a part")]

mod declared;

use std::sync::atomic::{AtomicU32, Ordering};

use api::{AccessKey, ApiState, Limits, Settings};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use blobs::Blobs;
use catalog::{
    Analysis, AssetStatus, Catalog, CatalogUrl, Ids, MediaFacts, NewPush, NewRecording, OpenCycle, PushStats,
    SealedCycle, TrackFacts,
};
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use http_body_util::BodyExt;
use rpc::Params;
use rpc::oss::Signed;
use serde_json::Value;
use tower::ServiceExt;
use units::{AssetId, Mono, PushId, StreamPath, WallTime};

pub const LIVE: &str = "2016-11-01";
pub const VOD: &str = "2017-03-21";
pub const KEY_ID: &str = "ak1";
pub const KEY_SECRET: &str = "sk1";
pub const PLAY: &str = "play.example.org";
pub const PUSH: &str = "push.example.org";

/// The tests' time: 2026-11-22T16:22:43Z.
pub fn now() -> WallTime {
    WallTime::parse_iso8601("2026-11-22T16:22:43Z").unwrap()
}

pub struct Server {
    pub router: Router,
    pub catalog: Catalog,
    pub blobs: Blobs,
    nonces: AtomicU32,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Without any domain.
    pub async fn empty() -> Self {
        Self::with(Settings::default(), now).await
    }

    /// With a play domain and a push domain that is tied to it.
    pub async fn new() -> Self {
        let server = Self::empty().await;
        server
            .ok(LIVE, "AddLiveDomain", &[("DomainName", PLAY), ("LiveDomainType", "liveVideo"), ("Region", "local")])
            .await;
        server
            .ok(LIVE, "AddLiveDomain", &[("DomainName", PUSH), ("LiveDomainType", "liveEdge"), ("Region", "local")])
            .await;
        server.ok(LIVE, "AddLiveDomainMapping", &[("PullDomain", PLAY), ("PushDomain", PUSH)]).await;
        server
    }

    pub async fn with(settings: Settings, clock: fn() -> WallTime) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, blobs) = Self::stores(&folder).await;
        let key = AccessKey { id: KEY_ID.into(), secret: KEY_SECRET.into() };
        let state = ApiState::new(catalog.clone(), blobs.clone(), settings, [key]).with_clock(clock);
        Self::of(state, catalog, blobs, folder)
    }

    /// With how time passes for whoever asks too often.
    pub async fn limited(limits: Limits, mono: fn() -> Mono) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (catalog, blobs) = Self::stores(&folder).await;
        let key = AccessKey { id: KEY_ID.into(), secret: KEY_SECRET.into() };
        let settings = Settings { limits, ..Settings::default() };
        let state = ApiState::new(catalog.clone(), blobs.clone(), settings, [key]).with_clock(now).with_mono(mono);
        Self::of(state, catalog, blobs, folder)
    }

    async fn stores(folder: &tempfile::TempDir) -> (Catalog, Blobs) {
        let url = CatalogUrl::Sqlite(folder.path().join("catalog.db"));
        let catalog = Catalog::open_with(&url, Ids::seeded(7)).await.unwrap();
        catalog.migrate().await.unwrap();
        (catalog, Blobs::local(&folder.path().join("media")).unwrap())
    }

    fn of(state: ApiState, catalog: Catalog, blobs: Blobs, folder: tempfile::TempDir) -> Self {
        Self { router: api::router(state), catalog, blobs, nonces: AtomicU32::new(0), _folder: folder }
    }

    /// The signed query of a call, with a nonce of its own.
    pub fn query(&self, version: &str, action: &str, params: &[(&str, &str)]) -> String {
        rpc::signed_query("GET", &self.params(version, action, params), KEY_SECRET)
    }

    pub fn params(&self, version: &str, action: &str, params: &[(&str, &str)]) -> Params {
        self.params_of(KEY_ID, version, action, params)
    }

    /// The same with another key.
    pub fn params_of(&self, key: &str, version: &str, action: &str, params: &[(&str, &str)]) -> Params {
        let nonce = format!("nonce-{}", self.nonces.fetch_add(1, Ordering::Relaxed));
        let time = now().to_iso8601();
        let common = [
            ("AccessKeyId", key),
            ("Action", action),
            ("Version", version),
            ("Timestamp", &time),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce),
        ];
        // Those of the test first: of a name that comes twice the first stays.
        params.iter().copied().chain(common).collect()
    }

    /// Status and JSON body. An answer that is no error is what its operation declares.
    pub async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let action = declared::action_of(&request);
        let (status, answer) = answer_of(self.router.clone().oneshot(request).await.unwrap()).await;
        if let Some(action) = action.filter(|_| status == 200) {
            declared::check(&action, &answer);
        }
        (status, answer)
    }

    /// The status and the body of an answer that is no JSON.
    pub async fn send_raw(&self, request: Request<Body>) -> (u16, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub async fn get(&self, query: &str) -> (u16, Value) {
        let request =
            Request::get(format!("/?{query}")).header("host", "vod.example.org:8080").body(Body::empty()).unwrap();
        self.send(request).await
    }

    pub async fn call(&self, version: &str, action: &str, params: &[(&str, &str)]) -> (u16, Value) {
        self.get(&self.query(version, action, params)).await
    }

    /// The answer of a call that succeeds.
    #[track_caller]
    pub fn ok<'a>(
        &'a self,
        version: &'a str,
        action: &'a str,
        params: &'a [(&'a str, &'a str)],
    ) -> impl Future<Output = Value> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let (status, mut answer) = self.call(version, action, params).await;
            assert_eq!(status, 200, "{action} at {caller}: {answer}");
            assert!(answer.get("Code").is_none(), "{action} at {caller}: {answer}");
            let id = answer.as_object_mut().unwrap().remove("RequestId").unwrap();
            assert_eq!(id.as_str().unwrap().len(), 36);
            answer
        }
    }

    /// The status and code of a call that is refused.
    #[track_caller]
    pub fn refused<'a>(
        &'a self,
        version: &'a str,
        action: &'a str,
        params: &'a [(&'a str, &'a str)],
    ) -> impl Future<Output = (u16, String)> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let (status, answer) = self.call(version, action, params).await;
            assert_ne!(status, 200, "{action} at {caller}: {answer}");
            (status, answer["Code"].as_str().unwrap().to_owned())
        }
    }

    /// A push that is live.
    pub async fn push(&self, app: &str, stream: &str) -> PushId {
        let push = NewPush {
            id: self.catalog.ids().push(now()),
            path: StreamPath::new(PLAY, app, stream).unwrap(),
            publish_domain: PUSH.into(),
            params: String::new(),
            client: "203.0.113.7:50123".into(),
            server: "192.0.2.1:1935".into(),
            node: "n1".into(),
            began: now(),
        };
        self.catalog.insert_push(&push).await.unwrap();
        let stats = PushStats {
            width: 1280,
            height: 720,
            fps: 24.99,
            video_kbps: 2000,
            audio_kbps: 128,
            video_codec: "h264".into(),
            audio_codec: "aac".into(),
            ..PushStats::default()
        };
        self.catalog.update_push_stats(&[(push.id, stats)]).await.unwrap();
        push.id
    }

    /// A recorded video of 20.04 s, analysed.
    pub async fn recorded(&self, app: &str, stream: &str, status: AssetStatus) -> AssetId {
        let ids = self.catalog.ids();
        let path = StreamPath::new(PLAY, app, stream).unwrap();
        let rule = RecordRule {
            key: RuleKey { domain: PLAY.into(), app: "*".into(), stream: "*".into() },
            on_demand: OnDemand::Automatic,
            cycle_length: std::time::Duration::from_secs(20),
            grace: std::time::Duration::from_secs(6),
            template_group: NO_TRANSCODE.into(),
            compose_group: None,
            safety_buffer: std::time::Duration::ZERO,
        };
        let (recording, reel, asset) = (ids.recording(now()), ids.reel(now()), ids.asset(now()));
        let new = NewRecording { id: recording, path, rule, reel, node: "n1".into(), began: now() };
        self.catalog.begin_recording(&new).await.unwrap();
        let cycle = OpenCycle { number: 0, asset, from_ticks: 0, began: now() };
        self.catalog.open_cycle(recording, &cycle).await.unwrap();
        let ended = WallTime::from_unix_ms(now().unix_ms + 20_040);
        let sealed = SealedCycle {
            recording,
            cycle: 0,
            asset,
            title: format!("{stream}_{}", now().to_iso8601()),
            template_group: NO_TRANSCODE.into(),
            status,
            reel,
            from_ticks: 0,
            to_ticks: 1_803_600,
            began: now(),
            ended,
            duration_ticks: 1_803_600,
            size_bytes: 5_000_000,
            width: 1280,
            height: 720,
            fps: 25.0,
            bitrate_kbps: 2100,
            sealed_at: now(),
        };
        self.catalog.seal_cycle(&sealed, None).await.unwrap();
        let analysis = Analysis {
            size_bytes: 5_250_000,
            duration_ticks: 1_803_600,
            width: 1280,
            height: 720,
            fps: 25.0,
            bitrate_kbps: 2096,
            tracks: vec![
                TrackFacts {
                    codec: "h264".into(),
                    profile: "High".into(),
                    timescale: 90_000,
                    duration_s: 20.04,
                    bitrate_kbps: 1968,
                    frames: 501,
                    media: MediaFacts::Video { width: 1280, height: 720, fps: 25.0, level: 31, b_frames: true },
                },
                TrackFacts {
                    codec: "aac".into(),
                    profile: "LC".into(),
                    timescale: 48_000,
                    duration_s: 20.03,
                    bitrate_kbps: 128,
                    frames: 939,
                    media: MediaFacts::Audio { sample_rate: 48_000, channels: 2 },
                },
            ],
        };
        self.catalog.set_analysis(asset, &analysis, now()).await.unwrap();
        asset
    }
}

/// Status and JSON body; every answer has the one content type.
pub async fn answer_of(response: Response<Body>) -> (u16, Value) {
    assert_eq!(response.headers()["content-type"], "application/json;charset=utf-8");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert!(answer["RequestId"].is_string(), "{answer}");
    (status, answer)
}

/// The JSON in one of the texts that a client is given.
pub fn told(answer: &Value, name: &str) -> Value {
    serde_json::from_slice(&STANDARD.decode(answer[name].as_str().unwrap()).unwrap()).unwrap()
}

/// A request to the store under what a client was given.
pub fn store_request(answer: &Value, method: &str, key: &str, query: &str, body: &[u8]) -> Request<Body> {
    let (address, auth) = (told(answer, "UploadAddress"), told(answer, "UploadAuth"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let headers = [("x-oss-security-token".to_owned(), text(&auth["SecurityToken"]))];
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into(), value.into())).collect();
    let bucket = text(&address["Bucket"]);
    let date = "Sun, 22 Nov 2026 16:22:43 GMT";
    let signed = Signed {
        method,
        content_md5: "",
        content_type: "",
        date,
        headers: &headers,
        bucket: &bucket,
        key,
        query: &pairs,
    };
    let signature = signed.signature(&text(&auth["AccessKeySecret"]));
    Request::builder()
        .method(method)
        .uri(format!("/{bucket}/{key}?{query}"))
        .header("date", date)
        .header("x-oss-security-token", &headers[0].1)
        .header("authorization", format!("OSS {}:{signature}", text(&auth["AccessKeyId"])))
        .body(Body::from(body.to_vec()))
        .unwrap()
}
