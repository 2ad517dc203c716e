//! Templates of snapshots and of animated images.

pub(super) mod form;

use catalog::{CatalogError, PictureTemplate};
use encode::PictureOrder;
use rpc::ParamError;
use rpc::param::{Filled, Json};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::form::Purpose;
use crate::codes::{Answer, ApiError, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::DEFAULT_APP;

/// Most templates of both kinds.
const TEMPLATES_MAX: u64 = 20;
/// The parameter that configurations come in.
const PARAM: &str = "TemplateConfig";

choice! {
    /// What a template is for.
    TemplateType {
        /// Still pictures.
        Snapshot = "Snapshot",
        /// Animated images.
        DynamicImage = "DynamicImage",
    }
}

impl TemplateType {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Snapshot => Purpose::Snapshot,
            Self::DynamicImage => Purpose::DynamicImage,
        }
    }

    const fn of(order: &PictureOrder) -> Self {
        match Purpose::of(order) {
            Purpose::Snapshot => Self::Snapshot,
            Purpose::DynamicImage => Self::DynamicImage,
        }
    }
}

operations! {
    /// Makes a template of snapshots or of animated images. What this server cannot make is refused here.
    Vod T2 AddVodTemplate => add_vod_template {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
        /// Its name.
        Name => name: Filled<128>,
        /// What it is for.
        TemplateType => kind: TemplateType,
        /// What is wanted, as JSON.
        TemplateConfig => config: Json<Value>,
    }

    /// Changes a template. What is absent stays as it is; what is being made goes on as it was begun.
    Vod T2 UpdateVodTemplate => update_vod_template {
        /// Its new name.
        Name => name: Option<Filled<128>>,
        /// What is wanted from now on, as JSON, in place of what was.
        TemplateConfig => config: Option<Json<Value>>,
        /// The template.
        VodTemplateId => id: Filled<64>,
    }

    /// Tells a template.
    Vod T2 GetVodTemplate => get_vod_template {
        /// The template.
        VodTemplateId => id: Filled<64>,
    }

    /// Lists the templates of one kind.
    Vod T2 ListVodTemplate => list_vod_template {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
        /// What they are for.
        TemplateType => kind: TemplateType,
    }

    /// Deletes a template. What is being made by it goes on.
    Vod T2 DeleteVodTemplate => delete_vod_template {
        /// The template.
        VodTemplateId => id: Filled<64>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Named {
    vod_template_id: String,
}

/// Refuses what the encoder of this host cannot write.
pub(super) fn can_be_made(context: &Context, order: &PictureOrder) -> Answer<()> {
    match order.lacking(context.settings.encoder) {
        Some(what) => Err(Code::InvalidParameter.because(format!("This server has no encoder for {what}."))),
        None => Ok(()),
    }
}

fn unknown(id: &str) -> ApiError {
    Code::NoSuchResource.because(format!("The template {id:?} does not exist."))
}

/// The template of this id, for this purpose.
pub(super) async fn template_for(context: &Context, id: &str, purpose: Purpose) -> Answer<PictureTemplate> {
    let found = context.catalog.picture_template(id).await?;
    found.filter(|template| Purpose::of(&template.order) == purpose).ok_or_else(|| unknown(id))
}

async fn add_vod_template(context: &Context, input: AddVodTemplate) -> Answer<Named> {
    let order = input.kind.purpose().order(PARAM, &input.config)?;
    can_be_made(context, &order)?;
    let id = context.catalog.ids().job(context.now).to_string();
    let template = PictureTemplate {
        id: id.clone(),
        name: input.name,
        app_id: input.app_id.unwrap_or_else(|| DEFAULT_APP.to_owned()),
        order,
        asked: input.config.to_string(),
        created: context.now,
        modified: context.now,
    };
    let mut tx = context.catalog.begin().await?;
    if tx.picture_template_count().await? >= TEMPLATES_MAX {
        return Err(Code::VodTemplateExceededMax.into());
    }
    tx.put_picture_template(&template).await?;
    tx.commit().await?;
    Ok(Named { vod_template_id: id })
}

async fn update_vod_template(context: &Context, input: UpdateVodTemplate) -> Answer<Named> {
    let mut tx = context.catalog.begin().await?;
    let mut template = tx.picture_template_to_change(&input.id).await?.ok_or_else(|| unknown(&input.id))?;
    if let Some(config) = input.config {
        template.order = Purpose::of(&template.order).order(PARAM, &config)?;
        can_be_made(context, &template.order)?;
        template.asked = config.to_string();
    }
    template.name = input.name.unwrap_or(template.name);
    template.modified = context.now;
    tx.put_picture_template(&template).await?;
    tx.commit().await?;
    Ok(Named { vod_template_id: input.id })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    vod_template_info: Info,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    creation_time: String,
    is_default: &'static str,
    modify_time: String,
    name: String,
    template_config: String,
    template_type: &'static str,
    vod_template_id: String,
}

/// In lists the application is told as well.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ListedInfo {
    app_id: String,
    #[serde(flatten)]
    info: Info,
}

fn info(template: &PictureTemplate) -> Info {
    Info {
        creation_time: template.created.to_iso8601(),
        is_default: "NotDefault",
        modify_time: template.modified.to_iso8601(),
        name: template.name.clone(),
        template_config: template.asked.clone(),
        template_type: TemplateType::of(&template.order).as_str(),
        vod_template_id: template.id.clone(),
    }
}

async fn get_vod_template(context: &Context, input: GetVodTemplate) -> Answer<Told> {
    let template = context.catalog.picture_template(&input.id).await?.ok_or_else(|| unknown(&input.id))?;
    Ok(Told { vod_template_info: info(&template) })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    vod_template_info_list: Vec<ListedInfo>,
}

async fn list_vod_template(context: &Context, input: ListVodTemplate) -> Answer<Listed> {
    let wanted = |template: &PictureTemplate| {
        let of_app = input.app_id.as_ref().is_none_or(|app| *app == template.app_id);
        of_app && Purpose::of(&template.order) == input.kind.purpose()
    };
    let all = context.catalog.picture_templates().await?.into_iter().filter(wanted);
    let told = all.map(|template| ListedInfo { info: info(&template), app_id: template.app_id });
    Ok(Listed { vod_template_info_list: told.collect() })
}

async fn delete_vod_template(context: &Context, input: DeleteVodTemplate) -> Answer<Named> {
    match context.catalog.delete_picture_template(&input.id).await {
        Ok(()) => Ok(Named { vod_template_id: input.id }),
        Err(CatalogError::NotFound { .. }) => Err(unknown(&input.id)),
        Err(error) => Err(error.into()),
    }
}

/// An object as JSON text.
pub(super) fn object(param: &'static str, value: Value) -> Answer<serde_json::Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(ParamError::invalid(param, "a JSON object is wanted").into())
        }
    }
}
