//! Keeps storage's descriptions of itself up to date with the rows.
//!
//! Not a job: what has to be written is marked by the rows themselves, and one that fails stays marked. Several nodes may
//! do this at once.

use std::time::Duration;

use archive::{receipt_key, write_description, write_receipts};
use blobs::{BlobError, Blobs};
use catalog::{Catalog, RecordingState, Stale, Subject};
use tokio_util::sync::CancellationToken;

use crate::error::chain;

/// How far the descriptions may be behind: what a loss of the catalog may cost in changed titles and the like.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The pause after storage or the catalog did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// Marks taken at a time.
const MARKS: u32 = 256;
/// Rows that nothing marks (tables that are newer than the marks) are described this often.
const INSTALLATION_EVERY: Duration = Duration::from_secs(600);

/// Runs until `shutdown`, then writes what is left once more.
pub(crate) async fn run(catalog: Catalog, blobs: Blobs, shutdown: CancellationToken) {
    let mut installation = tokio::time::interval(INSTALLATION_EVERY);
    loop {
        let went_well = write_all(&catalog, &blobs, &shutdown).await;
        let pause = if went_well { LOOK_EVERY } else { PAUSE };
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
            _ = installation.tick() => {
                if let Err(error) = catalog.mark_stale(Subject::Installation).await {
                    tracing::warn!(%error, "the installation cannot be marked for its description");
                }
            }
        }
    }
    write_all(&catalog, &blobs, &CancellationToken::new()).await;
}

/// Writes all descriptions that are marked; `false` when one could not be.
async fn write_all(catalog: &Catalog, blobs: &Blobs, shutdown: &CancellationToken) -> bool {
    loop {
        let marks = match catalog.stale(MARKS).await {
            Ok(marks) => marks,
            Err(error) => {
                tracing::warn!(%error, "what has to be described cannot be read");
                return false;
            }
        };
        metrics::gauge!("archive_descriptions_behind").set(f64::from(u32::try_from(marks.len()).unwrap_or(u32::MAX)));
        for stale in &marks {
            if shutdown.is_cancelled() {
                return true;
            }
            if let Err(error) = write(catalog, blobs, stale).await {
                let error = chain(&error);
                tracing::warn!(subject = ?stale.subject, error, "a description cannot be written; it is tried again");
                return false;
            }
        }
        if marks.len() < usize::try_from(MARKS).unwrap_or(usize::MAX) {
            return true;
        }
    }
}

async fn write(catalog: &Catalog, blobs: &Blobs, stale: &Stale) -> archive::Result<()> {
    match stale.subject {
        // The recording tells all its receipts, now and again at its end; an asset tells its own when it is complete.
        Subject::Reel(reel) => {
            if let Some(recording) = catalog.recording_of_reel(reel).await?
                && recording.state == RecordingState::Ended
            {
                write_receipts(catalog, blobs, recording.id).await?;
            }
        }
        Subject::Asset(id) => {
            if let Some(asset) = catalog.asset(id).await?
                && asset.analysed.is_some()
                && asset.source_deleted.is_none()
                && let Err(BlobError::NotFound { .. }) = blobs.size(&receipt_key(id)).await
            {
                archive::write_receipt(catalog, blobs, &asset).await?;
            }
        }
        Subject::Installation => {}
    }
    // Last, as it settles the mark.
    write_description(catalog, blobs, stale).await
}
