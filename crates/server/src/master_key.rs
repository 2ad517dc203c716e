//! The master key, under which secrets are sealed in the catalog: from the configuration, or made once and kept in the data folder.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use catalog::{Catalog, CatalogError, MasterKey};

use crate::config::Secret;
use crate::data_dir;

/// The name of the file in the data folder.
pub const FILE: &str = "secret.key";

/// Unlocks the catalog with the configured key, else with the kept one, else with a new one that is kept before anything is sealed under it.
///
/// Fails when the secrets in the catalog are sealed under another key. No key is made then, and nothing is changed.
pub async fn unlock(catalog: &Catalog, configured: &Secret, data: &Path) -> anyhow::Result<()> {
    let path = data.join(FILE);
    let (key, place) = match configured.reveal() {
        "" => (kept_or_made(catalog, &path).await?, path.display().to_string()),
        text => (text.parse::<MasterKey>().context("auth.master_key")?, "auth.master_key".to_owned()),
    };
    match catalog.unlock(&key).await {
        Ok(0) => Ok(()),
        Ok(sealed) => {
            tracing::info!(sealed, "secrets that stood in the catalog as they are were sealed under the master key");
            Ok(())
        }
        Err(CatalogError::MasterKey) => bail!(
            "the secrets in the catalog are sealed under another master key than that of {place}: put the {FILE} of this installation \
             into {}, or its content into auth.master_key; all nodes have the same",
            data.display()
        ),
        Err(error) => Err(error).context("cannot unlock the catalog's secrets"),
    }
}

async fn kept_or_made(catalog: &Catalog, path: &Path) -> anyhow::Result<MasterKey> {
    match std::fs::read_to_string(path) {
        Ok(text) => text.parse().with_context(|| format!("{} is damaged", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if catalog.has_master_key().await.context("cannot ask for the catalog's master key")? {
                bail!(
                    "the secrets in the catalog are sealed, and the master key is not here: put the {FILE} of this installation at {}, or \
                     its content into auth.master_key; all nodes have the same",
                    path.display()
                );
            }
            made(path)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// The key that takes the place of a lost one: the configured one, else the one in the file, else a new one that is kept there.
pub fn replacement(configured: &Secret, data: &Path) -> anyhow::Result<MasterKey> {
    if !configured.is_empty() {
        return configured.reveal().parse().context("auth.master_key");
    }
    let path = data.join(FILE);
    let kept = std::fs::read_to_string(&path).ok().and_then(|text| text.parse().ok());
    kept.map_or_else(|| made(&path), Ok)
}

fn made(path: &Path) -> anyhow::Result<MasterKey> {
    let key = MasterKey::draw()?;
    data_dir::write_private(path, format!("{}\n", key.reveal()).as_bytes())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use catalog::CatalogUrl;

    use super::*;

    async fn catalog_in(folder: &Path) -> Catalog {
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        catalog
    }

    async fn said(catalog: &Catalog, configured: &str, data: &Path) -> String {
        let error = unlock(catalog, &Secret::new(configured), data).await.unwrap_err();
        format!("{error:#}")
    }

    #[tokio::test]
    async fn a_key_is_made_once_kept_privately_and_found_again() {
        let data = tempfile::tempdir().unwrap();
        let none = Secret::default();
        let catalog = catalog_in(data.path()).await;
        unlock(&catalog, &none, data.path()).await.unwrap();
        let file = data.path().join(FILE);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let kept = std::fs::read_to_string(&file).unwrap();
        catalog.close().await;
        drop(catalog);

        let catalog = catalog_in(data.path()).await;
        unlock(&catalog, &none, data.path()).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), kept);
        // Where it is configured the file is not asked.
        std::fs::remove_file(&file).unwrap();
        unlock(&catalog, &Secret::new(kept.trim()), data.path()).await.unwrap();
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn without_its_key_a_catalog_is_not_opened_and_no_other_key_is_made() {
        let data = tempfile::tempdir().unwrap();
        let catalog = catalog_in(data.path()).await;
        unlock(&catalog, &Secret::new(&"a".repeat(64)), data.path()).await.unwrap();
        let text = said(&catalog, "", data.path()).await;
        assert!(text.contains("the master key is not here") && text.contains(FILE), "{text}");
        assert!(!data.path().join(FILE).exists());
        let text = said(&catalog, &"b".repeat(64), data.path()).await;
        assert!(text.contains("sealed under another master key than that of auth.master_key"), "{text}");
        let text = said(&catalog, "short", data.path()).await;
        assert!(text.contains("auth.master_key: a master key is 64 hex digits") && !text.contains("short"), "{text}");
        std::fs::write(data.path().join(FILE), "damaged").unwrap();
        let text = said(&catalog, "", data.path()).await;
        assert!(text.contains("secret.key is damaged"), "{text}");
    }
}
