//! Until when videos are kept that have a time of their own. Operations of our own.

use rpc::ParamError;
use rpc::param::{CommaList, Time};
use schemars::JsonSchema;
use serde::Serialize;
use units::{AssetId, WallTime};

use super::videos::{IDS_READ_MAX, find, find_all};
use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::IdText;

/// What is kept for good is kept until then: 9999-12-31T23:59:59Z.
const FOR_GOOD: WallTime = WallTime::from_unix_s(253_402_300_799);

choice! {
    /// How long a video is kept.
    Keep {
        /// As long as the rule that would record its stream says; for good when there is none.
        Rule = "Rule",
        /// Until a time of its own, whatever its rule says.
        Until = "Until",
        /// For good, whatever its rule says.
        ForGood = "ForGood",
    }
}

impl Keep {
    fn of(until: Option<WallTime>) -> Self {
        match until {
            None => Self::Rule,
            Some(until) if until >= FOR_GOOD => Self::ForGood,
            Some(_) => Self::Until,
        }
    }
}

operations! {
    /// Says how long at most 20 videos are kept. One whose time is over is deleted within a minute, as DeleteVideo does it, and can be
    /// restored as long as any.
    Vod Own SetVideoRetention => set_video_retention {
        /// The videos, joined by commas.
        VideoIds => video_ids: CommaList<IdText, IDS_READ_MAX>,
        /// `Rule`, `Until` or `ForGood`.
        Keep => keep: Keep,
        /// With `Until`: until when.
        KeepUntil => until: Option<Time>,
    }

    /// Tells how long a video is kept.
    Vod Own GetVideoRetention => get_video_retention {
        /// The video.
        VideoId => video_id: IdText,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Set {
    non_exist_video_ids: Vec<String>,
}

async fn set_video_retention(context: &Context, input: SetVideoRetention) -> Answer<Set> {
    let until = match (input.keep, input.until) {
        (Keep::Rule, None) => None,
        (Keep::ForGood, None) => Some(FOR_GOOD),
        (Keep::Until, Some(until)) if until < FOR_GOOD => Some(until),
        (Keep::Until, Some(_)) => return Err(ParamError::invalid("KeepUntil", "it is too late").into()),
        (Keep::Until, None) => return Err(ParamError::missing("KeepUntil").into()),
        (Keep::Rule | Keep::ForGood, Some(_)) => {
            return Err(ParamError::invalid("KeepUntil", "it goes with Until only").into());
        }
    };
    let found = find_all(context, "VideoIds", Some(input.video_ids), None).await?;
    let mut told = Set { non_exist_video_ids: found.unknown_ids };
    // Always in the same order, so that two calls never wait for each other.
    let mut ids: Vec<AssetId> = found.assets.iter().map(|asset| asset.id).collect();
    ids.sort_unstable();
    let mut tx = context.catalog.begin().await?;
    for id in ids {
        if !tx.keep_asset(id, until).await? {
            told.non_exist_video_ids.push(id.to_string());
        }
    }
    tx.commit().await?;
    Ok(told)
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    keep: Keep,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_until: Option<String>,
    video_id: AssetId,
}

async fn get_video_retention(context: &Context, input: GetVideoRetention) -> Answer<Told> {
    let asset = find(context, Some(&input.video_id), None).await?;
    let keep = Keep::of(asset.keep_until);
    let own = asset.keep_until.filter(|_| keep == Keep::Until);
    Ok(Told { keep, keep_until: own.map(WallTime::to_iso8601), video_id: asset.id })
}
