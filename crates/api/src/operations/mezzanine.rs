//! The source file of a video.

use catalog::{Asset, AssetStatus};
use rpc::ParamError;
use rpc::param::{CommaList, Filled};
use serde::Serialize;
use units::AssetId;

use super::tracks::{AudioStream, VideoStream, audio_streams, video_streams};
use super::videos::{STORAGE_CLASS, find, seconds};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{AuthTimeout, IdText, asset_url, decimal, with_auth_timeout};

operations! {
    /// Tells about the source file of a video and, when asked, about each of its streams.
    Vod T1 GetMezzanineInfo => get_mezzanine_info {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// `video`, `audio`, or both joined by a comma: which streams are told of.
        AdditionType => additions: Option<CommaList<Filled<8>, 4>>,
        /// How many seconds the URL lives, where the domain has URL authentication on.
        AuthTimeout => auth_timeout: AuthTimeout = 3600,
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
    #[serde(flatten)]
    file: SourceFile,
    output_type: &'static str,
    storage_class: &'static str,
    video_id: AssetId,
}

/// What is told of a source file wherever it is told of.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SourceFile {
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
    size: u64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_stream_list: Option<Vec<VideoStream>>,
    width: u32,
}

/// Which streams of a source file are told of.
#[derive(Clone, Copy)]
pub(super) struct Streams {
    pub(super) audio: bool,
    pub(super) video: bool,
}

/// The source file of a video, unless it is not complete.
pub(super) fn source_file(context: &Context, asset: &Asset, streams: Streams) -> Option<SourceFile> {
    if matches!(asset.status, AssetStatus::Uploading | AssetStatus::UploadFail) {
        return None;
    }
    Some(SourceFile {
        audio_stream_list: streams.audio.then(|| audio_streams(&asset.tracks)),
        bitrate: asset.bitrate_kbps.to_string(),
        creation_time: asset.created.to_iso8601(),
        duration: decimal(seconds(asset)),
        file_name: "source.mp4",
        file_url: asset_url(context, asset.id, "source.mp4"),
        fps: decimal(asset.fps),
        height: asset.height,
        size: asset.size_bytes,
        status: "Normal",
        video_stream_list: streams.video.then(|| video_streams(&asset.tracks)),
        width: asset.width,
    })
}

async fn get_mezzanine_info(context: &Context, input: GetMezzanineInfo) -> Answer<Told> {
    let context = &with_auth_timeout(context, Some(input.auth_timeout));
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let additions = input.additions.unwrap_or_default();
    if additions.iter().any(|word| !matches!(word.as_str(), "video" | "audio")) {
        return Err(ParamError::invalid("AdditionType", "video, audio, or both joined by a comma are wanted").into());
    }
    let wants = |word: &str| additions.iter().any(|wanted| wanted == word);
    match source_file(context, &asset, Streams { audio: wants("audio"), video: wants("video") }) {
        Some(file) => Ok(Told {
            mezzanine: Mezzanine { file, output_type: "cdn", storage_class: STORAGE_CLASS, video_id: asset.id },
        }),
        None => Err(Code::InvalidFileNotFound.because("The source file of the video is not complete.")),
    }
}
