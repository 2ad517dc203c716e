//! H.264 and AAC headers: parameter sets, NAL walk, is this a key frame; and the frame that travels from ingest to readers.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod aac;
mod avc;
mod error;
mod frame;
mod nal;

pub use aac::AacConfig;
pub use avc::{AVC_RECORD_BYTES_MAX, AvcConfig, FrameRate};
pub use error::CodecError;
pub use frame::{AudioCodec, AudioConfig, Frame, Sample, TrackConfig, TrackKind, VideoCodec, VideoConfig};
pub use nal::{AccessUnit, Nals};
