//! The two clocks of this service.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use units::{Mono, WallTime};

/// Counts from the start of the service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub(crate) fn mono(self) -> Mono {
        Mono(self.started.elapsed())
    }

    pub(crate) fn wall(self) -> WallTime {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        WallTime::from_unix_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// The instant of a point of the monotonic clock.
    pub(crate) fn instant(self, at: Mono) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started + at.0)
    }
}
