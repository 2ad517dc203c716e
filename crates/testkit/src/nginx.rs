//! nginx, as what to compare with: one worker on one core, with a folder of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::server::until;

/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx.
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// Starts it on a free port and the core `cpu`, with its files below `work`. `modules` are lines that load them; `serves` makes of its
    /// folder and its address what it is to do there.
    pub async fn start(
        work: &Path,
        cpu: &str,
        modules: &str,
        serves: impl FnOnce(&Path, SocketAddr) -> String,
    ) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(work)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let path = folder.path().display();
        let user = if geteuid().is_root() { "user root;\n" } else { "" };
        let settings = format!(
            "{user}{modules}daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\npid {path}/pid;\n\
             error_log {path}/error.log warn;\nevents {{ worker_connections 8192; }}\n{}",
            serves(folder.path(), address)
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, settings)?;
        let mut command = Command::new("taskset");
        command.args(["-c", cpu, "nginx", "-p"]).arg(folder.path()).arg("-c").arg(&file);
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.context("cannot run nginx: apt-get install nginx")?;
        let nginx = Self { child, address, folder };
        let listening = async || {
            tokio::net::TcpStream::connect(address).await?;
            nginx.pids().map(drop)
        };
        until(PATIENCE, listening).await.context("nginx does not listen")?;
        Ok(nginx)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The master and its worker.
    pub fn pids(&self) -> anyhow::Result<Vec<u32>> {
        let master = self.child.id().context("nginx runs")?;
        let children = std::fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        let workers = children.split_whitespace().map(str::parse);
        let all: Vec<u32> = std::iter::once(Ok(master)).chain(workers).collect::<Result<_, _>>()?;
        ensure!(all.len() > 1, "nginx has no worker");
        Ok(all)
    }

    /// Ends it, with its files written.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let pid = self.child.id().context("nginx runs")?;
        let told = Command::new("kill").args(["-QUIT", &pid.to_string()]).status().await?;
        if !told.success() {
            bail!("cannot end nginx");
        }
        tokio::time::timeout(PATIENCE, self.child.wait()).await.context("nginx does not end")??;
        Ok(())
    }
}

impl Drop for Nginx {
    /// Its worker does not end with a master that is killed, and a master makes another for one that is: so the master is first.
    fn drop(&mut self) {
        for pid in self.pids().unwrap_or_default() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}
