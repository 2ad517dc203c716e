//! Asks a customer whether a push is to be recorded (contract §3.5), for rules that leave it to them.
//!
//! The frames of the push wait while it is asked, so there are few attempts; what the answer means is the recorder's matter.

use catalog::{Catalog, Push, QuestionOutcome};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reqwest::{Method, Url};
use serde::Deserialize;
use units::PushId;

use crate::clock::now;
use crate::receiver::{Receivers, Request, Told};

/// What is told of a codec that nothing is known of yet: the usual one.
const CODEC_GUESS: &str = "h264";

/// The word for a question in the history of what was told.
const ON_DEMAND: &str = "on_demand";

#[derive(Deserialize)]
struct Payload {
    push: PushId,
}

/// Asks questions.
pub(crate) struct Question {
    catalog: Catalog,
    receivers: Receivers,
}

impl Question {
    pub(crate) fn new(catalog: Catalog, receivers: Receivers) -> Self {
        Self { catalog, receivers }
    }

    /// Asks, once. A push that is over already is asked about all the same: its frames wait. `Ok(Err(why))`: there is nobody
    /// to ask, or nothing to ask about.
    async fn ask(&self, attempt: &Attempt, id: PushId) -> Result<Result<String, &'static str>, Failure> {
        let Some(push) = self.catalog.push(id).await? else { return Ok(Err("the push is unknown")) };
        let notify = self.catalog.record_notify(push.info.path.domain()).await?;
        let Some(notify) = notify.filter(|notify| !notify.on_demand_url.is_empty()) else {
            return Ok(Err("the domain has no OnDemandUrl"));
        };
        let request = request(&notify.on_demand_url, &push)?;
        let told = Told::Stream { topic: ON_DEMAND, path: &push.info.path, push_domain: None };
        let answer = self.receivers.deliver(&self.catalog, attempt, told, request).await?;
        Ok(Ok(String::from_utf8_lossy(&answer).into_owned()))
    }

    async fn note(&self, push: PushId, outcome: QuestionOutcome, answer: &str) -> Result<Finish, Failure> {
        self.catalog.answer_to_record(push, outcome, answer, now()).await?;
        Ok(Finish::Done)
    }
}

impl Handler for Question {
    const KIND: &'static str = kind::RECORD_QUESTION;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { push } = attempt.payload()?;
        match self.ask(attempt, push).await {
            Ok(Ok(answer)) => self.note(push, QuestionOutcome::Answered, &answer).await,
            Ok(Err(why)) => self.note(push, QuestionOutcome::Unanswered, why).await,
            Err(failure) => {
                let last = attempt.job.attempt >= attempt.job.retry.attempts_max;
                let why = match &failure {
                    Failure::GiveUp(why) => Some(why),
                    Failure::Retry(why) => Some(why).filter(|_| last),
                    Failure::Lost => None,
                };
                if let Some(why) = why {
                    self.note(push, QuestionOutcome::Unanswered, why).await?;
                }
                Err(failure)
            }
        }
    }
}

fn request(url: &str, push: &Push) -> Result<Request, Failure> {
    let mut url = Url::parse(url).map_err(|error| Failure::GiveUp(format!("{url:?} is no URL: {error}")))?;
    let path = &push.info.path;
    let codec = if push.stats.video_codec.is_empty() { CODEC_GUESS } else { &push.stats.video_codec };
    url.query_pairs_mut()
        .append_pair("app", path.app())
        .append_pair("domain", path.domain())
        .append_pair("stream", path.stream())
        .append_pair("codec", codec)
        .append_pair("vbitrate", &push.stats.video_kbps.to_string());
    Ok(Request { method: Method::GET, url: url.into(), headers: Vec::new(), body: None })
}
