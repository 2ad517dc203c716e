//! A page of sample tables with a right checksum: what is read is written the same.
#![no_main]

use reel::SamplePage;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = SamplePage::decode(bytes, 0);
    if let Ok(page) = SamplePage::decode(bytes, crc32fast::hash(bytes)) {
        let written = page.encode();
        let again = SamplePage::decode(&written, crc32fast::hash(&written)).expect("what was written can be read");
        assert_eq!(again, page);
        for fragment in &page.fragments {
            let _ = (fragment.bytes(), fragment.dts_end(), fragment.pts_range());
        }
    }
});
