//! Uploads: a file is pulled from where its owner says, or sent, and taken over into a reel; then nothing of the file is left but what
//! the reel has of it. (Decision 0033.)

mod free;
mod free_file;
mod parts;
mod pull;
mod reel;
mod take;

use std::time::Duration;

use blobs::Blobs;
use catalog::Catalog;
use domain::event::PullFailure;
use jobs::Failure;

pub(crate) use free::FreeUpload;
pub(crate) use free_file::FreeFile;
pub(crate) use pull::Pull;
pub(crate) use take::Take;

use crate::clock::now;

/// What is told of the last complaint of a job, in characters.
const REASON_MAX: usize = 500;

/// How uploads behave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UploadSettings {
    /// Whether files may be pulled from private, loopback and other addresses that are not public.
    pub private_sources: bool,
    /// Largest file, in bytes.
    pub size_max: u64,
    /// How long a pull may take, from when it was asked for, with all its attempts.
    pub time_max: Duration,
    /// Files that are pulled at once.
    pub pulls_at_once: u32,
}

impl Default for UploadSettings {
    fn default() -> Self {
        Self { private_sources: true, size_max: 100 << 30, time_max: Duration::from_secs(24 * 3_600), pulls_at_once: 4 }
    }
}

/// What is in a file cannot be taken over.
const INVALID_FILE: &str = "InvalidFile";
/// It is larger than is taken.
const TOO_LARGE: &str = "FileTooLarge";
/// It cannot be had from where it is said to be.
const DOWNLOAD_FAILED: &str = "DownloadFailed";
/// Where it is said to be is not asked.
const FORBIDDEN_ADDRESS: &str = "Forbidden.Address";
/// It took too long.
const TIMEOUT: &str = "DownloadTimeout";
/// The fault is ours.
const INTERNAL: &str = "InternalError";

/// What remains of the disk is for what is recorded: a file that is uploaded can wait.
fn has_room(blobs: &Blobs) -> Result<(), Failure> {
    if blobs.alarm().is_low() {
        return Err(Failure::Retry("there is too little room on the disk to take a file".to_owned()));
    }
    Ok(())
}

fn failure(code: &str, message: impl Into<String>) -> PullFailure {
    PullFailure { code: code.to_owned(), message: message.into() }
}

/// Ends uploads of which a job was given up.
pub(crate) async fn give_up_stuck(catalog: &Catalog) -> catalog::Result<()> {
    for (upload, error) in catalog.stuck_uploads().await? {
        let pulled = catalog.upload(upload).await?.is_some_and(|upload| upload.state != catalog::UploadState::Stored);
        tracing::warn!(%upload, error, "an upload is given up");
        let reason: String = error.chars().take(REASON_MAX).collect();
        let code = if pulled { DOWNLOAD_FAILED } else { INTERNAL };
        catalog.fail_upload(upload, &failure(code, reason), now()).await?;
    }
    Ok(())
}
