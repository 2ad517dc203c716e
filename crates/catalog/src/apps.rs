//! Applications: what templates, watermarks and callbacks are sorted by. There is one that nobody made; its row is not here.
//!
//! **Invariant:** there is no way to delete one, so that a number is given once: the next is one more than there are.

use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx};
use crate::{Catalog, Result, Tx};

/// The setting that is held while one is added.
const ADDED: &str = "app_added";

/// An application that somebody made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct App {
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub description: String,
    /// When it was made.
    pub created: WallTime,
}

fn app_of(row: &Row) -> Result<App> {
    Ok(App {
        number: row.small("number")?,
        name: row.text("name")?,
        description: row.text("description")?,
        created: row.time("created")?,
    })
}

impl Catalog {
    /// All applications that somebody made, in that order. There are at most as many as [`add_app`](Tx::add_app) lets in.
    pub async fn apps(&self) -> Result<Vec<App>> {
        let rows = Sql::new("SELECT * FROM app ORDER BY number").rows(self).await?;
        rows.iter().map(app_of).collect()
    }
}

impl Tx {
    /// Adds an application. `None`, and nothing is added, when there are `most` of them already.
    pub async fn add_app(&mut self, name: &str, description: &str, now: WallTime, most: u32) -> Result<Option<App>> {
        self.hold(ADDED).await?;
        let added = Sql::new(
            "INSERT INTO app (number, name, description, created)
             SELECT COUNT(*) + 1, $1, $2, $3 FROM app HAVING COUNT(*) < $4 RETURNING *",
        );
        let added = added.arg(name).arg(description).arg(now).arg(most).row(self).await?;
        added.as_ref().map(app_of).transpose()
    }
}

in_own_tx! {
    add_app(name: &str, description: &str, now: WallTime, most: u32) -> Option<App>;
}
