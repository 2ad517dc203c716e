//! Reels made up for tests: real layout, made-up sample bytes that name their sample.

use bytes::Bytes;
use codec::{AudioCodec, AudioConfig, Mp3Config, TrackKind, VideoCodec, VideoConfig};
use container::{SampleRow, fragment_head};
use reel::{Epoch, Fragment, Join, ORIGIN_SECONDS, PageRef, ReelIndex, SamplePage, SegmentRow, Span, track_id};
use units::{ReelId, Timescale, WallTime};

use crate::{Flv, FlvBuilder, Growth, Mp4, Mp4Builder, Piece, SoundView, SpanView, StoredFile, Timeline};

/// Parameter sets of x264 at 1920x1080 (High, level 4.0); their content does not matter here.
const AVC_RECORD: &[u8] = &[1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 4, 0x67, 0x64, 0, 0x28, 1, 0, 2, 0x68, 0xee];
const ORIGIN: i64 = ORIGIN_SECONDS as i64 * 90_000;

/// What a made-up recording looks like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub segments: u32,
    /// Pictures per segment.
    pub pictures: u32,
    /// 90 kHz ticks per picture.
    pub picture: u32,
    /// Bytes of the smallest picture.
    pub picture_bytes: u32,
    /// Reorder delay in pictures.
    pub delay: u32,
    pub rate: u32,
    /// The first sound frame begins this much before the first picture, in its own ticks.
    pub audio_early: i64,
    pub video: bool,
    pub audio: bool,
    /// Its sound is MP3.
    pub mp3: bool,
    /// Segments with which new video parameters begin.
    pub changes: Vec<u32>,
    /// Segments with which another push begins.
    pub joins: Vec<u32>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            segments: 4,
            pictures: 60,
            picture: 3000,
            picture_bytes: 30,
            delay: 2,
            rate: 48_000,
            audio_early: 500,
            video: true,
            audio: true,
            mp3: false,
            changes: vec![],
            joins: vec![],
        }
    }
}

impl Shape {
    /// Samples in a frame of its sound.
    fn frame(&self) -> i64 {
        if self.mp3 { 1152 } else { 1024 }
    }
}

/// A reel and all its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub id: ReelId,
    pub index: ReelIndex,
    pub pages: Vec<SamplePage>,
    pub files: Vec<Vec<u8>>,
}

fn video_config(number: u32) -> VideoConfig {
    let mut record = AVC_RECORD.to_vec();
    record[2] = u8::try_from(number).unwrap();
    VideoConfig { codec: VideoCodec::H264, record: record.into(), width: 1920, height: 1080, scale: Timescale::MILLIS }
}

fn audio_config(rate: u32, mp3: bool) -> AudioConfig {
    if mp3 {
        return Mp3Config::new(rate, 2, 128).unwrap().audio_config(Timescale::MILLIS);
    }
    // An AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) of AAC LC, two channels.
    let record: &'static [u8] = match rate {
        48_000 => &[0x11, 0x90],
        44_100 => &[0x12, 0x10],
        _ => &[0x13, 0x90],
    };
    AudioConfig {
        codec: AudioCodec::Aac,
        record: Bytes::from_static(record),
        sample_rate: rate,
        channels: 2,
        frame_samples: 1024,
        scale: Timescale::MILLIS,
    }
}

/// The bytes of a made-up sample: all different enough that a wrong offset shows.
pub(crate) fn sample_bytes(track: TrackKind, dts: i64, size: u32) -> Vec<u8> {
    let seed = dts.wrapping_mul(31).wrapping_add(i64::from(track_id(track)) * 7).unsigned_abs();
    (0..u64::from(size)).map(|at| u8::try_from((seed >> (8 * (at % 4))).wrapping_add(at) & 0xff).unwrap()).collect()
}

pub(crate) fn record(id: u128, shape: &Shape) -> Stored {
    let mut stored =
        Stored { id: ReelId::from_u128(id), index: ReelIndex::default(), pages: Vec::new(), files: Vec::new() };
    let mut epoch = 0;
    let new_epoch = |number: u32| Epoch {
        number,
        video: shape.video.then(|| video_config(number)),
        audio: shape.audio.then(|| audio_config(shape.rate, shape.mp3)),
    };
    stored.index.epochs.push(new_epoch(0));
    let mut audio_dts = ORIGIN * i64::from(shape.rate) / 90_000 - shape.audio_early;
    for number in 0..shape.segments {
        if shape.changes.contains(&number) {
            epoch += 1;
            stored.index.epochs.push(new_epoch(epoch));
        }
        let begin = ORIGIN + i64::from(number) * i64::from(shape.pictures * shape.picture);
        let end = begin + i64::from(shape.pictures * shape.picture);
        let mut fragments = Vec::new();
        if shape.video {
            fragments.extend(pictures(shape, begin));
        }
        // A frame that straddles the border goes to the new segment.
        let border = (i128::from(end) * i128::from(shape.rate) / 90_000) as i64;
        let mut frames = Vec::new();
        while shape.audio && audio_dts + shape.frame() <= border {
            frames.push((audio_dts, audio_row(audio_dts, shape.frame())));
            audio_dts += shape.frame();
        }
        for some in frames.chunks(40) {
            let samples = some.iter().map(|(_, row)| *row).collect();
            fragments.push(Fragment { track: TrackKind::Audio, at: 0, dts: some[0].0, samples });
        }
        let join = match number {
            0 => Join::Start,
            n if shape.joins.contains(&n) => Join::Resumed { gap_ms: 1 },
            _ => Join::Continuous,
        };
        stored.add(fragments, epoch, join);
    }
    stored
}

fn audio_row(dts: i64, frame: i64) -> SampleRow {
    SampleRow {
        duration: u32::try_from(frame).unwrap(),
        size: 20 + u32::try_from(dts.unsigned_abs() % 13).unwrap(),
        cto: 0,
        sync: true,
    }
}

/// One GOP as two fragments; with a delay, pictures come in the order I P b b (two at a time).
fn pictures(shape: &Shape, begin: i64) -> Vec<Fragment> {
    let (picture, delay) = (i64::from(shape.picture), i64::from(shape.delay));
    let first = begin - delay * picture;
    let rows: Vec<SampleRow> = (0..i64::from(shape.pictures))
        .map(|number| {
            // With a delay of 2: shown 0 3 1 2 6 4 5 …; the GOP's last ones stay in order so that it is closed.
            let whole = i64::from(shape.pictures) - (i64::from(shape.pictures) - 1) % 3;
            let shown = match (delay >= 2 && number > 0 && number < whole, (number - 1).rem_euclid(3)) {
                (true, 0) => number + 2,
                (true, _) => number - 1,
                _ => number,
            };
            SampleRow {
                duration: shape.picture,
                size: shape.picture_bytes + u32::try_from(number % 17).unwrap(),
                cto: i32::try_from((shown - number + delay) * picture).unwrap(),
                sync: number == 0,
            }
        })
        .collect();
    let mut dts = first;
    rows.chunks(usize::try_from(shape.pictures / 2 + 1).unwrap())
        .map(|some| {
            let fragment = Fragment { track: TrackKind::Video, at: 0, dts, samples: some.to_vec() };
            dts = fragment.dts_end();
            fragment
        })
        .collect()
}

impl Stored {
    /// Lays fragments into a new segment and writes its row.
    pub(crate) fn add(&mut self, mut fragments: Vec<Fragment>, epoch: u32, join: Join) {
        let number = u32::try_from(self.files.len()).unwrap();
        let mut file = vec![0xee; 100 + self.files.len()];
        for (sequence, fragment) in fragments.iter_mut().enumerate() {
            fragment.at = file.len() as u64;
            let dts = u64::try_from(fragment.dts.max(0)).unwrap();
            let sequence = u32::try_from(sequence + 1).unwrap();
            file.extend(fragment_head(sequence, track_id(fragment.track), dts, &fragment.samples));
            let mut dts = fragment.dts;
            for row in &fragment.samples {
                file.extend(sample_bytes(fragment.track, dts, row.size));
                dts += i64::from(row.duration);
            }
        }
        let page = SamplePage { fragments };
        let (video, audio) = (page.track_span(TrackKind::Video), page.track_span(TrackKind::Audio));
        // Also where pictures are missing that there should be.
        let mut parameters = self.index.epochs[usize::try_from(epoch).unwrap()].clone();
        parameters.video = parameters.video.filter(|_| video.is_some());
        let borders = page.borders(&parameters);
        let (begin, end) = borders.map_or((0, 0), |borders| (borders.begin, borders.end));
        self.index.segments.push(SegmentRow {
            number,
            epoch,
            bytes: file.len() as u64,
            wall: WallTime::from_unix_s(1_772_359_200 + i64::from(number)),
            join,
            begin,
            end,
            video,
            audio,
            cycle: 0,
            page: PageRef { at: 0, len: 0, crc: 0 },
        });
        self.pages.push(page);
        self.files.push(file);
    }

    /// The same media with its tracks in reels of their own, on the same borders.
    pub(crate) fn apart(&self) -> [Stored; 2] {
        [(TrackKind::Video, 100), (TrackKind::Audio, 200)].map(|(track, id)| {
            let id = ReelId::from_u128(self.id.as_u128() + id);
            let mut one = Stored { id, index: ReelIndex::default(), pages: Vec::new(), files: Vec::new() };
            one.index.epochs = self.index.epochs.clone();
            for (row, page) in self.index.segments.iter().zip(&self.pages) {
                let own = page.fragments.iter().filter(|fragment| fragment.track == track).cloned().collect();
                one.add(own, row.epoch, row.join);
                let last = one.index.segments.last_mut().unwrap();
                (last.begin, last.end, last.wall) = (row.begin, row.end, row.wall);
            }
            one
        })
    }

    pub(crate) fn all(&self) -> SpanView<'_> {
        self.span(0, i64::MAX)
    }

    pub(crate) fn span(&self, from: i64, to: i64) -> SpanView<'_> {
        SpanView::new(Span { reel: self.id, from, to }, &self.index)
    }

    /// All of it, with its sound in another reel.
    pub(crate) fn with_sound<'a>(&'a self, sound: &'a Stored) -> SpanView<'a> {
        SpanView { sound: Some(SoundView { reel: sound.id, index: &sound.index }), ..self.all() }
    }

    /// The span of the segments with these numbers.
    pub(crate) fn segments(&self, numbers: std::ops::Range<usize>) -> SpanView<'_> {
        let begin = |number: usize| self.index.segments.get(number).map_or(i64::MAX, |row| row.begin);
        self.span(begin(numbers.start), begin(numbers.end))
    }
}

/// The bytes of pieces, from the reels they name.
pub(crate) fn read(pieces: &[Piece], reels: &[&Stored]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Made(bytes) => out.extend_from_slice(bytes),
            Piece::Stored { reel, segment, range } => {
                let stored = reels.iter().find(|stored| stored.id == *reel).unwrap();
                let at = |n: u64| usize::try_from(n).unwrap();
                out.extend_from_slice(&stored.files[*segment as usize][at(range.start)..at(range.end)]);
            }
        }
    }
    out
}

/// The bytes and the page of a file.
pub(crate) fn stored<'a>(file: &StoredFile, reels: &[&'a Stored]) -> (&'a [u8], &'a SamplePage) {
    let stored = reels.iter().find(|stored| stored.id == file.reel).unwrap();
    let segment = file.segment as usize;
    (&stored.files[segment], &stored.pages[segment])
}

pub(crate) fn flv(timeline: &Timeline, reels: &[&Stored]) -> Flv {
    let mut builder = FlvBuilder::new(timeline).unwrap();
    for (position, file) in timeline.files().enumerate() {
        builder.push(position, stored(&file, reels).1).unwrap();
    }
    builder.finish().unwrap()
}

/// The page of a part.
pub(crate) fn page<'a>(timeline: &Timeline, position: usize, reels: &[&'a Stored]) -> &'a SamplePage {
    let part = &timeline.parts()[position];
    let stored = reels.iter().find(|stored| stored.id == part.reel).unwrap();
    &stored.pages[part.row.number as usize]
}

pub(crate) fn mp4(timeline: &Timeline, reels: &[&Stored]) -> Mp4 {
    let mut builder = Mp4Builder::new(timeline);
    for (position, file) in timeline.files().enumerate() {
        builder.push(position, stored(&file, reels).1).unwrap();
    }
    builder.finish().unwrap()
}

pub(crate) fn timeline(spans: &[SpanView<'_>]) -> Timeline {
    Timeline::new(spans, Growth::Whole).unwrap()
}
