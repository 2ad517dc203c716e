//! Push, recording, rule, asset: what happens next, and nothing else.
//!
//! **Invariant:** no `async`, socket, file, clock or random number here, and no word of RTMP, SQL, FFmpeg or the wire.

pub mod event;
pub mod picture;
pub mod recording;
pub mod retention;
pub mod rule;
pub mod title;
