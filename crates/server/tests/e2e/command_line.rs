//! The binary itself: its configuration, its data folder, its start and its end.

use std::process::{Command, Output};
use std::time::Duration;

use anyhow::Context;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push};
use testkit::server::{Server, until};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::live::wait_online;
use crate::support::{SOON, reprise};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(reprise()).args(arguments).envs(environment.iter().copied()).output().unwrap()
}

#[test]
fn the_effective_configuration_is_printed_without_secrets() {
    let environment = [("REPRISE_AUTH__ACCESS_KEY_ID", "me"), ("REPRISE_AUTH__ACCESS_KEY_SECRET", "do-not-tell")];
    let output = run(&["config", "--data", "elsewhere"], &environment);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(printed.contains("data_dir = \"elsewhere\"") && printed.contains("access_key_id = \"me\""), "{printed}");
    assert!(printed.contains("access_key_secret = \"***\"") && !printed.contains("do-not-tell"), "{printed}");
}

#[test]
fn an_unknown_key_is_refused_with_its_name() {
    let output = run(&["serve"], &[("REPRISE_HTTP__LISTN", "127.0.0.1:0")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert_eq!(
        said,
        "reprise: unknown key REPRISE_HTTP__LISTN in the environment (did you mean REPRISE_HTTP__LISTEN?)\n"
    );
}

#[tokio::test]
async fn a_data_folder_is_not_shared_by_two_servers() {
    let server = Server::start(reprise()).await.unwrap();
    let data = server.data();
    let listen = [("REPRISE_HTTP__LISTEN", "127.0.0.1:0"), ("REPRISE_RTMP__LISTEN", "127.0.0.1:0")];
    let output = run(&["serve", "--data", data.to_str().unwrap()], &listen);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains(&format!("is in use by the reprise process {}", server.pid().unwrap())), "{said}");
}

#[tokio::test]
async fn the_first_start_makes_an_access_key_that_works_and_is_not_printed_again() {
    let empty = [("REPRISE_AUTH__ACCESS_KEY_ID", ""), ("REPRISE_AUTH__ACCESS_KEY_SECRET", "")];
    let mut server = Server::start_with(reprise(), &empty).await.unwrap();
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read(server.data().join("access-key.json")).unwrap()).unwrap();
    let (id, secret) = (kept["access_key_id"].as_str().unwrap(), kept["access_key_secret"].as_str().unwrap());
    assert_eq!(server.log().matches(secret).count(), 1);
    let api = testkit::api::Api::new(&server.http_url(""), id, secret);
    api.live("DescribeLiveUserDomains", &[]).await.unwrap();
    server.stop().await.unwrap();
    server.restart().await.unwrap();
    assert_eq!(server.log().matches(secret).count(), 1, "shown once");
    api.live("DescribeLiveUserDomains", &[]).await.unwrap();
}

#[tokio::test]
async fn health_and_metrics_answer() {
    let server = Server::start(reprise()).await.unwrap();
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(reqwest::get(server.http_url(path)).await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn sigterm_ends_a_server_cleanly_in_the_middle_of_a_push() {
    let mut server = Server::start(reprise()).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 20, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("app", "s"), Pace::Times(1.0)).unwrap();
    wait_online(&server, "s").await;
    let began = std::time::Instant::now();
    server.stop().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    publisher.kill().await.unwrap();
}

#[tokio::test]
async fn a_second_signal_ends_a_server_that_still_waits_for_somebody() {
    let mut server = Server::start(reprise()).await.unwrap();
    // A request whose body never comes: a clean end waits for it.
    let address = server.http_url("").replace("http://", "");
    let mut request = TcpStream::connect(&address).await.unwrap();
    request
        .write_all(format!("POST / HTTP/1.1\r\nHost: {address}\r\nContent-Length: 100\r\n\r\n").as_bytes())
        .await
        .unwrap();
    server.terminate().await.unwrap();
    until(SOON, async || {
        // Not ready, and soon no longer listening.
        let ready = reqwest::get(server.http_url("/readyz")).await.is_ok_and(|answer| answer.status() == 200);
        anyhow::ensure!(!ready, "it does not stop");
        Ok(())
    })
    .await
    .unwrap();
    server.terminate().await.unwrap();
    assert_eq!(server.wait().await.unwrap().code(), Some(130));
    drop(request);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut server = tokio::process::Command::new(reprise());
    server.args(["serve", "--data"]).arg(folder.path()).stdout(full()).stderr(full()).kill_on_drop(true);
    server.env("REPRISE_HTTP__LISTEN", "127.0.0.1:0").env("REPRISE_RTMP__LISTEN", "127.0.0.1:0");
    let mut server = server.spawn().unwrap();
    let lock = folder.path().join("server.lock");
    let address = until(SOON, || async {
        let holder: serde_json::Value = serde_json::from_slice(&std::fs::read(&lock)?)?;
        holder["rtmp"].as_str().map(str::to_owned).context("it does not listen yet")
    });
    let address = address.await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    testkit::ffmpeg::push(&clip, &format!("rtmp://{address}/app/s"), Pace::Fast).await.unwrap();
    assert_eq!(server.try_wait().unwrap(), None, "it still runs");
}
