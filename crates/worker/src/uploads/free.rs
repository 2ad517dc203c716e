//! Removes what is left of an upload that has ended.

use blobs::Blobs;
use catalog::{Catalog, Subject, UploadState, upload_folder};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reel::reel_key;
use serde::Deserialize;
use units::JobId;

use crate::error::WorkerError;

#[derive(Deserialize)]
struct Payload {
    upload: JobId,
}

/// Frees uploads.
pub(crate) struct FreeUpload {
    catalog: Catalog,
    blobs: Blobs,
}

impl FreeUpload {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }

    /// Removes all objects of a folder but this one.
    async fn empty(&self, folder: &str, but: &str) -> Result<(), WorkerError> {
        for object in self.blobs.list(folder).await?.into_iter().filter(|object| object.key != but) {
            self.blobs.delete(&object.key).await?;
        }
        Ok(())
    }
}

impl Handler for FreeUpload {
    const KIND: &'static str = kind::FREE_UPLOAD;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { upload: id } = attempt.payload()?;
        let Some(upload) = self.catalog.upload(id).await?.filter(|upload| upload.state.has_ended()) else {
            return Ok(Finish::Done);
        };
        self.empty(&upload_folder(id), "").await?;
        if upload.state != UploadState::Done {
            // What was begun of its reel.
            let stays = archive::description_key(Subject::Reel(upload.reel));
            self.empty(&reel_key(upload.reel), &stays).await?;
        }
        Ok(Finish::Done)
    }
}
