//! The header of an MP3 frame.
#![no_main]

use codec::{Mp3Config, mp3_frame_bytes};
use units::Timescale;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(config) = Mp3Config::parse(bytes) else { return };
    // What it says can be said again.
    assert_eq!(Mp3Config::parse(&config.record()), Ok(config));
    let silent = config.silent_frame();
    assert_eq!(mp3_frame_bytes(&silent), Some(silent.len()));
    let _ = (config.has_frame(bytes), config.audio_config(Timescale::MILLIS));
});
