//! Finding the rows of a page, whether few fit or nearly all.
//!
//! First it is counted how many fit, up to [`COUNTED_MAX`]. Where they are fewer, they are found by whatever index knows the condition, and
//! sorted. Where they are more, a row in the order that is wanted fits often enough to read from its index until the page is full.

use super::text::{Hits, Piece};
use super::{AssetPart, AssetPlace, AssetSort, AssetSortKey, grams};
use crate::assets::asset_of;
use crate::sql::{Sql, Value};
use crate::{Asset, Catalog, Listed, Order, Result};

/// To how many assets that fit are counted: as many as can be reached by pages of GetVideoList. (The tests of this
/// module get there with few.)
pub(super) const COUNTED_MAX: u32 = if cfg!(test) { 40 } else { 5_000 };
/// Of how many assets that have a common piece it is tried whether enough fit: a few more than are counted.
const SOME: u32 = COUNTED_MAX + COUNTED_MAX / 5;
/// How far a row's number in `asset_text` is shifted for the milliseconds of its creation.
const DOC_SHIFT: u32 = 20;

/// The condition, added as one that may stand behind AND.
type Condition<'a> = &'a (dyn Fn(Sql) -> Sql + Sync);

/// What assets have to be.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) all: Condition<'a>,
    /// The same, where only what comes behind the place is asked for.
    pub(super) ahead: Condition<'a>,
}

/// Of what is asked, the whole or what comes behind the place.
#[derive(Clone, Copy)]
enum Reach {
    All,
    Ahead,
}

impl Reach {
    fn of<'a>(self, asked: &Asked<'a>) -> Condition<'a> {
        match self {
            Self::All => asked.all,
            Self::Ahead => asked.ahead,
        }
    }
}

/// What SQLite's index of texts finds.
pub(super) struct Found<'a> {
    pub(super) hits: Hits,
    /// What those have to be.
    pub(super) beside: Asked<'a>,
    /// Whether nothing but texts is asked for.
    pub(super) texts_alone: bool,
    /// Whether `beside` asks for no text, so that `asset_doc` has all that it asks for.
    pub(super) in_docs: bool,
}

/// Asking PostgreSQL's index of texts for a part of the library after the other.
#[derive(Clone, Copy)]
pub(super) struct ByParts<'a> {
    /// What the index is asked for.
    pub(super) in_part: &'a (dyn Fn(Sql, u8) -> Sql + Sync),
    /// What those have to be that it finds.
    pub(super) beside: Asked<'a>,
}

/// A list of assets that somebody wants.
pub(crate) struct Wanted<'a> {
    pub(super) whole: Asked<'a>,
    /// Where PostgreSQL's index of texts is asked.
    pub(super) by_parts: Option<ByParts<'a>>,
    /// Whether an index has all that fit, or somewhat more, by creation.
    pub(super) in_order: bool,
    /// Where SQLite's index of texts is asked.
    pub(super) found: Option<Found<'a>>,
    pub(super) sort: &'a AssetSort,
    pub(super) part: AssetPart,
}

impl<'a> Wanted<'a> {
    /// One that asks for no text.
    pub(crate) fn without_texts(
        condition: Condition<'a>,
        in_order: bool,
        sort: &'a AssetSort,
        part: AssetPart,
    ) -> Self {
        Self { whole: Asked { all: condition, ahead: condition }, by_parts: None, in_order, found: None, sort, part }
    }

    /// The assets of the part, and how many fit in all, as far as they are counted.
    pub(crate) async fn find(mut self, catalog: &Catalog) -> Result<Listed<Asset>> {
        let enough = u64::from(COUNTED_MAX);
        let mut some = 0;
        if let Some(found) = &self.found
            && let Some(piece) = found.common(catalog).await?
        {
            some = found.count_some(catalog, piece).await?;
            // Reading them in the order of the list finds enough.
            self.found = None;
        }
        let total = if some >= enough { enough } else { self.count(catalog).await? };
        let rows = match &self.found {
            Some(found) if self.sort.first().0 == AssetSortKey::Created && found.hits.are_in_order() => {
                self.along_texts(catalog, found).await?
            }
            _ if total < enough => self.sorted(catalog).await?,
            _ => self.walked(catalog).await?,
        };
        Ok(Listed { rows: rows.iter().map(asset_of).collect::<Result<_>>()?, total })
    }

    async fn count(&self, catalog: &Catalog) -> Result<u64> {
        let sql = Sql::new("SELECT COUNT(*) AS total FROM (SELECT 1 AS one FROM ");
        let sql = match &self.found {
            Some(found) if found.texts_alone && found.hits.are_in_order() => found.fit_in_texts(sql),
            _ => self.fit(sql, Reach::All, |sql| sql),
        };
        sql.with(" LIMIT ", COUNTED_MAX).text(") AS fit").total(catalog).await
    }

    /// The rows that fit, out of what the index of texts finds. `more` narrows what SQLite's finds by `rowid`, the number there.
    fn fit(&self, sql: Sql, reach: Reach, more: impl Fn(Sql) -> Sql) -> Sql {
        match (&self.found, self.by_parts) {
            (Some(found), _) if found.in_docs => {
                let sql = found.hits.docs(sql.text("("), more);
                let sql = sql.text(") AS hit CROSS JOIN asset_doc ON asset_doc.doc = hit.doc WHERE ");
                reach.of(&found.beside)(sql)
            }
            (Some(found), _) => {
                let sql = found.hits.copies(sql.text("(SELECT found.doc AS doc, c0 AS of_asset FROM "), more);
                let sql = sql.text(") AS hit CROSS JOIN asset ON asset.id = hit.of_asset WHERE deleted IS NULL AND ");
                reach.of(&found.beside)(sql)
            }
            (None, Some(ByParts { in_part, beside })) => {
                let mut sql = sql.text("(");
                for part in 0..grams::PARTS {
                    let union = if part == 0 { "" } else { " UNION ALL " };
                    let one =
                        sql.text(union).text("SELECT id, created, modified FROM asset WHERE deleted IS NULL AND ");
                    let one = one.text(grams::PART).with(" = ", i64::from(part)).text(" AND ");
                    sql = reach.of(&beside)(in_part(one, part).text(" AND "));
                }
                sql.text(") AS hit")
            }
            (None, None) => reach.of(&self.whole)(sql.text("asset WHERE deleted IS NULL AND ")),
        }
    }

    /// All that fit, by whatever index knows the condition, and then sorted.
    async fn sorted(&self, catalog: &Catalog) -> Result<Vec<crate::sql::Row>> {
        let sql = self.ids("SELECT id FROM (SELECT id, created, modified FROM ");
        // The limit changes nothing but that the order does not decide which index is used.
        let sql = self.fit(sql, Reach::Ahead, |sql| sql).with(" LIMIT ", COUNTED_MAX).text(") AS fit");
        let sql = match self.part {
            AssetPart::After(place, _) => self.sort.behind(sql.text(" WHERE "), place),
            AssetPart::Page(_) => sql,
        };
        self.rows(catalog, self.part_of(self.sort.ordered(sql))).await
    }

    /// Along the index of the order.
    async fn walked(&self, catalog: &Catalog) -> Result<Vec<crate::sql::Row>> {
        let along = match self.sort.first().0 {
            AssetSortKey::Created if self.in_order => "",
            AssetSortKey::Created => "{by created} ",
            AssetSortKey::Modified => "{by modified} ",
        };
        let sql = self.ids("SELECT id FROM asset ").text(along).text("WHERE deleted IS NULL AND ");
        let sql = (self.whole.ahead)(sql);
        let sql = match self.part {
            AssetPart::After(place, _) => self.sort.behind(sql.text(" AND "), place),
            AssetPart::Page(_) => sql,
        };
        self.rows(catalog, self.part_of(self.sort.ordered(sql))).await
    }

    /// Along the index of texts, which has them by the millisecond of their creation: to the last of the page, and all that were made
    /// in the same millisecond as it. Those are then sorted.
    async fn along_texts(&self, catalog: &Catalog, found: &Found<'a>) -> Result<Vec<crate::sql::Row>> {
        let (_, order) = self.sort.first();
        let (limit, offset, place) = match self.part {
            AssetPart::Page(page) => (page.limit(), page.offset(), None),
            AssetPart::After(place, limit) => (i64::from(limit), 0, Some(place)),
        };
        let first_doc = |ms: i64| ms << DOC_SHIFT;
        // From the place on, its own millisecond included.
        let from_place = |sql: Sql| match (place, order) {
            (None, _) => sql,
            (Some(place), Order::Ascending) => sql.with(" AND rowid >= ", first_doc(place.created.unix_ms)),
            (Some(place), Order::Descending) => sql.with(" AND rowid < ", first_doc(place.created.unix_ms + 1)),
        };
        let behind = |sql: Sql| match place {
            Some(place) => self.sort.behind(sql.text(" AND "), place),
            None => sql,
        };
        let last = offset.saturating_add(limit).saturating_sub(1);
        let at_last = Sql::new("SELECT hit.doc AS doc FROM ");
        let at_last = match found.texts_alone && place.is_none() {
            true => found.fit_in_texts(at_last),
            false => behind(self.fit(at_last, Reach::Ahead, from_place)),
        };
        let at_last = at_last.text(match order {
            Order::Ascending => " ORDER BY hit.doc",
            Order::Descending => " ORDER BY hit.doc DESC",
        });
        let at_last = at_last.text(" LIMIT 1").with(" OFFSET ", last).row(catalog).await?;
        let to = at_last.map(|row| row.int("doc")).transpose()?.map(|doc| doc >> DOC_SHIFT);
        let to_last = |sql: Sql| match (to, order) {
            (None, _) => from_place(sql),
            (Some(to), Order::Ascending) => from_place(sql).with(" AND rowid < ", first_doc(to + 1)),
            (Some(to), Order::Descending) => from_place(sql).with(" AND rowid >= ", first_doc(to)),
        };
        let sql = behind(self.fit(self.ids("SELECT id FROM "), Reach::Ahead, to_last));
        self.rows(catalog, self.part_of(self.sort.ordered(sql))).await
    }

    /// The beginning of a statement for the rows of ids, which come next.
    fn ids(&self, next: &'static str) -> Sql {
        Sql::new("SELECT * FROM asset WHERE id IN (").text(next)
    }

    fn part_of(&self, sql: Sql) -> Sql {
        match self.part {
            AssetPart::Page(page) => sql.with(" LIMIT ", page.limit()).with(" OFFSET ", page.offset()),
            AssetPart::After(_, limit) => sql.with(" LIMIT ", limit),
        }
    }

    async fn rows(&self, catalog: &Catalog, ids: Sql) -> Result<Vec<crate::sql::Row>> {
        self.sort.ordered(ids.text(")")).rows(catalog).await
    }
}

impl Found<'_> {
    /// What is looked for in so many texts that the index narrows nothing.
    async fn common(&self, catalog: &Catalog) -> Result<Option<&Piece>> {
        let Hits::Either { pieces, .. } = &self.hits else { return Ok(None) };
        for piece in pieces {
            let counted = piece.docs(Sql::new("SELECT COUNT(*) AS total FROM ("));
            let counted = counted.with(" LIMIT ", COUNTED_MAX).text(") AS hits");
            if counted.total(catalog).await? >= u64::from(COUNTED_MAX) {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    /// How many fit of some that have a common piece. Where these are enough, the others need not be read to count them.
    async fn count_some(&self, catalog: &Catalog, piece: &Piece) -> Result<u64> {
        if self.texts_alone && self.hits.decides() {
            return Ok(COUNTED_MAX.into());
        }
        let some = |sql: Sql| piece.docs(sql.text("(SELECT doc FROM (")).with(" LIMIT ", SOME).text(") AS some)");
        let sql = Sql::new("SELECT COUNT(*) AS total FROM (SELECT 1 AS one FROM ");
        let sql = match (self.in_docs, self.texts_alone) {
            (true, _) => some(sql.text("asset_doc WHERE doc IN ")).text(" AND "),
            (false, true) => {
                let copies = "(SELECT c1 AS title, c2 AS tags, c3 AS description FROM asset_text_content WHERE id IN ";
                some(sql.text(copies)).text(") AS hit WHERE ")
            }
            (false, false) => some(sql.text("(SELECT c0 AS of_asset FROM asset_text_content WHERE id IN "))
                .text(") AS hit CROSS JOIN asset ON asset.id = hit.of_asset WHERE deleted IS NULL AND "),
        };
        (self.beside.all)(sql).with(" LIMIT ", COUNTED_MAX).text(") AS fit").total(catalog).await
    }

    /// What fits, as the index of texts has a copy of them: that is nearer than the rows. Where the index decides, not even that is read.
    fn fit_in_texts(&self, sql: Sql) -> Sql {
        if self.hits.decides() {
            return self.hits.docs(sql.text("("), |sql| sql).text(") AS hit");
        }
        let copies = "(SELECT found.doc AS doc, c1 AS title, c2 AS tags, c3 AS description FROM ";
        (self.beside.all)(self.hits.copies(sql.text(copies), |sql| sql).text(") AS hit WHERE "))
    }
}

impl AssetSort {
    /// The key that decides, and which way it runs.
    pub fn first(&self) -> (AssetSortKey, Order) {
        self.0.first().copied().unwrap_or((AssetSortKey::Created, Order::Descending))
    }

    /// The columns, in the end that of the ids.
    fn columns(&self) -> Vec<(&'static str, Order)> {
        let column = |(key, order): &(AssetSortKey, Order)| match key {
            AssetSortKey::Created => ("created", *order),
            AssetSortKey::Modified => ("modified", *order),
        };
        self.0.iter().map(column).chain([("id", self.first().1)]).collect()
    }

    fn ordered(&self, mut sql: Sql) -> Sql {
        for (nth, (column, order)) in self.columns().into_iter().enumerate() {
            sql = sql.text(if nth == 0 { " ORDER BY " } else { ", " }).text(column).text(match order {
                Order::Ascending => "",
                Order::Descending => " DESC",
            });
        }
        sql
    }

    /// That a row comes after `place`: it is beyond it in the first column, or equal there and beyond it in the second, and so on.
    fn behind(&self, sql: Sql, place: AssetPlace) -> Sql {
        let columns = self.columns();
        let value = |column: &str| -> Value {
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
}
