//! Operations of the Live API: each gets the documented answer, in exactly the documented shape.

mod support;

use catalog::CommandAnswer;
use serde_json::json;
use support::{LIVE, PLAY, PUSH, Server, now};

#[tokio::test]
async fn a_domain_is_added_listed_described_and_deleted() {
    let server = Server::empty().await;
    let added = [
        ("DomainName", "Live.Example.org"),
        ("LiveDomainType", "liveVideo"),
        ("Region", "cn-shanghai"),
        ("Scope", "overseas"),
    ];
    assert_eq!(server.ok(LIVE, "AddLiveDomain", &added).await, json!({}));
    assert_eq!(server.refused(LIVE, "AddLiveDomain", &added).await, (400, "DomainAlreadyExist".into()));
    let listed =
        server.ok(LIVE, "DescribeLiveUserDomains", &[("DomainName", "example"), ("LiveDomainType", "liveVideo")]).await;
    let time = now().to_iso8601();
    assert_eq!(
        listed,
        json!({
            "Domains": {"PageData": [{
                "DomainName": "live.example.org", "LiveDomainType": "liveVideo", "LiveDomainStatus": "online",
                "RegionName": "cn-shanghai", "GmtCreated": time, "GmtModified": time,
            }]},
            "PageNumber": 1, "PageSize": 20, "TotalCount": 1,
        })
    );
    let none = [("DomainName", "example"), ("DomainSearchType", "full_match")];
    assert_eq!(server.ok(LIVE, "DescribeLiveUserDomains", &none).await["Domains"], json!({"PageData": []}));
    let detail = server.ok(LIVE, "DescribeLiveDomainDetail", &[("DomainName", "live.example.org")]).await;
    assert_eq!(
        detail,
        json!({"DomainDetail": {
            "DomainName": "live.example.org", "DomainStatus": "online", "LiveDomainType": "liveVideo", "Region": "cn-shanghai",
            "Scope": "overseas", "SSLProtocol": "off", "GmtCreated": time, "GmtModified": time,
        }})
    );
    assert_eq!(server.ok(LIVE, "DeleteLiveDomain", &[("DomainName", "LIVE.example.org")]).await, json!({}));
    let gone = [("DomainName", "live.example.org")];
    for action in ["DeleteLiveDomain", "DescribeLiveDomainDetail", "DescribeLiveDomainMapping"] {
        assert_eq!(server.refused(LIVE, action, &gone).await, (404, "InvalidDomain.NotFound".into()), "{action}");
    }
}

#[tokio::test]
async fn domains_that_are_none_are_refused() {
    let server = Server::empty().await;
    for (name, kind, code) in [
        ("a b", "liveVideo", "InvalidDomainName.Malformed"),
        ("a..b", "liveVideo", "InvalidDomainName.Malformed"),
        ("a.b", "other", "InvalidParameter"),
        ("", "liveVideo", "MissingParameter"),
    ] {
        let params = [("DomainName", name), ("LiveDomainType", kind), ("Region", "local")];
        assert_eq!(server.refused(LIVE, "AddLiveDomain", &params).await, (400, code.into()), "{name} {kind}");
    }
}

#[tokio::test]
async fn a_mapping_is_seen_from_both_sides_until_it_is_deleted() {
    let server = Server::new().await;

    let seen = server.ok(LIVE, "DescribeLiveDomainMapping", &[("DomainName", PLAY)]).await;
    assert_eq!(seen, json!({"LiveDomainModels": {"LiveDomainModel": [{"DomainName": PUSH, "Type": "publish"}]}}));
    let seen = server.ok(LIVE, "DescribeLiveDomainMapping", &[("DomainName", PUSH)]).await;
    assert_eq!(seen, json!({"LiveDomainModels": {"LiveDomainModel": [{"DomainName": PLAY, "Type": "vhost"}]}}));
    let both = [("PullDomain", PLAY), ("PushDomain", PUSH)];
    server.ok(LIVE, "DeleteLiveDomainMapping", &both).await;
    assert_eq!(server.refused(LIVE, "DeleteLiveDomainMapping", &both).await, (404, "ConfigNotFound".into()));
    let wrong = [("PullDomain", PUSH), ("PushDomain", PLAY)];
    assert_eq!(server.refused(LIVE, "AddLiveDomainMapping", &wrong).await, (404, "InvalidDomain.NotFound".into()));
    server.ok(LIVE, "AddLiveDomainMapping", &both).await;
}

#[tokio::test]
async fn url_authentication_is_set_on_several_domains_told_and_deleted() {
    let server = Server::new().await;
    let functions = r#"[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},
        {"argName":"auth_key1","argValue":"0123456789abcdef"},{"argName":"ali_auth_delta","argValue":1800}]}]"#;
    let both = format!("{PUSH},{PLAY}");
    let dry = [("DomainNames", both.as_str()), ("Functions", functions), ("DryRun", "True")];
    server.ok(LIVE, "BatchSetLiveDomainConfigs", &dry).await;
    let asked = [("DomainName", PUSH), ("FunctionNames", "aliauth,ip_black_list_set")];
    let empty = json!({"DomainConfigs": {"DomainConfig": []}});
    assert_eq!(server.ok(LIVE, "DescribeLiveDomainConfigs", &asked).await, empty);
    server.ok(LIVE, "BatchSetLiveDomainConfigs", &dry[..2]).await;
    let told = server.ok(LIVE, "DescribeLiveDomainConfigs", &asked).await;
    let config = &told["DomainConfigs"]["DomainConfig"][0];
    assert_eq!((config["FunctionName"].as_str(), config["Status"].as_str()), (Some("aliauth"), Some("success")));
    assert!(config["ConfigId"].is_string());
    assert_eq!(
        config["FunctionArgs"],
        json!({"FunctionArg": [
            {"ArgName": "ali_auth_delta", "ArgValue": "1800"},
            {"ArgName": "auth_key1", "ArgValue": "0123456789abcdef"},
            {"ArgName": "auth_type", "ArgValue": "type_a"},
        ]})
    );
    server.ok(LIVE, "BatchDeleteLiveDomainConfigs", &[("DomainNames", &both), ("FunctionNames", "aliauth")]).await;
    assert_eq!(server.ok(LIVE, "DescribeLiveDomainConfigs", &asked).await, empty);
}

#[tokio::test]
async fn functions_that_would_not_do_what_they_say_are_refused() {
    let server = Server::new().await;
    let auth = |args: &str| format!(r#"[{{"functionName":"aliauth","functionArgs":[{args}]}}]"#);
    let arg = |name: &str, value: &str| format!(r#"{{"argName":"{name}","argValue":"{value}"}}"#);
    for functions in [
        "nonsense".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"[{"functionName":"unknown"}]"#.to_owned(),
        auth(""),
        auth(&arg("auth_type", "type_z")),
        auth(&arg("auth_type", "type_a")),
        auth(&[arg("auth_type", "type_a"), arg("auth_key1", "short")].join(",")),
        auth(&[arg("auth_type", "type_a"), arg("auth_key1", "with-hyphen-in-it")].join(",")),
        auth(&[arg("auth_type", "no_auth"), arg("ali_auth_delta", "-1")].join(",")),
        auth(&[arg("auth_type", "no_auth"), arg("other", "1")].join(",")),
    ] {
        let params = [("DomainNames", PLAY), ("Functions", functions.as_str())];
        let refused = server.refused(LIVE, "BatchSetLiveDomainConfigs", &params).await;
        assert_eq!(refused, (400, "InvalidParameter".into()), "{functions}");
    }
    let one = format!(r#"[{{"functionName":"ip_black_list_set","functionArgs":[{}]}}]"#, arg("ip_list", "192.0.2.1"));
    let unknown = [("DomainNames", "play.example.org,other.org"), ("Functions", one.as_str())];
    assert_eq!(
        server.refused(LIVE, "BatchSetLiveDomainConfigs", &unknown).await,
        (404, "InvalidDomain.NotFound".into())
    );
}

#[tokio::test]
async fn a_rule_is_added_once_changed_listed_and_deleted() {
    let server = Server::new().await;
    let rule = [
        ("DomainName", PLAY),
        ("AppName", "cup"),
        ("VodTranscodeGroupId", "VOD_NO_TRANSCODE"),
        ("CycleDuration", "1200"),
        ("AutoCompose", "ON"),
        ("ComposeVodTranscodeGroupId", "VOD_NO_TRANSCODE"),
        ("StorageLocation", "outin.example.org"),
    ];
    assert_eq!(server.ok(LIVE, "AddLiveRecordVodConfig", &rule).await, json!({}));
    let same = [("StreamName", "*")].into_iter().chain(rule).collect::<Vec<_>>();
    assert_eq!(server.refused(LIVE, "AddLiveRecordVodConfig", &same).await, (400, "ConfigAlreadyExists".into()));
    let key = [("DomainName", PLAY), ("AppName", "cup")];
    let changed = [("DelayTime", "20"), ("OnDemand", "7")].into_iter().chain(key).collect::<Vec<_>>();
    server.ok(LIVE, "UpdateLiveRecordVodConfig", &changed).await;
    let told = server.ok(LIVE, "DescribeLiveRecordVodConfigs", &[("DomainName", PLAY)]).await;
    assert_eq!(
        told,
        json!({
            "LiveRecordVodConfigs": {"LiveRecordVodConfig": [{
                "AppName": "cup", "StreamName": "*", "DomainName": PLAY, "CreateTime": now().to_iso8601(),
                "CycleDuration": 1200, "DelayTime": 20, "OnDemand": 7, "AutoCompose": "ON", "RecordContent": "raw",
                "ComposeVodTranscodeGroupId": "VOD_NO_TRANSCODE", "VodTranscodeGroupId": "VOD_NO_TRANSCODE",
                "FormatConfig": false, "RecordFormatList": {"RecordFormat": []}, "StorageLocation": "outin.example.org",
            }]},
            "PageNum": 1, "PageSize": 10, "Total": "1",
        })
    );
    let other = [("DomainName", PLAY), ("StreamName", "court1")];
    let none = server.ok(LIVE, "DescribeLiveRecordVodConfigs", &other).await;
    assert_eq!(
        (none["Total"].clone(), none["LiveRecordVodConfigs"].clone()),
        (json!("0"), json!({"LiveRecordVodConfig": []}))
    );
    server.ok(LIVE, "DeleteLiveRecordVodConfig", &key).await;
    for action in ["DeleteLiveRecordVodConfig", "UpdateLiveRecordVodConfig"] {
        assert_eq!(server.refused(LIVE, action, &key).await, (404, "ConfigNotFound".into()), "{action}");
    }
}

#[tokio::test]
async fn a_rule_in_the_newer_form_is_told_back_in_it() {
    let server = Server::new().await;
    let rule = [
        ("DomainName", PLAY),
        ("AppName", "*"),
        ("StreamName", "court1"),
        ("RecordFormat.1.Format", "m3u8"),
        ("RecordFormat.1.SliceDuration", "10"),
        ("RecordFormat.1.AutoCompose", "ON"),
        ("RecordFormat.1.VideoProcess", "origin,compose"),
        ("RecordFormat.1.ProcessMethod", "transcode"),
        ("RecordFormat.1.ProcessTemplateId", "VOD_STORE_ONLY"),
        ("RecordFormat.2.Format", "mp4"),
        ("RecordContent", "raw,transcode"),
        ("TranscodeTemplates.1", "sd"),
        ("TranscodeTemplates.2", "hd"),
    ];
    server.ok(LIVE, "AddLiveRecordVodConfig", &rule).await;
    let told = server.ok(LIVE, "DescribeLiveRecordVodConfigs", &[("DomainName", PLAY)]).await;
    let config = &told["LiveRecordVodConfigs"]["LiveRecordVodConfig"][0];
    assert_eq!(
        config["RecordFormatList"],
        json!({"RecordFormat": [
            {"Format": "m3u8", "SliceDuration": 10, "AutoCompose": "ON", "VideoProcess": "origin,compose",
             "ProcessMethod": "transcode", "ProcessTemplateId": "VOD_STORE_ONLY"},
            {"Format": "mp4"},
        ]})
    );
    assert_eq!((config["FormatConfig"].clone(), config["TranscodeTemplates"].clone()), (json!(true), json!("sd,hd")));
    assert!(config.get("VodTranscodeGroupId").is_none());
    let key = domain::rule::RuleKey { domain: PLAY.into(), app: "*".into(), stream: "court1".into() };
    let stored = server.catalog.rule(&key).await.unwrap().unwrap().rule;
    assert_eq!(
        (stored.template_group.as_str(), stored.compose_group.as_deref()),
        ("VOD_STORE_ONLY", Some("VOD_STORE_ONLY"))
    );
}

#[tokio::test]
async fn rules_that_cannot_hold_are_refused_by_the_parameter_that_is_wrong() {
    let server = Server::new().await;
    let unknown = [("DomainName", "other.org"), ("AppName", "cup"), ("VodTranscodeGroupId", "VOD_NO_TRANSCODE")];
    assert_eq!(server.refused(LIVE, "AddLiveRecordVodConfig", &unknown).await, (404, "InvalidDomain.NotFound".into()));
    let base = [("DomainName", PLAY), ("AppName", "cup"), ("VodTranscodeGroupId", "VOD_NO_TRANSCODE")];
    for (name, value, code) in [
        ("CycleDuration", "299", "InvalidParameter"),
        ("CycleDuration", "21601", "InvalidParameter"),
        ("CycleDuration", "9223372036854775808", "InvalidParameter"),
        ("DelayTime", "14", "InvalidParameter"),
        ("OnDemand", "3", "InvalidParameter"),
        ("AutoCompose", "perhaps", "InvalidParameter"),
        ("AutoCompose", "ON", "MissingParameter"),
        ("VodTranscodeGroupId", "no-such-group", "InvalidParameter"),
        ("VodTranscodeGroupId", "", "MissingParameter"),
        ("RecordContent", "transcode", "MissingParameter"),
        ("RecordContent", "other", "InvalidParameter"),
        ("AppName", "a/b", "InvalidParameter"),
        ("AppName", "a\0b", "InvalidParameter"),
        ("DomainName", PUSH, "InvalidParameter"),
        ("RecordFormat.1.SliceDuration", "31", "InvalidParameter"),
        ("RecordFormat.1.ProcessMethod", "workflow", "InvalidParameter"),
    ] {
        let params: Vec<_> = [(name, value)].into_iter().chain(base).collect();
        let (status, answer) = server.call(LIVE, "AddLiveRecordVodConfig", &params).await;
        assert_eq!((status, answer["Code"].as_str()), (400, Some(code)), "{name}={value}: {answer}");
    }
}

#[tokio::test]
async fn the_operators_minima_replace_the_vendors() {
    let settings = api::Settings { cycle_seconds_min: 20, delay_seconds_min: 6, ..api::Settings::default() };
    let server = Server::with(settings, now).await;
    server
        .ok(LIVE, "AddLiveDomain", &[("DomainName", PLAY), ("LiveDomainType", "liveVideo"), ("Region", "local")])
        .await;
    let rule = |cycle: &'static str, delay: &'static str| {
        [
            ("DomainName", PLAY),
            ("AppName", "*"),
            ("VodTranscodeGroupId", "VOD_NO_TRANSCODE"),
            ("CycleDuration", cycle),
            ("DelayTime", delay),
        ]
    };
    assert_eq!(server.refused(LIVE, "AddLiveRecordVodConfig", &rule("19", "6")).await.0, 400);
    assert_eq!(server.refused(LIVE, "AddLiveRecordVodConfig", &rule("20", "5")).await.0, 400);
    server.ok(LIVE, "AddLiveRecordVodConfig", &rule("20", "6")).await;
}

#[tokio::test]
async fn live_streams_are_listed_under_either_domain() {
    let server = Server::new().await;
    server.push("cup", "court1").await;
    let told = server.ok(LIVE, "DescribeLiveStreamsOnlineList", &[("DomainName", PUSH), ("StreamName", "COURT")]).await;
    assert_eq!(
        told,
        json!({
            "OnlineInfo": {"LiveStreamOnlineInfo": [{
                "AppName": "cup", "StreamName": "court1", "DomainName": PLAY, "PublishDomain": PUSH,
                "PublishTime": now().to_iso8601(), "PublishType": "edge", "PublishUrl": format!("rtmp://{PUSH}/cup/court1"),
                "ClientIp": "203.0.113.7", "ServerIp": "192.0.2.1", "Width": 1280, "Height": 720, "FrameRate": 25,
                "VideoDataRate": 2000, "AudioDataRate": 128, "VideoCodecId": 7, "AudioCodecId": 10, "Transcoded": "no",
            }]},
            "PageNum": 1, "PageSize": 2000, "TotalNum": 1, "TotalPage": 1,
        })
    );
    for (filter, found) in
        [(("QueryType", "strict"), 0), (("StreamType", "trans"), 0), (("StreamType", "raw"), 1), (("PageNum", "9"), 0)]
    {
        let params = [("DomainName", PLAY), ("StreamName", "court"), filter];
        let told = server.ok(LIVE, "DescribeLiveStreamsOnlineList", &params).await;
        assert_eq!(told["OnlineInfo"]["LiveStreamOnlineInfo"].as_array().unwrap().len(), found, "{filter:?}");
    }
    let short = server.ok(LIVE, "DescribeLiveStreamsOnlineList", &[("DomainName", PLAY), ("OnlyStream", "yes")]).await;
    assert_eq!(short["OnlineInfo"]["LiveStreamOnlineInfo"][0].as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn publishes_have_a_stop_time_once_they_ended() {
    let server = Server::new().await;
    let push = server.push("cup", "court1").await;
    let window = [("DomainName", PLAY), ("StartTime", "2026-11-22T00:00:00Z"), ("EndTime", "2026-11-23T00:00:00Z")];
    let told = server.ok(LIVE, "DescribeLiveStreamsPublishList", &window).await;
    let first = &told["PublishInfo"]["LiveStreamPublishInfo"][0];
    assert!(first.get("StopTime").is_none(), "{first}");
    server.catalog.end_push(push, "unpublished", now()).await.unwrap();
    let told = server.ok(LIVE, "DescribeLiveStreamsPublishList", &window).await;
    assert_eq!(
        told,
        json!({
            "PublishInfo": {"LiveStreamPublishInfo": [{
                "AppName": "cup", "StreamName": "court1", "DomainName": PLAY, "PublishDomain": PUSH, "ClientAddr": "203.0.113.7",
                "EdgeNodeAddr": "192.0.2.1", "PublishTime": now().to_iso8601(), "StopTime": now().to_iso8601(),
                "PublishType": "edge", "PublishUrl": format!("rtmp://{PUSH}/cup/court1"),
                "StreamUrl": format!("rtmp://{PLAY}/cup/court1"), "Transcoded": "no",
            }]},
            "PageNum": 1, "PageSize": 2000, "TotalNum": 1, "TotalPage": 1,
        })
    );
    for (from, to) in [
        ("2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("2026-10-01T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("yesterday", "2026-11-22T00:00:00Z"),
    ] {
        let params = [("DomainName", PLAY), ("StartTime", from), ("EndTime", to)];
        let refused = server.refused(LIVE, "DescribeLiveStreamsPublishList", &params).await;
        assert_eq!(refused, (400, "InvalidParameter".into()), "{from} {to}");
    }
}

#[tokio::test]
async fn a_forbidden_stream_is_cut_and_blocked_until_it_is_resumed() {
    let server = Server::new().await;
    let push = server.push("cup", "court1").await;
    let stream = [("AppName", "cup"), ("StreamName", "court1"), ("DomainName", PUSH)];
    assert_eq!(server.ok(LIVE, "DescribeLiveStreamState", &stream).await, json!({"StreamState": "online"}));
    let publisher: Vec<_> = [("LiveStreamType", "publisher")].into_iter().chain(stream).collect();
    server.ok(LIVE, "ForbidLiveStream", &publisher).await;
    assert_eq!(server.catalog.cuts_requested("n1").await.unwrap(), [push]);
    let list = server.ok(LIVE, "DescribeLiveStreamsBlockList", &[("DomainName", PLAY)]).await;
    assert_eq!(
        list,
        json!({
            "DomainName": PLAY, "StreamUrls": {"StreamUrl": [format!("rtmp://{PLAY}/cup/court1")]},
            "PageNum": 1, "PageSize": 2000, "TotalNum": 1, "TotalPage": 1,
        })
    );
    server.ok(LIVE, "ResumeLiveStream", &publisher).await;
    let list = server.ok(LIVE, "DescribeLiveStreamsBlockList", &[("DomainName", PLAY)]).await;
    assert_eq!(list["StreamUrls"], json!({"StreamUrl": []}));
    server.catalog.end_push(push, "cut", now()).await.unwrap();
    assert_eq!(server.ok(LIVE, "DescribeLiveStreamState", &stream).await, json!({"StreamState": "offline"}));
}

#[tokio::test]
async fn a_oneshot_cut_blocks_nothing_and_needs_a_stream() {
    let server = Server::new().await;
    let oneshot = [
        ("LiveStreamType", "publisher"),
        ("Oneshot", "yes"),
        ("AppName", "cup"),
        ("StreamName", "court1"),
        ("DomainName", PLAY),
    ];
    assert_eq!(server.refused(LIVE, "ForbidLiveStream", &oneshot).await, (404, "InvalidStream.NotFound".into()));
    let push = server.push("cup", "court1").await;
    server.ok(LIVE, "ForbidLiveStream", &oneshot).await;
    assert_eq!(server.catalog.cuts_requested("n1").await.unwrap(), [push]);
    let list = server.ok(LIVE, "DescribeLiveStreamsBlockList", &[("DomainName", PLAY)]).await;
    assert_eq!(list["TotalNum"], json!(0));
    for time in ["2026-11-22T16:22:43Z", "2027-11-22T16:22:43Z", "soon"] {
        let until = [
            ("ResumeTime", time),
            ("LiveStreamType", "publisher"),
            ("AppName", "cup"),
            ("StreamName", "court1"),
            ("DomainName", PLAY),
        ];
        assert_eq!(server.refused(LIVE, "ForbidLiveStream", &until).await, (400, "InvalidParameter".into()), "{time}");
    }
}

#[tokio::test]
async fn publish_callbacks_are_set_told_and_deleted() {
    let server = Server::new().await;
    let unset = json!({"LiveStreamsNotifyConfig": {
        "DomainName": PUSH, "NotifyUrl": "", "ExceptionNotifyUrl": "", "NotifyAuthKey": "", "NotifyReqAuth": "no",
    }});
    let domain = [("DomainName", PUSH)];
    assert_eq!(server.ok(LIVE, "DescribeLiveStreamsNotifyUrlConfig", &domain).await, unset);
    let set = [
        ("DomainName", PUSH),
        ("NotifyUrl", "http://127.0.0.1:9/cb?x=1"),
        ("NotifyReqAuth", "yes"),
        ("NotifyAuthKey", "0123456789abcdef"),
    ];
    server.ok(LIVE, "SetLiveStreamsNotifyUrlConfig", &set).await;
    assert_eq!(
        server.ok(LIVE, "DescribeLiveStreamsNotifyUrlConfig", &domain).await,
        json!({"LiveStreamsNotifyConfig": {
            "DomainName": PUSH, "NotifyUrl": "http://127.0.0.1:9/cb?x=1", "ExceptionNotifyUrl": "",
            "NotifyAuthKey": "0123456789abcdef", "NotifyReqAuth": "yes",
        }})
    );
    server.ok(LIVE, "DeleteLiveStreamsNotifyUrlConfig", &domain).await;
    assert_eq!(server.ok(LIVE, "DescribeLiveStreamsNotifyUrlConfig", &domain).await, unset);
    for params in
        [&set[..1], &[set[0], ("NotifyUrl", "ftp://a/b")], &set[..3], &[set[0], set[1], ("NotifyAuthKey", "short")]]
    {
        let refused = server.refused(LIVE, "SetLiveStreamsNotifyUrlConfig", params).await;
        assert_eq!(refused, (400, "InvalidParam".into()), "{params:?}");
    }
}

#[tokio::test]
async fn who_is_told_of_recordings_is_set_once_changed_told_and_deleted() {
    let server = Server::new().await;
    let added =
        [("DomainName", PLAY), ("NotifyUrl", "http://example.org/cb?x=1"), ("OnDemandUrl", "https://example.org/ask")];
    assert_eq!(server.ok(LIVE, "AddLiveRecordNotifyConfig", &added).await, json!({}));
    let again = server.refused(LIVE, "AddLiveRecordNotifyConfig", &added).await;
    assert_eq!(again, (400, "ConfigAlreadyExists".into()));
    let domain = [("DomainName", PLAY)];
    let told = server.ok(LIVE, "DescribeLiveRecordNotifyConfig", &domain).await;
    assert_eq!(
        told,
        json!({"LiveRecordNotifyConfig": {
            "DomainName": PLAY, "NeedStatusNotify": false, "NotifyAuthKey": "", "NotifyReqAuth": false,
            "NotifyUrl": "http://example.org/cb?x=1", "OnDemandUrl": "https://example.org/ask",
        }})
    );
    let changed = [
        ("DomainName", PLAY),
        ("NotifyUrl", "http://example.org/other"),
        ("NeedStatusNotify", "true"),
        ("NotifyReqAuth", "True"),
        ("NotifyAuthKey", "0123456789abcdef"),
    ];
    assert_eq!(server.ok(LIVE, "UpdateLiveRecordNotifyConfig", &changed).await, json!({}));
    let told = server.ok(LIVE, "DescribeLiveRecordNotifyConfig", &domain).await;
    assert_eq!(
        told,
        json!({"LiveRecordNotifyConfig": {
            "DomainName": PLAY, "NeedStatusNotify": true, "NotifyAuthKey": "0123456789abcdef", "NotifyReqAuth": true,
            "NotifyUrl": "http://example.org/other", "OnDemandUrl": "https://example.org/ask",
        }})
    );
    for _ in 0..2 {
        assert_eq!(server.ok(LIVE, "DeleteLiveRecordNotifyConfig", &domain).await, json!({}));
    }
    let told = server.ok(LIVE, "DescribeLiveRecordNotifyConfig", &domain).await;
    assert_eq!(told["LiveRecordNotifyConfig"]["NotifyUrl"], "");
    let gone = server.refused(LIVE, "UpdateLiveRecordNotifyConfig", &changed).await;
    assert_eq!(gone, (404, "ConfigNotFound".into()));
}

#[tokio::test]
async fn callbacks_of_recordings_that_could_not_work_are_refused() {
    let server = Server::new().await;
    let url = ("NotifyUrl", "http://example.org/cb");
    for (params, refusal) in [
        (vec![("DomainName", PLAY)], (400, "MissingParameter")),
        (vec![("DomainName", PLAY), ("NotifyUrl", "nonsense")], (400, "InvalidNotifyUrl.Malformed")),
        (vec![("DomainName", PLAY), ("NotifyUrl", "ftp://example.org/")], (400, "InvalidNotifyUrl.Malformed")),
        (vec![("DomainName", PLAY), url, ("OnDemandUrl", "nonsense")], (400, "InvalidParameter")),
        (vec![("DomainName", PLAY), url, ("NotifyReqAuth", "true")], (400, "InvalidParameter")),
        (vec![("DomainName", PLAY), url, ("NotifyAuthKey", "short")], (400, "InvalidParameter")),
        (vec![("DomainName", PUSH), url], (400, "InvalidParameter")),
        (vec![("DomainName", "other.example.org"), url], (404, "InvalidDomain.NotFound")),
    ] {
        let seen = server.refused(LIVE, "AddLiveRecordNotifyConfig", &params).await;
        assert_eq!(seen, (refusal.0, refusal.1.to_owned()), "{params:?}");
    }
}

#[tokio::test]
async fn a_command_is_answered_as_the_recorder_of_the_stream_says() {
    let server = Server::new().await;
    let of = |domain: &'static str, command: &'static str| {
        [("DomainName", domain), ("AppName", "cup"), ("StreamName", "court1"), ("Command", command)]
    };
    let nobody = server.refused(LIVE, "RealTimeRecordCommand", &of(PLAY, "start")).await;
    assert_eq!(nobody, (404, "InvalidStream.NotFound".into()));
    let unknown = server.refused(LIVE, "RealTimeRecordCommand", &of(PLAY, "begin")).await;
    assert_eq!(unknown, (400, "InvalidParameter".into()));
    server.push("cup", "court1").await;
    for (domain, command, answer, wanted) in [
        (PLAY, "start", CommandAnswer::Done, (200, None)),
        (PUSH, "Start", CommandAnswer::AlreadyStarted, (400, Some("TaskAlreadyStarted"))),
        (PLAY, "stop", CommandAnswer::NotStarted, (400, Some("TaskNotStarted"))),
        (PLAY, "cancel_delay", CommandAnswer::NotStopped, (400, Some("TaskNotStopped"))),
        (PLAY, "restart", CommandAnswer::NotLive, (404, Some("InvalidStream.NotFound"))),
        (PLAY, "start", CommandAnswer::NoRule, (404, Some("ConfigNotFound"))),
        (PLAY, "start", CommandAnswer::Failed, (500, Some("InternalError"))),
    ] {
        let params = of(domain, command);
        // The recorder of the push's node.
        let recorder = async {
            loop {
                let news = server.catalog.command_news();
                if let Some(open) = server.catalog.open_commands("n1").await.unwrap().pop() {
                    assert!(open.command.as_str().eq_ignore_ascii_case(command));
                    return server.catalog.answer_command(open.seq, answer, now()).await.unwrap();
                }
                news.await;
            }
        };
        let ((status, body), ()) = tokio::join!(server.call(LIVE, "RealTimeRecordCommand", &params), recorder);
        assert_eq!((status, body["Code"].as_str()), wanted, "{command} {answer:?}");
    }
}

#[tokio::test]
async fn a_command_that_no_recorder_takes_is_withdrawn_and_said_to_have_failed() {
    let server = Server::new().await;
    server.push("cup", "court1").await;
    let params = [("DomainName", PLAY), ("AppName", "cup"), ("StreamName", "court1"), ("Command", "start")];
    let answer = server.refused(LIVE, "RealTimeRecordCommand", &params).await;
    assert_eq!(answer, (503, "ServiceUnAvailable".into()));
    assert!(server.catalog.open_commands("n1").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_safety_buffer_is_told_back_where_there_is_one() {
    let server = Server::new().await;
    let key = [("DomainName", PLAY), ("AppName", "cup")];
    let with = |more: &[(&'static str, &'static str)]| [&key[..], more].concat();
    let told = async || {
        let told = server.ok(LIVE, "DescribeLiveRecordVodConfigs", &key).await;
        told["LiveRecordVodConfigs"]["LiveRecordVodConfig"][0]["SafetyBuffer"].clone()
    };
    server.ok(LIVE, "AddLiveRecordVodConfig", &with(&[("VodTranscodeGroupId", "VOD_NO_TRANSCODE")])).await;
    assert!(told().await.is_null());
    server.ok(LIVE, "UpdateLiveRecordVodConfig", &with(&[("SafetyBuffer", "3600")])).await;
    server.ok(LIVE, "UpdateLiveRecordVodConfig", &with(&[("OnDemand", "7")])).await;
    assert_eq!(told().await, 3600);
    for wrong in ["3601", "-1", "x"] {
        let refused = server.refused(LIVE, "UpdateLiveRecordVodConfig", &with(&[("SafetyBuffer", wrong)])).await;
        assert_eq!(refused, (400, "InvalidParameter".into()), "{wrong}");
    }
    server.ok(LIVE, "UpdateLiveRecordVodConfig", &with(&[("SafetyBuffer", "0")])).await;
    assert!(told().await.is_null());
    let back = with(&[("StreamName", "s"), ("Command", "start"), ("ReachBack", "3601")]);
    assert_eq!(server.refused(LIVE, "RealTimeRecordCommand", &back).await, (400, "InvalidParameter".into()));
}
