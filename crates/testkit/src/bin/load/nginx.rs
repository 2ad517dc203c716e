//! nginx with its RTMP module, recording everything to FLV files: what to compare with.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How long it may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running nginx.
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
        let settings = format!(
            "user root;\nload_module /usr/lib/nginx/modules/ngx_rtmp_module.so;\n\
             daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\npid {path}/pid;\nerror_log {path}/error.log warn;\n\
             events {{ worker_connections 8192; }}\n\
             rtmp {{ access_log off; server {{ listen {address}; chunk_size 4096;\n\
             application bench {{ live on; record all; record_path {path}; record_unique off; }} }} }}\n"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, settings)?;
        let mut command = Command::new("taskset");
        command.args(["-c", cpu, "nginx", "-p"]).arg(folder.path()).arg("-c").arg(&file);
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().context("cannot run nginx")?;
        let listening = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, listening).await.context("nginx does not listen")?;
        Ok(Self { child, address, folder })
    }

    /// Where it takes pushes.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The master and its worker.
    pub fn pids(&self) -> anyhow::Result<Vec<u32>> {
        let master = self.child.id().context("nginx runs")?;
        let children = std::fs::read_to_string(format!("/proc/{master}/task/{master}/children"))?;
        let workers = children.split_whitespace().map(str::parse);
        Ok(std::iter::once(Ok(master)).chain(workers).collect::<Result<_, _>>()?)
    }

    /// The recording of a stream.
    pub fn recording(&self, stream: &str) -> PathBuf {
        self.folder.path().join(format!("{stream}.flv"))
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
