use std::time::Duration;

use bytes::Bytes;
use codec::{Sample, TrackKind};
use tokio::time::timeout;

use super::*;

/// Long enough for a future that can finish, short enough for one that must not.
const A_MOMENT: Duration = Duration::from_millis(50);
/// Long enough on any machine.
const GENEROUS: Duration = Duration::from_secs(30);

fn info(push: u128, stream: &str) -> PushInfo {
    let path = StreamPath::new("play.localhost", "cup", stream).unwrap();
    let started = WallTime::from_unix_ms(0);
    PushInfo { push: PushId::from_u128(push), path, started, params: String::new() }
}

fn batch(dts: i64, bytes: usize) -> Arc<Batch> {
    let data = Bytes::from(vec![0; bytes]);
    let sample = Sample { track: TrackKind::Audio, dts, cto: 0, sync: true, data };
    Arc::new(Batch { arrived: WallTime::from_unix_ms(dts), frames: vec![Frame::Sample(sample)] })
}

fn small() -> HubLimits {
    HubLimits { queue_batches: 2, queue_bytes: 100, queues_bytes: 1_000, inbox_pushes: 4, patience: PATIENCE }
}

#[tokio::test]
async fn every_batch_arrives_in_order_and_then_the_end() {
    let (hub, mut pushes) = Hub::new(small());
    let mut publisher = hub.publish(info(1, "a")).unwrap();
    let NewPush { info, mut frames } = pushes.next().await.unwrap();
    assert_eq!(hub.live(), vec![info]);
    let reader = tokio::spawn(async move {
        let mut seen = Vec::new();
        while let Some(batch) = frames.next().await {
            seen.push(batch.arrived.unix_ms);
        }
        (seen, frames.end())
    });
    for dts in 0..100 {
        publisher.send(batch(dts, 60)).await.unwrap();
    }
    publisher.end(PushEnd::Unpublished);
    assert!(hub.live().is_empty());
    assert_eq!(reader.await.unwrap(), ((0..100).collect(), Some(PushEnd::Unpublished)));
}

#[tokio::test]
async fn a_full_queue_makes_the_publisher_wait_and_loses_nothing() {
    for (batches, bytes) in [(2, 1), (1, 100)] {
        let (hub, mut pushes) = Hub::new(small());
        let mut publisher = hub.publish(info(1, "a")).unwrap();
        let mut frames = pushes.next().await.unwrap().frames;
        for dts in 0..batches {
            publisher.send(batch(dts, bytes)).await.unwrap();
        }
        assert_eq!(hub.queued_bytes(), usize::try_from(batches).unwrap() * bytes);
        assert!(timeout(A_MOMENT, publisher.send(batch(batches, bytes))).await.is_err());
        assert_eq!(frames.next().await.unwrap().arrived.unix_ms, 0);
        publisher.send(batch(batches, bytes)).await.unwrap();
    }
}

#[tokio::test]
async fn a_batch_larger_than_the_bound_passes_alone() {
    let (hub, mut pushes) = Hub::new(small());
    let mut publisher = hub.publish(info(1, "a")).unwrap();
    let mut frames = pushes.next().await.unwrap().frames;
    publisher.send(batch(0, 10_000)).await.unwrap();
    assert!(timeout(A_MOMENT, publisher.send(batch(1, 1))).await.is_err());
    assert_eq!(frames.next().await.unwrap().payload_bytes(), 10_000);
    publisher.send(batch(1, 1)).await.unwrap();
}

#[tokio::test]
async fn the_newer_push_takes_over_and_what_the_older_had_received_is_still_read() {
    let (hub, mut pushes) = Hub::new(small());
    let mut older = hub.publish(info(1, "a")).unwrap();
    let mut older_frames = pushes.next().await.unwrap().frames;
    older.send(batch(0, 1)).await.unwrap();
    assert!(timeout(A_MOMENT, older.superseded()).await.is_err());

    let mut newer = hub.publish(info(2, "a")).unwrap();
    older.superseded().await;
    assert_eq!(older_frames.end(), Some(PushEnd::Superseded));
    older.send(batch(1, 1)).await.unwrap();
    older.end(PushEnd::Lost);
    assert_eq!(older_frames.next().await.unwrap().arrived.unix_ms, 0);
    assert_eq!(older_frames.next().await.unwrap().arrived.unix_ms, 1);
    assert!(older_frames.next().await.is_none());
    assert_eq!(older_frames.end(), Some(PushEnd::Superseded), "the first cause stands");

    assert_eq!(hub.live(), vec![newer.info().clone()]);
    newer.send(batch(2, 1)).await.unwrap();
    assert_eq!(pushes.next().await.unwrap().info.push, PushId::from_u128(2));
}

#[tokio::test]
async fn a_superseded_push_that_says_nothing_or_finds_no_room_is_not_waited_for_long() {
    let (hub, mut pushes) = Hub::new(small());
    let mut older = hub.publish(info(1, "a")).unwrap();
    let mut older_frames = pushes.next().await.unwrap().frames;
    older.send(batch(0, 100)).await.unwrap();
    let waiting = tokio::spawn(async move {
        let sent = older.send(batch(1, 100)).await;
        (older, sent)
    });
    let _newer = hub.publish(info(2, "a")).unwrap();
    // The task of the older one stands somewhere and neither ends nor goes.
    let (mut older, sent) = timeout(GENEROUS, waiting).await.unwrap().unwrap();
    assert_eq!(sent, Err(Superseded));
    assert!(older_frames.next().await.is_some());
    assert!(timeout(GENEROUS, older_frames.next()).await.unwrap().is_none());
    assert_eq!(older.send(batch(2, 1)).await, Err(Superseded));
}

#[tokio::test]
async fn a_reader_that_waits_for_a_superseded_push_hears_of_the_end_by_itself() {
    let (hub, mut pushes) = Hub::new(small());
    let _older = hub.publish(info(1, "a")).unwrap();
    let mut older_frames = pushes.next().await.unwrap().frames;
    let reader = tokio::spawn(async move { older_frames.next().await });
    let _newer = hub.publish(info(2, "a")).unwrap();
    assert_eq!(timeout(GENEROUS, reader).await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn a_dropped_publisher_is_a_lost_push() {
    let (hub, mut pushes) = Hub::new(small());
    let publisher = hub.publish(info(1, "a")).unwrap();
    let mut frames = pushes.next().await.unwrap().frames;
    assert_eq!(frames.end(), None);
    drop(publisher);
    assert!(frames.next().await.is_none());
    assert_eq!(frames.end(), Some(PushEnd::Lost));
    assert!(hub.live().is_empty());
}

#[tokio::test]
async fn a_push_that_nobody_reads_goes_on() {
    let (hub, mut pushes) = Hub::new(small());
    let mut publisher = hub.publish(info(1, "a")).unwrap();
    drop(pushes.next().await);
    for dts in 0..100 {
        publisher.send(batch(dts, 100)).await.unwrap();
    }
    assert_eq!(hub.queued_bytes(), 0);
    assert_eq!(hub.live().len(), 1);
}

#[tokio::test]
async fn a_recorder_that_stands_still_refuses_new_pushes_and_keeps_the_old() {
    let (hub, pushes) = Hub::new(HubLimits { inbox_pushes: 1, ..small() });
    let first = hub.publish(info(1, "a")).unwrap();
    assert_eq!(hub.publish(info(2, "a")).err(), Some(PublishError::Busy));
    assert!(timeout(A_MOMENT, first.superseded()).await.is_err());
    assert_eq!(hub.live(), vec![first.info().clone()]);
    drop(pushes);
    assert_eq!(hub.publish(info(3, "b")).err(), Some(PublishError::Closed));
}

#[tokio::test]
async fn all_queues_together_are_bounded_and_each_push_still_gets_on() {
    let (hub, mut pushes) = Hub::new(HubLimits { queues_bytes: 100, ..small() });
    let mut one = hub.publish(info(1, "a")).unwrap();
    let mut two = hub.publish(info(2, "b")).unwrap();
    let mut first = pushes.next().await.unwrap().frames;
    let second = pushes.next().await.unwrap().frames;
    one.send(batch(0, 60)).await.unwrap();
    // The second has nothing waiting yet, so it is let in; then there is no room for anyone.
    two.send(batch(0, 60)).await.unwrap();
    assert!(timeout(A_MOMENT, one.send(batch(1, 10))).await.is_err());
    first.next().await.unwrap();
    one.send(batch(1, 10)).await.unwrap();
    // What nobody will read is not counted for ever.
    drop(second);
    first.next().await.unwrap();
    assert_eq!(hub.queued_bytes(), 0);
}

fn picture(number: i64, sync: bool) -> Frame {
    let data = Bytes::from(vec![0; 10]);
    Frame::Sample(Sample { track: TrackKind::Video, dts: number, cto: 0, sync, data })
}

/// Five pictures, a batch each, from `number` on: the first of every five is a key frame.
fn pictures(number: i64) -> Arc<Batch> {
    let sync = number.rem_euclid(5) == 0;
    Arc::new(Batch { arrived: WallTime::from_unix_ms(number), frames: vec![picture(number, sync)] })
}

fn numbers(batch: &Batch) -> Vec<i64> {
    let dts = |frame: &Frame| match frame {
        Frame::Sample(sample) => Some(sample.dts),
        Frame::Config(_) => None,
    };
    batch.frames.iter().filter_map(dts).collect()
}

#[tokio::test]
async fn a_publisher_kept_waiting_too_long_goes_on_and_its_reader_gets_on_with_a_key_frame_and_is_told() {
    let (hub, mut pushes) = Hub::new(HubLimits { patience: A_MOMENT, ..small() });
    let mut publisher = hub.publish(info(1, "a")).unwrap();
    let mut frames = pushes.next().await.unwrap().frames;
    // Two find room; the reader stands still, and all that follow are taken from the publisher all the same.
    for number in 0..12 {
        timeout(GENEROUS, publisher.send(pictures(number))).await.unwrap().unwrap();
    }
    assert_eq!(hub.queued_bytes(), 20, "what waits is bounded");
    for number in 0..2 {
        assert_eq!(numbers(&frames.next().await.unwrap()), [number]);
        assert_eq!(frames.take_shed(), None);
    }
    // There is room, but a decoder can only begin with a key frame.
    for number in 12..17 {
        publisher.send(pictures(number)).await.unwrap();
    }
    assert_eq!(numbers(&frames.next().await.unwrap()), [15]);
    let at = WallTime::from_unix_ms;
    assert_eq!(frames.take_shed(), Some(Shed { frames: 13, from: at(2), to: at(15) }));
    assert_eq!(numbers(&frames.next().await.unwrap()), [16]);
    assert_eq!(frames.take_shed(), None, "told once");
}

#[tokio::test]
async fn parameters_are_never_dropped_and_a_loss_at_the_end_is_told_at_the_end() {
    let (hub, mut pushes) = Hub::new(HubLimits { patience: A_MOMENT, ..small() });
    let mut publisher = hub.publish(info(1, "a")).unwrap();
    let mut frames = pushes.next().await.unwrap().frames;
    let parameters = |profile: u8| {
        let record = Bytes::copy_from_slice(&[profile]);
        let (codec, scale) = (codec::AudioCodec::Aac, units::Timescale::MILLIS);
        let audio = codec::AudioConfig { codec, sample_rate: 48_000, channels: 2, frame_samples: 1_024, record, scale };
        Frame::Config(codec::TrackConfig::Audio(audio))
    };
    for number in 0..4 {
        publisher.send(pictures(number)).await.unwrap();
    }
    let news = Arc::new(Batch { arrived: WallTime::default(), frames: vec![parameters(7), picture(4, false)] });
    publisher.send(news).await.unwrap();
    for _ in 0..2 {
        frames.next().await.unwrap();
    }
    publisher.send(pictures(5)).await.unwrap();
    let batch = frames.next().await.unwrap();
    assert_eq!(batch.frames, [parameters(7), picture(5, true)]);
    assert_eq!(frames.take_shed().map(|shed| shed.frames), Some(3));

    for number in 6..10 {
        publisher.send(pictures(number)).await.unwrap();
    }
    publisher.end(PushEnd::Unpublished);
    for number in 6..8 {
        assert_eq!(numbers(&frames.next().await.unwrap()), [number]);
    }
    assert!(frames.next().await.is_none());
    assert_eq!(frames.take_shed().map(|shed| shed.frames), Some(2));
}

#[tokio::test]
async fn a_push_without_pictures_gets_on_with_any_frame() {
    let (hub, mut pushes) = Hub::new(HubLimits { patience: A_MOMENT, ..small() });
    let mut publisher = hub.publish(info(1, "a")).unwrap();
    let mut frames = pushes.next().await.unwrap().frames;
    for dts in 0..4 {
        publisher.send(batch(dts, 1)).await.unwrap();
    }
    for _ in 0..2 {
        frames.next().await.unwrap();
    }
    publisher.send(batch(4, 1)).await.unwrap();
    assert_eq!(numbers(&frames.next().await.unwrap()), [4]);
    assert_eq!(frames.take_shed().map(|shed| shed.frames), Some(2));
}

#[tokio::test]
async fn short_waits_wear_patience_out_only_when_they_follow_each_other() {
    let mut patience = Patience::new(Duration::from_secs(2_000));
    for _ in 0..3 {
        let left = patience.left();
        patience.waited(left, Pushed::After(Duration::from_secs(600)));
    }
    assert!(patience.left() < Duration::from_secs(400), "{:?}", patience.left());
    let left = patience.left();
    patience.waited(left, Pushed::After(Duration::from_secs(6_000)));
    assert!(patience.left() < Duration::from_secs(100));
    patience.restart();
    assert_eq!(patience.left(), Duration::from_secs(2_000));
}
