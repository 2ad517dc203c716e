//! HLS and DASH text from values: multivariant and media playlists (RFC 8216bis), and the description of a presentation
//! (ISO/IEC 23009-1), of fragmented MP4.
//!
//! Text is written from integers: no duration passes through a float. Why this is our own: decision 0004.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod escape;
mod media;
mod mpd;
mod multivariant;

pub use escape::{uri, xml};
pub use media::{LowLatency, MediaPlaylist, MediaSegment, PartialSegment, PlaylistKind, RenditionReport};
pub use mpd::{AdaptationSet, ContentType, Mpd, Period, Representation, Shape};
pub use multivariant::{AudioRendition, IFrames, Multivariant, Variant};

/// `Content-Type` of a playlist (RFC 8216bis §4).
pub const CONTENT_TYPE: &str = "application/vnd.apple.mpegurl";
/// `Content-Type` of a description (ISO/IEC 23009-1 §C).
pub const MPD_CONTENT_TYPE: &str = "application/dash+xml";

/// `EXT-X-VERSION`: 7 is what players expect of fragmented MP4 with `EXT-X-MAP` (RFC 8216bis §8).
const VERSION: u32 = 7;
/// The version that `EXT-X-GAP` asks for (RFC 8216bis §8).
const VERSION_GAP: u32 = 8;
/// The version that `EXT-X-SKIP` asks for (RFC 8216bis §8).
const VERSION_SKIP: u32 = 9;
