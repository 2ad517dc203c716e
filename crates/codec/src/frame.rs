//! What ingest hands on: coded frames and the parameters they need, independent of the protocol they came by.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use units::Timescale;

use crate::{AacConfig, AvcConfig, CodecError, HevcConfig, Mp3Config};

/// Which of the two elementary streams of a recording.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrackKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

/// A video codec that can be stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoCodec {
    /// ISO/IEC 14496-10.
    H264,
    /// ISO/IEC 23008-2.
    H265,
}

/// An audio codec that can be stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioCodec {
    /// ISO/IEC 14496-3 (LC, and HE with its core described).
    Aac,
    /// ISO/IEC 11172-3 and 13818-3, layer III. Nobody pushes it: it is encoded here.
    Mp3,
}

/// The parameters of a video track. Two tracks with equal `record` are the same epoch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoConfig {
    /// What decodes it.
    pub codec: VideoCodec,
    /// `AVCDecoderConfigurationRecord` or `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1, §8.3.3.1), as the publisher
    /// or the encoder made it.
    #[serde(with = "hex")]
    pub record: Bytes,
    /// Picture size after cropping, in pixels.
    pub width: u16,
    /// Picture size after cropping, in pixels.
    pub height: u16,
    /// Ticks of `Sample::dts` and `Sample::cto`.
    pub scale: Timescale,
}

/// The parameters of an audio track. Two tracks with equal `record` are the same epoch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudioConfig {
    /// What decodes it.
    pub codec: AudioCodec,
    /// AAC: `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1), as the publisher sent it. MP3: see [`Mp3Config`].
    #[serde(with = "hex")]
    pub record: Bytes,
    /// Samples per second of the core coder: the clock of the track. (HE-AAC doubles it only in the decoder.)
    pub sample_rate: u32,
    /// Number of channels, from the configuration.
    pub channels: u16,
    /// Samples in each frame: 1024 or 960; of MP3 1152 or 576.
    pub frame_samples: u32,
    /// Ticks of `Sample::dts`.
    pub scale: Timescale,
}

impl VideoCodec {
    /// Its short name, as ffprobe has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "hevc",
        }
    }
}

impl AudioCodec {
    /// Its short name, as ffprobe has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aac => "aac",
            Self::Mp3 => "mp3",
        }
    }
}

impl VideoConfig {
    /// The parameters in a record; the ticks of the track are `scale`.
    pub fn parse(codec: VideoCodec, record: Bytes, scale: Timescale) -> Result<Self, CodecError> {
        match codec {
            VideoCodec::H264 => Ok(AvcConfig::parse(&record)?.video_config(record, scale)),
            VideoCodec::H265 => Ok(HevcConfig::parse(&record)?.video_config(record, scale)),
        }
    }

    /// The `codecs` value of RFC 6381 §3.3; `None` when the record cannot be read.
    pub fn codec_string(&self) -> Option<String> {
        match self.codec {
            VideoCodec::H264 => AvcConfig::parse(&self.record).ok().map(|avc| avc.codec_string("avc1")),
            VideoCodec::H265 => HevcConfig::parse(&self.record).ok().map(|hevc| hevc.codec_string("hvc1")),
        }
    }

    /// All parameter sets as NAL units with 4-byte lengths: what stands in front of a picture that must be decodable alone.
    pub fn parameter_sets(&self) -> Result<Bytes, CodecError> {
        match self.codec {
            VideoCodec::H264 => Ok(AvcConfig::parse(&self.record)?.parameter_sets()),
            VideoCodec::H265 => Ok(HevcConfig::parse(&self.record)?.parameter_sets()),
        }
    }
}

impl AudioConfig {
    /// The `codecs` value of RFC 6381 §3.3; `None` when the record cannot be read.
    pub fn codec_string(&self) -> Option<&'static str> {
        match self.codec {
            AudioCodec::Aac => AacConfig::parse(&self.record).ok().map(|aac| aac.codec_string()),
            AudioCodec::Mp3 => Mp3Config::parse(&self.record).ok().map(|mp3| mp3.codec_string()),
        }
    }

    /// A frame of silence; `None` where nothing is known that would be silent.
    pub fn silent_frame(&self) -> Option<Bytes> {
        match self.codec {
            AudioCodec::Aac => AacConfig::parse(&self.record).ok()?.silent_frame(),
            AudioCodec::Mp3 => Mp3Config::parse(&self.record).ok().map(|mp3| mp3.silent_frame()),
        }
    }
}

/// New parameters of one track; they hold from the next sample of that track on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrackConfig {
    /// Pictures.
    Video(VideoConfig),
    /// Sound.
    Audio(AudioConfig),
}

/// One coded frame of one track.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Whose frame.
    pub track: TrackKind,
    /// Decode time in the track's ticks since the push began, unwrapped (never modulo 2^32), not yet made monotone:
    /// what the publisher claimed.
    pub dts: i64,
    /// Presentation time minus `dts`, in the same ticks. May be negative.
    pub cto: i32,
    /// An IDR picture; for sound always true.
    pub sync: bool,
    /// Video: NAL units with 4-byte lengths. Audio: one raw frame.
    pub data: Bytes,
}

/// What a reader of the hub gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Parameters, before the first sample of a track and whenever they change (never repeated unchanged).
    Config(TrackConfig),
    /// A coded frame.
    Sample(Sample),
}

/// Parameter records as hex text, so that a self-description can be read by eye.
mod hex {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        to.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        let digits: Vec<u8> = text
            .chars()
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("a record is written in hex digits"))?;
        if !digits.len().is_multiple_of(2) {
            return Err(D::Error::custom("a record has an even number of hex digits"));
        }
        Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| (byte << 4) | digit)).collect())
    }
}
