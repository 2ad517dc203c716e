//! Tokens with which a search goes on where a page of it ended.
//!
//! A token holds the place itself, so nobody has to remember it: 24 bytes, which are 32 characters. 16 of them are the id of the
//! page's last medium; in the other 8, from the top, 42 bits are the time of its last change in milliseconds (to the year 2109), and 22
//! bits a digest that tells one search from another. When the medium was made does not change, and is known by its id.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use units::{AssetId, WallTime};

/// Bits of the digest.
const DIGEST_BITS: u32 = 22;
/// Bits of the time.
const TIME_BITS: u32 = u64::BITS - DIGEST_BITS;

/// A place in the results of a search.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ScrollToken {
    /// The last medium before it.
    pub last: AssetId,
    /// When that had been changed last; before 1970 and after 2109 the nearest time between.
    pub modified: WallTime,
}

/// Why a token is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScrollError {
    /// It is not 32 characters of our own.
    #[error("the ScrollToken was not made here")]
    Foreign,
    /// Match or SortBy are not those of the search it was given out by.
    #[error("the ScrollToken is of another search")]
    OtherSearch,
}

impl ScrollToken {
    /// The token as it is given out by a search, which `search` tells from others.
    pub fn write(&self, search: &str) -> String {
        let latest = (1 << TIME_BITS) - 1;
        let time = u64::try_from(self.modified.unix_ms).unwrap_or(0).min(latest);
        let rest = (time << DIGEST_BITS) | digest(search);
        URL_SAFE_NO_PAD
            .encode((self.last.as_u128().to_be_bytes().into_iter().chain(rest.to_be_bytes())).collect::<Vec<u8>>())
    }

    /// Reads a token that was given out by the same search.
    pub fn read(text: &str, search: &str) -> Result<Self, ScrollError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ScrollError::Foreign)?;
        let bytes: [u8; 24] = bytes.try_into().map_err(|_| ScrollError::Foreign)?;
        let (Some(id), Some(rest)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<8>()) else {
            return Err(ScrollError::Foreign);
        };
        let rest = u64::from_be_bytes(*rest);
        if rest & ((1 << DIGEST_BITS) - 1) != digest(search) {
            return Err(ScrollError::OtherSearch);
        }
        let modified = WallTime::from_unix_ms(i64::try_from(rest >> DIGEST_BITS).unwrap_or(i64::MAX));
        Ok(Self { last: AssetId::from_u128(u128::from_be_bytes(*id)), modified })
    }
}

fn digest(search: &str) -> u64 {
    let hash = Sha256::digest(search);
    let first = hash.first_chunk::<8>().copied().unwrap_or_default();
    u64::from_be_bytes(first) >> TIME_BITS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_of_another_search_or_of_nobody_is_refused() {
        let token = ScrollToken { last: AssetId::from_u128(7), modified: WallTime::from_unix_ms(1_772_359_200_123) };
        let text = token.write("a");
        assert_eq!(ScrollToken::read(&text, "b"), Err(ScrollError::OtherSearch));
        let (short, long) = (&text[1..], format!("{text}A"));
        for foreign in ["", short, &long, "none of these characters: +/=***", "決勝"] {
            assert_eq!(ScrollToken::read(foreign, "a"), Err(ScrollError::Foreign), "{foreign}");
        }
    }

    #[test]
    fn times_that_do_not_fit_are_moved_to_the_nearest_that_do() {
        for (ms, read) in [(-1, 0), (0, 0), ((1 << 42) - 1, (1 << 42) - 1), (1 << 42, (1 << 42) - 1)] {
            let token = ScrollToken { last: AssetId::from_u128(7), modified: WallTime::from_unix_ms(ms) };
            let told = ScrollToken::read(&token.write(""), "").map(|token| token.modified.unix_ms);
            assert_eq!(told, Ok(read), "{ms}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_has_32_characters_and_is_read_as_it_was(id: u128, ms in 0..1_i64 << 42, search: String) {
            let token = ScrollToken { last: AssetId::from_u128(id), modified: WallTime::from_unix_ms(ms) };
            let text = token.write(&search);
            prop_assert_eq!(text.len(), 32);
            prop_assert_eq!(ScrollToken::read(&text, &search), Ok(token));
        }
    }
}
