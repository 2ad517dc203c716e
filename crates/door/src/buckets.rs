//! Who comes too often: buckets that fill with time, in the memory of this process (decision 0039).
//!
//! The time is passed in. A bucket is one number: the moment at which it is full again (the generic cell rate algorithm, as in
//! ITU-T I.371). One that is full is as good as none, so that only those who have come lately are remembered.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use units::Mono;

/// Most that are remembered. Strangers make buckets by their addresses: beyond this all are forgotten, which only is kind to them.
const BUCKETS_MAX: usize = 65_536;

/// For how long somebody who came too often has to wait.
pub type Wait = Duration;

/// A bucket for everybody who comes.
#[derive(Debug)]
pub struct Buckets {
    /// One more drops in after this time.
    interval: Duration,
    /// In which an empty one is full.
    whole: Duration,
    full_at: Mutex<HashMap<String, Mono>>,
}

impl Buckets {
    /// `count` each `period`, and `burst` at once; `None` for no limit.
    pub fn new(count: u32, period: Duration, burst: u32) -> Option<Self> {
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

    /// Whether `who` may come.
    ///
    /// # Errors
    /// How long he has to wait.
    pub fn look(&self, who: &str, now: Mono) -> Result<(), Wait> {
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.after_one(full_at.get(who), now).map(drop)
    }

    /// `who` comes.
    ///
    /// # Errors
    /// How long he has to wait; nothing is taken then.
    pub fn take(&self, who: &str, now: Mono) -> Result<(), Wait> {
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
