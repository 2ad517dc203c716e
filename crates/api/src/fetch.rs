//! Files of customers that are taken into the store while the caller waits.

use std::time::Duration;

use bytes::Bytes;
use outbound::{Outbound, OutboundError};
use sha2::{Digest, Sha256};

use crate::codes::{Answer, Code};
use crate::state::Context;

/// How long its server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The file at a URL, of at most so many bytes; the inner error says why it cannot be had.
pub(crate) async fn file(context: &Context, url: &str, bytes_max: usize) -> Answer<Result<Bytes, OutboundError>> {
    let outbound = Outbound::new(context.settings.private_receivers, PATIENCE).map_err(|error| {
        tracing::error!(%error, "there is no HTTP client");
        Code::InternalError
    })?;
    Ok(outbound.file(url, bytes_max).await)
}

/// Puts a file into the store under the key that `key` makes of its SHA-256 in hex; that. `what` it is stands in the log.
pub(crate) async fn keep(
    context: &Context,
    what: &str,
    bytes: Bytes,
    key: impl FnOnce(&str) -> String,
) -> Answer<String> {
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    context.blobs.put(&key(&hash), bytes).await.map_err(|error| {
        tracing::error!(%error, "{what} cannot be stored");
        Code::ServiceUnavailable
    })?;
    Ok(hash)
}
