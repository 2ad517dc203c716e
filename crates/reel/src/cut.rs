//! What an asset is made of.

use serde::{Deserialize, Serialize};
use units::{MediaTime, ReelId};

/// A stretch of one reel: the segments that begin in `[from, to)`, in 90 kHz ticks of the reel's timeline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Span {
    /// Of which reel.
    pub reel: ReelId,
    /// From where.
    pub from: i64,
    /// To where, not included; `i64::MAX` for all that there is.
    pub to: i64,
}

impl Span {
    /// Where it begins.
    pub const fn begin(&self) -> MediaTime {
        MediaTime::reel(self.from)
    }
}

/// The content of an asset: spans, played one after the other.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cut {
    /// In order of play.
    pub spans: Vec<Span>,
}
