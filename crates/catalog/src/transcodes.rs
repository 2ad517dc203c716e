//! Transcoding: tasks of assets, their outputs, and the renditions that these are made of.
//!
//! A *task* applies a template group to an asset, an *output* is one template of it, and a *rendition* is what an output is
//! made of: a reel that belongs to no asset, named by its source and its encoding: pictures, or sound. A *run* makes the
//! renditions of one stretch that are missing, chunk by chunk. What counts is written in the transaction that ends a job, so
//! nothing is counted twice.
//!
//! A task that somebody asks for has its outputs from the start; one that is automatic gets them when it is planned. Ending
//! them before they are made is in `withdraw`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use encode::{ContentKey, Encoding, Template};
use serde::{Deserialize, Serialize};
use units::{AssetId, JobId, ReelId, WallTime};

use domain::event::{Event, StreamInfo, StreamOutcome};

use crate::assets::{AssetStatus, TrackFacts};
use crate::ids::secret;
use crate::queue::NewJob;
use crate::sql::{On, Row, Sql, in_own_tx, to_json, words};
use crate::{Catalog, CatalogError, Page, Result, Tx};

/// Priority of tasks that nobody gave another: 6 of 10 (contract §2.7).
pub const TRANSCODE_PRIORITY: u32 = 6;

/// How long the name of a request is remembered (contract §2.7): seven days.
const SESSION_KEPT: Duration = Duration::from_secs(7 * 86_400);

words! {
    /// Why there is a task.
    pub enum TaskCause {
        /// The asset came into being under a template group.
        Auto = "auto",
        /// Somebody asked for it.
        Manual = "manual",
    }

    /// Where a task is in its life.
    pub enum TaskState {
        /// Nobody has looked yet at what has to be made.
        Planning = "planning",
        /// Outputs are being made.
        Running = "running",
        /// All outputs have ended.
        Done = "done",
    }

    /// Where an output is in its life.
    pub enum OutputState {
        /// It is being made.
        Running = "running",
        /// It can be played.
        Done = "done",
        /// It failed.
        Failed = "failed",
        /// Somebody ended its task.
        Cancelled = "cancelled",
        /// It was made, and deleted since.
        Deleted = "deleted",
    }

    /// Where a rendition is in its life.
    pub enum RenditionState {
        /// Chunks of it are being made.
        Encoding = "encoding",
        /// Whole.
        Ready = "ready",
        /// It was given up; the next task that wants it begins it again.
        Failed = "failed",
        /// Nobody wanted it any more, and it was removed. Whoever wants it again gets another one.
        Freed = "freed",
    }
}

/// A task that somebody asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct NewTask {
    /// Of which asset.
    pub asset: AssetId,
    /// Which group.
    pub template_group: String,
    /// What is made, in order; changes of the group do not reach the task.
    pub templates: Vec<Template>,
    /// 1 to 10; higher first.
    pub priority: u32,
    /// What the customer wants with its events, as it was written; may be empty.
    pub user_data: String,
    /// Names the request: a second one of this name is not taken within seven days.
    pub session: Option<String>,
}

/// What became of the wish for a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Submitted {
    /// It is begun.
    Begun {
        /// Its id.
        task: JobId,
        /// The ids of its outputs, in the order of the templates.
        outputs: Vec<JobId>,
    },
    /// Nothing can be made of an asset in this state.
    Refused(AssetStatus),
    /// Nor of one whose source was deleted.
    Sourceless,
    /// Its session names another one.
    Repeated,
}

/// How an output ends.
#[derive(Clone, PartialEq, Debug)]
pub enum OutputEnd {
    /// It can be played.
    Made(OutputFacts),
    /// It cannot be made, and why.
    Failed(String),
    /// Somebody ended its task.
    Cancelled,
}

/// A template group on an asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TranscodeTask {
    /// Its id; `TranscodeTaskId` on the wire.
    pub id: JobId,
    /// Of which asset.
    pub asset: AssetId,
    /// Which group.
    pub template_group: String,
    /// Why.
    pub cause: TaskCause,
    /// Where it is.
    pub state: TaskState,
    /// 1 to 10; higher first.
    pub priority: u32,
    /// What the customer wants with its events, as it was written; may be empty.
    pub user_data: String,
    /// When it was made.
    pub created: WallTime,
    /// When its last output ended.
    pub completed: Option<WallTime>,
}

/// What was measured of an output.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OutputFacts {
    /// Pixels; 0 without pictures.
    pub width: u32,
    /// Pixels; 0 without pictures.
    pub height: u32,
    /// Pictures per second; 0 without pictures.
    pub fps: f64,
    /// All tracks together.
    pub bitrate_kbps: u64,
    /// In 90 kHz ticks.
    pub duration_ticks: i64,
    /// Bytes of its file, of an m3u8 those of its progressive MP4; of a package those of all that it offers, each once.
    pub size_bytes: u64,
    /// Each track. (Outputs that were made before these were measured have none.)
    #[serde(default)]
    pub tracks: Vec<TrackFacts>,
}

/// One template on an asset.
#[derive(Clone, PartialEq, Debug)]
pub struct Output {
    /// Its id; `JobId` on the wire.
    pub id: JobId,
    /// Of which task.
    pub task: JobId,
    /// Of which asset.
    pub asset: AssetId,
    /// What was asked for, as it was then.
    pub template: Template,
    /// Where it is.
    pub state: OutputState,
    /// Why it failed, or cannot be made.
    pub error: Option<String>,
    /// What it is, once it is done.
    pub facts: Option<OutputFacts>,
    /// How far it came, in percent, when it ended without being made. While it is being made:
    /// [`Catalog::output_progress`].
    pub progress: u32,
    /// When it was made.
    pub created: WallTime,
    /// When it ended.
    pub completed: Option<WallTime>,
}

/// A rendition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendition {
    /// Its reel.
    pub reel: ReelId,
    /// The reel that it was made from; both have one timeline.
    pub source: ReelId,
    /// The stretch of it, in 90 kHz ticks.
    pub from_ticks: i64,
    /// One past the last.
    pub to_ticks: i64,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Which run makes it.
    pub run: JobId,
    /// Where it is.
    pub state: RenditionState,
    /// Why it failed.
    pub error: Option<String>,
    /// Since when no output is made of it any more.
    pub unwanted: Option<WallTime>,
}

/// Work on one stretch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodeRun {
    /// Its id.
    pub id: JobId,
    /// The reel that is read.
    pub source: ReelId,
    /// The stretch of it, in 90 kHz ticks.
    pub from_ticks: i64,
    /// One past the last.
    pub to_ticks: i64,
    /// How many chunks it has.
    pub chunks: u32,
    /// How many of them are done.
    pub done: u32,
    /// Where it is.
    pub state: RenditionState,
    /// It was begun while its stretch grew, which is cut accordingly.
    pub grew: bool,
    /// What it makes, in order of their reels.
    pub renditions: Vec<Rendition>,
}

/// A stretch of a reel that something is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedSpan {
    /// The reel.
    pub source: ReelId,
    /// First tick.
    pub from_ticks: i64,
    /// One past the last.
    pub to_ticks: i64,
    /// Chunks that it is cut into.
    pub chunks: u32,
    /// Chunks of a run that was begun while it grew.
    pub grown_chunks: u32,
    /// It begins and ends where it says, not where the segments do that begin in it.
    pub exact: bool,
}

/// An output that a task wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedOutput {
    /// Its id, when it is there already.
    pub id: Option<JobId>,
    /// What is asked for.
    pub template: Template,
    /// What it is made of, in order, or why it cannot be made. A package is made of other outputs, and has none.
    pub pieces: std::result::Result<Vec<PlannedPiece>, String>,
}

/// A piece of an output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlannedPiece {
    /// Of what.
    pub span: PlannedSpan,
    /// How that is encoded; `None`: it is taken as it is.
    pub encoding: Option<Encoding>,
}

/// A piece of an output that is made, or being made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutputSpan {
    /// The reel: its pictures, or all that it has.
    pub reel: ReelId,
    /// Where its sound is, when that has a reel of its own.
    pub sound_reel: Option<ReelId>,
    /// First tick on the reels' timeline.
    pub from_ticks: i64,
    /// One past the last tick.
    pub to_ticks: i64,
}

impl Output {
    /// Whether a package of its task offers it: it can be played, and has pictures.
    pub fn is_packed(&self) -> bool {
        let pictures = self.facts.as_ref().is_some_and(|facts| facts.width > 0);
        self.state == OutputState::Done && pictures && self.template.is_packed()
    }
}

pub(crate) fn task_of(row: &Row) -> Result<TranscodeTask> {
    Ok(TranscodeTask {
        id: row.parsed("id")?,
        asset: row.parsed("asset")?,
        template_group: row.text("template_group")?,
        cause: row.parsed("cause")?,
        state: row.parsed("state")?,
        priority: row.small("priority")?,
        user_data: row.text("user_data")?,
        created: row.time("created")?,
        completed: row.opt_time("completed")?,
    })
}

pub(crate) fn output_of(row: &Row) -> Result<Output> {
    Ok(Output {
        id: row.parsed("id")?,
        task: row.parsed("task")?,
        asset: row.parsed("asset")?,
        template: row.json("template")?,
        state: row.parsed("state")?,
        error: row.opt_text("error")?,
        facts: row.opt_text("facts")?.map(|_| row.json("facts")).transpose()?,
        progress: row.small("progress")?,
        created: row.time("created")?,
        completed: row.opt_time("completed")?,
    })
}

fn output_span_of(row: &Row) -> Result<OutputSpan> {
    Ok(OutputSpan {
        reel: row.parsed("reel")?,
        sound_reel: row.opt_text("sound_reel")?.map(|_| row.parsed("sound_reel")).transpose()?,
        from_ticks: row.int("from_ticks")?,
        to_ticks: row.int("to_ticks")?,
    })
}

fn rendition_of(row: &Row) -> Result<Rendition> {
    Ok(Rendition {
        reel: row.parsed("reel")?,
        source: row.parsed("source_reel")?,
        from_ticks: row.int("from_ticks")?,
        to_ticks: row.int("to_ticks")?,
        encoding: row.json("encoding")?,
        run: row.parsed("run")?,
        state: row.parsed("state")?,
        error: row.opt_text("error")?,
        unwanted: row.opt_time("unwanted")?,
    })
}

/// How far outputs that are being made are, in percent. Of each rendition what its run has of chunks counts, and of those
/// that are being encoded their part; chunks that ended badly keep theirs, so that it does not fall. A piece is as far as the
/// least of its pictures and its sound.
async fn progress_of(outputs: &[JobId], on: On<'_>) -> Result<BTreeMap<JobId, u32>> {
    let sql = Sql::new(
        "SELECT p.output, CAST(SUM(p.ticks) AS BIGINT) AS ticks, CAST(SUM(p.ticks * p.percent) AS BIGINT) AS made FROM
           (SELECT s.output, s.to_ticks - s.from_ticks AS ticks, COALESCE((SELECT MIN(CASE
             WHEN r.state = 'ready' THEN 100
             WHEN e.chunks > 0 THEN (e.done * 100 + COALESCE((SELECT SUM(j.progress) FROM job j
               WHERE j.kind = 'encode' AND j.state <> 'done'
                 AND j.unique_key >= 'encode/' || e.id || '/' AND j.unique_key < 'encode/' || e.id || '0'), 0)) / e.chunks
             ELSE 0 END)
             FROM rendition r LEFT JOIN encode_run e ON e.id = r.run
             WHERE r.reel = s.reel OR r.reel = s.sound_reel), 100) AS percent
           FROM output_span s",
    );
    let sql = sql.with_list(" WHERE s.output IN ", outputs.iter().copied()).text(") p GROUP BY p.output");
    let one = |row: &Row| {
        let percent = row.int("made")? / row.int("ticks")?.max(1);
        // All of it is the moment in which it can be played.
        Ok((row.parsed("output")?, u32::try_from(percent.clamp(0, 99)).unwrap_or(0)))
    };
    sql.rows(on).await?.iter().map(one).collect()
}

impl Catalog {
    /// How far each of these outputs is, in percent; those that are not planned yet are left out.
    pub async fn output_progress(&self, outputs: &[JobId]) -> Result<BTreeMap<JobId, u32>> {
        progress_of(outputs, self.into()).await
    }

    /// Those of these outputs that are there, in the order of `ids`.
    pub async fn outputs_by_id(&self, ids: &[JobId]) -> Result<Vec<Output>> {
        let sql = Sql::new("SELECT * FROM output").with_list(" WHERE id IN ", ids.iter().copied());
        let mut found = sql.rows(self).await?.iter().map(output_of).collect::<Result<Vec<_>>>()?;
        found.sort_by_key(|output| ids.iter().position(|id| *id == output.id));
        Ok(found)
    }

    /// All outputs that an asset had, oldest first.
    pub async fn all_outputs_of_asset(&self, asset: AssetId) -> Result<Vec<Output>> {
        let sql = Sql::new("SELECT * FROM output WHERE asset = $1 ORDER BY created, task, position").arg(asset);
        sql.rows(self).await?.iter().map(output_of).collect()
    }

    /// The task of this id.
    pub async fn transcode_task(&self, id: JobId) -> Result<Option<TranscodeTask>> {
        let row = Sql::new("SELECT * FROM transcode_task WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(task_of).transpose()
    }

    /// The tasks of an asset, newest first.
    pub async fn transcode_tasks(&self, asset: AssetId) -> Result<Vec<TranscodeTask>> {
        let sql = Sql::new("SELECT * FROM transcode_task WHERE asset = $1 ORDER BY created DESC, id DESC").arg(asset);
        sql.rows(self).await?.iter().map(task_of).collect()
    }

    /// The tasks of an asset that were made in a window of time, newest first.
    pub async fn transcode_tasks_between(
        &self,
        asset: AssetId,
        window: (Option<WallTime>, Option<WallTime>),
        page: Page,
    ) -> Result<Vec<TranscodeTask>> {
        let sql = Sql::new("SELECT * FROM transcode_task").with(" WHERE asset = ", asset);
        let sql = sql.with_some(" AND created >= ", window.0).with_some(" AND created <= ", window.1);
        let sql = sql.text(" ORDER BY created DESC, id DESC").with(" LIMIT ", page.limit());
        sql.with(" OFFSET ", page.offset()).rows(self).await?.iter().map(task_of).collect()
    }

    /// The outputs of a task, in the order of its templates.
    pub async fn outputs_of_task(&self, task: JobId) -> Result<Vec<Output>> {
        let rows = Sql::new("SELECT * FROM output WHERE task = $1 ORDER BY position").arg(task).rows(self).await?;
        rows.iter().map(output_of).collect()
    }

    /// The outputs of an asset that can be played, oldest first.
    pub async fn outputs_of_asset(&self, asset: AssetId) -> Result<Vec<Output>> {
        let sql = Sql::new("SELECT * FROM output WHERE asset = $1 AND state = 'done' ORDER BY created, task, position");
        sql.arg(asset).rows(self).await?.iter().map(output_of).collect()
    }

    /// The output of this id.
    pub async fn output(&self, id: JobId) -> Result<Option<Output>> {
        let row = Sql::new("SELECT * FROM output WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(output_of).transpose()
    }

    /// What an output is made of, in order.
    pub async fn output_spans(&self, output: JobId) -> Result<Vec<OutputSpan>> {
        let sql = Sql::new("SELECT * FROM output_span WHERE output = $1 ORDER BY position").arg(output);
        sql.rows(self).await?.iter().map(output_span_of).collect()
    }

    /// The rendition with this reel.
    pub async fn rendition(&self, reel: ReelId) -> Result<Option<Rendition>> {
        let row = Sql::new("SELECT * FROM rendition WHERE reel = $1").arg(reel).row(self).await?;
        row.as_ref().map(rendition_of).transpose()
    }

    /// The renditions that were made from a reel, but for those that were removed.
    pub async fn renditions_of_reel(&self, source: ReelId) -> Result<Vec<Rendition>> {
        let rows =
            Sql::new("SELECT * FROM rendition WHERE source_reel = $1 AND state <> 'freed' ORDER BY reel").arg(source);
        rows.rows(self).await?.iter().map(rendition_of).collect()
    }

    /// The renditions of an output, in order.
    pub async fn renditions_of_output(&self, output: JobId) -> Result<Vec<Rendition>> {
        let rows = Sql::new(
            "SELECT rendition.* FROM rendition
             JOIN output_span ON rendition.reel IN (output_span.reel, output_span.sound_reel)
             WHERE output = $1 ORDER BY position, rendition.reel",
        );
        rows.arg(output).rows(self).await?.iter().map(rendition_of).collect()
    }

    /// The run of this id.
    pub async fn encode_run(&self, id: JobId) -> Result<Option<EncodeRun>> {
        let row = Sql::new("SELECT * FROM encode_run WHERE id = $1").arg(id).row(self).await?;
        let Some(row) = row else { return Ok(None) };
        let renditions = Sql::new("SELECT * FROM rendition WHERE run = $1 ORDER BY reel").arg(id).rows(self).await?;
        Ok(Some(EncodeRun {
            id,
            source: row.parsed("source_reel")?,
            from_ticks: row.int("from_ticks")?,
            to_ticks: row.int("to_ticks")?,
            chunks: row.small("chunks")?,
            done: row.small("done")?,
            state: row.parsed("state")?,
            grew: row.opt_text("facts")?.is_some(),
            renditions: renditions.iter().map(rendition_of).collect::<Result<_>>()?,
        }))
    }

    /// Runs of which a job was given up, with the reason.
    pub async fn stuck_runs(&self) -> Result<Vec<(JobId, String)>> {
        let rows = Sql::new(
            "SELECT encode_run.id, MIN(COALESCE(job.error, 'a chunk was cancelled')) AS error FROM encode_run
             JOIN job ON job.order_key IS NULL AND job.kind IN ('encode', 'join_run')
               AND job.state IN ('dead', 'cancelled')
               AND job.unique_key LIKE 'encode/' || encode_run.id || '/%'
             WHERE encode_run.state = 'encoding' GROUP BY encode_run.id",
        );
        rows.rows(self).await?.iter().map(|row| Ok((row.parsed("id")?, row.text("error")?))).collect()
    }
}

impl Tx {
    /// Makes an automatic task for an asset, the job that plans it, with the templates that its group has then, and the one that
    /// takes its snapshots. Gives its id.
    pub async fn begin_transcode(&mut self, asset: AssetId, group: &str, now: WallTime) -> Result<JobId> {
        let task = NewTask {
            asset,
            template_group: group.to_owned(),
            templates: Vec::new(),
            priority: TRANSCODE_PRIORITY,
            user_data: String::new(),
            session: None,
        };
        let id = self.ids().job(now);
        self.insert_task(id, &task, TaskCause::Auto, now).await?;
        Ok(id)
    }

    /// Makes a task that somebody asks for, with its outputs, the job that plans it, and the one that takes its snapshots. An
    /// asset of which nothing was made yet is being transcoded from now on. `NotFound` when there is no such asset.
    pub async fn submit_transcode(&mut self, new: &NewTask, now: WallTime) -> Result<Submitted> {
        // Held, so that whoever deletes or blocks it does so before or after.
        let asset = Sql::new(
            "UPDATE asset SET modified = modified WHERE id = $1 AND deleted IS NULL RETURNING status, source_deleted",
        );
        let Some(row) = asset.arg(new.asset).row(&mut *self).await? else {
            return Err(CatalogError::NotFound { what: "asset", key: new.asset.to_string() });
        };
        let status: AssetStatus = row.parsed("status")?;
        if !status.may_be_transcoded() {
            return Ok(Submitted::Refused(status));
        }
        if row.opt_int("source_deleted")?.is_some() {
            return Ok(Submitted::Sourceless);
        }
        if let Some(session) = &new.session {
            let forgotten = Sql::new("UPDATE transcode_task SET session = NULL WHERE session = $1 AND created < $2");
            forgotten.arg(session).arg(now.before(SESSION_KEPT)).run(&mut *self).await?;
        }
        let task = self.ids().job(now);
        if !self.insert_task(task, new, TaskCause::Manual, now).await? {
            return Ok(Submitted::Repeated);
        }
        let mut outputs = Vec::with_capacity(new.templates.len());
        for (position, template) in (0..).zip(&new.templates) {
            outputs.push(self.insert_output(task, new.asset, position, template, None, now).await?);
        }
        self.being_transcoded(new.asset, now).await?;
        Ok(Submitted::Begun { task, outputs })
    }

    /// Whether the task was made: `false` when its session names another one.
    async fn insert_task(&mut self, id: JobId, new: &NewTask, cause: TaskCause, now: WallTime) -> Result<bool> {
        let made = Sql::new(
            "INSERT INTO transcode_task (id, asset, template_group, cause, state, priority, user_data, session, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (session) WHERE session IS NOT NULL DO NOTHING",
        )
        .arg(id)
        .arg(new.asset)
        .arg(&new.template_group)
        .arg(cause)
        .arg(TaskState::Planning)
        .arg(new.priority)
        .arg(&new.user_data)
        .arg(new.session.clone())
        .arg(now)
        .run(&mut *self)
        .await?;
        if made > 0 {
            self.enqueue(NewJob::transcode(id, new.priority), now).await?;
            self.begin_task_pictures(new.asset, id, &new.user_data, now).await?;
        }
        Ok(made > 0)
    }

    async fn insert_output(
        &mut self,
        task: JobId,
        asset: AssetId,
        position: u32,
        template: &Template,
        error: Option<&String>,
        now: WallTime,
    ) -> Result<JobId> {
        let id = self.ids().job(now);
        let mut template = template.clone();
        if let Some(encryption) = &mut template.encryption {
            encryption.key.get_or_insert_with(|| ContentKey::new(secret()));
        }
        Sql::new(
            "INSERT INTO output (id, task, position, asset, template, state, error, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .arg(id)
        .arg(task)
        .arg(position)
        .arg(asset)
        .arg(to_json(&template)?)
        .arg(OutputState::Running)
        .arg(error)
        .arg(now)
        .run(self)
        .await?;
        Ok(id)
    }

    /// From a source that is in place to one of which something is being made; any other status stays.
    async fn being_transcoded(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        Sql::new("UPDATE asset SET status = $2, modified = $3 WHERE id = $1 AND status IN ($4, $5)")
            .arg(asset)
            .arg(AssetStatus::Transcoding)
            .arg(now)
            .arg(AssetStatus::UploadSucc)
            .arg(AssetStatus::TranscodeFail)
            .run(self)
            .await?;
        Ok(())
    }

    /// Has the tasks of an asset that are not done planned again, as far as they are not: what was planned may be gone, as
    /// after a rebuild or a deletion. Their outputs stay who they are.
    pub async fn plan_again(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        let open =
            Sql::new("SELECT id FROM transcode_task WHERE asset = $1 AND state <> 'done' ORDER BY id").arg(asset);
        for row in open.rows(&mut *self).await? {
            self.plan_task_again(row.parsed("id")?, now).await?;
        }
        Ok(())
    }

    /// Has a task planned again, also one that is done.
    pub(crate) async fn plan_task_again(&mut self, id: JobId, now: WallTime) -> Result<()> {
        let task = "UPDATE transcode_task SET state = 'planning', completed = NULL WHERE id = $1 RETURNING priority";
        let Some(row) = Sql::new(task).arg(id).row(&mut *self).await? else { return Ok(()) };
        let spans =
            "DELETE FROM output_span WHERE output IN (SELECT id FROM output WHERE task = $1 AND state = 'running')";
        Sql::new(spans).arg(id).run(&mut *self).await?;
        self.enqueue(NewJob::transcode(id, row.small("priority")?), now).await?;
        self.retake_task_pictures(id, now).await
    }

    /// Writes down what a task makes: its outputs, and for each stretch and encoding that no rendition has yet a rendition with
    /// its run and chunks. The asset is being transcoded from now on, unless it can be played already. Whether it did: the
    /// second time nothing happens, nor for an asset that is deleted.
    pub async fn plan_transcode(
        &mut self,
        task: &TranscodeTask,
        outputs: &[PlannedOutput],
        now: WallTime,
    ) -> Result<bool> {
        // Held: whoever deletes it finds what is planned, or nothing is.
        let asset = Sql::new("UPDATE asset SET modified = modified WHERE id = $1 AND deleted IS NULL").arg(task.asset);
        let sql = Sql::new("UPDATE transcode_task SET state = 'running' WHERE id = $1 AND state = 'planning'");
        if asset.run(self).await? == 0 || sql.arg(task.id).run(self).await? == 0 {
            return Ok(false);
        }
        let made = self.have_all_renditions(outputs, task.priority, now).await?;
        for (position, output) in (0u32..).zip(outputs) {
            let error = output.pieces.as_ref().err();
            let id = match output.id {
                Some(id) => {
                    let sql = Sql::new("UPDATE output SET error = $2 WHERE id = $1").arg(id).arg(error);
                    sql.run(self).await?;
                    id
                }
                None => self.insert_output(task.id, task.asset, position, &output.template, error, now).await?,
            };
            for (position, piece) in (0u32..).zip(output.pieces.iter().flatten()) {
                let reels = match &piece.encoding {
                    Some(encoding) => {
                        let made = made.iter().find(|made| made.span == piece.span);
                        made.and_then(|made| reel_and_sound(made.reels_of(encoding)))
                    }
                    None => Some((piece.span.source, None)),
                };
                if let Some((reel, sound_reel)) = reels {
                    let (from_ticks, to_ticks) = (piece.span.from_ticks, piece.span.to_ticks);
                    let span = OutputSpan { reel, sound_reel, from_ticks, to_ticks };
                    self.insert_output_span(id, task.asset, position, &span).await?;
                }
            }
        }
        self.being_transcoded(task.asset, now).await?;
        self.enqueue(NewJob::settle(task.id), now).await?;
        Ok(true)
    }

    async fn insert_output_span(
        &mut self,
        output: JobId,
        asset: AssetId,
        position: u32,
        span: &OutputSpan,
    ) -> Result<()> {
        Sql::new(
            "INSERT INTO output_span (output, position, asset, reel, sound_reel, from_ticks, to_ticks)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .arg(output)
        .arg(position)
        .arg(asset)
        .arg(span.reel)
        .arg(span.sound_reel)
        .arg(span.from_ticks)
        .arg(span.to_ticks)
        .run(self)
        .await?;
        Ok(())
    }

    /// The renditions that outputs are made of, stretch by stretch.
    async fn have_all_renditions(
        &mut self,
        outputs: &[PlannedOutput],
        priority: u32,
        now: WallTime,
    ) -> Result<Vec<Made>> {
        let mut all: Vec<Made> = Vec::new();
        for piece in outputs.iter().filter_map(|output| output.pieces.as_ref().ok()).flatten() {
            let Some(encoding) = &piece.encoding else { continue };
            let known = all.iter().position(|made| made.span == piece.span);
            let at = known.unwrap_or_else(|| {
                all.push(Made { span: piece.span, encodings: Vec::new(), reels: Vec::new() });
                all.len() - 1
            });
            let Some(made) = all.get_mut(at) else { continue };
            for track in encoding.tracks().into_iter().flatten() {
                if !made.encodings.contains(&track) {
                    made.encodings.push(track);
                }
            }
        }
        for made in &mut all {
            made.reels = self.have_renditions(&made.span, &made.encodings, priority, None, now).await?;
        }
        Ok(all)
    }

    /// The renditions of a span in each of these encodings; those that nobody has or makes are begun together. `live`: the span
    /// is a cycle that grows, with the asset that it becomes and what is known of it, as JSON.
    pub(crate) async fn have_renditions(
        &mut self,
        span: &PlannedSpan,
        encodings: &[Encoding],
        priority: u32,
        live: Option<(AssetId, String)>,
        now: WallTime,
    ) -> Result<Vec<ReelId>> {
        let run = self.ids().job(now);
        let mut reels = Vec::with_capacity(encodings.len());
        let mut begun = false;
        let mut others: BTreeSet<JobId> = BTreeSet::new();
        for encoding in encodings {
            let reel = self.ids().reel(now);
            let made = Sql::new(
                "INSERT INTO rendition (reel, source_reel, from_ticks, to_ticks, digest, encoding, run, state, created)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 ON CONFLICT (source_reel, digest, from_ticks, to_ticks) WHERE state <> 'freed'
                 DO UPDATE SET error = NULL, unwanted = NULL, state =
                   CASE WHEN rendition.state = 'ready' THEN 'ready' ELSE 'encoding' END, run =
                   CASE WHEN rendition.state = 'ready' OR rendition.state = 'encoding' AND EXISTS
                     (SELECT 1 FROM encode_run WHERE encode_run.id = rendition.run AND encode_run.state = 'encoding')
                   THEN rendition.run ELSE excluded.run END
                 RETURNING reel, run, state",
            )
            .arg(reel)
            .arg(span.source)
            .arg(span.from_ticks)
            .arg(span.to_ticks)
            .arg(encoding.digest())
            .arg(to_json(encoding)?)
            .arg(run)
            .arg(RenditionState::Encoding)
            .arg(now)
            .row(&mut *self)
            .await?;
            let Some(row) = made else { continue };
            let reel: ReelId = row.parsed("reel")?;
            let by: JobId = row.parsed("run")?;
            if by == run {
                begun = true;
                self.insert_reel(reel, "", now).await?;
            } else {
                others.insert(by);
                if row.parsed::<RenditionState>("state")? == RenditionState::Encoding {
                    self.hurry(by, priority).await?;
                }
            }
            reels.push(reel);
        }
        if live.is_none() {
            for other in others {
                self.complete_live_run(other, span.grown_chunks, priority, now).await?;
            }
        }
        if begun {
            let whole = live.is_none();
            let (asset, facts) = live.unzip();
            Sql::new(
                "INSERT INTO encode_run (id, source_reel, from_ticks, to_ticks, chunks, state, priority, created, asset, facts, whole)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .arg(run)
            .arg(span.source)
            .arg(span.from_ticks)
            .arg(span.to_ticks)
            .arg(span.chunks)
            .arg(RenditionState::Encoding)
            .arg(priority)
            .arg(now)
            .arg(asset)
            .arg(facts)
            .arg(whole)
            .run(self)
            .await?;
            self.encode_chunks(run, 0..span.chunks, priority, now).await?;
        }
        Ok(reels)
    }

    /// Makes the jobs that encode these chunks.
    pub(crate) async fn encode_chunks(
        &mut self,
        run: JobId,
        chunks: std::ops::Range<u32>,
        priority: u32,
        now: WallTime,
    ) -> Result<()> {
        for chunk in chunks {
            self.enqueue(NewJob::encode(run, chunk, priority), now).await?;
        }
        Ok(())
    }

    /// What waits of a run that somebody else began comes as soon as one of this priority would.
    async fn hurry(&mut self, run: JobId, priority: u32) -> Result<()> {
        let sql = Sql::new("UPDATE encode_run SET priority = $2 WHERE id = $1 AND priority < $2");
        if sql.arg(run).arg(priority).run(&mut *self).await? > 0 {
            let waiting = Sql::new("UPDATE job SET priority = $2 WHERE state = 'ready' AND kind = 'encode'");
            let waiting = waiting
                .text(" AND unique_key >= 'encode/' || $1 || '/' AND unique_key < 'encode/' || $1 || '0'")
                .text(" AND priority < $2");
            waiting.arg(run).arg(priority).run(&mut *self).await?;
        }
        Ok(())
    }

    /// Counts a chunk of a run as done; with the last one, the job that joins them is made.
    pub async fn chunk_done(&mut self, run: JobId, now: WallTime) -> Result<()> {
        let sql = Sql::new(
            "UPDATE encode_run SET done = done + 1 WHERE id = $1 AND state = 'encoding' RETURNING done, chunks, whole",
        );
        let Some(row) = sql.arg(run).row(&mut *self).await? else { return Ok(()) };
        if row.flag("whole")? && row.int("done")? >= row.int("chunks")? {
            self.enqueue(NewJob::join_run(run), now).await?;
        }
        Ok(())
    }

    /// Ends a run whose renditions are whole; each reel ends at `end_ticks`. The tasks that waited for it are looked at.
    pub async fn finish_run(&mut self, run: &EncodeRun, end_ticks: i64, now: WallTime) -> Result<()> {
        self.end_run(run.id, RenditionState::Ready, None, now).await?;
        for rendition in &run.renditions {
            self.seal_reel(rendition.reel, Some(end_ticks), now).await?;
        }
        Ok(())
    }

    /// Gives a run up, with the reason, and all that is left of its work. The tasks that waited for it are looked at.
    pub async fn fail_run(&mut self, run: JobId, error: &str, now: WallTime) -> Result<()> {
        let jobs = "unique_key >= 'encode/' || $1 || '/' AND unique_key < 'encode/' || $1 || '0'";
        self.cancel_jobs(Sql::new(jobs).arg(run)).await?;
        self.end_run(run, RenditionState::Failed, Some(error), now).await
    }

    async fn end_run(&mut self, run: JobId, state: RenditionState, error: Option<&str>, now: WallTime) -> Result<()> {
        Sql::new("UPDATE encode_run SET state = $2 WHERE id = $1").arg(run).arg(state).run(self).await?;
        Sql::new("UPDATE rendition SET state = $2, error = $3, finished = $4 WHERE run = $1 AND state = 'encoding'")
            .arg(run)
            .arg(state)
            .arg(error)
            .arg(now)
            .run(self)
            .await?;
        let waiting = Sql::new(
            "SELECT DISTINCT task FROM output JOIN output_span ON output = output.id
             JOIN rendition ON rendition.reel IN (output_span.reel, output_span.sound_reel)
             WHERE run = $1 AND output.state = 'running'",
        );
        for row in waiting.arg(run).rows(&mut *self).await? {
            self.enqueue(NewJob::settle(row.parsed("task")?), now).await?;
        }
        self.free_unwanted(run, now).await
    }

    /// Ends an output: with what was measured of it, or why there is none. Owes its `StreamTranscodeComplete`. The asset
    /// can be played with its first output. Whether it did: the second time nothing happens.
    pub async fn finish_output(&mut self, output: &Output, end: OutputEnd, now: WallTime) -> Result<bool> {
        let (state, facts, error) = match end {
            OutputEnd::Made(facts) => (OutputState::Done, Some(facts), None),
            OutputEnd::Failed(error) => (OutputState::Failed, None, Some(error)),
            OutputEnd::Cancelled => (OutputState::Cancelled, None, None),
        };
        let came = progress_of(&[output.id], (&mut *self).into()).await?.remove(&output.id);
        let progress = if facts.is_some() { 100 } else { came.unwrap_or(output.progress) };
        let ended = Output { state, error, facts, progress, completed: Some(now), ..output.clone() };
        let sql = Sql::new(
            "UPDATE output SET state = $2, facts = $3, error = $4, progress = $5, completed = $6
             WHERE id = $1 AND state = 'running'",
        )
        .arg(ended.id)
        .arg(ended.state)
        .arg(ended.facts.as_ref().map(to_json).transpose()?)
        .arg(ended.error.as_ref())
        .arg(ended.progress)
        .arg(now);
        if sql.run(&mut *self).await? == 0 {
            return Ok(false);
        }
        if ended.facts.is_some() {
            self.move_on(output.asset, AssetStatus::Normal, now).await?;
        }
        let task =
            Sql::new("SELECT user_data FROM transcode_task WHERE id = $1").arg(output.task).row(&mut *self).await?;
        let user_data = task.map(|row| row.text("user_data")).transpose()?.unwrap_or_default();
        let event = Event::StreamTranscoded { stream: stream_info(&ended) };
        self.tell_for(&user_data, output.asset, now, event).await?;
        Ok(true)
    }

    /// Ends a task all of whose outputs have ended, and its snapshots, and owes its `TranscodeComplete`. Whether it did.
    ///
    /// An asset of which nothing was made has failed, unless somebody ended the work: then it is as it was before.
    pub async fn finish_task(&mut self, task: &TranscodeTask, now: WallTime) -> Result<bool> {
        self.close_task(task, false, now).await
    }

    pub(crate) async fn close_task(&mut self, task: &TranscodeTask, cancelled: bool, now: WallTime) -> Result<bool> {
        let sql = Sql::new(
            "UPDATE transcode_task SET state = 'done', completed = $2 WHERE id = $1 AND state = 'running'
               AND NOT EXISTS (SELECT 1 FROM output WHERE task = $1 AND state = 'running')
               AND NOT EXISTS (SELECT 1 FROM picture_job WHERE task = $1 AND state = 'running')",
        );
        if sql.arg(task.id).arg(now).run(self).await? == 0 {
            return Ok(false);
        }
        let rows = Sql::new("SELECT * FROM output WHERE task = $1 ORDER BY position").arg(task.id);
        let outputs = rows.rows(&mut *self).await?.iter().map(output_of).collect::<Result<Vec<_>>>()?;
        let any = |state: OutputState| outputs.iter().any(|output| output.state == state);
        if !any(OutputState::Done) && !any(OutputState::Deleted) && !self.is_worked_on(task.asset).await? {
            let cancelled = cancelled || any(OutputState::Cancelled);
            let status = if cancelled { AssetStatus::UploadSucc } else { AssetStatus::TranscodeFail };
            self.move_on(task.asset, status, now).await?;
        }
        let streams = outputs.iter().map(stream_info).collect();
        self.tell_for(&task.user_data, task.asset, now, Event::Transcoded { streams }).await?;
        Ok(true)
    }

    /// Whether a task of the asset is not done.
    async fn is_worked_on(&mut self, asset: AssetId) -> Result<bool> {
        let open = Sql::new("SELECT 1 AS one FROM transcode_task WHERE asset = $1 AND state <> 'done'").arg(asset);
        Ok(open.row(&mut *self).await?.is_some())
    }

    /// From being transcoded to what comes after; any other status stays.
    async fn move_on(&mut self, asset: AssetId, to: AssetStatus, now: WallTime) -> Result<()> {
        Sql::new("UPDATE asset SET status = $2, modified = $3 WHERE id = $1 AND status IN ($4, $5)")
            .arg(asset)
            .arg(to)
            .arg(now)
            .arg(AssetStatus::Transcoding)
            .arg(AssetStatus::UploadSucc)
            .run(self)
            .await?;
        Ok(())
    }
}

/// The renditions of a stretch.
struct Made {
    span: PlannedSpan,
    /// Each of one track.
    encodings: Vec<Encoding>,
    /// In the order of `encodings`.
    reels: Vec<ReelId>,
}

impl Made {
    /// The reels of an encoding's pictures and of its sound.
    fn reels_of(&self, encoding: &Encoding) -> [Option<ReelId>; 2] {
        encoding.tracks().map(|track| {
            let at = self.encodings.iter().position(|made| Some(made) == track.as_ref())?;
            self.reels.get(at).copied()
        })
    }
}

/// How a span names them: what it has alone is its reel.
fn reel_and_sound([pictures, sound]: [Option<ReelId>; 2]) -> Option<(ReelId, Option<ReelId>)> {
    match pictures {
        Some(reel) => Some((reel, sound)),
        None => Some((sound?, None)),
    }
}

/// What is told of an output that has ended.
fn stream_info(output: &Output) -> StreamInfo {
    let facts = output.facts.as_ref();
    StreamInfo {
        job: output.id,
        format: output.template.format.as_str().to_owned(),
        label: output.template.definition.clone(),
        file_name: output.template.file_name.as_ref().map(|name| name.as_str().to_owned()),
        encrypted: output.template.encryption.is_some(),
        outcome: match facts {
            None if output.state == OutputState::Cancelled => StreamOutcome::Cancelled,
            Some(facts) => StreamOutcome::Made {
                width: facts.width,
                height: facts.height,
                fps: facts.fps,
                bitrate_kbps: facts.bitrate_kbps,
                duration_s: units::MediaTime::reel(facts.duration_ticks).seconds(),
                size_bytes: facts.size_bytes,
            },
            None => StreamOutcome::Failed { error: output.error.clone().unwrap_or_default() },
        },
    }
}

in_own_tx! {
    begin_transcode(asset: AssetId, group: &str, now: WallTime) -> JobId;
    submit_transcode(new: &NewTask, now: WallTime) -> Submitted;
    plan_again(asset: AssetId, now: WallTime) -> ();
    plan_transcode(task: &TranscodeTask, outputs: &[PlannedOutput], now: WallTime) -> bool;
    fail_run(run: JobId, error: &str, now: WallTime) -> ();
}
