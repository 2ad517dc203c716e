//! A stretch of a reel cut into chunks that can be encoded apart.

use reel::{Join, SegmentRow};

/// A chunk takes segments until it is this long, in 90 kHz ticks: 24 s. With segments of 4 to 6 s that makes 24 to 30 s:
/// start-up and pre-roll of the encoder stay below a tenth of the work, and little is redone when a worker dies.
pub const CHUNK_TICKS_MIN: i64 = 24 * 90_000;

/// A run of segments that one encoder makes in one go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// Position of its first segment in the stretch.
    pub first: usize,
    /// How many segments, at least 1.
    pub count: usize,
    /// Number of the rendition's parameters in it, from 0: they change where the source's do.
    pub epoch: u32,
    /// It goes on where the chunk before it, or the segment before the stretch, ends: that can be used as a run-up.
    pub follows: bool,
}

/// Cuts a stretch. A chunk ends at 24 to 30 s, and wherever the source is not continuous: at new parameters, where a push
/// came back or media was lost, and where pictures begin or cease.
pub fn chunks(rows: &[SegmentRow]) -> Vec<Chunk> {
    let mut cut: Vec<Chunk> = Vec::new();
    let mut begin = 0;
    for (position, row) in rows.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|at| rows.get(at));
        let same = before.is_none_or(|before| before.epoch == row.epoch);
        let alike = before.is_none_or(|before| before.video.is_some() == row.video.is_some());
        let follows = row.join == Join::Continuous && same && alike;
        match cut.last_mut() {
            Some(chunk) if follows && row.begin.saturating_sub(begin) < CHUNK_TICKS_MIN => chunk.count += 1,
            last => {
                let epoch = last.map_or(0, |chunk| chunk.epoch + u32::from(!same));
                cut.push(Chunk { first: position, count: 1, epoch, follows });
                begin = row.begin;
            }
        }
    }
    cut
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use reel::{PageRef, TrackSpan};
    use units::WallTime;

    use super::*;

    pub(crate) fn row(number: u32, begin: i64, end: i64) -> SegmentRow {
        let span = TrackSpan { dts: begin, dts_end: end, pts: begin, pts_end: end, samples: 9, fragments: 1, bytes: 9 };
        SegmentRow {
            number,
            cycle: 0,
            epoch: 0,
            bytes: 9,
            wall: WallTime::from_unix_s(0),
            join: if number == 0 { Join::Start } else { Join::Continuous },
            begin,
            end,
            video: Some(span),
            audio: None,
            page: PageRef { at: 0, len: 0, crc: 0 },
        }
    }

    fn stretch() -> impl Strategy<Value = Vec<SegmentRow>> {
        let segment = (90_000i64..540_000, 0u8..12, 0u8..12);
        prop::collection::vec(segment, 1..80).prop_map(|segments| {
            let (mut rows, mut begin, mut epoch) = (Vec::new(), 90_000, 0);
            for (number, (length, join, change)) in (0u32..).zip(segments) {
                let mut row = row(number, begin, begin + length);
                if join == 0 && number > 0 {
                    row.join = Join::Resumed { gap_ms: 5 };
                }
                epoch += u32::from(change == 0 && number > 0);
                row.epoch = epoch;
                begin += length;
                rows.push(row);
            }
            rows
        })
    }

    #[test]
    fn segments_of_six_seconds_make_chunks_of_twenty_four() {
        let rows: Vec<_> = (0..10).map(|n| row(n, i64::from(n) * 540_000, i64::from(n + 1) * 540_000)).collect();
        let cut = chunks(&rows);
        assert_eq!(cut.iter().map(|chunk| (chunk.first, chunk.count)).collect::<Vec<_>>(), [(0, 4), (4, 4), (8, 2)]);
        assert_eq!(cut.iter().map(|chunk| chunk.follows).collect::<Vec<_>>(), [false, true, true]);
    }

    proptest! {
        #[test]
        fn each_segment_is_in_one_chunk_and_no_chunk_spans_a_break(rows in stretch()) {
            let mut next = 0;
            for chunk in chunks(&rows) {
                prop_assert_eq!(chunk.first, next);
                prop_assert!(chunk.count > 0);
                let own = &rows[chunk.first..chunk.first + chunk.count];
                prop_assert!(own.iter().skip(1).all(|row| row.join == Join::Continuous));
                prop_assert!(own.iter().all(|row| row.epoch == own[0].epoch));
                let last = own.last().unwrap();
                prop_assert!(last.begin - own[0].begin < CHUNK_TICKS_MIN);
                next += chunk.count;
            }
            prop_assert_eq!(next, rows.len());
        }
    }
}
