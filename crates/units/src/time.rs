//! Three clocks, three types, no `From` between them.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Ticks per second of a track or reel; never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// One tick per millisecond: the clock of RTMP.
    pub const MILLIS: Timescale = Timescale(NonZeroU32::new(1_000).unwrap());
    /// One tick per microsecond.
    pub const MICROS: Timescale = Timescale(NonZeroU32::new(1_000_000).unwrap());
    /// The clock of MPEG-TS and RTP video, exact for milliseconds and for every usual frame rate; the scale of a
    /// reel's own timeline and of stored video.
    pub const REEL: Timescale = Timescale(NonZeroU32::new(90_000).unwrap());

    /// A scale of `ticks` per second; `None` for zero.
    pub const fn new(ticks: u32) -> Option<Self> {
        match NonZeroU32::new(ticks) {
            Some(ticks) => Some(Self(ticks)),
            None => None,
        }
    }

    /// Ticks per second.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// A point on a media timeline, in that timeline's ticks; negative before its zero.
///
/// Decides *where to cut*. Compare only points of one scale (`rescale_floor` brings them together).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct MediaTime {
    /// Ticks since the timeline's zero.
    pub ticks: i64,
    /// What a tick is.
    pub scale: Timescale,
}

impl MediaTime {
    /// A point on a reel's timeline (90 kHz).
    pub const fn reel(ticks: i64) -> Self {
        Self { ticks, scale: Timescale::REEL }
    }

    /// The same point on scale `to`, rounded down (towards minus infinity); `None` if it does not fit `i64`.
    pub fn rescale_floor(self, to: Timescale) -> Option<Self> {
        let product = i128::from(self.ticks) * i128::from(to.get());
        let ticks = product.div_euclid(i128::from(self.scale.get()));
        Some(Self { ticks: i64::try_from(ticks).ok()?, scale: to })
    }

    /// The same point on scale `to`, rounded to the nearest tick (half up); `None` if it does not fit `i64`.
    pub fn rescale_round(self, to: Timescale) -> Option<Self> {
        let from = i128::from(self.scale.get());
        let product = i128::from(self.ticks) * i128::from(to.get());
        let ticks = (2 * product + from).div_euclid(2 * from);
        Some(Self { ticks: i64::try_from(ticks).ok()?, scale: to })
    }

    /// Seconds as a float, for answers and logs only: never compute with it.
    #[allow(clippy::cast_precision_loss, reason = "a label: 2^53 ticks of 90 kHz are 3 000 years")]
    pub fn seconds(self) -> f64 {
        self.ticks as f64 / f64::from(self.scale.get())
    }
}

/// Time since the process began, from a clock that never steps. Decides *how long to wait*.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Mono(pub Duration);

impl Mono {
    /// `self` + `wait`, saturating.
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }

    /// How long from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Unix time in milliseconds. *Labels* things, and is the deadline in a row; it may jump, so nothing is timed with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WallTime {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub unix_ms: i64,
}

impl WallTime {
    /// From Unix milliseconds.
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self { unix_ms }
    }

    /// From Unix seconds.
    pub const fn from_unix_s(unix_s: i64) -> Self {
        Self { unix_ms: unix_s.saturating_mul(1_000) }
    }

    /// Whole Unix seconds, rounded down.
    pub const fn unix_s(self) -> i64 {
        self.unix_ms.div_euclid(1_000)
    }

    /// `self` + `wait`, saturating.
    pub fn after(self, wait: Duration) -> Self {
        Self { unix_ms: self.unix_ms.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)) }
    }

    /// `self` - `wait`, saturating.
    pub fn before(self, wait: Duration) -> Self {
        Self { unix_ms: self.unix_ms.saturating_sub(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)) }
    }

    /// How long from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.unix_ms.saturating_sub(earlier.unix_ms)).unwrap_or(0))
    }

    /// `YYYY-MM-DDThh:mm:ssZ`, the form of the wire (contract §1.2), rounded down to the second.
    pub fn to_iso8601(self) -> String {
        let (date, (hour, minute, second)) = self.civil();
        format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", date.0, date.1, date.2)
    }

    /// Like [`to_iso8601`](Self::to_iso8601) with milliseconds, for playlists.
    pub fn to_iso8601_ms(self) -> String {
        let whole = self.to_iso8601();
        format!("{}.{:03}Z", whole.trim_end_matches('Z'), self.unix_ms.rem_euclid(1_000))
    }

    /// Reads `YYYY-MM-DDThh:mm:ssZ` (contract §1.2); also `YYYY-MM-DDThh:mmZ`, which some callers send. `None` for
    /// anything else, impossible dates included.
    pub fn parse_iso8601(text: &str) -> Option<Self> {
        let text = text.strip_suffix('Z')?;
        let (date, time) = text.split_once('T')?;
        let number = |part: Option<&str>, len: usize| -> Option<i64> {
            let part = part?;
            (part.len() == len && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let mut date = date.split('-');
        let (year, month, day) = (number(date.next(), 4)?, number(date.next(), 2)?, number(date.next(), 2)?);
        let mut time = time.split(':');
        let (hour, minute) = (number(time.next(), 2)?, number(time.next(), 2)?);
        let second = match time.next() {
            Some(second) => number(Some(second), 2)?,
            None => 0,
        };
        if date.next().is_some() || time.next().is_some() || !(1..=12).contains(&month) || day < 1 {
            return None;
        }
        if day > days_in_month(year, month) || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        Some(Self::from_unix_s(((days * 24 + hour) * 60 + minute) * 60 + second))
    }

    /// ((year, month, day), (hour, minute, second)) in UTC.
    pub fn civil(self) -> ((i64, i64, i64), (i64, i64, i64)) {
        let seconds = self.unix_s();
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        (civil_from_days(days), (rest / 3_600, rest / 60 % 60, rest % 60))
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso8601_ms())
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar; years begin in March so that a leap day is last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rescaling_rounds_towards_minus_infinity() {
        let at = |ticks| MediaTime { ticks, scale: Timescale::MILLIS };
        assert_eq!(at(-1).rescale_floor(Timescale::new(3).unwrap()).unwrap().ticks, -1);
        assert_eq!(at(67).rescale_floor(Timescale::REEL).unwrap().ticks, 6030);
        assert_eq!(MediaTime { ticks: i64::MAX, scale: Timescale::MILLIS }.rescale_floor(Timescale::REEL), None);
    }

    #[test]
    fn a_known_date_is_written_and_read_back() {
        let time = WallTime::from_unix_ms(1_772_359_200_123);
        assert_eq!(time.to_iso8601(), "2026-03-01T10:00:00Z");
        assert_eq!(time.to_iso8601_ms(), "2026-03-01T10:00:00.123Z");
        assert_eq!(WallTime::parse_iso8601("2026-03-01T10:00:00Z").unwrap().unix_s(), time.unix_s());
    }

    #[test]
    fn impossible_dates_and_other_forms_are_refused() {
        for text in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00",
            "Z",
            "+026-01-01T00:00:00Z",
        ] {
            assert_eq!(WallTime::parse_iso8601(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_second_of_ten_thousand_years_survives_the_text(unix_s in -62_135_596_800i64..253_402_300_799) {
            let time = WallTime::from_unix_s(unix_s);
            prop_assert_eq!(WallTime::parse_iso8601(&time.to_iso8601()), Some(time));
        }
    }
}
