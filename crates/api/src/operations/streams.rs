//! Who publishes now, and who did.

use std::net::SocketAddr;
use std::time::Duration;

use catalog::{Order, Page, PublishFilter, PublishOrder, Push, PushFilter, Search};
use rpc::ParamError;
use rpc::param::{Flag, Int, Time};
use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, NameText, PageNumber, page, page_count, play_domain, stream_path};

/// Longest window of the list of past publishes.
const WINDOW_MAX: Duration = Duration::from_secs(30 * 86_400);
/// FLV's number of AAC (Adobe FLV 10.1 §E.4.2.1), which the wire uses.
const FLV_AAC: u8 = 10;
/// FLV's number of H.264 (§E.4.3.1).
const FLV_H264: u8 = 7;

choice! {
    /// How names are searched for.
    QueryType {
        /// Anywhere in the name.
        Fuzzy = "fuzzy",
        /// The whole name.
        Strict = "strict",
    }
}

choice! {
    /// Which streams are listed.
    StreamType {
        /// Those published and those made of them.
        All = "all",
        /// Those published.
        Raw = "raw",
        /// Those made by live transcoding.
        Trans = "trans",
    }
}

choice! {
    /// How past publishes are sorted.
    OrderBy {
        /// Oldest first.
        TimeAscending = "publish_time_asc",
        /// Newest first.
        TimeDescending = "publish_time_desc",
        /// By stream, rising.
        NameAscending = "stream_name_asc",
        /// By stream, falling.
        NameDescending = "stream_name_desc",
    }
}

operations! {
    /// Lists the streams that are published now.
    Live T1 DescribeLiveStreamsOnlineList => describe_live_streams_online_list {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app, or a part of its name.
        AppName => app_name: Option<NameText>,
        /// The stream, or a part of its name.
        StreamName => stream_name: Option<NameText>,
        /// Whether a part of a name is enough.
        QueryType => query_type: QueryType = QueryType::Fuzzy,
        /// Which streams. Nothing is transcoded live, so `trans` lists none.
        StreamType => stream_type: StreamType = StreamType::All,
        /// `yes`: only domain, app, stream and time.
        OnlyStream => only_stream: Flag = false,
        /// Which page.
        PageNum => page_num: PageNumber = 1,
        /// Streams on a page.
        PageSize => page_size: Int<1, 3000> = 2000,
    }

    /// Lists the publishes that began in a window of at most 30 days.
    Live T1 DescribeLiveStreamsPublishList => describe_live_streams_publish_list {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app, or a part of its name.
        AppName => app_name: Option<NameText>,
        /// The stream, or a part of its name.
        StreamName => stream_name: Option<NameText>,
        /// Began at or after.
        StartTime => start_time: Time,
        /// Began before.
        EndTime => end_time: Time,
        /// Whether a part of a name is enough.
        QueryType => query_type: QueryType = QueryType::Fuzzy,
        /// Which streams.
        StreamType => stream_type: StreamType = StreamType::All,
        /// How they are sorted.
        OrderBy => order_by: OrderBy = OrderBy::TimeAscending,
        /// Which page.
        PageNumber => page_number: PageNumber = 1,
        /// Publishes on a page.
        PageSize => page_size: Int<1, 3000> = 2000,
    }

    /// Tells how many streams are published now to a domain.
    Live T3 DescribeLiveStreamCount => describe_live_stream_count {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
    }

    /// Tells whether a stream is published now.
    Live T2 DescribeLiveStreamState => describe_live_stream_state {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
    }
}

fn filter(domain: String, query: QueryType, app: Option<String>, stream: Option<String>) -> PushFilter {
    let search = match query {
        QueryType::Fuzzy => Search::Fuzzy,
        QueryType::Strict => Search::Exact,
    };
    PushFilter {
        domain: Some(domain),
        app: app.map(|app| (search, app)),
        stream: stream.map(|stream| (search, stream)),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Online {
    online_info: OnlineInfo,
    page_num: i64,
    page_size: i64,
    total_num: u64,
    total_page: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct OnlineInfo {
    live_stream_online_info: Vec<OnlineStream>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct OnlineStream {
    domain_name: String,
    app_name: String,
    stream_name: String,
    publish_time: String,
    #[serde(flatten)]
    more: Option<OnlineDetail>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct OnlineDetail {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_codec_id: Option<u8>,
    audio_data_rate: u32,
    client_ip: String,
    frame_rate: u32,
    height: u32,
    publish_domain: String,
    publish_type: &'static str,
    publish_url: String,
    server_ip: String,
    transcoded: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_codec_id: Option<u8>,
    video_data_rate: u32,
    width: u32,
}

async fn describe_live_streams_online_list(context: &Context, input: DescribeLiveStreamsOnlineList) -> Answer<Online> {
    let domain = play_domain(context, &input.domain_name).await?;
    let filter = filter(domain, input.query_type, input.app_name, input.stream_name);
    let (rows, total) = match input.stream_type {
        StreamType::Trans => (Vec::new(), 0),
        StreamType::All | StreamType::Raw => {
            let listed = context.catalog.live_pushes(&filter, page(input.page_num, input.page_size)).await?;
            (listed.rows, listed.total)
        }
    };
    let streams = rows.into_iter().map(|push| online(push, input.only_stream)).collect();
    Ok(Online {
        online_info: OnlineInfo { live_stream_online_info: streams },
        page_num: input.page_num,
        page_size: input.page_size,
        total_num: total,
        total_page: page_count(total, input.page_size),
    })
}

fn online(push: Push, only_stream: bool) -> OnlineStream {
    let path = push.info.path.clone();
    OnlineStream {
        domain_name: path.domain().to_owned(),
        app_name: path.app().to_owned(),
        stream_name: path.stream().to_owned(),
        publish_time: push.info.began.to_iso8601(),
        more: (!only_stream).then(|| OnlineDetail {
            audio_codec_id: (push.stats.audio_codec == "aac").then_some(FLV_AAC),
            audio_data_rate: push.stats.audio_kbps,
            client_ip: address(&push.info.client),
            frame_rate: whole(push.stats.fps),
            height: push.stats.height,
            publish_url: publish_url(&push),
            publish_domain: push.info.publish_domain,
            publish_type: PUBLISH_TYPE,
            server_ip: address(&push.info.server),
            transcoded: "no",
            video_codec_id: (push.stats.video_codec == "h264").then_some(FLV_H264),
            video_data_rate: push.stats.video_kbps,
            width: push.stats.width,
        }),
    }
}

/// Every push comes to a node that a publisher chose: the vendor's `edge`.
const PUBLISH_TYPE: &str = "edge";

fn publish_url(push: &Push) -> String {
    format!("rtmp://{}/{}/{}", push.info.publish_domain, push.info.path.app(), push.info.path.stream())
}

/// The address without its port.
pub(super) fn address(text: &str) -> String {
    text.parse::<SocketAddr>().map_or_else(|_| text.to_owned(), |address| address.ip().to_string())
}

/// The nearest whole number of frames per second. Rates are measured, so never negative, and a few hundred at most.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of the target")]
fn whole(fps: f64) -> u32 {
    fps.round().clamp(0.0, 1_000.0) as u32
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Published {
    page_num: i64,
    page_size: i64,
    publish_info: PublishInfo,
    total_num: u64,
    total_page: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct PublishInfo {
    live_stream_publish_info: Vec<PublishedStream>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct PublishedStream {
    app_name: String,
    client_addr: String,
    domain_name: String,
    edge_node_addr: String,
    publish_domain: String,
    publish_time: String,
    publish_type: &'static str,
    publish_url: String,
    /// Left out while it is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_time: Option<String>,
    stream_name: String,
    stream_url: String,
    transcoded: &'static str,
}

async fn describe_live_streams_publish_list(
    context: &Context,
    input: DescribeLiveStreamsPublishList,
) -> Answer<Published> {
    let (from, to) = (input.start_time, input.end_time);
    if to <= from || to.since(from) > WINDOW_MAX {
        return Err(ParamError::invalid("EndTime", "it is to be after StartTime, by 30 days at most").into());
    }
    let domain = play_domain(context, &input.domain_name).await?;
    let (by, order) = match input.order_by {
        OrderBy::TimeAscending => (PublishOrder::Began, Order::Ascending),
        OrderBy::TimeDescending => (PublishOrder::Began, Order::Descending),
        OrderBy::NameAscending => (PublishOrder::Stream, Order::Ascending),
        OrderBy::NameDescending => (PublishOrder::Stream, Order::Descending),
    };
    let of = filter(domain, input.query_type, input.app_name, input.stream_name);
    let wanted: Page = page(input.page_number, input.page_size);
    let (rows, total) = match input.stream_type {
        StreamType::Trans => (Vec::new(), 0),
        StreamType::All | StreamType::Raw => {
            let listed = context.catalog.publishes(&PublishFilter { of, from, to, by, order }, wanted).await?;
            (listed.rows, listed.total)
        }
    };
    let streams = rows.into_iter().map(published).collect();
    Ok(Published {
        page_num: input.page_number,
        page_size: input.page_size,
        publish_info: PublishInfo { live_stream_publish_info: streams },
        total_num: total,
        total_page: page_count(total, input.page_size),
    })
}

fn published(push: Push) -> PublishedStream {
    let path = push.info.path.clone();
    PublishedStream {
        app_name: path.app().to_owned(),
        client_addr: address(&push.info.client),
        domain_name: path.domain().to_owned(),
        edge_node_addr: address(&push.info.server),
        publish_url: publish_url(&push),
        publish_domain: push.info.publish_domain,
        publish_time: push.info.began.to_iso8601(),
        publish_type: PUBLISH_TYPE,
        stop_time: push.ended.map(|ended| ended.to_iso8601()),
        stream_name: path.stream().to_owned(),
        stream_url: format!("rtmp://{path}"),
        transcoded: "no",
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct State {
    stream_state: &'static str,
}

async fn describe_live_stream_state(context: &Context, input: DescribeLiveStreamState) -> Answer<State> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let live = context.catalog.is_live(&path).await?;
    Ok(State { stream_state: if live { "online" } else { "offline" } })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Counted {
    stream_count_infos: CountInfos,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct CountInfos {
    stream_count_info: Vec<CountInfo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct CountInfo {
    count: u64,
    stream_count_details: CountDetails,
    r#type: &'static str,
}

/// Of those that live transcoding makes, by their format.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct CountDetails {
    stream_count_detail: [u8; 0],
}

async fn describe_live_stream_count(context: &Context, input: DescribeLiveStreamCount) -> Answer<Counted> {
    let domain = play_domain(context, &input.domain_name).await?;
    let filter = filter(domain, QueryType::Strict, None, None);
    let count = context.catalog.live_pushes(&filter, page(1, 1)).await?.total;
    let of =
        |r#type, count| CountInfo { count, stream_count_details: CountDetails { stream_count_detail: [] }, r#type };
    Ok(Counted { stream_count_infos: CountInfos { stream_count_info: vec![of("raw", count), of("trans", 0)] } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_without_their_port() {
        let told = ["203.0.113.7:5000", "[2001:db8::1]:1935", "203.0.113.7", "somewhere"].map(address);
        assert_eq!(told, ["203.0.113.7", "2001:db8::1", "203.0.113.7", "somewhere"]);
    }
}
