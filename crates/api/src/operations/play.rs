//! How a video is played.

use std::cmp::Reverse;

use catalog::{Asset, AssetStatus, Output};
use domain::rule::NO_TRANSCODE;
use encode::{Content, VideoCodec};
use rpc::definition::{definition, output_file, specification};
use rpc::param::{CommaList, Filled};
use serde::Serialize;
use units::AssetId;

use super::videos::{STORAGE_CLASS, find, seconds};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{IdText, asset_url, cover_url, decimal};

operations! {
    /// Tells the URLs that a video is played from.
    ///
    /// Under a no-transcode group the source itself is one stream (OD, Original), told once, as an MP4; as HLS too when Formats
    /// asks for it. Each output of a transcode task is a stream; of one definition and format the newest is told, or all of
    /// them with ResultType `Multiple`.
    Vod T1 GetPlayInfo => get_play_info {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// Only these formats, joined by commas: `mp4`, `m3u8`, `flv`, `mp3`.
        Formats => formats: Option<CommaList<Filled<8>, 16>>,
        /// `Single` (default): the newest stream of each definition and format; `Multiple`: all.
        ResultType => result_type: Option<Filled<8>>,
        /// Only these definitions, joined by commas. The source is OD.
        Definition => definitions: Option<CommaList<Filled<8>, 16>>,
        /// Only `video` or only `audio`, or both joined by a comma.
        StreamType => stream_types: Option<CommaList<Filled<8>, 4>>,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Told {
    play_info_list: PlayInfoList,
    video_base: VideoBase,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PlayInfoList {
    play_info: Vec<PlayInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PlayInfo {
    bitrate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_name: Option<String>,
    creation_time: String,
    definition: &'static str,
    duration: String,
    encrypt: u8,
    format: &'static str,
    fps: String,
    height: u32,
    job_id: String,
    modification_time: String,
    narrow_band_type: &'static str,
    #[serde(rename = "PlayURL")]
    play_url: String,
    size: u64,
    specification: String,
    status: &'static str,
    stream_type: &'static str,
    width: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VideoBase {
    #[serde(rename = "CoverURL", skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    creation_time: String,
    duration: String,
    media_type: &'static str,
    status: &'static str,
    storage_class: &'static str,
    title: String,
    video_id: AssetId,
}

async fn get_play_info(context: &Context, input: GetPlayInfo) -> Answer<Told> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    if asset.status != AssetStatus::Normal {
        let status = asset.status.as_str();
        return Err(Code::ForbiddenIllegalStatus
            .because(format!("Only videos whose status is Normal can be played. The current status is {status}.")));
    }
    let media = if asset.width == 0 { "audio" } else { "video" };
    let wants = |filter: &Option<Vec<String>>, word: &str| match filter {
        None => true,
        Some(words) => words.iter().any(|wanted| wanted.eq_ignore_ascii_case(word)),
    };
    let mut streams = Vec::new();
    if asset.template_group == NO_TRANSCODE && wants(&input.definitions, "OD") && wants(&input.stream_types, media) {
        if wants(&input.formats, "mp4") {
            streams.push(source(context, &asset, media, "mp4", "source.mp4"));
        }
        // The same source over the same bytes: told only to those who ask for it, because a no-transcode video has
        // exactly one stream.
        if input.formats.is_some() && wants(&input.formats, "m3u8") {
            streams.push(source(context, &asset, media, "m3u8", "index.m3u8"));
        }
    }
    let multiple = input.result_type.is_some_and(|kind| kind.eq_ignore_ascii_case("Multiple"));
    let mut told: Vec<(&'static str, &'static str)> = Vec::new();
    let mut outputs = context.catalog.outputs_of_asset(asset.id).await?;
    // Newest first. Of one task the largest: a ladder may have two sizes of one definition.
    let pixels =
        |output: &Output| output.facts.as_ref().map_or(0, |facts| u64::from(facts.width) * u64::from(facts.height));
    outputs.sort_by_key(|output| Reverse((output.created, pixels(output))));
    for output in &outputs {
        let Some(stream) = output_stream(context, &asset, output) else { continue };
        let kind = (stream.definition, stream.format);
        let newer = !multiple && told.contains(&kind);
        let wanted = wants(&input.formats, stream.format)
            && wants(&input.definitions, stream.definition)
            && wants(&input.stream_types, stream.stream_type);
        if wanted && !newer {
            told.push(kind);
            streams.push(stream);
        }
    }
    if streams.is_empty() {
        return Err(Code::InvalidVideoNoneStream.into());
    }
    Ok(Told {
        play_info_list: PlayInfoList { play_info: streams },
        video_base: VideoBase {
            cover_url: cover_url(context, &asset),
            creation_time: asset.created.to_iso8601(),
            duration: decimal(seconds(&asset)),
            media_type: media,
            status: asset.status.as_str(),
            storage_class: STORAGE_CLASS,
            title: asset.title,
            video_id: asset.id,
        },
    })
}

/// An output that can be played.
fn output_stream(context: &Context, asset: &Asset, output: &Output) -> Option<PlayInfo> {
    let facts = output.facts.as_ref()?;
    let definition = definition(facts.width, facts.height, &output.template.definition);
    let format = output.template.format.as_str();
    let file = match &output.template.file_name {
        Some(name) => format!("{}.{format}", name.of(&asset.id.to_string(), &output.id.to_string(), definition)),
        None => output_file(output.id, definition, format),
    };
    Some(PlayInfo {
        bitrate: facts.bitrate_kbps.to_string(),
        codec_name: Some(codec_name(asset, output)),
        creation_time: output.created.to_iso8601(),
        definition,
        duration: decimal(units::MediaTime::reel(facts.duration_ticks).seconds()),
        encrypt: 0,
        format,
        fps: decimal(facts.fps),
        height: facts.height,
        job_id: output.id.to_string(),
        modification_time: output.completed.unwrap_or(output.created).to_iso8601(),
        narrow_band_type: "0",
        play_url: asset_url(context, asset.id, &file),
        size: facts.size_bytes,
        specification: specification(definition, if is_h265(output) { "hevc" } else { "h264" }),
        status: "Normal",
        stream_type: if facts.width == 0 { "audio" } else { "video" },
        width: facts.width,
    })
}

/// That of its pictures, or of its sound when it has none.
fn codec_name(asset: &Asset, output: &Output) -> String {
    let pictures = output.facts.as_ref().is_some_and(|facts| facts.width > 0);
    if output.template.content == Content::Remuxed {
        // The source's own.
        return asset.tracks.first().map_or_else(String::new, |track| codec_word(&track.codec));
    }
    match (&output.template.profile.audio, pictures) {
        (Some(audio), false) => audio.codec.as_str().to_ascii_uppercase(),
        _ if is_h265(output) => "H265".to_owned(),
        _ => "H264".to_owned(),
    }
}

/// As this answer names a codec.
fn codec_word(codec: &str) -> String {
    if codec == "hevc" { "H265".to_owned() } else { codec.to_ascii_uppercase() }
}

fn is_h265(output: &Output) -> bool {
    output.template.profile.video.as_ref().is_some_and(|video| video.codec == VideoCodec::H265)
}

fn source(context: &Context, asset: &Asset, media: &'static str, format: &'static str, file: &str) -> PlayInfo {
    PlayInfo {
        bitrate: asset.bitrate_kbps.to_string(),
        codec_name: asset.tracks.first().map(|track| codec_word(&track.codec)),
        creation_time: asset.created.to_iso8601(),
        definition: "OD",
        duration: decimal(seconds(asset)),
        encrypt: 0,
        format,
        fps: decimal(asset.fps),
        height: asset.height,
        // No job made the source; clients want an id that tells streams apart.
        job_id: asset.id.to_string(),
        modification_time: asset.modified.to_iso8601(),
        narrow_band_type: "0",
        play_url: asset_url(context, asset.id, file),
        size: asset.size_bytes,
        specification: "Original".to_owned(),
        status: "Normal",
        stream_type: media,
        width: asset.width,
    }
}
