//! What a playlist shows where a track has nothing: a still picture, and silence.
//!
//! Players of playlists want both tracks from the first second to the last. hls.js does not begin at an `EXT-X-GAP`, and every
//! player leaps over a hole in one track together with what the other has there. So a picture that is stored anyway stands still
//! where there is none (the first before the pictures begin, the last key frame after they end), and frames of silence, made
//! here, stand where there is no sound. Nothing of it is stored; the MP4 has edit lists and durations instead.

use bytes::Bytes;
use codec::TrackKind;
use container::{SAMPLES_MAX, SampleRow, fragment_head};
use reel::{SamplePage, track_id};
use units::MediaTime;

use crate::error::{Result, ViewError, no_track};
use crate::hls::Shown;
use crate::piece::Piece;
use crate::timeline::{Growth, Part, Timeline, TrackEpoch, rescale};

/// Pictures that end this much before their segment does stand still for the rest of it, in 90 kHz ticks: a tenth of a second,
/// over which players go.
const STILL_TICKS_MIN: i64 = 9_000;
/// Frames of silence in one hole: some twenty minutes. Longer holes stay holes, so that no request makes more than a megabyte.
const SILENCE_FRAMES_MAX: i64 = 65_536;

/// Finds for each part without pictures the part whose first picture stands there.
pub(crate) fn lay_stills(parts: &mut [Part]) {
    let first = parts.iter().position(|part| part.row.video.is_some()).unwrap_or(0);
    let mut last = first;
    for (position, part) in parts.iter_mut().enumerate() {
        if part.row.video.is_some() {
            last = position;
        }
        part.still_of = last;
    }
}

/// Finds for each part up to where sound or silence goes before it.
pub(crate) fn lay_silence(parts: &mut [Part], audio: &[TrackEpoch], growth: Growth) {
    let mut end = MediaTime::reel(0);
    for at in 0..parts.len() {
        let follows = match growth {
            Growth::Whole => parts.get(at + 1).and_then(|next| sound_begins(next, audio)),
            Growth::Growing => None,
        };
        let Some(part) = parts.get_mut(at) else { return };
        let Some((known, frame)) = audio.get(part.audio_epoch).and_then(|known| Some((known, frame_of(known)?))) else {
            continue;
        };
        part.sound_from = rescale(end, known.scale);
        let sound_end = part.row.audio.map(|audio| audio.dts_end.saturating_add(part.audio_shift));
        let covered = sound_end.unwrap_or(part.sound_from).max(part.sound_from);
        // Half a frame of the next part's sound may lie before its picture; and sound whose parameters changed waited for the
        // key frame of that part, so that more of it does.
        let own_end = part_end(part, known).saturating_sub(frame / 2);
        let follows = follows.map(|begin| rescale(begin, known.scale)).filter(|begin| *begin < own_end - frame / 2);
        part.sound_to = follows.unwrap_or(own_end);
        let filled = frames_between(covered, part.sound_to, frame) * frame;
        end = MediaTime { ticks: covered.saturating_add(filled), scale: known.scale };
    }
}

/// Where the sound of a part begins that goes on in the push of the part before it.
fn sound_begins(part: &Part, audio: &[TrackEpoch]) -> Option<MediaTime> {
    let scale = audio.get(part.audio_epoch).filter(|_| !part.joins)?.scale;
    Some(MediaTime { ticks: part.row.audio?.dts.saturating_add(part.audio_shift), scale })
}

impl Timeline {
    /// One picture that stands for all of a segment: the first of its own, or that of the part which stands where it has none. `page` is
    /// that of the part it is taken from.
    pub(crate) fn still(&self, part: &Part, page: &SamplePage) -> Result<Vec<Piece>> {
        let source = self.parts().get(part.still_of).ok_or(ViewError::NoSuch { what: "segment" })?;
        let known =
            self.track_epochs(TrackKind::Video).get(part.video_epoch).ok_or_else(|| no_track(TrackKind::Video))?;
        let Some(fragment) = page.fragments.iter().find(|fragment| fragment.track == TrackKind::Video) else {
            return Ok(Vec::new());
        };
        let shown = Shown::of(source, fragment, i64::MIN)?;
        let Some(picture) = shown.samples.first() else { return Ok(Vec::new()) };
        let row = SampleRow {
            duration: u32::try_from(part.length).unwrap_or(u32::MAX),
            cto: i32::try_from(known.edit).unwrap_or(0),
            ..*picture
        };
        let dts = u64::try_from(part.begin).unwrap_or(0);
        let sequence = part.video_fragments.saturating_add(1);
        let range = shown.from..shown.from.saturating_add(u64::from(picture.size));
        let file = source.file(TrackKind::Video);
        Ok(vec![
            Piece::Made(fragment_head(sequence, track_id(TrackKind::Video), dts, &[row])),
            Piece::Stored { reel: file.reel, segment: file.segment, range },
        ])
    }

    /// Whether a segment of the track has something to show or to be heard.
    pub(crate) fn is_filled(&self, part: &Part, track: TrackKind) -> bool {
        let silence = || self.track_epochs(TrackKind::Audio).get(part.audio_epoch).and_then(silence_of).is_some();
        part.row.track(track).is_some() || track == TrackKind::Video || silence()
    }
}

/// By how much longer the last picture of a part stands, in 90 kHz ticks.
pub(crate) fn still_ticks(part: &Part) -> u32 {
    let Some(video) = part.row.video else { return 0 };
    let end = part.begin.saturating_add_unsigned(part.length);
    let rest = end.saturating_sub(video.pts_end.saturating_add(part.video_shift));
    if rest < STILL_TICKS_MIN { 0 } else { u32::try_from(rest).unwrap_or(u32::MAX) }
}

/// Where the sound of a part ends at the latest, on the asset's timeline in the track's ticks.
fn part_end(part: &Part, known: &TrackEpoch) -> i64 {
    rescale(MediaTime::reel(part.begin.saturating_add_unsigned(part.length)), known.scale)
}

/// Silence of one track's parameters, to be put into holes.
pub(crate) struct Silence {
    bytes: Bytes,
    /// Samples of a frame.
    frame: i64,
    /// How much later than on the asset's timeline the track's samples lie.
    edit: i64,
}

impl Silence {
    /// `None` when nothing is known that would be silent.
    pub(crate) fn of(known: &TrackEpoch) -> Option<Self> {
        let edit = i64::try_from(known.edit).ok()?;
        Some(Self { bytes: silence_of(known)?, frame: frame_of(known)?, edit })
    }

    /// Fills the hole from `from` up to `to` with whole frames. `sequence` is counted on.
    pub(crate) fn fill(&self, from: i64, to: i64, sequence: &mut u32, out: &mut Vec<Piece>) {
        let mut left = usize::try_from(frames_between(from, to, self.frame)).unwrap_or(0);
        let mut at = from.saturating_add(self.edit);
        let row = SampleRow {
            duration: u32::try_from(self.frame).unwrap_or(0),
            size: u32::try_from(self.bytes.len()).unwrap_or(0),
            cto: 0,
            sync: true,
        };
        while left > 0 {
            let count = left.min(SAMPLES_MAX);
            *sequence = sequence.saturating_add(1);
            let dts = u64::try_from(at).unwrap_or(0);
            out.push(Piece::Made(fragment_head(*sequence, track_id(TrackKind::Audio), dts, &vec![row; count])));
            out.push(Piece::Made(self.bytes.repeat(count).into()));
            at = at.saturating_add(self.frame.saturating_mul(i64::try_from(count).unwrap_or(0)));
            left -= count;
        }
    }
}

fn silence_of(known: &TrackEpoch) -> Option<Bytes> {
    known.epoch.audio.as_ref()?.silent_frame()
}

fn frame_of(known: &TrackEpoch) -> Option<i64> {
    known.epoch.audio.as_ref().map(|audio| i64::from(audio.frame_samples)).filter(|frame| *frame > 0)
}

/// Whole frames that fit between two points, within the bound.
fn frames_between(from: i64, to: i64, frame: i64) -> i64 {
    (to.saturating_sub(from) / frame).clamp(0, SILENCE_FRAMES_MAX)
}
