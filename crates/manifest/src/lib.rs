//! HLS text from values (RFC 8216bis): multivariant and media playlists of fragmented MP4.
//!
//! Text is written from integers: no duration passes through a float. Why this is our own: decision 0004.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod escape;
mod media;
mod multivariant;

pub use escape::uri;
pub use media::{MediaPlaylist, MediaSegment, PlaylistKind};
pub use multivariant::{AudioRendition, Multivariant, Variant};

/// `Content-Type` of a playlist (RFC 8216bis §4).
pub const CONTENT_TYPE: &str = "application/vnd.apple.mpegurl";

/// `EXT-X-VERSION`: 7 is what players expect of fragmented MP4 with `EXT-X-MAP` (RFC 8216bis §8).
const VERSION: u32 = 7;
/// The version that `EXT-X-GAP` asks for (RFC 8216bis §8).
const VERSION_GAP: u32 = 8;
