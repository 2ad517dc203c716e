//! Files that become videos, pulled from where their owners say.

use std::time::Duration;

use catalog::{NewUpload, Upload, UploadState};
use domain::rule::NO_TRANSCODE;
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use units::{AssetId, JobId};
use url::Url;

use super::templates;
use super::videos::{Update, not_written};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{IdText, user_data};

/// Most files of one call.
const URLS_MAX: usize = 20;
/// Longest URL, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// Most ids of one question.
const JOBS_MAX: usize = 20;
/// How long a SessionId means the call that it came with.
const SESSION: Duration = Duration::from_secs(600);

operations! {
    /// Has files pulled from URLs; each becomes a video.
    Vod T2 UploadMediaByURL => upload_media_by_url {
        /// At most 20 http or https URLs, joined by commas; each may be URL-encoded.
        UploadURLs => urls: CommaList<Filled<URL_BYTES_MAX>, { URLS_MAX + 1 }>,
        /// JSON: an array of objects with SourceURL, as in UploadURLs, and what is written on its video: Title, Description, CoverURL, CateId,
        /// Tags, TemplateGroupId, UserData, ReferenceId. Other members are left alone.
        UploadMetadatas => metadatas: Option<Json<Vec<Metadata>>>,
        /// The template group of those whose metadata name none; the default one when absent.
        TemplateGroupId => group: Option<Filled<64>>,
        /// Told back, for those whose metadata have none.
        UserData => user_data: Option<Filled<1024>>,
        /// Within ten minutes, the same again means the call that it came with first.
        SessionId => session: Option<Filled<50>>,
    }

    /// Tells what became of files that are, or were, pulled.
    Vod T2 GetURLUploadInfos => get_url_upload_infos {
        /// At most 20 ids, joined by commas.
        JobIds => jobs: Option<CommaList<IdText, JOBS_MAX>>,
        /// At most 20 URLs, joined by commas: the newest job of each is told of.
        UploadURLs => urls: Option<CommaList<Filled<URL_BYTES_MAX>, JOBS_MAX>>,
    }

    /// Ends pulls that have not ended.
    Vod T3 CancelUrlUploadJobs => cancel_url_upload_jobs {
        /// At most 20 ids, joined by commas.
        JobIds => jobs: Option<CommaList<IdText, JOBS_MAX>>,
        /// At most 20 URLs, joined by commas: the newest job of each is meant.
        UploadUrls => urls: Option<CommaList<Filled<URL_BYTES_MAX>, JOBS_MAX>>,
    }
}

/// What is written on the video of one file.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metadata {
    #[serde(rename = "SourceURL")]
    source_url: String,
    title: Option<String>,
    description: Option<String>,
    tags: Option<String>,
    cate_id: Value,
    #[serde(rename = "CoverURL")]
    cover_url: Option<String>,
    template_group_id: Option<String>,
    /// Text, or the JSON that it would be.
    user_data: Value,
    reference_id: Option<String>,
}

/// The URL that an item of a list means: as it is, or encoded as a whole.
fn url_of(item: &str) -> String {
    if item.contains("://") { item.to_owned() } else { rpc::percent_decoded(item) }
}

/// How the file at a URL is called.
fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).filter(|name| !name.is_empty());
    last.map_or_else(|| "source".to_owned(), rpc::percent_decoded)
}

/// The template group that is asked for, or the default one.
pub(super) async fn group_or_default(context: &Context, group: Option<String>) -> Answer<String> {
    let Some(group) = group else {
        return Ok(context.catalog.default_template_group().await?.unwrap_or_else(|| NO_TRANSCODE.to_owned()));
    };
    if templates::is_built_in(&group) || context.catalog.template_group(&group).await?.is_some() {
        return Ok(group);
    }
    Err(Code::InvalidTemplateGroupIdNotFound.because(format!("The template group {group:?} does not exist.")))
}

/// A title of at most so many bytes, of whole characters.
pub(super) fn title_of(name: &str, bytes_max: usize) -> String {
    let mut title: String = name.chars().filter(|c| !c.is_control()).collect();
    while title.len() > bytes_max {
        title.pop();
    }
    if title.is_empty() { "untitled".to_owned() } else { title }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    upload_jobs: Vec<UploadJob>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct UploadJob {
    job_id: JobId,
    #[serde(rename = "SourceURL")]
    source_url: String,
}

async fn upload_media_by_url(context: &Context, input: UploadMediaByURL) -> Answer<Begun> {
    let since = context.now.before(SESSION);
    if let Some(session) = &input.session {
        let known = context.catalog.uploads_of_session(session, since).await?;
        if !known.is_empty() {
            return Ok(Begun { upload_jobs: known.into_iter().map(job).collect() });
        }
    }
    if input.urls.len() > URLS_MAX {
        return Err(Code::InvalidUploadUrls.because(format!("At most {URLS_MAX} URLs are taken in one call.")));
    }
    let metadatas = input.metadatas.unwrap_or_default();
    let mut all = Vec::with_capacity(input.urls.len());
    for item in &input.urls {
        let source = url_of(item);
        let url = Url::parse(&source).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| {
            Code::InvalidUploadUrls
                .because(format!("{source:?} is no http or https URL; commas in one are to be encoded."))
        })?;
        let of_it = |one: &&Metadata| one.source_url == *item || url_of(&one.source_url) == source;
        let metadata = metadatas.iter().find(of_it).cloned().unwrap_or_default();
        all.push(
            new_upload(context, source, &url, metadata, input.group.clone(), input.user_data.clone(), &input.session)
                .await?,
        );
    }
    let mut tx = context.catalog.begin().await?;
    let mut begun = Vec::with_capacity(all.len());
    for new in &all {
        begun.push(job(tx.begin_upload(new, context.now).await.map_err(not_written)?));
    }
    tx.commit().await?;
    Ok(Begun { upload_jobs: begun })
}

fn job(upload: Upload) -> UploadJob {
    UploadJob { job_id: upload.id, source_url: upload.source.unwrap_or_default() }
}

async fn new_upload(
    context: &Context,
    source: String,
    url: &Url,
    metadata: Metadata,
    group: Option<String>,
    told_back: Option<String>,
    session: &Option<String>,
) -> Answer<NewUpload> {
    let own = match metadata.user_data {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    let told_back = own.or(told_back).filter(|text| !text.is_empty());
    let file_name = file_name(url);
    let update = Update {
        title: metadata.title.filter(|title| !title.is_empty()).or_else(|| Some(title_of(&file_name, 128))),
        description: metadata.description,
        tags: metadata.tags,
        cate_id: metadata.cate_id,
        cover_url: metadata.cover_url,
        user_data: told_back.as_deref().map(user_data).transpose()?,
        ..Update::default()
    };
    let group = metadata.template_group_id.filter(|group| !group.is_empty()).or(group);
    Ok(NewUpload {
        source: Some(source),
        session: session.clone(),
        file_name,
        description: update.of_new(context, metadata.reference_id.filter(|id| !id.is_empty())).await?,
        template_group: group_or_default(context, group).await?,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Infos {
    non_exists: Vec<String>,
    #[serde(rename = "URLUploadInfoList")]
    list: Vec<Info>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_time: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<String>,
    job_id: JobId,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_id: Option<AssetId>,
    status: Status,
    #[serde(rename = "UploadURL")]
    upload_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Pending,
    Downloading,
    Uploading,
    Success,
    DownloadFail,
    UploadFail,
}

/// What is said of a pull that somebody ended.
const CANCELED: (&str, &str) = ("JobCanceled", "The job was canceled.");

fn info(upload: Upload) -> Info {
    let cancelled = upload.state == UploadState::Cancelled;
    let (code, message) = match (&upload.failure, cancelled) {
        (Some(failure), _) => (Some(failure.code.clone()), Some(failure.message.clone())),
        (None, true) => (Some(CANCELED.0.to_owned()), Some(CANCELED.1.to_owned())),
        (None, false) => (None, None),
    };
    let status = match upload.state {
        UploadState::Waiting | UploadState::Pending => Status::Pending,
        UploadState::Downloading => Status::Downloading,
        UploadState::Stored => Status::Uploading,
        UploadState::Done => Status::Success,
        // Before the file was here, or after.
        UploadState::Failed | UploadState::Cancelled if upload.md5.is_none() => Status::DownloadFail,
        UploadState::Failed | UploadState::Cancelled => Status::UploadFail,
    };
    Info {
        complete_time: upload.finished.map(units::WallTime::to_iso8601),
        creation_time: upload.created.to_iso8601(),
        error_code: code,
        error_message: message,
        file_size: upload.size_bytes.map(|size| size.to_string()),
        job_id: upload.id,
        media_id: (upload.state == UploadState::Done).then_some(upload.asset),
        status,
        upload_url: upload.source.unwrap_or_default(),
        user_data: Some(upload.user_data).filter(|text| !text.is_empty()),
    }
}

/// The pulls of these ids, and the newest of these URLs, each once; and what names none.
async fn pulls(
    context: &Context,
    ids: Option<Vec<String>>,
    urls: Option<Vec<String>>,
) -> Answer<(Vec<Upload>, Vec<String>)> {
    let (ids, urls) = (ids.unwrap_or_default(), urls.unwrap_or_default());
    if ids.is_empty() && urls.is_empty() {
        return Err(ParamError::missing("JobIds").into());
    }
    let (mut found, mut unknown): (Vec<Upload>, Vec<String>) = (Vec::new(), Vec::new());
    let mut add = |upload: Option<Upload>, name: String| match upload.filter(|upload| upload.source.is_some()) {
        Some(upload) if found.iter().any(|known| known.id == upload.id) => {}
        Some(upload) => found.push(upload),
        None => unknown.push(name),
    };
    for id in ids {
        let upload = match id.parse::<JobId>() {
            Ok(id) => context.catalog.upload(id).await?,
            Err(_) => None,
        };
        add(upload, id);
    }
    for url in urls {
        let upload = context.catalog.upload_by_source(&url_of(&url)).await?;
        add(upload, url);
    }
    Ok((found, unknown))
}

async fn get_url_upload_infos(context: &Context, input: GetURLUploadInfos) -> Answer<Infos> {
    let (found, non_exists) = pulls(context, input.jobs, input.urls).await?;
    Ok(Infos { non_exists, list: found.into_iter().map(info).collect() })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Canceled {
    canceled_jobs: Vec<String>,
    non_exists: Vec<String>,
}

async fn cancel_url_upload_jobs(context: &Context, input: CancelUrlUploadJobs) -> Answer<Canceled> {
    let (found, non_exists) = pulls(context, input.jobs, input.urls).await?;
    let mut tx = context.catalog.begin().await?;
    let mut canceled_jobs = Vec::new();
    for upload in found {
        if tx.cancel_upload(upload.id, context.now).await? {
            canceled_jobs.push(upload.id.to_string());
        }
    }
    tx.commit().await?;
    Ok(Canceled { canceled_jobs, non_exists })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_be_encoded_as_a_whole_and_names_its_file() {
        assert_eq!(url_of("http%3A%2F%2Fh%2Fa%2Cb.mp4"), "http://h/a,b.mp4");
        assert_eq!(url_of("http://h/a%20b.mp4"), "http://h/a%20b.mp4");
        let name = |url: &str| file_name(&Url::parse(url).unwrap());
        assert_eq!(
            (name("http://h/a%20b.mp4?x=1"), name("http://h/"), name("http://h")),
            ("a b.mp4".into(), "source".into(), "source".into())
        );
        assert_eq!(title_of("ä\u{7}ä", 3), "ä");
        assert_eq!(title_of("\n", 128), "untitled");
    }
}
