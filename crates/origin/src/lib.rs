//! Serves manifests and segments from blobs.
//!
//! On demand under `/v/{asset}/…` (the source, each output under a name with its id, and pictures), live under `/l/{domain}/{app}/{stream}.m3u8` and the folder of that name. What is served
//! is a view of stored reels: heads are made from the index, sample bytes stream from the stored segments in
//! bounded chunks. Pictures, and files of the library, are served as they are stored; outputs whose template asks for it are encrypted while they are sent.
//!
//! Every request goes through the door (`door`): what its domain asks of it, such as a signature, is asked there. Playlists hand
//! on what let their reader in ([`::door::Grant`]). Edges show a secret, and get texts as forms.
//!
//! **Invariant:** memory is a cache here. Whether an asset may be seen is asked of the catalog (at most
//! [`ANSWER_AGE_MAX`] ago), and an index that grows is read on from where it ended.
//! **Boundary:** writes nothing, anywhere, but what was played and sent ([`Usage`]).

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod body;
mod door;
mod error;
mod files;
mod kept;
mod laid;
mod live;
mod low;
mod pictures;
mod reels;
mod reply;
mod seal;
mod store;
mod usage;
mod viewer;
mod vod;

use std::sync::Arc;
use std::time::Duration;

use ::door::Secret;
use axum::Router;
use axum::routing::get;
use blobs::Blobs;
use catalog::Catalog;

pub use error::OriginError;
pub use usage::Usage;

/// How old an answer of the catalog may be: long enough that a player's burst of requests asks once, short enough that a
/// blocked asset is gone when the operator looks.
pub const ANSWER_AGE_MAX: Duration = Duration::from_secs(1);

/// How much may be kept in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Indexes of reels and what was laid out from them, in bytes. A day of recording takes some 10 MB.
    pub index_cache_bytes: u64,
    /// Heads of progressive MP4s, in bytes. An hour takes some 2 MB.
    pub mp4_cache_bytes: u64,
    /// How many heads are made at once. Each holds a core while it is made, and some 20 bytes a sample.
    pub mp4_builds: usize,
    /// A proxy stands before this server, and what it tells of the host and the address of a request is believed.
    pub behind_proxy: bool,
    /// What edges show. `None`: there are none.
    pub edge_secret: Option<Secret>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            index_cache_bytes: 128 << 20,
            mp4_cache_bytes: 128 << 20,
            mp4_builds: 2,
            behind_proxy: false,
            edge_secret: None,
        }
    }
}

/// What the origin reads from.
#[derive(Clone)]
pub struct Deps {
    /// Which assets and recordings there are.
    pub catalog: Catalog,
    /// Their bytes.
    pub blobs: Blobs,
    /// Limits.
    pub settings: Settings,
}

/// Everything below `/v/` and `/l/`, which may stand behind a signature, and the streams of the domain whose host is asked: the
/// fallback of the server's routes.
pub fn router(deps: Deps) -> Router {
    counting_router(deps, Usage::default())
}

/// The same with what counts its answers, which its owner [writes](Usage::run).
pub fn counting_router(deps: Deps, usage: Usage) -> Router {
    let reels = Arc::new(reels::Reels::new(store::Store::new(deps.blobs), deps.settings.index_cache_bytes));
    let vod = Arc::new(vod::Vod::new(deps.catalog.clone(), Arc::clone(&reels), &deps.settings));
    let live = Arc::new(live::Live::new(deps.catalog.clone(), reels, deps.settings.index_cache_bytes));
    let vod = Router::new()
        .route("/v/{asset}/{name}", get(vod::serve))
        .route("/v/{asset}/{output}/{name}", get(vod::serve_output))
        .with_state(vod);
    let live = Router::new()
        .route("/l/{domain}/{app}/{file}", get(live::serve_index))
        .route("/l/{domain}/{app}/{stream}/low.m3u8", get(live::serve_low_index))
        .route("/l/{domain}/{app}/{stream}/{recording}/{name}", get(live::serve))
        .with_state(live);
    let door = Arc::new(door::Door::new(deps.catalog, deps.settings, usage, vod.merge(live)));
    Router::new().fallback(door::enter).with_state(door)
}
