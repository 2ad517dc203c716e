//! Who is told of recordings, and who is asked whether to record.

use std::fmt;

use serde_json::json;
use units::{AssetId, PushId, RecordingId, StreamPath, WallTime};

use crate::described::Subject;
use crate::queue::NewJob;
use crate::sql::{Row, Sql, in_own_tx, words};
use crate::vault::Place;
use crate::{Catalog, CatalogError, Result, Tx};

/// Questions are forgotten after this long: they matter while their push is there.
const REMEMBERED_MS: i64 = 30 * 86_400_000;

/// The callbacks of a play domain's recordings (contract §3.5).
#[derive(Clone, PartialEq, Eq)]
pub struct RecordNotify {
    /// The play domain, lower case.
    pub domain: String,
    /// Told of files, and of changes of status if `status`.
    pub notify_url: String,
    /// Asked whether to record; empty: nobody is.
    pub on_demand_url: String,
    /// Whether changes of status are told.
    pub status: bool,
    /// Whether requests carry a signature.
    pub signed: bool,
    /// The key of the signature; a secret.
    pub auth_key: String,
}

impl fmt::Debug for RecordNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordNotify")
            .field("domain", &self.domain)
            .field("notify_url", &self.notify_url)
            .field("on_demand_url", &self.on_demand_url)
            .field("status", &self.status)
            .field("signed", &self.signed)
            .field("auth_key", &"***")
            .finish()
    }
}

words! {
    /// A change of a recording's status that customers are told.
    pub enum RecordStatus {
        /// It has its first media.
        Started = "record_started",
        /// Its push is lost, or it was stopped.
        Paused = "record_paused",
        /// It goes on.
        Resumed = "record_resumed",
    }

    /// How a question whether to record a push ended.
    pub enum QuestionOutcome {
        /// There is an answer.
        Answered = "answered",
        /// There is none: why is in its place.
        Unanswered = "unanswered",
    }
}

fn place(domain: &str) -> Place<'_> {
    Place { column: "record_notify.auth_key", row: domain }
}

fn notify_of(catalog: &Catalog, row: &Row) -> Result<RecordNotify> {
    let domain = row.text("domain")?;
    Ok(RecordNotify {
        auth_key: catalog.unseal(place(&domain), row.text("auth_key")?)?,
        domain,
        notify_url: row.text("notify_url")?,
        on_demand_url: row.text("on_demand_url")?,
        status: row.flag("status")?,
        signed: row.flag("signed")?,
    })
}

fn of_domain(domain: &str) -> Sql {
    Sql::new("SELECT * FROM record_notify WHERE domain = $1").arg(domain)
}

impl Catalog {
    /// The callbacks of a play domain's recordings.
    pub async fn record_notify(&self, domain: &str) -> Result<Option<RecordNotify>> {
        of_domain(domain).row(self).await?.as_ref().map(|row| notify_of(self, row)).transpose()
    }

    /// How the question about a push ended, and its answer or why there is none. `None`: it has not.
    pub async fn record_answer(&self, push: PushId) -> Result<Option<(QuestionOutcome, String)>> {
        let row = Sql::new("SELECT outcome, answer FROM record_question WHERE push = $1 AND outcome IS NOT NULL");
        let row = row.arg(push).row(self).await?;
        row.map(|row| Ok((row.parsed("outcome")?, row.text("answer")?))).transpose()
    }
}

impl Tx {
    /// Sets the callbacks of a play domain. `AlreadyExists` when they are set.
    pub async fn add_record_notify(&mut self, notify: &RecordNotify, now: WallTime) -> Result<()> {
        let added = Sql::new(
            "INSERT INTO record_notify (domain, notify_url, on_demand_url, status, signed, auth_key, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING",
        );
        if self.with_values(added, notify)?.arg(now).run(&mut *self).await? == 0 {
            return Err(CatalogError::AlreadyExists { what: "record notify", key: notify.domain.clone() });
        }
        self.mark_stale(Subject::Installation).await
    }

    /// Replaces the callbacks of a play domain. `NotFound` when there are none.
    pub async fn update_record_notify(&mut self, notify: &RecordNotify, now: WallTime) -> Result<()> {
        let changed = Sql::new(
            "UPDATE record_notify SET notify_url = $2, on_demand_url = $3, status = $4, signed = $5, auth_key = $6,
               modified = $7 WHERE domain = $1",
        );
        if self.with_values(changed, notify)?.arg(now).run(&mut *self).await? == 0 {
            return Err(CatalogError::NotFound { what: "record notify", key: notify.domain.clone() });
        }
        self.mark_stale(Subject::Installation).await
    }

    /// Deletes the callbacks of a play domain. Whether there were any.
    pub async fn delete_record_notify(&mut self, domain: &str) -> Result<bool> {
        let deleted = Sql::new("DELETE FROM record_notify WHERE domain = $1").arg(domain).run(&mut *self).await? > 0;
        self.mark_stale(Subject::Installation).await?;
        Ok(deleted)
    }

    /// Asks whether a push is to be recorded. Asking twice is asking once.
    pub async fn ask_to_record(&mut self, push: PushId, now: WallTime) -> Result<()> {
        let forgotten = WallTime::from_unix_ms(now.unix_ms.saturating_sub(REMEMBERED_MS));
        Sql::new("DELETE FROM record_question WHERE asked < $1").arg(forgotten).run(&mut *self).await?;
        let asked = Sql::new("INSERT INTO record_question (push, asked) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        if asked.arg(push).arg(now).run(&mut *self).await? > 0 {
            self.enqueue(NewJob::record_question(push), now).await?;
        }
        Ok(())
    }

    /// Notes how the question about a push ended. The first word stands.
    pub async fn answer_to_record(
        &mut self,
        push: PushId,
        outcome: QuestionOutcome,
        answer: &str,
        now: WallTime,
    ) -> Result<()> {
        self.command_news = true;
        Sql::new(
            "UPDATE record_question SET outcome = $2, answer = $3, answered = $4 WHERE push = $1 AND outcome IS NULL",
        )
        .arg(push)
        .arg(outcome)
        .arg(answer)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Tells of a file, if somebody wants to know.
    pub(crate) async fn tell_record_file(&mut self, asset: AssetId, path: &StreamPath, now: WallTime) -> Result<()> {
        match of_domain(path.domain()).row(&mut *self).await? {
            Some(_) => {
                self.enqueue(NewJob::record_notify(json!({ "asset": asset }), path), now).await?;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Tells of a change of status, if somebody wants to know.
    pub(crate) async fn tell_record_status(
        &mut self,
        recording: RecordingId,
        path: &StreamPath,
        status: RecordStatus,
        now: WallTime,
    ) -> Result<()> {
        let notify = of_domain(path.domain()).row(&mut *self).await?;
        if notify.map(|notify| notify.flag("status")).transpose()?.unwrap_or_default() {
            let payload = json!({ "recording": recording, "status": status.as_str() });
            self.enqueue(NewJob::record_notify(payload, path), now).await?;
        }
        Ok(())
    }
}

impl Tx {
    fn with_values(&self, sql: Sql, notify: &RecordNotify) -> Result<Sql> {
        Ok(sql
            .arg(&notify.domain)
            .arg(&notify.notify_url)
            .arg(&notify.on_demand_url)
            .arg(notify.status)
            .arg(notify.signed)
            .arg(self.catalog.seal(place(&notify.domain), &notify.auth_key)?))
    }
}

in_own_tx! {
    add_record_notify(notify: &RecordNotify, now: WallTime) -> ();
    update_record_notify(notify: &RecordNotify, now: WallTime) -> ();
    delete_record_notify(domain: &str) -> bool;
    ask_to_record(push: PushId, now: WallTime) -> ();
    answer_to_record(push: PushId, outcome: QuestionOutcome, answer: &str, now: WallTime) -> ();
}
