//! How often a running push is read.

use std::time::Duration;

use units::Mono;

/// With few streams: what a viewer of the live playlist would never notice.
const GATHER_MIN: Duration = Duration::from_millis(20);
/// With many: at 2 Mb/s some 25 KB come together, well inside any receive buffer.
const GATHER_MAX: Duration = Duration::from_millis(100);
/// Live pushes beyond which the interval grows, a millisecond for each two.
const PUSHES_PER_MILLISECOND: usize = 2;
/// Bytes that one read should bring at most. A faster stream is read more often, so that the receive buffer (128 KiB before
/// the kernel widens it) never fills and the sender is never slowed.
const READ_BYTES_WANTED: usize = 64 * 1024;
/// Reads fall on multiples of this, so that one wake-up of the runtime serves several streams.
const GRID: Duration = Duration::from_millis(5);

/// When to read next: after `last_bytes` came at `now`, with `live` pushes on this node.
pub(crate) fn next_read(now: Mono, live: usize, last_bytes: usize) -> Mono {
    let scaled = Duration::from_millis(u64::try_from(live / PUSHES_PER_MILLISECOND).unwrap_or(u64::MAX));
    let mut gather = scaled.clamp(GATHER_MIN, GATHER_MAX);
    if last_bytes > READ_BYTES_WANTED {
        let shrink = u32::try_from(last_bytes / READ_BYTES_WANTED + 1).unwrap_or(u32::MAX);
        gather = (gather / shrink).max(GRID);
    }
    let at = now.after(gather).0;
    let grid = GRID.as_nanos();
    let late = u64::try_from(at.as_nanos() % grid).unwrap_or(0);
    Mono(at.saturating_sub(Duration::from_nanos(late)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(live: usize, last_bytes: usize) -> u128 {
        next_read(Mono(Duration::from_millis(1_000)), live, last_bytes).0.as_millis() - 1_000
    }

    #[test]
    fn few_streams_are_read_often_and_many_seldom() {
        assert_eq!(
            [wait(1, 0), wait(40, 0), wait(100, 0), wait(500, 25_000), wait(100_000, 0)],
            [20, 20, 50, 100, 100]
        );
    }

    #[test]
    fn a_fast_stream_is_read_more_often() {
        assert_eq!([wait(500, 64 * 1024), wait(500, 150 * 1024), wait(500, 10_000_000)], [100, 30, 5]);
    }

    #[test]
    fn reads_fall_on_the_grid() {
        let at = next_read(Mono(Duration::from_micros(1_003_400)), 1, 0);
        assert_eq!(at, Mono(Duration::from_millis(1_020)));
    }
}
