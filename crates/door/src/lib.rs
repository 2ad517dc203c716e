//! Who is let in to media, and what the answer hands on: the same for the origin and for its edges.
//!
//! [`Domains`] says of a request whether its domain lets it in; out of that comes a [`Grant`], with which the URLs in playlists are
//! signed. An edge is let in by [`Secret`] without more, and gets texts as forms ([`fill`]): it asks its viewers itself, and writes the
//! URLs for each of them. What an edge has to know for that it hears over the feed ([`feed`]). Who comes too often is told
//! by [`Buckets`].
//!
//! **Boundary:** reads no clock and looks for nothing: what is behind the door is the affair of who stands there.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod address;
mod buckets;
mod cors;
pub mod feed;
mod form;
mod grant;
mod keep;
mod path;
mod push;
mod range;
mod refusal;
mod reload;
mod rules;
mod secret;

use std::hash::{DefaultHasher, Hash, Hasher};

pub use address::{address_of, neighbourhood};
pub use buckets::{Buckets, Wait};
pub use cors::cross_origin;
pub use form::{FORM_HEADER, Form, fill};
pub use grant::Grant;
pub use keep::Keep;
pub use path::{Plain, folder_of, name_of};
pub use push::{PushKey, PushKeyError, push_key};
pub use range::{Wanted, wanted};
pub use refusal::{Refusal, Result, json};
pub use reload::{Reload, is_part};
pub use rules::{Admitted, Asked, DomainSettings, Domains, admit_edge, media_path};
pub use secret::Secret;

/// A tag of these values. It also changes with the version of the program, which may lay bytes out otherwise.
pub fn tag(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    of.hash(&mut hasher);
    hasher.finish()
}
