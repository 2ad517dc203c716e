//! Zeros where media should be: what a disk leaves of bytes that it took and then lost.
//!
//! A sync that fails, and a power loss on some file systems, leave a file with its length and a hole in it: whole boxes whose
//! end reads as zeros. Their headers make sense; only their samples tell.

use codec::TrackKind;
use reel::{Fragment, Scanned};

/// A coded picture that ends in so many zero bytes was not written to its end: its last byte is never zero, but for senders
/// that pad by a byte or two.
const ZEROS_MAX: usize = 3;

/// Bytes of the smallest part that a disk loses, counted from the start of the file.
const BLOCK: usize = 512;

/// Cuts `scanned` before the first fragment that has a hole.
pub(super) fn cut_at_hole(file: &[u8], scanned: &mut Scanned) {
    let Some(bad) = scanned.page.fragments.iter().position(|fragment| has_hole(file, fragment)) else { return };
    if let Some(fragment) = scanned.page.fragments.get(bad) {
        scanned.whole_bytes = fragment.at;
    }
    scanned.page.fragments.truncate(bad);
}

fn has_hole(file: &[u8], fragment: &Fragment) -> bool {
    ends_in_lost_block(file, fragment) || has_lost_sample(file, fragment)
}

/// Whether the part of a fragment that lies in its last block reads as zeros. Neither a picture nor a frame of sound ends in a zero
/// byte, and where an encoder pads it would have to pad across the border of a block.
fn ends_in_lost_block(file: &[u8], fragment: &Fragment) -> bool {
    let range = usize::try_from(fragment.at).ok().zip(usize::try_from(fragment.at + fragment.bytes()).ok());
    let Some((begin, end)) = range else { return true };
    let block = end.saturating_sub(1) / BLOCK * BLOCK;
    block > begin && file.get(block..end).is_none_or(|bytes| bytes.iter().all(|byte| *byte == 0))
}

fn has_lost_sample(file: &[u8], fragment: &Fragment) -> bool {
    let Some(mut rest) = usize::try_from(fragment.at + fragment.head()).ok().and_then(|at| file.get(at..)) else {
        return true;
    };
    fragment.samples.iter().any(|row| {
        let size = usize::try_from(row.size).unwrap_or(usize::MAX);
        let Some((sample, after)) = rest.split_at_checked(size) else { return true };
        rest = after;
        match fragment.track {
            TrackKind::Video => sample.len() >= ZEROS_MAX && sample.iter().rev().take(ZEROS_MAX).all(|byte| *byte == 0),
            TrackKind::Audio => !sample.is_empty() && sample.iter().all(|byte| *byte == 0),
        }
    })
}

#[cfg(test)]
mod tests {
    use container::SampleRow;
    use reel::SamplePage;

    use super::*;

    #[test]
    fn a_file_is_cut_before_the_first_fragment_that_ends_in_zeros() {
        let row = SampleRow { duration: 1, size: 600, cto: 0, sync: true };
        let fragment = Fragment { track: TrackKind::Video, at: 0, dts: 0, samples: vec![row; 2] };
        let length = usize::try_from(fragment.bytes()).unwrap();
        let fragments = vec![fragment.clone(), Fragment { at: fragment.bytes(), ..fragment }];
        let scanned = |file: &[u8]| {
            let page = SamplePage { fragments: fragments.clone() };
            let whole_bytes = file.len() as u64;
            let mut scanned = Scanned { heads: Vec::new(), page, whole_bytes, end: reel::ScanEnd::Whole };
            cut_at_hole(file, &mut scanned);
            (scanned.page.fragments.len(), scanned.whole_bytes)
        };
        let mut file = vec![7; 2 * length];
        assert_eq!(scanned(&file), (2, 2 * length as u64));
        for (from, left) in [(2 * length - 3, 1), (length + 100, 1), (length - 3, 0), (100, 0)] {
            file[from..].fill(0);
            assert_eq!(scanned(&file), (left, (left * length) as u64), "zeros from {from}");
        }
    }

    #[test]
    fn a_block_that_was_lost_is_seen_by_its_last_bytes_alone() {
        let row = SampleRow { duration: 1, size: 600, cto: 0, sync: true };
        let fragment = |at, track| Fragment { track, at, dts: 0, samples: vec![row; 2] };
        let length = usize::try_from(fragment(0, TrackKind::Audio).bytes()).unwrap();
        // So that the last block holds the last four bytes.
        let at = (4 * BLOCK + 4 - length) as u64;
        for track in [TrackKind::Audio, TrackKind::Video] {
            let mut file = vec![7; 4 * BLOCK + 4];
            assert!(!has_hole(&file, &fragment(at, track)));
            file[4 * BLOCK + 1..].fill(0);
            assert_eq!(has_hole(&file, &fragment(at, track)), track == TrackKind::Video, "padding is no hole in sound");
            file[4 * BLOCK..].fill(0);
            assert!(has_hole(&file, &fragment(at, track)));
        }
    }
}
