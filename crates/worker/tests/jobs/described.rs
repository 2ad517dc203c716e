//! Storage describes itself while the rows change.

use archive::{Receipt, read_description, receipt_key};
use blobs::Blobs;
use catalog::*;

use crate::media::{cycle, store};
use crate::support::{Running, at, path, recorded, until};

/// Waits until nothing is left to be described.
async fn settled(catalog: &Catalog) {
    until("described", async || catalog.stale_count().await.unwrap() == 0).await;
}

async fn description_is_current(catalog: &Catalog, blobs: &Blobs, subject: Subject) {
    let described = read_description(blobs, subject).await.unwrap().unwrap();
    assert_eq!(described.rows, catalog.rows_of(subject).await.unwrap(), "{subject:?}");
}

#[tokio::test]
async fn every_change_of_a_row_reaches_its_description() {
    let running = Running::start(true).await;
    let (catalog, blobs) = (&running.catalog, &running.blobs);
    let (recording, assets) = recorded(catalog, "court1", &[cycle(0, 2)]).await;
    store(blobs, recording.reel, 2).await;
    let (asset, reel) = (Subject::Asset(assets[0]), Subject::Reel(recording.reel));
    until("analysed", async || catalog.asset(assets[0]).await.unwrap().unwrap().analysed.is_some()).await;
    catalog.set_setting("colour", "red").await.unwrap();
    settled(catalog).await;
    for subject in [asset, reel, Subject::Installation] {
        description_is_current(catalog, blobs, subject).await;
    }
    let title = Description { title: Some("Final".into()), ..Description::default() };
    catalog.describe_asset(assets[0], &title, at(50)).await.unwrap();
    catalog.end_recording(recording.id, None, at(60)).await.unwrap();
    catalog.delete_asset(assets[0], std::time::Duration::from_secs(3600), at(70)).await.unwrap();
    settled(catalog).await;
    for subject in [asset, reel] {
        description_is_current(catalog, blobs, subject).await;
    }
    running.stop().await;
}

#[tokio::test]
async fn a_receipt_tells_pushes_gaps_parameters_and_cycles() {
    let running = Running::start(true).await;
    let (catalog, blobs) = (&running.catalog, &running.blobs);
    let (recording, assets) = recorded(catalog, "court1", &[cycle(0, 2), cycle(2, 4)]).await;
    let push = NewPush {
        id: catalog.ids().push(at(0)),
        path: path("court1"),
        publish_domain: "push.example.org".into(),
        params: String::new(),
        client: "203.0.113.7:50123".into(),
        server: "192.0.2.1:1935".into(),
        node: "n1".into(),
        began: at(0),
    };
    catalog.insert_push(&push).await.unwrap();
    catalog.attach_push(recording.id, push.id, at(0)).await.unwrap();
    catalog.note_left_out(recording.id, push.id, "{\"BeforeKeyFrame\":7}").await.unwrap();
    catalog.end_push(push.id, "closed", at(8)).await.unwrap();
    store(blobs, recording.reel, 4).await;
    catalog.end_recording(recording.id, None, at(60)).await.unwrap();
    settled(catalog).await;

    let stored = blobs.get(&receipt_key(assets[1])).await.unwrap();
    let receipt: Receipt = serde_json::from_slice(&stored).unwrap();
    assert_eq!(receipt.pushes.len(), 1);
    let told = &receipt.pushes[0];
    assert_eq!((told.client.as_str(), told.end_cause.as_deref()), ("203.0.113.7:50123", Some("closed")));
    assert_eq!(told.left_out, Some(serde_json::json!({ "BeforeKeyFrame": 7 })));
    let cycles: Vec<_> = receipt.cycles.iter().map(|cycle| (cycle.cycle, cycle.video_id)).collect();
    assert_eq!((receipt.cycle, cycles), (Some(1), vec![(0, assets[0]), (1, assets[1])]));
    // The third segment of the reel comes after a loss.
    let gap = &receipt.gaps[0];
    assert_eq!((receipt.gaps.len(), gap.at, gap.cause.as_str(), gap.length_ms), (1, 0.0, "interruption", Some(1_500)));
    let parameters = &receipt.parameters[0];
    assert_eq!((receipt.parameters.len(), parameters.video.as_deref()), (1, Some("h264 1280x720")));
    assert_eq!(parameters.audio.as_deref(), Some("aac 48000 Hz, 2 channels"));
    running.stop().await;
}
