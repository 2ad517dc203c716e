//! A `moof` and the header of its `mdat`.
#![no_main]

use container::read_fragment;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let length = u64::try_from(bytes.len()).unwrap();
    for available in [length, length / 2, u64::MAX] {
        let Ok(head) = read_fragment(bytes, available) else { continue };
        let (head, body) = (u64::from(head.head), u64::from(head.body));
        assert!(head <= length && head.saturating_add(body) <= available);
    }
});
