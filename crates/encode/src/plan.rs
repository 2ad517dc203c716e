//! A stretch of a reel cut into chunks that can be encoded apart.

use reel::{Join, SegmentRow};

/// Media that nothing interrupts is cut into an even number of chunks as long as each other, so that workers end together, of at most this
/// many 90 kHz ticks and a segment: 30 s. Start-up and pre-roll of the encoder stay below a tenth of the work, and little is redone when a worker dies.
pub const CHUNK_TICKS_MAX: i64 = 30 * 90_000;
/// While a cycle grows a chunk takes segments until it is this long: 12 s. What is left at its end is waited for, so it is worth more
/// pre-roll.
pub const GROWING_CHUNK_TICKS_MIN: i64 = 12 * 90_000 - SLACK;
/// The chunk that is left at the end of a cycle is cut so that several workers can share it, into parts of about 6 s at least.
const TAIL_TICKS_MIN: i64 = 6 * 90_000 - SLACK;
/// Clocks of publishers count milliseconds, and pictures seldom fit whole seconds: three segments of 4 s make 12 s also when they are half
/// a second short of it.
const SLACK: i64 = 45_000;

/// What a stretch is to whoever cuts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Growth {
    /// It was whole before the first chunk was encoded.
    Whole,
    /// Its first chunks were encoded while it grew, and no more segments come: not now, or only behind a break.
    Over,
    /// It grows on where it ends. What its last chunk will be is not known, so that is left out; the others are those of
    /// [`Growth::Over`], however it goes on.
    On,
}

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

/// Cuts a stretch. A chunk ends when it is long enough, and wherever the source is not continuous: at new parameters, where a push
/// came back or media was lost, and where pictures begin or cease.
pub fn chunks(rows: &[SegmentRow], growth: Growth) -> Vec<Chunk> {
    let runs = match growth {
        Growth::Whole => {
            let whole = runs(rows, i64::MAX);
            let shared = |run| parts(rows, run, whole_parts);
            return whole.iter().flat_map(shared).collect();
        }
        Growth::Over | Growth::On => runs(rows, GROWING_CHUNK_TICKS_MIN),
    };
    let known = if growth == Growth::On { runs.len().saturating_sub(1) } else { runs.len() };
    let mut cut = Vec::with_capacity(runs.len());
    for (position, run) in runs.iter().take(known).enumerate() {
        match runs.get(position + 1) {
            Some(next) if next.follows => cut.push(*run),
            _ => cut.extend(parts(rows, run, |length| length / TAIL_TICKS_MIN)),
        }
    }
    cut
}

/// Into how many chunks a run of this length is cut that was whole from the start: an even number where it can be shared at all, so
/// that two workers end together.
fn whole_parts(length: i64) -> i64 {
    let count = length.saturating_add(CHUNK_TICKS_MAX - 1 - SLACK) / CHUNK_TICKS_MAX;
    if length < 2 * TAIL_TICKS_MIN { count } else { count.saturating_add(count % 2) }
}

/// Parts of a run, about as long as each other, as many as `count` says of its length.
fn parts(rows: &[SegmentRow], run: &Chunk, count: impl Fn(i64) -> i64) -> Vec<Chunk> {
    let own = rows.get(run.first..run.first + run.count).unwrap_or_default();
    let (begin, end) = (own.first().map_or(0, |row| row.begin), own.last().map_or(0, |row| row.end));
    let length = end.saturating_sub(begin).max(1);
    let count = count(length).max(1);
    let mut cut: Vec<Chunk> = Vec::new();
    let mut latest = 0;
    for (position, row) in own.iter().enumerate() {
        let part = row.begin.saturating_sub(begin).saturating_add(SLACK).saturating_mul(count) / length;
        let part = part.min(count - 1);
        match cut.last_mut() {
            Some(chunk) if part == latest => chunk.count += 1,
            last => {
                let follows = last.is_some() || run.follows;
                cut.push(Chunk { first: run.first + position, count: 1, follows, ..*run });
            }
        }
        latest = part;
    }
    cut
}

/// Segments that can be encoded in one go, each run `ticks_min` long at least where no break cuts it short.
fn runs(rows: &[SegmentRow], ticks_min: i64) -> Vec<Chunk> {
    let mut cut: Vec<Chunk> = Vec::new();
    let mut begin = 0;
    for (position, row) in rows.iter().enumerate() {
        let before = position.checked_sub(1).and_then(|at| rows.get(at));
        let same = before.is_none_or(|before| before.epoch == row.epoch);
        let alike = before.is_none_or(|before| before.video.is_some() == row.video.is_some());
        let follows = row.join == Join::Continuous && same && alike;
        match cut.last_mut() {
            Some(chunk) if follows && row.begin.saturating_sub(begin) < ticks_min => chunk.count += 1,
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
    fn segments_make_chunks_of_half_a_minute_as_long_as_each_other() {
        let rows: Vec<_> = (0..10).map(|n| row(n, i64::from(n) * 540_000, i64::from(n + 1) * 540_000)).collect();
        let cut = chunks(&rows, Growth::Whole);
        assert_eq!(cut.iter().map(|chunk| (chunk.first, chunk.count)).collect::<Vec<_>>(), [(0, 5), (5, 5)]);
        assert_eq!(cut.iter().map(|chunk| chunk.follows).collect::<Vec<_>>(), [false, true]);
        // Whatever a clock that counts milliseconds makes of 4 s.
        for early in [-90, 90] {
            let at = |n: u32| if n == 0 { 0 } else { i64::from(n) * 360_000 + early };
            let rows: Vec<_> = (0..24).map(|n| row(n, at(n), at(n + 1))).collect();
            assert_eq!(chunks(&rows, Growth::Whole).iter().map(|chunk| chunk.count).collect::<Vec<_>>(), [6; 4]);
            assert_eq!(chunks(&rows, Growth::On).iter().map(|chunk| chunk.count).collect::<Vec<_>>(), [3; 7]);
        }
    }

    #[test]
    fn two_workers_end_together() {
        for (segments, wanted) in
            [(2, vec![2]), (3, vec![2, 1]), (7, vec![4, 3]), (16, vec![4; 4]), (31, vec![6, 5, 5, 5, 5, 5])]
        {
            let rows: Vec<_> =
                (0..segments).map(|n| row(n, i64::from(n) * 360_000, i64::from(n + 1) * 360_000)).collect();
            let counts: Vec<_> = chunks(&rows, Growth::Whole).iter().map(|chunk| chunk.count).collect();
            assert_eq!(counts, wanted, "{segments} segments of 4 s");
        }
    }

    #[test]
    fn a_tail_is_shared_by_two() {
        let rows: Vec<_> = (0..7).map(|n| row(n, i64::from(n) * 360_000, i64::from(n + 1) * 360_000)).collect();
        let places = |growth| chunks(&rows, growth).iter().map(|chunk| (chunk.first, chunk.count)).collect::<Vec<_>>();
        assert_eq!(places(Growth::On), [(0, 3), (3, 3)]);
        assert_eq!(places(Growth::Over), [(0, 3), (3, 3), (6, 1)]);
        let rows = &rows[..6];
        let places = |growth| chunks(rows, growth).iter().map(|chunk| (chunk.first, chunk.count)).collect::<Vec<_>>();
        assert_eq!(places(Growth::On), [(0, 3)]);
        assert_eq!(places(Growth::Over), [(0, 3), (3, 2), (5, 1)]);
    }

    proptest! {
        #[test]
        fn each_segment_is_in_one_chunk_and_no_chunk_spans_a_break(
            rows in stretch(),
            growth in prop::sample::select(vec![Growth::Whole, Growth::Over]),
        ) {
            let mut next = 0;
            for chunk in chunks(&rows, growth) {
                prop_assert_eq!(chunk.first, next);
                prop_assert!(chunk.count > 0);
                let own = &rows[chunk.first..chunk.first + chunk.count];
                prop_assert!(own.iter().skip(1).all(|row| row.join == Join::Continuous));
                prop_assert!(own.iter().all(|row| row.epoch == own[0].epoch));
                let last = own.last().unwrap();
                prop_assert!(last.begin - own[0].begin < CHUNK_TICKS_MAX);
                next += chunk.count;
            }
            prop_assert_eq!(next, rows.len());
        }

        /// What is encoded of a cycle while it grows is never cut another way later.
        #[test]
        fn what_is_known_of_a_stretch_that_grows_stays(rows in stretch(), so_far in 0usize..80) {
            let so_far = so_far.min(rows.len());
            let all = chunks(&rows, Growth::Over);
            let known = chunks(&rows[..so_far], Growth::On);
            prop_assert!(all.starts_with(&known));
            let is_break = rows.get(so_far).is_none_or(|row| row.join != Join::Continuous);
            if is_break {
                prop_assert!(all.starts_with(&chunks(&rows[..so_far], Growth::Over)));
            }
        }
    }
}
