//! The image of a watermark: what it is, and how large.
#![no_main]

use codec::read_image;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((_, width, height)) = read_image(bytes) else { return };
    assert!(width > 0 && height > 0);
    // What is behind a whole file does not matter.
    assert_eq!(read_image(&[bytes, b"more"].concat()), read_image(bytes));
});
