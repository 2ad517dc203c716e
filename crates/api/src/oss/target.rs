//! What a client sends an object for: the source of a video, or a file of the library.

use blobs::Blobs;
use bytes::Bytes;
use catalog::{Catalog, LibraryFile, StoredFile, Upload, UploadState, upload_folder};
use domain::event::FileKind;
use encode::{ImageKind, read_image};
use units::{AssetId, JobId};

use super::{Refused, Said, blocking, has_room, not_waited_for, write};
use crate::state::{ApiState, Settings};

/// Largest picture, in bytes: it is looked at as a whole.
const IMAGE_BYTES_MAX: u64 = 20 << 20;
/// Largest file that is attached to media, in bytes.
pub(crate) const ATTACHED_BYTES_MAX: u64 = 1 << 30;
/// Bytes that are copied at a time.
const COPY_BYTES: u64 = 4 << 20;

/// What an object is for.
pub(super) enum Target {
    /// It becomes a video.
    Video(Upload),
    /// It is kept as it is.
    File(LibraryFile),
}

/// Under what key a client sends the file of a video.
pub(crate) fn object_key(upload: &Upload) -> String {
    let extension = upload.file_name.rsplit_once('.').map_or("", |(_, extension)| extension);
    format!("{}/source.{}", upload.id, extension.to_ascii_lowercase())
}

/// Under what key a client sends a file of the library.
pub(crate) fn file_object(file: &LibraryFile) -> String {
    format!("{}/{}", file.id, file.name())
}

impl Target {
    /// What a temporary key was given for; `None` for what is not there (any more), or does not come from a client.
    pub(super) async fn find(catalog: &Catalog, thing: &str) -> Result<Option<Self>, catalog::CatalogError> {
        let Ok(id) = thing.parse::<JobId>() else { return Ok(None) };
        if let Some(upload) = catalog.upload(id).await?.filter(|upload| upload.source.is_none()) {
            return Ok(Some(Self::Video(upload)));
        }
        Ok(catalog.find_library_file(AssetId::from_u128(id.as_u128())).await?.map(Self::File))
    }

    pub(super) fn object(&self) -> String {
        match self {
            Self::Video(upload) => object_key(upload),
            Self::File(file) => file_object(file),
        }
    }

    /// The folder of its parts.
    pub(super) fn parts_folder(&self) -> String {
        match self {
            Self::Video(upload) => upload_folder(upload.id),
            Self::File(file) => file.parts_folder(),
        }
    }

    pub(super) fn bytes_max(&self, settings: &Settings) -> u64 {
        match self {
            Self::Video(_) => settings.upload_size_max,
            Self::File(file) => match file.kind {
                FileKind::Image => IMAGE_BYTES_MAX.min(settings.upload_size_max),
                FileKind::Attached => ATTACHED_BYTES_MAX.min(settings.upload_size_max),
            },
        }
    }

    /// It may still be sent.
    pub(super) fn is_waiting(&self) -> bool {
        match self {
            Self::Video(upload) => upload.state == UploadState::Waiting,
            Self::File(file) => file.status == catalog::FileStatus::Uploading,
        }
    }

    /// It was sent, whole.
    pub(super) fn is_here(&self) -> bool {
        match self {
            Self::Video(upload) => {
                matches!(upload.state, UploadState::Stored | UploadState::Done) && upload.size_bytes.is_some()
            }
            Self::File(file) => file.status == catalog::FileStatus::Normal,
        }
    }

    pub(super) fn md5(&self) -> Option<&str> {
        match self {
            Self::Video(upload) => upload.md5.as_deref(),
            Self::File(file) => file.md5.as_deref(),
        }
    }
}

/// Makes a file of the library from the parts that it came in. Doing it again makes the same.
pub(super) async fn put_together(state: &ApiState, file: &LibraryFile, parts: &[String]) -> Said<()> {
    archive::describe_first(&state.catalog, &state.blobs, file.id).await.map_err(|error| Refused::failed(&error))?;
    joined(&state.blobs, file.key(), parts).await
}

/// Makes or replaces an object from others, end to end. It survives a power loss when this ends well.
pub(crate) async fn joined(blobs: &Blobs, key: String, parts: &[String]) -> Said<()> {
    has_room(blobs)?;
    let store = blobs.clone();
    let opened = tokio::task::spawn_blocking(move || store.append_file(&key)).await;
    let mut whole = opened.map_err(|error| Refused::failed(&error))??;
    whole = blocking(move || whole.truncate(0).map(|()| whole)).await?;
    for part in parts {
        let size = blobs.size(part).await?;
        let mut at = 0;
        while at < size {
            let end = size.min(at.saturating_add(COPY_BYTES));
            let bytes = blobs.get_range(part, at..end).await?;
            whole = write(whole, bytes, false).await?;
            at = end;
        }
    }
    write(whole, Bytes::new(), true).await.map(drop)
}

/// Ends the upload of a file of the library that is stored now. A picture has to be what its name says; what is none is refused, and may
/// be sent again.
pub(super) async fn finish_file(state: &ApiState, file: &LibraryFile, size_bytes: u64, md5: &str) -> Said<()> {
    let (width, height) = match file.kind {
        FileKind::Attached => (0, 0),
        FileKind::Image => {
            let bytes = state.blobs.get(&file.key()).await?;
            match read_image(&bytes) {
                Some((kind, width, height)) if is_called(kind, &file.extension) => (width, height),
                Some(_) | None => {
                    state.blobs.delete(&file.key()).await?;
                    let message = format!("It is no {} file, or not all of one.", file.extension);
                    return Err(Refused::bad("InvalidArgument", message));
                }
            }
        }
    };
    let stored = StoredFile { size_bytes, md5: md5.to_owned(), width, height };
    if !state.catalog.finish_library_file(file.id, &stored, (state.clock)()).await? {
        return Err(not_waited_for());
    }
    tracing::info!(file = %file.id, bytes = size_bytes, "file of the library sent");
    Ok(())
}

fn is_called(kind: ImageKind, extension: &str) -> bool {
    match kind {
        ImageKind::Png => extension == "png",
        ImageKind::Jpeg => matches!(extension, "jpg" | "jpeg"),
        ImageKind::Gif => extension == "gif",
    }
}
