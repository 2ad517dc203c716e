//! What edges are to do with what they keep, which edges there are, and how far each of them is (decision 0037).
//!
//! Tasks are numbered after they were committed, by whoever looks for them: a transaction that takes long does not appear below a
//! number that was told already.

use std::collections::BTreeMap;
use std::time::Duration;

use units::WallTime;

use crate::queue::millis;
use crate::sql::{Row, Sql, in_own_tx, words};
use crate::{Catalog, Listed, Page, Result, Tx};

/// How long tasks are kept, and edges that are not heard of.
const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long an edge that is not heard of counts: until then a task waits for it.
const COUNTS: Duration = Duration::from_secs(86_400);
/// When a task has failed that not all edges have carried out. Those that do it later still complete it.
const LATE: Duration = Duration::from_secs(3_600);
/// The same for what has to be fetched.
const PRELOAD_LATE: Duration = Duration::from_secs(86_400);
/// Longest note, in characters.
const NOTE_MAX: usize = 500;

words! {
    /// What is to be done.
    pub enum CacheTaskKind {
        /// Forget a file.
        File = "file",
        /// Forget what is in a folder.
        Directory = "directory",
        /// Forget what a regular expression fits.
        Regex = "regex",
        /// Get a file before somebody asks for it.
        Preload = "preload",
    }

    /// How far a task is.
    pub enum CacheTaskState {
        /// Not all edges have done it.
        Refreshing = "refreshing",
        /// They have.
        Complete = "complete",
        /// One of them could not, or was not heard of in time.
        Failed = "failed",
    }
}

/// A task that a customer gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewCacheTask {
    /// By which it is asked about.
    pub id: String,
    /// What is to be done.
    pub kind: CacheTaskKind,
    /// The host that the customer named, lower case.
    pub domain: String,
    /// The path that edges know it by, with its escapes taken back.
    pub path: String,
    /// What the customer wrote.
    pub object_path: String,
}

/// A task as edges are told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberedTask {
    /// Its place in the order.
    pub seq: u64,
    /// What is to be done.
    pub kind: CacheTaskKind,
    /// With which path.
    pub path: String,
}

/// A task as customers are told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheTask {
    /// By which it is asked about.
    pub id: String,
    /// What is to be done.
    pub kind: CacheTaskKind,
    /// What the customer wrote.
    pub object_path: String,
    /// How far it is.
    pub state: CacheTaskState,
    /// The same in percent of the edges.
    pub percent: u32,
    /// Why it failed, or is not complete; may be empty.
    pub note: String,
    /// When it was given.
    pub created: WallTime,
}

/// Which tasks are wanted; absent fields fit all.
#[derive(Clone, Debug, Default)]
pub struct CacheTaskFilter {
    /// Those with one of these ids; of any when there are none.
    pub ids: Vec<String>,
    /// What the customer wrote.
    pub object_path: Option<String>,
    /// The host in it, lower case.
    pub domain: Option<String>,
    /// What is to be done.
    pub kind: Option<CacheTaskKind>,
    /// How far it is.
    pub state: Option<CacheTaskState>,
    /// Given at or after.
    pub from: Option<WallTime>,
    /// Given at or before.
    pub to: Option<WallTime>,
}

/// Where the order of tasks begins and ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheFeed {
    /// The last number.
    pub last: u64,
    /// The last number whose task is not kept any more; 0: all are.
    pub forgotten: u64,
}

/// How a preload ended at an edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PreloadReport {
    /// The task.
    pub seq: u64,
    /// Why it failed.
    pub error: Option<String>,
}

struct Edge {
    name: String,
    applied: u64,
    seen: WallTime,
}

struct Report {
    edge: String,
    error: Option<String>,
}

struct Open {
    seq: u64,
    kind: CacheTaskKind,
    created: WallTime,
}

fn task_of(row: &Row) -> Result<CacheTask> {
    Ok(CacheTask {
        id: row.text("id")?,
        kind: row.parsed("kind")?,
        object_path: row.text("object_path")?,
        state: row.parsed("state")?,
        percent: row.small("percent")?,
        note: row.text("note")?,
        created: row.time("created")?,
    })
}

fn before(now: WallTime, length: Duration) -> WallTime {
    WallTime::from_unix_ms(now.unix_ms.saturating_sub(millis(length)))
}

impl Catalog {
    /// Where the order of tasks begins and ends, after those that were made meanwhile were given their numbers.
    pub async fn cache_feed(&self, now: WallTime) -> Result<CacheFeed> {
        let new = Sql::new("SELECT COUNT(*) AS total FROM cache_task WHERE seq IS NULL").total(self).await?;
        if new > 0 {
            self.number_cache_tasks(now).await?;
        }
        let row = Sql::new("SELECT last, forgotten FROM cache_feed WHERE one = 1").row(self).await?;
        let feed = row.map(|row| Ok(CacheFeed { last: row.count("last")?, forgotten: row.count("forgotten")? }));
        feed.unwrap_or(Ok(CacheFeed { last: 0, forgotten: 0 }))
    }

    /// At most `limit` tasks behind `after`, in order.
    pub async fn cache_tasks_after(&self, after: u64, limit: u32) -> Result<Vec<NumberedTask>> {
        let rows = Sql::new("SELECT seq, kind, path FROM cache_task WHERE seq > $1 ORDER BY seq LIMIT $2");
        let rows = rows.arg(after).arg(limit).rows(self).await?;
        let task =
            |row: &Row| Ok(NumberedTask { seq: row.count("seq")?, kind: row.parsed("kind")?, path: row.text("path")? });
        rows.iter().map(task).collect()
    }

    /// Tasks that customers gave, the last first. How far they are was found out by
    /// [`settle_cache_tasks`](Self::settle_cache_tasks).
    pub async fn cache_tasks(&self, filter: &CacheTaskFilter, page: Page) -> Result<Listed<CacheTask>> {
        let narrowed = |sql: Sql| {
            let sql = match filter.ids.as_slice() {
                [] => sql,
                ids => sql.with_list(" AND id IN ", ids),
            };
            sql.with_some(" AND object_path = ", filter.object_path.as_deref())
                .with_some(" AND domain = ", filter.domain.as_deref())
                .with_some(" AND kind = ", filter.kind)
                .with_some(" AND state = ", filter.state)
                .with_some(" AND created >= ", filter.from)
                .with_some(" AND created <= ", filter.to)
        };
        let total = narrowed(Sql::new("SELECT COUNT(*) AS total FROM cache_task WHERE id IS NOT NULL"));
        let total = total.total(self).await?;
        let rows = narrowed(Sql::new("SELECT * FROM cache_task WHERE id IS NOT NULL"))
            .text(" ORDER BY number DESC")
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        Ok(Listed { rows: rows.iter().map(task_of).collect::<Result<_>>()?, total })
    }

    /// How many tasks of this kind customers gave at or after `from`.
    pub async fn cache_tasks_since(&self, kind: CacheTaskKind, from: WallTime) -> Result<u64> {
        count_since(kind, from).total(self).await
    }
}

fn count_since(kind: CacheTaskKind, from: WallTime) -> Sql {
    let sql = Sql::new("SELECT COUNT(*) AS total FROM cache_task WHERE id IS NOT NULL AND kind = $1 AND created >= $2");
    sql.arg(kind).arg(from)
}

impl Tx {
    /// Adds what a customer gives. `false`, and nothing is added, when with these there would be more than `quota` of a kind since
    /// `from`.
    pub async fn add_cache_tasks(
        &mut self,
        tasks: &[NewCacheTask],
        quota: impl Fn(CacheTaskKind) -> u64,
        from: WallTime,
        now: WallTime,
    ) -> Result<bool> {
        // Two who ask at once would both find room.
        Sql::new("UPDATE cache_feed SET last = last WHERE one = 1").run(self).await?;
        for (at, task) in tasks.iter().enumerate() {
            let kinds_before = tasks.iter().take(at).any(|other| other.kind == task.kind);
            let more = u64::try_from(tasks.iter().filter(|other| other.kind == task.kind).count()).unwrap_or(u64::MAX);
            let given = if kinds_before { 0 } else { count_since(task.kind, from).total(&mut *self).await? };
            if !kinds_before && given.saturating_add(more) > quota(task.kind) {
                return Ok(false);
            }
        }
        for task in tasks {
            Sql::new(
                "INSERT INTO cache_task (id, kind, domain, path, object_path, state, percent, note, created)
                 VALUES ($1, $2, $3, $4, $5, 'refreshing', 0, '', $6)",
            )
            .arg(&task.id)
            .arg(task.kind)
            .arg(&task.domain)
            .arg(&task.path)
            .arg(&task.object_path)
            .arg(now)
            .run(self)
            .await?;
        }
        Ok(true)
    }

    /// Gives numbers to the tasks that have none, in the order in which they were made as far as there is one, and removes what is too
    /// old to matter.
    pub async fn number_cache_tasks(&mut self, now: WallTime) -> Result<()> {
        // Whoever numbers as well waits here, and then finds none left.
        let last = Sql::new("UPDATE cache_feed SET last = last WHERE one = 1 RETURNING last").row(&mut *self).await?;
        let mut last = last.map_or(Ok(0), |row| row.count("last"))?;
        let new = Sql::new("SELECT number FROM cache_task WHERE seq IS NULL ORDER BY number").rows(&mut *self).await?;
        for row in &new {
            last = last.saturating_add(1);
            Sql::new("UPDATE cache_task SET seq = $2, created = COALESCE(created, $3) WHERE number = $1")
                .arg(row.int("number")?)
                .arg(last)
                .arg(now)
                .run(&mut *self)
                .await?;
        }
        Sql::new("UPDATE cache_feed SET last = $1 WHERE one = 1").arg(last).run(self).await?;
        let old = before(now, KEPT);
        Sql::new("DELETE FROM cache_edge WHERE seen < $1").arg(old).run(self).await?;
        let forgotten = Sql::new("SELECT COALESCE(MAX(seq), 0) AS seq FROM cache_task WHERE created < $1").arg(old);
        let forgotten = forgotten.row(&mut *self).await?.map_or(Ok(0), |row| row.count("seq"))?;
        if forgotten > 0 {
            Sql::new("DELETE FROM cache_task WHERE seq <= $1").arg(forgotten).run(self).await?;
            Sql::new("DELETE FROM cache_report WHERE seq <= $1").arg(forgotten).run(self).await?;
            let mark = Sql::new("UPDATE cache_feed SET forgotten = $1 WHERE one = 1 AND forgotten < $1");
            mark.arg(forgotten).run(self).await?;
        }
        Ok(())
    }

    /// Writes down that an edge was heard of: which tasks it has carried out, and how its preloads ended. Whether it was known.
    pub async fn cache_edge_heard(
        &mut self,
        edge: &str,
        applied: u64,
        reports: &[PreloadReport],
        now: WallTime,
    ) -> Result<bool> {
        let known = Sql::new("UPDATE cache_edge SET applied = $2, seen = $3 WHERE name = $1");
        let known = known.arg(edge).arg(applied).arg(now).run(self).await? > 0;
        if !known {
            Sql::new("INSERT INTO cache_edge (name, applied, seen) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .arg(edge)
                .arg(applied)
                .arg(now)
                .run(self)
                .await?;
        }
        for report in reports {
            Sql::new("INSERT INTO cache_report (seq, edge, error) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .arg(report.seq)
                .arg(edge)
                .arg(report.error.as_deref())
                .run(self)
                .await?;
        }
        Ok(known)
    }

    /// Finds out how far the tasks of customers are.
    pub async fn settle_cache_tasks(&mut self, now: WallTime) -> Result<()> {
        let open = Sql::new(
            "SELECT seq, kind, created, state, percent, note FROM cache_task
             WHERE id IS NOT NULL AND seq IS NOT NULL AND state <> 'complete' ORDER BY seq",
        );
        let open = open.rows(&mut *self).await?;
        if open.is_empty() {
            return Ok(());
        }
        let edges = Sql::new("SELECT name, applied, seen FROM cache_edge ORDER BY name").rows(&mut *self).await?;
        let edge =
            |row: &Row| Ok(Edge { name: row.text("name")?, applied: row.count("applied")?, seen: row.time("seen")? });
        let edges: Vec<Edge> = edges.iter().map(edge).collect::<Result<_>>()?;
        let mut reports: BTreeMap<u64, Vec<Report>> = BTreeMap::new();
        for row in Sql::new("SELECT seq, edge, error FROM cache_report ORDER BY edge").rows(&mut *self).await? {
            let report = Report { edge: row.text("edge")?, error: row.opt_text("error")? };
            reports.entry(row.count("seq")?).or_default().push(report);
        }
        for row in &open {
            let task = Open { seq: row.count("seq")?, kind: row.parsed("kind")?, created: row.time("created")? };
            let reports = reports.get(&task.seq).map(Vec::as_slice).unwrap_or_default();
            let judged = judged(&task, &edges, reports, now);
            let before: (CacheTaskState, u32, String) =
                (row.parsed("state")?, row.small("percent")?, row.text("note")?);
            if judged == before {
                continue;
            }
            let (state, percent, note) = judged;
            Sql::new("UPDATE cache_task SET state = $2, percent = $3, note = $4 WHERE seq = $1")
                .arg(task.seq)
                .arg(state)
                .arg(percent)
                .arg(note)
                .run(&mut *self)
                .await?;
        }
        Ok(())
    }
}

/// How far a task is.
fn judged(task: &Open, edges: &[Edge], reports: &[Report], now: WallTime) -> (CacheTaskState, u32, String) {
    let counting: Vec<&Edge> = edges.iter().filter(|edge| edge.seen >= before(task.created, COUNTS)).collect();
    let preload = task.kind == CacheTaskKind::Preload;
    let done = |edge: &Edge| match preload {
        true => reports.iter().any(|report| report.edge == edge.name),
        false => edge.applied >= task.seq,
    };
    let missing: Vec<&str> = counting.iter().filter(|edge| !done(edge)).map(|edge| edge.name.as_str()).collect();
    let failed: Vec<String> = reports
        .iter()
        .filter_map(|Report { edge, error }| error.as_ref().map(|error| format!("{edge}: {error}")))
        .collect();
    let late = now.since(task.created) > if preload { PRELOAD_LATE } else { LATE };
    let percent = match counting.len() {
        0 => 100,
        all => u32::try_from((all.saturating_sub(missing.len())).saturating_mul(100) / all).unwrap_or(100),
    };
    let (state, note) = match (missing.is_empty(), failed.is_empty()) {
        (true, true) => (CacheTaskState::Complete, String::new()),
        (true, false) => (CacheTaskState::Failed, failed.join("; ")),
        (false, _) if late => (CacheTaskState::Failed, format!("not heard of in time: {}", missing.join(", "))),
        (false, _) => (CacheTaskState::Refreshing, String::new()),
    };
    (state, percent, note.chars().take(NOTE_MAX).collect())
}

in_own_tx! {
    number_cache_tasks(now: WallTime) -> ();
    cache_edge_heard(edge: &str, applied: u64, reports: &[PreloadReport], now: WallTime) -> bool;
    settle_cache_tasks(now: WallTime) -> ();
}
