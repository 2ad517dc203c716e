//! A cut and its indexes to playlists, init segments, byte ranges and a progressive MP4; touches no media.
//!
//! A [`Timeline`] lays the segments of a cut end to end on the asset's own timeline. From it follow, without any further
//! reading, the HLS playlists and init segments ([`hls`](Timeline::playlist)), what is told of several of them together
//! ([`Package`]) and the [`Facts`]; from it and one
//! [`SamplePage`](reel::SamplePage) a virtual segment; from it and all pages a progressive MP4 ([`Mp4`]). What goes to a
//! player are [`Piece`]s: bytes made here, and ranges of stored segments.
//!
//! **Invariant:** every `moof` and `moov` that leaves here is made from the index; stored bytes are only ever sample
//! data, or dead space inside an `mdat`. So nothing that is stored is read, parsed or patched to serve it.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod error;
mod facts;
mod fill;
mod flv;
mod hls;
mod low;
mod mp3;
mod mp4;
mod name;
mod package;
mod piece;
mod slices;
mod tables;
mod timeline;

pub use error::{Result, ViewError};
pub use facts::{AudioFacts, Facts, VideoFacts};
pub use flv::{Flv, FlvBuilder};
pub use low::{Low, Reach, Wanted};
pub use mp3::{Mp3, Mp3Builder};
pub use mp4::{Mp4, Mp4Builder, SAMPLES_MAX};
pub use name::{Name, ParseNameError};
pub use package::{Member, Package};
pub use piece::{Piece, slice, total};
pub use slices::SLICE_PARTS_MAX;
pub use timeline::{CutSpan, Growth, OpenSegment, Part, SoundView, SpanView, StoredFile, Timeline};

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up reels are small")]
mod testing;
#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up reels are small")]
mod tests;
