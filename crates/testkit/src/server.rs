//! The real server under test: started on free ports with a data folder of its own, killed, restarted, stopped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::api::Api;

/// How long a server may take to be ready: recovery of many open recordings included.
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How long a server may take to stop after SIGTERM.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two looks at a state that nobody announces.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The access key of servers under test.
const KEY: (&str, &str) = ("testkit-id", "testkit-secret");

/// A server, and everything it needs to be started again as the same one.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    runner: Vec<String>,
    folder: TempDir,
    environment: Vec<(String, String)>,
    addresses: Option<Addresses>,
    child: Option<Child>,
}

#[derive(Debug, Clone, Copy)]
struct Addresses {
    http: SocketAddr,
    https: Option<SocketAddr>,
    rtmp: SocketAddr,
}

/// What the server writes into its lock file.
#[derive(Deserialize)]
struct Holder {
    pid: u32,
    http: Option<SocketAddr>,
    https: Option<SocketAddr>,
    rtmp: Option<SocketAddr>,
}

impl Server {
    /// Starts `binary` with the least minima and waits until it is ready.
    pub async fn start(binary: impl AsRef<Path>) -> anyhow::Result<Self> {
        Self::start_with(binary, &[]).await
    }

    /// The same with further settings ("REPRISE_SECTION__KEY", value), which win.
    pub async fn start_with(binary: impl AsRef<Path>, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_in(binary, settings, &std::env::temp_dir(), &[]).await
    }

    /// The same with its data below `work`, and run by the words of `runner` ("taskset", "-c", "0").
    pub async fn start_in(
        binary: impl AsRef<Path>,
        settings: &[(&str, &str)],
        work: &Path,
        runner: &[&str],
    ) -> anyhow::Result<Self> {
        let usual = [
            ("REPRISE_AUTH__ACCESS_KEY_ID", KEY.0),
            ("REPRISE_AUTH__ACCESS_KEY_SECRET", KEY.1),
            ("REPRISE_RECORDING__CYCLE_SECONDS_MIN", "1"),
            ("REPRISE_RECORDING__DELAY_SECONDS_MIN", "1"),
            ("REPRISE_LOG__LEVEL", "info"),
            // Tests ask as often as they like.
            ("REPRISE_AUTH__READS_PER_SECOND", "0"),
            ("REPRISE_AUTH__WRITES_PER_SECOND", "0"),
            // How full the disk of the machine is that runs the tests is no matter of theirs.
            ("REPRISE_STORAGE__FREE_MIN_MIB", "0"),
        ];
        let environment = usual.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut server = Self {
            binary: binary.as_ref().to_owned(),
            folder: tempfile::tempdir_in(work).context("cannot make a folder for the server")?,
            runner: runner.iter().map(|word| (*word).to_owned()).collect(),
            environment: environment.collect(),
            addresses: None,
            child: None,
        };
        server.launch().await?;
        Ok(server)
    }

    /// Sets a setting ("REPRISE_SECTION__KEY") for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Starts it again on the same data and the same addresses.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            bail!("the server still runs");
        }
        self.launch().await
    }

    /// Starts it again without waiting until it is ready: for whoever kills it before that.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            bail!("the server still runs");
        }
        self.start_process()
    }

    /// Waits until a server started by [`spawn`](Self::spawn) is ready.
    pub async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_PATIENCE;
        while !self.is_ready().await? {
            if Instant::now() > deadline {
                bail!("the server was not ready within {READY_PATIENCE:?}\n{}", self.log());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Leaves its folder (data and log) behind when it is dropped, and says where that is.
    pub fn keep_folder(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// Ends it with SIGKILL, as a crash does.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("the server does not run")?;
        child.kill().await.context("cannot kill the server")
    }

    /// Sends SIGTERM and waits for the end; fails when it is not a clean one.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.terminate().await?;
        let status = self.wait().await?;
        if !status.success() {
            bail!("the server stopped with {status}\n{}", self.log());
        }
        Ok(())
    }

    /// Sends SIGTERM and does not wait.
    pub async fn terminate(&self) -> anyhow::Result<()> {
        let pid = self.pid().context("the server does not run")?;
        let status = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        if !status.success() {
            bail!("kill -TERM {pid}: {status}");
        }
        Ok(())
    }

    /// Waits for the end after `terminate`.
    pub async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        let mut child = self.child.take().context("the server does not run")?;
        let ended = tokio::time::timeout(STOP_PATIENCE, child.wait()).await;
        Ok(ended.with_context(|| format!("the server did not stop within {STOP_PATIENCE:?}\n{}", self.log()))??)
    }

    /// The process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A URL on its HTTP side; `path` begins with a slash.
    pub fn http_url(&self, path: &str) -> String {
        self.addresses.map_or_else(String::new, |addresses| format!("http://{}{path}", addresses.http))
    }

    /// The URL to push a stream to.
    pub fn push_url(&self, app: &str, stream: &str) -> String {
        self.addresses.map_or_else(String::new, |addresses| format!("rtmp://{}/{app}/{stream}", addresses.rtmp))
    }

    /// Where it listens for HTTPS, if it does.
    pub fn https(&self) -> Option<SocketAddr> {
        self.addresses.and_then(|addresses| addresses.https)
    }

    /// Where it listens for RTMP.
    pub fn rtmp(&self) -> Option<SocketAddr> {
        self.addresses.map(|addresses| addresses.rtmp)
    }

    /// A caller of its API with the root key.
    pub fn api(&self) -> Api {
        Api::new(&self.http_url(""), KEY.0, KEY.1)
    }

    /// A metric without labels, as the number that the server prints.
    pub async fn metric<T: FromStr>(&self, name: &str) -> anyhow::Result<T> {
        let text = reqwest::get(self.http_url("/metrics")).await?.error_for_status()?.text().await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let value = value.with_context(|| format!("no metric {name}"))?;
        value.parse().ok().with_context(|| format!("{name} is {value}"))
    }

    /// How many recordings are open, growing or waiting for their publisher.
    pub async fn open_recordings(&self) -> anyhow::Result<u32> {
        self.metric("reprise_recordings_open").await
    }

    async fn launch(&mut self) -> anyhow::Result<()> {
        self.start_process()?;
        self.ready().await
    }

    fn start_process(&mut self) -> anyhow::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
        let address = |known: Option<SocketAddr>| known.map_or_else(|| "127.0.0.1:0".to_owned(), |a| a.to_string());
        let mut command = match self.runner.split_first() {
            Some((program, words)) => {
                let mut command = Command::new(program);
                command.args(words).arg(&self.binary);
                command
            }
            None => Command::new(&self.binary),
        };
        command.arg("serve").arg("--data").arg(self.data());
        command.env("REPRISE_HTTP__LISTEN", address(self.addresses.map(|a| a.http)));
        command.env("REPRISE_RTMP__LISTEN", address(self.addresses.map(|a| a.rtmp)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot run {}", self.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    async fn is_ready(&mut self) -> anyhow::Result<bool> {
        let child = self.child.as_mut().context("the server was not started")?;
        if let Some(status) = child.try_wait()? {
            self.child = None;
            bail!("the server ended with {status}\n{}", self.log());
        }
        let pid = child.id();
        let Some(holder) = self.holder().filter(|holder| Some(holder.pid) == pid) else { return Ok(false) };
        let (Some(http), Some(rtmp)) = (holder.http, holder.rtmp) else { return Ok(false) };
        self.addresses = Some(Addresses { http, https: holder.https, rtmp });
        let answer = reqwest::get(self.http_url("/readyz")).await;
        Ok(answer.is_ok_and(|answer| answer.status() == 200))
    }

    fn holder(&self) -> Option<Holder> {
        let text = std::fs::read(self.data().join("server.lock")).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server's log:\n{}", self.log());
        }
    }
}

/// Asks `state` again and again until it has an answer; fails after `patience` with the last reason it gave.
pub async fn until<T, F>(patience: Duration, state: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    until_every(LOOK_AGAIN, patience, state).await
}

/// [`until`], with a pause of its own between two questions: who measures must not be what is measured.
pub async fn until_every<T, F>(pause: Duration, patience: Duration, mut state: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let deadline = Instant::now() + patience;
    loop {
        match state().await {
            Ok(found) => return Ok(found),
            Err(error) if Instant::now() > deadline => {
                return Err(error.context(format!("this did not come true within {patience:?}")));
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
    }
}
