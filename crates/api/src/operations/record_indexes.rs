//! What was recorded of a stream between two times: told, and made playable as one playlist. Nothing is copied: a playlist is a cut of what
//! is stored.

use std::time::Duration;

use blobs::BlobError;
use catalog::{CatalogError, ClaimState, Order, RecordIndex};
use reel::{Join, ReelIndex, SegmentRow, segments_index_key};
use rpc::ParamError;
use rpc::param::{Filled, Flag, Int, List, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::{AssetId, MediaTime, ReelId, StreamPath, WallTime};

use super::videos::end_of_second;
use crate::codes::{Answer, ApiError, Code, chain};
use crate::declare::{choice, operations};
use crate::oss::BUCKET;
use crate::state::Context;
use crate::wire::{DomainText, IdText, NameText, PageNumber, asset_url, page, page_count, rounded, stream_path};

/// Longest window.
const WINDOW_MAX: Duration = Duration::from_secs(4 * 86_400);
/// Most playlists that are deleted in one call.
const IDS_MAX: usize = 100;
/// The playlist of a cut.
const PLAYLIST: &str = "index.m3u8";

choice! {
    /// How playlists are sorted.
    SortOrder {
        /// Those that begin first before the others.
        Ascending = "asc",
        /// The other way.
        Descending = "desc",
    }
}

operations! {
    /// Tells when a stream was recorded, within at most four days: each stretch without an interruption.
    Live T2 DescribeLiveStreamRecordContent => describe_live_stream_record_content {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// Recorded at or after.
        StartTime => start_time: Time,
        /// Recorded before.
        EndTime => end_time: Time,
    }

    /// Makes a playlist of what was recorded of a stream between two times, to whole segments of some seconds. It can be played at once,
    /// and its media is kept as long as it is there.
    Live T2 CreateLiveStreamRecordIndexFiles => create_live_stream_record_index_files {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// The segment that has this time is the first.
        StartTime => start_time: Time,
        /// What comes after this time is left out; at most four days after StartTime.
        EndTime => end_time: Time,
        /// Whether the segment that has EndTime is in it.
        EndTimeIncluded => end_included: Flag = false,
        /// Kept and told back.
        OssBucket => bucket: Filled<255>,
        /// Kept and told back.
        OssEndpoint => endpoint: Filled<255>,
        /// Kept and told back.
        OssObject => object: Filled<1024>,
    }

    /// Lists the playlists of a stream that begin in a window of at most four days.
    Live T2 DescribeLiveStreamRecordIndexFiles => describe_live_stream_record_index_files {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// Begin at or after.
        StartTime => start_time: Time,
        /// Begin at or before.
        EndTime => end_time: Time,
        /// How they are sorted.
        Order => order: SortOrder = SortOrder::Ascending,
        /// Which page.
        PageNum => page_num: PageNumber = 1,
        /// Playlists on a page.
        PageSize => page_size: Int<5, 30> = 10,
    }

    /// Tells a playlist of a stream.
    Live T3 DescribeLiveStreamRecordIndexFile => describe_live_stream_record_index_file {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// The playlist.
        RecordId => id: IdText,
    }

    /// Deletes playlists of a stream. Media that no video shows goes with them, after the time in which a deletion can be undone.
    Live T3 DeleteLiveStreamRecordIndexFiles => delete_live_stream_record_index_files {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// The playlists.
        RecordId => ids: List<IdText>,
        /// Either way the playlist is gone: it is no file of its own.
        RemoveFile => _remove_file: Flag,
    }
}

/// A segment that is there.
struct Stored {
    reel: ReelId,
    row: SegmentRow,
}

impl Stored {
    fn length(&self) -> Duration {
        let ms = self.row.end.saturating_sub(self.row.begin).div_euclid(90);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }

    /// When its last media came.
    fn ended(&self) -> WallTime {
        self.row.wall.after(self.length())
    }
}

fn window(from: WallTime, to: WallTime) -> Answer<()> {
    if to <= from || to.since(from) > WINDOW_MAX {
        return Err(ParamError::invalid("EndTime", "it is to be after StartTime, by four days at most").into());
    }
    Ok(())
}

/// The segments of a stream of which some lies between two times, in order, with the size of the pictures they begin with. What was
/// removed, or is being removed, is not among them.
async fn segments(
    context: &Context,
    path: &StreamPath,
    from: WallTime,
    to: WallTime,
) -> Answer<(Vec<Stored>, (u32, u32))> {
    let (mut found, mut size) = (Vec::new(), (0, 0));
    for recording in context.catalog.recordings_between(path, from, to).await? {
        let index = index(context, recording.reel).await?;
        let claims = context.catalog.claims_on_reel(recording.reel).await?;
        let is_there = |row: &SegmentRow| {
            let of = |freed: bool| {
                let mut fits = claims.iter().filter(move |claim| (claim.state == ClaimState::Freed) == freed);
                fits.any(|claim| (claim.from_ticks..claim.to_ticks).contains(&row.begin))
            };
            !of(true) || of(false)
        };
        for row in index.segments.iter().filter(|row| is_there(row)) {
            let stored = Stored { reel: recording.reel, row: row.clone() };
            if stored.row.wall >= to || stored.ended() <= from {
                continue;
            }
            if found.is_empty() {
                let video = index.epoch(row.epoch).and_then(|epoch| epoch.video.as_ref());
                size = video.map_or((0, 0), |video| (u32::from(video.width), u32::from(video.height)));
            }
            found.push(stored);
        }
    }
    Ok((found, size))
}

/// The index of a reel, as far as it is written.
async fn index(context: &Context, reel: ReelId) -> Answer<ReelIndex> {
    match context.blobs.get(&segments_index_key(reel)).await {
        Ok(bytes) => Ok(ReelIndex::read(&bytes).0),
        // Nothing of it is complete yet, or all of it was removed.
        Err(BlobError::NotFound { .. }) => Ok(ReelIndex::default()),
        Err(error) => {
            tracing::error!(%reel, error = chain(&error), "an index cannot be read");
            Err(Code::ServiceUnavailable.into())
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Content {
    record_content_info_list: ContentList,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ContentList {
    record_content_info: Vec<ContentInfo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ContentInfo {
    duration: f64,
    end_time: String,
    oss_bucket: &'static str,
    oss_endpoint: String,
    oss_object_prefix: String,
    start_time: String,
}

async fn describe_live_stream_record_content(
    context: &Context,
    input: DescribeLiveStreamRecordContent,
) -> Answer<Content> {
    window(input.start_time, input.end_time)?;
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let (segments, _) = segments(context, &path, input.start_time, input.end_time).await?;
    let mut stretches: Vec<(WallTime, WallTime, i64)> = Vec::new();
    let mut before: Option<&Stored> = None;
    for stored in &segments {
        let goes_on = matches!(stored.row.join, Join::Continuous | Join::Leapt)
            && before.is_some_and(|before| before.reel == stored.reel && before.row.number + 1 == stored.row.number);
        let ticks = stored.row.end.saturating_sub(stored.row.begin);
        match stretches.last_mut().filter(|_| goes_on) {
            Some((_, ended, length)) => {
                *ended = stored.ended();
                *length = length.saturating_add(ticks);
            }
            None => stretches.push((stored.row.wall, stored.ended(), ticks)),
        }
        before = Some(stored);
    }
    let told = stretches.into_iter().map(|(began, ended, ticks)| ContentInfo {
        duration: rounded(MediaTime::reel(ticks).seconds()),
        end_time: ended.to_iso8601(),
        oss_bucket: BUCKET,
        oss_endpoint: context.public_url.clone(),
        oss_object_prefix: format!("{}/{}", path.app(), path.stream()),
        start_time: began.to_iso8601(),
    });
    Ok(Content { record_content_info_list: ContentList { record_content_info: told.collect() } })
}

/// Where one playlist is told of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    app_name: String,
    create_time: String,
    domain_name: String,
    duration: f64,
    end_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    height: u32,
    oss_bucket: String,
    oss_endpoint: String,
    oss_object: String,
    record_id: AssetId,
    record_url: String,
    start_time: String,
    stream_name: String,
    width: u32,
}

fn info(context: &Context, index: RecordIndex, format: Option<&'static str>) -> Info {
    Info {
        app_name: index.path.app().to_owned(),
        create_time: index.created.to_iso8601(),
        domain_name: index.path.domain().to_owned(),
        duration: rounded(MediaTime::reel(index.duration_ticks).seconds()),
        end_time: index.ended.to_iso8601(),
        format,
        height: index.height,
        record_url: asset_url(context, index.id, PLAYLIST),
        oss_bucket: index.bucket,
        oss_endpoint: index.endpoint,
        oss_object: index.object,
        record_id: index.id,
        start_time: index.began.to_iso8601(),
        stream_name: index.path.stream().to_owned(),
        width: index.width,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Created {
    record_info: Info,
}

async fn create_live_stream_record_index_files(
    context: &Context,
    input: CreateLiveStreamRecordIndexFiles,
) -> Answer<Created> {
    window(input.start_time, input.end_time)?;
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let (mut segments, (width, height)) = segments(context, &path, input.start_time, input.end_time).await?;
    if !input.end_included {
        segments.retain(|stored| stored.ended() <= input.end_time);
    }
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else {
        let message = "Nothing that was recorded of the stream between these times is stored, as a whole segment.";
        return Err(Code::InvalidStreamNotFound.because(message));
    };
    let index = RecordIndex {
        id: context.catalog.ids().asset(context.now),
        path,
        bucket: input.bucket,
        endpoint: input.endpoint,
        object: input.object,
        began: first.row.wall,
        ended: last.ended(),
        duration_ticks: segments.iter().map(|stored| stored.row.end.saturating_sub(stored.row.begin)).sum(),
        width,
        height,
        created: context.now,
    };
    match context.catalog.add_record_index(&index, &spans(&segments)).await {
        Ok(()) => Ok(Created { record_info: info(context, index, None) }),
        // It is being removed just now: the next call finds what is left.
        Err(CatalogError::Changed { .. }) => Err(Code::ServiceUnavailable.into()),
        Err(error) => Err(error.into()),
    }
}

/// The stretches that segments are, none longer than its cycle.
fn spans(segments: &[Stored]) -> Vec<(ReelId, i64, i64)> {
    let mut spans: Vec<(ReelId, i64, i64)> = Vec::new();
    let mut before: Option<&Stored> = None;
    for stored in segments {
        let goes_on = before.is_some_and(|before| {
            (before.reel, before.row.cycle, before.row.number + 1) == (stored.reel, stored.row.cycle, stored.row.number)
        });
        match spans.last_mut().filter(|_| goes_on) {
            Some((_, _, to)) => *to = stored.row.end,
            None => spans.push((stored.reel, stored.row.begin, stored.row.end)),
        }
        before = Some(stored);
    }
    spans
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    order: &'static str,
    page_num: i64,
    page_size: i64,
    record_index_info_list: IndexList,
    total_num: u64,
    total_page: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct IndexList {
    record_index_info: Vec<Info>,
}

/// What all playlists are.
const FORMAT: &str = "m3u8";

async fn describe_live_stream_record_index_files(
    context: &Context,
    input: DescribeLiveStreamRecordIndexFiles,
) -> Answer<Listed> {
    window(input.start_time, input.end_time)?;
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let order = match input.order {
        SortOrder::Ascending => Order::Ascending,
        SortOrder::Descending => Order::Descending,
    };
    let between = (input.start_time, end_of_second(input.end_time));
    let wanted = page(input.page_num, input.page_size);
    let listed = context.catalog.record_indexes(&path, between, order, wanted).await?;
    let told = listed.rows.into_iter().map(|index| info(context, index, Some(FORMAT)));
    Ok(Listed {
        order: input.order.as_str(),
        page_num: input.page_num,
        page_size: input.page_size,
        record_index_info_list: IndexList { record_index_info: told.collect() },
        total_num: listed.total,
        total_page: page_count(listed.total, input.page_size),
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    record_index_info: Info,
}

fn unknown() -> ApiError {
    Code::NoSuchResource.because("The stream has no such record index.")
}

async fn describe_live_stream_record_index_file(
    context: &Context,
    input: DescribeLiveStreamRecordIndexFile,
) -> Answer<Told> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let id: AssetId = input.id.parse().map_err(|_| unknown())?;
    let index = context.catalog.record_index(id).await?.filter(|index| index.path == path).ok_or_else(unknown)?;
    Ok(Told { record_index_info: info(context, index, Some(FORMAT)) })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    record_delete_info_list: DeleteList,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DeleteList {
    record_delete_info: Vec<DeleteInfo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DeleteInfo {
    message: &'static str,
    record_id: String,
}

async fn delete_live_stream_record_index_files(
    context: &Context,
    input: DeleteLiveStreamRecordIndexFiles,
) -> Answer<Deleted> {
    match input.ids.len() {
        0 => return Err(ParamError::missing("RecordId").into()),
        count if count > IDS_MAX => {
            return Err(ParamError::invalid("RecordId", format!("at most {IDS_MAX} are taken")).into());
        }
        _ => {}
    }
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let mut record_delete_info = Vec::with_capacity(input.ids.len());
    for text in input.ids {
        let gone = match text.parse::<AssetId>() {
            Ok(id) => {
                let window = context.settings.undelete_window;
                context.catalog.delete_record_index(&path, id, window, context.now).await?
            }
            // A text that is no id is the id of nothing.
            Err(_) => false,
        };
        let message = if gone { "OK" } else { "The record index does not exist." };
        record_delete_info.push(DeleteInfo { message, record_id: text });
    }
    Ok(Deleted { record_delete_info_list: DeleteList { record_delete_info } })
}
