//! How long a failed job waits.

use std::time::Duration;

use catalog::Retry;
use units::JobId;

/// The jitter of an exponential wait, at most a quarter of it: enough that jobs which failed together do not come back
/// together.
const JITTER_PARTS: u32 = 4;

/// The wait before the attempt after `attempt` (from 1). It doubles from `retry.first` to `retry.max`, plus up to a
/// quarter that follows from the job and the attempt; a fixed interval, and the waits before it doubles, stay exact.
pub(crate) fn wait(retry: Retry, attempt: u32, job: JobId) -> Duration {
    if retry.max <= retry.first || attempt <= retry.even {
        return retry.first;
    }
    let doubled = retry.first.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(retry.even.max(1))));
    let wait = doubled.min(retry.max);
    wait.saturating_add((wait / JITTER_PARTS).mul_f64(share(job, attempt)))
}

/// 0 to 1, spread evenly over jobs and attempts (the finaliser of MurmurHash3).
fn share(job: JobId, attempt: u32) -> f64 {
    let [a, b, c, d] = [0, 32, 64, 96].map(|shift| job.as_u128() >> shift & 0xffff_ffff);
    let mut bits = u32::try_from(a ^ b ^ c ^ d).unwrap_or(0).wrapping_add(attempt.wrapping_mul(0x9e37_79b9));
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x85eb_ca6b);
    bits = (bits ^ (bits >> 13)).wrapping_mul(0xc2b2_ae35);
    f64::from(bits ^ (bits >> 16)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry =
        Retry { attempts_max: 50, first: Duration::from_secs(1), max: Duration::from_secs(60), even: 0 };

    #[test]
    fn the_wait_doubles_up_to_its_limit_with_at_most_a_quarter_more() {
        for (attempt, base) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60)] {
            for job in 0..100 {
                let wait = wait(RETRY, attempt, JobId::from_u128(job));
                let base = Duration::from_secs(base);
                assert!(wait >= base && wait <= base + base / 4, "attempt {attempt}: {wait:?}");
            }
        }
    }

    #[test]
    fn jobs_that_failed_together_come_back_apart() {
        let mut waits: Vec<_> = (0..100).map(|job| wait(RETRY, 5, JobId::from_u128(job))).collect();
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 90, "{}", waits.len());
    }

    #[test]
    fn the_first_waits_may_be_even_before_they_grow() {
        let retry = Retry { even: 2, ..RETRY };
        for (attempt, base) in [(1, 1), (2, 1), (3, 2), (4, 4), (8, 60)] {
            let (wait, base) = (wait(retry, attempt, JobId::from_u128(7)), Duration::from_secs(base));
            let most = if attempt <= 2 { base } else { base + base / 4 };
            assert!(wait >= base && wait <= most, "attempt {attempt}: {wait:?}");
        }
    }

    #[test]
    fn a_fixed_interval_is_exact() {
        let fixed = Retry::fixed(3, Duration::from_secs(1));
        assert!((1..5).all(|attempt| wait(fixed, attempt, JobId::from_u128(9)) == fixed.first));
    }
}
