//! The queue between one publisher and one reader: bounded by batches and by bytes, lossless, ended once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::{Batch, PushEnd, Shed, Superseded};

/// How long a push that was taken over may go on handing in what it had received: long enough to empty a receive buffer,
/// and well below the second after which the newer push is to be on its way to the disk.
pub(crate) const LAST_WORDS_WAIT: Duration = Duration::from_millis(500);

/// What waits over all queues.
pub(crate) struct Backlog {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Backlog {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), bytes_max }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Queues that look at once may together pass the bound by a batch each.
    fn has_room(&self, bytes: usize) -> bool {
        self.bytes().saturating_add(bytes) <= self.bytes_max
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

pub(crate) struct Queue {
    batches_max: usize,
    bytes_max: usize,
    backlog: Arc<Backlog>,
    state: Mutex<State>,
    /// There may be something to read, or an end. One waiter: the reader.
    filled: Notify,
    /// There may be room, or an end. One waiter: the publisher.
    drained: Notify,
    /// The push is over. Any number of waiters.
    over: Notify,
}

/// How a batch was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pushed {
    AtOnce,
    /// After so long.
    After(Duration),
    /// It was not: there was no room in time.
    NoRoom,
}

struct Waiting {
    batch: Arc<Batch>,
    bytes: usize,
    /// What was dropped in front of it.
    shed: Option<Shed>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// What was dropped behind the last batch.
    shed_at_end: Option<Shed>,
    end: Option<PushEnd>,
    /// It was taken over: until then, or until it says that this was all, it may still hand in what it had received.
    last_words: Option<Instant>,
    reader_gone: bool,
}

impl State {
    /// Whether nothing more can come.
    fn is_over(&self) -> bool {
        self.end.is_some() && self.last_words.is_none_or(|until| Instant::now() >= until)
    }
}

impl Queue {
    pub(crate) fn new(batches_max: usize, bytes_max: usize, backlog: Arc<Backlog>) -> Self {
        let (filled, drained, over) = (Notify::new(), Notify::new(), Notify::new());
        Self { batches_max, bytes_max, backlog, state: Mutex::default(), filled, drained, over }
    }

    /// Appends a batch of `bytes`, in front of which `shed` was dropped; waits for room, `patience` at most. Without a reader
    /// the batch is dropped.
    pub(crate) async fn push(
        &self,
        batch: Arc<Batch>,
        bytes: usize,
        shed: Option<Shed>,
        patience: Duration,
    ) -> Result<Pushed, Superseded> {
        let began = Instant::now();
        let mut waited = false;
        loop {
            let last_words = {
                let mut state = self.lock();
                if state.is_over() {
                    return Err(Superseded);
                }
                let pushed = if waited { Pushed::After(began.elapsed()) } else { Pushed::AtOnce };
                if state.reader_gone {
                    return Ok(pushed);
                }
                let room = state.waiting.len() < self.batches_max
                    && state.bytes.saturating_add(bytes) <= self.bytes_max
                    && self.backlog.has_room(bytes);
                // An empty queue always takes one: its reader would have nothing to wake this publisher with.
                if room || state.waiting.is_empty() {
                    state.waiting.push_back(Waiting { batch, bytes, shed });
                    state.bytes = state.bytes.saturating_add(bytes);
                    self.backlog.add(bytes);
                    drop(state);
                    self.filled.notify_one();
                    return Ok(pushed);
                }
                state.last_words
            };
            if began.elapsed() >= patience {
                return Ok(Pushed::NoRoom);
            }
            waited = true;
            let until = began + patience;
            wait(&self.drained, Some(last_words.map_or(until, |last| last.min(until)))).await;
        }
    }

    /// Whether there is room for much more than a batch.
    pub(crate) fn is_half_empty(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty()
            || (state.waiting.len() <= self.batches_max / 2
                && state.bytes <= self.bytes_max / 2
                && self.backlog.has_room(self.bytes_max / 2))
    }

    /// Whether anything more is taken.
    pub(crate) fn may_speak(&self) -> Result<(), Superseded> {
        if self.lock().is_over() { Err(Superseded) } else { Ok(()) }
    }

    /// How many batches wait to be read.
    pub(crate) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// The next batch, `None` at the end; and what was dropped in front of it.
    pub(crate) async fn pop(&self) -> (Option<Arc<Batch>>, Option<Shed>) {
        loop {
            let until = {
                let mut state = self.lock();
                if let Some(Waiting { batch, bytes, shed }) = state.waiting.pop_front() {
                    state.bytes = state.bytes.saturating_sub(bytes);
                    self.backlog.remove(bytes);
                    drop(state);
                    self.drained.notify_one();
                    return (Some(batch), shed);
                }
                if state.is_over() {
                    return (None, state.shed_at_end.take());
                }
                state.last_words
            };
            wait(&self.filled, until).await;
        }
    }

    /// Ends the push, if it has not ended: the first cause stands. It has handed in all it had, but for what was dropped.
    pub(crate) fn end(&self, end: PushEnd, shed: Option<Shed>) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        state.shed_at_end = state.shed_at_end.or(shed);
        state.last_words = None;
        drop(state);
        self.tell_end();
    }

    /// Ends the push for a newer one, if it has not ended. What it has received by now it may hand in for
    /// [`LAST_WORDS_WAIT`]: the reader has it before it sees the end.
    pub(crate) fn supersede(&self) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(PushEnd::Superseded);
            state.last_words = Some(Instant::now() + LAST_WORDS_WAIT);
        }
        drop(state);
        self.tell_end();
    }

    fn tell_end(&self) {
        self.filled.notify_one();
        self.drained.notify_one();
        self.over.notify_waiters();
    }

    pub(crate) fn ended(&self) -> Option<PushEnd> {
        self.lock().end.clone()
    }

    /// The reader will not come back: nothing is kept for it.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.reader_gone = true;
        state.waiting = VecDeque::new();
        self.backlog.remove(std::mem::take(&mut state.bytes));
        drop(state);
        self.drained.notify_one();
    }

    pub(crate) async fn superseded(&self) {
        loop {
            // Made before looking: `notify_waiters` reaches every `Notified` that exists, polled or not.
            let over = self.over.notified();
            if self.lock().end == Some(PushEnd::Superseded) {
                return;
            }
            over.await;
        }
    }

    /// The state is whole whenever the lock is free.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a word, or until this time if there is one.
async fn wait(word: &Notify, until: Option<Instant>) {
    match until {
        // Late or not: the caller looks again.
        Some(until) => drop(timeout_at(until, word.notified()).await),
        None => word.notified().await,
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.backlog.remove(bytes);
    }
}
