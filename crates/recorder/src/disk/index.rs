//! The two index files of a reel: what lies where in its segments.

use blobs::{AppendFile, Blobs};
use bytes::Bytes;
use reel::{
    Epoch, LostEnd, PageRef, ReelIndex, SamplePage, SegmentRow, encode_checks, encode_epoch, encode_lost_end,
    encode_row, samples_index_key, segments_index_key,
};
use units::ReelId;

use super::ReadObject;
use super::segment::Closed;
use crate::RecorderError;

/// The index is synced at least once in so many segments: at most the pages of that many must be read back after a
/// restart, and two syncs more in a minute cost little beside sixty of the media.
pub(super) const UNSYNCED_ROWS_MAX: usize = 16;

/// Both files, for appending.
pub(super) struct IndexFiles {
    rows: AppendFile,
    pages: AppendFile,
    epochs_written: u32,
    unsynced_rows: usize,
    /// Bytes of both that a sync made durable, as far as is known. What comes after them is at most
    /// [`UNSYNCED_ROWS_MAX`] rows.
    durable: Durable,
    /// A sync failed, in this life or perhaps in an earlier one: what it was for may be lost though later ones succeed.
    doubtful: bool,
}

/// Up to where both files are durable.
#[derive(Clone, Copy, Default, Debug)]
struct Durable {
    rows: u64,
    pages: u64,
}

/// An index found after a restart.
pub(super) struct FoundIndex {
    pub(super) files: IndexFiles,
    pub(super) index: ReelIndex,
    /// Bytes that do not hold and were cut off.
    pub(super) cut_off: u64,
}

impl IndexFiles {
    pub(super) fn create(blobs: &Blobs, reel: ReelId) -> Result<Self, RecorderError> {
        let rows = blobs.append_file(&segments_index_key(reel))?;
        let pages = blobs.append_file(&samples_index_key(reel))?;
        Ok(Self { rows, pages, epochs_written: 0, unsynced_rows: 0, durable: Durable::default(), doubtful: false })
    }

    /// Reads what holds and cuts off the rest. Rows that may have outlived their pages (a power loss keeps unsynced files
    /// in no order) are checked against them and dropped with all that follow; they are made again from the segments.
    pub(super) fn recover(blobs: &Blobs, reel: ReelId, read: &ReadObject<'_>) -> Result<FoundIndex, RecorderError> {
        let mut files = Self::create(blobs, reel)?;
        let bytes = read(&segments_index_key(reel), None)?.unwrap_or_default();
        let (mut index, mut whole, _) = ReelIndex::read(&bytes);
        let pages_end =
            |index: &ReelIndex| index.segments.last().map_or(0, |row| row.page.at + u64::from(row.page.len));
        let doubtful = index.segments.len().saturating_sub(UNSYNCED_ROWS_MAX);
        if let Some(first) = index.segments.get(doubtful) {
            let from = first.page.at;
            let until = pages_end(&index).min(files.pages.len());
            let pages = if from < until { read(&samples_index_key(reel), Some(from..until))? } else { None };
            let pages = pages.unwrap_or_default();
            let holds = |row: &SegmentRow| {
                let at = usize::try_from(row.page.at.checked_sub(from)?).ok()?;
                let page = pages.get(at..at.checked_add(usize::try_from(row.page.len).ok()?)?)?;
                SamplePage::decode(page, row.page.crc).ok()
            };
            if let Some(bad) = index.segments.iter().skip(doubtful).position(|row| holds(row).is_none()) {
                (index, whole) = ReelIndex::read_rows(&bytes, doubtful + bad);
            }
        }
        let cut_off = files.rows.len().saturating_sub(whole);
        files.rows.truncate(whole)?;
        // A page is appended before its row: what lies behind the last row's page belongs to none.
        files.pages.truncate(pages_end(&index))?;
        files.epochs_written = u32::try_from(index.epochs.len()).unwrap_or(u32::MAX);
        // No life leaves more rows than these that it has not synced.
        files.unsynced_rows = index.segments.len().saturating_sub(doubtful);
        // The row before them once more: what follows it, up to the first of them, came with that one.
        let before = doubtful.checked_sub(1);
        files.durable = Durable {
            rows: before.map_or(0, |row| ReelIndex::read_rows(&bytes, row).1),
            pages: before.and_then(|row| index.segments.get(row)).map_or(0, |row| row.page.at),
        };
        files.doubtful = true;
        Ok(FoundIndex { files, index, cut_off })
    }

    /// Appends the page, then the epochs it brings and the row of a segment whose bytes are durable. When it fails, no row
    /// is there and it may be called again. It fails also while so many rows are unsynced that after a power loss they would not
    /// all be looked at.
    pub(super) fn add(&mut self, closed: &Closed) -> Result<PageRef, RecorderError> {
        if self.is_sync_due() {
            self.sync()?;
        }
        let page = closed.page.encode();
        let page_ref = PageRef {
            at: self.pages.len(),
            len: u32::try_from(page.len()).unwrap_or(u32::MAX),
            crc: reel::checksum(&page),
        };
        self.pages.append(&[page.into()])?;
        let new: Vec<&Epoch> = closed.epochs.iter().filter(|epoch| epoch.number >= self.epochs_written).collect();
        let row = SegmentRow { page: page_ref, ..closed.row.clone() };
        let checks = encode_checks(row.number, &closed.checks);
        let records: Vec<Bytes> =
            new.iter().map(|epoch| encode_epoch(epoch)).chain([encode_row(&row), checks]).map(Bytes::from).collect();
        self.rows.append(&records)?;
        self.epochs_written = new.last().map_or(self.epochs_written, |epoch| epoch.number.saturating_add(1));
        self.unsynced_rows += 1;
        Ok(page_ref)
    }

    /// Writes down what was lost after the last segment.
    pub(super) fn add_lost_end(&mut self, lost: &LostEnd) -> Result<(), RecorderError> {
        Ok(self.rows.append(&[encode_lost_end(lost).into()])?)
    }

    /// Whether so many rows are unsynced that [`sync`](Self::sync) is due.
    pub(super) const fn is_sync_due(&self) -> bool {
        self.unsynced_rows >= UNSYNCED_ROWS_MAX
    }

    /// Makes the index survive a power loss: pages before the rows that speak of them. What a failed sync was for is written
    /// again first.
    pub(super) fn sync(&mut self) -> Result<(), RecorderError> {
        if self.doubtful {
            self.pages.rewrite(self.durable.pages)?;
            self.rows.rewrite(self.durable.rows)?;
        }
        if let Err(error) = self.pages.sync_data().and_then(|()| self.rows.sync_data()) {
            self.doubtful = true;
            return Err(error.into());
        }
        self.doubtful = false;
        self.unsynced_rows = 0;
        self.durable = Durable { rows: self.rows.len(), pages: self.pages.len() };
        Ok(())
    }
}
