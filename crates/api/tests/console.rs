//! What the console needs and the vendor does not have: health, status, addresses, rules, the test stream, users.

mod support;

use std::time::Duration;

use api::{ApiState, Asked, PushSettings, Settings, call_as};
use blobs::{Measured, Space};
use catalog::{PushStats, RecordingState, Role};
use serde_json::json;
use support::{PLAY, PUSH, Server, VOD, answer_of, now};

const RULE: [(&str, &str); 4] =
    [("DomainName", PLAY), ("CycleDuration", "300"), ("VodTranscodeGroupId", "VOD_NO_TRANSCODE"), ("DelayTime", "60")];

async fn add_rule(server: &Server, app: &str, stream: &str) {
    let params = [&RULE[..], &[("AppName", app), ("StreamName", stream)]].concat();
    server.ok("2016-11-01", "AddLiveRecordVodConfig", &params).await;
}

const COURT: [(&str, &str); 3] = [("DomainName", PLAY), ("AppName", "cup"), ("StreamName", "court1")];

#[tokio::test]
async fn the_rule_that_applies_is_told_with_those_behind_it() {
    let server = Server::new().await;
    let told = server.ok(VOD, "MatchLiveRecordRule", &COURT).await;
    assert_eq!(told, json!({ "Matched": false, "Others": [] }));
    for (app, stream) in [("*", "*"), ("cup", "*"), ("*", "court1"), ("cup", "court1"), ("other", "*")] {
        add_rule(&server, app, stream).await;
    }
    let told = server.ok(VOD, "MatchLiveRecordRule", &COURT).await;
    assert_eq!((&told["Matched"], &told["MatchedBy"]), (&json!(true), &json!("AppAndStream")));
    let rule = &told["Rule"];
    assert_eq!(
        (&rule["AppName"], &rule["StreamName"], &rule["DelayTime"]),
        (&json!("cup"), &json!("court1"), &json!(60))
    );
    let other = |app: &str, stream: &str, by: &str| json!({ "AppName": app, "StreamName": stream, "MatchedBy": by });
    let others = [other("*", "court1", "Stream"), other("cup", "*", "App"), other("*", "*", "Any")];
    assert_eq!(told["Others"], json!(others));
    // Under its ingest domain it is the same stream.
    let pushed = [("DomainName", PUSH), ("AppName", "league"), ("StreamName", "a")];
    let told = server.ok(VOD, "MatchLiveRecordRule", &pushed).await;
    assert_eq!((&told["MatchedBy"], &told["Others"]), (&json!("Any"), &json!([])));
    let unknown = [("DomainName", "none.example.org"), COURT[1], COURT[2]];
    assert_eq!(server.refused(VOD, "MatchLiveRecordRule", &unknown).await, (404, "InvalidDomain.NotFound".into()));
    assert_eq!(server.refused(VOD, "MatchLiveRecordRule", &COURT[..2]).await, (400, "MissingParameter".into()));
}

#[tokio::test]
async fn an_address_to_push_to_is_told_in_the_parts_that_programs_ask_for() {
    let server = Server::new().await;
    let told = server.ok(VOD, "GetPushAddress", &COURT).await;
    assert_eq!(
        told,
        json!({
            "PushUrl": format!("rtmp://vod.example.org/cup/court1?vhost={PUSH}"),
            "Server": "rtmp://vod.example.org/cup",
            "StreamKey": format!("court1?vhost={PUSH}"),
            "PlayUrl": format!("http://vod.example.org:8080/l/{PLAY}/cup/court1.m3u8"),
        })
    );
    let functions = r#"[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},
        {"argName":"auth_key1","argValue":"Hidden0Secret012"},{"argName":"ali_auth_delta","argValue":"3600"}]}]"#;
    let signed = [("DomainNames", PLAY), ("Functions", functions)];
    server.ok("2016-11-01", "BatchSetLiveDomainConfigs", &signed).await;
    let told = server.ok(VOD, "GetPushAddress", &COURT).await;
    let text = |name: &str| told[name].as_str().unwrap().to_owned();
    assert_eq!(text("ExpireTime"), "2026-11-22T17:22:43Z");
    assert_eq!(text("PushUrl"), format!("{}/{}", text("Server"), text("StreamKey")));
    // Type A of the documents: the path, the time less the validity, and the key (contract §4.2).
    let checked = |url: String| async move {
        let params = [("DomainName", PLAY), ("Url", url.as_str())];
        server.ok("2016-11-01", "DescribeLiveStreamAuthChecking", &params).await["Status"].clone()
    };
    let query = text("StreamKey").split_once('?').unwrap().1.to_owned();
    assert!(!query.contains("Hidden"), "{query}");
    assert_eq!(checked(format!("rtmp://{PLAY}/cup/court1?{query}")).await, "pass");
}

#[tokio::test]
async fn pushes_go_where_the_operator_says_and_stopped_domains_are_told() {
    let push =
        PushSettings { public_url: "rtmp://in.example.org:19350/".into(), port: 1935, default_domain: PUSH.into() };
    let server = Server::with(Settings { push, ..Settings::default() }, now).await;
    for (name, kind) in [(PLAY, "liveVideo"), (PUSH, "liveEdge")] {
        let params = [("DomainName", name), ("LiveDomainType", kind), ("Region", "local")];
        server.ok("2016-11-01", "AddLiveDomain", &params).await;
    }
    assert_eq!(server.ok(VOD, "GetPushAddress", &COURT).await["StreamKey"], format!("court1?vhost={PLAY}"));
    server.ok("2016-11-01", "AddLiveDomainMapping", &[("PullDomain", PLAY), ("PushDomain", PUSH)]).await;
    let told = server.ok(VOD, "GetPushAddress", &COURT).await;
    assert_eq!(told["PushUrl"], "rtmp://in.example.org:19350/cup/court1", "the default domain needs no name");
    server.ok("2016-11-01", "StopLiveDomain", &[("DomainName", PUSH)]).await;
    assert_eq!(server.refused(VOD, "GetPushAddress", &COURT).await, (404, "InvalidDomain.NotFound".into()));
}

#[tokio::test]
async fn the_health_of_a_stream_is_what_its_rows_say() {
    let server = Server::new().await;
    let told = server.ok(VOD, "GetLiveStreamHealth", &COURT).await;
    let nothing = json!({ "DomainName": PLAY, "AppName": "cup", "StreamName": "court1", "Online": false });
    assert_eq!(told, json!({ "Health": nothing }));
    add_rule(&server, "cup", "*").await;
    let push = server.push("cup", "court1").await;
    let stats = PushStats {
        width: 1280,
        height: 720,
        fps: 29.97,
        video_kbps: 2_000,
        audio_kbps: 128,
        video_codec: "h264".into(),
        audio_codec: String::new(),
        key_frame_ms: 2_000,
        dropped_frames: 7,
        late_frames: 3,
    };
    server.catalog.update_push_stats(&[(push, stats)]).await.unwrap();
    let told = server.ok(VOD, "GetLiveStreamHealth", &COURT).await;
    assert_eq!(
        told["Health"],
        json!({
            "DomainName": PLAY, "AppName": "cup", "StreamName": "court1", "Online": true, "RuleId": format!("{PLAY}/cup/*"),
            "PushId": push.to_string(), "PushedAt": "2026-11-22T16:22:43Z", "ClientIp": "203.0.113.7", "VideoCodec": "h264",
            "Width": 1280, "Height": 720, "FrameRate": 29.97, "BitrateKbps": 2_128, "KeyFrameIntervalMs": 2_000,
            "DroppedFrames": 7, "LateFrames": 3,
        })
    );
    let video = server.recorded("cup", "court1", catalog::AssetStatus::Normal).await;
    let path = units::StreamPath::new(PLAY, "cup", "court1").unwrap();
    let recording = server.catalog.live_recording(&path).await.unwrap().unwrap();
    assert_eq!(recording.state, RecordingState::Live);
    let told = server.ok(VOD, "GetLiveStreamHealth", &COURT).await["Health"].clone();
    assert_eq!((&told["RecordingId"], &told["RecordingState"]), (&json!(recording.id), &json!("Live")));
    assert_eq!(told["VideoIds"], json!([video]));
    assert_eq!(told["PlaybackUrl"], format!("http://vod.example.org:8080/l/{PLAY}/cup/court1.m3u8"));
    assert!(
        told.get("DurableSeconds").is_none() && told.get("GraceEndsAt").is_none(),
        "another node's is not known: {told}"
    );
    let give_up = now().after(Duration::from_secs(60));
    server.catalog.end_push(push, "lost", now()).await.unwrap();
    server.catalog.interrupt_recording(recording.id, now(), 90_000, give_up).await.unwrap();
    let told = server.ok(VOD, "GetLiveStreamHealth", &COURT).await["Health"].clone();
    assert_eq!((&told["Online"], &told["RecordingState"]), (&json!(false), &json!("Interrupted")));
    assert_eq!(told["GraceEndsAt"], "2026-11-22T16:23:43Z");
    let status = server.ok(VOD, "GetServerStatus", &[]).await;
    assert_eq!(
        status["Attention"],
        json!([{ "Kind": "StreamInterrupted", "Text": "The publisher is gone and may come back.", "DomainName": PLAY,
                 "AppName": "cup", "StreamName": "court1", "Until": "2026-11-22T16:23:43Z" }])
    );
}

#[tokio::test]
async fn the_status_counts_what_is_there_and_how_long_the_disk_lasts() {
    let server = Server::new().await;
    let told = server.ok(VOD, "GetServerStatus", &[]).await;
    let wanted = json!({
        "Version": env!("CARGO_PKG_VERSION"), "Nodes": [{ "Name": "local", "LiveStreams": 0 }], "BytesPerHour": 0,
        "LiveStreams": 0, "QueueReady": 0, "QueueDead": 0, "EventsWaiting": 0, "Attention": [],
    });
    assert_eq!(told, wanted);
    let push = server.push("cup", "court1").await;
    server.push("cup", "nobody-records-it").await;
    server.recorded("cup", "court1", catalog::AssetStatus::Normal).await;
    let dropping = PushStats { video_kbps: 1_000, dropped_frames: 9, ..PushStats::default() };
    server.catalog.update_push_stats(&[(push, dropping)]).await.unwrap();
    let space = Space::new(1 << 30);
    space.note(Measured { total: 100_000_000_000, free: 900_000_000 });
    let state = ApiState::new(server.catalog.clone(), server.blobs.clone(), Settings::default(), []).with_space(space);
    let asked = Asked {
        user: "wall".into(),
        role: Role::Viewer,
        service: "Vod".into(),
        action: "GetServerStatus".into(),
        params: rpc::Params::default(),
        address: None,
        reached: "http://vod.example.org".into(),
    };
    let (status, told) = answer_of(call_as(&state, asked).await).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!((&told["LiveStreams"], &told["BytesPerHour"]), (&json!(2), &json!(450_000_000)));
    assert_eq!((&told["DiskFreeBytes"], &told["HoursLeft"]), (&json!(900_000_000), &json!(2.0)));
    let nodes = json!([{ "Name": "local", "LiveStreams": 0 }, { "Name": "n1", "LiveStreams": 2 }]);
    assert_eq!(told["Nodes"], nodes);
    // The video's analysis and its cover, and what tells its two events.
    assert_eq!((&told["QueueReady"], &told["EventsWaiting"]), (&json!(4), &json!(2)), "{told}");
    assert_eq!((&told["Attention"][0]["Kind"], &told["Attention"][0]["Count"]), (&json!("FramesDropped"), &json!(9)));
}

#[tokio::test]
async fn there_is_one_test_stream_at_a_time() {
    let push = PushSettings { default_domain: PUSH.into(), ..PushSettings::default() };
    let settings = Settings { push, ..Settings::default() };
    let nowhere = Server::with(settings.clone(), now).await;
    assert_eq!(nowhere.refused(VOD, "StartTestStream", &[]).await, (404, "InvalidDomain.NotFound".into()));
    let server = nowhere;
    for (name, kind) in [(PLAY, "liveVideo"), (PUSH, "liveEdge")] {
        let params = [("DomainName", name), ("LiveDomainType", kind), ("Region", "local")];
        server.ok("2016-11-01", "AddLiveDomain", &params).await;
    }
    server.ok("2016-11-01", "AddLiveDomainMapping", &[("PullDomain", PLAY), ("PushDomain", PUSH)]).await;
    server.push("live", "test").await;
    assert_eq!(server.refused(VOD, "StartTestStream", &[]).await, (400, "TaskAlreadyStarted".into()));
    let told = server.ok(VOD, "StartTestStream", &[("AppName", "a"), ("StreamName", "b")]).await;
    let wanted = json!({ "DomainName": PLAY, "AppName": "a", "StreamName": "b", "EndTime": "2026-11-22T16:32:43Z" });
    assert_eq!(told, wanted);
    assert_eq!(server.ok(VOD, "StartTestStream", &[]).await, wanted, "the one that goes on");
    server.ok(VOD, "StopTestStream", &[]).await;
    server.ok(VOD, "StopTestStream", &[]).await;
    let told = server.ok(VOD, "StartTestStream", &[("StreamName", "c")]).await;
    assert_eq!((&told["AppName"], &told["StreamName"]), (&json!("live"), &json!("c")));
    server.ok(VOD, "StopTestStream", &[]).await;
    assert_eq!(
        server.refused(VOD, "StartTestStream", &[("StreamName", "c/d")]).await,
        (400, "InvalidParameter".into())
    );
}

#[tokio::test]
async fn users_of_the_console_are_added_listed_changed_and_deleted() {
    let server = Server::empty().await;
    let user = [("UserName", "ward"), ("Password", "correct horse"), ("Role", "operator")];
    let told = server.ok(VOD, "CreateConsoleUser", &user).await;
    let wanted = json!({ "UserName": "ward", "Role": "operator", "CreateDate": "2026-11-22T16:22:43Z" });
    assert_eq!(told, json!({ "ConsoleUser": wanted }));
    assert_eq!(server.ok(VOD, "ListConsoleUsers", &[]).await, json!({ "ConsoleUsers": [wanted] }));
    assert_eq!(server.refused(VOD, "CreateConsoleUser", &user).await, (409, "EntityAlreadyExists.User".into()));
    for wrong in [
        [("UserName", "a b"), user[1], user[2]],
        [("UserName", "a"), ("Password", "short"), user[2]],
        [("UserName", "a"), user[1], ("Role", "publisher")],
    ] {
        let refused = server.refused(VOD, "CreateConsoleUser", &wrong).await;
        assert_eq!(refused, (400, "InvalidParameter".into()), "{wrong:?}");
    }
    let update = |with: (&'static str, &'static str)| [("UserName", "ward"), with];
    assert_eq!(server.refused(VOD, "UpdateConsoleUser", &user[..1]).await, (400, "MissingParameter".into()));
    let refused = server.refused(VOD, "UpdateConsoleUser", &update(("Password", "short"))).await;
    assert_eq!(refused, (400, "InvalidParameter".into()));
    server.ok(VOD, "UpdateConsoleUser", &update(("Role", "viewer"))).await;
    server.ok(VOD, "UpdateConsoleUser", &update(("Password", "another horse"))).await;
    let kept = server.catalog.console_user("ward").await.unwrap().unwrap();
    assert!(kept.role == Role::Viewer && kept.password.fits("another horse") && !kept.password.fits("correct horse"));
    let nobody = [("UserName", "nobody"), ("Role", "viewer")];
    assert_eq!(server.refused(VOD, "UpdateConsoleUser", &nobody).await, (404, "EntityNotExist.User".into()));
    server.ok(VOD, "DeleteConsoleUser", &user[..1]).await;
    assert_eq!(server.refused(VOD, "DeleteConsoleUser", &user[..1]).await, (404, "EntityNotExist.User".into()));
    for number in 0..100 {
        let name = format!("u{number}");
        let user = catalog::ConsoleUser { name, created: now(), role: Role::Viewer, ..kept.clone() };
        assert!(server.catalog.add_console_user(&user, 1_000).await.unwrap());
    }
    assert_eq!(server.refused(VOD, "CreateConsoleUser", &user).await, (409, "LimitExceeded.User".into()));
}

#[tokio::test]
async fn a_user_asks_no_more_often_than_a_key() {
    let server = Server::empty().await;
    let limits = api::Limits { reads_per_second: 1, ..api::Limits::default() };
    let state =
        ApiState::new(server.catalog.clone(), server.blobs.clone(), Settings { limits, ..Settings::default() }, []);
    let state = state.with_mono(units::Mono::default);
    let mut codes = Vec::new();
    for _ in 0..11 {
        let asked = Asked {
            user: "wall".into(),
            role: Role::Viewer,
            service: "Vod".into(),
            action: "ListJobs".into(),
            params: rpc::Params::default(),
            address: None,
            reached: String::new(),
        };
        codes.push(answer_of(call_as(&state, asked).await).await.0);
    }
    assert_eq!((codes[9], codes[10]), (200, 400));
}
