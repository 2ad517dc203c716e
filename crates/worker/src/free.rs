//! Removes media that deleted assets had, once nobody needs it.
//!
//! **Invariant:** only segments that begin in garbage are removed (what a deleted asset had, after its time), never one
//! that begins in a span. Media that became no asset is not touched. The index files of a reel go last, when no segment
//! is left, so that a crash in between only leaves work for the next attempt.

use std::collections::BTreeSet;

use blobs::Blobs;
use catalog::{Catalog, ReelState, Span};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::{ReelIndex, reel_key, segment_key, segments_index_key};
use serde::Deserialize;
use units::ReelId;

use crate::error::WorkerError;

#[derive(Deserialize)]
struct Payload {
    reel: ReelId,
}

/// Frees reels.
pub(crate) struct FreeReel {
    catalog: Catalog,
    blobs: Blobs,
}

impl FreeReel {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }
}

impl Handler for FreeReel {
    const KIND: &'static str = kind::FREE_REEL;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { reel: id } = attempt.payload()?;
        let Some(reel) = self.catalog.reel(id).await? else {
            return Err(Failure::GiveUp(format!("there is no reel {id}")));
        };
        match reel.state {
            // The end of the recording asks again.
            ReelState::Open | ReelState::Deleted => return Ok(Finish::Done),
            ReelState::Sealed => {}
        }
        let garbage = self.catalog.garbage_on_reel(id).await?;
        let spans = self.catalog.spans_on_reel(id).await?;
        let emptied = free(&self.blobs, id, &garbage, &spans).await?;
        if emptied {
            self.catalog.mark_reel_deleted(id).await?;
        }
        Ok(Finish::Done)
    }
}

/// Removes the segments; `true` when nothing is left of the reel.
async fn free(blobs: &Blobs, reel: ReelId, garbage: &[Span], spans: &[Span]) -> Result<bool, WorkerError> {
    let stored = blobs.list(&reel_key(reel)).await.map_err(WorkerError::Blobs)?;
    let mut left: BTreeSet<String> = stored.into_iter().map(|object| object.key).collect();
    if left.is_empty() {
        return Ok(spans.is_empty());
    }
    let index = match blobs.get(&segments_index_key(reel)).await {
        Ok(file) => ReelIndex::read(&file).0,
        // It is removed after all segments: what is left is not media.
        Err(blobs::BlobError::NotFound { .. }) if spans.is_empty() => ReelIndex::default(),
        Err(error) => return Err(error.into()),
    };
    for row in &index.segments {
        let within = |span: &Span| (span.from_ticks..span.to_ticks).contains(&row.begin);
        let key = segment_key(reel, row.number);
        if garbage.iter().any(within) && !spans.iter().any(within) && left.remove(&key) {
            blobs.delete(&key).await?;
        }
    }
    if !spans.is_empty() || left.iter().any(|key| key.ends_with(".m4s")) {
        return Ok(false);
    }
    // The index tells what is garbage, so it goes last.
    let index_key = segments_index_key(reel);
    for key in left.iter().filter(|key| **key != index_key) {
        blobs.delete(key).await?;
    }
    blobs.delete(&index_key).await?;
    Ok(true)
}
