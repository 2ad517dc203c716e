//! How a live stream and its recording go: an operation of our own.

use archive::{ReceiptGap, SoFar};
use catalog::{Push, Recording, RecordingState};
use schemars::JsonSchema;
use serde::Serialize;
use units::{RecordingId, StreamPath, WallTime};

use super::push_address::live_url;
use super::rule_match::fitting;
use super::streams::address;
use crate::codes::{Answer, Code, chain};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{DomainText, NameText, rounded, stream_path};

operations! {
    /// Tells how a stream is pushed now, and what of it is safely recorded.
    Vod Own GetLiveStreamHealth => get_live_stream_health {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    health: Health,
}

/// How a stream is pushed, and what of it is stored.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Health {
    domain_name: String,
    app_name: String,
    stream_name: String,
    online: bool,
    /// The rule that the recording began with, else the one that would apply; absent: there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_id: Option<String>,
    #[serde(flatten)]
    push: Option<Pushed>,
    #[serde(flatten)]
    recording: Option<Recorded>,
}

/// What is known of the push that goes on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Pushed {
    push_id: String,
    pushed_at: String,
    client_ip: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_codec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_codec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    frame_rate: f64,
    bitrate_kbps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_frame_interval_ms: Option<u32>,
    dropped_frames: u64,
    late_frames: u64,
}

/// What is known of the recording that goes on.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Recorded {
    recording_id: RecordingId,
    recording_state: &'static str,
    recorded_since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_ends_at: Option<String>,
    #[serde(flatten)]
    stored: Option<Stored>,
    playback_url: String,
    /// Of its cycles that are videos, in order.
    video_ids: Vec<String>,
    /// What the cycle that grows becomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    growing_video_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Stored {
    durable_seconds: f64,
    durable_bytes: u64,
    gaps: Vec<Gap>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Gap {
    at: f64,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    length_ms: Option<u64>,
    cause: String,
}

async fn get_live_stream_health(context: &Context, input: GetLiveStreamHealth) -> Answer<Told> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let push = context.catalog.live_push(&path).await?;
    let recording = context.catalog.live_recording(&path).await?;
    let key = match &recording {
        Some(recording) => Some(recording.rule.key.clone()),
        None => fitting(context, &path).await?.into_iter().next(),
    };
    let recorded = match recording {
        Some(recording) => Some(recorded(context, &path, recording).await?),
        None => None,
    };
    Ok(Told {
        health: Health {
            domain_name: path.domain().to_owned(),
            app_name: path.app().to_owned(),
            stream_name: path.stream().to_owned(),
            online: push.is_some(),
            rule_id: key.map(|key| format!("{}/{}/{}", key.domain, key.app, key.stream)),
            push: push.map(pushed),
            recording: recorded,
        },
    })
}

fn pushed(push: Push) -> Pushed {
    let stats = push.stats;
    let word = |codec: String| Some(codec).filter(|codec| !codec.is_empty());
    let known = |number: u32| Some(number).filter(|number| *number > 0);
    Pushed {
        push_id: push.info.id.to_string(),
        pushed_at: push.info.began.to_iso8601(),
        client_ip: address(&push.info.client),
        video_codec: word(stats.video_codec),
        audio_codec: word(stats.audio_codec),
        width: known(stats.width),
        height: known(stats.height),
        frame_rate: (stats.fps * 100.0).round() / 100.0,
        bitrate_kbps: u64::from(stats.video_kbps).saturating_add(u64::from(stats.audio_kbps)),
        key_frame_interval_ms: known(stats.key_frame_ms),
        dropped_frames: stats.dropped_frames,
        late_frames: stats.late_frames,
    }
}

async fn recorded(context: &Context, path: &StreamPath, recording: Recording) -> Answer<Recorded> {
    let so_far = archive::recorded_so_far(&context.blobs, recording.reel).await.map_err(|error| {
        tracing::error!(error = chain(&error), "what is recorded so far cannot be read");
        Code::ServiceUnavailable
    })?;
    // Another node's recording may lie where this one does not see it: then nothing is claimed.
    let here = recording.node == context.settings.node;
    let so_far = so_far.or_else(|| here.then(SoFar::default));
    let cycles = context.catalog.assets_of_recording(recording.id).await?;
    Ok(Recorded {
        recording_id: recording.id,
        recording_state: match recording.state {
            RecordingState::Live => "Live",
            RecordingState::Interrupted if recording.stopped => "Stopped",
            RecordingState::Interrupted | RecordingState::Ended => "Interrupted",
        },
        recorded_since: recording.began.to_iso8601(),
        grace_ends_at: recording.give_up_at.map(WallTime::to_iso8601),
        stored: so_far.map(stored),
        playback_url: live_url(context, path).await?,
        growing_video_id: recording.cycle.map(|cycle| cycle.asset.to_string()),
        video_ids: cycles.into_iter().map(|asset| asset.id.to_string()).collect(),
    })
}

fn stored(so_far: SoFar) -> Stored {
    let gap = |gap: ReceiptGap| Gap { at: rounded(gap.at), time: gap.time, length_ms: gap.length_ms, cause: gap.cause };
    Stored {
        durable_seconds: rounded(so_far.seconds),
        durable_bytes: so_far.bytes,
        gaps: so_far.gaps.into_iter().map(gap).collect(),
    }
}
