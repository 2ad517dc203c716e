//! H.264 parameters: `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1) and what its first SPS says.

use bytes::{BufMut, Bytes, BytesMut};
use h264_reader::nal::sps::SeqParameterSet;
use h264_reader::nal::{Nal, RefNal};
use units::Timescale;

use crate::record::RecordReader;
use crate::{CodecError, VideoCodec, VideoConfig};

/// Largest record that is read. Real ones have 30-100 bytes; the format allows 31 + 255 sets of 64 KiB each.
pub const AVC_RECORD_BYTES_MAX: usize = 16 * 1024;
/// The highest level of ITU-T H.264 table A-1 (6.2).
const LEVEL_MAX: u8 = 62;
const RECORD: &str = "AVCDecoderConfigurationRecord";
const SPS: &str = "H.264 sequence parameter set";

/// Frames per second as a fraction in the words of the stream; both parts are above zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameRate {
    /// Frames per `denominator` seconds.
    pub numerator: u32,
    /// Seconds per `numerator` frames.
    pub denominator: u32,
}

impl FrameRate {
    /// Frames per second, for answers and logs.
    pub fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

/// What an `AVCDecoderConfigurationRecord` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AvcConfig {
    /// `AVCProfileIndication`: 66 Baseline, 77 Main, 100 High, ...
    pub profile: u8,
    /// `profile_compatibility`: the constraint flags.
    pub compatibility: u8,
    /// `AVCLevelIndication`: ten times the level.
    pub level: u8,
    /// Bytes of the length in front of each NAL unit of a sample: 1, 2 or 4.
    pub length_size: u8,
    /// Sequence parameter sets, each a NAL unit with its header byte; at least one.
    pub sps: Vec<Bytes>,
    /// Picture parameter sets, likewise; at least one.
    pub pps: Vec<Bytes>,
    /// Picture width in pixels after cropping, from the first SPS.
    pub width: u16,
    /// Picture height in pixels after cropping, from the first SPS.
    pub height: u16,
    /// From the VUI of the first SPS, when it is there. A claim: the samples decide.
    pub frame_rate: Option<FrameRate>,
}

impl AvcConfig {
    /// Reads a record. The extension fields of High profiles behind the sets are not looked at: some encoders leave them out.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        if record.len() > AVC_RECORD_BYTES_MAX {
            return Err(CodecError::malformed(
                RECORD,
                format!("{} bytes; {AVC_RECORD_BYTES_MAX} allowed", record.len()),
            ));
        }
        let mut reader = RecordReader::new(RECORD, record);
        let version = reader.byte()?;
        if version != 1 {
            return Err(CodecError::malformed(RECORD, format!("version {version} instead of 1")));
        }
        let (profile, compatibility, level) = (reader.byte()?, reader.byte()?, reader.byte()?);
        let length_size = (reader.byte()? & 0b11) + 1;
        if length_size == 3 {
            return Err(CodecError::malformed(RECORD, "NAL unit lengths of 3 bytes"));
        }
        let count = reader.byte()? & 0b1_1111;
        let sps = sets(&mut reader, count, NalType::SPS)?;
        let count = reader.byte()?;
        let pps = sets(&mut reader, count, NalType::PPS)?;
        let (Some(first), false) = (sps.first(), pps.is_empty()) else {
            return Err(CodecError::malformed(RECORD, "no sequence or picture parameter set in it"));
        };
        let (width, height, frame_rate) = read_sps(first)?;
        Ok(Self { profile, compatibility, level, length_size, sps, pps, width, height, frame_rate })
    }

    /// All sets as NAL units with 4-byte lengths: what stands in front of an IDR picture that must be decodable alone.
    pub fn parameter_sets(&self) -> Bytes {
        let mut out = BytesMut::new();
        for set in self.sps.iter().chain(&self.pps) {
            // A set's length fits 16 bits: it was read from such a field.
            out.put_u32(u32::try_from(set.len()).unwrap_or(u32::MAX));
            out.put_slice(set);
        }
        out.freeze()
    }

    /// The `codecs` value of RFC 6381 §3.3, such as `avc1.64001f`. `entry` is the sample entry's four characters.
    pub fn codec_string(&self, entry: &str) -> String {
        format!("{entry}.{:02x}{:02x}{:02x}", self.profile, self.compatibility, self.level)
    }

    /// The parameters of a track whose ticks are `scale`; `record` are the bytes that were parsed.
    pub fn video_config(&self, record: Bytes, scale: Timescale) -> VideoConfig {
        VideoConfig { codec: VideoCodec::H264, record, width: self.width, height: self.height, scale }
    }
}

/// NAL unit types (ITU-T H.264 table 7-1) that matter here.
pub(crate) struct NalType;

impl NalType {
    /// Slices of a coded picture: 1 whole, 2-4 partitions, 5 of an IDR picture.
    pub(crate) const SLICES: std::ops::RangeInclusive<u8> = 1..=5;
    pub(crate) const IDR: u8 = 5;
    pub(crate) const SPS: u8 = 7;
    pub(crate) const PPS: u8 = 8;
}

/// So many sets of one type.
fn sets(reader: &mut RecordReader<'_>, count: u8, nal_type: u8) -> Result<Vec<Bytes>, CodecError> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let set = reader.set()?;
        match set.first().map(|header| header & 0x1f) {
            Some(found) if found == nal_type => sets.push(set),
            Some(found) => {
                let detail = format!("NAL unit of type {found} among those of type {nal_type}");
                return Err(CodecError::malformed(RECORD, detail));
            }
            // An empty set says nothing and hurts nobody.
            None => {}
        }
    }
    Ok(sets)
}

/// Width, height and frame rate.
fn read_sps(sps: &[u8]) -> Result<(u16, u16, Option<FrameRate>), CodecError> {
    // Trailing zero bytes belong to the byte stream, not to the set (Annex B.1.2), but some encoders copy them.
    let end = sps.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut sps = sps.get(..end).unwrap_or_default().to_vec();
    // The parser refuses a picture too large for the level. Cameras claim too low a level and decoders do not mind, so
    // it is shown the highest.
    match sps.get_mut(3) {
        Some(level) => *level = LEVEL_MAX,
        None => return Err(CodecError::malformed(SPS, "shorter than 4 bytes")),
    }
    let nal = RefNal::new(&sps, &[], true);
    let parsed = SeqParameterSet::from_bits(nal.rbsp_bits());
    let parsed = parsed.map_err(|cause| CodecError::malformed(SPS, format!("{cause:?}")))?;
    let size = parsed.pixel_dimensions();
    let (width, height) = size.map_err(|cause| CodecError::malformed(SPS, format!("{cause:?}")))?;
    let (Ok(width @ 1..), Ok(height @ 1..)) = (u16::try_from(width), u16::try_from(height)) else {
        return Err(CodecError::malformed(SPS, format!("a picture of {width} x {height} pixels")));
    };
    let timing = parsed.vui_parameters.and_then(|vui| vui.timing_info);
    let frame_rate = timing.and_then(|timing| {
        // A tick is a field's time, a frame lasts two (Annex E.2.1).
        let denominator = timing.num_units_in_tick.checked_mul(2)?;
        let valid = denominator > 0 && timing.time_scale > 0;
        valid.then_some(FrameRate { numerator: timing.time_scale, denominator })
    });
    Ok((width, height, frame_rate))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Records that libx264 core 164 wrote through FFmpeg 5.1: 1080p at 30000/1001, 1080i at 25, 480p Baseline at 60.
    const RECORDS: [(&str, u16, u16, f64); 3] = [
        (
            "01640028ffe1001967640028acd940780227e5c04400000fa40003a9803c60c65801000468ef8fcbfdf8f800",
            1920,
            1080,
            30000.0 / 1001.0,
        ),
        (
            "01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000468fe8fcbfdf8f800",
            1920,
            1080,
            25.0,
        ),
        ("0142c01fffe100196742c01fda0360f79bc044000003000400000301e03c60ca8001000468ce0fc8", 854, 480, 60.0),
    ];

    fn bytes(hex: &str) -> Bytes {
        let digits: Vec<_> = hex.bytes().map(|digit| char::from(digit).to_digit(16).unwrap()).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    #[test]
    fn size_and_rate_are_those_of_the_picture_that_is_shown() {
        for (hex, width, height, rate) in RECORDS {
            let config = AvcConfig::parse(&bytes(hex)).unwrap();
            assert_eq!((config.width, config.height, config.length_size), (width, height, 4));
            assert!((config.frame_rate.unwrap().per_second() - rate).abs() < 1e-9);
        }
        assert_eq!(AvcConfig::parse(&bytes(RECORDS[0].0)).unwrap().codec_string("avc1"), "avc1.640028");
    }

    #[test]
    fn parameter_sets_are_written_with_four_byte_lengths() {
        let config = AvcConfig::parse(&bytes(RECORDS[2].0)).unwrap();
        let sets = config.parameter_sets();
        assert_eq!(sets.len(), 4 + 0x19 + 4 + 4);
        assert_eq!(&sets[..5], [0, 0, 0, 0x19, 0x67]);
        assert_eq!(&sets[4 + 0x19..], [0, 0, 0, 4, 0x68, 0xce, 0x0f, 0xc8]);
    }

    #[test]
    fn a_level_too_low_for_the_picture_and_trailing_zeros_are_taken() {
        let mut record = bytes(RECORDS[0].0).to_vec();
        record[3] = 10;
        record[11] = 10;
        let sps = record[8..8 + 0x19].to_vec();
        let padded = [&record[..6], &[0, 0x1b], &sps, &[0, 0], &record[8 + 0x19..]].concat();
        for record in [record, padded] {
            let config = AvcConfig::parse(&Bytes::from(record)).unwrap();
            assert_eq!((config.width, config.height, config.level), (1920, 1080, 10));
        }
    }

    #[test]
    fn records_without_sets_or_with_wrong_ones_are_refused() {
        let good = bytes(RECORDS[0].0);
        for end in 0..good.len() - 4 {
            assert!(AvcConfig::parse(&good.slice(..end)).is_err(), "{end}");
        }
        let mut three = good.to_vec();
        three[4] = 0xfe;
        let mut swapped = good.to_vec();
        swapped[8] = 0x68;
        for wrong in [three, swapped, bytes("01640028ffe000").to_vec(), vec![1; AVC_RECORD_BYTES_MAX + 1]] {
            assert!(AvcConfig::parse(&Bytes::from(wrong)).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            noise in prop::collection::vec(any::<u8>(), 0..200),
            at in 0usize..200, flips in prop::collection::vec(any::<u8>(), 1..8), which in 0usize..3,
        ) {
            let _ = AvcConfig::parse(&Bytes::from(noise));
            let mut near = bytes(RECORDS[which].0).to_vec();
            for (offset, flip) in flips.iter().enumerate() {
                let at = (at + offset) % near.len();
                near[at] ^= flip;
            }
            let _ = AvcConfig::parse(&Bytes::from(near));
        }
    }
}
