//! A rule as customers write it: its newer form of recording formats, and what is only told back.

use catalog::StoredRule;
use domain::rule::{NO_TRANSCODE, STORE_ONLY};
use rpc::ParamError;
use rpc::param::{Filled, Flag, Int};
use serde::{Deserialize, Serialize};

use crate::codes::{Answer, ApiError, Code};
use crate::declare::{choice, object};

choice! {
    /// What becomes of a file that was recorded.
    ProcessMethod {
        /// It is transcoded with a template group.
        Transcode = "transcode",
        /// A workflow takes it.
        Workflow = "workflow",
    }
}

object! {
    /// A recording format. The stored form is one and the same; of the format only what follows a recording matters.
    RecordFormat {
        /// m3u8, flv or mp4.
        Format => format: Option<Filled<16>>,
        /// Seconds of one slice; kept and told back.
        SliceDuration => slice_duration: Option<Int<5, 30>>,
        /// Whether the cycles are joined at the end.
        AutoCompose => auto_compose: Option<Flag>,
        /// `origin`, `compose`, or both: which videos are processed.
        VideoProcess => video_process: Option<Filled<32>>,
        /// `transcode`.
        ProcessMethod => process_method: Option<Filled<32>>,
        /// The template group.
        ProcessTemplateId => process_template_id: Option<Filled<64>>,
        /// Kept and told back.
        Tags => tags: Option<Filled<512>>,
    }
}

/// What only the wire knows of a rule: told back, and looked at again when the rule is changed.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WireRule {
    pub(super) auto_compose: bool,
    pub(super) group: Option<String>,
    pub(super) compose_group: Option<String>,
    pub(super) record_content: Option<String>,
    pub(super) transcode_templates: Vec<String>,
    pub(super) record_format: Vec<RecordFormat>,
    pub(super) storage_location: Option<String>,
    pub(super) space_id: Option<String>,
}

impl WireRule {
    /// The rule stored with it. What the operator's bootstrap or another release stored without is what the rule says.
    pub(super) fn of(stored: &StoredRule) -> Self {
        let mut wire: WireRule = serde_json::from_value(stored.wire.clone()).unwrap_or_default();
        if wire.group.is_none() && wire.record_format.is_empty() {
            wire.group = Some(stored.rule.template_group.clone());
            wire.auto_compose = stored.rule.compose_group.is_some();
            wire.compose_group = stored.rule.compose_group.clone();
        }
        wire
    }

    /// Can what it names be recorded?
    pub(super) fn check_content(&self) -> Answer<()> {
        let content = self.record_content.as_deref().unwrap_or("raw");
        let words: Vec<&str> = content.split(',').map(str::trim).collect();
        if words.iter().any(|word| !matches!(*word, "raw" | "transcode")) {
            return Err(
                ParamError::invalid("RecordContent", "raw, transcode, or both joined by a comma are wanted").into()
            );
        }
        if words.contains(&"transcode") && self.transcode_templates.is_empty() {
            return Err(ParamError::missing("TranscodeTemplates").into());
        }
        Ok(())
    }

    /// As it is stored.
    pub(super) fn to_json(&self) -> Answer<serde_json::Value> {
        serde_json::to_value(self).map_err(|error| {
            tracing::error!(%error, "a rule cannot be written as JSON");
            Code::InternalError.into()
        })
    }

    /// The template groups of a cycle and of the joined video, from whichever form is in use.
    ///
    /// `known` are those that were added.
    pub(super) fn groups(&self, known: &[String]) -> Answer<(String, Option<String>)> {
        if self.record_format.is_empty() {
            let group = self.group.clone().ok_or_else(|| ParamError::missing("VodTranscodeGroupId"))?;
            known_group("VodTranscodeGroupId", &group, known)?;
            if !self.auto_compose {
                return Ok((group, None));
            }
            let compose =
                self.compose_group.clone().ok_or_else(|| ParamError::missing("ComposeVodTranscodeGroupId"))?;
            known_group("ComposeVodTranscodeGroupId", &compose, known)?;
            return Ok((group, Some(compose)));
        }
        let (mut group, mut compose) = (None, None);
        for (index, format) in self.record_format.iter().enumerate() {
            let (origin, composed) = format.processed(index.saturating_add(1), known)?;
            group = group.or(origin);
            compose = compose.or(composed);
        }
        Ok((group.unwrap_or_else(|| NO_TRANSCODE.to_owned()), compose))
    }
}

impl RecordFormat {
    /// The template groups that this format asks for: of the cycles, and of the joined video when they are joined.
    fn processed(&self, number: usize, known: &[String]) -> Answer<(Option<String>, Option<String>)> {
        let invalid = |member: &str, why: &str| -> ApiError {
            ParamError::invalid(&format!("RecordFormat.{number}.{member}"), why).into()
        };
        if !matches!(self.format.as_deref(), None | Some("m3u8" | "flv" | "mp4")) {
            return Err(invalid("Format", "one of m3u8, flv, mp4 is wanted"));
        }
        match self.process_method.as_deref() {
            None => {}
            Some(word) if word.eq_ignore_ascii_case(ProcessMethod::Transcode.as_str()) => {}
            Some(word) if word.eq_ignore_ascii_case(ProcessMethod::Workflow.as_str()) => {
                return Err(invalid("ProcessMethod", "there are no workflows here; transcode is possible"));
            }
            Some(_) => return Err(invalid("ProcessMethod", "one of transcode, workflow is wanted")),
        }
        if let Some(group) = &self.process_template_id {
            known_group(&format!("RecordFormat.{number}.ProcessTemplateId"), group, known)?;
        }
        let words: Vec<&str> = self
            .video_process
            .as_deref()
            .unwrap_or("origin")
            .split(',')
            .map(str::trim)
            .filter(|w| !w.is_empty())
            .collect();
        if words.iter().any(|word| !matches!(*word, "origin" | "compose")) {
            return Err(invalid("VideoProcess", "origin, compose, or both joined by a comma are wanted"));
        }
        let group_of = |word: &str| words.contains(&word).then(|| self.process_template_id.clone()).flatten();
        let composed = group_of("compose").unwrap_or_else(|| NO_TRANSCODE.to_owned());
        Ok((group_of("origin"), self.auto_compose.unwrap_or(false).then_some(composed)))
    }
}

/// The groups that exist without being made.
fn known_group(param: &str, group: &str, known: &[String]) -> Answer<()> {
    match group {
        NO_TRANSCODE | STORE_ONLY => Ok(()),
        added if known.iter().any(|known| known == added) => Ok(()),
        _ => Err(ParamError::invalid(param, format!("there is no template group {group:?}")).into()),
    }
}
