//! The source file of a video.

use catalog::AssetStatus;
use rpc::ParamError;
use rpc::param::{CommaList, Filled};
use serde::Serialize;
use units::AssetId;

use super::tracks::{AudioStream, VideoStream, audio_streams, video_streams};
use super::videos::{STORAGE_CLASS, find, seconds};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{IdText, asset_url, decimal};

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
            audio_stream_list: wants("audio").then(|| audio_streams(&asset.tracks)),
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
            video_stream_list: wants("video").then(|| video_streams(&asset.tracks)),
            width: asset.width,
        },
    })
}
