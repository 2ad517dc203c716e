//! Lines 6 and 21 of the torture list: a machine that was off for a day, and clocks that are set while a stream is recorded.

use std::time::SystemTime;

use container::flv::TagKind;
use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::ffmpeg::Pace;
use testkit::judge;
use testkit::publisher::Publisher;
use testkit::receiver::{Delivery, Receiver};
use testkit::server::{Server, until};
use testkit::tape::Tape;
use testkit::wall_clock::WallClock;
use units::WallTime;

use crate::support::{SOON, add_rule, hls, mp4, probe_all, probe_file, recorded, reprise, wait_recorded};

/// Seconds that what is told may lie from the true end: what the kill cost, and a machine that is slow. A wrong clock is a day off.
const END_OFF_MAX: u64 = 60;

async fn server_with(clock: &WallClock, grace: u32) -> Server {
    let environment = clock.environment().unwrap();
    let settings: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = Server::start_with(reprise(), &settings).await.unwrap();
    add_rule(&server.api(), "clock", 60, grace).await;
    server
}

/// Waits until so many frames came.
async fn came(server: &Server, frames: usize) {
    let look = async || {
        let came: u64 = server.metric("hub_frames_total").await?;
        anyhow::ensure!(came >= u64::try_from(frames)?, "{came} of {frames} frames came");
        Ok(())
    };
    until(SOON, look).await.unwrap();
}

/// Waits until no recording is open.
async fn closed(server: &Server) {
    let look = async || {
        let open = server.open_recordings().await?;
        anyhow::ensure!(open == 0, "{open} recordings are open");
        Ok(())
    };
    until(SOON, look).await.unwrap();
}

/// The events of an asset that the receiver took, in order.
fn taken(deliveries: &[Delivery], asset: &str) -> Vec<String> {
    let of_it = deliveries.iter().filter(|d| d.answered == 200 && d.body["VideoId"] == asset);
    of_it.map(|delivery| delivery.event_type().to_owned()).collect()
}

#[tokio::test]
async fn after_a_day_off_every_recording_is_closed_at_its_true_end_and_owed_events_come_once_in_order() {
    let clock = WallClock::new().unwrap();
    let mut server = server_with(&clock, 60).await;
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), "Clock0Key").await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    let tape = Tape::from_flv(&clip).unwrap();
    let streams = ["a", "b", "c"];
    let mut publishers = Vec::new();
    for stream in streams {
        let mut publisher = Publisher::connect(&server.push_url("clock", stream)).await.unwrap();
        publisher.play(&tape, Pace::Times(2.0), tape.duration()).await.unwrap();
        publishers.push((publisher, SystemTime::now()));
    }
    came(&server, streams.len() * (tape.samples(TagKind::Video) + tape.samples(TagKind::Audio))).await;
    server.kill().await.unwrap();
    // The customer has a bad day, too.
    receiver.fail_next(4);
    clock.set("+1d").unwrap();
    server.restart().await.unwrap();

    let complete = |all: &[Delivery]| {
        all.iter().filter(|d| d.answered == 200 && d.event_type() == "VideoAnalysisComplete").count()
    };
    receiver.wait(SOON + SOON, |all| complete(all) == streams.len()).await.unwrap();
    closed(&server).await;
    // Who signs with the right time is heard again.
    clock.set("+0").unwrap();
    let source = probe_file(&clip).await;
    for (stream, (_, sent)) in streams.into_iter().zip(publishers) {
        let assets = recorded(&server, stream).await.unwrap();
        let [asset] = &assets[..] else { panic!("{stream}: {assets:#?}") };
        assert_eq!(asset.status, "Normal");
        let ended = WallTime::parse_iso8601(&asset.ended).unwrap().unix_s();
        let sent = sent.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let off = sent.abs_diff(u64::try_from(ended).unwrap());
        assert!(off <= END_OFF_MAX, "{stream}: {} is {off} s from when its last frame was sent", asset.ended);
        assert!(asset.duration >= 3.0, "{stream}: {} s are kept", asset.duration);
        for seen in probe_all([mp4(&server, asset), hls(&server, asset)]).await {
            judge::place(&source, &seen, 0, 0).unwrap();
        }
        let told = taken(&receiver.deliveries(), &asset.video_id);
        assert_eq!(told, ["AddLiveRecordVideoComplete", "VideoAnalysisComplete"], "{stream}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_a_day_and_ahead_an_hour_while_a_stream_is_recorded_moves_nothing() {
    let clock = WallClock::new().unwrap();
    let server = server_with(&clock, 2).await;
    let clip = clips::synthetic(&Recipe { seconds: 16, ..Recipe::default() }).await.unwrap();
    let tape = Tape::from_flv(&clip).unwrap();
    let mut publisher = Publisher::connect(&server.push_url("clock", "s")).await.unwrap();
    let sent = tape.clone();
    let playing = tokio::spawn(async move {
        publisher.play(&sent, Pace::Times(2.0), sent.duration()).await.unwrap();
        publisher
    });
    let all = tape.samples(TagKind::Video) + tape.samples(TagKind::Audio);
    came(&server, all / 3).await;
    clock.set("+1h").unwrap();
    came(&server, all * 2 / 3).await;
    clock.set("-1d").unwrap();
    playing.await.unwrap().unpublish().await.unwrap();
    // Its two seconds of grace are true ones.
    closed(&server).await;
    clock.set("+0").unwrap();
    let asset = &wait_recorded(&server, "s", 1).await[0];
    assert!((asset.duration - 16.0).abs() < 0.05, "{} s", asset.duration);
    let source = probe_file(&clip).await;
    for seen in [mp4(&server, asset), hls(&server, asset)] {
        let seen = probe_all([seen]).await;
        judge::covers(&source, &seen).unwrap();
    }
}
