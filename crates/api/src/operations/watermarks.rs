//! Watermarks.

mod form;
mod image;

use catalog::{CatalogError, StoredWatermark};
use encode::{Shown, Watermark, WatermarkContent};
use rpc::ParamError;
use rpc::param::{Filled, Json};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::DEFAULT_APP;

/// Most watermarks. The contract says none: this many is beyond any use, and keeps the store of images small.
const WATERMARKS_MAX: u64 = 100;
/// The parameter that configurations come in.
const PARAM: &str = "WatermarkConfig";

choice! {
    /// What a watermark shows.
    WatermarkType {
        /// A picture.
        Image = "Image",
        /// Words.
        Text = "Text",
    }
}

impl WatermarkType {
    const fn of(watermark: &Watermark) -> Self {
        match watermark.content {
            WatermarkContent::Image(_) => Self::Image,
            WatermarkContent::Text(_) => Self::Text,
        }
    }
}

operations! {
    /// Makes a watermark. The file of an image is taken into the store: what happens to it later does not matter.
    Vod T2 AddWatermark => add_watermark {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
        /// Where the image is: PNG, JPEG, or GIF, of which the first picture counts.
        FileUrl => file_url: Option<Filled<2048>>,
        /// Its name.
        Name => name: Filled<128>,
        /// What it shows.
        Type => kind: WatermarkType,
        /// Where and when it is shown, and what of words, as JSON.
        WatermarkConfig => config: Json<Value>,
    }

    /// Changes a watermark. An image stays what it shows. What is being made goes on as it was begun.
    Vod T2 UpdateWatermark => update_watermark {
        /// Its new name.
        Name => name: Option<Filled<128>>,
        /// Where and when it is shown from now on, as JSON, in place of what was.
        WatermarkConfig => config: Json<Value>,
        /// The watermark.
        WatermarkId => id: Filled<64>,
    }

    /// Tells a watermark.
    Vod T2 GetWatermark => get_watermark {
        /// The watermark.
        WatermarkId => id: Filled<64>,
    }

    /// Lists all watermarks.
    Vod T2 ListWatermark => list_watermark {
        /// The application.
        AppId => app_id: Option<Filled<64>>,
    }

    /// Deletes a watermark. Templates that name it show nothing in its place.
    Vod T2 DeleteWatermark => delete_watermark {
        /// The watermark.
        WatermarkId => id: Filled<64>,
    }

    /// Makes a watermark the one that templates name as USER_DEFAULT_WATERMARK.
    Vod T3 SetDefaultWatermark => set_default_watermark {
        /// The watermark.
        WatermarkId => id: Filled<64>,
    }
}

fn unknown(id: &str) -> ApiError {
    Code::NoSuchResource.because(format!("The watermark {id:?} does not exist."))
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told<T> {
    watermark_info: T,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    creation_time: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    file_url: String,
    is_default: &'static str,
    name: String,
    #[serde(rename = "Type")]
    kind: WatermarkType,
    watermark_config: String,
    watermark_id: String,
}

/// Where nobody changes it the application is told as well.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct InfoOfApp {
    app_id: String,
    #[serde(flatten)]
    info: Info,
}

fn info(stored: StoredWatermark, default: Option<&str>) -> Info {
    Info {
        creation_time: stored.created.to_iso8601(),
        file_url: stored.file_url,
        is_default: if default == Some(stored.id.as_str()) { "Default" } else { "NotDefault" },
        name: stored.name,
        kind: WatermarkType::of(&stored.watermark),
        watermark_config: stored.asked,
        watermark_id: stored.id,
    }
}

fn info_of_app(stored: StoredWatermark, default: Option<&str>) -> InfoOfApp {
    InfoOfApp { app_id: stored.app_id.clone(), info: info(stored, default) }
}

async fn add_watermark(context: &Context, input: AddWatermark) -> Answer<Told<Info>> {
    let (content, file_url) = match input.kind {
        WatermarkType::Text => {
            if !context.settings.encoder.text {
                let why = "This server cannot draw text: its FFmpeg lacks drawtext, or this host has no font.";
                return Err(Code::InvalidParameter.because(why));
            }
            (WatermarkContent::Text(form::words(PARAM, &input.config)?), String::new())
        }
        WatermarkType::Image => {
            let url = input.file_url.ok_or_else(|| ParamError::missing("FileUrl"))?;
            let place = form::place(PARAM, &input.config)?;
            let image = image::taken(context, &url).await?;
            (WatermarkContent::Image(place.with(image)), url)
        }
    };
    let (begin_ms, length_ms) = form::shown(PARAM, &input.config)?;
    let stored = StoredWatermark {
        id: context.catalog.ids().job(context.now).to_string(),
        name: input.name,
        app_id: input.app_id.unwrap_or_else(|| DEFAULT_APP.to_owned()),
        file_url,
        watermark: Watermark { content, begin_ms, length_ms },
        asked: input.config.to_string(),
        created: context.now,
    };
    let mut tx = context.catalog.begin().await?;
    if tx.watermark_count().await? >= WATERMARKS_MAX {
        return Err(Code::WatermarkExceededMax.because(format!("There are {WATERMARKS_MAX} watermarks already.")));
    }
    tx.put_watermark(&stored).await?;
    tx.commit().await?;
    Ok(Told { watermark_info: info(stored, None) })
}

async fn update_watermark(context: &Context, input: UpdateWatermark) -> Answer<Told<Info>> {
    let default = context.catalog.default_watermark().await?;
    let mut tx = context.catalog.begin().await?;
    let mut stored = tx.watermark_to_change(&input.id).await?.ok_or_else(|| unknown(&input.id))?;
    stored.watermark.content = match stored.watermark.content {
        WatermarkContent::Text(_) => WatermarkContent::Text(form::words(PARAM, &input.config)?),
        WatermarkContent::Image(image) => {
            WatermarkContent::Image(form::place(PARAM, &input.config)?.with(image.file()))
        }
    };
    (stored.watermark.begin_ms, stored.watermark.length_ms) = form::shown(PARAM, &input.config)?;
    stored.asked = input.config.to_string();
    stored.name = input.name.unwrap_or(stored.name);
    tx.put_watermark(&stored).await?;
    tx.commit().await?;
    Ok(Told { watermark_info: info(stored, default.as_deref()) })
}

/// What a task shows in place of what a watermark shows: a file at `file_url`, or `content`, as the watermark is of one kind or the
/// other. The inner error says what is wrong with either.
pub(super) async fn shown_instead(
    context: &Context,
    watermark: &Watermark,
    file_url: Option<&str>,
    content: Option<&str>,
) -> Answer<Result<Shown, String>> {
    Ok(match (&watermark.content, file_url, content) {
        (WatermarkContent::Image(_), Some(url), None) => Ok(Shown::Image(image::taken(context, url).await?)),
        (WatermarkContent::Image(_), ..) => Err("it is an image: FileUrl is wanted, and no Content".to_owned()),
        (WatermarkContent::Text(_), None, Some(content)) => form::check_words(content)
            .map(|()| Shown::Text(content.to_owned()))
            .map_err(|why| format!("Content: {why}")),
        (WatermarkContent::Text(_), ..) => Err("it has words: Content is wanted, and no FileUrl".to_owned()),
    })
}

async fn get_watermark(context: &Context, input: GetWatermark) -> Answer<Told<InfoOfApp>> {
    let default = context.catalog.default_watermark().await?;
    let stored = context.catalog.watermark(&input.id).await?.ok_or_else(|| unknown(&input.id))?;
    Ok(Told { watermark_info: info_of_app(stored, default.as_deref()) })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    watermark_infos: Vec<InfoOfApp>,
}

async fn list_watermark(context: &Context, input: ListWatermark) -> Answer<Listed> {
    let default = context.catalog.default_watermark().await?;
    let all = context.catalog.watermarks().await?.into_iter();
    let of_app = all.filter(|stored| input.app_id.as_ref().is_none_or(|app| *app == stored.app_id));
    Ok(Listed { watermark_infos: of_app.map(|stored| info_of_app(stored, default.as_deref())).collect() })
}

async fn delete_watermark(context: &Context, input: DeleteWatermark) -> Answer<Done> {
    done(context.catalog.delete_watermark(&input.id).await, &input.id)
}

async fn set_default_watermark(context: &Context, input: SetDefaultWatermark) -> Answer<Done> {
    done(context.catalog.set_default_watermark(&input.id).await, &input.id)
}

fn done(outcome: catalog::Result<()>, id: &str) -> Answer<Done> {
    match outcome {
        Ok(()) => Ok(Done {}),
        Err(CatalogError::NotFound { .. }) => Err(unknown(id)),
        Err(error) => Err(error.into()),
    }
}
