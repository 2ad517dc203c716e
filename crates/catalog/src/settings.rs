//! Small facts about the installation, such as whether it was set up.

use crate::sql::{Sql, in_own_tx};
use crate::{Catalog, CatalogError, Result, Tx};

impl Catalog {
    /// The value of a setting.
    pub async fn setting(&self, key: &str) -> Result<Option<String>> {
        let row = Sql::new("SELECT value FROM setting WHERE key = $1").arg(key).row(self).await?;
        row.map(|row| row.text("value")).transpose()
    }
}

impl Tx {
    /// Holds a setting until the transaction ends, so that those who hold it come one after the other. "0" where it was not set.
    pub(crate) async fn hold(&mut self, key: &str) -> Result<()> {
        let sql = Sql::new("INSERT INTO setting (key, value) VALUES ($1, '0') ON CONFLICT DO NOTHING").arg(key);
        sql.run(&mut *self).await?;
        Sql::new("UPDATE setting SET value = value WHERE key = $1").arg(key).run(self).await?;
        Ok(())
    }

    /// The value of a setting; `first` where it was not set before. All who ask, also on other nodes, get the same.
    pub async fn setting_or(&mut self, key: &str, first: &str) -> Result<String> {
        Sql::new("INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .arg(key)
            .arg(first)
            .run(self)
            .await?;
        let row = Sql::new("SELECT value FROM setting WHERE key = $1").arg(key).row(self).await?;
        row.ok_or_else(|| CatalogError::NotFound { what: "setting", key: key.to_owned() })?.text("value")
    }

    /// Sets a setting. Whether it was not set before: the caller who gets `true` is the first, also among several nodes.
    pub async fn set_setting(&mut self, key: &str, value: &str) -> Result<bool> {
        let added = Sql::new("INSERT INTO setting (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .arg(key)
            .arg(value)
            .run(self)
            .await?;
        if added == 0 {
            Sql::new("UPDATE setting SET value = $2 WHERE key = $1").arg(key).arg(value).run(self).await?;
        }
        Ok(added > 0)
    }
}

in_own_tx! {
    setting_or(key: &str, first: &str) -> String;
    set_setting(key: &str, value: &str) -> bool;
}
