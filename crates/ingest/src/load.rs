//! Whether one push more would hurt the running ones.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::gauge;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::Node;

/// How late the runtime may wake a timer, as the mean of the last second: past it the processor is full, and streams begin
/// to be read late. A machine that is merely busy stays below 20 ms.
pub const LAG_MAX: Duration = Duration::from_millis(100);
/// Bytes that may wait for the recorder over all pushes: a second of 500 streams at 2 Mb/s. Past it the disk does not follow.
pub const BACKLOG_BYTES_MAX: usize = 128 * 1024 * 1024;
/// How often the lag is measured, and how many measures make the mean.
const MEASURE_EVERY: Duration = Duration::from_millis(100);
const MEASURES: usize = 10;

/// The verdict, kept by [`watch`].
#[derive(Debug, Default)]
pub(crate) struct Load {
    overloaded: AtomicBool,
}

impl Load {
    pub(crate) fn is_over(&self) -> bool {
        self.overloaded.load(Ordering::Relaxed)
    }

    fn set(&self, overloaded: bool) {
        if self.overloaded.swap(overloaded, Ordering::Relaxed) != overloaded {
            tracing::warn!(overloaded, "capacity for new pushes changed");
        }
    }
}

/// Measures until `stop`.
pub(crate) async fn watch(node: Arc<Node>, stop: CancellationToken) {
    let mut lags = VecDeque::with_capacity(MEASURES);
    let (lag_gauge, backlog_gauge) = (gauge!("ingest_event_loop_lag_seconds"), gauge!("ingest_backlog_bytes"));
    loop {
        let due = Instant::now() + MEASURE_EVERY;
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(MEASURE_EVERY) => {}
        }
        if lags.len() == MEASURES {
            lags.pop_front();
        }
        lags.push_back(due.elapsed());
        let backlog = node.hub.queued_bytes();
        let lag = mean(&lags);
        lag_gauge.set(lag.as_secs_f64());
        backlog_gauge.set(f64::from(u32::try_from(backlog).unwrap_or(u32::MAX)));
        node.load.set(is_over(lag, backlog));
    }
}

fn mean(lags: &VecDeque<Duration>) -> Duration {
    // Divided by the full number, so that the first measures after a start weigh no more than others.
    lags.iter().sum::<Duration>() / u32::try_from(MEASURES).unwrap_or(1)
}

fn is_over(lag: Duration, backlog: usize) -> bool {
    lag > LAG_MAX || backlog > BACKLOG_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_long_pause_is_no_overload_and_constant_lag_is() {
        let once = VecDeque::from([Duration::from_millis(900)]);
        assert!(!is_over(mean(&once), 0));
        let always = VecDeque::from([Duration::from_millis(101); MEASURES]);
        assert!(is_over(mean(&always), 0));
    }

    #[test]
    fn a_backlog_past_the_bound_is_an_overload() {
        assert!(!is_over(Duration::ZERO, BACKLOG_BYTES_MAX));
        assert!(is_over(Duration::ZERO, BACKLOG_BYTES_MAX + 1));
    }
}
