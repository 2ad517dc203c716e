//! One recording while it is open: what its pushes send goes through the assembly to the disk, what comes of it to the
//! ledger.

use std::sync::Arc;
use std::time::Duration;

use catalog::{CommandAnswer, NewRecording};
use codec::Frame;
use domain::recording::{Policy, Recording as Machine, State};
use domain::rule::RecordRule;
use hub::{Batch, PushEnd, PushInfo, Shed};
use metrics::counter;
use reel::LossCause;
use tokio_util::sync::CancellationToken;
use units::{Mono, RecordingId, WallTime};

use crate::account::{Account, Owing, remove_empty_reel};
use crate::alarm::{self, Watch};
use crate::assembly::{Assembly, LeftOut, Op};
use crate::clock::Clock;
use crate::command::Standing;
use crate::disk::{Disk, Done};
use crate::ledger::Ledger;
use crate::recover::Recovered;
use crate::{Deps, RecorderError};

/// What has its place is written at least this often, though a fragment be not full: a crash costs no more.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// What a failing disk owes to the index is tried again this often while nothing is recorded.
pub(crate) const OWED_INTERVAL: Duration = Duration::from_secs(1);
/// How long a task waits for the catalog once the process is going down.
const LEDGER_PATIENCE: Duration = Duration::from_secs(10);

/// Why a recording goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Because {
    /// Its publisher came back.
    Returned,
    /// Somebody asked for it.
    Asked {
        /// When the first media arrived that it goes on with; `None`: it is still to come.
        began: Option<WallTime>,
    },
}

/// One recording and all that it writes to.
pub(crate) struct Active {
    account: Account,
    assembly: Assembly,
    /// Taken while a blocking thread works with it.
    disk: Option<Disk>,
    ledger: Ledger,
    next_flush: Mono,
    watch: Watch,
}

impl Active {
    /// Begins a recording of a push.
    pub(crate) async fn begin(
        deps: &Deps,
        clock: Clock,
        rule: RecordRule,
        info: &PushInfo,
    ) -> Result<Self, RecorderError> {
        let wall = clock.wall();
        let (id, reel) = (deps.ids.recording(wall), deps.ids.reel(wall));
        let (blobs, interval) = (deps.blobs.clone(), deps.settings.sync_interval);
        let disk = tokio::task::spawn_blocking(move || Disk::create(&blobs, reel, interval)).await??;
        let policy = Policy { cycle_length: rule.cycle_length, grace: rule.grace };
        let node = deps.settings.node.clone();
        let new = NewRecording { id, path: info.path.clone(), rule, reel, node, began: wall };
        Ok(Self {
            account: Account::begin(new, info.push),
            assembly: Assembly::begin(Machine::begin(policy, info.push)),
            disk: Some(disk),
            ledger: Ledger::open(deps.catalog.clone(), id),
            next_flush: clock.mono().after(FLUSH_INTERVAL),
            watch: Watch::new(&deps.blobs, info.path.clone()),
        })
    }

    /// Goes on with a recording that the last run left open; what it owed to the catalog is written first.
    pub(crate) async fn take_up(deps: &Deps, clock: Clock, recovered: Recovered) -> Self {
        let Recovered { row, story, disk, assembly, owed, open, last_media } = recovered;
        let watch = Watch::new(&deps.blobs, row.path.clone());
        let (ledger, told) = (Ledger::open(deps.catalog.clone(), row.id), row.give_up_at.is_some());
        let account = Account::take_up(row, story, open, last_media);
        for entry in account.taken_up(&owed, told, clock.wall()) {
            ledger.add(entry).await;
        }
        Self { account, assembly, disk: Some(disk), ledger, next_flush: Mono::default(), watch }
    }

    /// How it stands, for a command.
    pub(crate) const fn standing(&self) -> Standing {
        Standing::of(self.assembly.state())
    }

    /// A push feeds it, or will with its first key frame.
    pub(crate) const fn is_fed(&self) -> bool {
        matches!(self.assembly.state(), State::Waiting { .. } | State::Live { .. })
    }

    /// It was stopped: pushes that come back are not recorded.
    pub(crate) const fn is_stopped(&self) -> bool {
        matches!(self.assembly.state(), State::Interrupted { stopped: true, .. })
    }

    /// It is over, and only its rows may be on their way.
    pub(crate) const fn is_ended(&self) -> bool {
        matches!(self.assembly.state(), State::Ended)
    }

    /// How much of what is pushed is kept while it is not recorded.
    pub(crate) const fn safety_buffer(&self) -> Duration {
        self.account.rule.safety_buffer
    }

    /// When to call [`tick`](Self::tick).
    pub(crate) const fn deadline(&self) -> Option<Mono> {
        self.assembly.deadline()
    }

    /// When to call [`flush`](Self::flush).
    pub(crate) const fn next_flush(&self) -> Mono {
        self.next_flush
    }

    /// The time of [`deadline`](Self::deadline) has come.
    pub(crate) async fn tick(&mut self, deps: &Deps, clock: Clock) {
        self.assembly.tick(clock.mono());
        self.carry_out(deps, clock).await;
    }

    /// A push feeds it again: it came back, or it is there and recording was asked for. `heard` are the parameters that
    /// it has sent already.
    pub(crate) async fn go_on(
        &mut self,
        deps: &Deps,
        clock: Clock,
        info: &PushInfo,
        heard: &[Frame],
        because: Because,
    ) {
        let began = match because {
            Because::Asked { began: Some(began) } => began,
            Because::Asked { began: None } | Because::Returned => clock.wall(),
        };
        let gap_ms = self.account.gap_ms(began);
        tracing::info!(recording = %self.account.id, push = %info.push, gap_ms, "recording goes on");
        match because {
            Because::Returned => self.assembly.push_started(clock.mono(), info.push, gap_ms),
            Because::Asked { .. } => self.assembly.start(clock.mono(), info.push, gap_ms),
        }
        self.hear(clock, heard);
        self.ledger.add(self.account.attach(info.push, info.started)).await;
        self.next_flush = clock.mono().after(FLUSH_INTERVAL);
        self.carry_out(deps, clock).await;
    }

    /// The parameters of a push that is recorded from its middle on.
    pub(crate) fn hear(&mut self, clock: Clock, parameters: &[Frame]) {
        for frame in parameters {
            self.assembly.frame(clock.mono(), clock.wall(), frame);
        }
    }

    /// Takes what the push sent.
    pub(crate) async fn take(&mut self, deps: &Deps, clock: Clock, batch: &Arc<Batch>) {
        let now = clock.mono();
        for frame in &batch.frames {
            self.assembly.frame(now, batch.arrived, frame);
        }
        self.account.heard(batch.arrived);
        self.carry_out(deps, clock).await;
        if now >= self.next_flush {
            self.flush(deps, clock).await;
        }
    }

    /// Frames of the push were dropped before the next that comes.
    pub(crate) async fn shed(&mut self, deps: &Deps, clock: Clock, shed: Shed) {
        self.assembly.shed(clock.mono(), shed.from, shed.frames, shed.to.since(shed.from));
        self.carry_out(deps, clock).await;
    }

    /// Writes what has its place and has waited long enough.
    pub(crate) async fn flush(&mut self, deps: &Deps, clock: Clock) {
        self.assembly.flush();
        let ops = self.assembly.take_ops();
        self.run_ops(deps, clock, ops).await;
    }

    /// The push is over.
    pub(crate) async fn push_ended(&mut self, deps: &Deps, clock: Clock, info: &PushInfo, end: Option<PushEnd>) {
        let cause = end.as_ref().map_or_else(|| "unknown".to_owned(), |end| format!("{end:?}"));
        self.assembly.push_lost(clock.mono(), clock.wall(), info.push);
        self.carry_out(deps, clock).await;
        self.tell_left_out(&cause).await;
    }

    /// Records no more until [`go_on`](Self::go_on) is told that it was asked for, or the grace is over.
    pub(crate) async fn stop(&mut self, deps: &Deps, clock: Clock) {
        self.assembly.stop(clock.mono(), clock.wall());
        self.carry_out(deps, clock).await;
        self.tell_left_out("stopped").await;
    }

    /// Cuts at the next possible point.
    pub(crate) async fn restart(&mut self, deps: &Deps, clock: Clock) {
        self.assembly.restart(clock.mono());
        self.carry_out(deps, clock).await;
    }

    /// Seals what there is, now.
    pub(crate) async fn end(&mut self, deps: &Deps, clock: Clock) {
        self.assembly.end(clock.mono());
        self.carry_out(deps, clock).await;
    }

    /// Answers a command when the rows of what it did are written: whoever reads the answer finds them.
    pub(crate) async fn answer(&mut self, deps: &Deps, clock: Clock, seq: i64, answer: CommandAnswer) {
        self.account.answer(seq, answer, clock.wall());
        self.settle(deps, clock, Vec::new()).await;
    }

    /// Whether the disk has to be called again, with [`flush`](Self::flush), though nothing is recorded.
    pub(crate) fn owes(&self) -> bool {
        self.disk.as_ref().is_some_and(Disk::owes)
    }

    /// Leaves the recording where a panic left it, with all rows that were to be written before written. Its id, when it has a
    /// row to be taken up by.
    pub(crate) async fn leave(self, shutdown: &CancellationToken) -> Option<RecordingId> {
        drop(self.disk);
        self.ledger.close(shutdown, LEDGER_PATIENCE).await;
        self.account.begun()
    }

    /// Waits until all rows are written; see [`Ledger::close`].
    pub(crate) async fn close(mut self, deps: &Deps, clock: Clock, shutdown: &CancellationToken) {
        self.carry_out(deps, clock).await;
        // What the disk does not take now, the catalog hears when it does; or after the next start.
        while self.owes() && !shutdown.is_cancelled() {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(OWED_INTERVAL) => self.flush(deps, clock).await,
            }
        }
        self.ledger.close(shutdown, LEDGER_PATIENCE).await;
    }

    async fn tell_left_out(&mut self, cause: &str) {
        let left_out = self.assembly.take_left_out();
        if let Some(entry) = self.account.left_out(left_out) {
            self.ledger.add(entry).await;
        }
        let (id, push) = (self.account.id, self.account.push());
        tracing::info!(recording = %id, ?push, cause, "no more is recorded for now");
        if left_out != LeftOut::default() {
            tracing::warn!(recording = %id, ?push, ?left_out, "frames were left out");
        }
    }

    /// Carries out what the assembly asks for, if anything.
    async fn carry_out(&mut self, deps: &Deps, clock: Clock) {
        let ops = self.assembly.take_ops();
        if !ops.is_empty() {
            self.run_ops(deps, clock, ops).await;
        }
    }

    async fn run_ops(&mut self, deps: &Deps, clock: Clock, ops: Vec<Op>) {
        let Some(mut disk) = self.disk.take() else { return };
        let (now, wall) = (clock.mono(), clock.wall());
        let written = tokio::task::spawn_blocking(move || {
            let done = disk.run(now, wall, ops);
            (disk, done)
        });
        let mut written = std::pin::pin!(written);
        let written = match tokio::time::timeout(alarm::STALL, &mut written).await {
            Ok(written) => written,
            Err(_) => {
                self.watch.set(Some(LossCause::Slow));
                let _stalled = deps.space.stall();
                written.await
            }
        };
        let done = match written {
            Ok((mut disk, done)) => {
                let lost = disk.take_lost_fragments();
                if lost > 0 {
                    let reason = disk.trouble().unwrap_or(LossCause::Failed).as_str();
                    counter!("recorder_lost_fragments_total", "reason" => reason).increment(lost);
                }
                self.watch.set(disk.trouble());
                if let Some(end) = disk.take_struck() {
                    self.assembly.go_on_from(end);
                }
                self.disk = Some(disk);
                done
            }
            Err(error) => match error.try_into_panic() {
                // As if it had happened here: the stream's task takes the recording up again.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => {
                    tracing::error!(recording = %self.account.id, %error, "the writing thread is gone; the next start takes the recording up");
                    return;
                }
            },
        };
        self.next_flush = clock.mono().after(FLUSH_INTERVAL);
        self.settle(deps, clock, done).await;
    }

    /// Tells the catalog what was carried out.
    async fn settle(&mut self, deps: &Deps, clock: Clock, done: Vec<Done>) {
        let owes = self.owes();
        for owing in self.account.settle(clock.wall(), done, owes, &mut |at| deps.ids.asset(at)) {
            match owing {
                Owing::Describe => self.account.story.publish(&deps.blobs).await,
                Owing::Enter(entry) => self.ledger.add(entry).await,
                Owing::RemoveEmptyReel => {
                    self.disk = None;
                    remove_empty_reel(&deps.blobs, self.account.reel).await;
                }
            }
        }
    }
}
