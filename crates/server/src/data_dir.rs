//! The data folder: made privately, owned by one server at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// The lock file. Its content says who holds the lock; the lock itself is the kernel's, so a crash leaves none behind.
const LOCK_FILE: &str = "server.lock";

/// What the lock file says: for people, scripts, and the second server's error message.
#[derive(Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The server's process id.
    pub pid: u32,
    /// Where it listens for HTTP, with the real port.
    pub http: Option<SocketAddr>,
    /// Where it listens for HTTPS, if it does.
    #[serde(default)]
    pub https: Option<SocketAddr>,
    /// Where it listens for RTMP, with the real port.
    pub rtmp: Option<SocketAddr>,
}

/// A data folder held by this process until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

impl DataDir {
    /// Whether a process holds the folder now.
    pub fn is_held(path: &Path) -> bool {
        let lock = File::open(path.join(LOCK_FILE));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Who holds the folder now; `None` when nobody does.
    pub fn holder(path: &Path) -> Option<Holder> {
        let text = Self::is_held(path).then(|| std::fs::read(path.join(LOCK_FILE)).ok())??;
        serde_json::from_slice(&text).ok()
    }

    /// Makes the folder (mode 0700) when it is missing, and takes it for this process.
    ///
    /// Fails when another server holds it, naming that server.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data folder {shown}"))?;
        let path = path.canonicalize().with_context(|| format!("cannot open the data folder {shown}"))?;
        let file = path.join(LOCK_FILE);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&file)
            .with_context(|| format!("the data folder {shown} is not writable"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder =
                    lock.read_to_string(&mut text).ok().and_then(|_| serde_json::from_str::<Holder>(&text).ok());
                match holder {
                    Some(holder) => bail!("the data folder {shown} is in use by the reprise process {}", holder.pid),
                    None => bail!("the data folder {shown} is in use by another reprise process"),
                }
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock the data folder {shown}"));
            }
        }
        let mut held = Self { path, lock };
        held.announce(&Holder { pid: std::process::id(), http: None, https: None, rtmp: None })?;
        Ok(held)
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down who holds the folder, and where it listens.
    pub fn announce(&mut self, holder: &Holder) -> anyhow::Result<()> {
        let text = serde_json::to_vec(holder)?;
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(&text).context("cannot write the lock file")
    }
}

/// Whether a file can be written and removed in `dir`: what readiness asks of storage. Blocks for as long as the disk does.
pub fn probe_writable(dir: &Path) -> std::io::Result<()> {
    // Two probes at once must not remove each other's file.
    static PROBES: AtomicU64 = AtomicU64::new(0);
    let path = dir.join(format!(".ready-probe-{}", PROBES.fetch_add(1, Ordering::Relaxed)));
    let written = File::create(&path).and_then(|mut file| file.write_all(b"ok"));
    written.and(std::fs::remove_file(path))
}

/// Writes a file with mode 0600 so that a crash leaves either none or the whole: aside, sync, rename, sync the folder.
pub fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write {}", path.display());
    let aside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside).with_context(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).with_context(failed)?;
    std::fs::rename(&aside, path).with_context(failed)?;
    let folder = path.parent().context("a file has a folder")?;
    File::open(folder).and_then(|folder| folder.sync_all()).with_context(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_belongs_to_one_server_and_the_second_is_told_whose_it_is() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        let held = DataDir::open(&path).unwrap();
        assert_eq!(std::fs::metadata(held.path()).unwrap().permissions().mode() & 0o777, 0o700);
        let error = DataDir::open(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("in use by the reprise process {}", std::process::id())), "{error}");
        assert!(DataDir::is_held(&path));
        drop(held);
        assert!(!DataDir::is_held(&path));
        DataDir::open(&path).unwrap();
    }
}
