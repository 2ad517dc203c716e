//! Which streams are recorded, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use units::StreamPath;

/// The template group that encodes nothing and publishes the source itself (contract §2.12).
pub const NO_TRANSCODE: &str = "VOD_NO_TRANSCODE";
/// The template group after which nothing follows: stored, not listed for play.
pub const STORE_ONLY: &str = "VOD_STORE_ONLY";

/// Whether something is encoded with this template group.
pub fn encodes(template_group: &str) -> bool {
    ![NO_TRANSCODE, STORE_ONLY].contains(&template_group)
}

/// What a rule is found by. `app` and `stream` are a name or `*`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RuleKey {
    /// The play domain, lower case.
    pub domain: String,
    /// An app name, or `*` for each.
    pub app: String,
    /// A stream name, or `*` for each.
    pub stream: String,
}

/// When a rule records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDemand {
    /// As soon as a push is there.
    #[default]
    Automatic,
    /// A customer's answer over HTTP decides.
    AskCallback,
    /// The push parameters decide.
    PushParameters,
    /// Only on command.
    Manual,
}

/// How a stream is recorded. A recording keeps the rule it began with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RecordRule {
    /// What it applies to.
    pub key: RuleKey,
    /// When it records.
    pub on_demand: OnDemand,
    /// A cycle is cut at the first key frame at or after this length of recorded media.
    pub cycle_length: Duration,
    /// How long a lost push may come back and goes on as the same recording.
    pub grace: Duration,
    /// What becomes of each cycle's asset.
    pub template_group: String,
    /// What becomes of the composed asset; `None`: the cycles are not composed.
    pub compose_group: Option<String>,
    /// How much of what is pushed is kept back while it is not recorded, so that a start can reach back into it. Zero:
    /// nothing is. (Rules that were stored before there was such a thing have none.)
    #[serde(default)]
    pub safety_buffer: Duration,
}

impl RuleKey {
    /// How well the key fits: `None` when it does not, else higher for the more exact. An exact stream wins over an
    /// exact app, both over the wildcard.
    pub fn fit(&self, path: &StreamPath) -> Option<u8> {
        let part = |pattern: &str, name: &str, worth: u8| match pattern {
            "*" => Some(0),
            exact => (exact == name).then_some(worth),
        };
        if self.domain != path.domain() {
            return None;
        }
        Some(part(&self.stream, path.stream(), 2)? + part(&self.app, path.app(), 1)?)
    }
}

/// The rule that applies to `path`: exact before wildcard.
pub fn select<'a>(rules: impl IntoIterator<Item = &'a RecordRule>, path: &StreamPath) -> Option<&'a RecordRule> {
    rules
        .into_iter()
        .filter_map(|rule| Some((rule.key.fit(path)?, rule)))
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(app: &str, stream: &str) -> RecordRule {
        RecordRule {
            key: RuleKey { domain: "play.example.org".into(), app: app.into(), stream: stream.into() },
            on_demand: OnDemand::Automatic,
            cycle_length: Duration::from_secs(3600),
            grace: Duration::from_secs(180),
            template_group: NO_TRANSCODE.into(),
            compose_group: None,
            safety_buffer: Duration::ZERO,
        }
    }

    #[test]
    fn the_exact_name_wins_over_the_wildcard() {
        let rules = [rule("*", "*"), rule("cup", "*"), rule("*", "court1"), rule("cup", "court1")];
        let path = |app: &str, stream: &str| StreamPath::new("play.example.org", app, stream).unwrap();
        let chosen = |app: &str, stream: &str| {
            select(&rules, &path(app, stream)).map(|r| (r.key.app.as_str(), r.key.stream.as_str()))
        };
        assert_eq!(chosen("cup", "court1"), Some(("cup", "court1")));
        assert_eq!(chosen("cup", "court2"), Some(("cup", "*")));
        assert_eq!(chosen("league", "court1"), Some(("*", "court1")));
        assert_eq!(chosen("league", "x"), Some(("*", "*")));
        assert_eq!(select(&rules, &StreamPath::new("other.example.org", "cup", "court1").unwrap()), None);
    }
}
