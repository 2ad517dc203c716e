//! The RTMP session machine: bytes and time in, bytes and events out.
