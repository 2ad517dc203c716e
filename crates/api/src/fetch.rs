//! Files of customers that are taken into the store while the caller waits.

use std::time::Duration;

use bytes::Bytes;
use outbound::{Outbound, OutboundError};

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
