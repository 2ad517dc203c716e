//! An asset laid out, to find pictures in.

use std::collections::BTreeMap;

use blobs::Blobs;
use catalog::Catalog;
use jobs::Failure;
use reel::{Epoch, ReelIndex, SamplePage, SegmentRow, Span, samples_index_key};
use units::{AssetId, ReelId};
use view::{CutSpan, Growth, SpanView, Timeline};

use crate::analyse::indexes_of;
use crate::error::WorkerError;

/// What an asset is made of.
pub(super) struct PictureSource {
    timeline: Timeline,
    indexes: BTreeMap<ReelId, ReelIndex>,
}

/// Where a time of the asset falls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    /// The position of the segment in the asset.
    pub(super) part: usize,
    /// When that is on the reel's timeline.
    pub(super) at: i64,
}

impl PictureSource {
    /// Lays out an asset; `None` when it is made of nothing, because it was deleted.
    pub(super) async fn of(catalog: &Catalog, blobs: &Blobs, asset: AssetId) -> Result<Option<Self>, Failure> {
        let spans = catalog.spans(asset).await?;
        let spans = spans.iter().map(|span| Span { reel: span.reel, from: span.from_ticks, to: span.to_ticks });
        let cut: Vec<CutSpan> = spans.map(CutSpan::from).collect();
        if cut.is_empty() {
            return Ok(None);
        }
        let indexes = indexes_of(blobs, &cut).await?;
        let views: Vec<_> =
            cut.iter().filter_map(|one| Some(SpanView::new(one.span, indexes.get(&one.span.reel)?))).collect();
        let timeline = Timeline::new(&views, Growth::Whole).map_err(WorkerError::View)?;
        Ok(Some(Self { timeline, indexes }))
    }

    /// Its length in ticks.
    pub(super) fn duration(&self) -> i64 {
        i64::try_from(self.timeline.duration()).unwrap_or(i64::MAX)
    }

    /// Pixels of its first pictures; `None` when it has none.
    pub(super) fn size(&self) -> Option<(u32, u32)> {
        let part = (0..self.timeline.parts().len()).find(|part| self.has_pictures(*part))?;
        self.epoch(part).and_then(size_of)
    }

    fn has_pictures(&self, part: usize) -> bool {
        self.row(part).is_some_and(|(_, row)| row.video.is_some())
    }

    /// The segment at a position, and its reel.
    pub(super) fn row(&self, part: usize) -> Option<(ReelId, &SegmentRow)> {
        self.timeline.parts().get(part).map(|part| (part.reel, &part.row))
    }

    /// The parameters of the segment at a position.
    pub(super) fn epoch(&self, part: usize) -> Option<&Epoch> {
        let (reel, row) = self.row(part)?;
        self.indexes.get(&reel)?.epoch(row.epoch)
    }

    /// Where the picture is stored that stands at a time of the asset. Where there is none, because pictures began late or stayed
    /// away for a while, it is the last one before, or else the first one.
    pub(super) fn place(&self, at: i64) -> Option<Place> {
        let parts = self.timeline.parts();
        let shown = parts.partition_point(|part| part.begin <= at).saturating_sub(1);
        let here = parts.get(shown)?;
        if self.has_pictures(shown) {
            return Some(Place { part: shown, at: here.row.begin.saturating_add(at.saturating_sub(here.begin)) });
        }
        if let Some(before) = (0..shown).rev().find(|part| self.has_pictures(*part)) {
            return Some(Place { part: before, at: i64::MAX });
        }
        let after = (shown..parts.len()).find(|part| self.has_pictures(*part))?;
        Some(Place { part: after, at: i64::MIN })
    }

    /// Reads the sample tables of the segment at a position.
    pub(super) async fn page(&self, blobs: &Blobs, part: usize) -> Result<Option<SamplePage>, WorkerError> {
        let Some((reel, row)) = self.row(part) else { return Ok(None) };
        let range = row.page.at..row.page.at.saturating_add(u64::from(row.page.len));
        let page = blobs.get_range(&samples_index_key(reel), range).await?;
        SamplePage::decode(&page, row.page.crc).map(Some).map_err(|source| WorkerError::Index { reel, source })
    }
}

/// Pixels of the pictures of an epoch.
pub(super) fn size_of(epoch: &Epoch) -> Option<(u32, u32)> {
    epoch.video.as_ref().map(|video| (u32::from(video.width), u32::from(video.height)))
}
