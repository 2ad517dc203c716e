//! What can go wrong, by what the caller can do about it.

use codec::TrackKind;
use units::ReelId;

/// The answer of every call here that can fail.
pub type Result<T> = std::result::Result<T, ViewError>;

/// Why there is no such view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    /// The cut has no segment (yet).
    #[error("there is nothing in the cut")]
    Empty,
    /// Its index names an epoch that it does not have.
    #[error("segment {segment} of reel {reel} has parameters that its index does not know")]
    UnknownEpoch {
        /// Whose.
        reel: ReelId,
        /// Which.
        segment: u32,
    },
    /// A sample page does not fit its segment: the index has to be made again.
    #[error("the sample page of segment {segment} of reel {reel} does not fit it")]
    PageMismatch {
        /// Whose.
        reel: ReelId,
        /// Which.
        segment: u32,
    },
    /// There is no such segment, init segment or track.
    #[error("the cut has no such {what}")]
    NoSuch {
        /// What was asked for.
        what: &'static str,
    },
    /// The format cannot hold what is in the cut.
    #[error("the cut has {what}, which {format} cannot hold")]
    Format {
        /// Which.
        format: &'static str,
        /// What it cannot hold.
        what: &'static str,
    },
    /// The renditions are not of one cut.
    #[error("the renditions do not have the same segments")]
    Unaligned,
    /// An MP4 of so many samples is not made.
    #[error("the cut has more than {limit} samples, too many for one MP4")]
    TooManySamples {
        /// The most there may be.
        limit: u64,
    },
    /// The pages were not given once each, in order.
    #[error("a page of segment {expected} of the cut was wanted, one of {found} was given")]
    PageOrder {
        /// Position in the cut.
        expected: usize,
        /// Position in the cut.
        found: usize,
    },
}

pub(crate) fn no_track(track: TrackKind) -> ViewError {
    ViewError::NoSuch {
        what: match track {
            TrackKind::Video => "picture",
            TrackKind::Audio => "sound",
        },
    }
}
