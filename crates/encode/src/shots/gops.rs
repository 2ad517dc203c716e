//! Which samples of a segment have to be decoded for the pictures that are wanted of it.

use std::ops::Range;

use codec::TrackKind;
use reel::SamplePage;
use serde::{Deserialize, Serialize};

use crate::error::{EncodeError, Result};

/// Which pictures may be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frames {
    /// The one that is shown at the time.
    Shown,
    /// The last key frame up to it, which is decoded alone.
    Key,
}

/// A picture that is wanted of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shot {
    /// Its position among those that were asked for.
    pub number: usize,
    /// When, on the reel's timeline in 90 kHz ticks.
    pub at: i64,
}

/// A stored picture that is wanted, and for which shots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// Its position in the group.
    pub sample: usize,
    /// When it is shown, on the reel's timeline.
    pub pts: i64,
    /// The shots that it is taken for.
    pub shots: Vec<usize>,
}

/// A key frame and what follows it, as far as it is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gop {
    /// Where it lies in the segment's file.
    pub bytes: Range<u64>,
    /// Its samples, in decode order: where each lies in `bytes`, and when it is shown.
    pub samples: Vec<(Range<usize>, i64)>,
    /// The pictures that are wanted of it, as they are shown.
    pub wanted: Vec<Wanted>,
}

struct Sample {
    bytes: Range<u64>,
    pts: i64,
    sync: bool,
}

/// Finds the picture of each shot, and groups them by the key frame that they are decoded from, in the order of the file.
///
/// Errors: [`EncodeError::Source`] when the segment has no pictures.
pub fn gops(page: &SamplePage, shots: &[Shot], frames: Frames) -> Result<Vec<Gop>> {
    let samples = pictures(page);
    // What is before the first key frame, which no segment of ours has, is decoded from its first picture.
    let starts: Vec<usize> =
        samples.iter().enumerate().filter(|(at, one)| *at == 0 || one.sync).map(|(at, _)| at).collect();
    let may_be_taken = |at: &usize| frames == Frames::Shown || starts.contains(at);
    let mut by_time: Vec<usize> = (0..samples.len()).filter(may_be_taken).collect();
    let pts = |at: usize| samples.get(at).map_or(0, |sample| sample.pts);
    by_time.sort_by_key(|at| pts(*at));
    let mut chosen: Vec<(usize, Vec<usize>)> = Vec::new();
    for shot in shots {
        let shown = by_time.partition_point(|at| pts(*at) <= shot.at).saturating_sub(1);
        let sample = *by_time.get(shown).ok_or(EncodeError::Source { what: "a segment without pictures" })?;
        match chosen.iter_mut().find(|(known, _)| *known == sample) {
            Some((_, numbers)) => numbers.push(shot.number),
            None => chosen.push((sample, vec![shot.number])),
        }
    }
    let start_of = |sample: usize| starts.partition_point(|start| *start <= sample).saturating_sub(1);
    chosen.sort_by_key(|(sample, _)| (start_of(*sample), pts(*sample)));
    let groups = chosen.chunk_by(|one, other| start_of(one.0) == start_of(other.0));
    groups
        .map(|group| gop(&samples, starts.get(start_of(group.first()?.0)).copied()?, group))
        .collect::<Option<_>>()
        .ok_or(EncodeError::Source { what: "a picture that is nowhere" })
}

/// From the key frame at `start` on, up to the last picture of `chosen` in decode order.
fn gop(samples: &[Sample], start: usize, chosen: &[(usize, Vec<usize>)]) -> Option<Gop> {
    let last = chosen.iter().map(|(sample, _)| *sample).max()?;
    let needed = samples.get(start..=last)?;
    let bytes = needed.first()?.bytes.start..needed.iter().map(|sample| sample.bytes.end).max()?;
    let within = |at: u64| usize::try_from(at.checked_sub(bytes.start)?).ok();
    let place = |sample: &Sample| Some((within(sample.bytes.start)?..within(sample.bytes.end)?, sample.pts));
    let wanted = chosen.iter().map(|(sample, shots)| {
        Some(Wanted { sample: sample.checked_sub(start)?, pts: samples.get(*sample)?.pts, shots: shots.clone() })
    });
    Some(Gop {
        samples: needed.iter().map(place).collect::<Option<_>>()?,
        wanted: wanted.collect::<Option<_>>()?,
        bytes,
    })
}

fn pictures(page: &SamplePage) -> Vec<Sample> {
    let mut samples = Vec::new();
    for fragment in page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Video) {
        let (mut at, mut dts) = (fragment.at.saturating_add(fragment.head()), fragment.dts);
        for row in &fragment.samples {
            let end = at.saturating_add(u64::from(row.size));
            samples.push(Sample { bytes: at..end, pts: dts.saturating_add(i64::from(row.cto)), sync: row.sync });
            dts = dts.saturating_add(i64::from(row.duration));
            at = end;
        }
    }
    samples
}

#[cfg(test)]
pub(super) mod tests {
    use container::SampleRow;
    use proptest::prelude::*;
    use reel::Fragment;

    use super::*;

    /// Pictures of 40 ms, each group of two shown in the other order; `keys` are the groups that begin with a key frame.
    pub(crate) fn page(groups: usize, keys: &[usize]) -> SamplePage {
        let mut fragments = Vec::new();
        let mut at = 500;
        for group in 0..groups {
            let row = |sync, cto| SampleRow { duration: 3_600, size: 100, cto, sync };
            // A key frame is shown first of its group; else the second one is.
            let (first, second) = if keys.contains(&group) { (3_600, 3_600) } else { (7_200, 0) };
            let samples = vec![row(keys.contains(&group), first), row(false, second)];
            let dts = i64::try_from(group).unwrap() * 7_200 - 3_600;
            let fragment = Fragment { track: TrackKind::Video, at, dts, samples };
            at += fragment.bytes();
            fragments.push(fragment);
            let sound = SampleRow { duration: 1_024, size: 30, cto: 0, sync: true };
            let fragment = Fragment { track: TrackKind::Audio, at, dts: 0, samples: vec![sound; 3] };
            at += fragment.bytes();
            fragments.push(fragment);
        }
        SamplePage { fragments }
    }

    fn shots(times: &[i64]) -> Vec<Shot> {
        times.iter().enumerate().map(|(number, at)| Shot { number, at: *at }).collect()
    }

    #[test]
    fn the_picture_that_is_shown_is_the_last_one_up_to_the_time() {
        let page = page(10, &[0, 5]);
        let found = gops(&page, &shots(&[0, 3_599, 3_600, 43_199, 36_000, -5]), Frames::Shown).unwrap();
        let wanted: Vec<Vec<_>> =
            found.iter().map(|gop| gop.wanted.iter().map(|one| (one.pts, one.shots.clone())).collect()).collect();
        assert_eq!(wanted, [vec![(0, vec![0, 1, 5]), (3_600, vec![2])], vec![(36_000, vec![4]), (39_600, vec![3])]]);
        assert_eq!(found.iter().map(|gop| gop.samples.len()).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn only_what_is_needed_is_decoded_and_a_key_frame_alone() {
        let page = page(10, &[0, 5]);
        // Shown seventh, decoded eighth.
        let found = gops(&page, &shots(&[6 * 3_600]), Frames::Shown).unwrap();
        assert_eq!((found.len(), found[0].samples.len(), found[0].wanted[0].sample), (1, 8, 7));
        let key = gops(&page, &shots(&[9 * 3_600, 11 * 3_600, 19 * 3_600]), Frames::Key).unwrap();
        assert_eq!(key.iter().map(|gop| gop.samples.len()).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(key[1].wanted, [Wanted { sample: 0, pts: 36_000, shots: vec![1, 2] }]);
    }

    #[test]
    fn a_segment_without_pictures_is_an_error() {
        assert!(gops(&SamplePage::default(), &shots(&[0]), Frames::Shown).is_err());
    }

    proptest! {
        #[test]
        fn each_shot_is_decoded_once_from_the_nearest_key_frame(
            keys in prop::collection::vec(1usize..30, 0..5), times in prop::collection::vec(0i64..220_000, 1..20),
        ) {
            let keys = [vec![0], keys].concat();
            let page = page(30, &keys);
            let all = pictures(&page);
            for frames in [Frames::Shown, Frames::Key] {
                let found = gops(&page, &shots(&times), frames).unwrap();
                let mut numbers: Vec<usize> =
                    found.iter().flat_map(|gop| &gop.wanted).flat_map(|wanted| wanted.shots.clone()).collect();
                numbers.sort_unstable();
                prop_assert_eq!(numbers, (0..times.len()).collect::<Vec<_>>());
                for gop in &found {
                    // It begins with a key frame and has no second one; nothing after the last wanted picture is in it.
                    let starts = |pts: i64| all.iter().any(|sample| sample.pts == pts && sample.sync);
                    prop_assert!(starts(gop.samples[0].1));
                    prop_assert!(gop.samples.iter().skip(1).all(|(_, pts)| !starts(*pts)));
                    let last = gop.wanted.iter().map(|wanted| wanted.sample).max().unwrap();
                    prop_assert_eq!(gop.samples.len(), last + 1);
                    for wanted in &gop.wanted {
                        prop_assert_eq!(gop.samples[wanted.sample].1, wanted.pts);
                        for shot in &wanted.shots {
                            let better = all.iter().filter(|sample| frames == Frames::Shown || sample.sync);
                            let shown = better.map(|sample| sample.pts).filter(|pts| *pts <= times[*shot]).max();
                            prop_assert_eq!(Some(wanted.pts), shown);
                        }
                    }
                }
            }
        }
    }
}
