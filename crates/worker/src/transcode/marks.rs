//! The watermarks that templates name, and the files that the encoder gets of those that are drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use blobs::Blobs;
use bytes::Bytes;
use catalog::{Catalog, subtitles_key, watermark_key};
use encode::{
    Encoding, Input, Laid, MarkFile, Paths, Profile, Subtitle, Template, Watermark, mark_files, read_subtitles,
};
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

    /// An encoding with the watermarks and subtitles of its profile over its pictures.
    pub(super) fn over(&self, profile: &Profile, encoding: Encoding, laid: Laid) -> Encoding {
        let Some(video) = &profile.video else { return encoding };
        let shown = |id: &String| {
            let own = self.0.get(id)?;
            Some(video.shown_instead.get(id).map_or_else(|| own.clone(), |instead| own.showing(instead)))
        };
        let wanted: Vec<Watermark> = video.watermarks.iter().filter_map(shown).collect();
        encoding.marked(&wanted, laid).subtitled(&video.subtitles, laid)
    }
}

/// Writes what the marks and subtitles of these encodings are drawn from into the encoder's folder.
pub(super) async fn write_marks(
    blobs: &Blobs,
    folder: &Path,
    input: &Input,
    encodings: &[Encoding],
) -> Result<(), Failure> {
    for (number, file) in mark_files(encodings).into_iter().enumerate() {
        let bytes = match file {
            MarkFile::Image { hash, kind } => blobs.get(&watermark_key(hash, kind)).await.map_err(WorkerError::from)?,
            MarkFile::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        write(&folder.join(Paths::mark_in(number)), &[bytes]).await?;
    }
    // The sizes of a ladder have the same.
    let mut read: BTreeMap<&[String], Vec<Subtitle>> = BTreeMap::new();
    for (number, encoding) in encodings.iter().enumerate() {
        let Some(subtitles) = encoding.video.as_ref().and_then(|video| video.subtitles.as_ref()) else { continue };
        let files = subtitles.files.as_slice();
        if !read.contains_key(files) {
            read.insert(files, cues_of(blobs, files).await?);
        }
        let cues = read.get(files).map(Vec::as_slice).unwrap_or_default();
        if let Some(script) = input.subtitle_script(encoding, cues) {
            write(&folder.join(Paths::subtitles_in(number)), &[Bytes::from(script)]).await?;
        }
    }
    Ok(())
}

/// All that is in these files of subtitles.
async fn cues_of(blobs: &Blobs, files: &[String]) -> Result<Vec<Subtitle>, Failure> {
    let mut cues = Vec::new();
    for hash in files {
        let bytes = blobs.get(&subtitles_key(hash)).await.map_err(WorkerError::from)?;
        let read = read_subtitles(&String::from_utf8_lossy(&bytes));
        cues.extend(read.map_err(|error| Failure::GiveUp(format!("subtitles cannot be read: {error}")))?);
    }
    Ok(cues)
}
