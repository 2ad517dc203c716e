//! The queue between one publisher and one reader: bounded by batches and by bytes, lossless, ended once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::{Batch, PushEnd, Superseded};

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

#[derive(Default)]
struct State {
    waiting: VecDeque<(Arc<Batch>, usize)>,
    bytes: usize,
    end: Option<PushEnd>,
    reader_gone: bool,
}

impl Queue {
    pub(crate) fn new(batches_max: usize, bytes_max: usize, backlog: Arc<Backlog>) -> Self {
        let (filled, drained, over) = (Notify::new(), Notify::new(), Notify::new());
        Self { batches_max, bytes_max, backlog, state: Mutex::default(), filled, drained, over }
    }

    /// Appends a batch of `bytes`; `true` when it had to wait for room. Without a reader the batch is dropped.
    pub(crate) async fn push(&self, batch: Arc<Batch>, bytes: usize) -> Result<bool, Superseded> {
        let mut waited = false;
        loop {
            {
                let mut state = self.lock();
                if state.end.is_some() {
                    return Err(Superseded);
                }
                if state.reader_gone {
                    return Ok(waited);
                }
                let room = state.waiting.len() < self.batches_max
                    && state.bytes.saturating_add(bytes) <= self.bytes_max
                    && self.backlog.has_room(bytes);
                // An empty queue always takes one: its reader would have nothing to wake this publisher with.
                if room || state.waiting.is_empty() {
                    state.waiting.push_back((batch, bytes));
                    state.bytes = state.bytes.saturating_add(bytes);
                    self.backlog.add(bytes);
                    drop(state);
                    self.filled.notify_one();
                    return Ok(waited);
                }
            }
            waited = true;
            self.drained.notified().await;
        }
    }

    /// The next batch; `None` at the end.
    pub(crate) async fn pop(&self) -> Option<Arc<Batch>> {
        loop {
            {
                let mut state = self.lock();
                if let Some((batch, bytes)) = state.waiting.pop_front() {
                    state.bytes = state.bytes.saturating_sub(bytes);
                    self.backlog.remove(bytes);
                    drop(state);
                    self.drained.notify_one();
                    return Some(batch);
                }
                if state.end.is_some() {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// Ends the push, if it has not ended: the first cause stands.
    pub(crate) fn end(&self, end: PushEnd) {
        self.lock().end.get_or_insert(end);
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

impl Drop for Queue {
    fn drop(&mut self) {
        let bytes = self.lock().bytes;
        self.backlog.remove(bytes);
    }
}
