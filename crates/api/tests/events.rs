//! The ledger of events, and the history of live callbacks.

mod support;

use std::time::Duration;

use catalog::*;
use domain::event::{AssetEvent, Event};
use serde_json::{Value, json};
use support::{LIVE, PLAY, PUSH, Server, VOD, now};
use units::{AssetId, EventId, StreamPath, WallTime};

const UNKNOWN: &str = "00000000000000000000000000000001";

fn later(seconds: u64) -> WallTime {
    now().after(Duration::from_secs(seconds))
}

async fn tell(server: &Server, asset: AssetId, at: WallTime, event: Event) -> EventId {
    server.catalog.push_event_for(&AssetEvent { asset, at, event }, "{\"Extend\":\"x\"}").await.unwrap()
}

async fn attempted(server: &Server, event: EventId, attempt: u32, http_status: Option<u16>) {
    let stored = server.catalog.event(event).await.unwrap().unwrap();
    let error = (http_status != Some(200)).then(|| "no answer".to_owned());
    let delivery = Delivery {
        job: stored.job,
        event: Some(event),
        attempt,
        at: later(u64::from(attempt)),
        url: "http://a/cb".into(),
        http_status,
        error,
        elapsed_ms: 12,
        stream: None,
    };
    server.catalog.note_delivery(&delivery).await.unwrap();
}

fn names(list: &Value) -> Vec<(&str, u64, &str)> {
    list["EventList"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["EventType"].as_str().unwrap(),
                event["Sequence"].as_u64().unwrap(),
                event["Outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn events_are_listed_by_what_is_asked_for_page_by_page() {
    let server = Server::new().await;
    let first = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let second = server.recorded("cup", "court2", AssetStatus::Normal).await;
    let done = tell(&server, first, later(10), Event::Transcoded { streams: Vec::new() }).await;
    server.catalog.set_event_outcome(done, EventOutcome::Delivered).await.unwrap();
    let id = first.to_string();
    let (birth, analysed, transcoded) = ("AddLiveRecordVideoComplete", "VideoAnalysisComplete", "TranscodeComplete");
    let listed = async |params: &[(&str, &str)]| server.ok(VOD, "ListEvents", params).await;

    let of_video = listed(&[("VideoId", &id), ("SortBy", "CreationTime:Asc")]).await;
    let all = [(birth, 1, "Pending"), (analysed, 2, "Pending"), (transcoded, 3, "Delivered")];
    assert_eq!(names(&of_video), all);
    assert_eq!(
        of_video["EventList"][2],
        json!({"EventId": done.to_string(), "EventType": transcoded, "VideoId": id, "Sequence": 3, "Outcome": "Delivered",
               "EventTime": later(10).to_iso8601()})
    );
    assert!(of_video.get("NextToken").is_none());
    let (middle, end) = (later(10).to_iso8601(), later(9).to_iso8601());
    for (params, wanted) in [
        (vec![("EventType", transcoded)], vec![all[2]]),
        (vec![("Outcome", "delivered")], vec![all[2]]),
        (vec![("StartTime", middle.as_str())], vec![all[2]]),
        (vec![("EndTime", end.as_str()), ("VideoId", &id)], vec![all[1], all[0]]),
        (vec![("Outcome", "Dropped")], vec![]),
        (vec![("EventType", "DeleteMediaComplete")], vec![]),
    ] {
        assert_eq!(names(&listed(&params).await), wanted, "{params:?}");
    }
    // One by one, in both orders, with and without a video.
    let both = [first, second].map(|asset| asset.to_string());
    for (video, sort) in
        [(None, "CreationTime:Desc"), (None, "CreationTime:Asc"), (Some(&both[0]), "CreationTime:Desc")]
    {
        let mut params = vec![("SortBy", sort)];
        params.extend(video.map(|video| ("VideoId", video.as_str())));
        let whole = listed(&params).await["EventList"].clone();
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let next = [&params[..], &[("MaxResults", "1"), ("NextToken", &token)]].concat();
            let page = listed(&next).await;
            seen.extend(page["EventList"].as_array().unwrap().clone());
            match page.get("NextToken") {
                Some(next) => token = next.as_str().unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(Value::from(seen), whole, "{params:?}");
    }
    for (param, wanted) in [
        (("VideoId", "nonsense"), (404, "InvalidVideo.NotFound")),
        (("EventType", "Nothing"), (400, "InvalidParameter")),
        (("Outcome", "Lost"), (400, "InvalidParameter")),
        (("NextToken", "1"), (400, "InvalidParameter")),
        (("MaxResults", "101"), (400, "InvalidParameter")),
    ] {
        let refused = server.refused(VOD, "ListEvents", &[param]).await;
        assert_eq!(refused, (wanted.0, wanted.1.into()), "{param:?}");
    }
}

#[tokio::test]
async fn an_event_is_told_with_its_body_and_each_attempt() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await;
    let event = tell(&server, video, later(10), Event::Transcoded { streams: Vec::new() }).await;
    let id = event.to_string();
    let asked = async || server.ok(VOD, "GetEvent", &[("EventId", &id)]).await["Event"].clone();
    let mut before = asked().await;
    assert!(before["NextAttemptTime"].take().is_string());
    let mut expected = json!({
        "EventId": id, "EventType": "TranscodeComplete", "VideoId": video.to_string(), "Sequence": 3, "Outcome": "Pending",
        "EventTime": later(10).to_iso8601(), "UserData": "{\"Extend\":\"x\"}", "NextAttemptTime": null, "Attempts": [],
    });
    assert_eq!(before, expected);
    server.catalog.keep_sent(event, "{\"EventType\":\"TranscodeComplete\"}").await.unwrap();
    attempted(&server, event, 1, None).await;
    attempted(&server, event, 2, Some(200)).await;
    server.catalog.set_event_outcome(event, EventOutcome::Delivered).await.unwrap();
    let mut after = asked().await;
    after["NextAttemptTime"].take();
    expected["Body"] = json!("{\"EventType\":\"TranscodeComplete\"}");
    expected["Outcome"] = json!("Delivered");
    expected["Attempts"] = json!([
        {"Attempt": 1, "Time": later(1).to_iso8601(), "URL": "http://a/cb", "Error": "no answer", "ElapsedMs": 12},
        {"Attempt": 2, "Time": later(2).to_iso8601(), "URL": "http://a/cb", "HttpStatus": 200, "ElapsedMs": 12},
    ]);
    assert_eq!(after, expected);
    for id in [UNKNOWN, "nonsense"] {
        let refused = server.refused(VOD, "GetEvent", &[("EventId", id)]).await;
        assert_eq!(refused, (404, "NoSuchResource".into()), "{id}");
    }
}

#[tokio::test]
async fn events_are_told_once_more_one_by_one_by_video_and_by_time() {
    let server = Server::new().await;
    let video = server.recorded("cup", "court1", AssetStatus::Normal).await;
    server.recorded("cup", "court2", AssetStatus::Normal).await;
    let late = tell(&server, video, later(10), Event::Transcoded { streams: Vec::new() }).await;
    server.catalog.set_event_outcome(late, EventOutcome::Delivered).await.unwrap();
    let (id, time) = (video.to_string(), later(10).to_iso8601());
    let replay = async |params: &[(&str, &str)]| server.ok(VOD, "ReplayEvents", params).await;
    let told = |count: u32| json!({"ReplayedCount": count, "InFlightCount": 0});
    let late = late.to_string();
    for (params, count) in [
        (vec![("EventId", late.as_str())], 1),
        (vec![("VideoId", id.as_str())], 3),
        (vec![("VideoId", id.as_str())], 3),
        (vec![("StartTime", time.as_str())], 1),
        (vec![("StartTime", "2026-01-01T00:00:00Z")], 5),
    ] {
        assert_eq!(replay(&params).await, told(count), "{params:?}");
    }
    // The last call has made them all pending: nothing was lost, and each has one job.
    let pending = server.ok(VOD, "ListEvents", &[("Outcome", "Pending")]).await;
    assert_eq!(pending["EventList"].as_array().unwrap().len(), 5);
    assert_eq!(server.catalog.job_count(kind::CALLBACK, JobState::Ready).await.unwrap(), 5);
    server.catalog.set_event_outcome(late.parse().unwrap(), EventOutcome::Delivered).await.unwrap();
    assert_eq!(replay(&[("VideoId", &id), ("OnlyUndelivered", "true")]).await, told(2));
    // What is being told is left to it.
    let job = server.catalog.event(late.parse().unwrap()).await.unwrap().unwrap().job;
    let running = sql::Sql::new("UPDATE job SET state = 'running' WHERE id = $1").arg(job);
    let mut tx = server.catalog.begin().await.unwrap();
    running.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(replay(&[("EventId", &late)]).await, json!({"ReplayedCount": 0, "InFlightCount": 1}));
    // The events of a deleted video are still there.
    server.ok(VOD, "DeleteVideo", &[("VideoIds", &id)]).await;
    assert_eq!(replay(&[("VideoId", &id)]).await, json!({"ReplayedCount": 4, "InFlightCount": 1}));
    for (params, wanted) in [
        (vec![], (400, "MissingParameter")),
        (vec![("EventId", UNKNOWN)], (404, "NoSuchResource")),
        (vec![("VideoId", UNKNOWN)], (404, "InvalidVideo.NotFound")),
        (vec![("VideoId", id.as_str()), ("NextToken", "x")], (400, "InvalidParameter")),
    ] {
        let refused = server.refused(VOD, "ReplayEvents", &params).await;
        assert_eq!(refused, (wanted.0, wanted.1.into()), "{params:?}");
    }
}

#[tokio::test]
async fn more_than_a_thousand_events_are_told_in_several_calls() {
    let server = Server::new().await;
    let mut tx = server.catalog.begin().await.unwrap();
    for number in 0..1_005_u32 {
        let event = Event::SourceInPlace { size_bytes: None };
        let asset = AssetId::from_u128(u128::from(number % 3));
        tx.push_event(&AssetEvent { asset, at: now(), event }).await.unwrap();
    }
    tx.commit().await.unwrap();
    let since = ("StartTime", "2026-01-01T00:00:00Z");
    let first = server.ok(VOD, "ReplayEvents", &[since]).await;
    assert_eq!(first["ReplayedCount"], 1_000);
    let rest = [since, ("NextToken", first["NextToken"].as_str().unwrap())];
    assert_eq!(server.ok(VOD, "ReplayEvents", &rest).await, json!({"ReplayedCount": 5, "InFlightCount": 0}));
}

async fn note(
    server: &Server,
    topic: &str,
    push_domain: Option<&str>,
    stream: &str,
    at: WallTime,
    error: Option<&str>,
) {
    let path = StreamPath::new(PLAY, "cup", stream).unwrap();
    let delivery = Delivery {
        job: server.catalog.ids().job(at),
        event: None,
        attempt: 1,
        at,
        url: "http://a/cb".into(),
        http_status: None,
        error: error.map(str::to_owned),
        elapsed_ms: 1,
        stream: Some(StreamDelivery {
            topic: topic.into(),
            domain: path.domain().into(),
            push_domain: push_domain.map(str::to_owned),
            app: path.app().into(),
            stream: path.stream().into(),
            content: "action=publish".into(),
            headers: "a: b\n".into(),
            response: "ok".into(),
        }),
    };
    server.catalog.note_delivery(&delivery).await.unwrap();
}

#[tokio::test]
async fn live_callbacks_have_a_history() {
    let server = Server::new().await;
    note(&server, "publish", Some(PUSH), "court1", now(), Some("no answer")).await;
    note(&server, "publish", Some(PUSH), "court1", later(1), None).await;
    note(&server, "publish_done", Some(PUSH), "court2", later(2), None).await;
    note(&server, "file_created", None, "court1", later(3), None).await;
    note(&server, "record_started", None, "court1", later(4), Some("no answer")).await;
    let (start, end) = (now().to_iso8601(), later(60).to_iso8601());
    let window = [("StartTime", start.as_str()), ("EndTime", end.as_str())];
    let with = |more: &[(&'static str, &'static str)]| [&window[..], more].concat();

    let told = server.ok(LIVE, "DescribeLiveStreamsNotifyRecords", &with(&[("DomainName", PUSH)])).await;
    assert_eq!(
        (&told["PageNum"], &told["PageSize"], &told["TotalNum"], &told["TotalPage"]),
        (&json!(1), &json!(20), &json!(3), &json!(1))
    );
    assert_eq!(
        told["NotifyRecordsInfo"]["LiveStreamNotifyRecordsInfo"][2],
        json!({
            "DomainName": PUSH, "AppName": "cup", "StreamName": "court1", "NotifyType": "publish", "NotifyUrl": "http://a/cb",
            "NotifyContent": "action=publish", "NotifyHeader": "a: b\n", "NotifyResponse": "ok", "NotifyResult": "failed",
            "Description": "no answer", "NotifyTime": now().to_iso8601(),
        })
    );
    for (more, count) in [
        (vec![("DomainName", PLAY)], 3),
        (vec![("DomainName", PUSH), ("StreamName", "court1")], 2),
        (vec![("DomainName", PUSH), ("AppName", "other")], 0),
        (vec![("DomainName", PUSH), ("Status", "success")], 2),
        (vec![("DomainName", PUSH), ("Status", "failed")], 1),
    ] {
        let told = server.ok(LIVE, "DescribeLiveStreamsNotifyRecords", &with(&more)).await;
        assert_eq!(told["TotalNum"], count, "{more:?}");
    }
    let page = with(&[("DomainName", PUSH), ("PageSize", "2"), ("PageNumber", "2")]);
    let told = server.ok(LIVE, "DescribeLiveStreamsNotifyRecords", &page).await;
    assert_eq!(told["NotifyRecordsInfo"]["LiveStreamNotifyRecordsInfo"].as_array().unwrap().len(), 1);
    assert_eq!(told["TotalPage"], 2);

    let of_recordings = [("DomainName", PLAY), ("PageNumber", "1"), ("PageSize", "10")];
    let told = server.ok(LIVE, "DescribeLiveRecordNotifyRecords", &with(&of_recordings)).await;
    assert_eq!(told["TotalNum"], 2);
    let list = told["CallbackList"].as_array().unwrap();
    let shown: Vec<_> = list.iter().map(|one| (&one["NotifyType"], &one["StorageType"], &one["Description"])).collect();
    assert_eq!(
        shown,
        [
            (&json!("record_started"), &json!("vod"), &json!("no answer")),
            (&json!("file_created"), &json!("vod"), &json!("success"))
        ]
    );
    let oss = with(&[("DomainName", PLAY), ("StorageType", "oss")]);
    let told = server.ok(LIVE, "DescribeLiveRecordNotifyRecords", &oss).await;
    assert_eq!((&told["TotalNum"], &told["CallbackList"]), (&json!(0), &json!([])));

    for (action, params, wanted) in [
        ("DescribeLiveStreamsNotifyRecords", vec![("DomainName", PUSH)], (400, "MissingParameter")),
        (
            "DescribeLiveRecordNotifyRecords",
            with(&[("DomainName", "none.example.org")]),
            (404, "InvalidDomain.NotFound"),
        ),
        (
            "DescribeLiveRecordNotifyRecords",
            with(&[("DomainName", PLAY), ("Status", "odd")]),
            (400, "InvalidParameter"),
        ),
        (
            "DescribeLiveStreamsNotifyRecords",
            vec![("DomainName", PUSH), ("StartTime", end.as_str()), ("EndTime", start.as_str())],
            (400, "InvalidParameter"),
        ),
    ] {
        assert_eq!(server.refused(LIVE, action, &params).await, (wanted.0, wanted.1.into()), "{action} {params:?}");
    }
}
