//! Certificates from files, taken again when they change (decision 0042).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Bytes of either file. A chain of four certificates has some 8 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a certificate and its key are, as PEM.
#[derive(Debug, Clone)]
pub struct Files {
    /// The chain, the server's own first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Both files as they were read.
#[derive(PartialEq, Eq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate that somebody else renews.
pub struct FileCertificate {
    files: Files,
    looked_at: Pair,
    current: watch::Sender<Arc<ServerConfig>>,
}

impl FileCertificate {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// A file that cannot be read or is no PEM, and a key that is another certificate's.
    pub async fn open(files: Files) -> anyhow::Result<Self> {
        let pair = read(&files).await?;
        let current = watch::Sender::new(Arc::new(configured(&pair)?));
        Ok(Self { files, looked_at: pair, current })
    }

    /// What connections are accepted with, always the newest.
    pub fn subscribe(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.current.subscribe()
    }

    /// Looks for another certificate as long as it is polled. Connections that are open go on under the one they began with.
    pub async fn follow(mut self) {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            self.look().await;
        }
    }

    /// A pair that is no good is told once. It is kept out, and is looked at again when it changes: between the writing of the one
    /// file and the other they do not belong together.
    async fn look(&mut self) {
        let pair = match read(&self.files).await {
            Ok(pair) => pair,
            // It may be being replaced just now.
            Err(error) => return tracing::debug!(error = format!("{error:#}"), "the TLS certificate cannot be read"),
        };
        if pair == self.looked_at {
            return;
        }
        match configured(&pair) {
            Ok(config) => {
                self.current.send_replace(Arc::new(config));
                metrics::counter!("http_certificates_taken_total").increment(1);
                tracing::info!(certificate = %self.files.certificate.display(), "there is a new TLS certificate");
            }
            Err(error) => {
                metrics::counter!("http_certificates_refused_total").increment(1);
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the new TLS certificate is no good, and the old one is kept"
                );
            }
        }
        self.looked_at = pair;
    }
}

async fn read(files: &Files) -> anyhow::Result<Pair> {
    let read = async |path: &PathBuf| {
        let size = tokio::fs::metadata(path).await?.len();
        if size > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("{size} bytes are too many for a certificate or a key")));
        }
        tokio::fs::read(path).await
    };
    let named = |key: &str, path: &PathBuf| format!("cannot read http.{key} = {:?}", path.display().to_string());
    Ok(Pair {
        certificate: read(&files.certificate).await.with_context(|| named("tls_certificate", &files.certificate))?,
        key: read(&files.key).await.with_context(|| named("tls_key", &files.key))?,
    })
}

fn configured(pair: &Pair) -> anyhow::Result<ServerConfig> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pair.certificate)
        .collect::<Result<_, _>>()
        .context("http.tls_certificate is no PEM file")?;
    ensure!(!chain.is_empty(), "http.tls_certificate has no certificate");
    // The text of this error tells nothing of the key.
    let key = PrivateKeyDer::from_pem_slice(&pair.key).context("http.tls_key has no private key in PEM")?;
    let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .context("http.tls_certificate and http.tls_key do not belong together")?;
    super::config(Arc::new(SingleCertAndKey::from(certified)))
}

#[cfg(test)]
pub mod tests {
    use std::path::Path;

    use super::*;

    /// Writes a certificate of its own for `localhost` and the key of it into a folder.
    pub fn write(folder: &Path) -> (Files, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = Files { certificate: folder.join("fullchain.pem"), key: folder.join("privkey.pem") };
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        (files, made.cert.der().clone())
    }

    #[tokio::test]
    async fn a_renewed_pair_is_taken_and_a_bad_one_is_not() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (files, _) = write(folder.path());
        let mut certificate = FileCertificate::open(files.clone()).await.unwrap();
        let mut current = certificate.subscribe();
        let first = Arc::clone(&current.borrow_and_update());
        let (renewed, _) = write(other.path());

        certificate.look().await;
        assert!(!current.has_changed().unwrap(), "nothing is new");
        // The certificate is there and its key is not yet.
        std::fs::copy(&renewed.certificate, &files.certificate).unwrap();
        certificate.look().await;
        assert!(Arc::ptr_eq(&first, &current.borrow()), "the key is the old one's");
        std::fs::copy(&renewed.key, &files.key).unwrap();
        certificate.look().await;
        assert!(current.has_changed().unwrap(), "now they belong together");
        let second = Arc::clone(&current.borrow_and_update());
        for broken in
            ["", "-----BEGIN CERTIFICATE-----\nAAAA", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"]
        {
            std::fs::write(&files.certificate, broken).unwrap();
            certificate.look().await;
            assert!(Arc::ptr_eq(&second, &current.borrow()), "{broken:?}");
        }
        std::fs::remove_file(&files.certificate).unwrap();
        certificate.look().await;
        assert!(!current.has_changed().unwrap());
    }

    #[tokio::test]
    async fn a_server_does_not_start_with_a_bad_pair_and_says_which_file_it_is() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let ((good, _), (another, _)) = (write(folder.path()), write(other.path()));
        let said = async |certificate: &Path, key: &Path| {
            let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
            FileCertificate::open(files).await.err().map(|error| format!("{error:#}")).unwrap()
        };
        assert!(said(Path::new("/none"), &good.key).await.contains("http.tls_certificate = \"/none\""));
        assert!(said(&good.certificate, Path::new("/none")).await.contains("http.tls_key = \"/none\""));
        assert!(said(&good.key, &good.key).await.contains("has no certificate"));
        assert!(said(&good.certificate, &good.certificate).await.contains("has no private key"));
        assert!(said(&good.certificate, &another.key).await.contains("do not belong together"));
    }
}
