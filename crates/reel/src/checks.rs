//! Checksums of stored media: one per fragment, beside the segment's row, so that a bit that flips on the disk years later
//! is found, and told to the second.

use std::collections::BTreeMap;

use crate::index::{KIND_CHECKS, record, records};
use crate::page::Fragment;
use crate::varint;

/// The checksums of a segment as a record of `segments.idx`; it follows the segment's row. One per fragment, in the order
/// of the page: [`checksum`](crate::checksum) of its `moof` and `mdat`.
pub fn encode_checks(segment: u32, checks: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + checks.len() * 5);
    varint::put(&mut out, u64::from(segment));
    varint::put(&mut out, u64::try_from(checks.len()).unwrap_or(u64::MAX));
    for check in checks {
        out.extend_from_slice(&check.to_le_bytes());
    }
    record(KIND_CHECKS, &out)
}

/// The checksums of all segments of an index file that has them, as far as the file holds.
pub fn read_checks(file: &[u8]) -> BTreeMap<u32, Vec<u32>> {
    let payloads = records(file).filter(|(kind, _)| *kind == KIND_CHECKS);
    payloads.filter_map(|(_, payload)| take_checks(payload)).collect()
}

fn take_checks(mut payload: &[u8]) -> Option<(u32, Vec<u32>)> {
    let segment = varint::take_u32(&mut payload)?;
    let count = usize::try_from(varint::take(&mut payload)?).ok()?;
    let (checks, rest) = payload.as_chunks::<4>();
    (rest.is_empty() && checks.len() == count)
        .then(|| (segment, checks.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()))
}

/// The checksums of the fragments of a segment's file; a fragment that the file does not have whole gets that of what
/// there is.
pub fn fragment_checks(file: &[u8], fragments: &[Fragment]) -> Vec<u32> {
    let part = |fragment: &Fragment| {
        let from = usize::try_from(fragment.at).unwrap_or(usize::MAX).min(file.len());
        let to = usize::try_from(fragment.at.saturating_add(fragment.bytes())).unwrap_or(usize::MAX).min(file.len());
        crate::checksum(file.get(from..to).unwrap_or_default())
    };
    fragments.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use codec::TrackKind;
    use container::SampleRow;

    use super::*;
    use crate::ReelIndex;

    #[test]
    fn checksums_lie_in_the_index_without_being_in_its_way() {
        let file = [encode_checks(0, &[1, u32::MAX]), encode_checks(1, &[]), encode_checks(2, &[7])].concat();
        let read = read_checks(&file);
        assert_eq!(read, BTreeMap::from([(0, vec![1, u32::MAX]), (1, vec![]), (2, vec![7])]));
        let (index, whole, why) = ReelIndex::read(&file);
        assert_eq!((index, whole, why), (ReelIndex::default(), file.len() as u64, None));
        assert_eq!(read_checks(&file[..file.len() - 1]).len(), 2);
    }

    #[test]
    fn each_fragment_has_a_checksum_of_its_own_bytes() {
        let sample = SampleRow { duration: 1, size: 10, cto: 0, sync: true };
        let first = Fragment { track: TrackKind::Video, at: 5, dts: 0, samples: vec![sample] };
        let second = Fragment { at: 5 + first.bytes(), ..first.clone() };
        let mut file = vec![0u8; usize::try_from(second.at + second.bytes()).unwrap()];
        let before = fragment_checks(&file, &[first.clone(), second.clone()]);
        file[usize::try_from(second.at).unwrap()] ^= 4;
        let after = fragment_checks(&file, &[first, second]);
        assert!(before[0] == after[0] && before[1] != after[1]);
    }
}
