//! The recorder's service: what `recorder` does around a recording, without tasks. One stream path.

use std::collections::VecDeque;
use std::time::Duration;

use blobs::FaultDisk;
use catalog::{NewRecording, OpenCycle};
use codec::Frame;
use domain::recording::State;
use domain::rule::RecordRule;
use recorder::bare::{Bare, Done, Fault};
use units::{AssetId, IdSource, Mono, PushId, RecordingId, ReelId, StreamPath, WallTime};

use crate::rows::{Entry, Rows, Seal};

/// As in the service: what has its place is written at least this often.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

/// The two clocks at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instant {
    pub(crate) mono: Mono,
    pub(crate) wall: WallTime,
}

/// One life of the process.
pub(crate) struct Service {
    disk: FaultDisk,
    fault: Option<Fault>,
    pub(crate) actives: Vec<Active>,
    /// What the catalog has not taken yet.
    pub(crate) owed: VecDeque<(RecordingId, Entry)>,
}

/// One recording that is open.
pub(crate) struct Active {
    pub(crate) id: RecordingId,
    pub(crate) bare: Bare,
    pub(crate) push: Option<PushId>,
    new: NewRecording,
    begun: bool,
    open: Option<OpenCycle>,
    last_media: Option<WallTime>,
    next_flush: Mono,
}

impl Service {
    /// Starts, and takes up what the last life left. A recording that cannot be taken up is left for the next life.
    pub(crate) fn boot(disk: &FaultDisk, rows: &Rows, ids: &mut IdSource, now: Instant, fault: Option<Fault>) -> Self {
        let mut service = Self { disk: disk.clone(), fault, actives: Vec::new(), owed: VecDeque::new() };
        for row in rows.open_recordings() {
            let fresh = AssetId::from_u128(ids.next_bits(now.wall));
            let found = match Bare::take_up(disk, &row, now.mono, now.wall, || fresh, fault) {
                Ok(Some(found)) => found,
                Ok(None) => {
                    service.owed.push_back((row.id, Entry::End { end: None, at: now.wall }));
                    continue;
                }
                Err(_) => continue,
            };
            for (cycle, asset) in found.owed {
                let seal = Seal { cycle: cycle.cycle.0, asset, from: cycle.from, to: cycle.to, ended: cycle.ended };
                service.owed.push_back((row.id, Entry::Seal(seal, None)));
            }
            service.owed.push_back((row.id, Entry::OpenCycle(found.open)));
            if row.give_up_at.is_none() {
                let (last_media, end) = (found.last_media, found.open.from_ticks);
                let give_up_at = last_media.after(row.rule.grace);
                service.owed.push_back((row.id, Entry::Interrupt { last_media, end, give_up_at }));
            }
            let (id, path, rule, reel) = (row.id, row.path.clone(), row.rule.clone(), row.reel);
            service.actives.push(Active {
                id,
                bare: found.recording,
                push: None,
                new: NewRecording { id, path, rule, reel, node: row.node.clone(), began: row.began },
                begun: true,
                open: Some(found.open),
                last_media: Some(found.last_media),
                next_flush: Mono::default(),
            });
        }
        service
    }

    /// The recording that pushes feed.
    pub(crate) fn current(&mut self) -> Option<&mut Active> {
        self.actives.last_mut().filter(|active| active.bare.state() != State::Ended)
    }

    /// A push comes. Gives the recording that it feeds; none when its files cannot be made.
    pub(crate) fn push_started(
        &mut self,
        now: Instant,
        push: PushId,
        rule: &RecordRule,
        ids: &mut IdSource,
    ) -> Option<RecordingId> {
        self.tick(now, ids);
        if self.current().is_none() {
            let id = RecordingId::from_u128(ids.next_bits(now.wall));
            let reel = ReelId::from_u128(ids.next_bits(now.wall));
            let path = StreamPath::new("sim.example.org", "live", "one").ok()?;
            let new = NewRecording { id, path, rule: rule.clone(), reel, node: "sim".into(), began: now.wall };
            let bare = Bare::begin(&self.disk, &new, push, self.fault).ok()?;
            let (open, last_media, next_flush) = (None, None, now.mono.after(FLUSH_INTERVAL));
            self.actives.push(Active { id, bare, push: Some(push), new, begun: false, open, last_media, next_flush });
            return Some(id);
        }
        let active = self.current()?;
        let gap = active.last_media.map_or(Duration::ZERO, |last| now.wall.since(last));
        active.bare.push_started(now.mono, push, u64::try_from(gap.as_millis()).unwrap_or(u64::MAX));
        active.push = Some(push);
        let id = active.id;
        self.carry_out(now, ids);
        Some(id)
    }

    pub(crate) fn frame(&mut self, now: Instant, frame: &Frame, ids: &mut IdSource) {
        let Some(active) = self.current() else { return };
        active.bare.frame(now.mono, now.wall, frame);
        active.last_media = Some(now.wall);
        if now.mono >= active.next_flush {
            active.bare.flush();
            active.next_flush = now.mono.after(FLUSH_INTERVAL);
        }
        self.carry_out(now, ids);
    }

    pub(crate) fn push_lost(&mut self, now: Instant, push: PushId, ids: &mut IdSource) {
        let Some(active) = self.current() else { return };
        active.bare.push_lost(now.mono, now.wall, push);
        active.push = None;
        self.carry_out(now, ids);
    }

    /// Time has passed: graces are over, or the disk is asked again to take what it is owed.
    pub(crate) fn tick(&mut self, now: Instant, ids: &mut IdSource) {
        for active in &mut self.actives {
            if active.bare.deadline().is_some_and(|deadline| now.mono >= deadline) {
                active.bare.tick(now.mono);
            }
        }
        self.carry_out(now, ids);
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Mono> {
        let owes = self.actives.iter().any(|active| active.bare.owes());
        let retry = owes.then(|| now.mono.after(Duration::from_secs(1)));
        self.actives.iter().filter_map(|active| active.bare.deadline()).chain(retry).min()
    }

    fn carry_out(&mut self, now: Instant, ids: &mut IdSource) {
        for active in &mut self.actives {
            let done = active.bare.carry_out(now.mono, now.wall);
            active.settle(&self.disk, now.wall, done, ids, &mut self.owed);
        }
        self.actives.retain(|active| active.bare.state() != State::Ended || active.bare.owes());
    }
}

impl Active {
    /// What the service tells the catalog, in its order.
    fn settle(
        &mut self,
        disk: &FaultDisk,
        wall: WallTime,
        done: Vec<Done>,
        ids: &mut IdSource,
        owed: &mut VecDeque<(RecordingId, Entry)>,
    ) {
        let mut sealed = None;
        for one in done {
            match one {
                Done::CycleSealed(cycle) => {
                    let asset = self.open.take().map(|open| open.asset);
                    let asset = asset.unwrap_or_else(|| AssetId::from_u128(ids.next_bits(wall)));
                    let number = cycle.cycle.0;
                    sealed = Some(Seal { cycle: number, asset, from: cycle.from, to: cycle.to, ended: cycle.ended });
                }
                Done::CycleOpened { cycle, at, wall: began } => {
                    let asset = AssetId::from_u128(ids.next_bits(began));
                    let open = OpenCycle { number: cycle.0, asset, from_ticks: at.0, began };
                    self.open = Some(open);
                    if !self.begun {
                        self.begun = true;
                        owed.push_back((self.id, Entry::Begin(Box::new(self.new.clone()))));
                    }
                    self.bare.tell_story(disk, cycle.0, asset, at.0, began);
                    owed.push_back((
                        self.id,
                        match sealed.take() {
                            Some(seal) => Entry::Seal(seal, Some(open)),
                            None => Entry::OpenCycle(open),
                        },
                    ));
                }
                Done::Interrupted { end, last_media } => {
                    let last_media = self.last_media.unwrap_or(last_media);
                    let give_up_at = wall.after(self.new.rule.grace);
                    owed.push_back((self.id, Entry::Interrupt { last_media, end, give_up_at }));
                }
                Done::Resumed => owed.push_back((self.id, Entry::Resume)),
                Done::Ended { end, .. } => {
                    owed.extend(sealed.take().map(|seal| (self.id, Entry::Seal(seal, None))));
                    if self.begun {
                        owed.push_back((self.id, Entry::End { end: Some(end), at: wall }));
                    }
                }
            }
        }
        owed.extend(sealed.map(|seal| (self.id, Entry::Seal(seal, None))));
    }
}
