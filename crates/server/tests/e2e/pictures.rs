//! Covers, snapshots, sprites, cues and animated images: taken of what was pushed, told by signed callbacks, fetched over HTTP and
//! judged by ffprobe.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::ffmpeg::{Pace, push};
use testkit::receiver::{Delivery, Receiver};
use testkit::server::{Server, until};

use crate::support::{PLAY_DOMAIN, Recorded, recorded, reprise};
use crate::upkeep::{check, run};

/// Encoders take long on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(150);
const KEY: &str = "Testkit0Key";

/// A server with a rule for app `match` under a template group, which tells a receiver of everything.
async fn server_under(group: &str) -> (Server, Receiver) {
    let mut server = Server::start(reprise()).await.unwrap();
    server.stop().await.unwrap();
    server.set("REPRISE_STORAGE__UNDELETE_WINDOW", "0s");
    server.restart().await.unwrap();
    let group = match group {
        "ladder" => {
            let template = json!([{
                "TemplateName": "small", "Definition": "LD", "Container": {"Format": "m3u8"},
                "Video": {"Codec": "H.264", "Bitrate": 120, "Width": 160, "Preset": "veryfast"}, "Audio": {"Codec": "AAC"},
            }]);
            let template = template.to_string();
            let params = [("Name", "ladder"), ("TranscodeTemplateList", template.as_str())];
            let added = server.api().vod("AddTranscodeTemplateGroup", &params).await.unwrap();
            added["TranscodeTemplateGroupId"].as_str().unwrap().to_owned()
        }
        built_in => built_in.to_owned(),
    };
    let params = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "match"),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", &group),
        ("CycleDuration", "300"),
        ("DelayTime", "1"),
    ];
    server.api().live("AddLiveRecordVodConfig", &params).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    (server, receiver)
}

async fn one_recorded(server: &Server, seconds: u32) -> Recorded {
    let clip = clips::synthetic(&Recipe { seconds, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let look = || async {
        let found = recorded(server, "court1").await?;
        ensure!(found.len() == 1, "one video is wanted: {found:#?}");
        Ok(found[0].clone())
    };
    until(PATIENCE, look).await.unwrap()
}

/// The deliveries of an event, once there are `count`.
async fn told(receiver: &Receiver, event: &str, count: usize) -> Vec<Delivery> {
    let of = |all: &[Delivery]| -> Vec<Delivery> {
        all.iter().filter(|delivery| delivery.event_type() == event).cloned().collect()
    };
    let all = receiver.wait(PATIENCE, |all| of(all).len() >= count).await.unwrap();
    for delivery in &all {
        delivery.check_signature(receiver.url(), KEY).unwrap();
    }
    of(&all)
}

/// What ffprobe says of the pictures behind a URL: codec, width, height.
async fn seen(url: &str) -> (String, u32, u32) {
    let mut ffprobe = tokio::process::Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", url]);
    let output = ffprobe.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let fields: Vec<&str> = text.trim().split(',').collect();
    assert_eq!(fields.len(), 3, "{url}: {text:?} {}", String::from_utf8_lossy(&output.stderr));
    (fields[0].to_owned(), fields[1].parse().unwrap(), fields[2].parse().unwrap())
}

fn numbered(regular: &Value, number: i64) -> String {
    regular.as_str().unwrap().replace("{SnapshotCount}", &format!("{number:05}"))
}

async fn status(url: &str) -> u16 {
    reqwest::get(url).await.unwrap().status().as_u16()
}

async fn text(url: &str) -> String {
    reqwest::get(url).await.unwrap().error_for_status().unwrap().text().await.unwrap()
}

/// All snapshots of one type, as ListSnapshots tells them.
async fn listed(server: &Server, video: &str, kind: &str) -> anyhow::Result<Value> {
    let params = [("VideoId", video), ("SnapshotType", kind), ("PageSize", "100")];
    Ok(server.api().vod("ListSnapshots", &params).await?["MediaSnapshot"].take())
}

/// The cover of a video once it has one, and the status that it has then.
async fn covered(server: &Server, video: &str) -> (String, Value) {
    let look = || async {
        let info = server.api().vod("GetVideoInfo", &[("VideoId", video)]).await?;
        Ok((info["Video"]["CoverURL"].as_str().context("no cover")?.to_owned(), info["Video"]["Status"].clone()))
    };
    until(PATIENCE, look).await.unwrap()
}

async fn template(server: &Server, kind: &str, config: &Value) -> String {
    let config = config.to_string();
    let params = [("Name", kind), ("TemplateType", kind), ("TemplateConfig", config.as_str())];
    let added = server.api().vod("AddVodTemplate", &params).await.unwrap();
    added["VodTemplateId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_transcoded_video_has_its_snapshots_told_before_it_is_done() {
    let (mut server, receiver) = server_under("ladder").await;
    let asset = one_recorded(&server, 24).await;
    let id = asset.video_id.as_str();
    told(&receiver, "TranscodeComplete", 1).await;
    let all = receiver.wait(PATIENCE, |all| all.len() >= 5).await.unwrap();
    let events: Vec<&str> = all.iter().map(Delivery::event_type).collect();
    let place =
        |event: &str| events.iter().position(|one| *one == event).unwrap_or_else(|| panic!("{event}: {events:?}"));
    assert_eq!(place("AddLiveRecordVideoComplete"), 0);
    assert!(place("SnapshotComplete") < place("TranscodeComplete"), "{events:?}");
    assert!(place("StreamTranscodeComplete") < place("TranscodeComplete"), "{events:?}");

    let body = &all[place("SnapshotComplete")].body;
    assert_eq!((&body["Status"], &body["VideoId"], &body["SubType"]), (&json!("success"), &json!(id), &Value::Null));
    let infos = body["SnapshotInfos"].as_array().unwrap();
    let kinds: Vec<_> = infos.iter().map(|info| info["SnapshotType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["CoverSnapshot", "NormalSnapshot"]);
    // Key frames every 2 s: eight covers, and each key frame of the 24 s once.
    assert_eq!((infos[0]["SnapshotCount"].as_i64(), infos[1]["SnapshotCount"].as_i64()), (Some(8), Some(12)));
    for info in infos {
        assert_eq!(info["Status"], "success");
        let format = info["SnapshotFormat"].as_str().unwrap();
        assert!(info["SnapshotRegular"].as_str().unwrap().ends_with(&format!("/v/{format}")), "{info}");
        for number in 1..=info["SnapshotCount"].as_i64().unwrap() {
            let url = numbered(&info["SnapshotRegular"], number);
            assert_eq!(seen(&url).await, ("mjpeg".to_owned(), 320, 180), "{url}");
        }
        let list = listed(&server, id, info["SnapshotType"].as_str().unwrap()).await.unwrap();
        assert_eq!((&list["JobId"], &list["Total"]), (&info["JobId"], &info["SnapshotCount"]));
    }
    let cover = body["CoverUrl"].as_str().unwrap();
    assert_eq!(seen(cover).await.0, "mjpeg");
    let info = server.api().vod("GetVideoInfo", &[("VideoId", id)]).await.unwrap();
    assert_eq!(info["Video"]["CoverURL"], cover);
    assert_eq!(info["Video"]["Snapshots"]["Snapshot"].as_array().unwrap().len(), 8);
    let play = server.api().vod("GetPlayInfo", &[("VideoId", id)]).await.unwrap();
    assert_eq!(play["VideoBase"]["CoverURL"], cover);
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn a_stored_video_has_a_cover_and_the_rest_when_it_is_asked_for() {
    let (mut server, receiver) = server_under("VOD_STORE_ONLY").await;
    let asset = one_recorded(&server, 12).await;
    let id = asset.video_id.as_str();
    let (cover, state) = covered(&server, id).await;
    assert_eq!((seen(&cover).await, state), (("mjpeg".to_owned(), 320, 180), json!("UploadSucc")));

    let submit = async |params: &[(&str, &str)]| {
        let params = [&[("VideoId", id)], params].concat();
        let answer = server.api().vod("SubmitSnapshotJob", &params).await.unwrap();
        answer["SnapshotJob"]["JobId"].as_str().unwrap().to_owned()
    };
    let job = submit(&[("SpecifiedOffsetTimes", "[0,5000,9960]"), ("Width", "160")]).await;
    let first = told(&receiver, "SnapshotComplete", 1).await.remove(0).body;
    assert_eq!((&first["SubType"], &first["SnapshotInfos"][0]["JobId"]), (&json!("SpecifiedTime"), &json!(job)));
    assert_eq!((&first["CoverUrl"], &first["SnapshotInfos"][0]["SnapshotCount"]), (&json!(cover), &json!(3)));
    for snapshot in listed(&server, id, "NormalSnapshot").await.unwrap()["Snapshots"]["Snapshot"].as_array().unwrap() {
        assert_eq!(seen(snapshot["Url"].as_str().unwrap()).await, ("mjpeg".to_owned(), 160, 90));
    }

    submit(&[("Interval", "1"), ("SpriteSnapshotConfig", r#"{"CellWidth":"64","CellHeight":"36","Columns":"5"}"#)])
        .await;
    told(&receiver, "SnapshotComplete", 2).await;
    let sprites = listed(&server, id, "SpriteSnapshot").await.unwrap();
    let sheet = sprites["Snapshots"]["Snapshot"][0]["Url"].as_str().unwrap();
    assert_eq!((seen(sheet).await, sprites["Total"].as_i64()), (("mjpeg".to_owned(), 320, 108), Some(1)));
    assert_eq!(listed(&server, id, "SpriteOriginSnapshot").await.unwrap()["Total"], 12);

    let cues = json!({"SnapshotType": "WebVttSnapshot", "SnapshotConfig": {"Interval": "2", "Format": "vtt"}});
    let cues = template(&server, "Snapshot", &cues).await;
    submit(&[("SnapshotTemplateId", &cues)]).await;
    told(&receiver, "SnapshotComplete", 3).await;
    let list = listed(&server, id, "WebVttSnapshot").await.unwrap();
    let vtt = list["Snapshots"]["Snapshot"][0]["Url"].as_str().unwrap().to_owned();
    let written = text(&vtt).await;
    assert!(written.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\n"), "{written}");
    assert_eq!(written.matches(" --> ").count(), 6);
    let file = written.lines().find_map(|line| line.split_once("#xywh=")).unwrap().0;
    let beside = format!("{}/{file}", vtt.rsplit_once('/').unwrap().0);
    assert_eq!(seen(&beside).await, ("mjpeg".to_owned(), 6 * 160, 90));
    let mut ffprobe = tokio::process::Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "packet=pts_time,duration_time", "-of", "csv=p=0", &vtt]);
    let read = String::from_utf8(ffprobe.output().await.unwrap().stdout).unwrap();
    assert_eq!(read.lines().count(), 6, "{read}");

    let moving = json!({
        "Container": {"Format": "gif"}, "Video": {"Width": "120", "Fps": "5"}, "Clip": {"TimeSpan": {"Seek": "2", "Duration": "3"}},
        "SetDefaultCover": "true",
    });
    let moving = template(&server, "DynamicImage", &moving).await;
    let params = [("VideoId", id), ("DynamicImageTemplateId", &moving)];
    let job = server.api().vod("SubmitDynamicImageJob", &params).await.unwrap();
    let body = told(&receiver, "DynamicImageComplete", 1).await.remove(0).body;
    assert_eq!(body["JobId"], job["DynamicImageJob"]["JobId"]);
    let inner: Value = serde_json::from_str(body["DynamicImageJobInfo"].as_str().unwrap()).unwrap();
    let url = inner["FileURL"].as_str().unwrap();
    assert_eq!((seen(url).await, &inner["Fps"]), (("gif".to_owned(), 120, 68), &json!("5")));
    let mut ffprobe = tokio::process::Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", url]);
    assert_eq!(String::from_utf8(ffprobe.output().await.unwrap().stdout).unwrap().trim(), "15");
    let images = server.api().vod("ListDynamicImage", &[("VideoId", id)]).await.unwrap();
    assert_eq!(
        (&images["DynamicImageList"][0]["FileURL"], &images["DynamicImageList"][0]["Duration"]),
        (&json!(url), &json!("3"))
    );
    assert_eq!(covered(&server, id).await.0, url);

    // All of it comes back from storage alone.
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
    assert_eq!(run(&server, &["rebuild"]).await.0, 0);
    check(&server, &["--deep"], 0).await;
    server.restart().await.unwrap();
    assert_eq!(listed(&server, id, "WebVttSnapshot").await.unwrap(), list);
    let again = server.api().vod("ListDynamicImage", &[("VideoId", id)]).await.unwrap();
    assert_eq!(again["DynamicImageList"], images["DynamicImageList"]);
    let templates = server.api().vod("ListVodTemplate", &[("TemplateType", "DynamicImage")]).await.unwrap();
    assert_eq!(templates["VodTemplateInfoList"][0]["VodTemplateId"], moving.as_str());

    let image = images["DynamicImageList"][0]["DynamicImageId"].as_str().unwrap();
    server.api().vod("DeleteDynamicImage", &[("VideoId", id), ("DynamicImageIds", image)]).await.unwrap();
    let gone = |url: &str| {
        let url = url.to_owned();
        async move {
            let status = status(&url).await;
            ensure!(status == 404, "{url} answers {status}");
            Ok(())
        }
    };
    until(PATIENCE, || gone(url)).await.unwrap();
    assert_eq!(covered(&server, id).await.0, cover);
    assert_eq!((status(&cover).await, status(&vtt).await), (200, 200));
    server.api().vod("DeleteVideo", &[("VideoIds", id)]).await.unwrap();
    for url in [&cover, &vtt, sheet] {
        until(PATIENCE, || gone(url)).await.unwrap();
    }
    // Their files go as well.
    let folder = server.data().join("media/assets").join(id);
    let empty = || async {
        let left: Vec<_> = walk(&folder);
        ensure!(left.iter().all(|file| file.ends_with(".json")), "{left:?}");
        Ok(())
    };
    until(PATIENCE, empty).await.unwrap();
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

/// The files below a folder.
fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path.display().to_string()) }
    }
    files
}

#[tokio::test]
async fn a_server_killed_while_it_takes_snapshots_goes_on_and_tells_of_them_once() {
    let (mut server, receiver) = server_under("VOD_STORE_ONLY").await;
    let asset = one_recorded(&server, 70).await;
    let id = asset.video_id.clone();
    let params = [("VideoId", id.as_str()), ("Interval", "1"), ("Count", "70")];
    let answer = server.api().vod("SubmitSnapshotJob", &params).await.unwrap();
    let job = answer["SnapshotJob"]["JobId"].as_str().unwrap().to_owned();
    // Some of them are there, and nobody is told yet.
    let folder = server.data().join("media/assets").join(&id).join("snapshots");
    let begun = || async {
        ensure!(!walk(&folder).is_empty(), "nothing is taken yet");
        Ok(())
    };
    until(PATIENCE, begun).await.unwrap();
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    told(&receiver, "SnapshotComplete", 1).await;
    let list = listed(&server, &id, "NormalSnapshot").await.unwrap();
    assert_eq!((&list["JobId"], &list["Total"]), (&json!(job), &json!(70)));
    for snapshot in list["Snapshots"]["Snapshot"].as_array().unwrap() {
        assert_eq!(status(snapshot["Url"].as_str().unwrap()).await, 200);
    }
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
    let all = receiver.wait(PATIENCE, |all| !all.is_empty()).await.unwrap();
    let mut bodies: Vec<String> =
        all.iter().filter(|one| one.event_type() == "SnapshotComplete").map(|one| one.body.to_string()).collect();
    // The same event may be offered again; it is the same text.
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}
