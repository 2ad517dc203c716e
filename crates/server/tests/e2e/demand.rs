//! Recording on request: commands, what the publisher or the customer decides, who is told.

use std::path::PathBuf;
use std::time::Duration;

use axum::http::StatusCode;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push, push};
use testkit::judge::{self, Placed};
use testkit::probe::{Probe, decode_complaints};
use testkit::publisher::Publisher;
use testkit::receiver::Receiver;
use testkit::server::{Server, until};

use crate::live::wait_online;
use crate::support::{
    PLAY_DOMAIN, SOON, add_rule, add_rule_on_demand, mp4, probe_all, probe_file, recorded, reprise, server_recording,
    wait_recorded,
};

const LIVE: &str = "2016-11-01";
/// Long enough that nothing but a command ends a recording.
const LONG: u32 = 600;
/// Media that a part of a recording gets.
const PART: Duration = Duration::from_millis(3_300);

async fn server_on_demand(app: &str, on_demand: &str, grace: u32) -> Server {
    let server = Server::start(reprise()).await.unwrap();
    add_rule_on_demand(&server.api(), app, on_demand, grace).await;
    server
}

/// Status and code of a command.
async fn command(server: &Server, stream: &str, command: &str) -> (u16, String) {
    let params = [("DomainName", PLAY_DOMAIN), ("AppName", "demand"), ("StreamName", stream), ("Command", command)];
    let answer = server.api().call(LIVE, "RealTimeRecordCommand", &params).await.unwrap();
    (answer.status, answer.body["Code"].as_str().unwrap_or_default().to_owned())
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

async fn clip(seconds: u32) -> PathBuf {
    clips::synthetic(&Recipe { seconds, key_seconds: 1, ..Recipe::default() }).await.unwrap()
}

/// Where an asset lies in the source it was cut from, checked frame by frame and for its skew.
fn located(source: &Probe, asset: &Probe) -> Placed {
    // A key frame gets parameter sets in front, so that its bytes differ: the frames behind it are looked for.
    let find = |track: &str| {
        let hashes = |probe: &Probe| probe.track(track).iter().map(|packet| packet.hash.clone()).collect::<Vec<_>>();
        let (source, asset) = (hashes(source), hashes(asset));
        source.windows(9).position(|window| window[1..] == asset[1..9]).expect("the asset is a part of the source")
    };
    judge::place(source, asset, find("video"), find("audio")).unwrap()
}

#[tokio::test]
async fn a_recording_that_begins_in_the_middle_of_a_push_is_in_step_and_ends_at_once_when_asked() {
    let server = server_on_demand("demand", "7", LONG).await;
    assert_eq!(command(&server, "s", "start").await, refused(404, "InvalidStream.NotFound"));
    let clip = clip(16).await;
    let publisher = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    for early in ["stop", "cancel_delay", "restart"] {
        assert_eq!(command(&server, "s", early).await, refused(400, "TaskNotStarted"), "{early}");
    }
    tokio::time::sleep(PART / 2).await;
    assert_eq!(command(&server, "s", "start").await, ok());
    assert_eq!(command(&server, "s", "start").await, refused(400, "TaskAlreadyStarted"));
    assert_eq!(command(&server, "s", "cancel_delay").await, refused(400, "TaskNotStopped"));
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "stop").await, ok());
    assert_eq!(command(&server, "s", "stop").await, refused(400, "TaskNotStarted"));
    assert!(recorded(&server, "s").await.unwrap().is_empty(), "the video waits for the grace");
    assert_eq!(command(&server, "s", "cancel_delay").await, ok());
    let assets = recorded(&server, "s").await.unwrap();
    assert_eq!(assets.len(), 1, "the answer comes when the video is there");

    let assets = wait_recorded(&server, "s", 1).await;
    let (source, seen) = (probe_file(&clip).await, &probe_all([mp4(&server, &assets[0])]).await[0]);
    let place = located(&source, seen);
    assert!(place.video.0 > 0 && place.video.1 < source.track("video").len(), "{place:?}");
    assert!(seen.track("video").len() >= 50, "{place:?}");
    assert!(seen.track("video")[0].key);
    assert_eq!(decode_complaints(&mp4(&server, &assets[0])).await.unwrap(), "");
    publisher.finish().await.unwrap();
    assert_eq!(recorded(&server, "s").await.unwrap().len(), 1, "nothing more is recorded of the push");
}

#[tokio::test]
async fn what_was_stopped_goes_on_with_a_start_and_is_one_video() {
    let server = server_recording("demand", 60, LONG).await;
    let clip = clip(16).await;
    let publisher = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    assert_eq!(command(&server, "s", "start").await, refused(400, "TaskAlreadyStarted"), "the rule has started it");
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "stop").await, ok());
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "start").await, ok());
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "stop").await, ok());
    assert_eq!(command(&server, "s", "cancel_delay").await, ok());
    publisher.kill().await.unwrap();

    let assets = wait_recorded(&server, "s", 1).await;
    let url = mp4(&server, &assets[0]);
    let seen = &probe_all([url.clone()]).await[0];
    assert_eq!(decode_complaints(&url).await.unwrap(), "");
    let pictures = seen.track("video");
    assert!((100..=200).contains(&pictures.len()), "{} pictures of two parts", pictures.len());
    let longest = pictures.windows(2).map(|pair| pair[1].dts - pair[0].dts).fold(0.0, f64::max);
    assert!(longest < 0.2, "the second part follows the first at once: {longest} s between two pictures");
}

#[tokio::test]
async fn a_restart_makes_two_videos_with_every_frame_once() {
    let server = server_recording("demand", 60, 1).await;
    let clip = clip(10).await;
    let publisher = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "restart").await, ok());
    publisher.finish().await.unwrap();
    let assets = wait_recorded(&server, "s", 2).await;
    let seen = probe_all(assets.iter().map(|asset| mp4(&server, asset))).await;
    judge::covers(&probe_file(&clip).await, &seen).unwrap();

    // What was stopped is over with a restart, and a new recording begins.
    let publisher = Push::start(&clip, &server.push_url("demand", "t"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "t").await;
    tokio::time::sleep(PART / 2).await;
    assert_eq!(command(&server, "t", "stop").await, ok());
    assert_eq!(command(&server, "t", "restart").await, ok());
    publisher.finish().await.unwrap();
    let assets = wait_recorded(&server, "t", 2).await;
    assert_ne!(assets[0].playlist_id, assets[1].playlist_id);
}

#[tokio::test]
async fn a_stop_survives_a_kill_of_the_server_and_a_publisher_that_comes_back() {
    let mut server = server_recording("demand", 60, LONG).await;
    let clip = clip(8).await;
    let publisher = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "stop").await, ok());
    server.kill().await.unwrap();
    publisher.finish().await.unwrap_err();
    server.restart().await.unwrap();
    let again = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    tokio::time::sleep(PART).await;
    assert_eq!(command(&server, "s", "cancel_delay").await, ok());
    let assets = wait_recorded(&server, "s", 1).await;
    assert!(assets[0].duration < 5.0, "only what came before the stop: {assets:?}");
    again.finish().await.unwrap();
    assert_eq!(recorded(&server, "s").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_recording_on_command_survives_a_short_loss_and_not_a_long_one() {
    let server = server_on_demand("demand", "7", 2).await;
    let clip = clip(6).await;
    let url = server.push_url("demand", "s");
    let publisher = Push::start(&clip, &url, Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    assert_eq!(command(&server, "s", "start").await, ok());
    publisher.finish().await.unwrap();
    push(&clip, &url, Pace::Fast).await.unwrap();
    let assets = wait_recorded(&server, "s", 1).await;
    assert!(assets[0].duration > 9.0, "both pushes: {assets:?}");
    push(&clip, &url, Pace::Fast).await.unwrap();
    // What is recorded by rule later shows that nothing else was.
    add_rule(&server.api(), "other", 60, 1).await;
    push(&clip, &server.push_url("other", "u"), Pace::Fast).await.unwrap();
    wait_recorded(&server, "u", 1).await;
    assert_eq!(recorded(&server, "s").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_customer_hears_of_a_recording_that_is_started_stopped_and_made_a_video() {
    let server = server_on_demand("demand", "7", LONG).await;
    let receiver = Receiver::start().await.unwrap();
    let params = [("DomainName", PLAY_DOMAIN), ("NotifyUrl", receiver.url()), ("NeedStatusNotify", "true")];
    server.api().live("AddLiveRecordNotifyConfig", &params).await.unwrap();
    let clip = clip(10).await;
    let url = format!("{}?callback_id=7", server.push_url("demand", "s"));
    let publisher = Push::start(&clip, &url, Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    assert_eq!(command(&server, "s", "start").await, ok());
    receiver.wait(SOON, |all| all.len() == 1).await.unwrap();
    assert_eq!(command(&server, "s", "stop").await, ok());
    assert_eq!(command(&server, "s", "start").await, ok());
    receiver.wait(SOON, |all| all.len() == 3).await.unwrap();
    assert_eq!(command(&server, "s", "stop").await, ok());
    assert_eq!(command(&server, "s", "cancel_delay").await, ok());
    let told = receiver.wait(SOON, |all| all.len() == 5).await.unwrap();
    let events: Vec<_> = told.iter().map(|delivery| delivery.body["event"].as_str().unwrap_or("file")).collect();
    assert_eq!(events, ["record_started", "record_paused", "record_resumed", "record_paused", "file"]);
    let asset = &wait_recorded(&server, "s", 1).await[0];
    let file = &told[4].body;
    assert_eq!(file["uri"], format!("{}/source.mp4", asset.video_id));
    assert_eq!(file["push_args"]["callback_id"], "7");
    assert!((file["duration"].as_f64().unwrap() - asset.duration).abs() < 0.1, "{file} {asset:?}");
    publisher.kill().await.unwrap();
}

/// A server that asks this receiver whether to record.
async fn server_that_asks(receiver: &Receiver) -> Server {
    let server = server_on_demand("demand", "1", 1).await;
    // Nobody listens for files.
    let told = "http://127.0.0.1:9/";
    let params = [("DomainName", PLAY_DOMAIN), ("NotifyUrl", told), ("OnDemandUrl", receiver.url())];
    server.api().live("AddLiveRecordNotifyConfig", &params).await.unwrap();
    server
}

#[tokio::test]
async fn a_customer_who_is_asked_decides_and_no_frame_is_lost_meanwhile() {
    let receiver = Receiver::start().await.unwrap();
    let server = server_that_asks(&receiver).await;
    let clip = clip(8).await;
    receiver.say(r#"{"ApiVersion":"1.0","NeedRecord":false}"#);
    push(&clip, &server.push_url("demand", "no"), Pace::Fast).await.unwrap();
    receiver.wait(SOON, |all| all.len() == 1).await.unwrap();
    receiver.say(r#"{"ApiVersion":"1.0","NeedRecord":true,"Interval":{"Mp4":5},"Format":["mp4"]}"#);
    // The first question fails: it is asked again.
    receiver.answer_next([StatusCode::SERVICE_UNAVAILABLE]);
    let publisher = Push::start(&clip, &server.push_url("demand", "yes"), Pace::Times(1.0)).unwrap();
    let asked = receiver.wait(SOON, |all| all.len() == 3).await.unwrap();
    publisher.finish().await.unwrap();
    let assets = wait_recorded(&server, "yes", 2).await;
    let seen = probe_all(assets.iter().map(|asset| mp4(&server, asset))).await;
    judge::covers(&probe_file(&clip).await, &seen).unwrap();
    let query = asked[2].uri.query().unwrap();
    assert!(query.starts_with("app=demand&domain=play.localhost&stream=yes&codec=h264&vbitrate="), "{query}");
    assert!(recorded(&server, "no").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_customer_who_does_not_answer_gets_no_recording_but_may_start_one() {
    let receiver = Receiver::start().await.unwrap();
    let server = server_that_asks(&receiver).await;
    receiver.answer_next([StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let clip = clip(16).await;
    let publisher = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    receiver.wait(SOON, |all| all.len() == 3).await.unwrap();
    tokio::time::sleep(PART / 2).await;
    assert_eq!(command(&server, "s", "start").await, ok());
    publisher.finish().await.unwrap();
    let assets = wait_recorded(&server, "s", 1).await;
    assert!(assets[0].duration < 14.0, "nothing from before the start: {assets:?}");
    assert_eq!(receiver.deliveries().len(), 3);
}

#[tokio::test]
async fn of_two_publishers_that_race_one_wins_the_other_hears_why_and_the_recording_stays_clean() {
    let server = Server::start_with(reprise(), &[("REPRISE_RTMP__TAKEOVER", "refuse")]).await.unwrap();
    add_rule(&server.api(), "demand", 60, 1).await;
    let url = server.push_url("demand", "s");
    // Both at once, time and again: whoever wins is the only one.
    for _ in 0..5 {
        let (one, two) = tokio::join!(Publisher::connect(&url), Publisher::connect(&url));
        let refused = [one.as_ref().err(), two.as_ref().err()];
        let told: Vec<_> = refused.into_iter().flatten().map(|error| format!("{error:#}")).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("pushed already"), "{told:?}");
        one.or(two).unwrap().unpublish().await.unwrap();
        until(SOON, || async {
            let answer = server.api().live("DescribeLiveStreamsOnlineList", &[("DomainName", PLAY_DOMAIN)]).await?;
            anyhow::ensure!(answer["TotalNum"] == 0, "{answer}");
            Ok(())
        })
        .await
        .unwrap();
    }
    let clip = clip(8).await;
    let first = Push::start(&clip, &url, Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    push(&clip, &url, Pace::Fast).await.unwrap_err();
    first.finish().await.unwrap();
    let assets = wait_recorded(&server, "s", 1).await;
    let seen = probe_all([mp4(&server, &assets[0])]).await;
    judge::covers(&probe_file(&clip).await, &seen).unwrap();
}

#[tokio::test]
async fn a_start_reaches_back_into_the_safety_buffer_and_what_nobody_asked_for_leaves_nothing() {
    let mut server = server_on_demand("demand", "7", LONG).await;
    let params = [("DomainName", PLAY_DOMAIN), ("AppName", "demand"), ("SafetyBuffer", "60")];
    server.api().live("UpdateLiveRecordVodConfig", &params).await.unwrap();
    let clip = clip(16).await;
    let publisher = Push::start(&clip, &server.push_url("demand", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    tokio::time::sleep(2 * PART).await;
    let start = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "demand"),
        ("StreamName", "s"),
        ("Command", "start"),
        ("ReachBack", "60"),
    ];
    server.api().live("RealTimeRecordCommand", &start).await.unwrap();
    publisher.finish().await.unwrap();
    // Until the server has seen the end of the push, the recording is not stopped.
    let ends = || async {
        let answer = command(&server, "s", "cancel_delay").await;
        anyhow::ensure!(answer == ok(), "{answer:?}");
        Ok(())
    };
    until(SOON, ends).await.unwrap();
    let assets = wait_recorded(&server, "s", 1).await;
    let seen = probe_all([mp4(&server, &assets[0])]).await;
    judge::covers(&probe_file(&clip).await, &seen).unwrap();

    // A buffer that nobody started: a kill and a restart leave neither a video nor a file.
    let publisher = Push::start(&clip, &server.push_url("demand", "t"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "t").await;
    tokio::time::sleep(PART).await;
    server.kill().await.unwrap();
    publisher.finish().await.unwrap_err();
    server.restart().await.unwrap();
    assert!(recorded(&server, "t").await.unwrap().is_empty());
    let reels = std::fs::read_dir(server.data().join("media/reels")).unwrap().count();
    assert_eq!(reels, 1, "of the stream that was recorded");
}

#[tokio::test]
async fn the_push_parameters_decide_where_the_rule_leaves_it_to_them() {
    let server = server_on_demand("demand", "2", 1).await;
    let clip = clip(4).await;
    for (stream, query) in [
        ("none", ""),
        ("no", "?record_config=%7B%22NeedRecord%22%3Afalse%7D"),
        ("bad", "?record_config=yes"),
        ("yes", "?x=1&record_config=%7B%22NeedRecord%22%3Atrue%7D"),
    ] {
        push(&clip, &format!("{}{query}", server.push_url("demand", stream)), Pace::Fast).await.unwrap();
    }
    wait_recorded(&server, "yes", 1).await;
    for stream in ["none", "no", "bad"] {
        assert!(recorded(&server, stream).await.unwrap().is_empty(), "{stream}");
    }
}
