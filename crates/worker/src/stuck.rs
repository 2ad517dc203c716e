//! Ends work of which a job was given up. A job that killed its worker every time has nobody who would say so, so this looks for them.

use std::time::Duration;

use catalog::Catalog;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::{pictures, transcode, uploads};

/// How often they are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Looks until `shutdown`. What cannot be looked for, because the catalog does not answer, is looked for in the next round.
pub(crate) async fn watch(catalog: Catalog, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        for (what, looked) in [
            ("encodes", transcode::give_up_stuck(&catalog).await),
            ("pictures", pictures::give_up_stuck(&catalog).await),
            ("uploads", uploads::give_up_stuck(&catalog).await),
        ] {
            if let Err(error) = looked {
                tracing::warn!(error = chain(&error), "cannot look for {what} that failed; the next round tries again");
            }
        }
    }
}
