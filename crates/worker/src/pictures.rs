//! Pictures of assets: covers, snapshots, sheets, cues, animations. (Decision 0020.)
//!
//! A picture job is one job of the queue: its times are laid over the asset, the few groups of pictures that are needed are read and
//! decoded, some at a time, by one child process each, and what comes out is stored under names that follow from the job. So it can
//! be done twice. What it came to is written in the transaction that ends it; until then nobody is shown any of it.

mod animation;
mod camera;
mod covers;
mod free;
mod sheets;
mod snapshots;
mod source;

use std::path::Path;

use archive::describe_first;
use blobs::Blobs;
use bytes::Bytes;
use catalog::{Catalog, MadePictures, PictureCause, PictureJob, PictureState, picture_key};
use domain::picture::PictureName;
use encode::{EncodeError, Layout, PictureOrder};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use units::{AssetId, JobId};

pub(crate) use free::FreePictures;

use self::camera::Camera;
use self::source::PictureSource;
use crate::TranscodeSettings;
use crate::child::ChildError;
use crate::clock::now;
use crate::encoder::encoder_capabilities;
use crate::error::{WorkerError, chain};
use crate::scratch::Folder;

/// Assets without a cover that are looked for at a time.
const WITHOUT_COVER: u32 = 200;

#[derive(Deserialize)]
struct Payload {
    asset: AssetId,
    job: JobId,
}

/// What all pictures are made with.
#[derive(Clone)]
pub(crate) struct Studio {
    catalog: Catalog,
    blobs: Blobs,
    settings: TranscodeSettings,
}

/// Takes covers. A kind of job of its own, so that none waits for another's ten thousand snapshots.
pub(crate) struct TakeCover(Studio);

/// Makes all other pictures.
pub(crate) struct MakePictures(Studio);

/// Why there are no pictures.
enum Fault {
    /// As for any job.
    Job(Failure),
    /// There is no program that could take them.
    NoProgram(String),
}

impl<E: Into<Failure>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Job(error.into())
    }
}

/// A job that is being done.
struct Making<'a> {
    studio: &'a Studio,
    attempt: &'a Attempt,
    job: &'a PictureJob,
    source: &'a PictureSource,
    folder: &'a Path,
}

impl Studio {
    pub(crate) fn new(catalog: Catalog, blobs: Blobs, settings: TranscodeSettings) -> Self {
        Self { catalog, blobs, settings }
    }

    pub(crate) fn covers(&self) -> TakeCover {
        TakeCover(self.clone())
    }

    pub(crate) fn pictures(&self) -> MakePictures {
        MakePictures(self.clone())
    }

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { asset, job: id } = attempt.payload()?;
        let Some(job) = self.catalog.picture_job(id).await?.filter(|job| job.state == PictureState::Running) else {
            // Given up meanwhile, or its asset is gone for good; an earlier attempt may have left something.
            self.catalog.free_pictures(asset, now()).await?;
            return Ok(Finish::Done);
        };
        let made = match self.make(attempt, &job).await {
            Ok(made) => Ok(made),
            Err(Fault::Job(failure)) => return Err(failure),
            // Every cover of an installation without the program would be an alarm otherwise.
            Err(Fault::NoProgram(why)) if job.cause == PictureCause::Birth => Err(why),
            Err(Fault::NoProgram(why)) => return Err(Failure::GiveUp(why)),
        };
        let mut tx = self.catalog.begin().await?;
        let ended = match &made {
            Ok(made) => tx.finish_pictures(id, made, now()).await?,
            Err(why) => tx.fail_pictures(id, why, now()).await?,
        };
        if !ended {
            // The asset went meanwhile, and does not account for what was stored.
            tx.free_pictures(asset, now()).await?;
        }
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        let pictures = made.iter().flatten().map(|made| u64::from(made.pictures)).sum();
        metrics::counter!("worker_pictures_total").increment(pictures);
        Ok(Finish::Committed)
    }

    async fn make(&self, attempt: &Attempt, job: &PictureJob) -> Result<Vec<MadePictures>, Fault> {
        if job.cause == PictureCause::Task && self.catalog.pictures_of_task(job.asset).await?.is_some() {
            // An earlier task has the same.
            return Ok(Vec::new());
        }
        let Some(source) = PictureSource::of(&self.catalog, &self.blobs, job.asset).await? else {
            return Err(Failure::GiveUp("the video was deleted".to_owned()).into());
        };
        if source.size().is_none() {
            return match job.cause {
                PictureCause::Birth | PictureCause::Task => Ok(Vec::new()),
                PictureCause::Request => Err(Failure::GiveUp("the video has no pictures".to_owned()).into()),
            };
        }
        describe_first(&self.catalog, &self.blobs, job.asset).await.map_err(WorkerError::from)?;
        let folder = Folder::of(&self.settings.scratch, attempt).await?;
        let making = Making { studio: self, attempt, job, source: &source, folder: folder.path() };
        match &job.order {
            PictureOrder::Snapshots(order) => match &order.layout {
                Layout::Covers => making.covers(order).await,
                Layout::Single => making.snapshots(order).await,
                Layout::Sheets { sheet, keep_cells } => making.sheets(order, sheet, *keep_cells).await,
                Layout::Cues { sheet: Some(sheet) } => making.cues_of_sheets(order, sheet).await,
                Layout::Cues { sheet: None } => making.cues(order).await,
            },
            PictureOrder::Animation(order) => making.animation(order).await,
        }
    }
}

impl Making<'_> {
    fn camera(&self) -> Camera<'_> {
        Camera {
            blobs: &self.studio.blobs,
            source: self.source,
            program: &self.studio.settings.ffmpeg,
            folder: self.folder,
        }
    }

    /// Pixels of the source's first pictures.
    fn size(&self) -> (u32, u32) {
        self.source.size().unwrap_or((1, 1))
    }

    async fn put(&self, name: PictureName, bytes: Bytes) -> Result<(), WorkerError> {
        Ok(self.studio.blobs.put(&picture_key(self.job.asset, &name), bytes).await?)
    }

    async fn progress(&self, done: usize, of: usize) -> Result<(), Failure> {
        let percent = done.saturating_mul(99) / of.max(1);
        self.attempt.progress(u32::try_from(percent).unwrap_or(99).min(99)).await
    }
}

impl Handler for TakeCover {
    const KIND: &'static str = kind::COVER;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        self.0.run(attempt).await
    }
}

impl Handler for MakePictures {
    const KIND: &'static str = kind::PICTURES;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        self.0.run(attempt).await
    }
}

/// What cannot be planned or read is given up, unless another attempt may do better.
fn fault(error: &EncodeError) -> Fault {
    let text = chain(error);
    Fault::Job(if error.is_transient() { Failure::Retry(text) } else { Failure::GiveUp(text) })
}

fn child_fault(error: &ChildError) -> Fault {
    let text = chain(error);
    match error {
        ChildError::NoProgram { .. } => Fault::NoProgram(text),
        ChildError::Start(_) | ChildError::Silent | ChildError::Follow(_) | ChildError::Failed { .. } => {
            Failure::Retry(text).into()
        }
    }
}

/// Sees to it that assets which were made before there were covers get one.
pub(crate) async fn cover_what_has_none(catalog: Catalog, settings: TranscodeSettings, shutdown: CancellationToken) {
    if encoder_capabilities(&settings.ffmpeg).await.jpeg
        && let Err(error) = cover_all(&catalog, &shutdown).await
    {
        tracing::warn!(error = chain(&error), "cannot look for videos without a cover; the next start does");
    }
}

async fn cover_all(catalog: &Catalog, shutdown: &CancellationToken) -> catalog::Result<()> {
    let mut after = None;
    loop {
        let assets = catalog.assets_without_cover(after, WITHOUT_COVER).await?;
        after = assets.last().copied();
        if after.is_none() || shutdown.is_cancelled() {
            return Ok(());
        }
        for asset in assets {
            catalog.have_cover(asset, now()).await?;
        }
    }
}

/// Ends picture jobs whose work was given up.
pub(crate) async fn give_up_stuck(catalog: &Catalog) -> catalog::Result<()> {
    for (job, error) in catalog.stuck_pictures().await? {
        tracing::warn!(%job, error, "pictures are given up");
        catalog.fail_pictures(job, &error, now()).await?;
    }
    Ok(())
}
