//! Removes media that deleted assets had, once nobody needs it, and renditions that no output is made of any more.
//!
//! **Invariant:** what is removed was given up first, in a transaction: from then on no asset that had it can be restored, and no
//! output gets the rendition.
//! Which segments that frees is decided by [`reel::freeable`] from values alone. The index files of a reel go last, when no
//! segment is left, so that a crash in between only leaves work for the next attempt; the description of its recording
//! stays as long as the rows do.

use blobs::Blobs;
use catalog::{Catalog, Claim, ClaimState, GivenUp, ReelState, Rendition, Subject};
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

    /// Removes a rendition whole, unless it is needed: an output is made of all of it, or of nothing.
    async fn free_rendition(&self, rendition: &Rendition) -> Result<(), Failure> {
        match self.catalog.give_up_rendition(rendition.reel).await? {
            GivenUp::Needed => return Ok(()),
            // What it writes would be left behind.
            GivenUp::Busy => return Err(Failure::Retry("a chunk of it is still being written".to_owned())),
            GivenUp::Gone => {}
        }
        clear_reel(&self.blobs, rendition.reel).await?;
        self.catalog.mark_rendition_deleted(rendition.reel).await?;
        counter!("worker_freed_renditions_total").increment(1);
        Ok(())
    }
}

impl Handler for FreeReel {
    const KIND: &'static str = kind::FREE_REEL;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { reel: id } = attempt.payload()?;
        let Some(reel) = self.catalog.reel(id).await? else {
            return Err(Failure::GiveUp(format!("there is no reel {id}")));
        };
        if let Some(rendition) = self.catalog.rendition(id).await? {
            // Wanted again: then it stays.
            if rendition.unwanted.is_some() {
                self.free_rendition(&rendition).await?;
            }
            return Ok(Finish::Done);
        }
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
        // What was made from it goes with it.
        for rendition in self.catalog.renditions_of_reel(id).await? {
            let meets = |claim: &Claim| claim.from_ticks < rendition.to_ticks && rendition.from_ticks < claim.to_ticks;
            if claims.iter().any(|claim| claim.state == ClaimState::Freed && meets(claim)) {
                self.free_rendition(&rendition).await?;
            }
        }
        Ok(Finish::Done)
    }
}

/// Removes all of a reel but the description of its row.
pub(crate) async fn clear_reel(blobs: &Blobs, reel: ReelId) -> Result<(), WorkerError> {
    let stays = archive::description_key(Subject::Reel(reel));
    for object in blobs.list(&reel_key(reel)).await?.into_iter().filter(|object| object.key != stays) {
        blobs.delete(&object.key).await?;
    }
    Ok(())
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
