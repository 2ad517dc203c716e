//! The live edge: parts, and playlists that wait for them.

mod common;

use std::collections::BTreeMap;

use common::growing::{Growing, attributes};
use common::{WALL, World, path};
use reqwest::{Response, StatusCode};
use rpc::url_auth::UrlAuth;
use tokio::task::JoinSet;
use units::WallTime;

async fn get(url: &str) -> Response {
    reqwest::get(url).await.unwrap()
}

async fn text(url: &str) -> String {
    let answer = get(url).await;
    assert_eq!(answer.status(), StatusCode::OK, "{url}");
    answer.text().await.unwrap()
}

/// The names of the parts of the open segment.
fn open_parts(list: &str) -> Vec<String> {
    let tail = list.rsplit("#EXTINF:").next().unwrap();
    let hint = |name: &String| list.contains(&format!("HINT:TYPE=PART,URI=\"{name}\""));
    attributes(tail).into_iter().filter(|name| name.ends_with(".m4s") && !hint(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_is_sent_when_it_has_what_is_asked_for() {
    let world = World::new().await;
    let mut growing = Growing::begin(&world, world.folder.path()).await;
    let path = path();
    let index = format!("{}/l/{}/{}/{}/low.m3u8", world.url, path.domain(), path.app(), path.stream());
    let list = text(&index).await;
    assert!(list.contains(&format!("\n{}/low-video.m3u8\n", growing.recording)), "{list}");
    let video = format!("{}{}", world.url, growing.at("low-video.m3u8"));
    let answer = get(&video).await;
    assert_eq!(answer.headers()["cache-control"], "public, max-age=1");
    let list = answer.text().await.unwrap();
    assert_eq!(open_parts(&list), ["v1.0.m4s", "v1.1.m4s"], "{list}");
    assert!(list.contains("#EXT-X-RENDITION-REPORT:URI=\"low-audio.m3u8\",LAST-MSN=1,LAST-PART=1\n"), "{list}");

    for part in 2..4 {
        let mut viewers = JoinSet::new();
        for viewer in 0..40 {
            let url =
                format!("{video}?_HLS_msn=1&_HLS_part={part}{}", if viewer % 2 == 0 { "" } else { "&_HLS_skip=YES" });
            viewers.spawn(async move {
                let answer = get(&url).await;
                assert_eq!(answer.headers()["cache-control"], "public, max-age=36");
                answer.text().await.unwrap()
            });
        }
        growing.grow();
        while let Some(list) = viewers.join_next().await {
            let list = list.unwrap();
            assert_eq!(open_parts(&list).len(), part + 1, "{list}");
        }
    }

    // The hint is a promise: who takes it at its word gets the part, which stays what it is.
    let hint = format!("{}{}", world.url, growing.at("v2.0.m4s"));
    let open = format!("{}{}", world.url, growing.at("v1.1.m4s"));
    let before = get(&open).await.bytes().await.unwrap();
    let (whole, far) = (format!("{video}?_HLS_msn=1"), format!("{video}?_HLS_msn=3"));
    let waiting = tokio::spawn(async move { text(&whole).await });
    assert_eq!(get(&far).await.status(), StatusCode::BAD_REQUEST);
    growing.seal();
    let list = waiting.await.unwrap();
    assert!(list.contains("\nv1.m4s\n") && list.contains("PART,URI=\"v2.0.m4s\""), "{list}");
    let answer = get(&open).await;
    assert_eq!(answer.headers()["cache-control"], "public, max-age=86400, immutable");
    assert_eq!(answer.bytes().await.unwrap(), before);
    for name in ["v1.99.m4s", "v7.0.m4s", "v2.50.m4s"] {
        assert_eq!(get(&format!("{}{}", world.url, growing.at(name))).await.status(), 404, "{name}");
    }

    // After the end nobody waits.
    let waiting = tokio::spawn(async move { get(&hint).await.status() });
    growing.end(&world).await;
    assert_eq!(waiting.await.unwrap(), 404);
    let list = text(&format!("{video}?_HLS_msn=2&_HLS_part=0")).await;
    assert!(list.ends_with("\nv1.m4s\n#EXT-X-ENDLIST\n"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_urls_are_signed_every_part_is() {
    for kind in ["type_a", "type_b", "type_c"] {
        let world = World::new().await;
        let mut growing = Growing::begin(&world, world.folder.path()).await;
        let pairs = [("auth_type", kind), ("auth_key1", "firstkey12345678"), ("ali_auth_delta", "600")];
        let args: BTreeMap<_, _> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        world.catalog.set_domain_config(path().domain(), "aliauth", &args, WALL).await.unwrap();
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let until = WallTime::from_unix_s(i64::try_from(since.as_secs()).unwrap() + 60);
        let playlist = growing.at("low-audio.m3u8");
        let signed = UrlAuth::of_args(&args).unwrap().unwrap().until(until).url(&playlist);
        let base = reqwest::Url::parse(&format!("{}{signed}", world.url)).unwrap();
        let mut next = base.clone();
        // As a player does: behind what is there.
        let query = base.query().map_or_else(String::new, |query| format!("{query}&"));
        next.set_query(Some(&format!("{query}_HLS_msn=1&_HLS_part=2")));
        let waiting = tokio::spawn(async move { text(next.as_str()).await });
        growing.grow();
        let list = waiting.await.unwrap();
        growing.grow();
        let named: Vec<_> = attributes(&list)
            .into_iter()
            .chain(list.lines().filter(|line| !line.starts_with('#')).map(str::to_owned))
            .collect();
        assert!(named.iter().any(|name| name.contains("/a1.2.m4s") || name.starts_with("a1.2.m4s")), "{list}");
        for name in &named {
            let url = base.join(name).unwrap();
            assert_eq!(get(url.as_str()).await.status(), 200, "{kind} {url}");
            let bare = name.split('?').next().unwrap().rsplit('/').next().unwrap();
            let bare = format!("{}{}", world.url, growing.at(bare));
            assert_eq!(get(&bare).await.status(), 403, "{kind} {bare}");
        }
    }
}
