//! Sample pages: where each fragment of a segment lies and what samples it holds, some 5 bytes a picture, 3 a sound frame.
//!
//! Layout (version 1): `fragments`, then for each fragment: track id, offset from the end of the one before, decode time,
//! number of samples, a byte of flags, then the columns that the flags leave: durations, sizes, offsets, sync bits. Numbers
//! are LEB128. Head and body sizes follow from the samples.

use codec::TrackKind;
use container::{SAMPLES_MAX, SampleRow, head_bytes};
use thiserror::Error;
use units::{MediaTime, Timescale};

use crate::segment::{Borders, Epoch, TrackSpan, track_id, track_kind};
use crate::varint;

/// All samples have one duration.
const SAME_DURATION: u8 = 1;
/// All composition offsets are 0.
const NO_OFFSETS: u8 = 2;
/// All samples are sync samples.
const ALL_SYNC: u8 = 4;
/// Only the first sample is one.
const FIRST_SYNC: u8 = 8;
/// Most fragments in a segment: a segment of one GOP of two minutes at one fragment a second and track, and to spare.
const FRAGMENTS_MAX: u64 = 65_536;

/// One fragment of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// Whose samples.
    pub track: TrackKind,
    /// Where its `moof` begins, in bytes from the start of the segment's file.
    pub at: u64,
    /// Decode time of its first sample, in the track's ticks on the reel's timeline.
    pub dts: i64,
    /// Its samples, in decode order.
    pub samples: Vec<SampleRow>,
}

impl Fragment {
    /// Bytes of `moof` and `mdat` header.
    pub fn head(&self) -> u64 {
        u64::try_from(head_bytes(self.samples.len())).unwrap_or(u64::MAX)
    }

    /// Bytes of the samples.
    pub fn body(&self) -> u64 {
        self.samples.iter().map(|row| u64::from(row.size)).sum()
    }

    /// Bytes of all of it.
    pub fn bytes(&self) -> u64 {
        self.head() + self.body()
    }

    /// Decode time of the last sample plus its duration.
    pub fn dts_end(&self) -> i64 {
        self.samples.iter().fold(self.dts, |dts, row| dts.saturating_add(i64::from(row.duration)))
    }

    /// (smallest presentation time, largest presentation time plus duration).
    pub fn pts_range(&self) -> (i64, i64) {
        let mut dts = self.dts;
        let mut range = (i64::MAX, i64::MIN);
        for row in &self.samples {
            let pts = dts.saturating_add(i64::from(row.cto));
            dts = dts.saturating_add(i64::from(row.duration));
            range = (range.0.min(pts), range.1.max(pts.saturating_add(i64::from(row.duration))));
        }
        range
    }
}

/// Why a page cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PageError {
    /// Its checksum does not fit.
    #[error("the sample page is damaged: its checksum is {found:08x}, not {expected:08x}")]
    Checksum {
        /// What its row says.
        expected: u32,
        /// What its bytes give.
        found: u32,
    },
    /// Its bytes make no page.
    #[error("the sample page makes no sense at byte {at}")]
    Malformed {
        /// Where.
        at: usize,
    },
}

/// The fragments of one segment, in the order in which they lie in its file.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct SamplePage {
    /// In file order.
    pub fragments: Vec<Fragment>,
}

impl SamplePage {
    /// The page as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.fragments.iter().map(|f| f.samples.len() * 6).sum::<usize>());
        varint::put(&mut out, u64::try_from(self.fragments.len()).unwrap_or(u64::MAX));
        let mut end = 0;
        for fragment in &self.fragments {
            encode_fragment(&mut out, fragment, end);
            end = fragment.at + fragment.bytes();
        }
        out
    }

    /// Reads a stored page and checks it against `crc`.
    pub fn decode(bytes: &[u8], crc: u32) -> Result<Self, PageError> {
        let found = crc32fast::hash(bytes);
        if found != crc {
            return Err(PageError::Checksum { expected: crc, found });
        }
        let mut rest = bytes;
        Self::take(&mut rest).ok_or(PageError::Malformed { at: bytes.len() - rest.len() })
    }

    fn take(rest: &mut &[u8]) -> Option<Self> {
        let count = varint::take(rest).filter(|count| *count <= FRAGMENTS_MAX)?;
        let mut fragments = Vec::new();
        let mut end = 0u64;
        for _ in 0..count {
            let fragment = take_fragment(rest, end)?;
            end = fragment.at.checked_add(fragment.bytes())?;
            fragments.push(fragment);
        }
        rest.is_empty().then_some(Self { fragments })
    }

    /// Where a segment of these fragments, with these parameters, begins and ends on the reel's timeline when nothing else tells.
    /// Where it begins follows from its first fragment alone. `None` when it has no picture where there should be some, or nothing.
    pub fn borders(&self, epoch: &Epoch) -> Option<Borders> {
        let (video, audio) = (self.track_span(TrackKind::Video), self.track_span(TrackKind::Audio));
        let first = self.fragments.iter().find(|fragment| fragment.track == TrackKind::Video);
        match (video, audio, first) {
            // A segment begins with its key frame; pictures that lead it in presentation belong to it all the same.
            (Some(video), _, Some(first)) => {
                let offset = first.samples.first().map_or(0, |row| i64::from(row.cto));
                Some(Borders { begin: first.dts.saturating_add(offset), end: video.pts_end })
            }
            (None, Some(audio), _) if epoch.video.is_none() => {
                let scale = epoch.scale(TrackKind::Audio)?;
                let in_reel = |ticks| {
                    MediaTime { ticks, scale }.rescale_round(Timescale::REEL).map_or(i64::MAX, |time| time.ticks)
                };
                Some(Borders { begin: in_reel(audio.pts), end: in_reel(audio.pts_end) })
            }
            _ => None,
        }
    }

    /// What `track` has in the segment.
    pub fn track_span(&self, track: TrackKind) -> Option<TrackSpan> {
        let mut span: Option<TrackSpan> = None;
        for fragment in self.fragments.iter().filter(|fragment| fragment.track == track) {
            let (pts, pts_end) = fragment.pts_range();
            let this = TrackSpan {
                dts: fragment.dts,
                dts_end: fragment.dts_end(),
                pts,
                pts_end,
                samples: u32::try_from(fragment.samples.len()).unwrap_or(u32::MAX),
                fragments: 1,
                bytes: fragment.bytes(),
            };
            span = Some(match span {
                None => this,
                Some(so_far) => TrackSpan {
                    dts: so_far.dts.min(this.dts),
                    dts_end: so_far.dts_end.max(this.dts_end),
                    pts: so_far.pts.min(this.pts),
                    pts_end: so_far.pts_end.max(this.pts_end),
                    samples: so_far.samples.saturating_add(this.samples),
                    fragments: so_far.fragments.saturating_add(1),
                    bytes: so_far.bytes + this.bytes,
                },
            });
        }
        span
    }
}

fn encode_fragment(out: &mut Vec<u8>, fragment: &Fragment, end: u64) {
    let rows = &fragment.samples;
    let first = rows.first().copied();
    let mut flags = 0;
    if rows.iter().all(|row| Some(row.duration) == first.map(|first| first.duration)) {
        flags |= SAME_DURATION;
    }
    if rows.iter().all(|row| row.cto == 0) {
        flags |= NO_OFFSETS;
    }
    if rows.iter().all(|row| row.sync) {
        flags |= ALL_SYNC;
    } else if rows.iter().enumerate().all(|(number, row)| row.sync == (number == 0)) {
        flags |= FIRST_SYNC;
    }
    varint::put(out, u64::from(track_id(fragment.track)));
    varint::put(out, fragment.at.saturating_sub(end));
    varint::put_signed(out, fragment.dts);
    varint::put(out, u64::try_from(rows.len()).unwrap_or(u64::MAX));
    out.push(flags);
    match first {
        Some(first) if flags & SAME_DURATION != 0 => varint::put(out, u64::from(first.duration)),
        _ => rows.iter().for_each(|row| varint::put(out, u64::from(row.duration))),
    }
    rows.iter().for_each(|row| varint::put(out, u64::from(row.size)));
    if flags & NO_OFFSETS == 0 {
        rows.iter().for_each(|row| varint::put_signed(out, i64::from(row.cto)));
    }
    if flags & (ALL_SYNC | FIRST_SYNC) == 0 {
        for eight in rows.chunks(8) {
            out.push(eight.iter().enumerate().fold(0, |byte, (bit, row)| byte | (u8::from(row.sync) << bit)));
        }
    }
}

fn take_fragment(rest: &mut &[u8], end: u64) -> Option<Fragment> {
    let track = track_kind(varint::take_u32(rest)?)?;
    let at = end.checked_add(varint::take(rest)?)?;
    let dts = varint::take_signed(rest)?;
    let count = usize::try_from(varint::take(rest)?).ok().filter(|count| (1..=SAMPLES_MAX).contains(count))?;
    let (flags, tail) = rest.split_first()?;
    *rest = tail;
    let flags = *flags;
    let mut samples = vec![SampleRow { duration: 0, size: 0, cto: 0, sync: flags & ALL_SYNC != 0 }; count];
    let mut duration = 0;
    for (number, row) in samples.iter_mut().enumerate() {
        if number == 0 || flags & SAME_DURATION == 0 {
            duration = varint::take_u32(rest)?;
        }
        row.duration = duration;
    }
    for row in &mut samples {
        row.size = varint::take_u32(rest)?;
    }
    if flags & NO_OFFSETS == 0 {
        for row in &mut samples {
            row.cto = i32::try_from(varint::take_signed(rest)?).ok()?;
        }
    }
    if flags & FIRST_SYNC != 0 {
        samples.first_mut()?.sync = true;
    } else if flags & ALL_SYNC == 0 {
        for eight in samples.chunks_mut(8) {
            let (byte, tail) = rest.split_first()?;
            for (bit, row) in eight.iter_mut().enumerate() {
                row.sync = (byte >> bit) & 1 == 1;
            }
            *rest = tail;
        }
    }
    Some(Fragment { track, at, dts, samples })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page() -> impl Strategy<Value = SamplePage> {
        let row = (1u32..100_000, 0u32..100_000, -9000i32..9000, any::<bool>())
            .prop_map(|(duration, size, cto, sync)| SampleRow { duration, size, cto, sync });
        let plain = (0u32..1000).prop_map(|size| SampleRow { duration: 1024, size, cto: 0, sync: true });
        let rows = prop_oneof![prop::collection::vec(row, 1..40), prop::collection::vec(plain, 1..60)];
        let fragment = (any::<bool>(), 0u64..5000, -5i64..1 << 50, rows);
        prop::collection::vec(fragment, 0..12).prop_map(|fragments| {
            let mut end = 0;
            let place = |(video, gap, dts, samples): (bool, u64, i64, Vec<SampleRow>)| {
                let track = if video { TrackKind::Video } else { TrackKind::Audio };
                let fragment = Fragment { track, at: end + gap, dts, samples };
                end = fragment.at + fragment.bytes();
                fragment
            };
            SamplePage { fragments: fragments.into_iter().map(place).collect() }
        })
    }

    proptest! {
        #[test]
        fn a_page_survives_its_bytes(page in page()) {
            let bytes = page.encode();
            prop_assert_eq!(SamplePage::decode(&bytes, crc32fast::hash(&bytes)), Ok(page));
        }

        #[test]
        fn a_flipped_bit_is_found(page in page(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut bytes = page.encode();
            let crc = crc32fast::hash(&bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            let read = SamplePage::decode(&bytes, crc);
            let found = matches!(read, Err(PageError::Checksum { .. }));
            prop_assert!(found);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = SamplePage::decode(&bytes, crc32fast::hash(&bytes));
        }
    }
}
