//! Cutting streams off, and letting them publish again.

use std::time::Duration;

use catalog::{Block, ControlAction};
use rpc::ParamError;
use rpc::param::{Flag, Int, Time};
use schemars::JsonSchema;
use serde::Serialize;

use super::videos::end_of_second;
use crate::codes::{Answer, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, NameText, PageNumber, page, page_count, play_domain, stream_path};

/// How long a block holds when no end is named, and at most: six months.
const BLOCK_MAX: Duration = Duration::from_secs(183 * 86_400);

/// Longest window of the history.
const HISTORY_WINDOW_MAX: Duration = Duration::from_secs(30 * 86_400);
/// Most lines of an answer: the operation has no pages.
const HISTORY_MAX: u32 = 5_000;

choice! {
    /// Whose side of a stream.
    LiveStreamType {
        /// The publisher's.
        Publisher = "publisher",
    }
}

operations! {
    /// Cuts a stream off and, unless Oneshot is `yes`, keeps it from being published until ResumeTime.
    Live T1 ForbidLiveStream => forbid_live_stream {
        /// The ingest domain, or its streaming domain.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// `publisher`.
        LiveStreamType => _stream_type: LiveStreamType,
        /// `yes`: cut once and do not block.
        Oneshot => oneshot: Flag = false,
        /// When the block ends by itself; in six months when absent, which is also the longest.
        ResumeTime => resume_time: Option<Time>,
    }

    /// Lets a stream be published again. One that is not blocked stays so.
    Live T1 ResumeLiveStream => resume_live_stream {
        /// The ingest domain, or its streaming domain.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// `publisher`.
        LiveStreamType => _stream_type: LiveStreamType,
    }

    /// Lists the streams of a domain that may not be published.
    Live T2 DescribeLiveStreamsBlockList => describe_live_streams_block_list {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// Which page.
        PageNum => page_num: PageNumber = 1,
        /// Streams on a page.
        PageSize => page_size: Int<1, 3000> = 2000,
    }

    /// Tells which streams of a domain were cut off, and which were let publish again, in a window of at most 30 days.
    Live T3 DescribeLiveStreamsControlHistory => describe_live_streams_control_history {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// Only of this app.
        AppName => app_name: Option<NameText>,
        /// Done at or after.
        StartTime => start_time: Time,
        /// Done at or before.
        EndTime => end_time: Time,
    }
}

async fn forbid_live_stream(context: &Context, input: ForbidLiveStream) -> Answer<Done> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let latest = context.now.after(BLOCK_MAX);
    let until = input.resume_time.unwrap_or(latest);
    if until <= context.now || until > latest {
        return Err(ParamError::invalid("ResumeTime", "it is to be in the future, by six months at most").into());
    }
    let mut tx = context.catalog.begin().await?;
    // The block before the cut: a publisher that comes back at once is refused.
    if !input.oneshot {
        tx.add_block(&Block { path: path.clone(), until: Some(until), created: context.now }).await?;
    }
    let cut = tx.request_cut(&path).await?;
    tx.note_control(&path, ControlAction::Forbid, context.now).await?;
    tx.commit().await?;
    if input.oneshot && cut == 0 {
        return Err(Code::InvalidStreamNotFound.because("The stream is not being published."));
    }
    Ok(Done {})
}

async fn resume_live_stream(context: &Context, input: ResumeLiveStream) -> Answer<Done> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let mut tx = context.catalog.begin().await?;
    tx.remove_block(&path).await?;
    tx.note_control(&path, ControlAction::Resume, context.now).await?;
    tx.commit().await?;
    Ok(Done {})
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct History {
    control_info: ControlInfo,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ControlInfo {
    live_stream_control_info: Vec<Control>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Control {
    action: &'static str,
    stream_name: String,
    time_stamp: String,
}

async fn describe_live_streams_control_history(
    context: &Context,
    input: DescribeLiveStreamsControlHistory,
) -> Answer<History> {
    let window = (input.start_time, end_of_second(input.end_time));
    if input.end_time < input.start_time || input.end_time.since(input.start_time) > HISTORY_WINDOW_MAX {
        return Err(ParamError::invalid("EndTime", "it is to be after StartTime, by 30 days at most").into());
    }
    let domain = play_domain(context, &input.domain_name).await?;
    let done = context.catalog.stream_controls(&domain, input.app_name.as_deref(), window, HISTORY_MAX).await?;
    let told = done.into_iter().map(|one| Control {
        action: one.action.as_str(),
        stream_name: one.path.stream().to_owned(),
        time_stamp: one.at.to_iso8601(),
    });
    Ok(History { control_info: ControlInfo { live_stream_control_info: told.collect() } })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Blocked {
    domain_name: String,
    page_num: i64,
    page_size: i64,
    stream_urls: StreamUrls,
    total_num: u64,
    total_page: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct StreamUrls {
    stream_url: Vec<String>,
}

async fn describe_live_streams_block_list(context: &Context, input: DescribeLiveStreamsBlockList) -> Answer<Blocked> {
    let domain = play_domain(context, &input.domain_name).await?;
    let listed = context.catalog.blocks(&domain, context.now, page(input.page_num, input.page_size)).await?;
    let urls = listed.rows.iter().map(|block| format!("rtmp://{}", block.path)).collect();
    Ok(Blocked {
        domain_name: input.domain_name,
        page_num: input.page_num,
        page_size: input.page_size,
        stream_urls: StreamUrls { stream_url: urls },
        total_num: listed.total,
        total_page: page_count(listed.total, input.page_size),
    })
}
