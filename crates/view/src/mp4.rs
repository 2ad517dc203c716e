//! A progressive MP4 that nobody stored: `ftyp`, `moov` and `mdat` header are made from the index, the body of the `mdat`
//! is the stored segments end to end. Their own boxes lie dead between the samples (some 1 % of the bytes).

use std::ops::Range;

use bytes::Bytes;
use codec::{AudioCodec, TrackKind};
use container::{Track, progressive_head};
use reel::{SamplePage, track_id};
use units::ReelId;

use crate::error::{Result, ViewError};
use crate::hls::Shown;
use crate::piece::Piece;
use crate::tables::TrackTables;
use crate::timeline::Timeline;

/// Most samples in one MP4: six days of 60 pictures and 47 sound frames a second. Its `moov` takes some 12 bytes a sample
/// and must be held whole.
pub const SAMPLES_MAX: u64 = 56_000_000;

/// Takes the pages of a cut one by one and makes its MP4; holds no page, only the tables.
#[derive(Debug)]
pub struct Mp4Builder<'a> {
    timeline: &'a Timeline,
    next: usize,
    /// How much before they are shown all pictures are decoded: the largest delay of any run.
    delay: i64,
    samples: u64,
    video: TrackTables,
    /// A track has one clock and one kind of sound: each kind there is has a track of its own, with the number of the first
    /// parameters of that kind.
    sounds: Vec<(usize, TrackTables)>,
    /// Which of them the sound of which parameters is in.
    sound_of: Vec<usize>,
}

/// What all the sound of one track has in common.
type SoundKind = (AudioCodec, u32, u16, u32);

impl<'a> Mp4Builder<'a> {
    /// Begins.
    pub fn new(timeline: &'a Timeline) -> Self {
        let mut kinds: Vec<Option<SoundKind>> = Vec::new();
        let mut sounds = Vec::new();
        let mut sound_of = Vec::new();
        for (number, known) in timeline.track_epochs(TrackKind::Audio).iter().enumerate() {
            let audio = known.epoch.audio.as_ref();
            let kind = audio.map(|audio| (audio.codec, audio.sample_rate, audio.channels, audio.frame_samples));
            let track = kinds.iter().position(|known| *known == kind).unwrap_or_else(|| {
                kinds.push(kind);
                sounds.push((number, TrackTables::new()));
                kinds.len() - 1
            });
            sound_of.push(track);
        }
        let delays = timeline.parts().iter().filter(|part| part.row.video.is_some()).map(|part| part.video_delay);
        Self {
            timeline,
            next: 0,
            delay: delays.max().unwrap_or(0),
            samples: 0,
            video: TrackTables::new(),
            sounds,
            sound_of,
        }
    }

    /// Takes the page of the `position`th of the [`Timeline::files`]; each once, in order.
    ///
    /// Errors: [`ViewError::PageOrder`], [`ViewError::PageMismatch`], [`ViewError::TooManySamples`].
    pub fn push(&mut self, position: usize, page: &SamplePage) -> Result<()> {
        let (Some(file), true) = (self.timeline.cut_files().get(position), position == self.next) else {
            return Err(ViewError::PageOrder { expected: self.next, found: position });
        };
        self.next += 1;
        let Some(part) = self.timeline.parts().get(file.part) else { return Ok(()) };
        for fragment in page.fragments.iter().filter(|fragment| part.file(fragment.track) == file.file) {
            let shown = Shown::of(part, fragment, part.audio_from)?;
            if shown.samples.is_empty() {
                continue;
            }
            self.samples = self.samples.saturating_add(u64::try_from(shown.samples.len()).unwrap_or(u64::MAX));
            if self.samples > SAMPLES_MAX {
                return Err(ViewError::TooManySamples { limit: SAMPLES_MAX });
            }
            let offset = file.bytes_before.saturating_add(shown.from);
            match fragment.track {
                TrackKind::Video => {
                    let earlier = self.delay.saturating_sub(part.video_delay);
                    self.video.add_chunk(offset, shown.dts.saturating_sub(earlier), earlier, shown.samples);
                }
                TrackKind::Audio => {
                    let track = self.sound_of.get(part.audio_epoch).and_then(|track| self.sounds.get_mut(*track));
                    if let Some((_, tables)) = track {
                        tables.add_chunk(offset, shown.dts, 0, shown.samples);
                    }
                }
            }
        }
        Ok(())
    }

    /// The MP4. Errors: [`ViewError::PageOrder`] when pages are missing, [`ViewError::Empty`] when they hold no sample.
    pub fn finish(self) -> Result<Mp4> {
        let stored = self.timeline.files();
        if self.next != stored.len() {
            return Err(ViewError::PageOrder { expected: stored.len(), found: self.next });
        }
        let (mut tracks, mut video_frames, mut audio_frames) = (Vec::new(), 0, 0_u64);
        if let Some((track, samples)) =
            finish_track(self.timeline, TrackKind::Video, 0, track_id(TrackKind::Video), self.video)
        {
            tracks.push(track);
            video_frames = samples;
        }
        for (id, (first, tables)) in (track_id(TrackKind::Audio)..).zip(self.sounds) {
            if let Some((track, samples)) = finish_track(self.timeline, TrackKind::Audio, first, id, tables) {
                tracks.push(track);
                audio_frames = audio_frames.saturating_add(samples);
            }
        }
        if tracks.is_empty() {
            return Err(ViewError::Empty);
        }
        let body = self.timeline.files().fold(0, |sum: u64, file| sum.saturating_add(file.bytes));
        let head = progressive_head(&tracks, body);
        let mut at = u64::try_from(head.len()).unwrap_or(u64::MAX);
        let mut files = Vec::with_capacity(stored.len());
        for file in stored {
            files.push(File { at, reel: file.reel, segment: file.segment, bytes: file.bytes });
            at = at.saturating_add(file.bytes);
        }
        Ok(Mp4 { head, files, size: at, video_frames, audio_frames })
    }
}

/// A track with the sample entry of parameters number `first`.
fn finish_track(
    timeline: &Timeline,
    kind: TrackKind,
    first: usize,
    id: u32,
    tables: TrackTables,
) -> Option<(Track, u64)> {
    let known = timeline.track_epochs(kind);
    let first = known.get(first)?;
    // Two sample entries in one file stop browsers at the change; one that tells of sets in the samples does not.
    let entry = first.epoch.entry(kind, kind == TrackKind::Video && known.len() > 1)?;
    tables.finish(id, entry, first.scale)
}

/// A stored file inside the MP4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct File {
    at: u64,
    reel: ReelId,
    segment: u32,
    bytes: u64,
}

/// A progressive MP4: its head, and what follows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mp4 {
    head: Bytes,
    files: Vec<File>,
    size: u64,
    video_frames: u64,
    audio_frames: u64,
}

impl Mp4 {
    /// Bytes of the whole file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Everything before the media: `ftyp`, `moov`, `mdat` header.
    pub const fn head(&self) -> &Bytes {
        &self.head
    }

    /// How many pictures its table has.
    pub const fn video_frames(&self) -> u64 {
        self.video_frames
    }

    /// How many sound frames its table has: those of the cut, but for ones that would lie over others at a join.
    pub const fn audio_frames(&self) -> u64 {
        self.audio_frames
    }

    /// What it takes of memory, in bytes, for a cache.
    pub fn weight(&self) -> usize {
        self.head.len().saturating_add(self.files.len().saturating_mul(size_of::<File>()))
    }

    /// The bytes `range` of the file; a range beyond its end is cut there.
    pub fn pieces(&self, range: Range<u64>) -> Vec<Piece> {
        let mut out = Vec::new();
        let head = Piece::Made(self.head.clone());
        if range.start < head.len().min(range.end) {
            out.push(head.part(range.clone()));
        }
        let first = self.files.partition_point(|file| file.at.saturating_add(file.bytes) <= range.start);
        for file in self.files.get(first..).unwrap_or_default() {
            if file.at >= range.end {
                break;
            }
            let (from, to) = (range.start.max(file.at) - file.at, range.end.saturating_sub(file.at).min(file.bytes));
            if from < to {
                out.push(Piece::Stored { reel: file.reel, segment: file.segment, range: from..to });
            }
        }
        out
    }
}
