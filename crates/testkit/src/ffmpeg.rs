//! FFmpeg as a publisher.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::{Child, Command};

/// How fast to push.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as the server takes it.
    Fast,
    /// So many seconds of media a second.
    Times(f64),
}

/// A push that runs.
#[derive(Debug)]
pub struct Push {
    child: Child,
}

impl Push {
    /// Starts to push a file's frames as they are.
    pub fn start(file: &Path, url: &str, pace: Pace) -> anyhow::Result<Self> {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error"]);
        if let Pace::Times(times) = pace {
            ffmpeg.args(["-readrate", &times.to_string()]);
        }
        ffmpeg.arg("-i").arg(file).args(["-c", "copy", "-f", "flv", "-flvflags", "no_duration_filesize", url]);
        ffmpeg.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(Self { child: ffmpeg.spawn().context("cannot run ffmpeg")? })
    }

    /// Waits until all is sent. The error is what ffmpeg said.
    pub async fn finish(self) -> anyhow::Result<()> {
        let output = self.child.wait_with_output().await?;
        if !output.status.success() {
            bail!("ffmpeg: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(())
    }

    /// Ends it without a goodbye, as a lost network does.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot end ffmpeg")
    }
}

/// Pushes a whole file.
pub async fn push(file: &Path, url: &str, pace: Pace) -> anyhow::Result<()> {
    Push::start(file, url, pace)?.finish().await
}
