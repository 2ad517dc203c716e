//! `segments.idx`: what is read of it is read again when it is cut where reading ended.
#![no_main]

use reel::ReelIndex;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (index, whole, error) = ReelIndex::read(bytes);
    let kept = usize::try_from(whole).unwrap();
    assert!(kept <= bytes.len() && (error.is_some() || kept == bytes.len()));
    let (again, _, error) = ReelIndex::read(&bytes[..kept]);
    assert!(error.is_none() && again.segments == index.segments);
    let _ = (index.between(i64::MIN, i64::MAX), ReelIndex::read_rows(bytes, 3));
});
