//! Mending what a check found.

use blobs::Blobs;
use catalog::{AssetStatus, Catalog, Subject};
use units::WallTime;

use super::{Mend, Report};
use crate::description::{put_rows, read_description};
use crate::error::Result;
use crate::rebuild::{adopt_asset, adopt_installation, adopt_reel};
use crate::reindex::reindex;

/// Mends what can be mended, each cause once, in the order in which it was found. Tells for each problem that has a mend
/// (by its place in the report) whether it worked. `node` is the name under which recordings are taken up.
pub async fn mend(
    catalog: &Catalog,
    blobs: &Blobs,
    report: &Report,
    node: &str,
    now: WallTime,
) -> Vec<(usize, Result<()>)> {
    let mut done: Vec<&Mend> = Vec::new();
    let mut told = Vec::new();
    for (at, problem) in report.problems.iter().enumerate() {
        let Some(mend) = &problem.mend else { continue };
        if done.contains(&mend) {
            told.push((at, Ok(())));
            continue;
        }
        done.push(mend);
        told.push((at, carry_out(catalog, blobs, mend, node, now).await));
    }
    told
}

async fn carry_out(catalog: &Catalog, blobs: &Blobs, mend: &Mend, node: &str, now: WallTime) -> Result<()> {
    match mend {
        Mend::Describe(subject) => {
            let rows = catalog.rows_of(*subject).await?;
            put_rows(blobs, *subject, rows).await
        }
        Mend::Adopt(subject) => match (subject, read_description(blobs, *subject).await) {
            (Subject::Asset(_), Ok(Some(described))) => adopt_asset(catalog, &described.rows, now).await,
            (Subject::Reel(reel), described) => adopt_reel(catalog, blobs, *reel, described.ok().flatten(), node).await,
            (Subject::Installation, Ok(Some(described))) => adopt_installation(catalog, &described.rows).await,
            (_, Ok(None)) => Ok(()),
            (_, Err(error)) => Err(error),
        },
        Mend::Reindex(reel) => reindex(blobs, *reel).await,
        Mend::Deliver(event) => {
            catalog.owe_again(*event, now).await?;
            Ok(())
        }
        Mend::OweBirth(asset) => {
            let Some(asset) = catalog.asset(*asset).await? else { return Ok(()) };
            if let Some(origin) = &asset.origin {
                catalog.owe_birth(asset.id, origin, asset.status != AssetStatus::ProduceFail, now).await?;
            }
            Ok(())
        }
        Mend::Compose(recording) => Ok(catalog.compose_again(*recording, now).await?),
        Mend::Analyse(asset) => Ok(catalog.analyse_again(*asset, now).await?),
        Mend::Picture(job) => Ok(catalog.make_pictures_again(*job, now).await?),
        Mend::Reopen(recording, cycle) => {
            let made = catalog.assets_by_cycle(*recording).await?;
            let next = made.keys().next_back().map_or(0, |last| last.saturating_add(1));
            Ok(catalog.reopen_recording(*recording, next.min(*cycle), now).await?)
        }
        Mend::Remove(keys) => {
            for key in keys {
                blobs.delete(key).await?;
            }
            Ok(())
        }
        Mend::DropSpans(asset) => {
            catalog.drop_spans_of_deleted(*asset).await?;
            Ok(())
        }
    }
}
