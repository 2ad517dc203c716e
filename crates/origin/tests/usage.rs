//! What is counted as played and sent, and files of the library.

mod common;

use std::time::Duration;

use catalog::{Description, NewLibraryFile, Page, StoredFile, UsageBy, UsageFilter};
use common::{WALL, World, usual};
use domain::event::FileKind;
use reqwest::{Method, StatusCode};
use units::WallTime;

async fn counted(world: &World) -> Vec<(String, u64, u64)> {
    world.usage.write(&world.catalog).await.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = WallTime::from_unix_s(now.try_into().unwrap());
    let hours = Duration::from_secs(7_200);
    let filter = UsageFilter { from: now.before(hours), to: now.after(hours), domain: None, media: None };
    let (sums, _) = world.catalog.usage(&filter, UsageBy::Media, Page::ALL).await.unwrap();
    sums.into_iter().map(|sum| (sum.of, sum.plays, sum.bytes)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_who_gets_media_is_one_play_and_all_bytes_count() {
    let world = World::new().await;
    let clip = usual(world.folder.path(), "a.mp4", 9, "30", "320x180", 48_000);
    let asset = world.asset_of(&[&clip]).await;
    let get = async |method: Method, name: &str, agent: &str| {
        let request = reqwest::Client::new().request(method, world.at(asset, name)).header("user-agent", agent);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{name}");
        response.bytes().await.unwrap().len() as u64
    };
    let playlists = get(Method::GET, "index.m3u8", "a").await + get(Method::GET, "video.m3u8", "a").await;
    get(Method::HEAD, "source.mp4", "a").await;
    let media = asset.to_string();
    assert_eq!(counted(&world).await, [(media.clone(), 0, playlists)], "nothing was seen yet");
    let first = get(Method::GET, "v0.m4s", "a").await + get(Method::GET, "a0.m4s", "a").await;
    assert_eq!(counted(&world).await, [(media.clone(), 1, playlists + first)]);
    let second = get(Method::GET, "source.mp4", "b").await;
    let all = playlists + first + second;
    assert_eq!(counted(&world).await, [(media.clone(), 2, all)], "another viewer");
    assert_eq!(counted(&world).await, [(media, 2, all)], "written once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_library_is_served_as_it_was_sent_until_it_is_deleted() {
    let world = World::new().await;
    let new = NewLibraryFile {
        kind: FileKind::Attached,
        purpose: "subtitle".to_owned(),
        description: Description::default(),
        file_name: "a.srt".to_owned(),
        extension: "srt".to_owned(),
    };
    let file = world.catalog.begin_library_file(&new, WALL).await.unwrap();
    let url = world.at(file.id, "file.srt");
    let get = async |url: &str| {
        let response = reqwest::get(url).await.unwrap();
        (
            response.status(),
            response.headers()["content-type"].to_str().unwrap().to_owned(),
            response.text().await.unwrap(),
        )
    };
    world.blobs.put(&file.key(), bytes::Bytes::from_static(b"words")).await.unwrap();
    assert_eq!(get(&url).await.0, StatusCode::NOT_FOUND, "it is not here yet");
    let stored = StoredFile { size_bytes: 5, md5: "x".to_owned(), width: 0, height: 0 };
    assert!(world.catalog.finish_library_file(file.id, &stored, WALL).await.unwrap());
    tokio::time::timeout(Duration::from_secs(20), async {
        // What the origin knows may be a second old.
        while get(&url).await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(get(&url).await, (StatusCode::OK, "text/plain; charset=utf-8".to_owned(), "words".to_owned()));
    assert_eq!(get(&world.at(file.id, "file.html")).await.0, StatusCode::NOT_FOUND);
    assert!(counted(&world).await.iter().all(|(_, plays, _)| *plays == 0), "nothing was played");
    assert!(world.catalog.delete_library_file(file.id, WALL).await.unwrap());
    tokio::time::timeout(Duration::from_secs(20), async {
        while get(&url).await.0 != StatusCode::NOT_FOUND {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_between_two_times_is_played_like_a_video() {
    let world = World::new().await;
    let clip = usual(world.folder.path(), "a.mp4", 9, "30", "320x180", 48_000);
    let writer = world.reel(&[&clip]);
    world.asset(&[(writer.reel, 0, writer.end())]).await;
    let index = catalog::RecordIndex {
        id: world.catalog.ids().asset(WALL),
        path: common::path(),
        bucket: String::new(),
        endpoint: String::new(),
        object: String::new(),
        began: WALL,
        ended: WALL,
        duration_ticks: writer.end(),
        width: 320,
        height: 180,
        created: WALL,
    };
    let first = writer.index.segments[0].begin;
    world.catalog.add_record_index(&index, &[(writer.reel, first, first + 1)]).await.unwrap();
    let playlist = reqwest::get(world.at(index.id, "video.m3u8")).await.unwrap().text().await.unwrap();
    assert!(playlist.contains("v0.m4s") && !playlist.contains("v1.m4s"), "one segment begins in it: {playlist}");
    let segment = reqwest::get(world.at(index.id, "v0.m4s")).await.unwrap();
    assert_eq!(segment.status(), StatusCode::OK);
    let one = world.catalog.spans(index.id).await.unwrap();
    assert_eq!(one.len(), 1);
}
