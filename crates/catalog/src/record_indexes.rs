//! Playlists over what was recorded of a stream between two times: a cut of its reels under an id of its own.
//!
//! What one shows lies in `span` like the content of an asset. So its media is kept, whatever becomes of the assets that were made of it.

use std::time::Duration;

use units::{AssetId, ReelId, StreamPath, WallTime};

use crate::assets::Span;
use crate::blocks::path_of;
use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, CatalogError, Listed, Order, Page, Recording, Result, Tx};

/// A playlist over what was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordIndex {
    /// Its id; `RecordId` on the wire.
    pub id: AssetId,
    /// The stream.
    pub path: StreamPath,
    /// The bucket that was named; told back.
    pub bucket: String,
    /// The endpoint that was named; told back.
    pub endpoint: String,
    /// The object that was named; told back.
    pub object: String,
    /// Wall time of its first media.
    pub began: WallTime,
    /// Wall time of its last media.
    pub ended: WallTime,
    /// Length in 90 kHz ticks.
    pub duration_ticks: i64,
    /// Pixels; 0 without video.
    pub width: u32,
    /// Pixels; 0 without video.
    pub height: u32,
    /// When it was made.
    pub created: WallTime,
}

fn index_of(row: &Row) -> Result<RecordIndex> {
    Ok(RecordIndex {
        id: row.parsed("id")?,
        path: path_of(row)?,
        bucket: row.text("bucket")?,
        endpoint: row.text("endpoint")?,
        object: row.text("object")?,
        began: row.time("began")?,
        ended: row.time("ended")?,
        duration_ticks: row.int("duration_ticks")?,
        width: row.small("width")?,
        height: row.small("height")?,
        created: row.time("created")?,
    })
}

impl Catalog {
    /// The recordings of a stream of which some may lie between two times, oldest first.
    pub async fn recordings_between(&self, path: &StreamPath, from: WallTime, to: WallTime) -> Result<Vec<Recording>> {
        let sql = Sql::new(
            "SELECT * FROM recording WHERE domain = $1 AND app = $2 AND stream = $3 AND began <= $4
               AND (ended IS NULL OR ended >= $5) ORDER BY began, id",
        );
        let sql = sql.arg(path.domain()).arg(path.app()).arg(path.stream()).arg(to).arg(from);
        sql.rows(self).await?.iter().map(crate::recordings::recording_of).collect()
    }

    /// The playlist of this id.
    pub async fn record_index(&self, id: AssetId) -> Result<Option<RecordIndex>> {
        let row = Sql::new("SELECT * FROM record_index WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(index_of).transpose()
    }

    /// The playlists of a stream that begin between two times, both included, by when they begin.
    pub async fn record_indexes(
        &self,
        path: &StreamPath,
        (from, to): (WallTime, WallTime),
        order: Order,
        page: Page,
    ) -> Result<Listed<RecordIndex>> {
        let narrowed = |sql: Sql| {
            let sql = sql.with(" FROM record_index WHERE domain = ", path.domain()).with(" AND app = ", path.app());
            sql.with(" AND stream = ", path.stream()).with(" AND began >= ", from).with(" AND began <= ", to)
        };
        let total = narrowed(Sql::new("SELECT COUNT(*) AS total")).total(self).await?;
        let sorted = match order {
            Order::Ascending => " ORDER BY began, id",
            Order::Descending => " ORDER BY began DESC, id DESC",
        };
        let sql = narrowed(Sql::new("SELECT *")).text(sorted);
        let rows = sql.with(" LIMIT ", page.limit()).with(" OFFSET ", page.offset()).rows(self).await?;
        Ok(Listed { rows: rows.iter().map(index_of).collect::<Result<_>>()?, total })
    }
}

impl Tx {
    /// Makes a playlist of these stretches of reels. `Changed` when media of one is being removed by now, or gone: then look again.
    pub async fn add_record_index(&mut self, index: &RecordIndex, content: &[(ReelId, i64, i64)]) -> Result<()> {
        for (position, (reel, from_ticks, to_ticks)) in (0..).zip(content.iter().copied()) {
            // Taken first: whoever frees media takes it the same way, and looks for spans after that.
            Sql::new("UPDATE garbage SET free_at = free_at WHERE reel = $1").arg(reel).run(self).await?;
            let gone = Sql::new(
                "SELECT 1 AS one FROM reel WHERE id = $1 AND (state = 'deleted' OR EXISTS (SELECT 1 FROM garbage g
                   WHERE g.reel = $1 AND g.freed IS NOT NULL AND g.from_ticks < $3 AND $2 < g.to_ticks AND NOT EXISTS
                     (SELECT 1 FROM span s WHERE s.reel = $1 AND s.from_ticks <= $2 AND $3 <= s.to_ticks)))",
            );
            if gone.arg(reel).arg(from_ticks).arg(to_ticks).row(&mut *self).await?.is_some() {
                return Err(CatalogError::Changed { what: "media of reel", key: reel.to_string() });
            }
            self.insert_span(&Span { asset: index.id, position, reel, from_ticks, to_ticks }).await?;
        }
        Sql::new(
            "INSERT INTO record_index (id, domain, app, stream, bucket, endpoint, object, began, ended, duration_ticks, width,
               height, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .arg(index.id)
        .arg(index.path.domain())
        .arg(index.path.app())
        .arg(index.path.stream())
        .arg(&index.bucket)
        .arg(&index.endpoint)
        .arg(&index.object)
        .arg(index.began)
        .arg(index.ended)
        .arg(index.duration_ticks)
        .arg(index.width)
        .arg(index.height)
        .arg(index.created)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes a playlist of a stream; media that nothing else shows is freed after `free_after`. Whether it was there.
    pub async fn delete_record_index(
        &mut self,
        path: &StreamPath,
        id: AssetId,
        free_after: Duration,
        now: WallTime,
    ) -> Result<bool> {
        let gone =
            Sql::new("DELETE FROM record_index WHERE id = $1 AND domain = $2 AND app = $3 AND stream = $4").arg(id);
        if gone.arg(path.domain()).arg(path.app()).arg(path.stream()).run(&mut *self).await? == 0 {
            return Ok(false);
        }
        let reels = Sql::new("SELECT DISTINCT reel FROM span WHERE asset = $1 ORDER BY reel").arg(id);
        self.give_up_spans(id, reels, free_after, now).await?;
        Ok(true)
    }
}

in_own_tx! {
    add_record_index(index: &RecordIndex, content: &[(ReelId, i64, i64)]) -> ();
    delete_record_index(path: &StreamPath, id: AssetId, free_after: Duration, now: WallTime) -> bool;
}
