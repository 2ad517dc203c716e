//! What goes wrong, by what the player can do about it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blobs::BlobError;
use catalog::CatalogError;
use door::{Refusal, json};
use units::ReelId;
use view::ViewError;

/// The answer of what serves a request.
pub(crate) type Result<T> = std::result::Result<T, OriginError>;

/// Why something is not served.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OriginError {
    /// There is no such thing, or not any more.
    #[error("{what} is not here")]
    NotFound {
        /// What was asked for.
        what: &'static str,
    },
    /// It is there and will not be shown.
    #[error("the asset may not be played: its status is {status}")]
    Forbidden {
        /// Its status, in the words of the API.
        status: &'static str,
    },
    /// It is a picture of what will not be shown.
    #[error("the picture may not be seen: the status of its asset is {status}")]
    Hidden {
        /// Its status, in the words of the API.
        status: &'static str,
    },
    /// It is not let in.
    #[error(transparent)]
    Door(#[from] Refusal),
    /// There is nothing to play yet.
    #[error("nothing is recorded yet")]
    NotYet,
    /// Nobody who read the playlist asks for what is so far ahead.
    #[error("that is too far ahead of what is recorded")]
    TooFar,
    /// As many requests wait for something to be recorded as may.
    #[error("too many requests wait; try again")]
    Crowded,
    /// It cannot be shown in this form.
    #[error(transparent)]
    View(ViewError),
    /// The index of a reel does not hold.
    #[error("the index of reel {reel} is damaged: {what}")]
    Damaged {
        /// Which.
        reel: ReelId,
        /// Why.
        what: String,
    },
    /// The catalog or the storage does not answer; asking again may help.
    #[error("cannot read: {0}")]
    Unavailable(String),
    /// Anything else that is our fault.
    #[error("cannot read: {0}")]
    Internal(String),
}

/// The whole chain of causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<BlobError> for OriginError {
    fn from(error: BlobError) -> Self {
        if error.is_transient() { Self::Unavailable(chain(&error)) } else { Self::Internal(chain(&error)) }
    }
}

impl From<CatalogError> for OriginError {
    fn from(error: CatalogError) -> Self {
        if error.is_transient() { Self::Unavailable(chain(&error)) } else { Self::Internal(chain(&error)) }
    }
}

impl From<ViewError> for OriginError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Empty => Self::NotYet,
            ViewError::NoSuch { what } => Self::NotFound { what },
            ViewError::UnknownEpoch { reel, .. } | ViewError::PageMismatch { reel, .. } => {
                Self::Damaged { reel, what: error.to_string() }
            }
            error => Self::View(error),
        }
    }
}

impl IntoResponse for OriginError {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::Door(refusal) => return refusal.clone().into_response(),
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "not_playable"),
            Self::Hidden { .. } => (StatusCode::FORBIDDEN, "not_visible"),
            Self::NotYet => (StatusCode::NOT_FOUND, "nothing_yet"),
            Self::TooFar => (StatusCode::BAD_REQUEST, "too_far"),
            Self::Crowded => (StatusCode::SERVICE_UNAVAILABLE, "crowded"),
            Self::View(ViewError::TooManySamples { .. } | ViewError::Format { .. }) => {
                (StatusCode::NOT_FOUND, "no_such_form")
            }
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "try_again"),
            Self::View(_) | Self::Damaged { .. } | Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        };
        // The log gets the cause, the player only what it can act on: causes name files of this machine.
        let message = match (&self, status) {
            (_, StatusCode::INTERNAL_SERVER_ERROR) => {
                tracing::error!(error = %self, "cannot serve");
                "an internal error; the log has the cause".to_owned()
            }
            (Self::Unavailable(_), StatusCode::SERVICE_UNAVAILABLE) => {
                tracing::warn!(error = %self, "cannot serve now");
                "the storage does not answer; try again".to_owned()
            }
            (error, _) => error.to_string(),
        };
        let mut response = json(status, code, &message);
        if matches!(self, Self::NotYet | Self::Crowded | Self::Unavailable(_)) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
