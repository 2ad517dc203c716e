//! H.264: a decoder configuration record, and a sample with lengths of 1, 2 and 4 bytes.
#![no_main]

use bytes::Bytes;
use codec::{AccessUnit, AvcConfig, VideoCodec};
use units::Timescale;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let body = Bytes::copy_from_slice(bytes);
    if let Ok(config) = AvcConfig::parse(&body) {
        let _ = (config.parameter_sets(), config.codec_string("avc1"));
        let _ = config.video_config(body.clone(), Timescale::MILLIS);
    }
    for length_size in [1, 2, 4] {
        let Ok(unit) = AccessUnit::parse(VideoCodec::H264, body.clone(), length_size) else { continue };
        // What comes out has lengths of four bytes, and is read the same again.
        let again = AccessUnit::parse(VideoCodec::H264, unit.data.clone(), 4).expect("what was written can be read");
        assert_eq!((again.picture, again.idr, again.data), (unit.picture, unit.idr, unit.data));
    }
});
