//! The alarm of the disk: on while any recording of this process loses media, or waits for the disk longer than it should.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use metrics::gauge;
use reel::LossCause;

/// A call that takes this long raises the alarm though it may end well: what comes meanwhile fills the push's queue.
pub(crate) const STALL: Duration = Duration::from_secs(5);

/// How many recordings are in trouble. The alarm is the process's, as its metrics are.
static TROUBLED: Mutex<usize> = Mutex::new(0);

/// One recording's part in the alarm; dropping it ends its part.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    cause: Option<LossCause>,
}

impl Watch {
    /// Tells how the disk does for this recording.
    pub(crate) fn set(&mut self, cause: Option<LossCause>) {
        let (was, is) = (self.cause.is_some(), cause.is_some());
        self.cause = cause;
        if was == is {
            return;
        }
        let mut troubled = TROUBLED.lock().unwrap_or_else(PoisonError::into_inner);
        *troubled = if is { troubled.saturating_add(1) } else { troubled.saturating_sub(1) };
        match (*troubled, cause) {
            (1, Some(cause)) => {
                gauge!("recorder_disk_alarm").set(1.0);
                tracing::error!(cause = cause.as_str(), "disk alarm: media is not stored as it comes");
            }
            (0, None) => {
                gauge!("recorder_disk_alarm").set(0.0);
                tracing::info!("disk alarm over: media is stored as it comes");
            }
            _ => {}
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn troubled() -> usize {
        *TROUBLED.lock().unwrap()
    }

    #[test]
    fn the_alarm_is_on_while_any_recording_is_in_trouble() {
        let before = troubled();
        let (mut one, mut other) = (Watch::default(), Watch::default());
        one.set(Some(LossCause::Slow));
        one.set(Some(LossCause::Full));
        other.set(Some(LossCause::Full));
        assert_eq!(troubled(), before + 2);
        one.set(None);
        assert_eq!(troubled(), before + 1);
        drop(other);
        assert_eq!(troubled(), before);
    }
}
