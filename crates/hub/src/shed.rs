//! What is dropped when a reader does not follow, and when that begins.
//!
//! A publisher waits first. When it has waited as long as it may, what comes is dropped up to the first key frame for which
//! there is room: so what the reader gets ends anywhere and goes on where a decoder can begin, with one hole in between.

use std::sync::Arc;
use std::time::Duration;

use codec::{Frame, TrackConfig, TrackKind};
use tokio::time::Instant;

use crate::queue::Pushed;
use crate::{Batch, Shed};

/// How long a publisher may still be kept waiting. Time in which it did not wait gives back what it waited before: it had
/// room then to send what had piled up.
pub(crate) struct Patience {
    whole: Duration,
    waited: Duration,
    since: Instant,
}

impl Patience {
    pub(crate) fn new(whole: Duration) -> Self {
        Self { whole, waited: Duration::ZERO, since: Instant::now() }
    }

    /// How long it may wait now.
    pub(crate) fn left(&mut self) -> Duration {
        self.waited = self.waited.saturating_sub(self.since.elapsed());
        self.whole.saturating_sub(self.waited)
    }

    /// It has waited, at most as long as it might.
    pub(crate) fn waited(&mut self, left: Duration, pushed: Pushed) {
        if let Pushed::After(waited) = pushed {
            self.waited = self.waited.saturating_add(waited.min(left));
        }
        self.since = Instant::now();
    }

    /// It waits no more: nothing has piled up.
    pub(crate) fn restart(&mut self) {
        self.waited = Duration::ZERO;
        self.since = Instant::now();
    }
}

/// What one push has sent and its reader has not got.
#[derive(Default)]
pub(crate) struct Shedding {
    shed: Option<Shed>,
    /// The newest parameters: whatever is dropped, the reader gets them.
    video: Option<Frame>,
    audio: Option<Frame>,
    pictured: bool,
    /// All frames that were dropped.
    total: u64,
}

impl Shedding {
    /// Takes note of a batch, dropped or not.
    pub(crate) fn note(&mut self, batch: &Batch) {
        for frame in &batch.frames {
            match frame {
                Frame::Config(TrackConfig::Video(_)) => self.video = Some(frame.clone()),
                Frame::Config(TrackConfig::Audio(_)) => self.audio = Some(frame.clone()),
                Frame::Sample(sample) => self.pictured |= sample.track == TrackKind::Video,
            }
        }
    }

    /// Drops a batch, and what comes after it.
    pub(crate) fn begin(&mut self, batch: &Batch) {
        self.drop_of(batch, batch.frames.len());
    }

    /// What of a batch the reader is to get, and what was dropped in front of it; `None`: nothing. `room`: there is some.
    pub(crate) fn sift(&mut self, batch: &Arc<Batch>, room: bool) -> Option<(Arc<Batch>, Option<Shed>)> {
        if self.shed.is_none() {
            return Some((Arc::clone(batch), None));
        }
        let begins = |frame: &Frame| matches!(frame, Frame::Sample(s) if s.sync && (s.track == TrackKind::Video || !self.pictured));
        let first = if room { batch.frames.iter().position(begins) } else { None };
        self.drop_of(batch, first.unwrap_or(batch.frames.len()));
        let rest = batch.frames.get(first?..).unwrap_or_default();
        let frames = self.video.iter().chain(&self.audio).chain(rest).cloned().collect();
        let shed = self.shed.take().map(|shed| Shed { to: batch.arrived, ..shed });
        Some((Arc::new(Batch { arrived: batch.arrived, frames }), shed))
    }

    /// All that was dropped so far, in frames.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// What was dropped at the end of the push.
    pub(crate) fn finish(&mut self) -> Option<Shed> {
        self.shed.take()
    }

    /// Drops the first `count` frames of a batch.
    fn drop_of(&mut self, batch: &Batch, count: usize) {
        let dropped = batch.frames.iter().take(count).filter(|frame| matches!(frame, Frame::Sample(_))).count();
        let dropped = u64::try_from(dropped).unwrap_or(u64::MAX);
        self.total = self.total.saturating_add(dropped);
        let shed = self.shed.get_or_insert(Shed { frames: 0, from: batch.arrived, to: batch.arrived });
        shed.frames = shed.frames.saturating_add(dropped);
        shed.to = batch.arrived;
    }
}
