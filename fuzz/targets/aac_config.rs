//! `AudioSpecificConfig`.
#![no_main]

use bytes::Bytes;
use codec::AacConfig;
use units::Timescale;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(config) = AacConfig::parse(bytes) {
        let _ = (config.silent_frame(), config.codec_string());
        let _ = config.audio_config(Bytes::copy_from_slice(bytes), Timescale::MILLIS);
    }
});
