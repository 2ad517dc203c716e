//! Stored bytes on their way into bodies: read, or handed to the kernel to be sent.

use std::time::Duration;

use blobs::{Blobs, Opened};
use moka::future::Cache;
use reel::segment_key;
use units::ReelId;

use crate::error::{OriginError, Result};

/// Files that are kept open.
const OPEN_MAX: u64 = 512;
/// How long a file is kept open: what is deleted meanwhile takes its room so long.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// The store, with the segments that are open. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) blobs: Blobs,
    open: Cache<(ReelId, u32), Option<Opened>>,
}

impl Store {
    pub(crate) fn new(blobs: Blobs) -> Self {
        Self { blobs, open: Cache::builder().max_capacity(OPEN_MAX).time_to_live(OPEN_FOR).build() }
    }

    /// A segment that is open; `None` when it can only be read.
    pub(crate) async fn open(&self, reel: ReelId, segment: u32) -> Result<Option<Opened>> {
        let known = self.open.get(&(reel, segment)).await;
        if let Some(opened) = known {
            return Ok(opened);
        }
        let blobs = self.blobs.clone();
        let open = tokio::task::spawn_blocking(move || blobs.open(&segment_key(reel, segment))).await;
        let opened = open.map_err(|error| OriginError::Internal(error.to_string()))??;
        self.open.insert((reel, segment), opened.clone()).await;
        Ok(opened)
    }
}
