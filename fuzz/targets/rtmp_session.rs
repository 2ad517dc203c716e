//! Chunks after the handshake, before or after `publish`: the first byte chooses, the second how they are split.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [mode, split, rest @ ..] = bytes else { return };
    let mut stream = fuzz::greeting();
    if mode & 1 == 1 {
        fuzz::commands(&mut stream);
    }
    stream.extend_from_slice(rest);
    let whole = fuzz::feed(&stream, &[]);
    let pieces = [3073, usize::from(*split) + 1, 1, 40];
    let split = fuzz::feed(&stream, &pieces);
    assert_eq!(whole.frames, split.frames, "any split gives the same frames");
    assert_eq!(whole.ended, split.ended, "any split ends the same");
});
