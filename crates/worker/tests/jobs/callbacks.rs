//! What customers hear, as a receiver sees it.

use std::time::Duration;

use crate::support::{PATIENCE, Running, at, path, until};
use axum::http::{Method, StatusCode};
use catalog::*;
use domain::event::{AssetEvent, Event};
use md5::{Digest, Md5};
use testkit::receiver::{Delivery, Receiver};
use units::{AssetId, EventId};

const KEY: &str = "Secret123";

async fn subscribe(catalog: &Catalog, url: &str, events: &str) {
    let callback = MessageCallback {
        app_id: worker::DEFAULT_APP_ID.into(),
        kind: "HTTP".into(),
        url: url.into(),
        events: events.into(),
        signed: true,
        auth_key: KEY.into(),
        mns_endpoint: String::new(),
        mns_queue: String::new(),
    };
    catalog.set_message_callback(&callback, at(0)).await.unwrap();
}

fn analysed(size_bytes: u64) -> Event {
    Event::SourceAnalysed { width: 1280, height: 720, duration_s: 20.04, bitrate_kbps: 2_000, fps: 25.0, size_bytes }
}

async fn owe(catalog: &Catalog, asset: AssetId, event: Event) -> EventId {
    catalog.push_event(&AssetEvent { asset, at: at(30), event }).await.unwrap()
}

fn became_asset() -> Event {
    Event::CycleBecameAsset { path: path("court1"), began: at(0), ended: at(20) }
}

async fn outcome(catalog: &Catalog, event: EventId) -> EventOutcome {
    catalog.event(event).await.unwrap().unwrap().outcome
}

fn of_lasting(delivery: &Delivery) -> bool {
    delivery.uri.query().unwrap().contains("&id=lasting&")
}

fn types(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(Delivery::event_type).collect()
}

#[tokio::test]
async fn events_of_one_asset_arrive_in_order_signed_and_identical_when_repeated() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    let url = format!("{}?tenant=a%20b", receiver.url());
    subscribe(&running.catalog, &url, "ALL").await;
    // 201 and 204 are no success.
    receiver.answer_next([StatusCode::CREATED, StatusCode::NO_CONTENT]);
    let asset = AssetId::from_u128(7);
    let mut tx = running.catalog.begin().await.unwrap();
    let first = tx.push_event(&AssetEvent { asset, at: at(20), event: became_asset() }).await.unwrap();
    let second = tx.push_event(&AssetEvent { asset, at: at(21), event: analysed(5) }).await.unwrap();
    tx.push_event(&AssetEvent { asset, at: at(22), event: Event::AssetDeleted }).await.unwrap();
    tx.commit().await.unwrap();

    let came = receiver.wait(PATIENCE, |came| came.len() == 5).await.unwrap();
    let added = "AddLiveRecordVideoComplete";
    assert_eq!(types(&came), [added, added, added, "VideoAnalysisComplete", "DeleteMediaComplete"]);
    assert!(came[0].body == came[1].body && came[1].body == came[2].body);
    for delivery in &came {
        delivery.check_signature(&url, KEY).unwrap();
        assert_eq!((&delivery.method, delivery.uri.query()), (&Method::POST, Some("tenant=a%20b")));
        assert_eq!(delivery.headers["content-type"], "application/json");
    }
    // Of the same event all have the same id; those of one video are numbered.
    let header = |delivery: &Delivery, name: &str| delivery.headers[name].to_str().unwrap().to_owned();
    let told: Vec<_> =
        came.iter().map(|one| (header(one, "x-reprise-event-id"), header(one, "x-reprise-sequence"))).collect();
    let expected =
        [(first, "1"), (first, "1"), (first, "1"), (second, "2")].map(|(id, n)| (id.to_string(), n.to_owned()));
    assert_eq!(told[..4], expected);
    assert_eq!(told[4].1, "3");
    for pair in came[..3].windows(2) {
        let apart = pair[1].at.duration_since(pair[0].at);
        assert!(apart >= Duration::from_millis(990) && apart < Duration::from_secs(5), "{apart:?}");
    }
    for event in [first, second] {
        until("delivered", async || outcome(&running.catalog, event).await == EventOutcome::Delivered).await;
    }
    let attempts = running.catalog.deliveries_of_event(first).await.unwrap();
    let seen: Vec<_> = attempts.iter().map(|d| (d.attempt, d.http_status, d.error.is_some())).collect();
    assert_eq!(seen, [(1, Some(201), true), (2, Some(204), true), (3, Some(200), false)]);
    running.stop().await;
}

#[tokio::test]
async fn an_event_is_dropped_visibly_after_three_attempts_and_the_next_one_follows() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    subscribe(&running.catalog, receiver.url(), "ALL").await;
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let asset = AssetId::from_u128(7);
    let lost = owe(&running.catalog, asset, became_asset()).await;
    let next = owe(&running.catalog, asset, analysed(5)).await;
    until("delivered", async || outcome(&running.catalog, next).await == EventOutcome::Delivered).await;
    assert_eq!(outcome(&running.catalog, lost).await, EventOutcome::Dropped);
    let job = running.catalog.event(lost).await.unwrap().unwrap().job;
    let job = running.catalog.job(job).await.unwrap().unwrap();
    assert_eq!((job.state, job.attempt), (JobState::Dead, 3));
    assert!(job.error.unwrap().contains("500"));
    assert_eq!(running.catalog.deliveries_of_job(job.id).await.unwrap().len(), 3);
    assert_eq!(receiver.deliveries().len(), 4);
    running.stop().await;
}

#[tokio::test]
async fn an_event_is_offered_beyond_three_attempts_for_as_long_as_the_operator_says_and_others_wait_for_it() {
    let receiver = Receiver::start().await.unwrap();
    let settings = worker::Settings { node: "n1".into(), ..worker::Settings::default() };
    let running = Running::start_as(settings, async |_: &Catalog| {}).await;
    subscribe(&running.catalog, receiver.url(), "ALL").await;
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let asset = AssetId::from_u128(7);
    let first = owe(&running.catalog, asset, became_asset()).await;
    let next = owe(&running.catalog, asset, analysed(5)).await;
    for event in [first, next] {
        until("delivered", async || outcome(&running.catalog, event).await == EventOutcome::Delivered).await;
    }
    let came = receiver.deliveries();
    let added = "AddLiveRecordVideoComplete";
    assert_eq!(types(&came), [added, added, added, added, "VideoAnalysisComplete"]);
    // The first three are planned a second apart; then they wait longer.
    let apart: Vec<_> = came[..4].windows(2).map(|pair| pair[1].at.duration_since(pair[0].at)).collect();
    let least = [990, 990, 1_990].map(Duration::from_millis);
    assert!(apart.iter().zip(least).all(|(apart, least)| *apart >= least), "{apart:?}");
    let job = running.catalog.event(first).await.unwrap().unwrap().job;
    let planned = running.catalog.job(job).await.unwrap().unwrap().retry;
    assert_eq!((planned.first, planned.even, planned.max), (Duration::from_secs(1), 2, Duration::from_secs(3_600)));
    running.stop().await;
}

#[tokio::test]
async fn the_events_of_a_job_go_where_its_customer_says_and_tell_back_what_it_wrote() {
    let (account, own) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    let asset = AssetId::from_u128(7);
    let wanted = format!(r#"{{"MessageCallback":{{"CallbackURL":"{}?job=1"}},"Extend":{{"id":"7"}}}}"#, own.url());
    let tell = async |asset: AssetId, user_data: &str| {
        let event = AssetEvent { asset, at: at(30), event: Event::Transcoded { streams: Vec::new() } };
        catalog.push_event_for(&event, user_data).await.unwrap()
    };
    // It works only where the account has a callback that wants events of this type.
    let unset = tell(asset, &wanted).await;
    until("unwanted", async || outcome(catalog, unset).await == EventOutcome::Unwanted).await;
    subscribe(catalog, account.url(), "TranscodeComplete").await;
    let told = [tell(asset, &wanted).await, tell(asset, r#"{"Extend":"plain"}"#).await, tell(asset, "").await];
    for event in told {
        until("delivered", async || outcome(catalog, event).await == EventOutcome::Delivered).await;
    }
    let [own_one] = &own.deliveries()[..] else { panic!("{:?}", own.deliveries()) };
    own_one.check_signature(&format!("{}?job=1", own.url()), KEY).unwrap();
    assert_eq!(own_one.body["Extend"], r#"{"id":"7"}"#);
    let others = account.deliveries();
    assert_eq!(
        others.iter().map(|one| one.body.get("Extend").cloned()).collect::<Vec<_>>(),
        [Some("plain".into()), None]
    );
    running.stop().await;
}

#[tokio::test]
async fn a_replay_is_the_same_text_in_the_same_order_whatever_changed_since() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    subscribe(catalog, receiver.url(), "ALL").await;
    let (asset, other) = (AssetId::from_u128(7), AssetId::from_u128(8));
    // The first is dropped; the second comes through; the third waits for its turn.
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let dropped = owe(catalog, asset, Event::SourceInPlace { size_bytes: Some(5) }).await;
    until("dropped", async || outcome(catalog, dropped).await == EventOutcome::Dropped).await;
    let delivered = owe(catalog, asset, analysed(5)).await;
    let elsewhere = owe(catalog, other, became_asset()).await;
    for event in [delivered, elsewhere] {
        until("delivered", async || outcome(catalog, event).await == EventOutcome::Delivered).await;
    }
    let before = receiver.deliveries().len();
    assert_eq!(before, 5);
    // Another server would say another address: what was sent first stays.
    let mut tx = catalog.begin().await.unwrap();
    let changed = sql::Sql::new("UPDATE event SET body = replace(body, '5', '6') WHERE id = $1").arg(dropped);
    changed.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();

    let undelivered = Replay { asset: Some(asset), only_undelivered: true, ..Replay::default() };
    let told = catalog.replay_events(&undelivered, 10, at(60)).await.unwrap();
    assert_eq!(told, Replayed { replayed: 1, in_flight: 0, more: None });
    until("delivered", async || outcome(catalog, dropped).await == EventOutcome::Delivered).await;
    assert_eq!(catalog.replay_events(&undelivered, 10, at(60)).await.unwrap(), Replayed::default());
    let all = Replay { asset: Some(asset), ..Replay::default() };
    assert_eq!(catalog.replay_events(&all, 10, at(60)).await.unwrap().replayed, 2);
    let came = receiver.wait(PATIENCE, |came| came.len() == before + 3).await.unwrap();
    assert_eq!(types(&came[before..]), ["FileUploadComplete", "FileUploadComplete", "VideoAnalysisComplete"]);
    assert!(came[before].body == came[0].body && came[before + 1].body == came[0].body);
    assert_eq!(
        came[before + 2].body,
        came.iter().find(|one| one.event_type() == "VideoAnalysisComplete").unwrap().body
    );
    let ids: Vec<_> = came.iter().map(|one| one.headers["x-reprise-event-id"].clone()).collect();
    assert!(ids[before] == ids[0] && ids[before + 1] == ids[0]);
    let attempts = catalog.deliveries_of_event(dropped).await.unwrap();
    let seen: Vec<_> = attempts.iter().map(|one| one.http_status).collect();
    assert_eq!(seen, [Some(500), Some(500), Some(500), Some(200), Some(200)], "every attempt is kept");
    running.stop().await;
}

#[tokio::test]
async fn what_nobody_asked_for_is_not_sent() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    let asset = AssetId::from_u128(7);
    let unset = owe(&running.catalog, asset, became_asset()).await;
    until("unwanted", async || outcome(&running.catalog, unset).await == EventOutcome::Unwanted).await;
    subscribe(&running.catalog, receiver.url(), "TranscodeComplete,VideoAnalysisComplete").await;
    let other = owe(&running.catalog, asset, became_asset()).await;
    let wanted = owe(&running.catalog, asset, analysed(5)).await;
    until("delivered", async || outcome(&running.catalog, wanted).await == EventOutcome::Delivered).await;
    assert_eq!(outcome(&running.catalog, other).await, EventOutcome::Unwanted);
    assert_eq!(types(&receiver.deliveries()), ["VideoAnalysisComplete"]);
    running.stop().await;
}

#[tokio::test]
async fn assets_do_not_wait_for_each_other() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    subscribe(&running.catalog, receiver.url(), "ALL").await;
    // Whichever comes first is refused, and is tried again two seconds later.
    receiver.answer_next([StatusCode::SERVICE_UNAVAILABLE]);
    for asset in [1, 2] {
        owe(&running.catalog, AssetId::from_u128(asset), became_asset()).await;
    }
    let came = receiver.wait(PATIENCE, |came| came.len() >= 3).await.unwrap();
    let [refused, other, again] = &came[..] else { panic!("{came:?}") };
    assert_eq!(refused.body, again.body);
    assert_ne!(refused.body, other.body, "the second asset waited for the first");
    running.stop().await;
}

#[tokio::test]
async fn a_private_receiver_is_never_connected_to_when_they_are_refused() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(false).await;
    subscribe(&running.catalog, receiver.url(), "ALL").await;
    let event = owe(&running.catalog, AssetId::from_u128(7), became_asset()).await;
    until("dropped", async || outcome(&running.catalog, event).await == EventOutcome::Dropped).await;
    let attempts = running.catalog.deliveries_of_event(event).await.unwrap();
    let error = attempts[0].error.clone().unwrap();
    assert!(attempts.len() == 1 && error.contains("not a public address"), "{attempts:?}");
    assert!(receiver.deliveries().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_publish_is_told_after_two_seconds_if_it_lasts_and_its_end_always() {
    let receiver = Receiver::start().await.unwrap();
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    let notify = LiveNotify {
        domain: "push.example.org".into(),
        notify_url: format!("{}?tenant=1", receiver.url()),
        exception_url: String::new(),
        signed: true,
        auth_key: "0123456789abcdef".into(),
    };
    catalog.set_live_notify(&notify, at(0)).await.unwrap();
    receiver.say("heard");
    let push = |stream: &str| NewPush {
        id: catalog.ids().push(at(0)),
        path: path(stream),
        publish_domain: "push.example.org".into(),
        params: "vhost=push.example.org&x=1".into(),
        client: "203.0.113.7:5000".into(),
        server: "192.0.2.1:1935".into(),
        node: "n1".into(),
        began: at(0),
    };
    let (lasting, short) = (push("lasting"), push("short"));
    let began = std::time::Instant::now();
    catalog.insert_push(&lasting).await.unwrap();
    catalog.insert_push(&short).await.unwrap();
    catalog.end_push(short.id, "unpublished", at(1)).await.unwrap();
    receiver.answer_next([StatusCode::BAD_GATEWAY]);
    let came = receiver.wait(PATIENCE, |came| came.len() >= 3).await.unwrap();
    assert!(came[0].at.duration_since(began) >= Duration::from_millis(1_900));
    catalog.end_push(lasting.id, "unpublished", at(90)).await.unwrap();
    let came = receiver.wait(PATIENCE, |came| came.len() >= 4).await.unwrap();
    let of = |stream: &str| {
        let id = format!("&id={stream}&");
        came.iter().filter(|d| d.uri.query().unwrap().contains(&id)).map(|d| d.uri.query().unwrap()).collect::<Vec<_>>()
    };
    let query = |action: &str, id: &str, time: i64| {
        format!(
            "tenant=1&action={action}&app=push.example.org&appname=cup&id={id}&ip=203.0.113.7&node=192.0.2.1&time={time}\
             &usrargs=vhost%3Dpush.example.org%26x%3D1"
        )
    };
    let mut all = [of("lasting"), of("short")].concat();
    all.dedup();
    let publish = query("publish", "lasting", 1_772_359_200);
    let done = query("publish_done", "lasting", 1_772_359_290);
    assert_eq!(all, [publish, done, query("publish_done", "short", 1_772_359_201)]);
    // What was said and answered can be read back.
    receiver.wait(PATIENCE, |came| came.len() >= 4).await.unwrap();
    let of = |success| StreamDeliveryFilter {
        domain: "push.example.org".into(),
        pushes: true,
        stream: Some("lasting".into()),
        success,
        ..StreamDeliveryFilter::default()
    };
    let noted = async |success| catalog.stream_deliveries(&of(success), Page::ALL).await.unwrap().rows;
    until("noted", async || {
        noted(None).await.len() == 2 + usize::from(came[0].answered != 200 && of_lasting(&came[0]))
    })
    .await;
    let told = noted(Some(true)).await;
    let topics: Vec<_> = told.iter().map(|one| one.stream.as_ref().unwrap().topic.as_str()).collect();
    assert_eq!(topics, ["publish_done", "publish"], "last sent first");
    let last = told[0].stream.clone().unwrap();
    assert_eq!((last.domain.as_str(), last.push_domain.as_deref()), ("play.example.org", Some("push.example.org")));
    assert_eq!(
        (last.content.as_str(), last.response.as_str()),
        (&*query("publish_done", "lasting", 1_772_359_290), "heard")
    );
    assert!(last.headers.contains("ALI-LIVE-SIGNATURE: "), "{}", last.headers);
    for delivery in &came {
        assert_eq!(delivery.method, Method::GET);
        let time = delivery.headers["ali-live-timestamp"].to_str().unwrap();
        let hash = Md5::digest(format!("push.example.org|{time}|0123456789abcdef"));
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(delivery.headers["ali-live-signature"].to_str().unwrap(), hash);
    }
    running.stop().await;
}
