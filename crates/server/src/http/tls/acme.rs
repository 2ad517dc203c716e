//! A certificate that is got from an authority by ACME (RFC 8555), kept, and renewed in time (decision 0046).

mod client;
mod held;
mod kept;
mod order;

use std::mem;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use self::client::Client;
use self::held::Held;
use self::kept::Kept;
use self::order::{Answers, Failure};
use crate::serve::now;

/// What the authority speaks when it looks at a name (RFC 8737 §6.2).
pub const PROTOCOL: &[u8] = b"acme-tls/1";
/// How often it is looked whether the certificate is due: the wall clock may jump, and a machine may sleep.
const LOOK: Duration = Duration::from_secs(3600);
/// The pause after a refusal, which doubles with each: four in the first hour, where Let's Encrypt takes five for a name.
const REFUSED_PAUSE: Duration = Duration::from_secs(300);
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(6 * 3600);
/// The same where nobody was there.
const AWAY_PAUSE: Duration = Duration::from_secs(15);
const AWAY_PAUSE_MAX: Duration = Duration::from_secs(3600);
/// The longest that an authority is left alone because it asked for it.
const LEFT_ALONE_MAX: Duration = Duration::from_secs(86_400);
/// The least time between an order that came to nothing and the one of the next start: a server that is started again and again
/// asks four times an hour at most.
const RESTART_PAUSE: Duration = Duration::from_secs(900);

/// Which certificate is wanted, and of whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The names in it, in lower case; at least one.
    pub names: Vec<String>,
    /// The operator's address, which the authority gets; may be empty.
    pub contact: String,
    /// The URL of the authority's directory.
    pub directory: String,
    /// A PEM file of what its own server is trusted by; else what the system trusts.
    pub root: Option<PathBuf>,
    /// Where accounts and certificates are kept.
    pub folder: PathBuf,
}

/// A certificate that is got and renewed here.
pub struct AcmeCertificate {
    settings: Settings,
    client: Client,
    kept: Kept,
    held: Option<Held>,
    /// With the tickets of all that follow.
    base: ServerConfig,
    current: watch::Sender<Arc<ServerConfig>>,
}

impl AcmeCertificate {
    /// Takes what is kept. Nobody is asked yet.
    ///
    /// # Errors
    /// The folder cannot be used, or the root is no good. A kept certificate that is no good is told, and another is got.
    pub async fn open(settings: Settings) -> anyhow::Result<Self> {
        let client = Client::new(settings.root.as_deref()).await?;
        let kept = Kept::open(&settings.folder, &settings.directory).await?;
        let held = match kept.certificate().await? {
            None => None,
            Some(pem) => Held::read(&pem)
                .inspect_err(|error| {
                    tracing::warn!(error = format!("{error:#}"), "the kept TLS certificate is no good");
                })
                .ok(),
        };
        match &held {
            Some(held) => told(held),
            None => tracing::warn!("there is no TLS certificate yet: handshakes are refused until the first is here"),
        }
        let base = super::config(shown(held.as_ref(), Answers::new()))?;
        let current = watch::Sender::new(Arc::new(base.clone()));
        Ok(Self { settings, client, kept, held, base, current })
    }

    /// What connections are accepted with, always the newest.
    pub fn subscribe(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.current.subscribe()
    }

    /// Gets the first certificate and renews it, as long as it is polled. What is held meanwhile is shown.
    pub async fn follow(mut self) {
        // How often in a row, and of which kind: an authority that comes back and refuses has not refused before.
        let (mut failures, mut kind) = (0, None);
        let mut pause = match self.kept.asked(&self.settings.names).await {
            Some(ago) if self.due_in().is_zero() => RESTART_PAUSE.saturating_sub(ago),
            _ => Duration::ZERO,
        };
        if !pause.is_zero() {
            tracing::warn!(
                seconds = pause.as_secs(),
                "the last order of a TLS certificate came to nothing, and the next one waits"
            );
        }
        loop {
            tokio::time::sleep(pause).await;
            let due_in = self.due_in();
            if !due_in.is_zero() {
                pause = due_in.min(LOOK);
                continue;
            }
            let renewed = self.renew().await;
            let left_alone = self.client.left_alone().min(LEFT_ALONE_MAX);
            match renewed {
                Ok(()) => (kind, pause) = (None, Duration::ZERO),
                Err(failure) => {
                    let another = kind.replace(mem::discriminant(&failure)) != Some(mem::discriminant(&failure));
                    failures = if another { 0 } else { failures + 1 };
                    pause = pause_after(&failure, failures).max(left_alone);
                    self.tell(&failure, pause);
                }
            }
        }
    }

    /// How long until another certificate is wanted; zero where none is held for all the names.
    fn due_in(&self) -> Duration {
        let held = self.held.as_ref().filter(|held| held.names_all(&self.settings.names));
        held.map_or(Duration::ZERO, |held| held.due_at().since(now()))
    }

    /// Gets another certificate, keeps it and shows it. What is held stays when it fails.
    async fn renew(&mut self) -> Result<(), Failure> {
        // First: what cannot be written down is not asked for, else each start would ask again.
        self.kept.ask(&self.settings.names).await?;
        let mut ordered = self.order().await;
        if let Err(Failure::Forgotten(error)) = &ordered {
            tracing::warn!(error = format!("{error:#}"), "the ACME server does not know the account: another is made");
            self.kept.forget_account().await?;
            ordered = self.order().await;
        }
        let over = matches!(ordered, Ok(_) | Err(Failure::Away(_)));
        let renewed = ordered.map(|held| {
            self.held = Some(held);
            metrics::counter!("http_certificates_taken_total").increment(1);
        });
        self.show(Answers::new());
        if over && let Err(error) = self.kept.ask_no_more().await {
            // It only makes the next start wait if that has something to ask.
            tracing::warn!(error = format!("{error:#}"), "it stays written down that a TLS certificate is asked for");
        }
        renewed
    }

    async fn order(&self) -> Result<Held, Failure> {
        let Settings { names, contact, directory, .. } = &self.settings;
        let account = order::account(&self.client, &self.kept, directory, contact).await?;
        let pem = order::order(&account, names, |answers| self.show(answers)).await?;
        let held = Held::read(pem.as_bytes())?;
        if !held.names_all(names) || held.due_at() <= now() {
            let problem = "the new certificate does not have all the names, or is at its end already";
            return Err(Failure::Refused(anyhow::anyhow!(problem)));
        }
        if let Err(error) = self.kept.keep_certificate(&pem).await {
            tracing::warn!(
                error = format!("{error:#}"),
                "the TLS certificate cannot be kept: the next start gets another"
            );
        }
        told(&held);
        Ok(held)
    }

    /// Accepts connections with what is held, and with `answers` for the authority.
    fn show(&self, answers: Answers) {
        let mut config = self.base.clone();
        if !answers.is_empty() {
            config.alpn_protocols.push(PROTOCOL.to_vec());
        }
        config.cert_resolver = shown(self.held.as_ref(), answers);
        self.current.send_replace(Arc::new(config));
    }

    fn tell(&self, failure: &Failure, pause: Duration) {
        let (reason, error) = match failure {
            Failure::Away(error) => ("away", error),
            Failure::Forgotten(error) | Failure::Refused(error) => ("refused", error),
        };
        metrics::counter!("http_acme_failures_total", "reason" => reason).increment(1);
        let held = match &self.held {
            Some(held) if held.ends() > now() => format!("the one that is held ends at {}", held.ends().to_iso8601()),
            Some(held) => format!("the one that is held ended at {}", held.ends().to_iso8601()),
            None => "there is none, and handshakes are refused".to_owned(),
        };
        tracing::warn!(
            reason,
            error = format!("{error:#}"),
            directory = self.settings.directory,
            held,
            next_attempt_seconds = pause.as_secs(),
            "there is no new TLS certificate"
        );
    }
}

/// How long it is waited after a failure that `before` others came before.
fn pause_after(failure: &Failure, before: u32) -> Duration {
    let (first, most) = match failure {
        Failure::Away(_) => (AWAY_PAUSE, AWAY_PAUSE_MAX),
        Failure::Forgotten(_) | Failure::Refused(_) => (REFUSED_PAUSE, REFUSED_PAUSE_MAX),
    };
    first.saturating_mul(2u32.saturating_pow(before)).min(most)
}

fn told(held: &Held) {
    // A metric is a float; seconds are whole and exact until 2106.
    metrics::gauge!("http_certificate_ends_seconds")
        .set(f64::from(u32::try_from(held.ends().unix_s()).unwrap_or(u32::MAX)));
    tracing::info!(ends = held.ends().to_iso8601(), "there is a TLS certificate");
}

/// What a handshake is answered with.
#[derive(Debug)]
struct Shown {
    certificate: Option<Arc<CertifiedKey>>,
    answers: Answers,
}

fn shown(held: Option<&Held>, answers: Answers) -> Arc<Shown> {
    Arc::new(Shown { certificate: held.map(|held| Arc::clone(&held.certified)), answers })
}

impl ResolvesServerCert for Shown {
    /// The authority asks for its protocol alone (RFC 8737 §3) and gets the answer for the name; everybody else gets the certificate.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let authority = hello.alpn().is_some_and(|offered| offered.eq([PROTOCOL]));
        if authority {
            return self.answers.get(&hello.server_name()?.to_ascii_lowercase()).cloned();
        }
        self.certificate.clone()
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::ServerName;
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    #[test]
    fn an_authority_that_refuses_is_asked_four_times_in_the_first_hour_and_four_times_a_day_at_last() {
        let refused = Failure::Refused(anyhow!("no"));
        let mut at = Duration::ZERO;
        let attempts = (0..).map(|before| {
            at += pause_after(&refused, before);
            at
        });
        // The first is at once.
        assert_eq!(1 + attempts.take_while(|at| *at < Duration::from_secs(3600)).count(), 4);
        assert_eq!(pause_after(&refused, 40), Duration::from_secs(6 * 3600));
        let away = |before| pause_after(&Failure::Away(anyhow!("nobody")), before).as_secs();
        assert_eq!([away(0), away(1), away(2), away(40)], [15, 30, 60, 3600]);
    }

    /// What a client that offers `protocols` agrees on with a server that is set up by `config`.
    async fn agreed(config: ServerConfig, held: &Held, protocols: &[&[u8]]) -> anyhow::Result<Option<Vec<u8>>> {
        let mut trusted = RootCertStore::empty();
        trusted.add(held.certified.cert[0].clone())?;
        let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let client = client.with_safe_default_protocol_versions()?.with_root_certificates(trusted);
        let mut client = client.with_no_client_auth();
        client.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        let (near, far) = tokio::io::duplex(65_536);
        let server = tokio::spawn(async move { TlsAcceptor::from(Arc::new(config)).accept(far).await.map(drop) });
        let stream = TlsConnector::from(Arc::new(client)).connect(ServerName::try_from("a.example")?, near).await?;
        server.await??;
        Ok(stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
    }

    #[tokio::test]
    async fn players_get_the_certificate_while_the_authority_looks_and_nobody_gets_one_before_the_first() {
        let held = Held::read(held::tests::made(&["a.example"], -1, 1).as_bytes()).unwrap();
        let other = Held::read(held::tests::made(&["a.example"], -1, 1).as_bytes()).unwrap();
        let config = |held: Option<&Held>| {
            // The answer is another certificate, which the client does not trust.
            let answers = Answers::from([("a.example".to_owned(), Arc::clone(&other.certified))]);
            let mut config = super::super::config(shown(held, answers)).unwrap();
            config.alpn_protocols.push(PROTOCOL.to_vec());
            config
        };
        let http2 = Some(super::super::HTTP2.to_vec());
        assert_eq!(agreed(config(Some(&held)), &held, &[b"h2", b"http/1.1"]).await.unwrap(), http2);
        assert_eq!(agreed(config(Some(&held)), &held, &[PROTOCOL, b"h2"]).await.unwrap(), http2, "it asks for more");
        assert_eq!(agreed(config(Some(&held)), &held, &[]).await.unwrap(), None);
        assert_eq!(agreed(config(Some(&held)), &other, &[PROTOCOL]).await.unwrap(), Some(PROTOCOL.to_vec()));
        assert!(agreed(config(Some(&held)), &held, &[PROTOCOL]).await.is_err(), "that is the answer");
        assert!(agreed(config(None), &held, &[b"h2"]).await.is_err(), "there is none yet");
        assert_eq!(agreed(config(None), &other, &[PROTOCOL]).await.unwrap(), Some(PROTOCOL.to_vec()));
    }
}
