//! Timestamps that do not wrap.

/// The period of the specification (§5.3.1: 32 bits of milliseconds, 49.7 days).
const PERIOD: i64 = 1 << 32;
/// FFmpeg masks to 31 bits on its way through FLV, so its streams wrap after 24.8 days.
const PERIOD_MASKED: i64 = 1 << 31;

/// Turns 32-bit timestamps into ones that go on across wraps: always the candidate nearest to the one before.
#[derive(Clone, Copy, Default, Debug)]
pub struct Unwrap {
    last: Option<i64>,
}

impl Unwrap {
    /// Begins at the place of another track, so that a track whose first sample comes after a wrap is not days behind.
    pub fn follow(&mut self, other: Unwrap) {
        if self.last.is_none() {
            self.last = other.last;
        }
    }

    /// The next timestamp of the track, unwrapped.
    pub fn next(&mut self, timestamp: u32) -> i64 {
        let raw = i64::from(timestamp);
        let next = match self.last {
            None => raw,
            Some(last) => {
                let whole = nearest(raw, PERIOD, last);
                let masked = nearest(raw, PERIOD_MASKED, last);
                // A masked sender never shows the top bit.
                let take_masked = raw < PERIOD_MASKED && (masked - last).abs() < (whole - last).abs();
                if take_masked { masked } else { whole }
            }
        };
        self.last = Some(next);
        next
    }
}

/// The number congruent to `raw` modulo `period` that lies nearest to `last`.
fn nearest(raw: i64, period: i64, last: i64) -> i64 {
    let ahead = (raw - last).rem_euclid(period);
    if ahead > period / 2 { last + ahead - period } else { last + ahead }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unwrap_all(timestamps: impl IntoIterator<Item = u32>) -> Vec<i64> {
        let mut unwrap = Unwrap::default();
        timestamps.into_iter().map(|timestamp| unwrap.next(timestamp)).collect()
    }

    #[test]
    fn a_wrap_at_32_bits_goes_on() {
        assert_eq!(unwrap_all([0xffff_fff0, 8]), [0xffff_fff0, 0x1_0000_0008]);
    }

    #[test]
    fn the_masked_wrap_of_ffmpeg_goes_on_too() {
        assert_eq!(unwrap_all([2_147_483_623, 19, 40]), [2_147_483_623, 2_147_483_667, 2_147_483_688]);
    }

    #[test]
    fn crossing_the_masked_period_without_masking_is_no_wrap() {
        assert_eq!(unwrap_all([0x7fff_fff0, 0x8000_0010]), [0x7fff_fff0, 0x8000_0010]);
    }

    #[test]
    fn steps_back_stay_steps_back() {
        assert_eq!(unwrap_all([5_000, 0, 4_000, 36_000_000]), [5_000, 0, 4_000, 36_000_000]);
    }

    #[test]
    fn a_track_that_begins_after_the_wrap_follows_the_other() {
        let (mut audio, mut video) = (Unwrap::default(), Unwrap::default());
        audio.next(0xffff_fff0);
        video.follow(audio);
        assert_eq!(video.next(5), 0x1_0000_0005);
    }

    proptest! {
        #[test]
        fn a_hundred_days_at_any_pace_are_followed(
            start in any::<u32>(), steps in prop::collection::vec(0i64..80_000_000, 1..200), masked in any::<bool>(),
        ) {
            let period = if masked { PERIOD_MASKED } else { PERIOD };
            let start = i64::from(start) % period;
            let truth: Vec<i64> = std::iter::once(start)
                .chain(steps.iter().scan(start, |at, step| { *at += step; Some(*at) }))
                .collect();
            let sent = truth.iter().map(|at| u32::try_from(at % period).unwrap());
            prop_assert_eq!(unwrap_all(sent), truth);
        }
    }
}
