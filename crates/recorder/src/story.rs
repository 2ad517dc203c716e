//! The self-description of a reel (`reel.json`): what a catalog made anew would need to know of a recording.

use blobs::Blobs;
use bytes::Bytes;
use domain::rule::RecordRule;
use serde::{Deserialize, Serialize};
use units::{AssetId, RecordingId, ReelId, StreamPath, WallTime};

/// Version of the description's form.
const VERSION: u32 = 1;

/// What `reel.json` holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Story {
    version: u32,
    pub(crate) reel: ReelId,
    pub(crate) recording: RecordingId,
    pub(crate) path: StreamPath,
    pub(crate) rule: RecordRule,
    pub(crate) began: WallTime,
    /// Each cycle's asset, in order.
    pub(crate) cycles: Vec<StoryCycle>,
}

/// One cycle of a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct StoryCycle {
    pub(crate) cycle: u32,
    pub(crate) asset: AssetId,
    /// Where it begins on the reel's timeline, in 90 kHz ticks.
    pub(crate) from: i64,
    pub(crate) began: WallTime,
}

impl Story {
    pub(crate) fn new(
        recording: RecordingId,
        reel: ReelId,
        path: StreamPath,
        rule: RecordRule,
        began: WallTime,
    ) -> Self {
        Self { version: VERSION, reel, recording, path, rule, began, cycles: Vec::new() }
    }

    /// Notes which asset a cycle becomes; what was noted of a cycle of this number before never came to anything.
    pub(crate) fn tell(&mut self, told: StoryCycle) {
        self.cycles.retain(|earlier| earlier.cycle != told.cycle);
        self.cycles.push(told);
        self.cycles.sort_by_key(|told| told.cycle);
    }

    /// Writes the description; an error is logged, as the catalog knows the same.
    pub(crate) async fn publish(&self, blobs: &Blobs) {
        // Numbers, names and ids always have a JSON form.
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        if let Err(error) = blobs.put(&reel::reel_description_key(self.reel), Bytes::from(text)).await {
            tracing::warn!(reel = %self.reel, %error, "the reel's description cannot be written");
        }
    }

    /// Reads the description back; `None` when there is none or it is damaged.
    pub(crate) async fn read(blobs: &Blobs, reel: ReelId) -> Option<Self> {
        let text = blobs.get(&reel::reel_description_key(reel)).await.ok()?;
        serde_json::from_slice(&text).ok()
    }
}
