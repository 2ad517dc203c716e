//! What was recorded of live streams.

use catalog::{Asset, Origin, RecordedFilter};
use rpc::param::{Int, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::{AssetId, RecordingId};

use super::videos::{Beside, SortBy, Wrapped, end_of_second, seconds};
use crate::codes::Answer;
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{DomainText, NameText, PageNumber, cover_url, filled, page, rounded};

operations! {
    /// Lists the videos that were recorded of live streams.
    Vod T1 ListLiveRecordVideo => list_live_record_video {
        /// The streaming domain.
        DomainName => domain_name: Option<DomainText>,
        /// The app.
        AppName => app_name: Option<NameText>,
        /// The stream.
        StreamName => stream_name: Option<NameText>,
        /// The recording began at or after.
        StartTime => start_time: Option<Time>,
        /// The recording began at or before.
        EndTime => end_time: Option<Time>,
        /// How they are sorted.
        SortBy => sort_by: SortBy = SortBy::Newest,
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Videos on a page.
        PageSize => page_size: Int<1, 100> = 10,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Recorded {
    live_record_video_list: Videos,
    total: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Videos {
    live_record_video: Vec<RecordedVideo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct RecordedVideo {
    app_name: String,
    domain_name: String,
    playlist_id: RecordingId,
    record_end_time: String,
    record_start_time: String,
    stream_name: String,
    video: Video,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Video {
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_name: Option<String>,
    #[serde(rename = "CoverURL", skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    duration: f64,
    /// Not `ModificationTime`, in this operation only.
    modify_time: String,
    size: u64,
    snapshots: Wrapped,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    template_group_id: String,
    title: String,
    video_id: AssetId,
}

async fn list_live_record_video(context: &Context, input: ListLiveRecordVideo) -> Answer<Recorded> {
    let filter = RecordedFilter {
        domain: input.domain_name.map(|name| name.to_ascii_lowercase()),
        app: input.app_name,
        stream: input.stream_name,
        began_from: input.start_time,
        began_to: input.end_time.map(end_of_second),
    };
    let wanted = page(input.page_no, input.page_size);
    let listed = context.catalog.recorded_assets(&filter, input.sort_by.order(), wanted).await?;
    let beside = Beside::of(context, &listed.rows).await?;
    let told = |mut asset: Asset| Some(told(context, &beside, asset.origin.take()?, asset));
    let told = listed.rows.into_iter().filter_map(told).collect();
    Ok(Recorded { live_record_video_list: Videos { live_record_video: told }, total: listed.total })
}

fn told(context: &Context, beside: &Beside, origin: Origin, asset: Asset) -> RecordedVideo {
    let (cate_id, cate_name) = beside.category(&asset);
    RecordedVideo {
        app_name: origin.path.app().to_owned(),
        domain_name: origin.path.domain().to_owned(),
        playlist_id: origin.recording,
        record_end_time: origin.ended.to_iso8601(),
        record_start_time: origin.began.to_iso8601(),
        stream_name: origin.path.stream().to_owned(),
        video: Video {
            cate_id,
            cate_name,
            cover_url: cover_url(context, &asset),
            creation_time: asset.created.to_iso8601(),
            description: filled(&asset.description),
            duration: rounded(seconds(&asset)),
            modify_time: asset.modified.to_iso8601(),
            size: asset.size_bytes,
            snapshots: beside.wrapped(context, asset.id),
            status: asset.status.as_str(),
            tags: filled(&asset.tags),
            template_group_id: asset.template_group,
            title: asset.title,
            video_id: asset.id,
        },
    }
}
