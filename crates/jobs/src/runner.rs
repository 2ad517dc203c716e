//! Runs jobs: one task each, as many of a kind at once as its limits allow.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use catalog::{Catalog, CatalogError, JobRow, Tx};
use futures::FutureExt;
use metrics::histogram;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info_span, warn};
use units::JobId;

use crate::queue::{JobsError, Queue, complete_in};

/// The wait before the end of a job is noted again when the catalog does not answer.
const NOTE_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Heartbeats within one lease: two may fail.
const BEATS_PER_LEASE: u32 = 3;

/// How a handler ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finish {
    /// The runner shall note that the job is done.
    Done,
    /// The handler did, with [`Attempt::complete_in`], in a transaction that it committed.
    Committed,
}

/// How a handler ended badly.
#[derive(Debug)]
pub enum Failure {
    /// Another attempt may succeed.
    Retry(String),
    /// No attempt will.
    GiveUp(String),
    /// The job is somebody else's by now.
    Lost,
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::Retry(chain(&error))
    }
}

impl From<JobsError> for Failure {
    fn from(error: JobsError) -> Self {
        match error {
            JobsError::Lost { .. } => Self::Lost,
            JobsError::Catalog(error) => error.into(),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Runs the jobs of one kind.
///
/// The future is dropped in the middle when the lease is lost, the job is cancelled, or the process stops. A panic fails
/// the attempt. A handler must not wait for the catalog while it holds a [`Tx`]: on SQLite there is one writer.
pub trait Handler: Send + Sync + 'static {
    /// The kind of jobs.
    const KIND: &'static str;

    /// Runs one attempt.
    fn run(&self, attempt: &Attempt) -> impl Future<Output = Result<Finish, Failure>> + Send;
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Finish, Failure>> + Send + 'a>>;

/// [`Handler`] in a form that can be kept in a map.
trait AnyHandler: Send + Sync {
    fn run_boxed<'a>(&'a self, attempt: &'a Attempt) -> Running<'a>;
}

impl<H: Handler> AnyHandler for H {
    fn run_boxed<'a>(&'a self, attempt: &'a Attempt) -> Running<'a> {
        Box::pin(self.run(attempt))
    }
}

/// What one kind of job may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KindLimits {
    /// Jobs at once in this process, at least 1. Kinds do not take each other's places.
    pub at_once: u32,
    /// How long a silent worker keeps a job. Heartbeats come three times as often.
    pub lease: Duration,
}

impl Default for KindLimits {
    fn default() -> Self {
        Self { at_once: 4, lease: Duration::from_secs(30) }
    }
}

/// How a runner behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunnerSettings {
    /// Names the process in leases: the same over restarts, and no other process's.
    pub owner: String,
    /// The longest time between two looks at the queue.
    pub poll: Duration,
    /// How long jobs may go on after the shutdown began.
    pub drain: Duration,
}

impl RunnerSettings {
    /// The defaults: polls every second, drains for 5 s.
    pub fn new(owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), poll: Duration::from_secs(1), drain: Duration::from_secs(5) }
    }
}

struct Registered {
    handler: Arc<dyn AnyHandler>,
    limits: KindLimits,
    running: u32,
}

/// Takes jobs from the queue and runs them.
pub struct Runner {
    catalog: Catalog,
    queue: Queue,
    settings: RunnerSettings,
    handlers: BTreeMap<&'static str, Registered>,
    /// The attempts that run, by job and fence; cancelling the token ends the attempt.
    running: BTreeMap<(JobId, i64), CancellationToken>,
}

/// What the end of a task tells: the kind of its job, and which attempt it was.
type Ended = (&'static str, (JobId, i64));

/// One attempt at a job.
pub struct Attempt {
    /// The job as it was claimed.
    pub job: JobRow,
    queue: Queue,
}

impl Attempt {
    /// The job's payload. What does not fit is given up: no attempt will read it better.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.job.payload.clone())
            .map_err(|error| Failure::GiveUp(format!("the payload of a {} job is unreadable: {error}", self.job.kind)))
    }

    /// Notes how far the job is, 0 to 100.
    pub async fn progress(&self, percent: u32) -> Result<(), Failure> {
        Ok(self.queue.progress(&self.job, percent).await?)
    }

    /// Ends the job as done in the transaction that holds its effects. Commit it, then return [`Finish::Committed`].
    pub async fn complete_in(&self, tx: &mut Tx) -> Result<(), Failure> {
        Ok(complete_in(tx, &self.job).await?)
    }
}

impl Runner {
    /// A runner without handlers.
    pub fn new(catalog: Catalog, settings: RunnerSettings) -> Self {
        let queue = Queue::new(catalog.clone(), settings.owner.clone());
        Self { catalog, queue, settings, handlers: BTreeMap::new(), running: BTreeMap::new() }
    }

    /// Adds the handler of a kind, in place of one before.
    pub fn handle<H: Handler>(mut self, handler: H, limits: KindLimits) -> Self {
        self.handlers.insert(H::KIND, Registered { handler: Arc::new(handler), limits, running: 0 });
        self
    }

    /// Runs jobs until `shutdown`, then lets those that run end within the drain time and gives the others back. First
    /// takes back what this owner held when its process died. Never fails: while the catalog is down, it waits.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let catalog = self.catalog.clone();
        let halt = CancellationToken::new();
        // Bounded by the sum of all `at_once`; what has no place waits in the catalog.
        let mut tasks: JoinSet<Ended> = JoinSet::new();
        let mut taken_back = false;
        while !shutdown.is_cancelled() {
            // Listened to before looking, so that a job made in between is not overslept.
            let made = catalog.job_made();
            if !taken_back {
                taken_back = logged("take back leases", self.queue.take_back_own().await).is_some();
            }
            logged("reap lost leases", self.queue.reap().await);
            logged("look for cancelled jobs", self.end_cancelled().await);
            let next = logged("look for jobs", self.start_due(&mut tasks, &halt).await).flatten();
            let longest = self.settings.poll.mul_f64(0.75 + 0.5 * unit_random());
            tokio::select! {
                () = made => {}
                () = sleep(next.unwrap_or(longest).min(longest)) => {}
                Some(ended) = tasks.join_next() => self.ended(ended),
                () = shutdown.cancelled() => {}
            }
            while let Some(ended) = tasks.try_join_next() {
                self.ended(ended);
            }
        }
        let drained = timeout(self.settings.drain, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            halt.cancel();
            while tasks.join_next().await.is_some() {}
        }
    }

    fn ended(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        // A task catches its handler's panic; its own end tells which it was.
        let Ok((kind, attempt)) = ended else { return };
        self.running.remove(&attempt);
        if let Some(registered) = self.handlers.get_mut(kind) {
            registered.running = registered.running.saturating_sub(1);
        }
    }

    /// Ends the attempts whose job somebody cancelled.
    async fn end_cancelled(&self) -> Result<(), JobsError> {
        if self.running.is_empty() {
            return Ok(());
        }
        for attempt in self.queue.cancel_asked().await? {
            if let Some(token) = self.running.get(&attempt) {
                token.cancel();
            }
        }
        Ok(())
    }

    /// Starts what is due and has a place. Answers how long until the next job is due, if one waits for its time.
    async fn start_due(
        &mut self,
        tasks: &mut JoinSet<Ended>,
        halt: &CancellationToken,
    ) -> Result<Option<Duration>, JobsError> {
        let free = |registered: &Registered| registered.limits.at_once.max(1).saturating_sub(registered.running);
        let kinds: Vec<_> = self.handlers.iter().filter(|(_, r)| free(r) > 0).map(|(kind, _)| *kind).collect();
        if kinds.is_empty() {
            return Ok(None);
        }
        let mut next: Option<Duration> = None;
        for due in self.queue.due(&kinds).await? {
            if due.after > Duration::ZERO {
                next = Some(next.map_or(due.after, |next| next.min(due.after)));
                continue;
            }
            let Some((kind, registered)) = kinds
                .iter()
                .find(|kind| **kind == due.kind)
                .and_then(|kind| Some((*kind, self.handlers.get_mut(kind)?)))
            else {
                continue;
            };
            let jobs = self.queue.claim(kind, free(registered), registered.limits.lease).await?;
            for job in jobs {
                registered.running += 1;
                let span = info_span!("job", job = %job.id, kind, attempt = job.attempt);
                let which = (job.id, job.fence);
                let cancelled = self.running.entry(which).or_default().clone();
                let attempt = Attempt { job, queue: self.queue.clone() };
                let stops = Stops { lease: registered.limits.lease, cancelled, halt: halt.clone() };
                let work = attend(registered.handler.clone(), attempt, stops);
                let began = Instant::now();
                let ended = move |()| {
                    histogram!("jobs_run_seconds", "kind" => kind).record(began.elapsed());
                    (kind, which)
                };
                tasks.spawn(work.map(ended).instrument(span));
            }
        }
        Ok(next)
    }
}

/// What ended the watch over an attempt.
enum Watched {
    Ended(Result<Finish, Failure>),
    Cancelled,
    Halted,
}

/// What ends an attempt besides itself.
struct Stops {
    lease: Duration,
    cancelled: CancellationToken,
    halt: CancellationToken,
}

async fn attend(handler: Arc<dyn AnyHandler>, attempt: Attempt, stops: Stops) {
    let Stops { lease, cancelled, halt } = stops;
    let work = async {
        match AssertUnwindSafe(handler.run_boxed(&attempt)).catch_unwind().await {
            Ok(end) => end,
            Err(panic) => Err(Failure::Retry(format!("the handler panicked: {}", panic_text(panic.as_ref())))),
        }
    };
    let watched = tokio::select! {
        end = work => Watched::Ended(end),
        // Beside the work, not between its steps: a heartbeat may wait for a writer that the handler holds.
        why = keep(&attempt, lease) => why,
        () = cancelled.cancelled() => Watched::Cancelled,
        () = halt.cancelled() => Watched::Halted,
    };
    note(&attempt, watched, lease).await;
}

/// Holds the lease; returns when it is lost or the job shall end.
async fn keep(attempt: &Attempt, lease: Duration) -> Watched {
    let mut held_until = Instant::now() + lease;
    loop {
        sleep(lease / BEATS_PER_LEASE).await;
        let asked = Instant::now();
        let beat = tokio::select! {
            beat = attempt.queue.heartbeat(&attempt.job, lease) => beat,
            () = sleep_until(held_until) => return Watched::Ended(Err(Failure::Lost)),
        };
        match beat {
            Ok(true) => return Watched::Cancelled,
            Ok(false) => held_until = asked + lease,
            Err(JobsError::Lost { .. }) => return Watched::Ended(Err(Failure::Lost)),
            Err(error) => warn!(error = chain(&error), "no heartbeat"),
        }
    }
}

/// Writes down how the attempt ended, for as long as the lease may hold. Later the reaper does.
async fn note(attempt: &Attempt, watched: Watched, lease: Duration) {
    let (queue, job) = (&attempt.queue, &attempt.job);
    let deadline = Instant::now() + lease;
    loop {
        let noted = match &watched {
            Watched::Ended(Ok(Finish::Committed)) => Ok(()),
            Watched::Ended(Ok(Finish::Done)) => queue.complete(job).await,
            Watched::Ended(Err(Failure::Retry(why))) => queue.fail(job, why, false).await,
            Watched::Ended(Err(Failure::GiveUp(why))) => queue.fail(job, why, true).await,
            Watched::Ended(Err(Failure::Lost)) => Err(JobsError::Lost { job: job.id }),
            Watched::Cancelled => queue.cancelled(job).await,
            Watched::Halted => queue.release(job).await,
        };
        match (noted, &watched) {
            (Ok(()), Watched::Ended(Err(Failure::GiveUp(why)))) => return warn!(why, "given up"),
            (Ok(()), Watched::Ended(Err(Failure::Retry(why)))) if job.attempt >= job.retry.attempts_max => {
                return warn!(why, "given up after the last attempt");
            }
            (Ok(()), _) => return,
            (Err(JobsError::Lost { .. }), _) => return warn!("the lease was lost"),
            (Err(JobsError::Catalog(error)), _) if error.is_transient() && Instant::now() < deadline => {
                sleep(NOTE_AGAIN_AFTER).await;
            }
            (Err(error), _) => return warn!(error = chain(&error), "the end of the attempt could not be noted"),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "no message",
    }
}

fn logged<T>(what: &str, result: Result<T, JobsError>) -> Option<T> {
    result.inspect_err(|error| warn!(error = chain(error), "could not {what}")).ok()
}

/// 0 to 1, so that several processes do not poll in step. The standard library's hash keys are its only source of
/// randomness.
fn unit_random() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(bits).unwrap_or(0)) / f64::from(u32::MAX)
}
