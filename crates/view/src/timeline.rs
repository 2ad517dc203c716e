//! The segments of a cut, end to end on the asset's own timeline.
//!
//! **Rules.** 0 is where the first segment of the cut begins (the smallest presentation time of its pictures, or of its
//! sound). A span lasts from the begin of its first segment to the end of its last. Spans that touch in one reel stay on
//! that reel's timeline. Times are shifted once per span, rounded once per sample, never summed.

use codec::{AudioConfig, TrackKind, VideoConfig};
use reel::{Epoch, Join, PageRef, ReelIndex, SamplePage, SegmentHead, SegmentRow, Span};
use units::{MediaTime, ReelId, Timescale, WallTime};

use crate::error::{Result, ViewError};
use crate::fill::{lay_silence, lay_stills};

/// A span of a cut, and the reel that its sound is in when that is not the span's own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CutSpan {
    /// Which segments.
    pub span: Span,
    /// Whose segments beside them have the sound.
    pub sound: Option<ReelId>,
}

impl From<Span> for CutSpan {
    fn from(span: Span) -> Self {
        Self { span, sound: None }
    }
}

/// One span and the index of its reel.
#[derive(Clone, Copy, Debug)]
pub struct SpanView<'a> {
    /// Which segments.
    pub span: Span,
    /// Of its reel.
    pub index: &'a ReelIndex,
    /// Where its sound is, when that is not in the same reel.
    pub sound: Option<SoundView<'a>>,
}

/// A reel of sound whose segments lie on the borders of another one's.
#[derive(Clone, Copy, Debug)]
pub struct SoundView<'a> {
    /// Whose segments.
    pub reel: ReelId,
    /// Of this reel.
    pub index: &'a ReelIndex,
}

impl<'a> SpanView<'a> {
    /// A span with all that its reel has.
    pub const fn new(span: Span, index: &'a ReelIndex) -> Self {
        Self { span, index, sound: None }
    }
}

impl<'a> SoundView<'a> {
    /// The segment that lies where `row` does.
    fn beside(&self, row: &SegmentRow) -> Option<&'a SegmentRow> {
        self.index.between(row.begin, row.begin.saturating_add(1)).first()
    }
}

/// A stored segment that is part of a cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// Whose segment.
    pub reel: ReelId,
    /// Which.
    pub segment: u32,
    /// Bytes of its file.
    pub bytes: u64,
    /// Where its sample page lies.
    pub page: PageRef,
}

/// Whether more may come.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum Growth {
    /// All of it is known.
    #[default]
    Whole,
    /// It is being recorded: whatever is derived of a segment must stay as it is when more segments come.
    Growing,
}

/// A segment that is being written, as far as it is known: all that is derived of it stays when more of it comes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenSegment {
    row: SegmentRow,
    epoch: Epoch,
}

impl OpenSegment {
    /// From the first and the last description in its file, and its fragments. `None` while too little is there.
    pub fn new(first: &SegmentHead, last: &SegmentHead, page: &SamplePage) -> Option<Self> {
        let borders = page.borders(&last.epoch)?;
        let row = SegmentRow {
            number: first.segment,
            cycle: first.cycle,
            epoch: last.epoch.number,
            // Whatever it will be.
            bytes: u64::MAX,
            wall: first.wall,
            join: first.join,
            begin: borders.begin,
            end: borders.end.max(borders.begin.saturating_add(1)),
            video: page.track_span(TrackKind::Video),
            audio: page.track_span(TrackKind::Audio),
            page: PageRef { at: 0, len: 0, crc: 0 },
        };
        Some(Self { row, epoch: last.epoch.clone() })
    }

    /// Whether a timeline with the one is a timeline with the other: they are the same segment, and no track has joined.
    pub fn is_laid_as(&self, other: &Self) -> bool {
        let tracks = |row: &SegmentRow| (row.video.is_some(), row.audio.is_some());
        self.row.number == other.row.number
            && self.row.begin == other.row.begin
            && self.epoch == other.epoch
            && tracks(&self.row) == tracks(&other.row)
    }
}

/// One segment of a cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Whose segment.
    pub reel: ReelId,
    /// What its index says of it; of its sound what the index of that says, when it has a file of its own.
    pub row: SegmentRow,
    /// Where its sound is, when that is not in the same file.
    pub sound: Option<StoredFile>,
    /// Where it begins on the asset's timeline, in 90 kHz ticks.
    pub begin: i64,
    /// How long until the next one begins, or until its own end, in 90 kHz ticks.
    pub length: u64,
    /// Its parameters are not those of the part before.
    pub discontinuity: bool,
    /// It does not go on in the push of the part before.
    pub joins: bool,
    /// Number of its pictures' parameters, see [`Timeline::epochs`]; that of the parts around it when it has none.
    pub video_epoch: usize,
    /// Number of its sound's parameters, likewise.
    pub audio_epoch: usize,
    /// From the reel's timeline to the asset's, in the track's ticks.
    pub(crate) video_shift: i64,
    pub(crate) audio_shift: i64,
    /// How much earlier the first picture of its run is decoded than shown.
    pub(crate) video_delay: i64,
    /// Sound that begins before this (asset's timeline, track's ticks) would lie over the sound before a join.
    pub(crate) audio_from: i64,
    /// Which part's first picture stands where this one has none.
    pub(crate) still_of: usize,
    /// Up to where sound, or silence in its place, goes before this part (asset's timeline, track's ticks).
    pub(crate) sound_from: i64,
    /// Up to where silence goes behind the sound of this part (asset's timeline, track's ticks).
    pub(crate) sound_to: i64,
    /// How many fragments of each track come before it in the cut.
    pub(crate) video_fragments: u32,
    pub(crate) audio_fragments: u32,
}

/// A file of a cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CutFile {
    pub(crate) file: StoredFile,
    /// Whose part it is, or is the sound of.
    pub(crate) part: usize,
    /// How many bytes of files come before it in the cut.
    pub(crate) bytes_before: u64,
}

/// One set of parameters of one track (told by its record), and how its init segment places it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TrackEpoch {
    /// Where the parameters stand.
    pub(crate) epoch: Epoch,
    /// Its ticks.
    pub(crate) scale: Timescale,
    /// `media_time` of the edit list in its init segment: how much later than on the asset's timeline its samples are.
    pub(crate) edit: u64,
}

/// A cut laid out. Some 300 bytes a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    parts: Vec<Part>,
    files: Vec<CutFile>,
    video: Vec<TrackEpoch>,
    audio: Vec<TrackEpoch>,
    growth: Growth,
    /// The last part is still being written.
    open: bool,
    /// Sound that begins before this (asset's timeline, track's ticks) is left out of virtual segments.
    sound_front: i64,
}

impl Timeline {
    /// Lays out `spans`. Those without a segment are passed over.
    ///
    /// Errors: [`ViewError::Empty`] when no segment is left, [`ViewError::UnknownEpoch`] when an index is inconsistent.
    pub fn new(spans: &[SpanView<'_>], growth: Growth) -> Result<Self> {
        let mut laying = Laying { growth, ..Laying::default() };
        for view in spans {
            let mut first = true;
            for row in view.index.between(view.span.from, view.span.to) {
                laying.add(view, row, view.index.epoch(row.epoch), first)?;
                first = false;
            }
        }
        laying.finish(false)
    }

    /// Lays out a span of a reel that grows, and behind it the segment that is being written.
    ///
    /// Errors: as [`new`](Self::new); also [`ViewError::Empty`] while no segment is whole.
    pub fn with_open(view: &SpanView<'_>, open: &OpenSegment) -> Result<Self> {
        let mut laying = Laying { growth: Growth::Growing, ..Laying::default() };
        let rows = view.index.between(view.span.from, view.span.to);
        for (number, row) in rows.iter().enumerate() {
            laying.add(view, row, view.index.epoch(row.epoch), number == 0)?;
        }
        let last = rows.last().ok_or(ViewError::Empty)?;
        // Sound alone begins no earlier than the media before it ends; its row will say so, too.
        let begin = if open.row.video.is_some() { open.row.begin } else { open.row.begin.max(last.end) };
        let row = SegmentRow { begin, end: open.row.end.max(begin.saturating_add(1)), ..open.row.clone() };
        laying.add(view, &row, Some(&open.epoch), false)?;
        laying.finish(true)
    }

    /// Whether the segment at `position` is still being written.
    pub fn is_open(&self, position: usize) -> bool {
        self.open && position.saturating_add(1) == self.parts.len()
    }

    /// How many segments are whole.
    pub fn sealed(&self) -> usize {
        self.parts.len().saturating_sub(usize::from(self.open))
    }

    /// Its segments, in order of play.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Its files in order, as a progressive MP4 has them: each part's own, and that of its sound.
    pub fn files(&self) -> impl ExactSizeIterator<Item = StoredFile> + '_ {
        self.files.iter().map(|file| file.file)
    }

    pub(crate) fn cut_files(&self) -> &[CutFile] {
        &self.files
    }

    /// How many different sets of parameters a track has; 0 when there is no such track.
    pub fn epochs(&self, track: TrackKind) -> usize {
        self.track_epochs(track).len()
    }

    /// Its length in 90 kHz ticks.
    pub fn duration(&self) -> u64 {
        let end = self.parts.last().map_or(0, |part| part.begin.saturating_add_unsigned(part.length));
        u64::try_from(end).unwrap_or(0)
    }

    /// When its first frame arrived.
    pub fn wall(&self) -> Option<WallTime> {
        self.parts.first().map(|part| part.row.wall)
    }

    /// Where in `samples.idx` of which reel the page for a [`segment`](Self::segment) of a track lies: where the cut has no
    /// picture, that of the segment whose picture stands there.
    pub fn page_for(&self, track: TrackKind, position: usize) -> Option<(ReelId, PageRef)> {
        let part = self.parts.get(position)?;
        let file = match track {
            TrackKind::Video if part.row.video.is_none() => self.parts.get(part.still_of)?.file(track),
            TrackKind::Video | TrackKind::Audio => part.file(track),
        };
        Some((file.reel, file.page))
    }

    /// The parameters of its first pictures.
    pub fn first_video(&self) -> Option<&VideoConfig> {
        self.video_config(0)
    }

    /// The parameters of its first sound.
    pub fn first_audio(&self) -> Option<&AudioConfig> {
        self.audio_config(0)
    }

    /// A set of parameters of its pictures.
    pub(crate) fn video_config(&self, epoch: usize) -> Option<&VideoConfig> {
        self.video.get(epoch)?.epoch.video.as_ref()
    }

    /// A set of parameters of its sound.
    pub(crate) fn audio_config(&self, epoch: usize) -> Option<&AudioConfig> {
        self.audio.get(epoch)?.epoch.audio.as_ref()
    }

    pub(crate) fn growth(&self) -> Growth {
        self.growth
    }

    pub(crate) fn track_epochs(&self, track: TrackKind) -> &[TrackEpoch] {
        match track {
            TrackKind::Video => &self.video,
            TrackKind::Audio => &self.audio,
        }
    }

    /// Sound frames of `part` that begin before this are not in its virtual segment.
    pub(crate) fn hls_audio_from(&self, part: &Part) -> i64 {
        part.audio_from.max(self.sound_front)
    }
}

impl Part {
    /// The file in which a track lies.
    pub fn file(&self, track: TrackKind) -> StoredFile {
        match (track, self.sound) {
            (TrackKind::Audio, Some(sound)) => sound,
            (TrackKind::Video | TrackKind::Audio, _) => file_of(self.reel, &self.row),
        }
    }

    /// Number of a track's parameters.
    pub fn epoch(&self, track: TrackKind) -> usize {
        match track {
            TrackKind::Video => self.video_epoch,
            TrackKind::Audio => self.audio_epoch,
        }
    }
}

fn file_of(reel: ReelId, row: &SegmentRow) -> StoredFile {
    StoredFile { reel, segment: row.number, bytes: row.bytes, page: row.page }
}

/// A timeline while it is laid out.
#[derive(Default)]
struct Laying {
    growth: Growth,
    parts: Vec<Part>,
    files: Vec<CutFile>,
    video: Vec<TrackEpoch>,
    audio: Vec<TrackEpoch>,
    /// From the reel's timeline to the asset's, in 90 kHz ticks.
    shift: i64,
    /// `video_delay` is not known before the run's first picture.
    delay: Option<i64>,
    /// Per parameters: the largest delay of any run, and that of the first.
    delays: Vec<i64>,
    first_delays: Vec<i64>,
    /// Which parameters the track had last.
    last_video: Option<usize>,
    last_audio: Option<usize>,
    audio_end: Option<MediaTime>,
    video_fragments: u32,
    audio_fragments: u32,
    bytes: u64,
}

impl Laying {
    fn add(&mut self, view: &SpanView<'_>, row: &SegmentRow, epoch: Option<&Epoch>, first_of_span: bool) -> Result<()> {
        let unknown = || ViewError::UnknownEpoch { reel: view.span.reel, segment: row.number };
        let epoch = epoch.ok_or_else(unknown)?;
        let beside = view.sound.and_then(|sound| Some((sound, sound.beside(row)?)));
        let (audio, audio_epoch) = match beside {
            Some((sound, beside)) => (beside.audio, sound.index.epoch(beside.epoch).ok_or_else(unknown)?),
            None if view.sound.is_some() => (None, epoch),
            None => (row.audio, epoch),
        };
        let row = &SegmentRow { audio, ..row.clone() };
        let touches = self.parts.last().is_some_and(|last| {
            last.reel == view.span.reel
                && last.row.number.checked_add(1) == Some(row.number)
                && last.row.end <= row.begin
        });
        if first_of_span && !touches {
            let offset = self.parts.last().map_or(0, |last| self.asset_time(last.row.end).max(last.begin));
            self.shift = offset.saturating_sub(row.begin);
        }
        let joins = !touches || row.join != Join::Continuous;
        if joins {
            self.delay = None;
        }
        let (other_video, other_audio) =
            (self.place_video(row, epoch, unknown)?, self.place_audio(row, audio_epoch, unknown)?);
        let audio_scale = self.last_audio.and_then(|number| self.audio.get(number)).map(|track| track.scale);
        let audio_shift = audio_scale.map_or(0, |scale| rescale(MediaTime::reel(self.shift), scale));
        let sound = beside.map(|(sound, beside)| file_of(sound.reel, beside));
        for file in [Some(file_of(view.span.reel, row)), sound].into_iter().flatten() {
            self.files.push(CutFile { file, part: self.parts.len(), bytes_before: self.bytes });
            self.bytes = self.bytes.saturating_add(file.bytes);
        }
        self.parts.push(Part {
            reel: view.span.reel,
            row: row.clone(),
            sound,
            begin: self.asset_time(row.begin),
            length: length(row.begin, row.end),
            discontinuity: other_video || other_audio,
            joins,
            video_epoch: self.last_video.unwrap_or(0),
            audio_epoch: self.last_audio.unwrap_or(0),
            video_shift: self.shift,
            audio_shift,
            video_delay: self.delay.unwrap_or(0),
            audio_from: self.audio_from(joins, audio_scale),
            still_of: 0,
            sound_from: 0,
            sound_to: 0,
            video_fragments: self.video_fragments,
            audio_fragments: self.audio_fragments,
        });
        self.video_fragments = self.video_fragments.saturating_add(row.video.map_or(0, |track| track.fragments));
        if let (Some(track), Some(scale)) = (row.audio, audio_scale) {
            self.audio_fragments = self.audio_fragments.saturating_add(track.fragments);
            self.audio_end = Some(MediaTime { ticks: track.dts_end.saturating_add(audio_shift), scale });
        }
        Ok(())
    }

    /// Notes the parameters of the row's pictures; tells whether their codec is another than before.
    fn place_video(&mut self, row: &SegmentRow, epoch: &Epoch, unknown: impl Fn() -> ViewError) -> Result<bool> {
        let Some(track) = &row.video else { return Ok(false) };
        let config = epoch.video.as_ref().ok_or_else(&unknown)?;
        let same = |known: &TrackEpoch| known.epoch.video.as_ref().is_some_and(|known| known.record == config.record);
        let scale = epoch.scale(TrackKind::Video).ok_or_else(unknown)?;
        let number = find_or_add(&mut self.video, same, epoch, scale);
        let before = self.last_video.replace(number);
        if before != Some(number) {
            self.delay = None;
        }
        let before = before.and_then(|last| self.video.get(last)?.epoch.video.as_ref());
        let other_codec = before.is_some_and(|before| before.codec != config.codec);
        // While it grows what is derived must follow from its first picture: one that is shown before it may not have come yet.
        let shown = match self.growth {
            Growth::Whole => track.pts,
            Growth::Growing => row.begin,
        };
        let delay = *self.delay.get_or_insert_with(|| shown.saturating_sub(track.dts));
        if number == self.delays.len() {
            self.delays.push(delay);
            self.first_delays.push(delay);
        }
        if let Some(most) = self.delays.get_mut(number) {
            *most = delay.max(*most);
        }
        Ok(other_codec)
    }

    /// Notes the parameters of the row's sound; tells whether their codec is another than before.
    fn place_audio(&mut self, row: &SegmentRow, epoch: &Epoch, unknown: impl Fn() -> ViewError) -> Result<bool> {
        if row.audio.is_none() {
            return Ok(false);
        }
        let config = epoch.audio.as_ref().ok_or_else(&unknown)?;
        let same = |known: &TrackEpoch| known.epoch.audio.as_ref().is_some_and(|known| known.record == config.record);
        let scale = epoch.scale(TrackKind::Audio).ok_or_else(unknown)?;
        let number = find_or_add(&mut self.audio, same, epoch, scale);
        let before = self.last_audio.replace(number).and_then(|last| self.audio.get(last));
        let before = before.and_then(|known| known.epoch.audio.as_ref());
        Ok(before.is_some_and(|before| before.codec != config.codec))
    }

    fn asset_time(&self, reel_time: i64) -> i64 {
        reel_time.saturating_add(self.shift)
    }

    /// One tick over the sound before is rounding, not sound.
    fn audio_from(&self, joins: bool, scale: Option<Timescale>) -> i64 {
        match (self.audio_end, scale) {
            (Some(end), Some(scale)) if joins => rescale(end, scale).saturating_sub(1),
            _ => i64::MIN,
        }
    }

    fn finish(mut self, open: bool) -> Result<Timeline> {
        let growth = self.growth;
        if self.parts.is_empty() {
            return Err(ViewError::Empty);
        }
        if growth == Growth::Whole {
            for at in 1..self.parts.len() {
                let next = self.parts.get(at).map_or(0, |part| part.begin);
                if let Some(part) = self.parts.get_mut(at - 1) {
                    part.length = length(part.begin, next);
                }
            }
        }
        for (number, track) in self.video.iter_mut().enumerate() {
            let delay = match growth {
                Growth::Whole => self.delays.get(number).copied().unwrap_or(0),
                Growth::Growing => self.first_delays.get(number).copied().unwrap_or(0),
            };
            track.edit = u64::try_from(delay).unwrap_or(0);
        }
        // Of the sound before 0, that frame stays of which the greater part sounds under the picture, and the edit list
        // hides the rest of it: so it begins within half a frame of the picture also for readers that do not follow edit
        // lists.
        let frame =
            self.audio.first().and_then(|track| track.epoch.audio.as_ref()).map_or(0, |audio| audio.frame_samples);
        let sound_front = 1 - i64::from(frame / 2).max(1);
        let first_audio = self.parts.iter().find_map(|part| Some(part.row.audio?.pts.saturating_add(part.audio_shift)));
        if let (Some(track), Some(first)) = (self.audio.first_mut(), first_audio) {
            let early = sound_front.saturating_sub(first).max(0);
            let frame = i64::from(frame.max(1));
            let left_out = early.saturating_add(frame - 1) / frame;
            let kept = first.saturating_add(left_out.saturating_mul(frame));
            track.edit = u64::try_from(kept.saturating_neg()).unwrap_or(0);
        }
        lay_stills(&mut self.parts);
        lay_silence(&mut self.parts, &self.audio, growth);
        let Self { parts, files, video, audio, .. } = self;
        Ok(Timeline { parts, files, video, audio, growth, open, sound_front })
    }
}

fn find_or_add(
    known: &mut Vec<TrackEpoch>,
    same: impl Fn(&TrackEpoch) -> bool,
    epoch: &Epoch,
    scale: Timescale,
) -> usize {
    known.iter().position(same).unwrap_or_else(|| {
        known.push(TrackEpoch { epoch: epoch.clone(), scale, edit: 0 });
        known.len() - 1
    })
}

fn length(begin: i64, end: i64) -> u64 {
    u64::try_from(end.saturating_sub(begin)).unwrap_or(0)
}

/// Rounded once; saturates where no real time lies.
pub(crate) fn rescale(time: MediaTime, to: Timescale) -> i64 {
    time.rescale_round(to).map_or(if time.ticks < 0 { i64::MIN } else { i64::MAX }, |time| time.ticks)
}
