//! A disk that stands still on demand, as a server under test sees it: its system calls that write wait.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use tempfile::TempDir;

const SOURCE: &str = include_str!("standstill.c");

/// A disk that can stand still.
#[derive(Debug)]
pub struct Standstill {
    folder: TempDir,
}

impl Standstill {
    /// A disk that works. Needs a C compiler, as Rust does to link.
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let source = folder.path().join("standstill.c");
        std::fs::write(&source, SOURCE)?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(folder.path().join("standstill.so")).arg(&source).arg("-ldl");
        let made = cc.status().context("cannot run cc")?;
        ensure!(made.success(), "cc: {made}");
        Ok(Self { folder })
    }

    /// What a server's environment must have for calls on files below `folder`.
    pub fn environment(&self, folder: &Path) -> anyhow::Result<[(String, String); 3]> {
        let text = |path: &Path| path.to_str().map(str::to_owned).context("a path that is no text");
        Ok([
            ("LD_PRELOAD".to_owned(), text(&self.folder.path().join("standstill.so"))?),
            ("STANDSTILL_GATE".to_owned(), text(&self.gate())?),
            ("STANDSTILL_BELOW".to_owned(), text(folder)?),
        ])
    }

    /// From now on nothing is written.
    pub fn stop(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(self.gate(), "")?)
    }

    /// All that waits is written.
    pub fn go_on(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.gate())?)
    }

    fn gate(&self) -> PathBuf {
        self.folder.path().join("gate")
    }
}
