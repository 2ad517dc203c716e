//! Searching assets by what is known of them.

mod grams;
mod pages;
#[cfg(test)]
mod tests;
mod text;

use units::{AssetId, WallTime};

use crate::sql::{Contains, Sql, Value};
use crate::{Asset, AssetStatus, Catalog, Listed, Order, Page, Pools, Result};

pub(crate) use pages::Wanted;
use pages::{Asked, ByParts, Found};
use text::Hits;

/// Which assets are wanted. Deleted ones never are.
#[derive(Clone, PartialEq, Debug)]
pub enum AssetMatch {
    /// All of these; of none: every asset.
    All(Vec<AssetMatch>),
    /// One of these; of none: no asset.
    Any(Vec<AssetMatch>),
    /// One of these ids.
    Ids(Vec<AssetId>),
    /// One of these states.
    Statuses(Vec<AssetStatus>),
    /// One of these categories, as long as it is there.
    Categories(Vec<i64>),
    /// Recorded from a stream, or not.
    Recorded(bool),
    /// One of these texts is in the field, in whatever letter case; an empty one is in each.
    Contains(AssetText, Vec<String>),
    /// The field is in a range, both ends included.
    Between(AssetNumber, i64, i64),
}

impl AssetMatch {
    /// Whether an index has those that fit, or somewhat more, in the order of creation.
    fn is_in_order(&self) -> bool {
        match self {
            Self::All(all) => all.iter().any(Self::is_in_order),
            Self::Statuses(statuses) => statuses.len() == 1,
            Self::Categories(ids) => ids.len() == 1,
            Self::Any(_) | Self::Ids(_) | Self::Recorded(_) | Self::Contains(..) | Self::Between(..) => false,
        }
    }

    /// The same for what comes at a place or behind it: a range of the key that decides is cut there. (SQLite reads along an index from one
    /// bound only, and would take the one that is farther.)
    fn ahead(&self, (key, order): (AssetSortKey, Order), place: AssetPlace) -> Self {
        match self {
            Self::All(all) => Self::All(all.iter().map(|one| one.ahead((key, order), place)).collect()),
            Self::Between(number, from, to) => {
                let at = match (number, key) {
                    (AssetNumber::Created, AssetSortKey::Created) => place.created.unix_ms,
                    (AssetNumber::Modified, AssetSortKey::Modified) => place.modified.unix_ms,
                    _ => return self.clone(),
                };
                match order {
                    Order::Ascending => Self::Between(*number, at.max(*from), *to),
                    Order::Descending => Self::Between(*number, *from, at.min(*to)),
                }
            }
            other => other.clone(),
        }
    }

    /// Whether every asset fits.
    fn is_everything(&self) -> bool {
        matches!(self, Self::All(all) if all.iter().all(Self::is_everything))
    }

    /// Whether it asks for texts anywhere.
    fn asks_for_texts(&self) -> bool {
        match self {
            Self::Contains(..) => true,
            Self::All(inner) | Self::Any(inner) => inner.iter().any(Self::asks_for_texts),
            Self::Ids(_) | Self::Statuses(_) | Self::Categories(_) | Self::Recorded(_) | Self::Between(..) => false,
        }
    }

    /// Whether an index finds just what fits, if it does so for texts by `decides`.
    fn is_decided(&self, decides: fn(&str) -> bool) -> bool {
        match self {
            Self::All(all) | Self::Any(all) => !all.is_empty() && all.iter().all(|one| one.is_decided(decides)),
            Self::Contains(_, texts) => !texts.is_empty() && texts.iter().all(|text| decides(text)),
            Self::Ids(_) | Self::Statuses(_) | Self::Categories(_) | Self::Recorded(_) | Self::Between(..) => false,
        }
    }

    /// What is left of it where what is `decided` need not be asked again.
    fn beside(&self, decided: fn(&Self) -> bool) -> Self {
        match self {
            one if decided(one) => Self::All(Vec::new()),
            Self::All(all) => Self::All(all.iter().map(|one| one.beside(decided)).collect()),
            other => other.clone(),
        }
    }

    /// Whether it asks for nothing but texts.
    fn is_of_texts(&self) -> bool {
        match self {
            Self::Contains(..) => true,
            Self::All(inner) | Self::Any(inner) => inner.iter().all(Self::is_of_texts),
            Self::Ids(_) | Self::Statuses(_) | Self::Categories(_) | Self::Recorded(_) | Self::Between(..) => false,
        }
    }
}

/// A text of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssetText {
    /// Its title.
    Title,
    /// Its tags, joined by commas.
    Tags,
    /// Its description.
    Description,
}

/// A number of an asset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssetNumber {
    /// Bytes.
    Size,
    /// 90 kHz ticks.
    Duration,
    /// When it was made, in Unix milliseconds.
    Created,
    /// When it was last changed, in Unix milliseconds.
    Modified,
}

/// What found assets are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssetSortKey {
    /// When they were made.
    Created,
    /// When they were last changed.
    Modified,
}

/// How found assets are sorted: by the first key, those that are equal in it by the next, and in the end by id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssetSort(Vec<(AssetSortKey, Order)>);

impl Default for AssetSort {
    /// Newest first.
    fn default() -> Self {
        Self(vec![(AssetSortKey::Created, Order::Descending)])
    }
}

impl AssetSort {
    /// By these keys; a key that comes again changes nothing. The ids run as the first key does.
    pub fn by(keys: &[(AssetSortKey, Order)]) -> Self {
        let mut kept: Vec<(AssetSortKey, Order)> = Vec::new();
        for key in keys {
            if !kept.iter().any(|known| known.0 == key.0) {
                kept.push(*key);
            }
        }
        if kept.is_empty() { Self::default() } else { Self(kept) }
    }
}

/// A place in sorted assets: that of one of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AssetPlace {
    /// The asset.
    pub id: AssetId,
    /// When it was made.
    pub created: WallTime,
    /// When it had been changed last.
    pub modified: WallTime,
}

/// Which part of what was found is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssetPart {
    /// A page.
    Page(Page),
    /// So many of those that come after a place. It does not get slower the further it is, and what is added or deleted before it
    /// moves nothing.
    After(AssetPlace, u32),
}

impl Catalog {
    /// The assets that fit, and how many there are in all; those are counted up to 5000.
    pub async fn search_assets(&self, wanted: &AssetMatch, sort: &AssetSort, part: AssetPart) -> Result<Listed<Asset>> {
        let index = match &self.inner.pools {
            Pools::Sqlite { .. } => Hits::of(wanted).into(),
            Pools::Postgres(_) if grams::narrow(wanted) => Index::Grams,
            Pools::Postgres(_) => Index::None,
        };
        self.search_along(index, wanted, sort, part).await
    }

    async fn search_along(
        &self,
        index: Index,
        wanted: &AssetMatch,
        sort: &AssetSort,
        part: AssetPart,
    ) -> Result<Listed<Asset>> {
        let left = match &index {
            Index::Texts(hits) if hits.decides() => &wanted.beside(AssetMatch::is_of_texts),
            Index::Grams => &wanted.beside(grams::decides),
            Index::Texts(_) | Index::None => wanted,
        };
        let ahead_of = |wanted: &AssetMatch| match part {
            AssetPart::After(place, _) => wanted.ahead(sort.first(), place),
            AssetPart::Page(_) => wanted.clone(),
        };
        let (rest, whole) = (ahead_of(left), ahead_of(wanted));
        let in_index = (|sql: Sql| narrowed(sql, left), |sql: Sql| narrowed(sql, &rest));
        let in_all = (|sql: Sql| narrowed(sql, wanted), |sql: Sql| narrowed(sql, &whole));
        let in_part = |sql: Sql, part: u8| grams::condition(sql, wanted, part);
        let beside = Asked { all: &in_index.0, ahead: &in_index.1 };
        let (found, by_parts) = match index {
            Index::None => (None, None),
            Index::Texts(hits) => {
                let texts_alone = wanted.is_of_texts() || left.is_everything();
                (Some(Found { hits, beside, texts_alone, in_docs: !left.asks_for_texts() }), None)
            }
            Index::Grams => (None, Some(ByParts { in_part: &in_part, beside })),
        };
        let whole = Asked { all: &in_all.0, ahead: &in_all.1 };
        Wanted { whole, by_parts, in_order: wanted.is_in_order(), found, sort, part }.find(self).await
    }

    /// When an asset was made, also one that is deleted.
    pub async fn asset_created(&self, id: AssetId) -> Result<Option<WallTime>> {
        let row = Sql::new("SELECT created FROM asset WHERE id = $1").arg(id).row(self).await?;
        row.map(|row| row.time("created")).transpose()
    }
}

/// An index of texts.
enum Index {
    /// Rows are read.
    None,
    /// SQLite's.
    Texts(Hits),
    /// PostgreSQL's.
    Grams,
}

impl From<Option<Hits>> for Index {
    fn from(hits: Option<Hits>) -> Self {
        hits.map_or(Self::None, Self::Texts)
    }
}

/// The longest run of letters in a text that an index knows.
fn longest_run(text: &str, known: fn(char) -> Option<char>) -> &str {
    text.split(|c| known(c).is_none()).max_by_key(|run| run.chars().count()).unwrap_or_default()
}

/// The condition, as one that may stand anywhere.
pub(crate) fn narrowed(sql: Sql, wanted: &AssetMatch) -> Sql {
    match wanted {
        AssetMatch::All(all) => joined(sql, all, narrowed, " AND ", "1 = 1"),
        AssetMatch::Any(any) => joined(sql, any, narrowed, " OR ", "1 = 0"),
        AssetMatch::Ids(ids) => sql.with_list("id IN ", ids.iter().copied()),
        AssetMatch::Statuses(statuses) => sql.with_list("status IN ", statuses.iter().copied()),
        AssetMatch::Categories(ids) => match ids.as_slice() {
            // An equation lets an index give the order, too.
            [id] => sql.with("category = (SELECT id FROM category WHERE id = ", *id).text(")"),
            ids => sql.with_list("category IN (SELECT id FROM category WHERE id IN ", ids.iter().copied()).text(")"),
        },
        AssetMatch::Recorded(true) => sql.text("recording IS NOT NULL"),
        AssetMatch::Recorded(false) => sql.text("recording IS NULL"),
        AssetMatch::Contains(field, texts) => joined(
            sql,
            texts,
            |sql, text| {
                // Neither database has this character in a text; one would stop reading there, the other refuses the question.
                if text.contains('\0') {
                    return sql.text("1 = 0");
                }
                let (sql, text) = (sql.text(field.column()), Contains(text.clone()));
                match text.is_plain() {
                    true => sql.with(" {contains plainly} ", Value::ContainsPlainly(text)),
                    false => sql.with(" {contains} ", text),
                }
            },
            " OR ",
            "1 = 0",
        ),
        AssetMatch::Between(field, from, to) => {
            let column = match field {
                AssetNumber::Size => "size_bytes",
                AssetNumber::Duration => "duration_ticks",
                AssetNumber::Created => "created",
                AssetNumber::Modified => "modified",
            };
            sql.text(column).with(" BETWEEN ", *from).with(" AND ", *to)
        }
    }
}

/// What `one` makes of each, joined.
fn joined<T>(sql: Sql, all: &[T], one: impl Fn(Sql, &T) -> Sql, by: &'static str, none: &'static str) -> Sql {
    let mut sql = sql.text("(");
    for (nth, each) in all.iter().enumerate() {
        sql = one(sql.text(if nth == 0 { "" } else { by }), each);
    }
    sql.text(if all.is_empty() { none } else { "" }).text(")")
}
