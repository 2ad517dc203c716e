//! Takes an uploaded file over into a reel.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use blobs::Blobs;
use catalog::{Catalog, TakenOver, Upload, UploadState, upload_key};
use domain::event::PullFailure;
use encode::{Format, LaidFile, Layer, Misfit, Probe, TakePlan, probe_arguments, take_arguments};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use units::JobId;
use view::CutSpan;

use super::parts::put_together;
use super::reel::ReelWriter;
use super::{INVALID_FILE, REASON_MAX, failure, has_room};
use crate::TranscodeSettings;
use crate::analyse::measure;
use crate::child::{self, ChildError};
use crate::clock::now;
use crate::error::{WorkerError, chain};

/// CPU time that reading a file may take, in seconds: a day of it, as it may have to be encoded.
const CPU_SECONDS_MAX: u64 = 86_400;
/// CPU time for a look into it.
const PROBE_CPU_SECONDS_MAX: u64 = 120;
/// What ffprobe says of a file with a hundred tracks, and to spare, in bytes.
const PROBE_BYTES_MAX: usize = 1 << 20;
/// How often the progress is written down.
const NOTE_PROGRESS_EVERY: Duration = Duration::from_secs(5);
/// A file may have less than its head tells, by so many milliseconds and by a hundredth: tables are rounded, tracks end apart.
const SHORT_MS_MAX: u64 = 2_000;

#[derive(Deserialize)]
struct Payload {
    upload: JobId,
}

/// Takes files over.
pub(crate) struct Take {
    catalog: Catalog,
    blobs: Blobs,
    settings: TranscodeSettings,
    node: String,
}

/// Why a file is not taken over.
enum Untaken {
    /// By its own fault: its owner is told.
    Refused(PullFailure),
    /// It does not fit as it is.
    Misfit(Misfit),
    /// Another attempt may succeed.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Untaken {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

fn refused(reason: impl std::fmt::Display) -> Untaken {
    let reason: String = reason.to_string().chars().take(REASON_MAX).collect();
    Untaken::Refused(failure(INVALID_FILE, reason))
}

/// A program that complains of the file, or one that was killed or is not there.
fn of_child(error: ChildError) -> Untaken {
    match &error {
        ChildError::Failed { status, complaints } if status.code().is_some() => {
            refused(format!("the file cannot be read: {complaints}"))
        }
        _ => Untaken::Failed(Failure::Retry(chain(&error))),
    }
}

impl Take {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs, settings: TranscodeSettings, node: String) -> Self {
        Self { catalog, blobs, settings, node }
    }

    async fn take(&self, attempt: &Attempt, upload: &Upload) -> Result<TakenOver, Untaken> {
        put_together(&self.blobs, upload.id).await?;
        let file = self.blobs.path(&upload_key(upload.id)).map_err(WorkerError::Blobs)?;
        let probe = self.probe(&file).await?;
        let mut plan = TakePlan::new(probe);
        let laid = loop {
            match self.lay(attempt, upload, &file, &plan).await {
                Ok(laid) => break laid,
                Err(Untaken::Misfit(misfit)) => {
                    let encoding = match &misfit {
                        Misfit::Pictures(_) => plan.encoding(true),
                        Misfit::Sound(_) => plan.encoding(false),
                        // What it makes of parameters that it does not understand cannot be read.
                        Misfit::Broken(_) if !plan.encodes() => plan.encoding(plan.probe.video.is_some()),
                        Misfit::Refused(_) | Misfit::Broken(_) => None,
                    };
                    tracing::info!(upload = %upload.id, reason = %misfit, "a file does not fit a reel as it is");
                    plan = encoding.ok_or_else(|| refused(misfit))?;
                }
                Err(other) => return Err(other),
            }
        };
        is_whole(&plan.probe, &laid)?;
        let (from, to) = laid.span;
        let cut = [CutSpan::from(reel::Span { reel: upload.reel, from, to })];
        let analysis = measure(&self.blobs, &cut, Format::Mp4).await?;
        Ok(TakenOver { span: laid.span, analysis })
    }

    async fn probe(&self, file: &Path) -> Result<Probe, Untaken> {
        let (folder, name) = in_folder(file)?;
        let program = sibling(&self.settings.ffmpeg);
        let mut running =
            child::start(&program, folder, &probe_arguments(name), PROBE_CPU_SECONDS_MAX).map_err(of_child)?;
        let mut told = Vec::new();
        while let Some(bytes) = running.next().await.map_err(of_child)? {
            if told.len().saturating_add(bytes.len()) > PROBE_BYTES_MAX {
                return Err(refused("the file has too many tracks"));
            }
            told.extend_from_slice(&bytes);
        }
        running.end().await.map_err(of_child)?;
        Probe::parse(&told).map_err(refused)
    }

    /// Lays the whole file into its reel, as the plan says.
    async fn lay(&self, attempt: &Attempt, upload: &Upload, file: &Path, plan: &TakePlan) -> Result<LaidFile, Untaken> {
        let (folder, name) = in_folder(file)?;
        let mut writer = ReelWriter::begin(&self.blobs, upload.reel).await?;
        let line = take_arguments(name, plan);
        let mut running = child::start(&self.settings.ffmpeg, folder, &line, CPU_SECONDS_MAX).map_err(of_child)?;
        let mut layer = Layer::new(upload.reel, upload.created);
        let mut noted = Instant::now();
        while let Some(bytes) = running.next().await.map_err(of_child)? {
            writer.add(layer.push(&bytes).map_err(Untaken::Misfit)?).await?;
            if noted.elapsed() >= NOTE_PROGRESS_EVERY {
                let total = plan.probe.duration_ms.unwrap_or(0).max(1);
                let percent = layer.laid_ms().saturating_mul(99) / total;
                attempt.progress(u32::try_from(percent).unwrap_or(99).min(99)).await?;
                noted = Instant::now();
            }
        }
        running.end().await.map_err(of_child)?;
        let mut laid = layer.finish().map_err(Untaken::Misfit)?;
        writer.add(std::mem::take(&mut laid.segments)).await?;
        writer.end(&laid.epoch).await?;
        Ok(laid)
    }
}

/// The folder and the name of a file. The program is run there, so that what it complains about says nothing of this host.
fn in_folder(file: &Path) -> Result<(&Path, &str), Untaken> {
    let parts = file.parent().zip(file.file_name().and_then(|name| name.to_str()));
    parts.ok_or_else(|| Untaken::Failed(Failure::GiveUp("the file has no name".to_owned())))
}

/// The program that tells what is in a file lies beside the one that encodes.
fn sibling(ffmpeg: &Path) -> PathBuf {
    let name = ffmpeg.file_name().map_or_else(|| "ffmpeg".into(), |name| name.to_string_lossy());
    ffmpeg.with_file_name(name.replacen("ffmpeg", "ffprobe", 1))
}

/// What its head tells is there: a copy that was cut off is no copy.
fn is_whole(probe: &Probe, laid: &LaidFile) -> Result<(), Untaken> {
    let Some(told) = probe.promised_ms else { return Ok(()) };
    let (from, to) = laid.span;
    let there = u64::try_from(to.saturating_sub(from) / 90).unwrap_or(0);
    if there.saturating_add(SHORT_MS_MAX.max(told / 100)) >= told {
        return Ok(());
    }
    let seconds = |ms: u64| format!("{}.{:03} s", ms / 1_000, ms % 1_000);
    Err(refused(format!(
        "the file is cut off: it says that it lasts {}, and {} of it are there",
        seconds(told),
        seconds(there)
    )))
}

impl Handler for Take {
    const KIND: &'static str = kind::TAKE;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { upload: id } = attempt.payload()?;
        let stored = |upload: &Upload| upload.state == UploadState::Stored;
        let Some(upload) = self.catalog.upload(id).await?.filter(stored) else { return Ok(Finish::Done) };
        has_room(&self.blobs)?;
        if !self.catalog.begin_take(id, &self.node, now()).await? {
            return Ok(Finish::Done);
        }
        let taken = match self.take(attempt, &upload).await {
            Ok(taken) => Ok(taken),
            Err(Untaken::Refused(why)) => Err(why),
            Err(Untaken::Misfit(misfit)) => Err(failure(INVALID_FILE, misfit.to_string())),
            Err(Untaken::Failed(failure)) => return Err(failure),
        };
        let mut tx = self.catalog.begin().await?;
        match &taken {
            Ok(taken) => {
                tx.finish_take(id, taken, now()).await?;
            }
            Err(why) => {
                tx.fail_upload(id, why, now()).await?;
            }
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        match taken {
            Ok(_) => tracing::info!(upload = %id, asset = %upload.asset, reel = %upload.reel, "file taken over"),
            Err(why) => tracing::info!(upload = %id, asset = %upload.asset, reason = why.message, "file refused"),
        }
        Ok(Finish::Committed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_programs_lie_beside_each_other() {
        assert_eq!(sibling(Path::new("ffmpeg")), Path::new("ffprobe"));
        assert_eq!(sibling(Path::new("/opt/ffmpeg/bin/ffmpeg-7")), Path::new("/opt/ffmpeg/bin/ffprobe-7"));
    }
}
