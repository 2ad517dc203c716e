//! How the server stands, and what needs somebody's attention: an operation of our own.

use std::collections::BTreeMap;

use encode::Capabilities;
use schemars::JsonSchema;
use serde::Serialize;
use units::StreamPath;

use crate::codes::Answer;
use crate::declare::operations;
use crate::state::Context;

/// Streams of one kind that are named.
const NAMED_MAX: u32 = 20;

operations! {
    /// Tells how the server stands: room on the disk, live streams, the queue, and what needs somebody's attention.
    Vod Own GetServerStatus => get_server_status {}
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    version: &'static str,
    nodes: Vec<Node>,
    /// Of the disk of the data folder, as the node that answers last saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_free_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_total_bytes: Option<u64>,
    /// What is recorded now comes to in an hour.
    bytes_per_hour: u64,
    /// How long the free bytes last so; absent when nothing is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_left: Option<f64>,
    live_streams: u64,
    queue_ready: u64,
    queue_dead: u64,
    events_waiting: u64,
    attention: Vec<Attention>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Node {
    name: String,
    live_streams: u64,
}

#[derive(Serialize, JsonSchema, Default)]
#[serde(rename_all = "PascalCase")]
struct Attention {
    kind: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_name: Option<String>,
    /// When it is too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl Attention {
    fn of(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), ..Self::default() }
    }

    fn counted(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    fn named(self, path: &StreamPath) -> Self {
        let [domain_name, app_name, stream_name] =
            [path.domain(), path.app(), path.stream()].map(|name| Some(name.to_owned()));
        Self { domain_name, app_name, stream_name, ..self }
    }
}

async fn get_server_status(context: &Context, _input: GetServerStatus) -> Answer<Told> {
    let standing = context.catalog.standing().await?;
    let live_streams = standing.live.iter().map(|(_, count)| *count).sum();
    let mut nodes: BTreeMap<String, u64> = standing.live.iter().cloned().collect();
    nodes.entry(context.settings.node.clone()).or_default();
    let room = context.space.as_ref().and_then(|space| Some((space.free_bytes(), space.total_bytes()?)));
    let hours_left = room.and_then(|(free, _)| hours(free, standing.recorded_bytes_per_hour));
    let mut attention = disk(context);
    for recording in context.catalog.interrupted_recordings(NAMED_MAX).await? {
        let told =
            Attention::of("StreamInterrupted", "The publisher is gone and may come back.").named(&recording.path);
        attention.push(Attention { until: recording.give_up_at.map(units::WallTime::to_iso8601), ..told });
    }
    for push in context.catalog.dropping_pushes(NAMED_MAX).await? {
        let told = Attention::of("FramesDropped", "Frames of this stream were dropped: the disk did not follow.");
        attention.push(told.named(&push.info.path).counted(push.stats.dropped_frames));
    }
    if standing.jobs_dead > 0 {
        let text = "Jobs failed for good within the last week: see why, and retry them.";
        attention.push(Attention::of("JobsFailed", text).counted(standing.jobs_dead));
    }
    if standing.events_dead > 0 {
        let text = "Events found no receiver within the last week: see why, and tell them again.";
        attention.push(Attention::of("EventsUndelivered", text).counted(standing.events_dead));
    }
    if context.settings.encoder == Capabilities::NONE {
        attention.push(Attention::of(
            "NoEncoder",
            "There is no FFmpeg on this host: nothing is encoded, and no pictures are taken.",
        ));
    }
    Ok(Told {
        version: env!("CARGO_PKG_VERSION"),
        nodes: nodes.into_iter().map(|(name, live_streams)| Node { name, live_streams }).collect(),
        disk_free_bytes: room.map(|(free, _)| free),
        disk_total_bytes: room.map(|(_, total)| total),
        bytes_per_hour: standing.recorded_bytes_per_hour,
        hours_left,
        live_streams,
        queue_ready: standing.jobs_ready,
        queue_dead: standing.jobs_dead.saturating_add(standing.events_dead),
        events_waiting: standing.events_waiting,
        attention,
    })
}

/// What is wrong with the disk, as this node sees it.
fn disk(context: &Context) -> Vec<Attention> {
    let alarm = context.blobs.alarm();
    let mut told = Vec::new();
    let troubled = alarm.troubled();
    if troubled > 0 {
        let text = "Media of some streams cannot be stored, or not in time: look at the disk.";
        told.push(Attention::of("DiskTrouble", text).counted(u64::try_from(troubled).unwrap_or(u64::MAX)));
    }
    if alarm.is_low() {
        told.push(Attention::of("DiskLow", "The disk is nearly full: no new recording is begun until there is room."));
    }
    if context.space.as_ref().is_some_and(blobs::Space::is_stalled) {
        told.push(Attention::of(
            "DiskStalled",
            "The disk takes far too long: no new recording is begun until it follows.",
        ));
    }
    told
}

/// With one digit after the point; an hour of nothing lasts for ever, and has no number.
#[allow(clippy::cast_precision_loss, reason = "labels, and no disk has 2^53 bytes")]
fn hours(free: u64, each: u64) -> Option<f64> {
    (each > 0).then(|| (free as f64 / each as f64 * 10.0).floor() / 10.0)
}
