//! Packages: the sizes of a group as one, between which players switch, with one sound for all.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::browser::{Player, play_switching};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{Probe, decode_complaints, probe};
use testkit::receiver::Receiver;

use crate::formats::{streams, url};
use crate::support::mp4;
use crate::transcoding::{PATIENCE, close, keys, server_with, shown, wait_status};
use crate::upkeep::{check, run};

/// What hls.js tells of switches that went well. It does not read edit lists: it takes a segment to end two pictures later than it
/// does, and at a switch loads it once more. And it gives up a segment that it was about to load in the size before.
const OF_SWITCHES: [&str; 2] = ["hls.js mild mediaError: bufferAppendNoProgress", "hls.js mild networkError: aborted"];

/// A template that packages offer.
fn offered(name: &str, codec: &str, width: u32, kbps: u32) -> Value {
    json!({
        "TemplateName": name, "Definition": "LD",
        "Video": {"Codec": codec, "Bitrate": kbps, "Width": width, "Preset": "veryfast"},
        "Audio": {"Codec": "AAC", "Bitrate": 64, "Samplerate": 44_100},
        "Container": {"Format": "m3u8"},
    })
}

fn package(name: &str, setting: Value) -> Value {
    json!({"TemplateName": name, "Type": "VideoPackage", "Definition": "AUTO", "PackageSetting": setting})
}

/// The streams with pictures, by width; the sound comes last.
fn sizes(seen: &Probe) -> Vec<u32> {
    let mut widths: Vec<u32> = seen.streams.iter().map(|stream| stream.width).filter(|width| *width > 0).collect();
    widths.sort_unstable();
    widths
}

async fn text(url: &str) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn players_switch_between_the_sizes_of_a_package_and_lose_nothing() {
    let templates = [
        package("hls", json!({"PackageType": "HLSPackage", "PackageConfig": {"BandWidth": "200000"}})),
        package("dash", json!({"PackageType": "DASHPackage"})),
        offered("small", "H.264", 160, 120),
        offered("large", "H.264", 320, 500),
        offered("other", "H.265", 240, 200),
        json!({"TemplateName": "file", "Definition": "LD", "Container": {"Format": "mp4"},
               "Video": {"Codec": "H.264", "Bitrate": 120, "Width": 160, "Preset": "veryfast"},
               "Audio": {"Codec": "AAC", "Bitrate": 64, "Samplerate": 44_100}}),
    ];
    let (mut server, _) = server_with(&templates, 200).await;
    let receiver = Receiver::start().await.unwrap();
    let params = [("CallbackType", "HTTP"), ("CallbackURL", receiver.url()), ("EventTypeList", "ALL")];
    server.api().vod("SetMessageCallback", &params).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 24, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let streams = streams(&server, &asset, templates.len()).await;
    let auto = |format: &str| {
        let one = streams.iter().find(|one| one["Definition"] == "AUTO" && one["Format"] == format);
        one.unwrap_or_else(|| panic!("AUTO {format} in {streams:?}"))
    };
    let sizes_of = |one: &Value| ["Width", "Height", "Fps", "Duration"].map(|key| one[key].clone());
    let largest = streams.iter().find(|one| one["Width"] == 320 && one["Definition"] != "AUTO").unwrap();
    for format in ["m3u8", "mpd"] {
        let one = auto(format);
        assert!(url(one).ends_with(&format!("-auto.{format}")), "{one}");
        assert_eq!(
            (one["Specification"].as_str(), one["CodecName"].as_str()),
            (Some("H264.LD"), Some("H264")),
            "{one}"
        );
        assert_eq!(sizes_of(one), sizes_of(largest), "that of the best: {one}");
        assert!(one["Size"].as_u64() > largest["Size"].as_u64(), "all that it offers is larger than its best: {one}");
    }

    // Whoever asks is told of each size, and of one sound.
    let source = probe(&mp4(&server, &asset)).await.unwrap();
    let pictures = shown(&source);
    for format in ["m3u8", "mpd"] {
        let url = url(auto(format));
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
        let seen = probe(&url).await.unwrap();
        assert_eq!(sizes(&seen), [160, 240, 320], "{url}");
        let sounds: BTreeSet<usize> =
            seen.streams.iter().filter(|one| one.codec_type == "audio").map(|one| one.index).collect();
        assert_eq!(sounds.len(), 1, "{url}: {:?}", seen.streams);
        let of = |stream: usize| {
            let packets = seen.packets.iter().filter(|packet| packet.stream == stream).cloned().collect();
            Probe { streams: vec![seen.streams[stream].clone()], packets, duration: seen.duration }
        };
        let ladder: Vec<Probe> = (0..seen.streams.len()).filter(|one| !sounds.contains(one)).map(of).collect();
        for size in &ladder {
            let times = shown(size);
            // FFmpeg's reader of DASH stops with the first stream that ends; what is not read is within the last few.
            let known = if format == "m3u8" { pictures.len() } else { pictures.len() - 8 };
            let alike =
                times.len() <= pictures.len() && close(&times[..known.min(times.len())], &pictures[..known], 0.0015);
            assert!(alike, "{url}: {:?}, {} pictures", size.streams, times.len());
            assert!(close(&keys(size), &keys(&ladder[0]), 0.0015), "{url}: key frames lie apart");
        }
    }
    let master = text(&url(auto("m3u8"))).await;
    assert_eq!(
        (master.matches("#EXT-X-STREAM-INF").count(), master.matches("#EXT-X-MEDIA").count()),
        (3, 1),
        "{master}"
    );
    // Players begin with the first: the best that 200 kb/s carry.
    let first = master.lines().find(|line| line.starts_with("#EXT-X-STREAM-INF")).unwrap();
    assert!(first.contains("RESOLUTION=160x90"), "{master}");
    let description = text(&url(auto("mpd"))).await;
    assert_eq!(
        (description.matches("<Period ").count(), description.matches("<AdaptationSet ").count()),
        (1, 3),
        "H.264, H.265 and sound: {description}"
    );

    // Three kinds of player, another size every few seconds: each picture once, and sound to the end.
    for (player, format) in [(Player::Hls, "m3u8"), (Player::Shaka, "mpd"), (Player::Shaka, "m3u8")] {
        let mut seen = play_switching(player, &url(auto(format))).await.unwrap();
        seen.errors.retain(|error| !OF_SWITCHES.contains(&error.as_str()));
        let what = format!("{player:?}, {format}: {seen:?}");
        assert!(seen.ended && seen.errors.is_empty(), "{what}");
        assert!(seen.from < 0.1 && (seen.duration.unwrap() - 24.0).abs() < 0.1, "{what}");
        assert!(seen.widths.contains(&160) && seen.widths.contains(&320), "{what}");
        assert_eq!(seen.frames, u64::try_from(pictures.len()).unwrap(), "{what}");
        assert!(seen.audio_bytes > 0, "{what}");
    }

    let told = receiver
        .wait(PATIENCE, |told| told.iter().any(|one| one.event_type() == "TranscodeComplete"))
        .await
        .unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()));
    let packed: Vec<_> = told
        .iter()
        .filter(|one| one.event_type() == "StreamTranscodeComplete" && one.body["Definition"] == "AUTO")
        .map(|one| (one.body["Format"].as_str().unwrap(), one.body["Status"].as_str().unwrap()))
        .collect();
    assert_eq!(packed, [("m3u8", "success"), ("mpd", "success")]);

    server.stop().await.unwrap();
    let rows = crate::transcoding::all_rows(&server).await;
    assert_eq!(rows["rendition"].len(), 4, "three sizes and one sound, for six outputs");
    check(&server, &["--deep"], 0).await;
    // Storage alone knows the packages.
    assert_eq!(run(&server, &["rebuild"]).await.0, 0);
    server.restart().await.unwrap();
    assert_eq!(text(&url(auto("m3u8"))).await, master);
    assert_eq!(text(&url(auto("mpd"))).await, description);
}

#[tokio::test]
async fn a_package_offers_what_was_made_and_fails_with_the_last_of_it() {
    // What is larger than the source fails.
    let mut large = offered("large", "H.264", 640, 120);
    large["TransConfig"] = json!({"IsCheckResoFail": "true"});
    let hls = package("hls", json!({"PackageType": "HLSPackage"}));
    for (templates, auto) in [
        (vec![hls.clone(), large.clone(), offered("small", "H.264", 160, 120)], true),
        (vec![hls, large, json!({"TemplateName": "od", "Definition": "OD", "Container": {"Format": "mp4"}})], false),
    ] {
        let (server, _) = server_with(&templates, 200).await;
        let receiver = Receiver::start().await.unwrap();
        let params =
            [("CallbackType", "HTTP"), ("CallbackURL", receiver.url()), ("EventTypeList", "TranscodeComplete")];
        server.api().vod("SetMessageCallback", &params).await.unwrap();
        let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
        push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
        let asset = wait_status(&server, 1, "Normal").await.remove(0);
        let told = receiver.wait(PATIENCE, |told| !told.is_empty()).await.unwrap().remove(0);
        let infos = told.body["StreamInfos"].as_array().unwrap();
        let outcomes: Vec<_> = infos.iter().map(|one| one["Status"].as_str().unwrap()).collect();
        let streams = streams(&server, &asset, if auto { 2 } else { 1 }).await;
        if auto {
            assert_eq!(outcomes, ["success", "fail", "success"], "{infos:?}");
            assert!(streams.iter().any(|one| one["Definition"] == "AUTO" && one["Width"] == 160), "{streams:?}");
        } else {
            assert_eq!(outcomes, ["fail", "fail", "success"], "{infos:?}");
            let why = infos[0]["ErrorMessage"].as_str().unwrap();
            assert!(why.contains("none of the outputs that the package would offer was made"), "{why}");
        }
    }
}
