//! Who asks: what an answer depends on beside what is asked for.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use blobs::Slips;
use door::{Grant, Wanted};

use crate::error::{OriginError, Result};

/// A viewer who was let in.
pub(crate) struct Viewer {
    /// Of the request.
    pub(crate) headers: HeaderMap,
    /// What the door hands on.
    pub(crate) grant: Arc<Grant>,
    /// Where the connection can send stretches of files by itself.
    pub(crate) slips: Option<Slips>,
}

impl Viewer {
    /// Whether the first byte is asked for. Who goes on in a file asks for what is behind it.
    pub(crate) fn begins(&self) -> bool {
        let range = self.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        !matches!(door::wanted(range, u64::MAX), Wanted::Part(range) if range.start > 0)
    }
}

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = OriginError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let grant = parts.extensions.get::<Arc<Grant>>().cloned();
        Ok(Self {
            headers: std::mem::take(&mut parts.headers),
            grant: grant.ok_or_else(|| OriginError::Internal("a request came in without the door".to_owned()))?,
            slips: parts.extensions.get::<Slips>().cloned(),
        })
    }
}
