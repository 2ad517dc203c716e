//! The ledger of what customers are told: operations of our own.

use catalog::{EventCursor, EventFilter, EventOutcome, JobState, Order, Replay, StoredEvent};
use rpc::ParamError;
use rpc::event::{event_type, kinds_of};
use rpc::param::{Filled, Flag, Int, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::{AssetId, EventId, WallTime};

use super::videos::{SortBy, end_of_second};
use crate::codes::{Answer, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{IdText, filled};

/// Most events that one call tells once more.
const REPLAYED_MAX: u32 = 1_000;

choice! {
    /// What became of an event.
    Outcome {
        /// It waits, or is being offered.
        Pending = "Pending",
        /// The receiver answered 200.
        Delivered = "Delivered",
        /// Nobody asked for it when its turn came.
        Unwanted = "Unwanted",
        /// All attempts failed.
        Dropped = "Dropped",
    }
}

operations! {
    /// Lists events: what was told, or is to be told, of videos, and what became of it.
    Vod Own ListEvents => list_events {
        /// Only events of this video, a deleted one too. They are sorted by their Sequence.
        VideoId => video_id: Option<IdText>,
        /// Only events of this name: `TranscodeComplete`.
        EventType => kind: Option<Filled<64>>,
        /// Only events of which this became.
        Outcome => outcome: Option<Outcome>,
        /// Happened at or after.
        StartTime => start_time: Option<Time>,
        /// Happened at or before.
        EndTime => end_time: Option<Time>,
        /// How they are sorted.
        SortBy => sort_by: SortBy = SortBy::Newest,
        /// Events in the answer.
        MaxResults => max: Int<1, 100> = 50,
        /// Where the answer before this one ended.
        NextToken => token: Option<Filled<128>>,
    }

    /// Tells one event: its body as it was sent, and each attempt to deliver it.
    Vod Own GetEvent => get_event {
        /// The event, as the header `X-Reprise-Event-Id` names it.
        EventId => event: IdText,
    }

    /// Has events told once more: the same text, in the order of each video, behind what is being offered of it. At least one of
    /// EventId, VideoId and StartTime is needed. One call takes at most a thousand; NextToken says that there are more.
    Vod Own ReplayEvents => replay_events {
        /// This event.
        EventId => event: Option<IdText>,
        /// Those of this video, a deleted one too.
        VideoId => video_id: Option<IdText>,
        /// Those that happened at or after.
        StartTime => start_time: Option<Time>,
        /// Only those that no receiver has taken.
        OnlyUndelivered => only_undelivered: Flag = false,
        /// Where the answer before this one ended; the rest has to be as it was then.
        NextToken => token: Option<Filled<32>>,
    }
}

impl Outcome {
    fn of(outcome: EventOutcome) -> Self {
        match outcome {
            EventOutcome::Pending => Self::Pending,
            EventOutcome::Delivered => Self::Delivered,
            EventOutcome::Unwanted => Self::Unwanted,
            EventOutcome::Dropped => Self::Dropped,
        }
    }

    fn stored(self) -> EventOutcome {
        match self {
            Self::Pending => EventOutcome::Pending,
            Self::Delivered => EventOutcome::Delivered,
            Self::Unwanted => EventOutcome::Unwanted,
            Self::Dropped => EventOutcome::Dropped,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    event_list: Vec<Event>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Event {
    event_id: EventId,
    event_type: &'static str,
    video_id: AssetId,
    /// Which of the events of its video, from 1.
    sequence: u64,
    event_time: String,
    outcome: &'static str,
}

fn told(stored: &StoredEvent) -> Event {
    Event {
        event_id: stored.id,
        event_type: event_type(stored.event.event.kind().as_str()).unwrap_or_default(),
        video_id: stored.event.asset,
        sequence: stored.number,
        event_time: stored.event.at.to_iso8601(),
        outcome: Outcome::of(stored.outcome).as_str(),
    }
}

fn video_id(text: &str) -> Answer<AssetId> {
    text.parse().map_err(|_| Code::InvalidVideoNotFound.into())
}

fn wrong_token() -> ParamError {
    ParamError::invalid("NextToken", "it is none that this operation gave")
}

/// A place in the list as text.
fn token_of(cursor: EventCursor) -> String {
    format!("{}-{}-{}", cursor.at.unix_ms, cursor.number, cursor.id)
}

fn cursor_of(token: &str) -> Answer<EventCursor> {
    let mut parts = token.split('-');
    let mut part = || parts.next().ok_or_else(wrong_token);
    let (at, number, id) = (part()?, part()?, part()?);
    Ok(EventCursor {
        at: WallTime::from_unix_ms(at.parse().map_err(|_| wrong_token())?),
        number: number.parse().map_err(|_| wrong_token())?,
        id: id.parse().map_err(|_| wrong_token())?,
    })
}

async fn list_events(context: &Context, input: ListEvents) -> Answer<Listed> {
    let kinds: Vec<_> = input.kind.iter().flat_map(|name| kinds_of(name)).collect();
    if input.kind.is_some() && kinds.is_empty() {
        return Err(ParamError::invalid("EventType", "there is no event of this name").into());
    }
    let filter = EventFilter {
        asset: input.video_id.as_deref().map(video_id).transpose()?,
        kinds,
        outcome: input.outcome.map(Outcome::stored),
        from: input.start_time,
        // The wire has whole seconds: an event within the last one is meant too.
        to: input.end_time.map(end_of_second),
    };
    let order: Order = input.sort_by.order();
    let after = input.token.as_deref().map(cursor_of).transpose()?;
    let wanted = u32::try_from(input.max).unwrap_or(u32::MAX);
    let page = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut events = context.catalog.events(&filter, order, after, wanted.saturating_add(1)).await?;
    let more = events.len() > page;
    events.truncate(page);
    let next_token = events.last().filter(|_| more).map(|last| token_of(last.cursor()));
    Ok(Listed { event_list: events.iter().map(told).collect(), next_token })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct EventTold {
    event: Detail,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    #[serde(flatten)]
    event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
    /// JSON as text: what was sent, letter for letter. Absent before the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// When it is offered again, when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_time: Option<String>,
    attempts: Vec<Attempt>,
}

/// One attempt; those of the last 30 days are kept.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Attempt {
    /// From 1, and again from 1 with each replay.
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

async fn get_event(context: &Context, input: GetEvent) -> Answer<EventTold> {
    let id = input.event.parse::<EventId>().map_err(|_| Code::NoSuchResource)?;
    let stored = context.catalog.event(id).await?.ok_or(Code::NoSuchResource)?;
    let attempts = context.catalog.deliveries_of_event(id).await?.into_iter().map(|delivery| Attempt {
        attempt: delivery.attempt,
        time: delivery.at.to_iso8601(),
        url: delivery.url,
        http_status: delivery.http_status,
        error: delivery.error,
        elapsed_ms: delivery.elapsed_ms,
    });
    let job = context.catalog.job(stored.job).await?.filter(|job| job.state == JobState::Ready);
    Ok(EventTold {
        event: Detail {
            event: told(&stored),
            user_data: filled(&stored.user_data),
            next_attempt_time: job.map(|job| job.run_at.to_iso8601()),
            attempts: attempts.collect(),
            body: stored.sent,
        },
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Replayed {
    /// So many are told once more.
    replayed_count: u32,
    /// So many were being told at this moment, and are left to it.
    in_flight_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

async fn replay_events(context: &Context, input: ReplayEvents) -> Answer<Replayed> {
    let event = match input.event.as_deref() {
        Some(id) => {
            let id = id.parse::<EventId>().map_err(|_| Code::NoSuchResource)?;
            context.catalog.event(id).await?.ok_or(Code::NoSuchResource)?;
            Some(id)
        }
        None => None,
    };
    let asset = input.video_id.as_deref().map(video_id).transpose()?;
    if let Some(asset) = asset
        && context.catalog.asset(asset).await?.is_none()
        && context.catalog.events_of_asset(asset).await?.is_empty()
    {
        return Err(Code::InvalidVideoNotFound.into());
    }
    if event.is_none() && asset.is_none() && input.start_time.is_none() {
        return Err(ParamError::missing("EventId").into());
    }
    let after = match input.token.as_deref() {
        Some(token) => token.parse().map_err(|_| wrong_token())?,
        None => 0,
    };
    let which = Replay { event, asset, from: input.start_time, only_undelivered: input.only_undelivered, after };
    let told = context.catalog.replay_events(&which, REPLAYED_MAX, context.now).await?;
    Ok(Replayed {
        replayed_count: told.replayed,
        in_flight_count: told.in_flight,
        next_token: told.more.map(|more| more.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_nothing_else_is() {
        let cursor =
            EventCursor { at: WallTime::from_unix_ms(1_772_359_200_123), id: EventId::from_u128(7), number: 3 };
        assert_eq!(cursor_of(&token_of(cursor)), Ok(cursor));
        for text in ["", "1", "1-2", "1-2-x", "x-2-00000000000000000000000000000007", "-1-2-3"] {
            assert!(cursor_of(text).is_err(), "{text}");
        }
    }
}
