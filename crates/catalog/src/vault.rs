//! Secrets at rest: sealed with AES-256-GCM under the master key of the installation (decision 0038).
//!
//! A sealed value is text, `sealed:KEY:…`: the name of the key, then nonce, ciphertext and tag in base64. It is bound to its place, the
//! table, the column and the row that it stands in: moved to another, it cannot be opened. Who asks the catalog gets secrets as they are;
//! what storage and copies of the database have is sealed.
//!
//! **Invariant:** what is written after [`unlock`](Catalog::unlock) is sealed, and what was there before it, too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::described::Subject;
use crate::ids::random_text;
use crate::sql::{Sql, in_own_tx};
use crate::{Catalog, CatalogError, Result, Tx};

/// Bytes of a master key.
const KEY_BYTES: usize = 32;
/// With what sealed values begin.
const PREFIX: &str = "sealed:";
/// The setting that is sealed first, and by which another key is known.
const CHECK: &str = "master_key";
/// What is sealed in it.
const CHECK_TEXT: &str = "reprise";
/// Arguments of a domain's functions that are secrets: the keys of URL authentication.
const SECRET_ARGS: [&str; 2] = ["auth_key1", "auth_key2"];
/// Characters of a secret that takes the place of a lost one: as many as every kind of them may have.
const SECRET_CHARACTERS: usize = 32;
/// Settings that are secrets.
const SECRET_SETTINGS: [&str; 1] = ["data_key_secret"];

/// The key under which the secrets of an installation are sealed. All its nodes have the same.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; KEY_BYTES]);

impl MasterKey {
    /// A new one, from the operating system.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn draw() -> std::result::Result<Self, NoRandom> {
        let mut key = [0; KEY_BYTES];
        rand::fill(&mut key).map_err(|_| NoRandom)?;
        Ok(Self(key))
    }

    /// In the form in which it is kept and configured: 64 hex digits.
    pub fn reveal(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// There are no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandom;

/// The text is no master key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 64 hex digits, such as `openssl rand -hex 32` prints")]
pub struct NoMasterKey;

impl FromStr for MasterKey {
    type Err = NoMasterKey;
    fn from_str(text: &str) -> std::result::Result<Self, NoMasterKey> {
        let text = text.trim();
        if text.len() != KEY_BYTES * 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoMasterKey);
        }
        let mut key = [0; KEY_BYTES];
        for (at, byte) in key.iter_mut().enumerate() {
            let digits = text.get(at * 2..at * 2 + 2).ok_or(NoMasterKey)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoMasterKey)?;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The table and the column, and what else is always the same: `message_callback.auth_key`.
    pub(crate) column: &'a str,
    /// The key of the row.
    pub(crate) row: &'a str,
}

impl Place<'_> {
    fn text(&self) -> String {
        // No column has a line feed.
        format!("{}\n{}", self.column, self.row)
    }
}

/// What seals.
pub(crate) struct Vault {
    key: RandomizedNonceKey,
    /// Names the key, and tells nothing of it.
    name: String,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.name)
    }
}

impl Vault {
    fn new(key: &MasterKey) -> Self {
        let mut named = digest::Context::new(&digest::SHA256);
        named.update(b"reprise master key name\n");
        named.update(&key.0);
        let name = named.finish().as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        match RandomizedNonceKey::new(&AES_256_GCM, &key.0) {
            Ok(key) => Self { key, name },
            Err(_) => unreachable!("AES-256 takes keys of 32 bytes"),
        }
    }

    fn seal(&self, place: Place<'_>, text: &str) -> Result<String> {
        let mut sealed = text.as_bytes().to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place.text()), &mut sealed)
            .map_err(|_| CatalogError::Sealed { column: place.column.to_owned() })?;
        let whole = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(format!("{PREFIX}{}:{}", self.name, URL_SAFE_NO_PAD.encode(whole)))
    }

    /// `None` when it was sealed under another key or for another place, or was changed.
    fn open(&self, place: Place<'_>, sealed: &str) -> Option<String> {
        let (name, whole) = sealed.strip_prefix(PREFIX)?.split_once(':')?;
        if name != self.name {
            return None;
        }
        let whole = URL_SAFE_NO_PAD.decode(whole).ok()?;
        let (nonce, rest) = whole.split_at_checked(NONCE_LEN)?;
        let mut rest = rest.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.key.open_in_place(nonce, Aad::from(place.text()), &mut rest).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn is_sealed(text: &str) -> bool {
    text.starts_with(PREFIX)
}

impl Catalog {
    /// Takes the master key: from now on secrets are sealed before they are written, and opened when they are read. Those that an earlier
    /// version wrote as they are, or a rebuild brought back so, are sealed now; how many.
    ///
    /// Until this is called secrets are written as they come, and sealed ones cannot be read.
    ///
    /// # Errors
    /// [`CatalogError::MasterKey`] when the secrets here are sealed under another key. Nothing is changed then.
    pub async fn unlock(&self, key: &MasterKey) -> Result<u64> {
        let vault = Vault::new(key);
        let place = Place { column: "setting", row: CHECK };
        let known = self.setting(CHECK).await?;
        let mut tx = self.begin().await?;
        let check = match known {
            Some(check) => check,
            // Another node may be faster.
            None => tx.setting_or(CHECK, &vault.seal(place, CHECK_TEXT)?).await?,
        };
        if vault.open(place, &check).as_deref() != Some(CHECK_TEXT) {
            return Err(CatalogError::MasterKey);
        }
        let sealed = tx.seal_what_is_not(&vault).await?;
        if sealed > 0 {
            tx.mark_stale(Subject::Installation).await?;
        }
        tx.commit().await?;
        if sealed > 0 {
            self.empty_log().await?;
        }
        // A second call with the same key changes nothing; one with another has failed above.
        let _ = self.inner.vault.set(vault);
        Ok(sealed)
    }

    /// Takes a new master key in the place of one that is lost: every sealed secret gets a new value that nobody knows, and access keys and users
    /// of the console go. So whoever was signed for is refused until he is given the new one. How many secrets were lost, keys and users included.
    pub async fn replace_secrets(&self, key: &MasterKey) -> Result<u64> {
        let vault = Vault::new(key);
        let mut tx = self.begin().await?;
        let lost = tx.draw_sealed_anew(&vault).await?;
        let place = Place { column: "setting", row: CHECK };
        tx.set_setting(CHECK, &vault.seal(place, CHECK_TEXT)?).await?;
        tx.mark_stale(Subject::Installation).await?;
        tx.commit().await?;
        Ok(lost)
    }

    /// Whether there is a master key under which secrets here are sealed: then no other one fits.
    pub async fn has_master_key(&self) -> Result<bool> {
        Ok(self.setting(CHECK).await?.is_some())
    }

    /// The text that is stored for a secret. An empty one stays empty.
    pub(crate) fn seal(&self, place: Place<'_>, text: &str) -> Result<String> {
        match self.inner.vault.get() {
            Some(vault) if !text.is_empty() => vault.seal(place, text),
            _ => Ok(text.to_owned()),
        }
    }

    /// The secret of a stored text.
    pub(crate) fn unseal(&self, place: Place<'_>, stored: String) -> Result<String> {
        if !is_sealed(&stored) {
            return Ok(stored);
        }
        let opened = self.inner.vault.get().and_then(|vault| vault.open(place, &stored));
        opened.ok_or_else(|| CatalogError::Sealed { column: place.column.to_owned() })
    }

    /// The arguments of a domain's function as they are stored.
    pub(crate) fn seal_args(
        &self,
        domain: &str,
        function: &str,
        args: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        match self.inner.vault.get() {
            Some(vault) => Ok(sealed_args(vault, domain, function, args, &|plain| Some(plain.to_owned()))?.0),
            None => Ok(args.clone()),
        }
    }

    /// The arguments of a domain's function of the stored ones.
    pub(crate) fn unseal_args(
        &self,
        domain: &str,
        function: &str,
        stored: BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let row = format!("{domain}\n{function}");
        let opened = |(name, value): (String, String)| {
            let value = if SECRET_ARGS.contains(&name.as_str()) {
                self.unseal(Place { column: &format!("domain_config.{name}"), row: &row }, value)?
            } else {
                value
            };
            Ok((name, value))
        };
        stored.into_iter().map(opened).collect()
    }
}

/// The arguments of a function in which what `change` gives for its secrets stands sealed, and how many were changed.
fn sealed_args(
    vault: &Vault,
    domain: &str,
    function: &str,
    args: &BTreeMap<String, String>,
    change: &impl Fn(&str) -> Option<String>,
) -> Result<(BTreeMap<String, String>, u64)> {
    let (row, mut count, mut all) = (format!("{domain}\n{function}"), 0, BTreeMap::new());
    for (name, value) in args {
        let secret = (SECRET_ARGS.contains(&name.as_str()) && !value.is_empty()).then(|| change(value)).flatten();
        let stored = match secret {
            Some(secret) => {
                count += 1;
                vault.seal(Place { column: &format!("domain_config.{name}"), row: &row }, &secret)?
            }
            None => value.clone(),
        };
        all.insert(name.clone(), stored);
    }
    Ok((all, count))
}

/// Columns that hold a secret of their row, each with the row's key.
const SECRET_COLUMNS: [(&str, &str, &str); 5] = [
    ("message_callback", "app_id", "auth_key"),
    ("live_notify", "domain", "auth_key"),
    ("record_notify", "domain", "auth_key"),
    ("access_key", "id", "secret"),
    ("console_user", "name", "password"),
];

impl Tx {
    /// A secret setting; `first` where it was not set before. All who ask, also on other nodes, get the same.
    pub async fn secret_setting_or(&mut self, key: &str, first: &str) -> Result<String> {
        let place = Place { column: "setting", row: key };
        let first = self.catalog.seal(place, first)?;
        let stored = self.setting_or(key, &first).await?;
        self.catalog.unseal(place, stored)
    }

    /// Seals every secret that stands in its row as it is; how many.
    async fn seal_what_is_not(&mut self, vault: &Vault) -> Result<u64> {
        self.change_secrets(vault, |stored| (!is_sealed(stored)).then(|| stored.to_owned())).await
    }

    /// Deletes all access keys and users of the console, and gives every other sealed secret a new value; how many.
    async fn draw_sealed_anew(&mut self, vault: &Vault) -> Result<u64> {
        let keys = Sql::new("DELETE FROM access_key").run(&mut *self).await?;
        Sql::new("DELETE FROM console_session").run(&mut *self).await?;
        let users = Sql::new("DELETE FROM console_user").run(&mut *self).await?;
        let drawn = |stored: &str| is_sealed(stored).then(|| random_text(SECRET_CHARACTERS));
        Ok(keys + users + self.change_secrets(vault, drawn).await?)
    }

    /// Puts what `change` gives for a stored secret in its place, sealed; how many were changed.
    async fn change_secrets(&mut self, vault: &Vault, change: impl Fn(&str) -> Option<String>) -> Result<u64> {
        let mut changed = 0;
        for (table, key, column) in SECRET_COLUMNS {
            let rows = Sql::new("SELECT ").text(key).text(" AS row_key, ").text(column).text(" AS secret FROM ");
            let rows = rows.text(table).text(" WHERE ").text(column).text(" <> ''").rows(&mut *self).await?;
            for row in rows {
                let row_key = row.text("row_key")?;
                let Some(secret) = change(&row.text("secret")?) else { continue };
                let column_name = format!("{table}.{column}");
                let text = vault.seal(Place { column: &column_name, row: &row_key }, &secret)?;
                let update = Sql::new("UPDATE ").text(table).text(" SET ").text(column).with(" = ", text);
                changed += update.text(" WHERE ").text(key).with(" = ", row_key).run(&mut *self).await?;
            }
        }
        for row in Sql::new("SELECT domain, function, args FROM domain_config").rows(&mut *self).await? {
            let (domain, function) = (row.text("domain")?, row.text("function")?);
            let (args, count) = sealed_args(vault, &domain, &function, &row.json("args")?, &change)?;
            if count > 0 {
                Sql::new("UPDATE domain_config SET args = $3 WHERE domain = $1 AND function = $2")
                    .arg(domain)
                    .arg(function)
                    .arg(crate::sql::to_json(&args)?)
                    .run(&mut *self)
                    .await?;
                changed += count;
            }
        }
        for key in SECRET_SETTINGS {
            let row = Sql::new("SELECT value FROM setting WHERE key = $1").arg(key).row(&mut *self).await?;
            let stored = row.map(|row| row.text("value")).transpose()?;
            if let Some(secret) = stored.and_then(|stored| change(&stored)) {
                let text = vault.seal(Place { column: "setting", row: key }, &secret)?;
                self.set_setting(key, &text).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

in_own_tx! {
    secret_setting_or(key: &str, first: &str) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place<'_> = Place { column: "table.column", row: "row" };

    fn vault(digit: &str) -> Vault {
        Vault::new(&digit.repeat(64).parse().unwrap())
    }

    #[test]
    fn a_secret_is_opened_by_its_key_at_its_place_alone() {
        let (ours, others) = (vault("a"), vault("b"));
        let sealed = ours.seal(HERE, "geheim é").unwrap();
        assert!(sealed.starts_with(PREFIX) && !sealed.contains("geheim"));
        assert_eq!(ours.open(HERE, &sealed).as_deref(), Some("geheim é"));
        assert_eq!(vault("A").open(HERE, &sealed).as_deref(), Some("geheim é"), "hex digits of either case");
        assert_eq!(others.open(HERE, &sealed), None);
        let renamed = sealed.replace(&ours.name, &others.name);
        assert_eq!(others.open(HERE, &renamed), None);
        for elsewhere in [Place { row: "other", ..HERE }, Place { column: "table.other", ..HERE }] {
            assert_eq!(ours.open(elsewhere, &sealed), None);
        }
        assert_ne!(sealed, ours.seal(HERE, "geheim é").unwrap(), "each time with a nonce of its own");
    }

    #[test]
    fn what_was_changed_anywhere_is_not_opened() {
        let vault = vault("1");
        let sealed = vault.seal(HERE, "text").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            let other = if &sealed[at..=at] == "A" { "B" } else { "A" };
            changed.replace_range(at..=at, other);
            assert_eq!(vault.open(HERE, &changed), None, "{at}");
        }
        for wrong in ["", "sealed:", "sealed::", &format!("sealed:{}:", vault.name), &sealed[..sealed.len() - 4]] {
            assert_eq!(vault.open(HERE, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_master_key_is_64_hex_digits_and_is_not_printed() {
        let drawn = MasterKey::draw().unwrap();
        assert_eq!(drawn.reveal().parse::<MasterKey>(), Ok(drawn.clone()));
        assert_ne!(drawn, MasterKey::draw().unwrap());
        assert_eq!(format!("{drawn:?}"), "***");
        for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65), &"ä".repeat(32), &"+1".repeat(32)] {
            assert_eq!(wrong.parse::<MasterKey>(), Err(NoMasterKey), "{wrong}");
        }
        assert!(format!("{}\n", "0f".repeat(32)).parse::<MasterKey>().is_ok(), "as a file has it");
    }
}
