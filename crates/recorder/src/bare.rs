//! A recording without catalog, clocks and tasks, driven by hand: for the simulation.
//!
//! What happens inside is what happens in the service: the same assembly, the same disk, the same recovery.

use std::ops::Range;
use std::time::Duration;

use blobs::{Blobs, FaultDisk};
use bytes::Bytes;
use catalog::{NewRecording, OpenCycle};
use codec::Frame;
use domain::recording::{At, Policy, Recording as Machine, State};
use reel::LossCause;
use units::{AssetId, Mono, PushId, WallTime};

use crate::RecorderError;
use crate::assembly::{Assembly, Resume};
pub use crate::disk::{CycleSoFar, Done};
use crate::disk::{Disk, Found};
use crate::recover::plan;
use crate::story::{Story, StoryCycle};

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
}

/// One recording.
pub struct Bare {
    assembly: Assembly,
    disk: Disk,
    story: Story,
    fault: Option<Fault>,
}

/// A recording found open after a restart.
pub struct TakenUp {
    /// It, waiting for its publisher.
    pub recording: Bare,
    /// Cycles that are whole on disk and perhaps not in the catalog.
    pub owed: Vec<(CycleSoFar, AssetId)>,
    /// The cycle that waits.
    pub open: OpenCycle,
    /// When the media stopped.
    pub last_media: WallTime,
}

impl Bare {
    /// Begins a recording with this push.
    ///
    /// Errors: its files cannot be made.
    pub fn begin(
        disk: &FaultDisk,
        new: &NewRecording,
        push: PushId,
        fault: Option<Fault>,
    ) -> Result<Self, RecorderError> {
        let policy = Policy { cycle_length: new.rule.cycle_length, grace: new.rule.grace };
        let files = Disk::create(&disk.blobs(), new.reel, SYNC_INTERVAL)?;
        let assembly = Assembly::begin(Machine::begin(policy, push));
        let story = Story::new(new.id, new.reel, new.path.clone(), new.rule.clone(), new.began);
        Ok(Self { assembly, disk: files, story, fault })
    }

    /// Takes up a recording that the catalog says is open; `None` when it has no media.
    ///
    /// Errors: its reel cannot be read or mended.
    pub fn take_up(
        disk: &FaultDisk,
        row: &catalog::Recording,
        now: Mono,
        wall: WallTime,
        new_asset: impl Fn() -> AssetId,
        fault: Option<Fault>,
    ) -> Result<Option<TakenUp>, RecorderError> {
        let read = |key: &str, range: Option<Range<u64>>| read_object(disk, key, range);
        let Found { disk: mut files, cycles, mut end, epochs, .. } =
            Disk::recover(&disk.blobs(), row.reel, SYNC_INTERVAL, &read)?;
        if fault == Some(Fault::StepBack) {
            end = Resume { pts: end.pts - 90_000, dts: None, sound: None };
        }
        let story = read(&reel::reel_description_key(row.reel), None)?
            .and_then(|text| serde_json::from_slice::<Story>(&text).ok())
            .filter(|story| story.recording == row.id)
            .unwrap_or_else(|| Story::new(row.id, row.reel, row.path.clone(), row.rule.clone(), row.began));
        let mut row = row.clone();
        if fault == Some(Fault::TellAgain) {
            (row.cycle, row.cycles) = (None, 0);
        }
        let Some(plan) = plan(&row, &story, cycles, end, wall, new_asset) else { return Ok(None) };
        let policy = Policy { cycle_length: row.rule.cycle_length, grace: row.rule.grace };
        let found = if row.stopped { Machine::recover_stopped } else { Machine::recover };
        let machine = found(policy, plan.growing.cycle, At(plan.open.from_ticks), now.after(plan.wait));
        files.go_on_with(plan.growing);
        let assembly = Assembly::recover(machine, end, epochs);
        let recording = Self { assembly, disk: files, story, fault };
        Ok(Some(TakenUp { recording, owed: plan.owed, open: plan.open, last_media: plan.last_media }))
    }

    /// Where it is in its life.
    pub const fn state(&self) -> State {
        self.assembly.state()
    }

    /// When to call [`tick`](Self::tick).
    pub const fn deadline(&self) -> Option<Mono> {
        self.assembly.deadline()
    }

    /// Another push feeds it, `gap_ms` of wall time after the last media.
    pub fn push_started(&mut self, now: Mono, push: PushId, gap_ms: u64) {
        self.assembly.push_started(now, push, gap_ms);
    }

    /// Takes one frame of the push.
    pub fn frame(&mut self, now: Mono, wall: WallTime, frame: &Frame) {
        self.assembly.frame(now, wall, frame);
    }

    /// Writes what has its place.
    pub fn flush(&mut self) {
        self.assembly.flush();
    }

    /// The push is over.
    pub fn push_lost(&mut self, now: Mono, wall: WallTime, push: PushId) {
        self.assembly.push_lost(now, wall, push);
    }

    /// The time of [`deadline`](Self::deadline) has come.
    pub fn tick(&mut self, now: Mono) {
        self.assembly.tick(now);
    }

    /// Lets the disk do what is to be done; gives what can be told by now.
    pub fn carry_out(&mut self, now: Mono, wall: WallTime) -> Vec<Done> {
        let done = self.disk.run(now, wall, self.assembly.take_ops());
        if self.fault != Some(Fault::ForgetLoss)
            && let Some(end) = self.disk.take_struck()
        {
            self.assembly.go_on_from(end);
        }
        done
    }

    /// Notes the asset of a cycle in the reel's own description.
    pub fn tell_story(&mut self, disk: &FaultDisk, cycle: u32, asset: AssetId, from: i64, began: WallTime) {
        self.story.cycles.push(StoryCycle { cycle, asset, from, began });
        publish_now(&self.story, &disk.blobs());
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

/// On a [`FaultDisk`] nothing is waited for.
fn publish_now(story: &Story, blobs: &Blobs) {
    let mut publishing = std::pin::pin!(story.publish(blobs));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let ready = publishing.as_mut().poll(&mut context).is_ready();
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
