//! Lines 10, 12 and 13 of the torture list: publishers that come back, again and again, or as somebody else.

use container::flv::TagKind;
use testkit::browser::{Player, play};
use testkit::clips::{self, Recipe};
use testkit::probe::decode_complaints;
use testkit::publisher::Publisher;
use testkit::receiver::Receiver;
use testkit::tape::{Shape, Tag, Tape};

use crate::support::{PLAY_DOMAIN, SOON, mp4, probe_all, server_recording, view, wait_recorded};

async fn tape(recipe: Recipe) -> Tape {
    Tape::from_flv(&clips::synthetic(&recipe).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_publisher_that_returns_beside_its_half_open_self_goes_on_in_the_same_recording() {
    let server = server_recording("push", 60, 1).await;
    let url = server.push_url("push", "s");
    let tape = tape(Recipe { seconds: 6, ..Recipe::default() }).await;
    let mut silent = Publisher::connect(&url).await.unwrap();
    silent.send_all(&tape).await.unwrap();
    // Its network goes when all that it sent is with the server; nobody need have read it there.
    silent.delivered().await.unwrap();
    // The old connection stands and says nothing, as one does whose network is gone.
    let mut back = Publisher::connect(&url).await.unwrap();
    back.send_all(&tape).await.unwrap();
    silent.closed().await.unwrap();
    back.unpublish().await.unwrap();
    let asset = &wait_recorded(&server, "s", 1).await[0];
    let seen = &probe_all([mp4(&server, asset)]).await[0];
    assert_eq!(seen.track("video").len(), 2 * tape.samples(TagKind::Video), "all of both");
    assert_eq!(decode_complaints(&mp4(&server, asset)).await.unwrap(), "");
}

/// What the process has: open files, threads, and resident memory in MiB.
fn process(pid: u32) -> (usize, u64, u64) {
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    (files, number("Threads:"), number("VmRSS:") / 1024)
}

#[tokio::test]
async fn two_hundred_reconnects_are_one_asset_one_event_and_bounded_files_and_memory() {
    let server = server_recording("push", 3600, 5).await;
    let receiver = Receiver::start().await.unwrap();
    let params = [("CallbackType", "HTTP"), ("CallbackURL", receiver.url()), ("EventTypeList", "ALL")];
    server.api().vod("SetMessageCallback", &params).await.unwrap();
    let url = server.push_url("push", "s");
    let shape = Shape { seconds: 1, fps: 10, gop_seconds: 1, video_kbps: 100, audio_kbps: 32 };
    let tape = Tape::synthetic(shape);
    let mut early = None;
    for turn in 0..200 {
        let mut publisher = Publisher::connect(&url).await.unwrap();
        publisher.send_all(&tape).await.unwrap();
        match turn % 3 {
            0 => publisher.unpublish().await.unwrap(),
            1 => drop(publisher),
            // Stands until the next one takes over.
            _ => {
                publisher.delivered().await.unwrap();
                drop(tokio::spawn(async move { publisher.closed().await }));
            }
        }
        if turn == 20 {
            early = Some(process(server.pid().unwrap()));
        }
    }
    let (files, threads, memory) = process(server.pid().unwrap());
    let (files_early, threads_early, memory_early) = early.unwrap();
    assert!(files <= files_early + 16, "{files} open files, {files_early} after 20 turns");
    assert!(threads <= threads_early + 16, "{threads} threads, {threads_early} after 20 turns");
    assert!(memory <= memory_early + 64, "{memory} MiB, {memory_early} after 20 turns");

    let asset = &wait_recorded(&server, "s", 1).await[0];
    let seen = &probe_all([mp4(&server, asset)]).await[0];
    // A push whose connection is torn down may lose what was not read yet; the others lose nothing.
    let (pictures, each) = (seen.track("video").len(), tape.samples(TagKind::Video));
    assert!((133 * each..=200 * each).contains(&pictures), "{pictures} pictures");
    let told = |event: &str| receiver.deliveries_of(event);
    assert!(receiver.wait_count("VideoAnalysisComplete", 1, SOON).await);
    assert_eq!((told("AddLiveRecordVideoComplete"), receiver.deliveries().len()), (1, 2));
    let reels = std::fs::read_dir(server.data().join("media/reels")).unwrap().flatten();
    let files: usize = reels.map(|reel| std::fs::read_dir(reel.path()).unwrap().count()).sum();
    // Each push begins a segment; the rest describes the reel.
    assert!(files <= 200 + 8, "{files} files");
}

#[tokio::test]
async fn a_push_that_returns_with_another_size_rate_and_profile_goes_on_in_one_asset_that_plays() {
    let server = server_recording("push", 60, 2).await;
    let url = server.push_url("push", "s");
    let first = Recipe { seconds: 4, ..Recipe::default() };
    let tapes = [
        tape(first.clone()).await,
        tape(Recipe { size: "640x360", ..first.clone() }).await,
        tape(Recipe { size: "640x360", rate: "50", ..first.clone() }).await,
        // Without B-frames it is another profile.
        tape(Recipe { b_frames: 0, ..first }).await,
    ];
    for tape in &tapes {
        let mut publisher = Publisher::connect(&url).await.unwrap();
        publisher.send_all(tape).await.unwrap();
        publisher.unpublish().await.unwrap();
    }
    let asset = &wait_recorded(&server, "s", 1).await[0];
    let pictures: usize = tapes.iter().map(|tape| tape.samples(TagKind::Video)).sum();
    for player in Player::ALL {
        let url = view(&server, asset, player);
        let seen = &probe_all([url.clone()]).await[0];
        assert_eq!(seen.track("video").len(), pictures, "{url}");
        assert!((seen.duration - 16.0).abs() < 0.1, "{url}: {} s", seen.duration);
        let complaints = decode_complaints(&url).await.unwrap();
        // FFmpeg's null output counts in the first part's frames and minds when there are more a second later.
        assert!(
            complaints.lines().all(|line| line.contains("dts to muxer") || line.contains("repeated")),
            "{complaints}"
        );
        let seen = play(player, &url, None).await.unwrap();
        assert!(seen.errors.is_empty() && seen.ended && seen.stalls.is_empty(), "{url}: {seen:?}");
        assert_eq!(seen.frames, u64::try_from(pictures).unwrap(), "{url}: {seen:?}");
    }
}

#[tokio::test]
async fn sound_whose_sampling_rate_changes_inside_a_push_is_kept_to_the_frame() {
    let server = server_recording("push", 60, 2).await;
    let first = tape(Recipe { seconds: 10, ..Recipe::default() }).await;
    let second = tape(Recipe { seconds: 10, sample_rate: 44_100, ..Recipe::default() }).await;
    // Between two key frames, which come every 2 s.
    let changes_ms = 4_700;
    let is_sound = |tag: &Tag| tag.kind == TagKind::Audio;
    let mut tags: Vec<Tag> =
        first.tags.iter().filter(|tag| !is_sound(tag) || tag.at_ms < changes_ms).cloned().collect();
    let later = second.tags.iter().filter(|tag| is_sound(tag) && (tag.is_header() || tag.at_ms >= changes_ms));
    tags.extend(later.map(|tag| Tag::new(tag.at_ms.max(changes_ms), tag.kind, tag.body.clone())));
    tags.sort_by_key(|tag| tag.at_ms);
    let sounds = |tape: &Tape, before: bool| {
        let counted = |tag: &&Tag| is_sound(tag) && !tag.is_header() && (tag.at_ms < changes_ms) == before;
        tape.tags.iter().filter(counted).count()
    };
    let mut publisher = Publisher::connect(&server.push_url("push", "s")).await.unwrap();
    publisher.send_all(&Tape { tags: tags.into(), duration_ms: first.duration_ms }).await.unwrap();
    publisher.unpublish().await.unwrap();

    let asset = &wait_recorded(&server, "s", 1).await[0];
    let seen = &probe_all([mp4(&server, asset)]).await[0];
    // Sound of each rate is a track of its own.
    let kept = |rate: &str| {
        let track = seen.streams.iter().find(|stream| stream.sample_rate == rate).map(|stream| stream.index);
        seen.packets.iter().filter(|packet| Some(packet.stream) == track).count()
    };
    assert_eq!(kept("48000"), sounds(&first, true), "before the change");
    // The clocks of the two encoders may lie a frame over each other.
    let after = sounds(&second, false);
    assert!((after - 1..=after).contains(&kept("44100")), "{} of {after} after the change", kept("44100"));
    assert_eq!(seen.track("video").len(), first.samples(TagKind::Video));
    assert_eq!(decode_complaints(&mp4(&server, asset)).await.unwrap(), "");
    let seen = play(Player::Hls, &view(&server, asset, Player::Hls), None).await.unwrap();
    assert!(seen.errors.is_empty() && seen.ended && seen.stalls.is_empty(), "{seen:?}");
}

#[tokio::test]
async fn a_publisher_without_a_key_frame_leaves_no_asset_and_the_next_one_is_recorded() {
    let server = server_recording("push", 60, 1).await;
    let url = server.push_url("push", "s");
    let tape = tape(Recipe { seconds: 6, sample_rate: 0, ..Recipe::default() }).await;
    let keyless = tape.edited(|tag| (tag.is_header() || tag.body[0] >> 4 != 1).then_some(tag.at_ms));
    let mut publisher = Publisher::connect(&url).await.unwrap();
    publisher.send_all(&keyless).await.unwrap();
    publisher.unpublish().await.unwrap();
    let mut publisher = Publisher::connect(&url).await.unwrap();
    publisher.send_all(&tape).await.unwrap();
    publisher.unpublish().await.unwrap();
    let asset = &wait_recorded(&server, "s", 1).await[0];
    assert!((asset.duration - 6.0).abs() < 0.05, "only the second: {} s", asset.duration);
    let params = [("DomainName", PLAY_DOMAIN)];
    let online = server.api().live("DescribeLiveStreamsOnlineList", &params).await.unwrap();
    assert_eq!(online["TotalNum"], 0, "{online}");
}
