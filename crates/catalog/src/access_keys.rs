//! Keys with which requests are signed, beside the root key of the configuration.
//!
//! Every call asks for its key, so that one that is disabled or deleted stops with the next call, on every node.

use std::fmt;
use std::time::Duration;

use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx, words};
use crate::vault::Place;
use crate::{Catalog, CatalogError, Result, Tx};

/// How exactly it is known when a key was last used: a call within this time after the last one writes nothing.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);

words! {
    /// What the owner of a key is.
    pub enum Role {
        /// Does everything, also with keys.
        Admin = "admin",
        /// Runs streams and videos; nothing with keys, and no secrets.
        Operator = "operator",
        /// Looks.
        Viewer = "viewer",
        /// Starts streams, and looks at streams alone.
        Publisher = "publisher",
    }
}

/// A key pair of the catalog.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAccessKey {
    /// Public.
    pub id: String,
    /// Secret: `Debug` prints `***`. Sealed where it is stored.
    pub secret: String,
    /// What its owner may do.
    pub role: Role,
    /// What it is called, for people; may be empty.
    pub name: String,
    /// Whether it is believed.
    pub active: bool,
    /// When it was made.
    pub created: WallTime,
    /// When a call was last signed with it, to a minute.
    pub last_used: Option<WallTime>,
}

impl fmt::Debug for StoredAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredAccessKey")
            .field("id", &self.id)
            .field("secret", &"***")
            .field("role", &self.role)
            .field("name", &self.name)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl StoredAccessKey {
    /// Whether a use at `now` is to be written down.
    pub fn is_use_noted(&self, now: WallTime) -> bool {
        self.last_used.is_some_and(|last| now.since(last) < USE_NOTED_EVERY)
    }
}

/// What of a key is changed; absent fields stay.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccessKeyChange {
    /// Whether it is believed.
    pub active: Option<bool>,
    /// What its owner may do.
    pub role: Option<Role>,
    /// What it is called.
    pub name: Option<String>,
}

fn place(id: &str) -> Place<'_> {
    Place { column: "access_key.secret", row: id }
}

fn key_of(catalog: &Catalog, row: &Row) -> Result<StoredAccessKey> {
    let id = row.text("id")?;
    Ok(StoredAccessKey {
        secret: catalog.unseal(place(&id), row.text("secret")?)?,
        id,
        role: row.parsed("role")?,
        name: row.text("name")?,
        active: row.flag("active")?,
        created: row.time("created")?,
        last_used: row.opt_time("last_used")?,
    })
}

impl Catalog {
    /// The key of this id, whether it is active or not.
    pub async fn access_key(&self, id: &str) -> Result<Option<StoredAccessKey>> {
        let row = Sql::new("SELECT * FROM access_key WHERE id = $1").arg(id).row(self).await?;
        row.as_ref().map(|row| key_of(self, row)).transpose()
    }

    /// All keys, or those of this name, in the order in which they were made. There are at most as many as
    /// [`add_access_key`](Tx::add_access_key) lets in.
    pub async fn access_keys(&self, name: Option<&str>) -> Result<Vec<StoredAccessKey>> {
        let sql = Sql::new("SELECT * FROM access_key WHERE 1 = 1").with_some(" AND name = ", name);
        let rows = sql.text(" ORDER BY created, id").rows(self).await?;
        rows.iter().map(|row| key_of(self, row)).collect()
    }
}

impl Tx {
    /// Adds a key. `false`, and nothing is added, when there are `most` of them already. `AlreadyExists` when there is one of this id.
    pub async fn add_access_key(&mut self, key: &StoredAccessKey, most: u64) -> Result<bool> {
        let secret = self.catalog.seal(place(&key.id), &key.secret)?;
        if Sql::new("SELECT COUNT(*) AS total FROM access_key").total(&mut *self).await? >= most {
            return Ok(false);
        }
        let added = Sql::new(
            "INSERT INTO access_key (id, secret, role, name, active, created, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING",
        )
        .arg(&key.id)
        .arg(secret)
        .arg(key.role)
        .arg(&key.name)
        .arg(key.active)
        .arg(key.created)
        .run(self)
        .await?;
        match added {
            0 => Err(CatalogError::AlreadyExists { what: "access key", key: key.id.clone() }),
            _ => Ok(true),
        }
    }

    /// Changes a key. Whether there was one of this id.
    pub async fn change_access_key(&mut self, id: &str, change: &AccessKeyChange, now: WallTime) -> Result<bool> {
        let sql = Sql::new("UPDATE access_key SET modified = $2").arg(id).arg(now);
        let sql = sql.with_some(", active = ", change.active).with_some(", role = ", change.role);
        let sql = sql.with_some(", name = ", change.name.as_deref());
        Ok(sql.text(" WHERE id = $1").run(self).await? > 0)
    }

    /// Deletes a key. Whether there was one of this id.
    pub async fn delete_access_key(&mut self, id: &str) -> Result<bool> {
        Ok(Sql::new("DELETE FROM access_key WHERE id = $1").arg(id).run(self).await? > 0)
    }

    /// Notes that a call was signed with a key.
    pub async fn note_use_of_access_key(&mut self, id: &str, now: WallTime) -> Result<()> {
        Sql::new("UPDATE access_key SET last_used = $2 WHERE id = $1").arg(id).arg(now).run(self).await?;
        Ok(())
    }
}

in_own_tx! {
    add_access_key(key: &StoredAccessKey, most: u64) -> bool;
    change_access_key(id: &str, change: &AccessKeyChange, now: WallTime) -> bool;
    delete_access_key(id: &str) -> bool;
}
