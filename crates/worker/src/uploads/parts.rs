//! The parts in which a client sent a file, put together.

use blobs::{AppendFile, BlobError, Blobs};
use bytes::Bytes;
use catalog::{upload_key, upload_parts_key};
use jobs::Failure;
use tokio::task::spawn_blocking;
use units::JobId;

use crate::error::WorkerError;

/// Bytes that are copied at a time.
const COPY_BYTES: u64 = 4 << 20;

/// Makes the file of an upload from its parts, when it came in some. Doing it again makes the same.
pub(super) async fn put_together(blobs: &Blobs, upload: JobId) -> Result<(), Failure> {
    let list = match blobs.get(&upload_parts_key(upload)).await {
        Ok(list) => list,
        // It came whole.
        Err(BlobError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(WorkerError::Blobs(error).into()),
    };
    let keys: Vec<String> = serde_json::from_slice(&list).map_err(|error| Failure::GiveUp(error.to_string()))?;
    let (store, key) = (blobs.clone(), upload_key(upload));
    let opened = spawn_blocking(move || store.append_file(&key)).await;
    let mut file = opened.map_err(|error| Failure::Retry(error.to_string()))?.map_err(WorkerError::Blobs)?;
    file = blocking(move || file.truncate(0).map(|()| file)).await?.map_err(WorkerError::Scratch)?;
    for key in &keys {
        let size = blobs.size(key).await.map_err(WorkerError::Blobs)?;
        let mut at = 0;
        while at < size {
            let end = size.min(at.saturating_add(COPY_BYTES));
            let bytes = blobs.get_range(key, at..end).await.map_err(WorkerError::Blobs)?;
            file = append(file, bytes, false).await?;
            at = end;
        }
    }
    append(file, Bytes::new(), true).await?;
    Ok(())
}

/// Does what waits for the disk on a thread for that.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    spawn_blocking(work).await.map_err(|error| Failure::Retry(error.to_string()))
}

/// Appends on a blocking thread, and syncs when that is asked for.
pub(super) async fn append(mut file: AppendFile, bytes: Bytes, sync: bool) -> Result<AppendFile, Failure> {
    let done = blocking(move || {
        if !bytes.is_empty() {
            file.append(&[bytes])?;
        }
        if sync {
            file.sync_data()?;
        }
        Ok(file)
    });
    done.await?.map_err(|error| WorkerError::Scratch(error).into())
}
