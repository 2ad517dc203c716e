//! Reels of real media without a recorder: clips made by FFmpeg, taken apart, and written as segments, pages and rows.

use std::path::{Path, PathBuf};
use std::process::Command;

use blobs::Blobs;
use bytes::Bytes;
use codec::{AacConfig, AudioConfig, AvcConfig, TrackKind, VideoConfig};
use container::{SampleRow, fragment_head};
use reel::{
    Epoch, Fragment, Join, ORIGIN_SECONDS, PageRef, ReelIndex, SamplePage, SegmentHead, SegmentRow, checksum,
    encode_epoch, encode_row, samples_index_key, segment_head, segment_key, segments_index_key, track_id,
};
use serde_json::Value;
use units::{ReelId, Timescale, WallTime};

/// When the first frame of every such reel arrived.
pub const WALL: WallTime = WallTime::from_unix_s(1_772_359_200);
/// Seconds of a segment at least.
const SEGMENT_SECONDS: i64 = 4;

/// One coded frame of a clip, on the clip's own timeline.
struct Frame {
    dts: i64,
    pts: i64,
    duration: u32,
    sync: bool,
    data: Bytes,
}

/// A clip taken apart.
pub struct Clip {
    /// The file that it was.
    pub path: PathBuf,
    video: Option<(VideoConfig, Vec<Frame>)>,
    audio: Option<(AudioConfig, Vec<Frame>)>,
}

/// Makes a clip with ffmpeg, as MP4. `args` come before the encoder's settings.
pub fn clip(folder: &Path, name: &str, args: &[&str]) -> Clip {
    let path = folder.join(name);
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(args)
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "3", "-sc_threshold", "0"])
        .args(["-force_key_frames", "expr:gte(t,n_forced*2)", "-g", "1000", "-video_track_timescale", "90000"])
        .args(["-c:a", "aac", "-b:a", "96k"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(done.success());
    take_apart(&path)
}

/// The usual clip: `seconds` at `rate`, moving picture and noise.
pub fn usual(folder: &Path, name: &str, seconds: u32, rate: &str, size: &str, hertz: u32) -> Clip {
    let picture = format!("testsrc2=size={size}:rate={rate}:duration={seconds}");
    let sound = format!("anoisesrc=amplitude=0.1:sample_rate={hertz}:duration={seconds}:seed=7");
    clip(folder, name, &["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound, "-ac", "2"])
}

fn take_apart(path: &Path) -> Clip {
    let said = Command::new("ffprobe")
        .args(["-v", "error", "-of", "json", "-show_streams", "-show_packets"])
        .arg(path)
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    let file = std::fs::read(path).unwrap();
    let mut clip = Clip { path: path.to_owned(), video: None, audio: None };
    for stream in said["streams"].as_array().unwrap() {
        let frames = || frames(&said, &file, stream["index"].as_u64().unwrap());
        if stream["codec_type"] == "video" {
            let record = Bytes::copy_from_slice(box_body(&file, b"avcC"));
            let config = AvcConfig::parse(&record).unwrap();
            let sets = config.parameter_sets();
            let mut frames = frames();
            // A stored duration is the time to the next frame's decoding.
            let next: Vec<i64> = frames.iter().skip(1).map(|frame| frame.dts).collect();
            frames.iter_mut().zip(next).for_each(|(f, next)| f.duration = u32::try_from(next - f.dts).unwrap());
            // As a recorder does: parameter sets before every key frame.
            frames
                .iter_mut()
                .filter(|frame| frame.sync)
                .for_each(|f| f.data = [sets.clone(), f.data.clone()].concat().into());
            clip.video = Some((config.video_config(record, Timescale::REEL), frames));
        } else {
            let esds = box_body(&file, b"esds");
            let tag = esds.windows(4).position(|bytes| bytes == [0x05, 0x80, 0x80, 0x80]).unwrap();
            let record = Bytes::copy_from_slice(&esds[tag + 5..tag + 5 + usize::from(esds[tag + 4])]);
            let config = AacConfig::parse(&record).unwrap();
            let scale = Timescale::new(config.sample_rate).unwrap();
            let mut frames = frames();
            // The file may say that its last frame is cut short; a live frame never is.
            frames.iter_mut().for_each(|frame| frame.duration = config.frame_samples);
            clip.audio = Some((config.audio_config(record, scale), frames));
        }
    }
    clip
}

fn box_body<'a>(file: &'a [u8], kind: &[u8; 4]) -> &'a [u8] {
    let at = file.windows(4).rposition(|bytes| bytes == kind).unwrap();
    let size = u32::from_be_bytes(file[at - 4..at].try_into().unwrap());
    &file[at + 4..at - 4 + usize::try_from(size).unwrap()]
}

fn frames(said: &Value, file: &[u8], stream: u64) -> Vec<Frame> {
    let number = |value: &Value| value.as_str().unwrap().parse::<usize>().unwrap();
    let packets = said["packets"].as_array().unwrap().iter().filter(|packet| packet["stream_index"] == stream);
    packets
        .map(|packet| {
            let (at, size) = (number(&packet["pos"]), number(&packet["size"]));
            Frame {
                dts: packet["dts"].as_i64().unwrap(),
                pts: packet["pts"].as_i64().unwrap(),
                duration: u32::try_from(packet["duration"].as_i64().unwrap()).unwrap(),
                sync: packet["flags"].as_str().unwrap().starts_with('K'),
                data: Bytes::copy_from_slice(&file[at..at + size]),
            }
        })
        .collect()
}

/// What one segment gets: its head's epoch and its fragments with their bytes.
pub struct Planned {
    epoch: Epoch,
    join: Join,
    fragments: Vec<(Fragment, Vec<Bytes>)>,
}

impl Planned {
    /// The same media `ticks` of 90 kHz later, in the push of the segment before; with sound only by whole samples of it.
    pub fn later(&self, ticks: i64) -> Self {
        let later = |(fragment, bytes): &(Fragment, Vec<Bytes>)| {
            let scale = self.epoch.scale(fragment.track).map_or(90_000, |scale| i64::from(scale.get()));
            (Fragment { dts: fragment.dts + ticks * scale / 90_000, ..fragment.clone() }, bytes.clone())
        };
        let join = if ticks == 0 { self.join } else { Join::Continuous };
        Self { epoch: self.epoch.clone(), join, fragments: self.fragments.iter().map(later).collect() }
    }
}

/// Cuts clips into the segments of one reel, each clip after the one before as another push.
pub fn plan(clips: &[&Clip]) -> Vec<Planned> {
    let mut planned = Vec::new();
    let mut at = i64::from(ORIGIN_SECONDS) * 90_000;
    for (number, clip) in (0u32..).zip(clips) {
        let rate = clip.audio.as_ref().map_or(48_000, |(config, _)| i64::from(config.sample_rate));
        let videos = clip.video.as_ref().map(|(_, frames)| frames.as_slice()).unwrap_or_default();
        let audios = clip.audio.as_ref().map(|(_, frames)| frames.as_slice()).unwrap_or_default();
        let in_reel = |frame: &Frame| frame.pts * 90_000 / rate;
        let zero = match videos.iter().map(|frame| frame.pts).min() {
            Some(pts) => pts,
            None => in_reel(&audios[0]),
        };
        let (video_shift, audio_shift) = (at - zero, (at - zero) * rate / 90_000);
        let epoch = Epoch {
            number,
            video: clip.video.as_ref().map(|(config, _)| config.clone()),
            audio: clip.audio.as_ref().map(|(config, _)| config.clone()),
        };
        // Borders: key frames at least four seconds apart.
        let mut borders: Vec<i64> = Vec::new();
        let marks = videos.iter().filter(|f| f.sync).map(|f| f.pts);
        let beats = audios.iter().map(in_reel).filter(|_| videos.is_empty());
        for mark in marks.chain(beats) {
            if borders.last().is_none_or(|last| mark - last >= SEGMENT_SECONDS * 90_000) {
                borders.push(mark);
            }
        }
        borders[0] = i64::MIN;
        for (segment, from) in borders.iter().enumerate() {
            let to = borders.get(segment + 1).copied().unwrap_or(i64::MAX);
            let mut fragments = Vec::new();
            // A picture belongs to the key frame before it in decode order.
            let first = videos.iter().position(|f| f.sync && f.pts >= *from).unwrap_or(0);
            let last = videos.iter().position(|f| f.sync && f.pts >= to).unwrap_or(videos.len());
            fragments.extend(fragments_of(
                TrackKind::Video,
                videos.get(first..last).unwrap_or_default(),
                video_shift,
                90_000,
            ));
            let border = |at: i64| at.saturating_mul(rate) / 90_000;
            let sounds: Vec<&Frame> = audios
                .iter()
                .filter(|f| {
                    let end = f.pts + i64::from(f.duration);
                    (*from == i64::MIN || end > border(*from)) && (to == i64::MAX || end <= border(to))
                })
                .collect();
            fragments.extend(fragments_of(TrackKind::Audio, &sounds, audio_shift, rate));
            // Which lies first in the file is the order of arrival.
            fragments.sort_by_key(|(f, _)| f.dts * 90_000 / if f.track == TrackKind::Audio { rate } else { 90_000 });
            let join = match (planned.is_empty(), segment) {
                (true, _) => Join::Start,
                (false, 0) => Join::Resumed { gap_ms: 700 },
                _ => Join::Continuous,
            };
            planned.push(Planned { epoch: epoch.clone(), join, fragments });
        }
        let end = videos.iter().map(|f| f.pts + i64::from(f.duration)).max();
        at += end.unwrap_or_else(|| audios.last().map_or(0, |f| in_reel(f) + i64::from(f.duration) * 90_000 / rate))
            - zero;
    }
    planned
}

/// Fragments of at most a second, a key frame of pictures always first.
fn fragments_of<F: std::borrow::Borrow<Frame>>(
    track: TrackKind,
    frames: &[F],
    shift: i64,
    scale: i64,
) -> Vec<(Fragment, Vec<Bytes>)> {
    let mut out: Vec<(Fragment, Vec<Bytes>)> = Vec::new();
    for frame in frames {
        let frame = frame.borrow();
        let full = out.last().is_none_or(|(fragment, _)| frame.dts + shift - fragment.dts >= scale);
        if full || track == TrackKind::Video && frame.sync {
            out.push((Fragment { track, at: 0, dts: frame.dts + shift, samples: vec![] }, vec![]));
        }
        let (fragment, bytes) = out.last_mut().unwrap();
        fragment.samples.push(SampleRow {
            duration: frame.duration,
            size: u32::try_from(frame.data.len()).unwrap(),
            cto: i32::try_from(frame.pts - frame.dts).unwrap(),
            sync: frame.sync,
        });
        bytes.push(frame.data.clone());
    }
    out
}

/// A reel that is written segment by segment, as a recorder writes it: segment, page, row.
pub struct Writer {
    /// Which reel.
    pub reel: ReelId,
    blobs: Blobs,
    /// What was written so far.
    pub index: ReelIndex,
    /// Of the segment that is open.
    page: SamplePage,
    bytes: u64,
}

impl Writer {
    /// Nothing is written yet.
    pub fn new(blobs: &Blobs, reel: ReelId) -> Self {
        Self { reel, blobs: blobs.clone(), index: ReelIndex::default(), page: SamplePage::default(), bytes: 0 }
    }

    /// Writes the next segment.
    pub fn write(&mut self, planned: &Planned) {
        self.append(planned, planned.fragments.len());
        self.seal(planned);
    }

    /// Writes what is told of the next segment, without its media: for what is so long that nobody reads all of it.
    pub fn write_without_media(&mut self, planned: &Planned) {
        self.lay(planned, planned.fragments.len());
        self.seal(planned);
    }

    /// Writes of the next segment what `fragments` there are before any others; it stays open.
    pub fn append(&mut self, planned: &Planned, fragments: usize) {
        let number = u32::try_from(self.index.segments.len()).unwrap();
        let parts = self.lay(planned, fragments);
        self.blobs.append_file(&segment_key(self.reel, number)).unwrap().append(&parts).unwrap();
    }

    /// Notes where these fragments lie, and gives what is to be written of them.
    fn lay(&mut self, planned: &Planned, fragments: usize) -> Vec<Bytes> {
        let number = u32::try_from(self.index.segments.len()).unwrap();
        let head = SegmentHead {
            reel: self.reel,
            segment: number,
            cycle: 0,
            wall: WALL,
            join: planned.join,
            epoch: planned.epoch.clone(),
            borders: None,
        };
        let mut parts = Vec::new();
        if self.page.fragments.is_empty() {
            parts.push(segment_head(&head));
            self.bytes = u64::try_from(parts[0].len()).unwrap();
        }
        let new = (1u32..).zip(&planned.fragments).take(fragments).skip(self.page.fragments.len());
        for (sequence, (fragment, bytes)) in new {
            let dts = u64::try_from(fragment.dts).unwrap();
            parts.push(fragment_head(sequence, track_id(fragment.track), dts, &fragment.samples));
            parts.extend(bytes.iter().cloned());
            let fragment = Fragment { at: self.bytes, ..fragment.clone() };
            self.bytes += fragment.bytes();
            self.page.fragments.push(fragment);
        }
        parts
    }

    /// Ends the open segment: its page and its row are written.
    pub fn seal(&mut self, planned: &Planned) {
        let number = u32::try_from(self.index.segments.len()).unwrap();
        let page = std::mem::take(&mut self.page);
        let mut rows = self.blobs.append_file(&segments_index_key(self.reel)).unwrap();
        if self.index.epochs.len() <= usize::try_from(planned.epoch.number).unwrap() {
            rows.append(&[encode_epoch(&planned.epoch).into()]).unwrap();
            self.index.epochs.push(planned.epoch.clone());
        }
        let encoded = page.encode();
        let mut pages = self.blobs.append_file(&samples_index_key(self.reel)).unwrap();
        let page_ref = PageRef { at: pages.len(), len: u32::try_from(encoded.len()).unwrap(), crc: checksum(&encoded) };
        pages.append(&[encoded.into()]).unwrap();
        let (video, audio) = (page.track_span(TrackKind::Video), page.track_span(TrackKind::Audio));
        let rate = planned.epoch.audio.as_ref().map_or(1, |audio| i64::from(audio.sample_rate));
        let (begin, end) = video.map_or_else(
            || audio.map(|audio| (audio.pts * 90_000 / rate, audio.pts_end * 90_000 / rate)).unwrap(),
            |video| (video.pts, video.pts_end),
        );
        let wall = WallTime::from_unix_ms(WALL.unix_ms + begin / 90);
        let row = SegmentRow {
            number,
            cycle: 0,
            epoch: planned.epoch.number,
            bytes: self.bytes,
            wall,
            join: planned.join,
            begin,
            end,
            video,
            audio,
            page: page_ref,
        };
        rows.append(&[encode_row(&row).into()]).unwrap();
        self.index.segments.push(row);
    }

    /// Where the reel ends, in ticks of its timeline.
    pub fn end(&self) -> i64 {
        self.index.segments.last().unwrap().end
    }
}

/// Writes a whole reel of these clips.
pub fn write_reel(blobs: &Blobs, reel: ReelId, clips: &[&Clip]) -> Writer {
    let mut writer = Writer::new(blobs, reel);
    plan(clips).iter().for_each(|planned| writer.write(planned));
    writer
}
