//! The segments of a rendition, in the one stored form, from what was placed.

use bytes::Bytes;
use codec::{AudioConfig, TrackKind};
use container::{SampleRow, fragment_head};
use reel::{
    Borders, Epoch, Fragment, Join, PageRef, SamplePage, SegmentHead, SegmentRow, fragment_checks, segment_head,
    track_id,
};
use units::{MediaTime, ReelId, Timescale};

use crate::error::{EncodeError, Result};
use crate::place::{Placed, PlacedFrame, PlacedPicture};
use crate::sound::{first_frame, frame_begin};

/// A fragment lasts this long at most, in 90 kHz ticks: 1 s.
const FRAGMENT_TICKS_MAX: i64 = 90_000;

/// A segment that is to be written: the one of the source on whose borders it lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentPlan {
    /// Its number in the rendition.
    pub number: u32,
    /// The row of the source's segment.
    pub source: SegmentRow,
}

/// A segment as it is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrittenSegment {
    /// Its file.
    pub bytes: Bytes,
    /// Its row, but for where its page lies.
    pub row: SegmentRow,
    /// Its sample tables.
    pub page: SamplePage,
    /// The checksum of each fragment.
    pub checks: Vec<u32>,
}

/// Writes the segments of a chunk. `epoch` are the parameters of the rendition in it, `delay` as for
/// [`place_pictures`](crate::place_pictures).
///
/// Errors: [`EncodeError::Output`] when the parameters of the pictures cannot be read.
pub fn write_segments(
    reel: ReelId,
    plan: &[SegmentPlan],
    epoch: &Epoch,
    placed: Placed,
    delay: i64,
) -> Result<Vec<WrittenSegment>> {
    let sets = match &epoch.video {
        Some(video) => {
            let unread = |_| EncodeError::Output { what: "the parameters of its pictures" };
            video.parameter_sets().map_err(unread)?
        }
        None => Bytes::new(),
    };
    let mut written = Vec::with_capacity(plan.len());
    let mut frames = placed.frames.into_iter().peekable();
    for (position, segment) in plan.iter().enumerate() {
        let own: Vec<&PlacedPicture> = placed.pictures.iter().filter(|picture| picture.segment == position).collect();
        let next = placed.pictures.iter().find(|picture| picture.segment > position);
        let after = || placed.next.unwrap_or(segment.source.end).saturating_sub(delay);
        let end = next.map_or_else(after, |next| next.dts);
        let until = epoch
            .audio
            .as_ref()
            .map_or(i64::MAX, |audio| first_frame(segment.source.end, audio.sample_rate, audio.frame_samples));
        let last = position + 1 == plan.len();
        let mut sound = Vec::new();
        while let Some(frame) = frames.next_if(|frame| last || frame.frame < until) {
            sound.push(frame);
        }
        let samples = epoch.audio.as_ref().map_or(1, |audio| audio.frame_samples);
        let placed = |frame: PlacedFrame| Sounding { dts: frame_begin(frame.frame, samples), bytes: frame.bytes };
        let sound: Vec<Sounding> = sound.into_iter().map(placed).collect();
        written.push(write_segment(reel, segment, epoch, &sets, (&own, end), &sound));
    }
    Ok(written)
}

/// A frame of sound and when it begins on the reel's timeline, in its own samples.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sounding {
    pub(crate) dts: i64,
    pub(crate) bytes: Bytes,
}

/// Writes one segment: its pictures, and when the first after them is decoded; its sound. `sets` stand before each key frame.
pub(crate) fn write_segment(
    reel: ReelId,
    segment: &SegmentPlan,
    epoch: &Epoch,
    sets: &Bytes,
    (pictures, end): (&[&PlacedPicture], i64),
    sound: &[Sounding],
) -> WrittenSegment {
    let file = File { reel, segment, epoch, sets, parts: Vec::new(), page: SamplePage::default(), at: 0 };
    file.write(pictures, end, sound)
}

/// A fragment that is to be written, and when it begins in 90 kHz ticks.
struct Pending {
    begin: i64,
    track: TrackKind,
    dts: i64,
    rows: Vec<SampleRow>,
    bytes: Vec<Bytes>,
}

struct File<'a> {
    reel: ReelId,
    segment: &'a SegmentPlan,
    epoch: &'a Epoch,
    sets: &'a Bytes,
    parts: Vec<Bytes>,
    page: SamplePage,
    at: u64,
}

impl File<'_> {
    fn write(mut self, pictures: &[&PlacedPicture], end: i64, sound: &[Sounding]) -> WrittenSegment {
        let source = &self.segment.source;
        // Nothing comes before it in its own reel.
        let join = if self.segment.number == 0 { Join::Start } else { source.join };
        let head = segment_head(&SegmentHead {
            reel: self.reel,
            segment: self.segment.number,
            cycle: source.cycle,
            wall: source.wall,
            join,
            epoch: self.epoch.clone(),
            borders: Some(Borders { begin: source.begin, end: source.end }),
        });
        self.at = u64::try_from(head.len()).unwrap_or(u64::MAX);
        self.parts.push(head);
        let mut pending = self.picture_fragments(pictures, end);
        pending.extend(self.epoch.audio.iter().flat_map(|audio| sound_fragments(sound, audio)));
        // The key frame first, whatever sound lies before it.
        let key = usize::from(!pictures.is_empty());
        if let Some(rest) = pending.get_mut(key..) {
            rest.sort_by_key(|fragment| fragment.begin);
        }
        for (fragment, sequence) in pending.into_iter().zip(1u32..) {
            self.add(fragment, sequence);
        }
        // Neither where the source has nothing of the rendition's track: its number and its borders are there all the same.
        let (video, audio) = (self.page.track_span(TrackKind::Video), self.page.track_span(TrackKind::Audio));
        let bytes: Bytes = self.parts.concat().into();
        let row = SegmentRow {
            number: self.segment.number,
            cycle: source.cycle,
            epoch: self.epoch.number,
            bytes: self.at,
            wall: source.wall,
            join,
            begin: source.begin,
            end: source.end,
            video,
            audio,
            page: PageRef { at: 0, len: 0, crc: 0 },
        };
        let checks = fragment_checks(&bytes, &self.page.fragments);
        WrittenSegment { bytes, row, page: self.page, checks }
    }

    fn picture_fragments(&self, pictures: &[&PlacedPicture], end: i64) -> Vec<Pending> {
        let mut fragments: Vec<Pending> = Vec::new();
        let ends = pictures.iter().skip(1).map(|next| next.dts).chain([end]);
        for (picture, next) in pictures.iter().zip(ends) {
            let duration = u32::try_from(next.saturating_sub(picture.dts)).unwrap_or(0).max(1);
            let mut parts = vec![picture.bytes.clone()];
            if picture.sync {
                // So that a movie of several renditions can change its parameters in the middle.
                parts.insert(0, self.sets.clone());
            }
            let size = parts.iter().map(Bytes::len).sum::<usize>();
            let row = SampleRow {
                duration,
                size: u32::try_from(size).unwrap_or(u32::MAX),
                cto: i32::try_from(picture.pts.saturating_sub(picture.dts)).unwrap_or(i32::MAX),
                sync: picture.sync,
            };
            match fragments.last_mut() {
                Some(last) if next.saturating_sub(last.dts) <= FRAGMENT_TICKS_MAX => {
                    last.rows.push(row);
                    last.bytes.extend(parts);
                }
                _ => fragments.push(Pending {
                    begin: picture.dts,
                    track: TrackKind::Video,
                    dts: picture.dts,
                    rows: vec![row],
                    bytes: parts,
                }),
            }
        }
        fragments
    }

    fn add(&mut self, fragment: Pending, sequence: u32) {
        let dts = u64::try_from(fragment.dts).unwrap_or(0);
        self.parts.push(fragment_head(sequence, track_id(fragment.track), dts, &fragment.rows));
        self.parts.extend(fragment.bytes);
        let placed = Fragment { track: fragment.track, at: self.at, dts: fragment.dts, samples: fragment.rows };
        self.at = self.at.saturating_add(placed.bytes());
        self.page.fragments.push(placed);
    }
}

/// Frames end to end, a second of them at most; one that does not begin where the one before ends begins a fragment.
fn sound_fragments(frames: &[Sounding], audio: &AudioConfig) -> Vec<Pending> {
    let Some(scale) = Timescale::new(audio.sample_rate) else { return Vec::new() };
    let samples = audio.frame_samples.max(1);
    let per_fragment = usize::try_from(audio.sample_rate / samples).unwrap_or(1).max(1);
    let touches = |one: &Sounding, next: &Sounding| one.dts.saturating_add(i64::from(samples)) == next.dts;
    let runs = frames.chunk_by(touches).flat_map(|run| run.chunks(per_fragment));
    let fragments = runs.filter_map(|some| {
        let dts = some.first()?.dts;
        let row = |frame: &Sounding| SampleRow {
            duration: samples,
            size: u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX),
            cto: 0,
            sync: true,
        };
        Some(Pending {
            begin: MediaTime { ticks: dts, scale }.rescale_round(Timescale::REEL)?.ticks,
            track: TrackKind::Audio,
            dts,
            rows: some.iter().map(row).collect(),
            bytes: some.iter().map(|frame| frame.bytes.clone()).collect(),
        })
    });
    fragments.collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use codec::{AudioCodec, VideoCodec, VideoConfig};
    use reel::{ScanEnd, scan_segment};

    use super::*;
    use crate::plan::tests::row;

    /// H.264 and AAC.
    pub(crate) fn epoch() -> Epoch {
        let record = Bytes::from_static(&[
            1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 26, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01,
            0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60, 1, 0, 2, 0x68,
            0xee,
        ]);
        let video = VideoConfig { codec: VideoCodec::H264, record, width: 1280, height: 720, scale: Timescale::REEL };
        let audio = AudioConfig {
            codec: AudioCodec::Aac,
            record: Bytes::from_static(&[0x11, 0x90]),
            sample_rate: 48_000,
            channels: 2,
            frame_samples: 1024,
            scale: Timescale::new(48_000).unwrap(),
        };
        Epoch { number: 0, video: Some(video), audio: Some(audio) }
    }

    #[test]
    fn a_written_segment_tells_of_itself_what_its_row_and_page_tell() {
        let epoch = epoch();
        let plan: Vec<SegmentPlan> = (0..2)
            .map(|number| {
                let begin = 90_000 + 180_000 * i64::from(number);
                SegmentPlan { number, source: row(number + 7, begin, begin + 180_000) }
            })
            .collect();
        let picture = |n: i64| PlacedPicture {
            segment: usize::try_from(n / 60).unwrap(),
            pts: 90_000 + n * 3000,
            dts: 84_000 + n * 3000,
            sync: n % 60 == 0,
            bytes: Bytes::from_static(b"picture"),
        };
        let frame = |frame: i64| PlacedFrame { frame, bytes: Bytes::from_static(b"sound") };
        let placed =
            Placed { pictures: (0..120).map(picture).collect(), next: None, frames: (47..234).map(frame).collect() };
        let reel = ReelId::from_u128(5);
        let written = write_segments(reel, &plan, &epoch, placed, 6000).unwrap();
        assert_eq!(written.len(), 2);
        for segment in &written {
            let scanned = scan_segment(&segment.bytes);
            assert_eq!(scanned.end, ScanEnd::Whole);
            assert_eq!(scanned.page, segment.page);
            assert_eq!((scanned.heads[0].reel, scanned.heads[0].segment), (reel, segment.row.number));
            assert_eq!(segment.row.bytes, segment.bytes.len() as u64);
            assert_eq!(segment.row.video.unwrap().samples, 60);
            assert_eq!(segment.page.fragments[0].track, TrackKind::Video);
        }
        let sound: u32 = written.iter().map(|segment| segment.row.audio.unwrap().samples).sum();
        assert_eq!(sound, 187);
        assert_eq!(written[0].row.audio.unwrap().dts_end, written[1].row.audio.unwrap().dts);
        assert_eq!(written[0].row.video.unwrap().dts_end, written[1].row.video.unwrap().dts);
        assert_eq!((written[0].row.join, written[1].row.join), (Join::Start, Join::Continuous));
    }
}
