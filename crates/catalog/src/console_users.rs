//! Who may use the web console, and who is signed in.
//!
//! Every request asks for its session and its user, so that whoever is deleted or gets another role feels it with the next one, on every
//! node.

use units::WallTime;

use crate::access_keys::Role;
use crate::passwords::PasswordHash;
use crate::sql::{Row, Sql, in_own_tx};
use crate::vault::Place;
use crate::{Catalog, CatalogError, Result, Tx};

/// Somebody who may use the console.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleUser {
    /// With which he signs in.
    pub name: String,
    /// What is kept of his password. Sealed where it is stored.
    pub password: PasswordHash,
    /// What he may do.
    pub role: Role,
    /// When he was added.
    pub created: WallTime,
    /// When he signed in last.
    pub signed_in: Option<WallTime>,
}

/// What of a user is changed; absent fields stay. Whoever is signed in with an old password is signed out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ConsoleUserChange {
    /// His password.
    pub password: Option<PasswordHash>,
    /// What he may do.
    pub role: Option<Role>,
}

/// A browser that is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleSession {
    /// Who.
    pub user: String,
    /// What he may do now.
    pub role: Role,
    /// Until when, if nothing is asked.
    pub expires: WallTime,
}

fn place(name: &str) -> Place<'_> {
    Place { column: "console_user.password", row: name }
}

fn user_of(catalog: &Catalog, row: &Row) -> Result<ConsoleUser> {
    let name = row.text("name")?;
    Ok(ConsoleUser {
        password: PasswordHash(catalog.unseal(place(&name), row.text("password")?)?),
        name,
        role: row.parsed("role")?,
        created: row.time("created")?,
        signed_in: row.opt_time("signed_in")?,
    })
}

impl Catalog {
    /// The user of this name.
    pub async fn console_user(&self, name: &str) -> Result<Option<ConsoleUser>> {
        let row = Sql::new("SELECT * FROM console_user WHERE name = $1").arg(name).row(self).await?;
        row.as_ref().map(|row| user_of(self, row)).transpose()
    }

    /// All users, by name. There are at most as many as [`add_console_user`](Tx::add_console_user) lets in.
    pub async fn console_users(&self) -> Result<Vec<ConsoleUser>> {
        let rows = Sql::new("SELECT * FROM console_user ORDER BY name").rows(self).await?;
        rows.iter().map(|row| user_of(self, row)).collect()
    }

    /// Whether there is any user.
    pub async fn has_console_users(&self) -> Result<bool> {
        Ok(Sql::new("SELECT 1 AS one FROM console_user LIMIT 1").row(self).await?.is_some())
    }

    /// The session of a token, by its hash, if it lasts beyond `now`.
    pub async fn console_session(&self, token: &str, now: WallTime) -> Result<Option<ConsoleSession>> {
        let row = Sql::new(
            "SELECT user_name, role, expires FROM console_session JOIN console_user ON console_user.name = user_name
             WHERE token = $1 AND expires > $2",
        )
        .arg(token)
        .arg(now)
        .row(self)
        .await?;
        let session = |row: Row| {
            Ok(ConsoleSession {
                user: row.text("user_name")?,
                role: row.parsed("role")?,
                expires: row.time("expires")?,
            })
        };
        row.map(session).transpose()
    }
}

impl Tx {
    /// Adds a user. `false`, and nothing is added, when there are `most` of them already. `AlreadyExists` when there is one of this name.
    pub async fn add_console_user(&mut self, user: &ConsoleUser, most: u64) -> Result<bool> {
        let password = self.catalog.seal(place(&user.name), &user.password.0)?;
        if Sql::new("SELECT COUNT(*) AS total FROM console_user").total(&mut *self).await? >= most {
            return Ok(false);
        }
        let added = Sql::new(
            "INSERT INTO console_user (name, password, role, created, modified) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT DO NOTHING",
        )
        .arg(&user.name)
        .arg(password)
        .arg(user.role)
        .arg(user.created)
        .run(self)
        .await?;
        match added {
            0 => Err(CatalogError::AlreadyExists { what: "console user", key: user.name.clone() }),
            _ => Ok(true),
        }
    }

    /// Changes a user. Whether there was one of this name.
    pub async fn change_console_user(&mut self, name: &str, change: &ConsoleUserChange, now: WallTime) -> Result<bool> {
        let password =
            change.password.as_ref().map(|password| self.catalog.seal(place(name), &password.0)).transpose()?;
        let signs_out = password.is_some();
        let sql = Sql::new("UPDATE console_user SET modified = $2").arg(name).arg(now);
        let sql = sql.with_some(", password = ", password).with_some(", role = ", change.role);
        let found = sql.text(" WHERE name = $1").run(&mut *self).await? > 0;
        if found && signs_out {
            self.end_console_sessions_of(name).await?;
        }
        Ok(found)
    }

    /// Deletes a user, and signs him out. Whether there was one of this name.
    pub async fn delete_console_user(&mut self, name: &str) -> Result<bool> {
        self.end_console_sessions_of(name).await?;
        Ok(Sql::new("DELETE FROM console_user WHERE name = $1").arg(name).run(self).await? > 0)
    }

    async fn end_console_sessions_of(&mut self, name: &str) -> Result<()> {
        Sql::new("DELETE FROM console_session WHERE user_name = $1").arg(name).run(self).await?;
        Ok(())
    }

    /// Signs a user in, under the hash of a token. Of his other sessions at most `most - 1` stay, the newest; all that are over go.
    pub async fn begin_console_session(
        &mut self,
        token: &str,
        user: &str,
        now: WallTime,
        expires: WallTime,
        most: u32,
    ) -> Result<()> {
        Sql::new("DELETE FROM console_session WHERE expires <= $1").arg(now).run(&mut *self).await?;
        Sql::new(
            "DELETE FROM console_session WHERE user_name = $1 AND token NOT IN
               (SELECT token FROM console_session WHERE user_name = $1 ORDER BY created DESC, token LIMIT $2)",
        )
        .arg(user)
        .arg(most.saturating_sub(1))
        .run(&mut *self)
        .await?;
        Sql::new("INSERT INTO console_session (token, user_name, created, expires) VALUES ($1, $2, $3, $4)")
            .arg(token)
            .arg(user)
            .arg(now)
            .arg(expires)
            .run(&mut *self)
            .await?;
        Sql::new("UPDATE console_user SET signed_in = $2 WHERE name = $1").arg(user).arg(now).run(self).await?;
        Ok(())
    }

    /// Has a session last until `expires`.
    pub async fn prolong_console_session(&mut self, token: &str, expires: WallTime) -> Result<()> {
        Sql::new("UPDATE console_session SET expires = $2 WHERE token = $1").arg(token).arg(expires).run(self).await?;
        Ok(())
    }

    /// Ends a session, by the hash of its token.
    pub async fn end_console_session(&mut self, token: &str) -> Result<()> {
        Sql::new("DELETE FROM console_session WHERE token = $1").arg(token).run(self).await?;
        Ok(())
    }
}

in_own_tx! {
    add_console_user(user: &ConsoleUser, most: u64) -> bool;
    change_console_user(name: &str, change: &ConsoleUserChange, now: WallTime) -> bool;
    delete_console_user(name: &str) -> bool;
    prolong_console_session(token: &str, expires: WallTime) -> ();
    end_console_session(token: &str) -> ();
}
