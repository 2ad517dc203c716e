//! At the start: recordings that the last run left open.

use std::ops::Range;
use std::time::Duration;

use blobs::BlobError;
use catalog::{OpenCycle, Recording, RecordingState};
use domain::recording::{At, Cycle, Policy, Recording as Machine};
use metrics::gauge;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use units::{AssetId, Mono, WallTime};

use crate::assembly::{Assembly, Resume};
use crate::clock::Clock;
use crate::disk::{CycleSoFar, Disk, Found};
use crate::story::{Story, StoryCycle};
use crate::{Deps, RecorderError};

/// Reels that are opened at a time: each reads at most one segment beyond its index.
const AT_A_TIME: usize = 8;

/// Pause before a recording that could not be taken up is tried again; each time twice as long.
pub const TAKE_UP_WAIT_FIRST: Duration = Duration::from_secs(1);
/// … up to this. A disk that works again is noticed within it, and trying costs one index and one segment.
pub const TAKE_UP_WAIT_MAX: Duration = Duration::from_secs(60);

/// What a start finds open.
pub(crate) struct FoundOpen {
    /// Taken up, oldest first.
    pub(crate) recovered: Vec<Recovered>,
    /// Could not be taken up now: for [`keep_trying`].
    pub(crate) later: Vec<Recording>,
}

/// A recording found open, its reel mended.
pub(crate) struct Recovered {
    pub(crate) row: Recording,
    pub(crate) story: Story,
    pub(crate) disk: Disk,
    pub(crate) assembly: Assembly,
    /// Cycles that are whole on disk and perhaps not in the catalog: (what they hold, their asset).
    pub(crate) owed: Vec<(CycleSoFar, AssetId)>,
    /// The cycle that waits for its publisher.
    pub(crate) open: OpenCycle,
    /// When its media stopped.
    pub(crate) last_media: WallTime,
}

/// Opens the reels of all recordings that have not ended. One whose reel has no media is ended without an asset.
///
/// Errors: the catalog cannot be read. Of single recordings they are logged, and these are given as such.
pub(crate) async fn open_recordings(deps: &Deps, clock: &Clock) -> Result<FoundOpen, RecorderError> {
    let mut rows = deps.catalog.open_recordings(&deps.settings.node).await?.into_iter();
    let mut tasks = JoinSet::new();
    let (mut recovered, mut later) = (Vec::new(), Vec::new());
    loop {
        while tasks.len() < AT_A_TIME
            && let Some(row) = rows.next()
        {
            let (deps, clock) = (deps.clone(), *clock);
            tasks.spawn(async move {
                let found = recover(&deps, clock, row.clone()).await;
                (row, found)
            });
        }
        let Some(task) = tasks.join_next().await else { break };
        match task {
            Ok((_, Ok(Some(one)))) => recovered.push(one),
            Ok((_, Ok(None))) => {}
            Ok((row, Err(error))) => {
                tracing::error!(recording = %row.id, stream = %row.path, error = &error as &dyn std::error::Error, "an open recording cannot be taken up; it is tried again");
                later.push(row);
            }
            Err(error) => tracing::error!(%error, "taking up a recording failed; the next start tries it again"),
        }
    }
    recovered.sort_by_key(|one| (one.row.began, one.row.id));
    Ok(FoundOpen { recovered, later })
}

/// Tries to take up a recording until it can be, or is over, or `stop`; then gives it to `found`.
pub(crate) async fn keep_trying(
    deps: Deps,
    clock: Clock,
    row: Recording,
    found: mpsc::Sender<Recovered>,
    stop: CancellationToken,
) {
    let waits = gauge!("recorder_recordings_not_taken_up");
    waits.increment(1.0);
    let mut wait = TAKE_UP_WAIT_FIRST;
    let one = loop {
        tokio::select! {
            () = stop.cancelled() => break None,
            () = tokio::time::sleep(wait) => {}
        }
        match try_again(&deps, clock, &row).await {
            Ok(one) => break one,
            Err(error) => tracing::warn!(recording = %row.id, %error, "an open recording can still not be taken up"),
        }
        wait = (wait * 2).min(TAKE_UP_WAIT_MAX);
    };
    waits.decrement(1.0);
    if let Some(one) = one
        && found.send(one).await.is_err()
    {
        tracing::debug!(recording = %row.id, "the service goes down; the next start takes the recording up");
    }
}

async fn try_again(deps: &Deps, clock: Clock, row: &Recording) -> Result<Option<Recovered>, RecorderError> {
    match deps.catalog.recording(row.id).await? {
        Some(row) if row.state != RecordingState::Ended => recover(deps, clock, row).await,
        _ => Ok(None),
    }
}

/// Opens the reel of a recording that has not ended. `None`: it has no media, and was ended without an asset.
pub(crate) async fn recover(deps: &Deps, clock: Clock, row: Recording) -> Result<Option<Recovered>, RecorderError> {
    let (blobs, interval, reel) = (deps.blobs.clone(), deps.settings.sync_interval, row.reel);
    let runtime = Handle::current();
    let found = tokio::task::spawn_blocking(move || {
        let read = |key: &str, range: Option<Range<u64>>| match runtime.block_on(async {
            match range {
                Some(range) => blobs.get_range(key, range).await,
                None => blobs.get(key).await,
            }
        }) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BlobError::NotFound { .. }) => Ok(None),
            Err(error) => Err(RecorderError::from(error)),
        };
        Disk::recover(&blobs, reel, interval, &read)
    })
    .await??;
    let Found { mut disk, cycles, end, epochs, cut_off } = found;
    if cut_off > 0 {
        tracing::warn!(recording = %row.id, stream = %row.path, bytes = cut_off, "torn writes were cut off");
    }
    let mut story = match Story::read(&deps.blobs, reel).await {
        Some(story) if story.recording == row.id => story,
        _ => Story::new(row.id, reel, row.path.clone(), row.rule.clone(), row.began),
    };
    let wall = clock.wall();
    let Some(plan) = plan(&row, &mut story, cycles, end, wall, || deps.ids.asset(wall)) else {
        tracing::warn!(recording = %row.id, stream = %row.path, "an open recording has no media; it is ended");
        deps.catalog.end_empty_recording(row.id, wall).await?;
        return Ok(None);
    };
    let machine = plan.machine(&row, clock.mono());
    let Plan { owed, open, growing, last_media, wait, describe } = plan;
    if describe {
        story.publish(&deps.blobs).await;
    }
    let assembly = Assembly::recover(machine, end, epochs);
    tracing::info!(recording = %row.id, stream = %row.path, cycle = open.number, waits_s = wait.as_secs(), "recording taken up");
    disk.go_on_with(growing);
    Ok(Some(Recovered { row, story, disk, assembly, owed, open, last_media }))
}

/// How a recording found open goes on.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Cycles that are whole on disk and perhaps not in the catalog: (what they hold, their asset).
    pub(crate) owed: Vec<(CycleSoFar, AssetId)>,
    /// The cycle that waits for its publisher, and what it holds by now.
    pub(crate) open: OpenCycle,
    pub(crate) growing: CycleSoFar,
    /// When the media stopped.
    pub(crate) last_media: WallTime,
    /// How much of the grace is left.
    pub(crate) wait: Duration,
    /// A cycle was given its asset now: the reel's description is to be published before anything is made of it. The next start
    /// may find neither a row nor this one.
    pub(crate) describe: bool,
}

impl Plan {
    /// The machine of the recording, waiting. The deadline in the row is a label of the wall clock; from here on it is waited
    /// for with the other.
    pub(crate) fn machine(&self, row: &Recording, now: Mono) -> Machine {
        let policy = Policy { cycle_length: row.rule.cycle_length, grace: row.rule.grace };
        let found = if row.stopped { Machine::recover_stopped } else { Machine::recover };
        found(policy, self.growing.cycle, At(self.open.from_ticks), now.after(self.wait))
    }
}

/// Decides from the row, the reel's own description and what was found on the disk. `None`: there is no media, and no cycle
/// before that had any. What a cycle becomes that nobody told of is noted in the description.
pub(crate) fn plan(
    row: &Recording,
    story: &mut Story,
    mut cycles: Vec<CycleSoFar>,
    end: Resume,
    now: WallTime,
    new_asset: impl Fn() -> AssetId,
) -> Option<Plan> {
    // Cycles before this one are assets already.
    let first_owed = row.cycle.map_or(row.cycles, |open| open.number);
    let last = cycles.pop()?;
    let last_media = row.last_media.unwrap_or(last.ended).max(last.ended);
    let (growing, began) = if last.cycle.0 >= first_owed {
        (last.clone(), last.began)
    } else {
        // The next cycle was opened, or the last one sealed, and then nothing came. What comes now must not go to a cycle
        // that is an asset already: nobody would see it.
        let began = row.cycle.map_or(last_media, |open| open.began);
        (CycleSoFar::new(Cycle(first_owed), end.pts, began), began)
    };
    let mut describe = false;
    let mut asset_of = |cycle: &CycleSoFar, began: WallTime| {
        let number = cycle.cycle.0;
        if let Some(open) = row.cycle.filter(|open| open.number == number) {
            return open.asset;
        }
        if let Some(told) = story.cycles.iter().find(|told| told.cycle == number) {
            return told.asset;
        }
        let asset = new_asset();
        story.tell(StoryCycle { cycle: number, asset, from: cycle.from, began });
        describe = true;
        asset
    };
    let owed = cycles
        .into_iter()
        .filter(|cycle| cycle.cycle.0 >= first_owed)
        .map(|cycle| {
            let asset = asset_of(&cycle, cycle.began);
            (cycle, asset)
        })
        .collect();
    let asset = asset_of(&growing, began);
    let open = OpenCycle { number: growing.cycle.0, asset, from_ticks: growing.from, began };
    let give_up_at = row.give_up_at.unwrap_or_else(|| last_media.after(row.rule.grace));
    let wait = give_up_at.since(now).min(row.rule.grace);
    Some(Plan { owed, open, growing, last_media, wait, describe })
}
