//! The source file of a video.

use catalog::{Asset, AssetStatus, CatalogError, SourceDeletion};
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Flag};
use schemars::JsonSchema;
use serde::Serialize;
use units::AssetId;

use super::tracks::{AudioStream, VideoStream, audio_streams, video_streams};
use super::videos::{IDS_READ_MAX, STORAGE_CLASS, find, find_all, seconds};
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

    /// Deletes the source files of at most 20 videos. What was made of them stays, and can be played. A source that is played itself, as
    /// under a no-transcode group or as an OD output, stays too, unless Force is set; so does one of which something is being made.
    Vod T2 DeleteMezzanines => delete_mezzanines {
        /// Also sources that are played; outputs that show them are deleted with them.
        Force => force: Flag = false,
        /// The videos, joined by commas.
        VideoIds => video_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
        /// The customer's own ids, joined by commas.
        ReferenceIds => reference_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    mezzanine: Mezzanine,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Mezzanine {
    #[serde(flatten)]
    file: SourceFile,
    output_type: &'static str,
    storage_class: &'static str,
    video_id: AssetId,
}

/// What is told of a source file wherever it is told of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SourceFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_stream_list: Option<Vec<AudioStream>>,
    bitrate: String,
    creation_time: String,
    duration: String,
    file_name: &'static str,
    /// Nowhere once it is deleted.
    #[serde(rename = "FileURL", skip_serializing_if = "Option::is_none")]
    file_url: Option<String>,
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
        file_url: asset.source_deleted.is_none().then(|| asset_url(context, asset.id, "source.mp4")),
        fps: decimal(asset.fps),
        height: asset.height,
        size: asset.size_bytes,
        status: if asset.source_deleted.is_some() { "Deleted" } else { "Normal" },
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

/// Whether there is a source that something can be made of.
pub(super) fn has_source(asset: &Asset) -> Answer<()> {
    match asset.source_deleted {
        None => Ok(()),
        Some(_) => Err(Code::InvalidFileNotFound.because("The source file of the video was deleted.")),
    }
}

#[derive(Serialize, JsonSchema, Default)]
#[serde(rename_all = "PascalCase")]
struct Removed {
    non_exist_reference_ids: Vec<String>,
    non_exist_video_ids: Vec<String>,
    un_removeable_video_ids: Vec<String>,
}

async fn delete_mezzanines(context: &Context, input: DeleteMezzanines) -> Answer<Removed> {
    let found = find_all(context, "VideoIds", input.video_ids, input.reference_ids).await?;
    let mut told = Removed {
        non_exist_reference_ids: found.unknown_references,
        non_exist_video_ids: found.unknown_ids,
        un_removeable_video_ids: Vec::new(),
    };
    // Always in the same order, so that two calls never wait for each other.
    let mut ids: Vec<AssetId> = found.assets.iter().map(|asset| asset.id).collect();
    ids.sort_unstable();
    let mut tx = context.catalog.begin().await?;
    for id in ids {
        match tx.delete_source(id, input.force, context.settings.undelete_window, context.now).await {
            Ok(SourceDeletion::Deleted) => {}
            Ok(SourceDeletion::Needed) => told.un_removeable_video_ids.push(id.to_string()),
            // Deleted since it was found.
            Err(CatalogError::NotFound { .. }) => told.non_exist_video_ids.push(id.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    tx.commit().await?;
    Ok(told)
}
