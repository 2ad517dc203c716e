//! The check and the rebuild, on what the real server left.

use std::path::{Path, PathBuf};

use catalog::{Catalog, CatalogUrl, Rows};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::decode_complaints;
use testkit::server::Server;

use crate::support::{Recorded, hls, mp4, probe_all, recorded, reprise, server_recording, wait_recorded};

/// Runs the binary on the server's data; gives its exit status and what it printed.
pub async fn run(server: &Server, words: &[&str]) -> (i32, String) {
    run_with(server, words, &[]).await
}

/// The same with settings ("REPRISE_SECTION__KEY", value).
pub async fn run_with(server: &Server, words: &[&str], settings: &[(&str, &str)]) -> (i32, String) {
    let mut command = tokio::process::Command::new(reprise());
    command.args(words).arg("--data").arg(server.data()).envs(settings.iter().copied());
    let output = command.output().await.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

/// Runs the check, which has to end with this status.
pub async fn check(server: &Server, words: &[&str], status: i32) -> String {
    let (code, text) = run(server, &[&["check"], words].concat()).await;
    assert_eq!(code, status, "{text}");
    text
}

/// A stopped server that recorded three videos of two recordings.
async fn stopped() -> (Server, Vec<Recorded>) {
    let mut server = server_recording("keep", 3, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("keep", "a"), Pace::Fast).await.unwrap();
    let short = clips::synthetic(&Recipe { seconds: 2, ..Recipe::default() }).await.unwrap();
    push(&short, &server.push_url("keep", "b"), Pace::Fast).await.unwrap();
    let mut assets = wait_recorded(&server, "a", 2).await;
    assets.extend(wait_recorded(&server, "b", 1).await);
    wait_analysed(&server, &assets).await;
    server.stop().await.unwrap();
    (server, assets)
}

pub async fn wait_analysed(server: &Server, assets: &[Recorded]) {
    for asset in assets {
        let told = || async {
            let answer = server.api().vod("GetVideoReceipt", &[("VideoId", &asset.video_id)]).await?;
            let events = answer["Events"].as_array().map_or(0, Vec::len);
            anyhow::ensure!(events == 2, "{events} events");
            Ok(())
        };
        testkit::server::until(crate::support::SOON, told).await.unwrap();
    }
}

async fn rows(server: &Server) -> Rows {
    rows_in(&CatalogUrl::Sqlite(server.data().join("catalog.sqlite"))).await
}

pub async fn rows_in(url: &CatalogUrl) -> Rows {
    let catalog = Catalog::open(url).await.unwrap();
    let rows = catalog.all_rows().await.unwrap();
    catalog.close().await;
    rows
}

/// The folder of the only reel of a video.
async fn reel_folder(server: &Server, asset: &Recorded) -> PathBuf {
    let catalog = Catalog::open(&CatalogUrl::Sqlite(server.data().join("catalog.sqlite"))).await.unwrap();
    let spans = catalog.spans(asset.video_id.parse().unwrap()).await.unwrap();
    catalog.close().await;
    server.data().join(format!("media/reels/{}", spans[0].reel))
}

fn damage(file: &Path, at: impl FnOnce(usize) -> usize) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 0x10;
    std::fs::write(file, bytes).unwrap();
}

pub async fn plays(server: &Server, asset: &Recorded, pictures: usize) {
    for url in [mp4(server, asset), hls(server, asset)] {
        assert_eq!(probe_all([url.clone()]).await[0].track("video").len(), pictures, "{url}");
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
    }
}

#[tokio::test]
async fn a_store_that_was_left_in_order_passes_the_check() {
    let (server, _) = stopped().await;
    for words in [&[][..], &["--deep"]] {
        let text = check(&server, words, 0).await;
        assert!(text.contains("3 videos, 2 reels") && text.contains("0 wrong"), "{text}");
    }
}

#[tokio::test]
async fn beside_a_running_server_a_check_only_reads_and_whatever_would_change_something_is_refused() {
    let (mut server, assets) = stopped().await;
    server.restart().await.unwrap();
    for words in [&["check", "--mend"][..], &["rebuild"]] {
        let (status, text) = run(&server, words).await;
        assert!(status == 1 && text.contains("stop the server first") && text.contains("in use"), "{text}");
    }
    // A recording that grows, is cut and becomes videos meanwhile is none of its business.
    let clip = clips::synthetic(&Recipe { seconds: 20, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    let publisher = testkit::ffmpeg::Push::start(&clip, &server.push_url("keep", "c"), Pace::Times(1.0)).unwrap();
    crate::live::wait_online(&server, "c").await;
    for words in [&[][..], &["--deep"], &[]] {
        let text = check(&server, words, 0).await;
        assert!(text.contains("0 wrong") && text.contains("a server runs"), "{text}");
    }
    publisher.finish().await.unwrap();
    wait_recorded(&server, "c", 7).await;

    // What is wrong is told all the same, and left as it is.
    let index = reel_folder_of(&server, &assets[0]).await.join("segments.idx");
    damage(&index, |len| len - 3);
    let damaged = std::fs::read(&index).unwrap();
    let text = check(&server, &[], 1).await;
    assert!(text.contains("its index is damaged") && text.contains("1 wrong, 0 mended"), "{text}");
    assert_eq!(std::fs::read(&index).unwrap(), damaged);
    server.stop().await.unwrap();
}

/// The folder of the only reel of a video, told without opening the catalog of the running server.
async fn reel_folder_of(server: &Server, asset: &Recorded) -> PathBuf {
    let url = CatalogUrl::Sqlite(server.data().join("catalog.sqlite"));
    let catalog = Catalog::open_to_read(&url).await.unwrap();
    assert!(catalog.mark_stale(catalog::Subject::Installation).await.is_err(), "it only reads");
    let spans = catalog.spans(asset.video_id.parse().unwrap()).await.unwrap();
    catalog.close().await;
    server.data().join(format!("media/reels/{}", spans[0].reel))
}

#[tokio::test]
async fn what_a_kill_left_passes_the_check_before_and_after_it_is_taken_up() {
    let mut server = server_recording("keep", 3, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 20, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    let publisher = testkit::ffmpeg::Push::start(&clip, &server.push_url("keep", "a"), Pace::Times(1.0)).unwrap();
    wait_recorded(&server, "a", 1).await;
    server.kill().await.unwrap();
    publisher.finish().await.unwrap_err();
    check(&server, &["--deep"], 0).await;
    server.restart().await.unwrap();
    crate::support::wait_settled(&server, "a").await;
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn what_is_damaged_is_named_and_what_can_be_mended_is() {
    let (mut server, assets) = stopped().await;
    let (first, other) = (reel_folder(&server, &assets[0]).await, reel_folder(&server, &assets[2]).await);
    let media = server.data().join("media");
    // The index of one reel, the pages of the other, and two descriptions.
    damage(&first.join("segments.idx"), |len| len - 3);
    damage(&other.join("samples.idx"), |len| len / 2);
    std::fs::remove_file(media.join(format!("assets/{}/asset.json", assets[0].video_id))).unwrap();
    std::fs::write(media.join("catalog/installation.json"), "{").unwrap();

    let text = check(&server, &[], 1).await;
    for wanted in [
        "its index is damaged from byte",
        "the sample page is damaged",
        "asset.json is not there",
        "installation.json is damaged",
        &assets[0].video_id,
        &assets[2].video_id,
        "run the check with --mend",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    let text = check(&server, &["--mend"], 0).await;
    assert!(text.contains("mended"), "{text}");
    check(&server, &["--deep"], 0).await;
    server.restart().await.unwrap();
    plays(&server, &assets[0], 75).await;
    plays(&server, &assets[2], 50).await;
    server.stop().await.unwrap();

    // A segment that is gone is gone: the check says of which video, and which second.
    std::fs::remove_file(first.join("000000.m4s")).unwrap();
    let text = check(&server, &["--mend"], 1).await;
    let wanted = format!("asset {}, from second 0.0", assets[0].video_id);
    assert!(text.contains(&wanted) && text.contains("000000.m4s is not there"), "{text}");
}

#[tokio::test]
async fn a_bit_that_flips_in_a_stored_segment_is_found_and_told_to_the_second() {
    let (server, assets) = stopped().await;
    let file = reel_folder(&server, &assets[1]).await.join("000001.m4s");
    // Where the pictures of the second video's second second lie: behind the first fragments of both tracks.
    damage(&file, |len| len / 2);
    let quick = check(&server, &[], 0).await;
    assert!(quick.contains("0 wrong"), "only reading all media can find it: {quick}");

    let text = check(&server, &["--deep"], 1).await;
    let line = text.lines().find(|line| line.contains("is damaged: its checksum does not fit")).unwrap();
    assert!(line.starts_with(&format!("asset {}, from second ", assets[1].video_id)), "{line}");
    let words: Vec<&str> = line.split(' ').collect();
    let second = |word: &str| {
        let at = words.iter().position(|one| *one == word).unwrap();
        words[at + 1].parse::<f64>().unwrap()
    };
    let (from, to) = (words[4].parse::<f64>().unwrap(), second("to"));
    assert!(from > 0.0 && to > from && to - from <= 1.1 && to <= 3.1, "{line}");
    assert!(text.contains("1 wrong, 0 mended"), "{text}");
}

#[tokio::test]
async fn a_deleted_video_is_restored_or_freed_and_its_neighbours_play_on() {
    let (server, assets) = stopped().await;
    let folder = reel_folder(&server, &assets[0]).await;
    let segments = || {
        let files = std::fs::read_dir(&folder).unwrap().flatten();
        files.filter(|file| file.path().extension().is_some_and(|kind| kind == "m4s")).count()
    };
    let before = segments();
    let mut server = server;
    server.restart().await.unwrap();
    let first = [("VideoIds", assets[0].video_id.as_str())];
    server.api().vod("DeleteVideo", &first).await.unwrap();
    assert_eq!(recorded(&server, "a").await.unwrap().len(), 1);
    let answer = server.api().vod("RestoreVideo", &first).await.unwrap();
    assert_eq!(answer["RestoredVideoIds"][0], assets[0].video_id.as_str());
    plays(&server, &assets[0], 75).await;
    assert_eq!(segments(), before);
    server.stop().await.unwrap();

    // Without a window the media goes at once, and only that of this video.
    server.set("REPRISE_STORAGE__UNDELETE_WINDOW", "0s");
    server.restart().await.unwrap();
    server.api().vod("DeleteVideo", &first).await.unwrap();
    let freed = || async {
        anyhow::ensure!(segments() < before, "{before} segments are still there");
        Ok(())
    };
    testkit::server::until(crate::support::SOON, freed).await.unwrap();
    plays(&server, &assets[1], 75).await;
    let answer = server.api().vod("RestoreVideo", &first).await.unwrap();
    assert_eq!(answer["ExpiredVideoIds"][0], assets[0].video_id.as_str());
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

/// What storage cannot know: see docs/design/storage.md.
pub fn without_what_storage_cannot_know(mut rows: Rows) -> Rows {
    for table in ["audit_event", "job", "delivery", "nonce", "stale"] {
        rows.remove(table);
    }
    for event in rows.get_mut("event").into_iter().flatten() {
        event.remove("seq");
        event.remove("job");
    }
    for table in rows.values_mut() {
        table.sort_by_key(|row| serde_json::to_string(row).unwrap());
    }
    rows
}

#[tokio::test]
async fn a_catalog_made_anew_from_storage_is_the_same() {
    let (mut server, assets) = stopped().await;
    server.restart().await.unwrap();
    let title = [("VideoId", assets[0].video_id.as_str()), ("Title", "Final"), ("Tags", "cup,final")];
    server.api().vod("UpdateVideoInfo", &title).await.unwrap();
    server.api().vod("DeleteVideo", &[("VideoIds", &assets[1].video_id)]).await.unwrap();
    server.stop().await.unwrap();

    let before = without_what_storage_cannot_know(rows(&server).await);
    let catalog = server.data().join("catalog.sqlite");
    let (code, text) = run(&server, &["rebuild"]).await;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("3 videos and 2 reels are back; 0 of these"), "{text}");
    let after = without_what_storage_cannot_know(rows(&server).await);
    for (table, rows) in &before {
        assert_eq!(Some(rows), after.get(table), "{table}");
    }
    assert_eq!(before.len(), after.len());
    let kept = std::fs::read_dir(server.data()).unwrap().flatten();
    assert!(kept.map(|file| file.file_name()).any(|name| name.to_string_lossy().contains(".before-")));

    // Also when the old one is gone altogether.
    std::fs::remove_file(&catalog).unwrap();
    assert_eq!(run(&server, &["rebuild"]).await.0, 0);
    assert_eq!(without_what_storage_cannot_know(rows(&server).await), after);
    check(&server, &["--deep"], 0).await;
    server.restart().await.unwrap();
    plays(&server, &assets[0], 75).await;
    assert_eq!(recorded(&server, "a").await.unwrap().len(), 1);
}

#[tokio::test]
async fn on_a_nearly_full_disk_a_new_push_is_refused_with_the_reason() {
    // More than any disk has; it counts as 5 % of it, which the disk of a test may or may not have.
    let server = Server::start_with(reprise(), &[("REPRISE_STORAGE__FREE_MIN_MIB", "4294967295")]).await.unwrap();
    let low = server.metric::<u32>("storage_low").await.unwrap() == 1;
    assert!(server.metric::<f64>("storage_free_bytes").await.unwrap() >= 0.0);
    let clip = clips::synthetic(&Recipe { seconds: 2, ..Recipe::default() }).await.unwrap();
    let pushed = push(&clip, &server.push_url("keep", "a"), Pace::Fast).await;
    match pushed {
        Err(error) => assert!(low && format!("{error:#}").contains("disk is nearly full"), "{error:#}"),
        Ok(_) => assert!(!low),
    }
}
