//! How long the videos of a rule are kept, and how much of them.

use domain::rule::{RecordRule, RuleKey};
use units::{AssetId, StreamPath, WallTime};

use crate::blocks::path_of;
use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Result, Tx};

/// What is kept of the videos that a rule recorded; absent: all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Retention {
    /// Days after its last media that a video is kept.
    pub days: Option<u32>,
    /// Bytes that all videos together may take; the oldest go first.
    pub quota_bytes: Option<u64>,
}

/// A recorded video as retention sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kept {
    /// Its id.
    pub id: AssetId,
    /// The stream.
    pub path: StreamPath,
    /// Wall time of its last media.
    pub ended: WallTime,
    /// Bytes of its media.
    pub size_bytes: u64,
}

fn retention_of(row: &Row) -> Result<Retention> {
    Ok(Retention {
        days: row.opt_int("days")?.map(|_| row.small("days")).transpose()?,
        quota_bytes: row.opt_int("quota_bytes")?.map(|_| row.count("quota_bytes")).transpose()?,
    })
}

impl Catalog {
    /// What is kept of the videos of a rule.
    pub async fn retention(&self, key: &RuleKey) -> Result<Retention> {
        let sql = Sql::new("SELECT * FROM retention WHERE domain = $1 AND app = $2 AND stream = $3");
        let row = sql.arg(&key.domain).arg(&key.app).arg(&key.stream).row(self).await?;
        row.as_ref().map(retention_of).transpose().map(Option::unwrap_or_default)
    }

    /// All rules of the domains that have one with a retention, each with its own.
    pub async fn rules_with_retention(&self) -> Result<Vec<(RecordRule, Retention)>> {
        let rows = Sql::new(
            "SELECT rule, days, quota_bytes FROM record_rule r LEFT JOIN retention t
               ON t.domain = r.domain AND t.app = r.app AND t.stream = r.stream
             WHERE r.domain IN (SELECT domain FROM retention) ORDER BY r.domain, r.app, r.stream",
        );
        rows.rows(self).await?.iter().map(|row| Ok((row.json("rule")?, retention_of(row)?))).collect()
    }

    /// The recorded videos of a streaming domain that are not deleted, those whose media ended first before the others. Where
    /// the cycles of a recording are joined, the joined video has their bytes: as long as it is there, their own deletion
    /// frees nothing. Nor does that of those whose source was deleted. Those with a time of their own are not among them.
    pub async fn kept_of_domain(&self, domain: &str) -> Result<Vec<Kept>> {
        let rows = Sql::new(
            "SELECT id, domain, app, stream, ended,
               CASE WHEN source_deleted IS NOT NULL OR cycle IS NOT NULL AND EXISTS (SELECT 1 FROM asset w
                 WHERE w.recording = a.recording AND w.cycle IS NULL AND w.recording IS NOT NULL AND w.deleted IS NULL)
               THEN 0 ELSE size_bytes END AS size_bytes FROM asset a
             WHERE domain = $1 AND deleted IS NULL AND recording IS NOT NULL AND keep_until IS NULL ORDER BY ended, cycle IS NULL, id",
        );
        let one = |row: &Row| {
            Ok(Kept {
                id: row.parsed("id")?,
                path: path_of(row)?,
                ended: row.time("ended")?,
                size_bytes: row.count("size_bytes")?,
            })
        };
        rows.arg(domain).rows(self).await?.iter().map(one).collect()
    }
}

impl Catalog {
    /// Assets whose own time is over.
    pub async fn outlived_assets(&self, now: WallTime) -> Result<Vec<AssetId>> {
        let sql = Sql::new("SELECT id FROM asset WHERE keep_until <= $1 AND deleted IS NULL ORDER BY keep_until, id");
        sql.arg(now).rows(self).await?.iter().map(|row| row.parsed("id")).collect()
    }
}

impl Tx {
    /// Says until when an asset is kept, whatever its rule says; `None`: as its rule says. Whether it is there.
    pub async fn keep_asset(&mut self, id: AssetId, until: Option<WallTime>) -> Result<bool> {
        let sql = Sql::new("UPDATE asset SET keep_until = $2 WHERE id = $1 AND deleted IS NULL").arg(id).arg(until);
        Ok(sql.run(self).await? > 0)
    }

    /// Sets what is kept of the videos of a rule; of a rule that is deleted nothing is left to be set.
    pub async fn set_retention(&mut self, key: &RuleKey, retention: Retention) -> Result<()> {
        let sql = Sql::new("DELETE FROM retention WHERE domain = $1 AND app = $2 AND stream = $3");
        sql.arg(&key.domain).arg(&key.app).arg(&key.stream).run(self).await?;
        if retention == Retention::default() {
            return Ok(());
        }
        Sql::new("INSERT INTO retention (domain, app, stream, days, quota_bytes) VALUES ($1, $2, $3, $4, $5)")
            .arg(&key.domain)
            .arg(&key.app)
            .arg(&key.stream)
            .arg(retention.days)
            .arg(retention.quota_bytes)
            .run(self)
            .await?;
        Ok(())
    }
}

in_own_tx! {
    keep_asset(id: AssetId, until: Option<WallTime>) -> bool;
    set_retention(key: &RuleKey, retention: Retention) -> ();
}
