//! Lines 18 to 25 of the torture list: clocks of publishers that do what clocks should not.

use bytes::Bytes;
use container::flv::TagKind;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::Pace;
use testkit::judge;
use testkit::probe::{Probe, decode_complaints};
use testkit::publisher::Publisher;
use testkit::server::Server;
use testkit::tape::{Tag, Tape};

use crate::support::{Recorded, hls, mp4, probe_all, probe_file, server_recording, wait_recorded};

/// Where in the tape the clock does it, in milliseconds.
const THEN: u32 = 6_000;
const APP: &str = "clock";

async fn clip() -> std::path::PathBuf {
    clips::synthetic(&Recipe { seconds: 12, ..Recipe::default() }).await.unwrap()
}

/// Pushes a tape whose clock begins at `offset_ms`; it becomes one asset.
async fn record(tape: &Tape, offset_ms: u32) -> (Server, Recorded) {
    let server = server_recording(APP, 60, 1).await;
    let mut publisher = Publisher::connect(&server.push_url(APP, "s")).await.unwrap();
    publisher.offset_ms = offset_ms;
    publisher.send_all(tape).await.unwrap();
    publisher.unpublish().await.unwrap();
    let asset = wait_recorded(&server, "s", 1).await.remove(0);
    (server, asset)
}

async fn views(server: &Server, asset: &Recorded) -> Vec<(String, Probe)> {
    let mut views = Vec::new();
    for url in [mp4(server, asset), hls(server, asset)] {
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
        views.push((url.clone(), probe_all([url]).await.remove(0)));
    }
    views
}

/// Every frame is there, and lies where an undisturbed clock would have put it.
async fn is_as_if_nothing_happened(tape: &Tape, offset_ms: u32) {
    let (server, asset) = record(tape, offset_ms).await;
    let source = probe_file(&clip().await).await;
    for (url, seen) in views(&server, &asset).await {
        judge::covers(&source, &[seen]).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
    }
    assert!((asset.duration - 12.0).abs() < 0.041, "{} s", asset.duration);
}

/// The tape with another time from [`THEN`] on.
async fn with_clock(clock: impl Fn(u32) -> u32) -> Tape {
    let tape = Tape::from_flv(&clip().await).unwrap();
    tape.edited(|tag| Some(if tag.at_ms < THEN { tag.at_ms } else { clock(tag.at_ms) }))
}

#[tokio::test]
async fn a_clock_that_goes_back_five_seconds_moves_nothing() {
    is_as_if_nothing_happened(&with_clock(|at| at - 5_000).await, 10_000).await;
}

#[tokio::test]
async fn a_clock_that_repeats_the_last_second_moves_nothing() {
    is_as_if_nothing_happened(&with_clock(|at| at - 1_000).await, 0).await;
}

#[tokio::test]
async fn a_clock_that_leaps_ten_hours_moves_nothing() {
    is_as_if_nothing_happened(&with_clock(|at| at + 36_000_000).await, 0).await;
}

#[tokio::test]
async fn an_encoder_that_begins_again_at_zero_inside_one_push_moves_nothing() {
    is_as_if_nothing_happened(&with_clock(|at| at - THEN).await, 0).await;
}

#[tokio::test]
async fn a_clock_that_wraps_moves_nothing() {
    let tape = Tape::from_flv(&clip().await).unwrap();
    for wraps_at in [0x00ff_ffff_u32, 0x7fff_ffff, 0xffff_ffff] {
        is_as_if_nothing_happened(&tape, wraps_at - 5_000).await;
    }
    // FFmpeg masks the 31st bit away.
    let masked = tape.edited(|tag| Some((0x7fff_ffff - 5_000 + tag.at_ms) & 0x7fff_ffff));
    is_as_if_nothing_happened(&masked, 0).await;
}

#[tokio::test]
async fn a_clock_that_stands_still_for_a_second_loses_no_frame() {
    let tape = with_clock(|at| if at < THEN + 1_000 { THEN } else { at }).await;
    let (server, asset) = record(&tape, 0).await;
    for (url, seen) in views(&server, &asset).await {
        assert_eq!(seen.track("video").len(), tape.samples(TagKind::Video), "{url}");
        assert!(tape.samples(TagKind::Audio).abs_diff(seen.track("audio").len()) <= 2, "{url}");
        assert!((seen.duration - 12.0).abs() < 0.05, "{url}: {} s", seen.duration);
    }
}

#[tokio::test]
async fn five_seconds_sent_at_once_before_the_rest_in_real_time_are_one_stretch() {
    let server = server_recording(APP, 60, 1).await;
    let tape = Tape::from_flv(&clip().await).unwrap();
    let mut publisher = Publisher::connect(&server.push_url(APP, "s")).await.unwrap();
    let (early, late): (Vec<_>, Vec<_>) = tape.tags.iter().cloned().partition(|tag| tag.at_ms < 5_000);
    publisher.send_all(&Tape { tags: early.into(), ..tape }).await.unwrap();
    // From here on in steps, as they would come.
    for tag in &late {
        publisher.send(tag).await.unwrap();
    }
    publisher.unpublish().await.unwrap();
    let asset = wait_recorded(&server, "s", 1).await.remove(0);
    let source = probe_file(&clip().await).await;
    for (url, seen) in views(&server, &asset).await {
        judge::covers(&source, &[seen]).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
    }
}

#[tokio::test]
async fn messages_with_only_sei_or_a_delimiter_are_no_pictures() {
    let tape = Tape::from_flv(&clip().await).unwrap();
    let mut tags = Vec::new();
    for tag in tape.tags.iter() {
        if tag.kind == TagKind::Video && !tag.is_header() {
            let sei = Bytes::from_static(&[0x27, 1, 0, 0, 0, 0, 0, 0, 5, 6, 5, 1, 0xaa, 0x80]);
            let delimiter = Bytes::from_static(&[0x27, 1, 0, 0, 0, 0, 0, 0, 2, 9, 0xf0]);
            tags.extend([sei, delimiter].map(|body| Tag::new(tag.at_ms, TagKind::Video, body)));
        }
        tags.push(tag.clone());
    }
    is_as_if_nothing_happened(&Tape { tags: tags.into(), ..tape }, 0).await;
}

#[tokio::test]
async fn sound_that_begins_before_zero_stays_in_step() {
    // Pictures begin at 200 ms and sound at 0, on a clock that begins 200 ms before it wraps.
    let tape = Tape::from_flv(&clip().await).unwrap();
    let mut tags: Vec<_> = tape.tags.to_vec();
    for tag in tags.iter_mut().filter(|tag| tag.kind == TagKind::Video && !tag.is_header()) {
        tag.at_ms += 200;
    }
    tags.sort_by_key(|tag| tag.at_ms);
    let (server, asset) = record(&Tape { tags: tags.into(), ..tape }, 0_u32.wrapping_sub(200)).await;
    let mut source = probe_file(&clip().await).await;
    let video = source.stream("video").unwrap().index;
    for packet in source.packets.iter_mut().filter(|packet| packet.stream == video) {
        (packet.pts, packet.dts) = (packet.pts + 0.2, packet.dts + 0.2);
    }
    for (url, seen) in views(&server, &asset).await {
        judge::covers(&source, &[seen]).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
    }
}

#[tokio::test]
async fn a_camera_that_announces_25_pictures_and_sends_21_has_no_gaps() {
    let recipe = Recipe { seconds: 12, rate: "21", ..Recipe::default() };
    let clip = clips::synthetic(&recipe).await.unwrap();
    let mut tags = Tape::from_flv(&clip).unwrap().tags.to_vec();
    // onMetaData {framerate: 25}.
    let mut told = vec![2, 0, 10];
    told.extend(b"onMetaData\x03\0\x09framerate\0\x40\x39\0\0\0\0\0\0\0\0\x09");
    tags.insert(0, Tag::new(0, TagKind::Script, told.into()));
    let (server, asset) = record(&Tape { tags: tags.into(), duration_ms: 12_000 }, 0).await;
    let source = probe_file(&clip).await;
    for (url, seen) in views(&server, &asset).await {
        judge::covers(&source, &[seen]).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
    }
    assert!((asset.duration - 12.0).abs() < 0.05, "{} s", asset.duration);
}

#[tokio::test]
async fn another_sampling_rate_inside_one_push_goes_on_in_the_same_asset() {
    let tape = Tape::from_flv(&clip().await).unwrap();
    let other = clips::synthetic(&Recipe { seconds: 12, sample_rate: 44_100, ..Recipe::default() }).await.unwrap();
    let other = Tape::from_flv(&other).unwrap();
    let mut tags: Vec<_> =
        tape.tags.iter().filter(|tag| tag.kind == TagKind::Video || tag.at_ms < THEN).cloned().collect();
    let header = other.tags.iter().find(|tag| tag.kind == TagKind::Audio && tag.is_header()).unwrap();
    tags.push(Tag::new(THEN, TagKind::Audio, header.body.clone()));
    tags.extend(other.tags.iter().filter(|tag| tag.kind == TagKind::Audio && tag.at_ms >= THEN).cloned());
    tags.sort_by_key(|tag| tag.at_ms);
    let server = server_recording(APP, 60, 1).await;
    let mut publisher = Publisher::connect(&server.push_url(APP, "s")).await.unwrap();
    publisher.play(&Tape { tags: tags.into(), ..tape.clone() }, Pace::Fast, tape.duration()).await.unwrap();
    publisher.unpublish().await.unwrap();
    let asset = wait_recorded(&server, "s", 1).await.remove(0);
    let url = mp4(&server, &asset);
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
    let seen = probe_all([url]).await.remove(0);
    let rates: Vec<_> = seen.streams.iter().filter(|s| s.codec_type == "audio").map(|s| &s.sample_rate).collect();
    assert_eq!(rates, ["48000", "44100"], "a track for each");
    assert_eq!(seen.track("video").len(), tape.samples(TagKind::Video));
    let sounds = seen.packets.iter().filter(|packet| packet.stream != seen.stream("video").unwrap().index).count();
    // Six seconds of each, less what comes before the next segment: it begins at the key frame after two seconds.
    assert!((281 + 168..=281 + 262).contains(&sounds), "{sounds} frames of sound");
    assert!((seen.duration - 12.0).abs() < 0.1, "{} s", seen.duration);
}
