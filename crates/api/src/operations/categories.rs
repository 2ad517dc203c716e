//! Categories: what videos are sorted into.

use catalog::{Category, CategoryAdded, CategoryKind, ListedCategory};
use rpc::param::{Int, Raw};
use schemars::JsonSchema;
use serde::Serialize;

use super::videos::{SortBy, name};
use crate::codes::{Answer, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{PageNumber, page};

/// The id on the wire of what lies in no category.
pub(super) const ROOT: i64 = -1;
/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 64;

choice! {
    /// What is sorted.
    Kind {
        /// Videos, sounds and pictures.
        Default = "default",
        /// Material of short videos.
        Material = "material",
    }
}

operations! {
    /// Adds a category. There are at most three levels, and 100 categories in one.
    Vod T2 AddCategory => add_category {
        /// Its name, at most 64 bytes.
        CateName => name: Raw,
        /// The category it lies in; -1 for none.
        ParentId => parent: Option<Int>,
        /// What is sorted. A category in another one sorts what that one does.
        Type => kind: Kind = Kind::Default,
    }

    /// Gives a category another name.
    Vod T2 UpdateCategory => update_category {
        /// The category.
        CateId => id: Int,
        /// Its name, at most 64 bytes.
        CateName => name: Raw,
    }

    /// Deletes a category and all categories in it. Their videos stay, in no category.
    Vod T2 DeleteCategory => delete_category {
        /// The category.
        CateId => id: Int,
    }

    /// Tells about a category and lists those that lie in it.
    Vod T2 GetCategories => get_categories {
        /// The category; -1, and when absent: those that lie in none are listed.
        CateId => id: Option<Int>,
        /// Only categories that sort this.
        Type => kind: Option<Kind>,
        /// How they are sorted.
        SortBy => sort_by: SortBy = SortBy::Newest,
        /// Which page.
        PageNo => page_no: PageNumber = 1,
        /// Categories on a page.
        PageSize => page_size: Int<1, 100> = 10,
    }
}

impl Kind {
    fn stored(self) -> CategoryKind {
        match self {
            Self::Default => CategoryKind::Default,
            Self::Material => CategoryKind::Material,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    cate_id: i64,
    cate_name: String,
    level: u32,
    parent_id: i64,
    r#type: &'static str,
}

fn told(category: Category) -> Told {
    Told {
        cate_id: category.id,
        cate_name: category.name,
        level: category.level,
        parent_id: category.parent.unwrap_or(ROOT),
        r#type: category.kind.as_str(),
    }
}

/// The category that an id means: none for that of the root.
fn unless_root(id: i64) -> Option<i64> {
    (id != ROOT).then_some(id)
}

/// What an id that a video is to be sorted under means. It has to be there.
pub(super) async fn existing(context: &Context, id: i64) -> Answer<Option<i64>> {
    match unless_root(id) {
        None => Ok(None),
        Some(id) if context.catalog.category(id).await?.is_some() => Ok(Some(id)),
        Some(_) => Err(Code::InvalidCateIdNotFound.into()),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Added {
    category: Told,
}

async fn add_category(context: &Context, input: AddCategory) -> Answer<Added> {
    let parent = input.parent.and_then(unless_root);
    let (kind, name) = (input.kind.stored(), name("CateName", &input.name, NAME_BYTES_MAX)?);
    match context.catalog.add_category(parent, kind, name, context.now).await? {
        CategoryAdded::Added(category) => Ok(Added { category: told(category) }),
        CategoryAdded::NoParent => Err(Code::InvalidCateIdNotFound.because("There is no category with this ParentId.")),
        CategoryAdded::TooDeep => Err(Code::LevelExceededMax.into()),
        CategoryAdded::TooMany => Err(Code::SubTotalExceededMax.into()),
    }
}

async fn update_category(context: &Context, input: UpdateCategory) -> Answer<Done> {
    let name = name("CateName", &input.name, NAME_BYTES_MAX)?;
    match context.catalog.rename_category(input.id, name).await? {
        true => Ok(Done {}),
        false => Err(Code::InvalidCateIdNotFound.into()),
    }
}

async fn delete_category(context: &Context, input: DeleteCategory) -> Answer<Done> {
    match context.catalog.delete_category(input.id).await? {
        true => Ok(Done {}),
        false => Err(Code::InvalidCateIdNotFound.into()),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Categories {
    /// Left out for the root, which is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Told>,
    sub_categories: SubCategories,
    sub_total: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct SubCategories {
    category: Vec<SubCategory>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct SubCategory {
    #[serde(flatten)]
    told: Told,
    sub_total: u64,
}

async fn get_categories(context: &Context, input: GetCategories) -> Answer<Categories> {
    let category = match input.id.and_then(unless_root) {
        None => None,
        Some(id) => Some(context.catalog.category(id).await?.ok_or(Code::InvalidCateIdNotFound)?),
    };
    let parent = category.as_ref().map(|category| category.id);
    let (kind, order) = (input.kind.map(Kind::stored), input.sort_by.order());
    let listed = context.catalog.categories(parent, kind, order, page(input.page_no, input.page_size)).await?;
    let sub = |ListedCategory { category, children }| SubCategory { told: told(category), sub_total: children };
    Ok(Categories {
        category: category.map(told),
        sub_categories: SubCategories { category: listed.rows.into_iter().map(sub).collect() },
        sub_total: listed.total,
    })
}
