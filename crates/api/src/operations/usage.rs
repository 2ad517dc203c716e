//! What was played, sent and is stored. An operation of our own.

use std::time::Duration;

use catalog::{UsageBy, UsageFilter, UsageSum};
use rpc::ParamError;
use rpc::param::{Filled, Int, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::{AssetId, WallTime};

use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, PageNumber, page};

/// Longest window.
const WINDOW_MAX: Duration = Duration::from_secs(400 * 86_400);
/// The window when none is named.
const WINDOW: Duration = Duration::from_secs(86_400);

choice! {
    /// What usage is added up by.
    GroupBy {
        /// Each hour, the oldest first.
        Hour = "Hour",
        /// Each domain, that with the most bytes first.
        Domain = "Domain",
        /// Each video or stream, that with the most plays first.
        Media = "Media",
    }
}

operations! {
    /// Tells how often videos and streams were played, how many bytes were sent, and how many are stored.
    Vod Own GetUsage => get_usage {
        /// Hours that begin at or after; a day before EndTime when absent.
        StartTime => start: Option<Time>,
        /// Hours that begin before; now when absent.
        EndTime => end: Option<Time>,
        /// Only of this domain.
        DomainName => domain: Option<DomainText>,
        /// Only of this video, or of this stream as `AppName/StreamName`.
        Media => media: Option<Filled<512>>,
        /// What it is added up by.
        GroupBy => by: GroupBy = GroupBy::Hour,
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Lines on a page.
        PageSize => page_size: Int<1, 1000> = 100,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    stored: Stored,
    total: u64,
    total_bytes: u64,
    total_plays: u64,
    usage_list: Vec<Line>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    file_bytes: u64,
    output_bytes: u64,
    source_bytes: u64,
}

/// One line: one of the first three is there.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<String>,
    bytes: u64,
    plays: u64,
}

async fn get_usage(context: &Context, input: GetUsage) -> Answer<Told> {
    let to = input.end.unwrap_or(context.now);
    let from = input.start.unwrap_or_else(|| to.before(WINDOW));
    if to <= from || to.since(from) > WINDOW_MAX {
        return Err(ParamError::invalid("EndTime", "it is to be after StartTime, by 400 days at most").into());
    }
    let domain = input.domain.map(|domain| domain.to_ascii_lowercase());
    let filter = UsageFilter { from, to, domain, media: input.media };
    let by = match input.by {
        GroupBy::Hour => UsageBy::Hour,
        GroupBy::Domain => UsageBy::Domain,
        GroupBy::Media => UsageBy::Media,
    };
    let (sums, total) = context.catalog.usage(&filter, by, page(input.page_no, input.page_size)).await?;
    let stored = match filter.media.as_deref().map(str::parse::<AssetId>) {
        Some(Ok(asset)) => context.catalog.stored_bytes_of(asset).await?,
        // A stream has what its videos have.
        Some(Err(_)) => catalog::StoredBytes::default(),
        None => context.catalog.stored_bytes().await?,
    };
    let line = |sum: UsageSum| {
        let UsageSum { of, plays, bytes } = sum;
        let hour = || of.parse().ok().map(|ms| WallTime::from_unix_ms(ms).to_iso8601());
        Line {
            start_time: (by == UsageBy::Hour).then(hour).flatten(),
            domain_name: (by == UsageBy::Domain).then(|| of.clone()),
            media: (by == UsageBy::Media).then_some(of),
            bytes,
            plays,
        }
    };
    Ok(Told {
        stored: Stored { file_bytes: stored.files, output_bytes: stored.outputs, source_bytes: stored.sources },
        total: total.lines,
        total_bytes: total.bytes,
        total_plays: total.plays,
        usage_list: sums.into_iter().map(line).collect(),
    })
}
