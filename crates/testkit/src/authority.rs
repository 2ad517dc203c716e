//! A real ACME server under test: pebble, which really looks at the names, and the DNS that it asks. It forgets all when it ends.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::{Certificate, Client};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::server::until;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an authority is.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The port of this machine at which it looks at every name.
    pub tls_port: u16,
    /// A name for which it issues nothing.
    pub refused: &'a str,
    /// How long its certificates hold.
    pub validity: Duration,
}

/// An authority with a root of its own.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    client: Client,
    address: SocketAddr,
    management: SocketAddr,
    dns: SocketAddr,
    /// pebble, and the server of names.
    children: Vec<Child>,
}

impl Authority {
    /// Prepares one that does not run yet, on free ports.
    pub fn new(rules: Rules<'_>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str| folder.path().join(name);
        let (mut root, key) = (CertificateParams::new(Vec::new())?, KeyPair::generate()?);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let trusted = root.self_signed(&key)?.pem();
        let own = KeyPair::generate()?;
        let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&own, &Issuer::new(root, key))?;
        std::fs::write(file("root.pem"), &trusted)?;
        std::fs::write(file("own.pem"), certificate.pem())?;
        std::fs::write(file("own.key"), own.serialize_pem())?;
        let (address, management, dns) = (free()?, free()?, free()?);
        let settings = json!({ "pebble": {
            "listenAddress": address.to_string(),
            "managementListenAddress": management.to_string(),
            "certificate": file("own.pem"),
            "privateKey": file("own.key"),
            "httpPort": 1,
            "tlsPort": rules.tls_port,
            "domainBlocklist": [rules.refused],
            "certificateValidityPeriod": rules.validity.as_secs(),
        }});
        std::fs::write(file("pebble.json"), serde_json::to_vec(&settings)?)?;
        let client = Client::builder().tls_certs_only([Certificate::from_pem(trusted.as_bytes())?]).build()?;
        Ok(Self { folder, client, address, management, dns, children: Vec::new() })
    }

    /// Starts it, with nothing that it knew before, and waits until it answers.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        ensure!(self.children.is_empty(), "the authority runs");
        let dns = self.dns.to_string();
        let names =
            ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-management", &free()?.to_string(), "-dns01", &dns];
        let others = ["-http01", "", "-https01", "", "-tlsalpn01", ""];
        let mut server_of_names = Command::new("pebble-challtestsrv");
        server_of_names.args(names).args(others);
        let mut pebble = Command::new("pebble");
        pebble.args(["-strict", "-dnsserver", &dns, "-config"]).arg(self.folder.path().join("pebble.json"));
        // It looks at once instead of after up to 15 s. It does look.
        pebble.env("PEBBLE_VA_NOSLEEP", "1").env_remove("PEBBLE_VA_ALWAYS_VALID");
        for mut command in [server_of_names, pebble] {
            let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"))?;
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).kill_on_drop(true);
            self.children.push(command.spawn().context("cannot run pebble: apt-get install pebble")?);
        }
        let answers = async || {
            tokio::net::TcpStream::connect(self.dns).await?;
            self.client.get(self.directory()).send().await?.error_for_status().map(drop).context("the directory")
        };
        until(PATIENCE, answers).await.with_context(|| self.log())
    }

    /// Ends it as a crash does.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        for mut child in self.children.drain(..) {
            child.kill().await.context("cannot end the authority")?;
        }
        Ok(())
    }

    /// The URL of its directory.
    pub fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.address.port())
    }

    /// The file with what its own server is trusted by.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// The file with the root under which it issues since it was started.
    pub async fn issuing_root(&self) -> anyhow::Result<PathBuf> {
        let url = format!("https://localhost:{}/roots/0", self.management.port());
        let text = self.client.get(url).send().await?.error_for_status()?.bytes().await?;
        let file = self.folder.path().join("issuing.pem");
        std::fs::write(&file, text)?;
        Ok(file)
    }

    /// What it said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the authority's log:\n{}", self.log());
        }
    }
}

/// An address at which nobody listens.
pub fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
