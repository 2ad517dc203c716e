//! Files of customers that are taken into the store while the caller waits.

use std::time::Duration;

use blobs::BlobError;
use bytes::Bytes;
use catalog::{FileStatus, picture_key};
use domain::picture::PictureName;
use outbound::{Outbound, OutboundError, StatusCode};
use sha2::{Digest, Sha256};
use units::AssetId;

use crate::codes::{Answer, Code};
use crate::state::Context;
use crate::wire::own_path;

/// How long the server of one may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a file cannot be had.
pub(crate) enum Missing {
    /// There is none.
    Gone,
    /// It is too large, or its server does not give it.
    Refused(OutboundError),
}

/// The file at a URL, of at most so many bytes. What this server itself has is read from the store, whether or not its URL is signed
/// or can be reached from here.
pub(crate) async fn file(context: &Context, url: &str, bytes_max: usize) -> Answer<Result<Bytes, Missing>> {
    let too_large = || Missing::Refused(OutboundError::TooLarge { limit: bytes_max });
    let Some(own) = own_file(context, url) else { return fetched(context, url, bytes_max).await };
    let key = match own {
        Own::Picture(asset, name) => context.catalog.asset(asset).await?.map(|_| picture_key(asset, &name)),
        Own::Library(id) => {
            let file = context.catalog.find_library_file(id).await?.filter(|file| file.status == FileStatus::Normal);
            if file.as_ref().is_some_and(|file| usize::try_from(file.size_bytes).map_or(true, |size| size > bytes_max))
            {
                return Ok(Err(too_large()));
            }
            file.map(|file| file.key())
        }
    };
    let Some(key) = key else { return Ok(Err(Missing::Gone)) };
    match context.blobs.get(&key).await {
        Ok(bytes) if bytes.len() > bytes_max => Ok(Err(too_large())),
        Ok(bytes) => Ok(Ok(bytes)),
        Err(BlobError::NotFound { .. }) => Ok(Err(Missing::Gone)),
        Err(error) => {
            tracing::error!(%error, %key, "a file of this server cannot be read");
            Err(Code::ServiceUnavailable.into())
        }
    }
}

/// What this server itself has at a URL.
enum Own {
    /// A picture of a video.
    Picture(AssetId, PictureName),
    /// A file of the library.
    Library(AssetId),
}

fn own_file(context: &Context, url: &str) -> Option<Own> {
    let (asset, name) = own_path(context, url)?;
    if name.starts_with("file.") {
        return Some(Own::Library(asset));
    }
    Some(Own::Picture(asset, name.parse().ok()?))
}

async fn fetched(context: &Context, url: &str, bytes_max: usize) -> Answer<Result<Bytes, Missing>> {
    let outbound = Outbound::new(context.settings.private_receivers, PATIENCE).map_err(|error| {
        tracing::error!(%error, "there is no HTTP client");
        Code::InternalError
    })?;
    Ok(outbound.file(url, bytes_max).await.map_err(|error| match error {
        OutboundError::Status(StatusCode::NOT_FOUND | StatusCode::GONE) => Missing::Gone,
        error => Missing::Refused(error),
    }))
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
