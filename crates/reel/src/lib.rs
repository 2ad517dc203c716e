//! Segments, fragments, the index; spans and cuts: what is stored and what an asset is made of.
//!
//! A reel is a folder of the store: `reels/<id>/`. In it lie the segments (`000000.m4s` …), two index files
//! (`segments.idx`: epochs and one row per segment; `samples.idx`: one page of sample tables per segment) and a
//! self-description (`reel.json`). The index files can be made again from the segments alone ([`scan_segment`]).
//!
//! **Timeline.** A reel has one timeline at 90 kHz ([`units::Timescale::REEL`]); each track counts in its own scale from
//! the same zero. The first frame lies at [`ORIGIN_SECONDS`], so that nothing on it is ever negative.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod checks;
mod cut;
mod free;
mod index;
mod page;
mod scan;
mod segment;
mod varint;

pub use checks::{encode_checks, fragment_checks, read_checks};
pub use cut::{Cut, Span, joined};
pub use free::{GROWING_TAIL, Needs, Stretch, freeable};
pub use index::{IndexError, ReelIndex, encode_epoch, encode_lost_end, encode_row};
pub use page::{Fragment, PageError, SamplePage};
pub use scan::{HEAD_BYTES_MAX, ScanEnd, Scanned, scan_segment};
pub use segment::{
    AUDIO_TRACK, Borders, Epoch, HeadError, Join, LossCause, LostEnd, PageRef, SegmentHead, SegmentRow, TrackSpan,
    VIDEO_TRACK, note_box, segment_head, track_id, track_kind,
};

use units::ReelId;

/// The checksum of pages: CRC-32 (IEEE).
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The checksum of bytes that lie in several pieces.
pub fn checksum_of<'a>(pieces: impl IntoIterator<Item = &'a bytes::Bytes>) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

/// Where on a reel's timeline its first frame lies, in seconds. One second leaves room for sound that begins before the
/// picture and for decode times before presentation times.
pub const ORIGIN_SECONDS: u32 = 1;

/// Key of the folder of a reel.
pub fn reel_key(reel: ReelId) -> String {
    format!("reels/{reel}")
}

/// How the key of a segment's object ends.
pub const SEGMENT_SUFFIX: &str = ".m4s";

/// Key of a segment's object.
pub fn segment_key(reel: ReelId, number: u32) -> String {
    format!("reels/{reel}/{number:06}{SEGMENT_SUFFIX}")
}

/// Key of the file of epochs and segment rows.
pub fn segments_index_key(reel: ReelId) -> String {
    format!("reels/{reel}/segments.idx")
}

/// Key of the file of sample pages.
pub fn samples_index_key(reel: ReelId) -> String {
    format!("reels/{reel}/samples.idx")
}

/// Key of a reel's self-description.
pub fn reel_description_key(reel: ReelId) -> String {
    format!("reels/{reel}/reel.json")
}
