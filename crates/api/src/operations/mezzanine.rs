//! The source file of a video.

use catalog::{Asset, AssetStatus, MediaFacts, TrackFacts};
use rpc::ParamError;
use rpc::param::{CommaList, Filled};
use serde::Serialize;
use units::AssetId;

use super::videos::{STORAGE_CLASS, find, seconds};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{IdText, asset_url, decimal, filled};

operations! {
    /// Tells about the source file of a video and, when asked, about each of its streams.
    Vod T1 GetMezzanineInfo => get_mezzanine_info {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// `video`, `audio`, or both joined by a comma: which streams are told of.
        AdditionType => additions: Option<CommaList<Filled<8>, 4>>,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    mezzanine: Mezzanine,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Mezzanine {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_stream_list: Option<Vec<AudioStream>>,
    bitrate: String,
    creation_time: String,
    duration: String,
    file_name: &'static str,
    #[serde(rename = "FileURL")]
    file_url: String,
    fps: String,
    height: u32,
    output_type: &'static str,
    size: u64,
    status: &'static str,
    storage_class: &'static str,
    video_id: AssetId,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_stream_list: Option<Vec<VideoStream>>,
    width: u32,
}

/// What both kinds of stream have.
#[derive(Serialize)]
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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VideoStream {
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

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AudioStream {
    #[serde(flatten)]
    fields: StreamFields,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_layout: Option<&'static str>,
    channels: String,
    sample_rate: String,
}

async fn get_mezzanine_info(context: &Context, input: GetMezzanineInfo) -> Answer<Told> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    if asset.status == AssetStatus::Uploading {
        return Err(Code::InvalidFileNotFound.because("The source file of the video is not complete."));
    }
    let additions = input.additions.unwrap_or_default();
    if additions.iter().any(|word| !matches!(word.as_str(), "video" | "audio")) {
        return Err(ParamError::invalid("AdditionType", "video, audio, or both joined by a comma are wanted").into());
    }
    let wants = |word: &str| additions.iter().any(|wanted| wanted == word);
    Ok(Told {
        mezzanine: Mezzanine {
            audio_stream_list: wants("audio").then(|| tracks(&asset, audio)),
            bitrate: asset.bitrate_kbps.to_string(),
            creation_time: asset.created.to_iso8601(),
            duration: decimal(seconds(&asset)),
            file_name: "source.mp4",
            file_url: asset_url(context, asset.id, "source.mp4"),
            fps: decimal(asset.fps),
            height: asset.height,
            output_type: "cdn",
            size: asset.size_bytes,
            status: "Normal",
            storage_class: STORAGE_CLASS,
            video_id: asset.id,
            video_stream_list: wants("video").then(|| tracks(&asset, video)),
            width: asset.width,
        },
    })
}

fn tracks<T>(asset: &Asset, told: fn(usize, &TrackFacts) -> Option<T>) -> Vec<T> {
    asset.tracks.iter().enumerate().filter_map(|(index, track)| told(index, track)).collect()
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
