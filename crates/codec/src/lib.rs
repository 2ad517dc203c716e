//! H.264 and AAC headers: parameter sets, NAL walk, is this a key frame; and the frame that travels from ingest to readers.

mod frame;

pub use frame::{AudioCodec, AudioConfig, Frame, Sample, TrackConfig, TrackKind, VideoCodec, VideoConfig};
