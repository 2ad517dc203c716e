//! A real browser plays what was recorded.

use std::time::Duration;

use anyhow::Context;
use testkit::browser::{Player, play, show_first};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::publisher::Publisher;
use testkit::server::until;
use testkit::tape::Tape;

use crate::support::{hls, recorded, server_composing, server_recording, view, wait_recorded};

/// Seconds of a day.
const DAY: u32 = 86_400;
/// How long a day of media may take to be received and looked through.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test]
async fn chromium_plays_each_asset_to_its_end_and_seeks_in_it() {
    let server = server_recording("match", 6, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 10, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let assets = wait_recorded(&server, "court1", 2).await;
    for (asset, pictures) in assets.iter().zip([150, 100]) {
        for (player, url) in Player::ALL.map(|player| (player, view(&server, asset, player))) {
            let seen = play(player, &url, None).await.unwrap();
            assert_eq!((seen.errors.len(), seen.stalls.len()), (0, 0), "{url}: {seen:?}");
            assert!(seen.ended && seen.audio_bytes > 0, "{url}: {seen:?}");
            assert_eq!((seen.frames, seen.width, seen.height), (pictures, 320, 180), "{url}: {seen:?}");
            let seen = play(player, &url, Some(2.5)).await.unwrap();
            assert!(seen.errors.is_empty() && seen.from >= 2.4 && seen.to > seen.from, "{url}: {seen:?}");
        }
        let url = view(&server, asset, Player::Dash);
        let seen = play(Player::Dash, &url, Some(1.5)).await.unwrap();
        assert!(
            seen.errors.is_empty() && seen.from >= 1.4 && seen.to > seen.from && seen.frames > 0,
            "{url}: {seen:?}"
        );
    }
}

#[tokio::test]
async fn a_video_of_a_day_shows_a_picture_after_one_segment_wherever_it_begins() {
    let server = server_composing("21600", "VOD_STORE_ONLY").await;
    let clip = Recipe { seconds: 16, rate: "1", key_seconds: 4, b_frames: 0, sample_rate: 0, ..Recipe::default() };
    let tape = Tape::from_flv(&clips::synthetic(&clip).await.unwrap()).unwrap();
    let slow = tape.edited(|tag| Some(tag.at_ms * 4));
    let tape = Tape { duration_ms: 64_000, ..slow };
    let mut publisher = Publisher::connect(&server.push_url("match", "day")).await.unwrap();
    publisher.play(&tape, Pace::Fast, Duration::from_secs(DAY.into())).await.unwrap();
    publisher.unpublish().await.unwrap();
    let day = until(PATIENCE, async || {
        let known = recorded(&server, "day").await?;
        let whole = known.into_iter().find(|asset| asset.duration > f64::from(DAY - 60) && asset.status == "Normal");
        whole.context("the cycles are not composed")
    });
    let day = day.await.unwrap();
    for seconds in [0, DAY - 3_600 + 2] {
        for player in [Player::Hls, Player::Shaka] {
            let seen = show_first(player, &hls(&server, &day), seconds).await.unwrap();
            assert!(seen.errors.is_empty() && (seen.width, seen.height) == (320, 180), "{player:?}: {seen:?}");
            let at = f64::from(seconds);
            assert!((at..at + 1.0).contains(&seen.from), "{player:?}: {seen:?}");
            assert!((seen.duration.unwrap() - f64::from(DAY)).abs() < 5.0, "{player:?}: {seen:?}");
            let segments = seen.loaded.iter().filter(|name| name.ends_with(".m4s")).count();
            // The two playlists, the parameters and the segment.
            assert_eq!((segments, seen.loaded.len()), (1, 4), "{player:?}: {seen:?}");
        }
    }
}
