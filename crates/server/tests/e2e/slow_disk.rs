//! Line 34 of the torture list: a disk that stands still.

use anyhow::ensure;
use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, Push};
use testkit::probe::{decode_complaints, probe};
use testkit::server::{Server, until};
use testkit::standstill::Standstill;

use crate::support::{PLAY_DOMAIN, SOON, add_rule, mp4, reprise, wait_recorded};

#[tokio::test]
async fn a_disk_that_stands_still_until_the_alarm_costs_no_frame_and_no_viewer() {
    let disk = Standstill::new().unwrap();
    let work = tempfile::tempdir().unwrap();
    let environment = disk.environment(work.path()).unwrap();
    let settings: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let server = Server::start_in(reprise(), &settings, work.path(), &[]).await.unwrap();
    add_rule(&server.api(), "slow", 600, 1).await;
    // Over within a minute; the second stream is there to see that both are well.
    let clip = clips::synthetic(&Recipe { seconds: 30, ..Recipe::default() }).await.unwrap();
    let pushes: Vec<Push> = ["one", "two"]
        .iter()
        .map(|stream| Push::start(&clip, &server.push_url("slow", stream), Pace::Times(1.0)).unwrap())
        .collect();
    let live = server.http_url(&format!("/l/{PLAY_DOMAIN}/slow/one.m3u8"));
    let plays = || async { reqwest::get(&live).await?.error_for_status().map(drop).map_err(Into::into) };
    until(SOON, plays).await.unwrap();
    disk.stop().unwrap();
    let alarmed = || async {
        let alarm: f64 = server.metric("recorder_disk_alarm").await?;
        ensure!(alarm > 0.0, "no alarm");
        Ok(())
    };
    until(SOON, alarmed).await.unwrap();
    plays().await.expect("what is stored is watched while nothing more can be");
    disk.go_on().unwrap();
    for push in pushes {
        push.finish().await.unwrap();
    }
    let pictures = probe(clip.to_str().unwrap()).await.unwrap().track("video").len();
    for stream in ["one", "two"] {
        let asset = wait_recorded(&server, stream, 1).await.remove(0);
        let seen = probe(&mp4(&server, &asset)).await.unwrap();
        assert_eq!(seen.track("video").len(), pictures, "{stream}: pictures are missing");
        assert_eq!(decode_complaints(&mp4(&server, &asset)).await.unwrap(), "");
    }
    let calm = || async {
        let alarm: f64 = server.metric("recorder_disk_alarm").await?;
        ensure!(alarm < 1.0, "the alarm is still on");
        Ok(())
    };
    until(SOON, calm).await.unwrap();
}
