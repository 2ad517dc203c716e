//! What is served plays as what was stored, judged by ffmpeg and ffprobe through a real listener.

mod common;

use common::{Clip, Planned, World, Writer, clip, path, picture_hashes, plan, usual};
use testkit::judge::place;
use testkit::probe::{Probe, decode_complaints, probe};

async fn local(clip: &Clip) -> Probe {
    probe(clip.path.to_str().unwrap()).await.unwrap()
}

/// How many frames of sound lie before the first picture by more than half: a playlist leaves them out.
fn early(source: &Probe, name: &str) -> usize {
    let early = |packet: &&&testkit::probe::Packet| packet.pts < -packet.duration / 2.0;
    if name == "index.m3u8" { source.track("audio").iter().filter(early).count() } else { 0 }
}

/// Both views of an asset of one clip: the same pictures, the same frames of sound, in step, silent, seekable.
async fn check_both_views(world: &World, clip: &Clip) {
    let asset = world.asset_of(&[clip]).await;
    let source = local(clip).await;
    let has_video = source.stream("video").is_some();
    let hashes = match has_video {
        true => picture_hashes(clip.path.to_str().unwrap(), &[], &[]).await,
        false => vec![],
    };
    for name in ["source.mp4", "index.m3u8"] {
        let url = world.at(asset, name);
        let seen = probe(&url).await.unwrap();
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
        let placed = place(&source, &seen, 0, early(&source, name)).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        assert_eq!(
            (placed.video.1, placed.audio.1),
            (source.track("video").len(), source.track("audio").len()),
            "{name}"
        );
        if has_video {
            assert!(picture_hashes(&url, &[], &[]).await == hashes, "{name}: other pictures than the source's");
            let first = seen.track("video").iter().map(|packet| packet.pts).fold(f64::MAX, f64::min);
            assert!(first.abs() < 0.001, "{name} begins at {first}");
        }
    }
    if has_video {
        let url = world.at(asset, "i-frames.m3u8");
        let told = reqwest::get(&url).await.unwrap().text().await.unwrap().matches(".m4s\n").count();
        let keys = picture_hashes(clip.path.to_str().unwrap(), &["-skip_frame", "nokey"], &[]).await;
        let seen = picture_hashes(&url, &[], &[]).await;
        let mut keys = keys.iter();
        let own = seen.iter().filter(|seen| keys.any(|key| key == *seen)).count();
        assert_eq!((seen.len(), own), (told, told), "a picture of each segment, in order");
    }
    // Only the MP4: seeking in HLS, ffmpeg finds no picture at all in playlists of its own making either.
    for at in ["0", "5.03", "7.9"].into_iter().filter(|_| has_video) {
        let (own, url) = (clip.path.to_str().unwrap(), world.at(asset, "source.mp4"));
        let one = ["-frames:v", "1"];
        assert_eq!(
            picture_hashes(&url, &["-ss", at], &one).await,
            picture_hashes(own, &["-ss", at], &one).await,
            "at {at} s"
        );
    }
    let size = reqwest::get(world.at(asset, "source.mp4")).await.unwrap();
    let told = size.content_length().unwrap();
    assert_eq!(size.bytes().await.unwrap().len() as u64, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_views_of_usual_rates_are_the_source() {
    let world = World::new().await;
    for (number, (rate, hertz)) in
        [("30", 48_000), ("30000/1001", 44_100), ("25", 48_000), ("60000/1001", 44_100)].iter().enumerate()
    {
        let clip = usual(world.folder.path(), &format!("{number}.mp4"), 13, rate, "320x180", *hertz);
        check_both_views(&world, &clip).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_alone_and_a_variable_rate_are_the_source() {
    let world = World::new().await;
    let folder = world.folder.path();
    let picture = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=12"];
    let sound = ["-f", "lavfi", "-i", "anoisesrc=amplitude=0.1:sample_rate=44100:duration=12"];
    let drop = ["-vf", "select='not(between(mod(n,7),3,4))'", "-fps_mode", "passthrough"];
    check_both_views(&world, &clip(folder, "v.mp4", &picture)).await;
    check_both_views(&world, &clip(folder, "vfr.mp4", &[&picture[..], &sound[..], &drop[..]].concat())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_alone_is_the_source() {
    let world = World::new().await;
    let sound = ["-f", "lavfi", "-i", "anoisesrc=amplitude=0.1:sample_rate=44100:duration=12", "-vn"];
    let clip = clip(world.folder.path(), "a.mp4", &sound);
    let (asset, source) = (world.asset_of(&[&clip]).await, local(&clip).await);
    for name in ["source.mp4", "index.m3u8"] {
        let url = world.at(asset, name);
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
        let seen = probe(&url).await.unwrap();
        let placed = place(&source, &seen, 0, 0).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        assert_eq!(placed.audio.1, source.track("audio").len());
        assert!(seen.track("audio")[0].pts.abs() < 0.001);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_of_several_reels_play_one_after_the_other_in_step() {
    let world = World::new().await;
    let clips: Vec<Clip> =
        (0..3).map(|n| usual(world.folder.path(), &format!("{n}.mp4"), 9 + n, "30", "320x180", 48_000)).collect();
    let reels: Vec<Writer> = clips.iter().map(|clip| world.reel(&[clip])).collect();
    let mut spans: Vec<_> = reels.iter().map(|writer| (writer.reel, 0, writer.end())).collect();
    spans.swap(0, 1);
    let asset = world.asset(&spans).await;
    let mut hashes = Vec::new();
    for number in [1, 0, 2] {
        hashes.extend(picture_hashes(clips[number].path.to_str().unwrap(), &[], &[]).await);
    }
    for name in ["source.mp4", "index.m3u8"] {
        let url = world.at(asset, name);
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
        assert!(picture_hashes(&url, &[], &[]).await == hashes, "{name}");
        let seen = probe(&url).await.unwrap();
        let mut shown: Vec<f64> = seen.track("video").iter().map(|packet| packet.pts).collect();
        shown.sort_by(f64::total_cmp);
        assert!(shown.iter().enumerate().all(|(n, at)| (at - n as f64 / 30.0).abs() < 0.001), "{name}");
        // Sound at a join: never over what was before, never a frame or more of silence.
        let sound = seen.track("audio");
        let frame = 1024.0 / 48_000.0;
        for pair in sound.windows(2) {
            let step = pair[1].pts - pair[0].pts;
            assert!(step > frame - 0.001 && step < 2.0 * frame, "{name}: {step} s between frames at {}", pair[0].pts);
        }
        let (video_end, sound_end) = (shown[shown.len() - 1] + 1.0 / 30.0, sound[sound.len() - 1].pts + frame);
        assert!((video_end - sound_end).abs() < 0.03, "{name}: pictures end at {video_end}, sound at {sound_end}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_parameters_in_a_reel_play_through() {
    let world = World::new().await;
    let a = usual(world.folder.path(), "a.mp4", 9, "30", "320x180", 48_000);
    let b = usual(world.folder.path(), "b.mp4", 9, "30", "640x360", 48_000);
    let asset = world.asset_of(&[&a, &b]).await;
    let mut hashes = picture_hashes(a.path.to_str().unwrap(), &[], &[]).await;
    hashes.extend(picture_hashes(b.path.to_str().unwrap(), &[], &[]).await);
    for name in ["source.mp4", "index.m3u8"] {
        let url = world.at(asset, name);
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
        let rawsize = ["-autoscale", "0"];
        assert!(picture_hashes(&url, &[], &rawsize).await == hashes, "{name}");
    }
    let text = reqwest::get(world.at(asset, "video.m3u8")).await.unwrap().text().await.unwrap();
    assert_eq!((text.matches("DISCONTINUITY").count(), text.matches("EXT-X-MAP").count()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_sound_in_a_reel_plays_through_in_the_playlist_and_the_mp4() {
    let world = World::new().await;
    let a = usual(world.folder.path(), "a.mp4", 9, "30", "320x180", 48_000);
    let b = usual(world.folder.path(), "b.mp4", 9, "30", "320x180", 44_100);
    let asset = world.asset_of(&[&a, &b]).await;
    let mut hashes = picture_hashes(a.path.to_str().unwrap(), &[], &[]).await;
    hashes.extend(picture_hashes(b.path.to_str().unwrap(), &[], &[]).await);
    for name in ["index.m3u8", "source.mp4"] {
        assert!(picture_hashes(&world.at(asset, name), &[], &[]).await == hashes, "{name}");
    }
    assert_eq!(decode_complaints(&world.at(asset, "source.mp4")).await.unwrap(), "");
}

async fn text(url: &str) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

/// The playlist once it has `segments`; a look may be as old as the origin says.
async fn until_segments(url: &str, segments: usize) -> String {
    for _ in 0..100 {
        let seen = text(url).await;
        if seen.matches("#EXTINF").count() >= segments {
            return seen;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{url} never had {segments} segments: {}", text(url).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_grows_is_followed_from_its_first_second_to_its_end() {
    let world = World::new().await;
    let clip = usual(world.folder.path(), "a.mp4", 17, "30", "320x180", 48_000);
    let planned: Vec<Planned> = plan(&[&clip]);
    let mut writer = Writer::new(&world.blobs, world.catalog.ids().reel(common::WALL));
    let recording = world.begin_recording(writer.reel).await;
    let index = format!("{}/l/play.localhost/app/s1.m3u8", world.url);
    let nothing = reqwest::get(&index).await.unwrap();
    assert_eq!(nothing.status(), 404);
    assert_eq!(nothing.headers()["retry-after"], "1");

    let folder = format!("{}/l/play.localhost/app/s1/{recording}", world.url);
    for (number, segment) in planned.iter().enumerate() {
        writer.write(segment);
        let seen = until_segments(&format!("{folder}/video.m3u8"), number + 1).await;
        assert!(seen.contains("#EXT-X-PLAYLIST-TYPE:EVENT") && !seen.contains("ENDLIST"));
        assert!(seen.contains("#EXT-X-PROGRAM-DATE-TIME:2026-03-01T10:00:01.000Z"));
        assert_eq!(seen.matches("#EXTINF").count(), number + 1);
    }
    assert!(text(&index).await.contains(&format!("\ns1/{recording}/video.m3u8\n")));
    let ended = units::WallTime::from_unix_ms(
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap(),
    );
    // As a player does it: the multivariant playlist first, then all from the first segment to the end.
    world.catalog.end_recording(recording, Some(writer.end()), ended).await.unwrap();
    let hashes = picture_hashes(clip.path.to_str().unwrap(), &[], &[]).await;
    for name in ["video.m3u8", "audio.m3u8"] {
        let mut seen = text(&format!("{folder}/{name}")).await;
        for _ in 0..100 {
            if seen.ends_with("#EXT-X-ENDLIST\n") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            seen = text(&format!("{folder}/{name}")).await;
        }
        assert!(seen.ends_with("#EXT-X-ENDLIST\n"), "{seen}");
    }
    let url = format!("{folder}/index.m3u8");
    assert!(picture_hashes(&url, &[], &[]).await == hashes);
    let (source, seen) = (local(&clip).await, probe(&url).await.unwrap());
    place(&source, &seen, 0, early(&source, "index.m3u8")).unwrap();
    assert!(path().stream() == "s1");
}
