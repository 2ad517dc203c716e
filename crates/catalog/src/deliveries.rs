//! Every HTTP request made to a customer, so that each attempt can be seen.

use units::{EventId, JobId, WallTime};

use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Listed, Page, Result, Tx};

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
    /// What it told of a stream; `None` for events.
    pub stream: Option<StreamDelivery>,
}

/// What was told of a stream, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StreamDelivery {
    /// A word for it: `publish`, `file_created`.
    pub topic: String,
    /// The play domain.
    pub domain: String,
    /// The domain that it was pushed to; `None`: it is told of a recording.
    pub push_domain: Option<String>,
    /// The app.
    pub app: String,
    /// The stream.
    pub stream: String,
    /// The beginning of what was sent: the body, or the query.
    pub content: String,
    /// The beginning of the request's headers, a line each.
    pub headers: String,
    /// The beginning of what was answered.
    pub response: String,
}

/// Which requests that told of streams are wanted; absent fields fit all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StreamDeliveryFilter {
    /// The play domain, or the one that was pushed to.
    pub domain: String,
    /// Whether they told of pushes; else of recordings.
    pub pushes: bool,
    /// The app.
    pub app: Option<String>,
    /// The stream.
    pub stream: Option<String>,
    /// Whether they succeeded.
    pub success: Option<bool>,
    /// Sent at or after.
    pub from: Option<WallTime>,
    /// Sent at or before.
    pub to: Option<WallTime>,
}

fn delivery_of(row: &Row) -> Result<Delivery> {
    let http_status = row.opt_int("http_status")?;
    let stream = match row.opt_text("topic")? {
        Some(topic) => Some(StreamDelivery {
            topic,
            domain: row.text("domain")?,
            push_domain: row.opt_text("push_domain")?,
            app: row.text("app")?,
            stream: row.text("stream")?,
            content: row.text("content")?,
            headers: row.text("headers")?,
            response: row.text("response")?,
        }),
        None => None,
    };
    Ok(Delivery {
        job: row.parsed("job")?,
        event: row.opt_parsed("event")?,
        attempt: row.small("attempt")?,
        at: row.time("at")?,
        url: row.text("url")?,
        http_status: http_status.and_then(|status| u16::try_from(status).ok()),
        error: row.opt_text("error")?,
        elapsed_ms: row.count("elapsed_ms")?,
        stream,
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

    /// The requests that told of streams, last sent first.
    pub async fn stream_deliveries(&self, filter: &StreamDeliveryFilter, page: Page) -> Result<Listed<Delivery>> {
        let narrowed = |sql: Sql| {
            let sql = match filter.pushes {
                true => sql.with(" WHERE push_domain IS NOT NULL AND (domain = ", &filter.domain),
                false => sql.with(" WHERE push_domain IS NULL AND (domain = ", &filter.domain),
            };
            let sql = sql.with(" OR push_domain = ", &filter.domain).text(")");
            let sql = sql.with_some(" AND app = ", filter.app.as_deref());
            let sql = sql.with_some(" AND stream = ", filter.stream.as_deref());
            let sql = sql.with_some(" AND at >= ", filter.from).with_some(" AND at <= ", filter.to);
            match filter.success {
                Some(true) => sql.text(" AND error IS NULL"),
                Some(false) => sql.text(" AND error IS NOT NULL"),
                None => sql,
            }
        };
        let total = narrowed(Sql::new("SELECT COUNT(*) AS total FROM delivery")).total(self).await?;
        let rows = narrowed(Sql::new("SELECT * FROM delivery")).text(" ORDER BY at DESC, seq DESC");
        let rows = rows.with(" LIMIT ", page.limit()).with(" OFFSET ", page.offset()).rows(self).await?;
        Ok(Listed { rows: rows.iter().map(delivery_of).collect::<Result<_>>()?, total })
    }
}

impl Tx {
    /// Notes a request that was made.
    pub async fn note_delivery(&mut self, delivery: &Delivery) -> Result<()> {
        let of = delivery.stream.as_ref();
        Sql::new(
            "INSERT INTO delivery (job, event, attempt, at, url, http_status, error, elapsed_ms, topic, domain, push_domain,
               app, stream, content, headers, response)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .arg(delivery.job)
        .arg(delivery.event)
        .arg(delivery.attempt)
        .arg(delivery.at)
        .arg(&delivery.url)
        .arg(delivery.http_status.map(u32::from))
        .arg(delivery.error.as_deref())
        .arg(delivery.elapsed_ms)
        .arg(of.map(|of| of.topic.as_str()))
        .arg(of.map(|of| of.domain.as_str()))
        .arg(of.and_then(|of| of.push_domain.as_deref()))
        .arg(of.map(|of| of.app.as_str()))
        .arg(of.map(|of| of.stream.as_str()))
        .arg(of.map(|of| of.content.as_str()))
        .arg(of.map(|of| of.headers.as_str()))
        .arg(of.map(|of| of.response.as_str()))
        .run(self)
        .await?;
        Ok(())
    }
}

in_own_tx! {
    note_delivery(delivery: &Delivery) -> ();
}
