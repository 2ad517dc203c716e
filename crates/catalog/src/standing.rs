//! How the installation stands: numbers for whoever looks after it.

use crate::pushes::{Push, push_of};
use crate::queue::kind;
use crate::recordings::{Recording, recording_of};
use crate::sql::Sql;
use crate::{Catalog, Result};

/// Bytes in an hour of one kilobit in a second.
const BYTES_PER_HOUR_OF_KBPS: u64 = 450_000;

/// How the installation stands now.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// Live pushes by node; nodes without any are not named.
    pub live: Vec<(String, u64)>,
    /// What the pushes that are recorded come to in an hour, by their rates of the last seconds.
    pub recorded_bytes_per_hour: u64,
    /// Jobs that wait for their time or their turn.
    pub jobs_ready: u64,
    /// Jobs that failed for good within the last week, but those that tell events.
    pub jobs_dead: u64,
    /// Events that are still to be told.
    pub events_waiting: u64,
    /// Events that no receiver took within the last week.
    pub events_dead: u64,
}

impl Catalog {
    /// How the installation stands.
    pub async fn standing(&self) -> Result<Standing> {
        let live = Sql::new("SELECT node, COUNT(*) AS total FROM push WHERE ended IS NULL GROUP BY node ORDER BY node");
        let live = live.rows(self).await?;
        let rate = Sql::new(
            "SELECT CAST(COALESCE(SUM(video_kbps + audio_kbps), 0) AS BIGINT) AS total FROM push
             WHERE ended IS NULL AND (domain, app, stream) IN
               (SELECT domain, app, stream FROM recording WHERE state <> 'ended' AND state = 'live')",
        );
        let of_kind = |text: &'static str| Sql::new(text).arg(kind::CALLBACK);
        let ready = Sql::new("SELECT COUNT(*) AS total FROM job WHERE state = 'ready'").total(self).await?;
        let dead = of_kind("SELECT COUNT(*) AS total FROM job WHERE state = 'dead' AND kind <> $1");
        let events_dead = of_kind("SELECT COUNT(*) AS total FROM job WHERE state = 'dead' AND kind = $1");
        let waiting = of_kind("SELECT COUNT(*) AS total FROM job WHERE state IN ('ready', 'running') AND kind = $1");
        Ok(Standing {
            live: live.iter().map(|row| Ok((row.text("node")?, row.count("total")?))).collect::<Result<_>>()?,
            recorded_bytes_per_hour: rate.total(self).await?.saturating_mul(BYTES_PER_HOUR_OF_KBPS),
            jobs_ready: ready,
            jobs_dead: dead.total(self).await?,
            events_waiting: waiting.total(self).await?,
            events_dead: events_dead.total(self).await?,
        })
    }

    /// Recordings whose publisher is lost and may come back, the next to be given up first.
    pub async fn interrupted_recordings(&self, limit: u32) -> Result<Vec<Recording>> {
        let sql = Sql::new("SELECT * FROM recording WHERE state <> 'ended' AND state = 'interrupted' AND stopped = 0");
        let rows = sql.text(" ORDER BY give_up_at, id").with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(recording_of).collect()
    }

    /// Live pushes of which frames were dropped, those with the most first.
    pub async fn dropping_pushes(&self, limit: u32) -> Result<Vec<Push>> {
        let sql = Sql::new("SELECT * FROM push WHERE ended IS NULL AND dropped_frames > 0");
        let rows = sql.text(" ORDER BY dropped_frames DESC, id").with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(push_of).collect()
    }
}
