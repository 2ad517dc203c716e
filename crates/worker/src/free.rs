//! Removes media that deleted assets had, once nobody needs it.
//!
//! **Invariant:** what is removed was given up first, in a transaction: from then on no asset that had it can be restored.
//! Which segments that frees is decided by [`reel::freeable`] from values alone. The index files of a reel go last, when no
//! segment is left, so that a crash in between only leaves work for the next attempt; the description of its recording
//! stays as long as the rows do.

use blobs::Blobs;
use catalog::{Catalog, Claim, ClaimState, ReelState, RenditionState, Subject};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use metrics::counter;
use reel::{Needs, ReelIndex, Stretch, freeable, reel_key, segment_key, segments_index_key};
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
        let grows = match reel.state {
            ReelState::Deleted => return Ok(Finish::Done),
            ReelState::Open => true,
            ReelState::Sealed => false,
        };
        self.catalog.give_up_garbage(id).await?;
        // Read after that: whoever needs some of it by now has a span that is older.
        let claims = self.catalog.claims_on_reel(id).await?;
        let emptied = free(&self.blobs, id, &needs(&claims, grows)).await?;
        if emptied && !grows {
            self.catalog.mark_reel_deleted(id).await?;
        }
        // What was made from it goes with it, segment by segment.
        for rendition in self.catalog.renditions_of_reel(id).await? {
            let freed = match rendition.state {
                RenditionState::Encoding => false,
                RenditionState::Ready => {
                    let claims = self.catalog.claims_on_reel(rendition.reel).await?;
                    free(&self.blobs, rendition.reel, &needs(&claims, false)).await?
                }
                // As long as there is a source the next task that wants it goes on with its chunks.
                RenditionState::Failed if emptied && !grows => {
                    remove_all(&self.blobs, rendition.reel).await?;
                    true
                }
                RenditionState::Failed => false,
            };
            if freed {
                self.catalog.mark_reel_deleted(rendition.reel).await?;
            }
        }
        Ok(Finish::Done)
    }
}

fn needs(claims: &[Claim], grows: bool) -> Needs {
    let of = |given_up: bool| {
        let fits = claims.iter().filter(move |claim| (claim.state == ClaimState::Freed) == given_up);
        fits.map(|claim| Stretch { from: claim.from_ticks, to: claim.to_ticks }).collect()
    };
    Needs { needed: of(false), given_up: of(true), grows }
}

/// Removes the segments; `true` when no media is left of the reel.
async fn free(blobs: &Blobs, reel: ReelId, needs: &Needs) -> Result<bool, WorkerError> {
    let stored = blobs.list(&reel_key(reel)).await.map_err(WorkerError::Blobs)?;
    let mut left: Vec<String> = stored.into_iter().map(|object| object.key).collect();
    let index_key = segments_index_key(reel);
    let index = match blobs.get(&index_key).await {
        Ok(file) => ReelIndex::read(&file).0,
        // It is removed after all segments.
        Err(blobs::BlobError::NotFound { .. }) => ReelIndex::default(),
        Err(error) => return Err(error.into()),
    };
    for number in freeable(&index, needs) {
        let key = segment_key(reel, number);
        if let Some(at) = left.iter().position(|stored| *stored == key) {
            left.swap_remove(at);
            blobs.delete(&key).await?;
            counter!("worker_freed_segments_total").increment(1);
        }
    }
    if needs.grows || !needs.needed.is_empty() || left.iter().any(|key| key.ends_with(reel::SEGMENT_SUFFIX)) {
        return Ok(false);
    }
    // The index tells what may be removed, so it goes last.
    let stays = archive::description_key(Subject::Reel(reel));
    for key in left.iter().filter(|key| **key != index_key && **key != stays) {
        blobs.delete(key).await?;
    }
    blobs.delete(&index_key).await?;
    Ok(true)
}

/// Removes what there is of a rendition that was given up. Its index was not put together yet, so nothing tells its segments apart.
async fn remove_all(blobs: &Blobs, reel: ReelId) -> Result<(), WorkerError> {
    let stays = archive::description_key(Subject::Reel(reel));
    for object in blobs.list(&reel_key(reel)).await? {
        if object.key != stays {
            blobs.delete(&object.key).await?;
        }
    }
    Ok(())
}
