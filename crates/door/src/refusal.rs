//! Why a request is not let in, by what the player can do about it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rpc::url_auth::UrlAuthError;

/// The answer of who stands at the door.
pub type Result<T> = std::result::Result<T, Refusal>;

/// Why a request is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing, or not any more.
    #[error("{what} is not here")]
    NotFound {
        /// What was asked for.
        what: &'static str,
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
    /// What the domain asks cannot be read, so nobody is let in. The log has more.
    #[error("an internal error; the log has the cause")]
    Broken,
}

impl Refusal {
    /// The word for it, in answers and in counters.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::BadRequest { .. } => "bad_request",
            Self::BadPath { .. } => "bad_path",
            Self::NoDomain => "unknown_domain",
            Self::Stopped => "domain_stopped",
            Self::Address => "address_refused",
            Self::Referer => "referer_refused",
            Self::Unsigned(UrlAuthError::Missing) => "url_not_signed",
            Self::Unsigned(UrlAuthError::Malformed { .. }) => "url_signature_malformed",
            Self::Unsigned(UrlAuthError::Expired { .. }) => "url_expired",
            Self::Unsigned(UrlAuthError::Mismatch) => "url_signature_mismatch",
            Self::Broken => "internal",
        }
    }

    /// The same, where it is a request that is not let in: not of one that finds nothing, or of our own fault.
    pub const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::NotFound { .. } | Self::Broken => None,
            _ => Some(self.word()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotFound { .. } | Self::BadPath { .. } => StatusCode::NOT_FOUND,
            Self::BadRequest { .. } => StatusCode::BAD_REQUEST,
            Self::NoDomain | Self::Stopped | Self::Address | Self::Referer | Self::Unsigned(_) => StatusCode::FORBIDDEN,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        };
        json(status, self.word(), &self.to_string())
    }
}

/// `{"error":…,"message":…}`; neither text has characters that JSON would escape, but for what is replaced here.
pub fn json(status: StatusCode, code: &str, message: &str) -> Response {
    let message: String =
        message.chars().map(|c| if c == '"' || c == '\\' || c.is_control() { '\'' } else { c }).collect();
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, format!("{{\"error\":\"{code}\",\"message\":\"{message}\"}}\n")).into_response()
}
