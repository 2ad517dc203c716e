//! The outbox and the ledger: what customers are owed, written in the transaction that changed things, and what became of it.
//!
//! The events of an asset are numbered from 1, without a hole, in the order in which they happened; they are delivered in it.
//! An event is rendered once: its text is kept when it is first sent, and every repeat is the same.

use domain::event::{AssetEvent, Event};
use units::{AssetId, EventId, JobId, WallTime};

use crate::queue::{JobState, NewJob};
use crate::sql::{Row, Sql, in_own_tx, to_json, words};
use crate::{Catalog, Order, Result, Tx};

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
    /// Which of the events of its asset, from 1.
    pub number: u64,
    /// What happened, to what, when.
    pub event: AssetEvent,
    /// What the customer wants with it, as it was written; may be empty.
    pub user_data: String,
    /// Its body, once it was sent.
    pub sent: Option<String>,
    /// The job that delivers it.
    pub job: JobId,
    /// What became of that.
    pub outcome: EventOutcome,
}

/// A place in a list of events: behind the event of these.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventCursor {
    /// When it happened.
    pub at: WallTime,
    /// Its id.
    pub id: EventId,
    /// Its number.
    pub number: u64,
}

/// Which events are wanted; absent fields fit all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventFilter {
    /// Of which asset.
    pub asset: Option<AssetId>,
    /// The words of what happened; empty: any.
    pub kinds: Vec<&'static str>,
    /// What became of them.
    pub outcome: Option<EventOutcome>,
    /// Happened at or after.
    pub from: Option<WallTime>,
    /// Happened at or before.
    pub to: Option<WallTime>,
}

/// Which events are to be told once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replay {
    /// This one.
    pub event: Option<EventId>,
    /// Those of this asset.
    pub asset: Option<AssetId>,
    /// Those that happened at or after.
    pub from: Option<WallTime>,
    /// Only those that were not delivered.
    pub only_undelivered: bool,
    /// Behind this place of the ledger: where an earlier call ended.
    pub after: i64,
}

/// What became of the wish to have events told once more.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Replayed {
    /// So many will be.
    pub replayed: u32,
    /// So many are being told at this moment, and are left to it.
    pub in_flight: u32,
    /// Where to go on, when there are more.
    pub more: Option<i64>,
}

/// An event whose job died, also without its handler's doing, is dropped.
const EVENTS: &str =
    "SELECT * FROM (SELECT e.seq, e.id, e.asset, e.number, e.at, e.kind, e.body, e.user_data, e.sent, e.job,
    CASE WHEN e.outcome = 'pending' AND j.state IN ('dead', 'cancelled') THEN 'dropped' ELSE e.outcome END AS outcome
  FROM event e LEFT JOIN job j ON j.id = e.job) told";

fn event_of(row: &Row) -> Result<StoredEvent> {
    Ok(StoredEvent {
        id: row.parsed("id")?,
        number: row.count("number")?,
        event: AssetEvent { asset: row.parsed("asset")?, at: row.time("at")?, event: row.json("body")? },
        user_data: row.text("user_data")?,
        sent: row.opt_text("sent")?,
        job: row.parsed("job")?,
        outcome: row.parsed("outcome")?,
    })
}

impl StoredEvent {
    /// The place behind it in a list.
    pub fn cursor(&self) -> EventCursor {
        EventCursor { at: self.event.at, id: self.id, number: self.number }
    }
}

impl Catalog {
    /// The event of this id.
    pub async fn event(&self, id: EventId) -> Result<Option<StoredEvent>> {
        let row = Sql::new(EVENTS).with(" WHERE id = ", id).row(self).await?;
        row.as_ref().map(event_of).transpose()
    }

    /// The events of an asset in the order in which they happened.
    pub async fn events_of_asset(&self, asset: AssetId) -> Result<Vec<StoredEvent>> {
        let rows = Sql::new(EVENTS).with(" WHERE asset = ", asset).text(" ORDER BY number").rows(self).await?;
        rows.iter().map(event_of).collect()
    }

    /// Events by time, or, of one asset, by number.
    pub async fn events(
        &self,
        filter: &EventFilter,
        order: Order,
        after: Option<EventCursor>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>> {
        let mut sql = Sql::new(EVENTS).text(" WHERE 1 = 1").with_some(" AND asset = ", filter.asset);
        if !filter.kinds.is_empty() {
            sql = sql.with_list(" AND kind IN ", filter.kinds.iter().copied());
        }
        sql = sql.with_some(" AND outcome = ", filter.outcome);
        sql = sql.with_some(" AND at >= ", filter.from).with_some(" AND at <= ", filter.to);
        let rises = order == Order::Ascending;
        sql = match (after, filter.asset) {
            (None, _) => sql,
            (Some(after), Some(_)) => sql.with(if rises { " AND number > " } else { " AND number < " }, after.number),
            (Some(after), None) => sql
                .with(if rises { " AND (at, id) > (" } else { " AND (at, id) < (" }, after.at)
                .with(", ", after.id)
                .text(")"),
        };
        let sorted = match (filter.asset, rises) {
            (Some(_), true) => " ORDER BY number",
            (Some(_), false) => " ORDER BY number DESC",
            (None, true) => " ORDER BY at, id",
            (None, false) => " ORDER BY at DESC, id DESC",
        };
        let rows = sql.text(sorted).with(" LIMIT ", limit).rows(self).await?;
        rows.iter().map(event_of).collect()
    }
}

impl Tx {
    /// Puts an event in the outbox together with the job that delivers it. Whether somebody wants it is asked when its
    /// turn comes. The events of one asset are delivered one after the other, in this order.
    pub async fn push_event(&mut self, event: &AssetEvent) -> Result<EventId> {
        self.push_event_for(event, "").await
    }

    /// The same for an event of a job whose customer wrote this `UserData`.
    pub async fn push_event_for(&mut self, event: &AssetEvent, user_data: &str) -> Result<EventId> {
        // Held until the transaction ends, so that numbers and jobs follow each other as the changes do.
        let number = Sql::new(
            "INSERT INTO event_count (asset, last)
             VALUES ($1, (SELECT COALESCE(MAX(number), 0) + 1 FROM event WHERE asset = $1))
             ON CONFLICT (asset) DO UPDATE SET last = event_count.last + 1 RETURNING last",
        );
        let number = number.arg(event.asset).row(&mut *self).await?.map(|row| row.int("last")).transpose()?;
        let id = self.ids().event(event.at);
        let job = self.enqueue(NewJob::callback(id, event.asset), event.at).await?;
        Sql::new(
            "INSERT INTO event (id, asset, number, at, kind, body, user_data, job, outcome)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .arg(id)
        .arg(event.asset)
        .arg(number)
        .arg(event.at)
        .arg(event.event.kind().as_str())
        .arg(to_json(&event.event)?)
        .arg(user_data)
        .arg(job)
        .arg(EventOutcome::Pending)
        .run(self)
        .await?;
        Ok(id)
    }

    /// Like [`push_event`](Self::push_event), from its parts.
    pub(crate) async fn tell(&mut self, asset: AssetId, at: WallTime, event: Event) -> Result<EventId> {
        self.tell_for("", asset, at, event).await
    }

    /// Like [`push_event_for`](Self::push_event_for), from its parts.
    pub(crate) async fn tell_for(
        &mut self,
        user_data: &str,
        asset: AssetId,
        at: WallTime,
        event: Event,
    ) -> Result<EventId> {
        self.push_event_for(&AssetEvent { asset, at, event }, user_data).await
    }

    /// Keeps the body of an event for all its deliveries. Gives the one that is kept: the first.
    pub async fn keep_sent(&mut self, id: EventId, body: &str) -> Result<String> {
        let sql = Sql::new("UPDATE event SET sent = COALESCE(sent, $2) WHERE id = $1 RETURNING sent").arg(id).arg(body);
        sql.row(self).await?.map_or_else(|| Ok(body.to_owned()), |row| row.text("sent"))
    }

    /// Notes that an event was delivered, or unwanted. That it was dropped follows from its job.
    pub async fn set_event_outcome(&mut self, id: EventId, outcome: EventOutcome) -> Result<()> {
        Sql::new("UPDATE event SET outcome = $2 WHERE id = $1").arg(id).arg(outcome).run(self).await?;
        Ok(())
    }

    /// Has events told once more, at most `limit` of them, in the order of the ledger and so in that of each asset. One that
    /// waits for its next attempt is offered at once; asking twice tells nothing twice that was not told in between.
    pub async fn replay_events(&mut self, which: &Replay, limit: u32, now: WallTime) -> Result<Replayed> {
        let sql = Sql::new("SELECT seq, id FROM event WHERE seq > $1").arg(which.after);
        let sql = sql.with_some(" AND id = ", which.event).with_some(" AND asset = ", which.asset);
        let sql = sql.with_some(" AND at >= ", which.from);
        let sql = if which.only_undelivered { sql.text(" AND outcome <> 'delivered'") } else { sql };
        let rows = sql.text(" ORDER BY seq").with(" LIMIT ", limit.saturating_add(1)).rows(&mut *self).await?;
        let mut replayed = Replayed::default();
        let page = usize::try_from(limit).unwrap_or(usize::MAX);
        for row in rows.iter().take(page) {
            match self.replay_event(row.parsed("id")?, now).await? {
                true => replayed.replayed += 1,
                false => replayed.in_flight += 1,
            }
        }
        if rows.len() > page {
            replayed.more = rows.get(page.saturating_sub(1)).map(|row| row.int("seq")).transpose()?;
        }
        Ok(replayed)
    }

    /// Whether it is told once more: `false` when it is being told now.
    async fn replay_event(&mut self, id: EventId, now: WallTime) -> Result<bool> {
        // Held, so that of two who ask the second finds the job of the first.
        let held = Sql::new("UPDATE event SET job = job WHERE id = $1 RETURNING job, asset").arg(id);
        let Some(event) = held.row(&mut *self).await? else { return Ok(false) };
        let waiting =
            Sql::new("UPDATE job SET state = 'cancelled', finished = {now} WHERE id = $1 AND state = 'ready'");
        if waiting.arg(event.text("job")?).run(&mut *self).await? == 0 {
            let job = Sql::new("SELECT state FROM job WHERE id = $1").arg(event.text("job")?).row(&mut *self).await?;
            if job.map(|row| row.parsed::<JobState>("state")).transpose()? == Some(JobState::Running) {
                return Ok(false);
            }
        }
        let job = self.enqueue(NewJob::callback(id, event.parsed("asset")?), now).await?;
        let sql = Sql::new("UPDATE event SET job = $2, outcome = $3 WHERE id = $1").arg(id).arg(job);
        sql.arg(EventOutcome::Pending).run(&mut *self).await?;
        Ok(true)
    }

    /// Goes on with the numbers of an asset whose events were restored, and numbers those that were described by a version that
    /// did not.
    pub(crate) async fn number_events(&mut self, asset: &str) -> Result<()> {
        let rows = Sql::new("SELECT id, body FROM event WHERE asset = $1 AND kind = ''").arg(asset);
        for row in rows.rows(&mut *self).await? {
            let kind = row.json::<Event>("body")?.kind().as_str();
            Sql::new("UPDATE event SET kind = $2 WHERE id = $1").arg(row.text("id")?).arg(kind).run(&mut *self).await?;
        }
        Sql::new(
            "UPDATE event SET number = (SELECT COUNT(*) FROM event e WHERE e.asset = event.asset AND e.seq <= event.seq)
             WHERE asset = $1 AND number IS NULL",
        )
        .arg(asset)
        .run(&mut *self)
        .await?;
        Sql::new(
            "INSERT INTO event_count (asset, last) SELECT asset, MAX(number) FROM event WHERE asset = $1 GROUP BY asset
             ON CONFLICT (asset) DO UPDATE SET last =
               CASE WHEN excluded.last > event_count.last THEN excluded.last ELSE event_count.last END",
        )
        .arg(asset)
        .run(&mut *self)
        .await?;
        Ok(())
    }
}

in_own_tx! {
    push_event(event: &AssetEvent) -> EventId;
    push_event_for(event: &AssetEvent, user_data: &str) -> EventId;
    keep_sent(id: EventId, body: &str) -> String;
    set_event_outcome(id: EventId, outcome: EventOutcome) -> ();
    replay_events(which: &Replay, limit: u32, now: WallTime) -> Replayed;
}
