//! Under which certificate connections are accepted: from files that somebody renews (decision 0042), or got from an authority (0046).

pub mod acme;
pub mod files;

use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::ResolvesServerCert;

use self::acme::AcmeCertificate;
use self::files::FileCertificate;

/// HTTP/2 as it is called in the handshake (RFC 7301, RFC 9113 §3.2).
pub const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// Where the certificate comes from.
pub enum Certificate {
    /// From files.
    Files(FileCertificate),
    /// From an authority.
    Acme(Box<AcmeCertificate>),
}

impl Certificate {
    /// What connections are accepted with, always the newest.
    pub fn subscribe(&self) -> watch::Receiver<Arc<ServerConfig>> {
        match self {
            Self::Files(files) => files.subscribe(),
            Self::Acme(acme) => acme.subscribe(),
        }
    }

    /// Brings newer ones as long as it is polled.
    pub async fn follow(self) {
        match self {
            Self::Files(files) => files.follow().await,
            Self::Acme(acme) => acme.follow().await,
        }
    }
}

/// TLS 1.2 and 1.3 with the suites that the library deems safe, under the certificates of `shown`. Sessions are resumed by tickets,
/// whose key is renewed every six hours and with each configuration that is made here.
fn config(shown: Arc<dyn ResolvesServerCert>) -> anyhow::Result<ServerConfig> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}
