//! Chromium as a player and as a user of the console: `tests/browser/play.cjs` and `tests/console/drive.cjs` with what `cargo xtask setup`
//! installed.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;

use crate::clips;

/// The longest that one play may take.
const PLAY_PATIENCE: Duration = Duration::from_secs(120);
/// The longest that all steps through the console may take.
const CONSOLE_PATIENCE: Duration = Duration::from_secs(600);

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
    /// Those that play to the end: dash.js may stand still before it (docs/reference/players.md).
    pub const ALL: [Self; 3] = [Self::Hls, Self::Shaka, Self::Mp4];

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
    /// Names of what was loaded.
    pub loaded: Vec<String>,
}

/// Plays `url` to the end, or with `seek` one second from there.
pub async fn play(player: Player, url: &str, seek: Option<f64>) -> anyhow::Result<Seen> {
    run(player, url, seek.map(|seconds| seconds.to_string())).await
}

/// Plays `url` to the end, and takes another rendition every few seconds.
pub async fn play_switching(player: Player, url: &str) -> anyhow::Result<Seen> {
    run(player, url, Some("switch".to_owned())).await
}

/// Looks through `url` fast with Shaka Player, to its end.
pub async fn look_through(url: &str) -> anyhow::Result<Seen> {
    run(Player::Shaka, url, Some("fast".to_owned())).await
}

/// Shows the picture at `seconds`, though the player gets one segment of each track and no more.
pub async fn show_first(player: Player, url: &str, seconds: u32) -> anyhow::Result<Seen> {
    run(player, url, Some(format!("first:{seconds}"))).await
}

/// Plays `seconds` of what is live with hls.js, as close to the live edge as the playlist lets it.
pub async fn play_live(url: &str, seconds: u32) -> anyhow::Result<Seen> {
    run(Player::Hls, url, Some(format!("low:{seconds}"))).await
}

async fn run(player: Player, url: &str, how: Option<String>) -> anyhow::Result<Seen> {
    let mut words = vec![player.word(), url];
    words.extend(how.as_deref());
    node("tests/browser/play.cjs", &words, PLAY_PATIENCE).await
}

/// Uses the web console of a fresh server, from the setup link's `token` to its last screen, and pushes to `rtmp`
/// (host:port) meanwhile. The steps that went well; the first that does not is the error.
pub async fn use_console(url: &str, token: &str, rtmp: &str) -> anyhow::Result<Vec<String>> {
    node("tests/console/drive.cjs", &[url, token, rtmp], CONSOLE_PATIENCE).await
}

/// Runs a program of `tests` with the packages of `tests/browser`, and reads the JSON that it prints.
async fn node<T: DeserializeOwned>(program: &str, words: &[&str], patience: Duration) -> anyhow::Result<T> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).context("the repository's root")?;
    let modules = clips::target()?.join("browser/node_modules");
    if !modules.is_dir() {
        bail!("the browser tests' packages are not installed: run `cargo xtask setup`");
    }
    let mut node = Command::new("node");
    node.arg(root.join(program)).args(words).env("NODE_PATH", modules);
    node.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(patience, node.output()).await.context("the browser hangs")?;
    let output = output.context("cannot run node")?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{program} printed no JSON"))
}
