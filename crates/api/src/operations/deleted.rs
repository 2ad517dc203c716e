//! Deleted videos: which can be restored, and restoring them. Operations of our own.

use catalog::{CatalogError, Restored};
use rpc::param::{CommaList, Int};
use schemars::JsonSchema;
use serde::Serialize;
use units::AssetId;

use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{IdText, PageNumber, page};

/// Most ids of one call.
const IDS_MAX: usize = 20;
/// Most ids that are read before they are refused with the code of their own.
const IDS_READ_MAX: usize = 1_000;

operations! {
    /// Lists deleted videos that can be restored, last deleted first.
    Vod Own GetDeletedVideoList => get_deleted_video_list {
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Videos on a page.
        PageSize => page_size: Int<1, 100> = 10,
    }

    /// Brings at most 20 deleted videos back as they were, as long as their media is kept (`storage.undelete_window`).
    Vod Own RestoreVideo => restore_video {
        /// The videos, joined by commas.
        VideoIds => video_ids: CommaList<IdText, IDS_READ_MAX>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DeletedList {
    total: u64,
    video_list: Vec<DeletedVideo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DeletedVideo {
    video_id: AssetId,
    title: String,
    deletion_time: String,
    restorable_until: String,
}

async fn get_deleted_video_list(context: &Context, input: GetDeletedVideoList) -> Answer<DeletedList> {
    let listed = context.catalog.deleted_assets(page(input.page_no, input.page_size)).await?;
    let told = listed.rows.into_iter().map(|asset| DeletedVideo {
        video_id: asset.id,
        title: asset.title,
        deletion_time: asset.deleted.to_iso8601(),
        restorable_until: asset.until.to_iso8601(),
    });
    Ok(DeletedList { total: listed.total, video_list: told.collect() })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct RestoredVideos {
    restored_video_ids: Vec<String>,
    /// Nobody's, or not deleted.
    non_exist_video_ids: Vec<String>,
    /// Their media is being removed, or gone.
    expired_video_ids: Vec<String>,
    /// Another video has their ReferenceId by now.
    conflicting_video_ids: Vec<String>,
}

async fn restore_video(context: &Context, input: RestoreVideo) -> Answer<RestoredVideos> {
    if input.video_ids.len() > IDS_MAX {
        return Err(Code::VideoIdsExceededMax.into());
    }
    let mut told = RestoredVideos {
        restored_video_ids: Vec::new(),
        non_exist_video_ids: Vec::new(),
        expired_video_ids: Vec::new(),
        conflicting_video_ids: Vec::new(),
    };
    for text in input.video_ids {
        let outcome = match text.parse() {
            Ok(id) => context.catalog.restore_asset(id, context.now).await,
            // A text that is no id is the id of no video.
            Err(_) => Ok(Restored::Unknown),
        };
        match outcome {
            Ok(Restored::Back) => told.restored_video_ids.push(text),
            Ok(Restored::Unknown) => told.non_exist_video_ids.push(text),
            Ok(Restored::TooLate) => told.expired_video_ids.push(text),
            Err(CatalogError::AlreadyExists { .. }) => told.conflicting_video_ids.push(text),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(told)
}
