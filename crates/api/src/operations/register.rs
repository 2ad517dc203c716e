//! What lies in this server's own store already, made into videos.

use catalog::{FileStatus, LibraryFile, NewUpload, upload_key};
use domain::event::FileKind;
use rpc::param::{Filled, Json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use units::{AssetId, WallTime};

use super::uploads::{group_or_default, title_of};
use super::videos::{Update, not_written};
use crate::codes::{Answer, Code};
use crate::declare::operations;
use crate::oss::joined;
use crate::state::Context;
use crate::wire::{own_path, user_data};

/// Most files of one call.
const FILES_MAX: usize = 10;

operations! {
    /// Makes videos of files that were sent as attached media; the files stay as they are. The URL of a video tells that video.
    Vod T3 RegisterMedia => register_media {
        /// JSON: an array of at most 10 objects with FileURL, and what is written on its video: Title, Description, CoverURL, CateId, Tags.
        RegisterMetadatas => metadatas: Json<Vec<Metadata>>,
        /// The template group; the default one when absent.
        TemplateGroupId => group: Option<Filled<64>>,
        /// Told back.
        UserData => user_data: Option<Filled<1024>>,
    }
}

/// What is written on the video of one file.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metadata {
    #[serde(rename = "FileURL")]
    file_url: String,
    title: Option<String>,
    description: Option<String>,
    tags: Option<String>,
    /// A number, or its digits.
    cate_id: Value,
    #[serde(rename = "CoverURL")]
    cover_url: Option<String>,
}

#[derive(Serialize, JsonSchema, Default)]
#[serde(rename_all = "PascalCase")]
struct Registered {
    #[serde(rename = "FailedFileURLs")]
    failed_file_urls: Vec<String>,
    registered_media_list: Vec<Media>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Media {
    #[serde(rename = "FileURL")]
    file_url: String,
    media_id: AssetId,
    new_register: bool,
}

/// The name under which the video of a file is found again.
fn session_of(file: &LibraryFile) -> String {
    format!("registered/{}", file.id)
}

async fn register_media(context: &Context, input: RegisterMedia) -> Answer<Registered> {
    if input.metadatas.is_empty() {
        return Err(rpc::ParamError::missing("RegisterMetadatas").into());
    }
    if input.metadatas.len() > FILES_MAX {
        return Err(rpc::ParamError::invalid("RegisterMetadatas", format!("at most {FILES_MAX} are taken")).into());
    }
    let group = group_or_default(context, input.group).await?;
    let told_back = input.user_data.as_deref().map(user_data).transpose()?;
    let mut told = Registered::default();
    for metadata in input.metadatas {
        let file_url = metadata.file_url.clone();
        match register(context, metadata, &group, told_back.clone()).await? {
            Some((media_id, new_register)) => {
                told.registered_media_list.push(Media { file_url, media_id, new_register })
            }
            None => told.failed_file_urls.push(file_url),
        }
    }
    Ok(told)
}

/// The video of a URL, and whether it is new; `None` when there is nothing of this server's there that could be one.
async fn register(
    context: &Context,
    metadata: Metadata,
    group: &str,
    told_back: Option<String>,
) -> Answer<Option<(AssetId, bool)>> {
    let Some((id, name)) = own_path(context, &metadata.file_url) else { return Ok(None) };
    if context.catalog.asset(id).await?.is_some() {
        return Ok(Some((id, false)));
    }
    let is_one = |file: &LibraryFile| {
        file.kind == FileKind::Attached && file.status == FileStatus::Normal && file.name() == name
    };
    let Some(file) = context.catalog.find_library_file(id).await?.filter(is_one) else { return Ok(None) };
    let session = session_of(&file);
    for known in context.catalog.uploads_of_session(&session, WallTime::from_unix_ms(0)).await? {
        if context.catalog.asset(known.asset).await?.is_some() {
            return Ok(Some((known.asset, false)));
        }
    }
    let update = Update {
        title: metadata.title.filter(|title| !title.is_empty()).or_else(|| Some(title_of(&file.file_name, 128))),
        description: metadata.description,
        tags: metadata.tags,
        cate_id: metadata.cate_id,
        cover_url: metadata.cover_url,
        user_data: told_back,
        ..Update::default()
    };
    let new = NewUpload {
        source: None,
        session: Some(session),
        file_name: file.file_name.clone(),
        description: update.of_new(context, None).await?,
        template_group: group.to_owned(),
    };
    // A copy, which is gone when the video has its reel. One that is broken off leaves a video that waits for its file.
    let upload = context.catalog.begin_upload(&new, context.now).await.map_err(not_written)?;
    if joined(&context.blobs, upload_key(upload.id), &[file.key()]).await.is_err() {
        context.catalog.cancel_upload(upload.id, context.now).await?;
        return Err(Code::ServiceUnavailable.into());
    }
    context.catalog.upload_stored(upload.id, file.size_bytes, &file.md5.unwrap_or_default(), context.now).await?;
    Ok(Some((upload.asset, true)))
}
