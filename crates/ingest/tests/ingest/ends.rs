//! How pushes end, and that one's end is not another's.

use std::time::Duration;

use hub::PushEnd;
use testkit::ffmpeg::Pace;
use testkit::tape::{Shape, Tape};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use units::WallTime;

use crate::world::{PATIENCE, World, read_all};

const SECOND: Duration = Duration::from_secs(1);

fn tape() -> Tape {
    Tape::synthetic(Shape { seconds: 1, ..Shape::default() })
}

#[tokio::test]
async fn a_reset_loses_the_push_and_nothing_that_had_arrived() {
    let mut world = World::start().await;
    let mut publisher = world.publish("cup/a").await;
    publisher.play(&tape(), Pace::Times(2.0), SECOND).await.unwrap();
    let mut push = world.next_push().await;
    // All must have arrived: a reset throws away what is still under way.
    let mut pictures = 0;
    while pictures < 30 {
        let batch = timeout(PATIENCE, push.frames.next()).await.unwrap().unwrap();
        let is_picture = |frame: &&codec::Frame| matches!(frame, codec::Frame::Sample(sample) if sample.track == codec::TrackKind::Video);
        pictures += batch.frames.iter().filter(is_picture).count();
    }
    publisher.reset().unwrap();
    assert_eq!(read_all(&mut push).await.end, Some(PushEnd::Lost));
    assert_eq!(world.ended_row(push.info.push).await.end_reason.as_deref(), Some("lost"));
    assert!(world.hub.live().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a_half_open_push_is_given_up_after_the_idle_time() {
    let mut world = World::start_with(World::impatient()).await;
    let mut publisher = world.publish("cup/a").await;
    publisher.play(&tape(), Pace::Fast, SECOND).await.unwrap();
    let read = read_all(&mut world.next_push().await).await;
    assert_eq!((read.video.len(), read.end), (30, Some(PushEnd::Lost)));
    publisher.closed().await.unwrap();
    world.stop().await;
}

#[tokio::test]
async fn a_publisher_that_returns_takes_over_from_its_half_open_self_at_once() {
    let mut world = World::start().await;
    let mut before = world.publish("cup/a").await;
    before.play(&tape(), Pace::Fast, SECOND).await.unwrap();
    let begun = Instant::now();
    // All of it is with the server, much of it unread: that comes before the newer one's.
    before.delivered().await.unwrap();
    let mut after = world.publish("cup/a").await;
    after.play(&tape(), Pace::Fast, SECOND).await.unwrap();
    let (mut first, mut second) = (world.next_push().await, world.next_push().await);
    let read = read_all(&mut first).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!((read.video.len(), read.audio.len(), read.end), (30, 46, Some(PushEnd::Superseded)));
    assert!(before.told().await.unwrap().contains("taken over"));
    after.unpublish().await.unwrap();
    let read = read_all(&mut second).await;
    assert_eq!((read.video.len(), read.end), (30, Some(PushEnd::Unpublished)));
    assert_eq!(world.ended_row(first.info.push).await.end_reason.as_deref(), Some("superseded"));
    world.stop().await;
}

#[tokio::test]
async fn garbage_ends_its_own_push_and_no_other() {
    let mut world = World::start().await;
    let mut good = world.publish("cup/good").await;
    let mut good_push = world.next_push().await;
    for round in 0u8..8 {
        let mut bad = world.publish("cup/bad").await;
        bad.play(&tape(), Pace::Fast, SECOND / 4).await.unwrap();
        let noise: Vec<u8> = (0..4096u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ round).collect();
        // The server may close in the middle of it.
        let _ = bad.send_raw(&noise).await;
        drop(bad);
        let end = read_all(&mut world.next_push().await).await.end;
        assert!(matches!(end, Some(PushEnd::Refused { .. } | PushEnd::Lost)), "{end:?}");
    }
    good.play(&tape(), Pace::Fast, SECOND).await.unwrap();
    good.unpublish().await.unwrap();
    let read = read_all(&mut good_push).await;
    assert_eq!((read.video.len(), read.audio.len(), read.end), (30, 46, Some(PushEnd::Unpublished)));
    world.stop().await;
}

#[tokio::test]
async fn strangers_that_are_slow_silent_or_not_rtmp_are_dropped_and_hurt_nobody() {
    let mut world = World::start_with(World::impatient()).await;
    let begun = Instant::now();
    let mut strangers = Vec::new();
    for first in [&b""[..], b"\x03", b"GET / HTTP/1.1\r\n\r\n", &[3; 1000]] {
        for _ in 0..20 {
            let mut stranger = TcpStream::connect(world.address).await.unwrap();
            stranger.write_all(first).await.unwrap();
            strangers.push(stranger);
        }
    }
    let mut publisher = world.publish("cup/a").await;
    publisher.play(&tape(), Pace::Fast, SECOND).await.unwrap();
    publisher.unpublish().await.unwrap();
    assert_eq!(read_all(&mut world.next_push().await).await.video.len(), 30);
    for mut stranger in strangers {
        let mut rest = [0; 16];
        let read = timeout(PATIENCE, stranger.read(&mut rest)).await.expect("a stranger is dropped");
        assert!(matches!(read, Ok(0) | Err(_)));
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    world.stop().await;
}

#[tokio::test]
async fn an_operator_cuts_a_push() {
    let mut world = World::start().await;
    let mut publisher = world.publish("cup/a").await;
    publisher.play(&tape(), Pace::Fast, SECOND).await.unwrap();
    let mut push = world.next_push().await;
    assert_eq!(world.catalog.request_cut(&push.info.path).await.unwrap(), 1);
    let read = read_all(&mut push).await;
    assert_eq!((read.video.len(), read.end), (30, Some(PushEnd::Cut)));
    assert!(publisher.told().await.unwrap().contains("cut by an operator"));
    assert_eq!(world.ended_row(push.info.push).await.end_reason.as_deref(), Some("cut"));
    world.stop().await;
}

#[tokio::test]
async fn a_shutdown_ends_pushes_and_keeps_what_they_had_sent() {
    let mut world = World::start().await;
    let mut publisher = world.publish("cup/a").await;
    // So little that it is in the server's receive buffer when `play` returns.
    let light = Tape::synthetic(Shape { seconds: 1, video_kbps: 50, audio_kbps: 0, ..Shape::default() });
    publisher.play(&light, Pace::Fast, SECOND).await.unwrap();
    let mut push = world.next_push().await;
    let catalog = world.catalog.clone();
    let reading = tokio::spawn(async move { (read_all(&mut push).await, push.info.push) });
    world.stop().await;
    let (read, id) = reading.await.unwrap();
    assert_eq!((read.video.len(), read.end), (30, Some(PushEnd::Shutdown)));
    // The world's folder is gone, its catalog still open: the row was ended before `serve` returned.
    assert_eq!(catalog.push(id).await.unwrap().unwrap().end_reason.as_deref(), Some("shutdown"));
}

#[tokio::test]
async fn a_stream_without_a_reader_goes_on() {
    let mut world = World::start().await;
    let mut publisher = world.publish("cup/a").await;
    drop(world.next_push().await.frames);
    let played = publisher.play(&tape(), Pace::Fast, SECOND * 20).await.unwrap();
    assert_eq!(played.video, 600);
    let push = world.hub.live()[0].push;
    publisher.unpublish().await.unwrap();
    let row = world.ended_row(push).await;
    assert!(row.ended.unwrap() >= WallTime::from_unix_ms(row.info.began.unix_ms));
    world.stop().await;
}
