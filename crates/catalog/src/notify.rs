//! Who is told of publish and unpublish.

use std::fmt;

use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx};
use crate::vault::Place;
use crate::{Catalog, Result, Tx};

/// The callback of a push domain (contract §3.5).
#[derive(Clone, PartialEq, Eq)]
pub struct LiveNotify {
    /// The push domain, lower case.
    pub domain: String,
    /// Told of publish and unpublish; empty: nobody is.
    pub notify_url: String,
    /// Told of exceptions; empty: nobody is.
    pub exception_url: String,
    /// Whether requests carry a signature.
    pub signed: bool,
    /// The key of the signature; a secret.
    pub auth_key: String,
}

impl fmt::Debug for LiveNotify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveNotify")
            .field("domain", &self.domain)
            .field("notify_url", &self.notify_url)
            .field("exception_url", &self.exception_url)
            .field("signed", &self.signed)
            .field("auth_key", &"***")
            .finish()
    }
}

fn place(domain: &str) -> Place<'_> {
    Place { column: "live_notify.auth_key", row: domain }
}

fn notify_of(catalog: &Catalog, row: &Row) -> Result<LiveNotify> {
    let domain = row.text("domain")?;
    Ok(LiveNotify {
        auth_key: catalog.unseal(place(&domain), row.text("auth_key")?)?,
        domain,
        notify_url: row.text("notify_url")?,
        exception_url: row.text("exception_url")?,
        signed: row.flag("signed")?,
    })
}

impl Catalog {
    /// The callback of a push domain.
    pub async fn live_notify(&self, domain: &str) -> Result<Option<LiveNotify>> {
        let row = Sql::new("SELECT * FROM live_notify WHERE domain = $1").arg(domain).row(self).await?;
        row.as_ref().map(|row| notify_of(self, row)).transpose()
    }
}

impl Catalog {
    /// The callback that a push is told to: that of the domain it was pushed to; when it has none, that of the play
    /// domain or of another push domain tied to it.
    pub async fn live_notify_for(&self, publish_domain: &str, play_domain: &str) -> Result<Option<LiveNotify>> {
        let row = responsible(publish_domain, play_domain).row(self).await?;
        row.as_ref().map(|row| notify_of(self, row)).transpose()
    }
}

fn responsible(publish_domain: &str, play_domain: &str) -> Sql {
    Sql::new(
        "SELECT * FROM live_notify
         WHERE notify_url <> '' AND (domain = $1 OR domain = $2
           OR domain IN (SELECT push_domain FROM domain_mapping WHERE play_domain = $2))
         ORDER BY CASE WHEN domain = $1 THEN 0 WHEN domain = $2 THEN 1 ELSE 2 END, domain LIMIT 1",
    )
    .arg(publish_domain)
    .arg(play_domain)
}

impl Tx {
    pub(crate) async fn has_live_notify_for(&mut self, publish_domain: &str, play_domain: &str) -> Result<bool> {
        Ok(responsible(publish_domain, play_domain).row(self).await?.is_some())
    }

    /// Sets the callback of a push domain, replacing the one before.
    pub async fn set_live_notify(&mut self, notify: &LiveNotify, now: WallTime) -> Result<()> {
        let auth_key = self.catalog.seal(place(&notify.domain), &notify.auth_key)?;
        Sql::new(
            "INSERT INTO live_notify (domain, notify_url, exception_url, signed, auth_key, modified)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (domain) DO UPDATE SET notify_url = excluded.notify_url,
               exception_url = excluded.exception_url, signed = excluded.signed, auth_key = excluded.auth_key,
               modified = excluded.modified",
        )
        .arg(&notify.domain)
        .arg(&notify.notify_url)
        .arg(&notify.exception_url)
        .arg(notify.signed)
        .arg(auth_key)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes the callback of a push domain. Whether there was one.
    pub async fn delete_live_notify(&mut self, domain: &str) -> Result<bool> {
        Ok(Sql::new("DELETE FROM live_notify WHERE domain = $1").arg(domain).run(self).await? > 0)
    }
}

in_own_tx! {
    set_live_notify(notify: &LiveNotify, now: WallTime) -> ();
    delete_live_notify(domain: &str) -> bool;
}
