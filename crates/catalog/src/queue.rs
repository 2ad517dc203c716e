//! Rows of the durable queue: making them, and what they hold. Claiming and finishing them is crate `jobs`.

use std::time::Duration;

use serde_json::Value as Json;
use serde_json::json;
use units::{AssetId, EventId, JobId, PushId, RecordingId, ReelId, StreamPath, WallTime};

use crate::pictures::PictureCause;
use crate::sql::{Row, Sql, in_own_tx, words};
use crate::{Catalog, Result, Tx};

/// The kinds of jobs that the catalog itself makes, in the transaction that owes them.
pub mod kind {
    /// Tell a customer of an event: payload `{"event": EventId}`.
    pub const CALLBACK: &str = "callback";
    /// Tell a customer of a publish or unpublish: payload `{"push": PushId, "action": "publish" | "publish_done"}`.
    pub const LIVE_NOTIFY: &str = "live_notify";
    /// Tell a customer of a recording: payload `{"asset": AssetId}` for a file, `{"recording": RecordingId, "status": …}`
    /// for a change of its status.
    pub const RECORD_NOTIFY: &str = "record_notify";
    /// Ask a customer whether a push is to be recorded: payload `{"push": PushId}`.
    pub const RECORD_QUESTION: &str = "record_question";
    /// Measure the source of an asset: payload `{"asset": AssetId}`.
    pub const ANALYSE: &str = "analyse";
    /// Join the cycles of an ended recording: payload `{"recording": RecordingId}`.
    pub const COMPOSE: &str = "compose";
    /// Delete what no span of a sealed reel needs: payload `{"reel": ReelId}`.
    pub const FREE_REEL: &str = "free_reel";
    /// Find out what a transcode task has to make: payload `{"task": JobId}`.
    pub const TRANSCODE: &str = "transcode";
    /// Encode one chunk: payload `{"run": JobId, "chunk": number}`.
    pub const ENCODE: &str = "encode";
    /// Encode what has come of a recording: payload `{"recording": RecordingId}`.
    pub const ENCODE_LIVE: &str = "encode_live";
    /// Make the indexes of the renditions of a run: payload `{"run": JobId}`.
    pub const JOIN_RUN: &str = "join_run";
    /// End the outputs of a task whose renditions have ended: payload `{"task": JobId}`.
    pub const SETTLE: &str = "settle";
    /// Take the pictures of which one is the cover of an asset: payload `{"asset": AssetId, "job": JobId}`.
    pub const COVER: &str = "cover";
    /// Make the pictures of a picture job: payload `{"asset": AssetId, "job": JobId}`.
    pub const PICTURES: &str = "pictures";
    /// Pull a file from where its owner says: payload `{"upload": JobId}`.
    pub const PULL: &str = "pull";
    /// Take an uploaded file over into a reel: payload `{"upload": JobId}`.
    pub const TAKE: &str = "take";
    /// Remove what is left of an upload that has ended: payload `{"upload": JobId}`.
    pub const FREE_UPLOAD: &str = "free_upload";
    /// Remove what is left of a file of the library: its parts, and itself when it was deleted: payload `{"file": AssetId}`.
    pub const FREE_FILE: &str = "free_file";
    /// Push the test stream: payload of [`TestStream`](crate::TestStream).
    pub const TEST_STREAM: &str = "test_stream";
    /// Remove files of pictures that nothing tells of: payload `{"asset": AssetId}`.
    pub const FREE_PICTURES: &str = "free_pictures";
}

/// How long after an RTMP publish its callback goes out, if the push is still there (contract §3.5).
const PUBLISH_TOLD_AFTER: Duration = Duration::from_secs(2);

/// How long after a publish its question is asked: by then the codec and the bitrate that it names are known. The frames
/// wait meanwhile.
const RECORD_ASKED_AFTER: Duration = Duration::from_secs(1);

words! {
    /// Where a job is in its life.
    pub enum JobState {
        /// Waits for its time and its turn.
        Ready = "ready",
        /// A worker holds its lease.
        Running = "running",
        /// Done.
        Done = "done",
        /// Failed for good: attempts spent, or not worth another.
        Dead = "dead",
        /// Ended on request.
        Cancelled = "cancelled",
    }
}

/// How often, and how far apart, a job is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retry {
    /// Attempts in all, at least 1. A lost lease counts.
    pub attempts_max: u32,
    /// Wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// The longest wait. Equal to `first`: a fixed interval, without jitter.
    pub max: Duration,
    /// How many waits are exactly `first` before they grow.
    pub even: u32,
}

impl Retry {
    /// `attempts_max` attempts, `interval` apart.
    pub const fn fixed(attempts_max: u32, interval: Duration) -> Self {
        Self { attempts_max, first: interval, max: interval, even: 0 }
    }
}

/// So many attempts, whose waits grow from `first` to `max` seconds.
const fn growing(attempts_max: u32, first: u64, max: u64) -> Retry {
    Retry { attempts_max, first: Duration::from_secs(first), max: Duration::from_secs(max), even: 0 }
}

/// The first three attempts are a second apart (contract §3.1), the last ones an hour; the worker gives up by the time that has
/// passed, and these are more than fit into a year.
const CALLBACK_RETRY: Retry = Retry { even: 2, ..growing(10_000, 1, 3_600) };
/// Up to 5 retries, 1 s apart (contract §3.5).
const LIVE_NOTIFY_RETRY: Retry = Retry::fixed(6, Duration::from_secs(1));
/// A publisher waits for the answer: three attempts, 1 s apart.
const RECORD_QUESTION_RETRY: Retry = Retry::fixed(3, Duration::from_secs(1));
const ANALYSE_RETRY: Retry = growing(10, 1, 300);
/// Nothing but the index and rows is read: what fails is a disk or a database, and those are waited for.
const COMPOSE_RETRY: Retry = growing(200, 1, 600);
const FREE_REEL_RETRY: Retry = growing(20, 10, 3_600);

const TRANSCODE_RETRY: Retry = growing(20, 1, 300);
/// What kills an encoder three times will do so a fourth time.
const ENCODE_RETRY: Retry = growing(3, 2, 60);
const PICTURES_RETRY: Retry = ENCODE_RETRY;
/// A server that is away for an hour is waited for.
const PULL_RETRY: Retry = growing(12, 2, 900);
/// What kills a reader three times will do so a fourth time.
const TAKE_RETRY: Retry = ENCODE_RETRY;
/// Of a cover that is waited for.
pub(crate) const COVER_PRIORITY: i32 = 5;
/// Of one that could have been taken long ago: thousands of them must not be in the way of new ones.
pub(crate) const LATE_COVER_PRIORITY: i32 = -5;

/// A job to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// What the handler needs to know.
    pub payload: Json,
    /// While an unfinished job has this key, no second one is made.
    pub unique_key: Option<String>,
    /// Jobs of one key run one at a time, in order of creation; a dead one lets the next pass.
    pub order_key: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// Not before this long from now.
    pub delay: Duration,
    /// How often it is tried.
    pub retry: Retry,
}

impl NewJob {
    /// A job without keys, at once, at priority 0.
    pub fn new(kind: &'static str, payload: Json, retry: Retry) -> Self {
        Self { kind, payload, unique_key: None, order_key: None, priority: 0, delay: Duration::ZERO, retry }
    }

    pub(crate) fn callback(event: EventId, asset: AssetId) -> Self {
        let job = Self::new(kind::CALLBACK, json!({ "event": event }), CALLBACK_RETRY);
        Self { order_key: Some(format!("asset/{asset}")), priority: 10, ..job }
    }

    pub(crate) fn live_notify(push: PushId, began: bool, path: &str) -> Self {
        let (action, delay) = if began { ("publish", PUBLISH_TOLD_AFTER) } else { ("publish_done", Duration::ZERO) };
        let job = Self::new(kind::LIVE_NOTIFY, json!({ "push": push, "action": action }), LIVE_NOTIFY_RETRY);
        Self { order_key: Some(format!("notify/{path}")), priority: 10, delay, ..job }
    }

    /// What is told of one stream's recordings is told in order.
    pub(crate) fn record_notify(payload: Json, path: &StreamPath) -> Self {
        let job = Self::new(kind::RECORD_NOTIFY, payload, LIVE_NOTIFY_RETRY);
        Self { order_key: Some(format!("record_notify/{path}")), priority: 10, ..job }
    }

    pub(crate) fn record_question(push: PushId) -> Self {
        let job = Self::new(kind::RECORD_QUESTION, json!({ "push": push }), RECORD_QUESTION_RETRY);
        Self { unique_key: Some(format!("record_question/{push}")), priority: 20, delay: RECORD_ASKED_AFTER, ..job }
    }

    pub(crate) fn analyse(asset: AssetId) -> Self {
        let job = Self::new(kind::ANALYSE, json!({ "asset": asset }), ANALYSE_RETRY);
        Self { unique_key: Some(analyse_key(asset)), ..job }
    }

    pub(crate) fn compose(recording: RecordingId) -> Self {
        let job = Self::new(kind::COMPOSE, json!({ "recording": recording }), COMPOSE_RETRY);
        Self { unique_key: Some(format!("compose/{recording}")), priority: 5, ..job }
    }

    pub(crate) fn transcode(task: JobId, priority: u32) -> Self {
        let job = Self::new(kind::TRANSCODE, json!({ "task": task }), TRANSCODE_RETRY);
        let priority = i32::try_from(priority).unwrap_or(i32::MAX);
        Self { unique_key: Some(format!("transcode/{task}")), priority, ..job }
    }

    pub(crate) fn encode(run: JobId, chunk: u32, priority: u32) -> Self {
        let job = Self::new(kind::ENCODE, json!({ "run": run, "chunk": chunk }), ENCODE_RETRY);
        let priority = i32::try_from(priority).unwrap_or(i32::MAX);
        Self { unique_key: Some(format!("encode/{run}/{chunk}")), priority, ..job }
    }

    /// One after the other, so that the last one sees all that has come.
    pub(crate) fn encode_live(recording: RecordingId) -> Self {
        let job = Self::new(kind::ENCODE_LIVE, json!({ "recording": recording }), TRANSCODE_RETRY);
        Self { order_key: Some(format!("encode_live/{recording}")), ..job }
    }

    pub(crate) fn join_run(run: JobId) -> Self {
        let job = Self::new(kind::JOIN_RUN, json!({ "run": run }), TRANSCODE_RETRY);
        Self { unique_key: Some(format!("encode/{run}/join")), ..job }
    }

    /// No unique key: one that is at work may have looked already.
    pub(crate) fn settle(task: JobId) -> Self {
        let job = Self::new(kind::SETTLE, json!({ "task": task }), TRANSCODE_RETRY);
        Self { order_key: Some(format!("settle/{task}")), ..job }
    }

    pub(crate) fn pull(upload: JobId) -> Self {
        let job = Self::new(kind::PULL, json!({ "upload": upload }), PULL_RETRY);
        Self { unique_key: Some(upload_key(upload, "pull")), ..job }
    }

    pub(crate) fn take(upload: JobId) -> Self {
        let job = Self::new(kind::TAKE, json!({ "upload": upload }), TAKE_RETRY);
        Self { unique_key: Some(upload_key(upload, "take")), priority: 5, ..job }
    }

    pub(crate) fn free_upload(upload: JobId) -> Self {
        let job = Self::new(kind::FREE_UPLOAD, json!({ "upload": upload }), FREE_REEL_RETRY);
        Self { unique_key: Some(upload_key(upload, "free")), priority: -10, ..job }
    }

    pub(crate) fn free_file(file: AssetId) -> Self {
        let job = Self::new(kind::FREE_FILE, json!({ "file": file }), FREE_REEL_RETRY);
        Self { unique_key: Some(format!("file/{file}/free")), priority: -10, ..job }
    }

    /// Those that an asset has without anybody's asking come one after the other: the cover first.
    pub(crate) fn pictures(job: JobId, asset: AssetId, cause: PictureCause) -> Self {
        let (kind, priority) = match cause {
            PictureCause::Birth => (kind::COVER, COVER_PRIORITY),
            PictureCause::Task => (kind::PICTURES, 0),
            PictureCause::Request => (kind::PICTURES, 5),
        };
        let in_turn = cause != PictureCause::Request;
        let new = Self::new(kind, json!({ "asset": asset, "job": job }), PICTURES_RETRY);
        let unique_key = Some(format!("{}{job}", pictures_key(asset)));
        Self { unique_key, order_key: in_turn.then(|| pictures_key(asset)), priority, ..new }
    }

    /// One job per deletion of an asset, which waits its own time; `None`: at once, and without a key, as one that is at work may
    /// have looked already.
    pub(crate) fn free_pictures(asset: AssetId, deleted: Option<(WallTime, Duration)>) -> Self {
        let job = Self::new(kind::FREE_PICTURES, json!({ "asset": asset }), FREE_REEL_RETRY);
        let unique_key = deleted.map(|(at, _)| format!("free_pictures/{asset}/{}", at.unix_ms));
        let delay = deleted.map_or(Duration::ZERO, |(_, delay)| delay);
        Self { unique_key, priority: -10, delay, ..job }
    }

    /// One job per deletion of an asset, so that each waits its own time; `None`: for all whose time has come.
    pub(crate) fn free_reel(reel: ReelId, asset: Option<(AssetId, WallTime)>, delay: Duration) -> Self {
        let job = Self::new(kind::FREE_REEL, json!({ "reel": reel }), FREE_REEL_RETRY);
        // An asset that was restored and is deleted again waits anew.
        let asset = asset.map(|(asset, at)| format!("{asset}/{}", at.unix_ms)).unwrap_or_default();
        Self { unique_key: Some(format!("free_reel/{reel}/{asset}")), priority: -10, delay, ..job }
    }
}

fn analyse_key(asset: AssetId) -> String {
    format!("analyse/{asset}")
}

/// The keys of an upload's jobs.
fn upload_key(upload: JobId, what: &str) -> String {
    format!("upload/{upload}/{what}")
}

/// What the keys of an asset's picture jobs begin with.
pub(crate) fn pictures_key(asset: AssetId) -> String {
    format!("pictures/{asset}/")
}

/// Which jobs are wanted; absent fields fit all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JobFilter {
    /// Where they are in their lives.
    pub state: Option<JobState>,
    /// The kind.
    pub kind: Option<String>,
    /// Made before the one of this [number](JobRow::seq).
    pub before: Option<i64>,
}

/// A job as it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct JobRow {
    /// Its number, in order of creation.
    pub seq: i64,
    /// Its id.
    pub id: JobId,
    /// Which handler runs it.
    pub kind: String,
    /// Where it is in its life.
    pub state: JobState,
    /// What the handler needs to know.
    pub payload: Json,
    /// See [`NewJob::unique_key`].
    pub unique_key: Option<String>,
    /// See [`NewJob::order_key`].
    pub order_key: Option<String>,
    /// Higher runs first.
    pub priority: i64,
    /// Attempts begun so far.
    pub attempt: u32,
    /// How often it is tried.
    pub retry: Retry,
    /// Not before.
    pub run_at: WallTime,
    /// Rises with each attempt: whoever holds an older number has lost the job.
    pub fence: i64,
    /// Who holds the lease.
    pub owner: Option<String>,
    /// Until when, by the database's clock.
    pub lease_until: Option<WallTime>,
    /// Somebody wants it to end.
    pub cancel_requested: bool,
    /// 0 to 100.
    pub progress: u32,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was made.
    pub created: WallTime,
    /// When its first attempt began.
    pub started: Option<WallTime>,
    /// When it reached a state that it will not leave.
    pub finished: Option<WallTime>,
}

impl JobRow {
    /// Reads a row of table `job`.
    pub fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: row.int("seq")?,
            id: row.parsed("id")?,
            priority: row.int("priority")?,
            kind: row.text("kind")?,
            state: row.parsed("state")?,
            payload: row.json("payload")?,
            unique_key: row.opt_text("unique_key")?,
            order_key: row.opt_text("order_key")?,
            attempt: row.small("attempt")?,
            retry: Retry {
                attempts_max: row.small("attempts_max")?,
                first: Duration::from_millis(row.count("backoff_first_ms")?),
                max: Duration::from_millis(row.count("backoff_max_ms")?),
                even: row.small("backoff_even")?,
            },
            run_at: row.time("run_at")?,
            fence: row.int("fence")?,
            owner: row.opt_text("owner")?,
            lease_until: row.opt_time("lease_until")?,
            cancel_requested: row.flag("cancel_requested")?,
            progress: row.small("progress")?,
            error: row.opt_text("error")?,
            created: row.time("created")?,
            started: row.opt_time("started")?,
            finished: row.opt_time("finished")?,
        })
    }
}

/// A duration as the milliseconds of a row; more than 292 million years become that.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Catalog {
    /// The job of this id.
    pub async fn job(&self, id: JobId) -> Result<Option<JobRow>> {
        let row = Sql::new("SELECT * FROM job WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(JobRow::of).transpose()
    }

    /// The job of this unique key that has not ended.
    pub(crate) async fn unfinished_job(&self, unique_key: &str) -> Result<Option<JobRow>> {
        let sql = Sql::new("SELECT * FROM job WHERE unique_key = $1 AND state IN ('ready', 'running')");
        let row = sql.arg(unique_key).row(self).await?;
        row.as_ref().map(JobRow::of).transpose()
    }

    /// The jobs that an asset had, oldest first: those of its own, and those that told its events.
    pub async fn jobs_of_asset(&self, asset: AssetId) -> Result<Vec<JobRow>> {
        let rows = Sql::new(
            "SELECT * FROM job WHERE unique_key = $1 OR id IN (SELECT job FROM event WHERE asset = $2)
               OR unique_key > $3 AND unique_key < $4 ORDER BY seq",
        )
        .arg(analyse_key(asset))
        .arg(asset)
        .arg(pictures_key(asset))
        .arg(format!("{}g", pictures_key(asset)))
        .rows(self)
        .await?;
        rows.iter().map(JobRow::of).collect()
    }

    /// Jobs, last made first.
    pub async fn jobs(&self, filter: &JobFilter, limit: u32) -> Result<Vec<JobRow>> {
        let sql = Sql::new("SELECT * FROM job WHERE 1 = 1").with_some(" AND state = ", filter.state);
        let sql = sql.with_some(" AND kind = ", filter.kind.as_deref()).with_some(" AND seq < ", filter.before);
        let rows = sql.text(" ORDER BY seq DESC").with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(JobRow::of).collect()
    }

    /// How many jobs of `kind` are in `state`.
    pub async fn job_count(&self, kind: &str, state: JobState) -> Result<u64> {
        Sql::new("SELECT COUNT(*) AS total FROM job WHERE kind = $1 AND state = $2")
            .arg(kind)
            .arg(state)
            .total(self)
            .await
    }
}

impl Tx {
    /// Makes a job; it can be claimed once the transaction is committed. When an unfinished job has the same unique key,
    /// that one's id is answered and nothing is made. `now` only dates the id.
    pub async fn enqueue(&mut self, job: NewJob, now: WallTime) -> Result<JobId> {
        let id = self.ids().job(now);
        let made = Sql::new(
            "INSERT INTO job (id, kind, state, priority, payload, unique_key, order_key, attempts_max,
               backoff_first_ms, backoff_max_ms, backoff_even, run_at, created)
             VALUES ($1, $2, 'ready', $3, $4, $5, $6, $7, $8, $9, $10, {now} + $11, {now})
             ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state IN ('ready', 'running') DO NOTHING",
        )
        .arg(id)
        .arg(job.kind)
        .arg(i64::from(job.priority))
        .arg(job.payload.to_string())
        .arg(job.unique_key.clone())
        .arg(job.order_key)
        .arg(job.retry.attempts_max.max(1))
        .arg(millis(job.retry.first))
        .arg(millis(job.retry.max))
        .arg(job.retry.even)
        .arg(millis(job.delay))
        .run(self)
        .await?;
        if made > 0 {
            self.made_jobs = true;
            return Ok(id);
        }
        let row = Sql::new("SELECT id FROM job WHERE unique_key = $1 AND state IN ('ready', 'running')")
            .arg(job.unique_key)
            .row(self)
            .await?;
        match row {
            Some(row) => row.parsed("id"),
            // The other one finished in between (PostgreSQL only); what it did is what was asked for.
            None => Ok(id),
        }
    }
}

impl Tx {
    /// Asks a job to end: at once when nobody runs it, else as soon as its worker looks. Whether it was unfinished.
    pub async fn cancel_job(&mut self, id: JobId) -> Result<bool> {
        Ok(self.cancel_jobs(Sql::new("id = $1").arg(id)).await? > 0)
    }

    /// The same for all jobs of which `which` is so, a condition with its values. How many were unfinished.
    pub(crate) async fn cancel_jobs(&mut self, which: Sql) -> Result<u64> {
        let waiting = which.clone().within("UPDATE job SET state = 'cancelled', finished = {now} WHERE ");
        let waiting = waiting.text(" AND state = 'ready'").run(&mut *self).await?;
        let running = which.within("UPDATE job SET cancel_requested = 1 WHERE ");
        let running = running.text(" AND state = 'running'").run(&mut *self).await?;
        // Workers look when they are woken.
        self.made_jobs |= running > 0;
        Ok(waiting + running)
    }
}

in_own_tx! {
    enqueue(job: NewJob, now: WallTime) -> JobId;
    cancel_job(id: JobId) -> bool;
}
