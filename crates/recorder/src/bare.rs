//! A recording without catalog, clocks and tasks, driven by hand: for the simulation.
//!
//! What happens inside is what happens in the service: the same assembly, the same disk, the same recovery.

use std::ops::Range;
use std::time::Duration;

use blobs::FaultDisk;
use bytes::Bytes;
use catalog::{Catalog, CommandAnswer, NewRecording};
use codec::Frame;
use domain::recording::{Policy, Recording as Machine, State};
use reel::LossCause;
use units::{AssetId, Mono, PushId, RecordingId, WallTime};

use crate::RecorderError;
use crate::account::{Account, Owing, remove_empty_reel};
use crate::assembly::{Assembly, Resume};
pub use crate::buffer::Buffer;
pub use crate::command::{Act, Standing, decide};
use crate::disk::{Disk, Found};
pub use crate::ledger::Entry;
use crate::ledger::try_write;
use crate::recover::plan;
pub use crate::recover::{TAKE_UP_WAIT_FIRST, TAKE_UP_WAIT_MAX};
use crate::story::Story;

/// How often media is synced here.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// An error that the simulation plants to see that it is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The assembly is not told that media was lost.
    ForgetLoss,
    /// A recording that is taken up goes on a second before its end.
    StepBack,
    /// Cycles that are assets already are told again when a recording is taken up.
    TellAgain,
    /// A recording that was stopped is taken up as if it had lost its push.
    ForgetStop,
}

/// One recording.
pub struct Bare {
    account: Account,
    assembly: Assembly,
    disk: Disk,
    store: FaultDisk,
    fault: Option<Fault>,
}

impl Bare {
    /// Begins a recording with this push.
    ///
    /// Errors: its files cannot be made.
    pub fn begin(
        store: &FaultDisk,
        new: NewRecording,
        push: PushId,
        fault: Option<Fault>,
    ) -> Result<Self, RecorderError> {
        let policy = Policy { cycle_length: new.rule.cycle_length, grace: new.rule.grace };
        let disk = Disk::create(&store.blobs(), new.reel, SYNC_INTERVAL)?;
        let assembly = Assembly::begin(Machine::begin(policy, push));
        Ok(Self { account: Account::begin(new, push), assembly, disk, store: store.clone(), fault })
    }

    /// Takes up a recording that the catalog says is open, and gives what is owed to the catalog; `None` when it has no media.
    ///
    /// Errors: its reel cannot be read or mended.
    pub fn take_up(
        store: &FaultDisk,
        row: &catalog::Recording,
        now: Mono,
        wall: WallTime,
        new_asset: impl Fn() -> AssetId,
        fault: Option<Fault>,
    ) -> Result<Option<(Self, Vec<Entry>)>, RecorderError> {
        let read = |key: &str, range: Option<Range<u64>>| read_object(store, key, range);
        let Found { mut disk, cycles, mut end, epochs, .. } =
            Disk::recover(&store.blobs(), row.reel, SYNC_INTERVAL, &read)?;
        if fault == Some(Fault::StepBack) {
            end = Resume { pts: end.pts - 90_000, dts: None, sound: None };
        }
        let mut story = read(&reel::reel_description_key(row.reel), None)?
            .and_then(|text| serde_json::from_slice::<Story>(&text).ok())
            .filter(|story| story.recording == row.id)
            .unwrap_or_else(|| Story::new(row.id, row.reel, row.path.clone(), row.rule.clone(), row.began));
        let mut row = row.clone();
        match fault {
            Some(Fault::TellAgain) => (row.cycle, row.cycles) = (None, 0),
            Some(Fault::ForgetStop) => row.stopped = false,
            _ => {}
        }
        let Some(plan) = plan(&row, &mut story, cycles, end, wall, new_asset) else { return Ok(None) };
        if plan.describe {
            at_once(story.publish(&store.blobs()));
        }
        let machine = plan.machine(&row, now);
        disk.go_on_with(plan.growing);
        let assembly = Assembly::recover(machine, end, epochs);
        let told = row.give_up_at.is_some();
        let account = Account::take_up(row, story, plan.open, plan.last_media);
        let entries = account.taken_up(&plan.owed, told, wall);
        Ok(Some((Self { account, assembly, disk, store: store.clone(), fault }, entries)))
    }

    /// Its id.
    pub const fn id(&self) -> RecordingId {
        self.account.id
    }

    /// How it stands, for a command.
    pub const fn standing(&self) -> Standing {
        Standing::of(self.assembly.state())
    }

    /// Nothing is recorded any more.
    pub const fn is_ended(&self) -> bool {
        matches!(self.assembly.state(), State::Ended)
    }

    /// How much of what is pushed is kept while it is not recorded.
    pub const fn safety_buffer(&self) -> Duration {
        self.account.rule.safety_buffer
    }

    /// When to call [`tick`](Self::tick).
    pub const fn deadline(&self) -> Option<Mono> {
        self.assembly.deadline()
    }

    /// Another push feeds it, or the one that is there does again because it was `asked` for. Its media begins at `began`.
    pub fn go_on(&mut self, now: Mono, began: WallTime, push: PushId, asked: bool) -> Entry {
        let gap_ms = self.account.gap_ms(began);
        match asked {
            true => self.assembly.start(now, push, gap_ms),
            false => self.assembly.push_started(now, push, gap_ms),
        }
        self.account.attach(push, began)
    }

    /// Takes parameters of a push that is recorded from its middle on.
    pub fn hear(&mut self, now: Mono, wall: WallTime, parameters: &[Frame]) {
        parameters.iter().for_each(|frame| self.assembly.frame(now, wall, frame));
    }

    /// Takes one frame of the push.
    pub fn frame(&mut self, now: Mono, wall: WallTime, frame: &Frame) {
        self.assembly.frame(now, wall, frame);
        self.account.heard(wall);
    }

    /// Writes what has its place.
    pub fn flush(&mut self) {
        self.assembly.flush();
    }

    /// The push is over.
    pub fn push_lost(&mut self, now: Mono, wall: WallTime, push: PushId) {
        self.assembly.push_lost(now, wall, push);
    }

    /// Records no more for now.
    pub fn stop(&mut self, now: Mono, wall: WallTime) {
        self.assembly.stop(now, wall);
    }

    /// Cuts at the next possible point.
    pub fn restart(&mut self, now: Mono) {
        self.assembly.restart(now);
    }

    /// Seals what there is.
    pub fn end(&mut self, now: Mono) {
        self.assembly.end(now);
    }

    /// The time of [`deadline`](Self::deadline) has come.
    pub fn tick(&mut self, now: Mono) {
        self.assembly.tick(now);
    }

    /// Answers a command with the next [`carry_out`](Self::carry_out) after which nothing is owed.
    pub fn answer(&mut self, seq: i64, answer: CommandAnswer, at: WallTime) {
        self.account.answer(seq, answer, at);
    }

    /// What of its push found no place.
    pub fn left_out(&mut self) -> Option<Entry> {
        self.account.left_out(self.assembly.take_left_out())
    }

    /// Lets the disk do what is to be done; gives the rows that follow.
    pub fn carry_out(
        &mut self,
        now: Mono,
        wall: WallTime,
        new_asset: &mut dyn FnMut(WallTime) -> AssetId,
    ) -> Vec<Entry> {
        let done = self.disk.run(now, wall, self.assembly.take_ops());
        if self.fault != Some(Fault::ForgetLoss)
            && let Some(end) = self.disk.take_struck()
        {
            self.assembly.go_on_from(end);
        }
        let mut entries = Vec::new();
        for owing in self.account.settle(wall, done, self.disk.owes(), new_asset) {
            match owing {
                Owing::Enter(entry) => entries.push(entry),
                Owing::Describe => at_once(self.account.story.publish(&self.store.blobs())),
                Owing::RemoveEmptyReel => at_once(remove_empty_reel(&self.store.blobs(), self.account.reel)),
            }
        }
        entries
    }

    /// Whether [`carry_out`](Self::carry_out) has to be called again, though nothing comes.
    pub fn owes(&self) -> bool {
        self.disk.owes()
    }

    /// Why media is being lost.
    pub fn trouble(&self) -> Option<LossCause> {
        self.disk.trouble()
    }
}

/// Writes a row as the ledger does, once.
///
/// Errors: the catalog's.
pub async fn write(catalog: &Catalog, recording: RecordingId, entry: &Entry) -> catalog::Result<()> {
    try_write(catalog, recording, entry).await
}

/// On a [`FaultDisk`] nothing is waited for.
fn at_once(work: impl Future<Output = ()>) {
    let mut work = std::pin::pin!(work);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let ready = work.as_mut().poll(&mut context).is_ready();
    debug_assert!(ready, "a store in memory answers at once");
}

fn read_object(disk: &FaultDisk, key: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>, RecorderError> {
    let at = |at: u64, len: usize| usize::try_from(at).unwrap_or(usize::MAX).min(len);
    match disk.read(key) {
        Ok(bytes) => {
            let len = bytes.len();
            Ok(Some(range.map_or(bytes.clone(), |range| bytes.slice(at(range.start, len)..at(range.end, len)))))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
