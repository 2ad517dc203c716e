//! The pictures that the encoder gets of a chunk, and where those that it makes of them belong.

use bytes::Bytes;
use codec::TrackKind;
use reel::Epoch;

use crate::error::{EncodeError, Result};
use crate::grid::Fps;
use crate::input::{Loaded, Sample, Source, file_of};
use crate::resolve::VideoEncoding;

/// How much of the pictures before a chunk is encoded and thrown away, in 90 kHz ticks: 1 s. A rate control that starts
/// without it gives the first second too few bits, which can be seen. Quality alone needs none.
const LEAD_TICKS: i64 = 90_000;
/// Most by which pictures are decoded before they are shown, in 90 kHz ticks.
const DELAY_TICKS_MAX: i64 = 45_000;
/// Key frames are asked for half a millisecond early, in 90 kHz ticks: the first picture at or after that time becomes one.
const EARLIER: i64 = 45;
/// Ticks of the encoder's clock before its first picture that is not skipped, in pictures: room for those that are.
const GRID_ROOM: i64 = 64;
/// About how many ticks a second of the clock has by which pictures are put on a grid.
const GRID_SCALE: u32 = 90_000;

/// A picture of a rendition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Picture {
    /// When it is shown, on the reel's timeline.
    pub pts: i64,
    /// In which segment of the chunk, by position.
    pub segment: usize,
}

/// What is done to pictures before they are shaped: those that are treated alike come from one file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Treatment {
    /// At which rate they are shown, where that is not the source's.
    pub fps: Option<Fps>,
    /// Fields are made one picture.
    pub deinterlace: bool,
}

impl Treatment {
    /// What an encoding wants.
    pub const fn of(video: &VideoEncoding) -> Self {
        Self { fps: video.fps, deinterlace: video.deinterlace }
    }
}

/// What is in a file of pictures, and what comes of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pictures {
    /// Decoded, but not encoded: what the first of the others needs.
    pub skipped: usize,
    /// Encoded and thrown away.
    pub lead: usize,
    /// The chunk's own, as they are shown.
    pub own: Vec<Picture>,
    /// When the first picture after the chunk is shown.
    pub next: i64,
    /// Where key frames are asked for, on the encoder's clock in 90 kHz ticks: a moment before the first picture of each segment.
    pub key_times: Vec<i64>,
    /// How long a picture of the rendition is shown on average, in 90 kHz ticks; at least 1. The same for all its chunks.
    pub picture_ticks: i64,
    /// What was done to them before they are shaped.
    pub treatment: Treatment,
    /// Pixels of the source.
    pub size: (u32, u32),
}

impl Pictures {
    /// How much earlier than shown pictures are decoded, in 90 kHz ticks: two pictures, which is as far as our encoders reorder.
    /// Half a second at most: a reel begins at its first, and nothing on it is negative.
    pub fn delay(&self) -> i64 {
        self.picture_ticks.saturating_mul(2).min(DELAY_TICKS_MAX)
    }

    /// Between which times on the encoder's clock the chunk's pictures lie that are shown from `from` on and before `to`, in 90 kHz
    /// ticks; `None` within: no bound. `None`: there are none.
    pub(crate) fn window(&self, from: Option<i64>, to: Option<i64>) -> Option<(Option<i64>, Option<i64>)> {
        let first_at = |at: i64| self.own.partition_point(|picture| picture.pts < at.saturating_sub(EARLIER));
        let first = from.map_or(0, first_at);
        let end = to.map_or(self.own.len(), first_at);
        if first >= end {
            return None;
        }
        let bound = |at: usize| (at > 0 && at < self.own.len()).then(|| self.moment_before(at));
        Some((bound(first), bound(end)))
    }

    /// A moment before one of the chunk's pictures on the encoder's clock, and after the one before.
    fn moment_before(&self, at: usize) -> i64 {
        match self.treatment.fps {
            Some(fps) => clock(fps, self.lead + at).saturating_sub(fps.picture_ticks() / 4),
            None => moment_before(&self.own, at).unwrap_or(0),
        }
    }
}

/// A file of pictures for the encoder.
#[derive(Clone, Debug)]
pub struct PictureInput {
    /// The file, in parts.
    pub file: Vec<Bytes>,
    /// What is in it.
    pub pictures: Pictures,
}

impl PictureInput {
    /// The pictures of a chunk.
    pub(crate) fn new(source: &Source<'_>, treatment: Treatment, with_lead: bool) -> Result<Self> {
        let first = source.own.first().ok_or(EncodeError::Source { what: "a chunk without a segment" })?;
        let begin = first.row.begin;
        let mut fed = match source.lead {
            Some(lead) if with_lead => run_up(lead.samples(TrackKind::Video)?, begin),
            _ => Vec::new(),
        };
        // Of a segment that is not used from its begin, what comes before is needed to decode the rest.
        let mut times: Vec<i64> = fed.iter().map(Sample::pts).collect();
        let mut own: Vec<i64> = Vec::new();
        for segment in source.own {
            let samples = segment.samples(TrackKind::Video)?;
            for pts in samples.iter().map(Sample::pts) {
                match (segment.begins_inside && pts < segment.row.begin, segment.ends_inside && pts >= segment.row.end)
                {
                    (false, false) => own.push(pts),
                    (true, false) => times.push(pts),
                    (_, true) => {}
                }
            }
            fed.extend(samples);
        }
        own.sort_unstable();
        let from = if with_lead { begin.saturating_sub(LEAD_TICKS) } else { begin };
        let skipped = times.iter().filter(|pts| **pts < from).count();
        let lead = times.len() - skipped;
        let video = source.epoch.video.as_ref();
        let size = video.map_or((0, 0), |video| (u32::from(video.width), u32::from(video.height)));
        let end = source.own.last().map_or(begin, |last| last.row.end);
        let begins: Vec<i64> = source.own.iter().map(|segment| segment.row.begin).collect();
        match treatment.fps {
            None => {
                let segment_of = |pts: i64| begins.partition_point(|begin| *begin <= pts).saturating_sub(1);
                let own: Vec<Picture> = own.into_iter().map(|pts| Picture { pts, segment: segment_of(pts) }).collect();
                let key_times = key_times(&own, begins.len())?;
                let picture_ticks = source.picture_ticks.max(1);
                let pictures = Pictures { skipped, lead, own, next: end, key_times, picture_ticks, treatment, size };
                Ok(Self { file: file_of(source.epoch, TrackKind::Video, &fed)?, pictures })
            }
            Some(fps) => {
                let grid = Grid { fps, anchor: source.anchor };
                let mut input = grid.input(source.epoch, source.own, fed, skipped, from)?;
                (input.pictures.treatment, input.pictures.size) = (treatment, size);
                Ok(input)
            }
        }
    }
}

/// From the last key frame on that leaves room for the run-up, or from the first.
fn run_up(samples: Vec<Sample>, begin: i64) -> Vec<Sample> {
    let room = |sample: &Sample| sample.row.sync && sample.pts() <= begin.saturating_sub(LEAD_TICKS);
    let key = |sample: &Sample| sample.row.sync;
    match samples.iter().rposition(room).or_else(|| samples.iter().position(key)) {
        Some(from) => samples.into_iter().skip(from).collect(),
        None => Vec::new(),
    }
}

/// A moment before the first picture of each segment.
fn key_times(own: &[Picture], segments: usize) -> Result<Vec<i64>> {
    let mut times = Vec::with_capacity(segments);
    for segment in 0..segments {
        let at = own.partition_point(|picture| picture.segment < segment);
        let is_there = own.get(at).is_some_and(|picture| picture.segment == segment);
        let moment = moment_before(own, at).filter(|_| is_there);
        times.push(moment.ok_or(EncodeError::Source { what: "a segment in which no picture is shown" })?);
    }
    Ok(times)
}

/// Half a millisecond before a picture, or half the way to the one before.
fn moment_before(own: &[Picture], at: usize) -> Option<i64> {
    let picture = own.get(at)?;
    let gap = at.checked_sub(1).and_then(|at| own.get(at)).map_or(i64::MAX, |before| picture.pts - before.pts);
    Some(picture.pts - EARLIER.min(gap / 2))
}

/// When a place comes on the encoder's clock, in 90 kHz ticks.
fn clock(fps: Fps, place: usize) -> i64 {
    let places = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(GRID_ROOM);
    let ticks = i128::from(places) * 90_000 * i128::from(fps.denominator) / i128::from(fps.numerator);
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// Pictures at another rate than the source's.
///
/// The encoder's clock counts places. In the file each picture of the source has the time of the first place at which it is shown,
/// so that a filter that fills a constant rate with the latest picture there is shows it as long as it should be, whatever the
/// source's times were; one that is shown at no place lies a moment before the one that takes its place.
struct Grid {
    fps: Fps,
    anchor: i64,
}

impl Grid {
    fn input(
        &self,
        epoch: &Epoch,
        segments: &[Loaded],
        fed: Vec<Sample>,
        skipped: usize,
        from: i64,
    ) -> Result<PictureInput> {
        let (fps, anchor) = (self.fps, self.anchor);
        let mut shown: Vec<i64> = fed.iter().map(Sample::pts).collect();
        shown.sort_unstable();
        let begin = segments.first().map_or(from, |segment| segment.row.begin);
        let first = shown.get(skipped).copied().unwrap_or(begin).max(from);
        let lead: Vec<i64> = match first < begin {
            true => fps.times(anchor, first, begin),
            false => Vec::new(),
        };
        let own: Vec<Picture> = segments
            .iter()
            .enumerate()
            .flat_map(|(segment, loaded)| {
                let times = fps.times(anchor, loaded.row.begin, loaded.row.end);
                times.into_iter().map(move |pts| Picture { pts, segment })
            })
            .collect();
        let places: Vec<i64> = lead.iter().copied().chain(own.iter().map(|picture| picture.pts)).collect();
        let file = self.file(epoch, fed, &shown, &places, skipped)?;
        let end = segments.last().map_or(begin, |segment| segment.row.end);
        let key_times = (0..segments.len()).map(|segment| {
            let at = own.partition_point(|picture| picture.segment < segment);
            // The encoder counts in places and takes the nearest.
            clock(fps, lead.len() + at).saturating_sub(fps.picture_ticks() / 4)
        });
        let pictures = Pictures {
            skipped,
            lead: lead.len(),
            next: fps.next(anchor, end),
            key_times: key_times.collect(),
            picture_ticks: fps.picture_ticks().max(1),
            own,
            treatment: Treatment::default(),
            size: (0, 0),
        };
        Ok(PictureInput { file, pictures })
    }

    /// The file in which times are places. `shown`: when the pictures of `fed` are shown in the source, in order.
    fn file(
        &self,
        epoch: &Epoch,
        fed: Vec<Sample>,
        shown: &[i64],
        places: &[i64],
        skipped: usize,
    ) -> Result<Vec<Bytes>> {
        let unknown = EncodeError::Source { what: "a rate that no clock has" };
        let per_second = (GRID_SCALE / self.fps.numerator).max(1).saturating_mul(self.fps.numerator);
        let per_place = i64::from(per_second / self.fps.numerator) * i64::from(self.fps.denominator);
        let scale = units::Timescale::new(per_second).ok_or(unknown)?;
        let clock = clock_times(shown, places, skipped, per_place);
        let late = per_place.saturating_mul(GRID_ROOM / 2);
        let mut samples: Vec<Sample> = Vec::with_capacity(fed.len());
        let mut next = i64::MAX;
        for (sample, in_order) in fed.into_iter().zip(&clock).rev() {
            let at = shown.partition_point(|pts| *pts < sample.pts());
            let pts = clock.get(at).copied().unwrap_or(*in_order);
            // Decoded in this order, and none after it is shown.
            let dts = in_order.saturating_sub(late).min(pts).min(next.saturating_sub(1));
            next = dts;
            samples.push(sample.at(dts, pts));
        }
        samples.reverse();
        crate::input::file(epoch, TrackKind::Video, scale, &samples)
    }
}

/// When each picture of the source is shown on the encoder's clock: strictly one after the other.
fn clock_times(shown: &[i64], places: &[i64], skipped: usize, per_place: i64) -> Vec<i64> {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let at = |place: usize| count(place).saturating_add(GRID_ROOM).saturating_mul(per_place);
    // The first place at which each is shown, and so on to the end; those that are skipped come before all.
    let mut first: Vec<usize> = Vec::with_capacity(shown.len());
    for (number, pts) in shown.iter().enumerate() {
        first.push(if number < skipped { 0 } else { places.partition_point(|place| place < pts) });
    }
    let mut times: Vec<i64> = Vec::with_capacity(shown.len());
    let mut behind = 0;
    for (number, place) in first.iter().enumerate().rev() {
        behind = if first.get(number + 1) == Some(place) { behind + 1 } else { 0 };
        times.push(at(*place).saturating_sub(behind));
    }
    times.reverse();
    times
}

#[cfg(test)]
mod tests {
    use container::SampleRow;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn key_frames_are_asked_for_just_before_the_first_picture_of_a_segment() {
        let picture = |pts, segment| Picture { pts, segment };
        let own = [picture(0, 0), picture(3000, 0), picture(3040, 1), picture(6000, 1)];
        assert_eq!(key_times(&own, 2).unwrap(), [-45, 3020]);
        assert!(key_times(&own, 3).is_err());
    }

    #[test]
    fn the_run_up_begins_with_a_key_frame() {
        let sample = |dts, sync| Sample::new(SampleRow { duration: 3000, size: 0, cto: 0, sync }, dts, Bytes::new());
        let samples = || (0..6).map(|n| sample(n * 90_000, n % 2 == 0)).collect::<Vec<_>>();
        assert_eq!(run_up(samples(), 540_000).first().unwrap().pts(), 360_000);
        assert_eq!(run_up(samples(), 440_000).first().unwrap().pts(), 180_000);
        assert_eq!(run_up(samples(), 100_000).first().unwrap().pts(), 0);
    }

    /// What a filter that fills a constant rate with the latest picture makes of times on the encoder's clock.
    fn filled(times: &[i64], skipped: usize, places: usize, per_place: i64) -> Vec<usize> {
        (0..places)
            .map(|place| {
                let at = (i64::try_from(place).unwrap() + GRID_ROOM) * per_place;
                times.iter().rposition(|time| *time <= at).unwrap().max(skipped)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn each_place_shows_the_latest_picture_of_the_source(
            gaps in prop::collection::vec(1i64..20_000, 1..200), rate in prop::sample::select(&["25", "29.97", "60", "5", "1"][..]),
            skipped in 0usize..20,
        ) {
            let fps = Fps::parse(rate).unwrap();
            let mut at = 90_000;
            let shown: Vec<i64> = gaps.iter().map(|gap| { at += gap; at }).collect();
            let skipped = skipped.min(shown.len() - 1);
            let places = fps.times(90_000, shown[skipped], at + 9_000);
            let times = clock_times(&shown, &places, skipped, 3_000);
            prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", times);
            prop_assert!(times[0] > 0);
            let wanted: Vec<usize> =
                places.iter().map(|place| shown.iter().rposition(|pts| pts <= place).unwrap()).collect();
            prop_assert_eq!(filled(&times, skipped, places.len(), 3_000), wanted);
        }
    }
}
