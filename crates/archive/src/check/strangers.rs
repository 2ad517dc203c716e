//! What lies in storage though the catalog does not know it.

use std::collections::{BTreeMap, BTreeSet};

use catalog::Subject;
use units::{AssetId, ReelId};

use super::{Check, Mend};
use crate::description::{description_key, read_description};
use crate::error::Result;

pub(super) async fn check_strangers(
    check: &mut Check<'_>,
    known: &BTreeSet<ReelId>,
    gone: &BTreeSet<ReelId>,
) -> Result<()> {
    let mut strange: BTreeMap<ReelId, u64> = BTreeMap::new();
    let mut left: BTreeMap<ReelId, Vec<String>> = BTreeMap::new();
    for object in check.blobs.list("reels").await? {
        let Some(reel) = folder(&object.key).and_then(|name| name.parse::<ReelId>().ok()) else {
            check.found(object.key, "it belongs to nothing", "remove it when you do not know it either", None);
            continue;
        };
        if !known.contains(&reel) {
            *strange.entry(reel).or_default() += object.size;
        } else if gone.contains(&reel) && object.key != description_key(Subject::Reel(reel)) {
            left.entry(reel).or_default().push(object.key);
        }
    }
    for (reel, bytes) in strange {
        let what = format!("{bytes} bytes of media are in storage, and the catalog does not know them");
        let advice = "run the check with --mend: what storage knows of it comes back";
        check.found(format!("reel {reel}"), what, advice, Some(Mend::Adopt(Subject::Reel(reel))));
    }
    for (reel, keys) in left {
        let what = format!("it was removed, but {} of its files are left", keys.len());
        check.found(format!("reel {reel}"), what, super::BY_MENDING, Some(Mend::Remove(keys)));
    }
    let mut assets = BTreeSet::new();
    for object in check.blobs.list("assets").await? {
        if let Some(asset) = folder(&object.key).and_then(|name| name.parse::<AssetId>().ok()) {
            assets.insert(asset);
        }
    }
    for asset in assets {
        if !check.catalog.rows_of(Subject::Asset(asset)).await?.is_empty() {
            continue;
        }
        let subject = Subject::Asset(asset);
        let readable = matches!(read_description(check.blobs, subject).await, Ok(Some(_)));
        let what = "it is described in storage, and the catalog does not know it";
        let (advice, mend) = match readable {
            true => ("run the check with --mend: it comes back", Some(Mend::Adopt(subject))),
            false => ("its description cannot be read: remove the folder, or bring it back from a copy", None),
        };
        check.found(format!("asset {asset}"), what, advice, mend);
    }
    Ok(())
}

/// The folder below the first one.
fn folder(key: &str) -> Option<&str> {
    key.split('/').nth(1)
}
