//! How much room is left, whether it is enough to begin something new, and whether the disk follows.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Room is enough again when so much more than the low-water mark is free: one part in this many.
const BACK_PARTS: u64 = 10;
/// The low-water mark is never more than one part in this many of the disk: 5 %.
const DISK_PARTS: u64 = 20;

/// The free bytes of a disk as last seen, against a low-water mark. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct Space {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    min_bytes: u64,
    free: AtomicU64,
    /// 0 before the first look.
    total: AtomicU64,
    low: AtomicBool,
    stalls: AtomicUsize,
}

/// A call of the disk takes far too long, for as long as this lives.
#[derive(Debug)]
pub struct Stall {
    inner: Arc<Inner>,
}

impl Drop for Stall {
    fn drop(&mut self) {
        self.inner.stalls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A disk's size and free bytes, as far as this process may use them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measured {
    /// All bytes.
    pub total: u64,
    /// Those that are free.
    pub free: u64,
}

/// What a look at the disk changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Turn {
    /// There is enough room no more.
    Low,
    /// There is enough room again.
    Enough,
    /// It is as it was.
    Same,
}

impl Space {
    /// Room is low below `min_bytes`, or below 5 % of the disk where that is less; 0: never.
    pub fn new(min_bytes: u64) -> Self {
        let inner = Inner {
            min_bytes,
            free: AtomicU64::new(u64::MAX),
            total: AtomicU64::new(0),
            low: AtomicBool::new(false),
            stalls: AtomicUsize::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether there is too little room to begin something new.
    pub fn is_low(&self) -> bool {
        self.inner.low.load(Ordering::Relaxed)
    }

    /// Whether a call takes far too long now: nothing new should be begun.
    pub fn is_stalled(&self) -> bool {
        self.inner.stalls.load(Ordering::Relaxed) > 0
    }

    /// Tells that a call takes far too long, until the answer is dropped.
    pub fn stall(&self) -> Stall {
        self.inner.stalls.fetch_add(1, Ordering::Relaxed);
        Stall { inner: Arc::clone(&self.inner) }
    }

    /// Free bytes as last seen; `u64::MAX` before the first look.
    pub fn free_bytes(&self) -> u64 {
        self.inner.free.load(Ordering::Relaxed)
    }

    /// All bytes of the disk; `None` before the first look.
    pub fn total_bytes(&self) -> Option<u64> {
        Some(self.inner.total.load(Ordering::Relaxed)).filter(|total| *total > 0)
    }

    /// Takes a look at the disk into account. For one caller at a time.
    pub fn note(&self, measured: Measured) -> Turn {
        let mark = self.inner.min_bytes.min(measured.total / DISK_PARTS);
        self.inner.free.store(measured.free, Ordering::Relaxed);
        self.inner.total.store(measured.total, Ordering::Relaxed);
        // Back only with a margin, so that a disk at the mark does not change its mind with each file.
        let limit = if self.is_low() { mark.saturating_add(mark / BACK_PARTS) } else { mark };
        let low = measured.free < limit;
        match (self.inner.low.swap(low, Ordering::Relaxed), low) {
            (false, true) => Turn::Low,
            (true, false) => Turn::Enough,
            (false, false) | (true, true) => Turn::Same,
        }
    }
}

/// Looks at the disk that a folder lies on. Blocks on it.
pub fn measure(folder: &Path) -> std::io::Result<Measured> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(Measured {
        total: disk.f_blocks.saturating_mul(disk.f_frsize),
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn at(free: u64) -> Measured {
        Measured { total: 1_000 * GIB, free }
    }

    #[test]
    fn room_is_low_below_the_mark_and_enough_again_a_little_above_it() {
        let space = Space::new(10 * GIB);
        assert!(!space.is_low());
        assert_eq!(space.note(at(10 * GIB)), Turn::Same);
        assert_eq!(space.note(at(10 * GIB - 1)), Turn::Low);
        assert!(space.clone().is_low());
        assert_eq!(space.note(at(10 * GIB + 1)), Turn::Same, "not for one file");
        assert_eq!(space.note(at(11 * GIB)), Turn::Enough);
        assert_eq!((space.is_low(), space.free_bytes()), (false, 11 * GIB));
    }

    #[test]
    fn on_a_small_disk_the_mark_is_a_twentieth_of_it() {
        let space = Space::new(2 * GIB);
        let small = |free| Measured { total: 4 * GIB, free };
        assert_eq!(space.note(small(GIB)), Turn::Same);
        assert_eq!(space.note(small(GIB / 6)), Turn::Low);
    }

    #[test]
    fn a_disk_is_stalled_while_any_call_is() {
        let space = Space::new(0);
        let (one, other) = (space.stall(), space.clone().stall());
        drop(one);
        assert!(space.is_stalled());
        drop(other);
        assert!(!space.is_stalled());
    }

    #[test]
    fn without_a_mark_room_is_never_low() {
        assert_eq!(Space::new(0).note(at(0)), Turn::Same);
    }

    #[test]
    fn a_real_disk_has_a_size() {
        let measured = measure(&std::env::temp_dir()).unwrap();
        assert!(measured.total > 0 && measured.free <= measured.total);
    }
}
