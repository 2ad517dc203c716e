//! The real edge under test: started before a server, on a free port with a cache of its own.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::server::until;

/// How long it may take to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// An edge in a process of its own.
#[derive(Debug)]
pub struct EdgeProcess {
    binary: PathBuf,
    runner: Vec<String>,
    environment: Vec<(&'static str, String)>,
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl EdgeProcess {
    /// Starts it before `origin`, with its cache below `work`, run by the words of `runner` ("taskset", "-c", "0").
    pub async fn start(
        binary: &Path,
        origin: &str,
        secret: &str,
        work: &Path,
        runner: &[&str],
    ) -> anyhow::Result<Self> {
        Self::start_set_with(binary, origin, secret, work, runner, &[]).await
    }

    /// The same with more in its environment.
    pub async fn start_set_with(
        binary: &Path,
        origin: &str,
        secret: &str,
        work: &Path,
        runner: &[&str],
        settings: &[(&'static str, String)],
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(work)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut environment = vec![
            ("REPRISE_HTTP__LISTEN", address.to_string()),
            ("REPRISE_EDGE__SECRET", secret.to_owned()),
            ("REPRISE_EDGE__ORIGIN", origin.to_owned()),
            ("REPRISE_EDGE__CACHE_DIR", folder.path().join("edge").display().to_string()),
            ("REPRISE_EDGE__DISK_GIB", "1".to_owned()),
            ("REPRISE_LOG__LEVEL", "warn".to_owned()),
        ];
        environment.extend_from_slice(settings);
        let runner: Vec<String> = runner.iter().map(|word| (*word).to_owned()).collect();
        let child = launch(binary, &runner, &environment)?;
        let edge = Self { binary: binary.to_owned(), runner, environment, child, address, folder };
        edge.ready().await?;
        Ok(edge)
    }

    /// Kills it as a crash does, and starts it again on the same cache and the same address.
    pub async fn crash_and_restart(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill the edge")?;
        self.child = launch(&self.binary, &self.runner, &self.environment)?;
        self.ready().await
    }

    async fn ready(&self) -> anyhow::Result<()> {
        let ready = async || {
            ensure!(reqwest::get(format!("{}/readyz", self.url())).await?.status().is_success(), "it is not ready");
            Ok(())
        };
        until(PATIENCE, ready).await.context("the edge")
    }

    /// The folder of its cache.
    pub fn cache(&self) -> PathBuf {
        self.folder.path().join("edge")
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the edge runs")
    }

    /// Ends it; fails when its end is not a clean one.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.pid()?.to_string()]).status().await?;
        ensure!(told.success(), "cannot end the edge");
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the edge does not end")??;
        ensure!(status.success(), "the edge ended with {status}");
        Ok(())
    }
}

fn launch(binary: &Path, runner: &[String], environment: &[(&'static str, String)]) -> anyhow::Result<Child> {
    let words: Vec<&OsStr> = runner.iter().map(OsStr::new).chain([binary.as_os_str(), OsStr::new("edge")]).collect();
    let (program, arguments) = words.split_first().context("a program")?;
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (*name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true).spawn().context("cannot run the edge")
}
