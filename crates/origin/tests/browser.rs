//! What Chromium with hls.js, with Shaka Player, with dash.js, and alone, makes of what is served.

mod common;

use common::{Clip, World, Writer, plan, usual};
use testkit::browser::{Player, play};

/// Plays to the end; every picture is decoded, nothing goes wrong, nothing runs dry.
async fn check(what: &str, player: Player, url: &str, frames: u64, seconds: f64) {
    let seen = play(player, url, None).await.unwrap();
    assert!(seen.ended && seen.errors.is_empty(), "{what}: {seen:?}");
    assert!(seen.from < 0.1 && (seen.duration.unwrap() - seconds).abs() < 0.1, "{what}: {seen:?}");
    assert_eq!(seen.frames, frames, "{what}: {seen:?}");
    assert!(seen.audio_bytes > 0, "{what}: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_plays_every_picture_of_hls_and_mp4_and_seeks() {
    plays_and_seeks(&[(Player::Hls, "index.m3u8"), (Player::Mp4, "source.mp4")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_plays_every_picture_of_dash_and_seeks() {
    plays_and_seeks(&[(Player::Shaka, "index.mpd"), (Player::Dash, "index.mpd")]).await;
}

async fn plays_and_seeks(views: &[(Player, &str)]) {
    let world = World::new().await;
    let folder = world.folder.path();
    let clips: Vec<Clip> = (0..2).map(|n| usual(folder, &format!("{n}.mp4"), 6, "30", "320x180", 48_000)).collect();
    let larger = usual(folder, "c.mp4", 6, "30", "640x360", 48_000);
    let other_sound = usual(folder, "d.mp4", 6, "30", "320x180", 44_100);
    let (a, b) = (world.reel(&[&clips[0]]), world.reel(&[&clips[1]]));
    let one = world.asset_of(&[&clips[0]]).await;
    let two = world.asset(&[(a.reel, 0, a.end()), (b.reel, 0, b.end())]).await;
    let changing = world.asset_of(&[&clips[0], &larger]).await;
    let sounding = world.asset_of(&[&clips[0], &other_sound, &larger]).await;
    let all =
        [("one span", one, 6u32), ("two reels", two, 12), ("new size", changing, 12), ("new sound", sounding, 18)];
    for (what, asset, seconds) in all {
        for (player, name) in views.iter().copied() {
            if (asset, player) == (sounding, Player::Mp4) {
                continue;
            }
            let (what, url) = (format!("{what}, {name}"), world.at(asset, name));
            // dash.js may stand still before the end (docs/reference/players.md): it only seeks.
            if player != Player::Dash {
                check(&what, player, &url, u64::from(seconds) * 30, f64::from(seconds)).await;
            }
            // The hardest of them: into what has other parameters than the beginning.
            if asset != changing {
                continue;
            }
            let seen = play(player, &url, Some(f64::from(seconds) - 3.5)).await.unwrap();
            assert!(seen.errors.is_empty() && seen.frames > 0, "{what}, seeking: {seen:?}");
            assert!((seen.from - (f64::from(seconds) - 3.5)).abs() < 0.1, "{what}, seeking: {seen:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_plays_a_recording_that_ended_from_its_first_second() {
    let world = World::new().await;
    let folder = world.folder.path();
    let clips =
        [usual(folder, "a.mp4", 6, "30", "320x180", 48_000), usual(folder, "b.mp4", 6, "30", "640x360", 48_000)];
    for (what, clips) in [("one push", vec![&clips[0]]), ("new parameters", vec![&clips[0], &clips[1]])] {
        let mut writer = Writer::new(&world.blobs, world.catalog.ids().reel(common::WALL));
        let recording = world.begin_recording(writer.reel).await;
        plan(&clips).iter().for_each(|segment| writer.write(segment));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = units::WallTime::from_unix_ms(i64::try_from(now.as_millis()).unwrap());
        world.catalog.end_recording(recording, Some(writer.end()), now).await.unwrap();
        let url = format!("{}/l/play.localhost/app/s1/{recording}/index.m3u8", world.url);
        let seconds = 6 * u32::try_from(clips.len()).unwrap();
        check(what, Player::Hls, &url, u64::from(seconds) * 30, f64::from(seconds)).await;
    }
}
