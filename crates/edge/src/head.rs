//! What is known of an object: all but its bytes, and of texts these as well.

use std::time::Duration;

use door::{Form, Keep};
use serde::{Deserialize, Serialize};
use units::WallTime;

use crate::SLICE_BYTES;

/// How long something may be served that the origin has not confirmed, while it is away.
pub(crate) const UNCONFIRMED_MAX: Duration = Duration::from_secs(7 * 86_400);

/// What is known of an object.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) content_type: String,
    /// Strong, with its quotes: what has the same is the same bytes.
    pub(crate) etag: String,
    /// Bytes of the whole.
    pub(crate) size: u64,
    /// For how many seconds the origin lets it be kept, in the words of [`Keep`].
    pub(crate) keep_s: u64,
    /// The word of its form.
    pub(crate) form: Option<String>,
    /// The last task that had it forgotten, when it was new: its slices are called by it.
    pub(crate) generation: u64,
    /// The last task that this edge had carried out when it asked for it.
    pub(crate) seq: u64,
    /// When it asked, in Unix milliseconds.
    pub(crate) asked_ms: i64,
}

impl Head {
    pub(crate) fn keep(&self) -> Keep {
        Keep::ALL.into_iter().find(|keep| keep.seconds() == self.keep_s).unwrap_or(Keep::Never)
    }

    pub(crate) fn form(&self) -> Option<Form> {
        self.form.as_deref().and_then(Form::of_word)
    }

    /// How long it is good for without asking; zero when the origin is to be asked.
    pub(crate) fn good_for(&self, now: WallTime) -> Duration {
        let age = now.since(WallTime::from_unix_ms(self.asked_ms));
        // A clock that was set back makes it no younger.
        if now.unix_ms < self.asked_ms { Duration::ZERO } else { Duration::from_secs(self.keep_s).saturating_sub(age) }
    }

    /// Whether it may be served though the origin does not confirm it.
    pub(crate) fn may_be_stale(&self, now: WallTime) -> bool {
        now.since(WallTime::from_unix_ms(self.asked_ms)) < UNCONFIRMED_MAX
    }

    /// How many slices it has.
    pub(crate) const fn slices(&self) -> u64 {
        self.size.div_ceil(SLICE_BYTES)
    }

    /// The bytes of slice `number`.
    pub(crate) fn slice(&self, number: u64) -> std::ops::Range<u64> {
        let from = number.saturating_mul(SLICE_BYTES).min(self.size);
        from..from.saturating_add(SLICE_BYTES).min(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(size: u64, keep: Keep) -> Head {
        Head {
            content_type: "video/mp4".to_owned(),
            etag: "\"1\"".to_owned(),
            size,
            keep_s: keep.seconds(),
            form: None,
            generation: 0,
            seq: 0,
            asked_ms: 1_000_000,
        }
    }

    #[test]
    fn slices_cover_the_whole_and_end_with_it() {
        for size in [0, 1, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 3 * SLICE_BYTES + 7] {
            let head = head(size, Keep::Forever);
            let mut at = 0;
            for number in 0..head.slices() {
                let slice = head.slice(number);
                assert_eq!(slice.start, at);
                assert!(!slice.is_empty() && slice.end - slice.start <= SLICE_BYTES);
                at = slice.end;
            }
            assert_eq!(at, size);
            assert!(head.slice(head.slices()).is_empty());
        }
    }

    #[test]
    fn it_is_good_for_as_long_as_the_origin_said_from_when_it_was_asked() {
        let (head, at) = (head(1, Keep::Minute), |ms: i64| WallTime::from_unix_ms(1_000_000 + ms));
        assert_eq!(head.good_for(at(0)), Duration::from_secs(60));
        assert_eq!(head.good_for(at(59_000)), Duration::from_secs(1));
        assert_eq!(head.good_for(at(60_000)), Duration::ZERO);
        assert_eq!(head.good_for(at(-1)), Duration::ZERO, "a clock that was set back");
        assert!(head.may_be_stale(at(6 * 86_400_000)) && !head.may_be_stale(at(7 * 86_400_000)));
    }
}
