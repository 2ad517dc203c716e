//! Reading a segment's file without its index: after a crash, and to make the index again.

use codec::TrackKind;
use container::{FragmentError, read_box_header, read_fragment};

use crate::page::{Fragment, SamplePage};
use crate::segment::{SegmentHead, track_kind};

/// Bytes of the largest description, or of the head of the largest fragment, and to spare.
pub const HEAD_BYTES_MAX: u64 = 128 << 10;

/// Why a scan ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScanEnd {
    /// The file ends with a whole fragment.
    Whole,
    /// The last bytes are a fragment that was not written to its end; to be cut off.
    Torn,
    /// The bytes make no sense from here on.
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
}

/// What a segment's file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scanned {
    /// Its descriptions in order: the head's, then one for each change inside. Empty when the head itself is damaged.
    pub heads: Vec<SegmentHead>,
    /// Its fragments.
    pub page: SamplePage,
    /// How many bytes from the start are whole.
    pub whole_bytes: u64,
    /// Why there are no more.
    pub end: ScanEnd,
}

impl Default for Scanned {
    fn default() -> Self {
        Self { heads: Vec::new(), page: SamplePage::default(), whole_bytes: 0, end: ScanEnd::Whole }
    }
}

impl Scanned {
    /// Reads on in a file of `file_bytes`, which may grow: `rest` are some of its bytes from [`whole_bytes`](Self::whole_bytes) on.
    /// Samples need not be among them: where they end inside the file, call again with what follows. [`HEAD_BYTES_MAX`] bytes are
    /// enough to get on.
    pub fn read_on(&mut self, mut rest: &[u8], file_bytes: u64) {
        self.end = ScanEnd::Whole;
        while !rest.is_empty() {
            let available = file_bytes.saturating_sub(self.whole_bytes);
            match next_box(rest, available, self) {
                Ok(size) => {
                    self.whole_bytes = self.whole_bytes.saturating_add(size);
                    rest = usize::try_from(size).ok().and_then(|size| rest.get(size..)).unwrap_or_default();
                }
                Err(end) => {
                    self.end = end;
                    return;
                }
            }
        }
    }

    /// Whether it has any sample of `track`.
    pub fn has(&self, track: TrackKind) -> bool {
        self.page.fragments.iter().any(|fragment| fragment.track == track)
    }
}

/// Reads a whole segment file. Never fails: it tells how far the bytes hold.
pub fn scan_segment(file: &[u8]) -> Scanned {
    let mut found = Scanned::default();
    found.read_on(file, u64::try_from(file.len()).unwrap_or(u64::MAX));
    found
}

/// Reads one top-level box at the start of `rest` into `found`; gives its size (for a fragment: with its `mdat`). `available`: how
/// many bytes the file has from there on.
fn next_box(rest: &[u8], available: u64, found: &mut Scanned) -> Result<u64, ScanEnd> {
    let at = found.whole_bytes;
    let Some(span) = read_box_header(rest, at) else {
        return Err(if available < 16 { ScanEnd::Torn } else { ScanEnd::Damaged { what: "a box header is wanted" } });
    };
    if &span.kind == b"moof" {
        let head = read_fragment(rest, available).map_err(|error| match error {
            FragmentError::Torn { .. } => ScanEnd::Torn,
            FragmentError::Layout { what } => ScanEnd::Damaged { what },
        })?;
        let track = track_kind(head.track).ok_or(ScanEnd::Damaged { what: "a fragment of an unknown track" })?;
        let dts = i64::try_from(head.dts).map_err(|_| ScanEnd::Damaged { what: "a decode time beyond 63 bits" })?;
        found.page.fragments.push(Fragment { track, at, dts, samples: head.samples });
        return Ok(u64::from(head.head) + u64::from(head.body));
    }
    let here = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    if span.size > here.min(available) {
        return Err(ScanEnd::Torn);
    }
    match &span.kind {
        b"uuid" => {
            let size = usize::try_from(span.size).unwrap_or(usize::MAX);
            let body = rest.get(8..size).unwrap_or_default();
            let head = SegmentHead::read(body).map_err(|_| ScanEnd::Damaged { what: "the segment's description" })?;
            found.heads.push(head);
        }
        b"ftyp" | b"moov" => {}
        _ => return Err(ScanEnd::Damaged { what: "an unknown box" }),
    }
    Ok(span.size)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use codec::{AudioCodec, AudioConfig};
    use container::{SampleRow, fragment_head};
    use units::{ReelId, Timescale, WallTime};

    use super::*;
    use crate::segment::{AUDIO_TRACK, Epoch, Join, segment_head};

    fn file() -> (Vec<u8>, SegmentHead, Vec<Fragment>) {
        let audio = AudioConfig {
            codec: AudioCodec::Aac,
            record: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: 48_000,
            channels: 2,
            frame_samples: 1024,
            scale: Timescale::MILLIS,
        };
        let head = SegmentHead {
            reel: ReelId::from_u128(7),
            segment: 3,
            cycle: 1,
            wall: WallTime::from_unix_s(9),
            join: Join::Continuous,
            epoch: Epoch { number: 0, video: None, audio: Some(audio) },
            borders: None,
        };
        let mut file = segment_head(&head).to_vec();
        let mut fragments = Vec::new();
        for number in 0..3u32 {
            let samples = vec![SampleRow { duration: 1024, size: 50 + number, cto: 0, sync: true }; 4];
            let dts = 48_000 + 4096 * i64::from(number);
            let fragment = Fragment { track: TrackKind::Audio, at: file.len() as u64, dts, samples };
            file.extend(fragment_head(number + 1, AUDIO_TRACK, dts.cast_unsigned(), &fragment.samples));
            file.extend(vec![0xab; usize::try_from(fragment.body()).unwrap()]);
            fragments.push(fragment);
        }
        (file, head, fragments)
    }

    #[test]
    fn a_segment_tells_all_that_its_index_knew() {
        let (file, head, fragments) = file();
        let found = scan_segment(&file);
        assert_eq!(
            found,
            Scanned {
                heads: vec![head],
                page: SamplePage { fragments },
                whole_bytes: file.len() as u64,
                end: ScanEnd::Whole
            }
        );
    }

    #[test]
    fn a_file_cut_anywhere_keeps_every_whole_fragment() {
        let (file, _, fragments) = file();
        for cut in 0..file.len() {
            let found = scan_segment(&file[..cut]);
            let whole = fragments.iter().filter(|f| f.at + f.bytes() <= cut as u64).count();
            assert_eq!(found.page.fragments, fragments[..whole], "cut at {cut}");
            assert!(found.whole_bytes <= cut as u64);
            assert_eq!(found.end == ScanEnd::Whole, found.whole_bytes == cut as u64, "cut at {cut}: {found:?}");
        }
    }

    #[test]
    fn a_file_that_is_read_while_it_grows_is_the_same_file() {
        let (file, ..) = file();
        for step in [1, 7, 64, 333] {
            // With all that there is, and with the heads alone.
            for some in [usize::MAX, 1_000] {
                let mut found = Scanned::default();
                for end in (0..file.len()).step_by(step).chain([file.len()]) {
                    let mut before = None;
                    while before != Some(found.whole_bytes) {
                        before = Some(found.whole_bytes);
                        let from = usize::try_from(found.whole_bytes).unwrap();
                        let rest = &file[from..end];
                        found.read_on(&rest[..rest.len().min(some)], end as u64);
                    }
                }
                let whole = scan_segment(&file);
                assert_eq!((found.page, found.heads), (whole.page, whole.heads), "{step} bytes at a time");
                assert_eq!(found.whole_bytes, whole.whole_bytes);
            }
        }
    }

    #[test]
    fn a_damaged_fragment_ends_the_scan_and_keeps_the_ones_before() {
        let (mut file, _, fragments) = file();
        let at = usize::try_from(fragments[1].at).unwrap();
        file[at + 80] ^= 1;
        let found = scan_segment(&file);
        assert_eq!(found.page.fragments, fragments[..1]);
        assert!(matches!(found.end, ScanEnd::Damaged { .. }));
    }
}
