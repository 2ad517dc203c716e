//! Transcoding: what an asset's template group asks for becomes renditions of its reels, chunk by chunk.
//!
//! A task is *planned* once: which outputs, made of which renditions, and which of these are missing. Missing ones of one stretch
//! are a *run*: its chunks are *encoded* apart, by any number of workers, and *joined* by writing an index. An output whose
//! renditions have all ended is *settled*. Each of the four is a kind of job; what they leave in the catalog is written in the
//! transaction that ends them, so a worker that dies at any point costs one chunk at most. (Decision 0018.)

mod chunk;
mod join;
mod live;
mod marks;
mod piece;
mod plan;
mod settle;
mod stored;

use std::path::PathBuf;

use catalog::Catalog;

pub(crate) use chunk::EncodeChunk;
pub(crate) use join::JoinRun;
pub(crate) use live::EncodeLive;
pub(crate) use plan::Plan;
pub(crate) use settle::Settle;

use crate::clock::now;

/// How transcoding behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TranscodeSettings {
    /// The program that encodes.
    pub ffmpeg: PathBuf,
    /// A folder for the encoder's files, of this process alone; emptied when it starts.
    pub scratch: PathBuf,
    /// Chunks at once; each takes one core and some hundred MiB.
    pub at_once: u32,
}

impl Default for TranscodeSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            ffmpeg: PathBuf::from("ffmpeg"),
            scratch: std::env::temp_dir().join("reprise-scratch"),
            at_once: u32::try_from(cores).unwrap_or(1),
        }
    }
}

/// Gives up runs and tasks of which a job was given up.
pub(crate) async fn give_up_stuck(catalog: &Catalog) -> catalog::Result<()> {
    for run in catalog.forsaken_runs().await? {
        tracing::info!(%run, "nobody wants what was encoded of a cycle while it grew");
        catalog.fail_run(run, "the cycle came to no video that is encoded", now()).await?;
    }
    for (run, error) in catalog.stuck_runs().await? {
        tracing::warn!(%run, error, "an encode is given up");
        catalog.fail_run(run, &error, now()).await?;
    }
    for (task, error) in catalog.stuck_tasks().await? {
        tracing::warn!(%task, error, "a transcode task is given up");
        catalog.fail_task(task, &error, now()).await?;
    }
    Ok(())
}

/// Empties the folder of the encoder's files: what is in it was left by a process that died.
pub(crate) fn clear_scratch(settings: &TranscodeSettings) {
    match std::fs::remove_dir_all(&settings.scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, folder = %settings.scratch.display(), "old files of the encoder cannot be removed");
        }
        _ => {}
    }
}
