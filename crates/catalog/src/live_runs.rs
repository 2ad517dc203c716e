//! Encoding a cycle while it grows, so that at its end only the tail is left.
//!
//! A live run is an [encode run](crate::EncodeRun) without an end. It gets more chunks as the cycle grows, its end when the cycle is
//! sealed, and its last chunks from the first task that is planned over it; from then on it is a run like any other.

use encode::{Encoding, SourceFacts};
use units::{AssetId, JobId, RecordingId, ReelId, WallTime};

use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx, to_json};
use crate::transcodes::{PlannedSpan, RenditionState, TRANSCODE_PRIORITY};
use crate::{Catalog, Result, Tx};

/// Where a stretch ends whose end is not known: behind everything.
pub const OPEN_END: i64 = i64::MAX;

/// The work on a cycle that grows, or grew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveRun {
    /// Its id.
    pub id: JobId,
    /// How many chunks were begun.
    pub chunks: u32,
    /// Where it is.
    pub state: RenditionState,
    /// What was known of the source when it began.
    pub facts: SourceFacts,
    /// No more chunks come.
    pub whole: bool,
}

/// A live run to be begun.
#[derive(Clone, Copy, Debug)]
pub struct NewLiveRun<'a> {
    /// The asset that the cycle becomes.
    pub asset: AssetId,
    /// The reel that is recorded.
    pub source: ReelId,
    /// Where the cycle begins, in 90 kHz ticks.
    pub from_ticks: i64,
    /// What is known of the source.
    pub facts: SourceFacts,
    /// What is encoded, each of one track.
    pub encodings: &'a [Encoding],
}

fn live_run_of(row: &Row) -> Result<LiveRun> {
    Ok(LiveRun {
        id: row.parsed("id")?,
        chunks: row.small("chunks")?,
        state: row.parsed("state")?,
        facts: row.json("facts")?,
        whole: row.flag("whole")?,
    })
}

impl Catalog {
    /// The live run of the cycle that becomes this asset, or became it.
    pub async fn live_run(&self, asset: AssetId) -> Result<Option<LiveRun>> {
        let row = Sql::new("SELECT * FROM encode_run WHERE asset = $1").arg(asset).row(self).await?;
        row.as_ref().map(live_run_of).transpose()
    }

    /// Live runs that nobody ends any more: their cycle neither grows nor waits for the plan of its task.
    pub async fn forsaken_runs(&self) -> Result<Vec<JobId>> {
        let rows = Sql::new(
            "SELECT id FROM encode_run WHERE whole = 0 AND state = 'encoding'
               AND NOT EXISTS (SELECT 1 FROM recording WHERE cycle_asset = encode_run.asset AND recording.state <> 'ended')
               AND NOT EXISTS (SELECT 1 FROM transcode_task JOIN asset ON asset.id = transcode_task.asset
                 WHERE asset.id = encode_run.asset AND asset.deleted IS NULL AND transcode_task.state = 'planning')",
        );
        rows.rows(self).await?.iter().map(|row| row.parsed("id")).collect()
    }
}

impl Tx {
    /// Asks for what has come of a recording to be encoded, in order.
    pub async fn encode_more(&mut self, recording: RecordingId, now: WallTime) -> Result<()> {
        self.enqueue(NewJob::encode_live(recording), now).await?;
        Ok(())
    }

    /// Begins a live run without a chunk; `false` when there is one, or its cycle was sealed meanwhile.
    pub async fn begin_live_run(&mut self, new: &NewLiveRun<'_>, now: WallTime) -> Result<bool> {
        // Held, as whoever seals the cycle does: a run that begins after that would never get its end.
        let open =
            Sql::new("UPDATE recording SET cycle_asset = cycle_asset WHERE cycle_asset = $1 AND state <> 'ended'");
        if open.arg(new.asset).run(&mut *self).await? == 0 {
            return Ok(false);
        }
        let known = Sql::new("SELECT id FROM encode_run WHERE asset = $1").arg(new.asset);
        if known.row(&mut *self).await?.is_some() {
            return Ok(false);
        }
        let span = PlannedSpan {
            source: new.source,
            from_ticks: new.from_ticks,
            to_ticks: OPEN_END,
            chunks: 0,
            grown_chunks: 0,
            exact: false,
        };
        let live = Some((new.asset, to_json(&new.facts)?));
        self.have_renditions(&span, new.encodings, TRANSCODE_PRIORITY, live, now).await?;
        Ok(true)
    }

    /// Has the chunks of a live run up to this one, exclusively, encoded, as far as they are not yet and its cycle grows.
    pub async fn grow_live_run(&mut self, run: JobId, chunks: u32, now: WallTime) -> Result<()> {
        // A write that changes nothing takes the lock on both databases.
        let held = Sql::new("UPDATE encode_run SET id = id WHERE id = $1 AND to_ticks = $2 RETURNING chunks");
        let Some(row) = held.arg(run).arg(OPEN_END).row(&mut *self).await? else { return Ok(()) };
        let begun: u32 = row.small("chunks")?;
        if chunks > begun {
            Sql::new("UPDATE encode_run SET chunks = $2 WHERE id = $1").arg(run).arg(chunks).run(self).await?;
            self.encode_chunks(run, begun..chunks, TRANSCODE_PRIORITY, now).await?;
        }
        Ok(())
    }

    /// The cycle is sealed: its run and renditions end where it does. How many chunks are left is found out by the task.
    pub(crate) async fn end_live_run(&mut self, asset: AssetId, to_ticks: i64) -> Result<()> {
        Sql::new(
            "UPDATE rendition SET to_ticks = $2 WHERE to_ticks = $3 AND run IN (SELECT id FROM encode_run WHERE asset = $1)",
        )
        .arg(asset)
        .arg(to_ticks)
        .arg(OPEN_END)
        .run(self)
        .await?;
        Sql::new("UPDATE encode_run SET to_ticks = $2 WHERE asset = $1 AND to_ticks = $3")
            .arg(asset)
            .arg(to_ticks)
            .arg(OPEN_END)
            .run(self)
            .await?;
        Ok(())
    }

    /// A run over a stretch that has so many chunks gets those that it lacks, when it was begun while the stretch grew.
    pub(crate) async fn complete_live_run(
        &mut self,
        run: JobId,
        chunks: u32,
        priority: u32,
        now: WallTime,
    ) -> Result<()> {
        let held = Sql::new("UPDATE encode_run SET whole = 1 WHERE id = $1 AND whole = 0 RETURNING chunks, done");
        let Some(row) = held.arg(run).row(&mut *self).await? else { return Ok(()) };
        let (begun, done): (u32, u32) = (row.small("chunks")?, row.small("done")?);
        Sql::new("UPDATE encode_run SET chunks = $2 WHERE id = $1").arg(run).arg(chunks).run(self).await?;
        self.encode_chunks(run, begun.min(chunks)..chunks, priority, now).await?;
        if done >= chunks {
            self.enqueue(NewJob::join_run(run), now).await?;
        }
        Ok(())
    }

    /// Has chunks of a run made again that do not fit their source, once. `false`: they were made again before.
    pub async fn mend_live_run(&mut self, run: JobId, chunks: &[u32], now: WallTime) -> Result<bool> {
        let count = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let held = Sql::new("UPDATE encode_run SET asset = NULL, done = done - $2 WHERE id = $1 AND asset IS NOT NULL");
        if held.arg(run).arg(count).run(self).await? == 0 {
            return Ok(false);
        }
        for chunk in chunks {
            self.encode_chunks(run, *chunk..chunk.saturating_add(1), TRANSCODE_PRIORITY, now).await?;
        }
        Ok(true)
    }

    /// The task of an asset was planned: a live run of it that none of its outputs took is given up.
    pub async fn forsake_live_run(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        let left = Sql::new("SELECT id FROM encode_run WHERE asset = $1 AND whole = 0 AND state = 'encoding'");
        if let Some(row) = left.arg(asset).row(&mut *self).await? {
            self.fail_run(row.parsed("id")?, "what was asked for changed while it was recorded", now).await?;
        }
        Ok(())
    }
}

in_own_tx! {
    encode_more(recording: RecordingId, now: WallTime) -> ();
    begin_live_run(new: &NewLiveRun<'_>, now: WallTime) -> bool;
    grow_live_run(run: JobId, chunks: u32, now: WallTime) -> ();
    mend_live_run(run: JobId, chunks: &[u32], now: WallTime) -> bool;
}
