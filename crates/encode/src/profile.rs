//! What somebody wants of a source (contract §2.12), in words of ours.

use std::collections::BTreeMap;

use codec::{AudioCodec, VideoCodec};
use serde::{Deserialize, Serialize};

use crate::encryption::{ContentKey, Encryption};
use crate::grid::Fps;
use crate::marks::Shown;

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
    /// How its file is called, with places for ids; `None`: as all others.
    #[serde(default)]
    pub file_name: Option<FileName>,
    /// What is made of a source.
    #[serde(default)]
    pub content: Content,
    /// Of which part of a source.
    #[serde(default)]
    pub clip: Option<Clip>,
    /// What is told of its bandwidth, in bits per second; `None`: what it takes.
    #[serde(default)]
    pub bandwidth_bps: Option<u64>,
    /// How it is encrypted on its way to players; `None`: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What is encoded.
    pub profile: Profile,
}

/// What is made of a source.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Renditions of it.
    #[default]
    Encoded,
    /// Nothing: its own media is delivered.
    Remuxed,
    /// Nothing: the group's other outputs are offered as one, between which players switch.
    Package {
        /// Bits per second that a network is expected to carry: players begin with the best output that fits.
        network_bps: Option<u64>,
    },
}

impl Template {
    /// Whether its output is made of the others of its group.
    pub fn is_package(&self) -> bool {
        match self.content {
            Content::Package { .. } => true,
            Content::Encoded | Content::Remuxed => false,
        }
    }

    /// Bits per second that a package's network is expected to carry.
    pub fn network_bps(&self) -> Option<u64> {
        match self.content {
            Content::Package { network_bps } => network_bps,
            Content::Encoded | Content::Remuxed => None,
        }
    }

    /// With what its output is encrypted.
    pub fn content_key(&self) -> Option<ContentKey> {
        self.encryption.as_ref()?.key
    }

    /// The ids of what is shown over its pictures, the lowest first.
    pub fn watermarks(&self) -> &[String] {
        self.profile.video.as_ref().map_or(&[], |video| &video.watermarks)
    }

    /// Whether a package of its group offers its output.
    pub fn is_packed(&self) -> bool {
        match self.content {
            Content::Encoded => self.format == Format::M3u8 && self.profile.video.is_some(),
            Content::Remuxed => self.format == Format::M3u8,
            Content::Package { .. } => false,
        }
    }
}

/// A part of a source, in milliseconds from its begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Clip {
    /// The first picture at or after this is its first.
    pub begin_ms: u64,
    /// The first picture at or after this is not in it any more; `None`: it reaches to the end.
    pub end_ms: Option<u64>,
}

/// The name of an output's file without its extension: characters that need no escape in a URL, and places for ids, of which that
/// of the output is one, which stands alone between others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileName(String);

impl FileName {
    /// Where the ids of the asset and of the output go, and the definition of the stream in lower case.
    const PLACES: [&'static str; 3] = ["{MediaId}", "{JobId}", "{PlayDefinition}"];
    /// Longest name before anything is put in.
    const BYTES_MAX: usize = 128;

    /// Reads a name with its places. Errors: what is wrong with it, as a sentence's end.
    pub fn parse(text: &str) -> std::result::Result<Self, &'static str> {
        let bare = Self::PLACES.iter().fold(text.to_owned(), |text, place| text.replace(place, ""));
        if text.len() > Self::BYTES_MAX {
            return Err("it has more than 128 bytes");
        }
        let Some((before, after)) = text.split_once("{JobId}") else {
            return Err("it has to contain {JobId}: without it outputs could not be told apart");
        };
        let parts = |c: Option<char>| c.is_none_or(|c| matches!(c, '-' | '_' | '.'));
        if !parts(before.chars().next_back()) || !parts(after.chars().next()) {
            return Err("{JobId} has to stand between two of - _ . or at an end");
        }
        if !bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            return Err("letters, digits, - _ . and {MediaId} {JobId} {PlayDefinition} are possible in it");
        }
        Ok(Self(text.to_owned()))
    }

    /// With its places, as it was read.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of one output.
    pub fn of(&self, asset: &str, output: &str, definition: &str) -> String {
        let [media, job, play] = Self::PLACES;
        self.0.replace(media, asset).replace(job, output).replace(play, &definition.to_ascii_lowercase())
    }
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
    /// DASH.
    Mpd,
}

impl Format {
    /// The word on the wire, which is also the extension.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::M3u8 => "m3u8",
            Self::Flv => "flv",
            Self::Mp3 => "mp3",
            Self::Mpd => "mpd",
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
    /// Pictures per second; `None`: as the source has them.
    #[serde(default)]
    pub fps: Option<Fps>,
    /// How they are turned. Their size is that after it.
    #[serde(default)]
    pub turn: Turn,
    /// Fields of a picture that is interlaced are made one picture.
    #[serde(default)]
    pub deinterlace: bool,
    /// How bits are shared out.
    #[serde(default)]
    pub passes: Passes,
    /// The ids of what is shown over them, the lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub watermarks: Vec<String>,
    /// What some of these show this time in place of their own, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown_instead: BTreeMap<String, Shown>,
    /// The SHA-256, in hex, of the files of subtitles that are written on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subtitles: Vec<String>,
}

impl Default for VideoProfile {
    /// H.264 in the size of the source, at the quality that the contract has by default.
    fn default() -> Self {
        Self {
            codec: VideoCodec::H264,
            width: None,
            height: None,
            long_short: false,
            rate: Rate::Quality(26),
            max_kbps: None,
            buffer_kbit: None,
            gop: None,
            preset: Preset::default(),
            profile: H264Profile::default(),
            ten_bit: false,
            fps: None,
            turn: Turn::default(),
            deinterlace: false,
            passes: Passes::default(),
            watermarks: Vec::new(),
            shown_instead: BTreeMap::new(),
            subtitles: Vec::new(),
        }
    }
}

/// By how much pictures are turned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Not at all.
    #[default]
    None,
    /// By a quarter, clockwise.
    Right,
    /// By a half.
    Over,
    /// By three quarters, clockwise.
    Left,
}

impl Turn {
    /// By so many degrees, clockwise; `None` when they are no quarters.
    pub const fn of_degrees(degrees: u32) -> Option<Self> {
        match degrees {
            0 | 360 => Some(Self::None),
            90 => Some(Self::Right),
            180 => Some(Self::Over),
            270 => Some(Self::Left),
            _ => None,
        }
    }

    /// The size of a picture of this size after it.
    pub const fn of(self, size: (u32, u32)) -> (u32, u32) {
        match self {
            Self::None | Self::Over => size,
            Self::Right | Self::Left => (size.1, size.0),
        }
    }
}

/// How bits are shared out between the pictures of a chunk, where there is a bit rate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passes {
    /// As they come.
    #[default]
    One,
    /// After a look at all of the chunk.
    Two,
    /// The same in every second.
    Constant,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_place_for_the_output_and_nothing_that_a_url_escapes() {
        let name = FileName::parse("cup_{MediaId}-{JobId}.{PlayDefinition}").unwrap();
        assert_eq!(name.of("a1", "b2", "LD"), "cup_a1-b2.ld");
        for wrong in [
            "",
            "{MediaId}",
            "a b{JobId}",
            "a/{JobId}",
            "{JobId}{x}",
            "é-{JobId}",
            "cup{JobId}",
            "{JobId}{PlayDefinition}",
            &format!("{{JobId}}{}", "x".repeat(130)),
        ] {
            assert!(FileName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
