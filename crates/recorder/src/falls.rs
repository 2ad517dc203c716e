//! How often the task of a stream has panicked, and what follows.

use std::time::Duration;

use units::Mono;

/// Panics after which a push is not recorded any more: what fails this often does not mend by itself.
const FALLS_MAX: u32 = 4;
/// Pause before the recording is taken up again; twice as long after each further panic.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A stream that goes well for so long begins to count anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// The panics of one stream's task.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Falls {
    count: u32,
    last: Option<Mono>,
}

impl Falls {
    /// Counts one.
    pub(crate) fn note(&mut self, now: Mono) {
        if self.last.is_some_and(|last| now.since(last) > FORGOTTEN_AFTER) {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
    }

    /// The push that is there is given up.
    pub(crate) const fn are_too_many(&self) -> bool {
        self.count > FALLS_MAX
    }

    /// How long to wait before the recording is taken up again.
    pub(crate) fn pause(&self) -> Duration {
        let doublings = self.count.saturating_sub(1).min(16);
        PAUSE_FIRST.saturating_mul(1 << doublings).min(PAUSE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_get_longer_and_panics_that_follow_each_other_too_many() {
        let mut falls = Falls::default();
        let mut seen = Vec::new();
        for second in 0..9 {
            falls.note(Mono(Duration::from_secs(second)));
            seen.push((falls.pause().as_millis(), falls.are_too_many()));
        }
        let few = [(100, false), (200, false), (400, false), (800, false)];
        let many = [(1_600, true), (3_200, true), (6_400, true), (10_000, true), (10_000, true)];
        assert_eq!(seen, [&few[..], &many].concat());
        falls.note(Mono(Duration::from_secs(609)));
        assert_eq!((falls.pause().as_millis(), falls.are_too_many()), (100, false));
    }
}
