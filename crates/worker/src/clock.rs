//! The wall clock: only labels come from it.

use std::time::{SystemTime, UNIX_EPOCH};

use units::WallTime;

/// Now. A clock before 1970 reads as 1970.
pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
