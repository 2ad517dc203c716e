//! What is kept of an authority: the account with it, the certificate, and when it was last asked for one.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use units::WallTime;

use crate::data_dir::write_private;
use crate::serve::now;

/// The key of the certificate and its chain, as PEM, in one file, so that the two always belong together.
const CERTIFICATE: &str = "certificate.pem";
const ACCOUNT: &str = "account.json";
const ASKED: &str = "asked.json";

/// The folder of one authority. Its files have mode 0600, and a crash leaves each as it was or as it is to be.
#[derive(Debug, Clone)]
pub struct Kept {
    folder: PathBuf,
}

/// An account with the authority.
#[derive(Debug, Serialize, Deserialize)]
pub struct KeptAccount {
    /// The address that the authority has of the operator; may be empty.
    pub contact: String,
    /// What the library needs to speak for it: where it is, and its key.
    pub credentials: serde_json::Value,
}

/// An order that was begun and has not come to a certificate.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    /// Seconds since 1970.
    at: i64,
    names: Vec<String>,
}

impl Kept {
    /// The folder, below `parent`, of the authority whose directory is at the URL `directory`; it is made when it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn open(parent: &Path, directory: &str) -> anyhow::Result<Self> {
        let name = utf8_percent_encode(directory.trim_start_matches("https://"), NON_ALPHANUMERIC).to_string();
        let kept = Self { folder: parent.join(name.replace("%2E", ".").replace("%2D", "-")) };
        let folder = kept.folder.clone();
        blocking(move || {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.with_context(|| format!("cannot make the folder {}", folder.display()))
        })
        .await?;
        Ok(kept)
    }

    /// The certificate with its key; `None` when there is none yet.
    pub async fn certificate(&self) -> anyhow::Result<Option<Vec<u8>>> {
        self.read(CERTIFICATE).await
    }

    /// Keeps a certificate in the place of the one before.
    pub async fn keep_certificate(&self, pem: &str) -> anyhow::Result<()> {
        self.write(CERTIFICATE, pem.as_bytes().to_vec()).await
    }

    /// The account; `None` when there is none yet.
    pub async fn account(&self) -> anyhow::Result<Option<KeptAccount>> {
        let Some(text) = self.read(ACCOUNT).await? else { return Ok(None) };
        let account = serde_json::from_slice(&text);
        account.map(Some).with_context(|| format!("{} is damaged", self.folder.join(ACCOUNT).display()))
    }

    /// Keeps an account in the place of the one before.
    pub async fn keep_account(&self, account: &KeptAccount) -> anyhow::Result<()> {
        self.write(ACCOUNT, serde_json::to_vec_pretty(account)?).await
    }

    /// Forgets the account, which the authority does not know any more.
    pub async fn forget_account(&self) -> anyhow::Result<()> {
        self.remove(ACCOUNT).await
    }

    /// Writes down that a certificate for `names` is asked for now.
    pub async fn ask(&self, names: &[String]) -> anyhow::Result<()> {
        self.write(ASKED, serde_json::to_vec(&Asked { at: now().unix_s(), names: names.to_vec() })?).await
    }

    /// Forgets that: it came, or nobody was there to be asked.
    pub async fn ask_no_more(&self) -> anyhow::Result<()> {
        self.remove(ASKED).await
    }

    /// How long ago a certificate for these very `names` was asked for, and did not come; `None` when it is not known that one was.
    pub async fn asked(&self, names: &[String]) -> Option<Duration> {
        let text = self.read(ASKED).await.ok()??;
        let asked: Asked = serde_json::from_slice(&text).ok()?;
        let at = WallTime::from_unix_s(asked.at);
        // A clock that was set back tells nothing.
        (asked.names == names && at <= now()).then(|| now().since(at))
    }

    async fn read(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.folder.join(name);
        match tokio::fs::read(&path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    async fn write(&self, name: &str, bytes: Vec<u8>) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        blocking(move || write_private(&path, &bytes)).await
    }

    async fn remove(&self, name: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await.context("a thread that writes ended")?
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn authorities_have_private_folders_of_their_own() {
        let parent = tempfile::tempdir().unwrap();
        let open = async |directory| Kept::open(&parent.path().join("acme"), directory).await.unwrap();
        let (one, other) = (open("https://ca.example/acme/a/directory").await, open("https://ca.example/acme/b").await);
        assert!(one.certificate().await.unwrap().is_none() && one.account().await.unwrap().is_none());
        one.keep_certificate("a chain").await.unwrap();
        let account = KeptAccount { contact: String::new(), credentials: "a key".into() };
        one.keep_account(&account).await.unwrap();
        assert_eq!(one.folder, parent.path().join("acme/ca.example%2Facme%2Fa%2Fdirectory"));
        for (name, mode) in [(ACCOUNT, 0o600), (CERTIFICATE, 0o600), ("", 0o700)] {
            let found = std::fs::metadata(one.folder.join(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{name}");
        }
        let again = open("https://ca.example/acme/a/directory").await;
        assert_eq!(again.certificate().await.unwrap().unwrap(), b"a chain");
        assert_eq!(again.account().await.unwrap().unwrap().credentials, "a key");
        assert!(other.certificate().await.unwrap().is_none());
        again.forget_account().await.unwrap();
        again.forget_account().await.unwrap();
        assert!(again.account().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_was_asked_in_vain_is_known_until_it_came_or_something_else_is_wanted() {
        let parent = tempfile::tempdir().unwrap();
        let kept = Kept::open(parent.path(), "https://ca.example/dir").await.unwrap();
        let (names, others) = (["a.example".to_owned()], ["a.example".to_owned(), "b.example".to_owned()]);
        assert_eq!(kept.asked(&names).await, None);
        kept.ask(&names).await.unwrap();
        assert!(kept.asked(&names).await.is_some() && kept.asked(&others).await.is_none());
        kept.ask_no_more().await.unwrap();
        assert_eq!(kept.asked(&names).await, None);
    }
}
