//! What handlers and those who make jobs rely on, on both databases.

#[path = "../../catalog/tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use catalog::{Catalog, sql::Sql};
use jobs::*;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use units::{JobId, WallTime};

support::contract! {
    a_job_is_claimed_once_and_done_once
    a_stolen_job_cannot_be_touched_by_its_old_worker
    a_job_that_kills_its_workers_ends_dead
    a_failed_job_waits_and_is_dead_when_its_attempts_are_spent
    a_job_given_up_is_dead_at_once
    jobs_of_one_order_key_run_one_at_a_time_in_order_of_creation
    a_dead_job_lets_the_next_of_its_order_key_pass
    higher_priority_goes_first_and_the_future_waits
    a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_heartbeat
    leases_of_a_dead_process_are_taken_back_when_it_starts
    a_handler_ends_its_job_in_its_own_transaction_or_not_at_all
    two_runners_do_every_job_once_and_each_key_in_order
    a_runner_wakes_for_a_new_job_and_for_a_retry
    a_panicking_handler_fails_its_attempt_only
    a_cancelled_handler_is_dropped
    a_stopping_runner_gives_back_what_does_not_end
}

const LEASE: Duration = Duration::from_secs(30);
/// Short enough to wait for, long enough not to be lost by accident.
const SHORT_LEASE: Duration = Duration::from_millis(60);

fn now() -> WallTime {
    WallTime::from_unix_s(1_772_359_200)
}

fn job(attempts_max: u32) -> NewJob {
    NewJob::new("work", json!({}), Retry::fixed(attempts_max, Duration::ZERO))
}

async fn made(catalog: &Catalog, job: NewJob) -> JobId {
    catalog.enqueue(job, now()).await.unwrap()
}

async fn state(catalog: &Catalog, id: JobId) -> JobState {
    catalog.job(id).await.unwrap().unwrap().state
}

async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let waited = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn claim_one(queue: &Queue, lease: Duration) -> Option<JobRow> {
    queue.claim("work", 1, lease).await.unwrap().pop()
}

fn lost<T>(result: Result<T, JobsError>) -> bool {
    matches!(result, Err(JobsError::Lost { .. }))
}

async fn a_job_is_claimed_once_and_done_once(catalog: Catalog) {
    let (one, two) = (Queue::new(catalog.clone(), "one"), Queue::new(catalog.clone(), "two"));
    let id = made(&catalog, job(3)).await;
    let held = claim_one(&one, LEASE).await.unwrap();
    assert_eq!((held.id, held.attempt, held.fence, held.owner.as_deref()), (id, 1, 1, Some("one")));
    assert!(claim_one(&two, LEASE).await.is_none() && claim_one(&one, LEASE).await.is_none());
    for percent in [40, 30] {
        one.progress(&held, percent).await.unwrap();
    }
    assert!(!one.heartbeat(&held, LEASE).await.unwrap());
    assert_eq!(catalog.job(id).await.unwrap().unwrap().progress, 40);
    one.complete(&held).await.unwrap();
    let done = catalog.job(id).await.unwrap().unwrap();
    assert_eq!((done.state, done.progress, done.owner, done.finished.is_some()), (JobState::Done, 100, None, true));
    assert!(lost(one.complete(&held).await) && lost(one.heartbeat(&held, LEASE).await));
    assert!(claim_one(&two, LEASE).await.is_none());
}

async fn a_stolen_job_cannot_be_touched_by_its_old_worker(catalog: Catalog) {
    let (one, two) = (Queue::new(catalog.clone(), "one"), Queue::new(catalog.clone(), "two"));
    let id = made(&catalog, job(3)).await;
    let old = claim_one(&one, SHORT_LEASE).await.unwrap();
    until("the lease is reaped", async || two.reap().await.unwrap() == 1).await;
    let new = claim_one(&two, LEASE).await.unwrap();
    assert_eq!((new.id, new.attempt, new.fence), (id, 2, old.fence + 1));

    assert!(lost(one.heartbeat(&old, LEASE).await) && lost(one.progress(&old, 9).await));
    assert!(lost(one.fail(&old, "late", true).await) && lost(one.release(&old).await));
    assert!(lost(one.cancelled(&old).await) && lost(one.complete(&old).await));
    assert_eq!(two.reap().await.unwrap(), 0);
    two.complete(&new).await.unwrap();
    assert_eq!(state(&catalog, id).await, JobState::Done);
}

async fn a_job_that_kills_its_workers_ends_dead(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let id = made(&catalog, job(3)).await;
    for attempt in 1..=3 {
        let held = claim_one(&queue, SHORT_LEASE).await.unwrap();
        assert_eq!(held.attempt, attempt);
        until("the lease is reaped", async || queue.reap().await.unwrap() == 1).await;
    }
    assert!(claim_one(&queue, LEASE).await.is_none());
    let dead = catalog.job(id).await.unwrap().unwrap();
    assert_eq!((dead.state, dead.attempt), (JobState::Dead, 3));
    assert!(dead.error.unwrap().contains("not heard of"));
}

async fn a_failed_job_waits_and_is_dead_when_its_attempts_are_spent(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let hour = Duration::from_secs(3_600);
    let retry = Retry { attempts_max: 2, first: hour, max: 4 * hour, even: 0 };
    let id = made(&catalog, NewJob { retry, ..job(1) }).await;
    let held = claim_one(&queue, LEASE).await.unwrap();
    queue.fail(&held, "no route", false).await.unwrap();
    let waiting = catalog.job(id).await.unwrap().unwrap();
    let wait = waiting.run_at.since(waiting.started.unwrap());
    assert!(wait >= hour && wait < 2 * hour, "{wait:?}");
    assert_eq!((waiting.state, waiting.error.as_deref()), (JobState::Ready, Some("no route")));
    assert!(claim_one(&queue, LEASE).await.is_none());

    let mut tx = catalog.begin().await.unwrap();
    Sql::new("UPDATE job SET run_at = 0 WHERE id = $1").arg(id).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let held = claim_one(&queue, LEASE).await.unwrap();
    queue.fail(&held, "still no route", false).await.unwrap();
    let dead = catalog.job(id).await.unwrap().unwrap();
    assert_eq!((dead.state, dead.attempt, dead.error.as_deref()), (JobState::Dead, 2, Some("still no route")));
}

async fn a_job_given_up_is_dead_at_once(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let id = made(&catalog, job(9)).await;
    let held = claim_one(&queue, LEASE).await.unwrap();
    queue.fail(&held, "nonsense", true).await.unwrap();
    assert_eq!(state(&catalog, id).await, JobState::Dead);
}

async fn jobs_of_one_order_key_run_one_at_a_time_in_order_of_creation(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let keyed = |key: &str, priority| NewJob { order_key: Some(key.into()), priority, ..job(5) };
    let first = made(&catalog, keyed("a", 0)).await;
    let second = made(&catalog, keyed("a", 100)).await;
    let other = made(&catalog, keyed("b", 0)).await;
    let ids = |jobs: Vec<JobRow>| jobs.iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(queue.claim("work", 10, LEASE).await.unwrap()), [first, other]);
    assert_eq!(ids(queue.claim("work", 10, LEASE).await.unwrap()), []);
    // Also while it waits for its next attempt.
    let mut held = catalog.job(first).await.unwrap().unwrap();
    held.retry = Retry::fixed(5, Duration::from_secs(3_600));
    queue.fail(&held, "later", false).await.unwrap();
    assert_eq!(ids(queue.claim("work", 10, LEASE).await.unwrap()), []);
    let mut tx = catalog.begin().await.unwrap();
    Sql::new("UPDATE job SET run_at = 0 WHERE id = $1").arg(first).run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let held = claim_one(&queue, LEASE).await.unwrap();
    assert_eq!(held.id, first);
    queue.complete(&held).await.unwrap();
    assert_eq!(ids(queue.claim("work", 10, LEASE).await.unwrap()), [second]);
}

async fn a_dead_job_lets_the_next_of_its_order_key_pass(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let keyed = || NewJob { order_key: Some("a".into()), ..job(1) };
    made(&catalog, keyed()).await;
    let second = made(&catalog, keyed()).await;
    let held = claim_one(&queue, LEASE).await.unwrap();
    queue.fail(&held, "no", false).await.unwrap();
    assert_eq!(claim_one(&queue, LEASE).await.unwrap().id, second);
}

async fn higher_priority_goes_first_and_the_future_waits(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let low = made(&catalog, NewJob { priority: -1, ..job(1) }).await;
    let high = made(&catalog, NewJob { priority: 1, ..job(1) }).await;
    made(&catalog, NewJob { priority: 9, delay: Duration::from_secs(3_600), ..job(1) }).await;
    made(&catalog, NewJob { kind: "other", ..job(1) }).await;
    let claimed = queue.claim("work", 10, LEASE).await.unwrap();
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [high, low]);
}

async fn a_waiting_job_is_cancelled_at_once_and_a_running_one_at_its_heartbeat(catalog: Catalog) {
    let queue = Queue::new(catalog.clone(), "one");
    let running = made(&catalog, job(3)).await;
    let held = claim_one(&queue, LEASE).await.unwrap();
    let waiting = made(&catalog, job(3)).await;
    assert!(queue.request_cancel(running).await.unwrap() && queue.request_cancel(waiting).await.unwrap());
    assert_eq!(state(&catalog, waiting).await, JobState::Cancelled);
    assert_eq!(state(&catalog, running).await, JobState::Running);
    assert!(queue.heartbeat(&held, LEASE).await.unwrap());
    queue.cancelled(&held).await.unwrap();
    assert_eq!(state(&catalog, running).await, JobState::Cancelled);
    assert!(!queue.request_cancel(running).await.unwrap());
}

async fn leases_of_a_dead_process_are_taken_back_when_it_starts(catalog: Catalog) {
    let (one, two) = (Queue::new(catalog.clone(), "one"), Queue::new(catalog.clone(), "two"));
    let (kept, last) = (made(&catalog, job(3)).await, made(&catalog, job(1)).await);
    let held = one.claim("work", 10, LEASE).await.unwrap();
    let foreign = made(&catalog, job(3)).await;
    assert_eq!(claim_one(&two, LEASE).await.unwrap().id, foreign);
    assert_eq!(one.take_back_own().await.unwrap(), 2);
    assert_eq!(state(&catalog, kept).await, JobState::Ready);
    assert_eq!(state(&catalog, last).await, JobState::Ready, "the end of the process is no attempt");
    assert_eq!(state(&catalog, foreign).await, JobState::Running);
    assert!(lost(one.complete(&held[0]).await));
    assert_eq!(claim_one(&one, LEASE).await.unwrap().attempt, 1);
    // A job with which the process ends again and again is not tried forever.
    for _ in 0..40 {
        one.take_back_own().await.unwrap();
        one.claim("work", 10, LEASE).await.unwrap();
    }
    assert_eq!(state(&catalog, last).await, JobState::Dead);
}

/// A handler made of a closure.
struct Work<F>(F);

impl<F, R> Handler for Work<F>
where
    F: Fn(JobRow) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Finish, Failure>> + Send,
{
    const KIND: &'static str = "work";

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        (self.0)(attempt.job.clone()).await
    }
}

struct Started {
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Started {
    fn new(catalog: &Catalog, owner: &str, handler: impl Handler, lease: Duration) -> Self {
        let shutdown = CancellationToken::new();
        let settings = RunnerSettings { drain: Duration::from_millis(50), ..RunnerSettings::new(owner) };
        let limits = KindLimits { at_once: 8, lease };
        let runner = Runner::new(catalog.clone(), settings).handle(handler, limits);
        Self { task: tokio::spawn(runner.run(shutdown.clone())), shutdown }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

async fn count(catalog: &Catalog, state: JobState) -> u64 {
    catalog.job_count("work", state).await.unwrap()
}

/// Ends its job in a transaction that also sets a setting; the first attempt then drops the transaction.
struct InTransaction(Catalog);

impl Handler for InTransaction {
    const KIND: &'static str = "work";

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let mut tx = self.0.begin().await?;
        tx.set_setting(&format!("attempt {}", attempt.job.attempt), "yes").await?;
        attempt.complete_in(&mut tx).await?;
        if attempt.job.attempt == 1 {
            return Err(Failure::Retry("changed my mind".into()));
        }
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}

async fn a_handler_ends_its_job_in_its_own_transaction_or_not_at_all(catalog: Catalog) {
    let id = made(&catalog, job(3)).await;
    let runner = Started::new(&catalog, "one", InTransaction(catalog.clone()), LEASE);
    until("done", async || state(&catalog, id).await == JobState::Done).await;
    assert_eq!(catalog.setting("attempt 1").await.unwrap(), None);
    assert_eq!(catalog.setting("attempt 2").await.unwrap().as_deref(), Some("yes"));
    assert_eq!(catalog.job(id).await.unwrap().unwrap().attempt, 2);
    runner.stop().await;
}

async fn two_runners_do_every_job_once_and_each_key_in_order(catalog: Catalog) {
    const JOBS: u32 = 120;
    let mut tx = catalog.begin().await.unwrap();
    for n in 0..JOBS {
        let order_key = Some(format!("key {}", n % 7));
        tx.enqueue(NewJob { payload: json!({ "n": n }), order_key, ..job(5) }, now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    let seen: Arc<Mutex<Vec<(String, u64)>>> = Arc::default();
    let handler = || {
        let seen = seen.clone();
        Work(move |job: JobRow| {
            let entry = (job.order_key.unwrap_or_default(), job.payload["n"].as_u64().unwrap());
            seen.lock().unwrap().push(entry);
            async { Ok(Finish::Done) }
        })
    };
    let runners = [Started::new(&catalog, "one", handler(), LEASE), Started::new(&catalog, "two", handler(), LEASE)];
    until("all done", async || count(&catalog, JobState::Done).await == u64::from(JOBS)).await;
    for runner in runners {
        runner.stop().await;
    }
    let mut by_key: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (key, n) in seen.lock().unwrap().drain(..) {
        by_key.entry(key).or_default().push(n);
    }
    assert_eq!(by_key.values().map(Vec::len).sum::<usize>(), 120);
    assert!(by_key.values().all(|ns| ns.is_sorted_by(|a, b| a < b)), "{by_key:?}");
}

async fn a_runner_wakes_for_a_new_job_and_for_a_retry(catalog: Catalog) {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let handler = Work(move |job: JobRow| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move { if job.attempt < 3 { Err(Failure::Retry("not yet".into())) } else { Ok(Finish::Done) } }
    });
    let shutdown = CancellationToken::new();
    // Polls so rarely that only being woken can explain an end in time.
    let settings = RunnerSettings { poll: Duration::from_secs(3_600), ..RunnerSettings::new("one") };
    let runner = Runner::new(catalog.clone(), settings).handle(handler, KindLimits::default());
    let task = tokio::spawn(runner.run(shutdown.clone()));
    let retry = Retry::fixed(5, Duration::from_millis(30));
    let id = made(&catalog, NewJob { retry, delay: Duration::from_millis(30), ..job(1) }).await;
    until("done", async || state(&catalog, id).await == JobState::Done).await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    shutdown.cancel();
    task.await.unwrap();
}

async fn a_panicking_handler_fails_its_attempt_only(catalog: Catalog) {
    let handler = Work(|job: JobRow| async move {
        assert!(job.payload["good"].as_bool().unwrap_or(false), "bad payload");
        Ok(Finish::Done)
    });
    let runner = Started::new(&catalog, "one", handler, LEASE);
    let bad = made(&catalog, job(2)).await;
    let good = made(&catalog, NewJob { payload: json!({ "good": true }), ..job(2) }).await;
    until("dead", async || state(&catalog, bad).await == JobState::Dead).await;
    until("done", async || state(&catalog, good).await == JobState::Done).await;
    let error = catalog.job(bad).await.unwrap().unwrap().error.unwrap();
    assert!(error.contains("panicked: bad payload"), "{error}");
    runner.stop().await;
}

/// Never ends, and notes when it is dropped.
fn endless(dropped: Arc<AtomicU32>) -> impl Handler {
    struct Noted(Arc<AtomicU32>);
    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    Work(move |_| {
        let noted = Noted(dropped.clone());
        async move {
            let _noted = noted;
            std::future::pending().await
        }
    })
}

async fn a_cancelled_handler_is_dropped(catalog: Catalog) {
    let dropped = Arc::new(AtomicU32::new(0));
    // No heartbeat comes before the test has given up.
    let runner = Started::new(&catalog, "one", endless(dropped.clone()), Duration::from_secs(600));
    let id = made(&catalog, job(3)).await;
    until("running", async || state(&catalog, id).await == JobState::Running).await;
    Queue::new(catalog.clone(), "console").request_cancel(id).await.unwrap();
    until("cancelled", async || state(&catalog, id).await == JobState::Cancelled).await;
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    runner.stop().await;
}

async fn a_stopping_runner_gives_back_what_does_not_end(catalog: Catalog) {
    let dropped = Arc::new(AtomicU32::new(0));
    let runner = Started::new(&catalog, "one", endless(dropped.clone()), LEASE);
    let id = made(&catalog, job(1)).await;
    until("running", async || state(&catalog, id).await == JobState::Running).await;
    runner.stop().await;
    let row = catalog.job(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.attempt, dropped.load(Ordering::SeqCst)), (JobState::Ready, 0, 1));
    assert_eq!(claim_one(&Queue::new(catalog, "two"), LEASE).await.unwrap().attempt, 1);
}
