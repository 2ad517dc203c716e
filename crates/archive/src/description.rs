//! The rows of a subject as an object in storage.

use blobs::{BlobError, Blobs};
use bytes::Bytes;
use catalog::{Catalog, Rows, Stale, Subject};
use serde::{Deserialize, Serialize};
use units::AssetId;

use crate::error::{ArchiveError, Result};
use crate::receipt::receipt_key;

/// Version of the form of descriptions.
const VERSION: u32 = 1;

/// What a description holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Description {
    /// Of this form; 1 so far.
    pub version: u32,
    /// The rows by table, as the catalog has them.
    pub rows: Rows,
}

/// Key of the description of a subject.
pub fn description_key(subject: Subject) -> String {
    match subject {
        Subject::Asset(asset) => format!("assets/{asset}/asset.json"),
        Subject::Reel(reel) => format!("{}/recording.json", reel::reel_key(reel)),
        Subject::Installation => "catalog/installation.json".to_owned(),
    }
}

/// Writes the description that a mark asks for, from the rows as they are now, and settles the mark. The description of
/// what is not there any more is removed. Doing it twice, or on two nodes at once, is safe.
pub async fn write_description(catalog: &Catalog, blobs: &Blobs, stale: &Stale) -> Result<()> {
    let rows = catalog.rows_of(stale.subject).await?;
    let key = description_key(stale.subject);
    if rows.is_empty() {
        blobs.delete(&key).await?;
        if let Subject::Asset(asset) = stale.subject {
            blobs.delete(&receipt_key(asset)).await?;
        }
    } else {
        put_rows(blobs, stale.subject, rows).await?;
    }
    catalog.settle(stale).await?;
    Ok(())
}

/// Makes sure that an asset is described before anything else is put into its folder: a catalog that is lost between the two
/// would leave files of a video that storage cannot tell of.
pub async fn describe_first(catalog: &Catalog, blobs: &Blobs, asset: AssetId) -> Result<()> {
    let subject = Subject::Asset(asset);
    if let Err(BlobError::NotFound { .. }) = blobs.size(&description_key(subject)).await {
        let rows = catalog.rows_of(subject).await?;
        if !rows.is_empty() {
            put_rows(blobs, subject, rows).await?;
            // Somebody else may have written newer rows meanwhile, and these are over them now.
            catalog.mark_stale(subject).await?;
        }
    }
    Ok(())
}

/// Writes a description from rows.
pub(crate) async fn put_rows(blobs: &Blobs, subject: Subject, rows: Rows) -> Result<()> {
    put_json(blobs, &description_key(subject), &Description { version: VERSION, rows }).await
}

/// Reads a description back; `None` when there is none.
pub async fn read_description(blobs: &Blobs, subject: Subject) -> Result<Option<Description>> {
    let key = description_key(subject);
    match blobs.get(&key).await {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(description) => Ok(Some(description)),
            Err(source) => Err(ArchiveError::Description { key, source }),
        },
        Err(BlobError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes or replaces an object with the JSON text of `value`.
pub(crate) async fn put_json(blobs: &Blobs, key: &str, value: &impl Serialize) -> Result<()> {
    let text =
        serde_json::to_vec_pretty(value).map_err(|source| ArchiveError::Description { key: key.to_owned(), source })?;
    blobs.put(key, Bytes::from(text)).await?;
    Ok(())
}
