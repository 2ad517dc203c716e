//! A server that is killed again and again while it encodes, takes snapshots, composes and tells: all of it is there in the end, once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::ensure;
use testkit::clips::{self, Recipe};
use testkit::customer;
use testkit::ffmpeg::{Pace, push};
use testkit::probe::{decode_complaints, decoded, probe};
use testkit::receiver::{Delivery, Receiver};
use testkit::server::{Server, until};

use crate::support::{PLAY_DOMAIN, Recorded, mp4, recorded};
use crate::transcoding::{PATIENCE, all_rows, server_with, template};
use crate::upkeep::check;

const KEY: &str = "Testkit0Key";
const SECONDS: u32 = 36;
/// How long after something was told the server is killed: in the transaction that follows, in a child's start, in its middle.
const DELAYS_MS: [u64; 10] = [0, 5, 700, 40, 250, 0, 1_200, 100, 15, 450];

/// The bodies of each kind of event about a video, each once: repeats are the same.
fn told_of(all: &[Delivery], video: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for delivery in all.iter().filter(|delivery| delivery.body["VideoId"] == video) {
        told.entry(delivery.event_type().to_owned()).or_default().insert(delivery.body.to_string());
    }
    told
}

/// Of how many videos it is told that all their outputs are there.
fn transcoded(all: &[Delivery]) -> usize {
    let told = all.iter().filter(|one| one.event_type() == "TranscodeComplete");
    told.map(|one| one.body["VideoId"].to_string()).collect::<BTreeSet<_>>().len()
}

/// All that is recorded, once everything of it is told.
async fn at_rest(server: &Server, receiver: &Receiver) -> Vec<Recorded> {
    let look = || async {
        let all = recorded(server, "court1").await?;
        ensure!(all.len() == 4, "three cycles and a joined video are wanted: {all:#?}");
        for video in &all {
            let told = told_of(&receiver.deliveries(), &video.video_id);
            ensure!(video.status == "Normal", "{video:?}");
            for kind in ["TranscodeComplete", "SnapshotComplete", "VideoAnalysisComplete"] {
                ensure!(told.contains_key(kind), "{kind} of {video:?} is owed");
            }
        }
        Ok(all)
    };
    until(PATIENCE, look).await.unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()))
}

#[tokio::test]
async fn whatever_it_was_doing_is_done_once_and_told_once() {
    let templates = [template("large", 320, 300, "mp4"), template("small", 160, 120, "m3u8")];
    let (mut server, group) = server_with(&templates, SECONDS / 3).await;
    let rule = [("DomainName", PLAY_DOMAIN), ("AppName", "match"), ("StreamName", "*")];
    let compose = [("AutoCompose", "ON"), ("ComposeVodTranscodeGroupId", group.as_str())];
    server.api().live("UpdateLiveRecordVodConfig", &[&rule[..], &compose].concat()).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    customer::call_back(&server.api(), receiver.url(), KEY).await.unwrap();
    let clip = clips::synthetic(&Recipe { seconds: SECONDS, ..Recipe::default() }).await.unwrap();
    push(&clip, &server.push_url("match", "court1"), Pace::Fast).await.unwrap();
    receiver
        .wait(PATIENCE, |all| all.iter().filter(|one| one.event_type() == "AddLiveRecordVideoComplete").count() >= 3)
        .await
        .unwrap();
    let mut kills = 0;
    for delay in DELAYS_MS {
        let seen = receiver.deliveries().len();
        let told = receiver
            .wait(PATIENCE, |all| all.len() > seen || transcoded(all) == 4)
            .await
            .unwrap_or_else(|error| panic!("{error:#}\n{}", server.log()));
        // A fast machine is done before it has been killed so often.
        if told.len() == seen {
            break;
        }
        tokio::time::sleep(Duration::from_millis(delay)).await;
        server.kill().await.unwrap();
        server.restart().await.unwrap();
        kills += 1;
    }
    assert!(kills > 3, "{kills} kills in all of it");

    let all = at_rest(&server, &receiver).await;
    let told = receiver.deliveries();
    for delivery in &told {
        delivery.check_signature(receiver.url(), KEY).unwrap();
    }
    let (mut joined, mut pictures) = (0, 0);
    for video in &all {
        let source = probe(&mp4(&server, video)).await.unwrap().track("video").len();
        let told = told_of(&told, &video.video_id);
        let counts: Vec<_> = told.iter().map(|(kind, bodies)| (kind.as_str(), bodies.len())).collect();
        let all_have = [
            ("SnapshotComplete", 1),
            ("StreamTranscodeComplete", 2),
            ("TranscodeComplete", 1),
            ("VideoAnalysisComplete", 1),
        ];
        let begin: &[_] = match told.contains_key("LiveRecordVideoComposeStart") {
            true => &[("FileUploadComplete", 1), ("LiveRecordVideoComposeStart", 1)],
            false => &[("AddLiveRecordVideoComplete", 1)],
        };
        assert_eq!(counts, [begin, &all_have[..]].concat(), "{told:#?}");
        if begin.len() == 2 {
            joined += source;
        } else {
            pictures += source;
        }
        for stream in crate::formats::streams(&server, video, templates.len()).await {
            let url = crate::formats::url(&stream);
            assert_eq!(decode_complaints(&url).await.unwrap(), "", "{url}");
            assert_eq!(usize::try_from(decoded(&url).await.unwrap().0).unwrap(), source, "{url}");
        }
    }
    assert_eq!((joined, pictures), (25 * 36, 25 * 36));
    server.stop().await.unwrap();
    // Two of pictures and one of sound for each cycle; the joined video takes these.
    assert_eq!(all_rows(&server).await["rendition"].len(), 9);
    check(&server, &["--deep"], 0).await;
}
