//! Follows the origin's feed: who may be let in, what to forget, what to get beforehand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use door::Domains;
use door::feed::{FeedAnswer, FeedAsked, FeedDomains, FeedWork, PATIENCE, Preloaded};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::error::FetchError;
use crate::objects::What;
use crate::purges::{Purge, Purges};
use crate::state::{State, StateFile};
use crate::{Inner, now};

/// How long to wait before the origin is asked again that did not answer.
const RETRY: Duration = Duration::from_secs(1);
/// How often a file that does not come is asked for.
const PRELOAD_ATTEMPTS: u32 = 5;

/// What the feed told, and how far it was read.
pub(crate) struct Feed {
    file: StateFile,
    name: String,
    purges: Arc<Purges>,
    domains: RwLock<Option<Arc<Domains>>>,
    preloads: Mutex<VecDeque<(u64, String)>>,
    preload_came: Notify,
    /// Preloads that ended, until the origin has heard of it.
    ended: Mutex<Vec<Preloaded>>,
    preload_ended: Notify,
}

impl Feed {
    /// From where it was left.
    pub(crate) fn new(file: StateFile, state: State) -> Self {
        let domains = state.domains.as_ref().map(|domains| Arc::new(Domains::new(&domains.list)));
        // Without what the feed told before, nobody knows what of the cache was to be forgotten since.
        let mut purges = state.purges;
        if state.domains.is_none() {
            purges.push(Purge::unknown(now()));
        }
        Self {
            file,
            name: state.edge,
            purges: Arc::new(Purges::new(purges, state.after)),
            domains: RwLock::new(domains),
            preloads: Mutex::new(state.preloads.into()),
            preload_came: Notify::new(),
            ended: Mutex::default(),
            preload_ended: Notify::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn purges(&self) -> Arc<Purges> {
        Arc::clone(&self.purges)
    }

    /// The domains; `None` before the origin was heard for the first time.
    pub(crate) fn domains(&self) -> Option<Arc<Domains>> {
        self.domains.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries out what the origin told. Tasks are remembered before they count as carried out.
    async fn apply(&self, answer: FeedAnswer, told: &[Preloaded]) -> std::io::Result<()> {
        let now = now();
        let after = answer.tasks.last().map_or(answer.last, |task| task.seq);
        let mut purges: Vec<Purge> = Vec::new();
        if answer.reset {
            tracing::warn!("some tasks were missed: everything is asked for anew");
            purges.push(Purge::everything(after, now));
        }
        let mut preloads = Vec::new();
        for task in answer.tasks {
            match task.what {
                FeedWork::Preload => preloads.push((task.seq, task.path)),
                what => purges.push(Purge::new(task.seq, what, &task.path, now)),
            }
        }
        self.purges.apply(purges, after, now);
        if let Some(domains) = &answer.domains {
            let read = Arc::new(Domains::new(&domains.list));
            *self.domains.write().unwrap_or_else(PoisonError::into_inner) = Some(read);
        }
        let list = self.purges.list();
        let came = preloads.clone();
        self.file
            .change(move |state| {
                state.after = after;
                state.purges = list;
                state.preloads.retain(|(seq, _)| !told.iter().any(|ended| ended.seq == *seq));
                state.preloads.extend(came);
                if answer.domains.is_some() {
                    state.domains = answer.domains;
                }
            })
            .await?;
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).retain(|ended| !told.contains(ended));
        self.preloads.lock().unwrap_or_else(PoisonError::into_inner).extend(preloads);
        self.preload_came.notify_one();
        Ok(())
    }
}

/// Whether there is anything to carry out in an answer.
fn has_news(answer: &FeedAnswer, after: u64, told: &[Preloaded]) -> bool {
    answer.reset || !answer.tasks.is_empty() || answer.domains.is_some() || answer.last != after || !told.is_empty()
}

/// Follows the feed, and gets what is to be here beforehand, until `stop`.
pub(crate) async fn follow(edge: &Arc<Inner>, stop: CancellationToken) {
    tokio::join!(ask_on(edge, &stop), preload_on(edge, &stop));
}

async fn ask_on(edge: &Inner, stop: &CancellationToken) {
    let feed = &edge.feed;
    let mut heard = true;
    while !stop.is_cancelled() {
        let State { after, domains, .. } = feed.file.read().await;
        let told = feed.ended.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let domains = domains.map_or(0, |FeedDomains { tag, .. }| tag);
        let asked = FeedAsked { edge: feed.name.clone(), after, domains, preloaded: told.clone() };
        let answer = tokio::select! {
            () = stop.cancelled() => break,
            // It is to be told at once.
            () = feed.preload_ended.notified() => continue,
            answer = ask(edge, &asked) => answer,
        };
        let done = match answer {
            Ok(answer) if has_news(&answer, after, &told) => {
                feed.apply(answer, &told).await.map_err(|error| format!("what it told cannot be kept: {error}"))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        };
        match &done {
            Ok(()) if !heard => tracing::info!("the origin is heard again"),
            Err(error) if heard => tracing::error!(error, "the origin's feed is not followed"),
            Ok(()) | Err(_) => {}
        }
        heard = done.is_ok();
        metrics::gauge!("edge_feed_heard").set(if heard { 1.0 } else { 0.0 });
        if !heard {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}

async fn ask(edge: &Inner, asked: &FeedAsked) -> Result<FeedAnswer, FetchError> {
    let body = serde_json::to_vec(asked).map_err(|_| FetchError::Broken("a question that cannot be written"))?;
    let answer = edge.objects.origin().feed(body, PATIENCE).await?;
    serde_json::from_slice(&answer).map_err(|_| FetchError::Broken("a feed that cannot be read"))
}

/// One file after the other: they are to be here some time, and viewers come first.
async fn preload_on(edge: &Inner, stop: &CancellationToken) {
    let feed = &edge.feed;
    loop {
        let next = feed.preloads.lock().unwrap_or_else(PoisonError::into_inner).front().cloned();
        let Some((seq, path)) = next else {
            tokio::select! {
                () = stop.cancelled() => return,
                () = feed.preload_came.notified() => continue,
            }
        };
        let done = tokio::select! {
            () = stop.cancelled() => return,
            done = preload_patiently(edge, &path) => done,
        };
        let error = done.err();
        tracing::info!(seq, path, error, "a preload ended");
        feed.preloads.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        feed.ended.lock().unwrap_or_else(PoisonError::into_inner).push(Preloaded { seq, error });
        feed.preload_ended.notify_one();
    }
}

/// Errors: the last attempt's, in words.
async fn preload_patiently(edge: &Inner, path: &str) -> Result<(), String> {
    let mut attempt = 1;
    loop {
        match preload(edge, path).await {
            Ok(None) => return Ok(()),
            Ok(Some(refusal)) => return Err(refusal),
            Err(error) if attempt >= PRELOAD_ATTEMPTS => return Err(error.to_string()),
            Err(error) => {
                if error == FetchError::Changed {
                    edge.objects.doubt(path).await;
                }
                tokio::time::sleep(RETRY.saturating_mul(attempt)).await;
                attempt += 1;
            }
        }
    }
}

/// Gets a whole file. Something where the origin does not serve it.
async fn preload(edge: &Inner, path: &str) -> Result<Option<String>, FetchError> {
    let (known, _) = edge.objects.known(path, 0).await?;
    match &known.what {
        What::Refused(refused) => Ok(Some(format!("the origin answers {}", refused.status.as_u16()))),
        What::Object { whole: Some(_), .. } => Ok(None),
        What::Object { head, whole: None } => {
            for number in 0..head.slices() {
                edge.objects.slice(path, head, number).await?;
            }
            Ok(None)
        }
    }
}
