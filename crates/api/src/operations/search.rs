//! Searching media by what is known of them.

mod files;

use catalog::{
    Asset, AssetMatch, AssetNumber, AssetPart, AssetPlace, AssetSort, AssetSortKey, AssetStatus, AssetText, Order,
};
use domain::rule::NO_TRANSCODE;
use rpc::ParamError;
use rpc::param::{CommaList, Filled, Int, Raw};
use rpc::scroll::ScrollToken;
use rpc::search::{Bound, Condition, Range, RangeField, Test, WordField};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use units::AssetId;

use super::library_files::{Attached, Image};
use super::videos::{Beside, STORAGE_CLASS, seconds};
use crate::codes::{Answer, Code};
use crate::declare::{choice, members, operations};
use crate::state::Context;
use crate::wire::{DEFAULT_APP, PageNumber, cover_url, filled, page, rounded};

/// Pages beyond this one are reached by a ScrollToken only.
const PAGE_WITHOUT_TOKEN_MAX: i64 = 200;
/// Most fields that media are sorted by.
const SORT_FIELDS_MAX: usize = 3;
/// Ticks of a reel in the ten-thousandth of a second that durations are told in.
const DURATION_STEP_TICKS: i64 = 9;

choice! {
    /// A kind of media.
    SearchType {
        /// Videos.
        Video = "video",
        /// Sounds.
        Audio = "audio",
        /// Pictures.
        Image = "image",
        /// What is attached to media.
        Attached = "attached",
    }
}

operations! {
    /// Searches media by what is known of them.
    Vod T1 SearchMedia => search_media {
        /// What kinds of media are searched, joined by commas. With videos among them, these alone; there are no sounds.
        SearchType => kinds: Option<CommaList<SearchType, 4>>,
        /// What is told of each, joined by commas, beyond MediaId, MediaType and CreationTime. Unknown names are left alone.
        Fields => fields: Option<CommaList<Filled<64>, 64>>,
        /// What is wanted, such as `Status in ('Normal') and (Title in ('cup') or Tags in ('cup'))`.
        Match => wanted: Option<Raw>,
        /// How they are sorted: `CreationTime:Desc`, or at most three of CreationTime and ModificationTime with Asc or Desc, joined by
        /// commas.
        SortBy => sort_by: Option<CommaList<Filled<64>, 100>>,
        /// Which page. Beyond 200 with a ScrollToken only.
        PageNo => page_no: PageNumber = 1,
        /// Media on a page.
        PageSize => page_size: Int<1, 100> = 10,
        /// From the answer with the page before: what comes after it is listed, whatever PageNo is.
        ScrollToken => token: Option<Filled<64>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    media_list: Vec<Media>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scroll_token: Option<String>,
    total: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Media {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OfApp<Attached>", transform = only_asked("MediaId"))]
    attached_media: Option<serde_json::Map<String, serde_json::Value>>,
    creation_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OfApp<Image>", transform = only_asked("ImageId"))]
    image: Option<serde_json::Map<String, serde_json::Value>>,
    media_id: AssetId,
    media_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Video", transform = only_asked("VideoId"))]
    video: Option<serde_json::Map<String, serde_json::Value>>,
}

/// All that can be told of a file of the library here; of it goes out what is asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct OfApp<File> {
    app_id: &'static str,
    #[serde(flatten)]
    file: File,
}

/// All that can be told of a video here; of it goes out what is asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Video {
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
    download_switch: &'static str,
    duration: f64,
    media_source: &'static str,
    modification_time: String,
    preprocess_status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_id: Option<String>,
    size: u64,
    snapshots: Vec<String>,
    status: &'static str,
    storage_class: &'static str,
    storage_location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<String>,
    title: String,
    transcode_mode: &'static str,
    video_id: AssetId,
}

/// The kind of media that there is.
const VIDEO: &str = "video";
/// Where what was recorded, or composed of it, came from.
const RECORDED: &str = "live";
/// Where everything else came from.
const UPLOADED: &str = "general";
/// Nothing is prepared for production here.
const NOT_PREPARED: &str = "UnPreprocess";

async fn search_media(context: &Context, input: SearchMedia) -> Answer<Found> {
    let text = input.wanted.unwrap_or_default();
    let condition = Condition::parse(&text).map_err(|error| Code::ErrorMatchSyntax.because(format!("{error}.")))?;
    let sort_fields = input.sort_by.unwrap_or_default();
    let sort = sort(&sort_fields)?;
    // What tells this search from others.
    let search = format!("{condition}\n{}", sort_fields.join(",").to_ascii_lowercase());
    let part = match &input.token {
        Some(token) => {
            AssetPart::After(place(context, token, &search).await?, u32::try_from(input.page_size).unwrap_or(1))
        }
        None if input.page_no > PAGE_WITHOUT_TOKEN_MAX => {
            return Err(
                ParamError::invalid("PageNo", "beyond page 200 the ScrollToken of the page before is needed").into()
            );
        }
        None => AssetPart::Page(page(input.page_no, input.page_size)),
    };
    if let Some(kinds) = input.kinds.filter(|kinds| !kinds.contains(&SearchType::Video)) {
        let wanted = files::Wanted {
            image: kinds.contains(&SearchType::Image),
            attached: kinds.contains(&SearchType::Attached),
            condition: &condition,
            sort: sort.first(),
            fields: input.fields.unwrap_or_default(),
        };
        return files::search(context, wanted, page(input.page_no, input.page_size)).await;
    }
    let found = context.catalog.search_assets(&stored(context, &condition), &sort, part).await?;
    let beside = Beside::of(context, &found.rows).await?;
    let fields = input.fields.unwrap_or_default();
    Ok(Found {
        scroll_token: found
            .rows
            .last()
            .map(|asset| ScrollToken { last: asset.id, modified: asset.modified }.write(&search)),
        media_list: found
            .rows
            .into_iter()
            .map(|asset| told(context, &beside, &fields, asset))
            .collect::<Answer<_>>()?,
        total: found.total,
    })
}

fn sort(fields: &[String]) -> Answer<AssetSort> {
    if fields.len() > SORT_FIELDS_MAX {
        return Err(Code::SortByExceededMax.into());
    }
    let key = |text: &String| -> Answer<(AssetSortKey, Order)> {
        let wrong = || {
            ParamError::invalid(
                "SortBy",
                format!("CreationTime or ModificationTime is wanted, with :Asc or :Desc, not {text:?}"),
            )
        };
        let (field, order) = text.split_once(':').unwrap_or((text, "Desc"));
        let key = match field.trim() {
            field if field.eq_ignore_ascii_case("CreationTime") => AssetSortKey::Created,
            field if field.eq_ignore_ascii_case("ModificationTime") => AssetSortKey::Modified,
            _ => return Err(wrong().into()),
        };
        match order.trim() {
            order if order.eq_ignore_ascii_case("Desc") => Ok((key, Order::Descending)),
            order if order.eq_ignore_ascii_case("Asc") => Ok((key, Order::Ascending)),
            _ => Err(wrong().into()),
        }
    };
    Ok(AssetSort::by(&fields.iter().map(key).collect::<Answer<Vec<_>>>()?))
}

/// What is wanted, in the catalog's words.
fn stored(context: &Context, condition: &Condition) -> AssetMatch {
    match condition {
        Condition::All(all) => AssetMatch::All(all.iter().map(|inner| stored(context, inner)).collect()),
        Condition::Any(any) => AssetMatch::Any(any.iter().map(|inner| stored(context, inner)).collect()),
        Condition::Test(Test::Category(ids)) => AssetMatch::Categories(ids.clone()),
        Condition::Test(Test::Word(field, words)) => stored_words(context, *field, words),
        Condition::Test(Test::Range(field, range)) => stored_range(*field, *range),
    }
}

fn stored_words(context: &Context, field: WordField, words: &[String]) -> AssetMatch {
    // What all videos have alike: all of them fit, or none.
    let alike = |value: &str| match words.iter().any(|word| word == value) {
        true => AssetMatch::All(Vec::new()),
        false => AssetMatch::Any(Vec::new()),
    };
    match field {
        // A text that is no id, or no status, is that of no video.
        WordField::VideoId | WordField::MediaId => {
            AssetMatch::Ids(words.iter().filter_map(|word| word.parse().ok()).collect())
        }
        WordField::ImageId => AssetMatch::Any(Vec::new()),
        WordField::Status => {
            AssetMatch::Statuses(words.iter().filter_map(|word| word.parse::<AssetStatus>().ok()).collect())
        }
        WordField::MediaSource => {
            let wants = |source: &str, recorded| {
                words.iter().any(|word| word == source).then_some(AssetMatch::Recorded(recorded))
            };
            AssetMatch::Any([wants(RECORDED, true), wants(UPLOADED, false)].into_iter().flatten().collect())
        }
        WordField::AppId => alike(DEFAULT_APP),
        WordField::PreprocessStatus => alike(NOT_PREPARED),
        WordField::StorageLocation => alike(&context.settings.region),
        WordField::Title => AssetMatch::Contains(AssetText::Title, words.to_vec()),
        WordField::Tags => AssetMatch::Contains(AssetText::Tags, words.to_vec()),
        WordField::Description => AssetMatch::Contains(AssetText::Description, words.to_vec()),
    }
}

/// A range of what is stored: all that is told as a value in the range.
fn stored_range(field: RangeField, Range { from, to }: Range) -> AssetMatch {
    // The first and the last told value inside.
    let inside = |bound: Bound, step: i64| if bound.is_open { bound.value.saturating_add(step) } else { bound.value };
    let (first, last) = (inside(from, 1), inside(to, -1));
    match field {
        RangeField::Size => AssetMatch::Between(AssetNumber::Size, first, last),
        // Told rounded to the nearest step; ticks are never half-way.
        RangeField::Duration => {
            let (half, step) = (DURATION_STEP_TICKS / 2, DURATION_STEP_TICKS);
            let first = first.saturating_mul(step).saturating_sub(half);
            AssetMatch::Between(AssetNumber::Duration, first, last.saturating_mul(step).saturating_add(half))
        }
        // Told in whole seconds, rounded down.
        RangeField::CreationTime => between_seconds(AssetNumber::Created, first, last),
        RangeField::ModificationTime => between_seconds(AssetNumber::Modified, first, last),
    }
}

fn between_seconds(number: AssetNumber, first: i64, last: i64) -> AssetMatch {
    AssetMatch::Between(number, first.saturating_mul(1_000), last.saturating_mul(1_000).saturating_add(999))
}

fn told(context: &Context, beside: &Beside, fields: &[String], asset: Asset) -> Answer<Media> {
    let (media_id, creation_time) = (asset.id, asset.created.to_iso8601());
    let (cate_id, cate_name) = beside.category(&asset);
    let all = Video {
        app_id: DEFAULT_APP,
        cate_id,
        cate_name,
        cover_url: cover_url(context, &asset),
        creation_time: creation_time.clone(),
        description: filled(&asset.description),
        download_switch: "on",
        duration: rounded(seconds(&asset)),
        media_source: if asset.origin.is_some() { RECORDED } else { UPLOADED },
        modification_time: asset.modified.to_iso8601(),
        preprocess_status: NOT_PREPARED,
        size: asset.size_bytes,
        snapshots: beside.bare(context, asset.id),
        status: asset.status.as_str(),
        storage_class: STORAGE_CLASS,
        storage_location: context.settings.region.clone(),
        tags: filled(&asset.tags),
        transcode_mode: if asset.template_group == NO_TRANSCODE { "NoTranscode" } else { "FastTranscode" },
        video_id: asset.id,
        reference_id: asset.reference_id,
        title: asset.title,
    };
    let video = asked(members(&all)?, fields, "VideoId");
    Ok(Media { attached_media: None, creation_time, image: None, media_id, media_type: VIDEO, video })
}

/// Of all that can be told what is asked for, with the id; nothing when nothing is asked for.
fn asked(
    mut all: serde_json::Map<String, serde_json::Value>,
    fields: &[String],
    id: &str,
) -> Option<serde_json::Map<String, serde_json::Value>> {
    let is_asked = |name: &str| fields.iter().any(|field| field.eq_ignore_ascii_case(name));
    let any = all.keys().any(|name| is_asked(name));
    all.retain(|name, _| name == id || is_asked(name));
    any.then_some(all)
}

/// What that does to the schema of a thing: of its members its id alone is always there.
fn only_asked(id: &'static str) -> impl FnMut(&mut Schema) {
    move |schema| {
        schema.insert("required".to_owned(), serde_json::json!([id]));
    }
}

/// The place that a token names.
async fn place(context: &Context, token: &str, search: &str) -> Answer<AssetPlace> {
    let expired =
        |why: String| Code::InvalidScrollTokenExpired.because(format!("{why}: begin with the first page again."));
    let token = ScrollToken::read(token, search).map_err(|error| expired(error.to_string()))?;
    match context.catalog.asset_created(token.last).await? {
        Some(created) => Ok(AssetPlace { id: token.last, created, modified: token.modified }),
        None => Err(expired("the ScrollToken is of a video that nobody knows any more".to_owned())),
    }
}
