//! How much of an edge one domain gets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What domains get. The set of domains is that of the catalog, so it does not grow by what viewers write.
pub(crate) struct Limits {
    requests_max: usize,
    bytes_per_second: u64,
    domains: Mutex<HashMap<String, Arc<Domain>>>,
}

struct Domain {
    seats: Arc<Semaphore>,
    /// When what was promised will have been sent.
    free_at: Mutex<Instant>,
    bytes_per_second: u64,
}

/// A request that is being answered.
pub(crate) struct Seat {
    domain: Arc<Domain>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Limits {
    /// 0 is no limit.
    pub(crate) fn new(requests_max: u32, bytes_per_second: u64) -> Self {
        let requests_max = usize::try_from(requests_max).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { requests_max, bytes_per_second, domains: Mutex::default() }
    }

    /// A seat for one request of a domain. `Ok(None)`: there are no limits.
    ///
    /// Errors: the domain has as many as it may.
    pub(crate) fn enter(&self, domain: &str) -> Result<Option<Seat>, Full> {
        if self.requests_max == 0 && self.bytes_per_second == 0 {
            return Ok(None);
        }
        let domain = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(domains.entry(domain.to_owned()).or_insert_with(|| {
                Arc::new(Domain {
                    seats: Arc::new(Semaphore::new(self.requests_max)),
                    free_at: Mutex::new(Instant::now()),
                    bytes_per_second: self.bytes_per_second,
                })
            }))
        };
        let permit = match self.requests_max {
            0 => None,
            _ => Some(Arc::clone(&domain.seats).try_acquire_owned().map_err(|_| Full)?),
        };
        Ok(Some(Seat { domain, _permit: permit }))
    }
}

/// A domain has as many requests as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

impl Seat {
    /// How long to wait before so many bytes are sent, so that all requests of the domain together keep its rate.
    pub(crate) fn wait(&self, bytes: usize, now: Instant) -> Duration {
        let Some(nanos) = u128::try_from(bytes)
            .unwrap_or(u128::MAX)
            .saturating_mul(1_000_000_000)
            .checked_div(u128::from(self.domain.bytes_per_second))
        else {
            return Duration::ZERO;
        };
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut free_at = self.domain.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = (*free_at).max(now);
        *free_at = begin + takes;
        begin.duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_its_seats_and_no_more_and_gets_them_back() {
        let limits = Limits::new(2, 0);
        let seats = [limits.enter("a").unwrap(), limits.enter("a").unwrap()];
        assert!(limits.enter("a").is_err());
        assert!(limits.enter("b").is_ok(), "another has its own");
        drop(seats);
        assert!(limits.enter("a").is_ok());
        assert!(Limits::new(0, 0).enter("a").unwrap().is_none());
    }

    #[test]
    fn all_requests_of_a_domain_share_its_rate() {
        let limits = Limits::new(0, 1_000);
        let [one, two] = ["a", "a"].map(|domain| limits.enter(domain).unwrap().unwrap());
        let other = limits.enter("b").unwrap().unwrap();
        let now = Instant::now();
        assert_eq!(one.wait(500, now), Duration::ZERO);
        assert_eq!(two.wait(500, now), Duration::from_millis(500));
        assert_eq!(one.wait(1, now), Duration::from_secs(1));
        assert_eq!(other.wait(1, now), Duration::ZERO);
        assert_eq!(one.wait(1, now + Duration::from_secs(5)), Duration::ZERO, "what was not used is lost");
        let free = Limits::new(1, 0).enter("a").unwrap().unwrap();
        let now = Instant::now();
        assert_eq!((free.wait(1 << 30, now), free.wait(1, now)), (Duration::ZERO, Duration::ZERO));
    }
}
