//! Operations of the VOD API: each gets the documented answer, in exactly the documented shape.

mod support;

use axum::body::Body;
use axum::http::Request;
use axum::http::uri::Scheme;
use catalog::AssetStatus;
use domain::event::Event;
use serde_json::json;
use support::{PLAY, Server, VOD, now};

const UNKNOWN: &str = "00000000000000000000000000000001";

#[tokio::test]
async fn recorded_videos_are_listed_with_the_stream_they_came_from() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let time = now().to_iso8601();
    let mut told = server
        .ok(VOD, "ListLiveRecordVideo", &[("DomainName", PLAY), ("AppName", "cup"), ("StreamName", "court1")])
        .await;
    let playlist = told["LiveRecordVideoList"]["LiveRecordVideo"][0]["PlaylistId"].take();
    assert_eq!(playlist.as_str().unwrap().len(), 32);
    assert_eq!(
        told,
        json!({
            "LiveRecordVideoList": {"LiveRecordVideo": [{
                "AppName": "cup", "StreamName": "court1", "DomainName": PLAY, "PlaylistId": null,
                "RecordStartTime": time, "RecordEndTime": "2026-11-22T16:23:03Z",
                "Video": {
                    "VideoId": video, "Title": format!("court1_{time}"), "Status": "Normal", "Duration": 20.04, "Size": 5_250_000,
                    "CreationTime": time, "ModifyTime": time, "Snapshots": {"Snapshot": []}, "TemplateGroupId": "VOD_NO_TRANSCODE",
                },
            }]},
            "Total": 1,
        })
    );
    for (filter, total) in [
        (("StartTime", "2026-11-22T16:22:43Z"), 1),
        (("StartTime", "2026-11-22T16:22:44Z"), 0),
        (("EndTime", "2026-11-22T16:22:43Z"), 1),
        (("EndTime", "2026-11-22T16:22:42Z"), 0),
        (("StreamName", "court2"), 0),
        (("SortBy", "CreationTime:Asc"), 1),
    ] {
        assert_eq!(server.ok(VOD, "ListLiveRecordVideo", &[filter]).await["Total"], json!(total), "{filter:?}");
    }
    let beyond = server.ok(VOD, "ListLiveRecordVideo", &[("PageNo", "7")]).await;
    assert_eq!(beyond, json!({"LiveRecordVideoList": {"LiveRecordVideo": []}, "Total": 1}));
}

#[tokio::test]
async fn a_no_transcode_video_plays_from_exactly_one_source_stream() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let time = now().to_iso8601();
    let told = server.ok(VOD, "GetPlayInfo", &[("VideoId", &video)]).await;
    assert_eq!(
        told,
        json!({
            "PlayInfoList": {"PlayInfo": [{
                "Definition": "OD", "Specification": "Original", "Format": "mp4", "Status": "Normal", "StreamType": "video",
                "Duration": "20.04", "Bitrate": "2096", "Fps": "25", "Width": 1280, "Height": 720, "Size": 5_250_000,
                "Encrypt": 0, "NarrowBandType": "0", "CodecName": "H264", "BitDepth": 8, "JobId": video,
                "CreationTime": time, "ModificationTime": time,
                "PlayURL": format!("http://vod.example.org:8080/v/{video}/source.mp4"),
            }]},
            "VideoBase": {
                "VideoId": video, "Title": format!("court1_{time}"), "Status": "Normal", "MediaType": "video",
                "Duration": "20.04", "StorageClass": "Standard", "CreationTime": time,
            },
        })
    );
}

#[tokio::test]
async fn the_source_is_told_as_hls_and_dash_to_those_who_ask_for_it() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let told = server.ok(VOD, "GetPlayInfo", &[("VideoId", &video), ("Formats", "m3u8,mp4,mpd")]).await;
    let streams = told["PlayInfoList"]["PlayInfo"].as_array().unwrap();
    let formats: Vec<_> =
        streams.iter().map(|s| (s["Format"].as_str().unwrap(), s["Definition"].as_str().unwrap())).collect();
    assert_eq!(formats, [("mp4", "OD"), ("m3u8", "OD"), ("mpd", "OD")]);
    assert_eq!(streams[1]["PlayURL"], json!(format!("http://vod.example.org:8080/v/{video}/index.m3u8")));
    assert_eq!(streams[2]["PlayURL"], json!(format!("http://vod.example.org:8080/v/{video}/index.mpd")));
    assert_eq!(streams[1]["Specification"], json!("Original"));
    for filter in [("Formats", "flv"), ("Definition", "FD,LD"), ("StreamType", "audio")] {
        let refused = server.refused(VOD, "GetPlayInfo", &[("VideoId", &video), filter]).await;
        assert_eq!(refused, (404, "InvalidVideo.NoneStream".into()), "{filter:?}");
    }
}

#[tokio::test]
async fn a_video_that_is_not_normal_cannot_be_played_and_one_that_is_not_there_is_not_found() {
    let server = Server::new().await;
    let stored = server.recorded("cup", "court1", AssetStatus::UploadSucc).await.to_string();
    let (status, answer) = server.call(VOD, "GetPlayInfo", &[("VideoId", &stored)]).await;
    assert_eq!((status, answer["Code"].as_str()), (403, Some("Forbidden.IllegalStatus")));
    assert!(answer["Message"].as_str().unwrap().contains("UploadSucc"), "{answer}");
    for action in ["GetPlayInfo", "GetVideoInfo", "GetMezzanineInfo", "UpdateVideoInfo"] {
        for id in [UNKNOWN, "nonsense", "../../etc"] {
            let refused = server.refused(VOD, action, &[("VideoId", id)]).await;
            assert_eq!(refused, (404, "InvalidVideo.NotFound".into()), "{action} {id}");
        }
        assert_eq!(server.refused(VOD, action, &[]).await, (400, "MissingParameter".into()), "{action}");
    }
}

#[tokio::test]
async fn the_public_url_of_the_operator_is_used_in_answers() {
    let settings = api::Settings { public_url: "https://vod.example.net/".into(), ..api::Settings::default() };
    let server = Server::with(settings, now).await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let told = server.ok(VOD, "GetPlayInfo", &[("VideoId", &video)]).await;
    let url = told["PlayInfoList"]["PlayInfo"][0]["PlayURL"].clone();
    assert_eq!(url, json!(format!("https://vod.example.net/v/{video}/source.mp4")));
}

#[tokio::test]
async fn urls_in_answers_begin_as_the_server_was_reached() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    for scheme in [Scheme::HTTP, Scheme::HTTPS] {
        let query = server.query(VOD, "GetPlayInfo", &[("VideoId", &video)]);
        let request =
            Request::get(format!("/?{query}")).header("host", "vod.example.org:8443").extension(scheme.clone());
        let (status, told) = server.send(request.body(Body::empty()).unwrap()).await;
        let url = &told["PlayInfoList"]["PlayInfo"][0]["PlayURL"];
        let wanted = json!(format!("{scheme}://vod.example.org:8443/v/{video}/source.mp4"));
        assert_eq!((status, url), (200, &wanted));
    }
}

#[tokio::test]
async fn a_video_is_described_alone_in_a_batch_and_in_a_list() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let time = now().to_iso8601();
    let common = json!({
        "VideoId": video, "Title": format!("court1_{time}"), "Status": "Normal", "Duration": 20.04, "Size": 5_250_000,
        "AppId": "app-1000000", "CreationTime": time, "ModificationTime": time, "StorageClass": "Standard",
        "StorageLocation": "local",
    });
    let with = |more: serde_json::Value| {
        let mut all = common.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let info = server.ok(VOD, "GetVideoInfo", &[("VideoId", &video)]).await;
    let more = json!({"Snapshots": {"Snapshot": []}, "DownloadSwitch": "on", "RegionId": "local", "TemplateGroupId": "VOD_NO_TRANSCODE"});
    assert_eq!(info, json!({"Video": with(more)}));
    let ids = format!("{video},{UNKNOWN},{video}");
    let infos = server.ok(VOD, "GetVideoInfos", &[("VideoIds", &ids), ("ReferenceIds", "ref-none")]).await;
    let more = json!({"Snapshots": [], "DownloadSwitch": "on", "TemplateGroupId": "VOD_NO_TRANSCODE"});
    assert_eq!(
        infos,
        json!({"VideoList": [with(more)], "NonExistVideoIds": [UNKNOWN], "NonExistReferenceIds": ["ref-none"]})
    );
    let list = server.ok(VOD, "GetVideoList", &[("Status", "Normal,Transcoding")]).await;
    assert_eq!(list, json!({"VideoList": {"Video": [with(json!({"Snapshots": {"Snapshot": []}}))]}, "Total": 1}));
}

#[tokio::test]
async fn lists_of_ids_and_of_videos_have_limits_of_their_own() {
    let server = Server::new().await;
    let ids = vec![UNKNOWN; 21].join(",");
    let batch = [("MediaIds", ids.as_str())];
    assert_eq!(server.refused(VOD, "BatchGetMediaInfos", &batch).await, (400, "VideoIdsExceededMax".into()));
    assert_eq!(server.refused(VOD, "BatchGetMediaInfos", &[]).await, (400, "MissingParameter".into()));
    for action in ["GetVideoInfos", "DeleteVideo"] {
        assert_eq!(server.refused(VOD, action, &[("VideoIds", &ids)]).await, (400, "VideoIdsExceededMax".into()));
        assert_eq!(server.refused(VOD, action, &[("VideoIds", UNKNOWN)]).await, (404, "InvalidVideo.NotFound".into()));
        assert_eq!(server.refused(VOD, action, &[("VideoIds", ",")]).await, (400, "MissingParameter".into()));
    }
    let long = "x".repeat(100);
    for action in ["GetVideoInfo", "GetPlayInfo", "GetMezzanineInfo", "UpdateVideoInfo"] {
        assert_eq!(server.refused(VOD, action, &[("VideoId", &long)]).await, (404, "InvalidVideo.NotFound".into()));
    }
    for action in ["GetVideoInfos", "DeleteVideo"] {
        assert_eq!(server.refused(VOD, action, &[("VideoIds", &long)]).await, (404, "InvalidVideo.NotFound".into()));
        assert_eq!(
            server.refused(VOD, action, &[("ReferenceIds", &long)]).await,
            (404, "InvalidVideo.NotFound".into())
        );
    }
    let beyond = [("PageNo", "51"), ("PageSize", "100")];
    assert_eq!(server.refused(VOD, "GetVideoList", &beyond).await, (400, "VideoListExceededMax".into()));
    let empty = server.ok(VOD, "GetVideoList", &[("PageNo", "50"), ("PageSize", "100")]).await;
    assert_eq!(empty, json!({"VideoList": {"Video": []}, "Total": 0}));
    for (name, value) in
        [("PageSize", "101"), ("PageNo", "0"), ("Status", "Nice"), ("SortBy", "Title"), ("StartTime", "now")]
    {
        assert_eq!(
            server.refused(VOD, "GetVideoList", &[(name, value)]).await,
            (400, "InvalidParameter".into()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_a_customer_writes_on_a_video_is_told_back_and_owed_as_an_event() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let id = video.to_string();
    let category = server.ok(VOD, "AddCategory", &[("CateName", "finals")]).await["Category"]["CateId"].clone();
    let category_text = category.to_string();
    let written = [
        ("VideoId", id.as_str()),
        ("Title", "Final 決勝"),
        ("Description", "two\nlines"),
        ("Tags", "cup, final"),
        ("CateId", &category_text),
        ("CoverURL", "http://img.example.org/1.jpg"),
        ("UserData", "{\"a\":1}"),
        ("ReferenceId", "ref-000001"),
    ];
    assert_eq!(server.ok(VOD, "UpdateVideoInfo", &written).await, json!({}));
    let info = server.ok(VOD, "GetVideoInfo", &[("ReferenceId", "ref-000001")]).await["Video"].clone();
    for (name, value) in [
        ("Title", json!("Final 決勝")),
        ("Description", json!("two\nlines")),
        ("Tags", json!("cup,final")),
        ("CateId", category),
        ("CateName", json!("finals")),
        ("CoverURL", json!("http://img.example.org/1.jpg")),
        ("UserData", json!("{\"a\":1}")),
        ("ReferenceId", json!("ref-000001")),
    ] {
        assert_eq!(info[name], value, "{name}");
    }
    let events = server.catalog.events_of_asset(video).await.unwrap();
    let described = events.iter().filter(|stored| matches!(stored.event.event, Event::AssetDescribed { .. })).count();
    assert_eq!(described, 1);
    // Absent stays, empty clears; a title cannot be cleared.
    server.ok(VOD, "UpdateVideoInfo", &[("ReferenceId", "ref-000001"), ("Description", ""), ("Title", "")]).await;
    let info = server.ok(VOD, "GetVideoInfo", &[("VideoId", &id)]).await["Video"].clone();
    assert_eq!((info["Title"].clone(), info.get("Description")), (json!("Final 決勝"), None));
}

#[tokio::test]
async fn texts_that_are_too_long_or_strange_get_codes_of_their_own() {
    let server = Server::new().await;
    let id = server.recorded("cup", "court1", AssetStatus::Normal).await.to_string();
    let (long_title, long_text) = ("t".repeat(129), "d".repeat(1025));
    let (many_tags, long_tag) = (["t"; 17].join(","), "t".repeat(33));
    for (name, value, code) in [
        ("Title", long_title.as_str(), "LengthExceededMax"),
        ("Description", &long_text, "LengthExceededMax"),
        ("Tags", &many_tags, "TagsExceededMax"),
        ("Tags", &long_tag, "TagsExceededMax"),
        ("Title", "a\0b", "IllegalCharacters"),
        ("CateId", "many", "InvalidParameter"),
        ("CateId", "7", "InvalidCateId.NotFound"),
        ("ReferenceId", "short", "InvalidParameter"),
    ] {
        let refused = server.refused(VOD, "UpdateVideoInfo", &[("VideoId", &id), (name, value)]).await;
        let status = if code == "InvalidCateId.NotFound" { 404 } else { 400 };
        assert_eq!(refused, (status, code.into()), "{name}");
        // The same as one of a batch, of which then nothing is written.
        let mut items = json!([{"VideoId": id, "UserData": "touched"}, {"VideoId": id}]);
        items[1][name] = json!(value);
        let refused = server.refused(VOD, "UpdateVideoInfos", &[("UpdateContent", &items.to_string())]).await;
        assert_eq!(refused, (status, code.into()), "{name} in a batch");
        assert_eq!(server.ok(VOD, "GetVideoInfo", &[("VideoId", &id)]).await["Video"].get("UserData"), None);
    }
}

#[tokio::test]
async fn deleted_videos_are_gone_and_owed_as_events() {
    let server = Server::new().await;
    let first = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let second = server.recorded("cup", "court2", AssetStatus::Normal).await;
    let ids = format!("{first},{UNKNOWN}");
    let told = server.ok(VOD, "DeleteVideo", &[("VideoIds", &ids)]).await;
    assert_eq!(told, json!({"ForbiddenVideoIds": [], "NonExistVideoIds": [UNKNOWN], "NonExistReferenceIds": []}));
    let gone = server.refused(VOD, "GetVideoInfo", &[("VideoId", &first.to_string())]).await;
    assert_eq!(gone, (404, "InvalidVideo.NotFound".into()));
    let left = server.ok(VOD, "GetVideoList", &[]).await;
    assert_eq!(
        (left["Total"].clone(), left["VideoList"]["Video"][0]["VideoId"].clone()),
        (json!(1), json!(second.to_string()))
    );
    let events = server.catalog.events_of_asset(first).await.unwrap();
    assert!(events.iter().any(|stored| stored.event.event == Event::AssetDeleted));
}

#[tokio::test]
async fn the_source_is_told_with_its_streams_when_they_are_asked_for() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::UploadSucc).await.to_string();
    let plain = server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video)]).await;
    assert_eq!(
        plain,
        json!({"Mezzanine": {
            "VideoId": video, "Status": "Normal", "FileName": "source.mp4", "Size": 5_250_000, "Duration": "20.04", "Bitrate": "2096",
            "Fps": "25", "Width": 1280, "Height": 720, "CreationTime": now().to_iso8601(), "OutputType": "cdn",
            "StorageClass": "Standard", "FileURL": format!("http://vod.example.org:8080/v/{video}/source.mp4"),
        }})
    );
    let told = server.ok(VOD, "GetMezzanineInfo", &[("VideoId", &video), ("AdditionType", "video,audio")]).await;
    assert_eq!(
        told["Mezzanine"]["VideoStreamList"],
        json!([{
            "Index": "0", "CodecName": "h264", "CodecLongName": "H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10",
            "CodecTag": "0x31637661", "CodecTagString": "avc1", "Profile": "High", "Level": "31", "Width": "1280", "Height": "720",
            "Fps": "25", "AvgFPS": "25", "HasBFrames": "1", "Bitrate": "1968", "Duration": "20.04", "NumFrames": "501",
            "StartTime": "0", "Timebase": "1/90000",
        }])
    );
    assert_eq!(
        told["Mezzanine"]["AudioStreamList"],
        json!([{
            "Index": "1", "CodecName": "aac", "CodecLongName": "AAC (Advanced Audio Coding)", "CodecTag": "0x6134706d",
            "CodecTagString": "mp4a", "Channels": "2", "ChannelLayout": "stereo", "SampleRate": "48000", "Bitrate": "128",
            "Duration": "20.03", "NumFrames": "939", "StartTime": "0", "Timebase": "1/48000",
        }])
    );
    let refused = server.refused(VOD, "GetMezzanineInfo", &[("VideoId", &video), ("AdditionType", "subtitle")]).await;
    assert_eq!(refused, (400, "InvalidParameter".into()));
}

#[tokio::test]
async fn the_message_callback_is_set_told_and_deleted() {
    let server = Server::new().await;
    let unset = json!({"MessageCallback": {
        "AppId": "app-1000000", "AuthKey": "", "AuthSwitch": "", "CallbackType": "", "CallbackURL": "", "EventTypeList": "",
        "MnsEndpoint": "", "MnsQueueName": "",
    }});
    assert_eq!(server.ok(VOD, "GetMessageCallback", &[]).await, unset);
    let set = [
        ("CallbackType", "HTTP"),
        ("CallbackURL", "http://127.0.0.1:9/vod?x=1"),
        ("EventTypeList", "AddLiveRecordVideoComplete, VideoAnalysisComplete"),
        ("AuthSwitch", "on"),
        ("AuthKey", "Abc123"),
    ];
    assert_eq!(server.ok(VOD, "SetMessageCallback", &set).await, json!({}));
    assert_eq!(
        server.ok(VOD, "GetMessageCallback", &[("AppId", "app-1000000")]).await,
        json!({"MessageCallback": {
            "AppId": "app-1000000", "AuthKey": "Abc123", "AuthSwitch": "on", "CallbackType": "HTTP",
            "CallbackURL": "http://127.0.0.1:9/vod?x=1", "EventTypeList": "AddLiveRecordVideoComplete,VideoAnalysisComplete",
            "MnsEndpoint": "", "MnsQueueName": "",
        }})
    );
    server.ok(VOD, "DeleteMessageCallback", &[]).await;
    assert_eq!(server.ok(VOD, "GetMessageCallback", &[]).await, unset);
}

#[tokio::test]
async fn message_callbacks_that_could_not_work_are_refused() {
    let server = Server::new().await;
    let url = format!("http://example.org/{}", "x".repeat(256));
    for (params, code) in [
        (&[("CallbackType", "MNS"), ("MnsEndpoint", "e"), ("MnsQueueName", "q")][..], "InvalidParameter"),
        (&[("CallbackType", "SMS")], "InvalidParameter"),
        (&[("EventTypeList", "ALL")], "MissingParameter"),
        (&[("CallbackURL", "not a url"), ("EventTypeList", "ALL")], "InvalidParameter"),
        (&[("CallbackURL", &url), ("EventTypeList", "ALL")], "InvalidParameter"),
        (&[("CallbackURL", "http://example.org"), ("AuthSwitch", "on")], "MissingParameter"),
        (&[("CallbackURL", "http://example.org"), ("AuthSwitch", "on"), ("AuthKey", "lower1")], "InvalidParameter"),
    ] {
        assert_eq!(server.refused(VOD, "SetMessageCallback", params).await, (400, code.into()), "{params:?}");
    }
}

#[tokio::test]
async fn a_receipt_tells_the_story_of_a_video_with_its_jobs_and_deliveries() {
    let server = Server::new().await;
    let id = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let push = server.push("cup", "court1").await;
    let recording = server.catalog.asset(id).await.unwrap().unwrap().origin.unwrap().recording;
    server.catalog.attach_push(recording, push, now()).await.unwrap();
    let video = id.to_string();

    let answer = server.ok(VOD, "GetVideoReceipt", &[("VideoId", &video)]).await;
    let receipt = &answer["Receipt"];
    assert_eq!((receipt["VideoId"].as_str(), receipt["Duration"].as_f64()), (Some(video.as_str()), Some(20.04)));
    assert_eq!(receipt["Pushes"][0]["Client"], "203.0.113.7:50123");
    assert!(receipt["Pushes"][0].get("EndCause").is_none(), "{receipt}");
    assert_eq!(receipt["Cycles"][0]["VideoId"], video.as_str());
    let kinds = |list: &str| -> Vec<String> {
        answer[list].as_array().unwrap().iter().map(|one| one["Kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("Events"), ["cycle_became_asset", "source_analysed"]);
    assert_eq!(kinds("Jobs"), ["callback", "analyse", "cover", "callback"]);

    let bare = server.ok(VOD, "GetVideoReceipt", &[("VideoId", &video), ("WithDeliveries", "false")]).await;
    assert_eq!(bare.as_object().unwrap().keys().collect::<Vec<_>>(), ["Receipt"]);
    assert_eq!(server.refused(VOD, "GetVideoReceipt", &[("VideoId", "nobody")]).await.0, 404);
}

#[tokio::test]
async fn a_deleted_video_can_be_restored_while_its_media_is_kept() {
    let server = Server::new().await;
    let id = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let (video, nobody) = (id.to_string(), "0".repeat(32));
    let info = server.ok(VOD, "GetVideoInfo", &[("VideoId", &video)]).await;
    server.ok(VOD, "DeleteVideo", &[("VideoIds", &video)]).await;
    assert_eq!(server.refused(VOD, "GetVideoInfo", &[("VideoId", &video)]).await.0, 404);
    let listed = server.ok(VOD, "GetDeletedVideoList", &[]).await;
    assert_eq!((&listed["Total"], &listed["VideoList"][0]["VideoId"]), (&json!(1), &json!(video)));
    assert_eq!(listed["VideoList"][0]["DeletionTime"], "2026-11-22T16:22:43Z");

    let ids = format!("{video},{nobody},nonsense");
    let answer = server.ok(VOD, "RestoreVideo", &[("VideoIds", &ids)]).await;
    assert_eq!(
        answer,
        json!({
            "RestoredVideoIds": [video],
            "NonExistVideoIds": [nobody, "nonsense"],
            "ExpiredVideoIds": [],
            "ConflictingVideoIds": [],
        })
    );
    assert_eq!(server.ok(VOD, "GetVideoInfo", &[("VideoId", &video)]).await, info);
    assert_eq!(server.ok(VOD, "GetDeletedVideoList", &[]).await["Total"], 0);

    server.ok(VOD, "DeleteVideo", &[("VideoIds", &video)]).await;
    let mut tx = server.catalog.begin().await.unwrap();
    let past = catalog::sql::Sql::new("UPDATE garbage SET free_at = 0");
    past.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let reel = server.catalog.all_reels().await.unwrap()[0].id;
    server.catalog.give_up_garbage(reel).await.unwrap();
    assert_eq!(server.ok(VOD, "RestoreVideo", &[("VideoIds", &video)]).await["ExpiredVideoIds"], json!([video]));
}
