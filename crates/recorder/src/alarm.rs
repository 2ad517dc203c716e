//! The alarm of the disk: on while any recording of this process loses media, or waits for the disk longer than it should.

use std::time::Duration;

use blobs::{Blobs, Change};
use metrics::gauge;
use reel::LossCause;
use units::StreamPath;

/// A call that takes this long raises the alarm though it may end well: what comes meanwhile fills the push's queue.
pub(crate) const STALL: Duration = Duration::from_secs(5);

/// One recording's part in the alarm, told to the metrics and the log as well; dropping it ends its part.
#[derive(Debug)]
pub(crate) struct Watch(blobs::Watch);

impl Watch {
    /// The part of a recording of `path`.
    pub(crate) fn new(blobs: &Blobs, path: StreamPath) -> Self {
        Self(blobs.alarm().watch(path))
    }

    /// Tells how the disk does for this recording.
    pub(crate) fn set(&mut self, cause: Option<LossCause>) {
        match self.0.set(cause) {
            Change::Raised(cause) => {
                gauge!("recorder_disk_alarm").set(1.0);
                tracing::error!(cause = cause.as_str(), "disk alarm: media is not stored as it comes");
            }
            Change::Cleared => {
                gauge!("recorder_disk_alarm").set(0.0);
                tracing::info!("disk alarm over: media is stored as it comes");
            }
            Change::Same => {}
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(None);
    }
}
