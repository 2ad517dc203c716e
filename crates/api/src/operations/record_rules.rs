//! Rules that say which streams are recorded into VOD, and how (`LiveRecordVodConfig` on the wire).

mod form;

use std::time::Duration;

use catalog::{CatalogError, DomainKind, Retention, StoredRule};
use domain::rule::{OnDemand, RecordRule, RuleKey};
use rpc::ParamError;
use rpc::param::{Filled, Flag, Int, List, Text};
use schemars::JsonSchema;
use serde::Serialize;
use units::StreamPath;

use self::form::{RecordFormat, WireRule};
use crate::codes::{Answer, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, NameText, PageNumber, existing_domain, filled, page};

/// Longest cycle, and longest time a lost push may come back in, in seconds.
const SECONDS_MAX: i64 = 21_600;
/// Length of a cycle when none is named, in seconds.
const CYCLE_SECONDS_DEFAULT: i64 = 3_600;
/// How long a lost push may come back when nothing is named, in seconds.
const DELAY_SECONDS_DEFAULT: i64 = 180;

operations! {
    /// Adds a rule: streams of this name, published from now on, are recorded into VOD.
    Live T1 AddLiveRecordVodConfig => add_live_record_vod_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// The app, or `*` for each.
        AppName => app_name: NameText,
        /// The stream, or `*` for each, which is what an absent one means. An exact name wins over the wildcard.
        StreamName => stream_name: Option<NameText>,
        /// Seconds of one video; from the operator's minimum to 21600, 3600 when absent.
        CycleDuration => cycle_duration: Option<Int>,
        /// Seconds in which a lost push may come back; from the operator's minimum to 21600, 180 when absent.
        DelayTime => delay_time: Option<Int>,
        /// The template group of each cycle's video. Needed unless RecordFormat is given.
        VodTranscodeGroupId => group: Option<Filled<64>>,
        /// Whether the cycles are joined at the end.
        AutoCompose => auto_compose: Option<Flag>,
        /// The template group of the joined video. Needed when AutoCompose is ON.
        ComposeVodTranscodeGroupId => compose_group: Option<Filled<64>>,
        /// 0 automatic, 1 a callback decides, 2 the push parameters decide, 7 on command.
        OnDemand => on_demand: Option<Int<0, 7>>,
        /// An extension: days after its last media that a video is kept; 0 for good.
        RetentionDays => retention_days: Option<Int<0, 36_500>>,
        /// An extension: bytes that all videos of the rule may take, beyond which the oldest go; 0 for no limit.
        QuotaBytes => quota_bytes: Option<Int<0, { i64::MAX }>>,
        /// `raw`, `transcode`, or both joined by a comma.
        RecordContent => record_content: Option<Filled<32>>,
        /// The live transcodings that are recorded. Needed when RecordContent has `transcode`.
        TranscodeTemplates => transcode_templates: List<Filled<64>>,
        /// The newer form: when given, AutoCompose and both groups are not looked at.
        RecordFormat => record_format: List<RecordFormat>,
        /// Kept and told back.
        StorageLocation => storage_location: Option<Text<256>>,
        /// Kept and told back.
        SpaceId => space_id: Option<Text<64>>,
        /// An extension: seconds of what is pushed that are kept while it is not recorded, for ReachBack of
        /// RealTimeRecordCommand; 0, which is what an absent one means: none.
        SafetyBuffer => safety_buffer: Option<Int<0, 3600>>,
    }

    /// Changes a rule, for streams published from now on. What is absent stays as it is.
    Live T1 UpdateLiveRecordVodConfig => update_live_record_vod_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// The app, or `*`.
        AppName => app_name: NameText,
        /// The stream, or `*`, which is what an absent one means.
        StreamName => stream_name: Option<NameText>,
        /// Seconds of one video.
        CycleDuration => cycle_duration: Option<Int>,
        /// Seconds in which a lost push may come back.
        DelayTime => delay_time: Option<Int>,
        /// The template group of each cycle's video.
        VodTranscodeGroupId => group: Option<Filled<64>>,
        /// Whether the cycles are joined at the end.
        AutoCompose => auto_compose: Option<Flag>,
        /// The template group of the joined video.
        ComposeVodTranscodeGroupId => compose_group: Option<Filled<64>>,
        /// 0, 1, 2 or 7.
        OnDemand => on_demand: Option<Int<0, 7>>,
        /// An extension: days after its last media that a video is kept; 0 for good.
        RetentionDays => retention_days: Option<Int<0, 36_500>>,
        /// An extension: bytes that all videos of the rule may take, beyond which the oldest go; 0 for no limit.
        QuotaBytes => quota_bytes: Option<Int<0, { i64::MAX }>>,
        /// The live transcodings that are recorded.
        TranscodeTemplates => transcode_templates: List<Filled<64>>,
        /// The newer form.
        RecordFormat => record_format: List<RecordFormat>,
        /// An extension: seconds of what is pushed that are kept while it is not recorded.
        SafetyBuffer => safety_buffer: Option<Int<0, 3600>>,
    }

    /// Lists the rules of a domain, oldest first.
    Live T1 DescribeLiveRecordVodConfigs => describe_live_record_vod_configs {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// Only rules of exactly this app.
        AppName => app_name: Option<NameText>,
        /// Only rules of exactly this stream.
        StreamName => stream_name: Option<NameText>,
        /// Which page.
        PageNum => page_num: PageNumber = 1,
        /// Rules on a page.
        PageSize => page_size: Int<5, 100> = 10,
    }

    /// Deletes a rule. Streams that are being recorded finish under it.
    Live T1 DeleteLiveRecordVodConfig => delete_live_record_vod_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// The app, or `*`.
        AppName => app_name: NameText,
        /// The stream, or `*`, which is what an absent one means.
        StreamName => stream_name: Option<NameText>,
    }
}

async fn add_live_record_vod_config(context: &Context, input: AddLiveRecordVodConfig) -> Answer<Done> {
    let domain = streaming_domain(context, &input.domain_name).await?;
    let key = rule_key(domain, input.app_name, input.stream_name)?;
    let wire = WireRule {
        auto_compose: input.auto_compose.unwrap_or(false),
        group: input.group,
        compose_group: input.compose_group,
        record_content: input.record_content,
        transcode_templates: input.transcode_templates,
        record_format: input.record_format,
        storage_location: input.storage_location,
        space_id: input.space_id,
    };
    wire.check_content()?;
    let (template_group, compose_group) = wire.groups(&group_ids(context).await?)?;
    let rule = RecordRule {
        key,
        on_demand: input.on_demand.map(on_demand).transpose()?.unwrap_or_default(),
        cycle_length: cycle_length(context, input.cycle_duration.unwrap_or(CYCLE_SECONDS_DEFAULT))?,
        grace: grace(context, input.delay_time.unwrap_or(DELAY_SECONDS_DEFAULT))?,
        template_group,
        compose_group,
        safety_buffer: seconds(input.safety_buffer.unwrap_or(0)),
    };
    let kept = retention(Retention::default(), input.retention_days, input.quota_bytes);
    let stored = StoredRule { rule, wire: wire.to_json()?, created: context.now };
    let mut tx = context.catalog.begin().await?;
    match tx.add_rule(&stored).await {
        Ok(()) => {}
        Err(CatalogError::AlreadyExists { .. }) => return Err(Code::ConfigAlreadyExists.into()),
        Err(error) => return Err(error.into()),
    }
    tx.set_retention(&stored.rule.key, kept).await?;
    tx.commit().await?;
    Ok(Done {})
}

/// The template groups that somebody made.
async fn group_ids(context: &Context) -> Answer<Vec<String>> {
    Ok(context.catalog.template_groups().await?.into_iter().map(|group| group.id).collect())
}

async fn update_live_record_vod_config(context: &Context, input: UpdateLiveRecordVodConfig) -> Answer<Done> {
    let domain = streaming_domain(context, &input.domain_name).await?;
    let key = rule_key(domain, input.app_name, input.stream_name)?;
    let stored = context.catalog.rule(&key).await?.ok_or(Code::ConfigNotFound)?;
    let mut wire = WireRule::of(&stored);
    wire.auto_compose = input.auto_compose.unwrap_or(wire.auto_compose);
    wire.group = input.group.or(wire.group);
    wire.compose_group = input.compose_group.or(wire.compose_group);
    if !input.transcode_templates.is_empty() {
        wire.transcode_templates = input.transcode_templates;
    }
    if !input.record_format.is_empty() {
        wire.record_format = input.record_format;
    }
    wire.check_content()?;
    let (template_group, compose_group) = wire.groups(&group_ids(context).await?)?;
    let old = stored.rule;
    let rule = RecordRule {
        key,
        on_demand: input.on_demand.map(on_demand).transpose()?.unwrap_or(old.on_demand),
        cycle_length: input.cycle_duration.map(|s| cycle_length(context, s)).transpose()?.unwrap_or(old.cycle_length),
        grace: input.delay_time.map(|s| grace(context, s)).transpose()?.unwrap_or(old.grace),
        template_group,
        compose_group,
        safety_buffer: input.safety_buffer.map_or(old.safety_buffer, seconds),
    };
    let kept = context.catalog.retention(&rule.key).await?;
    let kept = retention(kept, input.retention_days, input.quota_bytes);
    let mut tx = context.catalog.begin().await?;
    match tx.update_rule(&rule, &wire.to_json()?, context.now).await {
        Ok(()) => {}
        Err(CatalogError::NotFound { .. }) => return Err(Code::ConfigNotFound.into()),
        Err(error) => return Err(error.into()),
    }
    tx.set_retention(&rule.key, kept).await?;
    tx.commit().await?;
    Ok(Done {})
}

/// What is kept, where `days` and `quota_bytes` are said; 0 for all.
fn retention(old: Retention, days: Option<i64>, quota_bytes: Option<i64>) -> Retention {
    let days = days.map_or(old.days, |days| u32::try_from(days).ok().filter(|days| *days > 0));
    let quota = quota_bytes.map_or(old.quota_bytes, |bytes| u64::try_from(bytes).ok().filter(|bytes| *bytes > 0));
    Retention { days, quota_bytes: quota }
}

async fn delete_live_record_vod_config(context: &Context, input: DeleteLiveRecordVodConfig) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?.name;
    match context.catalog.delete_rule(&rule_key(domain, input.app_name, input.stream_name)?).await? {
        true => Ok(Done {}),
        false => Err(Code::ConfigNotFound.into()),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Described {
    live_record_vod_configs: Configs,
    page_num: i64,
    page_size: i64,
    /// A string, in this operation only.
    total: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Configs {
    live_record_vod_config: Vec<Config>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Config {
    app_name: String,
    auto_compose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    compose_vod_transcode_group_id: Option<String>,
    create_time: String,
    cycle_duration: u64,
    delay_time: u64,
    domain_name: String,
    format_config: bool,
    on_demand: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention_days: Option<u32>,
    record_content: String,
    record_format_list: Formats,
    /// Ours: left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_buffer: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    space_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_location: Option<String>,
    stream_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcode_templates: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vod_transcode_group_id: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Formats {
    record_format: Vec<ToldFormat>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ToldFormat {
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_compose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_template_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slice_duration: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    video_process: Option<String>,
}

async fn describe_live_record_vod_configs(context: &Context, input: DescribeLiveRecordVodConfigs) -> Answer<Described> {
    let domain = existing_domain(context, &input.domain_name).await?.name;
    let (app, stream) = (input.app_name.as_deref(), input.stream_name.as_deref());
    let listed = context.catalog.rules(&domain, app, stream, page(input.page_num, input.page_size)).await?;
    let mut configs = Vec::new();
    for stored in listed.rows {
        let kept = context.catalog.retention(&stored.rule.key).await?;
        configs.push(told(stored, kept));
    }
    Ok(Described {
        live_record_vod_configs: Configs { live_record_vod_config: configs },
        page_num: input.page_num,
        page_size: input.page_size,
        total: listed.total.to_string(),
    })
}

pub(super) fn told(stored: StoredRule, kept: Retention) -> Config {
    let wire = WireRule::of(&stored);
    let rule = stored.rule;
    Config {
        app_name: rule.key.app,
        auto_compose: on_off(wire.auto_compose),
        compose_vod_transcode_group_id: wire.compose_group,
        create_time: stored.created.to_iso8601(),
        cycle_duration: rule.cycle_length.as_secs(),
        delay_time: rule.grace.as_secs(),
        domain_name: rule.key.domain,
        format_config: !wire.record_format.is_empty(),
        on_demand: on_demand_number(rule.on_demand),
        quota_bytes: kept.quota_bytes,
        retention_days: kept.days,
        record_content: wire.record_content.unwrap_or_else(|| "raw".to_owned()),
        record_format_list: Formats { record_format: wire.record_format.into_iter().map(told_format).collect() },
        safety_buffer: Some(rule.safety_buffer.as_secs()).filter(|seconds| *seconds > 0),
        space_id: wire.space_id,
        storage_location: wire.storage_location,
        stream_name: rule.key.stream,
        transcode_templates: filled(&wire.transcode_templates.join(",")),
        vod_transcode_group_id: wire.group,
    }
}

fn told_format(format: RecordFormat) -> ToldFormat {
    ToldFormat {
        auto_compose: format.auto_compose.map(on_off),
        format: format.format,
        process_method: format.process_method,
        process_template_id: format.process_template_id,
        slice_duration: format.slice_duration,
        tags: format.tags,
        video_process: format.video_process,
    }
}

fn on_off(flag: bool) -> &'static str {
    if flag { "ON" } else { "OFF" }
}

/// Rules hang on the play domain; one on a push domain would never match.
async fn streaming_domain(context: &Context, name: &str) -> Answer<String> {
    let domain = existing_domain(context, name).await?;
    match domain.kind {
        DomainKind::Play => Ok(domain.name),
        DomainKind::Push | DomainKind::Vod => {
            Err(ParamError::invalid("DomainName", "it is an ingest domain; name the streaming domain it is tied to")
                .into())
        }
    }
}

fn rule_key(domain: String, app: String, stream: Option<String>) -> Answer<RuleKey> {
    let stream = stream.unwrap_or_else(|| "*".to_owned());
    // The wildcard stands for any name; all else has to be one.
    let name = |text: &str| if text == "*" { "any".to_owned() } else { text.to_owned() };
    StreamPath::new(&domain, &name(&app), &name(&stream))
        .map_err(|error| Code::InvalidParameter.because(format!("{error}.")))?;
    Ok(RuleKey { domain, app, stream })
}

fn cycle_length(context: &Context, seconds: i64) -> Answer<Duration> {
    within("CycleDuration", seconds, context.settings.cycle_seconds_min)
}

fn grace(context: &Context, seconds: i64) -> Answer<Duration> {
    within("DelayTime", seconds, context.settings.delay_seconds_min)
}

/// A parameter that was read in its range, which has nothing below zero.
fn seconds(number: i64) -> Duration {
    Duration::from_secs(u64::try_from(number).unwrap_or(0))
}

fn within(param: &str, seconds: i64, min: u32) -> Answer<Duration> {
    match u64::try_from(seconds) {
        Ok(length) if (i64::from(min)..=SECONDS_MAX).contains(&seconds) => Ok(Duration::from_secs(length)),
        _ => Err(ParamError::invalid(param, format!("{seconds} is not from {min} to {SECONDS_MAX} seconds")).into()),
    }
}

fn on_demand(number: i64) -> Answer<OnDemand> {
    match number {
        0 => Ok(OnDemand::Automatic),
        1 => Ok(OnDemand::AskCallback),
        2 => Ok(OnDemand::PushParameters),
        7 => Ok(OnDemand::Manual),
        _ => Err(ParamError::invalid("OnDemand", "one of 0, 1, 2, 7 is wanted").into()),
    }
}

fn on_demand_number(on_demand: OnDemand) -> i64 {
    match on_demand {
        OnDemand::Automatic => 0,
        OnDemand::AskCallback => 1,
        OnDemand::PushParameters => 2,
        OnDemand::Manual => 7,
    }
}
