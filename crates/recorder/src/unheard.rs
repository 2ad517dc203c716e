//! At the start: reels that the last run wrote and the catalog never heard of, because it did not answer before the process
//! died. What was sent is kept, so they are made open recordings, which are then taken up like all others.

use std::collections::BTreeSet;

use blobs::Listed;
use catalog::NewRecording;
use units::{ReelId, WallTime};

use crate::story::Story;
use crate::{Deps, RecorderError};

/// How much older than the newest reel of the catalog a reel may be that it has not heard of. Each start takes in what the run
/// before left, so only a run that long without a catalog leaves older ones; `reprise check` finds those too.
const LOOKED_BACK_MS: i64 = 7 * 86_400_000;

/// Makes recordings of the reels that the catalog has not heard of; of one without media nothing stays.
///
/// Errors: the catalog or the store does not answer. Media without a note that can be read is left as it is and logged.
pub(crate) async fn take_in(deps: &Deps) -> Result<(), RecorderError> {
    let newest = deps.catalog.newest_reel().await?;
    let from = newest.map_or(ReelId::from_u128(0), |newest| {
        ReelId::least_of(WallTime::from_unix_ms(newest.unix_ms - LOOKED_BACK_MS))
    });
    let known: BTreeSet<ReelId> = deps.catalog.reels_from(from).await?.into_iter().collect();
    let folders = deps.blobs.folders("reels").await?;
    let stored = folders.iter().filter_map(|name| name.parse::<ReelId>().ok());
    for reel in stored.filter(|reel| *reel >= from && !known.contains(reel)) {
        take_in_one(deps, reel).await?;
    }
    Ok(())
}

async fn take_in_one(deps: &Deps, reel: ReelId) -> Result<(), RecorderError> {
    let objects = deps.blobs.list(&reel::reel_key(reel)).await?;
    if !has_media(deps, &objects).await? {
        for object in objects {
            deps.blobs.delete(&object.key).await?;
        }
        return Ok(());
    }
    let Some(story) = Story::read(&deps.blobs, reel).await.filter(|story| story.reel == reel) else {
        tracing::warn!(%reel, "the catalog has not heard of this reel, and it has no note of its own; it is left as it is");
        return Ok(());
    };
    tracing::warn!(%reel, recording = %story.recording, stream = %story.path, "the catalog has not heard of this recording; it is taken in");
    let new = NewRecording {
        id: story.recording,
        path: story.path,
        rule: story.rule,
        reel,
        node: deps.settings.node.clone(),
        began: story.began,
    };
    Ok(deps.catalog.begin_recording(&new).await?)
}

/// Whether any frame is in one of these objects: a process that dies when a push begins leaves empty files, or a segment that has
/// not got beyond its head.
async fn has_media(deps: &Deps, objects: &[Listed]) -> Result<bool, RecorderError> {
    let segments = objects.iter().filter(|object| object.key.ends_with(reel::SEGMENT_SUFFIX) && object.size > 0);
    for segment in segments {
        if !reel::scan_segment(&deps.blobs.get(&segment.key).await?).page.fragments.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
