//! Searching assets by what is known of them.

use units::{AssetId, WallTime};

use crate::assets::asset_of;
use crate::sql::{Contains, Sql};
use crate::{Asset, AssetStatus, Catalog, Listed, Order, Page, Result};

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

    /// The columns, in the end that of the ids.
    fn columns(&self) -> Vec<(&'static str, Order)> {
        let id = self.0.first().map(|(_, order)| ("id", *order));
        let column = |(key, order): &(AssetSortKey, Order)| match key {
            AssetSortKey::Created => ("created", *order),
            AssetSortKey::Modified => ("modified", *order),
        };
        self.0.iter().map(column).chain(id).collect()
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
    /// The assets that fit, and how many there are in all.
    pub async fn search_assets(&self, wanted: &AssetMatch, sort: &AssetSort, part: AssetPart) -> Result<Listed<Asset>> {
        let total = narrowed(Sql::new("SELECT COUNT(*) AS total FROM asset WHERE deleted IS NULL AND "), wanted);
        let total = total.total(self).await?;
        let mut sql = narrowed(Sql::new("SELECT * FROM asset WHERE deleted IS NULL AND "), wanted);
        let columns = sort.columns();
        if let AssetPart::After(place, _) = part {
            sql = behind(sql.text(" AND "), &columns, place);
        }
        for (nth, (column, order)) in columns.iter().enumerate() {
            sql = sql.text(if nth == 0 { " ORDER BY " } else { ", " }).text(column).text(match order {
                Order::Ascending => "",
                Order::Descending => " DESC",
            });
        }
        sql = match part {
            AssetPart::Page(page) => sql.with(" LIMIT ", page.limit()).with(" OFFSET ", page.offset()),
            AssetPart::After(_, limit) => sql.with(" LIMIT ", limit),
        };
        let rows = sql.rows(self).await?;
        Ok(Listed { rows: rows.iter().map(asset_of).collect::<Result<_>>()?, total })
    }

    /// When an asset was made, also one that is deleted.
    pub async fn asset_created(&self, id: AssetId) -> Result<Option<WallTime>> {
        let row = Sql::new("SELECT created FROM asset WHERE id = $1").arg(id).row(self).await?;
        row.map(|row| row.time("created")).transpose()
    }
}

/// The condition, as one that may stand anywhere.
fn narrowed(sql: Sql, wanted: &AssetMatch) -> Sql {
    match wanted {
        AssetMatch::All(all) => joined(sql, all, " AND ", "1 = 1"),
        AssetMatch::Any(any) => joined(sql, any, " OR ", "1 = 0"),
        AssetMatch::Ids(ids) => sql.with_list("id IN ", ids.iter().copied()),
        AssetMatch::Statuses(statuses) => sql.with_list("status IN ", statuses.iter().copied()),
        AssetMatch::Categories(ids) => match ids.as_slice() {
            // An equation lets an index give the order, too.
            [id] => sql.with("category = (SELECT id FROM category WHERE id = ", *id).text(")"),
            ids => sql.with_list("category IN (SELECT id FROM category WHERE id IN ", ids.iter().copied()).text(")"),
        },
        AssetMatch::Recorded(true) => sql.text("recording IS NOT NULL"),
        AssetMatch::Recorded(false) => sql.text("recording IS NULL"),
        AssetMatch::Contains(field, texts) => {
            let column = match field {
                AssetText::Title => "title",
                AssetText::Tags => "tags",
                AssetText::Description => "description",
            };
            let one = |sql: Sql, text: &String| sql.text(column).with(" {contains} ", Contains(text.clone()));
            let mut sql = sql.text("(");
            for (nth, text) in texts.iter().enumerate() {
                sql = one(sql.text(if nth == 0 { "" } else { " OR " }), text);
            }
            sql.text(if texts.is_empty() { "1 = 0)" } else { ")" })
        }
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

fn joined(sql: Sql, conditions: &[AssetMatch], by: &'static str, none: &'static str) -> Sql {
    let mut sql = sql.text("(");
    for (nth, condition) in conditions.iter().enumerate() {
        sql = narrowed(sql.text(if nth == 0 { "" } else { by }), condition);
    }
    sql.text(if conditions.is_empty() { none } else { "" }).text(")")
}

/// That a row comes after `place`: it is beyond it in the first column, or equal there and beyond it in the second, and so on.
fn behind(sql: Sql, columns: &[(&'static str, Order)], place: AssetPlace) -> Sql {
    let value = |column: &str| -> crate::sql::Value {
        match column {
            "created" => place.created.into(),
            "modified" => place.modified.into(),
            _ => place.id.into(),
        }
    };
    let beyond = |order: &Order| match order {
        Order::Ascending => " > ",
        Order::Descending => " < ",
    };
    let mut sql = sql;
    // Says again what follows from the rest, for the index.
    if let Some((column, order)) = columns.first() {
        let not_before = match order {
            Order::Ascending => " >= ",
            Order::Descending => " <= ",
        };
        sql = sql.text(column).with(not_before, value(column)).text(" AND ");
    }
    sql = sql.text("(");
    for (nth, (column, order)) in columns.iter().enumerate() {
        sql = sql.text(if nth == 0 { "" } else { " OR " }).text("(");
        for (equal, _) in columns.iter().take(nth) {
            sql = sql.text(equal).with(" = ", value(equal)).text(" AND ");
        }
        sql = sql.text(column).with(beyond(order), value(column)).text(")");
    }
    sql.text(")")
}
