//! The task of one stream path: its pushes one after the other, its recordings one after the other.

use std::sync::Arc;
use std::time::Duration;

use catalog::{AssetStatus, NewRecording, OpenCycle, SealedCycle};
use domain::recording::{Policy, Recording as Machine, State};
use domain::rule::{self, NO_TRANSCODE, OnDemand, RecordRule};
use hub::{Batch, FrameReader, NewPush, PushEnd, PushInfo};
use metrics::{counter, gauge};
use reel::LossCause;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use units::{AssetId, Mono, RecordingId, ReelId, StreamPath, WallTime};

use crate::assembly::{Assembly, LeftOut, Op};
use crate::clock::Clock;
use crate::disk::{CycleSoFar, Disk, Done};
use crate::ledger::{Entry, Ledger};
use crate::recover::Recovered;
use crate::story::{Story, StoryCycle};
use crate::{Deps, RecorderError};

/// What has its place is written at least this often, though a fragment be not full: a crash costs no more.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// What a failing disk owes to the index is tried again this often while nothing is recorded.
const OWED_INTERVAL: Duration = Duration::from_secs(1);
/// How long a task waits for the catalog once the process is going down.
const LEDGER_PATIENCE: Duration = Duration::from_secs(10);
/// Longest title of an asset, in bytes (contract §2.6).
const TITLE_BYTES_MAX: usize = 128;

/// One recording and all that it writes to.
struct Active {
    id: RecordingId,
    reel: ReelId,
    rule: RecordRule,
    path: StreamPath,
    node: String,
    assembly: Assembly,
    /// Taken while a blocking thread works with it.
    disk: Option<Disk>,
    ledger: Ledger,
    story: Story,
    /// The row was begun: there is media.
    begun: bool,
    open: Option<OpenCycle>,
    last_media: Option<WallTime>,
    next_flush: Mono,
}

/// Runs until no push is left and no recording is open, or until `shutdown` with every push ended.
pub(crate) async fn run(
    deps: Deps,
    clock: Clock,
    path: StreamPath,
    recovered: Option<Recovered>,
    mut pending: mpsc::Receiver<NewPush>,
    shutdown: CancellationToken,
) {
    let span = tracing::info_span!("record", stream = %path);
    async {
        let mut active = match recovered {
            Some(recovered) => Some(take_up(&deps, recovered).await),
            None => None,
        };
        loop {
            let Some(push) = next_push(&deps, clock, &mut active, &mut pending, &shutdown).await else { break };
            if let Some(rule) = rule_for(&deps, &push.info).await {
                record_push(&deps, clock, &mut active, rule, push, &shutdown).await;
            } else {
                tracing::info!(push = %push.info.push, "no rule records this stream");
                ignore_push(push.frames).await;
            }
        }
        if let Some(active) = active {
            active.ledger.close(&shutdown, LEDGER_PATIENCE).await;
        }
    }
    .instrument(span)
    .await;
}

/// The next push of the path; meanwhile an interrupted recording waits out its grace. `None` when there is nothing left
/// to wait for, or the service is going down.
async fn next_push(
    deps: &Deps,
    clock: Clock,
    active: &mut Option<Active>,
    pending: &mut mpsc::Receiver<NewPush>,
    shutdown: &CancellationToken,
) -> Option<NewPush> {
    loop {
        let deadline = active.as_ref().and_then(|active| active.assembly.deadline());
        let Some(deadline) = deadline else {
            // No grace to wait out: what has been handed over is still taken; then the task is over.
            if active.is_some() {
                end_active(deps, clock, active, shutdown).await;
            }
            return tokio::select! {
                biased;
                push = pending.recv() => push,
                () = idle(shutdown) => { pending.close(); pending.recv().await }
            };
        };
        tokio::select! {
            biased;
            push = pending.recv() => match push {
                Some(push) => return Some(push),
                None => return None,
            },
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(OWED_INTERVAL), if active.as_ref().is_some_and(Active::owes) => {
                if let Some(active) = active.as_mut() {
                    active.run_disk(deps, clock, None).await;
                }
            }
            () = tokio::time::sleep_until(clock.instant(deadline)) => {
                if let Some(active) = active.as_mut() {
                    active.assembly.tick(clock.mono());
                    active.carry_out(deps, clock).await;
                }
                if active.as_ref().is_some_and(|active| active.assembly.state() == State::Ended) {
                    end_active(deps, clock, active, shutdown).await;
                }
            }
        }
    }
}

/// A task without a recording stays a moment for a publisher that comes straight back, then makes room.
async fn idle(shutdown: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_secs(5)) => {}
        () = shutdown.cancelled() => {}
    }
}

async fn end_active(deps: &Deps, clock: Clock, active: &mut Option<Active>, shutdown: &CancellationToken) {
    let Some(mut ended) = active.take() else { return };
    ended.carry_out(deps, clock).await;
    // What the disk does not take now, the catalog hears when it does; or after the next start.
    while ended.owes() && !shutdown.is_cancelled() {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(OWED_INTERVAL) => ended.run_disk(deps, clock, None).await,
        }
    }
    ended.ledger.close(shutdown, LEDGER_PATIENCE).await;
}

async fn ignore_push(mut frames: FrameReader) {
    while frames.next().await.is_some() {}
}

/// The rule for a push, as it stands now; it holds for the whole recording. A catalog that does not answer must not lose a
/// push: it is asked until it does.
async fn rule_for(deps: &Deps, info: &PushInfo) -> Option<RecordRule> {
    loop {
        match deps.catalog.rules_for_domain(info.path.domain()).await {
            Ok(rules) => {
                return rule::select(&rules, &info.path).filter(|rule| rule.on_demand == OnDemand::Automatic).cloned();
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "catalog unavailable; the push waits in its queue");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the rules cannot be read; the push is not recorded"
                );
                return None;
            }
        }
    }
}

async fn record_push(
    deps: &Deps,
    clock: Clock,
    active: &mut Option<Active>,
    rule: RecordRule,
    push: NewPush,
    shutdown: &CancellationToken,
) {
    let NewPush { info, mut frames } = push;
    // The grace may have ended between the push and now.
    if let Some(waiting) = active.as_mut() {
        let now = clock.mono();
        if waiting.assembly.deadline().is_some_and(|deadline| now >= deadline) {
            waiting.assembly.tick(now);
            waiting.carry_out(deps, clock).await;
            end_active(deps, clock, active, shutdown).await;
        }
    }
    match active.as_mut() {
        Some(active) => active.push_returned(deps, clock, &info).await,
        None => match Active::begin(deps, clock, rule, &info).await {
            Ok(begun) => *active = Some(begun),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the recording cannot be begun; the push is not recorded"
                );
                ignore_push(frames).await;
                return;
            }
        },
    }
    let Some(recording) = active.as_mut() else { return };
    gauge!("recorder_live_recordings").increment(1.0);
    loop {
        tokio::select! {
            biased;
            batch = frames.next() => match batch {
                Some(batch) => recording.take(deps, clock, &info, &batch).await,
                None => break,
            },
            () = tokio::time::sleep_until(clock.instant(recording.next_flush)) => recording.flush(deps, clock).await,
        }
    }
    gauge!("recorder_live_recordings").decrement(1.0);
    recording.push_ended(deps, clock, &info, frames.end()).await;
    if recording.assembly.state() == State::Ended {
        end_active(deps, clock, active, shutdown).await;
    }
}

async fn take_up(deps: &Deps, recovered: Recovered) -> Active {
    let Recovered { path, row, story, disk, assembly, owed, open, last_media } = recovered;
    let active = Active {
        id: row.id,
        reel: row.reel,
        rule: row.rule,
        path,
        node: row.node,
        assembly,
        disk: Some(disk),
        ledger: Ledger::open(deps.catalog.clone(), row.id),
        story,
        begun: true,
        open: Some(open),
        last_media: Some(last_media),
        next_flush: Mono::default(),
    };
    for (cycle, asset) in owed {
        let sealed = active.sealed(&cycle, asset, cycle.ended);
        active.ledger.add(Entry::Seal(Box::new(sealed), None)).await;
    }
    active.ledger.add(Entry::OpenCycle(open)).await;
    if row.give_up_at.is_none() {
        let give_up_at = last_media.after(active.rule.grace);
        active.ledger.add(Entry::Interrupt { last_media, end: open.from_ticks, give_up_at }).await;
    }
    active
}

impl Active {
    async fn begin(deps: &Deps, clock: Clock, rule: RecordRule, info: &PushInfo) -> Result<Self, RecorderError> {
        let wall = clock.wall();
        let (id, reel) = (deps.ids.recording(wall), deps.ids.reel(wall));
        let (blobs, interval) = (deps.blobs.clone(), deps.settings.sync_interval);
        let disk = tokio::task::spawn_blocking(move || Disk::create(&blobs, reel, interval)).await??;
        let policy = Policy { cycle_length: rule.cycle_length, grace: rule.grace };
        Ok(Self {
            id,
            reel,
            path: info.path.clone(),
            node: deps.settings.node.clone(),
            assembly: Assembly::begin(Machine::begin(policy, info.push)),
            disk: Some(disk),
            ledger: Ledger::open(deps.catalog.clone(), id),
            story: Story::new(id, reel, info.path.clone(), rule.clone(), wall),
            rule,
            begun: false,
            open: None,
            last_media: None,
            next_flush: clock.mono().after(FLUSH_INTERVAL),
        })
    }

    async fn push_returned(&mut self, deps: &Deps, clock: Clock, info: &PushInfo) {
        let gap = self.last_media.map_or(Duration::ZERO, |last| clock.wall().since(last));
        let gap_ms = u64::try_from(gap.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(recording = %self.id, push = %info.push, gap_ms, "recording goes on");
        self.assembly.push_started(clock.mono(), info.push, gap_ms);
        self.ledger.add(Entry::Attach { push: info.push, at: info.started }).await;
        self.next_flush = clock.mono().after(FLUSH_INTERVAL);
        self.carry_out(deps, clock).await;
    }

    async fn take(&mut self, deps: &Deps, clock: Clock, info: &PushInfo, batch: &Arc<Batch>) {
        let now = clock.mono();
        for frame in &batch.frames {
            self.assembly.frame(now, batch.arrived, frame);
        }
        self.last_media = Some(batch.arrived);
        self.carry_out_of(deps, clock, Some(info)).await;
        if now >= self.next_flush {
            self.flush(deps, clock).await;
        }
    }

    /// Writes what has its place and has waited long enough.
    async fn flush(&mut self, deps: &Deps, clock: Clock) {
        self.assembly.flush();
        self.run_disk(deps, clock, None).await;
    }

    async fn push_ended(&mut self, deps: &Deps, clock: Clock, info: &PushInfo, end: Option<PushEnd>) {
        let cause = end.as_ref().map_or_else(|| "unknown".to_owned(), |end| format!("{end:?}"));
        self.assembly.push_lost(clock.mono(), clock.wall(), info.push);
        self.carry_out_of(deps, clock, Some(info)).await;
        let left_out = self.assembly.take_left_out();
        if self.begun {
            // Counts always have a JSON form.
            let left_out = serde_json::to_string(&left_out).unwrap_or_default();
            self.ledger.add(Entry::LeftOut { push: info.push, left_out }).await;
        }
        tracing::info!(recording = %self.id, push = %info.push, cause, "push ended");
        if left_out != LeftOut::default() {
            tracing::warn!(recording = %self.id, push = %info.push, ?left_out, "frames were left out");
        }
    }

    async fn carry_out(&mut self, deps: &Deps, clock: Clock) {
        self.carry_out_of(deps, clock, None).await;
    }

    /// Carries out what the assembly asks for, if anything.
    async fn carry_out_of(&mut self, deps: &Deps, clock: Clock, info: Option<&PushInfo>) {
        let ops = self.assembly.take_ops();
        if !ops.is_empty() {
            self.run_ops(deps, clock, info, ops).await;
        }
    }

    /// Whether the disk has to be called again, though nothing is recorded.
    fn owes(&self) -> bool {
        self.disk.as_ref().is_some_and(Disk::owes)
    }

    async fn run_disk(&mut self, deps: &Deps, clock: Clock, info: Option<&PushInfo>) {
        let ops = self.assembly.take_ops();
        self.run_ops(deps, clock, info, ops).await;
    }

    async fn run_ops(&mut self, deps: &Deps, clock: Clock, info: Option<&PushInfo>, ops: Vec<Op>) {
        let Some(mut disk) = self.disk.take() else { return };
        let (now, wall) = (clock.mono(), clock.wall());
        let written = tokio::task::spawn_blocking(move || {
            let done = disk.run(now, wall, ops);
            (disk, done)
        });
        let done = match written.await {
            Ok((mut disk, done)) => {
                let lost = disk.take_lost_fragments();
                if lost > 0 {
                    let reason = disk.trouble().unwrap_or(LossCause::Failed).as_str();
                    counter!("recorder_lost_fragments_total", "reason" => reason).increment(lost);
                }
                if let Some(end) = disk.take_struck() {
                    self.assembly.go_on_from(end);
                }
                self.disk = Some(disk);
                done
            }
            Err(error) => {
                tracing::error!(recording = %self.id, %error, "the writing thread failed; the next start takes the recording up");
                return;
            }
        };
        self.next_flush = clock.mono().after(FLUSH_INTERVAL);
        self.settle(deps, clock, info, done).await;
    }

    /// Tells the catalog what was carried out.
    async fn settle(&mut self, deps: &Deps, clock: Clock, info: Option<&PushInfo>, done: Vec<Done>) {
        let mut sealed: Option<Box<SealedCycle>> = None;
        for one in done {
            match one {
                Done::CycleSealed(cycle) => {
                    let asset = self.open.take().map_or_else(|| deps.ids.asset(clock.wall()), |open| open.asset);
                    sealed = Some(Box::new(self.sealed(&cycle, asset, clock.wall())));
                }
                Done::CycleOpened { cycle, at, wall } => {
                    let open =
                        OpenCycle { number: cycle.0, asset: deps.ids.asset(wall), from_ticks: at.0, began: wall };
                    self.open = Some(open);
                    self.begin_row(info).await;
                    let told = StoryCycle { cycle: cycle.0, asset: open.asset, from: at.0, began: wall };
                    self.story.cycles.push(told);
                    self.story.publish(&deps.blobs).await;
                    let entry = match sealed.take() {
                        Some(sealed) => Entry::Seal(sealed, Some(open)),
                        None => Entry::OpenCycle(open),
                    };
                    self.ledger.add(entry).await;
                    tracing::info!(recording = %self.id, cycle = cycle.0, asset = %open.asset, "cycle opened");
                }
                Done::Interrupted { end, last_media } => {
                    let last_media = self.last_media.unwrap_or(last_media);
                    let give_up_at = clock.wall().after(self.rule.grace);
                    self.ledger.add(Entry::Interrupt { last_media, end, give_up_at }).await;
                }
                Done::Resumed => self.ledger.add(Entry::Resume).await,
                Done::Ended { end, cycles } => {
                    if let Some(sealed) = sealed.take() {
                        self.ledger.add(Entry::Seal(sealed, None)).await;
                    }
                    if self.begun {
                        self.ledger.add(Entry::End { end: Some(end), at: clock.wall() }).await;
                        tracing::info!(recording = %self.id, cycles, "recording ended");
                    } else {
                        self.remove_empty_reel(deps).await;
                    }
                }
            }
        }
        if let Some(sealed) = sealed {
            self.ledger.add(Entry::Seal(sealed, None)).await;
        }
    }

    /// A push that had no media leaves no files either.
    async fn remove_empty_reel(&mut self, deps: &Deps) {
        self.disk = None;
        for key in [reel::segments_index_key(self.reel), reel::samples_index_key(self.reel)] {
            if let Err(error) = deps.blobs.delete(&key).await {
                tracing::warn!(reel = %self.reel, %error, "an empty reel cannot be removed");
            }
        }
    }

    /// Begins the recording's row with its first media, so that a push without any leaves nothing.
    async fn begin_row(&mut self, info: Option<&PushInfo>) {
        let Some(info) = info.filter(|_| !self.begun) else { return };
        let new = NewRecording {
            id: self.id,
            path: self.path.clone(),
            rule: self.rule.clone(),
            reel: self.reel,
            node: self.node.clone(),
            began: info.started,
        };
        self.ledger.add(Entry::Begin(Box::new(new), info.push)).await;
        self.begun = true;
    }

    fn sealed(&self, cycle: &CycleSoFar, asset: AssetId, sealed_at: WallTime) -> SealedCycle {
        let duration_ticks = (cycle.to - cycle.from).max(0);
        let seconds = units::MediaTime::reel(duration_ticks).seconds().max(0.001);
        #[allow(clippy::cast_precision_loss, reason = "labels until the analysis has exact ones")]
        let (pictures, bits) = (cycle.pictures as f64, cycle.bytes as f64 * 8.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate in kbit/s, never negative")]
        let bitrate_kbps = (bits / seconds / 1000.0) as u64;
        let status =
            if self.rule.template_group == NO_TRANSCODE { AssetStatus::Normal } else { AssetStatus::UploadSucc };
        SealedCycle {
            recording: self.id,
            cycle: cycle.cycle.0,
            asset,
            title: title(self.path.stream(), cycle.began),
            template_group: self.rule.template_group.clone(),
            status,
            reel: self.reel,
            from_ticks: cycle.from,
            to_ticks: cycle.to,
            began: cycle.began,
            ended: cycle.ended,
            duration_ticks,
            size_bytes: cycle.bytes,
            width: u32::from(cycle.width),
            height: u32::from(cycle.height),
            fps: if cycle.pictures == 0 { 0.0 } else { pictures / seconds },
            bitrate_kbps,
            sealed_at,
        }
    }
}

/// `{StreamName}_{RecordStartTime}`, the stream name cut so that it fits (contract §6).
fn title(stream: &str, began: WallTime) -> String {
    let start = began.to_iso8601();
    let mut end = stream.len().min(TITLE_BYTES_MAX - start.len() - 1);
    while !stream.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{start}", stream.get(..end).unwrap_or_default())
}
