//! Videos: what is known of them, what customers write on them, deleting them.

use std::collections::BTreeMap;

use catalog::{Asset, AssetFilter, AssetStatus, CatalogError, Description, Order, PictureSet};
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Int, Json, Raw, Text, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::{AssetId, MediaTime};

use super::categories::existing;
use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{DEFAULT_APP, IdText, PageNumber, cover_url, filled, page, picture_urls, rounded};

/// Most ids of one call.
const IDS_MAX: usize = 20;
/// Most ids that are read before they are refused with the code of their own.
pub(super) const IDS_READ_MAX: usize = 1_000;
/// How many videos of a list can be reached.
const REACHABLE: i64 = 5_000;
/// Longest title, in bytes.
const TITLE_BYTES_MAX: usize = 128;
/// Longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// Most tags.
const TAGS_MAX: usize = 16;
/// Longest tag, in bytes.
const TAG_BYTES_MAX: usize = 32;
/// Longest URL of a cover, and longest UserData, in bytes.
const REST_BYTES_MAX: usize = 1_024;

choice! {
    /// How videos are sorted.
    SortBy {
        /// Newest first.
        Newest = "CreationTime:Desc",
        /// Oldest first.
        Oldest = "CreationTime:Asc",
    }
}

operations! {
    /// Tells all about one video.
    Vod T1 GetVideoInfo => get_video_info {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// The customer's own id of it, instead.
        ReferenceId => reference_id: Option<IdText>,
    }

    /// Tells all about at most 20 videos, and which of the ids are nobody's.
    Vod T1 GetVideoInfos => get_video_infos {
        /// The videos, joined by commas.
        VideoIds => video_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
        /// The customer's own ids, joined by commas.
        ReferenceIds => reference_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
    }

    /// Lists videos by time of creation.
    Vod T1 GetVideoList => get_video_list {
        /// Only videos of this category.
        CateId => category: Option<Int>,
        /// Made at or after.
        StartTime => start_time: Option<Time>,
        /// Made at or before.
        EndTime => end_time: Option<Time>,
        /// Only videos of these states, joined by commas.
        Status => statuses: Option<CommaList<Filled<32>, 16>>,
        /// Only videos with these ids of the customer's own, joined by commas.
        ReferenceIds => reference_ids: Option<CommaList<Filled<64>, 20>>,
        /// How they are sorted.
        SortBy => sort_by: SortBy = SortBy::Newest,
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Videos on a page.
        PageSize => page_size: Int<1, 100> = 10,
    }

    /// Writes on a video. What is absent stays as it is.
    Vod T1 UpdateVideoInfo => update_video_info {
        /// The video.
        VideoId => video_id: Option<IdText>,
        /// With VideoId the customer's own id that it gets, 6 to 64 letters, digits, `_` and `-`; without it the video.
        ReferenceId => reference_id: Option<Filled<64>>,
        /// At most 128 bytes.
        Title => title: Option<Raw>,
        /// At most 1024 bytes.
        Description => description: Option<Raw>,
        /// At most 16 of at most 32 bytes each, joined by commas.
        Tags => tags: Option<Raw>,
        /// The category; -1 for none.
        CateId => category: Option<Int>,
        /// The URL of its cover.
        CoverURL => cover_url: Option<Text<1024>>,
        /// Kept and told back.
        UserData => user_data: Option<Text<1024>>,
    }

    /// Writes on at most 20 videos, all or none. What is absent stays as it is.
    Vod T2 UpdateVideoInfos => update_video_infos {
        /// JSON: an array of objects with the parameters of UpdateVideoInfo.
        UpdateContent => updates: Json<Vec<Update>>,
    }

    /// Deletes at most 20 videos with all that was made of them.
    Vod T1 DeleteVideo => delete_video {
        /// The videos, joined by commas.
        VideoIds => video_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
        /// The customer's own ids, joined by commas.
        ReferenceIds => reference_ids: Option<CommaList<IdText, IDS_READ_MAX>>,
    }
}

/// The video of an id, or else of a customer's own id.
pub(super) async fn find(context: &Context, video_id: Option<&str>, reference_id: Option<&str>) -> Answer<Asset> {
    let found = match (video_id, reference_id) {
        (Some(id), _) => by_id(context, id).await?,
        (None, Some(reference)) => context.catalog.asset_by_reference(reference).await?,
        (None, None) => return Err(ParamError::missing("VideoId").into()),
    };
    found.ok_or_else(|| Code::InvalidVideoNotFound.into())
}

async fn by_id(context: &Context, id: &str) -> Answer<Option<Asset>> {
    // A text that is no id is the id of no video.
    match id.parse::<AssetId>() {
        Ok(id) => Ok(context.catalog.asset(id).await?),
        Err(_) => Ok(None),
    }
}

/// The length of an asset in seconds.
pub(super) fn seconds(asset: &Asset) -> f64 {
    MediaTime { ticks: asset.duration_ticks, scale: units::Timescale::REEL }.seconds()
}

/// What all descriptions of a video have in common, except for the form of its snapshots.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct VideoFields {
    app_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cate_name: Option<String>,
    #[serde(rename = "CoverURL", skip_serializing_if = "Option::is_none")]
    cover_url: Option<String>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    duration: f64,
    modification_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_id: Option<String>,
    size: u64,
    status: &'static str,
    storage_class: &'static str,
    storage_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
    video_id: AssetId,
}

fn fields(context: &Context, asset: &Asset, beside: &Beside) -> VideoFields {
    let (cate_id, cate_name) = beside.category(asset);
    VideoFields {
        app_id: DEFAULT_APP,
        cate_id,
        cate_name,
        cover_url: cover_url(context, asset),
        creation_time: asset.created.to_iso8601(),
        description: filled(&asset.description),
        duration: rounded(seconds(asset)),
        modification_time: asset.modified.to_iso8601(),
        reference_id: asset.reference_id.clone(),
        size: asset.size_bytes,
        status: asset.status.as_str(),
        storage_class: STORAGE_CLASS,
        storage_location: context.settings.region.clone(),
        tags: filled(&asset.tags),
        title: asset.title.clone(),
        user_data: filled(&asset.user_data),
        video_id: asset.id,
    }
}

/// The one class of storage there is.
pub(super) const STORAGE_CLASS: &str = "Standard";

/// Snapshots where the wire wraps them. An empty list is told as one.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Wrapped {
    snapshot: Vec<String>,
}

/// What is told of some assets and does not stand in their rows: the pictures of which one is the cover, the names of their
/// categories.
pub(super) struct Beside {
    covers: BTreeMap<AssetId, PictureSet>,
    categories: BTreeMap<i64, String>,
}

impl Beside {
    pub(super) async fn of(context: &Context, assets: &[Asset]) -> Answer<Self> {
        let ids: Vec<AssetId> = assets.iter().map(|asset| asset.id).collect();
        let mut categories: Vec<i64> = assets.iter().filter_map(|asset| asset.category).collect();
        categories.sort_unstable();
        categories.dedup();
        Ok(Self {
            covers: context.catalog.covers_of(&ids).await?,
            categories: context.catalog.category_names(&categories).await?,
        })
    }

    /// Id and name of an asset's category; nothing of one that is deleted.
    pub(super) fn category(&self, asset: &Asset) -> (Option<i64>, Option<String>) {
        asset.category.and_then(|id| self.categories.get_key_value(&id)).map(|(id, name)| (*id, name.clone())).unzip()
    }

    pub(super) fn bare(&self, context: &Context, asset: AssetId) -> Vec<String> {
        self.covers.get(&asset).map(|set| picture_urls(context, set)).unwrap_or_default()
    }

    pub(super) fn wrapped(&self, context: &Context, asset: AssetId) -> Wrapped {
        Wrapped { snapshot: self.bare(context, asset) }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Info {
    video: InfoVideo,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct InfoVideo {
    #[serde(flatten)]
    fields: VideoFields,
    download_switch: &'static str,
    region_id: String,
    snapshots: Wrapped,
    template_group_id: String,
}

async fn get_video_info(context: &Context, input: GetVideoInfo) -> Answer<Info> {
    let asset = find(context, input.video_id.as_deref(), input.reference_id.as_deref()).await?;
    let beside = Beside::of(context, std::slice::from_ref(&asset)).await?;
    Ok(Info {
        video: InfoVideo {
            fields: fields(context, &asset, &beside),
            download_switch: "on",
            region_id: context.settings.region.clone(),
            snapshots: beside.wrapped(context, asset.id),
            template_group_id: asset.template_group,
        },
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Infos {
    non_exist_reference_ids: Vec<String>,
    non_exist_video_ids: Vec<String>,
    video_list: Vec<InfosVideo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct InfosVideo {
    #[serde(flatten)]
    fields: VideoFields,
    download_switch: &'static str,
    /// A bare array, in this operation only.
    snapshots: Vec<String>,
    template_group_id: String,
}

/// The videos of many ids, each once, and the ids that are nobody's.
pub(super) struct Found {
    pub(super) assets: Vec<Asset>,
    pub(super) unknown_ids: Vec<String>,
    pub(super) unknown_references: Vec<String>,
}

pub(super) async fn find_all(
    context: &Context,
    param: &str,
    ids: Option<Vec<String>>,
    references: Option<Vec<String>>,
) -> Answer<Found> {
    let (ids, references) = (ids.unwrap_or_default(), references.unwrap_or_default());
    match ids.len().saturating_add(references.len()) {
        0 => return Err(ParamError::missing(param).into()),
        count if count > IDS_MAX => return Err(Code::VideoIdsExceededMax.into()),
        _ => {}
    }
    let mut found = Found { assets: Vec::new(), unknown_ids: Vec::new(), unknown_references: Vec::new() };
    for id in ids {
        match by_id(context, &id).await? {
            Some(asset) => found.add(asset),
            None => found.unknown_ids.push(id),
        }
    }
    for reference in references {
        match context.catalog.asset_by_reference(&reference).await? {
            Some(asset) => found.add(asset),
            None => found.unknown_references.push(reference),
        }
    }
    if found.assets.is_empty() { Err(Code::InvalidVideoNotFound.into()) } else { Ok(found) }
}

impl Found {
    fn add(&mut self, asset: Asset) {
        if !self.assets.iter().any(|known| known.id == asset.id) {
            self.assets.push(asset);
        }
    }
}

async fn get_video_infos(context: &Context, input: GetVideoInfos) -> Answer<Infos> {
    let found = find_all(context, "VideoIds", input.video_ids, input.reference_ids).await?;
    let beside = Beside::of(context, &found.assets).await?;
    let told = found.assets.into_iter().map(|asset| InfosVideo {
        fields: fields(context, &asset, &beside),
        download_switch: "on",
        snapshots: beside.bare(context, asset.id),
        template_group_id: asset.template_group,
    });
    Ok(Infos {
        video_list: told.collect(),
        non_exist_reference_ids: found.unknown_references,
        non_exist_video_ids: found.unknown_ids,
    })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct VideoList {
    total: u64,
    video_list: Videos,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Videos {
    video: Vec<ListVideo>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ListVideo {
    #[serde(flatten)]
    fields: VideoFields,
    snapshots: Wrapped,
}

async fn get_video_list(context: &Context, input: GetVideoList) -> Answer<VideoList> {
    if input.page_no.saturating_sub(1).saturating_mul(input.page_size) >= REACHABLE {
        return Err(Code::VideoListExceededMax.into());
    }
    let mut statuses = Vec::new();
    for word in input.statuses.unwrap_or_default() {
        let status = word.parse::<AssetStatus>();
        statuses.push(status.map_err(|()| ParamError::invalid("Status", format!("there is no status {word:?}")))?);
    }
    let filter = AssetFilter {
        statuses,
        category: input.category,
        created_from: input.start_time,
        // The wire has whole seconds: a video made within the last one is meant too.
        created_to: input.end_time.map(end_of_second),
        reference_ids: input.reference_ids.unwrap_or_default(),
    };
    let listed = context.catalog.assets(&filter, input.sort_by.order(), page(input.page_no, input.page_size)).await?;
    let beside = Beside::of(context, &listed.rows).await?;
    let told = |asset: Asset| ListVideo {
        fields: fields(context, &asset, &beside),
        snapshots: beside.wrapped(context, asset.id),
    };
    Ok(VideoList { total: listed.total, video_list: Videos { video: listed.rows.into_iter().map(told).collect() } })
}

/// The last millisecond of a time's second.
pub(super) fn end_of_second(time: units::WallTime) -> units::WallTime {
    units::WallTime::from_unix_ms(time.unix_ms.saturating_add(999))
}

impl SortBy {
    pub(super) fn order(self) -> Order {
        match self {
            Self::Newest => Order::Descending,
            Self::Oldest => Order::Ascending,
        }
    }
}

/// What a customer writes on a video, as one item of a batch has it.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Update {
    pub(super) video_id: Option<String>,
    pub(super) reference_id: Option<String>,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) tags: Option<String>,
    /// A number, or its digits.
    pub(super) cate_id: serde_json::Value,
    #[serde(rename = "CoverURL")]
    pub(super) cover_url: Option<String>,
    pub(super) user_data: Option<String>,
}

impl Update {
    /// The video that it is about.
    async fn asset(&self, context: &Context) -> Answer<Asset> {
        find(context, self.video_id.as_deref(), self.reference_id.as_deref()).await
    }

    fn category(&self) -> Answer<Option<i64>> {
        let number = match &self.cate_id {
            serde_json::Value::Null => return Ok(None),
            serde_json::Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        };
        number.map(Some).ok_or_else(|| ParamError::invalid("CateId", "a whole number is wanted").into())
    }

    /// What is written on a new video, which gets this id of the customer's own.
    pub(super) async fn of_new(self, context: &Context, reference_id: Option<String>) -> Answer<Description> {
        let reference_id = reference_id.map(reference).transpose()?;
        Ok(Description { reference_id, ..self.checked(context).await? })
    }

    /// What it comes to, when nothing is wrong with it.
    async fn checked(self, context: &Context) -> Answer<Description> {
        for (param, text, bytes_max) in [
            ("Title", &self.title, TITLE_BYTES_MAX),
            ("Description", &self.description, DESCRIPTION_BYTES_MAX),
            ("Tags", &self.tags, TAGS_MAX * (TAG_BYTES_MAX + 1)),
            ("CoverURL", &self.cover_url, REST_BYTES_MAX),
            ("UserData", &self.user_data, REST_BYTES_MAX),
        ] {
            check_text(param, text.as_deref().unwrap_or_default(), bytes_max)?;
        }
        let category = match self.category()? {
            Some(id) => Some(existing(context, id).await?),
            None => None,
        };
        Ok(Description {
            title: self.title.filter(|title| !title.is_empty()),
            description: self.description,
            cover_url: self.cover_url,
            category,
            tags: self.tags.as_deref().map(tags).transpose()?,
            user_data: self.user_data,
            // Without a VideoId it said which video is meant.
            reference_id: self.reference_id.filter(|_| self.video_id.is_some()).map(reference).transpose()?,
        })
    }
}

pub(super) fn not_written(error: CatalogError) -> ApiError {
    match error {
        // Deleted since it was found.
        CatalogError::NotFound { .. } => Code::InvalidVideoNotFound.into(),
        CatalogError::AlreadyExists { .. } => ParamError::invalid("ReferenceId", "another video has it").into(),
        other => other.into(),
    }
}

async fn update_video_info(context: &Context, input: UpdateVideoInfo) -> Answer<Done> {
    let update = Update {
        video_id: input.video_id,
        reference_id: input.reference_id,
        title: input.title,
        description: input.description,
        tags: input.tags,
        cate_id: input.category.into(),
        cover_url: input.cover_url,
        user_data: input.user_data,
    };
    let asset = update.asset(context).await?;
    let description = update.checked(context).await?;
    context.catalog.describe_asset(asset.id, &description, context.now).await.map_err(not_written)?;
    Ok(Done {})
}

async fn update_video_infos(context: &Context, input: UpdateVideoInfos) -> Answer<Untouched> {
    if input.updates.len() > IDS_MAX {
        return Err(Code::CountExceededMax.into());
    }
    let (mut untouched, mut found) = (Untouched::default(), Vec::new());
    for mut update in input.updates {
        // Empty counts as absent, as in a call.
        update.video_id = update.video_id.filter(|id| !id.is_empty());
        update.reference_id = update.reference_id.filter(|id| !id.is_empty());
        match update.asset(context).await {
            Ok(asset) => found.push((asset.id, update.checked(context).await?)),
            Err(error) if error.code == Code::InvalidVideoNotFound => untouched.unknown(update),
            Err(error) => return Err(error),
        }
    }
    // Always in the same order, so that two calls never wait for each other; of one video in that of the call.
    found.sort_by_key(|(asset, _)| *asset);
    let mut tx = context.catalog.begin().await?;
    for (asset, description) in &found {
        match tx.describe_asset(*asset, description, context.now).await {
            Ok(()) => {}
            // Deleted since it was found.
            Err(CatalogError::NotFound { .. }) => untouched.non_exist_video_ids.push(asset.to_string()),
            Err(error) => return Err(not_written(error)),
        }
    }
    tx.commit().await?;
    Ok(untouched)
}

impl Untouched {
    fn unknown(&mut self, update: Update) {
        match (update.video_id, update.reference_id) {
            (Some(id), _) => self.non_exist_video_ids.push(id),
            (None, reference) => self.non_exist_reference_ids.extend(reference),
        }
    }
}

pub(super) fn check_text(param: &str, text: &str, bytes_max: usize) -> Answer<()> {
    if text.len() > bytes_max {
        let code = if param == "Tags" { Code::TagsExceededMax } else { Code::LengthExceededMax };
        return Err(code.because(format!("{param} has {} bytes; {bytes_max} are allowed.", text.len())));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(Code::IllegalCharacters.because(format!("{param} has control characters.")));
    }
    Ok(())
}

/// A name without the spaces around it; there has to be something of it.
pub(super) fn name<'a>(param: &str, text: &'a str, bytes_max: usize) -> Answer<&'a str> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ParamError::missing(param).into());
    }
    check_text(param, text, bytes_max)?;
    Ok(text)
}

fn tags(text: &str) -> Answer<String> {
    let tags: Vec<&str> = text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
    if tags.len() > TAGS_MAX || tags.iter().any(|tag| tag.len() > TAG_BYTES_MAX) {
        return Err(Code::TagsExceededMax.because("At most 16 tags of at most 32 bytes each are allowed."));
    }
    Ok(tags.join(","))
}

fn reference(text: String) -> Answer<String> {
    let fits = text.len() >= 6 && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if fits {
        Ok(text)
    } else {
        Err(ParamError::invalid("ReferenceId", "6 to 64 letters, digits, _ and - are wanted").into())
    }
}

/// The videos of a batch that nothing was done to.
#[derive(Serialize, JsonSchema, Default)]
#[serde(rename_all = "PascalCase")]
struct Untouched {
    forbidden_video_ids: Vec<String>,
    non_exist_reference_ids: Vec<String>,
    non_exist_video_ids: Vec<String>,
}

async fn delete_video(context: &Context, input: DeleteVideo) -> Answer<Untouched> {
    let found = find_all(context, "VideoIds", input.video_ids, input.reference_ids).await?;
    let mut tx = context.catalog.begin().await?;
    for asset in &found.assets {
        tx.delete_asset(asset.id, context.settings.undelete_window, context.now).await?;
    }
    tx.commit().await?;
    Ok(Untouched {
        forbidden_video_ids: Vec::new(),
        non_exist_reference_ids: found.unknown_references,
        non_exist_video_ids: found.unknown_ids,
    })
}
