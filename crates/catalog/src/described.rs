//! What rows say of media and of the installation, in a form that storage keeps and rows can be made from again.
//!
//! The unit is a [`Subject`]: an asset with its spans and events, a reel with its recording and pushes, or all that is
//! configured. Triggers mark a subject stale when one of its rows changes (`migrations/*/0003_self_description.sql`);
//! whoever writes descriptions reads the mark, then the rows, stores them, and [settles](Tx::settle) the mark.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use units::{AssetId, ReelId};

use crate::sql::{Row, Sql, Value, corrupt, in_own_tx};
use crate::{Catalog, Pools, Result, Tx, TxInner};

/// What a description is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// An asset: its row, spans, what is left of them once it is deleted, and events.
    Asset(AssetId),
    /// A reel: its row, its recording and the pushes that fed it, or what it is a rendition of.
    Reel(ReelId),
    /// Everything that users configured: domains, rules, callbacks, blocks, settings.
    Installation,
}

impl Subject {
    fn kind(self) -> &'static str {
        match self {
            Self::Asset(_) => "asset",
            Self::Reel(_) => "reel",
            Self::Installation => "catalog",
        }
    }

    fn id(self) -> String {
        match self {
            Self::Asset(id) => id.to_string(),
            Self::Reel(id) => id.to_string(),
            Self::Installation => String::new(),
        }
    }

    fn of(row: &Row) -> Result<Self> {
        match row.text("kind")?.as_str() {
            "asset" => row.parsed("id").map(Self::Asset),
            "reel" => row.parsed("id").map(Self::Reel),
            "catalog" => Ok(Self::Installation),
            other => Err(corrupt("stale.kind", other, "a kind of description")),
        }
    }
}

/// A description that has to be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stale {
    /// Of what.
    pub subject: Subject,
    mark: i64,
}

/// Rows by table, each as a JSON object by column: strings, integers, floats, nulls.
pub type Rows = BTreeMap<String, Vec<Map<String, Json>>>;

/// Tables that belong to an asset, with the column that names it.
const OF_ASSET: [(&str, &str); 12] = [
    ("asset", "id"),
    ("span", "asset"),
    ("garbage", "asset"),
    ("event", "asset"),
    ("transcode_task", "asset"),
    ("output", "asset"),
    ("output_span", "asset"),
    ("picture_job", "asset"),
    ("picture_set", "asset"),
    ("upload", "asset"),
    ("library_file", "id"),
    ("record_index", "id"),
];
/// Tables that are not configured by anyone: media, history, and what the catalog keeps for itself.
const NOT_CONFIGURED: [&str; 33] = [
    "asset",
    "audit_event",
    "cache_edge",
    "cache_feed",
    "cache_report",
    "cache_task",
    "console_session",
    "encode_run",
    "output",
    "output_span",
    "picture_job",
    "picture_set",
    "rendition",
    "transcode_task",
    "span",
    "garbage",
    "event",
    "event_count",
    "delivery",
    "job",
    "nonce",
    "push",
    "record_command",
    "record_question",
    "recording",
    "recording_push",
    "reel",
    "stale",
    "upload",
    "library_file",
    "played",
    "record_index",
    "stream_control",
];
/// Marks the order of rows; the database numbers new rows itself.
const NUMBERING: &str = "seq";

impl Catalog {
    /// The descriptions that have to be written, those that wait longest first.
    pub async fn stale(&self, limit: u32) -> Result<Vec<Stale>> {
        let rows = Sql::new("SELECT * FROM stale ORDER BY seq").with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(|row| Ok(Stale { subject: Subject::of(row)?, mark: row.int("seq")? })).collect()
    }

    /// How many descriptions have to be written.
    pub async fn stale_count(&self) -> Result<u64> {
        Sql::new("SELECT COUNT(*) AS total FROM stale").total(self).await
    }

    /// The rows of a subject as of one moment. No rows: it is not there (any more).
    pub async fn rows_of(&self, subject: Subject) -> Result<Rows> {
        let mut tx = self.begin_reading().await?;
        match subject {
            Subject::Asset(id) => {
                let mut all = Rows::new();
                for (table, column) in OF_ASSET {
                    let sql = Sql::new("SELECT * FROM ").text(table).text(" WHERE ").text(column).with(" = ", id);
                    // The events in their order; the others have one by their key.
                    let sql = if table == "event" { sql.text(" ORDER BY seq") } else { sql.text(" ORDER BY 1, 2") };
                    add(&mut all, table, sql.rows(&mut tx).await?)?;
                }
                Ok(all)
            }
            Subject::Reel(id) => {
                let mut all = Rows::new();
                let reel = Sql::new("SELECT * FROM reel WHERE id = $1").arg(id);
                let recording = Sql::new("SELECT * FROM recording WHERE reel = $1 ORDER BY id").arg(id);
                let feeds = Sql::new(
                    "SELECT recording_push.* FROM recording_push JOIN recording ON recording.id = recording
                     WHERE reel = $1 ORDER BY recording, attached, push",
                )
                .arg(id);
                let pushes = Sql::new(
                    "SELECT * FROM push WHERE id IN (SELECT push FROM recording_push
                       JOIN recording ON recording.id = recording WHERE reel = $1) ORDER BY id",
                )
                .arg(id);
                let rendition = Sql::new("SELECT * FROM rendition WHERE reel = $1").arg(id);
                let parts = [
                    ("reel", reel),
                    ("recording", recording),
                    ("recording_push", feeds),
                    ("push", pushes),
                    ("rendition", rendition),
                ];
                for (table, sql) in parts {
                    add(&mut all, table, sql.rows(&mut tx).await?)?;
                }
                Ok(all)
            }
            Subject::Installation => {
                let mut all = Rows::new();
                for table in tx.tables().await? {
                    if NOT_CONFIGURED.contains(&table.as_str()) {
                        continue;
                    }
                    let rows = Sql::new("SELECT * FROM ").name(&table)?.text(" ORDER BY 1, 2").rows(&mut tx).await?;
                    add(&mut all, &table, rows)?;
                }
                Ok(all)
            }
        }
    }

    /// Every row of every table, sorted: to compare two catalogs.
    pub async fn all_rows(&self) -> Result<Rows> {
        let mut tx = self.begin_reading().await?;
        let mut all = Rows::new();
        for table in tx.tables().await? {
            let rows = Sql::new("SELECT * FROM ").name(&table)?.text(" ORDER BY 1, 2").rows(&mut tx).await?;
            add(&mut all, &table, rows)?;
        }
        Ok(all)
    }

    /// A transaction that sees one moment and writes nothing.
    async fn begin_reading(&self) -> Result<Tx> {
        let inner = match &self.inner.pools {
            Pools::Sqlite { readers, .. } => TxInner::Sqlite(readers.begin().await?),
            Pools::Postgres(pool) => {
                TxInner::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
            }
        };
        Ok(Tx { inner, catalog: self.clone(), made_jobs: false, command_news: false })
    }
}

fn add(all: &mut Rows, table: &str, rows: Vec<Row>) -> Result<()> {
    if !rows.is_empty() {
        all.insert(table.to_owned(), rows.iter().map(Row::to_json).collect::<Result<_>>()?);
    }
    Ok(())
}

impl Tx {
    /// The names of the tables, sorted.
    async fn tables(&mut self) -> Result<Vec<String>> {
        let sql = match &self.inner {
            // Not the index of texts either, which is tables of its own, nor what lies beside it.
            TxInner::Sqlite(_) => {
                "SELECT name FROM sqlite_master
                 WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'asset\\_text%' ESCAPE '\\'
                   AND name <> 'asset_doc'"
            }
            TxInner::Postgres(_) => {
                "SELECT table_name AS name FROM information_schema.tables
                 WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
            }
        };
        let mut names =
            Sql::new(sql).rows(self).await?.iter().map(|row| row.text("name")).collect::<Result<Vec<_>>>()?;
        // The library's own record of migrations.
        names.retain(|name| !name.starts_with('_'));
        names.sort_unstable();
        Ok(names)
    }

    /// Notes that a description was written of what was there when `stale` was read. `false`: it changed meanwhile, or
    /// another writer was faster and may have been overwritten with something older: the subject is marked again.
    pub async fn settle(&mut self, stale: &Stale) -> Result<bool> {
        let settled = Sql::new("DELETE FROM stale WHERE seq = $1").arg(stale.mark).run(self).await?;
        if settled == 0 {
            self.mark_stale(stale.subject).await?;
        }
        Ok(settled > 0)
    }

    /// Asks for the description of a subject to be written again.
    pub async fn mark_stale(&mut self, subject: Subject) -> Result<()> {
        let (kind, id) = (subject.kind(), subject.id());
        Sql::new("DELETE FROM stale WHERE kind = $1 AND id = $2").arg(kind).arg(&id).run(self).await?;
        let sql = Sql::new("INSERT INTO stale (kind, id) VALUES ($1, $2) ON CONFLICT DO NOTHING").arg(kind).arg(&id);
        sql.run(self).await?;
        Ok(())
    }

    /// Puts described rows back as they were; a row that is there already stays as it is. Returns how many were added.
    ///
    /// Columns that the description does not have, because it is older than they are, get their default.
    pub async fn restore(&mut self, rows: &Rows) -> Result<u64> {
        let mut added = 0;
        for (table, rows) in rows {
            for row in rows {
                added += self.restore_row(table, row).await?;
            }
        }
        for asset in rows.get("asset").into_iter().flatten().filter_map(|row| row.get("id")?.as_str()) {
            self.number_events(asset).await?;
        }
        Ok(added)
    }

    async fn restore_row(&mut self, table: &str, row: &Map<String, Json>) -> Result<u64> {
        let mut sql = Sql::new("INSERT INTO ").name(table)?;
        let columns = || row.iter().filter(|(column, _)| *column != NUMBERING);
        for (at, (column, _)) in columns().enumerate() {
            sql = sql.text(if at == 0 { " (" } else { ", " }).name(column)?;
        }
        sql = sql.text(") VALUES ");
        for (at, (column, value)) in columns().enumerate() {
            sql = sql.with(if at == 0 { "(" } else { ", " }, bound(column, value)?);
        }
        sql.text(") ON CONFLICT DO NOTHING").run(self).await
    }
}

fn bound(column: &str, value: &Json) -> Result<Value> {
    match value {
        // Which type a NULL has does not matter to SQLite; PostgreSQL takes it from the column when it is text.
        Json::Null => Ok(Value::Null),
        Json::String(text) => Ok(text.as_str().into()),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) if !number.is_f64() => Ok(whole.into()),
            (_, Some(real)) => Ok(real.into()),
            _ => Err(corrupt(column, number, "a number of 64 bits")),
        },
        other => Err(corrupt(column, other, "a value of a row")),
    }
}

in_own_tx! {
    settle(stale: &Stale) -> bool;
    mark_stale(subject: Subject) -> ();
    restore(rows: &Rows) -> u64;
}
