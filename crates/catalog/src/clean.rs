//! Rows that have had their time, and garbage whose time has come.

use std::time::Duration;

use units::{ReelId, WallTime};

use crate::queue::{NewJob, millis};
use crate::sql::{Sql, in_own_tx};
use crate::{Result, Tx};

/// How long history is kept that nothing needs any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CleanAfter {
    /// Jobs, after they are done or given up.
    pub jobs: Duration,
    /// Requests made to customers.
    pub deliveries: Duration,
    /// Pushes that fed no recording, after their end, and who was kept from publishing.
    pub pushes: Duration,
    /// Events of deleted assets, after the deletion.
    pub events: Duration,
    /// Who wrote what, after it was written.
    pub audit: Duration,
    /// What was played and sent.
    pub usage: Duration,
}

impl Default for CleanAfter {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            jobs: days(7),
            deliveries: days(30),
            pushes: days(90),
            events: days(30),
            audit: days(180),
            usage: days(400),
        }
    }
}

impl Tx {
    /// Removes what has had its time; how many rows. What became of an event is kept when the job that tells it goes.
    pub async fn clean(&mut self, after: CleanAfter) -> Result<u64> {
        Sql::new(
            "UPDATE event SET outcome = 'dropped' WHERE outcome = 'pending' AND job IN
               (SELECT id FROM job WHERE finished < {now} - $1 AND state IN ('dead', 'cancelled'))",
        )
        .arg(millis(after.jobs))
        .run(self)
        .await?;
        let all = [
            Sql::new("DELETE FROM job WHERE finished < {now} - $1").arg(millis(after.jobs)),
            Sql::new("DELETE FROM delivery WHERE at < {now} - $1").arg(millis(after.deliveries)),
            Sql::new(
                "DELETE FROM push WHERE ended < {now} - $1
                   AND NOT EXISTS (SELECT 1 FROM recording_push WHERE recording_push.push = push.id)",
            )
            .arg(millis(after.pushes)),
            Sql::new(
                "DELETE FROM event WHERE outcome <> 'pending'
                   AND asset IN (SELECT id FROM asset WHERE deleted < {now} - $1
                     UNION ALL SELECT id FROM library_file WHERE deleted < {now} - $1)",
            )
            .arg(millis(after.events)),
            Sql::new("DELETE FROM audit_event WHERE at < {now} - $1").arg(millis(after.audit)),
            Sql::new(
                "DELETE FROM library_file WHERE deleted < {now} - $1
                   AND NOT EXISTS (SELECT 1 FROM event WHERE event.asset = library_file.id)",
            )
            .arg(millis(after.events)),
            Sql::new("DELETE FROM played WHERE hour < {now} - $1").arg(millis(after.usage)),
            Sql::new("DELETE FROM stream_control WHERE at < {now} - $1").arg(millis(after.pushes)),
            Sql::new("DELETE FROM nonce WHERE expires < {now}"),
        ];
        let mut removed = 0;
        for sql in all {
            removed += sql.run(self).await?;
        }
        Ok(removed)
    }

    /// Sees to it that garbage whose time has come is freed, and renditions that nobody wants, whatever became of the job that
    /// was to do it; how many reels.
    pub async fn free_what_is_due(&mut self, now: WallTime) -> Result<u64> {
        let rows = Sql::new(
            "SELECT DISTINCT reel FROM garbage WHERE freed IS NULL AND free_at <= {now}
             UNION SELECT reel FROM rendition WHERE unwanted IS NOT NULL AND state <> 'encoding'",
        );
        let reels =
            rows.rows(&mut *self).await?.iter().map(|row| row.parsed("reel")).collect::<Result<Vec<ReelId>>>()?;
        let mut count = 0;
        for reel in reels {
            self.enqueue(NewJob::free_reel(reel, None, Duration::ZERO), now).await?;
            count += 1;
        }
        self.free_due_pictures(now).await?;
        Ok(count)
    }
}

in_own_tx! {
    clean(after: CleanAfter) -> u64;
    free_what_is_due(now: WallTime) -> u64;
}
