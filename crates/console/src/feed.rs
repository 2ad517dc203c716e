//! `GET /console/feed`: that something has changed, as server-sent events (WHATWG HTML §9.2). What, is asked for by whoever shows it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use catalog::{Catalog, Marks, Topic};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::{Console, now, reply};

/// How often it is looked whether something has changed, as long as somebody listens.
const LOOK: Duration = Duration::from_secs(1);
/// How often something is said at least, so that nobody between takes the connection for dead; and how often it is looked whether the
/// listener is still signed in.
const ALIVE: Duration = Duration::from_secs(15);
/// Most listeners at once; each is an open connection.
const LISTENERS_MAX: usize = 200;

/// What has changed so far.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Seen {
    /// How often each topic has.
    counts: [(Option<Topic>, u64); 5],
    /// There is no more to come.
    over: bool,
}

/// The feed. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Feed {
    catalog: Catalog,
    seen: Arc<watch::Sender<Seen>>,
    places: Arc<Semaphore>,
}

impl Feed {
    pub(crate) fn new(catalog: Catalog) -> Self {
        let seen = Arc::new(watch::Sender::new(Seen::default()));
        Self { catalog, seen, places: Arc::new(Semaphore::new(LISTENERS_MAX)) }
    }

    /// Looks and tells until `stop`, then ends all listeners. While nobody listens the catalog is left alone.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known: Option<Marks> = None;
        let mut healthy = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            if self.seen.receiver_count() == 0 {
                known = None;
                continue;
            }
            match self.catalog.marks().await {
                Ok(marks) => {
                    self.tell(known.as_ref(), &marks);
                    known = Some(marks);
                    healthy = true;
                }
                Err(error) => {
                    // Told once, not each second.
                    if healthy {
                        tracing::warn!(%error, "the console cannot look whether something has changed");
                    }
                    healthy = false;
                }
            }
        }
        self.seen.send_modify(|seen| seen.over = true);
    }

    /// Counts what has changed. Whoever came while nobody looked hears of everything once.
    fn tell(&self, known: Option<&Marks>, marks: &Marks) {
        self.seen.send_if_modified(|seen| {
            let mut changed = false;
            for (place, (topic, mark)) in seen.counts.iter_mut().zip(marks) {
                let same = known.is_some_and(|known| known.contains(&(*topic, *mark)));
                if !same {
                    *place = (Some(*topic), place.1.wrapping_add(1));
                    changed = true;
                }
            }
            changed
        });
    }
}

/// Somebody who listens.
struct Listener {
    console: Arc<Console>,
    /// The hash of his token.
    token: String,
    news: watch::Receiver<Seen>,
    told: Seen,
    looks: Interval,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next topics; `None`: the feed ends.
    async fn next(&mut self) -> Option<Vec<&'static str>> {
        loop {
            tokio::select! {
                changed = self.news.changed() => {
                    changed.ok()?;
                    let seen = self.news.borrow_and_update().clone();
                    if seen.over {
                        return None;
                    }
                    let pairs = seen.counts.iter().zip(&self.told.counts);
                    let topics = pairs.filter(|(new, old)| new != old).filter_map(|(new, _)| new.0);
                    let topics = topics.map(Topic::as_str).collect();
                    self.told = seen;
                    return Some(topics);
                }
                _ = self.looks.tick() => {
                    let session = self.console.deps.catalog.console_session(&self.token, now()).await;
                    // A catalog that does not answer signs nobody out.
                    if matches!(session, Ok(None)) {
                        return None;
                    }
                }
            }
        }
    }
}

/// `GET /console/feed`.
pub(crate) async fn feed(State(console): State<Arc<Console>>, extensions: Extensions, headers: HeaderMap) -> Response {
    let signed_in = match console.signed_in(&extensions, &headers).await {
        Ok(signed_in) => signed_in,
        Err(refused) => return refused,
    };
    let Ok(place) = Arc::clone(&console.feed.places).try_acquire_owned() else {
        let message = "Too many pages listen already. Ask again later.";
        return reply::refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyListeners", message);
    };
    let mut news = console.feed.seen.subscribe();
    let told = news.borrow_and_update().clone();
    if told.over {
        return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "The server is going down.");
    }
    let mut looks = interval(ALIVE);
    looks.reset();
    let token = signed_in.token.clone();
    let listener = Listener { console, token, news, told, looks, _place: place };
    let events = futures::stream::unfold(listener, |mut listener| async move {
        let topics = listener.next().await?;
        let event = Event::default().event("changed").data(json!({ "Topics": topics }).to_string());
        Some((Ok::<_, Infallible>(event), listener))
    });
    let alive = KeepAlive::new().interval(ALIVE).text("keep-alive");
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    // Proxies that gather answers would keep all of it.
    let ungathered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(ungathered.0, ungathered.1);
    signed_in.on(response)
}
