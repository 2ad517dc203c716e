//! What a rendition is, how its encode is cut into chunks, and where each encoded sample belongs; runs nothing.
//!
//! A [`Profile`] says what somebody wants of any source; [`Profile::resolve`] makes it the [`Encoding`] of one source, whose
//! [digest](Encoding::digest) names the rendition: the same encoding of the same stretch of a reel is never made twice.
//! [`chunks`] cuts a stretch into pieces that can be encoded apart. For each chunk, [`Input`] is what the encoder gets,
//! [`arguments`] how it is told, [`read_movie`] what it answered, and [`place_pictures`] puts that on the reel's timeline: the n-th
//! picture takes the time of the n-th picture of the source, whatever the encoder's clock says. (Decision 0017.)
//!
//! [Watermarks](Watermark) become the [`Mark`]s of an encoding, and files of subtitles what is drawn of them on its pictures.
//!
//! A file of somebody else's is taken over into a reel by the module `takeover`: as it is where a reel can hold it.
//!
//! Still pictures and animations are [ordered](PictureOrder), planned and asked for in the module `shots`.
//!
//! **Invariant:** a chunk's outcome depends on the source and the encoding alone, so its neighbours, made elsewhere and at
//! another time, fit it.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod capabilities;
mod command;
mod encryption;
mod error;
mod graph;
mod grid;
mod input;
mod level;
mod marks;
mod movie;
mod pictures;
mod place;
mod plan;
mod profile;
mod resolve;
mod segments;
mod shots;
mod sound;
mod subtitles;
mod takeover;

pub use capabilities::Capabilities;
pub use codec::{AudioCodec, ImageKind, VideoCodec, read_image};
pub use command::{Pass, Paths, arguments};
pub use encryption::{ContentKey, Encryption, Scheme};
pub use error::{EncodeError, Result};
pub use grid::Fps;
pub use input::{Input, Loaded, Sounds, Source};
pub use marks::{
    Corner, Drawn, ImageFile, ImageWatermark, Laid, Length, Mark, MarkFile, Shown, TextMark, WHOLE, Watermark,
    WatermarkContent, mark_files,
};
pub use movie::{EncodedSample, Movie, read_movie};
pub use pictures::{Picture, PictureInput, Pictures, Treatment};
pub use place::{Placed, PlacedFrame, PlacedPicture, place_frames, place_pictures};
pub use plan::{CHUNK_TICKS_MAX, Chunk, GROWING_CHUNK_TICKS_MIN, Growth, chunks};
pub use profile::{
    AudioProfile, Check, Checks, Clip, Content, FileName, Format, H264Profile, Passes, Preset, Profile, Rate, Template,
    Turn, VideoProfile,
};
pub use resolve::{AudioEncoding, Encoding, SourceFacts, VideoEncoding};
pub use segments::{SegmentPlan, WrittenSegment, write_segments};
pub use shots::{
    ANIMATION_MS_MAX, AnimationFormat, AnimationLength, AnimationOrder, AnimationPlan, COVERS, Color, Cue, Feed,
    Frames, Gop, LOOK_BYTES, Layout, Look, PictureOrder, SHOTS_MAX, Sheet, SheetOrder, Shot, ShotOutputs, ShotPaths,
    ShotTimes, Size, SnapshotOrder, TASK_SNAPSHOTS, Wanted, animation_arguments, best, each_cue_file, gops,
    sheet_arguments, shot_arguments, webvtt,
};
pub use sound::{Framing, first_frame, frame_begin};
pub use subtitles::{Subtitle, SubtitleError, Subtitles, read_subtitles};
pub use takeover::{
    Laid as LaidFile, Layer, Misfit, Probe, ProbeError, ProbedSound, ProbedVideo, TakePlan, Taking, probe_arguments,
    take_arguments,
};
