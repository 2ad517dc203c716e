//! Orders for pictures that are given again and again.

use encode::PictureOrder;
use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, to_json};
use crate::{Catalog, CatalogError, Result, Tx};

/// An order with a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PictureTemplate {
    /// 32 hex digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The application that it belongs to.
    pub app_id: String,
    /// What is wanted.
    pub order: PictureOrder,
    /// What was asked for, as the API defines it: to be told back.
    pub asked: String,
    /// When it was made.
    pub created: WallTime,
    /// When it was changed last.
    pub modified: WallTime,
}

fn template_of(row: &Row) -> Result<PictureTemplate> {
    Ok(PictureTemplate {
        id: row.text("id")?,
        name: row.text("name")?,
        app_id: row.text("app")?,
        order: row.json("wanted")?,
        asked: row.text("asked")?,
        created: row.time("created")?,
        modified: row.time("modified")?,
    })
}

fn of_id(id: &str) -> Sql {
    Sql::new("SELECT * FROM picture_template WHERE id = $1").arg(id)
}

impl Catalog {
    /// The template of this id.
    pub async fn picture_template(&self, id: &str) -> Result<Option<PictureTemplate>> {
        of_id(id).row(self).await?.as_ref().map(template_of).transpose()
    }

    /// All templates, oldest first.
    pub async fn picture_templates(&self) -> Result<Vec<PictureTemplate>> {
        let rows = Sql::new("SELECT * FROM picture_template ORDER BY created, id").rows(self).await?;
        rows.iter().map(template_of).collect()
    }
}

impl Tx {
    /// The template of this id, held until the transaction ends, so that a change of it is made to what was read.
    pub async fn picture_template_to_change(&mut self, id: &str) -> Result<Option<PictureTemplate>> {
        // A write that changes nothing takes the lock on both databases.
        Sql::new("UPDATE picture_template SET id = id WHERE id = $1").arg(id).run(&mut *self).await?;
        of_id(id).row(&mut *self).await?.as_ref().map(template_of).transpose()
    }

    /// How many templates there are.
    pub async fn picture_template_count(&mut self) -> Result<u64> {
        Sql::new("SELECT COUNT(*) AS total FROM picture_template").total(&mut *self).await
    }

    /// Adds a template, or replaces the one of its id, except for when that was made.
    pub async fn put_picture_template(&mut self, template: &PictureTemplate) -> Result<()> {
        Sql::new(
            "INSERT INTO picture_template (id, name, app, wanted, asked, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, app = excluded.app,
               wanted = excluded.wanted, asked = excluded.asked, modified = excluded.modified",
        )
        .arg(&template.id)
        .arg(&template.name)
        .arg(&template.app_id)
        .arg(to_json(&template.order)?)
        .arg(&template.asked)
        .arg(template.created)
        .arg(template.modified)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes a template. `NotFound` when there is none of this id. What is being made by it goes on.
    pub async fn delete_picture_template(&mut self, id: &str) -> Result<()> {
        match Sql::new("DELETE FROM picture_template WHERE id = $1").arg(id).run(self).await? {
            0 => Err(CatalogError::NotFound { what: "picture template", key: id.to_owned() }),
            _ => Ok(()),
        }
    }
}

in_own_tx! {
    put_picture_template(template: &PictureTemplate) -> ();
    delete_picture_template(id: &str) -> ();
}
