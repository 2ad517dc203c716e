//! Pictures of assets: jobs that make them, and what they came to.
//!
//! A *picture job* is an order for one asset. Each asset has one from its birth on (its cover), each transcode task brings one
//! (snapshots), and others are asked for. What it makes are *picture sets*, one of each kind; the pictures themselves are files
//! beside the asset, and which ones there are follows from the set. A set is written in the transaction that ends its job, after
//! its files; what a job leaves that no set tells of is removed later.

use std::collections::BTreeMap;

use domain::event::{AnimationOutcome, Cover, Event, SnapshotSet};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use encode::{AnimationOrder, Layout, PictureOrder, SnapshotOrder};
use serde::{Deserialize, Serialize};
use units::{AssetId, JobId, WallTime};

use crate::assets::Asset;
use crate::queue::{COVER_PRIORITY, LATE_COVER_PRIORITY, NewJob, pictures_key};
use crate::sql::{Row, Sql, in_own_tx, to_json, words};
use crate::{Catalog, CatalogError, Result, Tx};

words! {
    /// Why there is a picture job.
    pub enum PictureCause {
        /// The asset came into being: it needs a cover.
        Birth = "birth",
        /// It is being transcoded.
        Task = "task",
        /// Somebody asked for it.
        Request = "request",
    }

    /// Where a picture job is in its life.
    pub enum PictureState {
        /// It waits for its turn, or is being done.
        Running = "running",
        /// Its pictures are there; of an asset without pictures there are none.
        Done = "done",
        /// It was given up.
        Failed = "failed",
    }
}

/// Why jobs fail of which nobody is told: when what they were for is there again, they are done after all.
const DELETED: &str = "the video was deleted";
const CANCELLED: &str = "its task was cancelled";

/// Pictures that are wanted of an asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PictureJob {
    /// Its id; `JobId` on the wire.
    pub id: JobId,
    /// Of which asset.
    pub asset: AssetId,
    /// Why.
    pub cause: PictureCause,
    /// The transcode task that it comes with.
    pub task: Option<JobId>,
    /// What is wanted.
    pub order: PictureOrder,
    /// Where it is.
    pub state: PictureState,
    /// Why it failed.
    pub error: Option<String>,
    /// What the customer wants told back; may be empty.
    pub user_data: String,
    /// When it was made.
    pub created: WallTime,
    /// When it ended for the first time.
    pub completed: Option<WallTime>,
}

/// Pictures of one kind that one job made.
#[derive(Clone, PartialEq, Debug)]
pub struct PictureSet {
    /// The job.
    pub job: JobId,
    /// What they are for.
    pub kind: PictureKind,
    /// Of which asset.
    pub asset: AssetId,
    /// What is in its files; of cues, in the file that tells of the others.
    pub format: PictureFormat,
    /// How many pictures there are.
    pub pictures: u32,
    /// The number of the one that stands for the asset.
    pub chosen: Option<u32>,
    /// What is known of an animation.
    pub facts: Option<AnimationFacts>,
    /// When its files were written.
    pub made: WallTime,
}

/// What is known of an animation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnimationFacts {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pictures per second.
    pub fps: u32,
    /// Its length, in 90 kHz ticks.
    pub duration_ticks: i64,
    /// Bytes of its file.
    pub size_bytes: u64,
}

/// What a job made of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MadePictures {
    /// What they are for.
    pub kind: PictureKind,
    /// What is in its files.
    pub format: PictureFormat,
    /// How many pictures there are.
    pub pictures: u32,
    /// The number of the one that stands for the asset.
    pub chosen: Option<u32>,
    /// What is known of an animation.
    pub facts: Option<AnimationFacts>,
}

/// The key of a file of an asset.
pub fn picture_key(asset: AssetId, name: &PictureName) -> String {
    format!("assets/{asset}/{name}")
}

impl PictureSet {
    /// The picture of this number; of an animation there is only one.
    pub fn name(&self, number: u32) -> PictureName {
        match self.kind {
            PictureKind::Animation => PictureName::single(self.kind, self.job, self.format),
            PictureKind::Cover | PictureKind::Snapshot | PictureKind::Sheet | PictureKind::Cell | PictureKind::Cues => {
                PictureName::still(self.kind, self.job, number)
            }
        }
    }

    /// The file that tells of the others, where there is one.
    pub fn index(&self) -> Option<PictureName> {
        (self.kind == PictureKind::Cues).then(|| PictureName::single(self.kind, self.job, self.format))
    }

    /// All its files.
    pub fn names(&self) -> impl Iterator<Item = PictureName> {
        (1..=self.pictures).map(|number| self.name(number)).chain(self.index())
    }

    /// Whether a file is one of its own.
    pub fn has(&self, name: &PictureName) -> bool {
        match name.number {
            Some(number) => (1..=self.pictures).contains(&number) && self.name(number) == *name,
            None => self.index().as_ref() == Some(name) || (self.pictures > 0 && self.name(1) == *name),
        }
    }

    fn told(&self) -> SnapshotSet {
        SnapshotSet { job: self.job, kind: self.kind, count: self.pictures }
    }
}

impl Asset {
    /// What stands for it in lists: what its customer gave it, else one of its own pictures.
    pub fn cover(&self) -> Option<Cover> {
        match (self.cover_url.as_str(), self.taken_cover.as_str()) {
            ("", "") => None,
            ("", file) => Some(Cover::Taken { file: file.to_owned() }),
            (url, _) => Some(Cover::Given { url: url.to_owned() }),
        }
    }
}

fn job_of(row: &Row) -> Result<PictureJob> {
    Ok(PictureJob {
        id: row.parsed("id")?,
        asset: row.parsed("asset")?,
        cause: row.parsed("cause")?,
        task: row.opt_parsed("task")?,
        order: row.json("wanted")?,
        state: row.parsed("state")?,
        error: row.opt_text("error")?,
        user_data: row.text("user_data")?,
        created: row.time("created")?,
        completed: row.opt_time("completed")?,
    })
}

fn set_of(row: &Row) -> Result<PictureSet> {
    Ok(PictureSet {
        job: row.parsed("job")?,
        kind: row.parsed("kind")?,
        asset: row.parsed("asset")?,
        format: row.parsed("format")?,
        pictures: row.small("pictures")?,
        chosen: row.opt_int("chosen")?.map(|_| row.small("chosen")).transpose()?,
        facts: row.opt_text("facts")?.map(|_| row.json("facts")).transpose()?,
        made: row.time("made")?,
    })
}

/// Jobs have ids that rise with the time of birth, so the newest set is that of the largest.
fn newest(asset: AssetId, kind: PictureKind) -> Sql {
    Sql::new("SELECT * FROM picture_set WHERE asset = $1 AND kind = $2 ORDER BY job DESC LIMIT 1")
        .arg(asset)
        .arg(kind.as_str())
}

/// The newest snapshots that came with a transcode task.
fn newest_of_task(asset: AssetId) -> Sql {
    Sql::new(
        "SELECT picture_set.* FROM picture_set JOIN picture_job ON picture_job.id = job
         WHERE picture_set.asset = $1 AND kind = 'snapshot' AND cause = 'task' ORDER BY job DESC LIMIT 1",
    )
    .arg(asset)
}

impl Catalog {
    /// The picture job of this id.
    pub async fn picture_job(&self, id: JobId) -> Result<Option<PictureJob>> {
        let row = Sql::new("SELECT * FROM picture_job WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(job_of).transpose()
    }

    /// The picture jobs of an asset, oldest first.
    pub async fn picture_jobs(&self, asset: AssetId) -> Result<Vec<PictureJob>> {
        let rows = Sql::new("SELECT * FROM picture_job WHERE asset = $1 ORDER BY id").arg(asset).rows(self).await?;
        rows.iter().map(job_of).collect()
    }

    /// All picture sets of an asset, oldest first.
    pub async fn picture_sets(&self, asset: AssetId) -> Result<Vec<PictureSet>> {
        let rows =
            Sql::new("SELECT * FROM picture_set WHERE asset = $1 ORDER BY job, kind").arg(asset).rows(self).await?;
        rows.iter().map(set_of).collect()
    }

    /// The picture set of a job of this kind.
    pub async fn picture_set(&self, job: JobId, kind: PictureKind) -> Result<Option<PictureSet>> {
        let sql = Sql::new("SELECT * FROM picture_set WHERE job = $1 AND kind = $2").arg(job).arg(kind.as_str());
        sql.row(self).await?.as_ref().map(set_of).transpose()
    }

    /// The newest pictures of an asset of this kind.
    pub async fn newest_pictures(&self, asset: AssetId, kind: PictureKind) -> Result<Option<PictureSet>> {
        newest(asset, kind).row(self).await?.as_ref().map(set_of).transpose()
    }

    /// The snapshots that an earlier transcode task of an asset came with.
    pub async fn pictures_of_task(&self, asset: AssetId) -> Result<Option<PictureSet>> {
        newest_of_task(asset).row(self).await?.as_ref().map(set_of).transpose()
    }

    /// For each of these assets that has any, the pictures of which one is its cover.
    pub async fn covers_of(&self, assets: &[AssetId]) -> Result<BTreeMap<AssetId, PictureSet>> {
        if assets.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql = Sql::new("SELECT * FROM picture_set WHERE kind = 'cover'");
        let rows = sql.with_list(" AND asset IN ", assets.iter().copied()).text(" ORDER BY job").rows(self).await?;
        // Of several sets of one asset the last one stays.
        rows.iter().map(|row| set_of(row).map(|set| (set.asset, set))).collect()
    }

    /// Picture jobs of which the work was given up, with the reason.
    pub async fn stuck_pictures(&self) -> Result<Vec<(JobId, String)>> {
        let rows = Sql::new(
            "SELECT p.id, MIN(COALESCE(job.error, 'it was cancelled')) AS error FROM picture_job p
             JOIN job ON job.unique_key = 'pictures/' || p.asset || '/' || p.id AND job.state IN ('dead', 'cancelled')
             WHERE p.state = 'running' AND NOT EXISTS (SELECT 1 FROM job j
               WHERE j.unique_key = 'pictures/' || p.asset || '/' || p.id AND j.state IN ('ready', 'running'))
             GROUP BY p.id",
        );
        rows.rows(self).await?.iter().map(|row| Ok((row.parsed("id")?, row.text("error")?))).collect()
    }

    /// Running picture jobs that nobody will do.
    pub async fn forgotten_pictures(&self) -> Result<Vec<PictureJob>> {
        let rows = Sql::new(
            "SELECT * FROM picture_job WHERE state = 'running' AND NOT EXISTS
               (SELECT 1 FROM job WHERE job.unique_key = 'pictures/' || picture_job.asset || '/' || picture_job.id)",
        );
        rows.rows(self).await?.iter().map(job_of).collect()
    }

    /// Assets with pictures, after `after` by id, that have no cover and will get none; at most `limit`.
    pub async fn assets_without_cover(&self, after: Option<AssetId>, limit: u32) -> Result<Vec<AssetId>> {
        let rows = Sql::new(
            "SELECT id FROM asset WHERE deleted IS NULL AND source_deleted IS NULL AND width > 0 AND taken_cover = '' AND NOT EXISTS
               (SELECT 1 FROM picture_job WHERE picture_job.asset = asset.id AND cause = 'birth' AND state <> 'failed')",
        );
        let rows = rows.with_some(" AND id > ", after).text(" ORDER BY id").with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }
}

impl Tx {
    /// Has the cover of an asset taken.
    pub async fn begin_cover(&mut self, asset: AssetId, now: WallTime) -> Result<JobId> {
        let order = PictureOrder::Snapshots(SnapshotOrder::covers());
        let (id, job) = self.insert_pictures(asset, PictureCause::Birth, None, order, "", now).await?;
        self.enqueue(job, now).await?;
        Ok(id)
    }

    /// Has snapshots of an asset taken that come with a transcode task; the task ends after them.
    pub(crate) async fn begin_task_pictures(
        &mut self,
        asset: AssetId,
        task: JobId,
        user_data: &str,
        now: WallTime,
    ) -> Result<JobId> {
        let order = PictureOrder::Snapshots(SnapshotOrder::of_task());
        let (id, job) = self.insert_pictures(asset, PictureCause::Task, Some(task), order, user_data, now).await?;
        // They come after the cover, which is waited for from now on.
        Sql::new("UPDATE job SET priority = $2 WHERE order_key = $1 AND state = 'ready' AND priority < $2")
            .arg(pictures_key(asset))
            .arg(i64::from(COVER_PRIORITY))
            .run(self)
            .await?;
        self.enqueue(job, now).await?;
        Ok(id)
    }

    /// Has pictures of an asset made that somebody asked for. Gives the job's id.
    pub async fn begin_pictures(
        &mut self,
        asset: AssetId,
        order: PictureOrder,
        user_data: &str,
        now: WallTime,
    ) -> Result<JobId> {
        let (id, job) = self.insert_pictures(asset, PictureCause::Request, None, order, user_data, now).await?;
        self.enqueue(job, now).await?;
        Ok(id)
    }

    /// Writes a picture job down; the job of the queue that does it is the caller's to make.
    async fn insert_pictures(
        &mut self,
        asset: AssetId,
        cause: PictureCause,
        task: Option<JobId>,
        order: PictureOrder,
        user_data: &str,
        now: WallTime,
    ) -> Result<(JobId, NewJob)> {
        let id = self.ids().job(now);
        Sql::new(
            "INSERT INTO picture_job (id, asset, cause, task, wanted, state, user_data, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .arg(id)
        .arg(asset)
        .arg(cause)
        .arg(task)
        .arg(to_json(&order)?)
        .arg(PictureState::Running)
        .arg(user_data)
        .arg(now)
        .run(self)
        .await?;
        Ok((id, NewJob::pictures(id, asset, cause)))
    }

    /// Sees to it that an asset has a cover or will get one, after those that are waited for; whether something had to be done.
    pub async fn have_cover(&mut self, asset: AssetId, now: WallTime) -> Result<bool> {
        let sql =
            Sql::new("SELECT 1 AS one FROM picture_job WHERE asset = $1 AND cause = 'birth' AND state <> 'failed'");
        if sql.arg(asset).row(&mut *self).await?.is_some() {
            return Ok(false);
        }
        let order = PictureOrder::Snapshots(SnapshotOrder::covers());
        let (_, job) = self.insert_pictures(asset, PictureCause::Birth, None, order, "", now).await?;
        self.enqueue(NewJob { priority: LATE_COVER_PRIORITY, ..job }, now).await?;
        Ok(true)
    }

    /// Has a picture job done once more, because it was forgotten or its files are gone. Nobody is told a second time.
    pub async fn make_pictures_again(&mut self, id: JobId, now: WallTime) -> Result<()> {
        let sql = Sql::new("UPDATE picture_job SET state = 'running', error = NULL WHERE id = $1 RETURNING *");
        let Some(row) = sql.arg(id).row(&mut *self).await? else { return Ok(()) };
        let job = job_of(&row)?;
        self.enqueue(NewJob::pictures(job.id, job.asset, job.cause), now).await?;
        Ok(())
    }

    /// Has the picture jobs of an asset done that have not ended, as after a rebuild.
    pub async fn picture_again(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        let sql = Sql::new("SELECT * FROM picture_job WHERE asset = $1 AND state = 'running' ORDER BY id").arg(asset);
        for row in sql.rows(&mut *self).await? {
            let job = job_of(&row)?;
            self.enqueue(NewJob::pictures(job.id, job.asset, job.cause), now).await?;
        }
        Ok(())
    }

    /// Ends a picture job whose files are written. The asset gets its cover, if that is among them, and the customer is told of
    /// what was asked for or came with a transcode task. A job of a task that made nothing because an earlier one had made the
    /// same tells of that one's. Whether it did: the second time, and for an asset that is gone, nothing happens.
    pub async fn finish_pictures(&mut self, id: JobId, made: &[MadePictures], now: WallTime) -> Result<bool> {
        let Some((job, asset)) = self.end_pictures(id, None, now).await? else { return Ok(false) };
        let Some(asset) = asset else { return Ok(false) };
        let mut sets = Vec::with_capacity(made.len());
        for one in made {
            sets.push(self.insert_set(&job, one, now).await?);
        }
        let asset = self.take_cover(asset, &job, &sets).await?;
        if job.completed.is_some() {
            // Once more: nothing is news, and there may be fewer files than before.
            self.free_pictures(job.asset, now).await?;
            return Ok(true);
        }
        match (&job.order, job.cause) {
            (_, PictureCause::Birth) => {}
            (PictureOrder::Snapshots(_), PictureCause::Task) => {
                if sets.is_empty() {
                    sets.extend(newest_of_task(job.asset).row(&mut *self).await?.as_ref().map(set_of).transpose()?);
                }
                // An asset without pictures has nothing to tell of.
                if !sets.is_empty() {
                    let cover = newest(job.asset, PictureKind::Cover).row(&mut *self).await?;
                    let cover = cover.as_ref().map(set_of).transpose()?;
                    let told = cover.iter().chain(&sets).map(PictureSet::told).collect();
                    self.tell_snapshots(&job, &asset, told, None, now).await?;
                }
            }
            (PictureOrder::Snapshots(_), PictureCause::Request) => {
                // Cells are only told when somebody lists them.
                let told = sets.iter().filter(|set| set.kind != PictureKind::Cell).map(PictureSet::told).collect();
                self.tell_snapshots(&job, &asset, told, None, now).await?;
            }
            (PictureOrder::Animation(_), PictureCause::Task | PictureCause::Request) => {
                if let Some((set, facts)) = sets.iter().find_map(|set| Some((set, set.facts?))) {
                    let AnimationFacts { width, height, fps, size_bytes, .. } = facts;
                    let outcome = AnimationOutcome::Made { format: set.format, width, height, fps, size_bytes };
                    let event = Event::Animated { job: job.id, outcome };
                    self.tell_for(&job.user_data, job.asset, now, event).await?;
                }
            }
        }
        Ok(true)
    }

    /// Gives a picture job up, with the reason, and all that is left of its work. The customer is told as in
    /// [`finish_pictures`](Self::finish_pictures). Whether it did.
    pub async fn fail_pictures(&mut self, id: JobId, error: &str, now: WallTime) -> Result<bool> {
        let Some((job, asset)) = self.end_pictures(id, Some(error), now).await? else { return Ok(false) };
        let Some(asset) = asset.filter(|_| job.completed.is_none()) else { return Ok(true) };
        match (&job.order, job.cause) {
            (_, PictureCause::Birth) => {}
            (PictureOrder::Snapshots(order), PictureCause::Task | PictureCause::Request) => {
                let told = SnapshotSet { job: job.id, kind: main_kind(order), count: 0 };
                self.tell_snapshots(&job, &asset, vec![told], Some(error), now).await?;
            }
            (PictureOrder::Animation(_), PictureCause::Task | PictureCause::Request) => {
                let outcome = AnimationOutcome::Failed { error: error.to_owned() };
                let event = Event::Animated { job: job.id, outcome };
                self.tell_for(&job.user_data, job.asset, now, event).await?;
            }
        }
        Ok(true)
    }

    /// Ends the pictures that come with a task that somebody ended. Nobody is told: the end of the task says it.
    pub(crate) async fn drop_task_pictures(&mut self, task: JobId, now: WallTime) -> Result<()> {
        let rows = Sql::new("SELECT id, asset FROM picture_job WHERE task = $1 AND state = 'running' ORDER BY id");
        for row in rows.arg(task).rows(&mut *self).await? {
            let id: JobId = row.parsed("id")?;
            let key = format!("{}{id}", pictures_key(row.parsed("asset")?));
            self.cancel_jobs(Sql::new("unique_key = $1").arg(key)).await?;
            self.end_pictures(id, Some(CANCELLED), now).await?;
        }
        Ok(())
    }

    /// Has the pictures that come with a task taken after all, when they were ended with it or with its asset.
    pub(crate) async fn retake_task_pictures(&mut self, task: JobId, now: WallTime) -> Result<()> {
        let again = Sql::new(
            "UPDATE picture_job SET state = 'running', error = NULL, completed = NULL
             WHERE task = $1 AND state = 'failed' AND error IN ($2, $3) RETURNING *",
        );
        for row in again.arg(task).arg(DELETED).arg(CANCELLED).rows(&mut *self).await? {
            let job = job_of(&row)?;
            self.enqueue(NewJob::pictures(job.id, job.asset, job.cause), now).await?;
        }
        Ok(())
    }

    /// Ends a running job. Gives it as it was, and its asset, held; that is `None` when it is gone, and the job then failed.
    async fn end_pictures(
        &mut self,
        id: JobId,
        error: Option<&str>,
        now: WallTime,
    ) -> Result<Option<(PictureJob, Option<Asset>)>> {
        let row =
            Sql::new("SELECT * FROM picture_job WHERE id = $1 AND state = 'running'").arg(id).row(&mut *self).await?;
        let Some(job) = row.as_ref().map(job_of).transpose()? else { return Ok(None) };
        let asset = match self.hold_asset(job.asset).await {
            Ok(asset) => Some(asset),
            Err(CatalogError::NotFound { .. }) => None,
            Err(error) => return Err(error),
        };
        let error = if asset.is_some() { error } else { Some(DELETED) };
        let state = if error.is_none() { PictureState::Done } else { PictureState::Failed };
        Sql::new("UPDATE picture_job SET state = $2, error = $3, completed = COALESCE(completed, $4) WHERE id = $1")
            .arg(id)
            .arg(state)
            .arg(error)
            .arg(now)
            .run(self)
            .await?;
        if error.is_some() {
            self.free_pictures(job.asset, now).await?;
        }
        if let Some(task) = job.task {
            self.enqueue(NewJob::settle(task), now).await?;
        }
        Ok(Some((job, asset)))
    }

    async fn insert_set(&mut self, job: &PictureJob, made: &MadePictures, now: WallTime) -> Result<PictureSet> {
        let facts = made.facts.as_ref().map(to_json).transpose()?;
        Sql::new(
            "INSERT INTO picture_set (job, kind, asset, format, pictures, chosen, facts, made)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (job, kind) DO UPDATE SET format = excluded.format,
               pictures = excluded.pictures, chosen = excluded.chosen, facts = excluded.facts, made = excluded.made",
        )
        .arg(job.id)
        .arg(made.kind.as_str())
        .arg(job.asset)
        .arg(made.format.extension())
        .arg(made.pictures)
        .arg(made.chosen)
        .arg(facts)
        .arg(now)
        .run(self)
        .await?;
        let MadePictures { kind, format, pictures, chosen, facts } = *made;
        Ok(PictureSet { job: job.id, kind, asset: job.asset, format, pictures, chosen, facts, made: now })
    }

    /// Writes down which picture stands for the asset. An animation that was to do so is not replaced by a still picture.
    async fn take_cover(&mut self, asset: Asset, job: &PictureJob, sets: &[PictureSet]) -> Result<Asset> {
        let still = sets.iter().find_map(|set| Some(set.name(set.chosen?)));
        let is_cover = matches!(job.order, PictureOrder::Animation(AnimationOrder { cover: true, .. }));
        let taken = match still.filter(|_| !stands_by_animation(&asset)) {
            Some(name) => Some(name),
            None => sets.iter().find(|set| is_cover && set.kind == PictureKind::Animation).map(|set| set.name(1)),
        };
        match taken {
            Some(name) => self.set_taken_cover(asset, name.to_string()).await,
            None => Ok(asset),
        }
    }

    async fn set_taken_cover(&mut self, asset: Asset, taken_cover: String) -> Result<Asset> {
        Sql::new("UPDATE asset SET taken_cover = $2 WHERE id = $1").arg(asset.id).arg(&taken_cover).run(self).await?;
        Ok(Asset { taken_cover, ..asset })
    }

    async fn tell_snapshots(
        &mut self,
        job: &PictureJob,
        asset: &Asset,
        sets: Vec<SnapshotSet>,
        error: Option<&str>,
        now: WallTime,
    ) -> Result<()> {
        let (asked, cover, error) = (job.cause == PictureCause::Request, asset.cover(), error.map(str::to_owned));
        let event = Event::SnapshotsTaken { asked, cover, sets, error };
        self.tell_for(&job.user_data, job.asset, now, event).await?;
        Ok(())
    }

    /// Removes animations of an asset by their jobs; one that stood for it is replaced by its cover. How many there were.
    pub async fn delete_animations(&mut self, asset: AssetId, jobs: &[JobId], now: WallTime) -> Result<u64> {
        let asset = self.hold_asset(asset).await?;
        let sql = Sql::new("DELETE FROM picture_set WHERE kind = 'animation'").with(" AND asset = ", asset.id);
        let gone = sql.with_list(" AND job IN ", jobs.iter().copied()).run(&mut *self).await?;
        if gone == 0 {
            return Ok(0);
        }
        self.free_pictures(asset.id, now).await?;
        let cover: Option<PictureName> = asset.taken_cover.parse().ok();
        if stands_by_animation(&asset) && cover.is_some_and(|cover| jobs.contains(&cover.job)) {
            let still = newest(asset.id, PictureKind::Cover).row(&mut *self).await?.as_ref().map(set_of).transpose()?;
            let name = still.and_then(|set| Some(set.name(set.chosen?).to_string()));
            self.set_taken_cover(asset, name.unwrap_or_default()).await?;
        }
        Ok(gone)
    }

    /// Forgets the pictures of a deleted asset that need not be kept any longer: from now on it cannot be restored.
    pub async fn give_up_pictures(&mut self, asset: AssetId) -> Result<()> {
        let gone = "EXISTS (SELECT 1 FROM asset WHERE id = $1 AND deleted IS NOT NULL)";
        Sql::new("UPDATE garbage SET freed = {now} WHERE asset = $1 AND freed IS NULL AND free_at <= {now} AND ")
            .text(gone)
            .arg(asset)
            .run(self)
            .await?;
        let kept = "NOT EXISTS (SELECT 1 FROM garbage WHERE garbage.asset = $1 AND freed IS NULL)";
        for table in ["DELETE FROM picture_set", "DELETE FROM picture_job"] {
            let sql = Sql::new(table).text(" WHERE asset = $1 AND ").text(gone).text(" AND ").text(kept);
            sql.arg(asset).run(self).await?;
        }
        Ok(())
    }

    /// Has files of pictures of an asset removed that no set tells of.
    pub async fn free_pictures(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        self.enqueue(NewJob::free_pictures(asset, None), now).await?;
        Ok(())
    }

    /// Sees to it that the pictures of deleted assets go when their time has come, whatever became of the job that was to do it.
    pub(crate) async fn free_due_pictures(&mut self, now: WallTime) -> Result<()> {
        let rows = Sql::new(
            "SELECT DISTINCT asset FROM garbage WHERE free_at <= {now}
               AND EXISTS (SELECT 1 FROM picture_job WHERE picture_job.asset = garbage.asset)
               AND EXISTS (SELECT 1 FROM asset WHERE asset.id = garbage.asset AND deleted IS NOT NULL)",
        );
        for row in rows.rows(&mut *self).await? {
            self.free_pictures(row.parsed("asset")?, now).await?;
        }
        Ok(())
    }
}

/// What customers are told of when an order fails.
fn main_kind(order: &SnapshotOrder) -> PictureKind {
    match order.layout {
        Layout::Covers => PictureKind::Cover,
        Layout::Single => PictureKind::Snapshot,
        Layout::Sheets { .. } => PictureKind::Sheet,
        Layout::Cues { .. } => PictureKind::Cues,
    }
}

fn stands_by_animation(asset: &Asset) -> bool {
    asset.taken_cover.parse::<PictureName>().is_ok_and(|name| name.kind == PictureKind::Animation)
}

in_own_tx! {
    begin_cover(asset: AssetId, now: WallTime) -> JobId;
    begin_pictures(asset: AssetId, order: PictureOrder, user_data: &str, now: WallTime) -> JobId;
    have_cover(asset: AssetId, now: WallTime) -> bool;
    make_pictures_again(id: JobId, now: WallTime) -> ();
    finish_pictures(id: JobId, made: &[MadePictures], now: WallTime) -> bool;
    fail_pictures(id: JobId, error: &str, now: WallTime) -> bool;
    delete_animations(asset: AssetId, jobs: &[JobId], now: WallTime) -> u64;
    give_up_pictures(asset: AssetId) -> ();
    free_pictures(asset: AssetId, now: WallTime) -> ();
}
