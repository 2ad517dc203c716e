//! Pictures against their files.

use std::collections::BTreeSet;

use catalog::{AuditedAsset, PictureState, picture_key};
use domain::picture::PictureName;
use units::JobId;

use super::{BY_MENDING, Check, Mend};
use crate::error::Result;

/// Every picture that the catalog tells of is in storage, and every one in storage is told of or being made.
pub(super) async fn check_pictures(check: &mut Check<'_>, asset: &AuditedAsset, place: &str) -> Result<()> {
    // Files before rows, as in the worker: what was written meanwhile has its row by then.
    let folder = format!("assets/{}/", asset.id);
    let stored = check.blobs.list(folder.trim_end_matches('/')).await?;
    let names = stored.iter().filter_map(|object| object.key.strip_prefix(&folder)?.parse::<PictureName>().ok());
    let stored: BTreeSet<PictureName> = names.collect();
    let jobs = check.catalog.picture_jobs(asset.id).await?;
    let running = jobs.iter().filter(|job| job.state == PictureState::Running);
    let running: BTreeSet<JobId> = running.map(|job| job.id).collect();
    let sets = check.catalog.picture_sets(asset.id).await?;
    for set in &sets {
        let missing: Vec<PictureName> = set.names().filter(|name| !stored.contains(name)).collect();
        if let Some(first) = missing.first().filter(|_| !running.contains(&set.job)) {
            let what = format!("{} of its pictures are not there, {first} first", missing.len());
            check.found(place, what, BY_MENDING, Some(Mend::Picture(set.job)));
        }
    }
    let told = |name: &PictureName| running.contains(&name.job) || sets.iter().any(|set| set.has(name));
    let strange: Vec<String> =
        stored.iter().filter(|name| !told(name)).map(|name| picture_key(asset.id, name)).collect();
    if !check.beside && !strange.is_empty() {
        let what = format!("{} pictures lie beside it that nothing tells of", strange.len());
        check.found(place, what, BY_MENDING, Some(Mend::Remove(strange)));
    }
    Ok(())
}

/// Every picture that is owed will be made.
pub(super) async fn check_forgotten(check: &mut Check<'_>) -> Result<()> {
    for job in check.catalog.forgotten_pictures().await? {
        let what = format!("its pictures of job {} are to be made, and nobody does it", job.id);
        check.found(format!("asset {}", job.asset), what, BY_MENDING, Some(Mend::Picture(job.id)));
    }
    Ok(())
}
