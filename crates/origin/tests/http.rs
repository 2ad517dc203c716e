//! What is answered: ranges, conditions, refusals.

mod common;

use catalog::AssetStatus;
use catalog::sql::Sql;
use common::{World, usual};
use reqwest::{Method, StatusCode};
use units::AssetId;

async fn world() -> (World, AssetId) {
    let world = World::new().await;
    let clip = usual(world.folder.path(), "a.mp4", 9, "30", "320x180", 48_000);
    let asset = world.asset_of(&[&clip]).await;
    (world, asset)
}

async fn get(url: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = reqwest::Client::new().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_range_of_the_mp4_is_that_of_the_whole() {
    let (world, asset) = world().await;
    let url = world.at(asset, "source.mp4");
    let whole = get(&url, &[]).await.bytes().await.unwrap();
    let size = whole.len();
    for (asked, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=0-".to_owned(), 0, size),
        (format!("bytes=-{}", size / 3), size - size / 3, size),
        (format!("bytes={}-{}", size / 2, size / 2 + 70_000), size / 2, size / 2 + 70_001),
        (format!("bytes={}-{}", size - 5, size + 100), size - 5, size),
        ("bytes=-99999999999".to_owned(), 0, size),
    ] {
        let response = get(&url, &[("range", &asked)]).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{asked}");
        assert_eq!(header(&response, "content-range"), format!("bytes {from}-{}/{size}", to - 1));
        assert_eq!(header(&response, "content-length"), (to - from).to_string());
        assert!(response.bytes().await.unwrap() == whole.slice(from..to), "{asked}");
    }
    let beyond = get(&url, &[("range", &format!("bytes={size}-"))]).await;
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(header(&beyond, "content-range"), format!("bytes */{size}"));
    assert!(beyond.text().await.unwrap().contains("\"error\":\"no_such_range\""));
    let several = get(&url, &[("range", "bytes=0-1,5-6")]).await;
    assert_eq!((several.status(), several.bytes().await.unwrap().len()), (StatusCode::OK, size));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_player_has_is_not_sent_again() {
    let (world, asset) = world().await;
    for name in ["index.m3u8", "video.m3u8", "init-v0.mp4", "v0.m4s", "source.mp4"] {
        let url = world.at(asset, name);
        let first = get(&url, &[]).await;
        let tag = header(&first, "etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 18, "{name}: {tag}");
        let again = get(&url, &[("if-none-match", &format!("\"other\", W/{tag}"))]).await;
        assert_eq!((again.status(), header(&again, "etag")), (StatusCode::NOT_MODIFIED, tag.as_str()));
        assert_eq!(get(&url, &[("if-none-match", "\"other\"")]).await.status(), StatusCode::OK);
        let part = get(&url, &[("range", "bytes=0-9"), ("if-range", &tag)]).await;
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        for other in ["\"other\"", "Sun, 01 Mar 2026 10:00:00 GMT"] {
            let whole = get(&url, &[("range", "bytes=0-9"), ("if-range", other)]).await;
            assert_eq!(whole.status(), StatusCode::OK, "{name} {other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_tell_type_size_and_age_and_let_any_site_play() {
    let (world, asset) = world().await;
    for (name, kind, age) in [
        ("index.m3u8", "application/vnd.apple.mpegurl", "public, max-age=60"),
        ("audio.m3u8", "application/vnd.apple.mpegurl", "public, max-age=60"),
        ("init-a0.mp4", "audio/mp4", "public, max-age=86400, immutable"),
        ("v1.m4s", "video/mp4", "public, max-age=86400, immutable"),
        ("source.mp4", "video/mp4", "public, max-age=86400, immutable"),
    ] {
        let url = world.at(asset, name);
        let response = get(&url, &[("origin", "https://example.com")]).await;
        assert_eq!((header(&response, "content-type"), header(&response, "cache-control")), (kind, age), "{name}");
        assert_eq!(header(&response, "access-control-allow-origin"), "*");
        assert_eq!(header(&response, "accept-ranges"), "bytes");
        let length = header(&response, "content-length").to_owned();
        assert_eq!(length, response.bytes().await.unwrap().len().to_string());
        let head = reqwest::Client::new().head(&url).send().await.unwrap();
        assert_eq!((head.status(), header(&head, "content-length")), (StatusCode::OK, length.as_str()), "{name}");
        assert!(head.bytes().await.unwrap().is_empty());
        let preflight = reqwest::Client::new().request(Method::OPTIONS, &url).send().await.unwrap();
        assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
        assert!(header(&preflight, "access-control-allow-headers").contains("Range"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_to_be_shown_is_refused_in_json() {
    let (world, asset) = world().await;
    let other = world.catalog.ids().asset(common::WALL);
    let names = [
        "v9.m4s",
        "v00.m4s",
        "i9.m4s",
        "init-v1.mp4",
        "init-a7.mp4",
        "x",
        "..%2f..%2fcatalog.sqlite",
        "v99999999999999999999.m4s",
    ];
    let mut urls: Vec<String> = names.iter().map(|name| world.at(asset, name)).collect();
    urls.extend([world.at(other, "index.m3u8"), format!("{}/v/zz/index.m3u8", world.url)]);
    for live in ["/l/play.localhost/app/none.m3u8", "/l/play.localhost/app/x", "/l/a%20b/c/d.m3u8", "/l/a/b/c/d/e"] {
        urls.push(format!("{}{live}", world.url));
    }
    for url in urls {
        let response = get(&url, &[]).await;
        assert_eq!(
            (response.status(), header(&response, "content-type")),
            (StatusCode::NOT_FOUND, "application/json"),
            "{url}"
        );
        assert_eq!(header(&response, "cache-control"), "no-store");
        let text = response.text().await.unwrap();
        let body: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(body["error"].is_string() && body["message"].is_string(), "{text}");
    }

    let mut tx = world.catalog.begin().await.unwrap();
    let blocked = AssetStatus::Blocked.as_str();
    Sql::new("UPDATE asset SET status = $1 WHERE id = $2").arg(blocked).arg(asset).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut refused = get(&world.at(asset, "v0.m4s"), &[]).await;
    for _ in 0..100 {
        if refused.status() != StatusCode::OK {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        refused = get(&world.at(asset, "v0.m4s"), &[]).await;
    }
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.text().await.unwrap().contains("Blocked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_index_is_an_error_of_ours_and_not_a_wrong_picture() {
    let (world, asset) = world().await;
    let files = world.blobs.list("reels").await.unwrap();
    for file in files.iter().filter(|file| file.key.ends_with("samples.idx")) {
        let mut bytes = world.blobs.get(&file.key).await.unwrap().to_vec();
        bytes[40] ^= 1;
        world.blobs.put(&file.key, bytes.into()).await.unwrap();
    }
    assert_eq!(get(&world.at(asset, "video.m3u8"), &[]).await.status(), StatusCode::OK);
    for name in ["v0.m4s", "source.mp4"] {
        let response = get(&world.at(asset, name), &[]).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{name}");
        assert!(!response.text().await.unwrap().contains("reels"), "the cause is for the log");
    }
}
