//! nginx that serves files: what to compare with.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use testkit::server::until;
use tokio::process::{Child, Command};

/// How long it may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx with one worker.
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// Starts it on a free port and the core `cpu`, with its files below `work`.
    pub async fn start(work: &Path, cpu: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(work)?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let path = folder.path().display();
        std::fs::create_dir(folder.path().join("root"))?;
        let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
        let settings = format!(
            "{user}daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\npid {path}/pid;\nerror_log {path}/error.log warn;\n\
             events {{ worker_connections 8192; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;\n\
             client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;\n\
             uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;\n\
             open_file_cache max=10000; server {{ listen {address}; root {path}/root; }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, settings)?;
        let mut command = Command::new("taskset");
        command.args(["-c", cpu, "nginx", "-p"]).arg(folder.path()).arg("-c").arg(&file);
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn();
        let child = child.context("cannot run nginx: apt-get install nginx")?;
        let listening = async || {
            tokio::net::TcpStream::connect(address).await?;
            Ok(())
        };
        until(PATIENCE, listening).await.context("nginx does not listen")?;
        Ok(Self { child, address, folder })
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder that it serves.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root")
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
}

impl Drop for Nginx {
    /// Its worker does not end with a master that is killed, and a master makes another for one that is: so the master is first.
    fn drop(&mut self) {
        for pid in self.pids().unwrap_or_default() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}
