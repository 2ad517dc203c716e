//! What a view is made of.

use std::ops::Range;

use bytes::Bytes;
use units::ReelId;

/// Some bytes of a view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// Bytes of a stored segment's file.
    Stored {
        /// Whose segment.
        reel: ReelId,
        /// Which.
        segment: u32,
        /// Which bytes of its file.
        range: Range<u64>,
    },
    /// Bytes that are stored nowhere.
    Made(Bytes),
}

impl Piece {
    /// Bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Stored { range, .. } => range.end.saturating_sub(range.start),
            Self::Made(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part `range` of its bytes, cut to where it ends.
    pub(crate) fn part(&self, range: Range<u64>) -> Self {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        match self {
            Self::Stored { reel, segment, range } => Self::Stored {
                reel: *reel,
                segment: *segment,
                range: range.start.saturating_add(start)..range.start.saturating_add(end),
            },
            Self::Made(bytes) => {
                let at = |n: u64| usize::try_from(n).unwrap_or(bytes.len()).min(bytes.len());
                Self::Made(bytes.slice(at(start)..at(end)))
            }
        }
    }
}

/// Bytes of all of them.
pub fn total(pieces: &[Piece]) -> u64 {
    pieces.iter().fold(0, |sum: u64, piece| sum.saturating_add(piece.len()))
}

/// The bytes `range` of pieces laid end to end; a range beyond their end is cut there.
pub fn slice(pieces: &[Piece], range: Range<u64>) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut at = 0u64;
    for piece in pieces {
        let end = at.saturating_add(piece.len());
        let (from, to) = (range.start.max(at), range.end.min(end));
        if from < to {
            out.push(piece.part(from - at..to - at));
        }
        at = end;
    }
    out
}
