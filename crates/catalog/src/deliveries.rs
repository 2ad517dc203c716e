//! Every HTTP request made to a customer, so that each attempt can be seen.

use units::{EventId, JobId, WallTime};

use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Result, Tx};

/// A request that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The job that made it.
    pub job: JobId,
    /// The event it told of; `None` for live callbacks.
    pub event: Option<EventId>,
    /// Which attempt of the job, from 1.
    pub attempt: u32,
    /// When it was sent.
    pub at: WallTime,
    /// Where to.
    pub url: String,
    /// What was answered; `None`: nothing was.
    pub http_status: Option<u16>,
    /// Why it counts as failed; `None`: it does not.
    pub error: Option<String>,
    /// Milliseconds until the answer or the failure.
    pub elapsed_ms: u64,
}

fn delivery_of(row: &Row) -> Result<Delivery> {
    let http_status = row.opt_int("http_status")?;
    Ok(Delivery {
        job: row.parsed("job")?,
        event: row.opt_parsed("event")?,
        attempt: row.small("attempt")?,
        at: row.time("at")?,
        url: row.text("url")?,
        http_status: http_status.and_then(|status| u16::try_from(status).ok()),
        error: row.opt_text("error")?,
        elapsed_ms: row.count("elapsed_ms")?,
    })
}

impl Catalog {
    /// The requests of a job, oldest first.
    pub async fn deliveries_of_job(&self, job: JobId) -> Result<Vec<Delivery>> {
        let rows = Sql::new("SELECT * FROM delivery WHERE job = $1 ORDER BY seq").arg(job).rows(self).await?;
        rows.iter().map(delivery_of).collect()
    }

    /// The requests that told of an event, oldest first.
    pub async fn deliveries_of_event(&self, event: EventId) -> Result<Vec<Delivery>> {
        let rows = Sql::new("SELECT * FROM delivery WHERE event = $1 ORDER BY seq").arg(event).rows(self).await?;
        rows.iter().map(delivery_of).collect()
    }
}

impl Tx {
    /// Notes a request that was made.
    pub async fn note_delivery(&mut self, delivery: &Delivery) -> Result<()> {
        Sql::new(
            "INSERT INTO delivery (job, event, attempt, at, url, http_status, error, elapsed_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .arg(delivery.job)
        .arg(delivery.event)
        .arg(delivery.attempt)
        .arg(delivery.at)
        .arg(&delivery.url)
        .arg(delivery.http_status.map(u32::from))
        .arg(delivery.error.as_deref())
        .arg(delivery.elapsed_ms)
        .run(self)
        .await?;
        Ok(())
    }
}

in_own_tx! {
    note_delivery(delivery: &Delivery) -> ();
}
