//! Who was kept from publishing, and who was let again.

use units::{StreamPath, WallTime};

use crate::blocks::path_of;
use crate::sql::{Row, Sql, words};
use crate::{Catalog, Result, Tx};

words! {
    /// What was done to a stream. The words are those of the wire.
    pub enum ControlAction {
        /// It was cut off, and may be blocked.
        Forbid = "forbid",
        /// It may be published again.
        Resume = "resume",
    }
}

/// One thing that was done to a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamControl {
    /// To which.
    pub path: StreamPath,
    /// What.
    pub action: ControlAction,
    /// When.
    pub at: WallTime,
}

impl Catalog {
    /// What was done to the streams of a domain, or of one app, from then to then, both included; the oldest first, at most `limit`.
    pub async fn stream_controls(
        &self,
        domain: &str,
        app: Option<&str>,
        (from, to): (WallTime, WallTime),
        limit: u32,
    ) -> Result<Vec<StreamControl>> {
        let sql = Sql::new("SELECT * FROM stream_control WHERE domain = $1").arg(domain).with_some(" AND app = ", app);
        let sql =
            sql.with(" AND at >= ", from).with(" AND at <= ", to).text(" ORDER BY at, seq").with(" LIMIT ", limit);
        let one =
            |row: &Row| Ok(StreamControl { path: path_of(row)?, action: row.parsed("action")?, at: row.time("at")? });
        sql.rows(self).await?.iter().map(one).collect()
    }
}

impl Tx {
    /// Notes what is done to a stream.
    pub async fn note_control(&mut self, path: &StreamPath, action: ControlAction, now: WallTime) -> Result<()> {
        Sql::new("INSERT INTO stream_control (domain, app, stream, action, at) VALUES ($1, $2, $3, $4, $5)")
            .arg(path.domain())
            .arg(path.app())
            .arg(path.stream())
            .arg(action)
            .arg(now)
            .run(self)
            .await?;
        Ok(())
    }
}
