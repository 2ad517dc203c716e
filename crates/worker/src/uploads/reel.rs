//! The reel of a file while it is written: segments as they come, the index at the end.

use blobs::Blobs;
use encode::WrittenSegment;
use reel::{
    Epoch, PageRef, SegmentRow, checksum, encode_checks, encode_epoch, encode_row, reel_key, samples_index_key,
    segment_key, segments_index_key,
};
use units::ReelId;

use crate::error::WorkerError;

/// Writes one reel. Some 2 KiB a segment are held until its end.
pub(super) struct ReelWriter<'a> {
    blobs: &'a Blobs,
    reel: ReelId,
    rows: Vec<u8>,
    pages: Vec<u8>,
}

impl<'a> ReelWriter<'a> {
    /// Begins the reel; what an earlier attempt left of it is removed. The object of the key `stays` is not its media.
    pub(super) async fn begin(blobs: &'a Blobs, reel: ReelId, stays: &str) -> Result<Self, WorkerError> {
        for object in blobs.list(&reel_key(reel)).await?.into_iter().filter(|object| object.key != stays) {
            blobs.delete(&object.key).await?;
        }
        Ok(Self { blobs, reel, rows: Vec::new(), pages: Vec::new() })
    }

    /// Stores the next segments.
    pub(super) async fn add(&mut self, segments: Vec<WrittenSegment>) -> Result<(), WorkerError> {
        for WrittenSegment { bytes, row, page, checks } in segments {
            self.blobs.put(&segment_key(self.reel, row.number), bytes).await?;
            let page = page.encode();
            let page_ref = PageRef {
                at: u64::try_from(self.pages.len()).unwrap_or(u64::MAX),
                len: u32::try_from(page.len()).unwrap_or(u32::MAX),
                crc: checksum(&page),
            };
            self.pages.extend(page);
            let number = row.number;
            self.rows.extend(encode_row(&SegmentRow { page: page_ref, ..row }));
            self.rows.extend(encode_checks(number, &checks));
        }
        Ok(())
    }

    /// Stores the index: from now on the reel can be read.
    pub(super) async fn end(self, epoch: &Epoch) -> Result<(), WorkerError> {
        // The pages before the rows that speak of them, the parameters before the rows that name them.
        self.blobs.put(&samples_index_key(self.reel), self.pages.into()).await?;
        let rows = [encode_epoch(epoch), self.rows].concat();
        self.blobs.put(&segments_index_key(self.reel), rows.into()).await?;
        Ok(())
    }
}
