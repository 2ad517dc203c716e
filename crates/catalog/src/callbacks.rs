//! Where customers want to be told of events.

use std::fmt;

use units::WallTime;

use crate::sql::{Row, Sql, in_own_tx};
use crate::vault::Place;
use crate::{Catalog, Result, Tx};

/// The message callback of an application (contract §2.11, SetMessageCallback).
#[derive(Clone, PartialEq, Eq)]
pub struct MessageCallback {
    /// The application, such as `app-1000000`.
    pub app_id: String,
    /// `HTTP` or `MNS`.
    pub kind: String,
    /// The receiver, letter for letter: it is signed.
    pub url: String,
    /// Comma list of event names, `ALL`, or empty for none.
    pub events: String,
    /// Whether requests carry a signature.
    pub signed: bool,
    /// The key of the signature; a secret.
    pub auth_key: String,
    /// Kept and told back only.
    pub mns_endpoint: String,
    /// Kept and told back only.
    pub mns_queue: String,
}

impl MessageCallback {
    /// Whether an event of this wire name is wanted. `group` is the name under which a customer asks for it, when that
    /// is another one.
    pub fn wants(&self, event: &str, group: Option<&str>) -> bool {
        self.events.split(',').map(str::trim).any(|name| name == "ALL" || name == event || Some(name) == group)
    }
}

impl fmt::Debug for MessageCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageCallback")
            .field("app_id", &self.app_id)
            .field("kind", &self.kind)
            .field("url", &self.url)
            .field("events", &self.events)
            .field("signed", &self.signed)
            .field("auth_key", &"***")
            .finish_non_exhaustive()
    }
}

fn place(app_id: &str) -> Place<'_> {
    Place { column: "message_callback.auth_key", row: app_id }
}

fn callback_of(catalog: &Catalog, row: &Row) -> Result<MessageCallback> {
    let app_id = row.text("app_id")?;
    Ok(MessageCallback {
        auth_key: catalog.unseal(place(&app_id), row.text("auth_key")?)?,
        app_id,
        kind: row.text("kind")?,
        url: row.text("url")?,
        events: row.text("events")?,
        signed: row.flag("signed")?,
        mns_endpoint: row.text("mns_endpoint")?,
        mns_queue: row.text("mns_queue")?,
    })
}

impl Catalog {
    /// The message callback of an application.
    pub async fn message_callback(&self, app_id: &str) -> Result<Option<MessageCallback>> {
        let row = Sql::new("SELECT * FROM message_callback WHERE app_id = $1").arg(app_id).row(self).await?;
        row.as_ref().map(|row| callback_of(self, row)).transpose()
    }
}

impl Tx {
    /// Sets the message callback of an application, replacing the whole one before.
    pub async fn set_message_callback(&mut self, callback: &MessageCallback, now: WallTime) -> Result<()> {
        let auth_key = self.catalog.seal(place(&callback.app_id), &callback.auth_key)?;
        Sql::new(
            "INSERT INTO message_callback
               (app_id, kind, url, events, signed, auth_key, mns_endpoint, mns_queue, modified)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             ON CONFLICT (app_id) DO UPDATE SET kind = excluded.kind, url = excluded.url, events = excluded.events,
               signed = excluded.signed, auth_key = excluded.auth_key, mns_endpoint = excluded.mns_endpoint,
               mns_queue = excluded.mns_queue, modified = excluded.modified",
        )
        .arg(&callback.app_id)
        .arg(&callback.kind)
        .arg(&callback.url)
        .arg(&callback.events)
        .arg(callback.signed)
        .arg(auth_key)
        .arg(&callback.mns_endpoint)
        .arg(&callback.mns_queue)
        .arg(now)
        .run(self)
        .await?;
        Ok(())
    }

    /// Deletes the message callback of an application. Whether there was one.
    pub async fn delete_message_callback(&mut self, app_id: &str) -> Result<bool> {
        Ok(Sql::new("DELETE FROM message_callback WHERE app_id = $1").arg(app_id).run(self).await? > 0)
    }
}

in_own_tx! {
    set_message_callback(callback: &MessageCallback, now: WallTime) -> ();
    delete_message_callback(app_id: &str) -> bool;
}
