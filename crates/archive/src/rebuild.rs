//! The catalog made anew from storage alone.
//!
//! Everything comes back but what storage cannot know (docs/design/storage.md): jobs and their attempts, deliveries, nonces,
//! pushes that fed no recording, and the numbers that only order rows. What is owed is owed again: an event that was not
//! delivered yet by the time of its last description gets a new job; one that was delivered does not.

use blobs::{BlobError, Blobs};
use catalog::{Catalog, NewRecording, Rows, Subject};
use domain::rule::RecordRule;
use serde::Deserialize;
use units::{AssetId, RecordingId, ReelId, StreamPath, WallTime};

use crate::description::{Description, description_key, read_description};
use crate::error::{ArchiveError, Result};

/// What a rebuild brought back.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rebuilt {
    /// Assets, deleted ones too.
    pub assets: u64,
    /// Reels with their recordings.
    pub reels: u64,
    /// Of these reels, those known only by the recorder's note: the next start makes their videos.
    pub unfinished: u64,
    /// What could not be read, and why, in words.
    pub skipped: Vec<String>,
}

/// The part of the recorder's note (`reel.json`) that a recording can be made from.
#[derive(Deserialize)]
struct Note {
    recording: RecordingId,
    path: StreamPath,
    rule: RecordRule,
    began: WallTime,
}

/// Fills an empty catalog, its schema in place, from what storage describes. `node` is the name under which open
/// recordings are taken up. A description that cannot be read is skipped and told.
pub async fn rebuild(catalog: &Catalog, blobs: &Blobs, node: &str, now: WallTime) -> Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    match read_description(blobs, Subject::Installation).await {
        Ok(Some(described)) => adopt_installation(catalog, &described.rows).await?,
        Ok(None) => rebuilt.skipped.push("what was configured: storage has no description of it".to_owned()),
        Err(error @ ArchiveError::Description { .. }) => rebuilt.skipped.push(told(&error)),
        Err(error) => return Err(error),
    }
    for reel in folders::<ReelId>(blobs, "reels").await? {
        let described = match read_description(blobs, Subject::Reel(reel)).await {
            Ok(described) => described,
            Err(error @ ArchiveError::Description { .. }) => {
                rebuilt.skipped.push(told(&error));
                None
            }
            Err(error) => return Err(error),
        };
        rebuilt.unfinished += u64::from(described.is_none());
        match adopt_reel(catalog, blobs, reel, described, node).await {
            Ok(()) => rebuilt.reels += 1,
            Err(error @ ArchiveError::Description { .. }) => rebuilt.skipped.push(told(&error)),
            Err(error) => return Err(error),
        }
    }
    for asset in folders::<AssetId>(blobs, "assets").await? {
        match read_description(blobs, Subject::Asset(asset)).await {
            Ok(Some(described)) => {
                adopt_asset(catalog, &described.rows, now).await?;
                rebuilt.assets += 1;
            }
            Ok(None) => rebuilt.skipped.push(format!("asset {asset}: there is no description of it")),
            Err(error @ ArchiveError::Description { .. }) => rebuilt.skipped.push(told(&error)),
            Err(error) => return Err(error),
        }
    }
    for recording in catalog.forgotten_composes().await? {
        catalog.compose_again(recording, now).await?;
    }
    Ok(rebuilt)
}

fn told(error: &ArchiveError) -> String {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The ids of the folders below `root`, sorted.
async fn folders<T: std::str::FromStr + Ord>(blobs: &Blobs, root: &str) -> Result<Vec<T>> {
    let listed = blobs.list(root).await?;
    let mut ids: Vec<T> = listed.iter().filter_map(|object| object.key.split('/').nth(1)?.parse().ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Puts back what was configured.
pub(crate) async fn adopt_installation(catalog: &Catalog, rows: &Rows) -> Result<()> {
    catalog.restore(rows).await?;
    Ok(())
}

/// Puts an asset back, owes the events that were not delivered, and has it analysed when it was not, encoded and pictured as far
/// as that had not ended.
pub(crate) async fn adopt_asset(catalog: &Catalog, rows: &Rows, now: WallTime) -> Result<()> {
    let mut tx = catalog.begin().await?;
    tx.restore(rows).await?;
    let of = |table: &str| rows.get(table).into_iter().flatten();
    for event in of("event").filter(|event| event.get("outcome").and_then(|word| word.as_str()) == Some("pending")) {
        if let Some(id) = event.get("id").and_then(|id| id.as_str()?.parse().ok()) {
            tx.owe_again(id, now).await?;
        }
    }
    for asset in of("asset") {
        let is_null = |column: &str| asset.get(column).is_none_or(serde_json::Value::is_null);
        if is_null("analysed")
            && is_null("deleted")
            && let Some(id) = asset.get("id").and_then(|id| id.as_str()?.parse().ok())
        {
            tx.analyse_again(id, now).await?;
        }
        if is_null("deleted")
            && let Some(id) = asset.get("id").and_then(|id| id.as_str()?.parse().ok())
        {
            tx.plan_again(id, now).await?;
            tx.picture_again(id, now).await?;
            tx.upload_again(id, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Puts a reel and its recording back: from its description, or, when there is none, from the note that the recorder
/// wrote before any row; then the recording is open, and the next start finds what became of it.
pub(crate) async fn adopt_reel(
    catalog: &Catalog,
    blobs: &Blobs,
    reel: ReelId,
    described: Option<Description>,
    node: &str,
) -> Result<()> {
    if let Some(described) = described {
        catalog.restore(&described.rows).await?;
        return Ok(());
    }
    let key = reel::reel_description_key(reel);
    let text = match blobs.get(&key).await {
        Ok(text) => text,
        Err(BlobError::NotFound { .. }) => {
            let wanted = <serde_json::Error as serde::de::Error>::custom("there is none");
            return Err(ArchiveError::Description { key: description_key(Subject::Reel(reel)), source: wanted });
        }
        Err(error) => return Err(error.into()),
    };
    let note: Note = serde_json::from_slice(&text).map_err(|source| ArchiveError::Description { key, source })?;
    let new = NewRecording {
        id: note.recording,
        path: note.path,
        rule: note.rule,
        reel,
        node: node.to_owned(),
        began: note.began,
    };
    catalog.begin_recording(&new).await?;
    Ok(())
}
