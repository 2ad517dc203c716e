//! Every container that an output can have: exact to the picture and the sample, whatever is asked for.

use anyhow::{Context, ensure};
use catalog::{Catalog, CatalogUrl};
use serde_json::{Value, json};
use testkit::browser::{Player, play};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{decode_complaints, decoded, probe};
use testkit::server::{Server, until};

use crate::support::{Recorded, mp4};
use crate::transcoding::{PATIENCE, close, server_with, shown, wait_status};
use crate::upkeep::check;

/// A template of pictures and sound.
fn template(name: &str, format: &str, sound: Value) -> Value {
    json!({
        "TemplateName": name, "Definition": "LD",
        "Video": {"Codec": "H.264", "Bitrate": 200, "Width": 160, "Preset": "veryfast"},
        "Audio": sound, "Container": {"Format": format},
    })
}

/// A template of sound alone.
fn sound(name: &str, format: &str, sound: Value) -> Value {
    json!({"TemplateName": name, "Definition": "HQ", "Audio": sound, "Container": {"Format": format}})
}

/// All streams of an asset, once there are `count`.
pub async fn streams(server: &Server, asset: &Recorded, count: usize) -> Vec<Value> {
    let look = || async {
        let params = [("VideoId", asset.video_id.as_str()), ("ResultType", "Multiple")];
        let answer = server.api().vod("GetPlayInfo", &params).await?;
        let infos = answer["PlayInfoList"]["PlayInfo"].as_array().context("PlayInfo")?;
        ensure!(infos.len() == count, "{count} streams are wanted: {answer}");
        Ok(infos.clone())
    };
    until(PATIENCE, look).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()))
}

pub fn url(stream: &Value) -> String {
    stream["PlayURL"].as_str().unwrap().to_owned()
}

/// The streams of one format and codec, in the order of their URLs.
fn of<'a>(streams: &'a [Value], format: &str, codec: &str) -> Vec<&'a Value> {
    let mut found: Vec<_> = streams.iter().filter(|one| one["Format"] == format && one["CodecName"] == codec).collect();
    found.sort_by_key(|one| one["JobId"].as_str().unwrap_or_default().to_owned());
    found
}

pub async fn size(url: &str) -> u64 {
    reqwest::Client::new().head(url).send().await.unwrap().headers()["content-length"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn flv_mp3_and_sound_alone_have_every_picture_and_every_sample() {
    let aac = json!({"Codec": "AAC", "Bitrate": 64, "Samplerate": 44_100});
    let mp3 = json!({"Codec": "MP3", "Bitrate": 64, "Samplerate": 44_100});
    let templates = [
        template("flv", "flv", aac.clone()),
        template("flv with mp3", "flv", mp3.clone()),
        template("mp4 with mp3", "mp4", mp3.clone()),
        sound("mp3", "mp3", json!({"Bitrate": 64})),
        sound("low mp3", "mp3", json!({"Bitrate": 32, "Samplerate": 22_050, "Channels": 1})),
        sound("m4a", "mp4", aac),
    ];
    let (mut server, _) = server_with(&templates, 200).await;
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = &wait_status(&server, 1, "Normal").await[0];
    let streams = streams(&server, asset, templates.len()).await;
    let source = probe(&mp4(&server, asset)).await.unwrap();
    for stream in &streams {
        let (url, what) = (url(stream), stream.to_string());
        let seen = probe(&url).await.unwrap();
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{what}");
        assert_eq!(size(&url).await, stream["Size"].as_u64().unwrap(), "{what}");
        let (pictures, samples) = decoded(&url).await.unwrap();
        let rate: u64 = seen.stream("audio").unwrap().sample_rate.parse().unwrap();
        // As long as the pictures, to within a frame at either end.
        assert!((samples * 1_000 / rate).abs_diff(70_000) < 110, "{samples} samples at {rate}: {what}");
        let packets = seen.track("audio");
        let gap =
            |pair: &[&testkit::probe::Packet]| (pair[1].pts - pair[0].pts) * f64::from(u32::try_from(rate).unwrap());
        // FLV counts milliseconds.
        let frame = gap(&packets[..2]).round();
        assert!(packets.windows(2).all(|pair| (gap(pair) - frame).abs() < 90.0), "sound has a gap: {what}");
        if stream["Definition"] == "HQ" {
            assert_eq!((pictures, stream["StreamType"].as_str()), (0, Some("audio")), "{what}");
            continue;
        }
        assert_eq!(usize::try_from(pictures).unwrap(), source.track("video").len(), "{what}");
        // FLV has no edit lists: all of it begins later, by as much as pictures are reordered.
        let late = shown(&seen)[0];
        assert!(late < 0.1 && (url.contains(".flv") || late < 0.001), "{what}");
        let times: Vec<f64> = shown(&seen).iter().map(|time| time - late).collect();
        assert!(close(&times, &shown(&source), 0.0021), "pictures at other times than the source's: {what}");
        assert!((packets[0].pts - late).abs() < 0.025, "sound begins {} s after: {what}", packets[0].pts - late);
    }
    for (format, codec, count) in [("flv", "H264", 2), ("mp4", "H264", 1), ("mp3", "MP3", 2), ("mp4", "AAC", 1)] {
        assert_eq!(of(&streams, format, codec).len(), count, "{format} {codec}");
    }
    // A player that seeks asks for ranges.
    let flv = url(of(&streams, "flv", "H264")[0]);
    let whole = reqwest::get(&flv).await.unwrap().bytes().await.unwrap();
    for range in [0..100, 20_000..20_001, whole.len() - 5_000..whole.len(), 1_000..whole.len() - 7] {
        let wanted = format!("bytes={}-{}", range.start, range.end - 1);
        let answer = reqwest::Client::new().get(&flv).header("range", wanted).send().await.unwrap();
        assert_eq!(answer.status(), 206);
        assert!(answer.bytes().await.unwrap() == whole.slice(range.clone()), "{range:?}");
    }
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;

    // The segments alone say where they lie: an index made from them is as good.
    assert_eq!(lose_indexes(&server).await, 4, "pictures once, and three kinds of sound");
    check(&server, &["--mend"], 1).await;
    check(&server, &["--deep"], 0).await;
    server.restart().await.unwrap();
    assert!(reqwest::get(&flv).await.unwrap().bytes().await.unwrap() == whole);
}

/// Removes the index of every rendition; tells how many there were.
async fn lose_indexes(server: &Server) -> usize {
    let catalog = Catalog::open(&CatalogUrl::Sqlite(server.data().join("catalog.sqlite"))).await.unwrap();
    let rows = catalog.all_rows().await.unwrap();
    catalog.close().await;
    for row in &rows["rendition"] {
        let reel = row["reel"].as_str().unwrap();
        std::fs::remove_file(server.data().join(format!("media/reels/{reel}/segments.idx"))).unwrap();
    }
    rows["rendition"].len()
}

#[tokio::test]
async fn h265_has_every_picture_at_its_time_and_one_set_of_parameters() {
    let h265 = |name: &str, width: u32, rate: Value, format: &str| {
        let mut one = template(name, format, json!({"Codec": "AAC", "Bitrate": 64}));
        one["Video"] = json!({"Codec": "H.265", "Width": width, "Preset": "veryfast"});
        one["Video"].as_object_mut().unwrap().extend(rate.as_object().unwrap().clone());
        one
    };
    let templates = [
        h265("small", 160, json!({"Bitrate": 150}), "mp4"),
        h265("large", 320, json!({"Crf": 30}), "m3u8"),
        h265("deep", 160, json!({"Bitrate": 150, "PixFmt": "yuv420p10le"}), "mp4"),
        template("h264", "mp4", json!({"Codec": "AAC", "Bitrate": 64})),
    ];
    let (mut server, _) = server_with(&templates, 200).await;
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = &wait_status(&server, 1, "Normal").await[0];
    let source = probe(&mp4(&server, asset)).await.unwrap();
    let streams = streams(&server, asset, templates.len()).await;
    assert_eq!(of(&streams, "mp4", "H265").len() + of(&streams, "m3u8", "H265").len(), 3);
    let mut keys = Vec::new();
    for stream in &streams {
        let (url, what) = (url(stream), stream.to_string());
        let seen = probe(&url).await.unwrap();
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{what}");
        assert!(close(&shown(&seen), &shown(&source), 0.0015), "pictures at other times than the source's: {what}");
        keys.push(crate::transcoding::keys(&seen));
        if stream["Format"] == "mp4" && stream["CodecName"] == "H265" {
            // One set of parameters in all chunks: the entry says so, and nothing is told in the samples alone.
            let head = reqwest::get(&url).await.unwrap().bytes().await.unwrap().slice(..4_000);
            assert!(
                head.windows(4).any(|kind| kind == b"hvc1") && !head.windows(4).any(|kind| kind == b"hev1"),
                "{what}"
            );
            let kbps: u64 = stream["Bitrate"].as_str().unwrap().parse().unwrap();
            assert!((120..330).contains(&kbps), "150 kb/s of pictures and 64 of sound were asked for: {what}");
        }
    }
    assert!(keys.iter().all(|one| close(one, &keys[0], 0.0015)), "key frames lie apart");
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

/// What of a tone's next sample does not follow from the two before it, at most; the first and last second apart.
fn surprise(samples: &[f32], hertz: f32, rate: f32) -> f32 {
    let turn = 2.0 * (std::f32::consts::TAU * hertz / rate).cos();
    let inner = &samples[44_100..samples.len() - 44_100];
    inner.windows(3).map(|three| (three[2] - turn * three[1] + three[0]).abs()).fold(0.0, f32::max)
}

async fn heard(url: &str) -> Vec<f32> {
    let mut ffmpeg = tokio::process::Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i", url, "-vn", "-ac", "1", "-f", "f32le", "-"]);
    let decoded = ffmpeg.output().await.unwrap();
    decoded.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[tokio::test]
async fn a_tone_in_mp3_is_whole_where_chunks_meet_and_in_step_with_its_source() {
    let mp3 = json!({"Codec": "MP3", "Bitrate": 128, "Samplerate": 44_100});
    let templates = [template("mp4", "mp4", mp3.clone()), sound("mp3", "mp3", mp3)];
    let (server, _) = server_with(&templates, 120).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = crate::transcoding::tone(folder.path()).await;
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = &wait_status(&server, 1, "Normal").await[0];
    let source = heard(&mp4(&server, asset)).await;
    let loudest = source.iter().copied().fold(0.0, f32::max);
    let before = surprise(&source, 997.0, 44_100.0);
    for stream in streams(&server, asset, 2).await {
        let encoded = heard(&url(&stream)).await;
        assert!(source.len().abs_diff(encoded.len()) < 3 * 1_152, "{} and {} samples", source.len(), encoded.len());
        let after = surprise(&encoded, 997.0, 44_100.0);
        assert!(after < before + loudest / 10.0, "{after} after, {before} before, the tone is {loudest}: {stream}");
        // In step where it has pictures to be in step with; a file of sound alone begins with a whole frame.
        let slack = if stream["Format"] == "mp4" { 22 } else { 1_152 };
        let at = 30 * 44_100;
        let fits = |shift: usize| -> f32 { (0..4_000).map(|n| source[at + n] * encoded[at + n + shift - 44]).sum() };
        let best = (0..=88).max_by(|one, other| fits(*one).total_cmp(&fits(*other))).unwrap();
        assert!(best.abs_diff(44) <= slack, "the sound is {} samples off: {stream}", best.abs_diff(44));
    }
}

#[tokio::test]
async fn a_playlist_has_segments_of_the_length_that_was_asked_for_and_plays() {
    let mut hls = template("hls", "m3u8", json!({"Codec": "AAC", "Bitrate": 64}));
    hls["MuxConfig"] = json!({"Segment": {"Duration": "10"}});
    let (server, _) = server_with(&[hls], 200).await;
    let clip = clips::synthetic(&Recipe { seconds: 24, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = &wait_status(&server, 1, "Normal").await[0];
    let url = url(&streams(&server, asset, 1).await[0]);
    let text = async |url: String| reqwest::get(url).await.unwrap().text().await.unwrap();
    let folder = url.strip_suffix(".m3u8").unwrap();
    for name in ["video.m3u8", "audio.m3u8"] {
        let playlist = text(format!("{folder}/{name}")).await;
        let lengths: Vec<f64> = playlist
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(',')?.parse().ok())
            .collect();
        let (last, all) = lengths.split_last().unwrap();
        assert!(all.iter().all(|length| (8.0..=12.0).contains(length)) && *last <= 12.0, "{playlist}");
        assert!((lengths.iter().sum::<f64>() - 24.0).abs() < 0.1, "{playlist}");
    }
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
    assert_eq!(decoded(&url).await.unwrap().0, 24 * 25);
    for player in [Player::Hls, Player::Shaka] {
        let seen = play(player, &url, None).await.unwrap();
        assert!(
            seen.ended && seen.errors.is_empty() && seen.frames == 24 * 25 && seen.audio_bytes > 0,
            "{player:?}: {seen:?}"
        );
    }
}
