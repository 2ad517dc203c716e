//! CMAF fragments (ISO/IEC 23000-19 §7.3): one `moof` and its `mdat`, of one track, in one fixed layout.
//!
//! The layout never varies, so that a view can patch a field in place: `tfdt` version 1 at [`DECODE_TIME_AT`], one `trun`
//! version 1 with duration, size, flags and composition offset for every sample.
//!
//! What is put together of several of them for a view has the same boxes, but a `trun` for each ([`runs_head`]).

use bytes::Bytes;
use thiserror::Error;

use crate::boxes::{BoxWriter, read_box_header};

/// Offset of the 64-bit `baseMediaDecodeTime` from the start of the `moof`.
pub const DECODE_TIME_AT: usize = 60;
/// Offset of the first sample's row in the `trun` from the start of the `moof`.
pub const SAMPLE_ROWS_AT: usize = 88;
/// Bytes of a sample's row: duration, size, flags, composition offset.
pub const SAMPLE_ROW: usize = 16;
/// Most samples in a fragment: one second of 960-sample audio at 96 kHz is 100, of video at 240 fps 240; bounds what a
/// damaged file can make a reader allocate.
pub const SAMPLES_MAX: usize = 4_096;
/// Most payload bytes in a fragment, so that its size always fits 32 bits.
pub const PAYLOAD_BYTES_MAX: u64 = 1 << 30;

const MDAT_HEADER: usize = 8;
/// Of a `trun`: its size, name, version and flags, how many samples, and where their bytes begin.
const TRUN_HEADER: usize = 20;
/// `sample_depends_on = 2` (on no other), a sync sample (§8.8.3.1).
const FLAGS_SYNC: u32 = 0x0200_0000;
/// `sample_depends_on = 1`, `sample_is_non_sync_sample`.
const FLAGS_DELTA: u32 = 0x0101_0000;
/// data-offset, duration, size, flags and composition-offset present (§8.8.8).
const TRUN_FLAGS: u32 = 0x0000_0f01;
const TFHD_DEFAULT_BASE_IS_MOOF: u32 = 0x0002_0000;

/// One sample's row: all that a player needs besides its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SampleRow {
    /// Ticks from this sample's decode time to the next one's.
    pub duration: u32,
    /// Bytes.
    pub size: u32,
    /// Presentation time minus decode time, in ticks.
    pub cto: i32,
    /// A picture from which decoding can start (IDR); every audio sample.
    pub sync: bool,
}

/// Why bytes are no fragment of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FragmentError {
    /// There are fewer bytes than the boxes say: the tail of a write that was cut off.
    #[error("the fragment is torn: {have} of {need} bytes")]
    Torn {
        /// Bytes that are there.
        have: u64,
        /// Bytes that the boxes claim.
        need: u64,
    },
    /// A box is not where or what the fixed layout asks for.
    #[error("no fragment of ours: {what}")]
    Layout {
        /// Which part is wrong.
        what: &'static str,
    },
}

/// A fragment's `moof`, read back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FragmentHead {
    /// `mfhd` sequence number.
    pub sequence: u32,
    /// `track_ID`.
    pub track: u32,
    /// Decode time of the first sample, in the track's ticks.
    pub dts: u64,
    /// Bytes of `moof` and `mdat` header.
    pub head: u32,
    /// Bytes of the `mdat` body.
    pub body: u32,
    /// One row per sample.
    pub samples: Vec<SampleRow>,
}

/// Bytes of `moof` plus `mdat` header for a fragment of `samples` samples.
pub const fn head_bytes(samples: usize) -> usize {
    SAMPLE_ROWS_AT + SAMPLE_ROW * samples + MDAT_HEADER
}

/// Samples whose bytes lie one behind the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SampleRun<'a> {
    /// Where the first begins, from the first byte of the `mdat`'s body.
    pub at: u64,
    /// At least one.
    pub samples: &'a [SampleRow],
}

/// The `moof` and the `mdat` header of a fragment; the samples' bytes follow it.
///
/// `sequence` counts fragments within a segment from 1. `dts` is the decode time of the first sample.
pub fn fragment_head(sequence: u32, track: u32, dts: u64, samples: &[SampleRow]) -> Bytes {
    let body: u64 = samples.iter().map(|row| u64::from(row.size)).sum();
    runs_head(sequence, track, dts, &[SampleRun { at: 0, samples }], body)
}

/// The `moof` and the `mdat` header of a fragment whose samples lie in several runs among `body` bytes, of which others may lie
/// between them: no sample is there, so no reader looks at them (ISO/IEC 14496-12 §8.1.1).
///
/// `dts` is the decode time of the first sample of the first run; each run goes on where the one before ends.
pub fn runs_head(sequence: u32, track: u32, dts: u64, runs: &[SampleRun<'_>], body: u64) -> Bytes {
    let samples: usize = runs.iter().map(|run| run.samples.len()).sum();
    debug_assert!(body <= PAYLOAD_BYTES_MAX && samples <= SAMPLES_MAX && !runs.is_empty());
    let head = head_bytes(samples) + TRUN_HEADER * runs.len().saturating_sub(1);
    let mut w = BoxWriter::default();
    w.boxed(b"moof", |w| {
        w.full(b"mfhd", 0, 0, |w| w.u32(sequence));
        w.boxed(b"traf", |w| {
            w.full(b"tfhd", 0, TFHD_DEFAULT_BASE_IS_MOOF, |w| w.u32(track));
            w.full(b"tfdt", 1, 0, |w| w.u64(dts));
            for run in runs {
                w.full(b"trun", 1, TRUN_FLAGS, |w| {
                    w.u32(u32::try_from(run.samples.len()).unwrap_or(u32::MAX));
                    let at = u64::try_from(head).unwrap_or(u64::MAX).saturating_add(run.at);
                    w.i32(i32::try_from(at).unwrap_or(i32::MAX));
                    for row in run.samples {
                        w.u32(row.duration);
                        w.u32(row.size);
                        w.u32(if row.sync { FLAGS_SYNC } else { FLAGS_DELTA });
                        w.i32(row.cto);
                    }
                });
            }
        });
    });
    w.u32(u32::try_from(body).unwrap_or(u32::MAX).saturating_add(8));
    w.slice(b"mdat");
    w.into_bytes()
}

/// Reads the fragment at the start of `bytes`; `available` is how many bytes the file has from there on (`bytes` may be
/// only its beginning, but has to hold the whole `moof`).
///
/// Errors: [`FragmentError::Torn`] when the file ends inside the fragment, [`FragmentError::Layout`] when it is not of the
/// fixed layout or its tables contradict each other.
pub fn read_fragment(bytes: &[u8], available: u64) -> Result<FragmentHead, FragmentError> {
    let layout = |what| FragmentError::Layout { what };
    let torn = |need| FragmentError::Torn { have: available, need };
    let Some(moof) = read_box_header(bytes, 0) else {
        return Err(if available < 8 { torn(8) } else { layout("a box header is wanted") });
    };
    if &moof.kind != b"moof" || moof.header != 8 {
        return Err(layout("a moof is wanted"));
    }
    let limit = u64::try_from(head_bytes(SAMPLES_MAX)).unwrap_or(u64::MAX);
    if moof.size > limit {
        return Err(layout("the moof is larger than any that is written"));
    }
    if moof.size > available {
        return Err(torn(moof.size));
    }
    let moof_size = usize::try_from(moof.size).map_err(|_| layout("size"))?;
    let field = |at: usize| -> Option<u32> { Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)) };
    let at = |offset: usize| field(offset).ok_or(torn(moof.size));
    let is = |offset: usize, kind: &[u8; 4]| bytes.get(offset..offset + 4) == Some(kind.as_slice());
    if !(is(12, b"mfhd") && is(28, b"traf") && is(36, b"tfhd") && is(52, b"tfdt") && is(72, b"trun")) {
        return Err(layout("the boxes inside the moof are not in the fixed order"));
    }
    if at(40)? != TFHD_DEFAULT_BASE_IS_MOOF || at(56)? != 0x0100_0000 || at(76)? != 0x0100_0000 | TRUN_FLAGS {
        return Err(layout("flags"));
    }
    let count = usize::try_from(at(80)?).map_err(|_| layout("sample count"))?;
    if count == 0 || count > SAMPLES_MAX || moof_size != SAMPLE_ROWS_AT + SAMPLE_ROW * count {
        return Err(layout("sample count"));
    }
    let head = head_bytes(count);
    if usize::try_from(at(84)?) != Ok(head) {
        return Err(layout("data offset"));
    }
    let dts = (u64::from(at(DECODE_TIME_AT)?) << 32) | u64::from(at(DECODE_TIME_AT + 4)?);
    let mut samples = Vec::with_capacity(count);
    for row in 0..count {
        let start = SAMPLE_ROWS_AT + SAMPLE_ROW * row;
        samples.push(SampleRow {
            duration: at(start)?,
            size: at(start + 4)?,
            sync: at(start + 8)? & 0x0001_0000 == 0,
            cto: i32::from_be_bytes(at(start + 12)?.to_be_bytes()),
        });
    }
    let body: u64 = samples.iter().map(|row| u64::from(row.size)).sum();
    let need = u64::try_from(head).unwrap_or(u64::MAX).saturating_add(body);
    if need > available {
        return Err(torn(need));
    }
    let mdat_size = at(moof_size)?;
    if !is(moof_size + 4, b"mdat") || u64::from(mdat_size) != body + 8 || body > PAYLOAD_BYTES_MAX {
        return Err(layout("the mdat does not fit the samples"));
    }
    Ok(FragmentHead {
        sequence: at(20)?,
        track: at(44)?,
        dts,
        head: u32::try_from(head).map_err(|_| layout("size"))?,
        body: u32::try_from(body).map_err(|_| layout("size"))?,
        samples,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> impl Strategy<Value = Vec<SampleRow>> {
        let row = (any::<u32>(), 0u32..100_000, any::<i32>(), any::<bool>());
        prop::collection::vec(
            row.prop_map(|(duration, size, cto, sync)| SampleRow { duration, size, cto, sync }),
            1..50,
        )
    }

    #[test]
    fn the_decode_time_lies_where_views_patch_it() {
        let head =
            fragment_head(1, 1, 0x0102_0304_0506_0708, &[SampleRow { duration: 1, size: 2, cto: 3, sync: true }]);
        assert_eq!(head.get(DECODE_TIME_AT..DECODE_TIME_AT + 8), Some(&[1, 2, 3, 4, 5, 6, 7, 8][..]));
        assert_eq!(head.len(), head_bytes(1));
    }

    #[test]
    fn a_second_reader_sees_the_same_fragment() {
        use mp4_atom::{Atom, Decode, Header, Moof};
        let rows = [
            SampleRow { duration: 3000, size: 10, cto: 6000, sync: true },
            SampleRow { duration: 3003, size: 20, cto: -3000, sync: false },
        ];
        let head = fragment_head(7, 2, 90_000, &rows);
        let mut buf = head.as_ref();
        assert_eq!(Header::decode(&mut buf).unwrap().kind, Moof::KIND);
        let moof = Moof::decode(&mut head.as_ref()).unwrap();
        assert_eq!((moof.mfhd.sequence_number, moof.traf.len()), (7, 1));
        let traf = &moof.traf[0];
        assert_eq!(traf.tfdt.as_ref().unwrap().base_media_decode_time, 90_000);
        let entries = &traf.trun[0].samples;
        assert_eq!(
            entries.iter().map(|e| (e.duration, e.size, e.cts)).collect::<Vec<_>>(),
            vec![(Some(3000), Some(10), Some(6000)), (Some(3003), Some(20), Some(-3000))]
        );
    }

    #[test]
    fn runs_are_where_a_second_reader_looks_for_them() {
        use mp4_atom::{Decode, Moof};
        let row = |size| SampleRow { duration: 3000, size, cto: 0, sync: false };
        let (first, second) = ([row(10), row(20)], [row(5)]);
        let runs = [SampleRun { at: 0, samples: &first }, SampleRun { at: 37, samples: &second }];
        let head = runs_head(7, 1, 90_000, &runs, 42);
        let moof = Moof::decode(&mut head.as_ref()).unwrap();
        let traf = &moof.traf[0];
        let told: Vec<_> = traf.trun.iter().map(|trun| (trun.data_offset, trun.samples.len())).collect();
        let length = i32::try_from(head.len()).unwrap();
        assert_eq!(told, [(Some(length), 2), (Some(length + 37), 1)]);
        assert_eq!(head[head.len() - 8..], [0, 0, 0, 50, b'm', b'd', b'a', b't']);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in rows(), dts in any::<u64>(), sequence in any::<u32>()) {
            let bytes = fragment_head(sequence, 2, dts, &rows);
            let body: u64 = rows.iter().map(|r| u64::from(r.size)).sum();
            let read = read_fragment(&bytes, bytes.len() as u64 + body).unwrap();
            prop_assert_eq!(read.samples, rows);
            prop_assert_eq!((read.dts, read.sequence, read.track), (dts, sequence, 2));
            prop_assert_eq!(u64::from(read.body), body);
        }

        #[test]
        fn a_torn_fragment_is_told_from_a_whole_one(rows in rows(), cut in any::<prop::sample::Index>()) {
            let head = fragment_head(1, 1, 0, &rows);
            let whole = head.len() as u64 + rows.iter().map(|r| u64::from(r.size)).sum::<u64>();
            let have = cut.index(usize::try_from(whole).unwrap()) as u64;
            let bytes = &head[..head.len().min(usize::try_from(have).unwrap())];
            let read = read_fragment(bytes, have);
            let torn = matches!(read, Err(FragmentError::Torn { .. }));
            prop_assert!(torn, "{:?}", read);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read_fragment(&bytes, bytes.len() as u64);
        }
    }
}
