//! The RTMP session machine: bytes and time in, bytes and events out.
//!
//! It plays the server for publishers (FFmpeg, OBS, GStreamer, librtmp): RTMP 1.0, plain handshake, AMF0. Chunks, handshake
//! and the writing of messages come from a crate; the session is ours, because the guarantees live in it: what is refused
//! and how it is told, limits, deadlines, and that the end of a push is one state change with many causes.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod amf;
mod guard;
mod media;
mod query;
mod reply;
mod session;
mod timestamp;

pub use amf::{AMF_DEPTH_MAX, AmfError};
pub use guard::{CHUNK_STREAMS_MAX, DECLARED_BYTES_MAX, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX_BEFORE};
pub use media::{Left, MediaError};
pub use query::Query;
pub use session::{
    COMMAND_BYTES_MAX, Ended, HANDSHAKE_WAIT, IDLE_WAIT, Input, Output, PUBLISH_WAIT, PublishRequest, STREAMS_MAX,
    Session, SessionError, Waits,
};
pub use timestamp::Unwrap;
