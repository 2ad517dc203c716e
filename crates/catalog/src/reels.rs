//! Reels: what stored media there is.

use units::{ReelId, WallTime};

use crate::sql::{Row, Sql, in_own_tx, words};
use crate::{Catalog, Result, Span, Tx};

words! {
    /// Where a reel is in its life.
    pub enum ReelState {
        /// It grows.
        Open = "open",
        /// It is complete and will not change.
        Sealed = "sealed",
        /// Its media is gone.
        Deleted = "deleted",
    }
}

/// A reel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reel {
    /// Its id.
    pub id: ReelId,
    /// Where it is in its life.
    pub state: ReelState,
    /// The node that writes it.
    pub node: String,
    /// When it was made.
    pub created: WallTime,
    /// When it was sealed.
    pub sealed: Option<WallTime>,
    /// Its length in ticks, once sealed.
    pub end_ticks: Option<i64>,
}

pub(crate) fn reel_of(row: &Row) -> Result<Reel> {
    Ok(Reel {
        id: row.parsed("id")?,
        state: row.parsed("state")?,
        node: row.text("node")?,
        created: row.time("created")?,
        sealed: row.opt_time("sealed")?,
        end_ticks: row.opt_int("end_ticks")?,
    })
}

impl Catalog {
    /// The reel of this id.
    pub async fn reel(&self, id: ReelId) -> Result<Option<Reel>> {
        let row = Sql::new("SELECT * FROM reel WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(reel_of).transpose()
    }

    /// When the newest reel was made; `None` when there is none.
    pub async fn newest_reel(&self) -> Result<Option<WallTime>> {
        let row = Sql::new("SELECT created FROM reel ORDER BY id DESC LIMIT 1").row(self).await?;
        row.as_ref().map(|row| row.time("created")).transpose()
    }

    /// The ids of the reels from this id on, in order.
    pub async fn reels_from(&self, id: ReelId) -> Result<Vec<ReelId>> {
        let rows = Sql::new("SELECT id FROM reel WHERE id >= $1 ORDER BY id").arg(id).rows(self).await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// All spans on a reel, of whatever asset, by where they start.
    pub async fn spans_on_reel(&self, reel: ReelId) -> Result<Vec<Span>> {
        let rows = Sql::new("SELECT * FROM span WHERE reel = $1 ORDER BY from_ticks, to_ticks").arg(reel);
        rows.rows(self).await?.iter().map(Span::of).collect()
    }
}

impl Tx {
    pub(crate) async fn insert_reel(&mut self, id: ReelId, node: &str, now: WallTime) -> Result<()> {
        Sql::new("INSERT INTO reel (id, state, node, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .arg(id)
            .arg(ReelState::Open)
            .arg(node)
            .arg(now)
            .run(self)
            .await?;
        Ok(())
    }

    pub(crate) async fn seal_reel(&mut self, id: ReelId, end_ticks: Option<i64>, now: WallTime) -> Result<()> {
        Sql::new("UPDATE reel SET state = $2, sealed = $3, end_ticks = $4 WHERE id = $1 AND state = 'open'")
            .arg(id)
            .arg(ReelState::Sealed)
            .arg(now)
            .arg(end_ticks)
            .run(self)
            .await?;
        Ok(())
    }

    pub(crate) async fn has_garbage(&mut self, id: ReelId) -> Result<bool> {
        let row = Sql::new("SELECT 1 AS one FROM garbage WHERE reel = $1").arg(id);
        Ok(row.row(self).await?.is_some())
    }

    /// Gives up what deleted assets had on a reel and need not be kept any longer: from now on none of them can be restored,
    /// and [`Catalog::claims_on_reel`] tells it as [`ClaimState::Freed`](crate::ClaimState::Freed). How many stretches.
    pub async fn give_up_garbage(&mut self, reel: ReelId) -> Result<u64> {
        // All of an asset or nothing: half of it cannot be restored.
        Sql::new(
            "UPDATE garbage SET freed = {now} WHERE freed IS NULL AND free_at <= {now}
               AND asset IN (SELECT asset FROM garbage WHERE reel = $1)",
        )
        .arg(reel)
        .run(self)
        .await
    }

    /// Notes that all media of a sealed reel is gone. `false` when it is not sealed, or a span still needs it.
    pub async fn mark_reel_deleted(&mut self, id: ReelId) -> Result<bool> {
        let changed = Sql::new(
            "UPDATE reel SET state = $2 WHERE id = $1 AND state = 'sealed'
               AND NOT EXISTS (SELECT 1 FROM span WHERE span.reel = $1)
               AND NOT EXISTS (SELECT 1 FROM garbage WHERE garbage.reel = $1 AND freed IS NULL)",
        )
        .arg(id)
        .arg(ReelState::Deleted)
        .run(self)
        .await?;
        Ok(changed > 0)
    }
}

in_own_tx! {
    give_up_garbage(reel: ReelId) -> u64;
    mark_reel_deleted(id: ReelId) -> bool;
}
