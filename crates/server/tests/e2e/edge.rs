//! `reprise edge` before the real server: viewers go on while both crash, and what is deleted is gone.

use std::process::Command;

use anyhow::ensure;
use testkit::clips::{self, Recipe};
use testkit::edge::EdgeProcess;
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{decode_complaints, decoded};
use testkit::server::{Server, until};

use crate::support::{SOON, add_rule, reprise, wait_recorded};

const SECRET: &str = "between-us-0123456789";

#[tokio::test]
async fn an_edge_plays_on_while_the_server_is_away_and_forgets_what_is_deleted() {
    let settings = [("REPRISE_EDGE__SECRET", SECRET)];
    let mut server = Server::start_with(reprise(), &settings).await.unwrap();
    add_rule(&server.api(), "match", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let video = wait_recorded(&server, "court1", 1).await.remove(0).video_id;
    let temp = std::env::temp_dir();
    let mut edge = EdgeProcess::start(reprise(), &server.http_url(""), SECRET, &temp, &[]).await.unwrap();
    let views = ["index.m3u8", "index.mpd", "source.mp4"].map(|name| format!("{}/v/{video}/{name}", edge.url()));
    let mut pictures = Vec::new();
    for view in &views {
        assert_eq!(decode_complaints(view).await.unwrap(), "", "{view}");
        pictures.push(decoded(view).await.unwrap().0);
    }
    assert_eq!(pictures, [150; 3]);

    server.kill().await.unwrap();
    edge.crash_and_restart().await.unwrap();
    for view in &views {
        assert_eq!(decode_complaints(view).await.unwrap(), "", "{view} without the server");
    }

    server.restart().await.unwrap();
    server.api().vod("DeleteVideo", &[("VideoIds", &video)]).await.unwrap();
    until(SOON, async || {
        for view in &views {
            let status = reqwest::get(view).await?.status();
            ensure!(status == 404, "{view} is {status}");
        }
        Ok(())
    })
    .await
    .unwrap();
    edge.stop().await.unwrap();
    server.stop().await.unwrap();
}

#[test]
fn an_edge_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let said = |environment: &[(&str, &str)]| {
        let mut edge = Command::new(reprise());
        edge.arg("edge").envs(environment.iter().copied()).env("REPRISE_EDGE__CACHE_DIR", folder.path());
        let output = edge.env("REPRISE_HTTP__LISTEN", "127.0.0.1:0").output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let origin = ("REPRISE_EDGE__ORIGIN", "http://127.0.0.1:9");
    assert!(said(&[origin]).contains("edge.secret is wanted"));
    assert!(said(&[origin, ("REPRISE_EDGE__SECRET", "short")]).contains("at least 16"));
    assert!(said(&[("REPRISE_EDGE__SECRET", SECRET)]).contains("edge.origin is wanted"));
    let odd = said(&[("REPRISE_EDGE__SECRET", SECRET), ("REPRISE_EDGE__ORIGIN", "10.0.0.1:8080")]);
    assert!(odd.contains("is no URL of an origin") && !odd.contains(SECRET), "{odd}");
    assert!(said(&[("REPRISE_EDGE__ORIGN", "x")]).contains("did you mean REPRISE_EDGE__ORIGIN?"));
}
