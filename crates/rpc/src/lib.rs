//! The Alibaba Cloud wire: canonical string, signature, parameters, errors of the gateway, callback signatures, URL auth.
//!
//! A request becomes a [`Call`] (what is asked, by whom, signed how); [`Call::check_clock`] and [`Call::verify`] say
//! whether to believe it; [`Params`] and the types of [`param`] read its parameters. What is wrong is a [`Refusal`].
//!
//! **Invariant:** pure. No clock, socket or random number: the caller passes the time, the bytes and the secret in.
//! Whatever comes from the network is refused with an error, never with a panic; every size has a named limit.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

pub mod access;
mod acs3;
mod call;
pub mod callback;
mod client;
pub mod data_key;
pub mod definition;
mod digest;
mod encoding;
pub mod event;
pub mod failure;
pub mod oss;
pub mod param;
mod params;
pub mod play_auth;
mod refusal;
pub mod scroll;
pub mod search;
pub mod url_auth;
pub mod user_data;
mod v1;

pub use call::{BODY_BYTES_MAX, CLOCK_WINDOW, Call, WireRequest};
pub use client::signed_query;
pub use encoding::percent_decoded;
pub use param::{Param, ParamError};
pub use params::Params;
pub use refusal::Refusal;
