//! The Alibaba Cloud wire: canonical string, signature, parameters, error codes, callback signatures, URL auth.
//!
//! **Invariant:** pure. No clock, socket or random number: the caller passes the time, the bytes and the secret in.
//! Whatever comes from the network is refused with an error, never with a panic; every size has a named limit.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

pub mod callback;
mod digest;
pub mod url_auth;
