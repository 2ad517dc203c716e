//! An MP3 file that nobody stored: the stored frames end to end, behind one that says how long they last.
//!
//! A file has no times, so a frame's place is its number: each lies in the slot that its time is nearest to, and silence where
//! there is none. Every frame can be decoded without bits of the one before it.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use codec::{AudioCodec, Mp3Config, TrackKind};
use reel::SamplePage;
use units::{MediaTime, Timescale};

use crate::error::{Result, ViewError, no_track};
use crate::hls::Shown;
use crate::piece::{Piece, slice};
use crate::timeline::Timeline;

/// Bit rate of the first frame, which has no sound: enough for what it says, at every sampling rate.
const INFO_KBPS: u32 = 128;
/// Which values the first frame has: frames, bytes, table of contents.
const INFO_FLAGS: u32 = 0b111;
/// Entries of the table of contents.
const CONTENTS: u32 = 100;
/// Most frames of silence in one hole: a day.
const SILENCE_FRAMES_MAX: i64 = 4_000_000;

/// Takes the pages of a cut one by one and makes its MP3.
#[derive(Debug)]
pub struct Mp3Builder<'a> {
    timeline: &'a Timeline,
    config: Mp3Config,
    scale: Timescale,
    next: usize,
    /// The slot that the next frame would have.
    slot: i64,
    pieces: Vec<Piece>,
    bytes: u64,
}

/// An MP3 file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mp3 {
    pieces: Vec<Piece>,
    size: u64,
}

impl<'a> Mp3Builder<'a> {
    /// Begins. Errors: [`ViewError::NoSuch`] without sound, [`ViewError::Format`] when it is not MP3, or changes.
    pub fn new(timeline: &'a Timeline) -> Result<Self> {
        let known = timeline.track_epochs(TrackKind::Audio);
        let first = known.first().ok_or_else(|| no_track(TrackKind::Audio))?;
        let wrong = |what| ViewError::Format { format: "MP3", what };
        let audio = first.epoch.audio.as_ref().ok_or_else(|| no_track(TrackKind::Audio))?;
        if audio.codec != AudioCodec::Mp3 {
            return Err(wrong("sound of another codec"));
        }
        if known.len() > 1 {
            return Err(wrong("sound whose parameters change"));
        }
        let config = Mp3Config::parse(&audio.record).map_err(|_| wrong("sound whose parameters cannot be read"))?;
        Ok(Self { timeline, config, scale: first.scale, next: 0, slot: 0, pieces: Vec::new(), bytes: 0 })
    }

    /// Takes the page of the `position`th of the [`Timeline::files`]; each once, in order.
    ///
    /// Errors: [`ViewError::PageOrder`], [`ViewError::PageMismatch`].
    pub fn push(&mut self, position: usize, page: &SamplePage) -> Result<()> {
        let (Some(file), true) = (self.timeline.cut_files().get(position), position == self.next) else {
            return Err(ViewError::PageOrder { expected: self.next, found: position });
        };
        self.next += 1;
        let Some(part) = self.timeline.parts().get(file.part) else { return Ok(()) };
        let frame = i64::from(self.config.frame_samples());
        let sound = page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Audio);
        for fragment in sound.filter(|fragment| part.file(fragment.track) == file.file) {
            let shown = Shown::of(part, fragment, self.timeline.hls_audio_from(part))?;
            let (mut dts, mut at) = (shown.dts, shown.from);
            for row in shown.samples {
                let end = at.saturating_add(u64::from(row.size));
                let slot = dts.saturating_add(frame / 2).div_euclid(frame);
                if slot >= self.slot {
                    self.silence(slot);
                    self.stored(Piece::Stored { reel: file.file.reel, segment: file.file.segment, range: at..end });
                    self.slot = self.slot.saturating_add(1);
                }
                dts = dts.saturating_add(i64::from(row.duration));
                at = end;
            }
        }
        Ok(())
    }

    fn stored(&mut self, piece: Piece) {
        self.bytes = self.bytes.saturating_add(piece.len());
        match (self.pieces.last_mut(), piece) {
            (
                Some(Piece::Stored { reel, segment, range }),
                Piece::Stored { reel: next_reel, segment: next_segment, range: next },
            ) if (*reel, *segment, range.end) == (next_reel, next_segment, next.start) => range.end = next.end,
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Silence up to a slot.
    fn silence(&mut self, until: i64) {
        let frames = until.saturating_sub(self.slot).clamp(0, SILENCE_FRAMES_MAX);
        let count = usize::try_from(frames).unwrap_or(0);
        if count > 0 {
            let silent: Bytes = self.config.silent_frame().repeat(count).into();
            self.bytes = self.bytes.saturating_add(u64::try_from(silent.len()).unwrap_or(u64::MAX));
            self.pieces.push(Piece::Made(silent));
            self.slot = until;
        }
    }

    /// The file. Errors: [`ViewError::PageOrder`] when pages are missing.
    pub fn finish(mut self) -> Result<Mp3> {
        let files = self.timeline.files().len();
        if self.next != files {
            return Err(ViewError::PageOrder { expected: files, found: self.next });
        }
        let end = MediaTime::reel(i64::try_from(self.timeline.duration()).unwrap_or(i64::MAX));
        let end = crate::timeline::rescale(end, self.scale);
        let frame = i64::from(self.config.frame_samples());
        self.silence(end.saturating_add(frame / 2).div_euclid(frame));
        let info = self.info();
        let size = self.bytes.saturating_add(u64::try_from(info.len()).unwrap_or(u64::MAX));
        let pieces = std::iter::once(Piece::Made(info)).chain(self.pieces).collect();
        Ok(Mp3 { pieces, size })
    }

    /// A frame of silence that says how many follow: what players take for the length, and find their way by.
    fn info(&self) -> Bytes {
        let kbps = INFO_KBPS;
        let config = Mp3Config::new(self.config.sample_rate, self.config.channels, kbps).unwrap_or(self.config);
        let silent = config.silent_frame();
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes();
        let length = u64::try_from(silent.len()).unwrap_or(0);
        let mut said = BytesMut::from(&b"Info"[..]);
        said.extend_from_slice(&INFO_FLAGS.to_be_bytes());
        said.extend_from_slice(&small(u64::try_from(self.slot).unwrap_or(0)));
        said.extend_from_slice(&small(self.bytes.saturating_add(length)));
        // Every frame takes as many bytes: where a hundredth of the time is, a hundredth of the bytes is.
        said.extend((0..CONTENTS).map(|at| u8::try_from(at * 256 / CONTENTS).unwrap_or(u8::MAX)));
        let mut frame = BytesMut::from(&silent[..]);
        let at = 4 + config.side_bytes();
        if let Some(place) = frame.get_mut(at..at + said.len()) {
            place.copy_from_slice(&said);
        }
        frame.freeze()
    }
}

impl Mp3 {
    /// Bytes of the whole file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// What it takes of memory, in bytes, for a cache.
    pub fn weight(&self) -> usize {
        let made = |piece: &Piece| match piece {
            Piece::Made(bytes) => bytes.len(),
            Piece::Stored { .. } => 0,
        };
        self.pieces.iter().map(|piece| size_of::<Piece>().saturating_add(made(piece))).sum()
    }

    /// The bytes `range` of the file; a range beyond its end is cut there.
    pub fn pieces(&self, range: Range<u64>) -> Vec<Piece> {
        slice(&self.pieces, range)
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up reels are small")]
mod tests {
    use container::SampleRow;
    use reel::{Fragment, Join};

    use super::*;
    use crate::testing::{Shape, Stored, read, record, sample_bytes, stored, timeline};

    fn mp3(timeline: &Timeline, reels: &[&Stored]) -> Mp3 {
        let mut builder = Mp3Builder::new(timeline).unwrap();
        for (position, file) in timeline.files().enumerate() {
            builder.push(position, stored(&file, reels).1).unwrap();
        }
        builder.finish().unwrap()
    }

    fn shape() -> Shape {
        Shape { mp3: true, rate: 44_100, ..Shape::default() }
    }

    /// The frames of a reel's sound, in order.
    fn frames(reel: &Stored) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for fragment in reel.pages.iter().flat_map(|page| &page.fragments).filter(|one| one.track == TrackKind::Audio) {
            let mut dts = fragment.dts;
            for row in &fragment.samples {
                all.push(sample_bytes(TrackKind::Audio, dts, row.size));
                dts += i64::from(row.duration);
            }
        }
        all
    }

    fn info(file: &[u8]) -> (u32, u32) {
        assert_eq!(&file[36..40], b"Info");
        let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        (number(44), number(48))
    }

    #[test]
    fn the_frames_lie_end_to_end_behind_one_that_counts_them() {
        for [pictures, sound] in [record(1, &shape()).apart()] {
            for view in [sound.all(), pictures.with_sound(&sound)] {
                let timeline = timeline(&[view]);
                let mp3 = mp3(&timeline, &[&pictures, &sound]);
                let file = read(&mp3.pieces(0..u64::MAX), &[&pictures, &sound]);
                assert_eq!(file.len() as u64, mp3.size());
                let frames = frames(&sound);
                let first = codec::mp3_frame_bytes(&file).unwrap();
                assert_eq!(info(&file).1 as usize, file.len());
                let stored: usize = frames.iter().map(Vec::len).sum();
                assert_eq!(&file[first..first + stored], frames.concat());
                // As many as last as long as the cut does; what is missing at its end is silent.
                let slots = (timeline.duration() * 44_100 + 45_000 * 1152) / (90_000 * 1152);
                assert_eq!(u64::from(info(&file).0), slots);
                assert_eq!(read(&mp3.pieces(7..1_000), &[&pictures, &sound]), &file[7..1_000]);
            }
        }
    }

    #[test]
    fn a_hole_is_silent_and_what_lies_over_the_sound_before_is_left_out() {
        let mut reel = record(1, &Shape { segments: 1, video: false, audio_early: 0, ..shape() });
        let last = reel.index.segments[0].audio.unwrap().dts_end;
        let row = SampleRow { duration: 1152, size: 33, cto: 0, sync: true };
        for (begin, count) in [(last + 5 * 1152 + 300, 4), (last + 9 * 1152 - 600, 3)] {
            let samples = vec![row; count];
            reel.add(vec![Fragment { track: TrackKind::Audio, at: 0, dts: begin, samples }], 0, Join::Continuous);
        }
        let timeline = timeline(&[reel.all()]);
        let config = Mp3Config::new(44_100, 2, 128).unwrap();
        let made: Vec<usize> = mp3(&timeline, &[&reel])
            .pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Made(bytes) => Some(bytes.len() / config.frame_bytes()),
                Piece::Stored { .. } => None,
            })
            .collect();
        assert_eq!(made, [1, 5], "the first frame, and one hole");
        let stored: u64 = mp3(&timeline, &[&reel])
            .pieces
            .iter()
            .filter(|piece| matches!(piece, Piece::Stored { .. }))
            .map(Piece::len)
            .sum();
        let first: u64 = frames(&reel).iter().take(frames(&reel).len() - 7).map(|frame| frame.len() as u64).sum();
        assert_eq!(stored, first + 6 * 33, "one of the three lay over the four");
    }

    #[test]
    fn sound_that_is_no_mp3_is_refused() {
        let reel = record(1, &Shape::default());
        assert!(matches!(Mp3Builder::new(&timeline(&[reel.all()])), Err(ViewError::Format { format: "MP3", .. })));
        let mute = record(1, &Shape { audio: false, ..Shape::default() });
        assert!(matches!(Mp3Builder::new(&timeline(&[mute.all()])), Err(ViewError::NoSuch { .. })));
    }
}
