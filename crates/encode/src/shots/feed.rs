//! The file that the decoder gets: a few groups of pictures, one after the other, under times of their own.

use std::collections::BTreeMap;

use bytes::Bytes;
use codec::TrackKind;
use container::SampleRow;
use reel::Epoch;

use super::gops::Gop;
use crate::error::{EncodeError, Result};
use crate::input::{Sample, file_of};

/// From one picture of the file to the next, in its ticks. What pictures looked like in the source does not matter here.
const STEP: i64 = 3_000;

/// What is decoded in one go.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// The file, in parts.
    pub video: Vec<Bytes>,
    /// For each picture that is wanted of it its time in the file, and the shots that it is taken for.
    pub wanted: BTreeMap<i64, Vec<usize>>,
}

impl Feed {
    /// Puts groups with the same parameters together; each comes with the bytes that it asks for.
    ///
    /// Errors: [`EncodeError::Source`] when index and media do not fit.
    pub fn new(epoch: &Epoch, groups: &[(Gop, Bytes)]) -> Result<Self> {
        let ranked: Vec<Vec<i64>> = groups.iter().map(|(gop, _)| ranks(gop)).collect();
        // As far as any picture is decoded after its turn to be shown, all are shown later.
        let late = |ranks: &Vec<i64>| (0i64..).zip(ranks).map(|(at, rank)| at - rank).max();
        let delay = ranked.iter().filter_map(late).max().unwrap_or(0);
        let mut feed = Self::default();
        let (mut samples, mut before) = (Vec::new(), 0);
        for ((gop, bytes), ranks) in groups.iter().zip(&ranked) {
            let shown = |rank: &i64| (before + rank + delay) * STEP;
            for ((place, _), (at, rank)) in gop.samples.iter().zip((0i64..).zip(ranks)) {
                let whole = place.end <= bytes.len();
                let what = "a picture lies beyond the end of its file";
                let bytes = whole.then(|| bytes.slice(place.clone())).ok_or(EncodeError::Source { what })?;
                let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                let dts = (before + at) * STEP;
                let cto = i32::try_from(shown(rank) - dts).unwrap_or(0);
                let duration = u32::try_from(STEP).unwrap_or(0);
                samples.push(Sample { row: SampleRow { duration, size, cto, sync: at == 0 }, dts, bytes });
            }
            for wanted in &gop.wanted {
                let rank = ranks.get(wanted.sample).ok_or(EncodeError::Source { what: "a picture that is nowhere" })?;
                feed.wanted.insert(shown(rank), wanted.shots.clone());
            }
            before += i64::try_from(gop.samples.len()).unwrap_or(i64::MAX);
        }
        feed.video = file_of(epoch, TrackKind::Video, &samples)?;
        Ok(feed)
    }
}

/// The place of each sample in the order in which they are shown.
fn ranks(gop: &Gop) -> Vec<i64> {
    let mut order: Vec<usize> = (0..gop.samples.len()).collect();
    order.sort_by_key(|at| gop.samples.get(*at).map(|(_, pts)| *pts));
    let mut ranks = vec![0; order.len()];
    for (rank, at) in (0i64..).zip(order) {
        if let Some(place) = ranks.get_mut(at) {
            *place = rank;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use codec::{VideoCodec, VideoConfig};
    use units::Timescale;

    use super::super::gops::{Frames, Shot, gops, tests::page};
    use super::*;

    fn epoch() -> Epoch {
        let (codec, record) = (VideoCodec::H264, Bytes::from_static(&[1, 100, 0, 31]));
        let video = VideoConfig { codec, record, width: 320, height: 180, scale: Timescale::REEL };
        Epoch { number: 0, video: Some(video), audio: None }
    }

    #[test]
    fn pictures_are_asked_for_by_their_turn_in_the_file() {
        let shots = [0, 6 * 3_600, 12 * 3_600].into_iter().enumerate();
        let shots: Vec<_> = shots.map(|(number, at)| Shot { number, at }).collect();
        let found = gops(&page(10, &[0, 5]), &shots, Frames::Shown).unwrap();
        let loaded: Vec<_> = found
            .into_iter()
            .map(|gop| {
                let bytes = vec![0; usize::try_from(gop.bytes.end - gop.bytes.start).unwrap()];
                (gop, Bytes::from(bytes))
            })
            .collect();
        let feed = Feed::new(&epoch(), &loaded).unwrap();
        // Of the first group eight pictures are decoded, the seventh of which is wanted; all are shown one later than decoded.
        let expected = [(STEP, vec![0]), (7 * STEP, vec![1]), (11 * STEP, vec![2])];
        assert_eq!(feed.wanted, BTreeMap::from(expected));
        let torn = [(loaded[0].0.clone(), loaded[0].1.slice(..200))];
        assert!(Feed::new(&epoch(), &torn).is_err());
    }
}
