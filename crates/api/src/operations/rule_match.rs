//! Which rule records a stream: an operation of our own.

use domain::rule::RuleKey;
use schemars::JsonSchema;
use serde::Serialize;
use units::StreamPath;

use super::record_rules::{Config, told};
use crate::codes::Answer;
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{DomainText, NameText, stream_path};

operations! {
    /// Tells which recording rule applies to a stream, and why: the exact stream comes before the exact app, both before a wildcard.
    Vod Own MatchLiveRecordRule => match_live_record_rule {
        /// The streaming domain, or an ingest domain tied to it.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream, whether somebody pushes it or not.
        StreamName => stream_name: NameText,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    matched: bool,
    /// What of the rule is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<Config>,
    /// Rules that would apply as well, best first.
    others: Vec<Other>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Other {
    app_name: String,
    stream_name: String,
    matched_by: &'static str,
}

async fn match_live_record_rule(context: &Context, input: MatchLiveRecordRule) -> Answer<Told> {
    let path = stream_path(context, &input.domain_name, &input.app_name, &input.stream_name).await?;
    let mut fitting = fitting(context, &path).await?.into_iter();
    let best = match fitting.next() {
        Some(key) => context.catalog.rule(&key).await?,
        None => None,
    };
    let matched_by = best.as_ref().and_then(|stored| word(&stored.rule.key, &path));
    let rule = match best {
        Some(stored) => {
            let kept = context.catalog.retention(&stored.rule.key).await?;
            Some(told(stored, kept))
        }
        None => None,
    };
    let other = |key: RuleKey| {
        let matched_by = word(&key, &path)?;
        Some(Other { app_name: key.app, stream_name: key.stream, matched_by })
    };
    Ok(Told { matched: rule.is_some(), matched_by, rule, others: fitting.filter_map(other).collect() })
}

/// The keys of the rules that fit, best first.
pub(super) async fn fitting(context: &Context, path: &StreamPath) -> Answer<Vec<RuleKey>> {
    let rules = context.catalog.rules_for_domain(path.domain()).await?;
    let mut fitting: Vec<(u8, RuleKey)> =
        rules.into_iter().filter_map(|rule| Some((rule.key.fit(path)?, rule.key))).collect();
    fitting.sort_by(|(one, key), (other, than)| other.cmp(one).then(key.cmp(than)));
    Ok(fitting.into_iter().map(|(_, key)| key).collect())
}

/// What of a key is exact; `None`: it does not fit.
fn word(key: &RuleKey, path: &StreamPath) -> Option<&'static str> {
    key.fit(path)?;
    Some(match (key.app.as_str(), key.stream.as_str()) {
        ("*", "*") => "Any",
        (_, "*") => "App",
        ("*", _) => "Stream",
        (_, _) => "AppAndStream",
    })
}
