//! The root access key: from the configuration, or made once and kept in the data folder.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use catalog::random_text;
use serde::{Deserialize, Serialize};

use crate::config::{Auth, Secret};
use crate::data_dir;

/// The name of the file in the data folder.
pub const FILE: &str = "access-key.json";
/// Random characters of an id, after its `RP`: 95 bits.
const ID_CHARACTERS: usize = 16;
/// Characters of a secret: 178 bits, more than HMAC-SHA1 has strength.
const SECRET_CHARACTERS: usize = 30;

/// An access key pair.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// Named in requests.
    pub id: String,
    /// Signs them.
    pub secret: Secret,
    /// Made just now: to be shown this once.
    pub fresh: bool,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    access_key_id: String,
    access_key_secret: String,
}

/// The pair of the configuration, else the kept one, else a new one that is kept before it is returned.
pub fn load_or_make(auth: &Auth, data: &Path) -> anyhow::Result<AccessKey> {
    if let Some(key) = load(auth, data)? {
        return Ok(key);
    }
    let kept = Kept {
        access_key_id: format!("RP{}", random_text(ID_CHARACTERS)),
        access_key_secret: random_text(SECRET_CHARACTERS),
    };
    data_dir::write_private(&data.join(FILE), &serde_json::to_vec_pretty(&kept)?)?;
    Ok(AccessKey { id: kept.access_key_id, secret: Secret::new(&kept.access_key_secret), fresh: true })
}

/// The pair of the configuration, else the kept one; `None` when there is none yet.
pub fn load(auth: &Auth, data: &Path) -> anyhow::Result<Option<AccessKey>> {
    if !auth.access_key_id.is_empty() {
        let (id, secret) = (auth.access_key_id.clone(), auth.access_key_secret.clone());
        return Ok(Some(AccessKey { id, secret, fresh: false }));
    }
    let path = data.join(FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let kept: Kept = serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))?;
    if kept.access_key_id.is_empty() || kept.access_key_secret.is_empty() {
        bail!("{} is damaged: a part of the pair is empty", path.display());
    }
    Ok(Some(AccessKey { id: kept.access_key_id, secret: Secret::new(&kept.access_key_secret), fresh: false }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_pair_is_made_once_kept_privately_and_found_again() {
        let data = tempfile::tempdir().unwrap();
        let auth = Auth::default();
        let made = load_or_make(&auth, data.path()).unwrap();
        assert!(made.fresh && made.id.len() == 18 && made.secret.reveal().len() == 30);
        let mode = std::fs::metadata(data.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let found = load_or_make(&auth, data.path()).unwrap();
        assert!(!found.fresh);
        assert_eq!((found.id, found.secret), (made.id.clone(), made.secret.clone()));
        let other = load_or_make(&auth, tempfile::tempdir().unwrap().path()).unwrap();
        assert_ne!(other.secret, made.secret);
    }

    #[test]
    fn the_configured_pair_wins_and_nothing_is_written() {
        let data = tempfile::tempdir().unwrap();
        let auth = Auth { access_key_id: "id".into(), access_key_secret: Secret::new("secret"), ..Auth::default() };
        let key = load_or_make(&auth, data.path()).unwrap();
        assert_eq!((key.id.as_str(), key.secret.reveal(), key.fresh), ("id", "secret", false));
        assert!(!data.path().join(FILE).exists());
    }

    #[test]
    fn a_damaged_file_is_told_and_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join(FILE), "{").unwrap();
        let error = load_or_make(&Auth::default(), data.path()).unwrap_err();
        assert!(format!("{error:#}").contains("is damaged"), "{error:#}");
    }
}
