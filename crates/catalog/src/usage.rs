//! What was played and sent, by hour, domain and what it was; and how much is stored.

use encode::Content;
use units::{AssetId, WallTime};

use crate::sql::{Row, Sql, in_own_tx};
use crate::transcodes::{OutputFacts, output_of};
use crate::{Catalog, Page, Result, Tx};

/// Rows of one statement: SQLite binds some 32 000 values.
const ROWS_MAX: usize = 1_000;
/// Outputs read at a time.
const OUTPUTS_AT_ONCE: u32 = 1_000;

/// What is counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UsageKey {
    /// When the hour begins.
    pub hour: WallTime,
    /// The domain that was asked; empty: the server's own name.
    pub domain: String,
    /// The id of a video or a file, or `app/stream`; empty: not told apart.
    pub media: String,
}

/// What was counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageRow {
    /// Of what.
    pub key: UsageKey,
    /// How often it was begun to be watched.
    pub plays: u64,
    /// Bytes that were sent.
    pub bytes: u64,
}

/// What usage is added up by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsageBy {
    /// Each hour, the oldest first.
    Hour,
    /// Each domain, that with the most bytes first.
    Domain,
    /// Each video or stream, that with the most plays first.
    Media,
}

/// Which usage is wanted; absent fields fit all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageFilter {
    /// Hours that begin at or after.
    pub from: WallTime,
    /// Hours that begin before.
    pub to: WallTime,
    /// Of this domain.
    pub domain: Option<String>,
    /// Of this video or stream.
    pub media: Option<String>,
}

/// Usage that was added up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageSum {
    /// The hour in Unix milliseconds, the domain or the medium that it is of.
    pub of: String,
    /// How often something was begun to be watched.
    pub plays: u64,
    /// Bytes that were sent.
    pub bytes: u64,
}

/// All usage that fits, added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UsageTotal {
    /// How many lines there are.
    pub lines: u64,
    /// Of all of them.
    pub plays: u64,
    /// Of all of them.
    pub bytes: u64,
}

/// Bytes that are stored of videos, each as its file would be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StoredBytes {
    /// Of sources. What cycles and the video that joins them share counts once.
    pub sources: u64,
    /// Of what was encoded of them.
    pub outputs: u64,
    /// Of the files of the library.
    pub files: u64,
}

fn narrowed(sql: Sql, filter: &UsageFilter) -> Sql {
    sql.with(" FROM played WHERE hour >= ", filter.from)
        .with(" AND hour < ", filter.to)
        .with_some(" AND domain = ", filter.domain.as_deref())
        .with_some(" AND media = ", filter.media.as_deref())
}

const SUMS: &str = "CAST(COALESCE(SUM(plays), 0) AS BIGINT) AS plays, CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS bytes";

impl Catalog {
    /// Usage, added up, a page of it, and all of it.
    pub async fn usage(&self, filter: &UsageFilter, by: UsageBy, page: Page) -> Result<(Vec<UsageSum>, UsageTotal)> {
        let (lines, select, group) = match by {
            UsageBy::Hour => {
                ("COUNT(DISTINCT hour)", "SELECT CAST(hour AS TEXT) AS of_what, ", " GROUP BY hour ORDER BY hour")
            }
            UsageBy::Domain => (
                "COUNT(DISTINCT domain)",
                "SELECT domain AS of_what, ",
                " GROUP BY domain ORDER BY SUM(bytes) DESC, domain",
            ),
            UsageBy::Media => (
                "COUNT(DISTINCT media)",
                "SELECT media AS of_what, ",
                " GROUP BY media ORDER BY SUM(plays) DESC, SUM(bytes) DESC, media",
            ),
        };
        let total = Sql::new("SELECT ").text(lines).text(" AS lines, ").text(SUMS);
        let total = match narrowed(total, filter).row(self).await? {
            Some(row) => {
                UsageTotal { lines: row.count("lines")?, plays: row.count("plays")?, bytes: row.count("bytes")? }
            }
            None => UsageTotal::default(),
        };
        let sums = narrowed(Sql::new(select).text(SUMS), filter).text(group);
        let rows = sums.with(" LIMIT ", page.limit()).with(" OFFSET ", page.offset()).rows(self).await?;
        let one = |row: &Row| {
            Ok(UsageSum { of: row.text("of_what")?, plays: row.count("plays")?, bytes: row.count("bytes")? })
        };
        Ok((rows.iter().map(one).collect::<Result<_>>()?, total))
    }

    /// What is stored of all videos that are not deleted, and of all files. Reads all outputs that were made, some at a time.
    pub async fn stored_bytes(&self) -> Result<StoredBytes> {
        let sources = Sql::new(
            "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS total FROM asset a
             WHERE deleted IS NULL AND source_deleted IS NULL AND (cycle IS NULL OR NOT EXISTS (SELECT 1 FROM asset w
               WHERE w.recording = a.recording AND w.cycle IS NULL AND w.recording IS NOT NULL AND w.deleted IS NULL))",
        );
        let files = Sql::new(
            "SELECT CAST(COALESCE(SUM(size_bytes), 0) AS BIGINT) AS total FROM library_file WHERE deleted IS NULL",
        );
        let mut stored =
            StoredBytes { sources: sources.total(self).await?, files: files.total(self).await?, outputs: 0 };
        let mut after = String::new();
        loop {
            let page = Sql::new(
                "SELECT o.* FROM output o JOIN asset a ON a.id = o.asset AND a.deleted IS NULL
                 WHERE o.state = 'done' AND o.id > $1 ORDER BY o.id",
            );
            let page = page.arg(&after).with(" LIMIT ", OUTPUTS_AT_ONCE).rows(self).await?;
            let Some(last) = page.last() else { return Ok(stored) };
            after = last.text("id")?;
            for row in &page {
                stored.outputs = stored.outputs.saturating_add(encoded_bytes(row)?);
            }
        }
    }

    /// The same of one video, with all that its source shows.
    pub async fn stored_bytes_of(&self, asset: AssetId) -> Result<StoredBytes> {
        let source =
            "SELECT size_bytes AS total FROM asset WHERE id = $1 AND deleted IS NULL AND source_deleted IS NULL";
        let mut stored =
            StoredBytes { sources: Sql::new(source).arg(asset).total(self).await?, ..StoredBytes::default() };
        let outputs = Sql::new("SELECT * FROM output WHERE asset = $1 AND state = 'done'").arg(asset);
        for row in &outputs.rows(self).await? {
            stored.outputs = stored.outputs.saturating_add(encoded_bytes(row)?);
        }
        Ok(stored)
    }
}

/// Bytes of an output that has media of its own.
fn encoded_bytes(row: &Row) -> Result<u64> {
    let output = output_of(row)?;
    let bytes = |facts: OutputFacts| facts.size_bytes;
    Ok(match output.template.content {
        Content::Encoded => output.facts.map_or(0, bytes),
        // The source's own media, or other outputs.
        Content::Remuxed | Content::Package { .. } => 0,
    })
}

impl Tx {
    /// Adds what was counted to what is known of the same hour, domain and medium.
    pub async fn add_usage(&mut self, rows: &[UsageRow]) -> Result<()> {
        for some in rows.chunks(ROWS_MAX) {
            let mut sql = Sql::new("INSERT INTO played (hour, domain, media, plays, bytes) VALUES ");
            for (nth, UsageRow { key, plays, bytes }) in some.iter().enumerate() {
                sql = sql.with(if nth == 0 { "(" } else { ", (" }, key.hour).with(", ", &key.domain);
                sql = sql.with(", ", &key.media).with(", ", *plays).with(", ", *bytes).text(")");
            }
            sql = sql.text(
                " ON CONFLICT (hour, domain, media)
                  DO UPDATE SET plays = played.plays + excluded.plays, bytes = played.bytes + excluded.bytes",
            );
            sql.run(self).await?;
        }
        Ok(())
    }
}

in_own_tx! {
    add_usage(rows: &[UsageRow]) -> ();
}
