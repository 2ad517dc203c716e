//! Categories: what videos are sorted into.
//!
//! **Invariant:** an id is given once. What is left of a deleted category on a video means nothing, and no category that is made
//! later takes it over; so a deletion touches no video.

use std::collections::BTreeMap;

use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, words};
use crate::{Catalog, CatalogError, Listed, Order, Page, Result, Tx};

/// How deep categories may lie in each other.
const LEVELS_MAX: u32 = 3;
/// How many categories may lie in one, or in none.
const CHILDREN_MAX: u64 = 100;
/// The setting that holds the id given last.
const LAST_ID: &str = "category_last";

words! {
    /// What is sorted. The words are those of the wire.
    pub enum CategoryKind {
        /// Videos, sounds and pictures.
        Default = "default",
        /// Material of short videos.
        Material = "material",
    }
}

/// A category.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Category {
    /// Its id.
    pub id: i64,
    /// The category it lies in.
    pub parent: Option<i64>,
    /// How deep it lies, from 0.
    pub level: u32,
    /// What is sorted.
    pub kind: CategoryKind,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: WallTime,
}

/// A category in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedCategory {
    /// The category.
    pub category: Category,
    /// How many lie in it, not counting those in them.
    pub children: u64,
}

/// What became of the wish for a new category.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CategoryAdded {
    /// It is there.
    Added(Category),
    /// There is no category to put it in.
    NoParent,
    /// It would lie too deep.
    TooDeep,
    /// There are as many beside it as there may be.
    TooMany,
}

fn category_of(row: &Row) -> Result<Category> {
    Ok(Category {
        id: row.int("id")?,
        parent: row.opt_int("parent")?,
        level: row.small("level")?,
        kind: row.parsed("kind")?,
        name: row.text("name")?,
        created: row.time("created")?,
    })
}

/// Those that lie in `parent`, or in none.
fn lying_in(sql: Sql, parent: Option<i64>) -> Sql {
    match parent {
        Some(parent) => sql.with(" WHERE parent = ", parent),
        None => sql.text(" WHERE parent IS NULL"),
    }
}

impl Catalog {
    /// The category of this id.
    pub async fn category(&self, id: i64) -> Result<Option<Category>> {
        let row = Sql::new("SELECT * FROM category WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(category_of).transpose()
    }

    /// The names of those of these categories that are there.
    pub async fn category_names(&self, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let sql = Sql::new("SELECT id, name FROM category").with_list(" WHERE id IN ", ids.iter().copied());
        sql.rows(self).await?.iter().map(|row| Ok((row.int("id")?, row.text("name")?))).collect()
    }

    /// The categories that lie in `parent`, or in none, by when they were made; all kinds, or one.
    pub async fn categories(
        &self,
        parent: Option<i64>,
        kind: Option<CategoryKind>,
        order: Order,
        page: Page,
    ) -> Result<Listed<ListedCategory>> {
        let total =
            lying_in(Sql::new("SELECT COUNT(*) AS total FROM category"), parent).with_some(" AND kind = ", kind);
        let total = total.total(self).await?;
        let rows = Sql::new(
            "SELECT c.*, (SELECT COUNT(*) FROM category child WHERE child.parent = c.id) AS children FROM category c",
        );
        let rows = lying_in(rows, parent)
            .with_some(" AND kind = ", kind)
            .text(match order {
                Order::Ascending => " ORDER BY created, id",
                Order::Descending => " ORDER BY created DESC, id DESC",
            })
            .with(" LIMIT ", page.limit())
            .with(" OFFSET ", page.offset())
            .rows(self)
            .await?;
        let one = |row: &Row| Ok(ListedCategory { category: category_of(row)?, children: row.count("children")? });
        Ok(Listed { rows: rows.iter().map(one).collect::<Result<_>>()?, total })
    }
}

impl Tx {
    /// Holds the id given last: the forest changes in one place at a time, so that its limits hold.
    async fn hold_categories(&mut self) -> Result<()> {
        self.hold(LAST_ID).await
    }

    async fn next_category(&mut self) -> Result<i64> {
        let sql = Sql::new(
            "UPDATE setting SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE key = $1
             RETURNING CAST(value AS BIGINT) AS id",
        );
        match sql.arg(LAST_ID).row(self).await? {
            Some(row) => row.int("id"),
            None => Err(CatalogError::NotFound { what: "setting", key: LAST_ID.to_owned() }),
        }
    }

    async fn category_to_read(&mut self, id: i64) -> Result<Option<Category>> {
        let row = Sql::new("SELECT * FROM category WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(category_of).transpose()
    }

    /// Adds a category to `parent`, or beside those that lie in none. One that lies in another is of its kind, whatever `kind` is.
    pub async fn add_category(
        &mut self,
        parent: Option<i64>,
        kind: CategoryKind,
        name: &str,
        now: WallTime,
    ) -> Result<CategoryAdded> {
        self.hold_categories().await?;
        let (level, kind) = match parent {
            None => (0, kind),
            Some(parent) => match self.category_to_read(parent).await? {
                Some(parent) => (parent.level + 1, parent.kind),
                None => return Ok(CategoryAdded::NoParent),
            },
        };
        if level >= LEVELS_MAX {
            return Ok(CategoryAdded::TooDeep);
        }
        let beside = lying_in(Sql::new("SELECT COUNT(*) AS total FROM category"), parent);
        if beside.total(&mut *self).await? >= CHILDREN_MAX {
            return Ok(CategoryAdded::TooMany);
        }
        let id = self.next_category().await?;
        Sql::new("INSERT INTO category (id, parent, level, kind, name, created) VALUES ($1, $2, $3, $4, $5, $6)")
            .arg(id)
            .arg(parent)
            .arg(level)
            .arg(kind)
            .arg(name)
            .arg(now)
            .run(self)
            .await?;
        Ok(CategoryAdded::Added(Category { id, parent, level, kind, name: name.to_owned(), created: now }))
    }

    /// Gives a category another name. Whether it is there.
    pub async fn rename_category(&mut self, id: i64, name: &str) -> Result<bool> {
        Ok(Sql::new("UPDATE category SET name = $2 WHERE id = $1").arg(id).arg(name).run(self).await? > 0)
    }

    /// Deletes a category and all that lie in it; its videos stay, in no category. Whether it was there.
    pub async fn delete_category(&mut self, id: i64) -> Result<bool> {
        self.hold_categories().await?;
        let deleted = Sql::new(
            "WITH RECURSIVE below (id) AS (
               SELECT id FROM category WHERE id = $1
               UNION SELECT category.id FROM category JOIN below ON category.parent = below.id)
             DELETE FROM category WHERE id IN (SELECT id FROM below)",
        );
        Ok(deleted.arg(id).run(self).await? > 0)
    }
}

in_own_tx! {
    add_category(parent: Option<i64>, kind: CategoryKind, name: &str, now: WallTime) -> CategoryAdded;
    rename_category(id: i64, name: &str) -> bool;
    delete_category(id: i64) -> bool;
}
