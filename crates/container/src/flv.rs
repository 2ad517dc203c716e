//! FLV: what RTMP video and audio messages carry, and the tags of a file (Adobe FLV and F4V specification 10.1, annex E).
//!
//! Only the legacy tag forms are taken. Those of Enhanced RTMP are recognised, so that they are refused by the name of
//! their codec and not as garbage.

mod write;

use bytes::Bytes;

pub use write::{
    AAC_CONFIG_HEAD, AAC_HEAD, BODY_BYTES_MAX, FILE_HEAD_BYTES, Metadata, PICTURE_HEAD_BYTES, TAG_BYTES,
    TAG_HEAD_BYTES, TAG_TAIL_BYTES, file_head, mp3_head, picture_config_head, picture_head, tag_head, tag_tail,
};

/// Why a body is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FlvError {
    /// The body ends inside a header.
    #[error("{what} of {bytes} bytes is too short")]
    Short {
        /// "video tag" and the like.
        what: &'static str,
        /// Its length.
        bytes: usize,
    },
    /// A codec that is not recorded.
    #[error("{codec} {kind} is not supported: send H.264 video and AAC audio in plain FLV tags")]
    Codec {
        /// Its name in a publisher's words.
        codec: String,
        /// "video" or "audio".
        kind: &'static str,
    },
    /// Not an FLV file.
    #[error("not an FLV file: it does not begin with the signature")]
    Signature,
}

/// The body of a video message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VideoTag {
    /// An `AVCDecoderConfigurationRecord`.
    Config(Bytes),
    /// One H.264 sample: NAL units with lengths of the size that the configuration names.
    Frame {
        /// Presentation minus decode time, in milliseconds.
        composition_ms: i32,
        /// The sample.
        data: Bytes,
    },
    /// Nothing to record: end of sequence, a seek command, an empty body.
    Nothing,
}

/// The body of an audio message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AudioTag {
    /// An `AudioSpecificConfig`.
    Config(Bytes),
    /// One raw AAC frame.
    Frame(Bytes),
    /// An empty body.
    Nothing,
}

/// Frame type of a video tag that is a message to the player, not a picture (E.4.3.1).
const FRAME_TYPE_COMMAND: u8 = 5;
/// Set in the first byte of a video tag of Enhanced RTMP.
const VIDEO_ENHANCED: u8 = 0x80;
const CODEC_AVC: u8 = 7;
const SOUND_ENHANCED: u8 = 9;
const SOUND_AAC: u8 = 10;

impl VideoTag {
    /// Reads the body of a message of type 9. The sample is a slice of it, not a copy.
    pub fn parse(body: &Bytes) -> Result<Self, FlvError> {
        let Some(&first) = body.first() else { return Ok(Self::Nothing) };
        if first & VIDEO_ENHANCED != 0 {
            return Err(FlvError::Codec { codec: enhanced_name(body), kind: "video" });
        }
        if first >> 4 == FRAME_TYPE_COMMAND {
            return Ok(Self::Nothing);
        }
        if first & 0x0f != CODEC_AVC {
            return Err(FlvError::Codec { codec: video_name(first & 0x0f), kind: "video" });
        }
        let Some((&[_, packet_type, a, b, c], data)) = body.split_first_chunk() else {
            // An end of sequence without its composition time is seen in the wild.
            let end = matches!(body.get(1), Some(2));
            return if end { Ok(Self::Nothing) } else { Err(FlvError::Short { what: "video tag", bytes: body.len() }) };
        };
        let data = body.slice_ref(data);
        Ok(match packet_type {
            0 => Self::Config(data),
            // Signed 24 bits: shifted up as part of 32 and back, so that the sign is kept.
            1 => Self::Frame { composition_ms: i32::from_be_bytes([a, b, c, 0]) >> 8, data },
            _ => Self::Nothing,
        })
    }
}

impl AudioTag {
    /// Reads the body of a message of type 8. The frame is a slice of it, not a copy. The bits for rate and channels
    /// are not looked at: for AAC they are wrong by definition.
    pub fn parse(body: &Bytes) -> Result<Self, FlvError> {
        let Some(&first) = body.first() else { return Ok(Self::Nothing) };
        match first >> 4 {
            SOUND_AAC => {}
            SOUND_ENHANCED => return Err(FlvError::Codec { codec: enhanced_name(body), kind: "audio" }),
            other => return Err(FlvError::Codec { codec: sound_name(other), kind: "audio" }),
        }
        let Some((&[_, packet_type], data)) = body.split_first_chunk() else {
            return Err(FlvError::Short { what: "audio tag", bytes: body.len() });
        };
        if data.is_empty() {
            return Ok(Self::Nothing);
        }
        let data = body.slice_ref(data);
        Ok(match packet_type {
            0 => Self::Config(data),
            1 => Self::Frame(data),
            _ => Self::Nothing,
        })
    }
}

fn video_name(codec: u8) -> String {
    match codec {
        2 => "Sorenson H.263".to_owned(),
        3 | 6 => "Screen".to_owned(),
        4 | 5 => "VP6".to_owned(),
        12 => "HEVC".to_owned(),
        13 => "AV1".to_owned(),
        other => format!("FLV codec {other}"),
    }
}

fn sound_name(format: u8) -> String {
    match format {
        0 | 3 => "PCM".to_owned(),
        1 => "ADPCM".to_owned(),
        2 | 14 => "MP3".to_owned(),
        4..=6 => "Nellymoser".to_owned(),
        7 => "G.711 A-law".to_owned(),
        8 => "G.711 mu-law".to_owned(),
        11 => "Speex".to_owned(),
        other => format!("FLV sound format {other}"),
    }
}

/// The codec of an Enhanced RTMP tag, from the FourCC behind its first byte. Where modifiers or a multitrack header
/// stand in between, the FourCC is not looked for.
fn enhanced_name(body: &[u8]) -> String {
    let four_cc = body.get(1..5).unwrap_or_default();
    let name = match four_cc {
        b"hvc1" | b"hev1" => "HEVC",
        b"avc1" => "H.264",
        b"av01" => "AV1",
        b"vp08" => "VP8",
        b"vp09" => "VP9",
        b"vvc1" => "VVC",
        b"Opus" => "Opus",
        b"fLaC" => "FLAC",
        b"ac-3" => "AC-3",
        b"ec-3" => "E-AC-3",
        b".mp3" => "MP3",
        b"mp4a" => "AAC",
        _ => "multitrack or unknown",
    };
    format!("{name} (Enhanced RTMP)")
}

/// What a tag of a file carries; the number is the RTMP message type as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TagKind {
    /// Type 8.
    Audio,
    /// Type 9.
    Video,
    /// Type 18: metadata, as AMF0.
    Script,
}

/// One tag of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileTag {
    /// What it carries.
    pub kind: TagKind,
    /// Decode time in milliseconds, as written: 32 bits.
    pub timestamp_ms: u32,
    /// The body, as in an RTMP message.
    pub body: Bytes,
}

/// The tags of an FLV file, in order. A file that ends inside a tag ends before it; tags of unknown type are left out.
#[derive(Clone, Debug)]
pub struct FileTags {
    rest: Bytes,
}

impl FileTags {
    /// Checks the signature and goes to the first tag.
    pub fn new(file: Bytes) -> Result<Self, FlvError> {
        let header = file.get(..9).filter(|header| header.starts_with(b"FLV")).ok_or(FlvError::Signature)?;
        let &[.., a, b, c, d] = header else { return Err(FlvError::Signature) };
        // The header says its own length; the size of "the tag before" follows it.
        let first = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok().and_then(|length| length.checked_add(4));
        let rest = first.filter(|first| *first <= file.len()).map(|first| file.slice(first..));
        Ok(Self { rest: rest.ok_or(FlvError::Short { what: "FLV header", bytes: file.len() })? })
    }

    /// Tags without a file around them: the body of an RTMP aggregate message.
    pub fn of_tags(tags: Bytes) -> Self {
        Self { rest: tags }
    }
}

impl Iterator for FileTags {
    type Item = FileTag;

    fn next(&mut self) -> Option<FileTag> {
        loop {
            let &[kind, size_a, size_b, size_c, a, b, c, extension, _, _, _] = self.rest.first_chunk()?;
            let size = usize::try_from(u32::from_be_bytes([0, size_a, size_b, size_c])).ok()?;
            let body = 11..11 + size;
            if self.rest.len() < body.end {
                return None;
            }
            let tag = self.rest.slice(body.clone());
            self.rest = self.rest.slice((body.end + 4).min(self.rest.len())..);
            let kind = match kind & 0x1f {
                8 => TagKind::Audio,
                9 => TagKind::Video,
                18 => TagKind::Script,
                _ => continue,
            };
            let timestamp_ms = u32::from_be_bytes([extension, a, b, c]);
            return Some(FileTag { kind, timestamp_ms, body: tag });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn video(bytes: &[u8]) -> Result<VideoTag, FlvError> {
        VideoTag::parse(&Bytes::copy_from_slice(bytes))
    }

    fn audio(bytes: &[u8]) -> Result<AudioTag, FlvError> {
        AudioTag::parse(&Bytes::copy_from_slice(bytes))
    }

    #[test]
    fn composition_time_has_a_sign() {
        for (bytes, composition_ms) in
            [([0, 0, 0x43], 67), ([0xff, 0xff, 0xbd], -67), ([0x80, 0, 0], -8_388_608), ([0x7f, 0xff, 0xff], 8_388_607)]
        {
            let [a, b, c] = bytes;
            let data = Bytes::from_static(&[1, 2]);
            assert_eq!(video(&[0x27, 1, a, b, c, 1, 2]), Ok(VideoTag::Frame { composition_ms, data }));
        }
    }

    #[test]
    fn configurations_frames_and_what_is_neither_are_told_apart() {
        assert_eq!(video(&[0x17, 0, 0, 0, 0, 1]), Ok(VideoTag::Config(Bytes::from_static(&[1]))));
        for nothing in [&[][..], &[0x17, 2, 0, 0, 0], &[0x17, 2], &[0x57, 0]] {
            assert_eq!(video(nothing), Ok(VideoTag::Nothing), "{nothing:x?}");
        }
        assert_eq!(audio(&[0xaf, 0, 0x12, 0x10]), Ok(AudioTag::Config(Bytes::from_static(&[0x12, 0x10]))));
        assert_eq!(audio(&[0xaf, 1, 9]), Ok(AudioTag::Frame(Bytes::from_static(&[9]))));
        assert_eq!(audio(&[0xaf, 1]), Ok(AudioTag::Nothing));
        assert!(video(&[0x17, 1, 0]).is_err() && audio(&[0xaf]).is_err());
    }

    #[test]
    fn other_codecs_are_refused_by_name() {
        for (body, name) in [
            (&b"\x90hvc1\0"[..], "HEVC (Enhanced RTMP) video"),
            (b"\x91av01\0", "AV1 (Enhanced RTMP) video"),
            (b"\x94hvc1\0", "HEVC (Enhanced RTMP) video"),
            (b"\x90avc1\0", "H.264 (Enhanced RTMP) video"),
            (b"\x96", "multitrack or unknown (Enhanced RTMP) video"),
            (b"\x1c\0\0\0\0", "HEVC video"),
            (b"\x12\0", "Sorenson H.263 video"),
        ] {
            let refused = video(body).unwrap_err().to_string();
            assert_eq!(refused, format!("{name} is not supported: send H.264 video and AAC audio in plain FLV tags"));
        }
        for (body, name) in [
            (&b"\x90Opus"[..], "Opus (Enhanced RTMP)"),
            (b"\x7f\0", "G.711 A-law"),
            (b"\x8f\0", "G.711 mu-law"),
            (b"\x2f\0", "MP3"),
            (b"\xb2\0", "Speex"),
        ] {
            let refused = audio(body).unwrap_err().to_string();
            assert_eq!(
                refused,
                format!("{name} audio is not supported: send H.264 video and AAC audio in plain FLV tags")
            );
        }
    }

    #[test]
    fn a_file_gives_its_tags_and_a_torn_last_one_is_left_out() {
        let mut file = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        file.extend(b"\x09\0\0\x02\x34\x56\x78\x12\0\0\0ab\0\0\0\x0d");
        file.extend(b"\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\x0b");
        file.extend(b"\x08\0\0\x01\0\0\x05\0\0\0\0c\0\0\0\x0c");
        file.extend(b"\x08\0\0\x09\0\0\x06\0\0\0\0torn");
        let tags: Vec<_> = FileTags::new(Bytes::from(file)).unwrap().collect();
        let video = FileTag { kind: TagKind::Video, timestamp_ms: 0x1234_5678, body: Bytes::from_static(b"ab") };
        let audio = FileTag { kind: TagKind::Audio, timestamp_ms: 5, body: Bytes::from_static(b"c") };
        assert_eq!(tags, vec![video, audio]);
        assert_eq!(FileTags::new(Bytes::from_static(b"RIFF....AVI ")).err(), Some(FlvError::Signature));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parsers_panic(noise in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = video(&noise);
            let _ = audio(&noise);
            let file = [b"FLV\x01\x05\0\0\0\x09\0\0\0\0", &noise[..]].concat();
            prop_assert!(FileTags::new(Bytes::from(file)).unwrap().count() <= noise.len() / 11 + 1);
            if let Ok(tags) = FileTags::new(Bytes::from([b"FLV", &noise[..]].concat())) {
                tags.count();
            }
        }
    }
}
