//! What was recorded between two times, and who was kept from publishing, over the wire.

mod support;

use std::time::Duration;

use catalog::{AssetStatus, ClaimState};
use reel::{Epoch, Join, PageRef, SegmentRow, encode_epoch, encode_row, segments_index_key};
use serde_json::{Value, json};
use support::{LIVE, PLAY, PUSH, Server, VOD, now};
use units::{AssetId, ReelId};

/// Five segments of four seconds, the last two after an interruption of a minute.
async fn recorded(server: &Server) -> (AssetId, ReelId) {
    let asset = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let reel = server.catalog.spans(asset).await.unwrap()[0].reel;
    let mut file = encode_epoch(&Epoch { number: 0, video: None, audio: None });
    for number in 0..5u32 {
        let (begin, gap) = (i64::from(number) * 360_000, if number < 3 { 0 } else { 60 });
        let join = match number {
            0 => Join::Start,
            3 => Join::Resumed { gap_ms: 60_000 },
            _ => Join::Continuous,
        };
        let page = PageRef { at: 0, len: 0, crc: 0 };
        let wall = now().after(Duration::from_secs(u64::from(number) * 4 + gap));
        let row = SegmentRow {
            number,
            cycle: 0,
            epoch: 0,
            bytes: 1,
            wall,
            join,
            begin,
            end: begin + 360_000,
            video: None,
            audio: None,
            page,
        };
        file.extend(encode_row(&row));
    }
    server.blobs.put(&segments_index_key(reel), file.into()).await.unwrap();
    (asset, reel)
}

fn at(second: u64) -> String {
    now().after(Duration::from_secs(second)).to_iso8601()
}

async fn call(server: &Server, action: &str, more: &[(&str, &str)]) -> Value {
    let stream = [("DomainName", PUSH), ("AppName", "cup"), ("StreamName", "court1")];
    let params: Vec<_> = stream.iter().chain(more).copied().collect();
    server.ok(LIVE, action, &params).await
}

#[tokio::test]
async fn a_playlist_of_what_was_recorded_keeps_its_media_until_it_is_deleted() {
    let server = Server::new().await;
    let (asset, reel) = recorded(&server).await;
    let (from, to) = (at(0), at(100));
    let window = [("StartTime", from.as_str()), ("EndTime", to.as_str())];
    let content = call(&server, "DescribeLiveStreamRecordContent", &window).await;
    let stretch = |from: u64, to: u64, seconds: f64| {
        json!({
            "StartTime": at(from), "EndTime": at(to), "Duration": seconds, "OssBucket": "reprise",
            "OssEndpoint": "http://vod.example.org:8080", "OssObjectPrefix": "cup/court1",
        })
    };
    let stretches = [stretch(0, 12, 12.0), stretch(72, 80, 8.0)];
    assert_eq!(content, json!({"RecordContentInfoList": {"RecordContentInfo": stretches}}));

    let oss = [("OssBucket", "b"), ("OssEndpoint", "e"), ("OssObject", "o.m3u8")];
    let create = async |from: u64, to: u64, included: &str| {
        let (from, to) = (at(from), at(to));
        let mut params = vec![("StartTime", from.as_str()), ("EndTime", to.as_str()), ("EndTimeIncluded", included)];
        params.extend(oss);
        call(&server, "CreateLiveStreamRecordIndexFiles", &params).await["RecordInfo"].take()
    };
    let made = create(5, 75, "false").await;
    let id: AssetId = made["RecordId"].as_str().unwrap().parse().unwrap();
    let info = json!({
        "RecordId": made["RecordId"], "DomainName": PLAY, "AppName": "cup", "StreamName": "court1", "CreateTime": at(0),
        "StartTime": at(4), "EndTime": at(12), "Duration": 8.0, "Width": 0, "Height": 0, "OssBucket": "b",
        "OssEndpoint": "e", "OssObject": "o.m3u8", "RecordUrl": format!("http://vod.example.org:8080/v/{id}/index.m3u8"),
    });
    assert_eq!(made, info);
    let spans = server.catalog.spans(id).await.unwrap();
    assert_eq!((spans.len(), spans[0].from_ticks, spans[0].to_ticks), (1, 360_000, 1_080_000));
    let later = create(5, 75, "true").await;
    assert_eq!((&later["EndTime"], &later["Duration"]), (&json!(at(76)), &json!(12.0)));

    let mut with_format = info.clone();
    with_format["Format"] = json!("m3u8");
    let record = id.to_string();
    let one = call(&server, "DescribeLiveStreamRecordIndexFile", &[("RecordId", &record)]).await;
    assert_eq!(one, json!({"RecordIndexInfo": with_format}));
    let params = [window[0], window[1], ("Order", "desc"), ("PageSize", "5")];
    let listed = call(&server, "DescribeLiveStreamRecordIndexFiles", &params).await;
    let counts = ["Order", "PageNum", "PageSize", "TotalNum", "TotalPage"].map(|name| listed[name].clone());
    assert_eq!(counts, [json!("desc"), json!(1), json!(5), json!(2), json!(1)]);
    assert!(listed["RecordIndexInfoList"]["RecordIndexInfo"].as_array().unwrap().contains(&with_format));

    // The video is deleted, and its media given up: what the playlists show is needed all the same.
    server.catalog.delete_asset(asset, Duration::ZERO, now()).await.unwrap();
    server.catalog.give_up_garbage(reel).await.unwrap();
    let claims = server.catalog.claims_on_reel(reel).await.unwrap();
    assert_eq!(claims.iter().filter(|claim| claim.state == ClaimState::Live).count(), 2, "{claims:?}");
    // Beyond them nothing is left.
    let (from, to) = (at(76), at(100));
    let gone = [("StartTime", from.as_str()), ("EndTime", to.as_str())];
    let content = call(&server, "DescribeLiveStreamRecordContent", &gone).await;
    assert_eq!(content["RecordContentInfoList"]["RecordContentInfo"], json!([]));

    let delete = [("RecordId.1", record.as_str()), ("RecordId.2", "x"), ("RemoveFile", "true")];
    let deleted = call(&server, "DeleteLiveStreamRecordIndexFiles", &delete).await;
    let told = |id: &str, message: &str| json!({"RecordId": id, "Message": message});
    let told = [told(&record, "OK"), told("x", "The record index does not exist.")];
    assert_eq!(deleted, json!({"RecordDeleteInfoList": {"RecordDeleteInfo": told}}));
    assert!(server.catalog.spans(id).await.unwrap().is_empty());
    assert_eq!(server.ok(VOD, "GetDeletedVideoList", &[]).await["Total"], 0, "it was no video");
}

#[tokio::test]
async fn what_cannot_be_made_of_a_recording_is_refused() {
    let server = Server::new().await;
    recorded(&server).await;
    let stream = [("DomainName", PLAY), ("AppName", "cup"), ("StreamName", "court1")];
    let (before, start, late) = (at(0), at(100), at(5 * 86_400));
    let oss = [("OssBucket", "b"), ("OssEndpoint", "e"), ("OssObject", "o")];
    for (from, to, code) in [
        (&start, &late, (400, "InvalidParameter")),
        (&start, &before, (400, "InvalidParameter")),
        (&start, &at(200), (404, "InvalidStream.NotFound")),
    ] {
        let params: Vec<_> =
            stream.into_iter().chain(oss).chain([("StartTime", from.as_str()), ("EndTime", to.as_str())]).collect();
        let refused = server.refused(LIVE, "CreateLiveStreamRecordIndexFiles", &params).await;
        assert_eq!((refused.0, refused.1.as_str()), code);
    }
    let params: Vec<_> = stream.into_iter().chain([("RecordId", "x")]).collect();
    let refused = server.refused(LIVE, "DescribeLiveStreamRecordIndexFile", &params).await;
    assert_eq!(refused, (404, "NoSuchResource".into()));
}

#[tokio::test]
async fn streams_are_counted_and_what_was_done_to_them_is_remembered() {
    let server = Server::new().await;
    server.push("cup", "court1").await;
    let counted = server.ok(LIVE, "DescribeLiveStreamCount", &[("DomainName", PLAY)]).await;
    let none = json!({"StreamCountDetail": []});
    let counts = json!([
        {"Type": "raw", "Count": 1, "StreamCountDetails": none}, {"Type": "trans", "Count": 0, "StreamCountDetails": none},
    ]);
    assert_eq!(counted, json!({"StreamCountInfos": {"StreamCountInfo": counts}}));
    let stream = [("DomainName", PUSH), ("AppName", "cup"), ("StreamName", "court1"), ("LiveStreamType", "publisher")];
    server.ok(LIVE, "ForbidLiveStream", &stream).await;
    server.ok(LIVE, "ResumeLiveStream", &stream).await;
    let (from, to) = (at(0), at(60));
    let window = [("DomainName", PLAY), ("StartTime", from.as_str()), ("EndTime", to.as_str())];
    let history = server.ok(LIVE, "DescribeLiveStreamsControlHistory", &window).await;
    let done = |action: &str| json!({"Action": action, "StreamName": "court1", "TimeStamp": at(0)});
    let all = [done("forbid"), done("resume")];
    assert_eq!(history, json!({"ControlInfo": {"LiveStreamControlInfo": all}}));
    let other: Vec<_> = window.into_iter().chain([("AppName", "other")]).collect();
    let history = server.ok(LIVE, "DescribeLiveStreamsControlHistory", &other).await;
    assert_eq!(history, json!({"ControlInfo": {"LiveStreamControlInfo": []}}));
    let backwards = [("DomainName", PLAY), ("StartTime", to.as_str()), ("EndTime", from.as_str())];
    let refused = server.refused(LIVE, "DescribeLiveStreamsControlHistory", &backwards).await;
    assert_eq!(refused, (400, "InvalidParameter".into()));
}
