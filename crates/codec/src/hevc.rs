//! H.265 parameters: `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1) and what its first SPS says.

use bytes::{BufMut, Bytes, BytesMut};
use units::Timescale;

use crate::record::RecordReader;
use crate::{CodecError, VideoCodec, VideoConfig};

/// Largest record that is read. Real ones have some 100 bytes; the format allows 255 arrays of 65 535 sets of 64 KiB each.
pub const HEVC_RECORD_BYTES_MAX: usize = 16 * 1024;
/// Most parameter sets of one record.
const SETS_MAX: usize = 64;
const RECORD: &str = "HEVCDecoderConfigurationRecord";
const SPS: &str = "H.265 sequence parameter set";

/// NAL unit types (ITU-T H.265 table 7-1) that matter here.
pub(crate) struct NalType;

impl NalType {
    /// Slices of pictures: trailing and leading ones, and those at which decoding can begin.
    pub(crate) const SLICES: [std::ops::RangeInclusive<u8>; 2] = [0..=9, 16..=21];
    /// Pictures before which nothing is needed, also for those that follow: IDR, with leading pictures that can be decoded or
    /// without any.
    pub(crate) const IDR: std::ops::RangeInclusive<u8> = 19..=20;
    pub(crate) const VPS: u8 = 32;
    pub(crate) const SPS: u8 = 33;
    pub(crate) const PPS: u8 = 34;

    /// That of a NAL unit whose header begins with `byte`.
    pub(crate) const fn of(byte: u8) -> u8 {
        (byte >> 1) & 0x3f
    }
}

/// What an `HEVCDecoderConfigurationRecord` says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HevcConfig {
    /// `general_profile_space`: 0 in all there is.
    pub profile_space: u8,
    /// `general_tier_flag`: High.
    pub high_tier: bool,
    /// `general_profile_idc`: 1 Main, 2 Main 10, …
    pub profile: u8,
    /// `general_profile_compatibility_flags`.
    pub compatibility: u32,
    /// `general_constraint_indicator_flags`.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level.
    pub level: u8,
    /// Bytes of the length in front of each NAL unit of a sample: 1, 2 or 4.
    pub length_size: u8,
    /// Video, sequence and picture parameter sets in this order, each a NAL unit with its header; at least one of each.
    pub sets: Vec<Bytes>,
    /// Picture width in pixels after cropping, from the first SPS.
    pub width: u16,
    /// Picture height in pixels after cropping, from the first SPS.
    pub height: u16,
    /// Bits of a luma sample, from the first SPS.
    pub depth: u8,
}

impl HevcConfig {
    /// Reads a record.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        if record.len() > HEVC_RECORD_BYTES_MAX {
            let detail = format!("{} bytes; {HEVC_RECORD_BYTES_MAX} allowed", record.len());
            return Err(CodecError::malformed(RECORD, detail));
        }
        let mut reader = RecordReader::new(RECORD, record);
        let version = reader.byte()?;
        if version != 1 {
            return Err(CodecError::malformed(RECORD, format!("version {version} instead of 1")));
        }
        let general = reader.byte()?;
        let compatibility = reader.u32()?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = reader.byte()?;
        }
        let level = reader.byte()?;
        // Spatial segmentation, parallelism, chroma format, bit depths and frame rate: the SPS says what of it matters.
        for _ in 0..8 {
            reader.byte()?;
        }
        let length_size = (reader.byte()? & 0b11) + 1;
        if length_size == 3 {
            return Err(CodecError::malformed(RECORD, "NAL unit lengths of 3 bytes"));
        }
        let mut sets: Vec<(u8, Bytes)> = Vec::new();
        for _ in 0..reader.byte()? {
            let kind = reader.byte()? & 0x3f;
            for _ in 0..reader.u16()? {
                let set = reader.set()?;
                match set.first() {
                    Some(header) if NalType::of(*header) != kind => {
                        let detail = format!("NAL unit of type {} among those of type {kind}", NalType::of(*header));
                        return Err(CodecError::malformed(RECORD, detail));
                    }
                    // SEI may stand here as well; it is not needed to decode.
                    Some(_) if (NalType::VPS..=NalType::PPS).contains(&kind) => sets.push((kind, set)),
                    Some(_) | None => {}
                }
                if sets.len() > SETS_MAX {
                    return Err(CodecError::malformed(RECORD, format!("more than {SETS_MAX} parameter sets")));
                }
            }
        }
        // In the order in which each needs the ones before it; the arrays may come in any.
        sets.sort_by_key(|(kind, _)| *kind);
        let first = |wanted| sets.iter().find(|(kind, _)| *kind == wanted).map(|(_, set)| set);
        let (Some(_), Some(sps), Some(_)) = (first(NalType::VPS), first(NalType::SPS), first(NalType::PPS)) else {
            return Err(CodecError::malformed(RECORD, "a video, sequence or picture parameter set is missing"));
        };
        let (width, height, depth) = read_sps(sps)?;
        Ok(Self {
            profile_space: general >> 6,
            high_tier: general & 0x20 != 0,
            profile: general & 0x1f,
            compatibility,
            constraints,
            level,
            length_size,
            sets: sets.into_iter().map(|(_, set)| set).collect(),
            width,
            height,
            depth,
        })
    }

    /// All sets as NAL units with 4-byte lengths: what stands in front of an IDR picture that must be decodable alone.
    pub fn parameter_sets(&self) -> Bytes {
        let mut out = BytesMut::new();
        for set in &self.sets {
            // A set's length fits 16 bits: it was read from such a field.
            out.put_u32(u32::try_from(set.len()).unwrap_or(u32::MAX));
            out.put_slice(set);
        }
        out.freeze()
    }

    /// The `codecs` value (ISO/IEC 14496-15 annex E.3), such as `hvc1.1.6.L93.90`. `entry` is the sample entry's four characters.
    pub fn codec_string(&self, entry: &str) -> String {
        let space = ["", "A", "B", "C"].get(usize::from(self.profile_space)).copied().unwrap_or_default();
        let tier = if self.high_tier { 'H' } else { 'L' };
        let compatibility = self.compatibility.reverse_bits();
        let mut text = format!("{entry}.{space}{}.{compatibility:X}.{tier}{}", self.profile, self.level);
        let said = self.constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for byte in self.constraints.iter().take(said) {
            text.push_str(&format!(".{byte:X}"));
        }
        text
    }

    /// The parameters of a track whose ticks are `scale`; `record` are the bytes that were parsed.
    pub fn video_config(&self, record: Bytes, scale: Timescale) -> VideoConfig {
        VideoConfig { codec: VideoCodec::H265, record, width: self.width, height: self.height, scale }
    }
}

/// Width, height and bits of a luma sample (ITU-T H.265 §7.3.2.2.1).
fn read_sps(sps: &[u8]) -> Result<(u16, u16, u8), CodecError> {
    let payload = unescaped(sps.get(2..).unwrap_or_default());
    let mut bits = Bits { bytes: &payload, at: 0 };
    bits.read(4)?;
    let sub_layers = bits.read(3)?;
    bits.read(1)?;
    bits.skip(88 + 8)?;
    // profile_tier_level (§7.3.3): which sub-layers tell of theirs, then what they tell.
    let mut told = 0;
    for _ in 0..sub_layers {
        told += 88 * u64::from(bits.read(1)?) + 8 * u64::from(bits.read(1)?);
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - u64::from(sub_layers)))?;
    }
    bits.skip(told)?;
    bits.exp_golomb()?;
    let chroma = bits.exp_golomb()?;
    let planes_apart = chroma == 3 && bits.read(1)? == 1;
    let (width, height) = (bits.exp_golomb()?, bits.exp_golomb()?);
    let mut cropped = [0; 4];
    if bits.read(1)? == 1 {
        for offset in &mut cropped {
            *offset = bits.exp_golomb()?;
        }
    }
    let [left, right, top, bottom] = cropped.map(u64::from);
    let depth = bits.exp_golomb()?.saturating_add(8);
    // Offsets count chroma samples (table 6-1).
    let (across, down) = match (chroma, planes_apart) {
        (1, _) => (2, 2),
        (2, _) => (2, 1),
        _ => (1, 1),
    };
    let size = |side: u32, cut: u64| u16::try_from(u64::from(side).checked_sub(cut)?).ok().filter(|side| *side > 0);
    let sides = size(width, across * (left + right)).zip(size(height, down * (top + bottom)));
    let (width, height) = sides.ok_or_else(|| CodecError::malformed(SPS, format!("a picture of {width}x{height}")))?;
    match u8::try_from(depth) {
        Ok(depth @ 8..=16) => Ok((width, height, depth)),
        _ => Err(CodecError::malformed(SPS, format!("samples of {depth} bits"))),
    }
}

/// The payload of a NAL unit without the bytes that keep start codes out of it (§7.4.2).
fn unescaped(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len());
    let mut zeros = 0;
    for byte in payload {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    out
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: u64,
}

impl Bits<'_> {
    /// The next `count` bits, at most 32.
    fn read(&mut self, count: u32) -> Result<u32, CodecError> {
        let mut value = 0u64;
        for _ in 0..count {
            let byte = usize::try_from(self.at / 8).ok().and_then(|at| self.bytes.get(at));
            let byte = byte.ok_or_else(|| {
                CodecError::malformed(SPS, format!("it ends early, after {} bytes", self.bytes.len()))
            })?;
            value = (value << 1) | u64::from((byte >> (7 - self.at % 8)) & 1);
            self.at += 1;
        }
        // At most 32 bits were read.
        Ok(u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn skip(&mut self, count: u64) -> Result<(), CodecError> {
        for _ in 0..count {
            self.read(1)?;
        }
        Ok(())
    }

    /// `ue(v)` (§9.2).
    fn exp_golomb(&mut self) -> Result<u32, CodecError> {
        let mut zeros = 0;
        while self.read(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return Err(CodecError::malformed(SPS, "a number of more than 32 bits"));
            }
        }
        Ok((1u32 << zeros) - 1 + self.read(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// (record, width, height, depth, codec string): x265 3.5 by FFmpeg 5.1, 320x180 Main at level 3.1; and 1918x1078 Main 10.
    const RECORDS: [(&str, u16, u16, u8, &str); 2] = [
        (
            "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10001002142010101600000030090000003000003005da00a080b9f796566924caf0169c020a2000100074401c172b42240",
            320,
            180,
            8,
            "hvc1.1.6.L93.90",
        ),
        (
            "01022000000090000000000078f000fcfdfafa00000f03a00001001840010c01ffff022000000300900000030000030078959409a100010023420101022000000300900000030000030078a003c08011075336595952930bc05a0020a2000100064401c073c089",
            1918,
            1078,
            10,
            "hvc1.2.4.L120.90",
        ),
    ];

    fn bytes(hex: &str) -> Bytes {
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn size_depth_and_name_are_those_of_what_was_encoded() {
        for (record, width, height, depth, name) in RECORDS {
            let config = HevcConfig::parse(&bytes(record)).unwrap();
            assert_eq!((config.width, config.height, config.depth, config.length_size), (width, height, depth, 4));
            assert_eq!(config.codec_string("hvc1"), name);
            let kinds: Vec<u8> = config.sets.iter().map(|set| NalType::of(set[0])).collect();
            assert_eq!(kinds, [NalType::VPS, NalType::SPS, NalType::PPS]);
            assert_eq!(config.parameter_sets().len(), config.sets.iter().map(|set| 4 + set.len()).sum::<usize>());
        }
    }

    #[test]
    fn sets_come_out_in_the_order_in_which_they_are_needed() {
        let record = bytes(RECORDS[0].0);
        let config = HevcConfig::parse(&record).unwrap();
        let mut turned = record[..23].to_vec();
        for set in config.sets.iter().rev() {
            turned.extend([NalType::of(set[0]), 0, 1]);
            turned.extend(u16::try_from(set.len()).unwrap().to_be_bytes());
            turned.extend_from_slice(set);
        }
        assert_eq!(HevcConfig::parse(&turned.into()).unwrap(), config);
    }

    #[test]
    fn records_that_are_cut_or_lack_a_set_are_refused() {
        let good = bytes(RECORDS[0].0);
        for end in 0..good.len() {
            assert!(HevcConfig::parse(&good.slice(..end)).is_err(), "{end}");
        }
        let mut lengths = good.to_vec();
        lengths[21] = 0x0e;
        let mut swapped = good.to_vec();
        swapped[23] = 0xa1;
        for wrong in [lengths, swapped, vec![1; HEVC_RECORD_BYTES_MAX + 1]] {
            assert!(HevcConfig::parse(&wrong.into()).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(
            noise in prop::collection::vec(any::<u8>(), 0..300),
            at in 0usize..200, flips in prop::collection::vec(any::<u8>(), 1..8), which in 0usize..2,
        ) {
            let _ = HevcConfig::parse(&Bytes::from(noise));
            let mut near = bytes(RECORDS[which].0).to_vec();
            for (offset, flip) in flips.iter().enumerate() {
                let at = (at + offset) % near.len();
                near[at] ^= flip;
            }
            let _ = HevcConfig::parse(&Bytes::from(near));
        }
    }
}
