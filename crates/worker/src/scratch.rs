//! Folders for the files of child processes.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use jobs::Attempt;
use tokio::io::AsyncWriteExt;

use crate::error::WorkerError;

/// Largest file of a child that is read, in bytes: half a minute of video at 100 Mb/s, and to spare.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A folder of one attempt, removed with all that is in it when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder of an attempt below `scratch`.
    pub(crate) async fn of(scratch: &Path, attempt: &Attempt) -> Result<Self, WorkerError> {
        let folder = scratch.join(format!("{}-{}", attempt.job.id, attempt.job.fence));
        tokio::fs::create_dir_all(&folder).await.map_err(WorkerError::Scratch)?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed when the process starts again.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Writes a file from its parts; none when there are none.
pub(crate) async fn write(path: &Path, parts: &[Bytes]) -> Result<(), WorkerError> {
    if parts.is_empty() {
        return Ok(());
    }
    let file = tokio::fs::File::create(path).await.map_err(WorkerError::Scratch)?;
    let mut file = tokio::io::BufWriter::with_capacity(1 << 20, file);
    for part in parts {
        file.write_all(part).await.map_err(WorkerError::Scratch)?;
    }
    file.flush().await.map_err(WorkerError::Scratch)
}

/// Reads a whole file.
pub(crate) async fn read(path: &Path) -> Result<Bytes, WorkerError> {
    let size = tokio::fs::metadata(path).await.map_err(WorkerError::Scratch)?.len();
    if size > FILE_BYTES_MAX {
        return Err(WorkerError::Scratch(std::io::ErrorKind::FileTooLarge.into()));
    }
    Ok(tokio::fs::read(path).await.map_err(WorkerError::Scratch)?.into())
}

/// The same; `None` when there is no such file.
pub(crate) async fn read_if_there(path: &Path) -> Result<Option<Bytes>, WorkerError> {
    match read(path).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(WorkerError::Scratch(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
