//! The reel of a file while it is written: segments as they come, the index at the end.

use blobs::Blobs;
use encode::WrittenSegment;
use reel::{Epoch, encode_epoch, samples_index_key, segment_key, segments_index_key};
use units::ReelId;

use crate::entries::Entries;
use crate::error::WorkerError;
use crate::free::clear_reel;

/// Writes one reel. Some 2 KiB a segment are held until its end.
pub(super) struct ReelWriter<'a> {
    blobs: &'a Blobs,
    reel: ReelId,
    entries: Entries,
}

impl<'a> ReelWriter<'a> {
    /// Begins the reel; what an earlier attempt left of it is removed.
    pub(super) async fn begin(blobs: &'a Blobs, reel: ReelId) -> Result<Self, WorkerError> {
        clear_reel(blobs, reel).await?;
        Ok(Self { blobs, reel, entries: Entries::default() })
    }

    /// Stores the next segments.
    pub(super) async fn add(&mut self, segments: Vec<WrittenSegment>) -> Result<(), WorkerError> {
        for WrittenSegment { bytes, row, page, checks } in segments {
            self.blobs.put(&segment_key(self.reel, row.number), bytes).await?;
            self.entries.add(row, &page, &checks);
        }
        Ok(())
    }

    /// Stores the index: from now on the reel can be read.
    pub(super) async fn end(self, epoch: &Epoch) -> Result<(), WorkerError> {
        // The pages before the rows that speak of them, the parameters before the rows that name them.
        self.blobs.put(&samples_index_key(self.reel), self.entries.pages.into()).await?;
        let rows = [encode_epoch(epoch), self.entries.rows].concat();
        self.blobs.put(&segments_index_key(self.reel), rows.into()).await?;
        Ok(())
    }
}
