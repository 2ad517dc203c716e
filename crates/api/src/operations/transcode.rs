//! Transcoding on request: asking for it, ending it, deleting what it made.

use catalog::{Asset, AssetStatus, CatalogError, DEFAULT_WATERMARK, NewTask, Retried, Submitted};
use encode::{ContentKey, Encryption, Format, Scheme, Template};
use rpc::ParamError;
use rpc::data_key::DataKeys;
use rpc::oss::base64;
use rpc::param::{CommaList, Filled, Int, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use units::JobId;

use super::templates::{self, Asked};
use super::videos::find;
use super::{subtitles, watermarks};
use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{IdText, http_url, user_data};

/// Most streams that one call deletes.
const STREAMS_MAX: usize = 20;
/// Most watermarks that one task shows otherwise: each image is fetched while the caller waits.
const MARKS_MAX: usize = 8;
/// Most ids that are read before they are refused with the code of their own.
const IDS_READ_MAX: usize = 1_000;

operations! {
    /// Has a video encoded with a template group, as it is now. What was encoded in the same way already is not encoded again.
    Vod T1 SubmitTranscodeJobs => submit_transcode_jobs {
        /// The video: its status is UploadSucc, Normal or Checking.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// The group. One output is made per template.
        TemplateGroupId => group: Filled<64>,
        /// 1 to 10: tasks of higher priority come before what waits of others.
        Priority => priority: Int<1, 10> = 6,
        /// Names the request: a second one of this name within seven days is refused. At most 50 characters.
        SessionId => session: Option<Filled<50>>,
        /// JSON with MessageCallback (where events of this task go instead) and Extend (told back with them).
        UserData => user_data: Option<Filled<4096>>,
        /// JSON with TranscodeTemplateList: what of Video, Audio, Clip, Rotate and TranscodeFileRegular of a template, named by its
        /// TranscodeTemplateId, is different for this task. And Watermarks: what watermarks of the group's templates, named by their
        /// WatermarkId, show in it: an image the one at FileUrl, words the Content. And SubtitleSetting, whose SubtitleList names at most
        /// four files of subtitles (SubtitleUrl: SubRip or WebVTT; CharEncode), which are drawn on all pictures in place of the templates' own.
        OverrideParams => overrides: Option<Json<Overrides>>,
        /// JSON with CipherText, of a key that GenerateKMSDataKey made: with that all outputs in m3u8 are encrypted. DecryptKeyUri is
        /// where players get the key from a server of the customer's; without it they get it here.
        EncryptConfig => encryption: Option<Filled<4096>>,
    }

    /// Makes a key for EncryptConfig of SubmitTranscodeJobs.
    Vod T3 GenerateKMSDataKey => generate_kms_data_key {}

    /// Tells a key that GenerateKMSDataKey made, to the server that gives it to players.
    Vod T3 DecryptKMSDataKey => decrypt_kms_data_key {
        /// What GenerateKMSDataKey told as CiphertextBlob.
        CipherText => cipher_text: Filled<4096>,
    }

    /// Ends a transcode task. Outputs that are not made yet end as failed; what nobody else wants of the work stops within a
    /// second. A task that has ended stays as it is.
    Vod Own CancelTranscodeTask => cancel_transcode_task {
        /// The task.
        TranscodeTaskId => task: IdText,
    }

    /// Deletes streams of a video.
    Vod T2 DeleteStream => delete_stream {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
        /// The streams, at most 20, joined by commas.
        JobIds => jobs: CommaList<IdText, IDS_READ_MAX>,
    }

    /// Has a job done once more that failed for good or was cancelled: one that ListJobs lists, or an output.
    Vod Own RetryJob => retry_job {
        /// The job, or the output.
        JobId => job: IdText,
    }
}

/// What is different for one task.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub struct Overrides {
    /// Read apart, as it may be JSON text.
    watermarks: Value,
    subtitle_setting: Value,
    package_subtitle_setting: Value,
    transcode_template_list: Vec<Asked>,
}

/// What a watermark shows in one task.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AskedMark {
    watermark_id: String,
    file_url: Option<String>,
    content: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    transcode_jobs: Jobs,
    transcode_task_id: JobId,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Jobs {
    transcode_job: Vec<Job>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Job {
    job_id: JobId,
}

async fn submit_transcode_jobs(context: &Context, input: SubmitTranscodeJobs) -> Answer<Begun> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    if !asset.status.may_be_transcoded() {
        return Err(illegal(asset.status));
    }
    let user_data = input.user_data.as_deref().map(user_data).transpose()?.unwrap_or_default();
    let mut templates = templates_of(context, &input.group, input.overrides.unwrap_or_default()).await?;
    if let Some(text) = input.encryption.as_deref().filter(|text| !matches!(text.trim(), "" | "{}")) {
        encrypt(&mut templates, &brought(context, text).await?)?;
    }
    let task = NewTask {
        asset: asset.id,
        template_group: input.group,
        templates,
        priority: u32::try_from(input.priority).unwrap_or(catalog::TRANSCODE_PRIORITY),
        user_data,
        session: input.session,
    };
    match context.catalog.submit_transcode(&task, context.now).await {
        Ok(Submitted::Begun { task, outputs }) => {
            let transcode_job = outputs.into_iter().map(|job_id| Job { job_id }).collect();
            Ok(Begun { transcode_jobs: Jobs { transcode_job }, transcode_task_id: task })
        }
        Ok(Submitted::Refused(status)) => Err(illegal(status)),
        Ok(Submitted::Sourceless) => {
            Err(Code::InvalidFileNotFound.because("The source file of the video was deleted."))
        }
        Ok(Submitted::Repeated) => Err(Code::SessionRepeated.into()),
        Err(error) => Err(not_found(error, Code::InvalidVideoNotFound)),
    }
}

fn illegal(status: AssetStatus) -> ApiError {
    let status = status.as_str();
    Code::ForbiddenIllegalStatusForJob
        .because(format!("Only videos whose status is UploadSucc, Normal or Checking allow this. It is {status}."))
}

/// A row that is not there as `code`, and all else as it is.
fn not_found(error: CatalogError, code: Code) -> ApiError {
    match error {
        CatalogError::NotFound { .. } => code.into(),
        other => other.into(),
    }
}

/// The templates of a group, as they are for this task.
async fn templates_of(context: &Context, group: &str, overrides: Overrides) -> Answer<Vec<Template>> {
    if templates::is_built_in(group) {
        return Err(ParamError::invalid("TemplateGroupId", "nothing is encoded with this group").into());
    }
    let group = context.catalog.template_group(group).await?;
    let group = group.ok_or_else(|| Code::NoSuchResource.because("The template group does not exist."))?;
    if group.templates.is_empty() {
        return Err(ParamError::invalid("TemplateGroupId", "the group has no templates").into());
    }
    if is_set(&overrides.package_subtitle_setting) {
        let why = "PackageSubtitleSetting: packages have no subtitles of their own here; SubtitleSetting draws them on the pictures";
        return Err(ParamError::invalid("OverrideParams", why).into());
    }
    let mut stored = group.templates;
    for (number, change) in (1..).zip(overrides.transcode_template_list) {
        templates::override_one(context.settings.encoder, &mut stored, number, change)?;
    }
    let mut templates: Vec<Template> = stored.into_iter().map(|stored| stored.template).collect();
    show_instead(context, &mut templates, marks_of(overrides.watermarks)?).await?;
    if is_set(&overrides.subtitle_setting) {
        subtitle(context, &mut templates, overrides.subtitle_setting).await?;
    }
    Ok(templates)
}

/// `OverrideParams.SubtitleSetting` (contract §2.13).
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct SubtitleSetting {
    subtitle_list: Value,
}

/// Draws these subtitles on the pictures of every template, in place of its own.
async fn subtitle(context: &Context, templates: &mut [Template], asked: Value) -> Answer<()> {
    let wrong = |why: String| ApiError::from(ParamError::invalid("OverrideParams", format!("SubtitleSetting: {why}")));
    let setting: SubtitleSetting = match asked {
        Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    }
    .map_err(|error| wrong(error.to_string()))?;
    let in_list = |why: String| wrong(format!("SubtitleList: {why}"));
    let files = subtitles::listed(&setting.subtitle_list).map_err(in_list)?;
    if files.is_empty() {
        return Ok(());
    }
    if !context.settings.encoder.subtitles {
        return Err(wrong(subtitles::LACKING.to_owned()));
    }
    if templates.iter().all(|template| template.profile.video.is_none()) {
        return Err(wrong("no template of the group has pictures to draw them on".to_owned()));
    }
    let hashes = subtitles::taken(context, &files).await?.map_err(in_list)?;
    for video in templates.iter_mut().filter_map(|template| template.profile.video.as_mut()) {
        video.subtitles.clone_from(&hashes);
    }
    Ok(())
}

/// Where something in `OverrideParams.Watermarks` is wrong, counted from 1.
fn wrong_mark(number: usize, why: &str) -> ApiError {
    ParamError::invalid("OverrideParams", format!("Watermarks, {number}: {why}")).into()
}

/// A list, or JSON text of one.
fn marks_of(value: Value) -> Answer<Vec<AskedMark>> {
    if !is_set(&value) {
        return Ok(Vec::new());
    }
    let read = match value {
        Value::String(text) => serde_json::from_str(&text),
        value => serde_json::from_value(value),
    };
    let asked: Vec<AskedMark> =
        read.map_err(|error| ParamError::invalid("OverrideParams", format!("Watermarks: {error}")))?;
    if asked.len() > MARKS_MAX {
        return Err(wrong_mark(asked.len(), &format!("at most {MARKS_MAX} can be replaced")));
    }
    Ok(asked)
}

/// Replaces what watermarks of these templates show.
async fn show_instead(context: &Context, templates: &mut [Template], asked: Vec<AskedMark>) -> Answer<()> {
    if asked.is_empty() {
        return Ok(());
    }
    let default = context.catalog.default_watermark().await?;
    for (number, asked) in (1..).zip(asked) {
        let known = context.catalog.watermark(&asked.watermark_id).await?;
        let known = known.ok_or_else(|| wrong_mark(number, "there is no watermark of this WatermarkId"))?;
        let names = |id: &str| id == known.id || (id == DEFAULT_WATERMARK && default.as_ref() == Some(&known.id));
        let showing = templates.iter_mut().filter_map(|template| template.profile.video.as_mut());
        let mut showing: Vec<_> = showing.filter(|video| video.watermarks.iter().any(|id| names(id))).collect();
        if showing.is_empty() {
            return Err(wrong_mark(number, "no template of the group shows this watermark"));
        }
        let [file_url, content] =
            [&asked.file_url, &asked.content].map(|text| text.as_deref().filter(|text| !text.is_empty()));
        let shown = watermarks::shown_instead(context, &known.watermark, file_url, content).await?;
        let shown = shown.map_err(|why| wrong_mark(number, &why))?;
        for video in &mut showing {
            for id in video.watermarks.iter().filter(|id| names(id)) {
                video.shown_instead.insert(id.clone(), shown.clone());
            }
        }
    }
    Ok(())
}

/// `EncryptConfig` (contract §2.13).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptConfig {
    cipher_text: Option<String>,
    decrypt_key_uri: Option<String>,
    key_service_type: Option<String>,
}

/// Longest address of a key, in bytes.
const KEY_URL_BYTES_MAX: usize = 2_048;

/// The key that somebody brought along.
async fn brought(context: &Context, text: &str) -> Answer<Encryption> {
    let wrong = |why: String| ApiError::from(ParamError::invalid("EncryptConfig", why));
    let asked: EncryptConfig = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if asked.key_service_type.as_deref().is_some_and(|kind| !matches!(kind, "" | "KMS")) {
        return Err(wrong("KeyServiceType: KMS is wanted".to_owned()));
    }
    let Some(cipher_text) = asked.cipher_text.filter(|text| !text.is_empty()) else {
        return Err(wrong("CipherText: it is missing; GenerateKMSDataKey makes one".to_owned()));
    };
    let key = data_keys(context).await?.open(&cipher_text);
    let key = key.ok_or_else(|| wrong("CipherText: no key of GenerateKMSDataKey has it".to_owned()))?;
    let key_url = asked.decrypt_key_uri.filter(|url| !url.is_empty());
    if let Some(url) = &key_url {
        http_url("EncryptConfig", url)?;
        if url.len() > KEY_URL_BYTES_MAX {
            return Err(wrong(format!("DecryptKeyUri: it has more than {KEY_URL_BYTES_MAX} bytes")));
        }
    }
    Ok(Encryption { scheme: Scheme::Brought, key: Some(ContentKey::new(key)), key_url })
}

/// All that can be encrypted of a task.
fn encrypt(templates: &mut [Template], with: &Encryption) -> Answer<()> {
    let wrong = |why: String| ApiError::from(ParamError::invalid("EncryptConfig", why));
    let is_playlist = |template: &&mut Template| template.format == Format::M3u8 && !template.is_package();
    let mut playlists = templates.iter_mut().filter(is_playlist).peekable();
    if playlists.peek().is_none() {
        return Err(wrong("the group has no template in m3u8, and nothing else can be encrypted".to_owned()));
    }
    playlists.for_each(|template| template.encryption = Some(with.clone()));
    templates::check_encryption(templates.iter()).map_err(wrong)
}

/// The name of the setting that data keys follow from.
const DATA_KEY_SECRET: &str = "data_key_secret";

async fn data_keys(context: &Context) -> Answer<DataKeys> {
    let first = catalog::secret().map(|byte| format!("{byte:02x}")).concat();
    Ok(DataKeys::new(&context.catalog.secret_setting_or(DATA_KEY_SECRET, &first).await?))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DataKeyTold {
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<String>,
    key_id: String,
    plaintext: String,
}

async fn generate_kms_data_key(context: &Context, _: GenerateKMSDataKey) -> Answer<DataKeyTold> {
    let keys = data_keys(context).await?;
    let made = keys.make(catalog::secret());
    Ok(DataKeyTold { ciphertext_blob: Some(made.cipher_text), key_id: keys.id(), plaintext: base64(&made.key) })
}

async fn decrypt_kms_data_key(context: &Context, input: DecryptKMSDataKey) -> Answer<DataKeyTold> {
    let keys = data_keys(context).await?;
    let key = keys.open(&input.cipher_text);
    let key = key.ok_or_else(|| Code::NoSuchResource.because("No key of GenerateKMSDataKey has this CipherText."))?;
    Ok(DataKeyTold { ciphertext_blob: None, key_id: keys.id(), plaintext: base64(&key) })
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !matches!(text.trim(), "" | "[]" | "{}"),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Cancelled {
    canceled_job_ids: Vec<JobId>,
}

async fn cancel_transcode_task(context: &Context, input: CancelTranscodeTask) -> Answer<Cancelled> {
    let task = input.task.parse::<JobId>().map_err(|_| Code::NoSuchResource)?;
    // The tasks of a deleted video are gone with it.
    let known = context.catalog.transcode_task(task).await?.ok_or(Code::NoSuchResource)?;
    context.catalog.asset(known.asset).await?.ok_or(Code::NoSuchResource)?;
    let ended = context.catalog.cancel_task(task, context.now).await;
    Ok(Cancelled { canceled_job_ids: ended.map_err(|error| not_found(error, Code::NoSuchResource))? })
}

async fn delete_stream(context: &Context, input: DeleteStream) -> Answer<Done> {
    let asset: Asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    if input.jobs.len() > STREAMS_MAX {
        return Err(Code::JobIdsExceededMax.into());
    }
    let none = |id: &str| Code::InvalidStreamNotFound.because(format!("{id} is no stream of the video."));
    let mut jobs: Vec<JobId> = Vec::with_capacity(input.jobs.len());
    for id in &input.jobs {
        let job = id.parse().map_err(|_| none(id))?;
        if !jobs.contains(&job) {
            jobs.push(job);
        }
    }
    match context.catalog.delete_streams(asset.id, &jobs, context.now).await {
        Ok(()) => Ok(Done {}),
        Err(CatalogError::NotFound { what: "stream", key }) => Err(none(&key)),
        Err(error) => Err(not_found(error, Code::InvalidVideoNotFound)),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct RetryTold {
    /// Whether the job is done once more; `false`: it has not failed, or something else does the same already.
    retried: bool,
}

async fn retry_job(context: &Context, input: RetryJob) -> Answer<RetryTold> {
    let job = input.job.parse::<JobId>().map_err(|_| Code::NoSuchResource)?;
    match context.catalog.retry_job(job, context.now).await {
        Ok(retried) => Ok(RetryTold { retried: retried == Retried::Begun }),
        Err(error) => Err(not_found(error, Code::NoSuchResource)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_empty_in_any_form_is_not_set() {
        for value in [json!(null), json!([]), json!({}), json!(""), json!("[]"), json!(" {} ")] {
            assert!(!is_set(&value), "{value}");
        }
        for value in [json!([{"WatermarkId": "a"}]), json!({"SubtitleList": []}), json!("[{}]"), json!(true)] {
            assert!(is_set(&value), "{value}");
        }
    }
}
