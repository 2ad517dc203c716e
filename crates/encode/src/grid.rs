//! Another rate than the source's: pictures lie on a grid that begins where the stretch does.
//!
//! Which picture of the source is shown at which place follows from times alone, so every chunk knows where its places are, and no
//! picture is lost or shown twice where two meet. A segment in which there is no place has one where it begins: each begins with
//! a key frame.

use serde::{Deserialize, Serialize};

/// 90 kHz ticks of a second.
const TICKS: i128 = 90_000;

/// Pictures per second, as a fraction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Fps {
    /// Pictures in `denominator` seconds; above 0.
    pub numerator: u32,
    /// Seconds of `numerator` pictures; above 0.
    pub denominator: u32,
}

impl Fps {
    /// The most there may be.
    pub const MAX: u32 = 60;

    /// Reads a number above 0, at most [`Fps::MAX`], with at most three digits after the point. Numbers that stand for a fraction of
    /// 1001 are taken for it: 23.976, 29.97, 59.94.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 3 || fraction.len() > 3 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let milli: u32 = format!("{whole}{fraction:0<3}").parse().ok()?;
        if milli == 0 || milli > Self::MAX * 1_000 {
            return None;
        }
        let ntsc = [24_000u32, 30_000, 60_000].into_iter().find(|nominal| {
            let exact = nominal * 1_000 / 1_001;
            // 23.97, 23.976 and 23.98 all mean the same.
            milli.abs_diff(exact) <= 6 && !milli.is_multiple_of(1_000)
        });
        if let Some(numerator) = ntsc {
            return Some(Self { numerator, denominator: 1_001 });
        }
        let common = gcd(milli, 1_000);
        Some(Self { numerator: milli / common, denominator: 1_000 / common })
    }

    /// How long a picture is shown, in 90 kHz ticks, rounded to the nearest.
    pub fn picture_ticks(self) -> i64 {
        self.place(1)
    }

    /// Where the `number`th place lies, in 90 kHz ticks from the first, rounded to the nearest.
    fn place(self, number: i64) -> i64 {
        let (above, below) = (i128::from(number) * TICKS * i128::from(self.denominator), i128::from(self.numerator));
        i64::try_from((above * 2 + below).div_euclid(below * 2)).unwrap_or(i64::MAX)
    }

    /// The number of the first place at or after so many ticks from the first.
    fn first_at(self, ticks: i64) -> i64 {
        let per = TICKS * i128::from(self.denominator);
        let about = (i128::from(ticks) * i128::from(self.numerator)).div_euclid(per);
        let mut number = i64::try_from(about).unwrap_or(i64::MAX).saturating_sub(1).max(0);
        while self.place(number) < ticks {
            number += 1;
        }
        number
    }

    /// When pictures are shown in a segment from `begin` to `end`, on the grid that begins at `anchor`: at least once.
    pub fn times(self, anchor: i64, begin: i64, end: i64) -> Vec<i64> {
        let mut times: Vec<i64> = self.places(anchor, begin).take_while(|at| *at < end).collect();
        if times.is_empty() {
            times.push(begin);
        }
        times
    }

    /// When the first picture is shown at or after `at`.
    pub fn next(self, anchor: i64, at: i64) -> i64 {
        self.places(anchor, at).next().unwrap_or(at)
    }

    fn places(self, anchor: i64, from: i64) -> impl Iterator<Item = i64> {
        let first = self.first_at(from.saturating_sub(anchor));
        (first..i64::MAX).map(move |number| anchor.saturating_add(self.place(number)))
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fps(text: &str) -> Fps {
        Fps::parse(text).unwrap()
    }

    #[test]
    fn a_number_is_read_as_the_fraction_that_it_means() {
        let found = ["25", "25.", "30", "29.97", "23.976", "23.98", "59.94", "12.5", "0.5", "60", "29.5", "1"]
            .map(fps)
            .map(|fps| (fps.numerator, fps.denominator));
        let ntsc = |numerator| (numerator, 1_001);
        let wanted = [
            (25, 1),
            (25, 1),
            (30, 1),
            ntsc(30_000),
            ntsc(24_000),
            ntsc(24_000),
            ntsc(60_000),
            (25, 2),
            (1, 2),
            (60, 1),
            (59, 2),
            (1, 1),
        ];
        assert_eq!(found, wanted);
        for wrong in ["", "0", "0.0", "60.001", "61", "-1", "1e1", "x", ".5", "25.0001", "9999"] {
            assert_eq!(Fps::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_segment_without_a_place_has_a_picture_where_it_begins() {
        assert_eq!(fps("0.5").times(90_000, 90_000, 450_000), [90_000, 270_000]);
        assert_eq!(fps("0.5").times(90_000, 100_000, 200_000), [100_000]);
        assert_eq!(fps("25").next(90_000, 90_001), 93_600);
    }

    proptest! {
        #[test]
        fn segments_end_to_end_have_every_place_once(
            rate in prop::sample::select(&["25", "29.97", "23.976", "60", "59.94", "12.5", "1", "0.1"][..]),
            lengths in prop::collection::vec(1i64..900_000, 1..12), anchor in 0i64..9_000_000,
        ) {
            let fps = fps(rate);
            let (mut begin, mut shown) = (anchor, Vec::new());
            for length in &lengths {
                let times = fps.times(anchor, begin, begin + length);
                prop_assert!(!times.is_empty() && times.iter().all(|at| (begin..begin + length).contains(at)));
                shown.extend(times);
                begin += length;
            }
            prop_assert!(shown.windows(2).all(|pair| pair[0] < pair[1]));
            let places: Vec<i64> = fps.places(anchor, anchor).take_while(|at| *at < begin).collect();
            prop_assert!(places.iter().all(|place| shown.contains(place)));
            // What is not on the grid is the begin of a segment.
            prop_assert!(shown.len() - places.len() < lengths.len());
            prop_assert!(fps.next(anchor, begin) >= begin);
        }
    }
}
