//! Certificates by ACME, with a real authority that really looks: pebble.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use testkit::authority::{Authority, Rules, free};
use testkit::edge::EdgeProcess;
use testkit::server::{Server, until};

use crate::support::{SOON, fetched, reprise};

/// How long it may take until an authority that was away is asked again.
const LATER: Duration = Duration::from_secs(90);
/// What the origin and its edge share.
const SECRET: &str = "between-us-0123456789";
const DAY: Duration = Duration::from_secs(86_400);

/// An authority that does not run yet, and what a server at `https` is told of it.
fn authority(https: SocketAddr, rules: Rules<'_>, names: &str) -> (Authority, Vec<(&'static str, String)>) {
    let authority = Authority::new(rules).unwrap();
    let settings = vec![
        ("REPRISE_HTTP__TLS_LISTEN", https.to_string()),
        ("REPRISE_HTTP__ACME_DOMAINS", names.to_owned()),
        ("REPRISE_HTTP__ACME_CONTACT", "ops@example.org".to_owned()),
        ("REPRISE_HTTP__ACME_DIRECTORY", authority.directory()),
        ("REPRISE_HTTP__ACME_ROOT", authority.root().display().to_string()),
        ("REPRISE_HTTP__ACME_TERMS_AGREED", "true".to_owned()),
    ];
    (authority, settings)
}

async fn start(settings: &[(&'static str, String)]) -> Server {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Server::start_with(reprise(), &settings).await.unwrap()
}

async fn said(server: &Server, words: &str) {
    let look = async || {
        ensure!(server.log().contains(words), "it is not said: {words}");
        Ok(())
    };
    until(SOON, look).await.unwrap();
}

/// Waits until so many certificates came since the server was started.
async fn taken(server: &Server, count: u32) {
    let look = async || {
        let taken: u32 = server.metric("http_certificates_taken_total").await?;
        ensure!(taken >= count, "{taken} came");
        Ok(())
    };
    until(LATER, look).await.unwrap();
}

async fn metrics(server: &Server) -> String {
    reqwest::get(server.http_url("/metrics")).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_certificate_is_got_when_the_authority_is_there_and_kept_when_it_is_gone() {
    let https = free().unwrap();
    let rules = Rules { tls_port: https.port(), refused: "refused.example.org", validity: 90 * DAY };
    let (mut authority, settings) = authority(https, rules, "Video.example.org,live.example.org");
    let mut server = start(&settings).await;
    said(&server, "handshakes are refused until the first is here").await;
    said(&server, "there is no new TLS certificate").await;
    let url = format!("https://video.example.org:{}/livez", https.port());
    assert!(fetched(&url, &authority.root(), "--http2").await.is_err(), "there is no certificate");

    authority.start().await.unwrap();
    taken(&server, 1).await;
    let root = authority.issuing_root().await.unwrap();
    for (name, version, told) in [
        ("video.example.org", "--http2", "2"),
        ("live.example.org", "--http2", "2"),
        ("video.example.org", "--http1.1", "1.1"),
    ] {
        let url = format!("https://{name}:{}/livez", https.port());
        let (spoken, body) = fetched(&url, &root, version).await.unwrap();
        assert_eq!((spoken.as_str(), body.as_slice()), (told, b"ok\n".as_slice()), "{name}");
    }
    let told = metrics(&server).await;
    let value = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    assert!(value("http_acme_validations_total") >= Some(2), "each name was looked at over TLS:\n{told}");
    assert_eq!(value("http_connections_cut_total{reason=\"handshake\"}"), Some(1), "that is curl's, at first:\n{told}");
    assert_eq!(value("http_acme_failures_total{reason=\"away\"}"), Some(1));
    assert!(value("http_certificate_ends_seconds").is_some());

    authority.stop().await.unwrap();
    server.stop().await.unwrap();
    let before = server.log().len();
    server.restart().await.unwrap();
    assert_eq!(fetched(&url, &root, "--http2").await.unwrap().0, "2");
    assert!(!server.log()[before..].contains("there is no"), "nobody was asked, and nothing was missing");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_runs_on_when_the_authority_refuses_and_does_not_ask_again_at_once() {
    let (https, nobody) = (free().unwrap(), free().unwrap());
    let rules = Rules { tls_port: nobody.port(), refused: "refused.example.org", validity: 90 * DAY };
    let (mut authority, settings) = authority(https, rules, "video.example.org");
    authority.start().await.unwrap();
    let mut server = start(&settings).await;
    said(&server, "does not find this one at the names: video.example.org: ").await;
    assert!(metrics(&server).await.contains("http_acme_failures_total{reason=\"refused\"} 1"));
    assert!(reqwest::get(server.http_url("/livez")).await.unwrap().status().is_success());
    let url = format!("https://video.example.org:{}/livez", https.port());
    assert!(fetched(&url, &authority.issuing_root().await.unwrap(), "--http2").await.is_err());

    server.stop().await.unwrap();
    server.restart().await.unwrap();
    said(&server, "the last order of a TLS certificate came to nothing, and the next one waits").await;
    server.stop().await.unwrap();
    // Another order is another matter.
    server.set("REPRISE_HTTP__ACME_DOMAINS", "video.example.org,refused.example.org");
    server.restart().await.unwrap();
    said(&server, "urn:ietf:params:acme:error:rejectedIdentifier").await;
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_certificate_is_renewed_before_it_ends_also_by_an_authority_that_forgot_the_account() {
    let https = free().unwrap();
    // The next is due when a third is left.
    let rules = Rules { tls_port: https.port(), refused: "refused.example.org", validity: Duration::from_secs(30) };
    let (mut authority, settings) = authority(https, rules, "video.example.org");
    authority.start().await.unwrap();
    let mut server = start(&settings).await;
    taken(&server, 1).await;
    authority.stop().await.unwrap();
    authority.start().await.unwrap();
    let root = authority.issuing_root().await.unwrap();
    let url = format!("https://video.example.org:{}/livez", https.port());
    let renewed = async || fetched(&url, &root, "--http2").await.context("not under the new root");
    until(LATER, renewed).await.unwrap();
    assert!(server.log().contains("does not know the account"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_edge_gets_a_certificate_of_its_own_and_keeps_it_over_a_crash() {
    let https = free().unwrap();
    let rules = Rules { tls_port: https.port(), refused: "refused.example.org", validity: 90 * DAY };
    let (mut authority, settings) = authority(https, rules, "edge.example.org");
    authority.start().await.unwrap();
    let mut server = Server::start_with(reprise(), &[("REPRISE_EDGE__SECRET", SECRET)]).await.unwrap();
    let temp = std::env::temp_dir();
    let origin = server.http_url("");
    let mut edge = EdgeProcess::start_set_with(reprise(), &origin, SECRET, &temp, &[], &settings).await.unwrap();
    let root = authority.issuing_root().await.unwrap();
    let url = format!("https://edge.example.org:{}/livez", https.port());
    let got = async || fetched(&url, &root, "--http2").await.context("there is no certificate");
    assert_eq!(until(LATER, got).await.unwrap(), ("2".to_owned(), b"ok\n".to_vec()));
    assert!(edge.cache().join("acme").is_dir());

    authority.stop().await.unwrap();
    edge.crash_and_restart().await.unwrap();
    assert_eq!(fetched(&url, &root, "--http1.1").await.unwrap().0, "1.1");
    edge.stop().await.unwrap();
    server.stop().await.unwrap();
}
