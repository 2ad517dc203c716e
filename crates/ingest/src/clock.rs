//! The two clocks of the service.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use units::{Mono, WallTime};

/// A deadline that is never meant to come, some 30 years from now.
const NEVER: Duration = Duration::from_secs(1_000_000_000);

/// Counts from the start of the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(self) -> Mono {
        Mono(self.start.elapsed())
    }

    /// The instant of a deadline, for the timers of the runtime.
    pub(crate) fn instant(self, at: Mono) -> Instant {
        self.start.checked_add(at.0.min(NEVER)).unwrap_or_else(Instant::now)
    }
}

/// The wall clock, for labels.
pub(crate) fn wall() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
