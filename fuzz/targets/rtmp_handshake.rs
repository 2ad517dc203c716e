//! The first bytes of a connection, whatever they are.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let whole = fuzz::feed(bytes, &[]);
    assert_eq!(whole, fuzz::feed(bytes, &[1, 7, 1537]), "any split gives the same");
    // And cut off by a client that did greet.
    let mut greeted = fuzz::greeting();
    greeted.truncate(1 + 1536);
    greeted.extend_from_slice(bytes);
    fuzz::feed(&greeted, &[]);
});
