//! What a publisher sends: FLV tags, made once and shared by any number of publishers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use container::flv::{AudioTag, FileTags, TagKind, VideoTag};

/// The chunk size of our publishers: that of OBS.
pub(crate) const CHUNK_BYTES: usize = 4096;

/// One message to be.
#[derive(Clone, Debug)]
pub struct Tag {
    /// When, from the beginning of the tape, in milliseconds.
    pub at_ms: u32,
    /// Audio, video or script data.
    pub kind: TagKind,
    /// The message body.
    pub body: Bytes,
    /// The body with the headers of its further chunks in it: what is sent as long as no time is extended.
    pub(crate) chunked: Bytes,
}

impl Tag {
    /// A message of `body`.
    pub fn new(at_ms: u32, kind: TagKind, body: Bytes) -> Self {
        let chunked = chunked(kind, &body, None);
        Self { at_ms, kind, body, chunked }
    }

    /// Whether it carries parameters (or metadata) and not a sample.
    pub fn is_header(&self) -> bool {
        match self.kind {
            TagKind::Video => !matches!(VideoTag::parse(&self.body), Ok(VideoTag::Frame { .. })),
            TagKind::Audio => !matches!(AudioTag::parse(&self.body), Ok(AudioTag::Frame(_))),
            TagKind::Script => true,
        }
    }
}

/// Chunk stream id and message type, as OBS and FFmpeg use them.
pub(crate) fn lane(kind: TagKind) -> (u8, u8) {
    match kind {
        TagKind::Audio => (4, 8),
        TagKind::Video => (6, 9),
        TagKind::Script => (5, 18),
    }
}

/// A body with type 3 headers where its chunks meet, each with the extended time when there is one.
pub(crate) fn chunked(kind: TagKind, body: &Bytes, extended: Option<u32>) -> Bytes {
    if body.len() <= CHUNK_BYTES {
        return body.clone();
    }
    let mut out = BytesMut::with_capacity(body.len() + body.len() / CHUNK_BYTES * 5);
    for (index, chunk) in body.chunks(CHUNK_BYTES).enumerate() {
        if index > 0 {
            out.put_u8(0xc0 | lane(kind).0);
            if let Some(extended) = extended {
                out.put_u32(extended);
            }
        }
        out.put_slice(chunk);
    }
    out.freeze()
}

/// A stretch of media. Clones share it.
#[derive(Clone, Debug)]
pub struct Tape {
    /// In the order of sending; times do not fall.
    pub tags: Arc<[Tag]>,
    /// From the first to where a repetition would begin, in milliseconds.
    pub duration_ms: u32,
}

/// The media of a synthetic tape.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its length.
    pub seconds: u32,
    /// Pictures per second; 0: no video.
    pub fps: u32,
    /// Seconds between key frames.
    pub gop_seconds: u32,
    /// Of the video.
    pub video_kbps: u32,
    /// Of the sound; 0: no audio.
    pub audio_kbps: u32,
}

impl Default for Shape {
    /// The load of the benches: 2 Mb/s at 30 pictures a second, a key frame every 2 s, 128 kb/s of sound.
    fn default() -> Self {
        Self { seconds: 10, fps: 30, gop_seconds: 2, video_kbps: 2_000, audio_kbps: 128 }
    }
}

/// 1280 x 720, High, level 3.1: a record of libx264.
const RECORD: &[u8] = &[
    0x01, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0x00, 0x1a, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01,
    0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60, 0x01, 0x00, 0x06, 0x68,
    0xeb, 0xe3, 0xcb, 0x22, 0xc0, 0xfd, 0xf8, 0xf8, 0x00,
];
/// LC, 48 kHz, stereo.
const AUDIO_CONFIG: &[u8] = &[0xaf, 0, 0x11, 0x90];
/// Of the synthetic sound: samples of a frame, and samples per second.
const AUDIO_FRAME: u32 = 1024;
const AUDIO_RATE: u32 = 48_000;
/// A key frame weighs as much as this many others.
const KEY_WEIGHT: u32 = 8;

impl Tape {
    /// The tags of an FLV file, from time 0 on.
    pub fn from_flv(file: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let tags: Vec<_> = FileTags::new(bytes.into())?.collect();
        let first = tags.iter().map(|tag| tag.timestamp_ms).min().unwrap_or(0);
        let tags: Vec<_> = tags.into_iter().map(|tag| Tag::new(tag.timestamp_ms - first, tag.kind, tag.body)).collect();
        let samples: Vec<_> = tags.iter().filter(|tag| tag.kind == TagKind::Video && !tag.is_header()).collect();
        let last = tags.iter().map(|tag| tag.at_ms).max().unwrap_or(0);
        // One more picture's time; without pictures, a frame of sound's.
        let step = match samples[..] {
            [first, .., last] => (last.at_ms - first.at_ms) / u32::try_from(samples.len() - 1)?,
            _ => 21,
        };
        ensure!(!tags.is_empty(), "{} has no tags", file.display());
        Ok(Self { tags: tags.into(), duration_ms: last + step })
    }

    /// Media that parses and does not decode: right headers, noise for pictures and sound.
    pub fn synthetic(shape: Shape) -> Self {
        let mut tags = Vec::new();
        if shape.fps > 0 {
            tags.push(Tag::new(0, TagKind::Video, [&[0x17, 0, 0, 0, 0], RECORD].concat().into()));
            let gop = (shape.fps * shape.gop_seconds).max(1);
            let unit = shape.video_kbps * 125 * shape.gop_seconds / (gop - 1 + KEY_WEIGHT);
            for frame in 0..shape.seconds * shape.fps {
                let key = frame % gop == 0;
                let size = if key { unit * KEY_WEIGHT } else { unit }.max(8);
                tags.push(Tag::new(frame * 1000 / shape.fps, TagKind::Video, picture(key, size, frame)));
            }
        }
        if shape.audio_kbps > 0 {
            tags.push(Tag::new(0, TagKind::Audio, Bytes::from_static(AUDIO_CONFIG)));
            let size = shape.audio_kbps * 125 * AUDIO_FRAME / AUDIO_RATE;
            for frame in 0..shape.seconds * AUDIO_RATE / AUDIO_FRAME {
                let at_ms = u64::from(frame) * 1000 * u64::from(AUDIO_FRAME) / u64::from(AUDIO_RATE);
                let body = [&[0xaf, 1][..], &noise(size, frame)].concat();
                tags.push(Tag::new(u32::try_from(at_ms).unwrap_or(u32::MAX), TagKind::Audio, body.into()));
            }
        }
        // Stable: the headers stay in front.
        tags.sort_by_key(|tag| tag.at_ms);
        Self { tags: tags.into(), duration_ms: shape.seconds * 1000 }
    }

    /// The same tags in the same order with other times; those without one are left out.
    pub fn edited(&self, mut time: impl FnMut(&Tag) -> Option<u32>) -> Self {
        let tags = self.tags.iter().filter_map(|tag| Some(Tag { at_ms: time(tag)?, ..tag.clone() }));
        Self { tags: tags.collect(), duration_ms: self.duration_ms }
    }

    /// Its length.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(u64::from(self.duration_ms))
    }

    /// Samples of that kind in one pass.
    pub fn samples(&self, kind: TagKind) -> usize {
        self.tags.iter().filter(|tag| tag.kind == kind && !tag.is_header()).count()
    }
}

fn picture(key: bool, size: u32, seed: u32) -> Bytes {
    let mut body = BytesMut::new();
    body.put_slice(&[if key { 0x17 } else { 0x27 }, 1, 0, 0, 0]);
    body.put_u32(size);
    body.put_u8(if key { 0x65 } else { 0x41 });
    body.put_slice(&noise(size - 1, seed));
    body.freeze()
}

/// Bytes that hold no start code and do not compress.
fn noise(size: u32, seed: u32) -> Vec<u8> {
    let mut state = u64::from(seed) | 1 << 40;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0] | 0x80
    };
    (0..size).map(|_| byte()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synthetic_tape_has_the_rate_it_was_asked_for() {
        let tape = Tape::synthetic(Shape::default());
        let bytes: usize = tape.tags.iter().map(|tag| tag.body.len()).sum();
        let kbps = bytes * 8 / 1000 / 10;
        assert!((2_080..=2_160).contains(&kbps), "{kbps}");
        assert_eq!((tape.samples(TagKind::Video), tape.samples(TagKind::Audio)), (300, 468));
        assert!(tape.tags.is_sorted_by_key(|tag| tag.at_ms));
    }

    #[test]
    fn a_body_is_chunked_where_its_chunks_meet() {
        let body = Bytes::from(vec![1; CHUNK_BYTES * 2 + 1]);
        let plain = chunked(TagKind::Video, &body, None);
        assert_eq!((plain.len(), plain[CHUNK_BYTES], plain[CHUNK_BYTES * 2 + 1]), (body.len() + 2, 0xc6, 0xc6));
        let extended = chunked(TagKind::Video, &body, Some(0x0102_0304));
        assert_eq!(&extended[CHUNK_BYTES..CHUNK_BYTES + 5], [0xc6, 1, 2, 3, 4]);
    }
}
