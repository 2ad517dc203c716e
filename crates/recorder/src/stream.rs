//! The task of one stream path: its pushes one after the other, its recordings one after the other, and what somebody asks
//! of them meanwhile.
//!
//! When it panics, its recording is taken up again as after a crash of the process, and its push, which has waited meanwhile,
//! goes on with the next key frame. Nothing of another stream is touched.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use catalog::{CommandAnswer, OpenCommand, RecordingState};
use codec::Frame;
use domain::rule::RecordRule;
use futures::FutureExt;
use hub::{Batch, FrameReader, NewPush, PushInfo};
use metrics::{counter, gauge};
use reel::LossCause;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use units::{Mono, RecordingId, StreamPath};

use crate::active::{Active, Because, OWED_INTERVAL};
use crate::alarm::Watch;
use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::command::{Act, Standing, decide};
use crate::demand::{self, Decision};
use crate::falls::Falls;
use crate::recover::{self, Recovered};
use crate::{Deps, RecorderError};

/// How long a task without a recording stays for a publisher that comes straight back.
const IDLE: Duration = Duration::from_secs(5);

/// What the task of a path is sent.
pub(crate) struct Inbox {
    pub(crate) pushes: mpsc::Receiver<NewPush>,
    pub(crate) commands: mpsc::Receiver<OpenCommand>,
}

/// Runs until no push is left and no recording is open, or until `shutdown` with every push ended.
pub(crate) async fn run(
    deps: Deps,
    clock: Clock,
    path: StreamPath,
    recovered: Option<Recovered>,
    inbox: Inbox,
    shutdown: CancellationToken,
) {
    let span = tracing::info_span!("record", stream = %path);
    async {
        let active = match recovered {
            Some(recovered) => Some(Active::take_up(&deps, clock, recovered).await),
            None => None,
        };
        let (falls, fallen, broken) = (Falls::default(), None, None);
        let mut stream = Stream { deps, clock, path, active, inbox, shutdown, falls, fallen, broken };
        let mut current = None;
        while AssertUnwindSafe(stream.live(&mut current)).catch_unwind().await.is_err() {
            stream.fell(&mut current);
        }
        stream.close().await;
    }
    .instrument(span)
    .await;
}

struct Stream {
    deps: Deps,
    clock: Clock,
    path: StreamPath,
    active: Option<Active>,
    inbox: Inbox,
    shutdown: CancellationToken,
    falls: Falls,
    /// What a panic has left of the recording that was open.
    fallen: Option<Active>,
    /// The recording that a panic has left, to be taken up again.
    broken: Option<RecordingId>,
}

/// The push that is there now.
struct Attended {
    info: PushInfo,
    frames: FrameReader,
    /// What of it was not recorded and may still be.
    buffer: Buffer,
}

/// A recording that the disk did not let begin: tried again while its push is there.
struct Later {
    rule: RecordRule,
    at: Mono,
    watch: Watch,
}

impl Attended {
    fn new(push: NewPush) -> Self {
        let NewPush { info, frames } = push;
        Self { info, frames, buffer: Buffer::new(Duration::ZERO) }
    }

    /// Takes out what was kept of it in the last `reach`, with the parameters that hold where that begins.
    fn reach_back(&mut self, clock: Clock, reach: Duration) -> (Vec<Frame>, Vec<Arc<Batch>>) {
        let (parameters, batches) = self.buffer.take(clock.mono(), reach);
        if batches.is_empty() { (self.buffer.heard(), batches) } else { (parameters, batches) }
    }
}

/// Counts a push that is recorded, for as long as it lives.
struct Counted;

impl Counted {
    fn new() -> Self {
        gauge!("recorder_live_recordings").increment(1.0);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!("recorder_live_recordings").decrement(1.0);
    }
}

impl Stream {
    /// Follows the pushes of the path until there is nothing left to wait for. `current` is the one that is there: it outlives
    /// a panic, with the frames that wait in its queue.
    async fn live(&mut self, current: &mut Option<Attended>) {
        self.mend(current).await;
        // A recording that is still broken is left to the next start: this process goes down.
        while self.broken.is_none() {
            let push = match current {
                Some(push) => push,
                None => match self.next_push().await {
                    Some(push) => current.insert(Attended::new(push)),
                    None => return,
                },
            };
            self.attend(push).await;
            *current = None;
        }
    }

    /// Something in [`live`](Self::live) panicked.
    fn fell(&mut self, current: &mut Option<Attended>) {
        counter!("recorder_panics_total").increment(1);
        tracing::error!("the task of a stream panicked; its recording is taken up again");
        self.fallen = self.active.take();
        self.note_fall(current);
    }

    fn note_fall(&mut self, current: &mut Option<Attended>) {
        self.falls.note(self.clock.mono());
        if self.falls.are_too_many()
            && let Some(push) = current.take()
        {
            counter!("recorder_given_up_pushes_total").increment(1);
            tracing::error!(push = %push.info.push, "recording this push has panicked again and again; it is given up");
        }
    }

    /// Takes up the recording that a panic has left, after a pause: as the next start would.
    async fn mend(&mut self, current: &mut Option<Attended>) {
        if let Some(active) = self.fallen.take() {
            self.broken = active.leave(&self.shutdown).await;
        }
        let mut pause = self.falls.pause();
        while let Some(id) = self.broken {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // The next start takes it up.
                () = self.shutdown.cancelled() => return,
            }
            match self.take_up_again(id).await {
                Ok(active) => {
                    self.active = active;
                    self.broken = None;
                }
                Err(error) => {
                    tracing::error!(recording = %id, error = &error as &dyn std::error::Error, "a recording cannot be taken up again yet");
                    // A disk or a catalog that does not answer is waited for, as always.
                    if matches!(error, RecorderError::Task(_)) {
                        self.note_fall(current);
                    }
                    pause = self.falls.pause().max(OWED_INTERVAL);
                }
            }
        }
    }

    async fn take_up_again(&self, id: RecordingId) -> Result<Option<Active>, RecorderError> {
        let row = self.deps.catalog.recording(id).await?.filter(|row| row.state != RecordingState::Ended);
        let Some(row) = row else { return Ok(None) };
        match recover::recover(&self.deps, self.clock, row).await? {
            Some(recovered) => Ok(Some(Active::take_up(&self.deps, self.clock, recovered).await)),
            None => Ok(None),
        }
    }

    /// The next push of the path; meanwhile an interrupted recording waits out its grace. `None` when there is nothing
    /// left to wait for, or the service is going down.
    async fn next_push(&mut self) -> Option<NewPush> {
        loop {
            let deadline = self.active.as_ref().and_then(Active::deadline);
            let Some(deadline) = deadline else {
                // No grace to wait out: what has been handed over is still taken; then the task is over.
                self.end_active().await;
                tokio::select! {
                    biased;
                    push = self.inbox.pushes.recv() => return push,
                    Some(command) = self.inbox.commands.recv() => self.obey_without_push(command).await,
                    () = idle(&self.shutdown) => {
                        self.inbox.pushes.close();
                        return self.inbox.pushes.recv().await;
                    }
                }
                continue;
            };
            tokio::select! {
                biased;
                push = self.inbox.pushes.recv() => return push,
                () = self.shutdown.cancelled() => return None,
                () = tokio::time::sleep(OWED_INTERVAL), if self.owes() => self.flush().await,
                Some(command) = self.inbox.commands.recv() => self.obey_without_push(command).await,
                () = tokio::time::sleep_until(self.clock.instant(deadline)) => self.tick().await,
            }
        }
    }

    /// A deadline of the open recording has come.
    async fn tick(&mut self) {
        if let Some(active) = &mut self.active {
            active.tick(&self.deps, self.clock).await;
        }
        self.end_active_if_over().await;
    }

    /// The grace may have ended between what comes and now.
    async fn tick_if_due(&mut self) {
        let now = self.clock.mono();
        if self.active.as_ref().and_then(Active::deadline).is_some_and(|deadline| now >= deadline) {
            self.tick().await;
        }
    }

    /// The disk has to be called again though nothing is recorded.
    fn owes(&self) -> bool {
        self.active.as_ref().is_some_and(|active| !active.is_fed() && active.owes())
    }

    async fn flush(&mut self) {
        if let Some(active) = &mut self.active {
            active.flush(&self.deps, self.clock).await;
        }
    }

    async fn end_active(&mut self) {
        if let Some(active) = self.active.take() {
            active.close(&self.deps, self.clock, &self.shutdown).await;
        }
    }

    async fn end_active_if_over(&mut self) {
        if self.active.as_ref().is_some_and(Active::is_ended) {
            self.end_active().await;
        }
    }

    /// Follows one push to its end: records it, or waits until somebody wants it recorded.
    async fn attend(&mut self, push: &mut Attended) {
        self.tick_if_due().await;
        let mut question: Option<Question> = None;
        let mut later: Option<Later> = None;
        match &mut self.active {
            Some(active) if active.is_stopped() => {
                tracing::info!(push = %push.info.push, "recording was stopped; the push is not recorded");
            }
            Some(active) => {
                // Parameters that were heard before a panic hold behind it.
                let heard = push.buffer.heard();
                active.go_on(&self.deps, self.clock, &push.info, &heard, Because::Returned).await;
            }
            None => match demand::at_publish(&self.deps, &push.info).await {
                Decision::Record(rule) => later = self.begin_or_later(rule, push, None).await,
                Decision::Ask(rule) => {
                    push.buffer.set_window(rule.safety_buffer);
                    question = Some(Box::pin(demand::answer_to(self.deps.clone(), push.info.push, rule)));
                }
                Decision::Wait { safety_buffer } => push.buffer.set_window(safety_buffer),
            },
        }
        let mut counted = None;
        loop {
            let fed = self.active.as_ref().filter(|active| active.is_fed());
            if fed.is_some() {
                // Whatever the answer will be: it was asked for.
                question = None;
            }
            if let Some(active) = &self.active {
                push.buffer.set_window(active.safety_buffer());
            }
            match (fed.is_some(), counted.is_some()) {
                (true, false) => counted = Some(Counted::new()),
                (false, true) => counted = None,
                _ => {}
            }
            let wake = fed.map(Active::next_flush).or_else(|| self.active.as_ref().and_then(Active::deadline));
            let wake = wake.map(|at| self.clock.instant(at));
            tokio::select! {
                biased;
                Some(command) = self.inbox.commands.recv() => {
                    // What had arrived when it was given comes before it, however long it has waited for the disk.
                    for _ in 0..if question.is_none() { push.frames.waiting() } else { 0 } {
                        match push.frames.next().await {
                            Some(batch) => self.take(push, &batch).await,
                            None => break,
                        }
                    }
                    self.obey(command, push).await;
                }
                rule = answered(&mut question), if question.is_some() => {
                    question = None;
                    if let Some(rule) = rule {
                        later = self.begin_or_later(rule, push, None).await;
                    }
                }
                () = self.shutdown.cancelled(), if question.is_some() => question = None,
                // While the customer is asked, the frames wait in their queue.
                batch = push.frames.next(), if question.is_none() => match batch {
                    Some(batch) => self.take(push, &batch).await,
                    None => break,
                },
                () = at(wake) => match self.active.as_mut() {
                    Some(active) if active.is_fed() => active.flush(&self.deps, self.clock).await,
                    _ => self.tick().await,
                },
                () = at(later.as_ref().map(|later| self.clock.instant(later.at))), if later.is_some() => {
                    if let Some(again) = later.take().filter(|_| self.active.is_none()) {
                        later = self.begin_or_later(again.rule.clone(), push, Some(again)).await;
                    }
                }
                () = tokio::time::sleep(OWED_INTERVAL), if self.owes() => self.flush().await,
            }
        }
        drop(counted);
        self.note_shed(push).await;
        if let Some(active) = self.active.as_mut().filter(|active| active.is_fed()) {
            active.push_ended(&self.deps, self.clock, &push.info, push.frames.end()).await;
        }
        self.end_active_if_over().await;
    }

    /// Records a batch that was just read, or keeps it for who reaches back.
    async fn take(&mut self, push: &mut Attended, batch: &Arc<Batch>) {
        self.note_shed(push).await;
        if let Some(active) = self.active.as_mut().filter(|active| active.is_fed()) {
            push.buffer.pass(batch);
            active.take(&self.deps, self.clock, batch).await;
        } else {
            if self.deps.space.is_stalled() {
                push.buffer.give_back();
            }
            push.buffer.keep(self.clock.mono(), batch);
        }
    }

    /// Writes down what of the push was dropped before it came here, if anything.
    async fn note_shed(&mut self, push: &mut Attended) {
        let Some(shed) = push.frames.take_shed() else { return };
        // Nobody is to reach back over a hole.
        push.buffer.give_back();
        if let Some(active) = self.active.as_mut().filter(|active| active.is_fed()) {
            active.shed(&self.deps, self.clock, shed).await;
        }
    }

    /// Begins a recording of a push, of which `heard` are the parameters that hold where it begins. Whether it could be.
    async fn begin(&mut self, rule: RecordRule, push: &PushInfo, heard: &[Frame]) -> bool {
        match self.try_begin(rule, push, heard).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the recording cannot be begun");
                false
            }
        }
    }

    /// Begins a recording of a push; while the disk does not let, tells when to try again. `again`: what that attempt was told
    /// before.
    async fn begin_or_later(&mut self, rule: RecordRule, push: &Attended, again: Option<Later>) -> Option<Later> {
        match self.try_begin(rule.clone(), &push.info, &push.buffer.heard()).await {
            Ok(()) => {
                if again.is_some() {
                    tracing::info!(push = %push.info.push, "the recording is begun, late");
                }
                None
            }
            Err(error) => {
                let mut watch = again.map(|again| again.watch).unwrap_or_else(|| {
                    tracing::error!(
                        push = %push.info.push,
                        error = &error as &dyn std::error::Error,
                        "the recording cannot be begun; what comes until it can is lost"
                    );
                    Watch::new(&self.deps.blobs, push.info.path.clone())
                });
                watch.set(Some(LossCause::Failed));
                Some(Later { rule, at: self.clock.mono().after(OWED_INTERVAL), watch })
            }
        }
    }

    async fn try_begin(&mut self, rule: RecordRule, push: &PushInfo, heard: &[Frame]) -> Result<(), RecorderError> {
        let mut begun = Active::begin(&self.deps, self.clock, rule, push).await?;
        begun.hear(self.clock, heard);
        self.active = Some(begun);
        Ok(())
    }

    /// How recording stands.
    fn standing(&self) -> Standing {
        match &self.active {
            Some(active) => active.standing(),
            None => Standing::Nothing,
        }
    }

    /// Carries out a command while a push is there.
    async fn obey(&mut self, command: OpenCommand, push: &mut Attended) {
        self.tick_if_due().await;
        let mut reached = Vec::new();
        let answer = match decide(command.command, true, self.standing()) {
            Err(refused) => refused,
            Ok(act @ (Act::Begin | Act::GoOn)) => {
                let (heard, batches) = push.reach_back(self.clock, command.reach_back);
                let began = batches.first().map(|batch| batch.arrived);
                reached = batches;
                match &mut self.active {
                    Some(active) if act == Act::GoOn => {
                        active.go_on(&self.deps, self.clock, &push.info, &heard, Because::Asked { began }).await;
                        CommandAnswer::Done
                    }
                    _ => self.begin_on_command(&push.info, &heard).await,
                }
            }
            Ok(Act::BeginAnew) => {
                self.seal().await;
                let heard = push.buffer.heard();
                self.begin_on_command(&push.info, &heard).await
            }
            Ok(Act::Cut) => {
                if let Some(active) = &mut self.active {
                    active.restart(&self.deps, self.clock).await;
                }
                CommandAnswer::Done
            }
            Ok(Act::Stop) => self.stop().await,
            Ok(Act::Seal) => return self.seal_and_answer(&command).await,
        };
        self.answer(&command, answer).await;
        // Recorded as if it came now, but for its time of arrival.
        for batch in reached {
            if let Some(active) = self.active.as_mut().filter(|active| active.is_fed()) {
                active.take(&self.deps, self.clock, &batch).await;
            }
        }
        self.end_active_if_over().await;
    }

    /// Carries out a command while nobody pushes: a recording may wait for its publisher.
    async fn obey_without_push(&mut self, command: OpenCommand) {
        self.tick_if_due().await;
        let answer = match decide(command.command, false, self.standing()) {
            Err(refused) => refused,
            Ok(Act::Stop) => self.stop().await,
            Ok(Act::Seal) => return self.seal_and_answer(&command).await,
            Ok(Act::Begin | Act::GoOn | Act::BeginAnew | Act::Cut) => CommandAnswer::NotLive,
        };
        self.answer(&command, answer).await;
    }

    async fn begin_on_command(&mut self, push: &PushInfo, heard: &[Frame]) -> CommandAnswer {
        match demand::rule_on_command(&self.deps, &push.path).await {
            Ok(Some(rule)) => match self.begin(rule, push, heard).await {
                true => CommandAnswer::Done,
                false => CommandAnswer::Failed,
            },
            Ok(None) => CommandAnswer::NoRule,
            Err(_) => CommandAnswer::Failed,
        }
    }

    async fn stop(&mut self) -> CommandAnswer {
        if let Some(active) = &mut self.active {
            active.stop(&self.deps, self.clock).await;
        }
        CommandAnswer::Done
    }

    /// Makes the asset of what was stopped or interrupted, now.
    async fn seal(&mut self) {
        if let Some(active) = &mut self.active {
            active.end(&self.deps, self.clock).await;
        }
        self.end_active_if_over().await;
    }

    async fn seal_and_answer(&mut self, command: &OpenCommand) {
        if let Some(active) = &mut self.active {
            active.end(&self.deps, self.clock).await;
        }
        self.answer(command, CommandAnswer::Done).await;
        self.end_active_if_over().await;
    }

    /// Writes the answer; behind the rows of the open recording, if there is one, so that a command that was answered
    /// survives whatever comes.
    async fn answer(&mut self, command: &OpenCommand, answer: CommandAnswer) {
        tracing::info!(command = command.command.as_str(), answer = answer.as_str(), "command");
        match &mut self.active {
            Some(active) => active.answer(&self.deps, self.clock, command.seq, answer).await,
            None => demand::answer(&self.deps, command.seq, answer, self.clock.wall()).await,
        }
    }

    async fn close(mut self) {
        self.inbox.commands.close();
        while let Some(command) = self.inbox.commands.recv().await {
            // A process that goes down does not answer: the command may be given again to the next.
            if !self.shutdown.is_cancelled() {
                self.obey_without_push(command).await;
            }
        }
        tracing::debug!(stream = %self.path, "nothing is left to record");
        self.end_active().await;
    }
}

/// The rule by which a push is recorded, once the customer has said so.
type Question = Pin<Box<dyn Future<Output = Option<RecordRule>> + Send>>;

async fn answered(question: &mut Option<Question>) -> Option<RecordRule> {
    match question {
        Some(question) => question.await,
        None => std::future::pending().await,
    }
}

/// Resolves at this time, if there is one.
async fn at(time: Option<tokio::time::Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// A task without a recording stays a moment for a publisher that comes straight back, then makes room.
async fn idle(shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(IDLE) => {}
        () = shutdown.cancelled() => {}
    }
}
