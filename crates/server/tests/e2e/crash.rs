//! What a crash, a restart and a lost publisher cost: at most the last second.

use std::time::{Duration, Instant};

use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push, push};
use testkit::judge;
use testkit::probe::decode_complaints;

use crate::live::wait_online;
use crate::support::{hls, mp4, probe_all, probe_file, server_recording, wait_recorded};

/// Seconds of media that a kill may cost.
const LOST_MAX: f64 = 1.0;
/// Seconds by which a test's own reading of "sent so far" may be too high: the publisher's start, its pacing, socket buffers.
const READING: f64 = 0.5;

async fn killed_after(wall: Duration) {
    let mut server = server_recording("crash", 3, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 20, key_seconds: 1, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("crash", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    let online = Instant::now();
    tokio::time::sleep(wall).await;
    server.kill().await.unwrap();
    let sent = online.elapsed().as_secs_f64();
    publisher.finish().await.unwrap_err();

    server.restart().await.unwrap();
    // Full cycles of three seconds, and the rest; how many depends on the moment of the kill, so wait until no more come.
    let source = probe_file(&clip).await;
    let assets = crate::support::wait_settled(&server, "s").await;
    for urls in
        [assets.iter().map(|a| mp4(&server, a)).collect::<Vec<_>>(), assets.iter().map(|a| hls(&server, a)).collect()]
    {
        let seen = probe_all(urls.clone()).await;
        let (mut video, mut audio) = (0, 0);
        for (asset, url) in seen.iter().zip(&urls) {
            let placed = judge::place(&source, asset, video, audio).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
            (video, audio) = (placed.video.1, placed.audio.1);
            assert_eq!(decode_complaints(url).await.unwrap(), "", "{url}");
        }
        let kept = seen.iter().map(|asset| asset.duration).sum::<f64>();
        assert!(kept >= sent - LOST_MAX - READING, "{kept:.2} s are kept of {sent:.2} s");
    }
}

#[tokio::test]
async fn a_kill_in_the_first_cycle_costs_at_most_the_last_second() {
    killed_after(Duration::from_millis(2_300)).await;
}

#[tokio::test]
async fn a_kill_at_a_cut_costs_at_most_the_last_second() {
    killed_after(Duration::from_millis(3_050)).await;
}

#[tokio::test]
async fn a_kill_in_the_third_cycle_costs_at_most_the_last_second() {
    killed_after(Duration::from_millis(7_600)).await;
}

#[tokio::test]
async fn a_push_that_comes_back_after_a_kill_goes_on_in_the_same_recording() {
    let mut server = server_recording("crash", 60, 10).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("crash", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.kill().await.unwrap();
    publisher.finish().await.unwrap_err();
    server.restart().await.unwrap();
    push(&clip, &server.push_url("crash", "s"), Pace::Fast).await.unwrap();

    let assets = wait_recorded(&server, "s", 1).await;
    let url = mp4(&server, &assets[0]);
    let seen = &probe_all([url.clone()]).await[0];
    let pictures = seen.track("video").len();
    assert!((150 + 25..=300).contains(&pictures), "{pictures} pictures of two pushes");
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
}

#[tokio::test]
async fn a_push_that_comes_back_within_the_grace_goes_on_and_a_later_one_is_a_new_recording() {
    let server = server_recording("crash", 60, 4).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    let url = server.push_url("crash", "s");
    push(&clip, &url, Pace::Fast).await.unwrap();
    push(&clip, &url, Pace::Fast).await.unwrap();
    let first = wait_recorded(&server, "s", 1).await;
    push(&clip, &url, Pace::Fast).await.unwrap();
    let both = wait_recorded(&server, "s", 2).await;
    assert_eq!(both[0], first[0], "a finished recording does not change");
    assert_ne!(both[0].playlist_id, both[1].playlist_id);
    let seen = probe_all(both.iter().map(|asset| mp4(&server, asset))).await;
    let pictures: Vec<_> = seen.iter().map(|asset| asset.track("video").len()).collect();
    assert_eq!(pictures, [300, 150]);
    for asset in &both {
        assert_eq!(decode_complaints(&mp4(&server, asset)).await.unwrap(), "");
        assert_eq!(decode_complaints(&hls(&server, asset)).await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_restart_by_sigterm_is_survived_by_the_recording() {
    let mut server = server_recording("crash", 60, 10).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("crash", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.stop().await.unwrap();
    let _sent_away = publisher.finish().await;
    server.restart().await.unwrap();
    push(&clip, &server.push_url("crash", "s"), Pace::Fast).await.unwrap();

    let assets = wait_recorded(&server, "s", 1).await;
    let url = mp4(&server, &assets[0]);
    let pictures = probe_all([url.clone()]).await[0].track("video").len();
    assert!((150 + 25..300).contains(&pictures), "{pictures} pictures of two pushes");
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
}
