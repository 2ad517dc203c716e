//! Searching pictures and what is attached to media.

use std::collections::BTreeMap;

use catalog::{AssetMatch, AssetSortKey, AssetStatus, LibraryFile, Order, Page};
use domain::event::FileKind;
use rpc::search::{Condition, RangeField, Test, WordField};

use super::{Found, Media, OfApp, asked, stored, stored_range};
use crate::codes::Answer;
use crate::declare::members;
use crate::operations::library_files::{attached, image, names};
use crate::state::Context;
use crate::wire::DEFAULT_APP;

/// What is searched for, and what is told of it.
pub(super) struct Wanted<'a> {
    pub(super) image: bool,
    pub(super) attached: bool,
    pub(super) condition: &'a Condition,
    pub(super) sort: (AssetSortKey, Order),
    pub(super) fields: Vec<String>,
}

pub(super) async fn search(context: &Context, wanted: Wanted<'_>, page: Page) -> Answer<Found> {
    let kinds = [wanted.image.then_some(FileKind::Image), wanted.attached.then_some(FileKind::Attached)];
    let kinds: Vec<FileKind> = kinds.into_iter().flatten().collect();
    let condition = of_files(context, wanted.condition, &kinds);
    let found = context.catalog.search_library_files(&kinds, &condition, wanted.sort, page).await?;
    let names = names(context, &found.rows).await?;
    let media_list =
        found.rows.iter().map(|file| told(context, &names, &wanted.fields, file)).collect::<Answer<_>>()?;
    Ok(Found { media_list, scroll_token: None, total: found.total })
}

/// What is wanted, in the catalog's words. What only videos have fits no file.
fn of_files(context: &Context, condition: &Condition, kinds: &[FileKind]) -> AssetMatch {
    let nothing = || AssetMatch::Any(Vec::new());
    match condition {
        Condition::All(all) => AssetMatch::All(all.iter().map(|inner| of_files(context, inner, kinds)).collect()),
        Condition::Any(any) => AssetMatch::Any(any.iter().map(|inner| of_files(context, inner, kinds)).collect()),
        Condition::Test(Test::Range(RangeField::Duration, _)) => nothing(),
        Condition::Test(Test::Range(field, range)) => stored_range(*field, *range),
        Condition::Test(Test::Word(field, words)) => match field {
            WordField::ImageId if !kinds.contains(&FileKind::Image) => nothing(),
            WordField::ImageId | WordField::MediaId => {
                AssetMatch::Ids(words.iter().filter_map(|word| word.parse().ok()).collect())
            }
            WordField::Status => {
                AssetMatch::Statuses(words.iter().filter_map(|word| word.parse::<AssetStatus>().ok()).collect())
            }
            WordField::VideoId | WordField::MediaSource | WordField::PreprocessStatus => nothing(),
            WordField::AppId
            | WordField::StorageLocation
            | WordField::Title
            | WordField::Tags
            | WordField::Description => stored(context, condition),
        },
        Condition::Test(Test::Category(_)) => stored(context, condition),
    }
}

fn told(context: &Context, names: &BTreeMap<i64, String>, fields: &[String], file: &LibraryFile) -> Answer<Media> {
    let (attached_media, image) = match file.kind {
        FileKind::Image => {
            let all = OfApp { app_id: DEFAULT_APP, file: image(context, names, file) };
            (None, asked(members(&all)?, fields, "ImageId"))
        }
        FileKind::Attached => {
            let all = OfApp { app_id: DEFAULT_APP, file: attached(context, names, file) };
            (asked(members(&all)?, fields, "MediaId"), None)
        }
    };
    Ok(Media {
        attached_media,
        creation_time: file.created.to_iso8601(),
        image,
        media_id: file.id,
        media_type: file.kind.as_str(),
        video: None,
    })
}
