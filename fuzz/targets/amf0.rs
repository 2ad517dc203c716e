//! A command message of any content.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut stream = fuzz::greeting();
    fuzz::message(&mut stream, 3, 20, 0, bytes);
    fuzz::feed(&stream, &[]);
    // As arguments of one that is known.
    let connect = [b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0", bytes].concat();
    let mut stream = fuzz::greeting();
    fuzz::message(&mut stream, 3, 20, 0, &connect);
    fuzz::feed(&stream, &[]);
});
