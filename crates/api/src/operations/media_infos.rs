//! All that is known of some videos, in one answer: what is written on them, their source, their streams.

use catalog::Asset;
use rpc::param::CommaList;
use schemars::JsonSchema;
use serde::Serialize;
use units::AssetId;

use super::mezzanine::{SourceFile, Streams, source_file};
use super::play::{PlayInfo, streams_of};
use super::videos::{Beside, STORAGE_CLASS, find_all};
use crate::codes::Answer;
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{DEFAULT_APP, IdText, cover_url, filled};

/// Most ids that are read before they are refused with the code of their own.
const IDS_READ_MAX: usize = 1_000;

operations! {
    /// Tells all about at most 20 videos, with their sources and streams, and which of the ids are nobody's.
    Vod T3 BatchGetMediaInfos => batch_get_media_infos {
        /// The videos, joined by commas.
        MediaIds => media_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
        /// The customer's own ids, joined by commas.
        ReferenceIds => reference_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    forbidden_media_ids: Vec<String>,
    media_infos: Vec<Media>,
    non_exist_media_ids: Vec<String>,
    non_exist_reference_ids: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Media {
    media_id: AssetId,
    media_info: MediaInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    mezzanine_info: Option<MezzanineInfo>,
    play_info_list: Vec<PlayInfo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct MediaInfo {
    app_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_name: Option<String>,
    #[serde(rename = "CoverURL", skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    download_switch: &'static str,
    media_id: AssetId,
    modification_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_id: Option<String>,
    snapshots: Vec<String>,
    status: &'static str,
    storage_class: &'static str,
    storage_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    template_group_id: String,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct MezzanineInfo {
    #[serde(flatten)]
    file: SourceFile,
    media_id: AssetId,
}

async fn batch_get_media_infos(context: &Context, input: BatchGetMediaInfos) -> Answer<Told> {
    let found = find_all(context, "MediaIds", input.media_ids, input.reference_ids).await?;
    let beside = Beside::of(context, &found.assets).await?;
    let mut media_infos = Vec::new();
    for asset in found.assets {
        let file = source_file(context, &asset, Streams { audio: true, video: true });
        media_infos.push(Media {
            media_id: asset.id,
            mezzanine_info: file.map(|file| MezzanineInfo { file, media_id: asset.id }),
            play_info_list: streams_of(context, &asset).await?,
            media_info: info(context, &beside, asset),
        });
    }
    Ok(Told {
        forbidden_media_ids: Vec::new(),
        media_infos,
        non_exist_media_ids: found.unknown_ids,
        non_exist_reference_ids: found.unknown_references,
    })
}

fn info(context: &Context, beside: &Beside, asset: Asset) -> MediaInfo {
    let (cate_id, cate_name) = beside.category(&asset);
    MediaInfo {
        app_id: DEFAULT_APP,
        cate_id,
        cate_name,
        cover_url: cover_url(context, &asset),
        creation_time: asset.created.to_iso8601(),
        description: filled(&asset.description),
        download_switch: "on",
        media_id: asset.id,
        modification_time: asset.modified.to_iso8601(),
        reference_id: asset.reference_id,
        snapshots: beside.bare(context, asset.id),
        status: asset.status.as_str(),
        storage_class: STORAGE_CLASS,
        storage_location: context.settings.region.clone(),
        tags: filled(&asset.tags),
        template_group_id: asset.template_group,
        title: asset.title,
        user_data: filled(&asset.user_data),
    }
}
