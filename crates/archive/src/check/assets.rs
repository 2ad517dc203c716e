//! Assets against their spans, events and descriptions.

use std::collections::BTreeSet;

use catalog::{AuditedAsset, Subject};
use domain::event::Event;
use units::AssetId;

use super::pictures::{check_forgotten, check_pictures};
use super::{BY_MENDING, Check, Mend};
use crate::description::{description_key, read_description};
use crate::error::{ArchiveError, Result};

/// Assets read at a time.
const PAGE: u32 = 500;

pub(super) async fn check_assets(check: &mut Check<'_>) -> Result<()> {
    let forgotten: BTreeSet<AssetId> = check.catalog.forgotten_analyses().await?.into_iter().collect();
    let mut after = None;
    loop {
        let page = check.catalog.audited_assets(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for asset in &page {
            check.report.assets += 1;
            check_asset(check, asset, &forgotten).await?;
        }
    }
    check_forgotten(check).await?;
    for (event, asset) in check.catalog.forgotten_events().await? {
        let place = format!("asset {asset}");
        check.found(
            place,
            format!("its event {event} is owed and nobody delivers it"),
            BY_MENDING,
            Some(Mend::Deliver(event)),
        );
    }
    Ok(())
}

async fn check_asset(check: &mut Check<'_>, asset: &AuditedAsset, forgotten: &BTreeSet<AssetId>) -> Result<()> {
    let place = format!("asset {} ({:?})", asset.id, asset.title);
    let spans = check.catalog.spans(asset.id).await?;
    match (asset.deleted, spans.is_empty()) {
        (false, true) if asset.failed || asset.sourceless => {}
        (false, true) => check.found(
            &place,
            "it is made of nothing",
            "delete it, or bring the catalog back with `reprise rebuild`",
            None,
        ),
        (true, false) => {
            check.found(&place, "it is deleted and still holds media", BY_MENDING, Some(Mend::DropSpans(asset.id)))
        }
        (false, false) | (true, true) => {}
    }
    if let Some((_, cycle)) = asset.of {
        check_birth(check, asset, cycle.is_some(), &place).await?;
    }
    if forgotten.contains(&asset.id) {
        let what = "its source was never analysed and nothing will";
        check.found(&place, what, BY_MENDING, Some(Mend::Analyse(asset.id)));
    }
    check_pictures(check, asset, &place).await?;
    check_description(check, Subject::Asset(asset.id), &place).await
}

/// A recorded video was told once, as a cycle or as all of them.
async fn check_birth(check: &mut Check<'_>, asset: &AuditedAsset, is_cycle: bool, place: &str) -> Result<()> {
    let name = if is_cycle { "AddLiveRecordVideoComplete" } else { "LiveRecordVideoComposeStart" };
    let is_birth = |event: &Event| match event {
        Event::CycleBecameAsset { .. } => is_cycle,
        Event::ComposeBegan { .. } => !is_cycle,
        _ => false,
    };
    let events = check.catalog.events_of_asset(asset.id).await?;
    let births = events.iter().filter(|event| is_birth(&event.event.event)).count();
    // Events of what was deleted long ago are forgotten.
    if births == 0 && !asset.deleted {
        let what = format!("its {name} was never owed");
        check.found(place, what, BY_MENDING, Some(Mend::OweBirth(asset.id)));
    }
    if births > 1 {
        let what = format!("its {name} is owed {births} times");
        check.found(place, what, "tell the receiver to take it once; please report this", None);
    }
    Ok(())
}

/// What was configured is described.
pub(super) async fn check_installation(check: &mut Check<'_>) -> Result<()> {
    check_description(check, Subject::Installation, "the installation").await
}

/// The description in storage says what the rows say, unless it is known to be behind.
pub(super) async fn check_description(check: &mut Check<'_>, subject: Subject, place: &str) -> Result<()> {
    if check.behind.contains(&subject) {
        return Ok(());
    }
    let key = description_key(subject);
    let what = match read_description(check.blobs, subject).await {
        Ok(None) => format!("its description {key} is not there"),
        Ok(Some(described)) if described.rows != check.catalog.rows_of(subject).await? => {
            format!("its description {key} says something else than the catalog")
        }
        Ok(Some(_)) => return Ok(()),
        Err(ArchiveError::Description { .. }) => format!("its description {key} is damaged"),
        Err(error) => return Err(error),
    };
    check.found(place, what, BY_MENDING, Some(Mend::Describe(subject)));
    Ok(())
}
