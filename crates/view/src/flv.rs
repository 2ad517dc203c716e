//! An FLV file that nobody stored: the tags' heads are made from the index, their bodies are the stored samples.
//!
//! What is kept of a cut is where each of its parts begins in the file. A part's tags are laid out when they are wanted, from its
//! page alone: the key frame first, the others by decode time. The format has no edit lists, so everything lies later by the
//! reorder delay, pictures and sound alike.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use codec::{AudioCodec, TrackKind, VideoCodec};
use container::flv::{
    AAC_CONFIG_HEAD, AAC_HEAD, BODY_BYTES_MAX, Metadata, PICTURE_HEAD_BYTES, TAG_BYTES, TagKind, file_head, mp3_head,
    picture_config_head, picture_head, tag_head, tag_tail,
};
use reel::{Fragment, SamplePage};
use units::{MediaTime, Timescale};

use crate::error::{Result, ViewError};
use crate::hls::Shown;
use crate::piece::{Piece, slice, total};
use crate::timeline::{Part, Timeline};

/// Takes the pages of a cut one by one and finds out where its parts lie in an FLV file.
#[derive(Debug)]
pub struct FlvBuilder<'a> {
    timeline: &'a Timeline,
    next: usize,
    /// How much before they are shown all pictures are decoded.
    delay: i64,
    /// Bytes of each part.
    parts: Vec<u64>,
    /// The earliest decode time of any sample, in 90 kHz ticks.
    earliest: i64,
}

/// A part of an FLV file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct PartAt {
    at: u64,
    bytes: u64,
}

/// An FLV file: its head, and where its parts lie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flv {
    head: Bytes,
    parts: Vec<PartAt>,
    size: u64,
    /// How much before they are shown all pictures are decoded, in 90 kHz ticks.
    delay: i64,
    /// How much later than on the asset's timeline all samples lie, in 90 kHz ticks.
    later: i64,
}

impl<'a> FlvBuilder<'a> {
    /// Begins. Errors: [`ViewError::Format`] when the cut has a codec that the format has no number for.
    pub fn new(timeline: &'a Timeline) -> Result<Self> {
        for video in timeline.track_epochs(TrackKind::Video).iter().filter_map(|known| known.epoch.video.as_ref()) {
            if video.codec != VideoCodec::H264 {
                return Err(ViewError::Format { format: "FLV", what: "pictures in H.265" });
            }
        }
        for audio in timeline.track_epochs(TrackKind::Audio).iter().filter_map(|known| known.epoch.audio.as_ref()) {
            if audio.codec == AudioCodec::Mp3 && mp3_head(audio.sample_rate, audio.channels).is_none() {
                return Err(ViewError::Format { format: "FLV", what: "MP3 of this sampling rate" });
            }
        }
        let delays = timeline.parts().iter().filter(|part| part.row.video.is_some()).map(|part| part.video_delay);
        let configs = (0..timeline.parts().len()).map(|at| timeline.flv_configs(at, 0).iter().map(Bytes::len).sum());
        let parts = configs.map(|bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX)).collect();
        Ok(Self { timeline, next: 0, delay: delays.max().unwrap_or(0), parts, earliest: 0 })
    }

    /// Takes the page of the `position`th of the [`Timeline::files`]; each once, in order.
    ///
    /// Errors: [`ViewError::PageOrder`], [`ViewError::PageMismatch`], [`ViewError::Format`] for a sample too large for a tag.
    pub fn push(&mut self, position: usize, page: &SamplePage) -> Result<()> {
        let (Some(file), true) = (self.timeline.cut_files().get(position), position == self.next) else {
            return Err(ViewError::PageOrder { expected: self.next, found: position });
        };
        self.next += 1;
        let Some(part) = self.timeline.parts().get(file.part) else { return Ok(()) };
        for fragment in page.fragments.iter().filter(|fragment| part.file(fragment.track) == file.file) {
            let tags = self.timeline.flv_tags(part, fragment, self.delay)?;
            if let Some(first) = tags.first() {
                self.earliest = self.earliest.min(first.dts);
            }
            let bytes = tags.iter().fold(0, |sum: u64, tag| sum.saturating_add(TAG_BYTES + u64::from(tag.bytes)));
            if let Some(sum) = self.parts.get_mut(file.part) {
                *sum = sum.saturating_add(bytes);
            }
        }
        Ok(())
    }

    /// The file. Errors: [`ViewError::PageOrder`] when pages are missing.
    pub fn finish(self) -> Result<Flv> {
        let files = self.timeline.files().len();
        if self.next != files {
            return Err(ViewError::PageOrder { expected: files, found: self.next });
        }
        let mut flv = Flv {
            head: Bytes::new(),
            parts: Vec::with_capacity(self.parts.len()),
            size: 0,
            delay: self.delay,
            later: self.earliest.saturating_neg(),
        };
        // The head says where key frames are, which follows from its length, which depends on how many there are.
        let length = self
            .timeline
            .flv_head(&Flv { parts: vec![PartAt { at: 0, bytes: 0 }; self.parts.len()], ..flv.clone() })
            .len();
        let mut at = u64::try_from(length).unwrap_or(u64::MAX);
        for bytes in self.parts {
            flv.parts.push(PartAt { at, bytes });
            at = at.saturating_add(bytes);
        }
        flv.size = at;
        flv.head = self.timeline.flv_head(&flv);
        Ok(flv)
    }
}

impl Flv {
    /// Bytes of the whole file.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// What it takes of memory, in bytes, for a cache.
    pub fn weight(&self) -> usize {
        self.head.len().saturating_add(self.parts.len().saturating_mul(size_of::<PartAt>()))
    }

    /// The bytes `range` of the file as far as they lie before its first part.
    pub fn head(&self, range: Range<u64>) -> Vec<Piece> {
        slice(&[Piece::Made(self.head.clone())], range)
    }

    /// Which parts have bytes in `range`.
    pub fn parts(&self, range: &Range<u64>) -> Range<usize> {
        let first = self.parts.partition_point(|part| part.at.saturating_add(part.bytes) <= range.start);
        let end = self.parts.partition_point(|part| part.at < range.end);
        first..end.max(first)
    }

    /// The bytes of a part that lie in `range` of the file. `pages` are those of its pictures and of its sound, see
    /// [`Timeline::page_of`]; `timeline` is the one that this was made of.
    ///
    /// Errors: [`ViewError::NoSuch`]; [`ViewError::PageMismatch`] when the pages are others'.
    pub fn part(
        &self,
        timeline: &Timeline,
        position: usize,
        pages: [&SamplePage; 2],
        range: &Range<u64>,
    ) -> Result<Vec<Piece>> {
        let (Some(at), Some(part)) = (self.parts.get(position), timeline.parts().get(position)) else {
            return Err(ViewError::NoSuch { what: "part" });
        };
        let pieces = timeline.flv_part(self, part, position, pages)?;
        if total(&pieces) != at.bytes {
            return Err(ViewError::PageMismatch { reel: part.reel, segment: part.row.number });
        }
        Ok(slice(&pieces, range.start.saturating_sub(at.at)..range.end.saturating_sub(at.at)))
    }
}

/// A tag of a stored sample.
struct Tag {
    track: TrackKind,
    /// When it is decoded, on the asset's timeline in 90 kHz ticks: by this tags are ordered.
    dts: i64,
    /// The same in the track's ticks, and how much later it is shown.
    time: MediaTime,
    cto: i64,
    key: bool,
    /// Bytes of its body.
    bytes: u32,
    /// Where the sample's bytes lie in its file.
    range: Range<u64>,
}

impl Timeline {
    /// The files whose pages a part's pictures and sound are in.
    pub fn page_of(&self, position: usize) -> Option<[crate::StoredFile; 2]> {
        let part = self.parts().get(position)?;
        Some([TrackKind::Video, TrackKind::Audio].map(|track| part.file(track)))
    }

    fn flv_head(&self, flv: &Flv) -> Bytes {
        let facts = self.facts();
        let ticks = i64::try_from(facts.duration).unwrap_or(i64::MAX);
        let seconds = |ticks: i64| MediaTime::reel(ticks).seconds();
        let keys = self.parts().iter().zip(&flv.parts).enumerate().filter(|(_, (part, _))| part.row.video.is_some());
        let keys = keys.map(|(position, (part, at))| {
            let configs = self.flv_configs(position, 0).iter().map(Bytes::len).sum::<usize>();
            let begins = at.at.saturating_add(u64::try_from(configs).unwrap_or(u64::MAX));
            (seconds(part.begin.saturating_add(flv.later)), float(begins))
        });
        let sound = self.track_epochs(TrackKind::Audio).first().and_then(|known| known.epoch.audio.as_ref());
        let body = Metadata {
            duration: seconds(ticks.saturating_add(flv.later)),
            file_bytes: float(flv.size),
            picture: facts.video.map(|video| {
                let rate = f64::from(u32::try_from(video.frame_rate_milli).unwrap_or(u32::MAX)) / 1_000.0;
                (video.width, video.height, rate)
            }),
            sound: sound.map(|sound| (sound.codec, sound.sample_rate, sound.channels)),
            keys: keys.collect(),
        }
        .body();
        let mut out = BytesMut::new();
        let file = file_head(self.epochs(TrackKind::Video) > 0, self.epochs(TrackKind::Audio) > 0);
        out.extend_from_slice(&file);
        put_tag(&mut out, TagKind::Script, 0, &[&body]);
        out.freeze()
    }

    /// The configurations that hold from a part on, as tags of this time.
    fn flv_configs(&self, position: usize, timestamp_ms: u32) -> Vec<Bytes> {
        let Some(part) = self.parts().get(position) else { return Vec::new() };
        let before = position.checked_sub(1).and_then(|before| self.parts().get(before));
        let news = |track| before.is_none_or(|before| before.epoch(track) != part.epoch(track));
        let mut tags = Vec::new();
        let mut add = |kind, parts: &[&[u8]]| {
            let mut out = BytesMut::new();
            put_tag(&mut out, kind, timestamp_ms, parts);
            tags.push(out.freeze());
        };
        let video = self.track_epochs(TrackKind::Video).get(part.video_epoch).filter(|_| news(TrackKind::Video));
        if let Some(video) = video.and_then(|known| known.epoch.video.as_ref()) {
            add(TagKind::Video, &[&picture_config_head(), &video.record]);
        }
        let audio = self.track_epochs(TrackKind::Audio).get(part.audio_epoch).filter(|_| news(TrackKind::Audio));
        match audio.and_then(|known| known.epoch.audio.as_ref()) {
            Some(audio) if audio.codec == AudioCodec::Aac => add(TagKind::Audio, &[&AAC_CONFIG_HEAD, &audio.record]),
            // A frame of MP3 tells all of itself.
            Some(_) | None => {}
        }
        tags
    }

    /// What stands before each frame of a part's sound.
    fn flv_sound_head(&self, part: &Part) -> Result<Vec<u8>> {
        let known = self.track_epochs(TrackKind::Audio).get(part.audio_epoch);
        let Some(audio) = known.and_then(|known| known.epoch.audio.as_ref()) else { return Ok(Vec::new()) };
        match audio.codec {
            AudioCodec::Aac => Ok(AAC_HEAD.to_vec()),
            AudioCodec::Mp3 => match mp3_head(audio.sample_rate, audio.channels) {
                Some(head) => Ok(head.to_vec()),
                None => Err(ViewError::Format { format: "FLV", what: "MP3 of this sampling rate" }),
            },
        }
    }

    fn flv_tags(&self, part: &Part, fragment: &Fragment, delay: i64) -> Result<Vec<Tag>> {
        let track = fragment.track;
        let (scale, earlier, before) = match track {
            TrackKind::Video => (Timescale::REEL, delay.saturating_sub(part.video_delay), PICTURE_HEAD_BYTES),
            TrackKind::Audio => {
                let known = self.track_epochs(track).get(part.audio_epoch);
                (known.map_or(Timescale::REEL, |known| known.scale), 0, self.flv_sound_head(part)?.len())
            }
        };
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        let shown = Shown::of(part, fragment, self.hls_audio_from(part))?;
        let (mut dts, mut at) = (shown.dts.saturating_sub(earlier), shown.from);
        let mut tags = Vec::with_capacity(shown.samples.len());
        for row in shown.samples {
            let time = MediaTime { ticks: dts, scale };
            let bytes = row.size.saturating_add(before);
            if bytes > BODY_BYTES_MAX {
                return Err(ViewError::Format { format: "FLV", what: "a picture of 16 MiB" });
            }
            let end = at.saturating_add(u64::from(row.size));
            tags.push(Tag {
                track,
                dts: crate::timeline::rescale(time, Timescale::REEL),
                time,
                cto: i64::from(row.cto).saturating_add(earlier),
                key: row.sync,
                bytes,
                range: at..end,
            });
            dts = dts.saturating_add(i64::from(row.duration));
            at = end;
        }
        Ok(tags)
    }

    fn flv_part(&self, flv: &Flv, part: &Part, position: usize, pages: [&SamplePage; 2]) -> Result<Vec<Piece>> {
        let mut tags = Vec::new();
        for (track, page) in [TrackKind::Video, TrackKind::Audio].into_iter().zip(pages) {
            for fragment in page.fragments.iter().filter(|fragment| fragment.track == track) {
                tags.extend(self.flv_tags(part, fragment, flv.delay)?);
            }
        }
        // The key frame first, so that its place follows from the part's.
        let first = usize::from(tags.first().is_some_and(|tag| tag.track == TrackKind::Video));
        if let Some(rest) = tags.get_mut(first..) {
            rest.sort_by_key(|tag| tag.dts);
        }
        let begin = tags.first().map_or(0, |tag| flv.millis(tag.time, 0));
        let sound_head = self.flv_sound_head(part)?;
        let mut pieces: Vec<Piece> = self.flv_configs(position, begin).into_iter().map(Piece::Made).collect();
        // All heads in one allocation, of which the pieces are slices.
        let mut heads = BytesMut::new();
        let mut ends = Vec::with_capacity(tags.len());
        for tag in &tags {
            let at = flv.millis(tag.time, 0);
            let (kind, picture) = match tag.track {
                TrackKind::Video => {
                    let composition = flv.millis(tag.time, tag.cto).saturating_sub(at);
                    (TagKind::Video, Some(picture_head(tag.key, i32::try_from(composition).unwrap_or(i32::MAX))))
                }
                TrackKind::Audio => (TagKind::Audio, None),
            };
            heads.extend_from_slice(&tag_head(kind, at, tag.bytes));
            heads.extend_from_slice(picture.as_ref().map_or(sound_head.as_slice(), |head| head.as_slice()));
            ends.push(heads.len());
            heads.extend_from_slice(&tag_tail(tag.bytes));
        }
        let heads = heads.freeze();
        let mut from = 0;
        for (tag, end) in tags.iter().zip(ends) {
            pieces.push(Piece::Made(heads.slice(from..end)));
            let file = part.file(tag.track);
            pieces.push(Piece::Stored { reel: file.reel, segment: file.segment, range: tag.range.clone() });
            from = end;
        }
        pieces.push(Piece::Made(heads.slice(from..)));
        Ok(pieces)
    }
}

impl Flv {
    /// The time in a tag of what lies at `time` plus `more` on the asset's timeline, rounded to the nearest.
    fn millis(&self, time: MediaTime, more: i64) -> u32 {
        let scale = i128::from(time.scale.get());
        let reel = i128::from(Timescale::REEL.get());
        let exact = (i128::from(time.ticks) + i128::from(more)) * reel + i128::from(self.later) * scale;
        let millis = (exact * 2_000 + scale * reel).div_euclid(2 * scale * reel);
        u32::try_from(millis.max(0)).unwrap_or(u32::MAX)
    }
}

/// Exact up to 2^53, which is more than any disk has. The format has no other numbers.
fn float(number: u64) -> f64 {
    let part = |bits: u64| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    part(number >> 32) * 4_294_967_296.0 + part(number & u64::from(u32::MAX))
}

fn put_tag(out: &mut BytesMut, kind: TagKind, timestamp_ms: u32, body: &[&[u8]]) {
    let bytes = u32::try_from(body.iter().map(|part| part.len()).sum::<usize>()).unwrap_or(u32::MAX);
    out.extend_from_slice(&tag_head(kind, timestamp_ms, bytes));
    body.iter().for_each(|part| out.extend_from_slice(part));
    out.extend_from_slice(&tag_tail(bytes));
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "made-up reels are small")]
mod tests {
    use container::flv::{AudioTag, FileTag, FileTags, VideoTag};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Shape, Stored, flv, read, record, sample_bytes, stored, timeline};

    /// The whole file, and its tags.
    fn file(timeline: &Timeline, reels: &[&Stored]) -> (Vec<u8>, Vec<FileTag>) {
        let flv = flv(timeline, reels);
        let bytes = read(&pieces(timeline, &flv, reels, 0..u64::MAX), reels);
        assert_eq!(bytes.len() as u64, flv.size());
        let tags = FileTags::new(Bytes::from(bytes.clone())).unwrap().collect();
        (bytes, tags)
    }

    fn pieces(timeline: &Timeline, flv: &Flv, reels: &[&Stored], range: Range<u64>) -> Vec<Piece> {
        let mut pieces = flv.head(range.clone());
        for position in flv.parts(&range) {
            let pages = timeline.page_of(position).unwrap().map(|file| stored(&file, reels).1);
            pieces.extend(flv.part(timeline, position, pages, &range).unwrap());
        }
        pieces
    }

    /// What is stored of a track, in order: the bytes of each sample and when it is shown, in milliseconds from the first picture.
    fn wanted(reel: &Stored, track: TrackKind) -> Vec<(Vec<u8>, i64)> {
        let scale = reel.index.epochs[0].scale(track).unwrap();
        let zero = reel.index.segments[0].begin;
        let mut all = Vec::new();
        for fragment in reel.pages.iter().flat_map(|page| &page.fragments).filter(|one| one.track == track) {
            let mut dts = fragment.dts;
            for row in &fragment.samples {
                let shown =
                    MediaTime { ticks: dts + i64::from(row.cto), scale }.rescale_round(Timescale::REEL).unwrap();
                all.push((sample_bytes(track, dts, row.size), (shown.ticks - zero) / 90));
                dts += i64::from(row.duration);
            }
        }
        all
    }

    /// Every stored sample is there once, at its time, which is the same amount late for all.
    fn check(timeline: &Timeline, reels: &[&Stored], source: &Stored) -> Vec<FileTag> {
        let (_, tags) = file(timeline, reels);
        let (mut pictures, mut sounds) = (Vec::new(), Vec::new());
        let mut late = None;
        for tag in &tags {
            match tag.kind {
                TagKind::Video => {
                    if let VideoTag::Frame { composition_ms, data } = VideoTag::parse(&tag.body).unwrap() {
                        pictures.push((data.to_vec(), i64::from(tag.timestamp_ms) + i64::from(composition_ms)));
                    }
                }
                TagKind::Audio if tag.body[0] >> 4 == 2 => {
                    sounds.push((tag.body[1..].to_vec(), i64::from(tag.timestamp_ms)))
                }
                TagKind::Audio => {
                    if let AudioTag::Frame(data) = AudioTag::parse(&tag.body).unwrap() {
                        sounds.push((data.to_vec(), i64::from(tag.timestamp_ms)));
                    }
                }
                TagKind::Script => {}
            }
        }
        for (track, found) in [(TrackKind::Video, pictures), (TrackKind::Audio, sounds)] {
            let wanted = wanted(source, track);
            assert_eq!(found.len(), wanted.len(), "{track:?}");
            for ((data, at), (bytes, shown)) in found.iter().zip(&wanted) {
                assert_eq!(data, bytes);
                let by = *late.get_or_insert(at - shown);
                assert!((at - shown - by).abs() <= 1, "{track:?} at {at} instead of {}", shown + by);
            }
        }
        tags
    }

    #[test]
    fn every_sample_has_a_tag_at_its_time_and_each_part_begins_with_its_key_frame() {
        let reel = record(1, &Shape::default());
        let timeline = timeline(&[reel.all()]);
        let tags = check(&timeline, &[&reel], &reel);
        let kinds: Vec<TagKind> = tags.iter().take(4).map(|tag| tag.kind).collect();
        assert_eq!(kinds, [TagKind::Script, TagKind::Video, TagKind::Audio, TagKind::Video]);
        assert_eq!(
            VideoTag::parse(&tags[1].body),
            Ok(VideoTag::Config(reel.index.epochs[0].video.clone().unwrap().record))
        );
        // Decode times never run back by more than a picture's reordering, within a track never.
        for track in [TagKind::Video, TagKind::Audio] {
            let times: Vec<u32> = tags.iter().filter(|tag| tag.kind == track).map(|tag| tag.timestamp_ms).collect();
            assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }

    #[test]
    fn the_head_says_where_key_frames_begin() {
        let reel = record(1, &Shape { segments: 3, changes: vec![2], ..Shape::default() });
        let timeline = timeline(&[reel.all()]);
        let (bytes, tags) = file(&timeline, &[&reel]);
        let script = &tags[0].body;
        let at = script.windows(13).position(|name| name == b"filepositions").unwrap() + 13 + 5;
        for number in 0..3 {
            let from = at + number * 9 + 1;
            #[allow(clippy::cast_sign_loss, reason = "a position")]
            let place = f64::from_be_bytes(script[from..from + 8].try_into().unwrap()) as usize;
            // A key frame of H.264, and a sample.
            assert_eq!((bytes[place], bytes[place + 11], bytes[place + 12]), (9, 0x17, 1), "{number}");
        }
        let configs = tags
            .iter()
            .filter(|tag| matches!(VideoTag::parse(&tag.body), Ok(VideoTag::Config(_))) && tag.kind == TagKind::Video);
        assert_eq!(configs.count(), 2, "new parameters are told where they begin to hold");
    }

    #[test]
    fn sound_of_a_reel_of_its_own_is_beside_its_pictures() {
        let reel = record(1, &Shape { rate: 44_100, ..Shape::default() });
        let [pictures, sound] = reel.apart();
        let together = timeline(&[reel.all()]);
        let apart = timeline(&[pictures.with_sound(&sound)]);
        let (one, other) = (file(&together, &[&reel]), file(&apart, &[&pictures, &sound]));
        assert!(one == other);
    }

    #[test]
    fn mp3_is_told_by_its_number_and_a_rate_without_one_is_refused() {
        let reel = record(1, &Shape { mp3: true, rate: 44_100, ..Shape::default() });
        let tags = check(&timeline(&[reel.all()]), &[&reel], &reel);
        assert!(tags.iter().filter(|tag| tag.kind == TagKind::Audio).all(|tag| tag.body[0] == 0x2f));
        let reel = record(1, &Shape { mp3: true, rate: 32_000, ..Shape::default() });
        assert!(matches!(FlvBuilder::new(&timeline(&[reel.all()])), Err(ViewError::Format { format: "FLV", .. })));
    }

    #[test]
    fn pages_of_another_segment_are_refused() {
        let reel = record(1, &Shape { pictures: 60, ..Shape::default() });
        let mut other = record(1, &Shape::default());
        other.pages[0].fragments.pop();
        let timeline = timeline(&[reel.all()]);
        let flv = flv(&timeline, &[&reel]);
        let page = &other.pages[0];
        assert!(matches!(flv.part(&timeline, 0, [page, page], &(0..u64::MAX)), Err(ViewError::PageMismatch { .. })));
    }

    proptest! {
        #[test]
        fn any_range_is_the_slice_of_the_whole(
            delay in prop::sample::select(&[0u32, 2, 4][..]), early in -3000i64..3000,
            from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(),
        ) {
            let reel = record(1, &Shape { segments: 3, pictures: 20, delay, audio_early: early, ..Shape::default() });
            let timeline = timeline(&[reel.all()]);
            let flv = flv(&timeline, &[&reel]);
            let whole = read(&pieces(&timeline, &flv, &[&reel], 0..flv.size()), &[&reel]);
            let (from, to) = (from.index(whole.len() + 1), to.index(whole.len() + 1));
            let some = read(&pieces(&timeline, &flv, &[&reel], from as u64..to as u64), &[&reel]);
            prop_assert_eq!(some.as_slice(), whole.get(from..to).unwrap_or_default());
        }
    }
}
