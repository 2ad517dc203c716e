//! One presentation of one or several renditions of a cut: the multivariant playlist of HLS, and the description of DASH.
//!
//! Renditions of one cut have the same segments, so players switch at any of them. Sound that several share is told once, and
//! delivered from the folder of the first of them. Segments and init segments are those of the renditions, for both.
//!
//! **Periods.** DASH has one init segment for a representation in a period. A new one begins where any rendition has other parameters,
//! on the same timeline: edit lists are taken into account there, so a period's offset is its begin.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use codec::{TrackKind, VideoCodec};
use manifest::{
    AdaptationSet, AudioRendition, ContentType, IFrames, Mpd, Multivariant, Period, Representation, Shape, Variant,
};
use units::{ReelId, Timescale};

use crate::error::{Result, ViewError};
use crate::facts::per_second;
use crate::name::Name;
use crate::timeline::{Part, Timeline};

/// Group of the first sound.
const AUDIO_GROUP: &str = "audio";
/// Shorter segments (the last of a cut) say nothing of the peak bit rate: half the usual length, in 90 kHz ticks.
const PEAK_TICKS_MIN: u64 = 2 * 90_000;

/// A rendition in a package.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// What it is.
    pub timeline: &'a Timeline,
    /// Stands before the names of its parts: `""`, or something with a `/` at its end.
    pub folder: String,
    /// What is told of its bandwidth; `None`: the peak of any of its segments.
    pub bandwidth_bps: Option<u64>,
    /// Its playlists are those with parts ([`Low`](crate::Low)).
    pub low: bool,
}

impl<'a> Member<'a> {
    /// A rendition whose parts lie in `folder`.
    pub fn new(timeline: &'a Timeline, folder: &str) -> Self {
        Self { timeline, folder: folder.to_owned(), bandwidth_bps: None, low: false }
    }

    fn uri(&self, track: TrackKind) -> String {
        let name = if self.low { Name::LowPlaylist(track) } else { Name::Playlist(track) };
        format!("{}{name}", self.folder)
    }

    fn bandwidth(&self) -> u64 {
        self.bandwidth_bps.unwrap_or_else(|| self.timeline.rates(&[TrackKind::Video, TrackKind::Audio]).0)
    }
}

/// Renditions of one cut, the one with the most bits first.
#[derive(Clone, Debug)]
pub struct Package<'a> {
    members: Vec<Member<'a>>,
}

impl<'a> Package<'a> {
    /// A rendition alone.
    pub fn one(member: Member<'a>) -> Self {
        Self { members: vec![member] }
    }

    /// Several renditions; of those that are the same the first is taken.
    ///
    /// Errors: [`ViewError::Empty`] without any, [`ViewError::Unaligned`] when they have different segments.
    pub fn new(mut members: Vec<Member<'a>>) -> Result<Self> {
        let first = members.first().ok_or(ViewError::Empty)?.timeline;
        let borders = |timeline: &'a Timeline| timeline.parts().iter().map(|part| (part.begin, part.length));
        if !members.iter().all(|member| borders(member.timeline).eq(borders(first))) {
            return Err(ViewError::Unaligned);
        }
        let same = |one: &Member<'_>, other: &Member<'_>| {
            [TrackKind::Video, TrackKind::Audio].iter().all(|track| same_media(one.timeline, other.timeline, *track))
        };
        let mut kept: Vec<Member<'a>> = Vec::with_capacity(members.len());
        for member in members.drain(..) {
            if !kept.iter().any(|known| same(known, &member)) {
                kept.push(member);
            }
        }
        kept.sort_by_key(|member| std::cmp::Reverse(member.bandwidth()));
        Ok(Self { members: kept })
    }

    /// Bytes of all stored segments, each once.
    pub fn stored_bytes(&self) -> u64 {
        let files = self.members.iter().flat_map(|member| member.timeline.files());
        let files: BTreeMap<(ReelId, u32), u64> = files.map(|file| ((file.reel, file.segment), file.bytes)).collect();
        files.into_values().fold(0, u64::saturating_add)
    }

    /// The members of which no other before has the same pictures, or the same sound.
    fn distinct(&self, track: TrackKind) -> Vec<&Member<'a>> {
        let mut found: Vec<&Member<'a>> = Vec::new();
        for member in self.members.iter().filter(|member| member.timeline.epochs(track) > 0) {
            if !found.iter().any(|known| same_media(known.timeline, member.timeline, track)) {
                found.push(member);
            }
        }
        found
    }

    /// The playlist of playlists. Many players begin with the first in it: that is the best of what a network of `network_bps`
    /// carries, or the best.
    pub fn multivariant(&self, network_bps: Option<u64>) -> Multivariant {
        let sounds = self.distinct(TrackKind::Audio);
        let group = |number: usize| match number {
            0 => AUDIO_GROUP.to_owned(),
            number => format!("{AUDIO_GROUP}-{number}"),
        };
        let mut playlist = Multivariant::default();
        let mut used = BTreeSet::new();
        for member in &self.members {
            let facts = member.timeline.facts();
            let (peak, average) = member.timeline.rates(&[TrackKind::Video, TrackKind::Audio]);
            let mut variant = Variant {
                uri: member.uri(TrackKind::Audio),
                bandwidth_bps: member.bandwidth_bps.unwrap_or(peak),
                average_bps: average,
                codecs: member.timeline.codecs(),
                resolution: None,
                frame_rate_milli: None,
                audio_group: None,
            };
            if let Some(video) = &facts.video {
                variant.uri = member.uri(TrackKind::Video);
                variant.resolution = Some((video.width, video.height));
                variant.frame_rate_milli = Some(video.frame_rate_milli);
                let sound =
                    sounds.iter().position(|known| same_media(known.timeline, member.timeline, TrackKind::Audio));
                variant.audio_group = sound.filter(|_| facts.audio.is_some()).map(group);
                used.extend(sound.filter(|_| facts.audio.is_some()));
            }
            playlist.variants.push(variant);
        }
        playlist.i_frames = self.distinct(TrackKind::Video).into_iter().filter_map(i_frames).collect();
        for (number, member) in sounds.iter().enumerate().filter(|(number, _)| used.contains(number)) {
            playlist.audio.push(AudioRendition {
                group: group(number),
                name: "Audio".to_owned(),
                channels: member.timeline.facts().audio.map_or(0, |audio| audio.channels),
                uri: member.uri(TrackKind::Audio),
            });
        }
        if let Some(network) = network_bps {
            let fits = playlist.variants.iter().position(|variant| variant.bandwidth_bps <= network);
            let first = fits.unwrap_or(playlist.variants.len().saturating_sub(1));
            if let Some(begin) = playlist.variants.get_mut(..=first) {
                begin.rotate_right(1);
            }
        }
        playlist
    }

    /// The description for DASH.
    pub fn mpd(&self) -> Mpd {
        let (videos, sounds) = (self.distinct(TrackKind::Video), self.distinct(TrackKind::Audio));
        let periods = self.periods().into_iter().map(|range| {
            let mut sets = video_sets(&videos, range.start);
            sets.extend(audio_sets(&sounds, range.start));
            let first = self.members.first();
            let parts = first.and_then(|member| member.timeline.parts().get(range.clone())).unwrap_or_default();
            let segments = parts.iter().map(|part| (u64::try_from(part.begin).unwrap_or(0), part.length));
            Period { segments: segments.collect(), first: range.start, sets }
        });
        Mpd { scale: Timescale::REEL, periods: periods.collect() }
    }

    /// Runs of segments in which no member has other parameters, or nothing, where it had some before.
    fn periods(&self) -> Vec<Range<usize>> {
        let state = |timeline: &Timeline, part: &Part| {
            [TrackKind::Video, TrackKind::Audio].map(|track| (part.epoch(track), timeline.is_filled(part, track)))
        };
        let count = self.members.first().map_or(0, |member| member.timeline.parts().len());
        let mut periods: Vec<Range<usize>> = Vec::new();
        for at in 0..count {
            let goes_on = at > 0
                && self.members.iter().all(|Member { timeline, .. }| {
                    let parts = timeline.parts();
                    let pair = parts.get(at - 1).zip(parts.get(at));
                    pair.is_some_and(|(before, part)| {
                        !part.discontinuity && state(timeline, before) == state(timeline, part)
                    })
                });
            match periods.last_mut() {
                Some(last) if goes_on => last.end = at + 1,
                _ => periods.push(at..at + 1),
            }
        }
        periods
    }
}

/// The pictures of a rendition that stand alone, where they have a playlist.
fn i_frames(member: &Member<'_>) -> Option<IFrames> {
    let Member { timeline, folder, low, .. } = member;
    let video = timeline.first_video().filter(|_| !low)?;
    Some(IFrames {
        uri: format!("{folder}{}", Name::IFrames),
        // How large they are is known to the sample pages alone; no picture is larger than its segment.
        bandwidth_bps: timeline.rates(&[TrackKind::Video]).0,
        codec: video.codec_string(),
        resolution: (video.width, video.height),
    })
}

/// Those that have pictures from a segment on, a set for each codec: players do not switch between these.
fn video_sets(members: &[&Member<'_>], at: usize) -> Vec<AdaptationSet> {
    let mut sets: Vec<(VideoCodec, AdaptationSet)> = Vec::new();
    for (number, Member { timeline, folder, bandwidth_bps, .. }) in members.iter().enumerate() {
        let Some(part) = timeline.parts().get(at).filter(|part| timeline.is_filled(part, TrackKind::Video)) else {
            continue;
        };
        let epoch = part.epoch(TrackKind::Video);
        let Some(video) = timeline.video_config(epoch) else { continue };
        let frame_rate_milli = timeline.facts().video.map_or(0, |video| video.frame_rate_milli);
        let shape = Shape::Pictures { width: video.width, height: video.height, frame_rate_milli };
        let representation = Representation {
            id: format!("v{number}"),
            folder: folder.clone(),
            init: Name::Init(TrackKind::Video, epoch).to_string(),
            media: Name::numbered(TrackKind::Video),
            bandwidth_bps: bandwidth_bps.unwrap_or_else(|| timeline.rates(&[TrackKind::Video]).0),
            codec: video.codec_string().unwrap_or_default(),
            shape,
        };
        match sets.iter_mut().find(|(codec, _)| *codec == video.codec) {
            Some((_, set)) => set.representations.push(representation),
            None => sets.push((video.codec, set(ContentType::Video, representation))),
        }
    }
    sets.into_iter().map(|(_, set)| set).collect()
}

/// Those that have sound from a segment on, a set for each codec.
fn audio_sets(members: &[&Member<'_>], at: usize) -> Vec<AdaptationSet> {
    let mut sets: Vec<(String, AdaptationSet)> = Vec::new();
    for (number, Member { timeline, folder, .. }) in members.iter().enumerate() {
        let Some(part) = timeline.parts().get(at).filter(|part| timeline.is_filled(part, TrackKind::Audio)) else {
            continue;
        };
        let epoch = part.epoch(TrackKind::Audio);
        let Some(audio) = timeline.audio_config(epoch) else { continue };
        let codec = audio.codec_string().unwrap_or_default().to_owned();
        let representation = Representation {
            id: format!("a{number}"),
            folder: folder.clone(),
            init: Name::Init(TrackKind::Audio, epoch).to_string(),
            media: Name::numbered(TrackKind::Audio),
            bandwidth_bps: timeline.rates(&[TrackKind::Audio]).0,
            codec: codec.clone(),
            shape: Shape::Sound { sample_rate: audio.sample_rate, channels: audio.channels },
        };
        match sets.iter_mut().find(|(known, _)| *known == codec) {
            Some((_, set)) => set.representations.push(representation),
            None => sets.push((codec, set(ContentType::Audio, representation))),
        }
    }
    sets.into_iter().map(|(_, set)| set).collect()
}

fn set(content: ContentType, first: Representation) -> AdaptationSet {
    AdaptationSet { content, representations: vec![first] }
}

/// Whether two cuts have the same stored pictures, or the same stored sound.
fn same_media(one: &Timeline, other: &Timeline, track: TrackKind) -> bool {
    let files = |timeline: &Timeline| -> Vec<Option<(ReelId, u32)>> {
        let file = |part: &Part| part.row.track(track).map(|_| part.file(track)).map(|file| (file.reel, file.segment));
        timeline.parts().iter().map(file).collect()
    };
    files(one) == files(other)
}

impl Timeline {
    /// The multivariant playlist of this rendition alone; `folder` as in [`Member`].
    pub fn multivariant(&self, folder: &str) -> Multivariant {
        Package::one(Member::new(self, folder)).multivariant(None)
    }

    /// (peak of any segment, average) in bits per second, of these tracks together, as they are delivered.
    fn rates(&self, tracks: &[TrackKind]) -> (u64, u64) {
        let bits = |part: &Part| {
            let bytes = tracks.iter().map(|track| self.delivered_bytes(part, *track));
            bytes.fold(0, u64::saturating_add).saturating_mul(8)
        };
        let all = self.parts().iter().map(bits).fold(0, u64::saturating_add);
        let average = per_second(all, self.duration());
        let long = self.parts().iter().filter(|part| part.length >= PEAK_TICKS_MIN);
        let peak = long.map(|part| per_second(bits(part), part.length)).max().unwrap_or(average);
        (peak.max(average), average)
    }

    fn codecs(&self) -> Vec<String> {
        let video = self.track_epochs(TrackKind::Video).iter();
        let video = video.filter_map(|known| known.epoch.video.as_ref()?.codec_string());
        let audio = self.track_epochs(TrackKind::Audio).iter();
        let audio = audio.filter_map(|known| known.epoch.audio.as_ref()?.codec_string().map(str::to_owned));
        let mut seen = BTreeSet::new();
        video.chain(audio).filter(|codec| seen.insert(codec.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Shape, Stored, record, timeline};

    /// One source in two sizes, each of other bytes, and its sound in a reel of its own.
    fn renditions(changes: Vec<u32>) -> [Stored; 3] {
        let shape = Shape { segments: 6, changes, ..Shape::default() };
        let [large, sound] = record(1, &shape).apart();
        // Smaller by what heads take; the same borders.
        let [mut small, _] = record(2, &shape).apart();
        for row in &mut small.index.segments {
            row.bytes /= 2;
            row.video = row.video.map(|video| reel::TrackSpan { bytes: video.bytes / 2, ..video });
        }
        [large, small, sound]
    }

    #[test]
    fn a_ladder_has_one_sound_and_its_best_rendition_first() {
        let [large, small, sound] = renditions(vec![]);
        let laid = [timeline(&[small.with_sound(&sound)]), timeline(&[large.with_sound(&sound)])];
        let members =
            || vec![Member::new(&laid[0], "s/"), Member::new(&laid[1], "l/"), Member::new(&laid[0], "again/")];
        let package = Package::new(members()).unwrap();
        let text = package.multivariant(None).to_text();
        assert_eq!(text.matches("#EXT-X-MEDIA").count(), 1, "{text}");
        assert_eq!(text.matches(",AUDIO=\"audio\"\n").count(), 2, "{text}");
        let uris: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(uris, ["l/video.m3u8", "s/video.m3u8"], "the third is the first once more");
        assert!(text.contains("URI=\"l/audio.m3u8\""), "{text}");
        let rows = [&large, &small, &sound].into_iter().flat_map(|one| &one.index.segments);
        assert_eq!(package.stored_bytes(), rows.map(|row| row.bytes).sum::<u64>());
        // What a network carries decides which is first.
        let bandwidths: Vec<u64> =
            package.multivariant(None).variants.iter().map(|variant| variant.bandwidth_bps).collect();
        let first = |network| {
            package.multivariant(Some(network)).variants.into_iter().map(|variant| variant.uri).collect::<Vec<_>>()
        };
        assert_eq!(first(bandwidths[0]), ["l/video.m3u8", "s/video.m3u8"]);
        assert_eq!(first(bandwidths[0] - 1), ["s/video.m3u8", "l/video.m3u8"]);
        assert_eq!(first(1), ["s/video.m3u8", "l/video.m3u8"], "nothing fits: the smallest");
        // What is told of a bandwidth is told.
        let mut told = members();
        told[0].bandwidth_bps = Some(99_000_000);
        let variants = Package::new(told).unwrap().multivariant(None).variants;
        assert_eq!((variants[0].uri.as_str(), variants[0].bandwidth_bps), ("s/video.m3u8", 99_000_000));
    }

    #[test]
    fn two_sounds_are_two_groups() {
        let [large, small, sound] = renditions(vec![]);
        let [_, other] = record(3, &Shape { segments: 6, rate: 44_100, ..Shape::default() }).apart();
        let laid =
            [timeline(&[small.with_sound(&other)]), timeline(&[large.with_sound(&sound)]), timeline(&[small.all()])];
        let members = laid.iter().zip(["s/", "l/", "mute/"]).map(|(timeline, folder)| Member::new(timeline, folder));
        let package = Package::new(members.collect()).unwrap();
        let text = package.multivariant(None).to_text();
        assert!(text.contains("GROUP-ID=\"audio\"") && text.contains("GROUP-ID=\"audio-1\""), "{text}");
        assert!(text.contains(",AUDIO=\"audio-1\"\ns/video.m3u8\n"), "{text}");
        let mute = package.multivariant(None).variants.into_iter().find(|variant| variant.uri == "mute/video.m3u8");
        assert_eq!(mute.unwrap().audio_group, None);
        let mpd = package.mpd();
        let ids = |set: &AdaptationSet| set.representations.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
        let sets: Vec<_> = mpd.periods[0].sets.iter().map(ids).collect();
        assert_eq!(sets, [vec!["v0", "v1"], vec!["a0", "a1"]], "the small pictures once, both sounds in one set");
    }

    #[test]
    fn a_period_begins_with_new_parameters_on_the_same_timeline() {
        let [large, small, sound] = renditions(vec![2]);
        let laid = [timeline(&[small.with_sound(&sound)]), timeline(&[large.with_sound(&sound)])];
        let members = laid.iter().zip(["s/", "l/"]).map(|(timeline, folder)| Member::new(timeline, folder));
        let mpd = Package::new(members.collect()).unwrap().mpd();
        let firsts: Vec<usize> = mpd.periods.iter().map(|period| period.first).collect();
        assert_eq!(firsts, [0, 2]);
        let segments: Vec<(u64, u64)> = mpd.periods.iter().flat_map(|period| period.segments.clone()).collect();
        let parts: Vec<(u64, u64)> =
            laid[0].parts().iter().map(|part| (u64::try_from(part.begin).unwrap(), part.length)).collect();
        assert_eq!(segments, parts);
        let inits: Vec<String> =
            mpd.periods.iter().map(|period| period.sets[0].representations[1].init.clone()).collect();
        assert_eq!(inits, ["init-v0.mp4", "init-v1.mp4"]);
        let rates: Vec<u64> = mpd.periods[0].sets[0].representations.iter().map(|one| one.bandwidth_bps).collect();
        assert!(rates[0] > rates[1] && rates[1] > 0, "{rates:?}");
    }

    #[test]
    fn renditions_of_different_cuts_are_no_package() {
        let [large, small, _] = renditions(vec![]);
        let laid = [timeline(&[large.all()]), timeline(&[small.segments(0..5)])];
        let members = laid.iter().map(|timeline| Member::new(timeline, ""));
        assert!(matches!(Package::new(members.collect()), Err(ViewError::Unaligned)));
        assert!(matches!(Package::new(Vec::new()), Err(ViewError::Empty)));
    }
}
