//! HLS: media playlists, init segments and virtual segments, one playlist and one init segment per track (RFC 8216bis §3.1).
//! What stands over the playlists is in `package`.
//!
//! Segment *n* of either track is segment *n* of the cut. Where one track has nothing, a picture stands still, or there is silence
//! (`fill`).
//!
//! **Placing.** Samples lie later than on the asset's timeline by the reorder delay of the pictures (or the earliness of the
//! sound), and an edit list in the init segment takes that back. New parameters of the same codec get a new init segment
//! and no discontinuity: the timeline runs on, as it does when a player changes the rendition. (Decision 0007.)

use std::ops::Range;

use bytes::Bytes;
use codec::TrackKind;
use container::{
    Edit, PAYLOAD_BYTES_MAX, SAMPLES_MAX, SampleRow, SampleRun, SampleTables, Track, fragment_head, init_segment,
    runs_head,
};
use manifest::{MediaPlaylist, MediaSegment, PlaylistKind};
use reel::{Fragment, SamplePage, track_id};
use units::{MediaTime, Timescale};

use crate::error::{Result, ViewError, no_track};
use crate::fill::{Silence, still_ticks};
use crate::name::Name;
use crate::piece::Piece;
use crate::timeline::{Growth, Part, StoredFile, Timeline, TrackEpoch, rescale};

/// Pictures of a segment are told as one fragment where no more than one in so many of its bytes is none of theirs.
const DEAD_SHARE: u64 = 25;
/// Target duration of a playlist that still grows, in seconds: segments are some 4 to 6 s long, and it should not change.
pub(crate) const GROWING_TARGET_SECONDS: u64 = 6;

impl Timeline {
    /// The playlist of a track. `ended`: nothing more comes, though it was laid out as growing. `about`: segments are put
    /// together until they are about so many 90 kHz ticks long; those that are stored are not cut.
    pub fn playlist(&self, track: TrackKind, ended: bool, about: Option<u64>) -> Result<MediaPlaylist> {
        if self.epochs(track) == 0 {
            return Err(no_track(track));
        }
        let (kind, target_seconds_min) = match self.growth() {
            Growth::Whole => (PlaylistKind::Vod, 0),
            Growth::Growing => (PlaylistKind::Event { ended }, GROWING_TARGET_SECONDS),
        };
        let segments = self.slices(about).into_iter().filter_map(|slice| self.told_segment(track, slice)).collect();
        Ok(MediaPlaylist {
            kind,
            scale: Timescale::REEL,
            target_seconds_min,
            key: None,
            segments,
            low_latency: None,
            i_frames_only: false,
        })
    }

    /// The playlist of the pictures that segments begin with, each of which stands alone (RFC 8216bis §4.4.3.6), so that players can
    /// look through the cut fast. `ended` as in [`playlist`](Self::playlist).
    ///
    /// Errors: [`ViewError::NoSuch`] without pictures.
    pub fn i_frames(&self, ended: bool) -> Result<MediaPlaylist> {
        let mut playlist = self.playlist(TrackKind::Video, ended, None)?;
        playlist.i_frames_only = true;
        for (position, segment) in playlist.segments.iter_mut().enumerate() {
            segment.uri = Name::IFrame(position).to_string();
        }
        Ok(playlist)
    }

    /// The picture that stands for segment `position` of the cut. `page` as in [`segment`](Self::segment).
    ///
    /// Errors: as [`segment`](Self::segment).
    pub fn i_frame(&self, position: usize, page: &SamplePage) -> Result<Vec<Piece>> {
        let part = self.parts().get(position).filter(|_| !self.is_open(position) && self.epochs(TrackKind::Video) > 0);
        self.still(part.ok_or(ViewError::NoSuch { what: "picture" })?, page)
    }

    /// Parts of the cut as one segment of a playlist.
    pub(crate) fn told_segment(&self, track: TrackKind, slice: Range<usize>) -> Option<MediaSegment> {
        let parts = self.parts().get(slice.clone())?;
        let first = parts.first()?;
        let name = match parts.len() {
            1 => Name::Segment(track, slice.start),
            _ => Name::Segments(track, slice.start, slice.end.saturating_sub(1)),
        };
        Some(MediaSegment {
            uri: name.to_string(),
            duration: parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.length)),
            discontinuity: first.discontinuity,
            map: Name::Init(track, first.epoch(track)).to_string(),
            // Once only where the timeline runs on: players place segments by it (decision 0019).
            program_date_time: (slice.start == 0 || first.discontinuity).then_some(first.row.wall),
            gap: !parts.iter().any(|part| self.is_filled(part, track)),
            parts: Vec::new(),
            open: self.is_open(slice.start),
        })
    }

    /// The init segment of a track's `number`th set of parameters.
    pub fn init(&self, track: TrackKind, number: usize) -> Result<Bytes> {
        let missing = ViewError::NoSuch { what: "init segment" };
        let known = self.track_epochs(track).get(number).ok_or_else(|| missing.clone())?;
        let entry = known.epoch.entry(track, false).ok_or(missing)?;
        let edits = match known.edit {
            0 => Vec::new(),
            edit => vec![Edit { duration: 0, media_time: Some(edit) }],
        };
        Ok(init_segment(&[Track {
            id: track_id(track),
            entry,
            scale: known.scale,
            edits,
            duration: 0,
            media_duration: 0,
            tables: SampleTables::default(),
        }]))
    }

    /// A virtual segment: the fragments of `track` in segment `position` of the cut, and what stands where it has none. `page` is
    /// the one that [`page_for`](Self::page_for) names. Of a cut that still grows its pictures are its fragments laid end to end, which
    /// are its parts for low latency (RFC 8216bis §4.4.4.9); of one that is whole they are one fragment where that costs little.
    ///
    /// Errors: [`ViewError::NoSuch`]; [`ViewError::PageMismatch`] when the page is another's.
    pub fn segment(&self, track: TrackKind, position: usize, page: &SamplePage) -> Result<Vec<Piece>> {
        let part = self.parts().get(position).filter(|_| !self.is_open(position));
        let part = part.ok_or(ViewError::NoSuch { what: "segment" })?;
        match track {
            TrackKind::Video if part.row.video.is_none() => self.still(part, page),
            TrackKind::Video if self.growth() == Growth::Whole => {
                let placed = video_fragments(part, self.known(part, track)?, page)?;
                let file = part.file(track);
                Ok(together(&placed, file).unwrap_or_else(|| placed.iter().flat_map(|one| one.pieces(file)).collect()))
            }
            TrackKind::Video | TrackKind::Audio => {
                let fragments = self.virtual_fragments(track, position, page)?;
                Ok(fragments.into_iter().flat_map(|fragment| fragment.pieces).collect())
            }
        }
    }

    /// The most that the virtual segment of a track has, about.
    pub(crate) fn delivered_bytes(&self, part: &Part, track: TrackKind) -> u64 {
        let bytes = part.row.track(track).map_or(0, |span| span.bytes);
        match track {
            TrackKind::Video if self.growth() == Growth::Whole => {
                bytes.saturating_add(bytes / DEAD_SHARE).min(part.file(track).bytes)
            }
            TrackKind::Video | TrackKind::Audio => bytes,
        }
    }

    fn known(&self, part: &Part, track: TrackKind) -> Result<&TrackEpoch> {
        self.track_epochs(track).get(part.epoch(track)).ok_or_else(|| no_track(track))
    }

    /// What a virtual segment is made of, one for each stored fragment that is shown. Each stays as it is when more come.
    pub(crate) fn virtual_fragments(
        &self,
        track: TrackKind,
        position: usize,
        page: &SamplePage,
    ) -> Result<Vec<VirtualFragment>> {
        let part = self.parts().get(position).ok_or(ViewError::NoSuch { what: "segment" })?;
        let known = self.known(part, track)?;
        match track {
            TrackKind::Video => {
                let (placed, file) = (video_fragments(part, known, page)?, part.file(track));
                let whole = |one: Placed| VirtualFragment {
                    pieces: one.pieces(file).into(),
                    end: one.end,
                    independent: one.samples.first().is_some_and(|row| row.sync),
                };
                Ok(placed.into_iter().map(whole).collect())
            }
            TrackKind::Audio => self.audio_fragments(part, known, page, self.is_open(position)),
        }
    }

    /// `open`: more sound may come, so that there is no silence behind it.
    fn audio_fragments(
        &self,
        part: &Part,
        known: &TrackEpoch,
        page: &SamplePage,
        open: bool,
    ) -> Result<Vec<VirtualFragment>> {
        let silence = Silence::of(known);
        let StoredFile { reel, segment, .. } = part.file(TrackKind::Audio);
        let in_segment = |end: i64| {
            rescale(MediaTime { ticks: end, scale: known.scale }, Timescale::REEL).saturating_sub(part.begin)
        };
        let (mut found, mut sequence, mut end) = (Vec::new(), part.audio_fragments, part.sound_from);
        for fragment in page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Audio) {
            let shown = Shown::of(part, fragment, self.hls_audio_from(part))?;
            if shown.samples.is_empty() {
                continue;
            }
            let mut pieces = Vec::new();
            if let Some(silence) = &silence {
                silence.fill(end, shown.dts, &mut sequence, &mut pieces);
            }
            sequence = sequence.saturating_add(1);
            let (dts, samples) = place(part, known, fragment.track, &shown);
            end = end.max(shown.dts.saturating_add(length(&samples)));
            pieces.push(Piece::Made(fragment_head(sequence, track_id(TrackKind::Audio), dts, &samples)));
            pieces.push(Piece::Stored { reel, segment, range: shown.from..shown.to });
            found.push(VirtualFragment { pieces, end: in_segment(end), independent: true });
        }
        if let Some(silence) = silence.filter(|_| !open) {
            let mut pieces = Vec::new();
            silence.fill(end, part.sound_to, &mut sequence, &mut pieces);
            if !pieces.is_empty() {
                found.push(VirtualFragment { pieces, end: in_segment(part.sound_to), independent: true });
            }
        }
        Ok(found)
    }
}

/// A fragment as it stands in a virtual segment.
pub(crate) struct VirtualFragment {
    pub(crate) pieces: Vec<Piece>,
    /// How long after its segment begins it ends, in 90 kHz ticks.
    pub(crate) end: i64,
    /// A player can begin with it.
    pub(crate) independent: bool,
}

/// A stored fragment of pictures, as it is placed in a virtual segment.
struct Placed {
    sequence: u32,
    /// Of the first picture, as it is written.
    dts: u64,
    samples: Vec<SampleRow>,
    /// Where their bytes lie in the segment's file.
    stored: Range<u64>,
    /// As [`VirtualFragment::end`].
    end: i64,
}

impl Placed {
    fn pieces(&self, file: StoredFile) -> [Piece; 2] {
        [
            Piece::Made(fragment_head(self.sequence, track_id(TrackKind::Video), self.dts, &self.samples)),
            Piece::Stored { reel: file.reel, segment: file.segment, range: self.stored.clone() },
        ]
    }

    fn bytes(&self) -> u64 {
        self.stored.end.saturating_sub(self.stored.start)
    }
}

fn video_fragments(part: &Part, known: &TrackEpoch, page: &SamplePage) -> Result<Vec<Placed>> {
    let count = page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Video).count();
    let (mut found, mut begin) = (Vec::with_capacity(count), None);
    let fragments = page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Video);
    for fragment in fragments {
        let number = u32::try_from(found.len() + 1).unwrap_or(u32::MAX);
        let sequence = part.video_fragments.saturating_add(number);
        let shown = Shown::of(part, fragment, i64::MIN)?;
        let end = shown.dts.saturating_add(length(shown.samples));
        let (dts, mut samples) = place(part, known, fragment.track, &shown);
        if found.len() + 1 == count
            && let Some(last) = samples.last_mut()
        {
            last.duration = last.duration.saturating_add(still_ticks(part));
        }
        found.push(Placed {
            sequence,
            dts,
            samples,
            stored: shown.from..shown.to,
            // Each picture is shown as long after the first as it is decoded.
            end: end.saturating_sub(*begin.get_or_insert(shown.dts)),
        });
    }
    Ok(found)
}

/// The fragments of a segment as one, over its file's bytes from the first picture to the last: what lies between them, sound and
/// stored heads, belongs to no sample. So a whole segment is one stretch of a file. `None` where too much would be sent for nothing,
/// or a fragment does not go on where the one before ends. (Decision 0057.)
fn together(fragments: &[Placed], file: StoredFile) -> Option<Vec<Piece>> {
    let (first, last) = (fragments.first()?, fragments.last()?);
    let body = last.stored.end.checked_sub(first.stored.start)?;
    let own = fragments.iter().fold(0, |sum: u64, one| sum.saturating_add(one.bytes()));
    let count = fragments.iter().fold(0, |sum: usize, one| sum.saturating_add(one.samples.len()));
    let follows = |before: &Placed, next: &Placed| {
        let end = i64::try_from(before.dts).ok()?.checked_add(length(&before.samples))?;
        (i64::try_from(next.dts).ok()? == end && before.stored.end <= next.stored.start).then_some(())
    };
    let goes_on = fragments.iter().zip(fragments.iter().skip(1)).all(|(before, next)| follows(before, next).is_some());
    let few = body.checked_sub(own)? <= own / DEAD_SHARE;
    if !(goes_on && few && body <= PAYLOAD_BYTES_MAX && count <= SAMPLES_MAX) {
        return None;
    }
    let runs = fragments
        .iter()
        .map(|one| SampleRun { at: one.stored.start.saturating_sub(first.stored.start), samples: &one.samples });
    let runs: Vec<SampleRun<'_>> = runs.collect();
    Some(vec![
        Piece::Made(runs_head(first.sequence, track_id(TrackKind::Video), first.dts, &runs, body)),
        Piece::Stored { reel: file.reel, segment: file.segment, range: first.stored.start..last.stored.end },
    ])
}

fn length(samples: &[SampleRow]) -> i64 {
    samples.iter().fold(0, |sum: i64, row| sum.saturating_add(i64::from(row.duration)))
}

/// The samples of a stored fragment that a view shows, and where their bytes lie in the segment's file.
pub(crate) struct Shown<'a> {
    /// Decode time of the first, on the asset's timeline.
    pub(crate) dts: i64,
    pub(crate) samples: &'a [SampleRow],
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl<'a> Shown<'a> {
    /// `audio_from`: sound that begins earlier (asset's timeline) is left out.
    pub(crate) fn of(part: &Part, fragment: &'a Fragment, audio_from: i64) -> Result<Self> {
        let file = part.file(fragment.track);
        let to = fragment.at.checked_add(fragment.bytes());
        let fits = fragment.body() <= PAYLOAD_BYTES_MAX && part.row.track(fragment.track).is_some();
        let (Some(to), true) = (to.filter(|to| *to <= file.bytes), fits) else {
            return Err(ViewError::PageMismatch { reel: file.reel, segment: file.segment });
        };
        let mut from = fragment.at.saturating_add(fragment.head());
        let (shift, hidden_before) = match fragment.track {
            TrackKind::Video => (part.video_shift, i64::MIN),
            TrackKind::Audio => (part.audio_shift, audio_from),
        };
        let mut dts = fragment.dts.saturating_add(shift);
        let mut samples = fragment.samples.as_slice();
        while let Some((first, rest)) = samples.split_first()
            && dts < hidden_before
        {
            dts = dts.saturating_add(i64::from(first.duration));
            from = from.saturating_add(u64::from(first.size));
            samples = rest;
        }
        Ok(Self { dts, samples, from, to })
    }
}

/// Decode time and rows as they stand in a virtual segment.
fn place(part: &Part, known: &TrackEpoch, track: TrackKind, shown: &Shown<'_>) -> (u64, Vec<SampleRow>) {
    let edit = i64::try_from(known.edit).unwrap_or(i64::MAX);
    // Pictures: every run is decoded `edit` before it is shown, whatever delay it came with. Sound: all lies `edit` later.
    let (later, offset) = match track {
        TrackKind::Video => (part.video_delay, edit.saturating_sub(part.video_delay)),
        TrackKind::Audio => (edit, 0),
    };
    let dts = u64::try_from(shown.dts.saturating_add(later)).unwrap_or(0);
    let clamp = |cto: i64| i32::try_from(cto).unwrap_or(if cto < 0 { i32::MIN } else { i32::MAX });
    let moved = |row: &SampleRow| SampleRow { cto: clamp(i64::from(row.cto).saturating_add(offset)), ..*row };
    (dts, shown.samples.iter().map(moved).collect())
}
