//! Template groups: what videos are encoded to.

mod form;

use catalog::{DEFAULT_WATERMARK, Ids, StoredTemplate, TemplateGroup, Tx};
use domain::rule::{NO_TRANSCODE, STORE_ONLY};
use encode::Capabilities;
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Flag, Json};
use schemars::JsonSchema;
use serde::Serialize;
use units::WallTime;

pub(super) use self::form::Asked;
pub(super) use self::form::check_encryption;
use self::form::{Config, Kind, Place, check_packages};
use super::subtitles;
use crate::codes::{Answer, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::DEFAULT_APP;

/// Most groups that can be made.
const GROUPS_MAX: u64 = 20;
/// Most templates of a group.
const TEMPLATES_MAX: usize = 20;
/// Most templates that one call takes out of a group.
const TAKEN_OUT_MAX: usize = 10;
/// The templates of the group that an installation begins with: a ladder that never asks for more than the source has.
const STANDARD: &str = r#"[
    {"TemplateName":"360p","Definition":"LD","Video":{"Codec":"H.264","Height":"360","Bitrate":"600"},
     "Audio":{"Codec":"AAC","Bitrate":"64"},"Container":{"Format":"m3u8"},"TransConfig":{"IsCheckReso":"true","IsCheckVideoBitrate":"true"}},
    {"TemplateName":"540p","Definition":"SD","Video":{"Codec":"H.264","Height":"540","Bitrate":"1200"},
     "Audio":{"Codec":"AAC","Bitrate":"96"},"Container":{"Format":"m3u8"},"TransConfig":{"IsCheckReso":"true","IsCheckVideoBitrate":"true"}},
    {"TemplateName":"720p","Definition":"HD","Video":{"Codec":"H.264","Height":"720","Bitrate":"2400"},
     "Audio":{"Codec":"AAC","Bitrate":"128"},"Container":{"Format":"m3u8"},"TransConfig":{"IsCheckReso":"true","IsCheckVideoBitrate":"true"}}
]"#;
/// The groups that exist without being made, and their names.
const BUILT_IN: [(&str, &str); 2] = [(NO_TRANSCODE, "No transcoding"), (STORE_ONLY, "Store only")];

choice! {
    /// Whether a group may be changed.
    Locking {
        /// It may not.
        Enabled = "Enabled",
        /// It may.
        Disabled = "Disabled",
    }
}

operations! {
    /// Makes a template group, or appends templates to one.
    Vod T1 AddTranscodeTemplateGroup => add_transcode_template_group {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
        /// The name of the new group. Needed unless TranscodeTemplateGroupId is given, with which it is not looked at.
        Name => name: Option<Filled<128>>,
        /// The group to append to.
        TranscodeTemplateGroupId => id: Option<Filled<64>>,
        /// The templates, as JSON. Without any the group is empty, and nothing can be encoded with it.
        TranscodeTemplateList => templates: Option<Json<Vec<Asked>>>,
    }

    /// Changes a template group, and templates of it one by one. What is absent stays as it is; what is being encoded goes on
    /// as it was begun.
    Vod T1 UpdateTranscodeTemplateGroup => update_transcode_template_group {
        /// `Enabled`: the group cannot be changed or deleted until it is `Disabled`.
        Locked => locked: Option<Locking>,
        /// Its new name.
        Name => name: Option<Filled<128>>,
        /// The group.
        TranscodeTemplateGroupId => id: Filled<64>,
        /// The templates to change, as JSON, each with its TranscodeTemplateId.
        TranscodeTemplateList => templates: Option<Json<Vec<Asked>>>,
    }

    /// Tells a template group with its templates.
    Vod T1 GetTranscodeTemplateGroup => get_transcode_template_group {
        /// The group.
        TranscodeTemplateGroupId => id: Filled<64>,
    }

    /// Lists all template groups, the built-in ones first.
    Vod T1 ListTranscodeTemplateGroup => list_transcode_template_group {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
    }

    /// Takes templates out of a group, or deletes it.
    Vod T1 DeleteTranscodeTemplateGroup => delete_transcode_template_group {
        /// `true`: the whole group goes.
        ForceDelGroup => whole: Flag = false,
        /// The group.
        TranscodeTemplateGroupId => id: Filled<64>,
        /// At most ten templates, joined by commas. Needed unless the whole group goes.
        TranscodeTemplateIds => template_ids: Option<CommaList<Filled<64>, TAKEN_OUT_MAX>>,
    }

    /// Makes a template group the default one.
    Vod T1 SetDefaultTranscodeTemplateGroup => set_default_transcode_template_group {
        /// The group.
        TranscodeTemplateGroupId => id: Filled<64>,
    }
}

/// The template group that an installation begins with. `None`: this host cannot encode it. Each call makes ids of its own.
pub fn standard_group(ids: &Ids, now: WallTime, encoder: Capabilities) -> Option<TemplateGroup> {
    let id = || ids.job(now).to_string();
    let all: Vec<Asked> = serde_json::from_str(STANDARD).ok()?;
    let templates =
        all.into_iter().enumerate().map(|(index, asked)| stored(encoder, asked, index.saturating_add(1), id()));
    let templates = templates.collect::<Answer<Vec<_>>>().ok()?;
    let (name, app_id) = ("Standard".to_owned(), DEFAULT_APP.to_owned());
    Some(TemplateGroup { id: id(), name, app_id, locked: false, templates, created: now, modified: now })
}

/// Whether the group exists without being made.
pub(super) fn is_built_in(id: &str) -> bool {
    BUILT_IN.iter().any(|(known, _)| *known == id)
}

/// The group of this id, held to be changed.
async fn held(tx: &mut Tx, id: &str) -> Answer<TemplateGroup> {
    if is_built_in(id) {
        return Err(Code::ForbiddenSpecialTemplateGroup.into());
    }
    tx.template_group_to_change(id).await?.ok_or_else(|| Code::InvalidTemplateGroupNotFound.into())
}

fn unlocked(group: &TemplateGroup) -> Answer<()> {
    if group.locked { Err(Code::ForbiddenLockedTemplateGroup.into()) } else { Ok(()) }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Named {
    transcode_template_group_id: String,
}

async fn add_transcode_template_group(context: &Context, input: AddTranscodeTemplateGroup) -> Answer<Named> {
    let mut templates = Vec::new();
    for (index, asked) in input.templates.unwrap_or_default().into_iter().enumerate() {
        let id = context.catalog.ids().job(context.now).to_string();
        let number = index.saturating_add(1);
        let mut template = stored(context.settings.encoder, asked, number, id)?;
        check_watermarks(context, &template, number).await?;
        let subtitles = subtitles_of(context, &asked_of(&template), number).await?;
        with_subtitles(&mut template, subtitles);
        templates.push(template);
    }
    let mut tx = context.catalog.begin().await?;
    let id = match input.id {
        Some(id) => {
            let mut group = held(&mut tx, &id).await?;
            unlocked(&group)?;
            group.templates.append(&mut templates);
            at_most_twenty(&group.templates)?;
            check_packages(&group.templates)?;
            group.modified = context.now;
            tx.update_template_group(&group).await?;
            id
        }
        None => {
            let name = input.name.ok_or_else(|| ParamError::missing("Name"))?;
            at_most_twenty(&templates)?;
            check_packages(&templates)?;
            if tx.template_group_count().await? >= GROUPS_MAX {
                return Err(Code::TemplateGroupExceededMax.into());
            }
            let id = context.catalog.ids().job(context.now).to_string();
            let app_id = input.app_id.unwrap_or_else(|| DEFAULT_APP.to_owned());
            let (created, modified) = (context.now, context.now);
            let group = TemplateGroup { id: id.clone(), name, app_id, locked: false, templates, created, modified };
            tx.add_template_group(&group).await?;
            id
        }
    };
    tx.commit().await?;
    Ok(Named { transcode_template_group_id: id })
}

fn at_most_twenty(templates: &[StoredTemplate]) -> Answer<()> {
    if templates.len() > TEMPLATES_MAX { Err(Code::TemplateExceededMax.into()) } else { Ok(()) }
}

fn stored(encoder: Capabilities, asked: Asked, number: usize, id: String) -> Answer<StoredTemplate> {
    let template = asked.template(number, id, encoder)?;
    let asked = serde_json::to_value(&asked).map_err(|error| {
        tracing::error!(%error, "a template cannot be written as JSON");
        Code::InternalError
    })?;
    Ok(StoredTemplate { template, asked })
}

/// Refuses templates that name watermarks which are not there. There need not be a default one.
async fn check_watermarks(context: &Context, stored: &StoredTemplate, number: usize) -> Answer<()> {
    for id in stored.template.watermarks() {
        if id != DEFAULT_WATERMARK && context.catalog.watermark(id).await?.is_none() {
            return Err(Place { number }.wrong("WatermarkIds", format!("the watermark {id:?} does not exist")));
        }
    }
    Ok(())
}

/// Takes the files of subtitles into the store that a template names; their hashes.
async fn subtitles_of(context: &Context, asked: &Asked, number: usize) -> Answer<Vec<String>> {
    let place = Place { number };
    let taken = subtitles::taken(context, &asked.subtitles(place)?).await?;
    taken.map_err(|why| place.wrong("SubtitleList", why))
}

fn with_subtitles(stored: &mut StoredTemplate, hashes: Vec<String>) {
    if let Some(video) = &mut stored.template.profile.video {
        video.subtitles = hashes;
    }
}

fn subtitles_in(stored: &StoredTemplate) -> Vec<String> {
    stored.template.profile.video.as_ref().map_or_else(Vec::new, |video| video.subtitles.clone())
}

/// A stored template as it was written. One that this version cannot read is told empty.
fn asked_of(stored: &StoredTemplate) -> Asked {
    serde_json::from_value(stored.asked.clone()).unwrap_or_default()
}

/// Changes, for one task, the template that `change` names by its TranscodeTemplateId. `number` is its place in the list of
/// changes.
pub(super) fn override_one(
    encoder: Capabilities,
    templates: &mut [StoredTemplate],
    number: usize,
    change: Asked,
) -> Answer<()> {
    let wrong = |why| Place { number }.wrong("TranscodeTemplateId", why);
    let id = change.transcode_template_id.clone().ok_or_else(|| wrong("it is missing"))?;
    let known = templates.iter_mut().find(|stored| stored.template.id == id);
    let known = known.ok_or_else(|| wrong("the group has no such template"))?;
    let subtitles = subtitles_in(known);
    *known = stored(encoder, asked_of(known).overridden_by(change, Place { number })?, number, id)?;
    with_subtitles(known, subtitles);
    Ok(())
}

async fn update_transcode_template_group(context: &Context, input: UpdateTranscodeTemplateGroup) -> Answer<Named> {
    let named_templates = input.templates.is_some();
    let changes = input.templates.unwrap_or_default();
    // Fetched before anything is held.
    let mut subtitles = Vec::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        subtitles.push(match change.subtitle_list {
            Some(_) => Some(subtitles_of(context, change, index.saturating_add(1)).await?),
            None => None,
        });
    }
    let mut tx = context.catalog.begin().await?;
    let mut group = held(&mut tx, &input.id).await?;
    // A locked group can be unlocked, and changed in the same call; locking it once more changes nothing.
    if input.locked != Some(Locking::Disabled) && (input.name.is_some() || named_templates) {
        unlocked(&group)?;
    }
    group.locked = input.locked.map_or(group.locked, |locked| locked == Locking::Enabled);
    group.name = input.name.unwrap_or(group.name);
    let changed = !changes.is_empty();
    for ((index, change), subtitles) in changes.into_iter().enumerate().zip(subtitles) {
        let number = index.saturating_add(1);
        let wrong = |why| Place { number }.wrong("TranscodeTemplateId", why);
        let id = change.transcode_template_id.clone().ok_or_else(|| wrong("it is missing"))?;
        let known = group.templates.iter_mut().find(|stored| stored.template.id == id);
        let known = known.ok_or_else(|| wrong("the group has no such template"))?;
        let changed = asked_of(known).changed_by(change);
        let mut changed = stored(context.settings.encoder, changed, number, id)?;
        check_watermarks(context, &changed, number).await?;
        with_subtitles(&mut changed, subtitles.unwrap_or_else(|| subtitles_in(known)));
        *known = changed;
    }
    if changed {
        check_packages(&group.templates)?;
    }
    group.modified = context.now;
    tx.update_template_group(&group).await?;
    tx.commit().await?;
    Ok(Named { transcode_template_group_id: input.id })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    transcode_template_group: Group,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Group {
    #[serde(flatten)]
    head: Head,
    transcode_template_list: Vec<ToldTemplate>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Head {
    app_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_time: Option<String>,
    is_default: &'static str,
    locked: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    modify_time: Option<String>,
    name: String,
    transcode_template_group_id: String,
}

/// The inner objects are JSON as text here.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ToldTemplate {
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    definition: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypt_setting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mux_config: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_setting: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle_list: Option<String>,
    template_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trans_config: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transcode_file_regular: Option<String>,
    transcode_template_id: String,
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    video: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    watermark_ids: Vec<String>,
}

fn told_template(stored: &StoredTemplate) -> ToldTemplate {
    let asked = asked_of(stored);
    // A map of JSON values always has a JSON text.
    let text = |config: Option<Config>| config.map(|config| serde_json::to_string(&config).unwrap_or_default());
    ToldTemplate {
        audio: text(asked.audio),
        clip: text(asked.clip),
        container: text(asked.container),
        definition: stored.template.definition.clone(),
        encrypt_setting: text(asked.encrypt_setting),
        mux_config: text(asked.mux_config),
        package_setting: text(asked.package_setting),
        rotate: asked.rotate.as_ref().and_then(form::text_of),
        subtitle_list: asked.subtitle_list.as_ref().map(list_text),
        template_name: stored.template.name.clone(),
        trans_config: text(asked.trans_config),
        transcode_file_regular: asked.transcode_file_regular,
        transcode_template_id: stored.template.id.clone(),
        kind: Kind::of(&stored.template).as_str(),
        video: text(asked.video),
        watermark_ids: asked.watermark_ids.unwrap_or_default(),
    }
}

/// The JSON text of a list, which may have been written as one.
fn list_text(list: &serde_json::Value) -> String {
    list.as_str().map_or_else(|| list.to_string(), str::to_owned)
}

fn is_default(id: &str, default: Option<&str>) -> &'static str {
    if default == Some(id) { "Default" } else { "NotDefault" }
}

fn head(group: &TemplateGroup, default: Option<&str>) -> Head {
    Head {
        app_id: group.app_id.clone(),
        creation_time: Some(group.created.to_iso8601()),
        is_default: is_default(&group.id, default),
        locked: if group.locked { Locking::Enabled } else { Locking::Disabled }.as_str(),
        modify_time: Some(group.modified.to_iso8601()),
        name: group.name.clone(),
        transcode_template_group_id: group.id.clone(),
    }
}

fn head_of_built_in(id: &str, name: &str, default: Option<&str>) -> Head {
    Head {
        app_id: DEFAULT_APP.to_owned(),
        creation_time: None,
        is_default: is_default(id, default),
        locked: Locking::Enabled.as_str(),
        modify_time: None,
        name: name.to_owned(),
        transcode_template_group_id: id.to_owned(),
    }
}

async fn get_transcode_template_group(context: &Context, input: GetTranscodeTemplateGroup) -> Answer<Told> {
    let default = context.catalog.default_template_group().await?;
    let default = default.as_deref();
    if let Some((id, name)) = BUILT_IN.iter().find(|(id, _)| *id == input.id) {
        let head = head_of_built_in(id, name, default);
        return Ok(Told { transcode_template_group: Group { head, transcode_template_list: Vec::new() } });
    }
    let group = context.catalog.template_group(&input.id).await?.ok_or(Code::InvalidTemplateGroupNotFound)?;
    let transcode_template_list = group.templates.iter().map(told_template).collect();
    Ok(Told { transcode_template_group: Group { head: head(&group, default), transcode_template_list } })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    transcode_template_group_list: Vec<Head>,
}

async fn list_transcode_template_group(context: &Context, input: ListTranscodeTemplateGroup) -> Answer<Listed> {
    let default = context.catalog.default_template_group().await?;
    let default = default.as_deref();
    let of_app = |head: &Head| input.app_id.as_deref().is_none_or(|app| app == head.app_id);
    let groups = context.catalog.template_groups().await?;
    let built_in = BUILT_IN.iter().map(|(id, name)| head_of_built_in(id, name, default));
    let all = built_in.chain(groups.iter().map(|group| head(group, default)));
    Ok(Listed { transcode_template_group_list: all.filter(of_app).collect() })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Deleted {
    non_exist_transcode_template_ids: Vec<String>,
}

async fn delete_transcode_template_group(context: &Context, input: DeleteTranscodeTemplateGroup) -> Answer<Deleted> {
    let mut tx = context.catalog.begin().await?;
    let mut group = held(&mut tx, &input.id).await?;
    unlocked(&group)?;
    let mut unknown = Vec::new();
    if input.whole {
        if tx.default_template_group().await?.as_deref() == Some(input.id.as_str()) {
            return Err(Code::ForbiddenDefaultTemplateGroup.into());
        }
        tx.delete_template_group(&input.id).await?;
    } else {
        for id in input.template_ids.ok_or_else(|| ParamError::missing("TranscodeTemplateIds"))? {
            let before = group.templates.len();
            group.templates.retain(|stored| stored.template.id != id);
            if group.templates.len() == before {
                unknown.push(id);
            }
        }
        group.modified = context.now;
        tx.update_template_group(&group).await?;
    }
    tx.commit().await?;
    Ok(Deleted { non_exist_transcode_template_ids: unknown })
}

async fn set_default_transcode_template_group(
    context: &Context,
    input: SetDefaultTranscodeTemplateGroup,
) -> Answer<Done> {
    let mut tx = context.catalog.begin().await?;
    if !is_built_in(&input.id) {
        held(&mut tx, &input.id).await?;
    }
    tx.set_default_template_group(&input.id).await?;
    tx.commit().await?;
    Ok(Done {})
}
