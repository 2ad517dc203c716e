//! Typed ids: 128 bits, written as 32 lower-case hex digits (the form of a `VideoId`), rising with the time of birth.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::WallTime;

/// The text is not 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id: 32 hex digits are wanted")]
pub struct ParseIdError {
    text: String,
}

/// Bits below the time of birth.
const TIME_SHIFT: u32 = 80;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        // What it is the id of is for the member to say.
        #[schemars(description = "")]
        pub struct $name(u128);

        impl $name {
            /// The id with these bits, usually drawn from an [`IdSource`].
            pub const fn from_u128(bits: u128) -> Self {
                Self(bits)
            }

            /// The least id that can be born at this time: all of earlier times are below it.
            pub fn least_of(at: WallTime) -> Self {
                Self(u128::try_from(at.unix_ms.max(0)).unwrap_or(0) << TIME_SHIFT)
            }

            /// The bits.
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:032x})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
                let bits = if hex { u128::from_str_radix(text, 16).ok() } else { None };
                bits.map(Self).ok_or_else(|| ParseIdError { text: text.chars().take(64).collect() })
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;
            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    )*};
}

typed_id! {
    /// One publisher connection, from accept to loss.
    PushId
    /// First push to end of grace. On the wire: `PlaylistId`.
    RecordingId
    /// An append-only run of segments from one source.
    ReelId
    /// A media asset with a life cycle. On the wire: `VideoId`.
    AssetId
    /// Durable work.
    JobId
    /// One thing told to a customer; the same over all its deliveries.
    EventId
    /// One API call.
    RequestId
}

impl RequestId {
    /// The upper-case UUID form that answers carry (contract §1.6).
    pub fn to_uuid(self) -> String {
        let hex = format!("{:032X}", self.0);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }
}

/// Draws ids in the layout of UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds, then pseudo-random bits.
///
/// Seed it from the operating system in services, with a constant in tests. Ids of one source rise strictly as long as
/// `now` does not fall; when the clock steps back they stay unique.
#[derive(Debug)]
pub struct IdSource {
    state: u64,
    last_ms: i64,
    sequence: u16,
}

impl IdSource {
    /// A source whose random bits follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed, last_ms: i64::MIN, sequence: 0 }
    }

    /// The next id's bits. `now` becomes its first 48 bits.
    pub fn next_bits(&mut self, now: WallTime) -> u128 {
        if now.unix_ms == self.last_ms {
            self.sequence = self.sequence.wrapping_add(1);
        } else {
            self.last_ms = now.unix_ms;
            self.sequence = 0;
        }
        let millis = u128::from(u64::try_from(now.unix_ms).unwrap_or(0) & 0xffff_ffff_ffff);
        let sequence = u128::from(self.sequence & 0x0fff);
        let random = u128::from(self.next_random() >> 2);
        (millis << TIME_SHIFT) | (0x7 << 76) | (sequence << 64) | (0b10 << 62) | random
    }

    /// SplitMix64: small, seedable, good enough to keep ids apart; not for secrets.
    fn next_random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_with_time_and_within_a_millisecond() {
        let mut source = IdSource::new(7);
        let ids: Vec<_> = [5, 5, 5, 6, 9].map(|ms| source.next_bits(WallTime::from_unix_ms(ms))).to_vec();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:x?}");
    }

    #[test]
    fn the_least_id_of_a_time_is_above_all_earlier_and_below_all_of_it() {
        let mut source = IdSource::new(7);
        let [before, at] = [5, 6].map(|ms| ReelId::from_u128(source.next_bits(WallTime::from_unix_ms(ms))));
        let least = ReelId::least_of(WallTime::from_unix_ms(6));
        assert!(before < least && least < at, "{before} {least} {at}");
    }

    #[test]
    fn an_id_survives_its_text_and_nothing_else_is_one() {
        let id = AssetId::from_u128(0x6f0c_2b9e_4d1a_4b7f_9c3e_5a7d_8b1f_2c30);
        assert_eq!(id.to_string(), "6f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "6f0c", "+f0c2b9e4d1a4b7f9c3e5a7d8b1f2c30", "zf0c2b9e4d1a4b7f9c3e5a7d8b1f2c30"] {
            assert!(text.parse::<AssetId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_id_is_told_as_an_upper_case_uuid() {
        let id = RequestId::from_u128(0x6f0c_2b9e_4d1a_4b7f_9c3e_5a7d_8b1f_2c30);
        assert_eq!(id.to_uuid(), "6F0C2B9E-4D1A-4B7F-9C3E-5A7D8B1F2C30");
    }
}
