//! How often somebody may ask (decision 0039).

use std::time::Duration;

use door::{Buckets, Wait};
use units::Mono;

use crate::access::Effect;

/// A key may ask for so many seconds' worth at once.
const BURST_SECONDS: u32 = 10;

/// How often a key may ask, and how often somebody may fail to sign. 0: as often as he likes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Limits {
    /// Calls of one key that only read; ten seconds' worth may come at once.
    pub reads_per_second: u32,
    /// Calls of one key that write; ten seconds' worth may come at once.
    pub writes_per_second: u32,
    /// Wrong signatures of one address for one key, and unknown keys of one address; a minute's worth may come at once.
    pub failures_per_minute: u32,
}

/// The buckets of everybody.
#[derive(Debug)]
pub(crate) struct Throttle {
    reads: Option<Buckets>,
    writes: Option<Buckets>,
    failures: Option<Buckets>,
}

impl Throttle {
    pub(crate) fn new(limits: Limits) -> Self {
        let second = |count: u32| Buckets::new(count, Duration::from_secs(1), count.saturating_mul(BURST_SECONDS));
        Self {
            reads: second(limits.reads_per_second),
            writes: second(limits.writes_per_second),
            failures: Buckets::new(limits.failures_per_minute, Duration::from_secs(60), limits.failures_per_minute),
        }
    }

    /// A believed key calls.
    pub(crate) fn call(&self, key: &str, effect: Effect, now: Mono) -> Result<(), Wait> {
        let buckets = match effect {
            Effect::Reads => &self.reads,
            Effect::Writes => &self.writes,
        };
        buckets.as_ref().map_or(Ok(()), |buckets| buckets.take(key, now))
    }

    /// May `who` still try to sign?
    pub(crate) fn may_fail(&self, who: &str, now: Mono) -> Result<(), Wait> {
        self.failures.as_ref().map_or(Ok(()), |buckets| buckets.look(who, now))
    }

    /// `who` has failed to sign.
    pub(crate) fn failed(&self, who: &str, now: Mono) {
        if let Some(buckets) = &self.failures {
            // One that has failed too often already was refused before.
            let _ = buckets.take(who, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono(Duration::from_millis(millis))
    }

    #[test]
    fn looking_takes_nothing() {
        let throttle = Throttle::new(Limits { failures_per_minute: 2, ..Limits::default() });
        for _ in 0..10 {
            assert_eq!(throttle.may_fail("a", at(0)), Ok(()));
        }
        throttle.failed("a", at(0));
        throttle.failed("a", at(0));
        assert_eq!(throttle.may_fail("a", at(0)), Err(Duration::from_secs(30)));
        assert_eq!(throttle.may_fail("b", at(0)), Ok(()));
        assert_eq!(throttle.may_fail("a", at(30_000)), Ok(()));
    }

    #[test]
    fn reading_and_writing_are_counted_apart_and_zero_is_no_limit() {
        let throttle = Throttle::new(Limits { writes_per_second: 1, ..Limits::default() });
        for _ in 0..10 {
            assert_eq!(throttle.call("a", Effect::Writes, at(0)), Ok(()));
        }
        assert_eq!(throttle.call("a", Effect::Writes, at(0)), Err(Duration::from_secs(1)));
        for _ in 0..10_000 {
            assert_eq!(throttle.call("a", Effect::Reads, at(0)), Ok(()));
        }
    }
}
