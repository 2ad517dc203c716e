//! H.264, H.265, AAC, MP3 and image headers: parameter sets, NAL walk, is this a key frame; and the frame that travels from ingest to readers.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod aac;
mod avc;
mod error;
mod frame;
mod hevc;
mod image;
mod mp3;
mod nal;
mod record;

pub use aac::AacConfig;
pub use avc::{AVC_RECORD_BYTES_MAX, AvcConfig, FrameRate};
pub use error::CodecError;
pub use frame::{AudioCodec, AudioConfig, Frame, Sample, TrackConfig, TrackKind, VideoCodec, VideoConfig};
pub use hevc::{HEVC_RECORD_BYTES_MAX, HevcConfig};
pub use image::{ImageKind, read_image};
pub use mp3::{Mp3Config, mp3_frame_bytes};
pub use nal::{AccessUnit, Nals, without_known_sets};
