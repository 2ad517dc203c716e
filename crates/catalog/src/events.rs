//! The outbox: what customers are owed, written in the transaction that changed things.

use domain::event::{AssetEvent, Event};
use units::{AssetId, EventId, JobId, WallTime};

use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx, to_json, words};
use crate::{Catalog, Result, Tx};

words! {
    /// What became of the delivery of an event.
    pub enum EventOutcome {
        /// Not known yet.
        Pending = "pending",
        /// The customer answered 200.
        Delivered = "delivered",
        /// Nobody asked for it when its turn came.
        Unwanted = "unwanted",
        /// All attempts failed.
        Dropped = "dropped",
    }
}

/// One row of the outbox.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredEvent {
    /// The same over all deliveries.
    pub id: EventId,
    /// What happened, to what, when.
    pub event: AssetEvent,
    /// The job that delivers it.
    pub job: JobId,
    /// What became of that.
    pub outcome: EventOutcome,
}

/// An event whose job died, also without its handler's doing, is dropped.
const EVENTS: &str = "SELECT e.id, e.asset, e.at, e.body, e.job,
    CASE WHEN e.outcome = 'pending' AND j.state IN ('dead', 'cancelled') THEN 'dropped' ELSE e.outcome END AS outcome
  FROM event e LEFT JOIN job j ON j.id = e.job";

fn event_of(row: &Row) -> Result<StoredEvent> {
    Ok(StoredEvent {
        id: row.parsed("id")?,
        event: AssetEvent { asset: row.parsed("asset")?, at: row.time("at")?, event: row.json("body")? },
        job: row.parsed("job")?,
        outcome: row.parsed("outcome")?,
    })
}

impl Catalog {
    /// The event of this id.
    pub async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        let row = Sql::new(EVENTS).with(" WHERE e.id = ", id).row(self).await?;
        row.as_ref().map(event_of).transpose()
    }

    /// The events of an asset in the order in which they happened.
    pub async fn events_of_asset(&self, asset: AssetId) -> Result<Vec<StoredEvent>> {
        let rows = Sql::new(EVENTS).with(" WHERE e.asset = ", asset).text(" ORDER BY e.seq").rows(self).await?;
        rows.iter().map(event_of).collect()
    }
}

impl Tx {
    /// Puts an event in the outbox together with the job that delivers it. Whether somebody wants it is asked when its
    /// turn comes. The events of one asset are delivered one after the other, in this order.
    pub async fn push_event(&mut self, event: &AssetEvent) -> Result<EventId> {
        let id = self.ids().event(event.at);
        let job = self.enqueue(NewJob::callback(id, event.asset), event.at).await?;
        Sql::new("INSERT INTO event (id, asset, at, body, job, outcome) VALUES ($1, $2, $3, $4, $5, $6)")
            .arg(id)
            .arg(event.asset)
            .arg(event.at)
            .arg(to_json(&event.event)?)
            .arg(job)
            .arg(EventOutcome::Pending)
            .run(self)
            .await?;
        Ok(id)
    }

    /// Like [`push_event`](Self::push_event), from its parts.
    pub(crate) async fn tell(&mut self, asset: AssetId, at: WallTime, event: Event) -> Result<EventId> {
        self.push_event(&AssetEvent { asset, at, event }).await
    }

    /// Notes that an event was delivered, or unwanted. That it was dropped follows from its job.
    pub async fn set_event_outcome(&mut self, id: EventId, outcome: EventOutcome) -> Result<()> {
        Sql::new("UPDATE event SET outcome = $2 WHERE id = $1").arg(id).arg(outcome).run(self).await?;
        Ok(())
    }
}

in_own_tx! {
    push_event(event: &AssetEvent) -> EventId;
    set_event_outcome(id: EventId, outcome: EventOutcome) -> ();
}
