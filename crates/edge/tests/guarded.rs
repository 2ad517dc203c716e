//! An edge before the real origin: whom it lets in, what its playlists say, what it forgets.

mod common;
#[path = "../../origin/tests/common/mod.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use catalog::{AssetStatus, CacheTaskFilter, CacheTaskKind, CacheTaskState, DomainKind, NewCacheTask, Page};
use common::{Got, Running, SECRET, Watch, get, get_with, settings, until};
use door::Secret;
use rpc::url_auth::UrlAuth;
use units::{AssetId, WallTime};
use world::{WALL, World, path, usual};

const VOD: &str = "localhost";
const KEY: &str = "firstkey12345678";
const TYPES: [&str; 3] = ["type_a", "type_b", "type_c"];

/// A world with a video in it, its origin as edges see it, and an edge.
struct Place {
    world: World,
    asset: AssetId,
    watch: Watch,
    origin: String,
    edge: Running,
    folder: tempfile::TempDir,
}

fn now() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap())
}

fn auth_args(kind: &str) -> BTreeMap<String, String> {
    let pairs = [("auth_type", kind), ("auth_key1", KEY), ("ali_auth_delta", "600")];
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Signs a path so that it is good for `seconds`.
fn sign(kind: &str, path: &str, seconds: i64) -> String {
    let expires = WallTime::from_unix_s(now().unix_s() + seconds);
    UrlAuth::of_args(&auth_args(kind)).unwrap().unwrap().until(expires).url(path)
}

impl Place {
    async fn new(kind: Option<&str>) -> Self {
        let world = World::new().await;
        let clip = usual(world.folder.path(), "a.mp4", 6, "30", "320x180", 48_000);
        let asset = world.asset_of(&[&clip]).await;
        if let Some(kind) = kind {
            world.catalog.add_domain(&catalog::Domain::new(VOD, DomainKind::Vod, WALL)).await.unwrap();
            world.catalog.set_domain_config(VOD, "aliauth", &auth_args(kind), WALL).await.unwrap();
        }
        let secret = || Secret::new(SECRET).unwrap();
        let state = api::ApiState::new(world.catalog.clone(), world.blobs.clone(), api::Settings::default(), []);
        let origin_settings = origin::Settings { edge_secret: Some(secret()), ..origin::Settings::default() };
        let deps =
            origin::Deps { catalog: world.catalog.clone(), blobs: world.blobs.clone(), settings: origin_settings };
        let watch = Watch::default();
        let app = api::edge_router(state, secret()).merge(origin::router(deps));
        let origin = watch.clone().over(app).await;
        let folder = tempfile::tempdir().unwrap();
        let edge = Running::start(settings(&origin, folder.path())).await;
        Self { world, asset, watch, origin, edge, folder }
    }

    /// What the edge and the origin answer to the same request.
    async fn both(&self, path: &str, headers: &[(&str, &str)]) -> [Got; 2] {
        let origin = format!("{}{path}", self.world.url.replace("127.0.0.1", VOD));
        [get_with(&self.edge.at(VOD, path), headers).await, get_with(&origin, headers).await]
    }

    async fn task(&self, kind: CacheTaskKind, path: &str) -> String {
        let id = self.world.catalog.ids().request(now()).to_string();
        let task = NewCacheTask {
            id: id.clone(),
            kind,
            domain: VOD.to_owned(),
            path: path.to_owned(),
            object_path: format!("http://{VOD}{path}"),
        };
        let mut tx = self.world.catalog.begin().await.unwrap();
        assert!(tx.add_cache_tasks(&[task], |_| 100, WALL, now()).await.unwrap());
        tx.commit().await.unwrap();
        id
    }

    async fn complete(&self, id: &str) {
        let filter = CacheTaskFilter { ids: vec![id.to_owned()], ..CacheTaskFilter::default() };
        until("the task is complete", async || {
            self.world.catalog.settle_cache_tasks(now()).await.unwrap();
            let task = self.world.catalog.cache_tasks(&filter, Page::ALL).await.unwrap().rows.remove(0);
            task.state == CacheTaskState::Complete && task.percent == 100
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edge_serves_is_what_the_origin_serves_to_the_same_viewer() {
    for kind in [None, Some("type_a"), Some("type_b"), Some("type_c")] {
        let place = Place::new(kind).await;
        let asset = place.asset;
        for name in ["index.m3u8", "video.m3u8", "audio.m3u8", "index.mpd", "source.mp4", "v0.m4s", "init-v0.mp4"] {
            let path = format!("/v/{asset}/{name}");
            for seconds in [60, 300] {
                let url = kind.map_or_else(|| path.clone(), |kind| sign(kind, &path, seconds));
                for headers in [&[][..], &[("range", "bytes=100-199")]] {
                    let [edge, origin] = place.both(&url, headers).await;
                    assert_eq!((edge.status, origin.status < 300), (origin.status, true), "{url}");
                    assert!(edge.body == origin.body, "{url}:\n{:?}\n{:?}", edge.body, origin.body);
                    for header in ["etag", "content-type", "content-length", "content-range", "accept-ranges"] {
                        assert_eq!(edge.header(header), origin.header(header), "{url} {header}");
                    }
                    let policy = |got: &Got| got.header("cache-control").rsplit_once('=').unwrap().0.to_owned();
                    assert_eq!(policy(&edge), policy(&origin), "{url}");
                }
                let [edge, origin] = place.both(&url, &[("if-none-match", "*")]).await;
                assert_eq!((edge.status, origin.status), (304, 304), "{url}");
            }
            let asked = place.watch.asked();
            let once: BTreeSet<&String> = asked.iter().collect();
            assert!(!asked.is_empty() && once.len() == asked.len(), "once for all, whatever their URLs: {asked:?}");
        }
        place.edge.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptions_name_the_same_parts_where_nothing_is_signed() {
    let place = Place::new(None).await;
    let url = place.edge.at(VOD, &format!("/v/{}/index.mpd", place.asset));
    let text = get(&url).await.text();
    assert!(!text.contains("%("), "{text}");
    let direct = world::picture_hashes(&format!("{}/v/{}/index.mpd", place.world.url, place.asset), &[], &[]).await;
    assert_eq!(world::picture_hashes(&url, &[], &[]).await, direct);
    assert_eq!(direct.len(), 180);
    place.edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_refuses_whom_the_origin_refuses_also_what_it_has() {
    for kind in TYPES {
        let place = Place::new(Some(kind)).await;
        let path = format!("/v/{}/source.mp4", place.asset);
        let good = sign(kind, &path, 60);
        assert_eq!(get(&place.edge.at(VOD, &good)).await.status, 200);
        place.watch.asked();
        for url in [
            path.clone(),
            sign(kind, &path, -61),
            good.replace("source.mp4", "index.m3u8"),
            sign(if kind == "type_a" { "type_b" } else { "type_a" }, &path, 60),
            "/app/s1.m3u8".to_owned(),
            "/".to_owned(),
        ] {
            let [edge, origin] = place.both(&url, &[]).await;
            assert!(origin.status >= 400, "{url}");
            assert_eq!((edge.status, edge.word()), (origin.status, origin.word()), "{url}");
        }
        // Another name of the edge is not the way around the domain.
        assert_eq!(get(&place.edge.at("127.0.0.1", &path)).await.word(), "unknown_domain");
        assert_eq!(place.watch.asked(), Vec::<String>::new(), "nobody is asked for them");
        place.edge.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_domain_asks_is_known_to_the_edge_a_moment_later() {
    let place = Place::new(None).await;
    let path = format!("/v/{}/source.mp4", place.asset);
    assert_eq!(get(&place.edge.at(VOD, &path)).await.status, 200);
    let catalog = &place.world.catalog;
    catalog.add_domain(&catalog::Domain::new(VOD, DomainKind::Vod, WALL)).await.unwrap();
    catalog.set_domain_config(VOD, "aliauth", &auth_args("type_a"), WALL).await.unwrap();
    until("it is guarded", async || get(&place.edge.at(VOD, &path)).await.status == 403).await;
    let signed = get(&place.edge.at(VOD, &sign("type_a", &path, 60))).await;
    assert_eq!((signed.status, signed.cache()), (200, "HIT"), "what is kept does not depend on it");
    let list = BTreeMap::from([
        ("refer_domain_allow_list".to_owned(), "example.org".to_owned()),
        ("allow_empty".to_owned(), "off".to_owned()),
    ]);
    catalog.set_domain_config(VOD, "referer_white_list_set", &list, WALL).await.unwrap();
    let url = place.edge.at(VOD, &sign("type_a", &path, 60));
    until("sites are asked for", async || get(&url).await.status == 403).await;
    let from_site = get_with(&url, &[("referer", "https://example.org/")]).await;
    assert_eq!((from_site.status, from_site.header("cache-control").starts_with("private")), (200, true));
    // It goes on from what it was told, also while the origin is away from its start on.
    place.watch.set_away(true);
    place.edge.stop().await;
    let edge = Running::start(settings(&place.origin, place.folder.path())).await;
    let url = edge.at(VOD, &sign("type_a", &path, 60));
    assert_eq!(get(&url).await.word(), "referer_refused");
    assert_eq!(get_with(&url, &[("referer", "https://example.org/")]).await.status, 200);
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_goes_through_the_edge_under_both_of_its_names() {
    let place = Place::new(None).await;
    let clip = usual(place.world.folder.path(), "b.mp4", 10, "30", "320x180", 48_000);
    let writer = place.world.reel(&[&clip]);
    let recording = place.world.begin_recording(writer.reel).await;
    let (edge, domain) = (&place.edge, path().domain().to_owned());
    for (host, index) in
        [("127.0.0.1", format!("/l/{domain}/app/s1.m3u8")), (domain.as_str(), "/app/s1.m3u8".to_owned())]
    {
        let asked = async |url: &reqwest::Url| get_with(url.as_str(), &[("host", host)]).await;
        let url = reqwest::Url::parse(&edge.at("127.0.0.1", &index)).unwrap();
        let got = asked(&url).await;
        assert_eq!((got.status, got.header("cache-control")), (200, "public, max-age=1"), "{index}");
        let child = format!("s1/{recording}/video.m3u8");
        assert!(got.text().contains(&child), "{}", got.text());
        let child = url.join(&child).unwrap();
        let playlist = asked(&child).await;
        assert!(playlist.status == 200 && playlist.text().contains("v0.m4s"), "{}", playlist.text());
        let segment = asked(&child.join("v0.m4s").unwrap()).await;
        assert_eq!((segment.status, segment.header("content-type")), (200, "video/mp4"));
    }
    let segments = place.watch.asked().iter().filter(|asked| asked.contains("v0.m4s")).count();
    assert_eq!(segments, 1, "both names are of one");
    // A second later it is asked for again.
    until("the playlist is asked for again", async || {
        get(&edge.at("127.0.0.1", &format!("/l/{domain}/app/s1.m3u8"))).await;
        place.watch.asked().iter().any(|asked| asked.ends_with("s1.m3u8"))
    })
    .await;
    place.edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_or_blocked_is_gone_from_the_edge_and_tasks_end() {
    let place = Place::new(None).await;
    let (asset, catalog) = (place.asset, &place.world.catalog);
    let at = |name: &str| place.edge.at(VOD, &format!("/v/{asset}/{name}"));
    for name in ["source.mp4", "v0.m4s"] {
        until("it is kept", async || get(&at(name)).await.cache() == "HIT").await;
    }
    // A file, on request.
    let task = place.task(CacheTaskKind::File, &format!("/v/{asset}/v0.m4s")).await;
    place.watch.asked();
    place.complete(&task).await;
    assert_eq!(get(&at("source.mp4")).await.cache(), "HIT");
    assert_eq!(get(&at("v0.m4s")).await.cache(), "MISS");
    // Another beforehand.
    let task = place.task(CacheTaskKind::Preload, &format!("/v/{asset}/a0.m4s")).await;
    place.complete(&task).await;
    until("it is here", async || get(&at("a0.m4s")).await.cache() == "HIT").await;
    // All of it, by the transaction that blocks it, and nobody's task is in the lists.
    let mut tx = catalog.begin().await.unwrap();
    let blocked = catalog::sql::Sql::new("UPDATE asset SET status = $2 WHERE id = $1");
    blocked.arg(asset).arg(AssetStatus::Blocked).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    for name in ["source.mp4", "v0.m4s", "a0.m4s"] {
        until("it is gone", async || get(&at(name)).await.status == 403).await;
    }
    assert_eq!(catalog.cache_tasks(&CacheTaskFilter::default(), Page::ALL).await.unwrap().total, 2);
    catalog.delete_asset(asset, Duration::from_secs(60), now()).await.unwrap();
    until("it is gone", async || get(&at("source.mp4")).await.status == 404).await;
    place.edge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_secret_is_an_edge() {
    let place = Place::new(Some("type_a")).await;
    let path = format!("/v/{}/source.mp4", place.asset);
    for authorization in ["", "Bearer ", "Bearer another-secret-0123", SECRET] {
        let headers = [("authorization", authorization), ("host", VOD)];
        assert_eq!(get_with(&format!("{}{path}", place.origin), &headers).await.word(), "url_not_signed");
        let feed = reqwest::Client::new().post(format!("{}/edge/feed", place.origin));
        let answer = feed.header("authorization", authorization).body("{}").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401);
    }
    let shown = format!("Bearer {SECRET}");
    let media = get_with(&format!("{}{path}", place.origin), &[("authorization", &shown)]).await;
    assert_eq!(media.status, 200);
    let other = get_with(&format!("{}/v/x/../{path}", place.origin), &[("authorization", &shown)]).await;
    assert!(other.status >= 400 || other.body == media.body, "the client resolves dots by itself");
    place.edge.stop().await;
}
