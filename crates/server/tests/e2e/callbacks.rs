//! What a customer hears, in order, signed, and again when they did not listen.

use std::time::Duration;

use axum::http::StatusCode;
use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::ffmpeg::{Pace, push};
use testkit::receiver::Receiver;
use testkit::server::Server;

use crate::support::{SOON, server_recording, wait_recorded};

const KEY: &str = "Testkit0Key";

async fn listen(server: &Server) -> Receiver {
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    receiver
}

#[tokio::test]
async fn each_cycle_is_told_once_in_order_and_signed() {
    let server = server_recording("match", 4, 1).await;
    let receiver = listen(&server).await;
    let clip = clips::synthetic(&Recipe { seconds: 10, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();

    let deliveries = receiver.wait(SOON, |all| all.len() >= 6).await.unwrap();
    let assets = wait_recorded(&server, "court1", 3).await;
    for delivery in &deliveries {
        delivery.check_signature(receiver.url(), KEY).unwrap();
    }
    for asset in &assets {
        let told: Vec<_> = deliveries.iter().filter(|d| d.body["VideoId"] == asset.video_id.as_str()).collect();
        let types: Vec<_> = told.iter().map(|delivery| delivery.event_type()).collect();
        assert_eq!(types, ["AddLiveRecordVideoComplete", "VideoAnalysisComplete"]);
        let complete = &told[0].body;
        assert_eq!((complete["Status"].as_str(), complete["AppName"].as_str()), (Some("success"), Some("match")));
        assert_eq!(complete["StreamName"], "court1");
        assert_eq!(complete["DomainName"], "play.localhost");
        assert_eq!(complete["RecordStartTime"], asset.began.as_str());
        assert_eq!(complete["RecordEndTime"], asset.ended.as_str());
        let analysis = &told[1].body;
        assert_eq!((analysis["Width"].as_str(), analysis["Height"].as_str()), (Some("320"), Some("180")));
    }
}

#[tokio::test]
async fn a_receiver_that_fails_twice_is_told_the_same_again() {
    let server = server_recording("match", 60, 1).await;
    let receiver = listen(&server).await;
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR, StatusCode::NO_CONTENT]);
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();

    let deliveries = receiver.wait(SOON, |all| all.len() >= 4).await.unwrap();
    let answers: Vec<_> = deliveries.iter().map(|d| (d.event_type(), d.answered)).collect();
    let complete = "AddLiveRecordVideoComplete";
    assert_eq!(answers, [(complete, 500), (complete, 204), (complete, 200), ("VideoAnalysisComplete", 200)]);
    assert_eq!(deliveries[0].body, deliveries[1].body);
    assert_eq!(deliveries[0].body, deliveries[2].body);
    assert!(deliveries[1].at - deliveries[0].at >= Duration::from_millis(900), "attempts are a second apart");
}

#[tokio::test]
async fn an_event_that_is_owed_survives_a_kill() {
    let mut server = server_recording("match", 60, 1).await;
    let receiver = listen(&server).await;
    receiver.answer_next([StatusCode::SERVICE_UNAVAILABLE]);
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    receiver.wait(SOON, |all| !all.is_empty()).await.unwrap();
    server.kill().await.unwrap();
    server.restart().await.unwrap();
    let told = |all: &[testkit::receiver::Delivery]| {
        all.iter().any(|d| d.answered == 200 && d.event_type() == "VideoAnalysisComplete")
    };
    receiver.wait(Duration::from_secs(60), told).await.unwrap();
}

#[tokio::test]
async fn publish_and_unpublish_are_told_with_the_ingest_domain() {
    let server = server_recording("match", 60, 1).await;
    let receiver = Receiver::start().await.unwrap();
    let params = [("DomainName", "push.localhost"), ("NotifyUrl", receiver.url())];
    server.api().live("SetLiveStreamsNotifyUrlConfig", &params).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    // Slower than the two seconds after which a publish is told.
    push(&clip, &server.push_url("match", "court1"), Pace::Times(1.5)).await.unwrap();

    let deliveries = receiver.wait(SOON, |all| all.len() >= 2).await.unwrap();
    let said: Vec<_> = deliveries.iter().map(|d| d.uri.query().unwrap_or_default().to_owned()).collect();
    assert!(said[0].contains("action=publish&") && said[1].contains("action=publish_done&"), "{said:?}");
    assert!(
        said.iter().all(|q| q.contains("app=push.localhost") && q.contains("appname=match") && q.contains("id=court1")),
        "{said:?}"
    );
}
