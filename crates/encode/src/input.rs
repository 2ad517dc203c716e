//! What the encoder gets of a chunk: the stored samples of its segments, and a run-up.
//!
//! Nothing is decoded here. Pictures and sound go into a file each, so that neither waits for the other. Sound is made gapless
//! first: a frame lies on the slot that its time is nearest to, silence where there is none. So whatever the encoder makes of
//! it is placed by counting.

use bytes::Bytes;
use codec::TrackKind;
use container::{SampleRow, SampleTables, Track, fragment_head, init_segment};
use reel::{Epoch, SamplePage, SegmentRow, track_id};

use crate::Rate;
use crate::error::{EncodeError, Result};
use crate::resolve::{AudioEncoding, Encoding};
use crate::sound::{Framing, frame_begin};

/// How much of the pictures before a chunk is encoded and thrown away, in 90 kHz ticks: 2 s. A rate control that starts
/// without it gives the first second too few bits, which can be seen. Quality alone needs none.
const LEAD_TICKS: i64 = 2 * 90_000;
/// Frames of the source that are decoded before the first that is used: each is decoded over the one before it.
const DECODE_FRAMES: i64 = 3;
/// Sound frames in a fragment of the encoder's file: about a second.
const FRAMES_PER_FRAGMENT: usize = 48;

/// A stored segment, read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its row.
    pub row: SegmentRow,
    /// Its sample tables.
    pub page: SamplePage,
    /// Its file.
    pub bytes: Bytes,
}

/// A chunk of a source.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The parameters of its segments.
    pub epoch: &'a Epoch,
    /// The segment before it, when the chunk goes on where that ends.
    pub lead: Option<&'a Loaded>,
    /// Its segments.
    pub own: &'a [Loaded],
    /// The segment after it, when that goes on where the chunk ends.
    pub tail: Option<&'a Loaded>,
    /// How long a picture is shown on average, in 90 kHz ticks, in all that is encoded alike.
    pub picture_ticks: i64,
}

/// A picture of the source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Picture {
    /// When it is shown, on the reel's timeline.
    pub pts: i64,
    /// In which segment of the chunk, by position.
    pub segment: usize,
}

/// The pictures that the encoder gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pictures {
    /// Decoded, but not encoded: what the run-up needs to be decoded.
    pub skipped: usize,
    /// Encoded and thrown away.
    pub lead: usize,
    /// The chunk's own, as they are shown.
    pub own: Vec<Picture>,
    /// Where key frames are asked for: a moment before the first picture of each segment.
    pub key_times: Vec<i64>,
    /// How long a picture of the rendition is shown on average, in 90 kHz ticks; at least 1. The same for all its chunks.
    pub picture_ticks: i64,
}

/// The sound that the encoder gets: gapless.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sounds {
    /// Where its first sample lies on the reel's timeline, in samples of `rate`.
    pub begin: i64,
    /// Samples per second of the stored track.
    pub rate: u32,
    /// Where the chunk begins and ends, in 90 kHz ticks.
    pub chunk: (i64, i64),
}

/// All that the encoder gets.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// The file of pictures, in parts.
    pub video: Vec<Bytes>,
    /// What is in it.
    pub pictures: Option<Pictures>,
    /// The file of sound, in parts.
    pub audio: Vec<Bytes>,
    /// What is in it.
    pub sounds: Option<Sounds>,
}

/// A stored sample.
pub(crate) struct Sample {
    pub(crate) row: SampleRow,
    pub(crate) dts: i64,
    pub(crate) bytes: Bytes,
}

impl Sample {
    fn pts(&self) -> i64 {
        self.dts.saturating_add(i64::from(self.row.cto))
    }
}

impl Loaded {
    fn samples(&self, track: TrackKind) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for fragment in self.page.fragments.iter().filter(|fragment| fragment.track == track) {
            let mut at = fragment.at.saturating_add(fragment.head());
            let mut dts = fragment.dts;
            for row in &fragment.samples {
                let end = at.saturating_add(u64::from(row.size));
                let range = usize::try_from(at).ok().zip(usize::try_from(end).ok());
                let (from, to) = range
                    .filter(|(_, to)| *to <= self.bytes.len())
                    .ok_or(EncodeError::Source { what: "a sample lies beyond the end of its file" })?;
                samples.push(Sample { row: *row, dts, bytes: self.bytes.slice(from..to) });
                dts = dts.saturating_add(i64::from(row.duration));
                at = end;
            }
        }
        Ok(samples)
    }
}

impl Input {
    /// Prepares a chunk for all `encodings` at once.
    ///
    /// Errors: [`EncodeError::Source`] when index and media do not fit.
    pub fn new(source: &Source<'_>, encodings: &[Encoding]) -> Result<Self> {
        let mut input = Self::default();
        let rates = || encodings.iter().filter_map(|encoding| Some(encoding.video.as_ref()?.rate));
        if rates().next().is_some() && source.own.iter().any(|segment| segment.row.video.is_some()) {
            let with_lead = rates().any(|rate| matches!(rate, Rate::Kbps(_)));
            input.add_pictures(source, with_lead)?;
        }
        let sounds: Vec<&AudioEncoding> = encodings.iter().filter_map(|encoding| encoding.audio.as_ref()).collect();
        if !sounds.is_empty() && source.own.iter().any(|segment| segment.row.audio.is_some()) {
            input.add_sound(source, &sounds)?;
        }
        Ok(input)
    }

    /// Whether the chunk has nothing that is encoded.
    pub const fn is_empty(&self) -> bool {
        self.pictures.is_none() && self.sounds.is_none()
    }

    fn add_pictures(&mut self, source: &Source<'_>, with_lead: bool) -> Result<()> {
        let first = source.own.first().ok_or(EncodeError::Source { what: "a chunk without a segment" })?;
        let begin = first.row.begin;
        let mut fed = match source.lead {
            Some(lead) if with_lead => run_up(lead.samples(TrackKind::Video)?, begin),
            _ => Vec::new(),
        };
        let before = fed.len();
        let skipped = fed.iter().filter(|sample| sample.pts() < begin.saturating_sub(LEAD_TICKS)).count();
        for segment in source.own {
            fed.extend(segment.samples(TrackKind::Video)?);
        }
        let mut times: Vec<i64> = fed.iter().skip(before).map(Sample::pts).collect();
        times.sort_unstable();
        let begins: Vec<i64> = source.own.iter().map(|segment| segment.row.begin).collect();
        let segment_of = |pts: i64| begins.partition_point(|begin| *begin <= pts).saturating_sub(1);
        let own: Vec<Picture> = times.into_iter().map(|pts| Picture { pts, segment: segment_of(pts) }).collect();
        let key_times = key_times(&own, begins.len())?;
        let picture_ticks = source.picture_ticks.max(1);
        self.pictures = Some(Pictures { skipped, lead: before - skipped, own, key_times, picture_ticks });
        let config = TrackKind::Video;
        self.video = file(source.epoch, config, &fed)?;
        Ok(())
    }

    fn add_sound(&mut self, source: &Source<'_>, encodings: &[&AudioEncoding]) -> Result<()> {
        let unknown = EncodeError::Source { what: "sound without parameters" };
        let (Some(config), Some(first), Some(last)) =
            (source.epoch.audio.as_ref(), source.own.first(), source.own.last())
        else {
            return Err(unknown);
        };
        let (rate, frame) = (config.sample_rate, i64::from(config.frame_samples.max(1)));
        let chunk = (first.row.begin, last.row.end);
        let needed = encodings.iter().map(|encoding| needed(chunk, encoding, rate));
        let (from, to) = needed.fold((i64::MAX, i64::MIN), |all, one| (all.0.min(one.0), all.1.max(one.1)));
        let from = from.saturating_sub(frame * DECODE_FRAMES);
        let mut frames = Vec::new();
        for segment in source.lead.into_iter().chain(source.own).chain(source.tail) {
            frames.extend(segment.samples(TrackKind::Audio)?);
        }
        frames.retain(|sample| sample.dts.saturating_add(frame) > from && sample.dts < to);
        let Some(anchor) = frames.first().map(|sample| sample.dts) else { return Ok(()) };
        let missing = anchor.saturating_sub(from).max(0).saturating_add(frame - 1) / frame;
        let begin = anchor - missing * frame;
        let slotted = slotted(&frames, begin, frame, config.silent_frame())?;
        self.sounds = Some(Sounds { begin, rate, chunk });
        self.audio = file(source.epoch, TrackKind::Audio, &slotted)?;
        Ok(())
    }
}

/// From the last key frame on that leaves room for the run-up, or from the first.
fn run_up(samples: Vec<Sample>, begin: i64) -> Vec<Sample> {
    let room = |sample: &Sample| sample.row.sync && sample.pts() <= begin.saturating_sub(LEAD_TICKS);
    let key = |sample: &Sample| sample.row.sync;
    match samples.iter().rposition(room).or_else(|| samples.iter().position(key)) {
        Some(from) => samples.into_iter().skip(from).collect(),
        None => Vec::new(),
    }
}

/// Half a millisecond, or half the way to the picture before: the first picture at or after that time becomes a key frame.
fn key_times(own: &[Picture], segments: usize) -> Result<Vec<i64>> {
    const EARLIER: i64 = 45;
    let mut times = Vec::with_capacity(segments);
    for segment in 0..segments {
        let at = own.partition_point(|picture| picture.segment < segment);
        let first = own.get(at).filter(|picture| picture.segment == segment);
        let first = first.ok_or(EncodeError::Source { what: "a segment in which no picture is shown" })?;
        let gap = at.checked_sub(1).and_then(|at| own.get(at)).map_or(i64::MAX, |before| first.pts - before.pts);
        times.push(first.pts - EARLIER.min(gap / 2));
    }
    Ok(times)
}

/// Which part of the source, in its own samples, the frames of a chunk at another rate are made of.
fn needed(chunk: (i64, i64), audio: &AudioEncoding, source_rate: u32) -> (i64, i64) {
    let framing = Framing::of(audio);
    let (first, end) = framing.encoded(chunk, audio.sample_rate);
    let of_source = |sample: i64| {
        let at = i128::from(sample) * i128::from(source_rate);
        i64::try_from(at.div_euclid(i128::from(audio.sample_rate.max(1)))).unwrap_or(0)
    };
    let lead = frame_begin(first, framing.frame).saturating_sub(i64::from(framing.early));
    (of_source(lead), of_source(frame_begin(end, framing.frame)).saturating_add(1))
}

/// Frames end to end from `begin` on: each on the slot that its time is nearest to, silence in those that are empty.
fn slotted(frames: &[Sample], begin: i64, frame: i64, silence: Option<Bytes>) -> Result<Vec<Sample>> {
    let duration = u32::try_from(frame).unwrap_or(u32::MAX);
    let mut out: Vec<Sample> = Vec::new();
    let mut put = |bytes: &Bytes, slot: i64| {
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let row = SampleRow { duration, size, cto: 0, sync: true };
        out.push(Sample { row, dts: begin.saturating_add(slot.saturating_mul(frame)), bytes: bytes.clone() });
    };
    let mut next = 0;
    for sample in frames {
        let slot = sample.dts.saturating_sub(begin).saturating_add(frame / 2).div_euclid(frame);
        if slot < next {
            continue;
        }
        while next < slot {
            let silence = silence.as_ref().ok_or(EncodeError::Source { what: "a gap in sound that has no silence" })?;
            put(silence, next);
            next += 1;
        }
        put(&sample.bytes, slot);
        next += 1;
    }
    Ok(out)
}

/// A fragmented file of one track.
pub(crate) fn file(epoch: &Epoch, track: TrackKind, samples: &[Sample]) -> Result<Vec<Bytes>> {
    let unknown = EncodeError::Source { what: "a track without parameters" };
    let (Some(entry), Some(scale)) = (epoch.entry(track, false), epoch.scale(track)) else { return Err(unknown) };
    let id = track_id(track);
    let tables = SampleTables::default();
    let init = init_segment(&[Track { id, entry, scale, edits: Vec::new(), duration: 0, media_duration: 0, tables }]);
    let mut parts = vec![init];
    // Never shown before it is decoded: readers would move all times to mend that.
    let early = samples.iter().map(|sample| sample.row.cto).min().unwrap_or(0).min(0);
    let mut sequence = 0u32;
    for some in samples.chunks(FRAMES_PER_FRAGMENT) {
        let shown_later = |row: SampleRow| SampleRow { cto: row.cto.saturating_sub(early), ..row };
        let mut rows: Vec<SampleRow> = some.iter().map(|sample| shown_later(sample.row)).collect();
        // Rows of one file may follow each other with a break in the run-up: what counts is where the next is decoded.
        for (row, pair) in rows.iter_mut().zip(some.windows(2)) {
            if let [this, next] = pair {
                row.duration = u32::try_from(next.dts.saturating_sub(this.dts)).unwrap_or(row.duration);
            }
        }
        sequence = sequence.saturating_add(1);
        let dts = some.first().map_or(0, |sample| sample.dts.saturating_add(i64::from(early)));
        parts.push(fragment_head(sequence, id, u64::try_from(dts).unwrap_or(0), &rows));
        parts.extend(some.iter().map(|sample| sample.bytes.clone()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(times: &[i64]) -> Vec<Sample> {
        let row = SampleRow { duration: 1024, size: 1, cto: 0, sync: true };
        times.iter().map(|dts| Sample { row, dts: *dts, bytes: Bytes::from_static(b"x") }).collect()
    }

    #[test]
    fn a_gap_in_sound_is_filled_and_an_overlap_dropped() {
        let silence = Some(Bytes::from_static(b"."));
        // A gap of two and a bit frames, then one that lies over its neighbour.
        let found = slotted(&frames(&[2048, 3072, 6200, 6300, 7168]), 0, 1024, silence).unwrap();
        let text: Vec<u8> = found.iter().flat_map(|sample| sample.bytes.to_vec()).collect();
        assert_eq!(text, b"..xx..xx");
        assert!(found.iter().zip(0i64..).all(|(sample, slot)| sample.dts == slot * 1024));
    }

    #[test]
    fn sound_whose_silence_nobody_knows_is_refused_only_where_it_has_gaps() {
        assert_eq!(slotted(&frames(&[0, 1024]), 0, 1024, None).unwrap().len(), 2);
        assert!(slotted(&frames(&[0, 4096]), 0, 1024, None).is_err());
    }

    #[test]
    fn key_frames_are_asked_for_just_before_the_first_picture_of_a_segment() {
        let picture = |pts, segment| Picture { pts, segment };
        let own = [picture(0, 0), picture(3000, 0), picture(3040, 1), picture(6000, 1)];
        assert_eq!(key_times(&own, 2).unwrap(), [-45, 3020]);
        assert!(key_times(&own, 3).is_err());
    }

    #[test]
    fn the_run_up_begins_with_a_key_frame() {
        let sample =
            |dts, sync| Sample { row: SampleRow { duration: 3000, size: 0, cto: 0, sync }, dts, bytes: Bytes::new() };
        let samples = || (0..6).map(|n| sample(n * 90_000, n % 2 == 0)).collect::<Vec<_>>();
        assert_eq!(run_up(samples(), 540_000).first().unwrap().dts, 360_000);
        assert_eq!(run_up(samples(), 450_000).first().unwrap().dts, 180_000);
        assert_eq!(run_up(samples(), 100_000).first().unwrap().dts, 0);
    }
}
