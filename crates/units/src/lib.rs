//! Time, timescale, typed ids, byte sizes: the words everyone shares.
//!
//! Nothing here reads a clock or draws a random number: callers pass both in, so that a test can seed them.

mod id;
mod path;
mod time;

pub use id::{AssetId, EventId, IdSource, JobId, ParseIdError, PushId, RecordingId, ReelId, RequestId};
pub use path::{PathError, StreamPath};
pub use time::{MediaTime, Mono, Timescale, WallTime};
