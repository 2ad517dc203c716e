//! What edges ask: `POST /edge/feed` ([`door::feed`]), for who shows the secret.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use catalog::{CacheTaskKind, CatalogError, NumberedTask, PreloadReport};
use door::feed::{
    ASKED_BYTES_MAX, FeedAnswer, FeedAsked, FeedDomains, FeedTask, FeedWork, PATIENCE, Preloaded, TASKS_MAX,
};
use door::{DomainSettings, Secret, json, tag};
use tokio::time::Instant;

use crate::state::ApiState;

/// How often it is looked whether there is something to tell: what is deleted is to be gone within a second or two.
const LOOK: Duration = Duration::from_millis(500);
/// Longest name of an edge, in bytes.
const EDGE_BYTES_MAX: usize = 100;

#[derive(Clone)]
struct Feed {
    state: ApiState,
    secret: Secret,
}

/// The feed of edges that show this secret.
pub fn edge_router(state: ApiState, secret: Secret) -> Router {
    Router::new()
        // `door::feed::PATH`.
        .route("/edge/feed", post(answer))
        .layer(DefaultBodyLimit::max(ASKED_BYTES_MAX))
        .with_state(Feed { state, secret })
}

async fn answer(State(feed): State<Feed>, headers: HeaderMap, body: Bytes) -> Response {
    if !feed.secret.is_shown(&headers) {
        return json(StatusCode::UNAUTHORIZED, "unknown_edge", "the secret of edges is another one here");
    }
    let asked = match serde_json::from_slice::<FeedAsked>(&body) {
        Ok(asked) if (1..=EDGE_BYTES_MAX).contains(&asked.edge.len()) => asked,
        Ok(_) => return json(StatusCode::BAD_REQUEST, "bad_request", "the edge has no name, or one that is too long"),
        Err(error) => return json(StatusCode::BAD_REQUEST, "bad_request", &error.to_string()),
    };
    let told = feed.tell(asked).await.map(|answer| serde_json::to_vec(&answer));
    match told {
        Ok(Ok(body)) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(Err(error)) => {
            tracing::error!(%error, "the feed of edges cannot be written");
            json(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the log has the cause")
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "an edge cannot be told anything");
            json(StatusCode::SERVICE_UNAVAILABLE, "try_again", "the catalog does not answer; try again")
        }
    }
}

impl Feed {
    /// Waits until there is something to tell.
    async fn tell(&self, asked: FeedAsked) -> Result<FeedAnswer, CatalogError> {
        let catalog = &self.state.catalog;
        let now = (self.state.clock)();
        let FeedAsked { edge, after, domains, preloaded } = asked;
        // An edge that knows nothing has nothing that could be forgotten.
        let new = after == 0 && domains == 0;
        let feed = catalog.cache_feed(now).await?;
        // From a catalog that was made anew numbers begin again.
        let applied = if after > feed.last { 0 } else { after };
        let reports: Vec<PreloadReport> =
            preloaded.into_iter().map(|Preloaded { seq, error }| PreloadReport { seq, error }).collect();
        let known = catalog.cache_edge_heard(&edge, if new { feed.last } else { applied }, &reports, now).await?;
        if new {
            tracing::info!(edge, "an edge begins");
            let domains = Some(self.domains().await?);
            return Ok(FeedAnswer { last: feed.last, reset: false, tasks: Vec::new(), domains });
        }
        // Purges are made only while somebody is known who has to carry them out.
        let reset = !known || after > feed.last || after < feed.forgotten;
        let after = if reset { feed.last } else { after };
        let give_up = Instant::now() + PATIENCE;
        loop {
            let feed = catalog.cache_feed((self.state.clock)()).await?;
            let tasks = match feed.last > after {
                true => catalog.cache_tasks_after(after, TASKS_MAX).await?,
                false => Vec::new(),
            };
            let told = Some(self.domains().await?).filter(|told| told.tag != domains);
            let said_at_once = reset || !reports.is_empty();
            if said_at_once || !tasks.is_empty() || told.is_some() || Instant::now() >= give_up {
                // Numbers end with what is told: what lies between was made in the meantime, and is told next.
                let last = tasks.last().map_or(after, |task| task.seq);
                let tasks = tasks.into_iter().map(task).collect();
                return Ok(FeedAnswer { last, reset, tasks, domains: told });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn domains(&self) -> Result<FeedDomains, CatalogError> {
        let rows = self.state.catalog.configured_domains(&DomainSettings::KINDS).await?;
        let list: Vec<DomainSettings> =
            rows.iter().map(|(domain, configs)| DomainSettings::new(domain, configs)).collect();
        Ok(FeedDomains { tag: tag(&list).max(1), list })
    }
}

fn task(task: NumberedTask) -> FeedTask {
    let what = match task.kind {
        CacheTaskKind::File => FeedWork::File,
        CacheTaskKind::Directory => FeedWork::Folder,
        CacheTaskKind::Regex => FeedWork::Regex,
        CacheTaskKind::Preload => FeedWork::Preload,
    };
    FeedTask { seq: task.seq, what, path: task.path }
}
