//! What is done for all pushes together: cuts that operators asked for, and reports of their media.

use std::sync::Arc;
use std::time::Duration;

use catalog::CatalogError;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::clock::wall;

/// How often cuts are looked for: a cut stream is gone within this and one read.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Looks from one report of all pushes to the next: 5 s. New parameters are reported at the next look.
const LOOKS_PER_REPORT: u32 = 10;

/// Looks and reports until `stop`.
pub(crate) async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut healthy = true;
    for look in 1u32.. {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let result = look_after(&node, look % LOOKS_PER_REPORT == 0).await;
        // Told once when it begins and once when it is over, not twice a second.
        match &result {
            Err(cause) if healthy => tracing::warn!(error = %causes(cause), "pushes cannot be looked after"),
            Ok(()) if !healthy => tracing::info!("pushes are looked after again"),
            Ok(()) | Err(_) => {}
        }
        healthy = result.is_ok();
    }
}

async fn look_after(node: &Node, report_all: bool) -> Result<(), CatalogError> {
    let meters = node.registry.meters();
    if meters.is_empty() {
        return Ok(());
    }
    for push in node.catalog.cuts_requested(&node.settings.node).await? {
        node.registry.cut(push);
    }
    let now = node.clock.now();
    let due = meters.iter().filter(|(_, meter)| report_all || meter.has_news());
    let stats: Vec<_> = due.map(|(push, meter)| (*push, meter.report(now))).collect();
    if !stats.is_empty() {
        node.catalog.update_push_stats(&stats).await?;
    }
    Ok(())
}

/// Ends the pushes that an earlier process of this node left live, trying until the catalog answers; `false` when told to
/// stop before. It must be done before a push is taken, because it cannot tell the old from the new.
pub(crate) async fn close_orphans(node: &Node, stop: &CancellationToken) -> bool {
    loop {
        match node.catalog.close_orphan_pushes(&node.settings.node, wall()).await {
            Ok(0) => return true,
            Ok(closed) => {
                tracing::info!(closed, "ended the pushes of the process before");
                return true;
            }
            Err(cause) => tracing::error!(error = %causes(&cause), "cannot end the pushes of the process before"),
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// An error with all its causes, for the operator.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
