//! Template groups: what an asset is encoded to.

use encode::Template;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, to_json};
use crate::{Catalog, CatalogError, Result, Tx};

/// A template group that somebody made.
#[derive(Clone, PartialEq, Debug)]
pub struct TemplateGroup {
    /// 32 hex digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The application that it belongs to.
    pub app_id: String,
    /// Nobody may change it until it is unlocked.
    pub locked: bool,
    /// Its templates, in the order in which they were added.
    pub templates: Vec<StoredTemplate>,
    /// When it was made.
    pub created: WallTime,
    /// When it was changed last.
    pub modified: WallTime,
}

/// A template, as it is carried out and as it was asked for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct StoredTemplate {
    /// What is encoded.
    pub template: Template,
    /// What was asked for, as the API defines it: to be told back.
    pub asked: Json,
}

fn group_of(row: &Row) -> Result<TemplateGroup> {
    Ok(TemplateGroup {
        id: row.text("id")?,
        name: row.text("name")?,
        app_id: row.text("app")?,
        locked: row.flag("locked")?,
        templates: row.json("templates")?,
        created: row.time("created")?,
        modified: row.time("modified")?,
    })
}

fn of_id(id: &str) -> Sql {
    Sql::new("SELECT * FROM template_group WHERE id = $1").arg(id)
}

fn the_default() -> Sql {
    Sql::new("SELECT template_group FROM template_default")
}

impl Catalog {
    /// The template group of this id.
    pub async fn template_group(&self, id: &str) -> Result<Option<TemplateGroup>> {
        of_id(id).row(self).await?.as_ref().map(group_of).transpose()
    }

    /// All template groups, oldest first.
    pub async fn template_groups(&self) -> Result<Vec<TemplateGroup>> {
        let rows = Sql::new("SELECT * FROM template_group ORDER BY created, id").rows(self).await?;
        rows.iter().map(group_of).collect()
    }

    /// The id of the default group, which need not be one of those that somebody made.
    pub async fn default_template_group(&self) -> Result<Option<String>> {
        the_default().row(self).await?.map(|row| row.text("template_group")).transpose()
    }
}

impl Tx {
    /// The template group of this id, held until the transaction ends, so that a change of it is made to what was read.
    pub async fn template_group_to_change(&mut self, id: &str) -> Result<Option<TemplateGroup>> {
        // A write that changes nothing takes the lock on both databases.
        Sql::new("UPDATE template_group SET id = id WHERE id = $1").arg(id).run(&mut *self).await?;
        of_id(id).row(&mut *self).await?.as_ref().map(group_of).transpose()
    }

    /// The id of the default group.
    pub async fn default_template_group(&mut self) -> Result<Option<String>> {
        the_default().row(&mut *self).await?.map(|row| row.text("template_group")).transpose()
    }

    /// How many template groups there are.
    pub async fn template_group_count(&mut self) -> Result<u64> {
        Sql::new("SELECT COUNT(*) AS total FROM template_group").total(&mut *self).await
    }

    /// Adds a template group. `AlreadyExists` when there is one of this id.
    pub async fn add_template_group(&mut self, group: &TemplateGroup) -> Result<()> {
        let added = Sql::new(
            "INSERT INTO template_group (id, name, app, locked, templates, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        );
        if with_values(added, group)?.arg(group.created).arg(group.modified).run(&mut *self).await? == 0 {
            return Err(CatalogError::AlreadyExists { what: "template group", key: group.id.clone() });
        }
        Ok(())
    }

    /// Replaces a template group, except for when it was made. `NotFound` when there is none of this id.
    pub async fn update_template_group(&mut self, group: &TemplateGroup) -> Result<()> {
        let changed = Sql::new(
            "UPDATE template_group SET name = $2, app = $3, locked = $4, templates = $5, modified = $6 WHERE id = $1",
        );
        if with_values(changed, group)?.arg(group.modified).run(&mut *self).await? == 0 {
            return Err(CatalogError::NotFound { what: "template group", key: group.id.clone() });
        }
        Ok(())
    }

    /// Deletes a template group. Whether there was one. What is being encoded with it goes on.
    pub async fn delete_template_group(&mut self, id: &str) -> Result<bool> {
        let deleted = Sql::new("DELETE FROM template_group WHERE id = $1").arg(id).run(&mut *self).await? > 0;
        Ok(deleted)
    }

    /// Makes a group the default one. Whether it exists is the caller's question.
    pub async fn set_default_template_group(&mut self, id: &str) -> Result<()> {
        Sql::new("DELETE FROM template_default").run(&mut *self).await?;
        Sql::new("INSERT INTO template_default (one, template_group) VALUES (1, $1)").arg(id).run(&mut *self).await?;
        Ok(())
    }
}

fn with_values(sql: Sql, group: &TemplateGroup) -> Result<Sql> {
    let sql = sql.arg(&group.id).arg(&group.name).arg(&group.app_id).arg(group.locked);
    Ok(sql.arg(to_json(&group.templates)?))
}

in_own_tx! {
    delete_template_group(id: &str) -> bool;
    set_default_template_group(id: &str) -> ();
}
