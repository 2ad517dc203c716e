//! One live stream, many readers, each with a bounded queue.
//!
//! Today the one reader is the recorder. A full queue makes [`Publisher::send`] wait, which stops the reading of that
//! publisher's socket, which TCP tells the publisher. No other push notices. A publisher that was kept waiting longer than it
//! may bear is let go on without its reader: what it sends is dropped, up to the first key frame for which there is room, and
//! the reader is told ([`FrameReader::take_shed`]).
//!
//! A push ends exactly once, for the first cause that is told: the publisher's own [`Publisher::end`], a newer push of the
//! same path, or the drop of the [`Publisher`] (its task failed or the connection was lost).

mod queue;
mod shed;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use codec::Frame;
use metrics::{Counter, Gauge, counter, gauge};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use units::{PushId, StreamPath, WallTime};

use crate::queue::{Backlog, Pushed, Queue};
use crate::shed::{Patience, Shedding};

/// Batches a push may have waiting for its reader. With a batch each 20-100 ms that is at least 40 s: disks that stand still for
/// half a minute are known, and cost nothing.
pub const QUEUE_BATCHES_MAX: usize = 2048;
/// Payload bytes a push may have waiting for its reader: 30 s of 4 Mb/s. One batch larger than this is taken when the queue is
/// empty, so that no frame is too large to pass.
pub const QUEUE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Payload bytes that may wait over all pushes: two seconds of 500 streams at 2 Mb/s. Past it a push that has something
/// waiting already waits itself, so that a disk that stands still costs this much memory and no more.
pub const QUEUES_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Accepted pushes the recorder has not looked at yet. It starts a task for each and returns at once, so a full inbox
/// means that it stands still; then new pushes are refused.
pub const INBOX_PUSHES_MAX: usize = 1024;

/// How long a publisher is kept waiting, unless the configuration says otherwise: encoders give a connection up after some
/// 30 s in which it takes nothing.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How much may wait; see the constants for the defaults and their reasons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HubLimits {
    /// Batches waiting in one push's queue; at least 1.
    pub queue_batches: usize,
    /// Payload bytes waiting in one push's queue.
    pub queue_bytes: usize,
    /// Payload bytes waiting over all pushes; each may have one batch waiting all the same.
    pub queues_bytes: usize,
    /// Pushes waiting in [`Pushes`]; at least 1.
    pub inbox_pushes: usize,
    /// How long a publisher is kept waiting for room before what it sends is dropped.
    pub patience: Duration,
}

impl Default for HubLimits {
    fn default() -> Self {
        Self {
            queue_batches: QUEUE_BATCHES_MAX,
            queue_bytes: QUEUE_BYTES_MAX,
            queues_bytes: QUEUES_BYTES_MAX,
            inbox_pushes: INBOX_PUSHES_MAX,
            patience: PATIENCE,
        }
    }
}

/// Who pushes what. Carries no secret: it may be logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushInfo {
    /// This publisher connection.
    pub push: PushId,
    /// What it publishes.
    pub path: StreamPath,
    /// When it was accepted; a label.
    pub started: WallTime,
    /// The query of the push URL without its `auth_key`.
    pub params: String,
}

/// Frames that were read from the wire together, in order of arrival.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// When the last of them was read; a label.
    pub arrived: WallTime,
    /// Parameters and coded frames of both tracks.
    pub frames: Vec<Frame>,
}

impl Batch {
    /// Bytes of coded data, the measure of the queue's bound.
    pub fn payload_bytes(&self) -> usize {
        self.frames
            .iter()
            .map(|frame| match frame {
                Frame::Config(_) => 0,
                Frame::Sample(sample) => sample.data.len(),
            })
            .sum()
    }
}

/// Frames of a push that were dropped because its reader did not follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shed {
    /// How many; parameters are never dropped.
    pub frames: u64,
    /// When the first of them arrived.
    pub from: WallTime,
    /// When the first arrived that was not dropped, or the push ended.
    pub to: WallTime,
}

/// Why a push is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PushEnd {
    /// The publisher said so.
    Unpublished,
    /// The connection ended without a word, or fell silent.
    Lost,
    /// A newer push of the same path took its place.
    Superseded,
    /// An operator cut it.
    Cut,
    /// The publisher sent what we do not take.
    Refused {
        /// A sentence for the publisher and the receipt; names the codec, bytes or rule.
        reason: String,
    },
    /// This process is going down.
    Shutdown,
}

/// A push was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PublishError {
    /// The recorder's inbox is full: it does not keep up. Try again later.
    #[error("the recorder is not keeping up with new pushes")]
    Busy,
    /// The recorder is gone: the process is going down.
    #[error("there is no recorder")]
    Closed,
}

/// A newer push of the same path has taken over; nothing more is taken from this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a newer push of the same path has taken over")]
pub struct Superseded;

/// The meeting point of ingest and the readers, in one process. Clones share it.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
}

struct Shared {
    limits: HubLimits,
    /// Payload bytes that wait for readers, over all pushes.
    backlog: Arc<Backlog>,
    live: Mutex<BTreeMap<StreamPath, Live>>,
    inbox: mpsc::Sender<NewPush>,
    meters: Meters,
}

struct Live {
    info: PushInfo,
    queue: Arc<Queue>,
}

/// Handles are made once: a look-up by name per batch would be felt at 500 streams.
struct Meters {
    live: Gauge,
    batches: Counter,
    frames: Counter,
    bytes: Counter,
    waits: Counter,
    superseded: Counter,
    shed: Counter,
}

impl Meters {
    fn new() -> Self {
        Self {
            live: gauge!("hub_live_pushes"),
            batches: counter!("hub_batches_total"),
            frames: counter!("hub_frames_total"),
            bytes: counter!("hub_payload_bytes_total"),
            waits: counter!("hub_full_queue_waits_total"),
            superseded: counter!("hub_superseded_pushes_total"),
            shed: counter!("hub_shed_frames_total"),
        }
    }
}

impl Hub {
    /// A hub without pushes, and the inbox in which its one recorder finds each new push. Install the metrics recorder
    /// first: the counters are looked up here.
    pub fn new(limits: HubLimits) -> (Self, Pushes) {
        let (inbox, pushes) = mpsc::channel(limits.inbox_pushes.max(1));
        let backlog = Arc::new(Backlog::new(limits.queues_bytes));
        let shared = Shared { limits, backlog, live: Mutex::default(), inbox, meters: Meters::new() };
        (Self { shared: Arc::new(shared) }, Pushes { pushes })
    }

    /// Makes a push live and hands it to the recorder. A push of the same path that is live already is superseded: what
    /// it has sent is still read, and what it hands in at once (half a second, or until [`Publisher::end`]); then its reader
    /// ends. On an error nothing has changed, the older push included.
    pub fn publish(&self, info: PushInfo) -> Result<Publisher, PublishError> {
        let mut live = self.shared.lock();
        let permit = self.shared.inbox.try_reserve().map_err(|refused| match refused {
            TrySendError::Full(()) => PublishError::Busy,
            TrySendError::Closed(()) => PublishError::Closed,
        })?;
        let limits = &self.shared.limits;
        let backlog = Arc::clone(&self.shared.backlog);
        let queue = Arc::new(Queue::new(limits.queue_batches.max(1), limits.queue_bytes, backlog));
        let older = live.insert(info.path.clone(), Live { info: info.clone(), queue: Arc::clone(&queue) });
        if let Some(older) = older {
            older.queue.supersede();
            self.shared.meters.superseded.increment(1);
            tracing::info!(stream = %info.path, older = %older.info.push, newer = %info.push, "push superseded");
        }
        self.shared.meters.live.set(count(live.len()));
        permit.send(NewPush { info: info.clone(), frames: FrameReader { queue: Arc::clone(&queue), shed: None } });
        drop(live);
        let patience = Patience::new(limits.patience);
        Ok(Publisher { hub: self.clone(), info, queue, patience, shedding: Shedding::default() })
    }

    /// The pushes that are live now, ordered by path.
    pub fn live(&self) -> Vec<PushInfo> {
        self.shared.lock().values().map(|live| live.info.clone()).collect()
    }

    /// Payload bytes that wait for readers, over all pushes: the backlog by which ingest judges overload.
    pub fn queued_bytes(&self) -> usize {
        self.shared.backlog.bytes()
    }

    fn remove(&self, push: PushId, path: &StreamPath) {
        let mut live = self.shared.lock();
        // A push that was superseded must not take its successor down.
        if live.get(path).is_some_and(|entry| entry.info.push == push) {
            live.remove(path);
        }
        self.shared.meters.live.set(count(live.len()));
    }
}

impl Shared {
    /// The map is whole after every statement that changes it, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamPath, Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A gauge's value; exact up to 2^32, far above any number of pushes.
fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The recorder's inbox: every push, once, in the order of acceptance.
pub struct Pushes {
    pushes: mpsc::Receiver<NewPush>,
}

impl Pushes {
    /// The next push; `None` when every clone of the hub and every publisher is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<NewPush> {
        self.pushes.recv().await
    }
}

/// A push that has just begun.
pub struct NewPush {
    /// Who and what.
    pub info: PushInfo,
    /// Its frames, from the first.
    pub frames: FrameReader,
}

/// Reads one push. Dropping it (a push that nobody records) leaves the push live; its frames are thrown away.
pub struct FrameReader {
    queue: Arc<Queue>,
    shed: Option<Shed>,
}

impl FrameReader {
    /// The next batch, in order; `None` when the push is over and all it sent was read. What was left out in front of it is
    /// told by [`take_shed`](Self::take_shed). Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<Batch>> {
        let (batch, shed) = self.queue.pop().await;
        self.shed = shed;
        batch
    }

    /// What was dropped between the last answer of [`next`](Self::next) and the one before it, told once. The batch behind it
    /// begins with the parameters that hold, and with a key frame (any frame of a push without pictures).
    pub fn take_shed(&mut self) -> Option<Shed> {
        self.shed.take()
    }

    /// How many batches wait to be read.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Why the push is over. Known from the moment it is, so possibly before [`next`](Self::next) has answered `None`.
    pub fn end(&self) -> Option<PushEnd> {
        self.queue.ended()
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        self.queue.leave();
    }
}

/// The sending side of one push. Dropping it without [`end`](Self::end) ends the push as [`PushEnd::Lost`].
pub struct Publisher {
    hub: Hub,
    info: PushInfo,
    queue: Arc<Queue>,
    patience: Patience,
    shedding: Shedding,
}

impl Publisher {
    /// Who and what, as given to [`Hub::publish`].
    pub fn info(&self) -> &PushInfo {
        &self.info
    }

    /// Hands a batch to the reader, waiting while its queue is full; drops it when the publisher has been kept waiting for as
    /// long as [`HubLimits::patience`] says. A future dropped while it waits has sent nothing. [`Superseded`] comes when the
    /// time for last words is over, too: half a second after the takeover.
    pub async fn send(&mut self, batch: Arc<Batch>) -> Result<(), Superseded> {
        self.shedding.note(&batch);
        let (batch, shed) = match self.shedding.sift(&batch, self.queue.is_half_empty()) {
            Some(passed) => passed,
            None => return self.queue.may_speak(),
        };
        let bytes = batch.payload_bytes();
        let frames = batch.frames.len();
        let left = self.patience.left();
        let pushed = self.queue.push(Arc::clone(&batch), bytes, shed, left).await?;
        let meters = &self.hub.shared.meters;
        if pushed != Pushed::AtOnce {
            meters.waits.increment(1);
        }
        if pushed == Pushed::NoRoom {
            tracing::warn!(stream = %self.info.path, push = %self.info.push, "the reader of a push does not follow; its frames are dropped");
            self.patience.restart();
            self.shedding.begin(&batch);
            return Ok(());
        }
        self.patience.waited(left, pushed);
        meters.batches.increment(1);
        meters.frames.increment(u64::try_from(frames).unwrap_or(u64::MAX));
        meters.bytes.increment(u64::try_from(bytes).unwrap_or(u64::MAX));
        if let Some(shed) = shed {
            meters.shed.increment(shed.frames);
            tracing::info!(stream = %self.info.path, push = %self.info.push, frames = shed.frames, "the reader of a push follows again");
        }
        Ok(())
    }

    /// Frames that were dropped so far because the reader did not follow.
    pub const fn shed_frames(&self) -> u64 {
        self.shedding.total()
    }

    /// Ends the push. The reader gets what is queued, then the end.
    pub fn end(mut self, end: PushEnd) {
        self.close(end);
    }

    fn close(&mut self, end: PushEnd) {
        let shed = self.shedding.finish();
        self.hub.shared.meters.shed.increment(shed.map_or(0, |shed| shed.frames));
        self.queue.end(end, shed);
    }

    /// Answers when a newer push of the same path has taken over; never before. Cancel-safe.
    pub async fn superseded(&self) {
        self.queue.superseded().await;
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // A no-op after `end`: the first cause stands.
        self.close(PushEnd::Lost);
        self.hub.remove(self.info.push, &self.info.path);
    }
}

#[cfg(test)]
mod tests;
