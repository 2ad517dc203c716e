//! Caches an origin over HTTP: on disk and in memory, in slices, each asked for once however many want it.
//!
//! An edge stands before its viewers as the origin would: the crate `door` asks of them what their domain wants, and signs what a
//! playlist names. Behind that it keeps what the origin answers to *it*: media as it is, texts as forms that are filled in for each
//! viewer. So one copy serves all, whatever their URLs look like. What it has to know it hears over the feed (`feed`): the domains,
//! and what to forget or to get beforehand.
//!
//! **Invariant:** nothing here is the only copy of anything: what is lost is asked for again.
//! **Invariant:** what a task told it to forget is never served again, also after a restart (`purges`).
//! **Boundary:** knows no catalog and no storage, only its origin's HTTP.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod answer;
mod error;
mod feed;
mod head;
mod key;
mod limits;
mod objects;
mod origin;
mod purges;
mod serve;
mod state;
mod store;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use door::Secret;
use tokio_util::sync::CancellationToken;
use units::WallTime;

pub use crate::error::EdgeError;
use crate::feed::Feed;
use crate::limits::Limits;
use crate::objects::Objects;
use crate::origin::Origin;
use crate::state::StateFile;
use crate::store::Store;

/// Bytes of a slice: what is asked of the origin at once, and kept as one. With its key and its head it takes less than 512 KiB on
/// disk, so that a block of the cache has no large rest that no slice fits in.
pub const SLICE_BYTES: u64 = 496 << 10;

/// What the operator set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the origin is, `http://10.0.0.1:8080`.
    pub origin: String,
    /// What is shown to it.
    pub secret: Secret,
    /// How this edge is called in reports; empty: as it called itself at its first start.
    pub name: String,
    /// Where the cache lies. It belongs to one edge.
    pub folder: PathBuf,
    /// Bytes of media in memory.
    pub memory_bytes: u64,
    /// Bytes on disk; 0: none, but for what the feed told.
    pub disk_bytes: u64,
    /// Requests of one domain that are answered at once; 0: any number.
    pub requests_max: u32,
    /// Bytes a second that the viewers of one domain get together; 0: any number.
    pub bytes_per_second_max: u64,
    /// A proxy stands before this server, and what it tells of the host and the address of a request is believed.
    pub behind_proxy: bool,
}

/// An edge. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Edge {
    inner: Arc<Inner>,
}

struct Inner {
    objects: Objects,
    feed: Feed,
    limits: Limits,
    behind_proxy: bool,
}

impl Edge {
    /// Opens the cache, with what is in it.
    ///
    /// Errors: the folder cannot be used, or the client of the origin cannot be made.
    pub async fn open(settings: Settings) -> Result<Self, EdgeError> {
        let file = StateFile::open(&settings.folder, &settings.name).await?;
        let state = file.read().await;
        let feed = Feed::new(file, state);
        let store = Store::open(&settings).await?;
        let origin = Arc::new(Origin::new(&settings.origin, settings.secret.clone())?);
        let inner = Inner {
            objects: Objects::new(store, origin, feed.purges(), settings.memory_bytes),
            feed,
            limits: Limits::new(settings.requests_max, settings.bytes_per_second_max),
            behind_proxy: settings.behind_proxy,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Everything that viewers ask for.
    pub fn router(&self) -> Router {
        Router::new().fallback(serve::enter).with_state(Arc::clone(&self.inner))
    }

    /// Follows the origin's feed until `stop`, and does what it says. Run it once.
    pub async fn follow(&self, stop: CancellationToken) {
        feed::follow(&self.inner, stop).await;
    }

    /// Whether viewers are answered: it knows what the domains ask of them. After its first start it is told by the origin, later on
    /// it goes on from what it knew.
    pub fn is_ready(&self) -> bool {
        self.inner.feed.domains().is_some()
    }

    /// How it is called in reports.
    pub fn name(&self) -> &str {
        self.inner.feed.name()
    }

    /// Writes down what is on its way to the disk.
    pub async fn close(&self) {
        self.inner.objects.close().await;
    }
}

/// The wall clock.
pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
