//! The cycles of a recording as one video.

use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::ffmpeg::{Pace, push};
use testkit::judge;
use testkit::probe::decode_complaints;
use testkit::receiver::{Delivery, Receiver};
use testkit::server::{Server, until};

use crate::support::{PLAY_DOMAIN, Recorded, SOON, hls, mp4, probe_all, probe_file, recorded, reprise, wait_recorded};

const KEY: &str = "Testkit0Key";

/// A server whose rule for app `match` asks for one video of all cycles, with `group` for it.
async fn server_composing(cycle: &str, group: &str) -> Server {
    let server = Server::start(reprise()).await.unwrap();
    let params = [
        ("DomainName", PLAY_DOMAIN),
        ("AppName", "match"),
        ("VodTranscodeGroupId", "VOD_NO_TRANSCODE"),
        ("AutoCompose", "ON"),
        ("ComposeVodTranscodeGroupId", group),
        ("CycleDuration", cycle),
        ("DelayTime", "1"),
    ];
    server.api().live("AddLiveRecordVodConfig", &params).await.unwrap();
    server
}

fn of<'a>(all: &'a [Delivery], asset: &str) -> Vec<&'a Delivery> {
    all.iter().filter(|delivery| delivery.body["VideoId"] == asset).collect()
}

/// The one among these assets that begins and ends with all of them.
fn whole(assets: &[Recorded]) -> (Recorded, Vec<Recorded>) {
    let longest = assets.iter().max_by(|a, b| a.duration.total_cmp(&b.duration)).unwrap().clone();
    let cycles: Vec<_> = assets.iter().filter(|asset| **asset != longest).cloned().collect();
    (longest, cycles)
}

#[tokio::test]
async fn three_cycles_become_one_video_that_holds_every_frame_and_outlives_them() {
    let server = server_composing("6", "VOD_NO_TRANSCODE").await;
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 16, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();

    let (joined, cycles) = whole(&wait_recorded(&server, "court1", 4).await);
    assert_eq!(joined.playlist_id, cycles[0].playlist_id);
    assert_eq!((&joined.began, &joined.ended), (&cycles[0].began, &cycles[2].ended));
    let source = probe_file(&clip).await;
    for url in [mp4(&server, &joined), hls(&server, &joined)] {
        judge::covers(&source, &probe_all([url.clone()]).await).unwrap_or_else(|wrong| panic!("{url}: {wrong}"));
        assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
    }

    let told = receiver.wait(SOON, |all| of(all, &joined.video_id).len() >= 3).await.unwrap();
    for delivery in &told {
        delivery.check_signature(receiver.url(), KEY).unwrap();
    }
    let about = of(&told, &joined.video_id);
    let types: Vec<_> = about.iter().map(|delivery| delivery.event_type()).collect();
    assert_eq!(types, ["LiveRecordVideoComposeStart", "FileUploadComplete", "VideoAnalysisComplete"]);
    assert_eq!((&about[0].body["Status"], &about[0].body["StreamName"]), (&"success".into(), &"court1".into()));
    let stored = &about[1].body;
    let file = reqwest::get(stored["FileUrl"].as_str().unwrap()).await.unwrap();
    assert_eq!((file.status().as_u16(), file.content_length()), (200, stored["Size"].as_u64()));

    // What the cycles were made of stays as long as the joined video needs it.
    let ids: Vec<_> = cycles.iter().map(|cycle| cycle.video_id.as_str()).collect();
    server.api().vod("DeleteVideo", &[("VideoIds", &ids.join(","))]).await.unwrap();
    assert_eq!(wait_recorded(&server, "court1", 1).await, std::slice::from_ref(&joined));
    judge::covers(&source, &probe_all([mp4(&server, &joined)]).await).unwrap();
}

#[tokio::test]
async fn one_cycle_is_composed_too_and_a_kill_in_between_makes_no_second_video() {
    let mut server = server_composing("60", "VOD_STORE_ONLY").await;
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    // Killed as soon as the recording is over: whatever is done of the joined video by then is not done again.
    receiver.wait(SOON, |all| !all.is_empty()).await.unwrap();
    server.kill().await.unwrap();
    server.restart().await.unwrap();

    let both = || async {
        let all = recorded(&server, "court1").await?;
        anyhow::ensure!(all.len() == 2, "a cycle and a joined video are wanted: {all:#?}");
        Ok(all)
    };
    let both = until(SOON, both).await.unwrap();
    let stored: Vec<_> = both.iter().filter(|asset| asset.status == "UploadSucc").collect();
    assert_eq!(stored.len(), 1, "only stored, as its own group says: {both:#?}");
    let id = stored[0].video_id.as_str();
    let told = receiver.wait(SOON, |all| of(all, id).len() >= 3).await.unwrap();
    let starts = told.iter().filter(|delivery| delivery.event_type() == "LiveRecordVideoComposeStart");
    let starts: std::collections::BTreeSet<_> = starts.map(|delivery| delivery.body.to_string()).collect();
    assert_eq!(starts.len(), 1, "{starts:#?}");
    let play = server.api().vod("GetPlayInfo", &[("VideoId", id)]).await;
    assert!(play.is_err_and(|error| error.to_string().contains("Forbidden.IllegalStatus")));
}
