//! AAC parameters: `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).

use bytes::Bytes;
use units::Timescale;

use crate::{AudioCodec, AudioConfig, CodecError};

/// `samplingFrequencyIndex` (table 1.18), in Hz.
const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];
const CONFIG: &str = "AudioSpecificConfig";
const OBJECT_LC: u8 = 2;
const OBJECT_SBR: u8 = 5;
const OBJECT_PS: u8 = 29;
/// Announces SBR behind a configuration that old decoders understand (§1.6.5).
const SYNC_SBR: u32 = 0x2b7;
/// Announces PS, likewise.
const SYNC_PS: u32 = 0x548;

/// What an `AudioSpecificConfig` says. SBR and PS that are signalled implicitly (only inside the frames) are not seen:
/// they change what a decoder makes of the core, not the core's clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AacConfig {
    /// The core's audio object type; always 2 (Low Complexity).
    pub object_type: u8,
    /// Samples per second of the core: the clock of the track.
    pub sample_rate: u32,
    /// Channels of the core.
    pub channels: u16,
    /// Samples per frame of the core: 1024, or 960.
    pub frame_samples: u32,
    /// Samples per second after spectral band replication, when that is signalled explicitly (HE-AAC).
    pub sbr_rate: Option<u32>,
    /// Parametric stereo is signalled explicitly (HE-AAC v2).
    pub parametric_stereo: bool,
}

impl AacConfig {
    /// Reads a configuration. Other cores than LC are refused: neither browsers nor the MP4 players of phones take them.
    pub fn parse(config: &[u8]) -> Result<Self, CodecError> {
        let mut bits = Bits { bytes: config, at: 0 };
        let mut object_type = bits.object_type()?;
        let sample_rate = bits.rate()?;
        let channel_configuration = bits.read(4)?;
        let mut sbr_rate = None;
        let mut parametric_stereo = false;
        if object_type == OBJECT_SBR || object_type == OBJECT_PS {
            parametric_stereo = object_type == OBJECT_PS;
            sbr_rate = Some(bits.rate()?);
            object_type = bits.object_type()?;
        }
        if object_type != OBJECT_LC {
            return Err(CodecError::Unsupported { what: object_name(object_type) });
        }
        // GASpecificConfig (§4.4.1).
        let frame_samples = if bits.read(1)? == 1 { 960 } else { 1024 };
        if bits.read(1)? == 1 {
            bits.read(14)?;
        }
        bits.read(1)?;
        let channels = match channel_configuration {
            0 => bits.program_channels()?,
            count @ 1..=6 => u16::try_from(count).unwrap_or_default(),
            7 | 12 | 14 => 8,
            11 => 7,
            other => return Err(CodecError::malformed(CONFIG, format!("channel configuration {other}"))),
        };
        if sbr_rate.is_none() && bits.left() >= 16 && bits.read(11)? == SYNC_SBR && bits.object_type()? == OBJECT_SBR {
            // What is cut short here is padding that looked like an extension: the core stands.
            let explicit = bits.read(1).is_ok_and(|present| present == 1);
            sbr_rate = if explicit { bits.rate().ok() } else { None };
            if sbr_rate.is_some() && bits.left() >= 12 && bits.read(11)? == SYNC_PS {
                parametric_stereo = bits.read(1)? == 1;
            }
        }
        Ok(Self { object_type, sample_rate, channels, frame_samples, sbr_rate, parametric_stereo })
    }

    /// A frame of silence, as a raw data block (§4.4.2): each channel has no spectrum at all, which is 22 bits of zeros (gain,
    /// window, no scale factor bands, no tools). `None` where the channels are not told by a number that says their elements
    /// (table 1.19).
    pub fn silent_frame(&self) -> Option<Bytes> {
        let (single, pair, low) = (SilentElement { id: 0, channels: 1 }, SilentElement { id: 1, channels: 2 }, LOW);
        let elements: &[SilentElement] = match self.channels {
            1 => &[single],
            2 => &[pair],
            3 => &[single, pair],
            4 => &[single, pair, single],
            5 => &[single, pair, pair],
            6 => &[single, pair, pair, low],
            _ => return None,
        };
        let mut bits = SilentBits::default();
        for (at, element) in elements.iter().enumerate() {
            bits.put(element.id, 3);
            // Elements of one kind are told apart by their number.
            let before = elements.iter().take(at).filter(|before| before.id == element.id).count();
            bits.put(u32::try_from(before).unwrap_or(0), 4);
            if element.channels == 2 {
                // No common window.
                bits.put(0, 1);
            }
            for _ in 0..element.channels {
                bits.put(0, 8 + 11 + 3);
            }
        }
        // END.
        bits.put(7, 3);
        Some(bits.bytes.into())
    }

    /// The `codecs` value of RFC 6381 §3.3: `mp4a.40.2`, `.5` with SBR, `.29` with parametric stereo.
    pub fn codec_string(&self) -> &'static str {
        match (self.sbr_rate, self.parametric_stereo) {
            (_, true) => "mp4a.40.29",
            (Some(_), false) => "mp4a.40.5",
            (None, false) => "mp4a.40.2",
        }
    }

    /// The parameters of a track whose ticks are `scale`; `record` are the bytes that were parsed.
    pub fn audio_config(&self, record: Bytes, scale: Timescale) -> AudioConfig {
        AudioConfig {
            codec: AudioCodec::Aac,
            record,
            sample_rate: self.sample_rate,
            channels: self.channels,
            frame_samples: self.frame_samples,
            scale,
        }
    }
}

/// A syntactic element (table 4.71) without sound.
#[derive(Clone, Copy)]
struct SilentElement {
    id: u32,
    channels: u8,
}

/// The element of low frequencies.
const LOW: SilentElement = SilentElement { id: 3, channels: 1 };

#[derive(Default)]
struct SilentBits {
    bytes: Vec<u8>,
    count: usize,
}

impl SilentBits {
    /// Appends the lowest `width` bits of a value.
    fn put(&mut self, value: u32, width: u32) {
        for bit in (0..width).rev() {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let set = u8::try_from((value >> bit) & 1).unwrap_or(0);
            if let Some(last) = self.bytes.last_mut() {
                *last |= set << (7 - self.count % 8);
            }
            self.count += 1;
        }
    }
}

fn object_name(object_type: u8) -> String {
    match object_type {
        1 => "AAC Main".to_owned(),
        3 => "AAC SSR".to_owned(),
        4 => "AAC LTP".to_owned(),
        23 => "AAC-LD".to_owned(),
        39 => "AAC-ELD".to_owned(),
        42 => "xHE-AAC".to_owned(),
        other => format!("MPEG-4 audio object type {other}"),
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next `count` bits, at most 24.
    fn read(&mut self, count: usize) -> Result<u32, CodecError> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or_else(|| {
                CodecError::malformed(CONFIG, format!("it ends early, after {} bytes", self.bytes.len()))
            })?;
            value = (value << 1) | u32::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    fn left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.at)
    }

    fn object_type(&mut self) -> Result<u8, CodecError> {
        let short = self.read(5)?;
        let object_type = if short == 31 { 32 + self.read(6)? } else { short };
        // At most 32 + 63.
        Ok(u8::try_from(object_type).unwrap_or(u8::MAX))
    }

    fn rate(&mut self) -> Result<u32, CodecError> {
        let index = self.read(4)?;
        let rate = if index == 15 {
            self.read(24)?
        } else {
            usize::try_from(index).ok().and_then(|index| RATES.get(index)).copied().unwrap_or(0)
        };
        if rate == 0 {
            return Err(CodecError::malformed(CONFIG, format!("sampling frequency index {index}")));
        }
        Ok(rate)
    }

    /// Counts the channels of a `program_config_element` (§4.4.1.1).
    fn program_channels(&mut self) -> Result<u16, CodecError> {
        self.read(4 + 2 + 4)?;
        let (front, side, back) = (self.read(4)?, self.read(4)?, self.read(4)?);
        let (low, data, coupled) = (self.read(2)?, self.read(3)?, self.read(4)?);
        // Mono and stereo mix-down have 4-bit element numbers, matrix mix-down has 3 bits.
        for width in [4, 4, 3] {
            if self.read(1)? == 1 {
                self.read(width)?;
            }
        }
        let mut channels = low;
        for _ in 0..front + side + back {
            channels += 1 + self.read(1)?;
            self.read(4)?;
        }
        for _ in 0..low + data {
            self.read(4)?;
        }
        for _ in 0..coupled {
            self.read(5)?;
        }
        self.at = self.at.next_multiple_of(8);
        let comment = self.read(8)?;
        for _ in 0..comment {
            self.read(8)?;
        }
        match u16::try_from(channels) {
            Ok(channels @ 1..) => Ok(channels),
            _ => Err(CodecError::malformed(CONFIG, "a program without channels")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn config(bytes: &[u8]) -> AacConfig {
        AacConfig::parse(bytes).unwrap()
    }

    #[test]
    fn plain_configurations_of_ffmpeg_are_read() {
        // FFmpeg 5.1's AAC encoder: 48 kHz stereo, 44.1 kHz mono, 22.05 kHz 5.1; each with its empty SBR announcement.
        for (bytes, rate, channels) in [
            ([0x11, 0x90, 0x56, 0xe5, 0x00], 48_000, 2),
            ([0x12, 0x08, 0x56, 0xe5, 0x00], 44_100, 1),
            ([0x13, 0xb0, 0x56, 0xe5, 0x00], 22_050, 6),
        ] {
            for bytes in [&bytes[..], &bytes[..2]] {
                let found = config(bytes);
                assert_eq!((found.sample_rate, found.channels, found.frame_samples), (rate, channels, 1024));
                assert_eq!((found.sbr_rate, found.codec_string()), (None, "mp4a.40.2"));
            }
        }
    }

    #[test]
    fn the_core_rate_of_he_aac_is_the_clock_however_it_is_signalled() {
        // Explicit, non-backward-compatible: object type 5, core 22 050, SBR 44 100.
        let hierarchical = config(&[0x2b, 0x92, 0x08, 0x00]);
        // Backward-compatible: LC 24 000 stereo, then the announcement of SBR at 48 000.
        let compatible = config(&[0x13, 0x10, 0x56, 0xe5, 0x98]);
        // Version 2: object type 29, core 24 000 mono, SBR 48 000.
        let stereo = config(&[0xeb, 0x09, 0x88, 0x00]);
        assert_eq!((hierarchical.sample_rate, hierarchical.sbr_rate, hierarchical.channels), (22_050, Some(44_100), 2));
        assert_eq!((compatible.sample_rate, compatible.sbr_rate), (24_000, Some(48_000)));
        assert_eq!((stereo.sample_rate, stereo.sbr_rate, stereo.channels), (24_000, Some(48_000), 1));
        assert_eq!((compatible.codec_string(), stereo.codec_string()), ("mp4a.40.5", "mp4a.40.29"));
    }

    #[test]
    fn a_rate_outside_the_table_and_short_frames_are_read() {
        // LC, index 15, 24 bits of 37 800 Hz, mono, 960 samples.
        let bits = format!("{:05b}{:04b}{:024b}{:04b}100", 2, 15, 37_800, 1);
        let found = config(&pack(&bits));
        assert_eq!((found.sample_rate, found.channels, found.frame_samples), (37_800, 1, 960));
    }

    #[test]
    fn channels_are_counted_from_a_program_config_element() {
        // One centre, one pair in front, one low-frequency channel, no comment.
        let element = format!(
            "{:04b}{:02b}{:04b}{:04b}{:04b}{:04b}{:02b}{:03b}{:04b}000{}{}{}",
            0, 1, 3, 2, 0, 0, 1, 0, 0, "00000", "10000", "0000"
        );
        let mut bits = format!("{:05b}{:04b}{:04b}000{element}", 2, 3, 0);
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        bits.push_str("00000000");
        assert_eq!(config(&pack(&bits)).channels, 4);
    }

    #[test]
    fn other_cores_are_refused_by_name() {
        for (object_type, name) in [(1, "AAC Main"), (23, "AAC-LD"), (39, "AAC-ELD"), (42, "xHE-AAC")] {
            let head =
                if object_type < 31 { format!("{object_type:05b}") } else { format!("11111{:06b}", object_type - 32) };
            let refused = AacConfig::parse(&pack(&format!("{head}{:04b}{:04b}000", 3, 2))).unwrap_err();
            assert_eq!(refused.to_string(), format!("{name} is not supported"));
        }
        for wrong in [&[][..], &[0x12], &[0x17, 0x10], &[0x12, 0x48]] {
            assert!(AacConfig::parse(wrong).is_err(), "{wrong:x?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(noise in prop::collection::vec(any::<u8>(), 0..64), start in 0usize..3) {
            let head = [0x11u8, 0x13, 0x2b];
            let _ = AacConfig::parse(&noise);
            let _ = AacConfig::parse(&[&head[start..=start], &noise].concat());
        }
    }

    fn pack(bits: &str) -> Vec<u8> {
        let mut bits = bits.to_owned();
        while !bits.len().is_multiple_of(8) {
            bits.push('0');
        }
        bits.as_bytes()
            .chunks(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
            .collect()
    }
}
