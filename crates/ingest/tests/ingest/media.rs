//! What is sent is what the hub gets.

use std::time::Duration;

use bytes::Bytes;
use container::flv::TagKind;
use hub::PushEnd;
use testkit::clips::{Recipe, synthetic};
use testkit::ffmpeg::{self, Pace};
use testkit::probe::probe;
use testkit::tape::{Shape, Tag, Tape};

use crate::world::{World, read_all};

#[tokio::test]
async fn ffmpeg_pushes_and_every_frame_reaches_the_hub() {
    let clip = synthetic(&Recipe { seconds: 4, ..Recipe::default() }).await.unwrap();
    let truth = probe(clip.to_str().unwrap()).await.unwrap();
    let mut world = World::start().await;
    let pushing = tokio::spawn({
        let url = world.url("cup/court1");
        async move { ffmpeg::push(&clip, &url, Pace::Times(4.0)).await }
    });
    let mut push = world.next_push().await;
    let read = read_all(&mut push).await;
    pushing.await.unwrap().unwrap();
    assert_eq!(push.info.path.to_string(), "play.localhost/cup/court1");
    assert_eq!((read.video.len(), read.audio.len()), (truth.track("video").len(), truth.track("audio").len()));
    assert_eq!((read.configs, read.keys, read.end), (2, 2, Some(PushEnd::Unpublished)));
    let row = world.ended_row(push.info.push).await;
    assert_eq!((row.stats.width, row.stats.height), (320, 180));
    assert_eq!((row.stats.video_codec.as_str(), row.stats.audio_codec.as_str()), ("h264", "aac"));
    assert_eq!(row.end_reason.as_deref(), Some("unpublished"));
    world.stop().await;
}

#[tokio::test]
async fn sixty_four_bits_of_time_come_out_where_thirty_two_wrapped() {
    let mut world = World::start().await;
    let tape = Tape::synthetic(Shape { seconds: 4, ..Shape::default() });
    let mut publisher = world.publish("cup/long").await;
    publisher.offset_ms = u32::MAX - 2_000;
    publisher.play(&tape, Pace::Fast, Duration::from_secs(4)).await.unwrap();
    publisher.unpublish().await.unwrap();
    let read = read_all(&mut world.next_push().await).await;
    assert_eq!((read.video.len(), read.audio.len()), (120, 187));
    assert!(read.video.is_sorted() && read.audio.is_sorted());
    assert_eq!(read.video.last().unwrap() - read.video[0], 119 * 1000 / 30);
    world.stop().await;
}

#[tokio::test]
async fn unsupported_codecs_are_refused_by_name_and_the_reason_is_kept() {
    let mut world = World::start().await;
    for (kind, body, name) in [
        (TagKind::Video, &b"\x90hvc1\x01"[..], "HEVC (Enhanced RTMP)"),
        (TagKind::Video, b"\x90av01\x81", "AV1 (Enhanced RTMP)"),
        (TagKind::Video, b"\x12\x00\x00", "Sorenson H.263"),
        (TagKind::Audio, b"\x7f\xd5", "G.711 A-law"),
        (TagKind::Audio, b"\x90OpusOpusHead", "Opus (Enhanced RTMP)"),
        (TagKind::Audio, b"\x2f\xff\xfb", "MP3"),
    ] {
        let mut publisher = world.publish("cup/odd").await;
        publisher.send(&Tag::new(0, kind, Bytes::from_static(body))).await.unwrap();
        let told = publisher.told().await.unwrap();
        assert!(told.contains(name), "{told}");
        let mut push = world.next_push().await;
        match read_all(&mut push).await.end {
            Some(PushEnd::Refused { reason }) => assert!(reason.contains(name), "{reason}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(world.ended_row(push.info.push).await.end_reason.as_deref(), Some("refused"));
    }
    world.stop().await;
}

#[tokio::test]
async fn ffmpeg_is_told_why_its_codec_is_refused() {
    let world = World::start().await;
    let output = tokio::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "sine=sample_rate=44100"])
        .args(["-t", "20", "-c:a", "libmp3lame", "-f", "flv", &world.url("cup/mp3")])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("MP3 audio is not supported"), "{said}");
    world.stop().await;
}
