//! Who has trouble with the disk, in memory: nothing of it may need the disk that is in trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reel::LossCause;
use units::StreamPath;

/// So many streams are named in what is told of one trouble; all of them are counted.
const NAMES_MAX: usize = 100;

/// The trouble of one store's disk, as those who write to it tell it. Cheap to clone; all clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Alarm {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    troubled: BTreeMap<u64, (StreamPath, LossCause)>,
    /// What was since the last look, so that no trouble is too short to be seen.
    lately: Seen,
    low: Option<u64>,
    low_lately: Option<u64>,
}

/// What was seen of a trouble.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// Why media is not stored as it comes.
    pub causes: BTreeSet<LossCause>,
    /// Whose media; at most 100 of them.
    pub streams: BTreeSet<StreamPath>,
    /// How many streams at least; more than are named when there are more than 100.
    pub count: usize,
}

impl Seen {
    /// Whether there was no trouble.
    pub fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    /// Adds what was seen at another time.
    pub fn add(&mut self, other: Self) {
        self.causes.extend(other.causes);
        for stream in other.streams {
            self.name(stream);
        }
        self.count = self.count.max(other.count).max(self.streams.len());
    }

    fn name(&mut self, stream: StreamPath) {
        if self.streams.len() < NAMES_MAX {
            self.streams.insert(stream);
        }
    }
}

/// What a word of one recording changed for all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It is the first in trouble.
    Raised(LossCause),
    /// It was the last in trouble.
    Cleared,
    /// Neither.
    Same,
}

impl Alarm {
    /// A recording's part in the alarm.
    pub fn watch(&self, stream: StreamPath) -> Watch {
        let mut inner = self.lock();
        inner.next += 1;
        Watch { alarm: self.clone(), id: inner.next, stream, cause: None }
    }

    /// Tells how much is free when that is too little, and `None` when it is enough.
    pub fn set_low(&self, free_bytes: Option<u64>) {
        let mut inner = self.lock();
        inner.low = free_bytes;
        inner.low_lately = inner.low_lately.or(free_bytes);
    }

    /// Whether there is too little room, as last seen, to begin something new.
    pub fn is_low(&self) -> bool {
        self.lock().low.is_some()
    }

    /// The trouble there is, and all there was since the last look. For one caller.
    pub fn look(&self) -> Seen {
        let mut inner = self.lock();
        let mut seen = std::mem::take(&mut inner.lately);
        seen.add(inner.now());
        seen
    }

    /// The free bytes when they are too few, or were since the last look. For one caller.
    pub fn look_low(&self) -> Option<u64> {
        let mut inner = self.lock();
        inner.low_lately.take().or(inner.low)
    }

    /// How many recordings are in trouble.
    pub fn troubled(&self) -> usize {
        self.lock().troubled.len()
    }

    /// A panic elsewhere leaves no half-made change behind.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn now(&self) -> Seen {
        let mut seen = Seen::default();
        for (stream, cause) in self.troubled.values() {
            seen.causes.insert(*cause);
            seen.name(stream.clone());
        }
        seen.count = self.troubled.len();
        seen
    }
}

/// One recording's part in the alarm; dropping it ends its part.
#[derive(Debug)]
pub struct Watch {
    alarm: Alarm,
    id: u64,
    stream: StreamPath,
    cause: Option<LossCause>,
}

impl Watch {
    /// Tells how the disk does for this recording; `None`: well.
    pub fn set(&mut self, cause: Option<LossCause>) -> Change {
        if self.cause == cause {
            return Change::Same;
        }
        self.cause = cause;
        let mut inner = self.alarm.lock();
        let before = inner.troubled.len();
        match cause {
            Some(cause) => {
                inner.troubled.insert(self.id, (self.stream.clone(), cause));
                let count = inner.troubled.len();
                let one = Seen { causes: [cause].into(), streams: [self.stream.clone()].into(), count };
                inner.lately.add(one);
            }
            None => {
                inner.troubled.remove(&self.id);
            }
        }
        match (before, inner.troubled.len(), cause) {
            (0, 1, Some(cause)) => Change::Raised(cause),
            (1, 0, _) => Change::Cleared,
            _ => Change::Same,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(stream: &str) -> StreamPath {
        StreamPath::new("play.example.org", "cup", stream).unwrap()
    }

    #[test]
    fn the_alarm_is_on_while_any_recording_is_in_trouble() {
        let alarm = Alarm::default();
        let (mut one, mut other) = (alarm.watch(path("a")), alarm.watch(path("b")));
        assert_eq!(one.set(Some(LossCause::Slow)), Change::Raised(LossCause::Slow));
        assert_eq!(one.set(Some(LossCause::Full)), Change::Same);
        assert_eq!(other.set(Some(LossCause::Full)), Change::Same);
        assert_eq!(alarm.troubled(), 2);
        assert_eq!(one.set(None), Change::Same);
        assert_eq!(other.set(None), Change::Cleared);
        assert_eq!(other.set(None), Change::Same);
        other.set(Some(LossCause::Failed));
        drop(other);
        assert_eq!(alarm.troubled(), 0);
    }

    #[test]
    fn a_trouble_that_is_over_by_the_next_look_is_seen_once() {
        let alarm = Alarm::default();
        let mut one = alarm.watch(path("a"));
        one.set(Some(LossCause::Slow));
        one.set(Some(LossCause::Full));
        one.set(None);
        let seen = alarm.look();
        assert_eq!(seen.causes, [LossCause::Full, LossCause::Slow].into());
        assert_eq!((seen.streams, seen.count), ([path("a")].into(), 1));
        assert!(alarm.look().is_empty());

        alarm.set_low(Some(7));
        assert!(alarm.is_low());
        alarm.set_low(None);
        assert!(!alarm.is_low());
        assert_eq!((alarm.look_low(), alarm.look_low()), (Some(7), None), "once");
    }

    #[test]
    fn a_trouble_that_lasts_is_seen_at_each_look() {
        let alarm = Alarm::default();
        let mut one = alarm.watch(path("a"));
        one.set(Some(LossCause::Full));
        alarm.set_low(Some(7));
        for _ in 0..3 {
            assert_eq!(alarm.look().count, 1);
            assert_eq!(alarm.look_low(), Some(7));
        }
        one.set(None);
        // What the last look has seen already is not told once more.
        assert!(alarm.look().is_empty());
    }

    #[test]
    fn of_many_streams_some_are_named_and_all_are_counted() {
        let alarm = Alarm::default();
        let mut watches: Vec<Watch> = (0..NAMES_MAX + 1).map(|at| alarm.watch(path(&format!("s{at}")))).collect();
        for watch in &mut watches {
            watch.set(Some(LossCause::Failed));
        }
        let seen = alarm.look();
        assert_eq!((seen.streams.len(), seen.count), (NAMES_MAX, NAMES_MAX + 1));
    }
}
