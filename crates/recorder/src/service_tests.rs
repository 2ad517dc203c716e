//! The whole service over a disk that fails, with a real catalog.

use std::io::ErrorKind;

use blobs::{Blow, FaultDisk};
use bytes::Bytes;
use catalog::{CatalogUrl, RecordCommand, RecordingState, StoredRule};
use codec::{Frame, TrackKind};
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use hub::{Batch, Hub, HubLimits, PushEnd, PushInfo};
use reel::{Join, ReelIndex, segments_index_key};
use units::{PushId, ReelId, WallTime};

use super::*;
use crate::assembly::tests::push;
use crate::clock::Clock;

struct Running {
    hub: Hub,
    catalog: Catalog,
    service: tokio::task::JoinHandle<Result<(), RecorderError>>,
    _folder: tempfile::TempDir,
}

impl Running {
    async fn start(disk: &FaultDisk) -> Self {
        Self::start_with(disk, Duration::from_millis(1), hub::PATIENCE).await
    }

    async fn start_with(disk: &FaultDisk, grace: Duration, patience: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&CatalogUrl::Sqlite(folder.path().join("catalog.sqlite"))).await.unwrap();
        catalog.migrate().await.unwrap();
        let any = || "*".to_owned();
        let rule = RecordRule {
            key: RuleKey { domain: "play.example.org".to_owned(), app: any(), stream: any() },
            on_demand: OnDemand::Automatic,
            cycle_length: Duration::from_secs(3600),
            grace,
            template_group: NO_TRANSCODE.to_owned(),
            compose_group: None,
            safety_buffer: Duration::ZERO,
        };
        let wire = serde_json::Value::Null;
        catalog.add_rule(&StoredRule { rule, wire, created: WallTime::default() }).await.unwrap();
        let (hub, pushes) = Hub::new(HubLimits { queue_batches: 8, patience, ..HubLimits::default() });
        let settings = Settings::default();
        let (blobs, ids, space) = (disk.blobs(), Arc::new(Ids::seeded(1)), Space::new(0));
        let deps = Deps { catalog: catalog.clone(), blobs, space, ids, settings };
        let service = tokio::spawn(run(pushes, deps, CancellationToken::new()));
        Self { hub, catalog, service, _folder: folder }
    }

    fn publish(&self) -> hub::Publisher {
        self.publish_as("one")
    }

    fn publish_as(&self, stream: &str) -> hub::Publisher {
        let push = PushId::from_u128(u128::try_from(stream.len()).unwrap());
        let info = PushInfo { push, path: path(stream), started: now(), params: String::new() };
        self.hub.publish(info).unwrap()
    }

    /// Sends a batch when the one before was read, so that the publisher is not kept waiting.
    async fn send(&self, publisher: &mut hub::Publisher, batch: Arc<Batch>) {
        while self.hub.queued_bytes() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        publisher.send(batch).await.unwrap();
    }

    async fn live(&self) -> Option<catalog::Recording> {
        self.live_as("one").await
    }

    async fn live_as(&self, stream: &str) -> Option<catalog::Recording> {
        self.catalog.live_recording(&path(stream)).await.unwrap()
    }

    /// The recording, once the catalog has heard of it.
    async fn begun(&self) -> catalog::Recording {
        loop {
            match self.live().await {
                Some(recording) => break recording,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    /// The same, of a recording that begins with these batches; more than the queue takes is left of them.
    async fn feed_until_begun(
        &self,
        publisher: &mut hub::Publisher,
        batches: &mut std::vec::IntoIter<Arc<Batch>>,
    ) -> catalog::Recording {
        loop {
            if let Some(recording) = self.live().await {
                break recording;
            }
            match if batches.len() > 40 { batches.next() } else { None } {
                Some(batch) => publisher.send(batch).await.unwrap(),
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    /// What the index of a recording says when it has ended.
    async fn ended(&self, recording: &catalog::Recording, disk: &FaultDisk) -> ReelIndex {
        while self.catalog.recording(recording.id).await.unwrap().unwrap().state != RecordingState::Ended {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ReelIndex::read(&disk.read(&segments_index_key(recording.reel)).unwrap()).0
    }
}

fn path(stream: &str) -> StreamPath {
    StreamPath::new("play.example.org", "live", stream).unwrap()
}

fn now() -> WallTime {
    Clock::start().wall()
}

fn batches() -> Vec<Arc<Batch>> {
    let arrived = now();
    push(0, 20, 0).chunks(20).map(|frames| Arc::new(Batch { arrived, frames: frames.to_vec() })).collect()
}

/// The same batch as if it came now.
fn fresh(batch: &Batch) -> Arc<Batch> {
    Arc::new(Batch { arrived: now(), frames: batch.frames.clone() })
}

fn pictures(index: &ReelIndex) -> u32 {
    index.segments.iter().filter_map(|row| row.video).map(|span| span.samples).sum()
}

fn joins(index: &ReelIndex) -> Vec<Join> {
    index.segments.iter().map(|row| row.join).filter(|join| !matches!(join, Join::Start | Join::Continuous)).collect()
}

#[tokio::test]
async fn what_was_recorded_while_the_catalog_did_not_answer_is_taken_in_at_the_next_start() {
    let disk = FaultDisk::new(1);
    let before = Running::start(&disk).await;
    let mut publisher = before.publish();
    for batch in batches() {
        before.send(&mut publisher, batch).await;
    }
    let recording = before.begun().await;
    let stored = || disk.read(&reel::segment_key(recording.reel, 0)).is_ok_and(|bytes| !bytes.is_empty());
    while !stored() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    before.service.abort();
    assert!(before.service.await.is_err_and(|error| error.is_cancelled()));
    // A push that was killed before its first media was stored left a note and nothing else.
    let empty = ReelId::from_u128(recording.reel.as_u128() + 1);
    let note = String::from_utf8(disk.read(&reel::reel_description_key(recording.reel)).unwrap().to_vec()).unwrap();
    let note = note.replace(&recording.reel.to_string(), &empty.to_string());
    disk.blobs().put(&reel::reel_description_key(empty), note.into()).await.unwrap();

    // Another did not get so far.
    let bare = ReelId::from_u128(recording.reel.as_u128() + 2);
    disk.blobs().put(&reel::segments_index_key(bare), Bytes::new()).await.unwrap();

    // The catalog of the next start has not heard of any of it.
    let after = Running::start(&disk).await;
    let row = loop {
        match after.catalog.recording(recording.id).await.unwrap() {
            Some(row) if row.state == RecordingState::Ended => break row,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!((row.path, row.reel, row.began), (recording.path, recording.reel, recording.began));
    let assets = after.catalog.assets_of_recording(recording.id).await.unwrap();
    assert_eq!(assets.len(), 1, "{assets:#?}");
    assert!(assets[0].duration_ticks > 0);
    for nothing in [empty, bare] {
        assert_eq!(disk.blobs().list(&reel::reel_key(nothing)).await.unwrap(), []);
    }
    assert_eq!(after.catalog.reel(empty).await.unwrap(), None);
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
    let recording = running.begun().await;
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
    let recording = running.feed_until_begun(&mut publisher, &mut batches).await;
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
    assert_eq!((pictures(&index), joins(&index), index.lost_end), (600, vec![], None));
}

#[tokio::test]
async fn what_had_arrived_before_a_recording_is_stopped_is_recorded() {
    let disk = FaultDisk::new(1);
    let running = Running::start(&disk).await;
    let mut publisher = running.publish();
    let mut batches = batches().into_iter();
    let recording = running.feed_until_begun(&mut publisher, &mut batches).await;
    while running.hub.queued_bytes() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    disk.hold();
    // As many as the queue takes, and perhaps one on which the disk stands.
    let mut sent = 0;
    while running.hub.queued_bytes() == 0 || sent < 8 {
        let batch = batches.next().unwrap();
        let full = tokio::time::timeout(Duration::from_millis(500), publisher.send(batch)).await.is_err();
        assert!(!full, "the queue takes eight");
        sent += 1;
    }
    let one = path("one");
    let given = running.catalog.give_command(&one, RecordCommand::Stop, Duration::ZERO, now()).await;
    let stop = given.unwrap().unwrap();
    // Nothing tells that the recorder has been told; without this it might hear of it too late for the test to show anything.
    tokio::time::sleep(Duration::from_millis(700)).await;
    disk.release();
    while running.catalog.command_answer(stop).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    publisher.end(PushEnd::Unpublished);
    let index = running.ended(&recording, &disk).await;
    let picture = |frame: &&Frame| matches!(frame, Frame::Sample(sample) if sample.track == TrackKind::Video);
    let left = batches.flat_map(|batch| batch.frames.clone()).filter(|frame| picture(&frame)).count();
    assert!(left > 0);
    assert_eq!(usize::try_from(pictures(&index)).unwrap(), 600 - left);
}

/// Torture 34.
#[tokio::test]
async fn a_disk_that_stands_still_too_long_costs_whole_groups_of_pictures_and_no_publisher() {
    let disk = FaultDisk::new(1);
    let running = Running::start_with(&disk, Duration::from_millis(1), Duration::from_millis(50)).await;
    let mut publisher = running.publish();
    let mut batches = batches().into_iter();
    let recording = loop {
        if let Some(recording) = running.live().await {
            break recording;
        }
        match if batches.len() > 60 { batches.next() } else { None } {
            Some(batch) => running.send(&mut publisher, batch).await,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    disk.hold();
    // More than the queue holds, and all of it is taken from the publisher.
    while batches.len() > 25 {
        publisher.send(batches.next().unwrap()).await.unwrap();
    }
    disk.release();
    for batch in batches {
        running.send(&mut publisher, batch).await;
    }
    publisher.end(PushEnd::Unpublished);
    let index = running.ended(&recording, &disk).await;
    let [Join::Lost { cause: reel::LossCause::Slow, .. }] = joins(&index)[..] else { panic!("{:?}", joins(&index)) };
    let kept = pictures(&index);
    assert!((1..600).contains(&kept) && index.lost_end.is_none(), "{kept}");
    // Without a hole, and with the rest of the push behind the gap.
    assert!(index.segments.windows(2).all(|pair| (pair[1].begin - pair[0].end).abs() < 9_000), "{:?}", index.segments);
    let gap = index.segments.iter().position(|row| row.join != Join::Start && row.join != Join::Continuous).unwrap();
    assert!(pictures(&ReelIndex { segments: index.segments[gap..].to_vec(), ..ReelIndex::default() }) >= 150);
    let pushes = running.catalog.feeds_of_recording(recording.id).await.unwrap();
    assert!(pushes[0].left_out.contains(r#""SlowDisk":"#), "{}", pushes[0].left_out);
}

/// Torture 8.
#[tokio::test]
async fn a_panic_costs_its_own_stream_a_moment_and_the_others_nothing() {
    let disk = FaultDisk::new(1);
    let running = Running::start_with(&disk, Duration::from_secs(10), hub::PATIENCE).await;
    let streams = ["one", "other"];
    let mut publishers = streams.map(|stream| running.publish_as(stream));
    let mut batches = batches().into_iter();
    let mut recordings = Vec::new();
    for batch in batches.by_ref().take(30) {
        for publisher in &mut publishers {
            publisher.send(fresh(&batch)).await.unwrap();
        }
    }
    for stream in streams {
        let recording = loop {
            match running.live_as(stream).await {
                Some(recording) => break recording,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        recordings.push(recording);
    }
    disk.plan(0, Blow::Panic);
    for batch in batches {
        for publisher in &mut publishers {
            publisher.send(fresh(&batch)).await.unwrap();
        }
    }
    for publisher in publishers {
        publisher.end(PushEnd::Unpublished);
    }
    let mut seen = Vec::new();
    for recording in &recordings {
        let index = running.ended(recording, &disk).await;
        seen.push((joins(&index).len(), pictures(&index)));
    }
    seen.sort_unstable();
    let [(0, 600), (1, struck)] = seen[..] else { panic!("{seen:?}") };
    assert!(struck >= 450, "what was written is kept, and what waited goes on: {struck} pictures");
}

#[tokio::test]
async fn a_push_whose_recording_panics_again_and_again_is_given_up_and_what_was_recorded_becomes_an_asset() {
    let disk = FaultDisk::new(1);
    let running = Running::start_with(&disk, Duration::from_secs(1), hub::PATIENCE).await;
    let mut publisher = running.publish();
    let mut batches = batches().into_iter();
    let recording = running.feed_until_begun(&mut publisher, &mut batches).await;
    disk.plan(0, Blow::PanicOn);
    // Its frames wait while its recording is tried again; then nobody reads them any more, and the publisher goes on.
    while batches.len() > 5 {
        publisher.send(batches.next().unwrap()).await.unwrap();
    }
    while running.hub.queued_bytes() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    disk.mend();
    let index = running.ended(&recording, &disk).await;
    assert!((1..600).contains(&pictures(&index)), "{}", pictures(&index));
    for batch in batches {
        publisher.send(batch).await.unwrap();
    }
}
