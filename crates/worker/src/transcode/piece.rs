//! The pieces that an asset is transcoded in, and which part of each a clip takes.

use blobs::Blobs;
use catalog::PlannedSpan;
use codec::TrackKind;
use encode::{Chunk, Clip, Growth, chunks};
use reel::SegmentRow;
use view::Timeline;

use super::stored::{Stretch, Which, load_page, stretch};
use crate::error::WorkerError;

/// 90 kHz ticks of a millisecond.
const TICKS_PER_MS: i64 = 90;
/// A picture that is so much early, in 90 kHz ticks, is still the one that was meant: half a millisecond, as the clocks of pushes
/// count whole ones.
const SLACK: i64 = 45;

/// A stretch of an asset.
pub(super) struct Piece {
    /// Which.
    pub(super) span: PlannedSpan,
    /// Where it begins on the asset's timeline, in 90 kHz ticks.
    pub(super) begin: i64,
    stretch: Stretch,
}

/// Lays out these spans of an asset whose timeline is known. Those without a segment are passed over.
pub(super) async fn lay_pieces(
    blobs: &Blobs,
    spans: &[reel::Span],
    timeline: &Timeline,
) -> Result<Vec<Piece>, WorkerError> {
    let mut pieces = Vec::with_capacity(spans.len());
    let mut position = 0;
    for span in spans {
        let stretch = stretch(blobs, Which::whole(span.reel, span.from, span.to)).await?;
        let Some(part) = timeline.parts().get(position).filter(|_| !stretch.rows.is_empty()) else { continue };
        position += stretch.rows.len();
        pieces.push(Piece { span: planned(span, &stretch, false), begin: part.begin, stretch });
    }
    Ok(pieces)
}

fn planned(span: &reel::Span, stretch: &Stretch, exact: bool) -> PlannedSpan {
    let count = |chunks: &[Chunk]| u32::try_from(chunks.len()).unwrap_or(u32::MAX);
    PlannedSpan {
        source: span.reel,
        from_ticks: span.from,
        to_ticks: span.to,
        chunks: count(&stretch.chunks),
        grown_chunks: count(&chunks(&stretch.rows, Growth::Over)),
        exact,
    }
}

impl Piece {
    /// From its own reel's timeline to the asset's.
    fn shift(&self) -> i64 {
        self.begin.saturating_sub(self.stretch.anchor())
    }

    /// Where a span that is taken of it begins, on its reel and on the asset's timeline.
    pub(super) fn begin_of(&self, span: &PlannedSpan) -> (i64, i64) {
        let on_reel = if span.exact { span.from_ticks } else { self.stretch.anchor() };
        (on_reel, on_reel.saturating_add(self.shift()))
    }

    /// What a clip takes of it; `None`: nothing. What is taken whole is the same as without a clip.
    pub(super) async fn clipped(&self, blobs: &Blobs, clip: Clip) -> Result<Option<PlannedSpan>, WorkerError> {
        let rows = &self.stretch.rows;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(None) };
        let on_reel = |ms: u64| {
            let ticks = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_MS);
            ticks.saturating_sub(self.shift())
        };
        let from = self.picture_at(blobs, on_reel(clip.begin_ms)).await?.max(first.begin);
        let to = match clip.end_ms {
            Some(end) => self.picture_at(blobs, on_reel(end)).await?.min(last.end),
            None => last.end,
        };
        if from >= to {
            return Ok(None);
        }
        if (from, to) == (first.begin, last.end) {
            return Ok(Some(self.span));
        }
        let span = reel::Span { reel: self.span.source, from, to };
        let stretch = stretch(blobs, Which { exact: true, ..Which::whole(span.reel, from, to) }).await?;
        Ok(Some(planned(&span, &stretch, true)))
    }

    /// Where the first picture lies that is shown at or after `at`; without pictures there, `at` itself.
    async fn picture_at(&self, blobs: &Blobs, at: i64) -> Result<i64, WorkerError> {
        let earliest = at.saturating_sub(SLACK);
        let within = |row: &&SegmentRow| row.begin < earliest && earliest < row.end;
        let Some(row) = self.stretch.rows.iter().find(within) else {
            let next = self.stretch.rows.iter().map(|row| row.begin).find(|begin| *begin >= earliest);
            return Ok(next.unwrap_or(at));
        };
        if row.video.is_none() {
            return Ok(at);
        }
        let page = load_page(blobs, self.span.source, row).await?;
        let mut first = i64::MAX;
        for fragment in page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Video) {
            let mut dts = fragment.dts;
            for sample in &fragment.samples {
                let pts = dts.saturating_add(i64::from(sample.cto));
                if pts >= earliest {
                    first = first.min(pts);
                }
                dts = dts.saturating_add(i64::from(sample.duration));
            }
        }
        // Behind its last picture the next segment begins.
        Ok(first.min(row.end))
    }
}
