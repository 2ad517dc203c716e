//! What segments add to the index of their reel.

use reel::{PageRef, SamplePage, SegmentRow, checksum, encode_checks, encode_row};

/// The bytes of the two index files, as far as they are known.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    pub(crate) rows: Vec<u8>,
    pub(crate) pages: Vec<u8>,
}

impl Entries {
    /// Adds a segment. Where its page lies is found out here.
    pub(crate) fn add(&mut self, row: SegmentRow, page: &SamplePage, checks: &[u32]) {
        let page = page.encode();
        let page_ref = PageRef {
            at: u64::try_from(self.pages.len()).unwrap_or(u64::MAX),
            len: u32::try_from(page.len()).unwrap_or(u32::MAX),
            crc: checksum(&page),
        };
        self.pages.extend(page);
        let number = row.number;
        self.rows.extend(encode_row(&SegmentRow { page: page_ref, ..row }));
        self.rows.extend(encode_checks(number, checks));
    }
}
