//! How often somebody may ask: buckets that fill with time, in the memory of this process (decision 0039).
//!
//! The time is passed in. A bucket is one number: the moment at which it is full again (the generic cell rate algorithm, as in
//! ITU-T I.371). One that is full is as good as none, so that only those who have asked lately are remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use units::Mono;

use crate::access::Effect;

/// Most that are remembered. Strangers make buckets by their addresses: beyond this all are forgotten, which only is kind to them.
const BUCKETS_MAX: usize = 65_536;
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

/// For how long somebody who asked too often has to wait.
pub(crate) type Wait = Duration;

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

#[derive(Debug)]
struct Buckets {
    /// One more drops in after this time.
    interval: Duration,
    /// In which an empty one is full.
    whole: Duration,
    full_at: Mutex<HashMap<String, Mono>>,
}

impl Buckets {
    /// `count` each `period`, and `burst` at once; `None` for no limit.
    fn new(count: u32, period: Duration, burst: u32) -> Option<Self> {
        let interval = period.checked_div(count)?;
        Some(Self { interval, whole: interval.saturating_mul(burst.max(1)), full_at: Mutex::default() })
    }

    /// When the bucket would be full after one more, or how long that has to wait.
    fn after_one(&self, full_at: Option<&Mono>, now: Mono) -> Result<Mono, Wait> {
        let next = full_at.copied().unwrap_or(now).max(now).after(self.interval);
        match next.since(now).checked_sub(self.whole) {
            Some(missing) if !missing.is_zero() => Err(missing),
            _ => Ok(next),
        }
    }

    fn look(&self, who: &str, now: Mono) -> Result<(), Wait> {
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.after_one(full_at.get(who), now).map(drop)
    }

    fn take(&self, who: &str, now: Mono) -> Result<(), Wait> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.after_one(full_at.get(who), now)?;
        if full_at.len() >= BUCKETS_MAX && !full_at.contains_key(who) {
            full_at.retain(|_, full_at| *full_at > now);
            if full_at.len() >= BUCKETS_MAX {
                full_at.clear();
            }
        }
        full_at.insert(who.to_owned(), next);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Mono {
        Mono(Duration::from_millis(millis))
    }

    fn taken(buckets: &Buckets, who: &str, now: Mono) -> usize {
        (0..1_000).take_while(|_| buckets.take(who, now).is_ok()).count()
    }

    #[test]
    fn a_burst_is_let_through_and_then_one_each_interval() {
        let buckets = Buckets::new(4, Duration::from_secs(1), 40).unwrap();
        assert_eq!(taken(&buckets, "a", at(0)), 40);
        assert_eq!(buckets.take("a", at(0)), Err(Duration::from_millis(250)));
        assert_eq!(buckets.take("a", at(249)), Err(Duration::from_millis(1)));
        assert_eq!(taken(&buckets, "a", at(250)), 1);
        assert_eq!(taken(&buckets, "a", at(1_250)), 4);
        assert_eq!(taken(&buckets, "a", at(60_000)), 40, "it does not get more than full");
        assert_eq!(taken(&buckets, "b", at(60_000)), 40, "everybody has one of his own");
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

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let buckets = Buckets::new(1, Duration::from_secs(1), 1).unwrap();
        for number in 0..BUCKETS_MAX * 2 {
            assert_eq!(buckets.take(&number.to_string(), at(0)), Ok(()));
            assert!(buckets.full_at.lock().unwrap().len() <= BUCKETS_MAX);
        }
        // Those that are full again go first.
        assert_eq!(buckets.take("last", at(10_000)), Ok(()));
        assert_eq!(buckets.full_at.lock().unwrap().len(), 1);
    }

    proptest! {
        #[test]
        fn no_schedule_gets_more_than_the_burst_and_the_rate(waits in prop::collection::vec(0u64..700, 1..300)) {
            let buckets = Buckets::new(5, Duration::from_secs(1), 20).unwrap();
            let (mut now, mut let_through) = (0, 0u64);
            for wait in waits {
                now += wait;
                let_through += u64::from(buckets.take("a", at(now)).is_ok());
                prop_assert!(let_through <= 20 + now / 200, "{let_through} after {now} ms");
            }
        }
    }
}
