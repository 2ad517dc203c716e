//! Files of the library as they were sent: `/v/{id}/file.png`.

use std::sync::Arc;

use ::door::{Keep, tag};
use axum::response::Response;
use blobs::BlobError;
use catalog::{Catalog, FileStatus, LibraryFile};
use moka::future::Cache;
use units::AssetId;

use crate::ANSWER_AGE_MAX;
use crate::error::{OriginError, Result};
use crate::kept::kept;
use crate::reply::{Content, Reply};
use crate::store::Store;
use crate::viewer::Viewer;

/// Answers of the catalog that are kept; each takes some 500 bytes.
const ANSWERS_MAX: u64 = 10_000;
/// What the names of files begin with.
const STEM: &str = "file.";

/// What is served of the library.
pub(crate) struct Files {
    catalog: Catalog,
    store: Store,
    answers: Cache<AssetId, Option<Arc<LibraryFile>>>,
}

/// Whether a name is that of a file of the library, not of a view.
pub(crate) fn is_one(name: &str) -> bool {
    name.starts_with(STEM)
}

impl Files {
    pub(crate) fn new(catalog: Catalog, store: Store) -> Self {
        let answers = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build();
        Self { catalog, store, answers }
    }

    pub(crate) async fn answer(&self, id: AssetId, name: &str, viewer: &Viewer) -> Result<Response> {
        let ask = async || Ok(self.catalog.find_library_file(id).await?.map(Arc::new));
        let asked = kept(&self.answers, id, ask).await?;
        let file = asked.filter(|file| file.status == FileStatus::Normal && file.name() == name).ok_or(NO_FILE)?;
        let key = file.key();
        let size = match self.store.blobs.size(&key).await {
            Ok(size) => size,
            Err(BlobError::NotFound { .. }) => {
                tracing::error!(key, "a file of the library is not in storage");
                return Err(NO_FILE);
            }
            Err(error) => return Err(error.into()),
        };
        let reply = Reply {
            content_type: content_type(&file.extension),
            keep: Keep::Forever,
            tag: tag((&key, size, &file.md5)),
            content: Content::Object { key, size },
        };
        Ok(reply.answer(viewer, &self.store))
    }
}

const NO_FILE: OriginError = OriginError::NotFound { what: "the file" };

/// What a file is told to be by its extension. What browsers would run in a page is only handed out to be kept.
fn content_type(extension: &str) -> &'static str {
    match extension {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "vtt" => "text/vtt; charset=utf-8",
        "srt" | "ass" | "ssa" | "txt" => "text/plain; charset=utf-8",
        "mp4" | "m4v" => "video/mp4",
        "mov" => "video/quicktime",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_run_is_only_bytes() {
        assert_eq!(content_type("png"), "image/png");
        for extension in ["svg", "html", "js", "xml", ""] {
            assert_eq!(content_type(extension), "application/octet-stream", "{extension}");
        }
        assert!(is_one("file.png") && !is_one("source.mp4"));
    }
}
