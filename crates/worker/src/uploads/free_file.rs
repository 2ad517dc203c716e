//! Removes what is left of a file of the library: the parts that it came in, and the file itself when it was deleted.

use blobs::Blobs;
use catalog::{Catalog, FileStatus, upload_folder};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::{AssetId, JobId};

use crate::error::WorkerError;

#[derive(Deserialize)]
struct Payload {
    file: AssetId,
}

/// Frees files.
pub(crate) struct FreeFile {
    catalog: Catalog,
    blobs: Blobs,
}

impl FreeFile {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs) -> Self {
        Self { catalog, blobs }
    }
}

impl Handler for FreeFile {
    const KIND: &'static str = kind::FREE_FILE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { file: id } = attempt.payload()?;
        let file = self.catalog.find_library_file(id).await?;
        if file.as_ref().is_some_and(|file| file.status == FileStatus::Uploading) {
            return Ok(Finish::Done);
        }
        let parts = upload_folder(JobId::from_u128(id.as_u128()));
        let mut left = self.blobs.list(&parts).await.map_err(WorkerError::Blobs)?;
        if file.is_none() {
            // Its description stays as long as its events.
            let own = self.blobs.list(&format!("assets/{id}")).await.map_err(WorkerError::Blobs)?;
            left.extend(own.into_iter().filter(|object| object.key.starts_with(&format!("assets/{id}/file."))));
        }
        for object in left {
            self.blobs.delete(&object.key).await.map_err(WorkerError::Blobs)?;
        }
        Ok(Finish::Done)
    }
}
