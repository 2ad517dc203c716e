//! What Chromium with hls.js, with Shaka Player, with dash.js, and alone, makes of what is served.

mod common;

use common::{Clip, World, Writer, clip, plan, usual};
use testkit::browser::{Player, look_through, play, show_first};

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
async fn a_browser_looks_through_a_video_by_its_i_frames() {
    let world = World::new().await;
    let folder = world.folder.path();
    let clip = usual(folder, "a.mp4", 40, "30", "320x180", 48_000);
    let larger = usual(folder, "b.mp4", 30, "30", "640x360", 48_000);
    let asset = world.asset_of(&[&clip, &larger]).await;
    let seen = look_through(&world.at(asset, "index.m3u8")).await.unwrap();
    assert!(seen.ended && seen.errors.is_empty(), "{seen:?}");
    assert!((seen.duration.unwrap() - 70.0).abs() < 0.1 && seen.from < 0.1, "{seen:?}");
    // Some seconds are there before it is told to be fast.
    let i_frames = seen.loaded.iter().filter(|name| name.starts_with('i') && name.ends_with(".m4s")).count();
    assert!(i_frames >= 5 && seen.frames < 70 * 30 / 2, "{seen:?}");
}

/// Seconds of a day.
const DAY: u32 = 86_400;
/// Somewhere in its last hour, in the middle of a segment.
const FROM: u32 = 82_802;

#[tokio::test(flavor = "multi_thread")]
async fn a_video_of_a_day_shows_a_picture_after_one_segment_wherever_it_begins() {
    let world = World::new().await;
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=4:duration=240"];
    let minutes = plan(&[&clip(world.folder.path(), "a.mp4", &picture)]);
    let mut writer = Writer::new(&world.blobs, world.catalog.ids().reel(common::WALL));
    for turn in 0..DAY / 240 {
        for segment in minutes.iter().map(|segment| segment.later(i64::from(turn) * 240 * 90_000)) {
            // Whatever lies between is never asked for.
            match turn == 0 || turn == FROM / 240 {
                true => writer.write(&segment),
                false => writer.write_without_media(&segment),
            }
        }
    }
    let day = world.asset(&[(writer.reel, 0, writer.end())]).await;
    for seconds in [0, FROM] {
        // Shaka Player looks for captions in three segments of HLS (docs/reference/players.md).
        for (player, name, loaded) in [(Player::Hls, "index.m3u8", 4), (Player::Shaka, "index.mpd", 3)] {
            let seen = show_first(player, &world.at(day, name), seconds).await.unwrap();
            // Requests that are held back may be given up.
            assert!(seen.errors.iter().all(|error| error.contains("mild")), "{player:?}: {seen:?}");
            assert_eq!((seen.width, seen.height), (320, 180), "{player:?}: {seen:?}");
            let at = f64::from(seconds);
            assert!((at..at + 1.0).contains(&seen.from), "{player:?}: {seen:?}");
            assert!((seen.duration.unwrap() - f64::from(DAY)).abs() < 0.1, "{player:?}: {seen:?}");
            let segments = seen.loaded.iter().filter(|name| name.ends_with(".m4s")).count();
            // The two playlists, or the description, the parameters and the segment.
            assert_eq!((segments, seen.loaded.len()), (1, loaded), "{player:?}: {seen:?}");
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
