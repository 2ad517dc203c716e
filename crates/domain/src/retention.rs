//! Which recordings a rule does not keep any longer.

use std::time::Duration;

use units::WallTime;

/// One recorded video.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Item<I> {
    /// What names it.
    pub id: I,
    /// When its last media arrived.
    pub ended: WallTime,
    /// Bytes of its media.
    pub size_bytes: u64,
}

/// Those of `items`, sorted from the oldest, that are too old or too much: older than `age`, and the oldest ones beyond
/// `quota_bytes`. A video that alone is more than the quota goes as well.
pub fn expired<I: Copy>(items: &[Item<I>], age: Option<Duration>, quota_bytes: Option<u64>, now: WallTime) -> Vec<I> {
    let mut total: u64 = items.iter().fold(0, |sum, item| sum.saturating_add(item.size_bytes));
    let mut gone = Vec::new();
    for item in items {
        let too_old = age.is_some_and(|age| now.since(item.ended) > age);
        let too_much = quota_bytes.is_some_and(|quota| total > quota);
        if !too_old && !too_much {
            // All that follow are younger, and no more is too much.
            break;
        }
        total = total.saturating_sub(item.size_bytes);
        gone.push(item.id);
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<Item<u32>> {
        (0..5).map(|id| Item { id, ended: WallTime::from_unix_s(i64::from(id) * 100), size_bytes: 10 }).collect()
    }

    #[test]
    fn without_a_limit_everything_stays() {
        assert_eq!(expired(&items(), None, None, WallTime::from_unix_s(1 << 40)), Vec::<u32>::new());
    }

    #[test]
    fn what_is_older_goes_and_what_is_exactly_as_old_stays() {
        let at = |second| expired(&items(), Some(Duration::from_secs(300)), None, WallTime::from_unix_s(second));
        assert_eq!(at(300), Vec::<u32>::new());
        assert_eq!(at(301), [0]);
        assert_eq!(at(500), [0, 1]);
        assert_eq!(at(9_000), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits() {
        let of = |quota| expired(&items(), None, Some(quota), WallTime::from_unix_s(500));
        assert_eq!((of(50), of(49), of(21)), (vec![], vec![0], vec![0, 1, 2]));
        assert_eq!(of(9), [0, 1, 2, 3, 4], "one that never fits goes as well");
    }

    #[test]
    fn both_limits_hold_together() {
        let gone = expired(&items(), Some(Duration::from_secs(350)), Some(25), WallTime::from_unix_s(400));
        assert_eq!(gone, [0, 1, 2]);
    }
}
