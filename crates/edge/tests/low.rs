//! Low latency through an edge: those who want the same wait together, and nobody gets what another one asked for.

mod common;
#[path = "../../origin/tests/common/mod.rs"]
mod world;

use common::{Running, SECRET, Watch, get, settings};
use door::Secret;
use tokio::task::JoinSet;
use world::World;
use world::growing::{Growing, attributes};

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_same_part_waits_once_and_for_that_part_alone() {
    let world = World::new().await;
    let mut growing = Growing::begin(&world, world.folder.path()).await;
    let secret = || Secret::new(SECRET).unwrap();
    let state = api::ApiState::new(world.catalog.clone(), world.blobs.clone(), api::Settings::default(), []);
    let origin_settings = origin::Settings { edge_secret: Some(secret()), ..origin::Settings::default() };
    let deps = origin::Deps { catalog: world.catalog.clone(), blobs: world.blobs.clone(), settings: origin_settings };
    let watch = Watch::default();
    let origin = watch.clone().over(api::edge_router(state, secret()).merge(origin::router(deps))).await;
    let folder = tempfile::tempdir().unwrap();
    let edge = Running::start(settings(&origin, folder.path())).await;
    let video = growing.at("low-video.m3u8");
    let at = |query: &str| edge.at("127.0.0.1", &format!("{video}?{query}"));
    for part in 1..3 {
        let mut viewers = JoinSet::new();
        for viewer in 0..30 {
            let query = match viewer % 3 {
                0 => format!("_HLS_msn=1&_HLS_part={part}"),
                1 => format!("x={viewer}&_HLS_part={part}&_HLS_msn=1"),
                _ => format!("_HLS_part=0{part}&_HLS_msn=1&_HLS_skip=NO"),
            };
            let url = at(&query);
            viewers.spawn(async move { get(&url).await });
        }
        if part > 1 {
            growing.grow();
        }
        let mut got = Vec::new();
        while let Some(one) = viewers.join_next().await {
            got.push(one.unwrap());
        }
        let last = format!("\"v1.{part}.m4s\"");
        assert!(got.iter().all(|one| one.status == 200 && one.text().contains(&last)), "{got:?}");
        assert!(got.iter().all(|one| one.body == got[0].body && one.header("cache-control") == "public, max-age=36"));
        assert_eq!(watch.asked(), [format!("{video}?_HLS_msn=1&_HLS_part={part}")]);
        // As the origin writes it for a viewer of its own.
        let own = get(&format!("{}{video}?_HLS_msn=1&_HLS_part={part}", world.url)).await;
        assert_eq!((own.text(), own.header("etag")), (got[0].text(), got[0].header("etag")));
        // What was waited for before is still there for who asks for that.
        let earlier = get(&at("_HLS_msn=1&_HLS_part=1")).await;
        assert!(earlier.text().contains("\"v1.1.m4s\"") && earlier.cache() == "HIT");
    }
    // A part that is announced is waited for here, too.
    let hint = attributes(&get(&at("")).await.text()).into_iter().find(|name| name == "v1.3.m4s").unwrap();
    let hint = edge.at("127.0.0.1", &growing.at(&hint));
    let waiting = tokio::spawn(async move { get(&hint).await });
    growing.grow();
    let part = waiting.await.unwrap();
    let own = get(&format!("{}{}", world.url, growing.at("v1.3.m4s"))).await;
    assert_eq!((part.status, part.body), (200, own.body));
    assert_eq!(get(&at("_HLS_msn=9")).await.status, 400);
    assert_eq!(get(&at("_HLS_msn=x")).await.word(), "bad_request");
    edge.stop().await;
}
