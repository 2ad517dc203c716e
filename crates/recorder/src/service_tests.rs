//! The whole service over a disk that fails, with a real catalog.

use std::io::ErrorKind;

use blobs::{Blow, FaultDisk};
use catalog::{CatalogUrl, RecordingState, StoredRule};
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use hub::{Batch, Hub, HubLimits, PushEnd, PushInfo};
use reel::{Join, ReelIndex, segments_index_key};
use units::{PushId, WallTime};

use super::*;
use crate::assembly::tests::push;

struct Running {
    hub: Hub,
    catalog: Catalog,
    path: StreamPath,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start(disk: &FaultDisk) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let any = || "*".to_owned();
        let rule = RecordRule {
            key: RuleKey { domain: "play.example.org".to_owned(), app: any(), stream: any() },
            on_demand: OnDemand::Automatic,
            cycle_length: Duration::from_secs(3600),
            grace: Duration::from_millis(1),
            template_group: NO_TRANSCODE.to_owned(),
            compose_group: None,
            safety_buffer: Duration::ZERO,
        };
        let wire = serde_json::Value::Null;
        catalog.add_rule(&StoredRule { rule, wire, created: WallTime::default() }).await.unwrap();
        let (hub, pushes) = Hub::new(HubLimits { queue_batches: 8, ..HubLimits::default() });
        let settings = Settings::default();
        let deps = Deps { catalog: catalog.clone(), blobs: disk.blobs(), ids: Arc::new(Ids::seeded(1)), settings };
        tokio::spawn(run(pushes, deps, CancellationToken::new()));
        let path = StreamPath::new("play.example.org", "live", "one").unwrap();
        Self { hub, catalog, path, _folder: folder }
    }

    fn publish(&self) -> hub::Publisher {
        let (push, started) = (PushId::from_u128(1), WallTime::from_unix_s(1_000));
        self.hub.publish(PushInfo { push, path: self.path.clone(), started, params: String::new() }).unwrap()
    }

    async fn live(&self) -> Option<catalog::Recording> {
        self.catalog.live_recording(&self.path).await.unwrap()
    }

    /// What the index of a recording says when it has ended.
    async fn ended(&self, recording: &catalog::Recording, disk: &FaultDisk) -> ReelIndex {
        while self.catalog.recording(recording.id).await.unwrap().unwrap().state != RecordingState::Ended {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ReelIndex::read(&disk.read(&segments_index_key(recording.reel)).unwrap()).0
    }
}

fn batches() -> Vec<Arc<Batch>> {
    let arrived = WallTime::from_unix_s(1_000);
    push(0, 20, 0).chunks(20).map(|frames| Arc::new(Batch { arrived, frames: frames.to_vec() })).collect()
}

#[tokio::test]
async fn a_recording_that_the_disk_does_not_let_begin_begins_when_it_does() {
    let disk = FaultDisk::new(1);
    let running = Running::start(&disk).await;
    disk.plan(0, Blow::FailOn(ErrorKind::ReadOnlyFilesystem));
    let mut publisher = running.publish();
    let mut batches = batches().into_iter();
    publisher.send(batches.next().unwrap()).await.unwrap();
    while disk.calls() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    disk.mend();
    // The files of the recording are there: what comes from now on is stored.
    while disk.used() == 0 && disk.calls() < 8 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for batch in batches {
        publisher.send(batch).await.unwrap();
    }
    let recording = loop {
        if let Some(recording) = running.live().await {
            break recording;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    publisher.end(PushEnd::Unpublished);
    assert!(!running.ended(&recording, &disk).await.segments.is_empty());
}

/// Torture 34.
#[tokio::test]
async fn a_disk_that_stands_still_slows_the_publisher_and_costs_nothing() {
    let disk = FaultDisk::new(1);
    let running = Running::start(&disk).await;
    let mut publisher = running.publish();
    let mut batches = batches().into_iter();
    let recording = loop {
        if let Some(recording) = running.live().await {
            break recording;
        }
        // More than the queue takes is left for when the disk stands still.
        match if batches.len() > 40 { batches.next() } else { None } {
            Some(batch) => publisher.send(batch).await.unwrap(),
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    disk.hold();
    let rest: Vec<_> = batches.collect();
    let sending = tokio::spawn(async move {
        for batch in rest {
            publisher.send(batch).await.unwrap();
        }
        publisher.end(PushEnd::Unpublished);
    });
    // The queue is full and stays so: no more is held in memory.
    let mut queued = 0;
    while queued == 0 || running.hub.queued_bytes() != queued {
        queued = running.hub.queued_bytes();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!sending.is_finished());
    disk.release();
    sending.await.unwrap();
    let index = running.ended(&recording, &disk).await;
    assert_eq!(index.segments.iter().filter_map(|row| row.video).map(|span| span.samples).sum::<u32>(), 600);
    assert!(index.segments.iter().all(|row| !matches!(row.join, Join::Lost { .. })) && index.lost_end.is_none());
}
