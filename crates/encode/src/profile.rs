//! What somebody wants of a source (contract §2.12), in words of ours.

use codec::{AudioCodec, VideoCodec};
use serde::{Deserialize, Serialize};

/// One output that is asked for: a template of a template group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Template {
    /// Its id; 32 hex digits on the wire.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The template's label: `LD`, `SD`, `HD`, … (not the definition of the stream, which follows from its size).
    pub definition: String,
    /// How the output is delivered.
    pub format: Format,
    /// About how long the segments of its playlist are, in seconds; `None`: as they are stored.
    #[serde(default)]
    pub segment_seconds: Option<u32>,
    /// What is encoded.
    pub profile: Profile,
}

/// How an output is delivered. All are views of the same renditions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A progressive MP4.
    Mp4,
    /// HLS.
    M3u8,
    /// FLV.
    Flv,
    /// MP3, sound alone.
    Mp3,
}

impl Format {
    /// The word on the wire, which is also the extension.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::M3u8 => "m3u8",
            Self::Flv => "flv",
            Self::Mp3 => "mp3",
        }
    }
}

/// What is encoded of any source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Profile {
    /// `None`: no pictures.
    pub video: Option<VideoProfile>,
    /// `None`: no sound.
    pub audio: Option<AudioProfile>,
    /// What holds against the source.
    #[serde(default)]
    pub checks: Checks,
}

/// Pictures that are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoProfile {
    /// How they are encoded.
    #[serde(default = "h264")]
    pub codec: VideoCodec,
    /// Pixels; with only one side the ratio of the source is kept, with none its size. Even.
    pub width: Option<u32>,
    /// Pixels. Even.
    pub height: Option<u32>,
    /// `width` means the longer side of the source and `height` the shorter one.
    #[serde(default)]
    pub long_short: bool,
    /// How many bits.
    pub rate: Rate,
    /// Most kilobits per second at any time; with a bit rate its default is half as much again.
    pub max_kbps: Option<u32>,
    /// The decoder's buffer, in kilobits; default twice the bit rate.
    pub buffer_kbit: Option<u32>,
    /// Most pictures from key frame to key frame. Each segment of the source begins with one anyway.
    pub gop: Option<u32>,
    /// Effort.
    #[serde(default)]
    pub preset: Preset,
    /// Tools of H.264.
    #[serde(default)]
    pub profile: H264Profile,
    /// Ten bits a sample instead of eight: H.265 in Main 10.
    #[serde(default)]
    pub ten_bit: bool,
}

/// What pictures were encoded in before there was a choice.
pub(crate) const fn h264() -> VideoCodec {
    VideoCodec::H264
}

/// How many bits are spent on pictures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// So many kilobits per second on average.
    Kbps(u32),
    /// As many as this quality takes: 0 the best, 51 the worst.
    Quality(u32),
}

/// How much effort is spent on fewer bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are those of x264 and x265")]
pub enum Preset {
    Veryfast,
    Faster,
    Fast,
    #[default]
    Medium,
    Slow,
    Slower,
}

impl Preset {
    /// The encoder's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
            Self::Slow => "slow",
            Self::Slower => "slower",
        }
    }
}

/// Which tools a decoder must have (ISO/IEC 14496-10 annex A).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are the standard's own")]
pub enum H264Profile {
    Baseline,
    Main,
    #[default]
    High,
}

impl H264Profile {
    /// The encoder's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Main => "main",
            Self::High => "high",
        }
    }
}

/// Sound that is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AudioProfile {
    /// How it is encoded.
    #[serde(default = "aac")]
    pub codec: AudioCodec,
    /// Kilobits per second.
    pub kbps: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u32,
    /// How much louder than the source, in decibels.
    #[serde(default)]
    pub volume_db: i32,
}

/// What sound was encoded in before there was a choice.
pub(crate) const fn aac() -> AudioCodec {
    AudioCodec::Aac
}

/// What to do when more is asked for than the source has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Checks {
    /// Against its size.
    pub size: Check,
    /// Against the bit rate of its pictures.
    pub video_rate: Check,
    /// Against the bit rate of its sound.
    pub audio_rate: Check,
}

/// One check against the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// None.
    #[default]
    Off,
    /// The source's value is taken instead.
    Limit,
    /// The output fails.
    Fail,
}
