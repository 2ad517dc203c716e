//! Transcoding on request: asked for, followed, ended, played.

mod support;

use catalog::*;
use domain::event::Event;
use encode::{AnimationFormat, AnimationLength, AnimationOrder, PictureOrder, Size};
use serde_json::{Value, json};
use support::{Server, VOD, now};
use units::{AssetId, JobId};

const UNKNOWN: &str = "00000000000000000000000000000001";

fn template(name: &str, format: &str) -> Value {
    json!({
        "TemplateName": name, "Definition": "LD", "Video": {"Codec": "H.264", "Bitrate": "400", "Width": "320", "Height": "180"},
        "Audio": {"Codec": "AAC", "Bitrate": "64"}, "Container": {"Format": format},
    })
}

/// The id of a new group of these templates.
async fn group(server: &Server, templates: &[Value]) -> String {
    let list = Value::from(templates.to_vec()).to_string();
    let params = [("Name", "ladder"), ("TranscodeTemplateList", list.as_str())];
    let added = server.ok(VOD, "AddTranscodeTemplateGroup", &params).await;
    added["TranscodeTemplateGroupId"].as_str().unwrap().to_owned()
}

/// A server with a video in this state and a group of an mp4 and an HLS output.
async fn with_video(status: AssetStatus) -> (Server, AssetId, String) {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", status).await;
    let mut marked = template("a", "mp4");
    marked["WatermarkIds"] = json!(["USER_DEFAULT_WATERMARK"]);
    let group = group(&server, &[marked, template("b", "m3u8")]).await;
    (server, video, group)
}

/// The task and its outputs.
async fn submit(server: &Server, params: &[(&str, &str)]) -> (String, Vec<String>) {
    let told = server.ok(VOD, "SubmitTranscodeJobs", params).await;
    let jobs = told["TranscodeJobs"]["TranscodeJob"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&told["TranscodeTaskId"]), jobs.iter().map(|job| text(&job["JobId"])).collect())
}

fn facts(width: u32, height: u32) -> OutputFacts {
    let video = TrackFacts {
        codec: "h264".into(),
        profile: "High".into(),
        timescale: 90_000,
        duration_s: 20.04,
        bitrate_kbps: 400,
        frames: 501,
        media: MediaFacts::Video { width, height, fps: 25.0, level: 13, b_frames: true },
    };
    let audio = TrackFacts {
        codec: "aac".into(),
        profile: "LC".into(),
        timescale: 44_100,
        duration_s: 20.04,
        bitrate_kbps: 64,
        frames: 863,
        media: MediaFacts::Audio { sample_rate: 44_100, channels: 2 },
    };
    let has_pictures = width > 0;
    OutputFacts {
        width,
        height,
        fps: if has_pictures { 25.0 } else { 0.0 },
        bitrate_kbps: 470,
        duration_ticks: 1_803_600,
        size_bytes: 1_180_000,
        tracks: if has_pictures { vec![video, audio] } else { vec![audio] },
    }
}

async fn end(server: &Server, output: &str, end: OutputEnd) {
    let catalog = &server.catalog;
    let output = catalog.output(output.parse().unwrap()).await.unwrap().unwrap();
    let task = catalog.transcode_task(output.task).await.unwrap().unwrap();
    let mut tx = catalog.begin().await.unwrap();
    if task.state == TaskState::Planning {
        plan(&mut tx, catalog, &task).await;
    }
    // Nothing is taken with it.
    for job in catalog.picture_jobs(task.asset).await.unwrap().iter().filter(|job| job.task == Some(task.id)) {
        tx.finish_pictures(job.id, &[], now()).await.unwrap();
    }
    assert!(tx.finish_output(&output, end, now()).await.unwrap());
    tx.finish_task(&task, now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// Plans a task as outputs of nothing: what they are made of is no matter of the API.
async fn plan(tx: &mut Tx, catalog: &Catalog, task: &TranscodeTask) {
    let outputs = catalog.outputs_of_task(task.id).await.unwrap();
    let planned = outputs.into_iter().map(|one| PlannedOutput {
        id: Some(one.id),
        template: one.template,
        pieces: Ok(Vec::new()),
    });
    assert!(tx.plan_transcode(task, &planned.collect::<Vec<_>>(), now()).await.unwrap());
}

async fn code(server: &Server, action: &str, params: &[(&str, &str)]) -> (u16, String) {
    server.refused(VOD, action, params).await
}

#[tokio::test]
async fn a_task_is_followed_from_its_submission_to_its_streams() {
    let (server, video, group) = with_video(AssetStatus::UploadSucc).await;
    let (id, time) = (video.to_string(), now().to_iso8601());
    let (task, jobs) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &group), ("Priority", "9")]).await;
    assert_eq!(jobs.len(), 2);
    let status = async || server.ok(VOD, "GetVideoInfo", &[("VideoId", &id)]).await["Video"]["Status"].clone();
    assert_eq!(status().await, "Transcoding");
    let templates = server.catalog.template_group(&group).await.unwrap().unwrap().templates;
    let job = |at: usize| {
        json!({
            "TranscodeJobId": jobs[at], "TranscodeJobStatus": "Transcoding", "TranscodeProgress": 0, "Definition": "LD",
            "CreationTime": time, "Priority": "9", "TranscodeTemplateId": templates[at].template.id,
            "InputFileUrl": format!("http://vod.example.org:8080/v/{id}/source.mp4"),
        })
    };
    let asked =
        async || server.ok(VOD, "GetTranscodeTask", &[("TranscodeTaskId", &task)]).await["TranscodeTask"].clone();
    assert_eq!(
        asked().await,
        json!({
            "TranscodeTaskId": task, "TranscodeTemplateGroupId": group, "Trigger": "Manual", "VideoId": id, "CreationTime": time,
            "TaskStatus": "Processing", "TranscodeJobInfoList": [job(0), job(1)],
        })
    );
    let detail = async |at: usize| {
        let params = [("JobId", jobs[at].as_str()), ("JobType", "transcode")];
        server.ok(VOD, "GetJobDetail", &params).await["TranscodeJobDetail"]["Status"].clone()
    };
    assert_eq!(detail(0).await, "Submitted");

    end(&server, &jobs[0], OutputEnd::Made(facts(320, 180))).await;
    assert_eq!((status().await, asked().await["TaskStatus"].clone()), (json!("Normal"), json!("Partial")));
    assert_eq!((detail(0).await, detail(1).await), (json!("TranscodeSuccess"), json!("Transcoding")));
    end(&server, &jobs[1], OutputEnd::Failed("input not decodable".into())).await;
    let told = asked().await;
    assert_eq!((&told["TaskStatus"], &told["CompleteTime"]), (&json!("CompletePartialSucc"), &json!(time)));
    let mut made = told["TranscodeJobInfoList"][0].clone();
    let file = made["OutputFile"].take();
    let mut expected = job(0);
    for (key, value) in [
        ("TranscodeJobStatus", json!("TranscodeSuccess")),
        ("TranscodeProgress", json!(100)),
        ("CompleteTime", json!(time)),
        ("OutputFile", json!(null)),
    ] {
        expected[key] = value;
    }
    assert_eq!(made, expected);
    let lists = ["VideoStreamList", "AudioStreamList"].map(|name| {
        let list: Value = serde_json::from_str(file[name].as_str().unwrap()).unwrap();
        (list.as_array().unwrap().len(), list[0]["CodecName"].clone(), list[0]["Bitrate"].clone())
    });
    assert_eq!(lists, [(1, json!("h264"), json!("400")), (1, json!("aac"), json!("64"))]);
    let mut file = file.as_object().unwrap().clone();
    file.retain(|name, _| !name.ends_with("StreamList"));
    let url = format!("http://vod.example.org:8080/v/{id}/{}-fd.mp4", jobs[0]);
    assert_eq!(
        Value::from(file),
        json!({
            "Bitrate": "470", "Duration": "20.04", "Filesize": 1_180_000, "Format": "mp4", "Fps": "25", "Height": "180",
            "Width": "320", "OutputFileUrl": url, "WatermarkIdList": ["USER_DEFAULT_WATERMARK"],
        })
    );
    let failed = &told["TranscodeJobInfoList"][1];
    assert_eq!(
        (&failed["TranscodeJobStatus"], &failed["ErrorCode"], &failed["ErrorMessage"], failed.get("OutputFile")),
        (&json!("TranscodeFail"), &json!("InvalidParameter.ResourceContentBad"), &json!("input not decodable"), None)
    );

    // The same outputs by their ids.
    let ids = format!("{},{UNKNOWN},nonsense,{}", jobs[1], jobs[0]);
    let alone = server.ok(VOD, "GetTranscodeTask", &[("JobIds", &ids)]).await;
    let list = told["TranscodeJobInfoList"].as_array().unwrap();
    assert_eq!(alone, json!({"TranscodeJobInfoList": [list[1], list[0]], "NonExistJobIds": [UNKNOWN, "nonsense"]}));
    // In short, with the task of a later submission, which is the newest.
    let (second, _) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &group)]).await;
    let mut tx = server.catalog.begin().await.unwrap();
    let earlier = catalog::sql::Sql::new("UPDATE transcode_task SET created = created - 60000 WHERE id = $1");
    earlier.arg(task.as_str()).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let listed = server.ok(VOD, "ListTranscodeTask", &[("VideoId", &id)]).await["TranscodeTaskList"].clone();
    assert_eq!(
        listed,
        json!([
            {"TranscodeTaskId": second, "TranscodeTemplateGroupId": group, "Trigger": "Manual", "VideoId": id,
             "CreationTime": time, "TaskStatus": "Processing"},
            {"TranscodeTaskId": task, "TranscodeTemplateGroupId": group, "Trigger": "Manual", "VideoId": id,
             "CreationTime": "2026-11-22T16:21:43Z", "CompleteTime": time, "TaskStatus": "CompletePartialSucc"},
        ])
    );
    for (filter, count) in [
        (("StartTime", "2026-11-22T16:22:43Z"), 1),
        (("EndTime", "2026-11-22T16:22:43Z"), 2),
        (("EndTime", "2026-11-22T16:22:42Z"), 1),
        (("PageSize", "1"), 1),
        (("PageNo", "2"), 0),
    ] {
        let listed = server.ok(VOD, "ListTranscodeTask", &[("VideoId", &id), filter]).await;
        assert_eq!(listed["TranscodeTaskList"].as_array().unwrap().len(), count, "{filter:?}");
    }
    let without = server.recorded("cup", "court2", AssetStatus::Normal).await;
    let ids = format!("{id},{UNKNOWN},{without}");
    let told = server.ok(VOD, "GetTranscodeSummary", &[("VideoIds", &ids)]).await;
    assert_eq!(told["NonExistVideoIds"], json!([UNKNOWN]));
    let [summary] = &told["TranscodeSummaryList"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!((&summary["VideoId"], &summary["TranscodeStatus"]), (&json!(id), &json!("Processing")));
    assert_eq!(
        summary["TranscodeJobInfoSummaryList"][1],
        json!({
            "TranscodeJobStatus": "Transcoding", "TranscodeProgress": 0, "Format": "m3u8", "CreationTime": time,
            "TranscodeTemplateId": templates[1].template.id, "WatermarkIdList": [],
        })
    );
    let infos = server.ok(VOD, "ListJobInfo", &[("MediaId", &id), ("JobType", "Transcode")]).await;
    assert_eq!((&infos["JobType"], &infos["MediaId"]), (&json!("Transcode"), &json!(id)));
    assert_eq!(infos["JobInfoList"].as_array().unwrap().len(), 4);
    assert_eq!(
        infos["JobInfoList"][2],
        json!({"JobId": jobs[0], "Status": "TranscodeSuccess", "CreateTime": time, "CompleteTime": time})
    );
    // With the video its tasks are gone.
    server.ok(VOD, "DeleteVideo", &[("VideoIds", &id)]).await;
    assert_eq!(code(&server, "GetTranscodeTask", &[("TranscodeTaskId", &task)]).await, (404, "NoSuchResource".into()));
    let gone = server.ok(VOD, "GetTranscodeTask", &[("JobIds", &jobs[0])]).await;
    assert_eq!(gone, json!({"TranscodeJobInfoList": [], "NonExistJobIds": [jobs[0]]}));
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_with_its_code() {
    let (server, video, ladder) = with_video(AssetStatus::UploadSucc).await;
    let id = video.to_string();
    let empty = group(&server, &[]).await;
    let url = format!("{{\"MessageCallback\":{{\"CallbackURL\":\"http://a/{}\"}}}}", "x".repeat(256));
    let extend = format!("{{\"Extend\":\"{}\"}}", "x".repeat(513));
    let session = "s".repeat(51);
    let invalid = (400, "InvalidParameter");
    for (param, wanted) in [
        (("TemplateGroupId", UNKNOWN), (404, "NoSuchResource")),
        (("TemplateGroupId", "VOD_NO_TRANSCODE"), invalid),
        (("TemplateGroupId", "VOD_STORE_ONLY"), invalid),
        (("TemplateGroupId", empty.as_str()), invalid),
        (("TemplateGroupId", ""), (400, "MissingParameter")),
        (("Priority", "11"), invalid),
        (("Priority", "0"), invalid),
        (("SessionId", session.as_str()), invalid),
        (("EncryptConfig", "{\"KeyServiceType\":\"KMS\"}"), invalid),
        (("EncryptConfig", "{\"CipherText\":\"0123\"}"), invalid),
        (("EncryptConfig", "no json"), invalid),
        (("UserData", "no json"), invalid),
        (("UserData", url.as_str()), invalid),
        (("UserData", extend.as_str()), invalid),
        (("UserData", "{\"MessageCallback\":{\"CallbackURL\":\"ftp://a/b\"}}"), invalid),
        (("OverrideParams", "7"), invalid),
        (("OverrideParams", "{\"Watermarks\":[{\"WatermarkId\":\"w\"}]}"), invalid),
        (("OverrideParams", "{\"SubtitleSetting\":{\"SubtitleList\":[{}]}}"), invalid),
        (("OverrideParams", "{\"PackageSubtitleSetting\":{\"SubtitleList\":[{}]}}"), invalid),
    ] {
        let mut params = vec![("VideoId", id.as_str())];
        if param.0 != "TemplateGroupId" {
            params.push(("TemplateGroupId", ladder.as_str()));
        }
        params.push(param);
        assert_eq!(code(&server, "SubmitTranscodeJobs", &params).await, (wanted.0, wanted.1.into()), "{param:?}");
    }
    let params = [("VideoId", UNKNOWN), ("TemplateGroupId", ladder.as_str())];
    assert_eq!(code(&server, "SubmitTranscodeJobs", &params).await, (404, "InvalidVideo.NotFound".into()));
    for status in [AssetStatus::Transcoding, AssetStatus::TranscodeFail, AssetStatus::Blocked] {
        let video = server.recorded("cup", status.as_str(), status).await.to_string();
        let (refused, answer) =
            server.call(VOD, "SubmitTranscodeJobs", &[("VideoId", &video), ("TemplateGroupId", &ladder)]).await;
        assert_eq!((refused, answer["Code"].as_str()), (400, Some("Forbidden.IllegalStatus")));
        assert!(answer["Message"].as_str().unwrap().contains(status.as_str()), "{answer}");
    }
    assert!(server.catalog.transcode_tasks(video).await.unwrap().is_empty());

    // Everything that is possible, and the same session once more.
    let user_data = "{\"MessageCallback\":\"{\\\"CallbackURL\\\":\\\"http://a/cb\\\"}\",\"Extend\":{\"id\":7}}";
    let all = [
        ("VideoId", id.as_str()),
        ("TemplateGroupId", ladder.as_str()),
        ("Priority", "10"),
        ("SessionId", "one"),
        ("PipelineId", "p"),
        ("UserData", user_data),
        ("EncryptConfig", ""),
        ("OverrideParams", "{\"Watermarks\":[],\"SubtitleSetting\":{}}"),
    ];
    let (task, _) = submit(&server, &all).await;
    let stored = server.catalog.transcode_task(task.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((stored.priority, stored.user_data.as_str()), (10, user_data));
    let other = server.recorded("cup", "court2", AssetStatus::Normal).await.to_string();
    let again = [("VideoId", other.as_str()), ("TemplateGroupId", ladder.as_str()), ("SessionId", "one")];
    assert_eq!(code(&server, "SubmitTranscodeJobs", &again).await, (400, "InvalidSessionId.Repeated".into()));

    for (action, params, wanted) in [
        ("GetTranscodeTask", vec![], (400, "MissingParameter")),
        ("GetTranscodeTask", vec![("TranscodeTaskId", UNKNOWN)], (404, "NoSuchResource")),
        ("GetTranscodeTask", vec![("TranscodeTaskId", "nonsense")], (404, "NoSuchResource")),
        ("ListTranscodeTask", vec![("VideoId", UNKNOWN)], (404, "InvalidVideo.NotFound")),
        ("ListTranscodeTask", vec![("VideoId", id.as_str()), ("PageSize", "51")], invalid),
        ("GetJobDetail", vec![("JobId", UNKNOWN), ("JobType", "Transcode")], (404, "NoSuchResource")),
        ("GetJobDetail", vec![("JobId", UNKNOWN), ("JobType", "ai")], (404, "NoSuchResource")),
        ("GetJobDetail", vec![("JobId", UNKNOWN), ("JobType", "other")], invalid),
        ("ListJobInfo", vec![("MediaId", UNKNOWN), ("JobType", "AI")], (404, "InvalidVideo.NotFound")),
        ("CancelTranscodeTask", vec![("TranscodeTaskId", UNKNOWN)], (404, "NoSuchResource")),
        ("RetryJob", vec![("JobId", UNKNOWN)], (404, "NoSuchResource")),
        ("DeleteStream", vec![("VideoId", id.as_str())], (400, "MissingParameter")),
        ("DeleteStream", vec![("VideoId", id.as_str()), ("JobIds", UNKNOWN)], (404, "InvalidStream.NotFound")),
        ("DeleteStream", vec![("VideoId", id.as_str()), ("JobIds", id.as_str())], (404, "InvalidStream.NotFound")),
        ("DeleteStream", vec![("VideoId", UNKNOWN), ("JobIds", UNKNOWN)], (404, "InvalidVideo.NotFound")),
    ] {
        assert_eq!(code(&server, action, &params).await, (wanted.0, wanted.1.into()), "{action} {params:?}");
    }
    let (eleven, many) = ([UNKNOWN; 11].join(","), [UNKNOWN; 21].join(","));
    let refused = code(&server, "GetTranscodeTask", &[("JobIds", &eleven)]).await;
    assert_eq!(refused, (400, "JobIdsExceededMax".into()));
    let refused = code(&server, "GetTranscodeSummary", &[("VideoIds", &eleven)]).await;
    assert_eq!(refused, (400, "VideoIdsExceededMax".into()));
    let refused = code(&server, "DeleteStream", &[("VideoId", &id), ("JobIds", &many)]).await;
    assert_eq!(refused, (400, "JobIdsExceededMax".into()));
}

#[tokio::test]
async fn a_task_may_differ_from_its_group_key_by_key() {
    let (server, video, ladder) = with_video(AssetStatus::Normal).await;
    let id = video.to_string();
    let stored = server.catalog.template_group(&ladder).await.unwrap().unwrap().templates;
    let (first, second) = (stored[0].template.id.clone(), stored[1].template.id.clone());
    let with = async |list: Value| {
        let overrides = json!({ "TranscodeTemplateList": list }).to_string();
        let params = [("VideoId", id.as_str()), ("TemplateGroupId", &ladder), ("OverrideParams", &overrides)];
        let (status, answer) = server.call(VOD, "SubmitTranscodeJobs", &params).await;
        match status {
            200 => Ok(server
                .catalog
                .outputs_of_task(answer["TranscodeTaskId"].as_str().unwrap().parse().unwrap())
                .await
                .unwrap()),
            _ => Err(answer["Message"].as_str().unwrap().to_owned()),
        }
    };
    let changed = with(json!([{
        "TranscodeTemplateId": first, "Video": {"Width": 640, "Gop": "50"}, "Audio": "{\"Bitrate\":\"96\"}",
        "TranscodeFileRegular": "{MediaId}/x-{JobId}", "Clip": {"TimeSpan": {"Seek": "1", "End": "2"}},
    }]))
    .await
    .unwrap();
    let (video, audio) =
        (changed[0].template.profile.video.clone().unwrap(), changed[0].template.profile.audio.clone());
    // A width alone keeps the ratio of the source, whatever height the template had; the rest is as it was.
    assert_eq!((video.width, video.height, video.gop), (Some(640), None, Some(50)));
    assert_eq!((video.rate, audio.unwrap().kbps), (encode::Rate::Kbps(400), 96));
    let (name, clip) = (changed[0].template.file_name.clone().unwrap(), changed[0].template.clip.unwrap());
    assert_eq!((name.as_str(), clip.begin_ms), ("x-{JobId}", 1_000));
    assert_eq!((&changed[0].template.id, &changed[1].template), (&first, &stored[1].template));
    // A quality instead of a rate, and a rate instead of it.
    let quality = with(json!([{"TranscodeTemplateId": second, "Video": {"Crf": "30"}}])).await.unwrap();
    assert_eq!(quality[1].template.profile.video.clone().unwrap().rate, encode::Rate::Quality(30));
    for (list, wanted) in [
        (json!([{"Video": {}}]), "template 1, TranscodeTemplateId: it is missing"),
        (json!([{"TranscodeTemplateId": UNKNOWN}]), "template 1, TranscodeTemplateId: the group has no such template"),
        (
            json!([{"TranscodeTemplateId": first}, {"TranscodeTemplateId": second, "Video": {"Width": "641"}}]),
            "template 2, Video.Width: an even number",
        ),
        (json!([{"TranscodeTemplateId": first, "Container": {"Format": "mp4"}}]), "only Video, Audio, Clip, Rotate"),
        (json!([{"TranscodeTemplateId": first, "Definition": "HD"}]), "only Video, Audio, Clip, Rotate"),
        (json!([{"TranscodeTemplateId": first, "TranscodeFileRegular": "x"}]), "it has to contain {JobId}"),
    ] {
        let said = with(list.clone()).await.unwrap_err();
        assert!(said.contains(wanted), "{list}: {said}");
    }
    let group = server.catalog.template_group(&ladder).await.unwrap().unwrap();
    assert_eq!(group.templates, stored, "the group stays as it is");
}

#[tokio::test]
async fn a_task_is_cancelled_a_job_retried_and_both_are_seen() {
    let (server, video, ladder) = with_video(AssetStatus::UploadSucc).await;
    let id = video.to_string();
    let (task, jobs) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &ladder)]).await;
    let cancel = async || server.ok(VOD, "CancelTranscodeTask", &[("TranscodeTaskId", &task)]).await;
    assert_eq!(cancel().await, json!({"CanceledJobIds": jobs}));
    assert_eq!(cancel().await, json!({"CanceledJobIds": []}));
    let told = server.ok(VOD, "GetTranscodeTask", &[("TranscodeTaskId", &task)]).await["TranscodeTask"].clone();
    let job = &told["TranscodeJobInfoList"][0];
    assert_eq!(
        (&told["TaskStatus"], &job["TranscodeJobStatus"], &job["ErrorCode"]),
        (&json!("CompleteAllFail"), &json!("TranscodeFail"), &json!("TranscodeCancelled"))
    );
    let detail = server.ok(VOD, "GetJobDetail", &[("JobId", &jobs[0]), ("JobType", "Transcode")]).await;
    assert_eq!(detail["TranscodeJobDetail"]["Status"], "TranscodeCancelled");
    let info = server.ok(VOD, "GetVideoInfo", &[("VideoId", &id)]).await;
    assert_eq!(info["Video"]["Status"], "UploadSucc");

    let retry = async |job: &str| server.ok(VOD, "RetryJob", &[("JobId", job)]).await;
    assert_eq!(retry(&jobs[1]).await, json!({"Retried": true}));
    assert_eq!(retry(&jobs[1]).await, json!({"Retried": false}));
    let told = server.ok(VOD, "GetTranscodeTask", &[("TranscodeTaskId", &task)]).await["TranscodeTask"].clone();
    assert_eq!(
        (&told["TaskStatus"], &told["TranscodeJobInfoList"][1]["TranscodeJobStatus"]),
        (&json!("Partial"), &json!("Transcoding"))
    );

    let dead = catalog::sql::Sql::new(
        "UPDATE job SET state = 'dead', error = 'no disk', attempt = 10, finished = 1 WHERE kind = 'analyse'",
    );
    let mut tx = server.catalog.begin().await.unwrap();
    dead.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let listed = server.ok(VOD, "ListJobs", &[("State", "dead")]).await;
    let [job] = &listed["JobList"].as_array().unwrap()[..] else { panic!("{listed}") };
    assert_eq!(
        (&job["Kind"], &job["State"], &job["Attempts"], &job["AttemptsMax"], &job["Error"]),
        (&json!("analyse"), &json!("Dead"), &json!(10), &json!(10), &json!("no disk"))
    );
    assert_eq!(job["About"], json!(json!({ "asset": id }).to_string()));
    assert_eq!(retry(job["JobId"].as_str().unwrap()).await, json!({"Retried": true}));
    assert_eq!(server.ok(VOD, "ListJobs", &[("State", "Dead")]).await, json!({"JobList": []}));
    // Page by page, all of them, newest first.
    let mut seen = Vec::new();
    let mut token = String::new();
    loop {
        let page = server.ok(VOD, "ListJobs", &[("MaxResults", "2"), ("NextToken", &token)]).await;
        let jobs = page["JobList"].as_array().unwrap().clone();
        assert!((1..=2).contains(&jobs.len()));
        seen.extend(jobs.into_iter().map(|job| job["JobId"].as_str().unwrap().to_owned()));
        match page.get("NextToken") {
            Some(next) => token = next.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    let all = server.catalog.jobs(&JobFilter::default(), 100).await.unwrap();
    assert_eq!(seen, all.iter().map(|job| job.id.to_string()).collect::<Vec<_>>());
    let kinds = server.ok(VOD, "ListJobs", &[("Kind", "callback"), ("State", "Ready")]).await;
    assert!(
        kinds["JobList"]
            .as_array()
            .unwrap()
            .iter()
            .all(|job| job["Kind"] == "callback" && job["NextAttemptTime"].is_string())
    );
    assert_eq!(code(&server, "ListJobs", &[("NextToken", "x")]).await, (400, "InvalidParameter".into()));
}

#[tokio::test]
async fn deleted_streams_are_not_played_and_told_with_their_ids() {
    let (server, video, ladder) = with_video(AssetStatus::UploadSucc).await;
    let id = video.to_string();
    let (task, jobs) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &ladder)]).await;
    for job in &jobs {
        end(&server, job, OutputEnd::Made(facts(320, 180))).await;
    }
    let delete = [("VideoId", id.as_str()), ("JobIds", jobs[0].as_str())];
    assert_eq!(server.ok(VOD, "DeleteStream", &delete).await, json!({}));
    assert_eq!(code(&server, "DeleteStream", &delete).await, (404, "InvalidStream.NotFound".into()));
    let told = server.ok(VOD, "GetPlayInfo", &[("VideoId", &id)]).await["PlayInfoList"]["PlayInfo"].clone();
    let left: Vec<_> = told.as_array().unwrap().iter().map(|stream| stream["JobId"].clone()).collect();
    assert_eq!(left, [json!(id), json!(jobs[1])], "the source of a no-transcode video, and the output that is left");
    let event = server.catalog.events_of_asset(video).await.unwrap().pop().unwrap().event.event;
    assert_eq!(event, Event::StreamsDeleted { jobs: vec![jobs[0].parse::<JobId>().unwrap()] });
    // The story of the task stays.
    let told = server.ok(VOD, "GetTranscodeTask", &[("TranscodeTaskId", &task)]).await["TranscodeTask"].clone();
    let job = &told["TranscodeJobInfoList"][0];
    assert_eq!(
        (&told["TaskStatus"], &job["TranscodeJobStatus"]),
        (&json!("CompleteAllSucc"), &json!("TranscodeSuccess"))
    );
    assert_eq!((job.get("OutputFile"), &job["TranscodeProgress"]), (None, &json!(100)));
}

#[tokio::test]
async fn snapshots_are_followed_like_outputs() {
    let (server, video, ladder) = with_video(AssetStatus::UploadSucc).await;
    let (id, time) = (video.to_string(), now().to_iso8601());
    submit(&server, &[("VideoId", &id), ("TemplateGroupId", &ladder)]).await;
    let job = server.catalog.picture_jobs(video).await.unwrap().into_iter().find(|job| job.task.is_some()).unwrap();
    let gif = PictureOrder::Animation(AnimationOrder {
        format: AnimationFormat::Gif,
        size: Size::default(),
        fps: 5,
        from_ms: 0,
        length: AnimationLength::For { ms: 1_000 },
        cover: false,
    });
    let moving = server.catalog.begin_pictures(video, gif, "", now()).await.unwrap().to_string();
    let of = job.id.to_string();
    let detail = async |job: &str| {
        let told = server.ok(VOD, "GetJobDetail", &[("JobId", job), ("JobType", "snapshot")]).await;
        assert_eq!(told["JobType"], "Snapshot");
        told["SnapshotJobDetail"].clone()
    };
    let mut expected = json!({
        "JobId": of, "VideoId": id, "Status": "Processing", "Trigger": "Auto", "CreateTime": time,
    });
    assert_eq!(detail(&of).await, expected);
    server.catalog.finish_pictures(job.id, &[], now()).await.unwrap();
    expected["Status"] = json!("Success");
    expected["CompleteTime"] = json!(time);
    assert_eq!(detail(&of).await, expected);
    for (job, kind) in [(moving.as_str(), "snapshot"), (UNKNOWN, "snapshot"), (&of, "transcode"), (&of, "ai")] {
        let refused = code(&server, "GetJobDetail", &[("JobId", job), ("JobType", kind)]).await;
        assert_eq!(refused, (404, "NoSuchResource".into()), "{job} {kind}");
    }
    let listed = server.ok(VOD, "ListJobInfo", &[("MediaId", &id), ("JobType", "snapshot")]).await;
    let listed = listed["JobInfoList"].as_array().unwrap().clone();
    let taken = json!({"JobId": of, "Status": "Success", "CreateTime": time, "CompleteTime": time});
    assert!(listed.contains(&taken), "{listed:?}");
    assert!(listed.iter().all(|info| info["JobId"] != moving.as_str()), "an animation is none: {listed:?}");
}

#[tokio::test]
async fn streams_are_told_by_what_is_asked_for() {
    let server = Server::new().await;
    let id = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let mut sound = template("sound", "mp4");
    sound["Definition"] = json!("HQ");
    let ladder = group(&server, &[template("a", "mp4"), template("b", "m3u8"), sound]).await;
    let mut all = Vec::new();
    for minute in 0..2 {
        let (_, jobs) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &ladder)]).await;
        for (at, job) in jobs.iter().enumerate() {
            end(&server, job, OutputEnd::Made(if at == 2 { facts(0, 0) } else { facts(320, 180) })).await;
            let mut tx = server.catalog.begin().await.unwrap();
            let later = catalog::sql::Sql::new("UPDATE output SET created = created + $2 WHERE id = $1");
            later.arg(job.as_str()).arg(minute * 60_000_i64).run(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        all.push(jobs);
    }
    let told = async |params: &[(&str, &str)]| {
        let told = server.ok(VOD, "GetPlayInfo", &[&[("VideoId", id.as_str())], params].concat()).await;
        told["PlayInfoList"]["PlayInfo"].as_array().unwrap().clone()
    };
    let ids = |streams: &[Value]| -> Vec<String> {
        streams.iter().map(|stream| stream["JobId"].as_str().unwrap().to_owned()).collect()
    };
    let source = id.clone();
    let newest = &all[1];
    for (params, wanted) in [
        (vec![], vec![&source, &newest[0], &newest[1], &newest[2]]),
        (vec![("ResultType", "Multiple"), ("Formats", "m3u8"), ("Definition", "FD")], vec![&newest[1], &all[0][1]]),
        (vec![("Definition", "HQ,SQ")], vec![&newest[2]]),
        (vec![("StreamType", "audio")], vec![&newest[2]]),
        (vec![("CodecName", "aac")], vec![&newest[2]]),
        (vec![("CodecName", "H264"), ("Formats", "mp4")], vec![&source, &newest[0]]),
        (
            vec![
                ("AuthTimeout", "60"),
                ("OutputType", "oss"),
                ("PlayConfig", "{\"PlayDomain\":\"a\"}"),
                ("Formats", "m3u8"),
                ("Definition", "FD"),
                ("ReAuthInfo", "{\"uid\":\"1\"}"),
                ("Trace", "x"),
                ("AdditionType", "danmu"),
            ],
            vec![&newest[1]],
        ),
    ] {
        let found = ids(&told(&params).await);
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{params:?}");
    }
    let url = |file: &str| format!("http://vod.example.org:8080/v/{id}/{file}");
    let stream = told(&[("Definition", "FD"), ("Formats", "m3u8")]).await.remove(0);
    assert_eq!(
        stream,
        json!({
            "JobId": newest[1], "Definition": "FD", "Specification": "H264.LD", "Format": "m3u8", "StreamType": "video",
            "Status": "Normal", "CodecName": "H264", "BitDepth": 8, "Bitrate": "470", "Duration": "20.04", "Fps": "25",
            "Width": 320, "Height": 180, "Size": 1_180_000, "Encrypt": 0, "NarrowBandType": "0",
            "CreationTime": "2026-11-22T16:23:43Z", "ModificationTime": now().to_iso8601(),
            "PlayURL": url(&format!("{}-fd.m3u8", newest[1])),
        })
    );
    let stream = told(&[("StreamType", "audio")]).await.remove(0);
    let shown = ["Specification", "CodecName", "Fps", "Width", "PlayURL"].map(|key| stream[key].clone());
    assert_eq!(
        shown,
        [json!("Audio"), json!("AAC"), json!("0"), json!(0), json!(url(&format!("{}-hq.mp4", newest[2])))]
    );
    assert!(stream.get("BitDepth").is_none());
    let mut deep = template("deep", "mp4");
    deep["Video"] = json!({"Codec": "H.265", "PixFmt": "yuv420p10le"});
    let deep = group(&server, &[deep]).await;
    let (_, jobs) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &deep)]).await;
    end(&server, &jobs[0], OutputEnd::Made(facts(1280, 720))).await;
    let stream = told(&[("CodecName", "h265")]).await.remove(0);
    let shown = ["JobId", "Specification", "CodecName", "BitDepth"].map(|key| stream[key].clone());
    assert_eq!(shown, [json!(jobs[0]), json!("H265.SD"), json!("H265"), json!(10)]);
    let own = json!({"TemplateName": "own", "Definition": "OD", "Container": {"Format": "flv"}});
    let own = group(&server, &[own]).await;
    let (_, jobs) = submit(&server, &[("VideoId", &id), ("TemplateGroupId", &own)]).await;
    end(&server, &jobs[0], OutputEnd::Made(facts(320, 180))).await;
    let stream = told(&[("Definition", "OD"), ("Formats", "flv")]).await.remove(0);
    let shown = ["JobId", "Specification", "CodecName", "BitDepth"].map(|key| stream[key].clone());
    assert_eq!(shown, [json!(jobs[0]), json!("Segmentation"), json!("H264"), json!(8)]);
    for (param, wanted) in [
        (("Definition", "4K"), (404, "InvalidVideo.NoneStream")),
        (("CodecName", "MP3"), (404, "InvalidVideo.NoneStream")),
        (("DigitalWatermarkType", "TraceMark"), (404, "InvalidVideo.NoneStream")),
        (("ResultType", "Some"), (400, "InvalidParameter")),
        (("PlayConfig", "{\"PreviewTime\":\"60\"}"), (400, "InvalidParameter")),
    ] {
        let refused = code(&server, "GetPlayInfo", &[("VideoId", id.as_str()), param]).await;
        assert_eq!(refused, (wanted.0, wanted.1.into()), "{param:?}");
    }
}
