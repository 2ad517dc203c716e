//! Transcode tasks whose jobs do not come through, and renditions that nobody wants.

use blobs::Blobs;
use catalog::*;
use domain::event::Event;
use encode::{AudioCodec, AudioEncoding, Content, Encoding, Format, Profile, Template};
use reel::{reel_key, segment_key};
use units::{AssetId, ReelId};

use crate::support::{Running, at, recorded, until};

fn template() -> Template {
    Template {
        id: "t".into(),
        name: "t".into(),
        definition: "SQ".into(),
        format: Format::Mp4,
        segment_seconds: None,
        file_name: None,
        content: Content::Encoded,
        clip: None,
        bandwidth_bps: None,
        encryption: None,
        profile: Profile::default(),
    }
}

async fn submit(catalog: &Catalog, asset: AssetId) -> TranscodeTask {
    let new = NewTask {
        asset,
        template_group: "group".into(),
        templates: vec![template()],
        priority: 6,
        user_data: String::new(),
        session: None,
    };
    match catalog.submit_transcode(&new, at(30)).await.unwrap() {
        Submitted::Begun { task, .. } => catalog.transcode_task(task).await.unwrap().unwrap(),
        refused => panic!("{refused:?}"),
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_planned_fails_with_the_reason() {
    let mut asset = None;
    let running = Running::start_with(true, async |catalog: &Catalog| {
        let (_, assets) = recorded(catalog, "court1", &[(90_000, 190_000)]).await;
        let task = submit(catalog, assets[0]).await;
        let pictures = catalog.picture_jobs(assets[0]).await.unwrap();
        let pictures = pictures.iter().find(|job| job.task == Some(task.id)).unwrap();
        catalog.finish_pictures(pictures.id, &[], at(31)).await.unwrap();
        // As after its last attempt.
        let dead = "UPDATE job SET state = 'dead', error = 'no index', finished = 1 WHERE kind = 'transcode'";
        let mut tx = catalog.begin().await.unwrap();
        sql::Sql::new(dead).run(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        asset = Some(assets[0]);
    })
    .await;
    let (catalog, asset) = (&running.catalog, asset.unwrap());
    let task = async || catalog.transcode_tasks(asset).await.unwrap().remove(0);
    until("failed", async || task().await.state == TaskState::Done).await;
    let output = catalog.outputs_of_task(task().await.id).await.unwrap().remove(0);
    assert_eq!((output.state, output.error.as_deref()), (OutputState::Failed, Some("no index")));
    let told = catalog.events_of_asset(asset).await.unwrap();
    let last: Vec<_> = told.iter().rev().take(2).map(|stored| &stored.event.event).collect();
    assert!(matches!(last[..], [Event::Transcoded { .. }, Event::StreamTranscoded { .. }]), "{last:?}");
    running.stop().await;
}

/// Puts a segment and what a chunk adds where a rendition has them.
async fn put(blobs: &Blobs, reel: ReelId) {
    for key in [segment_key(reel, 0), format!("{}/chunk-000000.rows", reel_key(reel))] {
        blobs.put(&key, bytes::Bytes::from_static(b"media")).await.unwrap();
    }
}

#[tokio::test]
async fn the_media_of_a_rendition_goes_when_the_last_output_of_it_is_cancelled_and_no_worker_writes_it() {
    let mut prepared = None;
    let running = Running::start_with(true, async |catalog: &Catalog| {
        let (recording, assets) = recorded(catalog, "court1", &[(90_000, 190_000)]).await;
        // A task that is planned, and a chunk of it that another worker holds.
        let task = submit(catalog, assets[0]).await;
        let output = catalog.outputs_of_task(task.id).await.unwrap().remove(0);
        let audio =
            Some(AudioEncoding { codec: AudioCodec::Aac, kbps: 64, sample_rate: 44_100, channels: 2, volume_db: 0 });
        let span = PlannedSpan {
            source: recording.reel,
            from_ticks: 90_000,
            to_ticks: 190_000,
            chunks: 1,
            grown_chunks: 1,
            exact: false,
        };
        let pieces = Ok(vec![PlannedPiece { span, encoding: Some(Encoding { video: None, audio, exact: false }) }]);
        let wanted = PlannedOutput { id: Some(output.id), template: template(), pieces };
        assert!(catalog.plan_transcode(&task, &[wanted], at(31)).await.unwrap());
        let held =
            "UPDATE job SET state = 'running', owner = 'other', lease_until = {now} + 600000 WHERE kind = 'encode'";
        let mut tx = catalog.begin().await.unwrap();
        sql::Sql::new(held).run(&mut tx).await.unwrap();
        sql::Sql::new("UPDATE job SET state = 'done' WHERE kind = 'transcode'").run(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        prepared = Some((task.id, catalog.renditions_of_output(output.id).await.unwrap().remove(0).reel));
    })
    .await;
    let (catalog, (task, reel)) = (&running.catalog, prepared.unwrap());
    put(&running.blobs, reel).await;
    catalog.cancel_task(task, at(32)).await.unwrap();
    let waits = async || {
        let jobs =
            catalog.jobs(&JobFilter { kind: Some(kind::FREE_REEL.into()), ..JobFilter::default() }, 9).await.unwrap();
        jobs.iter().any(|job| job.error.as_deref().is_some_and(|why| why.contains("is still being written")))
    };
    until("it waits for the other worker", waits).await;
    let media = async || {
        let objects = running.blobs.list(&reel_key(reel)).await.unwrap();
        objects.iter().filter(|object| !object.key.ends_with("recording.json")).count()
    };
    assert_eq!(media().await, 2);
    // The other worker has ended; the wait of the job that frees is cut short.
    let mut tx = catalog.begin().await.unwrap();
    sql::Sql::new("UPDATE job SET state = 'cancelled' WHERE kind = 'encode'").run(&mut tx).await.unwrap();
    sql::Sql::new("UPDATE job SET run_at = 0 WHERE kind = 'free_reel' AND state = 'ready'").run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    until("freed", async || catalog.reel(reel).await.unwrap().unwrap().state == ReelState::Deleted).await;
    // All but its description, which tells what it was.
    assert_eq!(media().await, 0);
    running.stop().await;
}
