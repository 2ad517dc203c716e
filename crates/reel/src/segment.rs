//! Segments: what is known of each, and what stands at the head of its file.

use bytes::Bytes;
use codec::{AudioConfig, TrackKind, VideoConfig};
use container::{SampleTables, Track, TrackEntry, init_segment};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use units::{ReelId, Timescale, WallTime};

/// `track_ID` of the pictures in every stored fragment.
pub const VIDEO_TRACK: u32 = 1;
/// `track_ID` of the sound in every stored fragment.
pub const AUDIO_TRACK: u32 = 2;

/// Usertype of the box that describes a segment or a change inside one (ISO/IEC 14496-12 §11.1).
const NOTE_USERTYPE: [u8; 16] = *b"reprise.segment1";
/// Largest description that is read back: two parameter records and some names take 1 KiB.
const NOTE_BYTES_MAX: usize = 64 * 1024;

/// The parameters of the tracks of a reel from some segment on. A new one opens when any of them changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Epoch {
    /// Counts from 0.
    pub number: u32,
    /// Pictures, if there are any. Stored video counts in 90 kHz; `scale` is what it came with.
    pub video: Option<VideoConfig>,
    /// Sound, if there is any. Stored audio counts in its sample rate; `scale` is what it came with.
    pub audio: Option<AudioConfig>,
}

impl Epoch {
    /// The scale in which a track of this epoch is stored; `None` when it has no such track.
    pub fn scale(&self, track: TrackKind) -> Option<Timescale> {
        match track {
            TrackKind::Video => self.video.as_ref().map(|_| Timescale::REEL),
            TrackKind::Audio => Timescale::new(self.audio.as_ref()?.sample_rate),
        }
    }

    /// The sample entry of a track; `in_band` asks for `avc3` or `hev1`.
    pub fn entry(&self, track: TrackKind, in_band: bool) -> Option<TrackEntry> {
        match track {
            TrackKind::Video => self.video.as_ref().map(|video| TrackEntry::Video {
                codec: video.codec,
                record: video.record.clone(),
                width: video.width,
                height: video.height,
                in_band,
            }),
            TrackKind::Audio => self.audio.as_ref().map(|audio| TrackEntry::Audio {
                codec: audio.codec,
                record: audio.record.clone(),
                sample_rate: audio.sample_rate,
                channels: audio.channels,
            }),
        }
    }
}

/// How a segment follows the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Join {
    /// The first of its reel.
    Start,
    /// The same push goes on.
    Continuous,
    /// A push came back, or the server did; the picture goes on where it stopped, `gap_ms` of wall time later.
    Resumed {
        /// Wall time without media, in milliseconds.
        gap_ms: u64,
    },
    /// The publisher's clock leapt inside a push; the picture goes on where it stopped.
    Leapt,
    /// Media could not be stored; the picture goes on where what is stored stops, `gap_ms` of wall time later.
    Lost {
        /// Wall time without stored media, in milliseconds.
        gap_ms: u64,
        /// Why.
        cause: LossCause,
    },
}

/// Why media that was taken could not be stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// No space, or no quota, was left.
    Full,
    /// The disk answered with an error, or was read-only.
    Failed,
    /// The disk took longer than can be waited for.
    Slow,
}

impl LossCause {
    /// One word, for logs, metrics and receipts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Failed => "failed",
            Self::Slow => "slow",
        }
    }
}

/// Media lost at the end of a reel: no segment follows that could tell of it in its [`Join`].
///
/// It is kept in `segments.idx` alone, so an index made again from the segments does not have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LostEnd {
    /// Wall time from the last stored media to the end of the recording, in milliseconds.
    pub gap_ms: u64,
    /// Why.
    pub cause: LossCause,
}

/// Where a segment's sample page lies in `samples.idx`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageRef {
    /// Bytes from the start of the file.
    pub at: u64,
    /// Bytes.
    pub len: u32,
    /// CRC-32 (IEEE) of these bytes.
    pub crc: u32,
}

/// What a track has in one segment; times in the track's own ticks on the reel's timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrackSpan {
    /// Decode time of the first sample.
    pub dts: i64,
    /// Decode time of the last sample plus its duration.
    pub dts_end: i64,
    /// Smallest presentation time.
    pub pts: i64,
    /// Largest presentation time plus duration.
    pub pts_end: i64,
    /// How many.
    pub samples: u32,
    /// How many.
    pub fragments: u32,
    /// Bytes of these fragments: `moof`, `mdat` header and payload.
    pub bytes: u64,
}

/// One row of `segments.idx`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentRow {
    /// Counts from 0; also in the name of its file.
    pub number: u32,
    /// To which cycle of its recording it belongs, from 0.
    pub cycle: u32,
    /// Parameters that hold in it; a track may join in its middle, then this is the epoch at its end.
    pub epoch: u32,
    /// Bytes of the file.
    pub bytes: u64,
    /// When its first frame arrived.
    pub wall: WallTime,
    /// How it follows the one before.
    pub join: Join,
    /// Where it begins on the reel's timeline (90 kHz): smallest presentation time of its pictures, or of its sound if it
    /// has no pictures. Never before the end of the segment before it.
    pub begin: i64,
    /// Where it ends: largest presentation time plus duration of its pictures, or of its sound.
    pub end: i64,
    /// Its pictures.
    pub video: Option<TrackSpan>,
    /// Its sound.
    pub audio: Option<TrackSpan>,
    /// Its sample tables.
    pub page: PageRef,
}

impl SegmentRow {
    /// What a track has in it.
    pub fn track(&self, track: TrackKind) -> Option<&TrackSpan> {
        match track {
            TrackKind::Video => self.video.as_ref(),
            TrackKind::Audio => self.audio.as_ref(),
        }
    }
}

/// What stands at the head of a segment's file, and inside it where its epoch changes: enough to find its place again
/// when all else is lost.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SegmentHead {
    /// Whose segment.
    pub reel: ReelId,
    /// Which.
    pub segment: u32,
    /// To which cycle of its recording it belongs, from 0.
    pub cycle: u32,
    /// When its first frame arrived.
    pub wall: WallTime,
    /// How it follows the one before.
    pub join: Join,
    /// The parameters that hold from here on.
    pub epoch: Epoch,
    /// Where the segment begins and ends on the reel's timeline, when that does not follow from its samples: a rendition lies on
    /// the borders of its source, whatever it has there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borders: Option<Borders>,
}

/// Where a segment lies on its reel's timeline, in 90 kHz ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Borders {
    /// As [`SegmentRow::begin`].
    pub begin: i64,
    /// As [`SegmentRow::end`].
    pub end: i64,
}

/// Why a description cannot be read.
#[derive(Debug, Error)]
pub enum HeadError {
    /// Its box is not ours, or larger than any that is written.
    #[error("no segment description of ours")]
    Foreign,
    /// Its text is damaged.
    #[error("the segment description is damaged")]
    Damaged(#[source] serde_json::Error),
}

/// The first bytes of a segment's file: `ftyp`, the description, and a `moov`, so that the file also plays alone.
pub fn segment_head(head: &SegmentHead) -> Bytes {
    let tracks: Vec<Track> = [TrackKind::Video, TrackKind::Audio]
        .into_iter()
        .filter_map(|kind| {
            Some(Track {
                id: track_id(kind),
                entry: head.epoch.entry(kind, false)?,
                scale: head.epoch.scale(kind)?,
                edits: Vec::new(),
                duration: 0,
                media_duration: 0,
                tables: SampleTables::default(),
            })
        })
        .collect();
    let init = init_segment(&tracks);
    let note = note_box(head);
    [init.as_ref(), note.as_ref()].concat().into()
}

/// The description as a box: at the head of a segment, and wherever a track joins in its middle.
pub fn note_box(head: &SegmentHead) -> Bytes {
    // A struct of numbers, names and hex text always has a JSON form.
    let text = serde_json::to_vec(head).unwrap_or_default();
    let size = u32::try_from(24 + text.len()).unwrap_or(u32::MAX);
    [&size.to_be_bytes()[..], b"uuid", &NOTE_USERTYPE, &text].concat().into()
}

impl SegmentHead {
    /// Reads the body of a `uuid` box (what follows its 8-byte header).
    pub fn read(body: &[u8]) -> Result<Self, HeadError> {
        let text =
            body.strip_prefix(&NOTE_USERTYPE).filter(|text| text.len() <= NOTE_BYTES_MAX).ok_or(HeadError::Foreign)?;
        serde_json::from_slice(text).map_err(HeadError::Damaged)
    }
}

/// `track_ID` of a track.
pub const fn track_id(track: TrackKind) -> u32 {
    match track {
        TrackKind::Video => VIDEO_TRACK,
        TrackKind::Audio => AUDIO_TRACK,
    }
}

/// The track with this `track_ID`.
pub const fn track_kind(id: u32) -> Option<TrackKind> {
    match id {
        VIDEO_TRACK => Some(TrackKind::Video),
        AUDIO_TRACK => Some(TrackKind::Audio),
        _ => None,
    }
}
