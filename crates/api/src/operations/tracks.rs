//! The tracks of a file, of a source as of an output, in the names and types of the wire.

use catalog::{MediaFacts, TrackFacts};
use schemars::JsonSchema;
use serde::Serialize;

use crate::wire::{decimal, filled};

/// What both kinds of stream have.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct StreamFields {
    bitrate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_long_name: Option<&'static str>,
    codec_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_tag: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_tag_string: Option<&'static str>,
    duration: String,
    index: String,
    num_frames: String,
    start_time: &'static str,
    timebase: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct VideoStream {
    #[serde(flatten)]
    fields: StreamFields,
    #[serde(rename = "AvgFPS")]
    avg_fps: String,
    fps: String,
    has_b_frames: &'static str,
    height: String,
    level: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    width: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AudioStream {
    #[serde(flatten)]
    fields: StreamFields,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_layout: Option<&'static str>,
    channels: String,
    sample_rate: String,
}

/// Those of the tracks that have pictures.
pub(super) fn video_streams(tracks: &[TrackFacts]) -> Vec<VideoStream> {
    tracks.iter().enumerate().filter_map(|(index, track)| video(index, track)).collect()
}

/// Those of the tracks that have sound.
pub(super) fn audio_streams(tracks: &[TrackFacts]) -> Vec<AudioStream> {
    tracks.iter().enumerate().filter_map(|(index, track)| audio(index, track)).collect()
}

fn video(index: usize, track: &TrackFacts) -> Option<VideoStream> {
    let MediaFacts::Video { width, height, fps, level, b_frames } = &track.media else { return None };
    Some(VideoStream {
        fields: fields(index, track),
        avg_fps: decimal(*fps),
        fps: decimal(*fps),
        has_b_frames: if *b_frames { "1" } else { "0" },
        height: height.to_string(),
        level: level.to_string(),
        profile: filled(&track.profile),
        width: width.to_string(),
    })
}

fn audio(index: usize, track: &TrackFacts) -> Option<AudioStream> {
    let MediaFacts::Audio { sample_rate, channels } = &track.media else { return None };
    Some(AudioStream {
        fields: fields(index, track),
        channel_layout: match channels {
            1 => Some("mono"),
            2 => Some("stereo"),
            _ => None,
        },
        channels: channels.to_string(),
        sample_rate: sample_rate.to_string(),
    })
}

fn fields(index: usize, track: &TrackFacts) -> StreamFields {
    // Names and tags as ffprobe gives them, from which the wire's fields are taken: the tag is the sample entry's
    // name read as a little-endian number.
    let (codec_long_name, codec_tag, codec_tag_string) = match track.codec.as_str() {
        "h264" => (Some("H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10"), Some("0x31637661"), Some("avc1")),
        "hevc" => (Some("H.265 / HEVC (High Efficiency Video Coding)"), Some("0x31637668"), Some("hvc1")),
        "aac" => (Some("AAC (Advanced Audio Coding)"), Some("0x6134706d"), Some("mp4a")),
        "mp3" => (Some("MP3 (MPEG audio layer 3)"), Some("0x6134706d"), Some("mp4a")),
        _ => (None, None, None),
    };
    StreamFields {
        bitrate: track.bitrate_kbps.to_string(),
        codec_long_name,
        codec_name: track.codec.clone(),
        codec_tag,
        codec_tag_string,
        duration: decimal(track.duration_s),
        index: index.to_string(),
        num_frames: track.frames.to_string(),
        start_time: "0",
        timebase: format!("1/{}", track.timescale),
    }
}
