//! The image of a watermark: looked at, and taken into the store under its hash.

use blobs::BlobError;
use bytes::Bytes;
use catalog::{FileStatus, picture_key, watermark_key};
use domain::picture::PictureName;
use encode::{ImageFile, read_image};
use outbound::{OutboundError, StatusCode};
use rpc::ParamError;
use units::AssetId;

use crate::codes::{Answer, ApiError, Code};
use crate::state::Context;
use crate::wire::own_path;

/// Largest file.
const BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest side, in pixels.
const SIDE_MAX: u32 = 4_096;
/// The parameter that says where it is.
const PARAM: &str = "FileUrl";

fn wrong(why: impl std::fmt::Display) -> ApiError {
    ParamError::invalid(PARAM, why.to_string()).into()
}

/// The image at this URL, which from now on is in the store.
pub(super) async fn taken(context: &Context, url: &str) -> Answer<ImageFile> {
    let bytes = match own_file(context, url) {
        Some(Own::Picture(asset, name)) => own(context, asset, &name).await?,
        Some(Own::Image(id)) => own_image(context, id).await?,
        None => fetched(context, url).await?,
    };
    let Some((kind, width, height)) = read_image(&bytes) else {
        return Err(wrong("a PNG, JPEG or GIF is wanted, and all of it"));
    };
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(wrong(format!("at most {SIDE_MAX} pixels on a side are wanted")));
    }
    let key = |hash: &str| watermark_key(hash, kind);
    let hash = crate::fetch::keep(context, "the image of a watermark", bytes, key).await?;
    Ok(ImageFile { hash, kind, size: (width, height) })
}

/// What this server itself has at a URL.
enum Own {
    /// A picture of a video.
    Picture(AssetId, PictureName),
    /// A file of the library.
    Image(AssetId),
}

fn own_file(context: &Context, url: &str) -> Option<Own> {
    let (asset, name) = own_path(context, url)?;
    if name.starts_with("file.") {
        return Some(Own::Image(asset));
    }
    Some(Own::Picture(asset, name.parse().ok()?))
}

async fn own_image(context: &Context, id: AssetId) -> Answer<Bytes> {
    let gone = || Code::NoSuchResource.because("There is no such image.");
    let file = context.catalog.find_library_file(id).await?.filter(|file| file.status == FileStatus::Normal);
    let file = file.ok_or_else(gone)?;
    if usize::try_from(file.size_bytes).is_ok_and(|size| size > BYTES_MAX) {
        return Err(wrong(OutboundError::TooLarge { limit: BYTES_MAX }));
    }
    context.blobs.get(&file.key()).await.map_err(|error| match error {
        BlobError::NotFound { .. } => gone(),
        error => {
            tracing::error!(%error, "the image of a watermark cannot be read");
            Code::ServiceUnavailable.into()
        }
    })
}

async fn own(context: &Context, asset: AssetId, name: &PictureName) -> Answer<Bytes> {
    let gone = || Code::NoSuchResource.because("There is no such picture.");
    if context.catalog.asset(asset).await?.is_none() {
        return Err(gone());
    }
    match context.blobs.get(&picture_key(asset, name)).await {
        Ok(bytes) if bytes.len() > BYTES_MAX => Err(wrong(OutboundError::TooLarge { limit: BYTES_MAX })),
        Ok(bytes) => Ok(bytes),
        Err(BlobError::NotFound { .. }) => Err(gone()),
        Err(error) => {
            tracing::error!(%error, "the image of a watermark cannot be read");
            Err(Code::ServiceUnavailable.into())
        }
    }
}

async fn fetched(context: &Context, url: &str) -> Answer<Bytes> {
    match crate::fetch::file(context, url, BYTES_MAX).await? {
        Ok(bytes) => Ok(bytes),
        Err(OutboundError::Status(StatusCode::NOT_FOUND | StatusCode::GONE)) => {
            Err(Code::NoSuchResource.because("There is no file at the FileUrl."))
        }
        Err(error) => Err(wrong(error)),
    }
}
