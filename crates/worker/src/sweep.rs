//! What is done now and then: videos that their rule does not keep are deleted, garbage whose time has come is freed, and
//! history that has had its time goes.
//!
//! Not jobs: whatever is missed is found by the next round. Several nodes may do this at once.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::{Catalog, CatalogError, CleanAfter, Kept, Retention, StoredBytes};
use domain::retention::{Item, expired};
use domain::rule::{RecordRule, select};
use tokio_util::sync::CancellationToken;

use crate::clock::now;
use crate::error::chain;

/// How often videos are held against what their rules keep.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// Rounds between two counts of what is stored.
const MEASURE_EVERY: u32 = 10;
/// Rounds between two cleanings of history.
const CLEAN_EVERY: u32 = 60;
/// The round of the first: a start has better things to do.
const CLEAN_FIRST: u32 = 5;

/// Runs until `shutdown`.
pub(crate) async fn run(
    catalog: Catalog,
    undelete_window: Duration,
    clean_after: CleanAfter,
    shutdown: CancellationToken,
) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    let mut round = 0u32;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if round.is_multiple_of(MEASURE_EVERY)
            && let Err(error) = measure(&catalog).await
        {
            tracing::warn!(error = chain(&error), "what is stored cannot be counted; a later round tries again");
        }
        let clean = (round % CLEAN_EVERY == CLEAN_FIRST).then_some(clean_after);
        if let Err(error) = sweep(&catalog, undelete_window, clean).await {
            tracing::warn!(error = chain(&error), "what is due cannot be deleted; the next round tries again");
        }
        round = round.wrapping_add(1);
    }
}

async fn sweep(catalog: &Catalog, undelete_window: Duration, clean: Option<CleanAfter>) -> Result<(), CatalogError> {
    let mut by_domain: BTreeMap<String, Vec<(RecordRule, Retention)>> = BTreeMap::new();
    for (rule, retention) in catalog.rules_with_retention().await? {
        by_domain.entry(rule.key.domain.clone()).or_default().push((rule, retention));
    }
    for (domain, rules) in by_domain {
        let kept = catalog.kept_of_domain(&domain).await?;
        for (asset, rule) in due(&rules, &kept) {
            if catalog.delete_asset(asset.id, undelete_window, now()).await? {
                tracing::info!(asset = %asset.id, stream = %asset.path, %rule, "deleted, as its rule keeps no more");
                metrics::counter!("worker_retired_assets_total").increment(1);
            }
        }
    }
    for asset in catalog.outlived_assets(now()).await? {
        if catalog.delete_asset(asset, undelete_window, now()).await? {
            tracing::info!(%asset, "deleted, as it was to be kept until now");
            metrics::counter!("worker_retired_assets_total").increment(1);
        }
    }
    catalog.free_what_is_due(now()).await?;
    if let Some(after) = clean {
        let rows = catalog.clean(after).await?;
        tracing::debug!(rows, "history that has had its time is gone");
    }
    Ok(())
}

/// Tells how much is stored.
async fn measure(catalog: &Catalog) -> Result<(), CatalogError> {
    let StoredBytes { sources, outputs, files } = catalog.stored_bytes().await?;
    for (of, bytes) in [("sources", sources), ("outputs", outputs), ("files", files)] {
        // A metric is a float; whole MiB are told exactly.
        let mib = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
        metrics::gauge!("library_stored_bytes", "of" => of).set(f64::from(mib) * 1_048_576.0);
    }
    Ok(())
}

/// The videos that their rules do not keep: each belongs to the rule that would record its stream now.
fn due<'a>(rules: &[(RecordRule, Retention)], kept: &'a [Kept]) -> Vec<(&'a Kept, String)> {
    let bare: Vec<RecordRule> = rules.iter().map(|(rule, _)| rule.clone()).collect();
    let mut due = Vec::new();
    for (rule, retention) in rules.iter().filter(|(_, retention)| *retention != Retention::default()) {
        let of_rule = |asset: &&Kept| select(&bare, &asset.path).is_some_and(|selected| selected.key == rule.key);
        let items: Vec<Item<&Kept>> = kept
            .iter()
            .filter(of_rule)
            .map(|asset| Item { id: asset, ended: asset.ended, size_bytes: asset.size_bytes })
            .collect();
        let age = retention.days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
        let key = format!("{}/{}/{}", rule.key.domain, rule.key.app, rule.key.stream);
        let gone = expired(&items, age, retention.quota_bytes, now());
        due.extend(gone.into_iter().map(|asset| (asset, key.clone())));
    }
    due
}
