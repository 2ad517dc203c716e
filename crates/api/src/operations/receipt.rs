//! The receipt of a video: an operation of our own.

use archive::{ArchiveError, Receipt};
use rpc::param::Flag;
use schemars::JsonSchema;
use serde::Serialize;
use units::WallTime;

use super::videos::find;
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::IdText;

operations! {
    /// Tells the story of a video: the pushes it is made of and why each ended, where media is missing and why, how its
    /// parameters changed, the cycles of its recording, and which jobs and callbacks followed.
    Vod Own GetVideoReceipt => get_video_receipt {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// Whether jobs and callbacks are told as well.
        WithDeliveries => with_deliveries: Flag = true,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    receipt: Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<Vec<Job>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Event>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Job {
    job_id: String,
    kind: String,
    state: &'static str,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Event {
    event_id: String,
    time: String,
    kind: &'static str,
    outcome: &'static str,
    deliveries: Vec<Delivery>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Delivery {
    attempt: u32,
    time: String,
    #[serde(rename = "URL")]
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    elapsed_ms: u64,
}

async fn get_video_receipt(context: &Context, input: GetVideoReceipt) -> Answer<Told> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let receipt = match archive::receipt_of(&context.catalog, &context.blobs, asset.id).await {
        Ok(receipt) => receipt.ok_or(Code::InvalidVideoNotFound)?,
        Err(ArchiveError::Catalog(error)) => return Err(error.into()),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a receipt cannot be made");
            return Err(Code::ServiceUnavailable.into());
        }
    };
    if !input.with_deliveries {
        return Ok(Told { receipt, jobs: None, events: None });
    }
    let jobs = context.catalog.jobs_of_asset(asset.id).await?;
    let mut events = Vec::new();
    for event in context.catalog.events_of_asset(asset.id).await? {
        let deliveries = context.catalog.deliveries_of_event(event.id).await?;
        events.push(Event {
            event_id: event.id.to_string(),
            time: event.event.at.to_iso8601(),
            kind: event.event.event.kind().as_str(),
            outcome: event.outcome.as_str(),
            deliveries: deliveries.into_iter().map(delivery_told).collect(),
        });
    }
    let jobs = jobs.into_iter().map(|job| Job {
        job_id: job.id.to_string(),
        kind: job.kind,
        state: job.state.as_str(),
        attempts: job.attempt,
        error: job.error,
        created: job.created.to_iso8601(),
        finished: job.finished.map(WallTime::to_iso8601),
    });
    Ok(Told { receipt, jobs: Some(jobs.collect()), events: Some(events) })
}

fn delivery_told(delivery: catalog::Delivery) -> Delivery {
    Delivery {
        attempt: delivery.attempt,
        time: delivery.at.to_iso8601(),
        url: delivery.url,
        http_status: delivery.http_status,
        error: delivery.error,
        elapsed_ms: delivery.elapsed_ms,
    }
}
