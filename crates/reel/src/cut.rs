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

/// The same content in as few spans as it takes: those that touch become one.
pub fn joined(spans: impl IntoIterator<Item = Span>) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for span in spans {
        match all.last_mut() {
            Some(last) if last.reel == span.reel && last.to == span.from => last.to = span.to,
            _ => all.push(span),
        }
    }
    all
}

/// The content of an asset: spans, played one after the other.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Cut {
    /// In order of play.
    pub spans: Vec<Span>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_that_touch_become_one_and_others_stay_apart() {
        let (one, other) = (ReelId::from_u128(1), ReelId::from_u128(2));
        let span = |reel, from, to| Span { reel, from, to };
        let cycles = [span(one, 0, 10), span(one, 10, 20), span(one, 30, 40), span(other, 40, 50), span(other, 50, 51)];
        assert_eq!(joined(cycles), [span(one, 0, 20), span(one, 30, 40), span(other, 40, 51)]);
        assert_eq!(joined([]), []);
    }
}
