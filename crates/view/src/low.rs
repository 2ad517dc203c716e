//! Low latency (RFC 8216bis §4.4.4.9, §6.2.5): playlists that also tell the fragments of the last segments, and of the one that is
//! still being written. What HLS calls a part is one fragment; a segment is its fragments laid end to end.

use std::ops::Range;
use std::sync::Arc;

use codec::TrackKind;
use manifest::{LowLatency, MediaPlaylist, PartialSegment, PlaylistKind, RenditionReport};
use reel::SamplePage;
use units::Timescale;

use crate::error::{Result, ViewError, no_track};
use crate::hls::GROWING_TARGET_SECONDS;
use crate::name::Name;
use crate::piece::Piece;
use crate::timeline::{Part, Timeline};

/// Fragments are told of segments that begin within this much of the end, in 90 kHz ticks: three target durations.
const TOLD_TICKS: u64 = 18 * 90_000;
/// The least that is told as the longest part, in milliseconds. Fragments close with the first picture that is half a second after
/// their first one: at all usual rates they are longer than 85 % of this (§4.4.3.7), and not longer than it.
const PART_TARGET_MS_MIN: u64 = 550;
/// Readers may leave out segments that end this long before the end: six target durations (§4.4.3.8).
const SKIP_SECONDS: u64 = 36;
/// Milliseconds of parts that may be asked for ahead (§6.2.5.2).
const AHEAD_MS: u64 = 3_000;
/// Segments that may be asked for ahead (§6.2.5.2).
const AHEAD_SEGMENTS: usize = 2;

/// What a request for a playlist waits for: a segment (`_HLS_msn`), or a part of it (`_HLS_part`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Wanted {
    /// By its number.
    pub segment: usize,
    /// By its number in the segment; `None`: the whole segment.
    pub part: Option<usize>,
}

/// Whether a playlist has what is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It has that, or something later.
    Here,
    /// It is next, or soon after.
    Soon,
    /// Nobody who read the playlist asks for that.
    TooFar,
}

/// A fragment as a playlist tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Told {
    /// In 90 kHz ticks.
    length: u64,
    independent: bool,
}

/// A recording at one moment, with the fragments of its last segments.
#[derive(Debug)]
pub struct Low {
    timeline: Arc<Timeline>,
    /// The segment whose fragments are the first that are told.
    first: usize,
    video: Vec<Vec<Told>>,
    audio: Vec<Vec<Told>>,
    ended: bool,
}

impl Timeline {
    /// The segments whose fragments are told.
    pub fn told(&self) -> Range<usize> {
        let end = self.duration();
        let recent = |begin: i64| end.saturating_sub(u64::try_from(begin).unwrap_or(0)) <= TOLD_TICKS;
        self.parts().partition_point(|part| !recent(part.begin))..self.parts().len()
    }

    /// One fragment of a virtual segment, which may still be open, by its number among those that are shown. `page` is the segment's
    /// own.
    ///
    /// Errors: [`ViewError::NoSuch`]; [`ViewError::PageMismatch`] when the page is another's.
    pub fn fragment(&self, track: TrackKind, position: usize, number: usize, page: &SamplePage) -> Result<Vec<Piece>> {
        let missing = ViewError::NoSuch { what: "part of a segment" };
        let part = self.parts().get(position).ok_or(missing.clone())?;
        // What stands where a track has nothing has no fragments.
        part.row.track(track).ok_or(missing.clone())?;
        let fragments = self.virtual_fragments(track, position, page)?;
        Ok(fragments.into_iter().nth(number).ok_or(missing)?.pieces)
    }

    fn fragments(&self, track: TrackKind, position: usize, page: &SamplePage) -> Result<Vec<Told>> {
        let part = self.parts().get(position).ok_or(ViewError::NoSuch { what: "segment" })?;
        if part.row.track(track).is_none() {
            return Ok(Vec::new());
        }
        let fragments = self.virtual_fragments(track, position, page)?;
        let (count, mut begin) = (fragments.len(), 0);
        let told = fragments.into_iter().enumerate().map(|(number, fragment)| {
            let end = u64::try_from(fragment.end).unwrap_or(0);
            let end = match self.is_open(position) {
                true => end,
                // Together they are as long as their segment.
                false if number + 1 == count => part.length,
                false => end.min(part.length),
            };
            let length = end.saturating_sub(begin);
            begin = begin.max(end);
            Told { length, independent: fragment.independent }
        });
        Ok(told.collect())
    }
}

impl Low {
    /// `pages` are those of the segments that are [told](Timeline::told). `ended`: nothing more comes.
    ///
    /// Errors: [`ViewError::PageMismatch`].
    pub fn new(timeline: Arc<Timeline>, pages: &[Arc<SamplePage>], ended: bool) -> Result<Self> {
        let told = timeline.told();
        let of = |track| {
            let segments = told.clone().zip(pages);
            segments.map(|(position, page)| timeline.fragments(track, position, page)).collect::<Result<Vec<_>>>()
        };
        let (video, audio) = (of(TrackKind::Video)?, of(TrackKind::Audio)?);
        Ok(Self { first: told.start, video, audio, ended, timeline })
    }

    /// The segments.
    pub fn timeline(&self) -> &Arc<Timeline> {
        &self.timeline
    }

    /// Whether nothing more comes.
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// The fragments that are told of a segment.
    fn of(&self, track: TrackKind, position: usize) -> &[Told] {
        let segments = match track {
            TrackKind::Video => &self.video,
            TrackKind::Audio => &self.audio,
        };
        position.checked_sub(self.first).and_then(|at| segments.get(at)).map_or(&[], Vec::as_slice)
    }

    /// No part that is told is longer than so many milliseconds.
    fn part_target_ms(&self) -> u64 {
        let all = self.video.iter().chain(&self.audio).flatten();
        let longest = all.map(|fragment| fragment.length).max().unwrap_or(0);
        longest.div_ceil(90).max(PART_TARGET_MS_MIN)
    }

    /// Number of the last segment that a playlist has anything of, and of its last part.
    fn last(&self, track: TrackKind) -> (usize, Option<usize>) {
        let sealed = self.timeline.sealed();
        let open = self.of(track, sealed).len();
        let (segment, parts) = match open {
            0 => (sealed.saturating_sub(1), self.of(track, sealed.saturating_sub(1)).len()),
            open => (sealed, open),
        };
        (segment, parts.checked_sub(1))
    }

    /// Whether the playlist of a track has what a request waits for (§6.2.5.2).
    pub fn reach(&self, track: TrackKind, wanted: Wanted) -> Reach {
        let sealed = self.timeline.sealed();
        if self.ended {
            return Reach::Here;
        }
        if wanted.segment.saturating_add(1) > sealed.saturating_add(AHEAD_SEGMENTS) {
            return Reach::TooFar;
        }
        let Some(part) = wanted.part else {
            return if wanted.segment < sealed { Reach::Here } else { Reach::Soon };
        };
        let (segment, part) = match wanted.segment < sealed {
            true if part < self.of(track, wanted.segment).len().max(1) => return Reach::Here,
            // One behind the last of a segment is the first of the next.
            true => (wanted.segment.saturating_add(1), 0),
            false => (wanted.segment, part),
        };
        let there = self.of(track, segment).len();
        let ahead = usize::try_from(AHEAD_MS.div_ceil(self.part_target_ms())).unwrap_or(usize::MAX);
        match part {
            _ if segment < sealed => Reach::Here,
            part if segment == sealed && part < there => Reach::Here,
            part if part >= there.saturating_add(ahead) => Reach::TooFar,
            _ => Reach::Soon,
        }
    }

    /// The playlist of a track. `skip`: its reader has all but the last segments (§6.2.5.1).
    ///
    /// Errors: [`ViewError::NoSuch`] without such a track.
    pub fn playlist(&self, track: TrackKind, skip: bool) -> Result<MediaPlaylist> {
        if self.timeline.epochs(track) == 0 {
            return Err(no_track(track));
        }
        let sealed = self.timeline.sealed();
        let skipped = if skip { self.skippable() } else { 0 };
        let segments = (skipped..self.timeline.parts().len()).filter_map(|position| {
            let mut segment = self.timeline.told_segment(track, position..position.saturating_add(1))?;
            let told = self.of(track, position).iter().enumerate();
            segment.parts = told
                .map(|(number, fragment)| PartialSegment {
                    uri: Name::Fragment(track, position, number).to_string(),
                    duration: fragment.length,
                    independent: fragment.independent,
                })
                .collect();
            // Of an open segment there may be nothing yet.
            (!segment.open || !segment.parts.is_empty()).then_some(segment)
        });
        let other = match track {
            TrackKind::Video => TrackKind::Audio,
            TrackKind::Audio => TrackKind::Video,
        };
        let report = (!self.ended && self.timeline.epochs(other) > 0).then(|| {
            let (segment, part) = self.last(other);
            RenditionReport { uri: Name::LowPlaylist(other).to_string(), segment, part }
        });
        let hint = Name::Fragment(track, sealed, self.of(track, sealed).len()).to_string();
        let low = LowLatency {
            part_target_ms: self.part_target_ms(),
            skip_until_seconds: SKIP_SECONDS,
            hint: (!self.ended).then_some(hint),
            reports: report.into_iter().collect(),
            skipped,
            skipped_ticks: self.sealed_parts().take(skipped).fold(0, |sum: u64, part| sum.saturating_add(part.length)),
        };
        let longest = self.sealed_parts().map(|part| part.length).max().unwrap_or(0);
        Ok(MediaPlaylist {
            kind: PlaylistKind::Event { ended: self.ended },
            scale: Timescale::REEL,
            target_seconds_min: GROWING_TARGET_SECONDS.max(longest.saturating_add(45_000) / 90_000),
            key: None,
            segments: segments.collect(),
            low_latency: Some(low),
            i_frames_only: false,
        })
    }

    fn sealed_parts(&self) -> impl Iterator<Item = &Part> {
        self.timeline.parts().iter().take(self.timeline.sealed())
    }

    /// How many segments end so long before the end that readers may leave them out.
    fn skippable(&self) -> usize {
        let end = self.timeline.duration().saturating_sub(SKIP_SECONDS * 90_000);
        let ends = |part: &Part| u64::try_from(part.begin).unwrap_or(0).saturating_add(part.length);
        self.timeline.parts().partition_point(|part| ends(part) <= end)
    }
}

#[cfg(test)]
mod tests {
    use TrackKind::{Audio, Video};
    use proptest::prelude::*;
    use reel::{Fragment, Join, ReelIndex, SegmentHead};

    use super::*;
    use crate::testing::{Shape, Stored, read, record};
    use crate::timeline::{Growth, OpenSegment};

    /// The same media in fragments of so many pictures and as much sound, pictures and sound in turn, as a recorder writes them.
    fn finely(shape: &Shape, pictures: usize) -> Stored {
        let whole = record(1, shape);
        let index = ReelIndex { epochs: whole.index.epochs.clone(), ..ReelIndex::default() };
        let mut reel = Stored { id: whole.id, index, pages: Vec::new(), files: Vec::new() };
        let frames = pictures * usize::try_from(shape.picture * (shape.rate / 1_000) / 90).unwrap() / 1_024;
        for (row, page) in whole.index.segments.iter().zip(&whole.pages) {
            let [mut video, mut audio] = [(Video, pictures), (Audio, frames)].map(|(track, count)| {
                let own = page.fragments.iter().filter(|fragment| fragment.track == track);
                let mut dts = own.clone().next().map_or(0, |first| first.dts);
                let samples: Vec<_> = own.flat_map(|fragment| fragment.samples.iter().copied()).collect();
                let cut = samples.chunks(count.max(1)).map(|some| {
                    let fragment = Fragment { track, at: 0, dts, samples: some.to_vec() };
                    dts = fragment.dts_end();
                    fragment
                });
                cut.collect::<Vec<_>>().into_iter()
            });
            let mut fragments = Vec::new();
            loop {
                let pair = [video.next(), audio.next()];
                if pair.iter().all(Option::is_none) {
                    break;
                }
                fragments.extend(pair.into_iter().flatten());
            }
            reel.add(fragments, row.epoch, row.join);
        }
        reel
    }

    /// The reel when `fragments` of segment `number` are written, and what its last segments then have.
    fn grown(reel: &Stored, number: usize, fragments: usize) -> Option<Low> {
        let page = SamplePage { fragments: reel.pages[number].fragments[..fragments].to_vec() };
        let row = &reel.index.segments[number];
        let epoch = reel.index.epoch(row.epoch).unwrap().clone();
        let head = SegmentHead {
            reel: reel.id,
            segment: row.number,
            cycle: 0,
            wall: row.wall,
            join: row.join,
            epoch,
            borders: None,
        };
        let open = OpenSegment::new(&head, &head, &page)?;
        let timeline = Arc::new(Timeline::with_open(&reel.segments(0..number), &open).unwrap());
        let told = timeline.told();
        let pages: Vec<_> =
            told.map(|at| Arc::new(if at == number { page.clone() } else { reel.pages[at].clone() })).collect();
        Some(Low::new(timeline, &pages, false).unwrap())
    }

    fn sealed(reel: &Stored, count: usize, ended: bool) -> Low {
        let timeline = Arc::new(Timeline::new(&[reel.segments(0..count)], Growth::Growing).unwrap());
        let pages: Vec<_> = timeline.told().map(|at| Arc::new(reel.pages[at].clone())).collect();
        Low::new(timeline, &pages, ended).unwrap()
    }

    /// All that a viewer of the open segment gets stands as it is in the segment.
    fn check_parts(reel: &Stored) {
        for number in 1..reel.pages.len() {
            let whole = sealed(reel, number + 1, false);
            for track in [Video, Audio].into_iter().filter(|track| whole.timeline.epochs(*track) > 0) {
                let page = &reel.pages[number];
                let parts = whole.timeline.virtual_fragments(track, number, page).unwrap();
                let parts: Vec<_> = parts.into_iter().map(|part| read(&part.pieces, &[reel])).collect();
                let segment = whole.timeline.segment(track, number, page).unwrap();
                assert_eq!(read(&segment, &[reel]), parts.concat(), "segment {number}");
                for count in 1..=page.fragments.len() {
                    let Some(low) = grown(reel, number, count) else { continue };
                    let page = SamplePage { fragments: page.fragments[..count].to_vec() };
                    for (at, part) in parts.iter().enumerate().take(low.of(track, number).len()) {
                        let now = low.timeline.fragment(track, number, at, &page).unwrap();
                        assert_eq!(read(&now, &[reel]), *part, "{track:?} {number}.{at} after {count}");
                    }
                    for number in 0..low.timeline.epochs(track) {
                        assert_eq!(low.timeline.init(track, number), whole.timeline.init(track, number));
                    }
                }
            }
        }
    }

    #[test]
    fn a_segment_is_the_parts_that_were_there_before_it() {
        check_parts(&finely(&Shape { segments: 5, changes: vec![2], joins: vec![3], ..Shape::default() }, 15));
        check_parts(&finely(&Shape { segments: 3, video: false, rate: 44_100, ..Shape::default() }, 15));
        check_parts(&finely(&Shape { segments: 3, audio: false, ..Shape::default() }, 15));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn whatever_the_shape_a_part_never_changes(
            pictures in 20u32..60, delay in 0u32..3, rate in prop::sample::select(vec![44_100u32, 48_000]),
            audio_early in -900i64..3_000, changes in prop::collection::vec(1u32..4, 0..2),
            joins in prop::collection::vec(1u32..4, 0..2), each in 3usize..20,
        ) {
            check_parts(&finely(&Shape { segments: 4, pictures, delay, rate, audio_early, changes, joins, ..Shape::default() }, each));
        }
    }

    #[test]
    fn a_picture_that_is_shown_before_the_first_changes_nothing_that_was_served() {
        let mut reel = finely(&Shape { segments: 2, audio: false, ..Shape::default() }, 15);
        let row = |cto, sync| container::SampleRow { duration: 3_000, size: 9, cto, sync };
        let begin = reel.index.segments[1].end;
        let fragment = |dts, samples| Fragment { track: Video, at: 0, dts, samples };
        let first = fragment(begin - 9_000, vec![row(9_000, true)]);
        let second = fragment(begin - 6_000, vec![row(0, false), row(0, false), row(9_000, false)]);
        reel.add(vec![first, second], 0, Join::Resumed { gap_ms: 1 });
        check_parts(&reel);
    }

    #[test]
    fn the_last_segments_are_told_in_parts_and_the_open_one_in_parts_alone() {
        // Three seconds each.
        let reel = finely(&Shape { segments: 9, pictures: 90, ..Shape::default() }, 15);
        let low = grown(&reel, 8, 4).unwrap();
        let text = low.playlist(Video, false).unwrap().to_text();
        let (head, _) = text.split_once("#EXT-X-PART:").unwrap();
        assert!(head.ends_with("#EXTINF:3.000000,\nv2.m4s\n"), "parts of the last eighteen seconds: {text}");
        let tail = text.split_once("v7.m4s\n").unwrap().1;
        assert_eq!(
            tail,
            "#EXT-X-PART:DURATION=0.500000,URI=\"v8.0.m4s\",INDEPENDENT=YES\n\
             #EXT-X-PART:DURATION=0.500000,URI=\"v8.1.m4s\"\n\
             #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"v8.2.m4s\"\n\
             #EXT-X-RENDITION-REPORT:URI=\"low-audio.m3u8\",LAST-MSN=8,LAST-PART=1\n"
        );
        // One key frame in each segment, and parts are as long as their segment together.
        for track in [Video, Audio] {
            let playlist = low.playlist(track, false).unwrap();
            let told: Vec<_> = playlist.segments.iter().filter(|segment| !segment.parts.is_empty()).collect();
            assert_eq!(told.len(), 6);
            for segment in told {
                let parts = segment.parts.iter();
                assert!(segment.open || parts.clone().map(|part| part.duration).sum::<u64>() == segment.duration);
                let target = playlist.low_latency.as_ref().unwrap().part_target_ms * 90;
                assert!(parts.clone().all(|part| part.duration <= target));
                let free = parts.filter(|part| part.independent).count();
                assert_eq!(free, if track == Video { 1 } else { segment.parts.len() });
            }
        }
        let ended = sealed(&reel, 9, true).playlist(Video, false).unwrap().to_text();
        assert!(ended.ends_with("v8.m4s\n#EXT-X-ENDLIST\n"), "{ended}");
    }

    #[test]
    fn who_has_the_most_of_it_gets_the_rest_alone() {
        let reel = finely(&Shape { segments: 20, pictures: 90, ..Shape::default() }, 15);
        let low = grown(&reel, 19, 2).unwrap();
        let (all, rest) = (low.playlist(Audio, false).unwrap(), low.playlist(Audio, true).unwrap());
        // 57.5 s, of which 36 stay.
        assert_eq!((all.segments.len(), rest.segments.len()), (20, 13));
        assert_eq!(rest.segments[..], all.segments[7..]);
        let (all, rest) = (all.to_text(), rest.to_text());
        assert!(rest.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=7\n"), "{rest}");
        let tail = |text: &str| text.split_once("#EXTINF").unwrap().1.split_once("a7.m4s").unwrap().1.to_owned();
        assert_eq!(tail(&all), tail(&rest));
        assert!(!low.playlist(Video, false).unwrap().to_text().contains("SKIP:"));
    }

    #[test]
    fn a_request_waits_for_what_is_next_and_for_nothing_further() {
        let reel = finely(&Shape { segments: 5, pictures: 90, ..Shape::default() }, 15);
        let low = grown(&reel, 4, 4).unwrap();
        let reach = |segment, part| low.reach(Video, Wanted { segment, part });
        assert_eq!(
            [reach(0, None), reach(3, None), reach(4, None), reach(5, None)],
            [Reach::Here, Reach::Here, Reach::Soon, Reach::Soon]
        );
        assert_eq!([reach(6, None), reach(usize::MAX, None)], [Reach::TooFar; 2]);
        assert_eq!([reach(0, Some(9)), reach(3, Some(5)), reach(4, Some(1))], [Reach::Here; 3]);
        assert_eq!(reach(3, Some(6)), Reach::Here, "the first of the next");
        // Two are there; three seconds of parts are six more.
        assert_eq!([reach(4, Some(2)), reach(4, Some(7)), reach(5, Some(0))], [Reach::Soon; 3]);
        assert_eq!([reach(4, Some(8)), reach(5, Some(6)), reach(6, Some(0))], [Reach::TooFar; 3]);
        let whole = sealed(&reel, 4, false);
        let reach = |segment, part| whole.reach(Video, Wanted { segment, part });
        assert_eq!(
            [reach(3, Some(6)), reach(4, Some(0)), reach(4, Some(6))],
            [Reach::Soon, Reach::Soon, Reach::TooFar]
        );
        let ended = sealed(&reel, 4, true);
        assert_eq!(ended.reach(Video, Wanted { segment: 900, part: Some(1) }), Reach::Here);
    }
}
