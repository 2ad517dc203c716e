//! How a video is played.

use std::cmp::Reverse;

use catalog::{Asset, AssetStatus, MediaFacts, Output, TrackFacts};
use domain::rule::NO_TRANSCODE;
use encode::{Content, Scheme, VideoCodec};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rpc::ParamError;
use rpc::definition::{bit_depth, codec_name, definition, specification};
use rpc::param::{CommaList, Filled, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use units::AssetId;

use super::videos::{STORAGE_CLASS, find, seconds};
use crate::codes::{Answer, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{AuthTimeout, IdText, asset_url, cover_url, decimal, output_url, with_auth_timeout};

choice! {
    /// How many streams of a definition and format are told.
    ResultType {
        /// The newest.
        Single = "Single",
        /// All.
        Multiple = "Multiple",
    }
}

choice! {
    /// Marks that cannot be seen. No stream has one.
    DigitalWatermark {
        /// Of who watches.
        TraceMark = "TraceMark",
        /// Of who owns it.
        CopyrightMark = "CopyrightMark",
    }
}

operations! {
    /// Tells the URLs that a video is played from.
    ///
    /// Under a no-transcode group the source itself is one stream (OD, Original), told once, as an MP4; as HLS too when Formats
    /// asks for it. Each output of a transcode task is a stream, as soon as it is made; of one definition and format the newest is
    /// told, or all of them with ResultType `Multiple`.
    Vod T1 GetPlayInfo => get_play_info {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// Only these formats, joined by commas: `mp4`, `m3u8`, `flv`, `mp3`, `mpd`.
        Formats => formats: Option<CommaList<Filled<8>, 16>>,
        /// `Single`: the newest stream of each definition and format; `Multiple`: all.
        ResultType => result_type: ResultType = ResultType::Single,
        /// Only these definitions, joined by commas. The source is OD.
        Definition => definitions: Option<CommaList<Filled<8>, 16>>,
        /// Only `video` or only `audio`, or both joined by a comma.
        StreamType => stream_types: Option<CommaList<Filled<8>, 4>>,
        /// Only streams of these codecs, joined by commas: `H264`, `H265`, `AAC`, `MP3`.
        CodecName => codecs: Option<CommaList<Filled<16>, 8>>,
        /// JSON. EncryptType: only streams that are encrypted so, or `Unencrypted` ones. MtsHlsUriToken: goes to the URLs of encrypted
        /// playlists, and from there to those of their keys. PreviewTime is refused: there are no previews. The rest is left alone.
        PlayConfig => play_config: Option<Json<PlayConfig>>,
        /// Only streams with such a mark, of which there are none.
        DigitalWatermarkType => mark: Option<DigitalWatermark>,
        /// How many seconds the URLs live, where the domain has URL authentication on; absent: as long as the domain says.
        AuthTimeout => auth_timeout: Option<AuthTimeout>,
    }
}

/// How a video is to be played; other members are left alone.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
pub struct PlayConfig {
    /// Seconds from the beginning that may be seen.
    #[serde(default)]
    preview_time: Value,
    /// Only streams that are encrypted so.
    #[serde(default)]
    encrypt_type: Option<String>,
    /// What a viewer shows to who gives out keys.
    #[serde(default)]
    mts_hls_uri_token: Option<String>,
}

/// What streams that are not encrypted have in the place of a way to encrypt.
const UNENCRYPTED: &str = "Unencrypted";
/// Longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 1_024;

impl PlayConfig {
    fn asks_for_a_preview(&self) -> bool {
        match &self.preview_time {
            Value::Null => false,
            Value::String(text) => !matches!(text.trim(), "" | "0"),
            other => other.as_f64() != Some(0.0),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    play_info_list: PlayInfoList,
    video_base: VideoBase,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct PlayInfoList {
    play_info: Vec<PlayInfo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PlayInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    bit_depth: Option<u32>,
    bitrate: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    codec_name: Option<String>,
    creation_time: String,
    definition: &'static str,
    duration: String,
    encrypt: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt_type: Option<&'static str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark_id: Option<String>,
    width: u32,
}

#[derive(Serialize, JsonSchema)]
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
    let context = &with_auth_timeout(context, input.auth_timeout);
    let asset = playable(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let config = input.play_config.unwrap_or_default();
    if config.asks_for_a_preview() {
        // Who asks for a minute of it does not want all of it seen.
        return Err(ParamError::invalid("PlayConfig", "PreviewTime: previews are not made here").into());
    }
    let token = config.mts_hls_uri_token.as_deref().filter(|token| !token.is_empty());
    if token.is_some_and(|token| token.len() > TOKEN_BYTES_MAX) {
        let why = format!("MtsHlsUriToken: it has more than {TOKEN_BYTES_MAX} bytes");
        return Err(ParamError::invalid("PlayConfig", why).into());
    }
    let encryption = config.encrypt_type.as_deref().filter(|text| !text.is_empty());
    let ways = [UNENCRYPTED, Scheme::Own.as_str(), Scheme::Brought.as_str()];
    if encryption.is_some_and(|wanted| !ways.contains(&wanted)) {
        let why = format!("EncryptType: one of {} is wanted", ways.join(", "));
        return Err(ParamError::invalid("PlayConfig", why).into());
    }
    let media = if asset.width == 0 { "audio" } else { "video" };
    let wants = |filter: &Option<Vec<String>>, word: &str| match filter {
        None => true,
        Some(words) => words.iter().any(|wanted| wanted.eq_ignore_ascii_case(word)),
    };
    let wanted = |stream: &PlayInfo| {
        input.mark.is_none()
            && encryption.is_none_or(|wanted| wanted == stream.encrypt_type.unwrap_or(UNENCRYPTED))
            && wants(&input.formats, stream.format)
            && wants(&input.definitions, stream.definition)
            && wants(&input.stream_types, stream.stream_type)
            && wants(&input.codecs, stream.codec_name.as_deref().unwrap_or_default())
    };
    let mut streams = Vec::new();
    if plays_source(&asset) {
        streams.push(source(context, &asset, media, "mp4", "source.mp4"));
        // The same source over the same bytes: told only to those who ask for it, because a no-transcode video has
        // exactly one stream.
        if input.formats.is_some() {
            streams.push(source(context, &asset, media, "m3u8", "index.m3u8"));
            streams.push(source(context, &asset, media, "mpd", "index.mpd"));
        }
    }
    streams.retain(wanted);
    let mut told: Vec<(&'static str, &'static str)> = Vec::new();
    let outputs = outputs_of(context, &asset).await?;
    for output in &outputs {
        let Some(mut stream) = output_stream(context, &asset, output, &outputs) else { continue };
        if let Some(token) = token.filter(|_| stream.encrypt == 1) {
            let mark = if stream.play_url.contains('?') { '&' } else { '?' };
            stream
                .play_url
                .extend([format!("{mark}MtsHlsUriToken="), utf8_percent_encode(token, NON_ALPHANUMERIC).to_string()]);
        }
        let kind = (stream.definition, stream.format);
        let newer = input.result_type == ResultType::Single && told.contains(&kind);
        if wanted(&stream) && !newer {
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

/// The video of either id, which can be played.
pub(super) async fn playable(context: &Context, video: Option<&str>, reference: Option<&str>) -> Answer<Asset> {
    let asset = find(context, video, reference).await?;
    if asset.status != AssetStatus::Normal {
        let status = asset.status.as_str();
        return Err(Code::ForbiddenIllegalStatus
            .because(format!("Only videos whose status is Normal can be played. The current status is {status}.")));
    }
    Ok(asset)
}

/// All streams that a video plays from; of each definition and format the newest.
pub(super) async fn streams_of(context: &Context, asset: &Asset) -> Answer<Vec<PlayInfo>> {
    if asset.status != AssetStatus::Normal {
        return Ok(Vec::new());
    }
    let mut streams = Vec::new();
    if plays_source(asset) {
        let media = if asset.width == 0 { "audio" } else { "video" };
        streams.push(source(context, asset, media, "mp4", "source.mp4"));
    }
    let outputs = outputs_of(context, asset).await?;
    for stream in outputs.iter().filter_map(|output| output_stream(context, asset, output, &outputs)) {
        let same = |told: &PlayInfo| (told.definition, told.format) == (stream.definition, stream.format);
        if !streams.iter().any(same) {
            streams.push(stream);
        }
    }
    Ok(streams)
}

/// Whether the source of a video is a stream itself.
fn plays_source(asset: &Asset) -> bool {
    asset.template_group == NO_TRANSCODE && asset.source_deleted.is_none()
}

/// Newest first. Of one task the largest: a ladder may have two sizes of one definition.
async fn outputs_of(context: &Context, asset: &Asset) -> Answer<Vec<Output>> {
    let mut outputs = context.catalog.outputs_of_asset(asset.id).await?;
    outputs.sort_by_key(|output| Reverse((output.created, pixels(output))));
    Ok(outputs)
}

/// What is told of a stream by the track that it is named by: its pictures, else its sound.
fn main_track(tracks: &[TrackFacts]) -> Option<&TrackFacts> {
    let has_pictures = |track: &&TrackFacts| matches!(track.media, MediaFacts::Video { .. });
    tracks.iter().find(has_pictures).or_else(|| tracks.first())
}

/// An output that can be played, one of `all`.
fn output_stream(context: &Context, asset: &Asset, output: &Output, all: &[Output]) -> Option<PlayInfo> {
    let best = best_in(output, all)?;
    let facts = output.facts.as_ref()?;
    let definition = definition_of(output)?;
    let format = output.template.format.as_str();
    let has_pictures = facts.width > 0;
    let (codec, bit_depth) = encoded_in(asset, best, has_pictures);
    Some(PlayInfo {
        bit_depth,
        bitrate: facts.bitrate_kbps.to_string(),
        codec_name: Some(codec_name(codec)),
        creation_time: output.created.to_iso8601(),
        definition,
        duration: decimal(units::MediaTime::reel(facts.duration_ticks).seconds()),
        encrypt: u8::from(best.template.encryption.is_some()),
        encrypt_type: best.template.encryption.as_ref().map(|encryption| encryption.scheme.as_str()),
        format,
        fps: decimal(facts.fps),
        height: facts.height,
        job_id: output.id.to_string(),
        modification_time: output.completed.unwrap_or(output.created).to_iso8601(),
        narrow_band_type: "0",
        play_url: output_url(context, output, definition),
        size: facts.size_bytes,
        // Of a package that of the best in it.
        specification: specification(definition_of(best).unwrap_or(definition), codec),
        status: "Normal",
        stream_type: if has_pictures { "video" } else { "audio" },
        watermark_id: Some(best.template.watermarks().join(",")).filter(|ids| !ids.is_empty()),
        width: facts.width,
    })
}

/// The largest output that a package offers, if it offers any; any other output is that itself.
fn best_in<'a>(output: &'a Output, all: &'a [Output]) -> Option<&'a Output> {
    match output.template.content {
        Content::Encoded | Content::Remuxed => Some(output),
        Content::Package { .. } => {
            let offered = all.iter().filter(|other| other.task == output.task && other.is_packed());
            offered.max_by_key(|other| pixels(other))
        }
    }
}

fn pixels(output: &Output) -> u64 {
    output.facts.as_ref().map_or(0, |facts| u64::from(facts.width) * u64::from(facts.height))
}

/// What the stream of an output is called.
fn definition_of(output: &Output) -> Option<&'static str> {
    let facts = output.facts.as_ref()?;
    Some(definition(facts.width, facts.height, &output.template.definition))
}

/// The codec of its pictures, or of its sound when it has none, and how deep the pictures are.
fn encoded_in<'a>(asset: &'a Asset, output: &'a Output, has_pictures: bool) -> (&'a str, Option<u32>) {
    let profile = &output.template.profile;
    match (&output.template.content, &profile.video, &profile.audio) {
        // The source's own.
        (Content::Remuxed, ..) => main_track(&asset.tracks)
            .map_or(("", None), |track| (track.codec.as_str(), bit_depth(&track.codec, &track.profile))),
        (Content::Encoded, _, Some(audio)) if !has_pictures => (audio.codec.as_str(), None),
        (Content::Encoded, Some(video), _) => {
            let codec = if video.codec == VideoCodec::H265 { "hevc" } else { "h264" };
            (codec, has_pictures.then_some(if video.ten_bit { 10 } else { 8 }))
        }
        // A package is told by the best in it.
        (Content::Encoded, None, _) | (Content::Package { .. }, ..) => ("", None),
    }
}

fn source(context: &Context, asset: &Asset, media: &'static str, format: &'static str, file: &str) -> PlayInfo {
    let track = main_track(&asset.tracks);
    PlayInfo {
        bit_depth: track.and_then(|track| bit_depth(&track.codec, &track.profile)),
        bitrate: asset.bitrate_kbps.to_string(),
        codec_name: track.map(|track| codec_name(&track.codec)),
        creation_time: asset.created.to_iso8601(),
        definition: "OD",
        duration: decimal(seconds(asset)),
        encrypt: 0,
        encrypt_type: None,
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
        watermark_id: None,
        width: asset.width,
    }
}
