//! Pictures of an asset: which are wanted, which samples have to be decoded for them, how FFmpeg is told, and what becomes of
//! what it puts out. Runs nothing.
//!
//! An *order* ([`PictureOrder`]) says what somebody wants of any asset. Its times ([`ShotTimes::ticks`]) fall on segments; in the
//! sample page of each, [`gops()`] finds the picture that is shown then and the key frame from which it can be decoded. A [`Feed`] is
//! a file of these few samples and no others, under times of its own, so that each wanted picture is asked for by its time and
//! comes out under it: a picture that cannot be decoded is missing, and no other one takes its place. (Decision 0020.)

mod command;
mod cues;
mod feed;
mod gops;
mod looks;
mod order;
mod sheet;

pub use command::{ShotOutputs, ShotPaths, animation_arguments, sheet_arguments, shot_arguments};
pub use cues::{Cue, each_cue_file, webvtt};
pub use feed::Feed;
pub use gops::{Frames, Gop, Shot, Wanted, gops};
pub use looks::{LOOK_BYTES, Look, best};
pub use order::{
    ANIMATION_MS_MAX, AnimationFormat, AnimationLength, AnimationOrder, AnimationPlan, COVERS, Layout, PictureOrder,
    SHOTS_MAX, ShotTimes, Size, SnapshotOrder, TASK_SNAPSHOTS,
};
pub use sheet::{Color, Sheet, SheetOrder};
