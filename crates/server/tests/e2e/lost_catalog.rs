//! The catalog is gone, and storage gives it back: on PostgreSQL, and in the middle of recordings.

use catalog::CatalogUrl;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push, push};
use testkit::judge;
use testkit::server::Server;

use crate::postgres::Postgres;
use crate::support::{
    add_rule, hls, mp4, probe_all, probe_file, recorded, reprise, server_recording, wait_recorded, wait_settled,
};
use crate::upkeep::{check, plays, rows_in, run, run_with, wait_analysed, without_what_storage_cannot_know};

/// Where the catalog is.
const URL: &str = "REPRISE_CATALOG__URL";

#[tokio::test]
async fn a_postgresql_catalog_is_made_anew_in_an_empty_database_and_is_the_same() {
    let mut postgres = Postgres::start().await;
    let (old, new) = (postgres.database().await, postgres.database().await);
    let mut server = Server::start_with(reprise(), &[(URL, &old)]).await.unwrap();
    add_rule(&server.api(), "keep", 3, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("keep", "a"), Pace::Fast).await.unwrap();
    let assets = wait_recorded(&server, "a", 2).await;
    wait_analysed(&server, &assets).await;
    let title = [("VideoId", assets[0].video_id.as_str()), ("Title", "Final")];
    server.api().vod("UpdateVideoInfo", &title).await.unwrap();
    // Beside the server, too.
    let (status, text) = run_with(&server, &["check", "--deep"], &[(URL, &old)]).await;
    assert!(status == 0 && text.contains("0 wrong") && text.contains("a server runs"), "{text}");
    server.stop().await.unwrap();

    let before = without_what_storage_cannot_know(rows_in(&CatalogUrl::Postgres(old.clone())).await);
    let (status, text) = run_with(&server, &["rebuild"], &[(URL, &old)]).await;
    assert!(status == 1 && text.contains("the database is not empty"), "{text}");
    let (status, text) = run_with(&server, &["rebuild"], &[(URL, &new)]).await;
    assert!(status == 0 && text.contains("2 videos and 1 reels are back"), "{text}");
    let after = without_what_storage_cannot_know(rows_in(&CatalogUrl::Postgres(new.clone())).await);
    assert_eq!(before, after);

    server.set(URL, &new);
    server.restart().await.unwrap();
    assert_eq!(recorded(&server, "a").await.unwrap().len(), 2);
    plays(&server, &assets[0], 75).await;
    // It numbers on where the old one stopped.
    push(&clip, &server.push_url("keep", "b"), Pace::Fast).await.unwrap();
    wait_recorded(&server, "b", 2).await;
    server.stop().await.unwrap();
    let (status, text) = run_with(&server, &["check", "--deep"], &[(URL, &new)]).await;
    assert!(status == 0 && text.contains("0 wrong"), "{text}");
}

/// A server that is killed while it records, and whose catalog is lost with it.
async fn killed_without_its_catalog(grace: u32) -> (Server, std::path::PathBuf) {
    let mut server = server_recording("keep", 3, grace).await;
    let clip = clips::synthetic(&Recipe { seconds: 20, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("keep", "a"), Pace::Times(1.0)).unwrap();
    wait_recorded(&server, "a", 2).await;
    // Its head is written first; what comes behind it is media.
    let third = async |beyond: u64| {
        let bytes_now = || async {
            let reels = std::fs::read_dir(server.data().join("media/reels"))?;
            let segment = reels.flatten().next().map(|reel| reel.path().join("000002.m4s"));
            let bytes = segment.map(std::fs::metadata).transpose()?.map_or(0, |file| file.len());
            anyhow::ensure!(bytes > beyond, "nothing more of the third video is stored yet");
            Ok(bytes)
        };
        testkit::server::until(crate::support::SOON, bytes_now).await.unwrap()
    };
    let head = third(0).await;
    third(head).await;
    server.kill().await.unwrap();
    publisher.finish().await.unwrap_err();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(server.data().join(format!("catalog.sqlite{suffix}")));
    }
    let (status, text) = run(&server, &["rebuild"]).await;
    assert_eq!(status, 0, "{text}");
    server.restart().await.unwrap();
    (server, clip)
}

#[tokio::test]
async fn an_open_recording_is_sealed_at_its_true_end_by_a_catalog_made_anew() {
    let (mut server, clip) = killed_without_its_catalog(1).await;
    let assets = wait_settled(&server, "a").await;
    assert!(assets.len() >= 3, "two videos were made, and the third was being recorded: {assets:#?}");
    let source = probe_file(&clip).await;
    for urls in
        [assets.iter().map(|a| mp4(&server, a)).collect::<Vec<_>>(), assets.iter().map(|a| hls(&server, a)).collect()]
    {
        let (mut video, mut audio) = (0, 0);
        for (seen, url) in probe_all(urls.clone()).await.iter().zip(&urls) {
            let placed = judge::place(&source, seen, video, audio).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
            (video, audio) = (placed.video.1, placed.audio.1);
        }
        // Two whole cycles of 3 s were told, and the third had begun.
        assert!(video > 150, "{video} pictures");
    }
    wait_analysed(&server, &assets).await;
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn an_open_recording_is_taken_up_by_a_catalog_made_anew_when_its_publisher_is_back() {
    let (mut server, clip) = killed_without_its_catalog(30).await;
    let before = recorded(&server, "a").await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("keep", "a"), Pace::Times(4.0)).unwrap();
    publisher.finish().await.unwrap();
    let two_more = || async {
        let found = recorded(&server, "a").await?;
        anyhow::ensure!(found.len() >= before.len() + 6, "{found:#?}");
        anyhow::ensure!(found.iter().all(|asset| asset.playlist_id == before[0].playlist_id), "{found:#?}");
        anyhow::ensure!(found.iter().all(|asset| asset.status == "Normal"), "{found:#?}");
        Ok(found)
    };
    let found = testkit::server::until(crate::support::SOON, two_more).await.unwrap();
    wait_analysed(&server, &found).await;
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}
