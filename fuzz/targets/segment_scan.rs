//! A stored segment that a crash or a bad disk left: found whole fragments lie inside the file, one after the other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let scanned = reel::scan_segment(bytes);
    let page = scanned.page;
    let mut end = 0;
    for fragment in &page.fragments {
        assert!(fragment.at >= end, "fragments do not lie over each other");
        end = fragment.at + fragment.bytes();
        assert!(end <= u64::try_from(bytes.len()).unwrap(), "a fragment ends inside the file");
    }
});
