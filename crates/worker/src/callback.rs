//! Tells a customer of an event over HTTP (contract §3.1).
//!
//! The outbox made the job in the transaction of the change. Whether somebody wants the event is asked now, so that a
//! callback that is set late gets what is still owed and one that is deleted gets nothing more.

mod payload;
mod pictures;

use std::time::Duration;

use catalog::{Catalog, EventOutcome, MessageCallback, StoredEvent};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reqwest::Method;
use rpc::callback::{VOD_SIGNATURE_HEADER, VOD_TIMESTAMP_HEADER, vod_signature};
use rpc::user_data::UserData;
use serde::Deserialize;
use units::EventId;

use crate::DEFAULT_APP_ID;
use crate::clock::now;
use crate::receiver::{Receivers, Request, Told};

/// An event is offered this often at least (contract §3.1).
const ATTEMPTS_MIN: u32 = 3;

/// Header with the id of an event, the same over all its deliveries.
const EVENT_ID_HEADER: &str = "X-Reprise-Event-Id";
/// Header with the number of an event among those of its video, from 1.
const SEQUENCE_HEADER: &str = "X-Reprise-Sequence";

/// The `CallbackType` that is delivered here.
const HTTP: &str = "HTTP";

#[derive(Deserialize)]
struct Payload {
    event: EventId,
}

/// Delivers events.
pub(crate) struct Callback {
    catalog: Catalog,
    receivers: Receivers,
    /// For how long an event is offered after that.
    keep_telling: Duration,
    /// What URLs of media begin with.
    public_url: String,
}

impl Callback {
    pub(crate) fn new(catalog: Catalog, receivers: Receivers, keep_telling: Duration, public_url: String) -> Self {
        Self { catalog, receivers, keep_telling, public_url }
    }

    /// A failure that another attempt may mend is final once the event was offered often and long enough.
    fn patient(&self, attempt: &Attempt, failure: Failure) -> Failure {
        let spent = attempt.job.attempt >= ATTEMPTS_MIN && now().since(attempt.job.created) >= self.keep_telling;
        match failure {
            Failure::Retry(why) if spent => Failure::GiveUp(why),
            failure => failure,
        }
    }

    /// The body of an event. It is rendered once: what was sent first is sent again, whatever changed since.
    async fn body(&self, stored: &StoredEvent, user_data: &UserData) -> Result<String, Failure> {
        if let Some(body) = &stored.sent {
            return Ok(body.clone());
        }
        let body = payload::render(&stored.event, user_data.extend.as_deref(), &self.public_url);
        let body = body.map_err(|error| Failure::GiveUp(format!("the event cannot be written as JSON: {error}")))?;
        Ok(self.catalog.keep_sent(stored.id, &body).await?)
    }

    /// Ends the job and notes what became of the event, together.
    async fn end(&self, attempt: &Attempt, event: EventId, outcome: EventOutcome) -> Result<Finish, Failure> {
        let mut tx = self.catalog.begin().await?;
        tx.set_event_outcome(event, outcome).await?;
        attempt.complete_in(&mut tx).await?;
        tx.commit().await?;
        Ok(Finish::Committed)
    }
}

impl Handler for Callback {
    const KIND: &'static str = kind::CALLBACK;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { event: id } = attempt.payload()?;
        let Some(stored) = self.catalog.event(id).await? else {
            return Err(Failure::GiveUp(format!("there is no event {id}")));
        };
        let name = payload::event_type(&stored.event.event);
        let wanted = |callback: &MessageCallback| callback.kind == HTTP && callback.wants(name, None);
        let Some(callback) = self.catalog.message_callback(DEFAULT_APP_ID).await?.filter(wanted) else {
            return self.end(attempt, id, EventOutcome::Unwanted).await;
        };
        let user_data = user_data(&stored);
        let body = self.body(&stored, &user_data).await?;
        let request = request(callback, &user_data, &stored, body);
        let delivered = self.receivers.deliver(&self.catalog, attempt, Told::Event(id), request).await;
        delivered.map_err(|failure| self.patient(attempt, failure))?;
        self.end(attempt, id, EventOutcome::Delivered).await
    }
}

/// What the customer wants with an event: the one place where it is looked up, for whatever job told it. It was read when the job
/// was asked for.
fn user_data(stored: &StoredEvent) -> UserData {
    UserData::parse(&stored.user_data).unwrap_or_else(|error| {
        tracing::warn!(event = %stored.id, %error, "what its customer wants with an event cannot be read");
        UserData::default()
    })
}

fn request(callback: MessageCallback, user_data: &UserData, stored: &StoredEvent, body: String) -> Request {
    let url = user_data.callback_url.clone().unwrap_or(callback.url);
    let mut headers = vec![
        ("content-type", "application/json".to_owned()),
        (EVENT_ID_HEADER, stored.id.to_string()),
        (SEQUENCE_HEADER, stored.number.to_string()),
    ];
    if callback.signed && !callback.auth_key.is_empty() {
        // Each attempt is signed anew: a receiver may refuse a time that is five minutes off.
        let at = now().unix_s();
        headers.push((VOD_TIMESTAMP_HEADER, at.to_string()));
        headers.push((VOD_SIGNATURE_HEADER, vod_signature(&url, at, &callback.auth_key)));
    }
    Request { method: Method::POST, url, headers, body: Some(body) }
}
