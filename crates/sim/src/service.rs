//! The recorder's service: what `recorder` does around a recording, without tasks. One stream path.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use blobs::FaultDisk;
use catalog::{CommandAnswer, NewRecording, RecordCommand, Recording};
use codec::{Frame, Sample};
use domain::rule::{OnDemand, RecordRule};
use hub::Batch;
use recorder::bare::{Act, Bare, Buffer, Entry, Fault, Standing, TAKE_UP_WAIT_FIRST, TAKE_UP_WAIT_MAX, decide};
use units::{AssetId, IdSource, Mono, PushId, RecordingId, ReelId, StreamPath, WallTime};

use crate::media::number_in;
use crate::rows::Rows;

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
    pub(crate) actives: Vec<Bare>,
    /// Which of them the pushes of the path feed.
    current: Option<RecordingId>,
    push: Option<Attended>,
    /// Recordings that could not be taken up yet.
    later: Vec<Later>,
    next_flush: Mono,
    /// What the catalog has not taken yet.
    pub(crate) owed: VecDeque<(RecordingId, Entry)>,
    /// Pictures that a recording took since this was looked at, by number, and whether a key frame is still awaited.
    pub(crate) fed: Vec<(RecordingId, u32, bool)>,
    /// Media was being lost at some time since this was looked at.
    pub(crate) lost: bool,
}

/// The push that is there.
struct Attended {
    id: PushId,
    buffer: Buffer,
    /// No key frame came since it is recorded.
    awaits_key_frame: bool,
    /// Frames since then.
    settled: u32,
}

/// A recording that could not be taken up: tried again.
struct Later {
    row: Recording,
    at: Mono,
    wait: Duration,
}

impl Service {
    /// Starts, and takes up what the last life left.
    pub(crate) fn boot(disk: &FaultDisk, rows: &Rows, ids: &mut IdSource, now: Instant, fault: Option<Fault>) -> Self {
        let mut service = Self {
            disk: disk.clone(),
            fault,
            actives: Vec::new(),
            current: None,
            push: None,
            later: Vec::new(),
            next_flush: now.mono,
            owed: VecDeque::new(),
            fed: Vec::new(),
            lost: false,
        };
        for row in rows.open_recordings() {
            service.take_up(row, TAKE_UP_WAIT_FIRST, ids, now);
        }
        service.current = service.actives.last().map(Bare::id);
        service
    }

    fn take_up(&mut self, row: Recording, wait: Duration, ids: &mut IdSource, now: Instant) {
        let ids = RefCell::new(ids);
        let fresh = || AssetId::from_u128(ids.borrow_mut().next_bits(now.wall));
        match Bare::take_up(&self.disk, &row, now.mono, now.wall, fresh, self.fault) {
            Ok(Some((found, entries))) => {
                self.owed.extend(entries.into_iter().map(|entry| (row.id, entry)));
                self.actives.push(found);
            }
            Ok(None) => self.owed.push_back((row.id, Entry::End { end: None, at: now.wall })),
            Err(_) => self.later.push(Later { row, at: now.mono.after(wait), wait: (wait * 2).min(TAKE_UP_WAIT_MAX) }),
        }
    }

    /// Whether anything is still to be done.
    pub(crate) fn rests(&self) -> bool {
        self.actives.is_empty() && self.owed.is_empty() && self.later.is_empty()
    }

    /// The recording that pushes feed.
    pub(crate) fn current(&mut self) -> Option<&mut Bare> {
        let current = self.current?;
        self.actives.iter_mut().find(|active| active.id() == current && !active.is_ended())
    }

    /// Whether its publisher's clock may leap: what leaps between the first sound and the first pictures is beyond help
    /// (docs/design/recovery.md).
    pub(crate) fn is_settled(&self) -> bool {
        self.push.as_ref().is_some_and(|push| push.settled > 8)
    }

    /// A push comes.
    pub(crate) fn push_started(&mut self, now: Instant, push: PushId, rule: Option<&RecordRule>, ids: &mut IdSource) {
        self.tick(now, ids);
        let mut window = Duration::ZERO;
        match self.current() {
            Some(active) => {
                window = active.safety_buffer();
                if active.standing() != Standing::Stopped {
                    let entry = active.go_on(now.mono, now.wall, push, false);
                    let id = active.id();
                    self.owed.push_back((id, entry));
                }
            }
            None => {
                if let Some(rule) = rule {
                    window = rule.safety_buffer;
                    if rule.on_demand == OnDemand::Automatic {
                        self.begin(now, push, rule, &[], ids);
                    }
                }
            }
        }
        self.push = Some(Attended { id: push, buffer: Buffer::new(window), awaits_key_frame: true, settled: 0 });
        self.next_flush = now.mono.after(FLUSH_INTERVAL);
        self.carry_out(now, ids);
    }

    /// Whether a recording could be begun: its files can be made.
    fn begin(&mut self, now: Instant, push: PushId, rule: &RecordRule, heard: &[Frame], ids: &mut IdSource) -> bool {
        let id = RecordingId::from_u128(ids.next_bits(now.wall));
        let reel = ReelId::from_u128(ids.next_bits(now.wall));
        let Ok(path) = StreamPath::new("sim.example.org", "live", "one") else { return false };
        let new = NewRecording { id, path, rule: rule.clone(), reel, node: "sim".into(), began: now.wall };
        let Ok(mut begun) = Bare::begin(&self.disk, new, push, self.fault) else { return false };
        begun.hear(now.mono, now.wall, heard);
        self.actives.push(begun);
        self.current = Some(id);
        true
    }

    pub(crate) fn frame(&mut self, now: Instant, frame: &Frame, ids: &mut IdSource) {
        let Some(push) = &mut self.push else { return };
        let batch = Arc::new(Batch { arrived: now.wall, frames: vec![frame.clone()] });
        let current = self.current;
        let fed = self.actives.iter().any(|one| Some(one.id()) == current && one.standing() == Standing::Fed);
        if fed {
            push.buffer.pass(&batch);
            self.feed(now, &batch, ids);
        } else {
            push.buffer.keep(now.mono, &batch);
        }
    }

    /// The recording takes what the push sent.
    fn feed(&mut self, now: Instant, batch: &Batch, ids: &mut IdSource) {
        let Some(current) = self.current else { return };
        let Some(active) = self.actives.iter_mut().find(|active| active.id() == current) else { return };
        for frame in &batch.frames {
            if let Some(push) = &mut self.push {
                push.settled = if push.awaits_key_frame { 0 } else { push.settled + 1 };
            }
            active.frame(now.mono, batch.arrived, frame);
            if let (Frame::Sample(Sample { track: codec::TrackKind::Video, sync, data, .. }), Some(push)) =
                (frame, &mut self.push)
            {
                push.awaits_key_frame &= !sync;
                self.fed.extend(number_in(data).map(|number| (current, number, push.awaits_key_frame)));
            }
        }
        if now.mono >= self.next_flush {
            active.flush();
            self.next_flush = now.mono.after(FLUSH_INTERVAL);
        }
        self.carry_out(now, ids);
    }

    /// Nothing comes for a moment: what has its place is written, and synced when it is time.
    pub(crate) fn flush(&mut self, now: Instant, ids: &mut IdSource) {
        if let Some(active) = self.current().filter(|active| active.standing() == Standing::Fed) {
            active.flush();
            self.next_flush = now.mono.after(FLUSH_INTERVAL);
        }
        self.carry_out(now, ids);
    }

    pub(crate) fn push_lost(&mut self, now: Instant, push: PushId, ids: &mut IdSource) {
        self.push = None;
        let Some(active) = self.current().filter(|active| active.standing() == Standing::Fed) else { return };
        active.push_lost(now.mono, now.wall, push);
        self.leave_off(now, ids);
    }

    fn leave_off(&mut self, now: Instant, ids: &mut IdSource) {
        self.carry_out(now, ids);
        if let Some(active) = self.current()
            && let Some(entry) = active.left_out()
        {
            let id = active.id();
            self.owed.push_back((id, entry));
        }
    }

    /// Carries out a command; what is answered, and by the ledger of which recording.
    pub(crate) fn command(
        &mut self,
        now: Instant,
        (seq, command): (i64, RecordCommand),
        reach: Duration,
        rule: Option<&RecordRule>,
        ids: &mut IdSource,
    ) -> (Option<RecordingId>, CommandAnswer) {
        self.tick(now, ids);
        let standing = self.current().map_or(Standing::Nothing, |active| active.standing());
        let push = self.push.as_ref().map(|push| push.id);
        let mut reached = Vec::new();
        let answer = match (decide(command, push.is_some(), standing), push) {
            (Err(refused), _) => refused,
            (Ok(act @ (Act::Begin | Act::GoOn)), Some(push)) => {
                let (heard, batches) = self.reach_back(now, reach);
                let began = batches.first().map_or(now.wall, |batch: &Arc<Batch>| batch.arrived);
                reached = batches;
                match self.current() {
                    Some(active) if act == Act::GoOn => {
                        let entry = active.go_on(now.mono, began, push, true);
                        active.hear(now.mono, now.wall, &heard);
                        let id = active.id();
                        self.owed.push_back((id, entry));
                        self.next_flush = now.mono.after(FLUSH_INTERVAL);
                        self.carry_out(now, ids);
                        CommandAnswer::Done
                    }
                    _ => self.begin_on_command(now, push, rule, &heard, ids),
                }
            }
            (Ok(Act::BeginAnew), Some(push)) => {
                self.act(now, ids, |active| active.end(now.mono));
                let heard = self.push.as_ref().map(|push| push.buffer.heard()).unwrap_or_default();
                self.begin_on_command(now, push, rule, &heard, ids)
            }
            (Ok(Act::Cut), _) => self.act(now, ids, |active| active.restart(now.mono)),
            (Ok(Act::Stop), _) => {
                let done = self.act(now, ids, |active| active.stop(now.mono, now.wall));
                self.leave_off(now, ids);
                done
            }
            (Ok(Act::Seal), _) => {
                // The answer is that recording's, though it is over then.
                let Some(active) = self.current() else { return (None, CommandAnswer::NotStarted) };
                active.end(now.mono);
                active.answer(seq, CommandAnswer::Done, now.wall);
                let id = active.id();
                self.carry_out(now, ids);
                return (Some(id), CommandAnswer::Done);
            }
            (Ok(Act::Begin | Act::GoOn | Act::BeginAnew), None) => CommandAnswer::NotLive,
        };
        if let Some(active) = self.current() {
            active.answer(seq, answer, now.wall);
        }
        let id = self.current().map(|active| active.id());
        self.carry_out(now, ids);
        for batch in reached {
            if self.current().is_some_and(|active| active.standing() == Standing::Fed) {
                self.feed(now, &batch, ids);
            }
        }
        (id, answer)
    }

    fn reach_back(&mut self, now: Instant, reach: Duration) -> (Vec<Frame>, Vec<Arc<Batch>>) {
        let Some(push) = &mut self.push else { return (Vec::new(), Vec::new()) };
        (push.awaits_key_frame, push.settled) = (true, 0);
        let (parameters, batches) = push.buffer.take(now.mono, reach);
        if batches.is_empty() { (push.buffer.heard(), batches) } else { (parameters, batches) }
    }

    fn begin_on_command(
        &mut self,
        now: Instant,
        push: PushId,
        rule: Option<&RecordRule>,
        heard: &[Frame],
        ids: &mut IdSource,
    ) -> CommandAnswer {
        let Some(rule) = rule else { return CommandAnswer::NoRule };
        if let Some(push) = &mut self.push {
            (push.awaits_key_frame, push.settled) = (true, 0);
        }
        self.next_flush = now.mono.after(FLUSH_INTERVAL);
        if self.begin(now, push, rule, heard, ids) { CommandAnswer::Done } else { CommandAnswer::Failed }
    }

    fn act(&mut self, now: Instant, ids: &mut IdSource, act: impl FnOnce(&mut Bare)) -> CommandAnswer {
        if let Some(active) = self.current() {
            act(active);
        }
        self.carry_out(now, ids);
        CommandAnswer::Done
    }

    /// Time has passed: graces are over, or the disk is asked again.
    pub(crate) fn tick(&mut self, now: Instant, ids: &mut IdSource) {
        for active in &mut self.actives {
            if active.deadline().is_some_and(|deadline| now.mono >= deadline) {
                active.tick(now.mono);
            }
        }
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|one| now.mono >= one.at);
        self.later = later;
        for Later { row, wait, .. } in due {
            self.take_up(row, wait, ids, now);
        }
        // As at the start, unless something is recorded by now.
        if self.current().is_none() && self.push.is_none() {
            self.current = self.actives.iter().rfind(|active| !active.is_ended()).map(Bare::id);
        }
        self.carry_out(now, ids);
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Mono> {
        let owes = self.actives.iter().any(Bare::owes);
        let retry = owes.then(|| now.mono.after(Duration::from_secs(1)));
        let later = self.later.iter().map(|one| one.at);
        self.actives.iter().filter_map(Bare::deadline).chain(retry).chain(later).min()
    }

    fn carry_out(&mut self, now: Instant, ids: &mut IdSource) {
        for active in &mut self.actives {
            let entries = active.carry_out(now.mono, now.wall, &mut |at| AssetId::from_u128(ids.next_bits(at)));
            let id = active.id();
            if self.current == Some(id) && active.trouble().is_some() {
                self.lost = true;
                self.push.iter_mut().for_each(|push| push.settled = 0);
            }
            self.owed.extend(entries.into_iter().map(|entry| (id, entry)));
        }
        self.actives.retain(|active| !active.is_ended() || active.owes());
    }
}
