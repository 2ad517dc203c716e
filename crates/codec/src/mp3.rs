//! MP3 frame headers (ISO/IEC 11172-3 §2.4.1.3, and 13818-3 §2.4.1 for the lower sampling rates).
//!
//! A frame tells all about itself; there is no configuration beside it. The *record* of a track is the header that all its frames
//! have in common: without padding and without what a stereo coder chooses anew for each frame.

use bytes::Bytes;
use units::Timescale;

use crate::{AudioCodec, AudioConfig, CodecError};

/// Bytes of a frame's header.
const HEADER_BYTES: usize = 4;
/// Eleven bits that begin every frame.
const SYNC: u32 = 0xffe0_0000;
/// What of a header is in a record: all but padding, private bit, mode extension, copyright, original and emphasis.
const RECORD: u32 = 0xffff_fcc0;
const PADDING: u32 = 0x200;
/// Joint stereo and one channel (§2.4.2.3, `mode`).
const MODE_JOINT: u32 = 0b01;
const MODE_SINGLE: u32 = 0b11;
/// Bit rates by `bitrate_index`, in kilobits per second, for rates from 32 kHz on and below.
const KBPS: [u32; 14] = [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const KBPS_LOW: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const RATES: [u32; 3] = [44_100, 48_000, 32_000];
const RATES_LOW: [u32; 3] = [22_050, 24_000, 16_000];
const FRAME: &str = "MP3 frame";

/// What the header of an MP3 frame says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mp3Config {
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u16,
    /// Kilobits per second.
    pub kbps: u32,
}

impl Mp3Config {
    /// Of a track with these values; the bit rate is the nearest that there is. `None` when there is no such sampling rate.
    pub fn new(sample_rate: u32, channels: u16, kbps: u32) -> Option<Self> {
        let known = if is_low(sample_rate) { RATES_LOW } else { RATES };
        let rates = if is_low(sample_rate) { KBPS_LOW } else { KBPS };
        let nearest = rates.into_iter().min_by_key(|rate| rate.abs_diff(kbps))?;
        known.contains(&sample_rate).then_some(Self { sample_rate, channels: channels.clamp(1, 2), kbps: nearest })
    }

    /// Reads the header of a frame, or a record.
    ///
    /// Other layers, free formats, and the lowest sampling rates of a later extension are refused.
    pub fn parse(frame: &[u8]) -> Result<Self, CodecError> {
        let header = header(frame).ok_or_else(|| CodecError::malformed(FRAME, "shorter than its header"))?;
        let version = (header >> 19) & 0b11;
        if header & SYNC != SYNC || (header >> 17) & 0b11 != 0b01 || version < 0b10 {
            return Err(CodecError::malformed(FRAME, format!("a header of {header:08x}")));
        }
        let (rates, kbps) = if version == 0b11 { (RATES, KBPS) } else { (RATES_LOW, KBPS_LOW) };
        let index = |bits: u32| usize::try_from(bits).unwrap_or(usize::MAX);
        let rate = rates.get(index((header >> 10) & 0b11));
        let kbps = index((header >> 12) & 0b1111).checked_sub(1).and_then(|at| kbps.get(at));
        let (Some(sample_rate), Some(kbps)) = (rate.copied(), kbps.copied()) else {
            return Err(CodecError::malformed(FRAME, format!("no bit rate or sampling rate in {header:08x}")));
        };
        let channels = if (header >> 6) & 0b11 == MODE_SINGLE { 1 } else { 2 };
        Ok(Self { sample_rate, channels, kbps })
    }

    /// The record of a track with these parameters.
    pub fn record(&self) -> Bytes {
        Bytes::copy_from_slice(&self.header().to_be_bytes())
    }

    fn header(&self) -> u32 {
        let low = is_low(self.sample_rate);
        let (rates, all) = if low { (RATES_LOW, KBPS_LOW) } else { (RATES, KBPS) };
        let at =
            |list: &[u32], value: u32| list.iter().position(|one| *one == value).and_then(|at| u32::try_from(at).ok());
        let (rate, kbps) = (at(&rates, self.sample_rate).unwrap_or(0), at(&all, self.kbps).unwrap_or(0) + 1);
        let mode = if self.channels == 1 { MODE_SINGLE } else { MODE_JOINT };
        // Version, layer III, no checksum.
        SYNC | (if low { 0b10 } else { 0b11 } << 19)
            | (0b01 << 17)
            | (1 << 16)
            | (kbps << 12)
            | (rate << 10)
            | (mode << 6)
    }

    /// Whether a frame is one of a track with these parameters that can be decoded without the frames before it: all its bits
    /// are its own (`main_data_begin` is 0, §2.4.2.7).
    pub fn has_frame(&self, frame: &[u8]) -> bool {
        let same = header(frame).is_some_and(|header| (header & RECORD) == (self.header() & RECORD));
        let bits = match frame.get(HEADER_BYTES..HEADER_BYTES + 2) {
            // 9 bits, or 8 with the lower rates.
            Some(&[first, second]) if !is_low(self.sample_rate) => (u16::from(first) << 1) | u16::from(second >> 7),
            Some(&[first, _]) => u16::from(first),
            _ => return false,
        };
        same && bits == 0
    }

    /// Samples in a frame.
    pub const fn frame_samples(&self) -> u32 {
        if is_low(self.sample_rate) { 576 } else { 1152 }
    }

    /// Bytes of a frame without padding.
    pub fn frame_bytes(&self) -> usize {
        let bytes = self.frame_samples() / 8 * self.kbps * 1_000 / self.sample_rate.max(1);
        usize::try_from(bytes).unwrap_or(0)
    }

    /// Bytes of the side information behind the header (§2.4.1.7).
    pub const fn side_bytes(&self) -> usize {
        match (is_low(self.sample_rate), self.channels) {
            (false, 1) | (true, 2) => 17,
            (false, _) => 32,
            (true, _) => 9,
        }
    }

    /// A frame of silence: no channel has any bits at all.
    pub fn silent_frame(&self) -> Bytes {
        let mut frame = self.header().to_be_bytes().to_vec();
        frame.resize(self.frame_bytes(), 0);
        frame.into()
    }

    /// The `codecs` value of RFC 6381 §3.3: object type 6B, or 69 for the lower sampling rates.
    pub const fn codec_string(&self) -> &'static str {
        if is_low(self.sample_rate) { "mp4a.69" } else { "mp4a.6B" }
    }

    /// The parameters of a track.
    pub fn audio_config(&self, scale: Timescale) -> AudioConfig {
        AudioConfig {
            codec: AudioCodec::Mp3,
            record: self.record(),
            sample_rate: self.sample_rate,
            channels: self.channels,
            frame_samples: self.frame_samples(),
            scale,
        }
    }
}

/// Bytes of a frame by its own header, padding included; `None` when it is no header.
pub fn mp3_frame_bytes(frame: &[u8]) -> Option<usize> {
    let padding = usize::from(header(frame)? & PADDING != 0);
    Some(Mp3Config::parse(frame).ok()?.frame_bytes() + padding)
}

const fn is_low(sample_rate: u32) -> bool {
    sample_rate < 32_000
}

fn header(frame: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*frame.first_chunk::<HEADER_BYTES>()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn headers_of_lame_are_read() {
        // LAME 3.100 by FFmpeg 5.1, one channel, 128 kb/s, without a bit reservoir: 44.1, 48, 22.05 and 32 kHz.
        for (header, rate, bytes) in [
            ([0xff, 0xfb, 0x90, 0xc4], 44_100, 417),
            ([0xff, 0xfb, 0x94, 0xc4], 48_000, 384),
            ([0xff, 0xf3, 0xc0, 0xc4], 22_050, 417),
            ([0xff, 0xfb, 0x98, 0xc4], 32_000, 576),
        ] {
            let found = Mp3Config::parse(&header).unwrap();
            assert_eq!((found.sample_rate, found.channels, found.kbps), (rate, 1, 128));
            assert_eq!((found.frame_bytes(), mp3_frame_bytes(&header)), (bytes, Some(bytes)));
            assert!(found.has_frame(&[&header[..], &[0, 0x03, 0xc0]].concat()));
        }
        let padded = [0xff, 0xfb, 0x92, 0xc4];
        assert_eq!(mp3_frame_bytes(&padded), Some(418));
        assert!(Mp3Config::parse(&padded).unwrap().has_frame(&[&padded[..], &[0, 0]].concat()));
    }

    #[test]
    fn a_frame_that_borrows_bits_is_told_from_one_that_does_not() {
        let config = Mp3Config::new(44_100, 2, 128).unwrap();
        let joint = [0xff, 0xfb, 0x90, 0x64];
        assert!(config.has_frame(&[&joint[..], &[0, 0x7f]].concat()));
        assert!(!config.has_frame(&[&joint[..], &[0, 0x80]].concat()));
        assert!(!config.has_frame(&[&joint[..], &[1, 0]].concat()));
        let low = Mp3Config::new(22_050, 2, 64).unwrap();
        let header = low.record();
        assert!(low.has_frame(&[&header[..], &[0, 0xff]].concat()) && !low.has_frame(&[&header[..], &[1, 0]].concat()));
    }

    #[test]
    fn what_is_no_layer_three_is_refused() {
        for wrong in [
            &[][..],
            &[0xff, 0xfb, 0x90],
            b"ID3\x04",
            &[0xff, 0xfd, 0x90, 0],
            &[0xff, 0xe3, 0x90, 0],
            &[0xff, 0xfb, 0xf0, 0],
            &[0xff, 0xfb, 0, 0],
        ] {
            assert!(Mp3Config::parse(wrong).is_err(), "{wrong:x?}");
        }
        assert_eq!(Mp3Config::new(96_000, 2, 128), None);
        assert_eq!(Mp3Config::new(48_000, 2, 1_000).map(|config| config.kbps), Some(320));
    }

    proptest! {
        #[test]
        fn a_record_is_read_back_and_silence_is_a_frame_of_its_track(
            rate in prop::sample::select(&[22_050u32, 24_000, 16_000, 32_000, 44_100, 48_000][..]),
            channels in 1u16..3, kbps in 8u32..400,
        ) {
            let config = Mp3Config::new(rate, channels, kbps).unwrap();
            prop_assert_eq!(Mp3Config::parse(&config.record()), Ok(config));
            let silent = config.silent_frame();
            prop_assert!(config.has_frame(&silent));
            prop_assert_eq!(mp3_frame_bytes(&silent), Some(silent.len()));
            prop_assert!(silent.len() > HEADER_BYTES + config.side_bytes());
        }

        #[test]
        fn no_bytes_make_the_parser_panic(noise in prop::collection::vec(any::<u8>(), 0..16)) {
            let _ = (Mp3Config::parse(&noise), mp3_frame_bytes(&noise));
        }
    }
}
