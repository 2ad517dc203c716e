//! Under a rule with a template group, each cycle becomes a ladder: as many pictures as the source at the same times, sound
//! without a click, key frames where the others have them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use catalog::{Catalog, CatalogUrl};
use serde_json::{Value, json};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{Probe, decode_complaints, decoded, probe};
use testkit::publisher::Publisher;
use testkit::receiver::Receiver;
use testkit::server::{Server, until};
use testkit::tape::Tape;

use crate::support::{PLAY_DOMAIN, Recorded, recorded, reprise};
use crate::upkeep::check;

/// Encoding takes long on a machine that does other things.
pub const PATIENCE: Duration = Duration::from_secs(150);

pub fn template(name: &str, width: u32, kbps: u32, format: &str) -> Value {
    json!({
        "TemplateName": name, "Definition": "LD",
        "Video": {"Codec": "H.264", "Bitrate": kbps, "Width": width, "Preset": "veryfast"},
        "Audio": {"Codec": "AAC", "Bitrate": 64, "Samplerate": 44_100},
        "Container": {"Format": format},
    })
}

/// A server with a rule for app `match` whose group has these templates; the group's id, too.
pub async fn server_with(templates: &[Value], cycle: u32) -> (Server, String) {
    server_set_with(&[], templates, cycle).await
}

/// The same with these settings.
pub async fn server_set_with(settings: &[(&str, &str)], templates: &[Value], cycle: u32) -> (Server, String) {
    let server = Server::start_with(reprise(), settings).await.unwrap();
    let list = Value::from(templates.to_vec()).to_string();
    let params = [("Name", "ladder"), ("TranscodeTemplateList", list.as_str())];
    let added = server.api().vod("AddTranscodeTemplateGroup", &params).await.unwrap();
    let group = added["TranscodeTemplateGroupId"].as_str().unwrap().to_owned();
    let cycle = cycle.to_string();
    let params = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "match"),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", &group),
        ("CycleDuration", &cycle),
        ("DelayTime", "1"),
    ];
    server.api().live("AddLiveRecordVodConfig", &params).await.unwrap();
    (server, group)
}

pub async fn wait_status(server: &Server, count: usize, status: &str) -> Vec<Recorded> {
    let look = || async {
        let found = recorded(server, "court1").await?;
        if found.len() != count || found.iter().any(|asset| asset.status != status) {
            bail!("{count} assets that are {status} are wanted: {found:#?}");
        }
        Ok(found)
    };
    until(PATIENCE, look).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()))
}

/// The URLs of an asset's streams, by format.
async fn streams(server: &Server, asset: &Recorded, count: usize) -> Vec<(String, String)> {
    let look = || async {
        let answer = server.api().vod("GetPlayInfo", &[("VideoId", &asset.video_id)]).await?;
        let infos = answer["PlayInfoList"]["PlayInfo"].as_array().context("PlayInfo")?;
        ensure!(infos.len() == count, "{count} streams are wanted: {answer}");
        let text = |info: &Value, key: &str| info[key].as_str().unwrap_or_default().to_owned();
        Ok(infos.iter().map(|info| (text(info, "Format"), text(info, "PlayURL"))).collect())
    };
    until(PATIENCE, look).await.unwrap()
}

pub fn sorted(times: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    times
}

pub fn shown(probe: &Probe) -> Vec<f64> {
    sorted(probe.track("video").into_iter().map(|packet| packet.pts))
}

pub fn keys(probe: &Probe) -> Vec<f64> {
    sorted(probe.track("video").into_iter().filter(|packet| packet.key).map(|packet| packet.pts))
}

pub fn close(one: &[f64], other: &[f64], within: f64) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| (one - other).abs() <= within)
}

#[tokio::test]
async fn each_cycle_becomes_a_ladder_with_every_picture_at_its_time() {
    let (mut server, _) =
        server_with(&[template("large", 320, 400, "mp4"), template("small", 160, 120, "m3u8")], 40).await;
    let receiver = Receiver::start().await.unwrap();
    let params = [("CallbackType", "HTTP"), ("CallbackURL", receiver.url()), ("EventTypeList", "ALL")];
    server.api().vod("SetMessageCallback", &params).await.unwrap();
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();

    let assets = wait_status(&server, 2, "Normal").await;
    let told = receiver
        .wait(PATIENCE, |told| told.iter().filter(|one| one.event_type() == "TranscodeComplete").count() == 2)
        .await
        .unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()));
    let mut pictures = 0;
    for asset in &assets {
        let events: Vec<&str> = told
            .iter()
            .filter(|one| one.body["VideoId"] == asset.video_id.as_str())
            .map(|one| one.event_type())
            .filter(|kind| !["VideoAnalysisComplete", "SnapshotComplete"].contains(kind))
            .collect();
        let stream = "StreamTranscodeComplete";
        assert_eq!(events, ["AddLiveRecordVideoComplete", stream, stream, "TranscodeComplete"]);

        let source = probe(&crate::support::mp4(&server, asset)).await.unwrap();
        let mut ladder = Vec::new();
        for (format, url) in streams(&server, asset, 2).await {
            let seen = probe(&url).await.unwrap();
            assert!(
                close(&shown(&seen), &shown(&source), 0.0015),
                "{format}: pictures at other times than the source's"
            );
            assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
            let (frames, samples) = decoded(&url).await.unwrap();
            assert_eq!(usize::try_from(frames).unwrap(), source.track("video").len(), "{url}");
            #[allow(clippy::cast_precision_loss, reason = "some seconds of sound")]
            let seconds = samples as f64 / 44_100.0;
            assert!((seconds - source.duration).abs() < 0.1, "{seconds} s of sound for {} s", source.duration);
            assert_eq!(seen.stream("video").unwrap().width, if format == "mp4" { 320 } else { 160 });
            ladder.push(seen);
        }
        assert!(close(&keys(&ladder[0]), &keys(&ladder[1]), 0.0015), "key frames of the two lie apart");
        pictures += shown(&source).len();
    }
    assert_eq!(pictures, 1750);
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

/// A clip of 62 s with a tone of 997 Hz.
pub async fn tone(folder: &Path) -> PathBuf {
    let clip = folder.join("tone.mp4");
    let made = tokio::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=62"])
        .args(["-f", "lavfi", "-i", "sine=frequency=997:sample_rate=44100:duration=62", "-g", "50", "-c:v", "libx264"])
        .args(["-preset", "ultrafast", "-c:a", "aac", "-b:a", "192k", "-ac", "2"])
        .arg(&clip)
        .status()
        .await
        .unwrap();
    assert!(made.success());
    clip
}

#[tokio::test]
async fn a_tone_is_whole_where_chunks_meet() {
    let (server, _) = server_with(&[template("tone", 160, 100, "mp4")], 120).await;
    let folder = tempfile::tempdir().unwrap();
    let clip = tone(folder.path()).await;
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = &wait_status(&server, 1, "Normal").await[0];
    let heard = |url: String| async move {
        let decoded = tokio::process::Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-i", &url, "-vn", "-ac", "1", "-f", "f32le", "-"])
            .output()
            .await
            .unwrap();
        let samples = decoded.stdout.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
        samples.collect::<Vec<f32>>()
    };
    // What a pure tone's next sample differs from what follows of the two before.
    let surprise = |samples: &[f32]| {
        let turn = 2.0 * (std::f32::consts::TAU * 997.0 / 44_100.0).cos();
        let inner = &samples[44_100..samples.len() - 44_100];
        inner.windows(3).map(|three| (three[2] - turn * three[1] + three[0]).abs()).fold(0.0, f32::max)
    };
    let source = heard(crate::support::mp4(&server, asset)).await;
    let (_, url) = streams(&server, asset, 1).await.remove(0);
    let encoded = heard(url).await;
    let loudest = source.iter().copied().fold(0.0, f32::max);
    assert!(source.len() > 60 * 44_100 && loudest > 0.05, "{} samples, {loudest}", source.len());
    assert!(source.len().abs_diff(encoded.len()) < 3 * 1024, "{} and {} samples", source.len(), encoded.len());
    // A click would be as loud as the tone; the noise of any encode is a thirtieth of it.
    let (before, after) = (surprise(&source), surprise(&encoded));
    assert!(after < before + loudest / 10.0, "{after} after, {before} before, the tone is {loudest}");
    // In step: the tone turns at the same samples, to within half a millisecond.
    let at = 30 * 44_100;
    let fits = |shift: usize| -> f32 { (0..4_000).map(|n| source[at + n] * encoded[at + n + shift - 44]).sum() };
    let best = (0..=88).max_by(|one, other| fits(*one).total_cmp(&fits(*other))).unwrap();
    assert!(best.abs_diff(44) <= 22, "the sound is {} samples off", best.abs_diff(44));
}

#[tokio::test]
async fn a_composed_video_takes_the_renditions_of_its_cycles() {
    // More than the source has: each cycle is encoded at its own rate, and the joined video has another.
    let mut limited = template("large", 320, 20_000, "mp4");
    limited["TransConfig"] = json!({"IsCheckVideoBitrate": "true"});
    let (mut server, group) = server_with(&[limited], 40).await;
    let rule = [("DomainName", PLAY_DOMAIN), ("AppName", "match"), ("StreamName", "*")];
    let compose = [("AutoCompose", "ON"), ("ComposeVodTranscodeGroupId", group.as_str())];
    server.api().live("UpdateLiveRecordVodConfig", &[&rule[..], &compose].concat()).await.unwrap();
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let assets = wait_status(&server, 3, "Normal").await;
    let composed = assets.iter().max_by(|one, other| one.duration.total_cmp(&other.duration)).unwrap();
    let (_, url) = streams(&server, composed, 1).await.remove(0);
    assert_eq!(shown(&probe(&url).await.unwrap()).len(), 1750);
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
    server.stop().await.unwrap();
    let rows = all_rows(&server).await;
    // Pictures and sound of two cycles.
    assert_eq!((rows["rendition"].len(), rows["output"].len()), (4, 3), "nothing is encoded twice");
}

#[tokio::test]
async fn a_video_that_cannot_be_encoded_says_why_and_keeps_its_source() {
    let (mut server, _) = server_with(&[template("large", 320, 400, "mp4")], 40).await;
    server.stop().await.unwrap();
    server.set("REPRISE_TRANSCODE__FFMPEG", "/bin/false");
    server.restart().await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    let params = [("CallbackType", "HTTP"), ("CallbackURL", receiver.url()), ("EventTypeList", "ALL")];
    server.api().vod("SetMessageCallback", &params).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    wait_status(&server, 1, "TranscodeFail").await;
    let told =
        receiver.wait(PATIENCE, |told| told.iter().any(|one| one.event_type() == "TranscodeComplete")).await.unwrap();
    let failed = told.iter().find(|one| one.event_type() == "StreamTranscodeComplete").unwrap();
    let said = failed.body["ErrorMessage"].as_str().unwrap_or_default();
    assert!(failed.body["Status"] == "fail" && said.contains("the encoder ended with"), "{}", failed.body);
}

#[tokio::test]
async fn a_server_killed_while_it_encodes_goes_on_and_tells_each_stream_once() {
    let (mut server, _) = server_with(&[template("large", 320, 400, "mp4")], 200).await;
    let receiver = Receiver::start().await.unwrap();
    let params = [("CallbackType", "HTTP"), ("CallbackURL", receiver.url()), ("EventTypeList", "ALL")];
    server.api().vod("SetMessageCallback", &params).await.unwrap();
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Transcoding").await.remove(0);
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    wait_status(&server, 1, "Normal").await;
    let told =
        receiver.wait(PATIENCE, |told| told.iter().any(|one| one.event_type() == "TranscodeComplete")).await.unwrap();
    let mut streams_told: Vec<String> = told
        .iter()
        .filter(|one| one.event_type() == "StreamTranscodeComplete")
        .map(|one| one.body.to_string())
        .collect();
    // The same event may be offered again; it is the same text.
    streams_told.dedup();
    assert_eq!(streams_told.len(), 1);
    let (_, url) = streams(&server, &asset, 1).await.remove(0);
    assert_eq!(shown(&probe(&url).await.unwrap()).len(), 1750);
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
}

/// A publisher that has sent a minute at once, and then keeps sending until it is told how to end.
struct Alive {
    end: tokio::sync::oneshot::Sender<End>,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

#[derive(Clone, Copy)]
enum End {
    Reset,
    Unpublish,
}

impl Alive {
    async fn begin(url: &str, tape: &Tape) -> Self {
        let mut publisher = Publisher::connect(url).await.unwrap();
        let (end, mut told) = tokio::sync::oneshot::channel();
        let tape = tape.clone();
        let task = tokio::spawn(async move {
            publisher.play(&tape, Pace::Fast, tape.duration()).await?;
            loop {
                publisher.play(&tape, Pace::Times(1.0), Duration::from_secs(2)).await?;
                match told.try_recv() {
                    Ok(End::Reset) => return publisher.reset(),
                    Ok(End::Unpublish) => return publisher.unpublish().await,
                    Err(_) => {}
                }
            }
        });
        Self { end, task }
    }

    async fn end(self, how: End) {
        self.end.send(how).unwrap_or_else(|_| panic!("the publisher is gone"));
        self.task.await.unwrap().unwrap();
    }
}

/// Waits until so many chunks have been encoded since the server's start, while nothing is a video yet.
async fn encoded_live(server: &Server, chunks: u64) {
    let look = || async {
        let done: u64 = server.metric("worker_encoded_chunks_total").await?;
        ensure!(done >= chunks, "{chunks} chunks are wanted: {done}");
        ensure!(recorded(server, "court1").await?.is_empty(), "it is a video by now");
        Ok(())
    };
    until(PATIENCE, look).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()));
}

/// The rows of a server that was stopped.
pub async fn all_rows(server: &Server) -> catalog::Rows {
    let catalog = Catalog::open(&CatalogUrl::Sqlite(server.data().join("catalog.sqlite"))).await.unwrap();
    catalog.all_rows().await.unwrap()
}

#[tokio::test]
async fn a_cycle_is_encoded_while_it_grows_and_over_an_interruption_and_nothing_twice() {
    let (mut server, _) =
        server_with(&[template("large", 320, 400, "mp4"), template("small", 160, 120, "m3u8")], 600).await;
    let rule = [("DomainName", PLAY_DOMAIN), ("AppName", "match"), ("StreamName", "*"), ("DelayTime", "120")];
    server.api().live("UpdateLiveRecordVodConfig", &rule).await.unwrap();
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    let tape = Tape::from_flv(&clip).unwrap();
    let url = server.push_url("match", "court1");
    // Of 70 s two chunks are whole, and a third grows.
    let publisher = Alive::begin(&url, &tape).await;
    encoded_live(&server, 2).await;
    // While it waits for its publisher the last one is encoded, too: nothing that comes can change it.
    publisher.end(End::Reset).await;
    encoded_live(&server, 3).await;
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    let publisher = Alive::begin(&url, &tape).await;
    encoded_live(&server, 2).await;
    publisher.end(End::Unpublish).await;
    let path = [("DomainName", PLAY_DOMAIN), ("AppName", "match"), ("StreamName", "court1")];
    for command in ["stop", "cancel_delay"] {
        server.api().live("RealTimeRecordCommand", &[&path[..], &[("Command", command)]].concat()).await.unwrap();
    }
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let source = probe(&crate::support::mp4(&server, &asset)).await.unwrap();
    assert!(shown(&source).len() > 3_400, "{} pictures", shown(&source).len());
    for (_, url) in streams(&server, &asset, 2).await {
        let seen = probe(&url).await.unwrap();
        assert!(close(&shown(&seen), &shown(&source), 0.0015), "{url}: pictures at other times than the source's");
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
    }
    server.stop().await.unwrap();
    let rows = all_rows(&server).await;
    // Two of pictures, and the sound of both.
    assert_eq!((rows["encode_run"].len(), rows["rendition"].len()), (1, 3));
    let chunks = rows["encode_run"][0]["chunks"].as_u64().unwrap();
    let jobs = rows["job"].iter().filter(|job| job["kind"] == "encode").count();
    assert_eq!(u64::try_from(jobs).unwrap(), chunks, "each chunk has one job");
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn what_was_encoded_of_a_cycle_under_templates_that_changed_is_given_up() {
    let (mut server, group) = server_with(&[template("large", 320, 400, "mp4")], 600).await;
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    let publisher = Alive::begin(&server.push_url("match", "court1"), &Tape::from_flv(&clip).unwrap()).await;
    encoded_live(&server, 1).await;
    let told = server.api().vod("GetTranscodeTemplateGroup", &[("TranscodeTemplateGroupId", &group)]).await.unwrap();
    let mut changed = template("large", 160, 200, "mp4");
    changed["Audio"]["Bitrate"] = json!(48);
    changed["TranscodeTemplateId"] =
        told["TranscodeTemplateGroup"]["TranscodeTemplateList"][0]["TranscodeTemplateId"].clone();
    let list = Value::from(vec![changed]).to_string();
    let params = [("TranscodeTemplateGroupId", group.as_str()), ("TranscodeTemplateList", list.as_str())];
    server.api().vod("UpdateTranscodeTemplateGroup", &params).await.unwrap();
    publisher.end(End::Unpublish).await;
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let (_, url) = streams(&server, &asset, 1).await.remove(0);
    assert_eq!(probe(&url).await.unwrap().stream("video").unwrap().width, 160);
    server.stop().await.unwrap();
    let rows = all_rows(&server).await;
    let states: Vec<_> = rows["encode_run"].iter().filter_map(|run| run["state"].as_str()).collect();
    assert!(states.len() == 2 && states.contains(&"failed") && states.contains(&"ready"), "{states:?}");
    check(&server, &["--deep"], 0).await;

    // What was given up goes with its source.
    server.set("REPRISE_STORAGE__UNDELETE_WINDOW", "0s");
    server.restart().await.unwrap();
    server.api().vod("DeleteVideo", &[("VideoIds", asset.video_id.as_str())]).await.unwrap();
    let reels = server.data().join("media/reels");
    let freed = || async {
        let folders = std::fs::read_dir(&reels)?.flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten().flatten());
        let left: Vec<_> = files.map(|file| file.path()).filter(|file| !file.ends_with("recording.json")).collect();
        anyhow::ensure!(left.is_empty(), "{left:#?}");
        Ok(())
    };
    until(PATIENCE, freed).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()));
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}
