//! Removes files of pictures that nothing tells of (any more): of animations and assets that were deleted, and of jobs that failed
//! in the middle.
//!
//! **Invariant:** what is removed belongs to no set, and to no job that could still make one. So files are listed first, then the
//! jobs that run, then the sets: whoever wrote one of these files had its row by then, and ends by writing its sets.

use std::collections::BTreeSet;

use blobs::Blobs;
use catalog::{Catalog, PictureState, picture_key};
use domain::picture::PictureName;
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::{AssetId, JobId};

use crate::error::WorkerError;

#[derive(Deserialize)]
struct Payload {
    asset: AssetId,
}

/// Removes pictures.
pub(crate) struct FreePictures {
    catalog: Catalog,
    blobs: Blobs,
}

impl FreePictures {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }
}

impl Handler for FreePictures {
    const KIND: &'static str = kind::FREE_PICTURES;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { asset } = attempt.payload()?;
        self.catalog.give_up_pictures(asset).await?;
        let folder = format!("assets/{asset}/");
        let stored = self.blobs.list(folder.trim_end_matches('/')).await.map_err(WorkerError::Blobs)?;
        let names = stored.iter().filter_map(|object| object.key.strip_prefix(&folder)?.parse::<PictureName>().ok());
        let names: Vec<PictureName> = names.collect();
        let jobs = self.catalog.picture_jobs(asset).await?;
        let running = jobs.iter().filter(|job| job.state == PictureState::Running);
        let running: BTreeSet<JobId> = running.map(|job| job.id).collect();
        let sets = self.catalog.picture_sets(asset).await?;
        for name in names {
            if !running.contains(&name.job) && !sets.iter().any(|set| set.has(&name)) {
                self.blobs.delete(&picture_key(asset, &name)).await.map_err(WorkerError::Blobs)?;
            }
        }
        Ok(Finish::Done)
    }
}
