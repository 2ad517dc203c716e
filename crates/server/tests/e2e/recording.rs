//! A push becomes assets that hold every frame once, in step, as MP4 and as HLS.

use std::sync::Arc;
use std::time::Duration;

use testkit::clips::{self, Recipe};
use testkit::ffmpeg::{Pace, push};
use testkit::judge;
use testkit::probe::{decode_complaints, decoded};
use testkit::publisher::Publisher;
use testkit::server::Server;
use testkit::tape::{Shape, Tape};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::{add_rule, hls, mp4, probe_all, probe_file, reprise, server_recording, wait_recorded};

#[tokio::test]
async fn seventy_seconds_become_four_assets_that_hold_every_frame_in_step() {
    let server = server_recording("match", 20, 6).await;
    let clip = clips::synthetic(&Recipe::default()).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();

    let assets = wait_recorded(&server, "court1", 4).await;
    assert!(assets.iter().all(|asset| asset.playlist_id == assets[0].playlist_id), "{assets:#?}");
    let source = probe_file(&clip).await;
    for urls in
        [assets.iter().map(|a| mp4(&server, a)).collect::<Vec<_>>(), assets.iter().map(|a| hls(&server, a)).collect()]
    {
        let seen = probe_all(urls.clone()).await;
        judge::covers(&source, &seen).unwrap_or_else(|wrong| panic!("{}: {wrong}", urls[0]));
        assert!(seen.iter().all(|asset| asset.track("video")[0].key), "an asset begins with a key frame");
        let (mut pictures, mut samples) = (0, 0);
        for url in &urls {
            assert_eq!(decode_complaints(url).await.unwrap(), "", "{url}");
            let (p, s) = decoded(url).await.unwrap();
            (pictures, samples) = (pictures + p, samples + s);
        }
        assert_eq!(pictures, 1750, "pictures that come out of the decoder");
        // Each frame is 1024 samples; a player may drop the decoder's run-in at an asset's beginning.
        let sent = source.track("audio").len() * 1024;
        let lost = sent.abs_diff(usize::try_from(samples).unwrap());
        assert!(lost <= 4 * 1024, "{samples} of {sent} samples of sound come out of the decoder");
    }
}

#[tokio::test]
async fn an_mp4_is_exactly_as_long_as_promised_and_any_range_of_it_can_be_had() {
    let server = server_recording("match", 20, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let url = mp4(&server, &wait_recorded(&server, "court1", 1).await[0]);

    let http = reqwest::Client::new();
    let head = http.head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["accept-ranges"], "bytes");
    let promised: usize = head.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let whole = http.get(&url).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(whole.len(), promised);
    for (from, to) in [(0, 0), (0, 1023), (1, 1), (promised / 2, promised / 2 + 70_000), (promised - 1, promised - 1)] {
        let to = to.min(promised - 1);
        let part = http.get(&url).header("range", format!("bytes={from}-{to}")).send().await.unwrap();
        assert_eq!(part.status(), 206, "{from}-{to}");
        assert_eq!(part.headers()["content-range"], format!("bytes {from}-{to}/{promised}"));
        assert_eq!(part.bytes().await.unwrap(), whole[from..=to], "{from}-{to}");
    }
    let beyond = http.get(&url).header("range", format!("bytes={promised}-")).send().await.unwrap();
    assert_eq!(beyond.status(), 416);
}

#[tokio::test]
async fn get_play_info_gives_urls_that_play() {
    let server = server_recording("match", 20, 1).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    let asset = &wait_recorded(&server, "court1", 1).await[0];

    let answer = server.api().vod("GetPlayInfo", &[("VideoId", &asset.video_id)]).await.unwrap();
    let infos = answer["PlayInfoList"]["PlayInfo"].as_array().unwrap();
    assert!(!infos.is_empty());
    for info in infos {
        assert_eq!((info["Definition"].as_str(), info["Specification"].as_str()), (Some("OD"), Some("Original")));
        let url = info["PlayURL"].as_str().unwrap();
        let seen = testkit::probe::probe(url).await.unwrap();
        assert_eq!(seen.track("video").len(), 150, "{url}");
    }
}

#[tokio::test]
async fn a_second_push_of_a_stream_takes_over_and_the_recording_goes_on() {
    let server = server_recording("match", 60, 3).await;
    let clip = clips::synthetic(&Recipe { seconds: 6, ..Recipe::default() }).await.unwrap();
    let url = server.push_url("match", "court1");
    let first = testkit::ffmpeg::Push::start(&clip, &url, Pace::Times(1.0)).unwrap();
    crate::live::wait_online(&server, "court1").await;
    push(&clip, &url, Pace::Fast).await.unwrap();
    assert!(first.finish().await.is_err(), "the first publisher is sent away");
    let assets = wait_recorded(&server, "court1", 1).await;
    let seen = probe_all([mp4(&server, &assets[0])]).await;
    assert!(seen[0].track("video").len() >= 150);
}

#[tokio::test]
async fn past_capacity_new_pushes_are_refused_and_the_running_ones_stay_whole() {
    // A server that takes itself for full when its threads are busy a twentieth of the time.
    let server = Server::start_with(reprise(), &[("REPRISE_RTMP__BUSY_MAX_PERCENT", "5")]).await.unwrap();
    add_rule(&server.api(), "match", 60, 1).await;
    let tape = Arc::new(Tape::synthetic(Shape { video_kbps: 300, ..Shape::default() }));
    let over = CancellationToken::new();
    let mut running = JoinSet::new();
    let refused = loop {
        let name = format!("court{}", running.len());
        match Publisher::connect(&server.push_url("match", &name)).await {
            Ok(mut publisher) => {
                let (tape, over) = (Arc::clone(&tape), over.clone());
                running.spawn(async move {
                    let mut sent = 0;
                    while !over.is_cancelled() {
                        sent += publisher.play(&tape, Pace::Times(1.0), Duration::from_secs(1)).await.unwrap().video;
                    }
                    publisher.unpublish().await.unwrap();
                    (name, usize::try_from(sent).unwrap())
                });
            }
            // Whatever else the machine does may hold up the first.
            Err(_) if running.is_empty() => {}
            Err(refused) => break refused,
        }
    };
    assert!(format!("{refused:#}").contains("server is at capacity"), "{refused:#}");
    over.cancel();
    while let Some(ended) = running.join_next().await {
        let (name, sent) = ended.unwrap();
        let assets = wait_recorded(&server, &name, 1).await;
        let seen = probe_all([mp4(&server, &assets[0])]).await;
        assert_eq!(seen[0].track("video").len(), sent, "{name}");
    }
}
