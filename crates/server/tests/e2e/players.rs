//! A real browser plays what was recorded.

use testkit::browser::{Player, play};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};

use crate::support::{server_recording, view, wait_recorded};

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
