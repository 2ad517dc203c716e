//! How long the views of long recordings take to make: `cargo bench -p view`.
//!
//! 30 pictures and 46.9 sound frames a second, 4 s segments, 3 B-frames; from the bytes of the index files to the bytes of
//! the view, disk and network apart.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use codec::{AudioCodec, AudioConfig, TrackKind, VideoCodec, VideoConfig};
use container::SampleRow;
use reel::{Epoch, Fragment, Join, PageRef, ReelIndex, SamplePage, SegmentRow, Span, encode_epoch, encode_row};
use units::{ReelId, Timescale, WallTime};
use view::{Growth, Mp4Builder, SpanView, Timeline};

const SEGMENT_SECONDS: i64 = 4;
const RUNS: usize = 5;

/// The two index files of a recording.
fn index_files(hours: i64) -> (Vec<u8>, Vec<u8>) {
    let record = &[1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x28, 1, 0, 2, 0x68, 0xee];
    let epoch = Epoch {
        number: 0,
        video: Some(VideoConfig {
            codec: VideoCodec::H264,
            record: Bytes::from_static(record),
            width: 1920,
            height: 1080,
            scale: Timescale::MILLIS,
        }),
        audio: Some(AudioConfig {
            codec: AudioCodec::Aac,
            record: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: 48_000,
            channels: 2,
            frame_samples: 1024,
            scale: Timescale::MILLIS,
        }),
    };
    let (mut rows, mut pages) = (encode_epoch(&epoch), Vec::new());
    let mut sound = 48_000;
    for number in 0..hours * 3600 / SEGMENT_SECONDS {
        let begin = 90_000 * (1 + number * SEGMENT_SECONDS);
        let mut page = SamplePage::default();
        let mut at = 900;
        for second in 0..SEGMENT_SECONDS {
            let pictures = (0..30i64).map(|n| SampleRow {
                duration: 3000,
                size: u32::try_from(4_000 + (n * 7919 + number * 31) % 9_000).unwrap_or(0),
                cto: [6000, 15_000, 6000, 0][usize::try_from(n % 4).unwrap_or(0)],
                sync: n == 0 && second % 2 == 0,
            });
            let fragment = Fragment {
                track: TrackKind::Video,
                at,
                dts: begin - 6000 + second * 90_000,
                samples: pictures.collect(),
            };
            at += fragment.bytes();
            page.fragments.push(fragment);
            let until = 48_000 * (2 + number * SEGMENT_SECONDS + second);
            let frames = (until - sound + 1023) / 1024;
            let rows = (0..frames).map(|n| SampleRow {
                duration: 1024,
                size: u32::try_from(300 + (n * 37) % 90).unwrap_or(0),
                cto: 0,
                sync: true,
            });
            let fragment = Fragment { track: TrackKind::Audio, at, dts: sound, samples: rows.collect() };
            sound += 1024 * frames;
            at += fragment.bytes();
            page.fragments.push(fragment);
        }
        let encoded = page.encode();
        rows.extend(encode_row(&SegmentRow {
            number: u32::try_from(number).unwrap_or(0),
            cycle: 0,
            epoch: 0,
            bytes: at,
            wall: WallTime::from_unix_s(1_772_359_200 + number * SEGMENT_SECONDS),
            join: if number == 0 { Join::Start } else { Join::Continuous },
            begin,
            end: begin + SEGMENT_SECONDS * 90_000,
            video: page.track_span(TrackKind::Video),
            audio: page.track_span(TrackKind::Audio),
            page: PageRef {
                at: u64::try_from(pages.len()).unwrap_or(0),
                len: u32::try_from(encoded.len()).unwrap_or(0),
                crc: crc32fast::hash(&encoded),
            },
        }));
        pages.extend(encoded);
    }
    (rows, pages)
}

/// The shortest of some runs: what the work takes when nothing is in its way.
fn shortest<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..RUNS {
        let began = Instant::now();
        let made = black_box(work());
        let took = began.elapsed();
        if best.as_ref().is_none_or(|(so_far, _)| took < *so_far) {
            best = Some((took, made));
        }
    }
    best.unwrap_or_else(|| unreachable!("there is at least one run"))
}

fn page_of(pages: &[u8], at: PageRef) -> SamplePage {
    let from = usize::try_from(at.at).unwrap_or(usize::MAX);
    let bytes = &pages[from..from + usize::try_from(at.len).unwrap_or(0)];
    SamplePage::decode(bytes, at.crc).expect("a page of our own")
}

fn main() {
    println!("{:>6} {:<34} {:>10} {:>14}", "hours", "what", "ms", "bytes");
    for hours in [1, 6, 24] {
        let (rows, pages) = index_files(hours);
        let line = |what: &str, took: Duration, bytes: usize| {
            println!("{hours:>6} {what:<34} {:>10.2} {bytes:>14}", took.as_secs_f64() * 1000.0);
        };
        let (took, (index, ..)) = shortest(|| ReelIndex::read(&rows));
        line("read segments.idx", took, rows.len());
        let span = Span { reel: ReelId::from_u128(1), from: 0, to: i64::MAX };
        let lay_out = || Timeline::new(&[SpanView::new(span, &index)], Growth::Whole).expect("a cut of our own");
        let (took, timeline) = shortest(lay_out);
        line("lay out", took, 0);
        let (took, text) = shortest(|| timeline.multivariant("").to_text());
        line("multivariant playlist", took, text.len());
        let (took, text) = shortest(|| timeline.playlist(TrackKind::Video, true, None).expect("pictures").to_text());
        line("media playlist", took, text.len());
        let middle = timeline.parts().len() / 2;
        let (took, pieces) = shortest(|| {
            let (_, at) = timeline.page_for(TrackKind::Video, middle).expect("a segment");
            timeline.segment(TrackKind::Video, middle, &page_of(&pages, at)).expect("a segment of our own")
        });
        line("a segment", took, usize::try_from(view::total(&pieces)).unwrap_or(0));
        let (took, mp4) = shortest(|| {
            let mut builder = Mp4Builder::new(&timeline);
            for (position, file) in timeline.files().enumerate() {
                builder.push(position, &page_of(&pages, file.page)).expect("pages of our own");
            }
            builder.finish().expect("samples")
        });
        line("head of the MP4 (reads samples.idx)", took, mp4.head().len());
        println!("{hours:>6} {:<34} {:>10} {:>14}", "samples.idx", "", pages.len());
    }
}
