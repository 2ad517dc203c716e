//! Frames that can be told apart: each picture and each frame of sound carries who sent it, in which push, as which.
//!
//! The mark of a picture is an SEI message (H.264 §D.1.6), that of sound a data stream element (ISO/IEC 14496-3 §4.5.2.1):
//! decoders pass over both, and a recorder that copies frames keeps both.

use std::path::Path;

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use codec::AvcConfig;
use container::flv::{TagKind, VideoTag};
use md5::{Digest, Md5};

use crate::clips::{self, Recipe};
use crate::tape::{Tag, Tape};

/// Milliseconds of one picture: 25 a second, so that RTMP's clock tells them exactly.
pub const PICTURE_MS: u32 = 40;
/// Milliseconds of three frames of sound: 1024 samples each, 48 000 a second.
const THREE_SOUNDS_MS: u32 = 64;
/// Seconds between key frames.
pub const GOP_SECONDS: u32 = 1;
/// The loop: whole numbers of pictures, of GOPs and of frames of sound.
const LOOP_SECONDS: u32 = 16;
const LOOP_PICTURES: usize = 400;
const LOOP_SOUNDS: usize = 750;
/// What says whose SEI message it is.
const SEI_OWNER: &[u8; 16] = b"reprise-torture!";

/// Who sent a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Mark {
    /// The publisher's number.
    pub publisher: u32,
    /// Which of its pushes.
    pub push: u32,
    /// Which picture, or which frame of sound, of the push.
    pub number: u32,
}

impl Mark {
    /// As text without a zero byte, so that it needs no emulation prevention.
    fn text(self, kind: TagKind) -> String {
        let kind = if kind == TagKind::Video { 'v' } else { 'a' };
        format!("{kind}{:04}-{:06}-{:08}", self.publisher, self.push, self.number)
    }
}

/// A loop of media, shared by all publishers.
#[derive(Debug)]
pub struct Media {
    headers: [Tag; 2],
    parameter_sets: Bytes,
    /// Bodies as FLV has them.
    pictures: Vec<Bytes>,
    sounds: Vec<Bytes>,
    /// By how much the first picture is shown after it is decoded, in milliseconds: where sound begins.
    delay_ms: u32,
}

impl Media {
    /// Makes the loop with FFmpeg, or takes the one made before.
    pub async fn make(b_frames: u32) -> anyhow::Result<Self> {
        let recipe = Recipe {
            seconds: LOOP_SECONDS + 1,
            key_seconds: GOP_SECONDS,
            b_frames,
            size: "160x90",
            ..Recipe::default()
        };
        Self::read(&clips::synthetic(&recipe).await?)
    }

    fn read(file: &Path) -> anyhow::Result<Self> {
        let tape = Tape::from_flv(file)?;
        let header = |kind| tape.tags.iter().find(|tag| tag.kind == kind && tag.is_header()).context("no header");
        let bodies = |kind, count| {
            let frames = tape.tags.iter().filter(move |tag| tag.kind == kind && !tag.is_header());
            frames.take(count).map(|tag| tag.body.clone()).collect::<Vec<_>>()
        };
        let video = header(TagKind::Video)?;
        let VideoTag::Config(record) = VideoTag::parse(&video.body)? else { anyhow::bail!("no parameters") };
        let (pictures, sounds) = (bodies(TagKind::Video, LOOP_PICTURES), bodies(TagKind::Audio, LOOP_SOUNDS));
        ensure!((pictures.len(), sounds.len()) == (LOOP_PICTURES, LOOP_SOUNDS), "the clip is too short");
        let mut media = Self {
            headers: [video.clone(), header(TagKind::Audio)?.clone()],
            parameter_sets: AvcConfig::parse(&record)?.parameter_sets(),
            pictures,
            sounds,
            delay_ms: 0,
        };
        media.delay_ms = media.composition_ms(0);
        Ok(media)
    }

    /// What every push begins with.
    pub fn headers(&self) -> &[Tag] {
        &self.headers
    }

    /// When a picture is decoded, in milliseconds of its push.
    pub fn picture_at_ms(number: u32) -> u32 {
        number * PICTURE_MS
    }

    /// When a picture is shown, in milliseconds of its push.
    pub fn picture_shown_ms(&self, number: u32) -> u32 {
        Self::picture_at_ms(number) + self.composition_ms(number)
    }

    /// When a frame of sound is heard, in milliseconds of its push, rounded down as encoders do.
    pub fn sound_at_ms(&self, number: u32) -> u32 {
        self.delay_ms + number * THREE_SOUNDS_MS / 3
    }

    /// A picture as it is sent.
    pub fn picture(&self, mark: Mark) -> Tag {
        let body = &self.pictures[usize_of(mark.number) % LOOP_PICTURES];
        let text = mark.text(TagKind::Video);
        let mut sei = BytesMut::new();
        sei.put_slice(&[0x06, 0x05]);
        sei.put_u8(u8::try_from(SEI_OWNER.len() + text.len()).unwrap_or(u8::MAX));
        sei.put_slice(SEI_OWNER);
        sei.put_slice(text.as_bytes());
        sei.put_u8(0x80);
        let mut marked = BytesMut::with_capacity(body.len() + sei.len() + 4);
        marked.put_slice(&body[..5]);
        marked.put_u32(u32::try_from(sei.len()).unwrap_or(u32::MAX));
        marked.put_slice(&sei);
        marked.put_slice(&body[5..]);
        Tag::new(Self::picture_at_ms(mark.number), TagKind::Video, marked.freeze())
    }

    /// A frame of sound as it is sent.
    pub fn sound(&self, mark: Mark) -> Tag {
        let body = &self.sounds[usize_of(mark.number) % LOOP_SOUNDS];
        let text = mark.text(TagKind::Audio);
        let mut marked = BytesMut::with_capacity(body.len() + text.len() + 2);
        marked.put_slice(&body[..2]);
        // Element 4, instance 0, not aligned: three, four and one bit; then the count.
        marked.put_u8(4 << 5);
        marked.put_u8(u8::try_from(text.len()).unwrap_or(u8::MAX));
        marked.put_slice(text.as_bytes());
        marked.put_slice(&body[2..]);
        Tag::new(self.sound_at_ms(mark.number), TagKind::Audio, marked.freeze())
    }

    /// The hash that ffprobe says of the recorded picture: a key frame has its parameter sets before it.
    pub fn picture_hash(&self, mark: Mark) -> String {
        let tag = self.picture(mark);
        let key = tag.body[0] >> 4 == 1;
        let sets: &[u8] = if key { &self.parameter_sets } else { &[] };
        hash(&[sets, &tag.body[5..]])
    }

    /// The hash that ffprobe says of the recorded frame of sound.
    pub fn sound_hash(&self, mark: Mark) -> String {
        hash(&[&self.sound(mark).body[2..]])
    }

    fn composition_ms(&self, number: u32) -> u32 {
        let body = &self.pictures[usize_of(number) % LOOP_PICTURES];
        u32::from_be_bytes([0, body[2], body[3], body[4]])
    }
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn hash(parts: &[&[u8]]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    let hex: String = md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("MD5:{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn marked_frames_decode_as_the_unmarked_ones_do_and_are_known_again() {
        let media = Media::make(2).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marked.flv");
        let mut flv = BytesMut::from(&b"FLV\x01\x05\0\0\0\x09\0\0\0\0"[..]);
        let mark = |number| Mark { publisher: 7, push: 3, number };
        let mut tags: Vec<_> = media.headers().iter().map(|tag| Tag { at_ms: 0, ..tag.clone() }).collect();
        let mut frames: Vec<_> = (0..50).map(|n| media.picture(mark(n))).collect();
        frames.extend((0..90).map(|n| media.sound(mark(n))));
        frames.sort_by_key(|tag| tag.at_ms);
        tags.extend(frames);
        for tag in tags {
            flv.put_u8(if tag.kind == TagKind::Video { 9 } else { 8 });
            flv.put_uint(u64::try_from(tag.body.len()).unwrap(), 3);
            flv.put_uint(u64::from(tag.at_ms), 3);
            flv.put_u32(0);
            flv.put_slice(&tag.body);
            flv.put_u32(u32::try_from(tag.body.len()).unwrap() + 11);
        }
        std::fs::write(&path, &flv).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(crate::probe::decode_complaints(path).await.unwrap(), "");
        assert_eq!(crate::probe::decoded(path).await.unwrap(), (50, 90 * 1024));
        let seen = crate::probe::probe(path).await.unwrap();
        assert_eq!(seen.track("audio")[5].hash, media.sound_hash(mark(5)));
        let picture = seen.track("video")[1];
        assert!(!picture.key && picture.hash == media.picture_hash(mark(1)), "{picture:?}");
    }
}
