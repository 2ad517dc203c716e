//! What a customer says to the question whether to record (contract §3.5): in the push URL, or asked over HTTP.

use std::time::Duration;

use domain::rule::RecordRule;
use serde::Deserialize;

/// The shortest cycle that an answer may ask for, in seconds.
const CYCLE_SECONDS_MIN: u64 = 5;
/// The longest.
const CYCLE_SECONDS_MAX: u64 = 21_600;

/// `{"ApiVersion":"1.0","NeedRecord":true,"Interval":{"Mp4":300},"Format":["mp4"]}`; all but NeedRecord may be absent.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RecordAnswer {
    need_record: bool,
    #[serde(default)]
    interval: Intervals,
    format: Option<Vec<String>>,
}

/// Lengths of a cycle in seconds, by format.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Intervals {
    #[serde(rename = "M3U8", alias = "M3u8")]
    m3u8: Option<u64>,
    mp4: Option<u64>,
    flv: Option<u64>,
}

impl RecordAnswer {
    /// Reads an answer.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The rule with what the answer changes; `None`: nothing is recorded. What is stored is one form for all formats, so
    /// of the intervals the one of the first format named counts.
    pub(crate) fn applied_to(&self, rule: RecordRule) -> Option<RecordRule> {
        let known = ["m3u8", "mp4", "flv"];
        let named: Vec<String> = match &self.format {
            Some(formats) => formats.iter().map(|format| format.to_ascii_lowercase()).collect(),
            None => known.map(str::to_owned).into(),
        };
        let wanted: Vec<&str> = named.iter().map(String::as_str).filter(|format| known.contains(format)).collect();
        if !self.need_record || wanted.is_empty() {
            return None;
        }
        let interval = wanted.iter().find_map(|format| match *format {
            "m3u8" => self.interval.m3u8,
            "mp4" => self.interval.mp4,
            _ => self.interval.flv,
        });
        let cycle_length = match interval {
            Some(seconds) if (CYCLE_SECONDS_MIN..=CYCLE_SECONDS_MAX).contains(&seconds) => Duration::from_secs(seconds),
            _ => rule.cycle_length,
        };
        Some(RecordRule { cycle_length, ..rule })
    }
}

#[cfg(test)]
mod tests {
    use domain::rule::{NO_TRANSCODE, OnDemand, RuleKey};

    use super::*;

    fn rule() -> RecordRule {
        RecordRule {
            key: RuleKey { domain: "play.localhost".into(), app: "cup".into(), stream: "*".into() },
            on_demand: OnDemand::PushParameters,
            cycle_length: Duration::from_secs(3_600),
            grace: Duration::from_secs(180),
            template_group: NO_TRANSCODE.into(),
            compose_group: None,
            safety_buffer: Duration::ZERO,
        }
    }

    fn cycle(text: &str) -> Option<u64> {
        Some(RecordAnswer::parse(text).unwrap().applied_to(rule())?.cycle_length.as_secs())
    }

    #[test]
    fn an_answer_says_whether_and_how_long_a_cycle_is() {
        for (text, seconds) in [
            (r#"{"NeedRecord":true}"#, Some(3_600)),
            (r#"{"NeedRecord":false}"#, None),
            (
                r#"{"ApiVersion":"1.0","NeedRecord":true,"Interval":{"Mp4":300,"Flv":120,"M3U8":180},"Format":["mp4","flv"]}"#,
                Some(300),
            ),
            (r#"{"NeedRecord":true,"Interval":{"Mp4":300,"M3U8":180}}"#, Some(180)),
            (r#"{"NeedRecord":true,"Interval":{"Flv":120},"Format":["FLV"]}"#, Some(120)),
            (r#"{"NeedRecord":true,"Format":[]}"#, None),
            (r#"{"NeedRecord":true,"Format":["avi"]}"#, None),
            (r#"{"NeedRecord":true,"Interval":{"M3U8":4}}"#, Some(3_600)),
            (r#"{"NeedRecord":true,"Interval":{"M3U8":5}}"#, Some(5)),
            (r#"{"NeedRecord":true,"Interval":{"M3U8":21600}}"#, Some(21_600)),
            (r#"{"NeedRecord":true,"Interval":{"M3U8":21601}}"#, Some(3_600)),
        ] {
            assert_eq!(cycle(text), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told_apart() {
        for text in ["", "true", "{}", r#"{"NeedRecord":"yes"}"#, r#"{"NeedRecord":true,"Format":"mp4"}"#] {
            assert!(RecordAnswer::parse(text).is_err(), "{text}");
        }
    }
}
