//! Line 16 of the torture list: sound or pictures that join late, or end early.

use container::flv::TagKind;
use testkit::browser::{Player, play};
use testkit::clips::{self, Recipe};
use testkit::probe::decode_complaints;
use testkit::publisher::Publisher;
use testkit::tape::{Tag, Tape};

use crate::support::{Recorded, probe_all, server_recording, view, wait_recorded};

/// A dozen seconds of pictures and sound, of which only what `keep` says is pushed, become one asset.
async fn record(keep: impl Fn(&Tag) -> bool) -> (testkit::server::Server, Recorded) {
    let server = server_recording("late", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 12, ..Recipe::default() }).await.unwrap();
    let tape = Tape::from_flv(&clip).unwrap();
    // Parameters come with the first frame of their track.
    let first = |kind| tape.tags.iter().find(|tag| tag.kind == kind && !tag.is_header() && keep(tag));
    let begins = |tag: &Tag| first(tag.kind).map_or(0, |first| first.at_ms);
    let mut tags: Vec<_> = tape.tags.iter().filter(|tag| tag.is_header() || keep(tag)).cloned().collect();
    for tag in tags.iter_mut().filter(|tag| tag.is_header()) {
        tag.at_ms = begins(tag);
    }
    // Stable: they stay before it.
    tags.sort_by_key(|tag| tag.at_ms);
    let tape = Tape { tags: tags.into(), ..tape };
    let mut publisher = Publisher::connect(&server.push_url("late", "s")).await.unwrap();
    publisher.send_all(&tape).await.unwrap();
    publisher.unpublish().await.unwrap();
    let asset = wait_recorded(&server, "s", 1).await.remove(0);
    (server, asset)
}

/// Every view opens, decodes, lasts as long as what was sent, and plays to the end in Chromium.
async fn plays(server: &testkit::server::Server, asset: &Recorded, players: &[Player]) {
    for (player, url) in players.iter().map(|player| (*player, view(server, asset, *player))) {
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
        let seen = &probe_all([url.clone()]).await[0];
        assert!((seen.duration - 12.0).abs() < 0.08, "{url}: {} s", seen.duration);
        let seen = play(player, &url, None).await.unwrap();
        assert!(seen.errors.is_empty() && seen.ended && seen.from < 0.1, "{url}: {seen:?}");
        assert!(seen.audio_bytes > 0 && seen.frames > 0, "{url}: {seen:?}");
    }
}

#[tokio::test]
async fn pictures_that_join_after_ten_seconds_of_sound_play() {
    let (server, asset) = record(|tag| tag.kind == TagKind::Audio || tag.at_ms >= 10_000).await;
    // Shaka Player does not begin with the picture that stands still (docs/reference/torture.md, line 16).
    plays(&server, &asset, &[Player::Hls, Player::Mp4]).await;
}

#[tokio::test]
async fn sound_that_joins_after_ten_seconds_of_pictures_plays() {
    let (server, asset) = record(|tag| tag.kind == TagKind::Video || tag.at_ms >= 10_000).await;
    plays(&server, &asset, &Player::ALL).await;
}

#[tokio::test]
async fn pictures_that_end_before_the_sound_do_not_end_the_asset() {
    let (server, asset) = record(|tag| tag.kind == TagKind::Audio || tag.at_ms < 3_000).await;
    plays(&server, &asset, &Player::ALL).await;
}

#[tokio::test]
async fn sound_that_ends_before_the_pictures_does_not_end_the_asset() {
    let (server, asset) = record(|tag| tag.kind == TagKind::Video || tag.at_ms < 3_000).await;
    plays(&server, &asset, &Player::ALL).await;
}

#[tokio::test]
async fn pictures_that_stay_away_in_the_middle_leave_the_sound_whole() {
    let (server, asset) = record(|tag| tag.kind == TagKind::Audio || !(2_000..10_000).contains(&tag.at_ms)).await;
    plays(&server, &asset, &Player::ALL).await;
}
