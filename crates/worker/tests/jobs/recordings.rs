//! What a customer hears of recordings, as a receiver sees it.

use crate::support::{PATIENCE, Running, at, recorded, until};
use axum::http::{Method, StatusCode};
use catalog::*;
use md5::{Digest, Md5};
use serde_json::json;
use testkit::receiver::{Delivery, Receiver};

const KEY: &str = "0123456789abcdef";

async fn subscribe(catalog: &Catalog, url: &str, status: bool) {
    let notify = RecordNotify {
        domain: "play.example.org".into(),
        notify_url: url.into(),
        on_demand_url: String::new(),
        status,
        signed: true,
        auth_key: KEY.into(),
    };
    catalog.add_record_notify(&notify, at(0)).await.unwrap();
}

/// Signed with the host of the URL, without its port.
fn check_signature(delivery: &Delivery) {
    let header = |name: &str| delivery.headers[name].to_str().unwrap();
    let text = format!("127.0.0.1|{}|{KEY}", header("ali-live-timestamp"));
    let expected: String = Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header("ali-live-signature"), expected);
}

#[tokio::test]
async fn a_file_is_told_with_what_the_publisher_wants_told_back() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    subscribe(&running.catalog, &format!("{}?tenant=a%20b", receiver.url()), false).await;
    // Nobody is told before the push is known; the recording's first cycle is sealed when both are.
    let (recording, _) = recorded(&running.catalog, "court1", &[]).await;
    let push = NewPush {
        id: running.catalog.ids().push(at(0)),
        path: recording.path.clone(),
        publish_domain: "push.example.org".into(),
        params: "vhost=push.example.org&callback_id=a%26b&callback_id=second&x=1&callback_=".into(),
        client: "203.0.113.7".into(),
        server: "192.0.2.1".into(),
        node: "n1".into(),
        began: at(0),
    };
    running.catalog.insert_push(&push).await.unwrap();
    running.catalog.attach_push(recording.id, push.id, at(0)).await.unwrap();
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR, StatusCode::NO_CONTENT]);
    let asset = running.catalog.ids().asset(at(0));
    let open = OpenCycle { number: 0, asset, from_ticks: 90_000, began: at(0) };
    running.catalog.open_cycle(recording.id, &open).await.unwrap();
    running.catalog.seal_cycle(&sealed(&recording, &open), None).await.unwrap();

    let told = receiver.wait(PATIENCE, |all| all.len() >= 3).await.unwrap();
    let answers: Vec<_> = told.iter().map(|delivery| delivery.answered).collect();
    assert_eq!(answers, [500, 204, 200]);
    for delivery in &told {
        assert_eq!((&delivery.method, delivery.uri.query()), (&Method::POST, Some("tenant=a%20b")));
        assert_eq!(delivery.headers["content-type"], "application/json");
        check_signature(delivery);
        let body = json!({
            "domain": "play.example.org", "app": "cup", "stream": "court1", "uri": format!("{asset}/source.mp4"),
            "duration": 20.04, "start_time": at(0).unix_s(), "stop_time": at(20).unix_s(),
            "push_args": {"callback_id": "a&b", "callback_": ""},
        });
        assert_eq!(delivery.body, body);
    }
    running.stop().await;
}

#[tokio::test]
async fn changes_of_status_and_files_of_one_stream_are_told_in_order() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    subscribe(&running.catalog, receiver.url(), true).await;
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR; 5]);
    let (recording, assets) = recorded(&running.catalog, "court1", &[(90_000, 190_000)]).await;
    running.catalog.interrupt_recording(recording.id, at(20), 190_000, at(200)).await.unwrap();
    running.catalog.resume_recording(recording.id, at(21)).await.unwrap();

    let delivered = |all: &[Delivery]| all.iter().filter(|delivery| delivery.answered == 200).count();
    let told = receiver.wait(PATIENCE, |all| delivered(all) >= 4).await.unwrap();
    let said: Vec<_> = told
        .iter()
        .filter(|delivery| delivery.answered == 200)
        .map(|delivery| delivery.body["event"].as_str().or(delivery.body["uri"].as_str()).unwrap().to_owned())
        .collect();
    let file = format!("{}/source.mp4", assets[0]);
    assert_eq!(said, ["record_started", file.as_str(), "record_paused", "record_resumed"]);
    let body = json!({"domain": "play.example.org", "app": "cup", "stream": "court1", "event": "record_started"});
    assert_eq!(told[0].body, body);
    assert!(told.iter().all(|delivery| delivery.body.get("push_args").is_none()));
    check_signature(&told[0]);
    running.stop().await;
}

#[tokio::test]
async fn a_receiver_in_this_network_is_not_told_where_that_is_forbidden() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(false).await;
    subscribe(&running.catalog, receiver.url(), false).await;
    recorded(&running.catalog, "court1", &[(90_000, 190_000)]).await;
    until("the job is given up", async || {
        running.catalog.job_count(kind::RECORD_NOTIFY, JobState::Dead).await.unwrap() == 1
    })
    .await;
    assert!(receiver.deliveries().is_empty());
    running.stop().await;
}

fn sealed(recording: &Recording, open: &OpenCycle) -> SealedCycle {
    SealedCycle {
        recording: recording.id,
        cycle: open.number,
        asset: open.asset,
        title: "court1".into(),
        template_group: recording.rule.template_group.clone(),
        status: AssetStatus::Normal,
        reel: recording.reel,
        from_ticks: open.from_ticks,
        to_ticks: open.from_ticks + 1_803_600,
        began: at(0),
        ended: at(20),
        duration_ticks: 1_803_600,
        size_bytes: 1,
        width: 0,
        height: 0,
        fps: 0.0,
        bitrate_kbps: 0,
        sealed_at: at(20),
    }
}
