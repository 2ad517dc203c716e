//! Watermarks against their images.

use blobs::BlobError;

use super::Check;
use crate::error::Result;

/// Every image that a watermark shows is in storage.
pub(super) async fn check_watermarks(check: &mut Check<'_>) -> Result<()> {
    for stored in check.catalog.watermarks().await? {
        let Some(key) = stored.image_key() else { continue };
        match check.blobs.size(&key).await {
            Ok(_) => {}
            Err(BlobError::NotFound { .. }) => {
                let place = format!("watermark {} ({:?})", stored.id, stored.name);
                let advice = "add the watermark anew, or bring the file back from a copy of the media folder";
                check.found(place, "its image is not there: what names it cannot be encoded", advice, None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
