//! What a check of the catalog against storage asks, and how what it finds is mended. Nothing here is for requests: the
//! answers may be large.

use std::collections::BTreeMap;

use domain::event::Event;
use units::{AssetId, RecordingId, ReelId, WallTime};

use crate::assets::AssetStatus;
use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Origin, Reel, Result, Tx};

/// An asset as a check sees it; deleted ones too.
#[derive(Clone, PartialEq, Debug)]
pub struct AuditedAsset {
    /// Its id.
    pub id: AssetId,
    /// Its title.
    pub title: String,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Whether its source was analysed.
    pub analysed: bool,
    /// Whether it could not be made and has no media.
    pub failed: bool,
    /// Whether its source was deleted.
    pub sourceless: bool,
    /// The recording and the cycle it is made of, when it was recorded.
    pub of: Option<(RecordingId, Option<u32>)>,
}

/// A stretch of a reel that an asset has, or had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// Whose.
    pub asset: AssetId,
    /// First tick.
    pub from_ticks: i64,
    /// One past the last tick.
    pub to_ticks: i64,
    /// Ticks of the asset before it.
    pub before_ticks: i64,
    /// Whether the asset is there, deleted, or deleted and its media being removed.
    pub state: ClaimState,
}

/// Whether the media of a claim must be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClaimState {
    /// An asset is made of it.
    Live,
    /// A deleted asset was made of it and can be restored.
    Deleted,
    /// It is being removed, or gone.
    Freed,
}

/// A recording without its story.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditedRecording {
    /// Its id.
    pub id: RecordingId,
    /// Its reel.
    pub reel: ReelId,
    /// Whether it is over.
    pub ended: bool,
    /// Whether a cycle is open.
    pub has_open_cycle: bool,
}

fn claim_of(row: &Row) -> Result<Claim> {
    Ok(Claim {
        asset: row.parsed("asset")?,
        from_ticks: row.int("from_ticks")?,
        to_ticks: row.int("to_ticks")?,
        before_ticks: row.int("before_ticks")?,
        state: match (row.flag("deleted")?, row.flag("freed")?) {
            (false, _) => ClaimState::Live,
            (true, false) => ClaimState::Deleted,
            (true, true) => ClaimState::Freed,
        },
    })
}

fn audited(row: &Row) -> Result<AuditedAsset> {
    let of = match row.opt_parsed::<RecordingId>("recording")? {
        Some(recording) => Some((recording, row.opt_int("cycle")?.map(|_| row.small("cycle")).transpose()?)),
        None => None,
    };
    Ok(AuditedAsset {
        id: row.parsed("id")?,
        title: row.text("title")?,
        deleted: row.opt_int("deleted")?.is_some(),
        analysed: row.opt_int("analysed")?.is_some(),
        failed: matches!(
            row.parsed("status")?,
            AssetStatus::ProduceFail | AssetStatus::Uploading | AssetStatus::UploadFail
        ),
        sourceless: row.opt_int("source_deleted")?.is_some(),
        of,
    })
}

impl Catalog {
    /// Assets after `after` by id, deleted ones too.
    pub async fn audited_assets(&self, after: Option<AssetId>, limit: u32) -> Result<Vec<AuditedAsset>> {
        let sql = Sql::new("SELECT * FROM asset WHERE 1 = 1").with_some(" AND id > ", after).text(" ORDER BY id");
        sql.with(" LIMIT ", limit).rows(self).await?.iter().map(audited).collect()
    }

    /// All reels.
    pub async fn all_reels(&self) -> Result<Vec<Reel>> {
        let rows = Sql::new("SELECT * FROM reel ORDER BY id").rows(self).await?;
        rows.iter().map(crate::reels::reel_of).collect()
    }

    /// All recordings.
    pub async fn all_recordings(&self) -> Result<Vec<AuditedRecording>> {
        let rows = Sql::new("SELECT id, reel, state, cycle_number FROM recording ORDER BY id").rows(self).await?;
        let one = |row: &Row| {
            Ok(AuditedRecording {
                id: row.parsed("id")?,
                reel: row.parsed("reel")?,
                ended: row.text("state")? == "ended",
                has_open_cycle: row.opt_int("cycle_number")?.is_some(),
            })
        };
        rows.iter().map(one).collect()
    }

    /// What assets have, and had, of a reel. Those on a rendition are of the outputs that are made of it.
    pub async fn claims_on_reel(&self, reel: ReelId) -> Result<Vec<Claim>> {
        match self.rendition(reel).await? {
            Some(_) => self.claims_on_rendition(reel).await,
            None => self.claims_on_source(reel).await,
        }
    }

    async fn claims_on_rendition(&self, reel: ReelId) -> Result<Vec<Claim>> {
        let rows = Sql::new(
            "SELECT s.asset, s.from_ticks, s.to_ticks,
               CAST(CASE WHEN a.deleted IS NULL THEN 0 ELSE 1 END AS BIGINT) AS deleted,
               CAST(CASE WHEN EXISTS (SELECT 1 FROM garbage g WHERE g.asset = s.asset AND g.freed IS NOT NULL
                   AND (g.position < 0 OR a.source_deleted IS NULL))
                 THEN 1 ELSE 0 END AS BIGINT) AS freed,
               CAST(COALESCE((SELECT SUM(b.to_ticks - b.from_ticks) FROM output_span b
                 WHERE b.output = s.output AND b.position < s.position), 0) AS BIGINT) AS before_ticks
             FROM output_span s JOIN asset a ON a.id = s.asset WHERE s.reel = $1 OR s.sound_reel = $1 ORDER BY s.output, s.position",
        );
        rows.arg(reel).rows(self).await?.iter().map(claim_of).collect()
    }

    async fn claims_on_source(&self, reel: ReelId) -> Result<Vec<Claim>> {
        let rows = Sql::new(
            "SELECT s.asset, s.from_ticks, s.to_ticks, CAST(0 AS BIGINT) AS deleted, CAST(0 AS BIGINT) AS freed,
               CAST(COALESCE((SELECT SUM(b.to_ticks - b.from_ticks) FROM span b
                 WHERE b.asset = s.asset AND b.position < s.position), 0) AS BIGINT) AS before_ticks
             FROM span s WHERE s.reel = $1
             UNION ALL
             SELECT g.asset, g.from_ticks, g.to_ticks, CAST(1 AS BIGINT),
               CAST(CASE WHEN g.freed IS NULL THEN 0 ELSE 1 END AS BIGINT),
               CAST(COALESCE((SELECT SUM(b.to_ticks - b.from_ticks) FROM garbage b
                 WHERE b.asset = g.asset AND b.position < g.position AND b.position >= 0), 0) AS BIGINT)
             FROM garbage g WHERE g.reel = $1 AND (g.position >= 0 OR g.freed IS NOT NULL)",
        )
        .arg(reel)
        .rows(self)
        .await?;
        rows.iter().map(claim_of).collect()
    }

    /// The assets, deleted ones too, that the cycles of a recording became.
    pub async fn assets_by_cycle(&self, recording: RecordingId) -> Result<BTreeMap<u32, AssetId>> {
        let sql = Sql::new("SELECT id, cycle FROM asset WHERE recording = $1 AND cycle IS NOT NULL").arg(recording);
        sql.rows(self).await?.iter().map(|row| Ok((row.small("cycle")?, row.parsed("id")?))).collect()
    }

    /// Assets whose analysis nobody will do: not analysed, not deleted, and no unfinished job.
    pub async fn forgotten_analyses(&self) -> Result<Vec<AssetId>> {
        let rows = Sql::new(
            "SELECT id FROM asset WHERE analysed IS NULL AND deleted IS NULL AND status NOT IN ('ProduceFail', 'Uploading', 'UploadFail') AND NOT EXISTS
               (SELECT 1 FROM job WHERE unique_key = 'analyse/' || asset.id AND state IN ('ready', 'running'))",
        );
        rows.rows(self).await?.iter().map(|row| row.parsed("id")).collect()
    }

    /// Events that are owed though no job will deliver them.
    pub async fn forgotten_events(&self) -> Result<Vec<(units::EventId, AssetId)>> {
        let rows = Sql::new(
            "SELECT event.id, event.asset FROM event LEFT JOIN job ON job.id = event.job
             WHERE event.outcome = 'pending' AND (job.id IS NULL OR job.state = 'done') ORDER BY event.seq",
        );
        rows.rows(self).await?.iter().map(|row| Ok((row.parsed("id")?, row.parsed("asset")?))).collect()
    }
}

impl Tx {
    /// Gives an owed event a new job that delivers it. Whether it was still owed.
    pub async fn owe_again(&mut self, event: units::EventId, now: WallTime) -> Result<bool> {
        let row = Sql::new("SELECT asset FROM event WHERE id = $1 AND outcome = 'pending'").arg(event);
        let Some(row) = row.row(&mut *self).await? else { return Ok(false) };
        let job = self.enqueue(NewJob::callback(event, row.parsed("asset")?), now).await?;
        Sql::new("UPDATE event SET job = $2 WHERE id = $1").arg(event).arg(job).run(self).await?;
        Ok(true)
    }

    /// Has the source of an asset analysed again.
    pub async fn analyse_again(&mut self, asset: AssetId, now: WallTime) -> Result<()> {
        self.enqueue(NewJob::analyse(asset), now).await?;
        Ok(())
    }

    /// Owes the event that a cycle, or all cycles of a recording, became an asset. The caller knows that there is none.
    pub async fn owe_birth(&mut self, asset: AssetId, origin: &Origin, possible: bool, now: WallTime) -> Result<()> {
        let path = origin.path.clone();
        let event = match origin.cycle {
            Some(_) => Event::CycleBecameAsset { path, began: origin.began, ended: origin.ended },
            None => Event::ComposeBegan { path, possible },
        };
        self.tell(asset, now, event).await?;
        Ok(())
    }

    /// Opens an ended recording again at a cycle that was never made an asset: the next start takes it up from its reel,
    /// makes what is missing, and ends it.
    pub async fn reopen_recording(&mut self, id: RecordingId, from_cycle: u32, now: WallTime) -> Result<()> {
        Sql::new(
            "UPDATE recording SET state = 'interrupted', ended = NULL, give_up_at = $3, cycles = $2, cycle_number = NULL,
               cycle_asset = NULL, cycle_from_ticks = NULL, cycle_began = NULL WHERE id = $1",
        )
        .arg(id)
        .arg(from_cycle)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Takes the spans from an asset that is deleted and has some all the same.
    pub async fn drop_spans_of_deleted(&mut self, asset: AssetId) -> Result<u64> {
        Sql::new("DELETE FROM span WHERE asset IN (SELECT id FROM asset WHERE id = $1 AND status = $2)")
            .arg(asset)
            .arg(AssetStatus::Deleted)
            .run(self)
            .await
    }
}

in_own_tx! {
    owe_again(event: units::EventId, now: WallTime) -> bool;
    analyse_again(asset: AssetId, now: WallTime) -> ();
    owe_birth(asset: AssetId, origin: &Origin, possible: bool, now: WallTime) -> ();
    reopen_recording(id: RecordingId, from_cycle: u32, now: WallTime) -> ();
    drop_spans_of_deleted(asset: AssetId) -> u64;
}
