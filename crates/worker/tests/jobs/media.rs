//! Analysis and freeing, on a reel that was made up: a real index, segments that are only as long as it says.

use crate::support::{Running, at, recorded, recorded_to_compose, until};
use blobs::Blobs;
use bytes::Bytes;
use catalog::*;
use codec::{AudioCodec, AudioConfig, TrackKind, VideoCodec, VideoConfig};
use container::SampleRow;
use domain::event::Event;
use reel::{
    Epoch, Fragment, Join, PageRef, ReelIndex, SamplePage, SegmentRow, checksum, encode_epoch, encode_row,
    reel_description_key, reel_key, samples_index_key, segment_key, segments_index_key,
};
use units::{AssetId, ReelId, Timescale, WallTime};

/// Segments of 2 s: 50 pictures of 1000 bytes with B-frames, 93 or 94 frames of sound of 200 bytes.
const SEGMENT: i64 = 180_000;
const ORIGIN: i64 = 90_000;

fn epoch() -> Epoch {
    // High, level 4.0, made by x264.
    let avc = [
        0x01, 0x64, 0x00, 0x28, 0xff, 0xe1, 0x00, 0x19, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27,
        0xe5, 0xc0, 0x44, 0x00, 0x00, 0x0f, 0xa4, 0x00, 0x03, 0xa9, 0x80, 0x3c, 0x60, 0xc6, 0x58, 0x01, 0x00, 0x04,
        0x68, 0xef, 0x8f, 0xcb, 0xfd, 0xf8, 0xf8, 0x00,
    ];
    let video = VideoConfig {
        codec: VideoCodec::H264,
        record: Bytes::copy_from_slice(&avc),
        width: 1280,
        height: 720,
        scale: Timescale::MILLIS,
    };
    let audio = AudioConfig {
        codec: AudioCodec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
        sample_rate: 48_000,
        channels: 2,
        frame_samples: 1024,
        scale: Timescale::MILLIS,
    };
    Epoch { number: 0, video: Some(video), audio: Some(audio) }
}

pub async fn store(blobs: &Blobs, reel: ReelId, segments: u32) {
    let (mut rows, mut pages) = (encode_epoch(&epoch()), Vec::new());
    let mut sound = ORIGIN * 48 / 90;
    for number in 0..segments {
        let begin = ORIGIN + i64::from(number) * SEGMENT;
        let picture = |n: i64| SampleRow {
            duration: 3_600,
            size: 1_000,
            cto: if n % 2 == 0 { 7_200 } else { 3_600 },
            sync: n == 0,
        };
        let frames = ((begin + SEGMENT) * 48 / 90 - sound) / 1_024;
        let sample = SampleRow { duration: 1_024, size: 200, cto: 0, sync: true };
        let mut fragments = vec![
            Fragment { track: TrackKind::Video, at: 0, dts: begin - 7_200, samples: (0..50).map(picture).collect() },
            Fragment {
                track: TrackKind::Audio,
                at: 0,
                dts: sound,
                samples: vec![sample; usize::try_from(frames).unwrap()],
            },
        ];
        sound += frames * 1_024;
        let mut at = 1_000;
        for fragment in &mut fragments {
            fragment.at = at;
            at += fragment.bytes();
        }
        let page = SamplePage { fragments };
        let encoded = page.encode();
        let row = SegmentRow {
            number,
            cycle: 0,
            epoch: 0,
            bytes: at,
            wall: WallTime::from_unix_s(1_772_359_200 + i64::from(number) * 2),
            join: match number {
                0 => Join::Start,
                2 => Join::Resumed { gap_ms: 1_500 },
                _ => Join::Continuous,
            },
            begin,
            end: begin + SEGMENT,
            video: page.track_span(TrackKind::Video),
            audio: page.track_span(TrackKind::Audio),
            page: PageRef {
                at: u64::try_from(pages.len()).unwrap(),
                len: u32::try_from(encoded.len()).unwrap(),
                crc: checksum(&encoded),
            },
        };
        rows.extend(encode_row(&row));
        pages.extend(encoded);
        let media = Bytes::from(vec![0; usize::try_from(at).unwrap()]);
        blobs.put(&segment_key(reel, number), media).await.unwrap();
    }
    blobs.put(&segments_index_key(reel), rows.into()).await.unwrap();
    blobs.put(&samples_index_key(reel), pages.into()).await.unwrap();
    blobs.put(&reel_description_key(reel), Bytes::from_static(b"{}")).await.unwrap();
}

async fn left(blobs: &Blobs, reel: ReelId) -> Vec<String> {
    let listed = blobs.list(&reel_key(reel)).await.unwrap();
    let names = listed.iter().map(|object| object.key.rsplit_once('/').unwrap().1.to_owned());
    // The description of the recording's rows stays as long as they do.
    names.filter(|name| name != "recording.json").collect()
}

pub fn cycle(first: i64, last: i64) -> (i64, i64) {
    (ORIGIN + first * SEGMENT, ORIGIN + last * SEGMENT)
}

async fn delete(catalog: &Catalog, asset: AssetId) {
    assert!(catalog.delete_asset(asset, std::time::Duration::ZERO, at(99)).await.unwrap());
}

#[tokio::test]
async fn a_sealed_cycle_is_measured_from_its_index_and_told() {
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    // Sealed before its index is there: the analysis is tried again until it is.
    let (recording, assets) = recorded(catalog, "court1", &[cycle(0, 3), cycle(3, 5)]).await;
    store(&running.blobs, recording.reel, 5).await;
    for asset in &assets {
        until("analysed", async || catalog.asset(*asset).await.unwrap().unwrap().analysed.is_some()).await;
    }
    let asset = catalog.asset(assets[0]).await.unwrap().unwrap();
    assert_eq!((asset.duration_ticks, asset.width, asset.height, asset.fps), (3 * SEGMENT, 1280, 720, 25.0));
    let media = MediaFacts::Video { width: 1280, height: 720, fps: 25.0, level: 40, b_frames: true };
    let video = &asset.tracks[0];
    assert_eq!(
        (video.codec.as_str(), video.profile.as_str(), video.frames, &video.media),
        ("h264", "High", 150, &media)
    );
    let sound = &asset.tracks[1];
    assert_eq!((sound.codec.as_str(), sound.profile.as_str(), sound.timescale), ("aac", "LC", 48_000));
    assert_eq!(sound.media, MediaFacts::Audio { sample_rate: 48_000, channels: 2 });
    assert_eq!((video.bitrate_kbps, sound.bitrate_kbps), (200, 75));

    // The size is that of the MP4 that would be served.
    let index = ReelIndex::read(&running.blobs.get(&segments_index_key(recording.reel)).await.unwrap()).0;
    let pages = running.blobs.get(&samples_index_key(recording.reel)).await.unwrap();
    let (from, to) = cycle(0, 3);
    let span = reel::Span { reel: recording.reel, from, to };
    let timeline = view::Timeline::new(&[view::SpanView::new(span, &index)], view::Growth::Whole).unwrap();
    let mut builder = view::Mp4Builder::new(&timeline);
    for (position, file) in timeline.files().enumerate() {
        let page = file.page;
        let bytes = &pages[usize::try_from(page.at).unwrap()..][..usize::try_from(page.len).unwrap()];
        builder.push(position, &SamplePage::decode(bytes, page.crc).unwrap()).unwrap();
    }
    assert_eq!(asset.size_bytes, builder.finish().unwrap().size());
    assert_eq!(asset.bitrate_kbps, asset.size_bytes * 8 / 6_000);

    let events = catalog.events_of_asset(assets[0]).await.unwrap();
    let told = matches!(events[1].event.event, Event::SourceAnalysed { duration_s: 6.0, size_bytes, .. } if size_bytes == asset.size_bytes);
    assert!(events.len() == 2 && told, "{events:?}");
    running.stop().await;
}

#[tokio::test]
async fn deleting_assets_frees_their_segments_and_no_others() {
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    let (recording, assets) = recorded(catalog, "court1", &[cycle(0, 2), cycle(2, 4)]).await;
    // The last segment belongs to no asset.
    store(&running.blobs, recording.reel, 5).await;
    let freed = async |count| {
        let done = async || catalog.job_count(kind::FREE_REEL, JobState::Done).await.unwrap() == count;
        until("freed", done).await;
    };
    // While the reel grows its newest segments stay; the end of the recording catches up.
    delete(catalog, assets[0]).await;
    freed(1).await;
    assert_eq!(left(&running.blobs, recording.reel).await.len(), 8);
    catalog.end_recording(recording.id, None, at(100)).await.unwrap();
    freed(2).await;
    let index = ["reel.json", "samples.idx", "segments.idx"];
    let kept = ["000002.m4s", "000003.m4s", "000004.m4s"];
    assert_eq!(left(&running.blobs, recording.reel).await, [kept.as_slice(), &index].concat());
    delete(catalog, assets[1]).await;
    freed(3).await;
    assert_eq!(left(&running.blobs, recording.reel).await, [&kept[2..], &index].concat());
    assert_eq!(catalog.reel(recording.reel).await.unwrap().unwrap().state, ReelState::Sealed);
    running.stop().await;
}

#[tokio::test]
async fn a_reel_that_nobody_needs_leaves_nothing() {
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    let (recording, assets) = recorded(catalog, "court1", &[cycle(0, 2)]).await;
    store(&running.blobs, recording.reel, 2).await;
    catalog.end_recording(recording.id, None, at(50)).await.unwrap();
    delete(catalog, assets[0]).await;
    let deleted = async || catalog.reel(recording.reel).await.unwrap().unwrap().state == ReelState::Deleted;
    until("deleted", deleted).await;
    assert!(left(&running.blobs, recording.reel).await.is_empty());
    running.stop().await;
}

async fn composed(catalog: &Catalog) -> Asset {
    let look = async || {
        let all = catalog.recorded_assets(&RecordedFilter::default(), Order::Ascending, Page::ALL).await.unwrap();
        all.rows.into_iter().find(|asset| asset.origin.as_ref().is_some_and(|origin| origin.cycle.is_none()))
    };
    until("composed", async || look().await.is_some()).await;
    look().await.unwrap()
}

#[tokio::test]
async fn the_cycles_of_a_recording_become_one_video_of_one_span_and_are_told_in_order() {
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    let cycles = [cycle(0, 2), cycle(2, 3), cycle(3, 5)];
    let (recording, _) = recorded_to_compose(catalog, "court1", &cycles, Some("VOD_STORE_ONLY")).await;
    store(&running.blobs, recording.reel, 5).await;
    catalog.end_recording(recording.id, None, at(50)).await.unwrap();

    let whole = composed(catalog).await;
    assert_eq!((whole.status, whole.duration_ticks, whole.width), (AssetStatus::UploadSucc, 5 * SEGMENT, 1280));
    assert!(whole.analysed.is_some() && whole.title.starts_with("court1_"), "{whole:?}");
    let spans: Vec<_> = catalog.spans(whole.id).await.unwrap().iter().map(|s| (s.from_ticks, s.to_ticks)).collect();
    assert_eq!(spans, [(cycle(0, 5))], "cycles that touch are one piece");
    let events: Vec<_> = catalog.events_of_asset(whole.id).await.unwrap();
    let told: Vec<_> = events.into_iter().map(|stored| stored.event.event).collect();
    assert!(
        matches!(&told[..], [
            Event::ComposeBegan { possible: true, .. },
            Event::SourceInPlace { size_bytes: Some(size) },
            Event::SourceAnalysed { size_bytes, .. },
        ] if *size == whole.size_bytes && *size_bytes == whole.size_bytes),
        "{told:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn more_cycles_than_may_be_joined_are_refused_aloud() {
    let running = Running::start(true).await;
    let catalog = &running.catalog;
    let cycles: Vec<_> = (0..41).map(|number| cycle(number, number + 1)).collect();
    let (recording, _) = recorded_to_compose(catalog, "court1", &cycles, Some("VOD_NO_TRANSCODE")).await;
    store(&running.blobs, recording.reel, 41).await;
    catalog.end_recording(recording.id, None, at(50)).await.unwrap();
    let refused = composed(catalog).await;
    assert_eq!((refused.status, refused.duration_ticks), (AssetStatus::ProduceFail, 0));
    let events = catalog.events_of_asset(refused.id).await.unwrap();
    assert!(
        matches!(&events[..], [told] if matches!(told.event.event, Event::ComposeBegan { possible: false, .. })),
        "{events:?}"
    );
    running.stop().await;
}

#[tokio::test]
async fn what_a_rule_does_not_keep_is_deleted_oldest_first() {
    // The rules are there before the worker starts: its first round is at once.
    let mut kept = Vec::new();
    let running = Running::start_with(true, async |catalog: &Catalog| {
        let (recording, mut assets) = recorded(catalog, "court1", &[cycle(0, 2), cycle(2, 4), cycle(4, 6)]).await;
        let stored = StoredRule { rule: recording.rule.clone(), wire: serde_json::json!({}), created: at(0) };
        catalog.add_rule(&stored).await.unwrap();
        // Each of the three has one byte by now; two fit.
        let retention = Retention { days: None, quota_bytes: Some(2) };
        catalog.set_retention(&stored.rule.key, retention).await.unwrap();
        assert_eq!(catalog.retention(&stored.rule.key).await.unwrap(), retention);
        // All three ended at the same time: then their ids decide.
        assets.sort_unstable();
        kept.extend(assets.split_off(1));
    })
    .await;
    let catalog = &running.catalog;
    let recorded = async || {
        let all = catalog.recorded_assets(&RecordedFilter::default(), Order::Ascending, Page::ALL).await.unwrap();
        all.rows.iter().map(|asset| asset.id).collect::<Vec<_>>()
    };
    until("deleted", async || recorded().await == kept).await;
    running.stop().await;
}
