//! Ending what was asked for: tasks that are cancelled, streams that are deleted, the work on assets that are.
//!
//! A rendition is kept for the outputs that are made of it. When the last of them is gone it is *unwanted*: a run that makes
//! nothing else is ended, and what is stored of it is removed, unless an output wants it again by then. Who decides that holds
//! the row of the rendition, as whoever plans an output does.

use std::time::Duration;

use domain::event::Event;
use units::{AssetId, JobId, ReelId, WallTime};

use crate::assets::AssetStatus;
use crate::queue::{JobRow, JobState, NewJob, kind};
use crate::sql::{Sql, in_own_tx};
use crate::transcodes::{Output, OutputEnd, OutputState, output_of, task_of};
use crate::{Catalog, CatalogError, RenditionState, Replay, Result, Tx};

/// An output of an asset that is there, or can be restored, is made of the rendition `rendition.reel`.
const IS_NEEDED: &str = "EXISTS (SELECT 1 FROM output_span s JOIN asset a ON a.id = s.asset
      WHERE (s.reel = rendition.reel OR s.sound_reel = rendition.reel)
    AND (a.deleted IS NULL
      OR NOT EXISTS (SELECT 1 FROM garbage g WHERE g.asset = s.asset AND g.freed IS NOT NULL
        AND (g.position < 0 OR a.source_deleted IS NULL))))";

/// An output is made of the rendition `rendition.reel`, or is to be.
const IS_USED: &str =
    "EXISTS (SELECT 1 FROM output_span s WHERE s.reel = rendition.reel OR s.sound_reel = rendition.reel)";

/// What became of the wish to have a job done once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retried {
    /// It is.
    Begun,
    /// It has not failed, or somebody does it already, or its asset is not there.
    Needless,
}

/// What became of the wish to be rid of a rendition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GivenUp {
    /// Nobody gets it any more: its media can be removed.
    Gone,
    /// The same, but a worker may still be writing some of it.
    Busy,
    /// It is needed, or being made.
    Needed,
}

impl Catalog {
    /// Tasks that were never planned because their job was given up, with the reason.
    pub async fn stuck_tasks(&self) -> Result<Vec<(JobId, String)>> {
        let rows = Sql::new(
            "SELECT t.id, MIN(COALESCE(j.error, 'its planning was cancelled')) AS error FROM transcode_task t
             JOIN asset a ON a.id = t.asset AND a.deleted IS NULL
             JOIN job j ON j.unique_key = 'transcode/' || t.id AND j.state IN ('dead', 'cancelled')
             WHERE t.state = 'planning' AND NOT EXISTS
               (SELECT 1 FROM job o WHERE o.unique_key = 'transcode/' || t.id AND o.state IN ('ready', 'running'))
             GROUP BY t.id",
        );
        rows.rows(self).await?.iter().map(|row| Ok((row.parsed("id")?, row.text("error")?))).collect()
    }
}

impl Tx {
    /// Ends a task: its outputs that are not made yet end as cancelled, its snapshots are not taken, and what nobody else wants of
    /// the work is ended. Gives these outputs; none when the task is done. `NotFound` when there is no such task.
    pub async fn cancel_task(&mut self, id: JobId, now: WallTime) -> Result<Vec<JobId>> {
        let ended = self.end_task(id, &OutputEnd::Cancelled, now).await?;
        ended.ok_or_else(|| CatalogError::NotFound { what: "task", key: id.to_string() })
    }

    /// Gives a task up that could not be planned, with the reason.
    pub async fn fail_task(&mut self, id: JobId, error: &str, now: WallTime) -> Result<()> {
        self.end_task(id, &OutputEnd::Failed(error.to_owned()), now).await?;
        Ok(())
    }

    async fn end_task(&mut self, id: JobId, end: &OutputEnd, now: WallTime) -> Result<Option<Vec<JobId>>> {
        let found = Sql::new("SELECT * FROM transcode_task WHERE id = $1").arg(id).row(&mut *self).await?;
        let Some(task) = found.as_ref().map(task_of).transpose()? else { return Ok(None) };
        // The asset first, as everyone takes it.
        Sql::new("UPDATE asset SET modified = modified WHERE id = $1").arg(task.asset).run(&mut *self).await?;
        // From now on it is not planned.
        let sql = Sql::new("UPDATE transcode_task SET state = 'running' WHERE id = $1 AND state <> 'done'").arg(id);
        if sql.run(&mut *self).await? == 0 {
            return Ok(Some(Vec::new()));
        }
        let outputs = Sql::new("SELECT * FROM output WHERE task = $1 AND state = 'running' ORDER BY position").arg(id);
        let outputs = outputs.rows(&mut *self).await?.iter().map(output_of).collect::<Result<Vec<Output>>>()?;
        for output in &outputs {
            self.finish_output(output, end.clone(), now).await?;
        }
        let ids: Vec<JobId> = outputs.iter().map(|output| output.id).collect();
        self.withdraw(&ids, now).await?;
        self.forsake_live_run(task.asset, now).await?;
        let cancelled = *end == OutputEnd::Cancelled;
        if cancelled {
            self.drop_task_pictures(id, now).await?;
        }
        self.close_task(&task, cancelled, now).await?;
        Ok(Some(ids))
    }

    /// Deletes outputs of an asset that were made, and owes its `DeleteMediaComplete`. `NotFound`, with the first that is none,
    /// and nothing is deleted.
    pub async fn delete_streams(&mut self, asset: AssetId, jobs: &[JobId], now: WallTime) -> Result<()> {
        let held = Sql::new("UPDATE asset SET modified = $2 WHERE id = $1 AND deleted IS NULL").arg(asset).arg(now);
        if held.run(&mut *self).await? == 0 {
            return Err(CatalogError::NotFound { what: "asset", key: asset.to_string() });
        }
        for job in jobs {
            let gone = Sql::new("UPDATE output SET state = $3 WHERE id = $1 AND asset = $2 AND state = 'done'");
            if gone.arg(*job).arg(asset).arg(OutputState::Deleted).run(&mut *self).await? == 0 {
                return Err(CatalogError::NotFound { what: "stream", key: job.to_string() });
            }
        }
        self.withdraw(jobs, now).await?;
        self.tell(asset, now, Event::StreamsDeleted { jobs: jobs.to_vec() }).await?;
        Ok(())
    }

    /// Leaves the tasks of an asset that is deleted as they were before they were planned, and ends their work: when it is
    /// restored they are [planned again](Self::plan_again).
    pub(crate) async fn hold_tasks(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        let open = Sql::new("UPDATE transcode_task SET state = 'planning' WHERE asset = $1 AND state <> 'done'");
        if open.arg(asset).run(&mut *self).await? == 0 {
            return Ok(());
        }
        let outputs = Sql::new("SELECT id FROM output WHERE asset = $1 AND state = 'running' ORDER BY id").arg(asset);
        let outputs = outputs.rows(&mut *self).await?.iter().map(|row| row.parsed("id")).collect::<Result<Vec<_>>>()?;
        self.withdraw(&outputs, now).await?;
        self.forsake_live_run(asset, now).await
    }

    /// Takes outputs from what they are made of. Runs that nobody else wants are ended, and what is stored of renditions that
    /// nobody else wants is removed.
    async fn withdraw(&mut self, outputs: &[JobId], now: WallTime) -> Result<()> {
        let reels = Sql::new("SELECT reel FROM output_span").with_list(" WHERE output IN ", outputs.iter().copied());
        let reels = reels.text(" UNION SELECT sound_reel FROM output_span WHERE sound_reel IS NOT NULL");
        let reels = reels.with_list(" AND output IN ", outputs.iter().copied()).text(" ORDER BY reel");
        let reels =
            reels.rows(&mut *self).await?.iter().map(|row| row.parsed("reel")).collect::<Result<Vec<ReelId>>>()?;
        let spans = Sql::new("DELETE FROM output_span").with_list(" WHERE output IN ", outputs.iter().copied());
        spans.run(&mut *self).await?;
        // Held before they are looked at: what somebody plans meanwhile is then seen.
        let held = Sql::new("UPDATE rendition SET run = run").with_list(" WHERE reel IN ", reels.iter().copied());
        held.run(&mut *self).await?;
        let unwanted = Sql::new("UPDATE rendition SET").with(" unwanted = ", now);
        let unwanted = unwanted
            .with_list(" WHERE reel IN ", reels.iter().copied())
            .text(" AND state <> 'freed' AND NOT ")
            .text(IS_USED)
            .text(" RETURNING reel, run, state");
        let mut runs: Vec<JobId> = Vec::new();
        for row in unwanted.rows(&mut *self).await? {
            let run = row.parsed("run")?;
            if row.parsed::<RenditionState>("state")? != RenditionState::Encoding {
                self.enqueue(NewJob::free_reel(row.parsed("reel")?, None, Duration::ZERO), now).await?;
            } else if !runs.contains(&run) {
                runs.push(run);
            }
        }
        runs.sort_unstable();
        for run in runs {
            let held = Sql::new("UPDATE rendition SET run = run WHERE run = $1").arg(run);
            held.run(&mut *self).await?;
            let wanted = "SELECT 1 AS one FROM rendition WHERE run = $1 AND state = 'encoding' AND unwanted IS NULL";
            if Sql::new(wanted).arg(run).row(&mut *self).await?.is_none() {
                self.fail_run(run, "nobody wants it any more", now).await?;
            }
        }
        Ok(())
    }

    /// Has what a run made removed where nobody wants it: not any more, or, when it was made of a cycle that grew, not in the end.
    pub(crate) async fn free_unwanted(&mut self, run: JobId, now: WallTime) -> Result<()> {
        Sql::new("UPDATE rendition SET run = run WHERE run = $1").arg(run).run(&mut *self).await?;
        Sql::new(
            "UPDATE rendition SET unwanted = $2 WHERE run = $1 AND unwanted IS NULL
               AND NOT EXISTS (SELECT 1 FROM output_span s WHERE s.reel = rendition.reel OR s.sound_reel = rendition.reel)
               AND NOT EXISTS (SELECT 1 FROM encode_run e JOIN transcode_task t ON t.asset = e.asset
                 JOIN asset a ON a.id = t.asset AND a.deleted IS NULL WHERE e.id = $1 AND t.state = 'planning')",
        )
        .arg(run)
        .arg(now)
        .run(&mut *self)
        .await?;
        let rows =
            Sql::new("SELECT reel FROM rendition WHERE run = $1 AND unwanted IS NOT NULL AND state <> 'encoding'");
        for row in rows.arg(run).rows(&mut *self).await? {
            self.enqueue(NewJob::free_reel(row.parsed("reel")?, None, Duration::ZERO), now).await?;
        }
        Ok(())
    }

    /// Gives a rendition up, unless it is needed: from now on nobody gets it, and its media can be removed.
    pub async fn give_up_rendition(&mut self, reel: ReelId) -> Result<GivenUp> {
        Sql::new("UPDATE rendition SET run = run WHERE reel = $1").arg(reel).run(&mut *self).await?;
        Sql::new("UPDATE rendition SET state = 'freed', unwanted = COALESCE(unwanted, {now}) WHERE reel = $1")
            .text(" AND state IN ('ready', 'failed') AND NOT ")
            .text(IS_NEEDED)
            .arg(reel)
            .run(&mut *self)
            .await?;
        let row = Sql::new("SELECT run FROM rendition WHERE reel = $1 AND state = 'freed'").arg(reel);
        let Some(row) = row.row(&mut *self).await? else { return Ok(GivenUp::Needed) };
        let writes = Sql::new("SELECT 1 AS one FROM job WHERE state = 'running'");
        let writes = writes.text(" AND unique_key >= 'encode/' || $1 || '/' AND unique_key < 'encode/' || $1 || '0'");
        let writes = writes.arg(row.text("run")?).row(&mut *self).await?.is_some();
        Ok(if writes { GivenUp::Busy } else { GivenUp::Gone })
    }

    /// Notes that all media of a rendition that was given up is gone.
    pub async fn mark_rendition_deleted(&mut self, reel: ReelId) -> Result<()> {
        let freed = Sql::new("UPDATE rendition SET unwanted = NULL WHERE reel = $1 AND state = 'freed'").arg(reel);
        if freed.run(&mut *self).await? > 0 {
            Sql::new("UPDATE reel SET state = 'deleted' WHERE id = $1").arg(reel).run(&mut *self).await?;
        }
        Ok(())
    }

    /// Has a job done once more that was given up or cancelled: one of the queue, an output, or pictures. What was encoded for
    /// nobody is not encoded again, but the outputs that lacked it are made once more. `NotFound` when there is none of this id.
    pub async fn retry_job(&mut self, id: JobId, now: WallTime) -> Result<Retried> {
        if Sql::new("SELECT 1 AS one FROM output WHERE id = $1").arg(id).row(&mut *self).await?.is_some() {
            return self.retry_outputs(&[id], now).await;
        }
        if Sql::new("SELECT 1 AS one FROM picture_job WHERE id = $1").arg(id).row(&mut *self).await?.is_some() {
            return self.retry_pictures(id, now).await;
        }
        let row = Sql::new("SELECT * FROM job WHERE id = $1").arg(id).row(&mut *self).await?;
        let Some(row) = row else { return Err(CatalogError::NotFound { what: "job", key: id.to_string() }) };
        let job = JobRow::of(&row)?;
        if !matches!(job.state, JobState::Dead | JobState::Cancelled) {
            return Ok(Retried::Needless);
        }
        match job.kind.as_str() {
            kind::COVER | kind::PICTURES => {
                let pictures = job.payload.get("job").and_then(|job| job.as_str()?.parse().ok());
                match pictures {
                    Some(pictures) => self.retry_pictures(pictures, now).await,
                    None => Ok(Retried::Needless),
                }
            }
            kind::ENCODE | kind::JOIN_RUN => {
                let outputs = Sql::new(
                    "SELECT DISTINCT output FROM output_span s JOIN rendition r ON r.reel = s.reel OR r.reel = s.sound_reel
                     JOIN output o ON o.id = s.output WHERE r.run = $1 AND o.state IN ('failed', 'cancelled')",
                );
                let run = job.payload.get("run").and_then(|run| run.as_str()).unwrap_or_default();
                let outputs = outputs.arg(run).rows(&mut *self).await?;
                let outputs = outputs.iter().map(|row| row.parsed("output")).collect::<Result<Vec<_>>>()?;
                self.retry_outputs(&outputs, now).await
            }
            kind::CALLBACK => {
                let event = job.payload.get("event").and_then(|event| event.as_str()?.parse().ok());
                let which = Replay { event, ..Replay::default() };
                let replayed = match event {
                    Some(_) => self.replay_events(&which, 1, now).await?.replayed,
                    None => 0,
                };
                Ok(if replayed > 0 { Retried::Begun } else { Retried::Needless })
            }
            _ => self.put_back(&job).await,
        }
    }

    /// Has a picture job done once more that failed. Whoever was told so is told what becomes of it.
    async fn retry_pictures(&mut self, id: JobId, now: WallTime) -> Result<Retried> {
        let failed = Sql::new(
            "UPDATE picture_job SET completed = NULL WHERE id = $1 AND state = 'failed'
               AND EXISTS (SELECT 1 FROM asset a WHERE a.id = picture_job.asset AND a.deleted IS NULL
                 AND a.source_deleted IS NULL) RETURNING id",
        );
        if failed.arg(id).row(&mut *self).await?.is_none() {
            return Ok(Retried::Needless);
        }
        self.make_pictures_again(id, now).await?;
        Ok(Retried::Begun)
    }

    /// A job as if it had never been tried.
    async fn put_back(&mut self, job: &JobRow) -> Result<Retried> {
        let sql = Sql::new(
            "UPDATE job SET state = 'ready', attempt = 0, cancel_requested = 0, run_at = {now}, created = {now},
               finished = NULL, owner = NULL, lease_until = NULL
             WHERE id = $1 AND state IN ('dead', 'cancelled') AND (unique_key IS NULL OR NOT EXISTS (SELECT 1 FROM job o
               WHERE o.unique_key = job.unique_key AND o.state IN ('ready', 'running')))",
        );
        let put_back = sql.arg(job.id).run(&mut *self).await? > 0;
        self.made_jobs |= put_back;
        Ok(if put_back { Retried::Begun } else { Retried::Needless })
    }

    /// Has outputs made once more that failed or were cancelled.
    async fn retry_outputs(&mut self, outputs: &[JobId], now: WallTime) -> Result<Retried> {
        let mut retried = Retried::Needless;
        for id in outputs {
            let of = Sql::new("SELECT asset, task FROM output WHERE id = $1").arg(*id).row(&mut *self).await?;
            let Some(of) = of else { continue };
            let (asset, task): (AssetId, JobId) = (of.parsed("asset")?, of.parsed("task")?);
            let held = Sql::new(
                "UPDATE asset SET modified = $2 WHERE id = $1 AND deleted IS NULL AND source_deleted IS NULL
                   AND status <> 'Blocked' RETURNING status",
            );
            let Some(row) = held.arg(asset).arg(now).row(&mut *self).await? else { continue };
            let status: AssetStatus = row.parsed("status")?;
            let again = Sql::new(
                "UPDATE output SET state = 'running', error = NULL, completed = NULL, progress = 0
                 WHERE id = $1 AND state IN ('failed', 'cancelled')",
            );
            if again.arg(*id).run(&mut *self).await? == 0 {
                continue;
            }
            // Its spans, too, which those of its task that are being made have already.
            Sql::new("DELETE FROM output_span WHERE output = $1").arg(*id).run(&mut *self).await?;
            self.plan_task_again(task, now).await?;
            if matches!(status, AssetStatus::UploadSucc | AssetStatus::TranscodeFail) {
                let sql = Sql::new("UPDATE asset SET status = $2 WHERE id = $1").arg(asset);
                sql.arg(AssetStatus::Transcoding).run(&mut *self).await?;
            }
            retried = Retried::Begun;
        }
        Ok(retried)
    }
}

in_own_tx! {
    cancel_task(id: JobId, now: WallTime) -> Vec<JobId>;
    fail_task(id: JobId, error: &str, now: WallTime) -> ();
    delete_streams(asset: AssetId, jobs: &[JobId], now: WallTime) -> ();
    give_up_rendition(reel: ReelId) -> GivenUp;
    mark_rendition_deleted(reel: ReelId) -> ();
    retry_job(id: JobId, now: WallTime) -> Retried;
}
