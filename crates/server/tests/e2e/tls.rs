//! HTTPS with a real client: both versions of HTTP, and a certificate that is renewed while it runs.

use std::path::Path;

use anyhow::ensure;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::server::{Server, until};

use crate::support::{SOON, add_rule, fetched, reprise, wait_recorded};

/// Writes a new certificate for `localhost` and its key, as an authority's client does.
fn renew(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, text) in [("fullchain.pem", made.cert.pem()), ("privkey.pem", made.signing_key.serialize_pem())] {
        let aside = folder.join("aside");
        std::fs::write(&aside, text).unwrap();
        std::fs::rename(&aside, folder.join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_video_is_fetched_over_tls_in_both_versions_while_the_certificate_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    renew(folder.path());
    let file = |name: &str| folder.path().join(name).display().to_string();
    let settings = [
        ("REPRISE_HTTP__TLS_LISTEN", "127.0.0.1:0"),
        ("REPRISE_HTTP__TLS_CERTIFICATE", &file("fullchain.pem")),
        ("REPRISE_HTTP__TLS_KEY", &file("privkey.pem")),
    ];
    let mut server = Server::start_with(reprise(), &settings).await.unwrap();
    add_rule(&server.api(), "match", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 4, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let video = wait_recorded(&server, "court1", 1).await.remove(0).video_id;
    let port = server.https().unwrap().port();
    let current = folder.path().join("fullchain.pem");
    let first = folder.path().join("first.pem");
    std::fs::copy(&current, &first).unwrap();
    for name in ["index.m3u8", "video.m3u8", "init-v0.mp4", "v0.m4s", "source.mp4"] {
        let plain = reqwest::get(server.http_url(&format!("/v/{video}/{name}"))).await.unwrap();
        let plain = plain.error_for_status().unwrap().bytes().await.unwrap();
        for (version, told) in [("--http2", "2"), ("--http1.1", "1.1")] {
            let url = format!("https://localhost:{port}/v/{video}/{name}");
            let (spoken, body) = fetched(&url, &first, version).await.unwrap();
            assert_eq!((spoken.as_str(), body == plain), (told, true), "{name}");
        }
    }

    renew(folder.path());
    let url = format!("https://localhost:{port}/livez");
    let (spoken, _) = until(SOON, || fetched(&url, &current, "--http2")).await.unwrap();
    assert_eq!(spoken, "2");
    assert!(fetched(&url, &first, "--http2").await.is_err(), "the first one is not shown any more");
    // A broken file changes nothing, and is told.
    let renewed = folder.path().join("renewed.pem");
    std::fs::copy(&current, &renewed).unwrap();
    std::fs::write(&current, "no certificate").unwrap();
    until(SOON, async || {
        ensure!(server.log().contains("the old one is kept"), "nothing is told");
        Ok(())
    })
    .await
    .unwrap();
    fetched(&url, &renewed, "--http2").await.unwrap();
    server.stop().await.unwrap();
}
