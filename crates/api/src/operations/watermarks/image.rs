//! The image of a watermark: looked at, and taken into the store under its hash.

use catalog::watermark_key;
use encode::{ImageFile, read_image};
use rpc::ParamError;

use crate::codes::{Answer, ApiError, Code};
use crate::fetch::Missing;
use crate::state::Context;

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
    let bytes = match crate::fetch::file(context, url, BYTES_MAX).await? {
        Ok(bytes) => bytes,
        Err(Missing::Gone) => return Err(Code::NoSuchResource.because("There is no file at the FileUrl.")),
        Err(Missing::Refused(error)) => return Err(wrong(error)),
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
