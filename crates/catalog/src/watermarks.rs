//! Watermarks that templates name.

use encode::{ImageKind, Watermark, WatermarkContent};
use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, to_json};
use crate::{Catalog, CatalogError, Result, Tx};

/// The id under which templates name the default watermark.
pub const DEFAULT_WATERMARK: &str = "USER_DEFAULT_WATERMARK";

/// A watermark with a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredWatermark {
    /// 32 hex digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The application that it belongs to.
    pub app_id: String,
    /// Where an image came from; empty for words.
    pub file_url: String,
    /// What is wanted.
    pub watermark: Watermark,
    /// What was asked for, as the API defines it: to be told back.
    pub asked: String,
    /// When it was made.
    pub created: WallTime,
}

impl StoredWatermark {
    /// Where its image lies in the store; `None`: it has words.
    pub fn image_key(&self) -> Option<String> {
        match &self.watermark.content {
            WatermarkContent::Image(image) => Some(watermark_key(&image.hash, image.kind)),
            WatermarkContent::Text(_) => None,
        }
    }
}

/// Where the image of a watermark lies in the store. It stays there: what is encoded again needs it again.
pub fn watermark_key(hash: &str, kind: ImageKind) -> String {
    format!("watermarks/{hash}.{}", kind.extension())
}

/// Where a file of subtitles lies in the store, under the SHA-256 of its text. It stays there, as the image of a watermark does.
pub fn subtitles_key(hash: &str) -> String {
    format!("subtitles/{hash}.txt")
}

fn watermark_of(row: &Row) -> Result<StoredWatermark> {
    Ok(StoredWatermark {
        id: row.text("id")?,
        name: row.text("name")?,
        app_id: row.text("app")?,
        file_url: row.text("file_url")?,
        watermark: row.json("wanted")?,
        asked: row.text("asked")?,
        created: row.time("created")?,
    })
}

fn of_id(id: &str) -> Sql {
    Sql::new("SELECT * FROM watermark WHERE id = $1").arg(id)
}

impl Catalog {
    /// The watermark of this id, or the default one under its name.
    pub async fn watermark(&self, id: &str) -> Result<Option<StoredWatermark>> {
        let sql = match id {
            DEFAULT_WATERMARK => Sql::new("SELECT watermark.* FROM watermark JOIN watermark_default ON watermark = id"),
            id => of_id(id),
        };
        sql.row(self).await?.as_ref().map(watermark_of).transpose()
    }

    /// All watermarks, oldest first.
    pub async fn watermarks(&self) -> Result<Vec<StoredWatermark>> {
        let rows = Sql::new("SELECT * FROM watermark ORDER BY created, id").rows(self).await?;
        rows.iter().map(watermark_of).collect()
    }

    /// The id of the default watermark.
    pub async fn default_watermark(&self) -> Result<Option<String>> {
        let row = Sql::new("SELECT watermark FROM watermark_default").row(self).await?;
        row.map(|row| row.text("watermark")).transpose()
    }
}

impl Tx {
    /// The watermark of this id, held until the transaction ends, so that a change of it is made to what was read.
    pub async fn watermark_to_change(&mut self, id: &str) -> Result<Option<StoredWatermark>> {
        // A write that changes nothing takes the lock on both databases.
        Sql::new("UPDATE watermark SET id = id WHERE id = $1").arg(id).run(&mut *self).await?;
        of_id(id).row(&mut *self).await?.as_ref().map(watermark_of).transpose()
    }

    /// How many watermarks there are.
    pub async fn watermark_count(&mut self) -> Result<u64> {
        Sql::new("SELECT COUNT(*) AS total FROM watermark").total(&mut *self).await
    }

    /// Adds a watermark, or replaces the one of its id, except for when that was made.
    pub async fn put_watermark(&mut self, watermark: &StoredWatermark) -> Result<()> {
        Sql::new(
            "INSERT INTO watermark (id, name, app, file_url, wanted, asked, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, app = excluded.app,
               file_url = excluded.file_url, wanted = excluded.wanted, asked = excluded.asked",
        )
        .arg(&watermark.id)
        .arg(&watermark.name)
        .arg(&watermark.app_id)
        .arg(&watermark.file_url)
        .arg(to_json(&watermark.watermark)?)
        .arg(&watermark.asked)
        .arg(watermark.created)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes a watermark; if it was the default one, there is none. `NotFound` when there is none of this id. What is being made with
    /// it goes on.
    pub async fn delete_watermark(&mut self, id: &str) -> Result<()> {
        if Sql::new("DELETE FROM watermark WHERE id = $1").arg(id).run(&mut *self).await? == 0 {
            return Err(not_found(id));
        }
        Sql::new("DELETE FROM watermark_default WHERE watermark = $1").arg(id).run(&mut *self).await?;
        Ok(())
    }

    /// Makes a watermark the default one. `NotFound` when there is none of this id.
    pub async fn set_default_watermark(&mut self, id: &str) -> Result<()> {
        if self.watermark_to_change(id).await?.is_none() {
            return Err(not_found(id));
        }
        Sql::new("DELETE FROM watermark_default").run(&mut *self).await?;
        Sql::new("INSERT INTO watermark_default (one, watermark) VALUES (1, $1)").arg(id).run(&mut *self).await?;
        Ok(())
    }
}

fn not_found(id: &str) -> CatalogError {
    CatalogError::NotFound { what: "watermark", key: id.to_owned() }
}

in_own_tx! {
    put_watermark(watermark: &StoredWatermark) -> ();
    delete_watermark(id: &str) -> ();
    set_default_watermark(id: &str) -> ();
}
