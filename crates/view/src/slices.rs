//! Segments put together to longer ones: what a playlist shows may be longer than what is stored, never shorter.

use std::ops::Range;

use crate::timeline::{Part, Timeline};

/// Most stored segments in one that is shown: those of a minute, the most that can be asked for, may last half a second each.
pub const SLICE_PARTS_MAX: usize = 120;

impl Timeline {
    /// Runs of parts that are each about `about` ticks long; without it each part alone. All tracks, and all renditions of one
    /// source, are cut alike.
    pub(crate) fn slices(&self, about: Option<u64>) -> Vec<Range<usize>> {
        let mut slices: Vec<Range<usize>> = Vec::new();
        let mut length = 0u64;
        for (position, part) in self.parts().iter().enumerate() {
            let before = position.checked_sub(1).and_then(|before| self.parts().get(before));
            let same = before.is_some_and(|before| alike(before, part));
            match (slices.last_mut(), about) {
                (Some(last), Some(about))
                    if same && last.len() < SLICE_PARTS_MAX && is_nearer(length, part.length, about) =>
                {
                    last.end = position + 1;
                    length = length.saturating_add(part.length);
                }
                _ => {
                    slices.push(position..position + 1);
                    length = part.length;
                }
            }
        }
        slices
    }

    /// The number of the segment that begins with the part at `first` and ends with that at `last`, in the playlist whose segments
    /// are about `about` ticks long; `None` when it has no such segment.
    pub fn number_of(&self, first: usize, last: usize, about: Option<u64>) -> Option<usize> {
        let slices = self.slices(about);
        let at = slices.binary_search_by_key(&first, |slice| slice.start).ok()?;
        slices.get(at).filter(|slice| slice.end == last.saturating_add(1)).map(|_| at)
    }
}

/// Whether two parts can be in one segment: one init segment serves both.
fn alike(one: &Part, next: &Part) -> bool {
    !next.discontinuity && one.video_epoch == next.video_epoch && one.audio_epoch == next.audio_epoch
}

/// Whether `length` with `more` is nearer to what is asked for than without.
fn is_nearer(length: u64, more: u64, about: u64) -> bool {
    length.saturating_add(more).abs_diff(about) < length.abs_diff(about)
}

#[cfg(test)]
mod tests {
    use codec::TrackKind;
    use proptest::prelude::*;

    use crate::testing::{Shape, record, timeline};

    #[test]
    fn segments_of_two_seconds_are_put_together_to_what_is_nearest() {
        let reel = record(1, &Shape { segments: 7, ..Shape::default() });
        let timeline = timeline(&[reel.all()]);
        let starts =
            |seconds: u64| timeline.slices(Some(seconds * 90_000)).iter().map(|slice| slice.len()).collect::<Vec<_>>();
        assert_eq!(starts(1), [1; 7], "what is stored is not cut");
        assert_eq!(starts(4), [2, 2, 2, 1]);
        let number = |first, last| timeline.number_of(first, last, Some(4 * 90_000));
        assert_eq!([number(0, 1), number(4, 5), number(6, 6)], [Some(0), Some(2), Some(3)]);
        assert_eq!([number(1, 2), number(0, 0), number(6, 7), number(7, 8)], [None; 4]);
        assert_eq!(starts(5), [2, 2, 2, 1], "as near, and shorter");
        assert_eq!(starts(60), [7]);
        let text = timeline.playlist(TrackKind::Video, true, Some(4 * 90_000)).unwrap().to_text();
        assert!(
            text.contains("#EXTINF:4.000000,\nv0-1.m4s\n") && text.contains("#EXTINF:2.000000,\nv6.m4s\n"),
            "{text}"
        );
    }

    #[test]
    fn no_segment_spans_new_parameters() {
        let reel = record(1, &Shape { segments: 6, changes: vec![3], ..Shape::default() });
        let timeline = timeline(&[reel.all()]);
        assert_eq!(timeline.slices(Some(60 * 90_000)), [0..3, 3..6]);
    }

    proptest! {
        #[test]
        fn each_part_is_in_one_slice(segments in 1u32..40, pictures in 1u32..90, about in prop::option::of(0u64..9_000_000)) {
            let reel = record(1, &Shape { segments, pictures, audio: false, ..Shape::default() });
            let slices = timeline(&[reel.all()]).slices(about);
            prop_assert_eq!(slices.first().map(|slice| slice.start), Some(0));
            prop_assert_eq!(slices.last().map(|slice| slice.end), Some(reel.index.segments.len()));
            prop_assert!(slices.windows(2).all(|pair| pair[0].end == pair[1].start && !pair[0].is_empty()));
        }
    }
}
