//! Whether one push more would hurt the running ones.
//!
//! A push that is let in begins to cost at once, but is measured a moment later. So each holds a reserve, the mean cost of
//! the pushes that run, until the measure has it; and a push that finds no room waits a little for its turn rather than
//! being refused for a moment's load.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{Gauge, gauge};
use tokio::runtime::{Handle, RuntimeMetrics};
use tokio::sync::{Mutex as Turns, Notify};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Node;

/// How late the runtime may wake a timer, as the mean of the last half second: past it the processor is full, and streams begin to
/// be read late. A machine that is merely busy stays below 20 ms.
pub const LAG_MAX: Duration = Duration::from_millis(100);
/// Bytes that may wait for the recorder over all pushes: a second of 500 streams at 2 Mb/s. Past it the disk does not follow.
pub const BACKLOG_BYTES_MAX: usize = 128 * 1024 * 1024;
/// How long a push may wait for room before it is refused. Publishers wait at least 5 s for the answer to a publish.
pub const ROOM_WAIT: Duration = Duration::from_secs(3);
/// How often is measured.
const MEASURE_EVERY: Duration = Duration::from_millis(100);
/// Measures that make a mean.
const MEASURES: usize = 5;
/// How long an admitted push holds its reserve: until the mean has it whole.
const RESERVE_HELD: Duration = Duration::from_millis(600);
/// The least that a push is taken to cost, as a share of one of the runtime's threads: 2000 on a thread.
const COST_MIN: f64 = 0.000_5;

/// What was measured, and what was let in since.
#[derive(Debug, Default)]
struct Measured {
    /// The newest measures: lateness of a timer, and the share of the time in which the runtime's threads were busy.
    measures: VecDeque<(Duration, f64)>,
    backlog: usize,
    /// When the pushes were let in that the measures do not know yet.
    admitted: VecDeque<Instant>,
    threads: u32,
}

impl Measured {
    fn note(&mut self, lag: Duration, busy: f64, backlog: usize) {
        if self.measures.len() == MEASURES {
            self.measures.pop_front();
        }
        self.measures.push_back((lag, busy));
        self.backlog = backlog;
    }

    fn lag(&self) -> Duration {
        // Divided by the full number, so that the first measures after a start weigh no more than others.
        self.measures.iter().map(|(lag, _)| *lag).sum::<Duration>() / u32::try_from(MEASURES).unwrap_or(1)
    }

    fn busy(&self) -> f64 {
        let sum: f64 = self.measures.iter().map(|(_, busy)| *busy).sum();
        sum / f64::from(u32::try_from(self.measures.len().max(1)).unwrap_or(1))
    }

    /// The share of the time in which the threads will be busy with one push more, beside the `live` ones.
    fn expected(&mut self, now: Instant, live: usize) -> f64 {
        while self.admitted.front().is_some_and(|at| now.duration_since(*at) > RESERVE_HELD) {
            self.admitted.pop_front();
        }
        let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let least = COST_MIN / f64::from(self.threads.max(1));
        let cost = (self.busy() / count(live.max(1))).max(least);
        // With few pushes the work of admission itself is most of what is measured: no one push costs this much.
        let cost = cost.min(least * COST_RANGE);
        self.busy() + cost * count(self.admitted.len() + 1)
    }
}

/// The most that a push is taken to cost, in [`COST_MIN`]: 20 on a thread, a 60 Mb/s stream.
const COST_RANGE: f64 = 100.0;

/// The verdict.
#[derive(Debug, Default)]
pub(crate) struct Load {
    measured: Mutex<Measured>,
    /// A new measure is there.
    news: Notify,
    /// Pushes find room in the order in which they came.
    turns: Turns<()>,
}

impl Load {
    /// Waits for room beside the `live` pushes, `wait` at most; whether there is. Room that was found is reserved.
    pub(crate) async fn room(&self, busy_max: f64, wait: Duration, live: impl Fn() -> usize) -> bool {
        let found = async {
            let _turn = self.turns.lock().await;
            loop {
                let news = self.news.notified();
                if self.reserve(busy_max, live()) {
                    return;
                }
                news.await;
            }
        };
        timeout(wait, found).await.is_ok()
    }

    fn reserve(&self, busy_max: f64, live: usize) -> bool {
        let now = Instant::now();
        let mut measured = self.lock();
        let over = measured.lag() > LAG_MAX || measured.backlog > BACKLOG_BYTES_MAX;
        if over || measured.expected(now, live) > busy_max {
            return false;
        }
        measured.admitted.push_back(now);
        true
    }

    /// The state is whole after every statement that changes it.
    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures until `stop`.
pub(crate) async fn watch(node: Arc<Node>, stop: CancellationToken) {
    let gauges = Gauges::new();
    let runtime = Handle::current().metrics();
    let threads = runtime.num_workers();
    node.load.lock().threads = u32::try_from(threads).unwrap_or(1);
    let mut before = (Instant::now(), busy_time(&runtime, threads));
    loop {
        let due = Instant::now() + MEASURE_EVERY;
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(MEASURE_EVERY) => {}
        }
        let now = (Instant::now(), busy_time(&runtime, threads));
        let passed = now.0.duration_since(before.0) * u32::try_from(threads).unwrap_or(1);
        let busy = now.1.saturating_sub(before.1).as_secs_f64() / passed.as_secs_f64().max(f64::EPSILON);
        before = now;
        let (lag, backlog) = (now.0.duration_since(due), node.hub.queued_bytes());
        let (lag, busy) = {
            let mut measured = node.load.lock();
            measured.note(lag, busy.min(1.0), backlog);
            (measured.lag(), measured.busy())
        };
        gauges.set(lag, busy, backlog);
        node.load.news.notify_waiters();
    }
}

/// How long the runtime's threads were not idle, since it began.
fn busy_time(runtime: &RuntimeMetrics, threads: usize) -> Duration {
    (0..threads).map(|thread| runtime.worker_total_busy_duration(thread)).sum()
}

struct Gauges {
    lag: Gauge,
    busy: Gauge,
    backlog: Gauge,
}

impl Gauges {
    fn new() -> Self {
        Self {
            lag: gauge!("ingest_event_loop_lag_seconds"),
            busy: gauge!("ingest_busy_ratio"),
            backlog: gauge!("ingest_backlog_bytes"),
        }
    }

    fn set(&self, lag: Duration, busy: f64, backlog: usize) {
        self.lag.set(lag.as_secs_f64());
        self.busy.set(busy);
        self.backlog.set(f64::from(u32::try_from(backlog).unwrap_or(u32::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(lag_ms: u64, busy: f64, backlog: usize) -> Load {
        let load = Load::default();
        for _ in 0..MEASURES {
            load.lock().note(Duration::from_millis(lag_ms), busy, backlog);
        }
        load.lock().threads = 1;
        load
    }

    fn admitted(load: &Load, live: usize) -> usize {
        (0..10_000).take_while(|more| load.reserve(0.8, live + more)).count()
    }

    #[test]
    fn constant_lag_is_an_overload_and_one_long_pause_is_none() {
        assert!(!measured(101, 0.0, 0).reserve(0.8, 0));
        let once = measured(0, 0.0, 0);
        once.lock().note(Duration::from_millis(450), 0.1, 0);
        assert!(once.reserve(0.8, 0));
    }

    #[test]
    fn a_backlog_past_the_bound_is_an_overload() {
        assert!(measured(0, 0.0, BACKLOG_BYTES_MAX).reserve(0.8, 0));
        assert!(!measured(0, 0.0, BACKLOG_BYTES_MAX + 1).reserve(0.8, 0));
    }

    #[test]
    fn pushes_that_are_not_measured_yet_count_as_much_as_the_others() {
        // 700 at 0.7: a thousandth each; some hundred more fill the thread to 0.8.
        let more = admitted(&measured(0, 0.7, 0), 700);
        assert!((90..=125).contains(&more), "{more}");
    }

    #[test]
    fn an_idle_server_takes_a_thousand_at_once() {
        assert!(admitted(&measured(0, 0.0, 0), 0) >= 1_000);
    }

    #[test]
    fn the_first_pushes_are_not_judged_by_the_work_of_admitting_them() {
        assert!(admitted(&measured(0, 0.3, 0), 1) >= 10);
    }

    #[tokio::test]
    async fn a_push_that_finds_no_room_in_time_is_refused() {
        assert!(!measured(0, 0.9, 0).room(0.8, Duration::from_millis(20), || 1).await);
    }

    #[tokio::test]
    async fn a_push_that_waits_is_let_in_when_the_load_falls() {
        let load = Arc::new(measured(0, 0.9, 0));
        let waiting = tokio::spawn({
            let load = Arc::clone(&load);
            async move { load.room(0.8, Duration::from_secs(3600), || 1).await }
        });
        while !waiting.is_finished() {
            load.lock().note(Duration::ZERO, 0.1, 0);
            load.news.notify_waiters();
            tokio::task::yield_now().await;
        }
        assert!(waiting.await.unwrap());
    }
}
