//! The history of what was told of streams: of publishes, and of recordings.

use catalog::{Delivery, Listed, Page, StreamDeliveryFilter};
use rpc::ParamError;
use rpc::param::{Int, Time};
use schemars::JsonSchema;
use serde::Serialize;

use super::videos::end_of_second;
use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, NameText, existing_domain, page, page_count};

choice! {
    /// How a callback ended.
    Status {
        /// The receiver answered 200.
        Success = "success",
        /// It did not.
        Failed = "failed",
    }
}

choice! {
    /// Where what was recorded goes.
    StorageType {
        /// Into object storage. There are no such recordings.
        Oss = "oss",
        /// Into VOD.
        Vod = "vod",
        /// Either.
        All = "all",
    }
}

operations! {
    /// Lists the callbacks that told of publishes and their ends, each attempt, last sent first. They are kept for 30 days.
    Live T3 DescribeLiveStreamsNotifyRecords => describe_live_streams_notify_records {
        /// The ingest domain; a streaming domain means all that are tied to it.
        DomainName => domain_name: DomainText,
        /// Sent at or after.
        StartTime => start_time: Time,
        /// Sent at or before.
        EndTime => end_time: Time,
        /// Only of this app.
        AppName => app: Option<NameText>,
        /// Only of this stream.
        StreamName => stream: Option<NameText>,
        /// Only those that ended so.
        Status => status: Option<Status>,
        /// Which page.
        PageNumber => page_number: Int<1, 100_000> = 1,
        /// Callbacks on a page.
        PageSize => page_size: Int<1, 500> = 20,
    }

    /// Lists the callbacks that told of recordings, or asked whether to record, each attempt, last sent first. They are kept for
    /// 30 days.
    Live T3 DescribeLiveRecordNotifyRecords => describe_live_record_notify_records {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// Sent at or after.
        StartTime => start_time: Time,
        /// Sent at or before.
        EndTime => end_time: Time,
        /// Only of this app.
        AppName => app: Option<NameText>,
        /// Only of this stream.
        StreamName => stream: Option<NameText>,
        /// Only those that ended so.
        Status => status: Option<Status>,
        /// Only of recordings that go there.
        StorageType => storage: StorageType = StorageType::All,
        /// Which page.
        PageNumber => page_number: Int<1, 100_000> = 1,
        /// Callbacks on a page.
        PageSize => page_size: Int<1, 500> = 20,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Streams {
    notify_records_info: Records,
    page_num: i64,
    page_size: i64,
    total_num: u64,
    total_page: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Records {
    live_stream_notify_records_info: Vec<Record>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Recordings {
    callback_list: Vec<Record>,
    page_num: i64,
    page_size: i64,
    total_num: u64,
    total_page: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Record {
    app_name: String,
    /// `success`, or why not.
    description: String,
    domain_name: String,
    notify_content: String,
    notify_header: String,
    notify_response: String,
    notify_result: &'static str,
    notify_time: String,
    notify_type: String,
    notify_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_type: Option<&'static str>,
    stream_name: String,
}

/// One attempt. What told of a recording is of the domain that it is played from.
fn record(delivery: Delivery) -> Option<Record> {
    let stream = delivery.stream?;
    let of_recording = stream.push_domain.is_none();
    let result = if delivery.error.is_none() { Status::Success } else { Status::Failed };
    Some(Record {
        app_name: stream.app,
        description: delivery.error.unwrap_or_else(|| Status::Success.as_str().to_owned()),
        domain_name: stream.push_domain.unwrap_or(stream.domain),
        notify_content: stream.content,
        notify_header: stream.headers,
        notify_response: stream.response,
        notify_result: result.as_str(),
        notify_time: delivery.at.to_iso8601(),
        notify_type: stream.topic,
        notify_url: delivery.url,
        storage_type: of_recording.then_some(StorageType::Vod.as_str()),
        stream_name: stream.stream,
    })
}

/// The filter that both operations have, but for the domain and what is told.
fn window(start: units::WallTime, end: units::WallTime) -> Answer<(units::WallTime, units::WallTime)> {
    if end < start {
        return Err(ParamError::invalid("EndTime", "it is before StartTime").into());
    }
    Ok((start, end_of_second(end)))
}

async fn found(context: &Context, filter: StreamDeliveryFilter, page: Page) -> Answer<Listed<Delivery>> {
    let domain = existing_domain(context, &filter.domain).await?.name;
    Ok(context.catalog.stream_deliveries(&StreamDeliveryFilter { domain, ..filter }, page).await?)
}

async fn describe_live_streams_notify_records(
    context: &Context,
    input: DescribeLiveStreamsNotifyRecords,
) -> Answer<Streams> {
    let (from, to) = window(input.start_time, input.end_time)?;
    let filter = StreamDeliveryFilter {
        domain: input.domain_name,
        pushes: true,
        app: input.app,
        stream: input.stream,
        success: input.status.map(|status| status == Status::Success),
        from: Some(from),
        to: Some(to),
    };
    let listed = found(context, filter, page(input.page_number, input.page_size)).await?;
    let records = listed.rows.into_iter().filter_map(record).collect();
    Ok(Streams {
        notify_records_info: Records { live_stream_notify_records_info: records },
        page_num: input.page_number,
        page_size: input.page_size,
        total_num: listed.total,
        total_page: page_count(listed.total, input.page_size),
    })
}

async fn describe_live_record_notify_records(
    context: &Context,
    input: DescribeLiveRecordNotifyRecords,
) -> Answer<Recordings> {
    let (from, to) = window(input.start_time, input.end_time)?;
    let filter = StreamDeliveryFilter {
        domain: input.domain_name,
        pushes: false,
        app: input.app,
        stream: input.stream,
        success: input.status.map(|status| status == Status::Success),
        from: Some(from),
        to: Some(to),
    };
    let mut listed = found(context, filter, page(input.page_number, input.page_size)).await?;
    if input.storage == StorageType::Oss {
        listed = Listed { rows: Vec::new(), total: 0 };
    }
    Ok(Recordings {
        callback_list: listed.rows.into_iter().filter_map(record).collect(),
        page_num: input.page_number,
        page_size: input.page_size,
        total_num: listed.total,
        total_page: page_count(listed.total, input.page_size),
    })
}
