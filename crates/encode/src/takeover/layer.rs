//! Lays the frames of a file into the segments of a reel.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use codec::{AccessUnit, AudioConfig, TrackKind, VideoCodec, VideoConfig, without_known_sets};
use reel::{Epoch, Join, ORIGIN_SECONDS, PageRef, SegmentRow};
use thiserror::Error;
use units::{MediaTime, ReelId, Timescale, WallTime};

use super::reader::{FileSample, MovieReader};
use crate::error::EncodeError;
use crate::place::PlacedPicture;
use crate::segments::{SegmentPlan, Sounding, WrittenSegment, write_segment};

/// 90 kHz ticks of a second.
const SECOND: i64 = 90_000;
/// A segment ends at the first key frame from here on, or at this much sound where there is no picture: as recordings have it.
const SEGMENT_TICKS: i64 = 4 * SECOND;
const SOUND_SEGMENT_TICKS: i64 = 5 * SECOND;
/// Sound without a picture before the first, or after the last, is shown from this length on; what is shorter is priming and padding.
const ALONE_TICKS: i64 = SECOND / 2;
/// Longest stretch of pictures without a key frame to begin a segment with, and the bytes of it: players wait for all of it.
const KEY_DISTANCE_MAX: i64 = 60 * SECOND;
const SEGMENT_BYTES_MAX: usize = 64 << 20;
/// Bytes that are held while the other track is waited for.
const HELD_BYTES_MAX: usize = 128 << 20;
/// A track that has not begun while the other one went on for so long begins later.
const LATE_TICKS: i64 = 3 * SECOND;
/// The furthest that a frame may lie behind the begin: three days. Times that are wrong would fill the reel with hours of nothing.
const REACH_TICKS_MAX: i64 = 72 * 3_600 * SECOND;
/// Sound that is off its time by less lies where the frames before it end: times in milliseconds, and clocks that are rounded.
const JITTER: Duration = Duration::from_millis(14);

/// Why frames cannot be laid as they are.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Misfit {
    /// The pictures have to be encoded.
    #[error("its pictures cannot be taken as they are: {0}")]
    Pictures(&'static str),
    /// The sound has to be encoded.
    #[error("its sound cannot be taken as it is: {0}")]
    Sound(&'static str),
    /// There is nothing to lay, or too much of it at once.
    #[error("{0}")]
    Refused(&'static str),
    /// What was read is no file of FFmpeg's.
    #[error(transparent)]
    Broken(#[from] EncodeError),
}

/// Errors: [`Misfit::Refused`] for a place on the reel that no file has.
fn within_reach(at: i64) -> Result<(), Misfit> {
    match at.saturating_sub(i64::from(ORIGIN_SECONDS) * SECOND) <= REACH_TICKS_MAX {
        true => Ok(()),
        false => Err(Misfit::Refused("its frames lie over more than three days")),
    }
}

/// What has been laid, once all is.
#[derive(Clone, PartialEq, Debug)]
pub struct Laid {
    /// The last segments.
    pub segments: Vec<WrittenSegment>,
    /// The parameters of all.
    pub epoch: Epoch,
    /// Where the reel begins and ends, in 90 kHz ticks.
    pub span: (i64, i64),
}

/// Pictures of a segment, and its borders.
struct Segment {
    begin: i64,
    end: i64,
    pictures: Vec<PlacedPicture>,
    /// When the first picture after them is decoded.
    next: i64,
}

/// A segment whose end is not known.
struct Open {
    begin: i64,
    pictures: Vec<PlacedPicture>,
    bytes: usize,
    /// Where the pictures end that came so far: shown, decoded.
    end: i64,
    next: i64,
}

/// Lays frames as they come.
pub struct Layer {
    reel: ReelId,
    /// Of the first frame.
    wall: WallTime,
    reader: MovieReader,
    tracks: Option<Tracks>,
    /// Frames that came before it was known where the reel begins.
    held: Vec<FileSample>,
    held_bytes: usize,
    /// From the times of the file to those of the reel, in 90 kHz ticks.
    shift: Option<i64>,
    open: Option<Open>,
    waiting: VecDeque<Segment>,
    waiting_bytes: usize,
    frames: VecDeque<Sounding>,
    /// Where the next frame of sound lies when it follows, in samples.
    next_frame: Option<i64>,
    number: u32,
    begin: Option<i64>,
    end: i64,
}

/// The parameters of a file's tracks.
struct Tracks {
    video: Option<Video>,
    sound: Option<Sound>,
}

struct Video {
    config: VideoConfig,
    sets: Bytes,
    length_size: u8,
}

struct Sound {
    /// Not known of MP3 before its first frame.
    config: Option<AudioConfig>,
    scale: Timescale,
}

impl Layer {
    /// Lays a file into this reel; `wall` is what its first frame is labelled with.
    pub fn new(reel: ReelId, wall: WallTime) -> Self {
        Self {
            reel,
            wall,
            reader: MovieReader::default(),
            tracks: None,
            held: Vec::new(),
            held_bytes: 0,
            shift: None,
            open: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            frames: VecDeque::new(),
            next_frame: None,
            number: 0,
            begin: None,
            end: 0,
        }
    }

    /// Takes the next bytes of FFmpeg's file; the segments that are whole by now.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<WrittenSegment>, Misfit> {
        for sample in self.reader.push(bytes)? {
            if self.tracks.is_none() {
                self.tracks = Some(Tracks::of(&self.reader)?);
            }
            self.learn(&sample)?;
            match self.shift {
                Some(shift) => self.lay(sample, shift)?,
                None => self.hold(sample)?,
            }
        }
        self.release(false)
    }

    /// All has come.
    pub fn finish(mut self) -> Result<Laid, Misfit> {
        if !self.reader.is_at_rest() {
            return Err(EncodeError::Output { what: "it is cut off" }.into());
        }
        if self.shift.is_none() {
            self.begin_laying()?;
        }
        self.close_last();
        let segments = self.release(true)?;
        let epoch = self.epoch();
        match self.begin {
            Some(begin) => Ok(Laid { segments, epoch, span: (begin, self.end) }),
            None => Err(Misfit::Refused("there is no frame in the file")),
        }
    }

    /// Milliseconds that are laid by now.
    pub fn laid_ms(&self) -> u64 {
        let ticks = self.end.saturating_sub(self.begin.unwrap_or(self.end));
        u64::try_from(ticks / 90).unwrap_or(0)
    }

    fn has(&self, track: TrackKind) -> bool {
        self.tracks.as_ref().is_some_and(|tracks| match track {
            TrackKind::Video => tracks.video.is_some(),
            TrackKind::Audio => tracks.sound.is_some(),
        })
    }

    fn epoch(&self) -> Epoch {
        let tracks = self.tracks.as_ref();
        Epoch {
            number: 0,
            video: tracks.and_then(|tracks| Some(tracks.video.as_ref()?.config.clone())),
            audio: tracks.and_then(|tracks| tracks.sound.as_ref()?.config.clone()),
        }
    }

    /// The parameters of MP3 stand in its first frame.
    fn learn(&mut self, sample: &FileSample) -> Result<(), Misfit> {
        let Some(Tracks { sound: Some(sound), .. }) = &mut self.tracks else { return Ok(()) };
        if sample.track == TrackKind::Audio && sound.config.is_none() {
            let told = self.reader.sound(&sample.bytes).map_err(|_| Misfit::Sound("its parameters cannot be read"))?;
            sound.config = told.map(|(config, _)| config);
        }
        Ok(())
    }

    fn hold(&mut self, sample: FileSample) -> Result<(), Misfit> {
        self.held_bytes = self.held_bytes.saturating_add(sample.bytes.len());
        if self.held_bytes > HELD_BYTES_MAX {
            return Err(Misfit::Refused("one of its tracks begins too long before the other"));
        }
        self.held.push(sample);
        let first = |track| self.held.iter().find(|sample| sample.track == track);
        let ready = match (first(TrackKind::Video), first(TrackKind::Audio)) {
            (Some(_), Some(_)) => true,
            (None, Some(_)) => !self.has(TrackKind::Video),
            (Some(first), None) => {
                let last = self.held.last().map_or(first.dts, |last| last.dts);
                !self.has(TrackKind::Audio) || last.saturating_sub(first.dts) >= LATE_TICKS
            }
            (None, None) => false,
        };
        if ready { self.begin_laying() } else { Ok(()) }
    }

    /// Decides where on the reel the file begins, and lays what was held.
    fn begin_laying(&mut self) -> Result<(), Misfit> {
        let origin = i64::from(ORIGIN_SECONDS) * SECOND;
        let held = std::mem::take(&mut self.held);
        let first = |track| held.iter().find(|sample| sample.track == track);
        let sound = first(TrackKind::Audio).map(|sample| self.in_reel_ticks(sample.dts));
        let shift = match (first(TrackKind::Video), sound) {
            (Some(picture), sound) => {
                let shown = picture.dts.saturating_add(picture.cto);
                // What begins first begins at the origin, and no picture is decoded before 0.
                let lead = sound.map_or(0, |sound| shown.saturating_sub(sound));
                let lead = if lead >= ALONE_TICKS { lead } else { 0 };
                within_reach(origin.saturating_add(lead))?;
                let at = origin.max(picture.cto).saturating_add(lead);
                if lead > 0 {
                    self.wait_for_sound(at - lead, at);
                }
                at.saturating_sub(shown)
            }
            // What lies before 0 is the encoder's run-up, which is not to be heard.
            (None, Some(sound)) => origin.saturating_sub(if (-ALONE_TICKS..0).contains(&sound) { 0 } else { sound }),
            (None, None) => return Err(Misfit::Refused("there is no frame in the file")),
        };
        self.shift = Some(shift);
        held.into_iter().try_for_each(|sample| self.lay(sample, shift))
    }

    /// Segments of sound alone.
    fn wait_for_sound(&mut self, from: i64, to: i64) {
        let mut begin = from;
        while begin < to {
            let whole = begin.saturating_add(SOUND_SEGMENT_TICKS);
            // No crumbs.
            let end = if to.saturating_sub(whole) < ALONE_TICKS { to } else { whole };
            self.waiting.push_back(Segment { begin, end, pictures: Vec::new(), next: end });
            begin = end;
        }
    }

    fn in_reel_ticks(&self, sound: i64) -> i64 {
        let scale = self.tracks.as_ref().and_then(|tracks| Some(tracks.sound.as_ref()?.scale));
        let scale = scale.unwrap_or(Timescale::REEL);
        MediaTime { ticks: sound, scale }.rescale_round(Timescale::REEL).map_or(0, |time| time.ticks)
    }

    fn lay(&mut self, sample: FileSample, shift: i64) -> Result<(), Misfit> {
        let shown = match sample.track {
            TrackKind::Video => sample.dts.saturating_add(sample.cto),
            TrackKind::Audio => self.in_reel_ticks(sample.dts),
        };
        within_reach(shown.saturating_add(shift))?;
        match sample.track {
            TrackKind::Video => self.lay_picture(sample, shift),
            TrackKind::Audio => {
                self.lay_sound(sample, shift);
                Ok(())
            }
        }
    }

    fn lay_picture(&mut self, sample: FileSample, shift: i64) -> Result<(), Misfit> {
        let Some(Tracks { video: Some(video), .. }) = &self.tracks else { return Ok(()) };
        let codec = video.config.codec;
        let unit = AccessUnit::parse(codec, sample.bytes, video.length_size)
            .map_err(|_| Misfit::Pictures("one of them is damaged"))?;
        let bytes = without_known_sets(codec, &unit.data, &video.sets)
            .ok_or(Misfit::Pictures("their parameters change, or are not all told at the beginning"))?;
        let dts = sample.dts.saturating_add(shift);
        let pts = dts.saturating_add(sample.cto);
        let due = self.open.as_ref().is_none_or(|open| pts.saturating_sub(open.begin) >= SEGMENT_TICKS);
        if unit.idr && due {
            if let Some(open) = self.open.take() {
                self.close(open, pts, dts);
            }
            self.open = Some(Open { begin: pts, pictures: Vec::new(), bytes: 0, end: pts, next: dts });
        }
        let Some(open) = &mut self.open else {
            return Err(Misfit::Pictures("the first is no key frame that stands alone"));
        };
        if pts < open.begin {
            return Err(Misfit::Pictures("some are shown before the key frame that they follow"));
        }
        let duration = i64::from(sample.duration).max(1);
        open.bytes = open.bytes.saturating_add(bytes.len());
        open.end = open.end.max(pts.saturating_add(duration));
        open.next = dts.saturating_add(duration);
        open.pictures.push(PlacedPicture { segment: 0, pts, dts, sync: unit.idr, bytes });
        let long = pts.saturating_sub(open.begin) > KEY_DISTANCE_MAX && open.pictures.len() > 1;
        if long || open.bytes > SEGMENT_BYTES_MAX {
            return Err(Misfit::Pictures("key frames that stand alone are too far apart"));
        }
        Ok(())
    }

    fn close(&mut self, open: Open, end: i64, next: i64) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(open.bytes);
        self.waiting.push_back(Segment { begin: open.begin, end, pictures: open.pictures, next });
    }

    fn lay_sound(&mut self, sample: FileSample, shift: i64) {
        let Some(Tracks { sound: Some(Sound { config: Some(config), scale }), .. }) = &self.tracks else { return };
        let (rate, frame) = (i64::from(config.sample_rate), i64::from(config.frame_samples));
        let claimed = samples_at(sample.dts, *scale, shift, rate);
        let jitter = i64::try_from(JITTER.as_millis()).unwrap_or(0).saturating_mul(rate) / 1_000;
        let dts = match self.next_frame {
            // Over the frames before it: its clock went back.
            Some(next) if claimed <= next.saturating_sub(frame.max(jitter)) => return,
            Some(next) if claimed <= next.saturating_add(jitter) => next,
            Some(_) | None => claimed.max(0),
        };
        self.next_frame = Some(dts.saturating_add(frame));
        self.frames.push_back(Sounding { dts, bytes: sample.bytes });
        if !self.has(TrackKind::Video) {
            let at = self.reel_ticks_of(dts);
            let begin = *self.begin.get_or_insert(at.max(i64::from(ORIGIN_SECONDS) * SECOND));
            let begun = self.waiting.back().map_or(self.end.max(begin), |last| last.end);
            if at.saturating_sub(begun) >= SOUND_SEGMENT_TICKS {
                self.waiting.push_back(Segment { begin: begun, end: at, pictures: Vec::new(), next: at });
            }
        }
    }

    fn reel_ticks_of(&self, sample: i64) -> i64 {
        let rate = self.epoch().audio.and_then(|audio| Timescale::new(audio.sample_rate));
        let time = MediaTime { ticks: sample, scale: rate.unwrap_or(Timescale::REEL) };
        time.rescale_round(Timescale::REEL).map_or(0, |time| time.ticks)
    }

    /// What is open ends where its frames do.
    fn close_last(&mut self) {
        let sound_end = self.next_frame.map(|next| self.reel_ticks_of(next));
        match self.open.take() {
            Some(open) => {
                let (end, next) = (open.end, open.next);
                self.close(open, end, next);
                if let Some(sound) = sound_end.filter(|sound| sound.saturating_sub(end) >= ALONE_TICKS) {
                    self.wait_for_sound(end, sound);
                }
            }
            None => {
                let begun = self.waiting.back().map_or(self.end.max(self.begin.unwrap_or(0)), |last| last.end);
                if let Some(sound) = sound_end.filter(|sound| *sound > begun) {
                    self.waiting.push_back(Segment { begin: begun, end: sound, pictures: Vec::new(), next: sound });
                }
            }
        }
    }

    /// Writes the segments whose sound is complete; `all` of them when no more comes.
    fn release(&mut self, all: bool) -> Result<Vec<WrittenSegment>, Misfit> {
        let mut written = Vec::new();
        if self.waiting.is_empty() {
            return Ok(written);
        }
        let epoch = self.epoch();
        let sounded = self.next_frame.map(|next| self.reel_ticks_of(next));
        while let Some(segment) = self.waiting.front() {
            let complete = !self.has(TrackKind::Audio) || sounded.is_some_and(|sounded| sounded > segment.end);
            let crowded = self.waiting_bytes > SEGMENT_BYTES_MAX;
            if !(all || complete || crowded) {
                break;
            }
            if self.has(TrackKind::Audio) && epoch.audio.is_none() && !all {
                return Err(Misfit::Sound("it begins so late that its parameters are not known in time"));
            }
            let Some(segment) = self.waiting.pop_front() else { break };
            let last = all && self.waiting.is_empty();
            written.push(self.write(segment, &epoch, last));
        }
        Ok(written)
    }

    fn write(&mut self, segment: Segment, epoch: &Epoch, last: bool) -> WrittenSegment {
        let Segment { begin, end, pictures, next } = segment;
        let bytes: usize = pictures.iter().map(|picture| picture.bytes.len()).sum();
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        let mut sound = Vec::new();
        if let Some(audio) = &epoch.audio {
            // Each frame lies in the segment in which the greater part of it sounds.
            let border = samples_at(0, Timescale::REEL, end, i64::from(audio.sample_rate));
            let border = border.saturating_sub(i64::from(audio.frame_samples / 2));
            while let Some(frame) = self.frames.pop_front_if(|frame| last || frame.dts < border) {
                sound.push(frame);
            }
        }
        let origin = *self.begin.get_or_insert(begin);
        let later = u64::try_from(begin.saturating_sub(origin) / 90).unwrap_or(0);
        let row = SegmentRow {
            number: self.number,
            cycle: 0,
            epoch: epoch.number,
            bytes: 0,
            wall: self.wall.after(Duration::from_millis(later)),
            join: if self.number == 0 { Join::Start } else { Join::Continuous },
            begin,
            end,
            video: None,
            audio: None,
            page: PageRef { at: 0, len: 0, crc: 0 },
        };
        let plan = SegmentPlan { number: self.number, source: row };
        let sets = self.tracks.as_ref().and_then(|tracks| Some(tracks.video.as_ref()?.sets.clone()));
        let pictures: Vec<&PlacedPicture> = pictures.iter().collect();
        let written = write_segment(self.reel, &plan, epoch, &sets.unwrap_or_default(), (&pictures, next), &sound);
        self.number = self.number.saturating_add(1);
        self.end = end;
        written
    }
}

impl Tracks {
    fn of(reader: &MovieReader) -> Result<Self, Misfit> {
        let video = match reader.video().map_err(|_| Misfit::Pictures("their parameters cannot be read"))? {
            Some(config) => Some(Video::of(config)?),
            None => None,
        };
        let sound = reader.sound_scale().map(|scale| {
            // Of AAC they stand at the head.
            let config = reader.sound(&Bytes::new()).ok().flatten().map(|(config, _)| config);
            Sound { config, scale }
        });
        Ok(Self { video, sound })
    }
}

impl Video {
    /// Samples are stored with 4-byte lengths, whatever the file has.
    fn of(config: VideoConfig) -> Result<Self, Misfit> {
        // Where `lengthSizeMinusOne` stands (ISO/IEC 14496-15 §5.3.3.1, §8.3.3.1).
        let at = match config.codec {
            VideoCodec::H264 => 4,
            VideoCodec::H265 => 21,
        };
        let unread = || Misfit::Pictures("their parameters cannot be read");
        let sets = config.parameter_sets().map_err(|_| unread())?;
        if sets.is_empty() {
            return Err(unread());
        }
        let mut record = BytesMut::from(config.record.as_ref());
        let byte = record.get_mut(at).ok_or_else(unread)?;
        let length_size = (*byte & 0b11) + 1;
        *byte |= 0b11;
        Ok(Self { config: VideoConfig { record: record.freeze(), ..config }, sets, length_size })
    }
}

/// Where a time of a file lies on the reel, in samples of this rate, rounded once.
fn samples_at(ticks: i64, scale: Timescale, shift: i64, rate: i64) -> i64 {
    let scale = i128::from(scale.get());
    let above = (i128::from(ticks) * i128::from(SECOND) + i128::from(shift) * scale) * i128::from(rate);
    let below = scale * i128::from(SECOND);
    i64::try_from((above * 2 + below).div_euclid(below * 2)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use container::{SampleRow, SampleTables, Track, fragment_head, init_segment};
    use proptest::prelude::*;
    use reel::{ScanEnd, scan_segment};

    use super::*;
    use crate::segments::tests::epoch;

    const IDR: &[u8] = &[0, 0, 0, 2, 0x65, 0x88];
    const SLICE: &[u8] = &[0, 0, 0, 2, 0x41, 0x9a];

    /// A file of these tracks.
    fn head(kinds: &[TrackKind]) -> Vec<u8> {
        let track = |kind: &TrackKind| Track {
            id: reel::track_id(*kind),
            entry: epoch().entry(*kind, false).unwrap(),
            scale: epoch().scale(*kind).unwrap(),
            edits: Vec::new(),
            duration: 0,
            media_duration: 0,
            tables: SampleTables::default(),
        };
        init_segment(&kinds.iter().map(track).collect::<Vec<_>>()).to_vec()
    }

    fn fragment(kind: TrackKind, dts: i64, samples: &[(u32, i32, &[u8])]) -> Vec<u8> {
        let row = |(duration, cto, bytes): &(u32, i32, &[u8])| SampleRow {
            duration: *duration,
            size: u32::try_from(bytes.len()).unwrap(),
            cto: *cto,
            sync: true,
        };
        let rows: Vec<SampleRow> = samples.iter().map(row).collect();
        let body: Vec<u8> = samples.iter().flat_map(|(_, _, bytes)| bytes.to_vec()).collect();
        [fragment_head(1, reel::track_id(kind), dts.cast_unsigned(), &rows).as_ref(), &body].concat()
    }

    /// `seconds` of 25 pictures each, shown one place later than decoded from `begin` on, with an IDR picture every `key` seconds.
    fn pictures(begin: i64, seconds: i64, key: i64) -> Vec<Vec<u8>> {
        let second = |n: i64| {
            let first = if n % key == 0 { IDR } else { SLICE };
            let all: Vec<(u32, i32, &[u8])> =
                (0..25).map(|at| (3_600, 3_600, if at == 0 { first } else { SLICE })).collect();
            fragment(TrackKind::Video, begin - 3_600 + n * SECOND, &all)
        };
        (0..seconds).map(second).collect()
    }

    /// About `seconds` of sound from sample `begin` on.
    fn sound(begin: i64, seconds: i64) -> Vec<Vec<u8>> {
        let second = |n: i64| fragment(TrackKind::Audio, begin + n * 47 * 1024, &[(1024, 0, &b"sound"[..]); 47]);
        (0..seconds).map(second).collect()
    }

    fn both(video: Vec<Vec<u8>>, audio: Vec<Vec<u8>>) -> Vec<u8> {
        let mut file = head(&[TrackKind::Video, TrackKind::Audio]);
        let (mut video, mut audio) = (video.into_iter(), audio.into_iter());
        loop {
            let (picture, sound) = (video.next(), audio.next());
            if picture.is_none() && sound.is_none() {
                return file;
            }
            file.extend(picture.into_iter().chain(sound).flatten());
        }
    }

    fn laid(file: &[u8], piece: usize) -> Result<(Vec<WrittenSegment>, (i64, i64)), Misfit> {
        let mut layer = Layer::new(ReelId::from_u128(7), WallTime::from_unix_s(0));
        let mut segments = Vec::new();
        for bytes in file.chunks(piece) {
            segments.extend(layer.push(bytes)?);
        }
        let rest = layer.finish()?;
        segments.extend(rest.segments);
        Ok((segments, rest.span))
    }

    fn sounds(segments: &[WrittenSegment]) -> u32 {
        segments.iter().filter_map(|one| one.row.audio).map(|audio| audio.samples).sum()
    }

    #[test]
    fn segments_begin_at_key_frames_and_hold_every_frame_once() {
        // Run-up of one frame before 0, as encoders make it.
        let file = both(pictures(0, 10, 2), sound(-1024, 10));
        let (segments, span) = laid(&file, 1_000).unwrap();
        assert_eq!(span, (SECOND, 11 * SECOND));
        let borders: Vec<_> = segments.iter().map(|one| (one.row.begin / SECOND, one.row.end / SECOND)).collect();
        assert_eq!(borders, [(1, 5), (5, 9), (9, 11)]);
        for segment in &segments {
            let scanned = scan_segment(&segment.bytes);
            assert_eq!((scanned.end, &scanned.page), (ScanEnd::Whole, &segment.page));
        }
        let pictures: u32 = segments.iter().filter_map(|one| one.row.video).map(|video| video.samples).sum();
        assert_eq!((pictures, sounds(&segments)), (250, 470));
        // Where the picture begins on the reel, so does the sound of its time: one frame of run-up before.
        assert_eq!(segments[0].row.audio.unwrap().dts, 48_000 - 1024);
        assert_eq!(segments[0].row.video.unwrap().pts, SECOND);
    }

    #[test]
    fn sound_that_begins_first_or_ends_last_has_segments_of_its_own() {
        let file = both(pictures(3 * SECOND, 4, 2), sound(0, 15));
        let (segments, span) = laid(&file, 4_096).unwrap();
        let kinds: Vec<_> = segments.iter().map(|one| (one.row.video.is_some(), one.row.audio.is_some())).collect();
        assert_eq!(kinds[0], (false, true), "{kinds:?}");
        assert!(kinds[1].0 && !kinds.last().unwrap().0, "{kinds:?}");
        assert!(segments.windows(2).all(|pair| pair[0].row.end == pair[1].row.begin));
        assert_eq!(span.0, SECOND);
        assert_eq!(sounds(&segments), 15 * 47);
        assert_eq!(segments[1].row.begin, 4 * SECOND, "three seconds after the sound");
    }

    #[test]
    fn sound_that_begins_late_keeps_its_time_and_a_gap_in_it_stays_one() {
        let mut audio = sound(5 * 48_000, 2);
        audio.extend(sound(10 * 48_000, 2));
        let (segments, _) = laid(&both(pictures(0, 14, 2), audio), 10_000).unwrap();
        let fragments = segments.iter().flat_map(|one| &one.page.fragments).filter(|one| one.track == TrackKind::Audio);
        let begins: Vec<i64> = fragments.map(|fragment| fragment.dts).collect();
        assert_eq!(begins[0], 6 * 48_000);
        assert!(begins.contains(&(11 * 48_000)), "{begins:?}");
    }

    #[test]
    fn times_that_no_file_has_are_refused_before_anything_is_made_of_them() {
        let (day, far) = (86_400 * SECOND, i64::MAX / 2);
        for (pictures_from, sound_from) in [(far, 0), (4 * day, 0), (0, far), (0, 4 * 86_400 * 48_000)] {
            let file = both(pictures(pictures_from, 2, 2), sound(sound_from, 2));
            let refused = laid(&file, 4_096).unwrap_err();
            assert!(matches!(refused, Misfit::Refused(why) if why.contains("three days")), "{refused}");
        }
    }

    #[test]
    fn times_in_milliseconds_make_no_gaps() {
        let mut file = head(&[TrackKind::Audio]);
        for n in 0..200i64 {
            // 21.33 ms, told as 21 or 22.
            let dts = (n * 1024 * 1_000 / 48_000) * 48;
            file.extend(fragment(TrackKind::Audio, dts, &[(1024, 0, b"sound")]));
        }
        let (segments, span) = laid(&file, 777).unwrap();
        assert_eq!(span, (SECOND, SECOND + 200 * 1_920));
        let rows: Vec<_> = segments.iter().filter_map(|one| one.row.audio).collect();
        assert!(rows.windows(2).all(|pair| pair[0].dts_end == pair[1].dts));
        assert_eq!(rows.iter().map(|row| row.samples).sum::<u32>(), 200);
    }

    #[test]
    fn what_does_not_fit_is_told_by_its_track() {
        let refused = |file: &[u8]| laid(file, 1 << 16).map(drop).unwrap_err();
        let mut headless = head(&[TrackKind::Video]);
        headless.extend(fragment(TrackKind::Video, 0, &[(3_600, 0, SLICE)]));
        assert!(matches!(refused(&headless), Misfit::Pictures(_)));
        // Other parameters in the middle.
        let mut changed = head(&[TrackKind::Video]);
        let other: Vec<u8> = [&[0, 0, 0, 2, 0x67, 0x42][..], IDR].concat();
        changed.extend(fragment(TrackKind::Video, 0, &[(3_600, 0, IDR), (3_600, 0, &other)]));
        assert!(matches!(refused(&changed), Misfit::Pictures(_)));
        let far = both(pictures(0, 70, 1_000), sound(0, 70));
        assert!(matches!(refused(&far), Misfit::Pictures(_)));
        assert!(matches!(refused(&head(&[TrackKind::Video])), Misfit::Refused(_)));
        assert!(matches!(refused(b""), Misfit::Refused(_)));
        let whole = both(pictures(0, 3, 2), sound(0, 3));
        assert!(matches!(refused(&whole[..whole.len() - 3]), Misfit::Broken(_)));
    }

    proptest! {
        #[test]
        fn any_split_of_the_file_gives_the_same_segments(piece in 1usize..5_000) {
            let file = both(pictures(0, 6, 2), sound(-1024, 6));
            prop_assert_eq!(laid(&file, piece).unwrap(), laid(&file, file.len()).unwrap());
        }

        #[test]
        fn a_damaged_file_never_panics(at in any::<prop::sample::Index>(), byte: u8, piece in 1usize..5_000) {
            let mut file = both(pictures(0, 2, 2), sound(-1024, 2));
            let at = at.index(file.len());
            file[at] = byte;
            let _ = laid(&file, piece);
        }
    }
}
