//! Watermarks: on exactly the pictures of their time, wherever chunks meet, in every way in which pictures are made.

use std::ops::Range;

use serde_json::{Value, json};
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::probe::decode_complaints;
use testkit::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::formats::{streams, url};
use crate::support::{PLAY_DOMAIN, reprise};
use crate::transcoding::wait_status;
use crate::upkeep::{check, run};

/// What is white is brighter than anything in the clip.
const WHITE: u8 = 228;

async fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let made = tokio::process::Command::new("ffmpeg").args(["-nostdin", "-v", "error"]).args(arguments).output();
    let made = made.await.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

/// A server that has one file; its URL.
async fn serving(file: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read_buf(&mut Vec::with_capacity(4_096)).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", file.len());
            let _ = connection.write_all(&[head.as_bytes(), &file].concat()).await;
        }
    });
    url
}

/// How bright eight by eight pixels are, picture by picture.
async fn bright(url: &str, (x, y): (u32, u32)) -> Vec<u8> {
    let filter = format!("crop=8:8:{x}:{y},scale=1:1:flags=area,format=gray");
    ffmpeg(&["-i", url, "-vf", &filter, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]).await
}

/// Which pictures are white there: one run of them.
async fn white(url: &str, at: (u32, u32)) -> (Range<usize>, usize) {
    let bright = bright(url, at).await;
    let run = lit(&bright);
    let inside = &bright[run.clone()];
    assert!(inside.iter().all(is_white), "{url}: not all of {run:?}: {inside:?}");
    (run, bright.len())
}

fn is_white(pixel: &u8) -> bool {
    *pixel >= WHITE
}

/// From the first white picture to the last.
fn lit(bright: &[u8]) -> Range<usize> {
    let from = bright.iter().position(is_white).unwrap_or(0);
    from..bright.iter().rposition(is_white).map_or(from, |last| last + 1)
}

async fn add(server: &Server, kind: &str, file_url: &str, config: Value) -> String {
    let config = config.to_string();
    let params = [("Name", kind), ("Type", kind), ("FileUrl", file_url), ("WatermarkConfig", config.as_str())];
    let added = server.api().vod("AddWatermark", &params).await.unwrap();
    added["WatermarkInfo"]["WatermarkId"].as_str().unwrap().to_owned()
}

fn template(name: &str, marks: &[&str], video: Value, more: Value) -> Value {
    let mut one = json!({
        "TemplateName": name, "Definition": "LD", "WatermarkIds": marks,
        "Video": {"Codec": "H.264", "Crf": 18, "Width": 320, "Preset": "veryfast"},
        "Audio": {"Codec": "AAC", "Bitrate": 64}, "Container": {"Format": "mp4"},
        "TranscodeFileRegular": format!("{name}-{{JobId}}"),
    });
    one["Video"].as_object_mut().unwrap().extend(video.as_object().unwrap().clone());
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

/// A picture of this colour.
async fn logo(color: &str) -> Vec<u8> {
    let one = format!("color={color}:size=80x40");
    ffmpeg(&["-f", "lavfi", "-i", &one, "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "-"]).await
}

/// A fifth of 320 × 180 pixels, 16 and 18 pixels from the lower right corner.
fn place() -> Value {
    json!({"Width": "0.2", "Dx": "16", "Dy": "0.1", "ReferPos": "BottomRight"})
}

fn timed(start: &str, length: &str) -> Value {
    let mut config = place();
    config["Timeline"] = json!({"Start": start, "Duration": length});
    config
}

/// Within the logo, and just beside it.
const INSIDE: (u32, u32) = (320 - 16 - 12, 180 - 18 - 12);
const BESIDE: (u32, u32) = (320 - 12, 180 - 18 - 12);

/// In the middle of the lowest line of a subtitle.
const TITLE: (u32, u32) = (156, 161);

/// A group of these templates.
async fn group(server: &Server, templates: &[Value]) -> String {
    let list = Value::from(templates.to_vec()).to_string();
    let params = [("Name", "marked"), ("TranscodeTemplateList", list.as_str())];
    let added = server.api().vod("AddTranscodeTemplateGroup", &params).await.unwrap();
    added["TranscodeTemplateGroupId"].as_str().unwrap().to_owned()
}

/// Records app `match` under these templates; gives their group.
async fn under(server: &Server, templates: &[Value], cycle: &str) -> String {
    let group = group(server, templates).await;
    let rule = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "match"),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", group.as_str()),
        ("CycleDuration", cycle),
        ("DelayTime", "1"),
    ];
    server.api().live("AddLiveRecordVodConfig", &rule).await.unwrap();
    group
}

#[tokio::test]
async fn watermarks_and_subtitles_are_on_exactly_the_pictures_of_their_time() {
    let mut server = Server::start(reprise()).await.unwrap();
    let files = serving(logo("white").await).await;
    let always = add(&server, "Image", &files, place()).await;
    let part = add(&server, "Image", &files, timed("29", "3.04")).await;
    let rest = add(&server, "Image", &files, timed("2", "12.5")).await;
    let late = add(&server, "Image", &files, timed("500", "ToEND")).await;
    // Letters that are white all over.
    let words = add(
        &server,
        "Text",
        "",
        json!({"Content": "██:%{n}", "FontColor": "white", "FontSize": 40, "Left": 8, "Top": 60}),
    )
    .await;
    server.api().vod("SetDefaultWatermark", &[("WatermarkId", &words)]).await.unwrap();
    // Letters that are white all over, too; the second cue is over before the first.
    let cues = "1\n00:00:29,000 --> 00:00:32,040\n██████████\n\n2\n00:00:29,500 --> 00:00:30,000\n<i>short</i>\n";
    let subtitles = json!([{"SubtitleUrl": serving(cues.into()).await, "CharEncode": "UTF-8"}]);
    let templates = [
        template("titled", &[], json!({}), json!({ "SubtitleList": subtitles })),
        template("titled50", &[], json!({"Fps": 50}), json!({ "SubtitleList": subtitles })),
        template("always", &[&always, &late], json!({}), json!({})),
        template("part", &[&part], json!({}), json!({})),
        template("fast", &[&part], json!({"Fps": 50}), json!({})),
        template("clip", &[&rest], json!({}), json!({"Clip": {"TimeSpan": {"Seek": "20", "End": "40"}}})),
        template(
            "words",
            &["USER_DEFAULT_WATERMARK", &part],
            json!({"Codec": "H.265", "PixFmt": "yuv420p10le"}),
            json!({}),
        ),
        template("two", &[&part], json!({"Crf": "", "Bitrate": 900}), json!({"TransConfig": {"TransMode": "twopass"}})),
    ];
    under(&server, &templates, "200").await;
    let clip = clips::synthetic(&Recipe { seconds: 42, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = wait_status(&server, 1, "Normal").await.remove(0);
    let streams = streams(&server, &asset, templates.len()).await;
    for (name, pictures, count) in [
        ("titled", 0..0, 1_050),
        ("titled50", 0..0, 2_100),
        ("always", 0..1_050, 1_050),
        ("part", 725..801, 1_050),
        ("fast", 1_450..1_602, 2_100),
        ("clip", 50..363, 500),
        ("words", 725..801, 1_050),
        ("two", 725..801, 1_050),
    ] {
        let stream = streams.iter().find(|stream| url(stream).contains(&format!("/{name}-"))).unwrap();
        let url = url(stream);
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{name}");
        let named = templates.iter().find(|template| template["TemplateName"] == name).unwrap()["WatermarkIds"].clone();
        let named: Vec<String> = serde_json::from_value(named).unwrap();
        assert_eq!(stream.get("WatermarkId").and_then(Value::as_str).unwrap_or_default(), named.join(","), "{name}");
        assert_eq!(white(&url, INSIDE).await, (pictures, count), "{name}");
        assert!(white(&url, BESIDE).await.0.is_empty(), "{name}");
        let titled = match name {
            "titled" => 725..801,
            "titled50" => 1_450..1_602,
            _ => 0..0,
        };
        let bright = bright(&url, TITLE).await;
        assert_eq!((lit(&bright), bright.len()), (titled, count), "{name}");
        let written = white(&url, (16, 76)).await.0;
        assert_eq!(written, if name == "words" { 0..1_050 } else { 0..0 }, "{name}");
    }

    // One task shows a black picture and no words instead, for two seconds.
    let clip = json!({"Clip": {"TimeSpan": {"Seek": "1", "Duration": "2"}}});
    let other = group(&server, &[template("other", &[&always, "USER_DEFAULT_WATERMARK"], json!({}), clip)]).await;
    let black = serving(logo("black").await).await;
    let cues = "WEBVTT\n\n00:01.000 --> 00:01.400 line:0\n██████████\n";
    let instead = json!({
        "Watermarks": [{"WatermarkId": always, "FileUrl": black}, {"WatermarkId": words, "Content": "."}],
        "SubtitleSetting": {"SubtitleList": [{"SubtitleUrl": serving(cues.into()).await}]},
    });
    let instead = instead.to_string();
    let params = [("VideoId", asset.video_id.as_str()), ("TemplateGroupId", &other), ("OverrideParams", &instead)];
    server.api().vod("SubmitTranscodeJobs", &params).await.unwrap();
    let streams = crate::formats::streams(&server, &asset, templates.len() + 1).await;
    let stream = streams.iter().find(|stream| url(stream).contains("/other-")).unwrap();
    for place in [INSIDE, (16, 76)] {
        assert_eq!(white(&url(stream), place).await, (0..0, 50), "{place:?}");
    }
    // By the clock of the output.
    assert_eq!(lit(&bright(&url(stream), TITLE).await), 25..35);

    let listed = server.api().vod("ListWatermark", &[]).await.unwrap()["WatermarkInfos"].clone();
    server.stop().await.unwrap();
    // What was encoded while the cycle grew is what was asked for at its end.
    let rows = crate::transcoding::all_rows(&server).await;
    assert_eq!(rows["rendition"].len(), 12, "nine of pictures, and the sound of all and of both clips");
    check(&server, &["--deep"], 0).await;
    assert_eq!(run(&server, &["rebuild"]).await.0, 0);
    server.restart().await.unwrap();
    assert_eq!(server.api().vod("ListWatermark", &[]).await.unwrap()["WatermarkInfos"], listed);
    server.stop().await.unwrap();
    std::fs::remove_dir_all(server.data().join("media/watermarks")).unwrap();
    let told = check(&server, &[], 1).await;
    assert_eq!(told.matches("its image is not there").count(), 4, "{told}");
}

#[tokio::test]
async fn a_joined_video_has_a_watermark_at_its_own_time() {
    let mut server = Server::start(reprise()).await.unwrap();
    let files = serving(logo("white").await).await;
    let part = add(&server, "Image", &files, timed("29", "3.04")).await;
    let gone =
        add(&server, "Text", "", json!({"Content": "██", "FontColor": "white", "FontSize": 40, "Left": 8, "Top": 60}))
            .await;
    let group = under(&server, &[template("part", &[&gone, &part], json!({}), json!({}))], "40").await;
    let rule = [("DomainName", PLAY_DOMAIN), ("AppName", "match"), ("StreamName", "*")];
    let compose = [("AutoCompose", "ON"), ("ComposeVodTranscodeGroupId", group.as_str())];
    server.api().live("UpdateLiveRecordVodConfig", &[&rule[..], &compose].concat()).await.unwrap();
    // What is not there any more shows nothing.
    server.api().vod("DeleteWatermark", &[("WatermarkId", &gone)]).await.unwrap();
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let mut assets = wait_status(&server, 3, "Normal").await;
    assets.sort_by(|one, other| one.duration.total_cmp(&other.duration));
    // The cycle of 30 s, that of 40 s, and both.
    for (asset, wanted) in assets.iter().zip([(725..750, 750), (725..801, 1_000), (725..801, 1_750)]) {
        let url = url(&streams(&server, asset, 1).await[0]);
        assert_eq!(white(&url, INSIDE).await, wanted, "{} s", asset.duration);
        assert!(white(&url, (16, 76)).await.0.is_empty());
    }
    server.stop().await.unwrap();
    // Behind the watermark's time the second cycle is encoded without it; the first is taken over, and all of the sound.
    assert_eq!(crate::transcoding::all_rows(&server).await["rendition"].len(), 5);
    check(&server, &["--deep"], 0).await;
}
