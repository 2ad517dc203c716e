//! What the encoder gets of a chunk: the stored samples of its segments, and a run-up.
//!
//! Nothing is decoded here. Pictures and sound go into a file each, so that neither waits for the other. Sound is made gapless
//! first: a frame lies on the slot that its time is nearest to, silence where there is none. So whatever the encoder makes of
//! it is placed by counting.

use bytes::Bytes;
use codec::TrackKind;
use container::{SampleRow, SampleTables, Track, fragment_head, init_segment};
use reel::{Epoch, SamplePage, SegmentRow, track_id};
use units::Timescale;

use crate::Rate;
use crate::error::{EncodeError, Result};
use crate::pictures::{PictureInput, Pictures, Treatment};
use crate::resolve::{AudioEncoding, Encoding};
use crate::sound::{Framing, frame_begin};

/// Frames of the source that are decoded before the first that is used: each is decoded over the one before it.
const DECODE_FRAMES: i64 = 3;
/// Sound frames in a fragment of the encoder's file: about a second.
const FRAMES_PER_FRAGMENT: usize = 48;

/// A stored segment, read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Its row; begin and end are those of what is used of it.
    pub row: SegmentRow,
    /// What comes before `row.begin` is not used.
    pub begins_inside: bool,
    /// What comes from `row.end` on is not used.
    pub ends_inside: bool,
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
    /// Where all that is encoded alike begins on the reel's timeline, in 90 kHz ticks.
    pub anchor: i64,
    /// How long a picture is shown on average, in 90 kHz ticks, in all that is encoded alike.
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
    /// The files of pictures: one for each way in which they are fed to the encoders.
    pub pictures: Vec<PictureInput>,
    /// The file of sound, in parts.
    pub audio: Vec<Bytes>,
    /// What is in it.
    pub sounds: Option<Sounds>,
}

/// A sample for the encoder.
pub(crate) struct Sample {
    pub(crate) row: SampleRow,
    pub(crate) dts: i64,
    pub(crate) bytes: Bytes,
}

impl Sample {
    #[cfg(test)]
    pub(crate) fn new(row: SampleRow, dts: i64, bytes: Bytes) -> Self {
        Self { row, dts, bytes }
    }

    pub(crate) fn pts(&self) -> i64 {
        self.dts.saturating_add(i64::from(self.row.cto))
    }

    /// The same at other times.
    pub(crate) fn at(self, dts: i64, pts: i64) -> Self {
        let cto = i32::try_from(pts.saturating_sub(dts)).unwrap_or(i32::MAX);
        Self { row: SampleRow { cto, ..self.row }, dts, ..self }
    }
}

impl Loaded {
    pub(crate) fn samples(&self, track: TrackKind) -> Result<Vec<Sample>> {
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
        let videos = || encodings.iter().filter_map(|encoding| encoding.video.as_ref());
        if source.own.iter().any(|segment| segment.row.video.is_some()) {
            let mut treatments: Vec<Treatment> = Vec::new();
            for treatment in videos().map(Treatment::of) {
                if !treatments.contains(&treatment) {
                    treatments.push(treatment);
                }
            }
            for treatment in treatments {
                let own = || videos().filter(|video| Treatment::of(video) == treatment);
                let with_lead = own().any(|video| matches!(video.rate, Rate::Kbps(_)));
                input.pictures.push(PictureInput::new(source, treatment, with_lead)?);
            }
        }
        let sounds: Vec<&AudioEncoding> = encodings.iter().filter_map(|encoding| encoding.audio.as_ref()).collect();
        if !sounds.is_empty() && source.own.iter().any(|segment| segment.row.audio.is_some()) {
            input.add_sound(source, &sounds)?;
        }
        Ok(input)
    }

    /// Whether the chunk has nothing that is encoded.
    pub const fn is_empty(&self) -> bool {
        self.pictures.is_empty() && self.sounds.is_none()
    }

    /// Which of the files of pictures an encoding is made of, and what is in it.
    pub fn pictures_of(&self, encoding: &Encoding) -> Option<(usize, &Pictures)> {
        let treatment = Treatment::of(encoding.video.as_ref()?);
        let found = self.pictures.iter().enumerate().find(|(_, input)| input.pictures.treatment == treatment);
        found.map(|(number, input)| (number, &input.pictures))
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
        self.audio = file_of(source.epoch, TrackKind::Audio, &slotted)?;
        Ok(())
    }
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

/// A fragmented file of one track, which counts as it is stored.
pub(crate) fn file_of(epoch: &Epoch, track: TrackKind, samples: &[Sample]) -> Result<Vec<Bytes>> {
    let scale = epoch.scale(track).ok_or(EncodeError::Source { what: "a track without parameters" })?;
    file(epoch, track, scale, samples)
}

/// A fragmented file of one track, whose samples count in `scale`.
pub(crate) fn file(epoch: &Epoch, track: TrackKind, scale: Timescale, samples: &[Sample]) -> Result<Vec<Bytes>> {
    let entry = epoch.entry(track, false).ok_or(EncodeError::Source { what: "a track without parameters" })?;
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
}
