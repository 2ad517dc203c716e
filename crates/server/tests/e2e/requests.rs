//! What a customer asks of a stored video: to be encoded, to stop, to be told again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use axum::http::StatusCode;
use serde_json::{Value, json};
use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{decode_complaints, probe};
use testkit::receiver::{Delivery, Receiver};
use testkit::server::{Server, until};

use crate::support::{PLAY_DOMAIN, Recorded, SOON, recorded, reprise};
use crate::transcoding::{PATIENCE, shown, template};
use crate::upkeep::{check, rows_in, run, without_what_storage_cannot_know};

const KEY: &str = "Testkit0Key";
const STREAM: &str = "StreamTranscodeComplete";
const SNAPSHOTS: &str = "SnapshotComplete";
const TASK: &str = "TranscodeComplete";

/// A server that only stores what is pushed to app `match`.
async fn storing(settings: &[(&str, &str)]) -> Server {
    let server = Server::start_with(reprise(), settings).await.unwrap();
    let params = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "match"),
        ("StreamName", "*"),
        ("VodTranscodeGroupId", "VOD_STORE_ONLY"),
        ("CycleDuration", "200"),
        ("DelayTime", "1"),
    ];
    server.api().live("AddLiveRecordVodConfig", &params).await.unwrap();
    server
}

async fn group(server: &Server, templates: &[Value]) -> String {
    let list = Value::from(templates.to_vec()).to_string();
    let params = [("Name", "ladder"), ("TranscodeTemplateList", list.as_str())];
    let added = server.api().vod("AddTranscodeTemplateGroup", &params).await.unwrap();
    added["TranscodeTemplateGroupId"].as_str().unwrap().to_owned()
}

/// Pushes a clip and waits for its video.
async fn video(server: &Server, stream: &str, seconds: u32) -> Recorded {
    let clip = clips::synthetic(&Recipe { seconds, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", stream), Pace::Fast).await.unwrap();
    let look = || async {
        let mut found = recorded(server, stream).await?;
        ensure!(found.len() == 1, "one video is wanted: {found:#?}");
        Ok(found.remove(0))
    };
    until(SOON, look).await.unwrap()
}

async fn status(server: &Server, video: &Recorded) -> String {
    let told = server.api().vod("GetVideoInfo", &[("VideoId", &video.video_id)]).await.unwrap();
    told["Video"]["Status"].as_str().unwrap().to_owned()
}

/// The id of the task, and those of its outputs.
async fn submit(server: &Server, video: &Recorded, group: &str, more: &[(&str, &str)]) -> (String, Vec<String>) {
    let params = [&[("VideoId", video.video_id.as_str()), ("TemplateGroupId", group)], more].concat();
    let told = server.api().vod("SubmitTranscodeJobs", &params).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let jobs = told["TranscodeJobs"]["TranscodeJob"].as_array().unwrap().iter().map(|job| text(&job["JobId"]));
    (text(&told["TranscodeTaskId"]), jobs.collect())
}

async fn task(server: &Server, id: &str) -> Value {
    server.api().vod("GetTranscodeTask", &[("TranscodeTaskId", id)]).await.unwrap()["TranscodeTask"].take()
}

async fn wait_task(server: &Server, id: &str, wanted: &str) -> Value {
    let look = || async {
        let told = task(server, id).await;
        ensure!(told["TaskStatus"] == wanted, "{wanted} is wanted: {told:#}");
        Ok(told)
    };
    until(PATIENCE, look).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()))
}

/// The events of a video in the order in which they came for the first time, with their numbers.
fn of_video<'a>(came: &'a [Delivery], video: &Recorded) -> Vec<(u64, &'a Delivery)> {
    let mine = |one: &&Delivery| {
        one.body["VideoId"] == video.video_id.as_str() || one.body["MediaId"] == video.video_id.as_str()
    };
    let number = |one: &Delivery| one.headers["x-reprise-sequence"].to_str().unwrap().parse().unwrap();
    came.iter().filter(mine).map(|one| (number(one), one)).collect()
}

/// The same without what is told of snapshots: they are taken beside the encoding, and told before, between or behind its streams.
fn without_snapshots<'a>(came: &'a [Delivery], video: &Recorded) -> Vec<(u64, &'a Delivery)> {
    of_video(came, video).into_iter().filter(|(_, one)| one.event_type() != SNAPSHOTS).collect()
}

#[tokio::test]
async fn a_stored_video_is_encoded_when_somebody_asks_for_it_and_everything_is_told() {
    let mut server = storing(&[]).await;
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let video = video(&server, "court1", 70).await;
    receiver.wait(SOON, |came| of_video(came, &video).len() == 2).await.unwrap();
    assert_eq!(status(&server, &video).await, "UploadSucc");
    let id = video.video_id.as_str();
    let played = server.api().call("2017-03-21", "GetPlayInfo", &[("VideoId", id)]).await.unwrap();
    assert_eq!((played.status, played.body["Code"].as_str()), (403, Some("Forbidden.IllegalStatus")));

    let group = group(&server, &[template("large", 320, 400, "mp4"), template("small", 160, 120, "m3u8")]).await;
    let extend = r#"{"Extend":{"order":17}}"#;
    let (first, jobs) = submit(&server, &video, &group, &[("UserData", extend)]).await;
    assert_eq!(status(&server, &video).await, "Transcoding");
    // Until it is done it only goes forward.
    let seen = RefCell::new(vec![0; 2]);
    let forward = || async {
        let told = task(&server, &first).await;
        let progress = told["TranscodeJobInfoList"].as_array().unwrap().iter();
        let progress: Vec<u64> = progress.map(|job| job["TranscodeProgress"].as_u64().unwrap()).collect();
        let before = seen.replace(progress.clone());
        assert!(progress.iter().zip(&before).all(|(now, before)| now >= before), "{progress:?} after {before:?}");
        ensure!(told["TaskStatus"] == "CompleteAllSucc", "{told:#}");
        Ok(())
    };
    until(PATIENCE, forward).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()));
    assert_eq!(seen.into_inner(), [100, 100]);
    let told = task(&server, &first).await;
    assert_eq!((&told["TaskStatus"], &told["Trigger"]), (&json!("CompleteAllSucc"), &json!("Manual")));

    let came = receiver.wait(SOON, |came| of_video(came, &video).len() == 6).await.unwrap();
    let mine = of_video(&came, &video);
    for (number, (sequence, delivery)) in (1..).zip(&mine) {
        delivery.check_signature(receiver.url(), KEY).unwrap();
        assert_eq!(*sequence, number, "numbered without a hole, in order");
    }
    assert_eq!(mine[5].1.event_type(), TASK, "told when all is done, also the snapshots");
    let taken = mine.iter().find(|(_, one)| one.event_type() == SNAPSHOTS).unwrap();
    assert_eq!(taken.1.body["Extend"], r#"{"order":17}"#);
    let mine = without_snapshots(&came, &video);
    let types: Vec<_> = mine.iter().map(|(_, one)| one.event_type()).collect();
    assert_eq!(types, ["AddLiveRecordVideoComplete", "VideoAnalysisComplete", STREAM, STREAM, TASK]);
    for (at, (_, delivery)) in mine[2..4].iter().enumerate() {
        let body = &delivery.body;
        let output = &told["TranscodeJobInfoList"][at];
        let file = &output["OutputFile"];
        assert_eq!((&body["JobId"], &body["Status"]), (&output["TranscodeJobId"], &json!("success")));
        assert_eq!(body["Extend"], r#"{"order":17}"#);
        assert_eq!(
            (&body["Width"].to_string(), &body["Height"].to_string()),
            (&file["Width"].as_str().unwrap().to_owned(), &file["Height"].as_str().unwrap().to_owned())
        );
        assert_eq!(
            (&body["Size"], &body["Bitrate"], &body["Fps"]),
            (&file["Filesize"], &file["Bitrate"], &json!("25"))
        );
        assert!(body["Duration"].is_f64() && body["Encrypt"] == false && body["Definition"] == "FD", "{body}");
        let url = file["OutputFileUrl"].as_str().unwrap();
        assert!(body["FileUrl"].as_str().unwrap().ends_with(url.rsplit('/').next().unwrap()), "{body} {url}");
        // What is told can be played, and is what is told.
        let probed = probe(url).await.unwrap();
        assert_eq!((shown(&probed).len(), decode_complaints(url).await.unwrap().as_str()), (1750, ""));
        let list: Value = serde_json::from_str(file["VideoStreamList"].as_str().unwrap()).unwrap();
        assert_eq!((list[0]["NumFrames"].as_str(), list[0]["Profile"].as_str()), (Some("1750"), Some("High")));
    }
    let all = &mine[4].1.body;
    assert_eq!((all["Status"].as_str(), all["StreamInfos"].as_array().map(Vec::len)), (Some("success"), Some(2)));
    assert_eq!(status(&server, &video).await, "Normal");

    // The same once more is there already: it ends at once, under ids of its own, and nothing is encoded.
    let (second, again) = submit(&server, &video, &group, &[]).await;
    wait_task(&server, &second, "CompleteAllSucc").await;
    assert!(again.iter().all(|job| !jobs.contains(job)));
    let came = receiver.wait(SOON, |came| of_video(came, &video).len() == 10).await.unwrap();
    assert!(of_video(&came, &video)[6..].iter().all(|(_, one)| one.body.get("Extend").is_none()));
    let newest = server.api().vod("GetPlayInfo", &[("VideoId", id)]).await.unwrap();
    let newest: BTreeSet<_> = newest["PlayInfoList"]["PlayInfo"].as_array().unwrap().iter().map(job_id).collect();
    assert_eq!(newest, again.iter().cloned().collect());
    server.stop().await.unwrap();
    let url = catalog::CatalogUrl::Sqlite(server.data().join("catalog.sqlite"));
    let before = rows_in(&url).await;
    assert_eq!((before["rendition"].len(), before["output"].len()), (3, 4), "nothing is encoded twice");
    check(&server, &["--deep"], 0).await;
    // All of it comes back from storage: tasks, outputs, and the ledger with its numbers and bodies.
    let (code, text) = run(&server, &["rebuild"]).await;
    assert_eq!(code, 0, "{text}");
    let (before, after) = (before, rows_in(&url).await);
    let [before, after] = [before, after].map(without_what_storage_cannot_know);
    for table in ["transcode_task", "output", "output_span", "rendition", "event", "event_count"] {
        assert_eq!(before[table], after[table], "{table}");
    }
    assert!(after["event"].iter().all(|event| event["sent"].is_string()));
}

fn job_id(stream: &Value) -> String {
    stream["JobId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_deleted_stream_is_gone_at_once_and_so_is_its_media_where_no_other_needs_it() {
    let mut server = storing(&[]).await;
    let video = video(&server, "court1", 8).await;
    let group = group(&server, &[template("large", 320, 400, "mp4"), template("small", 160, 120, "mp4")]).await;
    let (first, jobs) = submit(&server, &video, &group, &[]).await;
    wait_task(&server, &first, "CompleteAllSucc").await;
    let id = video.video_id.as_str();
    let url = |job: &str| server.http_url(&format!("/v/{id}/{job}-fd.mp4"));
    let folders = || {
        let reels = std::fs::read_dir(server.data().join("media/reels")).unwrap().flatten();
        reels.filter(|reel| reel.path().join("000000.m4s").exists()).count()
    };
    assert_eq!(folders(), 4, "the source, two renditions of its pictures, one of its sound");
    for job in &jobs {
        assert_eq!(reqwest::get(url(job)).await.unwrap().status(), 200);
    }
    server.api().vod("DeleteStream", &[("VideoId", id), ("JobIds", &jobs[0])]).await.unwrap();
    let gone = server.api().vod("GetPlayInfo", &[("VideoId", id)]).await.unwrap();
    let left: Vec<_> = gone["PlayInfoList"]["PlayInfo"].as_array().unwrap().iter().map(job_id).collect();
    assert_eq!(left, jobs[1..]);
    assert_eq!(reqwest::get(url(&jobs[0])).await.unwrap().status(), 404);
    let freed = |count: usize| async move {
        let look = || async {
            ensure!(folders() == count, "{} reels have media, not {count}", folders());
            Ok(())
        };
        until(SOON, look).await.unwrap();
    };
    freed(3).await;
    assert_eq!(shown(&probe(&url(&jobs[1])).await.unwrap()).len(), 200);
    // Asked for again it is made again; what is left of the first is taken as it is.
    let (second, again) = submit(&server, &video, &group, &[]).await;
    wait_task(&server, &second, "CompleteAllSucc").await;
    assert_eq!(folders(), 4);
    server.api().vod("DeleteStream", &[("VideoId", id), ("JobIds", &jobs[1])]).await.unwrap();
    assert_eq!(shown(&probe(&url(&again[1])).await.unwrap()).len(), 200, "the other output of it plays on");
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
    // With the video everything goes.
    server.set("REPRISE_STORAGE__UNDELETE_WINDOW", "0s");
    server.restart().await.unwrap();
    server.api().vod("DeleteVideo", &[("VideoIds", id)]).await.unwrap();
    let look = || async {
        let reels = std::fs::read_dir(server.data().join("media/reels"))?.flatten();
        let left = reels.filter(|reel| reel.path().join("000000.m4s").exists()).count();
        ensure!(left == 0, "{left} reels have media");
        Ok(())
    };
    until(SOON, look).await.unwrap();
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

/// An encoder of chunks that says that it was started, with its process id, and encodes when it is let go. What else is asked of
/// it, as pictures, it does at once.
struct Held {
    folder: tempfile::TempDir,
}

impl Held {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().display();
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in *libx264*) ;; *) exec ffmpeg \"$@\";; esac\n\
             echo \"$$ $(basename \"$PWD\")\" >> {at}/started\n\
             while [ ! -e {at}/go ]; do sleep 0.05; done\nexec ffmpeg \"$@\"\n"
        );
        let held = Self { folder };
        std::fs::write(held.program(), script).unwrap();
        std::fs::set_permissions(held.program(), std::fs::Permissions::from_mode(0o755)).unwrap();
        held
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("encoder")
    }

    fn let_go(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }

    /// The process ids and jobs of the encoders that were started, in order.
    fn started(&self) -> Vec<(u32, String)> {
        let text = std::fs::read_to_string(self.folder.path().join("started")).unwrap_or_default();
        let one = |line: &str| {
            let (pid, folder) = line.split_once(' ')?;
            Some((pid.parse().ok()?, folder.split_once('-')?.0.to_owned()))
        };
        text.lines().filter_map(one).collect()
    }

    async fn wait_started(&self, count: usize) -> Vec<(u32, String)> {
        let look = || async {
            let started = self.started();
            ensure!(started.len() >= count, "{count} encoders are wanted: {started:?}");
            Ok(started)
        };
        until(SOON, look).await.unwrap()
    }
}

/// Waits until none of these processes is there.
async fn wait_ended(encoders: &[(u32, String)]) {
    let look = || async {
        for (pid, _) in encoders {
            ensure!(!Path::new(&format!("/proc/{pid}")).exists(), "encoder {pid} still runs");
        }
        Ok(())
    };
    until(SOON, look).await.unwrap();
}

async fn storing_with(encoder: &Held) -> Server {
    let program = encoder.program();
    let settings =
        [("REPRISE_TRANSCODE__FFMPEG", program.to_str().unwrap()), ("REPRISE_TRANSCODE__CHUNKS_AT_ONCE", "1")];
    storing(&settings).await
}

#[tokio::test]
async fn a_cancelled_task_ends_its_encoders_and_says_so() {
    let encoder = Held::new();
    let mut server = storing_with(&encoder).await;
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let video = video(&server, "court1", 70).await;
    let group = group(&server, &[template("large", 320, 400, "mp4"), template("small", 160, 120, "m3u8")]).await;
    let (first, jobs) = submit(&server, &video, &group, &[]).await;
    let started = encoder.wait_started(1).await;
    let told = server.api().vod("CancelTranscodeTask", &[("TranscodeTaskId", &first)]).await.unwrap();
    assert_eq!(told["CanceledJobIds"], json!(jobs));
    wait_ended(&started).await;
    let told = task(&server, &first).await;
    assert_eq!(told["TaskStatus"], "CompleteAllFail");
    assert!(
        told["TranscodeJobInfoList"].as_array().unwrap().iter().all(|job| job["ErrorCode"] == "TranscodeCancelled")
    );
    let came = receiver.wait(SOON, |came| without_snapshots(came, &video).len() == 5).await.unwrap();
    let mine = without_snapshots(&came, &video);
    let tail: Vec<_> =
        mine[2..].iter().map(|(_, one)| (one.event_type(), one.body["Status"].as_str().unwrap())).collect();
    assert_eq!(tail, [(STREAM, "fail"), (STREAM, "fail"), (TASK, "fail")]);
    assert_eq!(mine[2].1.body["ErrorCode"], "TranscodeCancelled");
    assert_eq!(status(&server, &video).await, "UploadSucc");
    // No chunk that waited was begun, and what was begun of it is removed.
    assert_eq!(encoder.started().len(), 1);
    // It can be asked for again.
    encoder.let_go();
    let (second, _) = submit(&server, &video, &group, &[]).await;
    wait_task(&server, &second, "CompleteAllSucc").await;
    assert_eq!(status(&server, &video).await, "Normal");
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn a_video_that_is_deleted_while_it_is_encoded_ends_the_work_and_goes_on_when_it_is_restored() {
    let encoder = Held::new();
    let mut server = storing_with(&encoder).await;
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let video = video(&server, "court1", 70).await;
    let group = group(&server, &[template("large", 320, 400, "mp4")]).await;
    let (first, jobs) = submit(&server, &video, &group, &[]).await;
    let started = encoder.wait_started(1).await;
    let id = [("VideoIds", video.video_id.as_str())];
    server.api().vod("DeleteVideo", &id).await.unwrap();
    wait_ended(&started).await;
    let open = async |state: &str| {
        let params = [("Kind", "encode"), ("State", state)];
        server.api().vod("ListJobs", &params).await.unwrap()["JobList"].as_array().unwrap().len()
    };
    let look = || async {
        let left = open("Ready").await + open("Running").await;
        ensure!(left == 0, "{left} chunks are left");
        Ok(())
    };
    until(SOON, look).await.unwrap();
    receiver.wait(SOON, |came| without_snapshots(came, &video).len() == 4).await.unwrap();
    server.api().vod("RestoreVideo", &id).await.unwrap();
    encoder.let_go();
    let told = wait_task(&server, &first, "CompleteAllSucc").await;
    assert_eq!(told["TranscodeJobInfoList"][0]["TranscodeJobId"], jobs[0].as_str());
    let came = receiver.wait(SOON, |came| without_snapshots(came, &video).len() == 7).await.unwrap();
    let types: Vec<_> = without_snapshots(&came, &video)[2..].iter().map(|(_, one)| one.event_type()).collect();
    let (deleted, changed) = ("DeleteMediaComplete", "MediaBaseChangeComplete");
    assert_eq!(types, [deleted, changed, changed, STREAM, TASK], "nothing is told of it while it is deleted");
    server.stop().await.unwrap();
    check(&server, &["--deep"], 0).await;
}

#[tokio::test]
async fn a_later_task_of_higher_priority_comes_before_the_waiting_chunks_of_an_earlier_one() {
    let encoder = Held::new();
    let server = storing_with(&encoder).await;
    let (long, short) = (video(&server, "court1", 70).await, video(&server, "court2", 8).await);
    let group = group(&server, &[template("large", 320, 400, "mp4")]).await;
    let (low, _) = submit(&server, &long, &group, &[("Priority", "2")]).await;
    encoder.wait_started(1).await;
    let (high, _) = submit(&server, &short, &group, &[("Priority", "9")]).await;
    let waits = || async {
        let jobs = server.api().vod("ListJobs", &[("Kind", "encode"), ("State", "Ready")]).await?;
        let priorities = jobs["JobList"].as_array().context("JobList")?.iter().map(|job| job["Priority"].as_i64());
        let mut priorities: Vec<_> = priorities.collect();
        priorities.sort_unstable();
        ensure!(priorities == [Some(2), Some(2), Some(2), Some(9)], "{priorities:?}");
        Ok(())
    };
    until(SOON, waits).await.unwrap();
    encoder.let_go();
    wait_task(&server, &low, "CompleteAllSucc").await;
    wait_task(&server, &high, "CompleteAllSucc").await;
    let jobs = server.api().vod("ListJobs", &[("Kind", "encode")]).await.unwrap();
    let priority = |id: &str| {
        let job = jobs["JobList"].as_array().unwrap().iter().find(|job| job["JobId"] == id).unwrap();
        job["Priority"].as_i64().unwrap()
    };
    let order: Vec<_> = encoder.started().iter().map(|(_, job)| priority(job)).collect();
    assert_eq!(order, [2, 9, 2, 2, 2]);
}

#[tokio::test]
async fn the_events_of_a_task_go_where_it_says_and_all_of_them_come_again_on_request() {
    // Three attempts, as the vendor makes, so that an event can be lost.
    let mut server = storing(&[("REPRISE_CALLBACKS__KEEP_TELLING", "0s")]).await;
    let (account, own) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    customer::call_back(&server.api(), account.url(), KEY).await.unwrap();
    account.answer_next([StatusCode::BAD_GATEWAY; 3]);
    let video = video(&server, "court1", 8).await;
    let group = group(&server, &[template("large", 320, 400, "mp4")]).await;
    let url = format!("{}?task=1", own.url());
    let user_data = json!({"MessageCallback": {"CallbackType": "http", "CallbackURL": url}, "Extend": "seventeen"});
    let (first, _) = submit(&server, &video, &group, &[("UserData", &user_data.to_string())]).await;
    wait_task(&server, &first, "CompleteAllSucc").await;
    let came = own.wait(SOON, |came| came.len() == 3).await.unwrap();
    let mut types: Vec<_> = came.iter().map(Delivery::event_type).collect();
    assert_eq!(types[2], TASK);
    types[..2].sort_unstable();
    assert_eq!(types[..2], [SNAPSHOTS, STREAM], "in the order in which they were done");
    for delivery in &came {
        delivery.check_signature(&url, KEY).unwrap();
        assert_eq!((delivery.uri.query(), &delivery.body["Extend"]), (Some("task=1"), &json!("seventeen")));
    }
    // The first event was lost to the account's receiver; the ledger tells, with each attempt.
    let id = video.video_id.as_str();
    let events = async |server: &Server, more: &[(&str, &str)]| {
        let params = [&[("VideoId", id), ("SortBy", "CreationTime:Asc")], more].concat();
        server.api().vod("ListEvents", &params).await.unwrap()["EventList"].as_array().unwrap().clone()
    };
    let outcomes = async |server: &Server, wanted: &[&str]| {
        let look = || async {
            let told: Vec<_> =
                events(server, &[]).await.iter().map(|one| one["Outcome"].as_str().unwrap().to_owned()).collect();
            if told != wanted {
                bail!("{wanted:?} is wanted: {told:?}");
            }
            Ok(())
        };
        until(SOON, look).await.unwrap();
    };
    outcomes(&server, &["Dropped", "Delivered", "Delivered", "Delivered", "Delivered"]).await;
    let lost = events(&server, &[("Outcome", "Dropped")]).await[0].clone();
    let event = server.api().vod("GetEvent", &[("EventId", lost["EventId"].as_str().unwrap())]).await.unwrap();
    let attempts = event["Event"]["Attempts"].as_array().unwrap();
    let statuses: Vec<_> = attempts.iter().map(|one| (one["Attempt"].as_u64(), one["HttpStatus"].as_u64())).collect();
    assert_eq!(statuses, [(Some(1), Some(502)), (Some(2), Some(502)), (Some(3), Some(502))]);
    let body: Value = serde_json::from_str(event["Event"]["Body"].as_str().unwrap()).unwrap();
    let before = account.deliveries();
    assert_eq!(body, before[0].body);

    // Under another address of the server, and after a restart, a repeat is the same text all the same.
    server.stop().await.unwrap();
    server.set("REPRISE_HTTP__PUBLIC_URL", "https://other.example.org");
    server.restart().await.unwrap();
    let replay = [("VideoId", id), ("OnlyUndelivered", "true")];
    let told = server.api().vod("ReplayEvents", &replay).await.unwrap();
    assert_eq!((&told["ReplayedCount"], &told["InFlightCount"]), (&json!(1), &json!(0)));
    outcomes(&server, &["Delivered"; 5]).await;
    let told = server.api().vod("ReplayEvents", &[("StartTime", "2020-01-01T00:00:00Z")]).await.unwrap();
    assert_eq!(told["ReplayedCount"], 5);
    let again = account.wait(SOON, |came| came.len() == before.len() + 3).await.unwrap();
    let repeated: Vec<_> = again[before.len()..].iter().map(|one| (one.event_type(), one.body.clone())).collect();
    let birth = ("AddLiveRecordVideoComplete", before[0].body.clone());
    let analysis = before.iter().find(|one| one.event_type() == "VideoAnalysisComplete").unwrap();
    assert_eq!(repeated, [birth.clone(), birth, ("VideoAnalysisComplete", analysis.body.clone())]);
    let again = own.wait(SOON, |came| came.len() == 6).await.unwrap();
    let (first, repeated) = again.split_at(3);
    for (first, repeated) in first.iter().zip(repeated) {
        assert_eq!(first.body, repeated.body);
        assert_eq!(first.headers["x-reprise-event-id"], repeated.headers["x-reprise-event-id"]);
    }
}
