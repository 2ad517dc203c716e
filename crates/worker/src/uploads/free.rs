//! Removes what is left of an upload that has ended.

use blobs::Blobs;
use catalog::{Catalog, UploadState, upload_folder};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::JobId;

use crate::error::WorkerError;
use crate::free::clear_reel;

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
}

impl Handler for FreeUpload {
    const KIND: &'static str = kind::FREE_UPLOAD;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { upload: id } = attempt.payload()?;
        let Some(upload) = self.catalog.upload(id).await?.filter(|upload| upload.state.has_ended()) else {
            return Ok(Finish::Done);
        };
        for object in self.blobs.list(&upload_folder(id)).await.map_err(WorkerError::Blobs)? {
            self.blobs.delete(&object.key).await.map_err(WorkerError::Blobs)?;
        }
        if upload.state != UploadState::Done {
            // What was begun of its reel.
            clear_reel(&self.blobs, upload.reel).await?;
        }
        Ok(Finish::Done)
    }
}
