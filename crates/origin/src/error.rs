//! What goes wrong, by what the player can do about it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use blobs::BlobError;
use catalog::CatalogError;
use rpc::url_auth::UrlAuthError;
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
    /// The request cannot be meant.
    #[error("the request is refused: {what}")]
    BadRequest {
        /// Why.
        what: &'static str,
    },
    /// The path could be read as another one.
    #[error("there is no such path: {what}")]
    BadPath {
        /// Why.
        what: &'static str,
    },
    /// It comes under a host that is no domain of videos, where there are some that ask something.
    #[error("videos are not played from this host: use the domain that they are told with")]
    NoDomain,
    /// The domain was stopped.
    #[error("the domain is stopped")]
    Stopped,
    /// The domain's lists of addresses keep it out.
    #[error("the domain does not let this address in")]
    Address,
    /// The domain's lists of sites keep it out.
    #[error("the domain does not let this site show its videos")]
    Referer,
    /// The domain has URL authentication on.
    #[error("{0}")]
    Unsigned(#[from] UrlAuthError),
    /// There is nothing to play yet.
    #[error("nothing is recorded yet")]
    NotYet,
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

impl OriginError {
    /// The word for a request that is not let in, in answers and in the counter.
    pub(crate) const fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::BadRequest { .. } => Some("bad_request"),
            Self::BadPath { .. } => Some("bad_path"),
            Self::NoDomain => Some("unknown_domain"),
            Self::Stopped => Some("domain_stopped"),
            Self::Address => Some("address_refused"),
            Self::Referer => Some("referer_refused"),
            Self::Unsigned(UrlAuthError::Missing) => Some("url_not_signed"),
            Self::Unsigned(UrlAuthError::Malformed { .. }) => Some("url_signature_malformed"),
            Self::Unsigned(UrlAuthError::Expired { .. }) => Some("url_expired"),
            Self::Unsigned(UrlAuthError::Mismatch) => Some("url_signature_mismatch"),
            _ => None,
        }
    }
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
            Self::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Self::BadPath { .. } => (StatusCode::NOT_FOUND, "bad_path"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "not_playable"),
            Self::Hidden { .. } => (StatusCode::FORBIDDEN, "not_visible"),
            Self::BadRequest { .. } => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::NoDomain | Self::Stopped | Self::Address | Self::Referer | Self::Unsigned(_) => {
                (StatusCode::FORBIDDEN, self.refusal().unwrap_or_default())
            }
            Self::NotYet => (StatusCode::NOT_FOUND, "nothing_yet"),
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
            (_, StatusCode::SERVICE_UNAVAILABLE) => {
                tracing::warn!(error = %self, "cannot serve now");
                "the storage does not answer; try again".to_owned()
            }
            (error, _) => error.to_string(),
        };
        let mut response = json(status, code, &message);
        if matches!(self, Self::NotYet | Self::Unavailable(_)) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// `{"error":…,"message":…}`; neither text has characters that JSON would escape, but for what is replaced here.
pub(crate) fn json(status: StatusCode, code: &str, message: &str) -> Response {
    let message: String =
        message.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '\'' } else { c }).collect();
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{{\"error\":\"{code}\",\"message\":\"{message}\"}}\n")).into_response()
}
