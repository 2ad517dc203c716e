//! The NAL units of one sample (ISO/IEC 14496-15 §5.3.2): each with its length in front.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{CodecError, VideoCodec, avc, hevc};

const SAMPLE: &str = "sample of NAL units";

/// Walks NAL units whose lengths have `length_size` bytes. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Nals<'a> {
    rest: &'a [u8],
    length_size: u8,
}

impl<'a> Nals<'a> {
    /// A walk over `sample`, from its first NAL unit.
    pub fn new(sample: &'a [u8], length_size: u8) -> Self {
        Self { rest: sample, length_size }
    }
}

impl<'a> Iterator for Nals<'a> {
    /// A NAL unit from its header byte on; empty when its length is 0.
    type Item = Result<&'a [u8], CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Some encoders pad with zeros; fewer bytes than a length are no NAL unit.
        if self.rest.len() < usize::from(self.length_size) && self.rest.iter().all(|byte| *byte == 0) {
            return None;
        }
        let whole = std::mem::take(&mut self.rest);
        let split = whole.split_at_checked(usize::from(self.length_size)).and_then(|(length, body)| {
            let length = length.iter().fold(0u32, |length, byte| (length << 8) | u32::from(*byte));
            body.split_at_checked(usize::try_from(length).ok()?)
        });
        Some(match split {
            Some((nal, rest)) => {
                self.rest = rest;
                Ok(nal)
            }
            None => {
                let detail = format!("a NAL unit is longer than the {} bytes left for it", whole.len());
                Err(CodecError::malformed(SAMPLE, detail))
            }
        })
    }
}

/// One sample as it is stored, and what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessUnit {
    /// NAL units with 4-byte lengths, none empty.
    pub data: Bytes,
    /// There is a picture: a slice, not only delimiters, SEI and parameter sets.
    pub picture: bool,
    /// The picture is an IDR.
    pub idr: bool,
    /// A sequence *and* a picture parameter set are in-band; of H.265 a video parameter set as well.
    pub parameter_sets: bool,
}

/// What a NAL unit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Slice,
    Idr,
    Vps,
    Sps,
    Pps,
    Other,
}

impl Kind {
    fn of(codec: VideoCodec, header: u8) -> Self {
        match codec {
            VideoCodec::H264 => match header & 0x1f {
                avc::NalType::IDR => Self::Idr,
                avc::NalType::SPS => Self::Sps,
                avc::NalType::PPS => Self::Pps,
                other if avc::NalType::SLICES.contains(&other) => Self::Slice,
                _ => Self::Other,
            },
            VideoCodec::H265 => match hevc::NalType::of(header) {
                hevc::NalType::VPS => Self::Vps,
                hevc::NalType::SPS => Self::Sps,
                hevc::NalType::PPS => Self::Pps,
                other if hevc::NalType::IDR.contains(&other) => Self::Idr,
                other if hevc::NalType::SLICES.iter().any(|slices| slices.contains(&other)) => Self::Slice,
                _ => Self::Other,
            },
        }
    }
}

impl AccessUnit {
    /// Reads a sample whose lengths have `length_size` bytes (1, 2 or 4). With 4 the data is handed on uncopied.
    pub fn parse(codec: VideoCodec, sample: Bytes, length_size: u8) -> Result<Self, CodecError> {
        let (mut picture, mut idr, mut vps, mut sps, mut pps) = (false, false, false, false, false);
        let mut stored = 0;
        for nal in Nals::new(&sample, length_size) {
            let nal = nal.map_err(|cause| if annex_b(&sample) { start_codes() } else { cause })?;
            let Some(header) = nal.first() else { continue };
            match Kind::of(codec, *header) {
                Kind::Slice => picture = true,
                Kind::Idr => (picture, idr) = (true, true),
                Kind::Vps => vps = true,
                Kind::Sps => sps = true,
                Kind::Pps => pps = true,
                Kind::Other => {}
            }
            stored += 4 + nal.len();
        }
        // Equal sizes under 4-byte lengths: nothing empty, no padding.
        let data =
            if length_size == 4 && stored == sample.len() { sample } else { relength(&sample, length_size, stored) };
        let parameter_sets = sps && pps && (vps || codec == VideoCodec::H264);
        Ok(Self { data, picture, idr, parameter_sets })
    }
}

/// A sample with 4-byte lengths without its parameter sets; `None` when one of them is not among `known`, which are laid out alike.
pub fn without_known_sets(codec: VideoCodec, sample: &Bytes, known: &[u8]) -> Option<Bytes> {
    let is_set = |nal: &[u8]| {
        let kind = nal.first().map_or(Kind::Other, |header| Kind::of(codec, *header));
        matches!(kind, Kind::Vps | Kind::Sps | Kind::Pps)
    };
    let sets: Vec<&[u8]> = Nals::new(sample, 4).flatten().filter(|nal| is_set(nal)).collect();
    if sets.is_empty() {
        return Some(sample.clone());
    }
    let knows = |set: &&[u8]| Nals::new(known, 4).flatten().any(|one| one == *set);
    if !sets.iter().all(knows) {
        return None;
    }
    let mut out = BytesMut::with_capacity(sample.len());
    for nal in Nals::new(sample, 4).flatten().filter(|nal| !is_set(nal)) {
        // A length came from at most 32 bits.
        out.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
        out.put_slice(nal);
    }
    Some(out.freeze())
}

fn annex_b(sample: &[u8]) -> bool {
    sample.starts_with(&[0, 0, 0, 1]) || sample.starts_with(&[0, 0, 1])
}

fn start_codes() -> CodecError {
    CodecError::malformed(SAMPLE, "it has start codes (Annex B) where lengths belong")
}

fn relength(sample: &[u8], length_size: u8, stored: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(stored);
    for nal in Nals::new(sample, length_size).flatten().filter(|nal| !nal.is_empty()) {
        // A length came from at most 32 bits.
        out.put_u32(u32::try_from(nal.len()).unwrap_or(u32::MAX));
        out.put_slice(nal);
    }
    out.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use VideoCodec::{H264, H265};

    use super::*;

    const AUD: &[u8] = &[0x09, 0xf0];
    const SEI: &[u8] = &[0x06, 0x05, 0x01, 0xaa, 0x80];
    const SPS_NAL: &[u8] = &[0x67, 0x42];
    const PPS_NAL: &[u8] = &[0x68, 0xce];
    const IDR: &[u8] = &[0x65, 0x88, 0x84];
    const SLICE: &[u8] = &[0x41, 0x9a];

    fn sample(nals: &[&[u8]], length_size: usize) -> Bytes {
        let mut out = BytesMut::new();
        for nal in nals {
            out.put_slice(&u32::try_from(nal.len()).unwrap().to_be_bytes()[4 - length_size..]);
            out.put_slice(nal);
        }
        out.freeze()
    }

    #[test]
    fn parameter_sets_that_are_known_can_be_left_out() {
        let known = sample(&[SPS_NAL, PPS_NAL], 4);
        let whole = sample(&[AUD, SPS_NAL, PPS_NAL, IDR], 4);
        assert_eq!(without_known_sets(H264, &whole, &known).unwrap(), sample(&[AUD, IDR], 4));
        assert_eq!(without_known_sets(H264, &sample(&[SLICE], 4), b"").unwrap(), sample(&[SLICE], 4));
        assert_eq!(without_known_sets(H264, &whole, &sample(&[SPS_NAL], 4)), None);
    }

    #[test]
    fn any_length_size_is_handed_on_as_four_bytes() {
        for length_size in [1, 2, 4] {
            let claimed = u8::try_from(length_size).unwrap();
            let unit = AccessUnit::parse(H264, sample(&[AUD, SPS_NAL, PPS_NAL, IDR], length_size), claimed).unwrap();
            assert_eq!(unit.data, sample(&[AUD, SPS_NAL, PPS_NAL, IDR], 4));
            assert!(unit.picture && unit.idr && unit.parameter_sets);
        }
    }

    #[test]
    fn pictures_of_h265_are_told_by_its_own_types() {
        const VPS: &[u8] = &[0x40, 1];
        const SPS: &[u8] = &[0x42, 1];
        const PPS: &[u8] = &[0x44, 1];
        let parse = |nals: &[&[u8]]| AccessUnit::parse(H265, sample(nals, 4), 4).unwrap();
        for (header, picture, idr) in
            [(0x26, true, true), (0x28, true, true), (0x2a, true, false), (0x02, true, false), (0x4e, false, false)]
        {
            let unit = parse(&[&[header, 1, 0x80]]);
            assert_eq!((unit.picture, unit.idr, unit.parameter_sets), (picture, idr, false), "{header:x}");
        }
        assert!(parse(&[VPS, SPS, PPS, &[0x26, 1]]).parameter_sets && !parse(&[SPS, PPS, &[0x26, 1]]).parameter_sets);
    }

    #[test]
    fn four_byte_lengths_are_not_copied() {
        let bytes = sample(&[SLICE], 4);
        let unit = AccessUnit::parse(H264, bytes.clone(), 4).unwrap();
        assert_eq!(unit.data.as_ptr(), bytes.as_ptr());
        assert!(unit.picture && !unit.idr && !unit.parameter_sets);
    }

    #[test]
    fn delimiters_sei_and_parameter_sets_alone_are_no_picture() {
        let unit = AccessUnit::parse(H264, sample(&[AUD, SEI, SPS_NAL, PPS_NAL], 4), 4).unwrap();
        assert!(!unit.picture && !unit.idr && unit.parameter_sets);
        assert!(!AccessUnit::parse(H264, Bytes::new(), 4).unwrap().picture);
    }

    #[test]
    fn empty_nal_units_and_padding_are_left_out() {
        let padded = [&sample(&[IDR, &[], SLICE], 4)[..], &[0, 0, 0]].concat();
        assert_eq!(AccessUnit::parse(H264, Bytes::from(padded), 4).unwrap().data, sample(&[IDR, SLICE], 4));
    }

    #[test]
    fn a_length_past_the_end_is_refused_and_start_codes_are_named() {
        assert!(AccessUnit::parse(H264, Bytes::from_static(&[0, 0, 0, 9, 0x65]), 4).is_err());
        let annex_b = [&[0, 0, 0, 1][..], IDR, &[0, 0, 0, 1], SLICE].concat();
        let refused = AccessUnit::parse(H264, Bytes::from(annex_b), 4).unwrap_err();
        assert!(refused.to_string().contains("Annex B"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_what_is_read_reads_again(
            noise in prop::collection::vec(prop_oneof![Just(0u8), 0u8..8, any::<u8>()], 0..64),
            length_size in prop_oneof![Just(1u8), Just(2), Just(4)],
            codec in prop_oneof![Just(H264), Just(H265)],
        ) {
            if let Ok(unit) = AccessUnit::parse(codec, Bytes::from(noise), length_size) {
                prop_assert_eq!(&AccessUnit::parse(codec, unit.data.clone(), 4).unwrap(), &unit);
            }
        }
    }
}
