//! Streams that may not be pushed.

use units::{StreamPath, WallTime};

use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Listed, Page, Result, Tx};

/// A stream that may not be pushed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// Which stream, under its play domain.
    pub path: StreamPath,
    /// Until when; `None`: until it is lifted.
    pub until: Option<WallTime>,
    /// Since when.
    pub created: WallTime,
}

/// The stream path in the columns `domain`, `app`, `stream`.
pub(crate) fn path_of(row: &Row) -> Result<StreamPath> {
    let (domain, app, stream) = (row.text("domain")?, row.text("app")?, row.text("stream")?);
    StreamPath::new(&domain, &app, &stream)
        .map_err(|_| crate::sql::corrupt("domain, app, stream", format!("{domain}/{app}/{stream}"), "a stream path"))
}

fn block_of(row: &Row) -> Result<Block> {
    Ok(Block { path: path_of(row)?, until: row.opt_time("until")?, created: row.time("created")? })
}

impl Catalog {
    /// Whether the stream may not be pushed at `now`.
    pub async fn is_blocked(&self, path: &StreamPath, now: WallTime) -> Result<bool> {
        let row = Sql::new(
            "SELECT 1 AS one FROM stream_block
             WHERE domain = $1 AND app = $2 AND stream = $3 AND (until IS NULL OR until > $4)",
        )
        .arg(path.domain())
        .arg(path.app())
        .arg(path.stream())
        .arg(now)
        .row(self)
        .await?;
        Ok(row.is_some())
    }

    /// The blocks of a play domain that hold at `now`, by name.
    pub async fn blocks(&self, domain: &str, now: WallTime, page: Page) -> Result<Listed<Block>> {
        let total =
            Sql::new("SELECT COUNT(*) AS total FROM stream_block WHERE domain = $1 AND (until IS NULL OR until > $2)")
                .arg(domain)
                .arg(now)
                .total(self)
                .await?;
        let rows = Sql::new(
            "SELECT * FROM stream_block WHERE domain = $1 AND (until IS NULL OR until > $2)
             ORDER BY app, stream LIMIT $3 OFFSET $4",
        )
        .arg(domain)
        .arg(now)
        .arg(page.limit())
        .arg(page.offset())
        .rows(self)
        .await?;
        Ok(Listed { rows: rows.iter().map(block_of).collect::<Result<_>>()?, total })
    }
}

impl Tx {
    /// Blocks a stream, or changes until when it is blocked.
    pub async fn add_block(&mut self, block: &Block) -> Result<()> {
        Sql::new(
            "INSERT INTO stream_block (domain, app, stream, until, created) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (domain, app, stream) DO UPDATE SET until = excluded.until, created = excluded.created",
        )
        .arg(block.path.domain())
        .arg(block.path.app())
        .arg(block.path.stream())
        .arg(block.until)
        .arg(block.created)
        .run(self)
        .await?;
        Ok(())
    }

    /// Lifts a block. Whether there was one.
    pub async fn remove_block(&mut self, path: &StreamPath) -> Result<bool> {
        let removed = Sql::new("DELETE FROM stream_block WHERE domain = $1 AND app = $2 AND stream = $3")
            .arg(path.domain())
            .arg(path.app())
            .arg(path.stream())
            .run(self)
            .await?;
        Ok(removed > 0)
    }
}

in_own_tx! {
    add_block(block: &Block) -> ();
    remove_block(path: &StreamPath) -> bool;
}
