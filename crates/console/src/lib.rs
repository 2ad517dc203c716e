//! The web console below `/console`: its pages, who is signed in, and the way of its calls to the API (decision 0049).
//!
//! The pages are files of `console/dist`, embedded (`pages`). A user signs in with a password (`sign_in`); his browser gets a token that
//! is kept as its hash (`sessions`). What he asks goes on as a call of the public API, by his role (`calls`); that something has changed
//! is told by a feed (`feed`). Requests that another site may have caused are refused, and every answer says what its page may load
//! (`guard`).
//!
//! **Boundary:** knows no operation: it hands calls on, and answers are those of the API.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod calls;
mod feed;
mod guard;
mod pages;
mod reply;
mod sessions;
mod sign_in;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post, put};
use catalog::{Catalog, Role};
use door::Buckets;
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use units::{Mono, WallTime};

pub use feed::Feed;
pub use guard::welcome;
pub use sign_in::setup_token;

/// Largest request, in bytes: what the API takes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// A call of a user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// His name.
    pub user: String,
    /// What he may do.
    pub role: Role,
    /// `Live` or `Vod`.
    pub service: String,
    /// The operation.
    pub action: String,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// From where he asks.
    pub address: Option<IpAddr>,
    /// Under which URL he reaches the server: scheme, host and port.
    pub reached: String,
}

/// Answers a call: the public API.
pub type Call = Arc<dyn Fn(Asked) -> BoxFuture<'static, Response> + Send + Sync>;

/// What the operator set.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// A proxy stands before this server, and what it tells of a request is believed.
    pub behind_proxy: bool,
    /// Where clients reach this server, if that is not the host of their requests. Pages may load media from there.
    pub public_url: String,
    /// The file with the token of the setup link.
    pub setup_file: PathBuf,
}

/// What the console needs.
#[derive(Clone)]
pub struct Deps {
    /// Users and sessions.
    pub catalog: Catalog,
    /// Where calls go.
    pub call: Call,
    /// How it is set up.
    pub settings: Settings,
}

/// What all requests share.
struct Console {
    deps: Deps,
    /// Wrong passwords, by user and address.
    failures: Option<Buckets>,
    /// How many passwords are hashed at once.
    hashing: Semaphore,
    policy: guard::Policy,
    feed: Feed,
}

/// Everything below `/console`, and what tells its pages of changes, which the owner runs.
pub fn router(deps: Deps) -> (Router, Feed) {
    let feed = Feed::new(deps.catalog.clone());
    let console = Arc::new(Console {
        policy: guard::Policy::new(&deps.settings.public_url),
        deps,
        failures: sign_in::failures(),
        hashing: Semaphore::new(sign_in::HASHED_AT_ONCE),
        feed: feed.clone(),
    });
    let router = Router::new()
        .route("/console", get(pages::to_folder))
        .route("/console/", get(pages::index))
        .route("/console/favicon.svg", get(pages::icon))
        .route("/console/assets/{file}", get(pages::asset))
        .route("/console/session", get(sessions::who).post(sign_in::sign_in).delete(sessions::sign_out))
        .route("/console/setup", post(sign_in::set_up))
        .route("/console/password", put(sign_in::change_password))
        .route("/console/call", post(calls::call))
        .route("/console/feed", get(feed::feed))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&console), guard::guard))
        .with_state(console);
    (router, feed)
}

fn mono() -> Mono {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    Mono(BEGAN.elapsed())
}

fn now() -> WallTime {
    let since: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
