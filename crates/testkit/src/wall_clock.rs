//! The clock on the wall as a server under test sees it, set from outside while it runs (libfaketime). Its monotonic clock is left
//! alone, as it is when somebody sets the clock of a machine.

use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;

/// A clock that can be set.
#[derive(Debug)]
pub struct WallClock {
    faketime: PathBuf,
    folder: TempDir,
}

impl WallClock {
    /// A clock that tells the time as it is.
    pub fn new() -> anyhow::Result<Self> {
        let clock = Self { faketime: faketime()?, folder: tempfile::tempdir()? };
        clock.set("+0")?;
        Ok(clock)
    }

    /// What a server's environment must have to see it.
    pub fn environment(&self) -> anyhow::Result<[(String, String); 5]> {
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path that is no text");
        Ok([
            ("LD_PRELOAD".to_owned(), text(&self.faketime)?),
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), text(&self.file())?),
            // Otherwise it is read every ten seconds.
            ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
            // The times of files are those of the disk: the cache of this machine's fonts goes by them, and is all programs'.
            ("NO_FAKE_STAT".to_owned(), "1".to_owned()),
        ])
    }

    /// Sets it ahead ("+1d", "+1h") or back ("-1d") against the time as it is; "+0" sets it right.
    pub fn set(&self, offset: &str) -> anyhow::Result<()> {
        // Written aside, so that nobody reads half of it.
        let aside = self.folder.path().join("next");
        std::fs::write(&aside, offset)?;
        Ok(std::fs::rename(aside, self.file())?)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }
}

/// Where Debian keeps it, whatever the architecture.
fn faketime() -> anyhow::Result<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut found = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    found.find(|file| file.is_file()).context("libfaketime is not installed: run `cargo xtask setup`")
}
