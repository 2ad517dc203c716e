//! What goes wrong, by what can be done about it.

use std::path::PathBuf;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use door::json;

/// Why an edge does not start.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The folder of the cache cannot be used.
    #[error("cannot use {}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The cache in it cannot be opened.
    #[error("cannot open the cache: {0}")]
    Cache(String),
    /// The URL of the origin is none.
    #[error("{url:?} is no URL of an origin: http://host:port")]
    Origin {
        /// What was given.
        url: String,
    },
    /// The client cannot be made.
    #[error("cannot make the client of the origin")]
    Client(#[source] reqwest::Error),
}

/// Why something did not come from the origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// The origin was not reached, or fell silent.
    #[error("the origin does not answer: {0}")]
    Away(String),
    /// It has trouble with this.
    #[error("the origin answers {0}")]
    Trouble(u16),
    /// It does not take this edge for one.
    #[error("the origin does not know this edge: edge.secret is another there")]
    Stranger,
    /// It is not what it was a moment ago.
    #[error("the object changed while it was read")]
    Changed,
    /// It answers what cannot be.
    #[error("the origin's answer cannot be used: {0}")]
    Broken(&'static str),
    /// The cache itself fails.
    #[error("the cache fails: {0}")]
    Cache(String),
}

impl IntoResponse for FetchError {
    fn into_response(self) -> Response {
        let away = matches!(self, Self::Away(_) | Self::Trouble(_));
        // The log gets the cause, the player only what it can act on.
        if away {
            tracing::warn!(error = %self, "cannot serve now");
        } else {
            tracing::error!(error = %self, "cannot serve");
        }
        let status = if away { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_GATEWAY };
        let mut response = json(status, "try_again", "the origin does not answer; try again");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }
}
