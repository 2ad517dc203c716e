//! The recording that grows can be watched, back to its first second.

use anyhow::bail;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push};
use testkit::server::{Server, until};

use crate::support::{PLAY_DOMAIN, SOON, probe_file, server_recording, wait_recorded};

/// Waits until the API lists the stream as live.
pub async fn wait_online(server: &Server, stream: &str) {
    let look = || async {
        let params = [("DomainName", PLAY_DOMAIN)];
        let answer = server.api().live("DescribeLiveStreamsOnlineList", &params).await?;
        let list = answer["OnlineInfo"]["LiveStreamOnlineInfo"].as_array().cloned().unwrap_or_default();
        if !list.iter().any(|info| info["StreamName"] == stream) {
            bail!("{stream} is not online: {answer}");
        }
        Ok(())
    };
    until(SOON, look).await.unwrap();
}

#[tokio::test]
async fn a_growing_recording_plays_from_its_first_second() {
    let server = server_recording("live", 60, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 16, ..Recipe::default() }).await.unwrap();
    let publisher = Push::start(&clip, &server.push_url("live", "s"), Pace::Times(1.0)).unwrap();
    let url = server.http_url(&format!("/l/{PLAY_DOMAIN}/live/s.m3u8"));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("live.mp4");
    // The first four seconds, taken while the push is still going on.
    let look = || async {
        let mut ffmpeg = tokio::process::Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y", "-live_start_index", "0", "-i", &url, "-t", "4", "-c", "copy"]);
        let output = ffmpeg.arg(&copy).output().await?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    };
    until(SOON, look).await.unwrap();
    let list = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(!list.contains("#EXT-X-ENDLIST"), "the stream is still live: {list}");

    let (seen, source) = (probe_file(&copy).await, probe_file(&clip).await);
    let hashes = |packets: Vec<&testkit::probe::Packet>| packets.iter().map(|p| p.hash.clone()).collect::<Vec<_>>();
    let (seen, source) = (hashes(seen.track("audio")), hashes(source.track("audio")));
    // Sound that lies before the first picture is not copied by ffmpeg: the run-in of the coder.
    let first = source.iter().position(|hash| *hash == seen[0]).unwrap();
    assert!(first <= 1 && seen.len() > 150, "begins at {first}, has {}", seen.len());
    assert_eq!(seen[..150], source[first..first + 150], "the live list begins where the push began");

    publisher.finish().await.unwrap();
    wait_recorded(&server, "s", 1).await;
}
