//! Reading a reel for the encoder, and the parts of a rendition until they are joined.

use blobs::{BlobError, Blobs};
use bytes::Bytes;
use catalog::{EncodeRun, OPEN_END};
use encode::{Chunk, Growth, Loaded, VideoEncoding, WrittenSegment, chunks};
use reel::{
    Epoch, Join, ReelIndex, SamplePage, SegmentRow, encode_epoch, read_checks, reel_key, samples_index_key,
    segment_key, segments_index_key,
};
use units::{ReelId, WallTime};

use crate::entries::Entries;
use crate::error::WorkerError;

/// 90 kHz ticks of a millisecond.
const TICKS_PER_MS: i64 = 90;

/// A stretch of a reel, and how it is cut.
pub(super) struct Stretch {
    pub(super) index: ReelIndex,
    /// Where a stretch begins or ends inside a segment, so does its row.
    pub(super) rows: Vec<SegmentRow>,
    pub(super) chunks: Vec<Chunk>,
}

/// Which stretch.
#[derive(Clone, Copy)]
pub(super) struct Which {
    pub(super) reel: ReelId,
    pub(super) from: i64,
    pub(super) to: i64,
    /// It begins and ends where it says, not where the segments do that begin in it.
    pub(super) exact: bool,
    /// How it is cut.
    pub(super) growth: Growth,
}

impl Which {
    /// That of a run.
    pub(super) fn of(run: &EncodeRun) -> Self {
        let exact = run.renditions.iter().any(|rendition| rendition.encoding.exact);
        let growth = if run.grew { Growth::Over } else { Growth::Whole };
        Self { exact, growth, ..Self::whole(run.source, run.from_ticks, run.to_ticks) }
    }

    /// The segments that begin between these, all there.
    pub(super) const fn whole(reel: ReelId, from: i64, to: i64) -> Self {
        Self { reel, from, to, exact: false, growth: Growth::Whole }
    }
}

/// Reads the index of a stretch. One whose end is open is as long as its cycle by now.
pub(super) async fn stretch(blobs: &Blobs, which: Which) -> Result<Stretch, WorkerError> {
    let Which { reel, from, to, exact, growth } = which;
    let file = blobs.get(&segments_index_key(reel)).await?;
    let index = ReelIndex::read(&file).0;
    let mut rows = match exact {
        true => cut(&index, from, to),
        false => index.between(from, to).to_vec(),
    };
    if to == OPEN_END {
        let cycle = rows.first().map_or(0, |row| row.cycle);
        rows.retain(|row| row.cycle == cycle);
    }
    let chunks = chunks(&rows, growth);
    Ok(Stretch { index, rows, chunks })
}

/// The segments that have anything between these ticks, as far as they do.
fn cut(index: &ReelIndex, from: i64, to: i64) -> Vec<SegmentRow> {
    let touched = index.segments.iter().filter(|row| row.end > from && row.begin < to);
    let cut = touched.map(|row| {
        let (begin, end) = (row.begin.max(from), row.end.min(to));
        let later = begin.saturating_sub(row.begin) / TICKS_PER_MS;
        let wall = WallTime::from_unix_ms(row.wall.unix_ms.saturating_add(later));
        SegmentRow { begin, end, wall, ..row.clone() }
    });
    cut.collect()
}

impl Stretch {
    /// Where it begins, in 90 kHz ticks.
    pub(super) fn anchor(&self) -> i64 {
        self.rows.first().map_or(0, |row| row.begin)
    }

    /// Whether a row begins, and whether it ends, inside its segment.
    pub(super) fn is_inside(&self, row: &SegmentRow) -> (bool, bool) {
        let stored = usize::try_from(row.number).ok().and_then(|number| self.index.segments.get(number));
        stored.map_or((false, false), |stored| (row.begin > stored.begin, row.end < stored.end))
    }

    /// How many pictures a row has in an encoding; `None` where the index does not say: it was counted when they were placed.
    pub(super) fn pictures(&self, row: &SegmentRow, encoding: &VideoEncoding) -> Option<usize> {
        let video = row.video?;
        match (encoding.fps, self.is_inside(row)) {
            (Some(fps), _) => Some(fps.times(self.anchor(), row.begin, row.end).len()),
            (None, (false, false)) => usize::try_from(video.samples).ok(),
            (None, _) => None,
        }
    }

    /// How long a picture is shown on average, in 90 kHz ticks. The same for every chunk, so that of the first decides: the others
    /// may be still to come.
    pub(super) fn picture_ticks(&self) -> i64 {
        let first = self.chunks.first().map_or(&[][..], |chunk| self.own(chunk));
        let videos = || first.iter().filter_map(|row| Some((row, row.video?)));
        let pictures: i64 = videos().map(|(_, video)| i64::from(video.samples)).sum();
        let ticks: i64 = videos().map(|(row, _)| row.end.saturating_sub(row.begin)).sum();
        (ticks / pictures.max(1)).max(1)
    }

    /// The segments of a chunk.
    pub(super) fn own(&self, chunk: &Chunk) -> &[SegmentRow] {
        self.rows.get(chunk.first..chunk.first + chunk.count).unwrap_or_default()
    }

    /// The segments before and after a chunk, where the reel runs on there with the same parameters.
    pub(super) fn around(&self, chunk: &Chunk) -> (Option<&SegmentRow>, Option<&SegmentRow>) {
        let at = |number: Option<u32>| self.index.segments.get(usize::try_from(number?).ok()?);
        let (Some(first), Some(last)) = (self.own(chunk).first(), self.own(chunk).last()) else { return (None, None) };
        let before = at(first.number.checked_sub(1)).filter(|row| chunk.follows && row.epoch == first.epoch);
        let after =
            at(last.number.checked_add(1)).filter(|row| row.join == Join::Continuous && row.epoch == last.epoch);
        (before, after)
    }
}

/// Reads the sample tables of a segment.
pub(super) async fn load_page(blobs: &Blobs, reel: ReelId, row: &SegmentRow) -> Result<SamplePage, WorkerError> {
    let range = row.page.at..row.page.at.saturating_add(u64::from(row.page.len));
    let page = blobs.get_range(&samples_index_key(reel), range).await?;
    SamplePage::decode(&page, row.page.crc).map_err(|source| WorkerError::Index { reel, source })
}

/// Reads a segment with its sample tables.
pub(super) async fn load(blobs: &Blobs, reel: ReelId, row: &SegmentRow) -> Result<Loaded, WorkerError> {
    let page = load_page(blobs, reel, row).await?;
    let bytes = blobs.get_range(&segment_key(reel, row.number), 0..row.bytes).await?;
    Ok(Loaded { row: row.clone(), begins_inside: false, ends_inside: false, page, bytes })
}

/// The same for a segment that is only a run-up: one that was removed is done without.
pub(super) async fn load_if_there(
    blobs: &Blobs,
    reel: ReelId,
    row: Option<&SegmentRow>,
) -> Result<Option<Loaded>, WorkerError> {
    let Some(row) = row else { return Ok(None) };
    match load(blobs, reel, row).await {
        Ok(loaded) => Ok(Some(loaded)),
        Err(WorkerError::Blobs(BlobError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a chunk adds to the index of its rendition. Its segments and parameters count from 0 here.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) index: ReelIndex,
    pub(super) checks: Vec<Vec<u32>>,
    pub(super) pages: Bytes,
}

/// Keys of what a chunk adds: rows, pages.
pub(super) fn part_keys(reel: ReelId, chunk: u32) -> [String; 2] {
    let folder = reel_key(reel);
    [format!("{folder}/chunk-{chunk:06}.rows"), format!("{folder}/chunk-{chunk:06}.pages")]
}

/// Stores the segments of a chunk, then what it adds to the index. Doing it again changes nothing: an encoder with one thread
/// and the same settings makes the same bytes.
pub(super) async fn put_part(
    blobs: &Blobs,
    reel: ReelId,
    chunk: u32,
    epoch: &Epoch,
    segments: Vec<WrittenSegment>,
) -> Result<(), WorkerError> {
    let mut entries = Entries { rows: encode_epoch(&Epoch { number: 0, ..epoch.clone() }), pages: Vec::new() };
    for (number, segment) in (0u32..).zip(segments) {
        blobs.put(&segment_key(reel, segment.row.number), segment.bytes).await?;
        entries.add(SegmentRow { number, epoch: 0, ..segment.row }, &segment.page, &segment.checks);
    }
    let [rows_key, pages_key] = part_keys(reel, chunk);
    blobs.put(&pages_key, entries.pages.into()).await?;
    blobs.put(&rows_key, entries.rows.into()).await?;
    Ok(())
}

/// Reads what a chunk adds to the index.
pub(super) async fn part(blobs: &Blobs, reel: ReelId, chunk: u32) -> Result<Part, WorkerError> {
    let [rows_key, pages_key] = part_keys(reel, chunk);
    let rows = blobs.get(&rows_key).await?;
    let checks = read_checks(&rows).into_values().collect();
    Ok(Part { index: ReelIndex::read(&rows).0, checks, pages: blobs.get(&pages_key).await? })
}
