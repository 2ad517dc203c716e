//! Files of the library against the store.

use blobs::BlobError;

use super::Check;
use crate::error::Result;

/// Files read at a time.
const PAGE: u32 = 500;

/// Every file that is told to be here is, with all its bytes.
pub(super) async fn check_files(check: &mut Check<'_>) -> Result<()> {
    let mut after = None;
    loop {
        let page = check.catalog.stored_library_files(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for file in &page {
            let what = match check.blobs.size(&file.key()).await {
                Ok(size) if size == file.size_bytes => continue,
                Ok(size) => format!("its file has {size} bytes instead of {}", file.size_bytes),
                Err(BlobError::NotFound { .. }) => "its file is not there".to_owned(),
                Err(error) => return Err(error.into()),
            };
            let place = format!("file {} ({:?})", file.id, file.title);
            check.found(place, what, "send it anew, or bring it back from a copy of the media folder", None);
        }
    }
}
