//! Chromium as a player: `tests/browser/play.cjs` with what `cargo xtask setup` installed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tokio::process::Command;

use crate::clips;

/// The longest that one play may take.
const PLAY_PATIENCE: Duration = Duration::from_secs(120);

/// How to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Player {
    /// hls.js.
    Hls,
    /// Shaka Player.
    Shaka,
    /// dash.js.
    Dash,
    /// The video element alone.
    Mp4,
}

impl Player {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hls, Self::Shaka, Self::Dash, Self::Mp4];

    fn word(self) -> &'static str {
        match self {
            Self::Hls => "hls",
            Self::Shaka => "shaka",
            Self::Dash => "dash",
            Self::Mp4 => "mp4",
        }
    }
}

/// What the player saw.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Seconds; absent when nothing was loaded, or while live.
    pub duration: Option<f64>,
    /// Where it began to play, in seconds.
    pub from: f64,
    /// Where it stopped.
    pub to: f64,
    /// It played to the end.
    pub ended: bool,
    /// Pictures decoded.
    pub frames: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Pixels, each time that they changed.
    pub widths: Vec<u32>,
    /// Bytes of sound decoded.
    pub audio_bytes: u64,
    /// Everything that went wrong, in the player's words.
    pub errors: Vec<String>,
    /// Where it ran dry in the middle.
    pub stalls: Vec<f64>,
    /// Parts of segments that hls.js loaded.
    pub parts: u64,
}

/// Plays `url` to the end, or with `seek` one second from there.
pub async fn play(player: Player, url: &str, seek: Option<f64>) -> anyhow::Result<Seen> {
    run(player, url, seek.map(|seconds| seconds.to_string())).await
}

/// Plays `url` to the end, and takes another rendition every few seconds.
pub async fn play_switching(player: Player, url: &str) -> anyhow::Result<Seen> {
    run(player, url, Some("switch".to_owned())).await
}

/// Plays `seconds` of what is live with hls.js, as close to the live edge as the playlist lets it.
pub async fn play_live(url: &str, seconds: u32) -> anyhow::Result<Seen> {
    run(Player::Hls, url, Some(format!("low:{seconds}"))).await
}

async fn run(player: Player, url: &str, how: Option<String>) -> anyhow::Result<Seen> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the repository's root")?;
    let modules = clips::target()?.join("browser/node_modules");
    if !modules.is_dir() {
        bail!("the browser tests' packages are not installed: run `cargo xtask setup`");
    }
    let mut node = Command::new("node");
    node.arg(root.join("tests/browser/play.cjs")).env("NODE_PATH", modules);
    node.arg(player.word()).arg(url);
    node.args(how);
    node.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PLAY_PATIENCE, node.output()).await.context("the browser hangs")?;
    let output = output.context("cannot run node")?;
    if !output.status.success() {
        bail!("play.cjs: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).context("play.cjs printed no JSON")
}
