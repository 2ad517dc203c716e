//! The watermarks that templates name, and the files that the encoder gets of those that are drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use blobs::Blobs;
use bytes::Bytes;
use catalog::{Catalog, watermark_key};
use encode::{Encoding, Laid, MarkFile, Paths, Profile, Template, Watermark, mark_files};
use jobs::Failure;

use crate::error::WorkerError;
use crate::scratch::write;

/// Watermarks as they are when it is decided what is encoded, by the id under which templates name them.
pub(super) struct Watermarks(BTreeMap<String, Watermark>);

/// The ids of the watermarks that these templates name.
pub(super) fn named<'a>(templates: impl Iterator<Item = &'a Template>) -> BTreeSet<String> {
    templates.flat_map(Template::watermarks).cloned().collect()
}

impl Watermarks {
    /// Those of these ids. What is not there, or not any more, is not shown.
    pub(super) async fn of(catalog: &Catalog, ids: BTreeSet<String>) -> catalog::Result<Self> {
        let mut all = BTreeMap::new();
        for id in ids {
            if let Some(known) = catalog.watermark(&id).await? {
                all.insert(id, known.watermark);
            }
        }
        Ok(Self(all))
    }

    /// An encoding with the watermarks of its profile over its pictures.
    pub(super) fn over(&self, profile: &Profile, encoding: Encoding, laid: Laid) -> Encoding {
        let Some(video) = &profile.video else { return encoding };
        let shown = |id: &String| {
            let own = self.0.get(id)?;
            Some(video.shown_instead.get(id).map_or_else(|| own.clone(), |instead| own.showing(instead)))
        };
        let wanted: Vec<Watermark> = video.watermarks.iter().filter_map(shown).collect();
        encoding.marked(&wanted, laid)
    }
}

/// Writes what the marks of these encodings are drawn from into the encoder's folder.
pub(super) async fn write_marks(blobs: &Blobs, folder: &Path, encodings: &[Encoding]) -> Result<(), Failure> {
    for (number, file) in mark_files(encodings).into_iter().enumerate() {
        let bytes = match file {
            MarkFile::Image { hash, kind } => blobs.get(&watermark_key(hash, kind)).await.map_err(WorkerError::from)?,
            MarkFile::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        write(&folder.join(Paths::mark_in(number)), &[bytes]).await?;
    }
    Ok(())
}
