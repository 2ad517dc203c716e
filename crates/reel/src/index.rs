//! `segments.idx`: epochs and one row per segment, appended as they come.
//!
//! The file is a run of records: kind (1 byte), length of the payload (4 bytes, little endian), CRC-32 of kind and payload
//! (4 bytes), payload. Reading stops at the first record that is cut off or damaged: everything before it holds, the rest is
//! made again from the segments.

use units::WallTime;

use crate::segment::{Epoch, Join, LossCause, LostEnd, PageRef, SegmentRow, TrackSpan};
use crate::varint;

const RECORD_HEADER: usize = 9;
const KIND_EPOCH: u8 = 1;
const KIND_SEGMENT: u8 = 2;
const KIND_LOST_END: u8 = 3;
/// How [`Join::Lost`] is written: this plus the number of its cause.
const LOST: u64 = 4;
/// Read by [`crate::read_checks`] alone.
pub(crate) const KIND_CHECKS: u8 = 4;
/// Largest payload that is read: an epoch with two parameter records takes 1 KiB.
const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// Why the index of a reel ends before its file does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// The file ends inside a record: a write was cut off.
    #[error("the index is cut off at byte {at}")]
    Torn {
        /// Where the record begins.
        at: u64,
    },
    /// A record's checksum or content is wrong.
    #[error("the index is damaged at byte {at}")]
    Damaged {
        /// Where the record begins.
        at: u64,
    },
}

/// The table of a reel: small (some 80 bytes a segment), held whole while the reel is read.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ReelIndex {
    /// By number.
    pub epochs: Vec<Epoch>,
    /// By number, without holes.
    pub segments: Vec<SegmentRow>,
    /// What was lost after the last segment, if anything was.
    pub lost_end: Option<LostEnd>,
}

/// A loss at the end as a record.
pub fn encode_lost_end(lost: &LostEnd) -> Vec<u8> {
    let mut out = Vec::with_capacity(16);
    varint::put(&mut out, lost.gap_ms);
    varint::put(&mut out, cause_number(lost.cause));
    record(KIND_LOST_END, &out)
}

const fn cause_number(cause: LossCause) -> u64 {
    match cause {
        LossCause::Full => 0,
        LossCause::Failed => 1,
        LossCause::Slow => 2,
    }
}

const fn cause_of(number: u64) -> Option<LossCause> {
    match number {
        0 => Some(LossCause::Full),
        1 => Some(LossCause::Failed),
        2 => Some(LossCause::Slow),
        _ => None,
    }
}

/// An epoch as a record.
pub fn encode_epoch(epoch: &Epoch) -> Vec<u8> {
    // A struct of numbers and hex text always has a JSON form.
    record(KIND_EPOCH, &serde_json::to_vec(epoch).unwrap_or_default())
}

/// A segment as a record.
pub fn encode_row(row: &SegmentRow) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    varint::put(&mut out, u64::from(row.number));
    varint::put(&mut out, u64::from(row.cycle));
    varint::put(&mut out, u64::from(row.epoch));
    varint::put(&mut out, row.bytes);
    varint::put_signed(&mut out, row.wall.unix_ms);
    let (join, gap_ms) = match row.join {
        Join::Start => (0, 0),
        Join::Continuous => (1, 0),
        Join::Resumed { gap_ms } => (2, gap_ms),
        Join::Leapt => (3, 0),
        Join::Lost { gap_ms, cause } => (LOST + cause_number(cause), gap_ms),
    };
    varint::put(&mut out, join);
    varint::put(&mut out, gap_ms);
    varint::put_signed(&mut out, row.begin);
    varint::put_signed(&mut out, row.end);
    varint::put(&mut out, row.page.at);
    varint::put(&mut out, u64::from(row.page.len));
    varint::put(&mut out, u64::from(row.page.crc));
    for track in [&row.video, &row.audio] {
        varint::put(&mut out, u64::from(track.is_some()));
        if let Some(span) = track {
            [span.dts, span.dts_end, span.pts, span.pts_end]
                .iter()
                .for_each(|time| varint::put_signed(&mut out, *time));
            [u64::from(span.samples), u64::from(span.fragments), span.bytes]
                .iter()
                .for_each(|n| varint::put(&mut out, *n));
        }
    }
    record(KIND_SEGMENT, &out)
}

/// The records of a file, as far as they hold: kind and payload.
pub(crate) fn records(file: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = file;
    std::iter::from_fn(move || {
        let (kind, payload, crc, tail) = split_record(rest)?;
        rest = tail;
        (checksum(kind, payload) == crc).then_some((kind, payload))
    })
}

pub(crate) fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD_HEADER + payload.len());
    out.push(kind);
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&checksum(kind, payload).to_le_bytes());
    out.extend_from_slice(payload);
    out
}

fn checksum(kind: u8, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(payload);
    hasher.finalize()
}

impl ReelIndex {
    /// Reads a file: all that holds, how many bytes that takes, and why there is no more (`None`: the file ends there).
    pub fn read(bytes: &[u8]) -> (Self, u64, Option<IndexError>) {
        let mut index = Self::default();
        let (end, why) = index.extend(bytes);
        (index, end, why)
    }

    /// Reads a file up to the first `rows` segments, though more of it may hold. Gives also how many bytes that takes.
    pub fn read_rows(bytes: &[u8], rows: usize) -> (Self, u64) {
        let mut index = Self::default();
        let mut rest = bytes;
        loop {
            let at = u64::try_from(bytes.len() - rest.len()).unwrap_or(u64::MAX);
            let Some((kind, payload, crc, tail)) = split_record(rest) else { return (index, at) };
            let ends = kind == KIND_SEGMENT && index.segments.len() == rows;
            if ends || checksum(kind, payload) != crc || index.take(kind, payload).is_none() {
                return (index, at);
            }
            rest = tail;
        }
    }

    /// Reads the epochs of a file, and of its segments those that begin in `[from, to)`, as far as it holds: what
    /// [`between`](Self::between) gives of all of it. Of a reel of a day a video of minutes takes little memory so.
    pub fn read_between(bytes: &[u8], from: i64, to: i64) -> Self {
        let mut index = Self::default();
        let mut number = 0;
        for (kind, payload) in records(bytes) {
            if kind == KIND_SEGMENT {
                let Some(row) = index.next_row(payload, number) else { break };
                number += 1;
                if (from..to).contains(&row.begin) {
                    index.segments.push(row);
                }
                index.lost_end = None;
            } else if index.take(kind, payload).is_none() {
                break;
            }
        }
        index
    }

    /// Reads on: `bytes` are what follows in the file after all that was read before. Gives how many of them hold, and
    /// why there are no more; positions in errors count from the start of `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) -> (u64, Option<IndexError>) {
        let mut rest = bytes;
        loop {
            let at = u64::try_from(bytes.len() - rest.len()).unwrap_or(u64::MAX);
            if rest.is_empty() {
                return (at, None);
            }
            let Some((kind, payload, crc, tail)) = split_record(rest) else {
                return (at, Some(IndexError::Torn { at }));
            };
            if checksum(kind, payload) != crc || self.take(kind, payload).is_none() {
                return (at, Some(IndexError::Damaged { at }));
            }
            rest = tail;
        }
    }

    fn take(&mut self, kind: u8, payload: &[u8]) -> Option<()> {
        match kind {
            KIND_EPOCH => {
                let epoch: Epoch = serde_json::from_slice(payload).ok()?;
                let number = usize::try_from(epoch.number).ok()?;
                // An epoch is written again when a recording is taken up after a restart.
                let next = self.epochs.len();
                match self.epochs.get_mut(number) {
                    Some(known) => *known = epoch,
                    None if number == next => self.epochs.push(epoch),
                    None => return None,
                }
            }
            KIND_SEGMENT => {
                let row = self.next_row(payload, self.segments.len())?;
                self.segments.push(row);
                self.lost_end = None;
            }
            KIND_LOST_END => {
                let mut rest = payload;
                let (gap_ms, cause) = (varint::take(&mut rest)?, cause_of(varint::take(&mut rest)?)?);
                if !rest.is_empty() {
                    return None;
                }
                self.lost_end = Some(LostEnd { gap_ms, cause });
            }
            KIND_CHECKS => {}
            _ => return None,
        }
        Some(())
    }

    /// The row of the segment with this number.
    fn next_row(&self, payload: &[u8], number: usize) -> Option<SegmentRow> {
        let mut rest = payload;
        let row = take_row(&mut rest)?;
        let in_order = usize::try_from(row.number).ok()? == number;
        let known = usize::try_from(row.epoch).ok()? < self.epochs.len();
        (rest.is_empty() && in_order && known).then_some(row)
    }

    /// The segments that begin in `[from, to)` on the reel's timeline.
    pub fn between(&self, from: i64, to: i64) -> &[SegmentRow] {
        let first = self.segments.partition_point(|row| row.begin < from);
        let last = self.segments.partition_point(|row| row.begin < to);
        self.segments.get(first..last).unwrap_or_default()
    }

    /// The epoch with this number.
    pub fn epoch(&self, number: u32) -> Option<&Epoch> {
        self.epochs.get(usize::try_from(number).ok()?)
    }
}

fn split_record(bytes: &[u8]) -> Option<(u8, &[u8], u32, &[u8])> {
    let (header, rest) = bytes.split_at_checked(RECORD_HEADER)?;
    let kind = *header.first()?;
    let len = u32::from_le_bytes(header.get(1..5)?.try_into().ok()?);
    let crc = u32::from_le_bytes(header.get(5..9)?.try_into().ok()?);
    let len = usize::try_from(len).ok().filter(|len| *len <= PAYLOAD_BYTES_MAX)?;
    let (payload, rest) = rest.split_at_checked(len)?;
    Some((kind, payload, crc, rest))
}

fn take_row(rest: &mut &[u8]) -> Option<SegmentRow> {
    let number = varint::take_u32(rest)?;
    let cycle = varint::take_u32(rest)?;
    let epoch = varint::take_u32(rest)?;
    let bytes = varint::take(rest)?;
    let wall = WallTime::from_unix_ms(varint::take_signed(rest)?);
    let (join, gap_ms) = (varint::take(rest)?, varint::take(rest)?);
    let join = match join {
        0 => Join::Start,
        1 => Join::Continuous,
        2 => Join::Resumed { gap_ms },
        3 => Join::Leapt,
        lost => Join::Lost { gap_ms, cause: cause_of(lost.checked_sub(LOST)?)? },
    };
    let (begin, end) = (varint::take_signed(rest)?, varint::take_signed(rest)?);
    let page = PageRef { at: varint::take(rest)?, len: varint::take_u32(rest)?, crc: varint::take_u32(rest)? };
    let (video, audio) = (take_span(rest)?, take_span(rest)?);
    Some(SegmentRow { number, cycle, epoch, bytes, wall, join, begin, end, video, audio, page })
}

fn take_span(rest: &mut &[u8]) -> Option<Option<TrackSpan>> {
    if varint::take(rest)? == 0 {
        return Some(None);
    }
    Some(Some(TrackSpan {
        dts: varint::take_signed(rest)?,
        dts_end: varint::take_signed(rest)?,
        pts: varint::take_signed(rest)?,
        pts_end: varint::take_signed(rest)?,
        samples: varint::take_u32(rest)?,
        fragments: varint::take_u32(rest)?,
        bytes: varint::take(rest)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> (ReelIndex, Vec<u8>) {
        let mut file = encode_epoch(&Epoch { number: 0, video: None, audio: None });
        for number in 0..5u32 {
            let begin = 90_000 + 360_000 * i64::from(number);
            let span = TrackSpan {
                dts: begin,
                dts_end: begin + 9,
                pts: begin,
                pts_end: begin + 9,
                samples: 3,
                fragments: 1,
                bytes: 77,
            };
            file.extend(encode_row(&SegmentRow {
                number,
                cycle: number / 2,
                epoch: 0,
                bytes: 1000,
                wall: WallTime::from_unix_s(5),
                join: match number {
                    3 => Join::Resumed { gap_ms: 1500 },
                    4 => Join::Lost { gap_ms: 20_000, cause: LossCause::Slow },
                    _ => Join::Continuous,
                },
                begin,
                end: begin + 360_000,
                video: Some(span),
                audio: None,
                page: PageRef { at: 10, len: 20, crc: 30 },
            }));
        }
        (ReelIndex::read(&file).0, file)
    }

    #[test]
    fn a_part_of_a_file_is_what_lies_between_of_all_of_it() {
        let (index, file) = index();
        let begins: Vec<i64> = index.segments.iter().map(|row| row.begin).collect();
        let borders =
            || [i64::MIN, 0].into_iter().chain(begins.iter().flat_map(|at| [at - 1, *at, at + 1])).chain([i64::MAX]);
        for (from, to) in borders().flat_map(|from| borders().map(move |to| (from, to))).filter(|(from, to)| from <= to)
        {
            let part = ReelIndex::read_between(&file, from, to);
            assert_eq!((&part.segments[..], &part.epochs), (index.between(from, to), &index.epochs), "{from}..{to}");
        }
        // Torn in its last row: that is missing from both.
        let torn = &file[..file.len() - 1];
        assert_eq!(ReelIndex::read_between(torn, 0, i64::MAX), ReelIndex::read(torn).0);
    }

    #[test]
    fn segments_are_found_by_where_they_begin() {
        let (index, _) = index();
        let numbers = |from, to| index.between(from, to).iter().map(|row| row.number).collect::<Vec<_>>();
        assert_eq!(numbers(90_000, 450_000), vec![0]);
        assert_eq!(numbers(90_001, i64::MAX), vec![1, 2, 3, 4]);
        assert_eq!(numbers(0, 0), Vec::<u32>::new());
        assert_eq!(index.segments[3].join, Join::Resumed { gap_ms: 1500 });
    }

    #[test]
    fn a_loss_at_the_end_is_told_until_another_segment_follows() {
        let (index, mut file) = index();
        assert_eq!(index.segments[4].join, Join::Lost { gap_ms: 20_000, cause: LossCause::Slow });
        let lost = LostEnd { gap_ms: 3_000, cause: LossCause::Full };
        file.extend(encode_lost_end(&lost));
        assert_eq!(ReelIndex::read(&file).0.lost_end, Some(lost));
        file.extend(encode_row(&SegmentRow { number: 5, ..index.segments[4].clone() }));
        assert_eq!(ReelIndex::read(&file).0.lost_end, None);
    }

    #[test]
    fn a_file_cut_anywhere_keeps_what_was_whole() {
        let (index, file) = index();
        for cut in 0..file.len() {
            let (read, end, why) = ReelIndex::read(&file[..cut]);
            assert!(end <= cut as u64);
            assert_eq!(why.is_some(), end != cut as u64, "cut at {cut}");
            assert_eq!(read.segments, index.segments[..read.segments.len()]);
        }
    }

    #[test]
    fn a_file_that_grows_is_read_on_from_where_it_ended() {
        let (index, file) = index();
        for cut in 0..file.len() {
            let (mut read, end, _) = ReelIndex::read(&file[..cut]);
            assert_eq!(read.extend(&file[usize::try_from(end).unwrap()..]), (file.len() as u64 - end, None));
            assert_eq!(read, index, "cut at {cut}");
        }
    }

    #[test]
    fn the_first_rows_are_read_alone() {
        let (index, file) = index();
        for rows in 0..5 {
            let (read, end) = ReelIndex::read_rows(&file, rows);
            assert_eq!((read.segments.as_slice(), read.epochs.len()), (&index.segments[..rows], 1));
            assert_eq!(ReelIndex::read(&file[..usize::try_from(end).unwrap()]), (read, end, None));
        }
        assert_eq!(ReelIndex::read_rows(&file, 9), (index, file.len() as u64));
    }

    #[test]
    fn a_flipped_bit_ends_the_index_where_it_lies() {
        let (_, file) = index();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            let (_, end, why) = ReelIndex::read(&damaged);
            assert!(why.is_some() && end <= at as u64, "flip at {at}");
        }
    }
}
