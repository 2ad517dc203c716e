//! The files of one reel while it grows. Runs on blocking threads; owned by one recording at a time.
//!
//! Order of writes (docs/design/recovery.md): fragments are appended and synced at the stated interval; a segment is synced
//! before its page and row are appended to the index; a cycle is told to the catalog after the rows of its segments.
//!
//! When the disk fails, what was in its segment before is kept, what was not is lost, and the recording goes on where the
//! stored media ends ([`Disk::take_struck`]). Rows that cannot be written are owed, in order, with all that must be told
//! after them.

mod holes;
mod index;
mod recover;
mod segment;

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use blobs::{AppendFile, Blobs};
use bytes::Bytes;
use codec::TrackKind;
use domain::recording::{At, Cycle, Effect};
use reel::{Epoch, Join, LossCause, LostEnd, ORIGIN_SECONDS, SegmentHead, SegmentRow};
use units::{Mono, ReelId, WallTime};

use self::index::IndexFiles;
pub(crate) use self::recover::Found;
use self::segment::{Closed, Segment, is_full};
use crate::RecorderError;
use crate::assembly::{NewFragment, Op, Resume};
use crate::timeline::SECOND;

/// Segments whose rows may be owed to the index, some 5 KiB each: a quarter of an hour. Beyond it no segment is begun.
const OWED_MAX: usize = 256;

/// Reads an object, or a range of it that it has; `None` when there is none.
pub(crate) type ReadObject<'a> = dyn Fn(&str, Option<Range<u64>>) -> Result<Option<Bytes>, RecorderError> + 'a;

/// The files of a reel.
pub(crate) struct Disk {
    blobs: Blobs,
    reel: ReelId,
    index: IndexFiles,
    /// Number of the next segment.
    next: u32,
    /// Where the stored media ends; `None` without any.
    end: Option<Resume>,
    /// When the last stored frame arrived, as near as is known.
    last_media: WallTime,
    /// The parameters of the last stored segment, and how many there were so far.
    epoch: Option<Epoch>,
    epochs: u32,
    segment: Option<Segment>,
    cycle: Option<CycleSoFar>,
    owed: VecDeque<Owed>,
    sync_interval: Duration,
    last_sync: Mono,
    /// The last that was told: a label of what happens in a call.
    wall: WallTime,
    /// Something was appended since the last sync.
    unsynced: bool,
    loss: Option<Loss>,
    /// A loss of which the assembly does not know yet: nothing is stored until it does.
    struck: bool,
    lost_fragments: u64,
}

/// What waits for the index, in order.
#[derive(Debug)]
enum Owed {
    /// A segment whose sync failed is cut to what is durable. Until then no other is begun: after a crash it would be found
    /// longer than those that follow know.
    Cut(AppendFile, u64),
    Row(Box<Closed>),
    LostEnd(LostEnd),
    Done(Done),
}

/// Media is being lost.
#[derive(Clone, Copy, Debug)]
struct Loss {
    cause: LossCause,
    /// The last stored frame before it.
    since: WallTime,
    /// It is written down that the media ends with it.
    told: bool,
}

/// What is known of the cycle that grows.
#[derive(Clone, PartialEq, Debug)]
pub struct CycleSoFar {
    /// Which.
    pub cycle: Cycle,
    /// Where it begins on the reel's timeline: where its first segment does.
    pub from: i64,
    /// Where its media ends so far.
    pub to: i64,
    /// When its first frame arrived.
    pub began: WallTime,
    /// When its last segment's last frame arrived, as near as is known.
    pub ended: WallTime,
    /// How many segments it has.
    pub segments: u32,
    /// Their bytes.
    pub bytes: u64,
    /// How many pictures it has.
    pub pictures: u64,
    /// Of its last pictures, in pixels.
    pub width: u16,
    /// Of its last pictures, in pixels.
    pub height: u16,
}

impl CycleSoFar {
    pub(crate) fn new(cycle: Cycle, from: i64, began: WallTime) -> Self {
        Self { cycle, from, to: from, began, ended: began, segments: 0, bytes: 0, pictures: 0, width: 0, height: 0 }
    }

    fn add(&mut self, row: &SegmentRow, epoch: &Epoch) {
        if self.segments == 0 {
            self.from = row.begin;
            self.to = row.begin;
        }
        self.segments += 1;
        self.bytes += row.bytes;
        self.to = self.to.max(row.end);
        self.pictures += row.video.map_or(0, |span| u64::from(span.samples));
        self.ended = self.ended.max(ended(row));
        if let Some(video) = &epoch.video {
            (self.width, self.height) = (video.width, video.height);
        }
    }
}

/// What was carried out, in order.
#[derive(Debug)]
pub enum Done {
    /// A cycle began.
    CycleOpened {
        /// Which.
        cycle: Cycle,
        /// Where on the reel's timeline.
        at: At,
        /// When its first frame arrived.
        wall: WallTime,
    },
    /// A segment is whole, durable and in the index.
    SegmentStored {
        /// Where it begins on the reel's timeline.
        begin: i64,
    },
    /// A cycle is whole and durable.
    CycleSealed(CycleSoFar),
    /// All that was taken is durable and waits.
    Interrupted {
        /// Where the media ends.
        end: i64,
        /// When its last frame arrived, as near as is known.
        last_media: WallTime,
    },
    /// It was stopped, and waits for a start.
    Stopped,
    /// The publisher is back.
    Resumed,
    /// The recording is over.
    Ended {
        /// Where its media ends.
        end: i64,
        /// How many cycles were opened.
        cycles: u32,
    },
}

impl Disk {
    /// Makes the files of a new reel.
    pub(crate) fn create(blobs: &Blobs, reel: ReelId, sync_interval: Duration) -> Result<Self, RecorderError> {
        let index = IndexFiles::create(blobs, reel)?;
        Ok(Self::with_index(blobs, reel, sync_interval, index))
    }

    fn with_index(blobs: &Blobs, reel: ReelId, sync_interval: Duration, index: IndexFiles) -> Self {
        Self {
            blobs: blobs.clone(),
            reel,
            index,
            next: 0,
            end: None,
            last_media: WallTime::default(),
            epoch: None,
            epochs: 0,
            segment: None,
            cycle: None,
            owed: VecDeque::new(),
            sync_interval,
            last_sync: Mono::default(),
            wall: WallTime::default(),
            unsynced: false,
            loss: None,
            struck: false,
            lost_fragments: 0,
        }
    }

    /// Goes on with a cycle after a restart.
    pub(crate) fn go_on_with(&mut self, cycle: CycleSoFar) {
        self.cycle = Some(cycle);
    }

    /// Where the recording goes on, when media was lost since the last call: the assembly has to be told before anything
    /// is stored again.
    pub(crate) fn take_struck(&mut self) -> Option<Resume> {
        std::mem::take(&mut self.struck).then(|| self.resume())
    }

    /// How many fragments could not be stored since the last call.
    pub(crate) fn take_lost_fragments(&mut self) -> u64 {
        std::mem::take(&mut self.lost_fragments)
    }

    /// Why media is being lost, or why the index is behind; `None` when all is well.
    pub(crate) fn trouble(&self) -> Option<LossCause> {
        let behind =
            self.owed.iter().any(|owed| matches!(owed, Owed::Row(_) | Owed::Cut(..))).then_some(LossCause::Failed);
        self.loss.map(|loss| loss.cause).or(behind)
    }

    /// Whether something waits for the index: [`run`](Self::run) is to be called again, be it without operations.
    pub(crate) fn owes(&self) -> bool {
        !self.owed.is_empty()
    }

    fn resume(&self) -> Resume {
        self.end.unwrap_or(Resume { pts: i64::from(ORIGIN_SECONDS) * SECOND, dts: None, sound: None })
    }

    /// Carries out `ops` in order; gives what can be told by now. An error of the disk never stops the recording. `wall`
    /// labels what has no time of its own.
    pub(crate) fn run(&mut self, now: Mono, wall: WallTime, ops: Vec<Op>) -> Vec<Done> {
        self.wall = wall;
        let mut wall = WallTime::default();
        for op in ops {
            match op {
                Op::OpenSegment { epoch, join, wall: at } => {
                    wall = at;
                    if let Some(cycle) = &mut self.cycle
                        && cycle.segments == 0
                    {
                        cycle.began = at;
                        cycle.ended = at;
                    }
                    if let Some(Owed::Done(Done::CycleOpened { wall, .. })) = self.owed.back_mut() {
                        *wall = at;
                    }
                    self.open_segment(epoch, join, at);
                }
                Op::Note(epoch) => self.note(epoch),
                Op::Append(fragments) => self.append(fragments),
                Op::Lost { fragments } => self.note_lost(fragments),
                Op::SealSegment { end } => self.seal_segment(now, end),
                Op::Effect(effect) => self.effect(effect, wall),
            }
        }
        // Writes come about once an interval: half of one decides, so that a write that comes a little early is not left
        // unsynced for two.
        if self.unsynced && now.since(self.last_sync) * 2 >= self.sync_interval {
            self.sync_segment(now);
        }
        self.pay()
    }

    fn effect(&mut self, effect: Effect, wall: WallTime) {
        match effect {
            Effect::OpenCycle { cycle, at } => {
                // Of a cycle that is opened while media is lost the first stored frame comes where the last one ended.
                let at = if self.loss.is_some() { At(self.resume().pts) } else { at };
                self.cycle = Some(CycleSoFar::new(cycle, at.0, wall));
                self.owed.push_back(Owed::Done(Done::CycleOpened { cycle, at, wall }));
            }
            // A cycle of which no segment could be stored is no asset; the loss is written down.
            Effect::SealCycle { .. } => {
                let sealed = self.cycle.take().filter(|cycle| cycle.segments > 0);
                self.owed.extend(sealed.map(|cycle| Owed::Done(Done::CycleSealed(cycle))));
            }
            Effect::Interrupt { .. } => {
                let end = self.resume().pts;
                self.tell_lost_end();
                if let Some(cycle) = &self.cycle {
                    let last_media = cycle.ended.max(self.last_media);
                    self.owed.push_back(Owed::Done(Done::Interrupted { end, last_media }));
                }
            }
            Effect::Stop { .. } => self.owed.push_back(Owed::Done(Done::Stopped)),
            Effect::Resume { .. } => self.owed.push_back(Owed::Done(Done::Resumed)),
            Effect::EndRecording { cycles } => {
                if self.loss.is_some_and(|loss| !loss.told) {
                    self.tell_lost_end();
                }
                self.loss = None;
                self.owed.push_back(Owed::Done(Done::Ended { end: self.resume().pts, cycles }));
            }
        }
    }

    /// Writes down a loss after which no segment follows, at least for now.
    fn tell_lost_end(&mut self) {
        let Some(loss) = &mut self.loss else { return };
        loss.told = true;
        let gap_ms = u64::try_from(self.wall.since(loss.since).as_millis()).unwrap_or(u64::MAX);
        self.owed.push_back(Owed::LostEnd(LostEnd { gap_ms, cause: loss.cause }));
    }

    fn open_segment(&mut self, epoch: Epoch, join: Join, wall: WallTime) {
        if self.struck {
            return;
        }
        if self.owed.len() > OWED_MAX || self.owed.iter().any(|owed| matches!(owed, Owed::Cut(..))) {
            self.strike(
                &std::io::Error::other("what came before cannot be completed").into(),
                "a segment cannot be begun",
                0,
            );
            return;
        }
        let gap = |loss: Loss| u64::try_from(wall.since(loss.since).as_millis()).unwrap_or(u64::MAX);
        let head = SegmentHead {
            reel: self.reel,
            segment: self.next,
            cycle: self.cycle.as_ref().map_or(0, |cycle| cycle.cycle.0),
            wall,
            join: self.loss.map_or(join, |loss| Join::Lost { gap_ms: gap(loss), cause: loss.cause }),
            epoch: self.numbered(epoch, None),
            borders: None,
        };
        match Segment::open(&self.blobs, head) {
            Ok(segment) => {
                self.segment = Some(segment);
                self.unsynced = true;
            }
            Err(error) => self.strike(&error, "a segment cannot be begun", 0),
        }
    }

    /// Numbers parameters by what is stored, so that the numbers in the reel have no holes. `open`: those of the segment
    /// that is open.
    fn numbered(&self, epoch: Epoch, open: Option<&Epoch>) -> Epoch {
        let known = open.or(self.epoch.as_ref());
        let number = match known {
            Some(known) if known.video == epoch.video && known.audio == epoch.audio => known.number,
            Some(known) if open.is_some() => known.number.saturating_add(1),
            _ => self.epochs,
        };
        Epoch { number, ..epoch }
    }

    fn note(&mut self, epoch: Epoch) {
        let Some(open) = self.segment.as_ref().map(|segment| segment.epoch().clone()) else { return };
        let epoch = self.numbered(epoch, Some(&open));
        if let Some(segment) = &mut self.segment
            && let Err(error) = segment.note(epoch)
        {
            self.strike(&error.into(), "a joining track cannot be noted", 0);
        }
    }

    fn append(&mut self, fragments: Vec<NewFragment>) {
        let count = u64::try_from(fragments.len()).unwrap_or(u64::MAX);
        let Some(segment) = &mut self.segment else {
            self.lost_fragments += count;
            return;
        };
        match segment.append(fragments) {
            Ok(()) => self.unsynced = true,
            Err(error) => self.strike(&error.into(), "fragments cannot be written", count),
        }
    }

    /// Media was dropped before it came here, behind what is stored by now.
    fn note_lost(&mut self, fragments: u64) {
        self.lost_fragments = self.lost_fragments.saturating_add(fragments);
        let since = if self.end.is_some() { self.last_media } else { self.wall };
        if self.loss.is_none() {
            self.loss = Some(Loss { cause: LossCause::Slow, since, told: false });
            tracing::error!(reel = %self.reel, segment = self.next, "the disk is too slow; media is lost until it follows again");
        }
    }

    fn seal_segment(&mut self, now: Mono, end: Option<i64>) {
        self.sync_segment(now);
        // A segment that was struck is closed already.
        if let Some(segment) = self.segment.take() {
            self.close(segment, end);
        }
    }

    /// Syncs the open segment. An error costs what was written since the last sync.
    fn sync_segment(&mut self, now: Mono) {
        self.unsynced = false;
        self.last_sync = now;
        if let Some(segment) = &mut self.segment
            && let Err((error, lost)) = segment.sync()
        {
            self.strike(&error.into(), "a segment cannot be synced", lost);
        }
    }

    /// The disk failed: what the open segment has by now is kept, what comes is lost until the next one is begun.
    fn strike(&mut self, error: &RecorderError, what: &'static str, lost: u64) {
        self.lost_fragments += lost;
        self.struck = true;
        if let Some(mut segment) = self.segment.take() {
            if let Err((_, lost)) = segment.sync() {
                self.lost_fragments += lost;
            }
            self.close(segment, None);
        }
        self.unsynced = false;
        let cause = if is_full(error) { LossCause::Full } else { LossCause::Failed };
        let known = self.loss.is_some_and(|loss| loss.cause == cause);
        let since = self.loss.map_or(if self.end.is_some() { self.last_media } else { self.wall }, |loss| loss.since);
        self.loss = Some(Loss { cause, since, told: false });
        if !known {
            // Once for each trouble, not once for each fragment.
            tracing::error!(reel = %self.reel, segment = self.next, error = error as &dyn std::error::Error, what, cause = cause.as_str(), "the disk fails; media is lost until it works again");
        }
    }

    /// Takes a segment, whose bytes are durable, into the reel.
    fn close(&mut self, mut segment: Segment, end: Option<i64>) {
        let closed = segment.close(end);
        // Also of one of which nothing is kept: after a crash it would be found, in a cycle that may be an asset by then.
        self.owed.extend(segment.into_uncut().map(|(file, bytes)| Owed::Cut(file, bytes)));
        let Some(mut closed) = closed else { return };
        closed.begin_behind(self.end.map_or(i64::MIN, |before| before.pts));
        if let Some(loss) = self.loss.take() {
            tracing::info!(reel = %self.reel, segment = closed.row.number, cause = loss.cause.as_str(), "the disk works again; the loss is written down");
        }
        self.next = closed.row.number.saturating_add(1);
        if let Some(last) = closed.epochs.last() {
            self.epochs = self.epochs.max(last.number.saturating_add(1));
            self.epoch = Some(last.clone());
            if let Some(cycle) = &mut self.cycle {
                cycle.add(&closed.row, last);
            }
        }
        self.advance(&closed.row);
        self.owed.push_back(Owed::Row(Box::new(closed)));
    }

    /// Notes where the stored media ends now.
    fn advance(&mut self, row: &SegmentRow) {
        let before = self.end.unwrap_or_default();
        let rate = self.epoch.as_ref().and_then(|epoch| epoch.audio.as_ref()).map(|audio| audio.sample_rate);
        self.end = Some(Resume {
            pts: before.pts.max(row.end),
            dts: before.dts.max(row.track(TrackKind::Video).map(|span| span.dts_end)),
            sound: rate.zip(row.track(TrackKind::Audio).map(|span| span.dts_end)).or(before.sound),
        });
        self.last_media = self.last_media.max(ended(row));
    }

    /// Writes what is owed to the index, as far as the disk lets; gives what may be told then.
    fn pay(&mut self) -> Vec<Done> {
        let mut done = Vec::new();
        while let Some(mut owed) = self.owed.pop_front() {
            let paid = match &mut owed {
                Owed::Cut(file, bytes) => {
                    file.truncate(*bytes).and_then(|()| file.sync_data()).map_err(RecorderError::from)
                }
                Owed::Row(closed) => self.index.add(closed).map(drop),
                Owed::LostEnd(lost) => self.index.add_lost_end(lost),
                Owed::Done(Done::CycleSealed(_) | Done::Interrupted { .. }) => {
                    self.sync_index();
                    Ok(())
                }
                // After this no start makes the index again.
                Owed::Done(Done::Ended { .. }) => self.index.sync(),
                Owed::Done(Done::CycleOpened { .. } | Done::SegmentStored { .. } | Done::Stopped | Done::Resumed) => {
                    Ok(())
                }
            };
            if let Err(error) = paid {
                tracing::debug!(reel = %self.reel, %error, owed = self.owed.len() + 1, "the index cannot be written; tried again");
                self.owed.push_front(owed);
                return done;
            }
            match owed {
                Owed::Row(closed) => done.push(Done::SegmentStored { begin: closed.row.begin }),
                Owed::Done(one) => done.push(one),
                Owed::Cut(..) | Owed::LostEnd(_) => {}
            }
        }
        if self.index.is_sync_due() {
            self.sync_index();
        }
        done
    }

    /// The media is durable without it: while the recording is open, an index that was lost is made again.
    fn sync_index(&mut self) {
        if let Err(error) = self.index.sync() {
            tracing::warn!(reel = %self.reel, %error, "the index cannot be synced");
        }
    }
}

/// When the last frame of a segment arrived, as near as is known.
fn ended(row: &SegmentRow) -> WallTime {
    let length_ms = u64::try_from((row.end - row.begin).max(0) / 90).unwrap_or(0);
    row.wall.after(Duration::from_millis(length_ms))
}

#[cfg(test)]
mod tests;
