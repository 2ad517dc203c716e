//! Writing: the parts of a file that stand around the samples (annex E.3, E.4).

use codec::AudioCodec;

use super::{CODEC_AVC, SOUND_AAC, TagKind};

/// Bytes of a file before its first tag: header, and the size of no tag.
pub const FILE_HEAD_BYTES: usize = 13;
/// Bytes of a tag before its body.
pub const TAG_HEAD_BYTES: usize = 11;
/// Bytes behind a tag: its size, for reading backwards.
pub const TAG_TAIL_BYTES: usize = 4;
/// Bytes of a tag around its body: [`TAG_HEAD_BYTES`] and [`TAG_TAIL_BYTES`].
pub const TAG_BYTES: u64 = 15;
/// Bytes of a video body before the sample or the configuration.
pub const PICTURE_HEAD_BYTES: usize = 5;
/// Most bytes of a body: its length has 24 bits.
pub const BODY_BYTES_MAX: u32 = 0x00ff_ffff;

/// Sound formats (E.4.2.1): MP3.
const SOUND_MP3: u8 = 2;

/// The beginning of a file with these tracks.
pub const fn file_head(video: bool, audio: bool) -> [u8; FILE_HEAD_BYTES] {
    let tracks = if video { 1 } else { 0 } | if audio { 4 } else { 0 };
    [b'F', b'L', b'V', 1, tracks, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// What stands before a body of `bytes`, at most [`BODY_BYTES_MAX`].
pub const fn tag_head(kind: TagKind, timestamp_ms: u32, bytes: u32) -> [u8; TAG_HEAD_BYTES] {
    let kind = match kind {
        TagKind::Audio => 8,
        TagKind::Video => 9,
        TagKind::Script => 18,
    };
    let [_, size_a, size_b, size_c] = bytes.to_be_bytes();
    let [extension, a, b, c] = timestamp_ms.to_be_bytes();
    [kind, size_a, size_b, size_c, a, b, c, extension, 0, 0, 0]
}

/// What stands behind a body of `bytes`.
pub const fn tag_tail(bytes: u32) -> [u8; TAG_TAIL_BYTES] {
    bytes.saturating_add(11).to_be_bytes()
}

/// What stands before an H.264 sample. `composition_ms`: presentation minus decode time; 24 bits with a sign are written.
pub const fn picture_head(key: bool, composition_ms: i32) -> [u8; PICTURE_HEAD_BYTES] {
    avc_head(key, 1, composition_ms)
}

/// What stands before an `AVCDecoderConfigurationRecord`.
pub const fn picture_config_head() -> [u8; PICTURE_HEAD_BYTES] {
    avc_head(true, 0, 0)
}

const fn avc_head(key: bool, packet: u8, composition_ms: i32) -> [u8; PICTURE_HEAD_BYTES] {
    let [_, a, b, c] = composition_ms.to_be_bytes();
    [(if key { 1 } else { 2 } << 4) | CODEC_AVC, packet, a, b, c]
}

/// What stands before a frame of AAC, which says nothing of its rate here.
pub const AAC_HEAD: [u8; 2] = [(SOUND_AAC << 4) | 0x0f, 1];
/// What stands before an `AudioSpecificConfig`.
pub const AAC_CONFIG_HEAD: [u8; 2] = [(SOUND_AAC << 4) | 0x0f, 0];

/// What stands before a frame of MP3; `None` when the format has no number for its rate.
pub const fn mp3_head(sample_rate: u32, channels: u16) -> Option<[u8; 1]> {
    let rate = match sample_rate {
        11_025 => 1,
        22_050 => 2,
        // 48 kHz has no number; decoders take the rate from the frames, and writers say the nearest.
        44_100 | 48_000 => 3,
        _ => return None,
    };
    let stereo = if channels > 1 { 1 } else { 0 };
    Some([(SOUND_MP3 << 4) | (rate << 2) | 0b10 | stereo])
}

/// What is told of a file at its beginning (E.5).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Metadata {
    /// Seconds.
    pub duration: f64,
    /// Bytes of the whole file.
    pub file_bytes: f64,
    /// Pixels, and pictures per second; `None` without pictures.
    pub picture: Option<(u16, u16, f64)>,
    /// Codec, samples per second, channels; `None` without sound.
    pub sound: Option<(AudioCodec, u32, u16)>,
    /// Where decoding can begin: seconds, and the byte of the file at which the tag begins.
    pub keys: Vec<(f64, f64)>,
}

impl Metadata {
    /// The body of the script tag. Its length depends on which values there are, not on what they are.
    pub fn body(&self) -> Vec<u8> {
        let mut out = Amf::default();
        out.text("onMetaData");
        out.array_begins();
        out.number("duration", self.duration);
        out.number("filesize", self.file_bytes);
        if let Some((width, height, rate)) = self.picture {
            out.number("videocodecid", f64::from(CODEC_AVC));
            out.number("width", f64::from(width));
            out.number("height", f64::from(height));
            out.number("framerate", rate);
        }
        if let Some((codec, rate, channels)) = self.sound {
            let format = match codec {
                AudioCodec::Aac => SOUND_AAC,
                AudioCodec::Mp3 => SOUND_MP3,
            };
            out.number("audiocodecid", f64::from(format));
            out.number("audiosamplerate", f64::from(rate));
            out.flag("stereo", channels > 1);
        }
        if !self.keys.is_empty() {
            out.flag("hasKeyframes", true);
            out.name("keyframes");
            out.0.push(3);
            out.numbers("times", self.keys.iter().map(|(time, _)| *time));
            out.numbers("filepositions", self.keys.iter().map(|(_, at)| *at));
            out.end();
        }
        out.end();
        out.0
    }
}

/// AMF0 values, as far as metadata needs them.
#[derive(Default)]
struct Amf(Vec<u8>);

impl Amf {
    /// A name or text: its length and its bytes.
    fn name(&mut self, name: &str) {
        self.0.extend(u16::try_from(name.len()).unwrap_or(0).to_be_bytes());
        self.0.extend(name.as_bytes());
    }

    fn text(&mut self, text: &str) {
        self.0.push(2);
        self.name(text);
    }

    /// An associative array; how many values it has is only a hint.
    fn array_begins(&mut self) {
        self.0.extend([8, 0, 0, 0, 0]);
    }

    fn value(&mut self, number: f64) {
        self.0.push(0);
        self.0.extend(number.to_be_bytes());
    }

    fn number(&mut self, name: &str, number: f64) {
        self.name(name);
        self.value(number);
    }

    fn flag(&mut self, name: &str, flag: bool) {
        self.name(name);
        self.0.extend([1, u8::from(flag)]);
    }

    fn numbers(&mut self, name: &str, numbers: impl ExactSizeIterator<Item = f64>) {
        self.name(name);
        self.0.push(10);
        self.0.extend(u32::try_from(numbers.len()).unwrap_or(u32::MAX).to_be_bytes());
        numbers.for_each(|number| self.value(number));
    }

    fn end(&mut self) {
        self.0.extend([0, 0, 9]);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{AudioTag, FileTag, FileTags, VideoTag};
    use super::*;

    fn tag(kind: TagKind, timestamp_ms: u32, body: &[u8]) -> Vec<u8> {
        let bytes = u32::try_from(body.len()).unwrap();
        [&tag_head(kind, timestamp_ms, bytes)[..], body, &tag_tail(bytes)].concat()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            timestamp_ms: u32, key: bool, composition_ms in -0x80_0000..0x7f_ffff, sample in prop::collection::vec(any::<u8>(), 1..50),
        ) {
            let picture = [&picture_head(key, composition_ms)[..], &sample].concat();
            let sound = [&AAC_HEAD[..], &sample].concat();
            let file = [
                &file_head(true, true)[..],
                &tag(TagKind::Script, 0, &Metadata::default().body()),
                &tag(TagKind::Video, timestamp_ms, &picture),
                &tag(TagKind::Audio, timestamp_ms, &sound),
            ];
            let tags: Vec<FileTag> = FileTags::new(Bytes::from(file.concat())).unwrap().collect();
            prop_assert_eq!(tags.len(), 3);
            prop_assert_eq!((tags[1].kind, tags[1].timestamp_ms), (TagKind::Video, timestamp_ms));
            let data = Bytes::from(sample);
            prop_assert_eq!(VideoTag::parse(&tags[1].body), Ok(VideoTag::Frame { composition_ms, data: data.clone() }));
            prop_assert_eq!(AudioTag::parse(&tags[2].body), Ok(AudioTag::Frame(data)));
        }
    }

    #[test]
    fn configurations_are_told_from_samples() {
        assert_eq!(usize::try_from(TAG_BYTES), Ok(TAG_HEAD_BYTES + TAG_TAIL_BYTES));
        let body = [&picture_config_head()[..], &[1]].concat();
        assert_eq!(VideoTag::parse(&Bytes::from(body)), Ok(VideoTag::Config(Bytes::from_static(&[1]))));
        let body = [&AAC_CONFIG_HEAD[..], &[0x12, 0x10]].concat();
        assert_eq!(AudioTag::parse(&Bytes::from(body)), Ok(AudioTag::Config(Bytes::from_static(&[0x12, 0x10]))));
        assert_eq!(mp3_head(44_100, 2), Some([0x2f]));
        assert_eq!((mp3_head(22_050, 1), mp3_head(32_000, 2)), (Some([0x2a]), None));
    }

    #[test]
    fn the_length_of_metadata_does_not_depend_on_its_values() {
        let of = |number: f64| Metadata {
            duration: number,
            file_bytes: number,
            picture: Some((1280, 720, number)),
            sound: Some((AudioCodec::Mp3, 44_100, 2)),
            keys: vec![(number, number); 3],
        };
        assert_eq!(of(0.0).body().len(), of(1e12).body().len());
    }
}
