//! Claiming jobs and saying what became of them.

use std::time::Duration;

use catalog::sql::Sql;
use catalog::{Catalog, CatalogError, JobRow, Tx};
use units::JobId;

use crate::backoff;

/// Leases looked at in one go by the reaper.
const REAPED_AT_ONCE: u32 = 100;

/// A job that was begun this often may itself be what ends the process: from here on each end counts as an attempt.
const BEGUN_MAX: i64 = 20;

/// Why a job could not be taken, held or ended.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// The lease is somebody else's, or the job was ended from outside. Stop working on it.
    #[error("job {job} is not held any more")]
    Lost {
        /// Which job.
        job: JobId,
    },
    /// The catalog failed.
    #[error("the queue's rows could not be read or written")]
    Catalog(#[from] CatalogError),
}

/// The queue as one owner sees it.
#[derive(Clone)]
pub struct Queue {
    catalog: Catalog,
    owner: String,
}

/// What a kind of job has to offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    pub kind: String,
    /// Until its first job may run; zero: now.
    pub after: Duration,
}

/// Not behind an unfinished older job of the same order key.
const IN_TURN: &str = " AND NOT EXISTS (SELECT 1 FROM job e WHERE e.order_key = j.order_key AND e.seq < j.seq
    AND e.state IN ('ready', 'running'))";

impl Queue {
    /// The queue for the owner of this name. It must be the same over restarts, and no other process's.
    pub fn new(catalog: Catalog, owner: impl Into<String>) -> Self {
        Self { catalog, owner: owner.into() }
    }

    /// Takes up to `limit` jobs of `kind` whose time and turn has come, for `lease` by the database's clock. Highest
    /// priority first, then oldest.
    pub async fn claim(&self, kind: &str, limit: u32, lease: Duration) -> Result<Vec<JobRow>, JobsError> {
        let mut tx = self.catalog.begin().await?;
        let rows = Sql::new("WITH picked AS (SELECT j.seq FROM job j WHERE j.state = 'ready'")
            .with(" AND j.kind = ", kind)
            .text(" AND j.run_at <= {now}")
            .text(IN_TURN)
            .with(" ORDER BY j.priority DESC, j.run_at, j.seq LIMIT ", limit)
            .text(" {skip locked}) UPDATE job SET state = 'running', attempt = attempt + 1, fence = fence + 1")
            .text(", error = NULL, started = COALESCE(started, {now})")
            .with(", owner = ", &self.owner)
            .with(", lease_until = {now} + ", millis(lease))
            .text(" WHERE seq IN (SELECT seq FROM picked) AND state = 'ready' RETURNING *")
            .rows(&mut tx)
            .await?;
        let mut claimed = rows
            .iter()
            .map(|row| Ok((-row.int("priority")?, row.time("run_at")?, row.int("seq")?, JobRow::of(row)?)))
            .collect::<catalog::Result<Vec<_>>>()?;
        tx.commit().await?;
        claimed.sort_by_key(|(priority, run_at, seq, _)| (*priority, *run_at, *seq));
        Ok(claimed.into_iter().map(|(.., job)| job).collect())
    }

    /// When the first job of each of these kinds may run, for those that have one whose turn has come.
    pub(crate) async fn due(&self, kinds: &[&str]) -> Result<Vec<Due>, JobsError> {
        let rows = Sql::new("SELECT j.kind, MIN(j.run_at) - {now} AS after FROM job j WHERE j.state = 'ready'")
            .with_list(" AND j.kind IN ", kinds.iter().copied())
            .text(IN_TURN)
            .text(" GROUP BY j.kind")
            .rows(&self.catalog)
            .await?;
        rows.iter()
            .map(|row| {
                let after = u64::try_from(row.int("after")?).unwrap_or(0);
                Ok(Due { kind: row.text("kind")?, after: Duration::from_millis(after) })
            })
            .collect()
    }

    /// Holds the lease for another `lease`. Whether somebody wants the job to end.
    pub async fn heartbeat(&self, job: &JobRow, lease: Duration) -> Result<bool, JobsError> {
        let mut tx = self.catalog.begin().await?;
        let row =
            Sql::new("UPDATE job SET lease_until = {now} + $3 WHERE id = $1 AND fence = $2 AND state = 'running'")
                .text(" RETURNING cancel_requested")
                .arg(job.id)
                .arg(job.fence)
                .arg(millis(lease))
                .row(&mut tx)
                .await?;
        tx.commit().await?;
        match row {
            Some(row) => Ok(row.flag("cancel_requested")?),
            None => Err(JobsError::Lost { job: job.id }),
        }
    }

    /// Notes how far the job is, 0 to 100. It never falls: an attempt that begins again is as far as the one before until it
    /// is farther.
    pub async fn progress(&self, job: &JobRow, percent: u32) -> Result<(), JobsError> {
        let update = Sql::new(
            "UPDATE job SET progress = CASE WHEN progress > $3 THEN progress ELSE $3 END
             WHERE id = $1 AND fence = $2 AND state = 'running'",
        );
        self.held(job, update.arg(job.id).arg(job.fence).arg(percent.min(100))).await
    }

    /// Ends the job as done.
    pub async fn complete(&self, job: &JobRow) -> Result<(), JobsError> {
        let mut tx = self.catalog.begin().await?;
        complete_in(&mut tx, job).await?;
        Ok(tx.commit().await?)
    }

    /// Notes why the attempt failed. The job waits for its next one; when there is none left, or `for_good`, it is dead.
    pub async fn fail(&self, job: &JobRow, error: &str, for_good: bool) -> Result<(), JobsError> {
        self.held(job, failed(job, error, for_good)).await
    }

    /// Ends the job as cancelled.
    pub async fn cancelled(&self, job: &JobRow) -> Result<(), JobsError> {
        let update = Sql::new(
            "UPDATE job SET state = 'cancelled', finished = {now}, owner = NULL, lease_until = NULL
             WHERE id = $1 AND fence = $2 AND state = 'running'",
        );
        self.held(job, update.arg(job.id).arg(job.fence)).await
    }

    /// Gives the job back as if this attempt had not been.
    pub async fn release(&self, job: &JobRow) -> Result<(), JobsError> {
        let update = Sql::new(
            "UPDATE job SET state = 'ready', attempt = attempt - 1, owner = NULL, lease_until = NULL
             WHERE id = $1 AND fence = $2 AND state = 'running'",
        );
        self.held(job, update.arg(job.id).arg(job.fence)).await
    }

    async fn held(&self, job: &JobRow, update: Sql) -> Result<(), JobsError> {
        let mut tx = self.catalog.begin().await?;
        let changed = update.run(&mut tx).await?;
        tx.commit().await?;
        if changed == 0 { Err(JobsError::Lost { job: job.id }) } else { Ok(()) }
    }

    /// Asks a job to end: at once when nobody runs it, else as soon as its worker looks, within a second or so. Whether it was
    /// unfinished.
    pub async fn request_cancel(&self, id: JobId) -> Result<bool, JobsError> {
        Ok(self.catalog.cancel_job(id).await?)
    }

    /// The jobs of this owner that somebody wants to end, each with the fence of its attempt.
    pub(crate) async fn cancel_asked(&self) -> Result<Vec<(JobId, i64)>, JobsError> {
        let rows = Sql::new("SELECT id, fence FROM job WHERE state = 'running' AND cancel_requested = 1")
            .with(" AND owner = ", &self.owner)
            .rows(&self.catalog)
            .await?;
        Ok(rows.iter().map(|row| Ok((row.parsed("id")?, row.int("fence")?))).collect::<catalog::Result<_>>()?)
    }

    /// Takes away leases that ran out. How many jobs that freed or ended.
    pub async fn reap(&self) -> Result<u32, JobsError> {
        let lost = Sql::new("SELECT * FROM job WHERE state = 'running' AND lease_until < {now} ORDER BY seq")
            .with(" LIMIT ", REAPED_AT_ONCE)
            .rows(&self.catalog)
            .await?;
        self.take_back(lost, |job| {
            failed(job, "the worker was not heard of within its lease", false).text(" AND lease_until < {now}")
        })
        .await
    }

    /// Takes back the leases that this owner held when its process died; called when it starts. The end of the process is not the
    /// job's failure, so it does not count as an attempt (`BEGUN_MAX` times): an event that is offered three times is not lost to
    /// three crashes. How many jobs that freed or ended.
    pub async fn take_back_own(&self) -> Result<u32, JobsError> {
        let own = Sql::new("SELECT * FROM job WHERE state = 'running' AND owner = $1 ORDER BY seq").arg(&self.owner);
        let own = own.rows(&self.catalog).await?;
        let error = "the process ended while it ran this job";
        self.take_back(own, |job| {
            if job.fence >= BEGUN_MAX || job.cancel_requested {
                return failed_with_wait(job, error, false, Duration::ZERO);
            }
            let given_back = "UPDATE job SET state = 'ready', attempt = attempt - 1, run_at = {now}, owner = NULL, lease_until = NULL";
            held_by(Sql::new(given_back).with(", error = ", error), job)
        })
        .await
    }

    async fn take_back(&self, rows: Vec<catalog::sql::Row>, update: impl Fn(&JobRow) -> Sql) -> Result<u32, JobsError> {
        if rows.is_empty() {
            return Ok(0);
        }
        let mut tx = self.catalog.begin().await?;
        let mut taken = 0;
        for row in &rows {
            taken += u32::from(update(&JobRow::of(row)?).run(&mut tx).await? > 0);
        }
        tx.commit().await?;
        Ok(taken)
    }
}

/// Ends the job as done together with what else the transaction writes.
pub(crate) async fn complete_in(tx: &mut Tx, job: &JobRow) -> Result<(), JobsError> {
    let changed = Sql::new(
        "UPDATE job SET state = 'done', finished = {now}, progress = 100, owner = NULL, lease_until = NULL
         WHERE id = $1 AND fence = $2 AND state = 'running'",
    )
    .arg(job.id)
    .arg(job.fence)
    .run(tx)
    .await?;
    if changed == 0 { Err(JobsError::Lost { job: job.id }) } else { Ok(()) }
}

fn failed(job: &JobRow, error: &str, for_good: bool) -> Sql {
    failed_with_wait(job, error, for_good, backoff::wait(job.retry, job.attempt, job.id))
}

fn failed_with_wait(job: &JobRow, error: &str, for_good: bool, wait: Duration) -> Sql {
    let sql = if for_good || job.attempt >= job.retry.attempts_max {
        Sql::new("UPDATE job SET state = 'dead', finished = {now}")
    } else if job.cancel_requested {
        Sql::new("UPDATE job SET state = 'cancelled', finished = {now}")
    } else {
        Sql::new("UPDATE job SET state = 'ready'").with(", run_at = {now} + ", millis(wait))
    };
    held_by(sql.with(", error = ", error).text(", owner = NULL, lease_until = NULL"), job)
}

/// Only while the job is held as `job` says.
fn held_by(update: Sql, job: &JobRow) -> Sql {
    update.with(" WHERE id = ", job.id).with(" AND fence = ", job.fence).text(" AND state = 'running'")
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
