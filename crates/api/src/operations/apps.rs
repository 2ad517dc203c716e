//! Applications: what templates, watermarks and callbacks are sorted by. Videos are of the one that nobody made.

use rpc::param::{CommaList, Filled, Int, Raw};
use schemars::JsonSchema;
use serde::Serialize;

use super::videos::{check_text, name};
use crate::codes::{Answer, Code};
use crate::declare::{choice, operations};
use crate::state::Context;
use crate::wire::{DEFAULT_APP, PageNumber, on_page};

/// Most applications that are made.
const APPS_MAX: u32 = 100;
/// The number in the id of the one that nobody made; those of the others follow.
const DEFAULT_NUMBER: u32 = 1_000_000;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 512;
/// Most applications asked for at once.
const IDS_MAX: usize = 10;

choice! {
    /// Whether an application is in use.
    Status {
        /// It is. All are.
        Normal = "Normal",
        /// It is not. None is.
        Disable = "Disable",
    }
}

operations! {
    /// Makes an application: an id by which templates, watermarks and callbacks are sorted. There are at most 100.
    Vod T3 CreateAppInfo => create_app_info {
        /// Its name, at most 128 bytes.
        AppName => name: Raw,
        /// What is said of it, at most 512 bytes.
        Description => description: Option<Raw>,
    }

    /// Lists applications: the one that nobody made first, the others in the order in which they were made.
    Vod T3 ListAppInfo => list_app_info {
        /// Only those that are in use, or only those that are not.
        Status => status: Option<Status>,
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Applications on a page.
        PageSize => page_size: Int<1, 100> = 10,
    }

    /// Tells about at most ten applications, and which of the ids are nobody's.
    Vod T3 GetAppInfos => get_app_infos {
        /// The applications, joined by commas.
        AppIds => ids: CommaList<Filled<64>, IDS_MAX>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct App {
    app_id: String,
    app_name: String,
    description: String,
    /// The one that nobody made has no such time.
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modification_time: Option<String>,
    status: &'static str,
    r#type: &'static str,
}

fn id(number: u32) -> String {
    format!("app-{}", DEFAULT_NUMBER.saturating_add(number))
}

/// All applications.
async fn all(context: &Context) -> Answer<Vec<App>> {
    let default = App {
        app_id: DEFAULT_APP.to_owned(),
        app_name: "default".to_owned(),
        description: String::new(),
        creation_time: None,
        modification_time: None,
        status: Status::Normal.as_str(),
        r#type: "System",
    };
    let made = context.catalog.apps().await?.into_iter().map(|app| {
        // Nothing of an application is ever changed.
        let made = app.created.to_iso8601();
        App {
            app_id: id(app.number),
            app_name: app.name,
            description: app.description,
            creation_time: Some(made.clone()),
            modification_time: Some(made),
            status: Status::Normal.as_str(),
            r#type: "Custom",
        }
    });
    Ok(std::iter::once(default).chain(made).collect())
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Created {
    app_id: String,
}

async fn create_app_info(context: &Context, input: CreateAppInfo) -> Answer<Created> {
    let name = name("AppName", &input.name, NAME_BYTES_MAX)?;
    let description = input.description.as_deref().unwrap_or_default();
    check_text("Description", description, DESCRIPTION_BYTES_MAX)?;
    match context.catalog.add_app(name, description, context.now, APPS_MAX).await? {
        Some(app) => Ok(Created { app_id: id(app.number) }),
        None => Err(Code::AppInfoExceededMax.into()),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    app_info_list: Vec<App>,
    total: usize,
}

async fn list_app_info(context: &Context, input: ListAppInfo) -> Answer<Listed> {
    let mut apps = all(context).await?;
    apps.retain(|app| input.status.is_none_or(|status| status.as_str() == app.status));
    let total = apps.len();
    Ok(Listed { app_info_list: on_page(apps.into_iter(), input.page_no, input.page_size).collect(), total })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    app_info_list: Vec<App>,
    non_exist_app_ids: Vec<String>,
}

async fn get_app_infos(context: &Context, input: GetAppInfos) -> Answer<Told> {
    let mut told = Told { app_info_list: all(context).await?, non_exist_app_ids: input.ids };
    told.app_info_list.retain(|app| told.non_exist_app_ids.contains(&app.app_id));
    told.non_exist_app_ids.retain(|id| !told.app_info_list.iter().any(|app| app.app_id == *id));
    Ok(told)
}
