//! What pictures and attached media have in common: making them, telling them, writing on them.

use std::collections::BTreeMap;

use catalog::{CatalogError, Description, LibraryFile, NewLibraryFile};
use domain::event::FileKind;
use rpc::ParamError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use units::AssetId;

use super::client_uploads::{Permit, is_extension, permit};
use super::uploads::title_of;
use super::videos::Update;
use crate::codes::{Answer, Code};
use crate::oss::file_object;
use crate::state::Context;
use crate::wire::{DEFAULT_APP, asset_url, filled, user_data};

/// Most ids of one call.
pub(super) const IDS_MAX: usize = 20;

/// What is asked for with a file that its client is to send.
pub(super) struct Asked {
    pub(super) kind: FileKind,
    pub(super) purpose: &'static str,
    /// As it is asked for, in whatever letter case.
    pub(super) extension: Option<String>,
    pub(super) file_name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Option<String>,
    pub(super) category: Option<i64>,
    pub(super) user_data: Option<String>,
}

/// Makes a file, and says where its client sends it.
pub(super) async fn begin(context: &Context, asked: Asked, otherwise: Option<&str>) -> Answer<(LibraryFile, Permit)> {
    let of_name = || asked.file_name.as_deref().and_then(|name| Some(name.rsplit_once('.')?.1.to_owned()));
    let extension = asked.extension.clone().or_else(of_name).or_else(|| otherwise.map(str::to_owned));
    let extension = extension.map(|text| text.trim_start_matches('.').to_ascii_lowercase());
    let extension = extension.filter(|text| is_extension(text)).ok_or_else(|| {
        Code::InvalidFileNameExtension.because("The file has no extension: letters and digits, at most eight.")
    })?;
    let file_name = asked.file_name.unwrap_or_else(|| format!("file.{extension}"));
    let update = Update {
        title: asked.title.filter(|title| !title.is_empty()).or_else(|| Some(title_of(&file_name, 128))),
        description: asked.description,
        tags: asked.tags,
        cate_id: asked.category.into(),
        user_data: asked.user_data.as_deref().map(user_data).transpose()?,
        ..Update::default()
    };
    let new = NewLibraryFile {
        kind: asked.kind,
        purpose: asked.purpose.to_owned(),
        description: update.of_new(context, None).await?,
        file_name,
        extension,
    };
    let file = context.catalog.begin_library_file(&new, context.now).await?;
    let permit = permit(context, &file.id.to_string(), file_object(&file))?;
    Ok((file, permit))
}

/// The file of an id, if it is of this kind.
pub(super) async fn find(context: &Context, kind: FileKind, id: &str) -> Answer<Option<LibraryFile>> {
    // A text that is no id is the id of no file.
    let Ok(id) = id.parse::<AssetId>() else { return Ok(None) };
    Ok(context.catalog.find_library_file(id).await?.filter(|file| file.kind == kind))
}

/// The files of at most 20 ids, each once, and the ids that are nobody's.
pub(super) async fn find_all(
    context: &Context,
    kind: FileKind,
    ids: Vec<String>,
) -> Answer<(Vec<LibraryFile>, Vec<String>)> {
    if ids.len() > IDS_MAX {
        return Err(Code::CountExceededMax.into());
    }
    let (mut found, mut unknown) = (Vec::<LibraryFile>::new(), Vec::new());
    for id in ids {
        match find(context, kind, &id).await? {
            Some(file) if found.iter().any(|known| known.id == file.id) => {}
            Some(file) => found.push(file),
            None => unknown.push(id),
        }
    }
    Ok((found, unknown))
}

/// Writes on files, all or none; gives the ids that are nobody's.
pub(super) async fn update_all(
    context: &Context,
    kind: FileKind,
    updates: Vec<(String, Update)>,
) -> Answer<Vec<String>> {
    if updates.len() > IDS_MAX {
        return Err(Code::CountExceededMax.into());
    }
    let (mut unknown, mut found): (Vec<String>, Vec<(AssetId, Description)>) = (Vec::new(), Vec::new());
    for (id, update) in updates {
        match find(context, kind, &id).await? {
            Some(file) => found.push((file.id, update.of_new(context, None).await?)),
            None => unknown.push(id),
        }
    }
    // Always in the same order, so that two calls never wait for each other; of one file in that of the call.
    found.sort_by_key(|(id, _)| *id);
    let mut tx = context.catalog.begin().await?;
    for (id, description) in &found {
        match tx.describe_library_file(*id, description, context.now).await {
            Ok(()) => {}
            // Deleted since it was found.
            Err(CatalogError::NotFound { .. }) => unknown.push(id.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    tx.commit().await?;
    Ok(unknown)
}

/// Deletes files.
pub(super) async fn delete_all(context: &Context, files: &[LibraryFile]) -> Answer<()> {
    let mut ids: Vec<AssetId> = files.iter().map(|file| file.id).collect();
    ids.sort_unstable();
    let mut tx = context.catalog.begin().await?;
    for id in ids {
        tx.delete_library_file(id, context.now).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The names of the categories of files.
pub(super) async fn names(context: &Context, files: &[LibraryFile]) -> Answer<BTreeMap<i64, String>> {
    let mut ids: Vec<i64> = files.iter().filter_map(|file| file.category).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(context.catalog.category_names(&ids).await?)
}

/// One category of a batch, which may be a number, or its digits, or a list of one.
pub(super) fn only_category(value: Value) -> Answer<Value> {
    match value {
        Value::String(text) if text.contains(',') => {
            Err(ParamError::invalid("CateIds", "a file has one category here").into())
        }
        Value::Array(items) if items.len() > 1 => {
            Err(ParamError::invalid("CateIds", "a file has one category here").into())
        }
        Value::Array(mut items) => Ok(items.pop().unwrap_or(Value::Null)),
        other => Ok(other),
    }
}

/// What is told of a picture wherever it is told of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    app_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_name: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    image_id: AssetId,
    /// Told by searches alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    modification_time: Option<String>,
    status: &'static str,
    storage_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    title: String,
    #[serde(rename = "URL")]
    url: String,
}

impl Image {
    /// As whoever asks for it by its id is told.
    pub(super) fn by_id(self) -> Self {
        Self { modification_time: None, ..self }
    }
}

pub(super) fn image(context: &Context, names: &BTreeMap<i64, String>, file: &LibraryFile) -> Image {
    let (cate_id, cate_name) = category(names, file);
    Image {
        app_id: DEFAULT_APP,
        cate_id,
        cate_name,
        creation_time: file.created.to_iso8601(),
        description: filled(&file.description),
        image_id: file.id,
        modification_time: Some(file.modified.to_iso8601()),
        status: file.status.as_str(),
        storage_location: context.settings.region.clone(),
        tags: filled(&file.tags),
        title: file.title.clone(),
        url: file_url(context, file),
    }
}

/// What is told of attached media wherever it is told of.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attached {
    app_id: &'static str,
    /// Told by searches alone: a question for it calls this `Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    business_type: Option<String>,
    categories: Vec<FileCategory>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    media_id: AssetId,
    modification_time: String,
    status: &'static str,
    storage_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    title: String,
    #[serde(rename = "URL")]
    url: String,
}

/// A category as attached media tell it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct FileCategory {
    cate_id: i64,
    cate_name: String,
}

impl Attached {
    /// As whoever asks for it by its id is told.
    pub(super) fn by_id(self) -> Self {
        Self { business_type: None, ..self }
    }
}

pub(super) fn attached(context: &Context, names: &BTreeMap<i64, String>, file: &LibraryFile) -> Attached {
    let categories = match category(names, file) {
        (Some(cate_id), Some(cate_name)) => vec![FileCategory { cate_id, cate_name }],
        _ => Vec::new(),
    };
    Attached {
        app_id: DEFAULT_APP,
        business_type: Some(file.purpose.clone()),
        categories,
        creation_time: file.created.to_iso8601(),
        description: filled(&file.description),
        media_id: file.id,
        modification_time: file.modified.to_iso8601(),
        status: file.status.as_str(),
        storage_location: context.settings.region.clone(),
        tags: filled(&file.tags),
        title: file.title.clone(),
        url: file_url(context, file),
    }
}

/// Id and name of a file's category; nothing of one that is deleted.
fn category(names: &BTreeMap<i64, String>, file: &LibraryFile) -> (Option<i64>, Option<String>) {
    file.category.and_then(|id| names.get_key_value(&id)).map(|(id, name)| (*id, name.clone())).unzip()
}

/// Where a file is served.
pub(super) fn file_url(context: &Context, file: &LibraryFile) -> String {
    asset_url(context, file.id, &file.name())
}
