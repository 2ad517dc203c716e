//! Pictures, taken by the real FFmpeg of clips whose pictures have a number in them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use archive::{Depth, Mend, check, mend};
use catalog::sql::Sql;
use catalog::*;
use domain::event::{AnimationOutcome, Cover, Event};
use domain::picture::{PictureFormat, PictureKind, PictureName};
use domain::rule::{NO_TRANSCODE, OnDemand, RecordRule, RuleKey};
use encode::{
    AnimationFormat, AnimationLength, AnimationOrder, Color, Frames, Layout, PictureOrder, SheetOrder, ShotTimes, Size,
    SnapshotOrder,
};
use testkit::reels::{Clip, clip, write_reel};
use units::{AssetId, JobId};

use crate::support::{Running, at, path, until};

/// Bits of a picture's number; each is a column, white for 1.
const BITS: usize = 12;
/// Encoders wait for each other on a small machine.
const RATE: u32 = 25;

/// A clip whose n-th picture shows n in binary, with key frames every 2 s and B-frames.
fn numbered(folder: &Path, name: &str, seconds: u32, size: &str) -> Clip {
    let columns = format!("lum='if(bitand(floor(N/pow(2,floor(X*{BITS}/W))),1),235,16)':cb=128:cr=128");
    let picture = format!("color=black:size={size}:rate={RATE}:duration={seconds},geq={columns}");
    let sound = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    clip(folder, name, &["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound, "-crf", "10"])
}

/// A file with these bytes, gone when it is dropped.
fn file_of(picture: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), picture).unwrap();
    file
}

/// The raw pixels that FFmpeg makes of all pictures of a file.
fn filtered(picture: &[u8], filter: &str) -> Vec<u8> {
    let file = file_of(picture);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(file.path());
    let output = ffmpeg.args(["-vf", filter, "-f", "rawvideo", "-"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The number in a picture, or in a part of it: left, top, width, height.
fn number_of(picture: &[u8], part: Option<(u32, u32, u32, u32)>) -> usize {
    let crop = part.map_or_else(String::new, |(x, y, width, height)| format!("crop={width}:{height}:{x}:{y},"));
    let grey = filtered(picture, &format!("{crop}scale={BITS}:1:flags=area,format=gray"));
    assert_eq!(grey.len(), BITS);
    let bits = grey.iter().enumerate().filter(|(_, grey)| **grey > 127);
    bits.map(|(bit, _)| 1 << bit).sum()
}

/// Pixels of a picture.
fn size_of(picture: &[u8]) -> (u32, u32) {
    let file = file_of(picture);
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0"]);
    let said = ffprobe.arg(file.path()).output().unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let (width, height) = text.trim().split_once(',').unwrap_or_else(|| panic!("{text:?}"));
    (width.parse().unwrap(), height.parse().unwrap())
}

/// A worker, and an asset of these clips end to end on one reel.
struct World {
    running: Running,
    asset: AssetId,
    _scratch: tempfile::TempDir,
}

impl World {
    async fn of(clips: &[&Clip]) -> Self {
        Self::with(worker::TranscodeSettings::default(), clips).await
    }

    async fn with(transcode: worker::TranscodeSettings, clips: &[&Clip]) -> Self {
        Self::cut(transcode, clips, &[(0, i64::MAX)]).await
    }

    /// An asset of some stretches of the reel.
    async fn cut(transcode: worker::TranscodeSettings, clips: &[&Clip], spans: &[(i64, i64)]) -> Self {
        // Of this test alone: tests run at once.
        let scratch = tempfile::tempdir().unwrap();
        let transcode = worker::TranscodeSettings { scratch: scratch.path().to_owned(), ..transcode };
        let settings = worker::Settings {
            node: "n1".into(),
            keep_telling: Duration::ZERO,
            undelete_window: Duration::ZERO,
            transcode,
            ..Default::default()
        };
        let running = Running::start_as(settings, async |_: &Catalog| {}).await;
        let ids = running.catalog.ids();
        let reel = ids.reel(at(0));
        let end = write_reel(&running.blobs, reel, clips).end();
        let rule = RecordRule {
            key: RuleKey { domain: "play.example.org".into(), app: "*".into(), stream: "*".into() },
            on_demand: OnDemand::Automatic,
            cycle_length: Duration::from_secs(3600),
            grace: Duration::from_secs(180),
            template_group: NO_TRANSCODE.into(),
            compose_group: None,
            safety_buffer: Duration::ZERO,
        };
        let (recording, asset) = (ids.recording(at(0)), ids.asset(at(0)));
        let new = NewRecording { id: recording, path: path("court1"), rule, reel, node: "n1".into(), began: at(0) };
        running.catalog.begin_recording(&new).await.unwrap();
        let cycle = OpenCycle { number: 0, asset, from_ticks: 0, began: at(0) };
        running.catalog.open_cycle(recording, &cycle).await.unwrap();
        let sealed = SealedCycle {
            recording,
            cycle: 0,
            asset,
            title: "court1".into(),
            template_group: NO_TRANSCODE.into(),
            status: AssetStatus::Normal,
            reel,
            from_ticks: spans[0].0,
            to_ticks: spans[0].1.min(end),
            began: at(0),
            ended: at(20),
            duration_ticks: end - 90_000,
            size_bytes: 1,
            width: 320,
            height: 180,
            fps: 25.0,
            bitrate_kbps: 1,
            sealed_at: at(20),
        };
        let mut tx = running.catalog.begin().await.unwrap();
        tx.seal_cycle(&sealed, None).await.unwrap();
        for (position, (from, to)) in (1i64..).zip(&spans[1..]) {
            let sql = "INSERT INTO span (asset, position, reel, from_ticks, to_ticks) VALUES ($1, $2, $3, $4, $5)";
            Sql::new(sql).arg(asset).arg(position).arg(reel).arg(*from).arg(*to).run(&mut tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        running.catalog.end_recording(recording, Some(end), at(21)).await.unwrap();
        Self { running, asset, _scratch: scratch }
    }

    fn catalog(&self) -> &Catalog {
        &self.running.catalog
    }

    /// The job as it ended.
    async fn ended(&self, job: JobId) -> PictureJob {
        let look = async || self.catalog().picture_job(job).await.unwrap().unwrap();
        until("ended", async || look().await.state != PictureState::Running).await;
        look().await
    }

    async fn cover_job(&self) -> JobId {
        self.catalog().picture_jobs(self.asset).await.unwrap()[0].id
    }

    async fn ordered(&self, order: PictureOrder) -> JobId {
        self.catalog().begin_pictures(self.asset, order, "", at(30)).await.unwrap()
    }

    async fn done(&self, order: PictureOrder) -> JobId {
        let job = self.ordered(order).await;
        let ended = self.ended(job).await;
        assert_eq!((ended.state, ended.error), (PictureState::Done, None));
        job
    }

    async fn failed(&self, order: PictureOrder) -> String {
        let job = self.ordered(order).await;
        let ended = self.ended(job).await;
        assert_eq!(ended.state, PictureState::Failed);
        ended.error.unwrap()
    }

    async fn file(&self, name: PictureName) -> Vec<u8> {
        self.running.blobs.get(&picture_key(self.asset, &name)).await.unwrap().to_vec()
    }

    /// The numbers in the pictures of a set.
    async fn numbers(&self, job: JobId, kind: PictureKind) -> Vec<usize> {
        let set = self.catalog().picture_set(job, kind).await.unwrap().unwrap();
        let mut numbers = Vec::new();
        for number in 1..=set.pictures {
            numbers.push(number_of(&self.file(PictureName::still(kind, job, number)).await, None));
        }
        numbers
    }

    async fn files(&self) -> Vec<String> {
        let folder = format!("assets/{}", self.asset);
        let stored = self.running.blobs.list(&folder).await.unwrap();
        let names = stored.into_iter().map(|object| object.key[folder.len() + 1..].to_owned());
        names.filter(|name| !name.ends_with(".json")).collect()
    }

    async fn told(&self) -> Vec<Event> {
        let events = self.catalog().events_of_asset(self.asset).await.unwrap();
        let events = events.into_iter().map(|stored| stored.event.event);
        events.filter(|event| matches!(event, Event::SnapshotsTaken { .. } | Event::Animated { .. })).collect()
    }
}

fn stills(times: ShotTimes, frames: Frames, size: Size) -> PictureOrder {
    PictureOrder::Snapshots(SnapshotOrder { times, frames, size, layout: Layout::Single })
}

fn times_at(times_ms: &[u64]) -> ShotTimes {
    ShotTimes::At { times_ms: times_ms.to_vec() }
}

fn sheet(columns: u32, lines: u32) -> SheetOrder {
    let cell = Size { width: Some(120), height: Some(68) };
    SheetOrder { cell, padding: 3, margin: 5, color: Color(255, 0, 0), columns, lines }
}

/// The picture that is shown at a time of one clip from the beginning on.
fn shown(ms: u64) -> usize {
    usize::try_from(ms * u64::from(RATE) / 1_000).unwrap()
}

#[tokio::test]
async fn a_snapshot_is_the_picture_that_is_shown_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 14, "240x136")]).await;
    // In no order, twice the same picture, one tick before and after a change, and beyond the end.
    let times = [13_000, 0, 39, 40, 1_999, 2_000, 2_001, 2_039, 5_555, 7_960, 3_333, 99_000];
    let job = world.done(stills(times_at(&times), Frames::Shown, Size::default())).await;
    let expected: Vec<usize> = times.iter().map(|ms| shown(*ms.min(&13_999))).collect();
    assert_eq!(world.numbers(job, PictureKind::Snapshot).await, expected);
    assert_eq!(size_of(&world.file(PictureName::still(PictureKind::Snapshot, job, 1)).await), (240, 136));
    // Key frames lie 2 s apart.
    let job = world.done(stills(times_at(&[0, 1_999, 2_000, 13_999]), Frames::Key, Size::default())).await;
    assert_eq!(world.numbers(job, PictureKind::Snapshot).await, [0, 0, 50, 300]);
    let every = ShotTimes::Every { from_ms: 500, interval_ms: 4_000, count: None };
    let job = world.done(stills(every, Frames::Shown, Size { width: Some(120), height: None })).await;
    assert_eq!(world.numbers(job, PictureKind::Snapshot).await, [500, 4_500, 8_500, 12_500].map(shown));
    assert_eq!(size_of(&world.file(PictureName::still(PictureKind::Snapshot, job, 4)).await), (120, 68));
    // Key frames that are only to be spread are taken once each.
    let job = world.done(stills(ShotTimes::Spread { from_ms: 0, count: 20 }, Frames::Key, Size::default())).await;
    assert_eq!(world.numbers(job, PictureKind::Snapshot).await, [0, 50, 100, 150, 200, 250, 300]);
    let told = world.told().await;
    assert_eq!(told.len(), 4);
    let Event::SnapshotsTaken { asked: true, sets, error: None, .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!((sets.len(), sets[0].kind, sets[0].count), (1, PictureKind::Snapshot, 12));
    world.running.stop().await;
}

#[tokio::test]
async fn a_video_of_several_stretches_has_pictures_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let clip = numbered(folder.path(), "a.mp4", 14, "240x136");
    // The third segment of four seconds, then the first. The reel begins at one second.
    let spans = [(9 * 90_000, 13 * 90_000), (90_000, 5 * 90_000)];
    let world = World::cut(worker::TranscodeSettings::default(), &[&clip], &spans).await;
    let job = world.done(stills(times_at(&[0, 3_999, 4_000, 6_500]), Frames::Shown, Size::default())).await;
    assert_eq!(world.numbers(job, PictureKind::Snapshot).await, [shown(8_000), shown(11_999), 0, shown(2_500)]);
    world.running.stop().await;
}

#[tokio::test]
async fn pictures_of_other_sizes_and_where_there_are_none_are_what_a_viewer_sees() {
    let folder = tempfile::tempdir().unwrap();
    let first = numbered(folder.path(), "a.mp4", 4, "240x136");
    let sound = "sine=frequency=440:sample_rate=48000:duration=4";
    let silent = clip(folder.path(), "b.mp4", &["-f", "lavfi", "-i", sound]);
    let last = numbered(folder.path(), "c.mp4", 4, "480x272");
    let world = World::of(&[&first, &silent, &last]).await;
    let times = times_at(&[3_000, 5_000, 11_000]);
    let job = world.done(stills(times.clone(), Frames::Shown, Size::default())).await;
    let seen = world.numbers(job, PictureKind::Snapshot).await;
    // The picture stands while there is only sound; the third clip begins some frame of sound after 8 s.
    assert_eq!((seen[0], seen[1]), (75, 99));
    assert!((70..=75).contains(&seen[2]), "{seen:?}");
    let mut sizes = Vec::new();
    for number in 1..=3 {
        sizes.push(size_of(&world.file(PictureName::still(PictureKind::Snapshot, job, number)).await));
    }
    assert_eq!(sizes, [(240, 136), (240, 136), (480, 272)]);
    // In a sheet all cells have one size.
    let layout = Layout::Sheets { sheet: sheet(3, 1), keep_cells: false };
    let order = SnapshotOrder { times, frames: Frames::Shown, size: Size::default(), layout };
    let job = world.done(PictureOrder::Snapshots(order)).await;
    let picture = world.file(PictureName::still(PictureKind::Sheet, job, 1)).await;
    let cells = (0..3).map(|cell| number_of(&picture, Some((5 + cell * 123, 5, 120, 68))));
    assert_eq!(cells.collect::<Vec<_>>(), seen);
    world.running.stop().await;
}

#[tokio::test]
async fn a_cover_is_there_soon_and_shows_something() {
    let folder = tempfile::tempdir().unwrap();
    // Black for ten seconds of sixteen: of eight key frames the first five.
    let picture = "testsrc2=size=240x136:rate=25:duration=16,drawbox=color=black:t=fill:enable='lt(t,10)'";
    let dark = clip(folder.path(), "a.mp4", &["-f", "lavfi", "-i", picture]);
    let world = World::of(&[&dark]).await;
    let job = world.cover_job().await;
    assert_eq!(world.ended(job).await.state, PictureState::Done);
    let set = world.catalog().picture_set(job, PictureKind::Cover).await.unwrap().unwrap();
    assert_eq!(set.pictures, 8);
    let chosen = set.chosen.unwrap();
    assert!((6..=8).contains(&chosen), "{chosen}");
    let cover = world.catalog().asset(world.asset).await.unwrap().unwrap().cover();
    assert_eq!(cover, Some(Cover::Taken { file: format!("covers/{job}-{chosen:05}.jpg") }));
    assert_eq!(world.told().await, []);
    world.running.stop().await;
}

#[tokio::test]
async fn a_video_with_few_key_frames_has_covers_from_between_them_and_one_of_sound_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 6, "240x136")]).await;
    let job = world.cover_job().await;
    world.ended(job).await;
    let middles: Vec<usize> = (0..8).map(|n| shown((2 * n + 1) * 6_000 / 16)).collect();
    assert_eq!(world.numbers(job, PictureKind::Cover).await, middles);
    world.running.stop().await;

    let sound = "sine=frequency=440:sample_rate=48000:duration=6";
    let world = World::of(&[&clip(folder.path(), "b.mp4", &["-f", "lavfi", "-i", sound])]).await;
    let job = world.cover_job().await;
    assert_eq!(world.ended(job).await.state, PictureState::Done);
    assert_eq!(world.catalog().picture_sets(world.asset).await.unwrap(), []);
    let why = world.failed(stills(times_at(&[0]), Frames::Shown, Size::default())).await;
    assert_eq!(why, "the video has no pictures");
    world.running.stop().await;
}

#[tokio::test]
async fn sheets_have_each_picture_in_its_place_and_cues_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 14, "240x136")]).await;
    let times = || ShotTimes::Every { from_ms: 0, interval_ms: 1_000, count: None };
    let order = |layout| {
        PictureOrder::Snapshots(SnapshotOrder { times: times(), frames: Frames::Shown, size: Size::default(), layout })
    };
    let expected: Vec<usize> = (0..14).map(|n| shown(n * 1_000)).collect();
    let job = world.done(order(Layout::Sheets { sheet: sheet(4, 2), keep_cells: true })).await;
    let place = |cell: u32| Some((5 + cell % 4 * 123, 5 + cell / 4 * 71, 120, 68));
    let mut seen = Vec::new();
    for (number, cells) in [(1, 8), (2, 6)] {
        let picture = world.file(PictureName::still(PictureKind::Sheet, job, number)).await;
        assert_eq!(size_of(&picture), (4 * 120 + 3 * 3 + 10, 2 * 68 + 3 + 10));
        seen.extend((0..cells).map(|cell| number_of(&picture, place(cell))));
        // Between cells it is red.
        let dot = filtered(&picture, "format=rgb24,crop=1:1:0:0");
        assert!(dot[0] > 200 && dot[1] < 60 && dot[2] < 60, "{dot:?}");
    }
    assert_eq!(seen, expected);
    assert_eq!(world.numbers(job, PictureKind::Cell).await, expected);
    let bare = world.done(order(Layout::Sheets { sheet: sheet(10, 10), keep_cells: false })).await;
    assert_eq!(world.catalog().picture_set(bare, PictureKind::Cell).await.unwrap(), None);
    assert!(!world.files().await.iter().any(|file| file.starts_with(&format!("cells/{bare}"))));

    let job = world.done(order(Layout::Cues { sheet: Some(sheet(5, 2)) })).await;
    let text = world.file(PictureName::single(PictureKind::Cues, job, PictureFormat::Vtt)).await;
    let text = String::from_utf8(text).unwrap();
    let mut blocks = text.split("\n\n");
    assert_eq!(blocks.next(), Some("WEBVTT"));
    let mut seen = Vec::new();
    for (number, block) in (0..).zip(blocks) {
        let (time, picture) = block.trim().split_once('\n').unwrap();
        let end = if number == 13 { "00:00:14.000".to_owned() } else { format!("00:00:{:02}.000", number + 1) };
        assert_eq!(time, format!("00:00:{number:02}.000 --> {end}"));
        let (file, part) = picture.split_once("#xywh=").unwrap();
        let part: Vec<u32> = part.split(',').map(|number| number.parse().unwrap()).collect();
        let file = world.file(format!("cues/{file}").parse().unwrap()).await;
        seen.push(number_of(&file, Some((part[0], part[1], part[2], part[3]))));
    }
    assert_eq!(seen, expected);
    let job = world.done(order(Layout::Cues { sheet: None })).await;
    assert_eq!(world.numbers(job, PictureKind::Cues).await, expected);
    assert_eq!(size_of(&world.file(PictureName::still(PictureKind::Cues, job, 1)).await), (160, 91));
    let text = world.file(PictureName::single(PictureKind::Cues, job, PictureFormat::Vtt)).await;
    assert!(String::from_utf8(text).unwrap().contains(&format!("\n{job}-00014.jpg\n")));
    world.running.stop().await;
}

fn animation(format: AnimationFormat) -> PictureOrder {
    let (size, length) = (Size { width: Some(120), height: None }, AnimationLength::For { ms: 2_000 });
    PictureOrder::Animation(AnimationOrder { format, size, fps: 10, from_ms: 3_000, length, cover: true })
}

#[tokio::test]
async fn an_animation_shows_what_the_video_does() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 14, "240x136")]).await;
    let job = world.done(animation(AnimationFormat::Gif)).await;
    let gif = world.file(PictureName::single(PictureKind::Animation, job, PictureFormat::Gif)).await;
    assert_eq!(size_of(&gif), (120, 68));
    let grey = filtered(&gif, &format!("scale={BITS}:1:flags=area,format=gray"));
    let number = |grey: &[u8]| -> usize {
        grey.iter().enumerate().filter(|(_, grey)| **grey > 127).map(|(bit, _)| 1 << bit).sum()
    };
    let seen: Vec<usize> = grey.chunks(BITS).map(number).collect();
    assert_eq!(seen, (0..20).map(|n| shown(3_000 + n * 100)).collect::<Vec<_>>());
    let set = world.catalog().picture_set(job, PictureKind::Animation).await.unwrap().unwrap();
    let size_bytes = u64::try_from(gif.len()).unwrap();
    let facts = AnimationFacts { width: 120, height: 68, fps: 10, duration_ticks: 180_000, size_bytes };
    assert_eq!(set.facts, Some(facts));
    let format = PictureFormat::Gif;
    let outcome = AnimationOutcome::Made { format, width: 120, height: 68, fps: 10, size_bytes };
    assert_eq!(world.told().await, [Event::Animated { job, outcome }]);
    assert_eq!(world.catalog().asset(world.asset).await.unwrap().unwrap().taken_cover, format!("animations/{job}.gif"));

    let job = world.done(animation(AnimationFormat::Webp)).await;
    let webp = world.file(PictureName::single(PictureKind::Animation, job, PictureFormat::Webp)).await;
    // RIFF, WEBP, VP8X with the size less one in 24 bits each, and a frame for each picture that differs from the one before.
    assert_eq!((&webp[..4], &webp[8..16]), (&b"RIFF"[..], &b"WEBPVP8X"[..]));
    assert_eq!((webp[24], webp[27]), (119, 67));
    assert_eq!(webp.windows(4).filter(|bytes| bytes == b"ANMF").count(), 20);
    // One that is deleted leaves no file.
    world.catalog().delete_animations(world.asset, &[job], at(40)).await.unwrap();
    until("freed", async || !world.files().await.contains(&format!("animations/{job}.webp"))).await;
    assert!(world.files().await.iter().any(|file| file.ends_with(".gif")));
    world.running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_decoded_or_made_ends_with_a_reason_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 10, "240x136")]).await;
    world.ended(world.cover_job().await).await;
    let reel = world.catalog().spans(world.asset).await.unwrap()[0].reel;
    // The second segment, from 4 s on, has nothing but zeros where its samples were.
    let key = reel::segment_key(reel, 1);
    let size = usize::try_from(world.running.blobs.size(&key).await.unwrap()).unwrap();
    world.running.blobs.put(&key, vec![0; size].into()).await.unwrap();
    let before = world.files().await;
    let why = world.failed(stills(times_at(&[1_000, 5_000]), Frames::Shown, Size::default())).await;
    assert!(why.contains("5.000 s cannot be decoded") || why.contains("the encoder ended with"), "{why}");
    until("left nothing", async || world.files().await == before).await;
    let told = world.told().await;
    let Some(Event::SnapshotsTaken { error: Some(error), sets, .. }) = told.first() else { panic!("{told:?}") };
    assert_eq!((error, sets[0].count), (&why, 0));
    // What is whole is taken.
    world.done(stills(times_at(&[1_000, 9_000]), Frames::Shown, Size::default())).await;
    // Too large for anybody.
    let layout = Layout::Sheets {
        sheet: SheetOrder { cell: Size { width: Some(4_096), height: None }, ..sheet(8, 8) },
        keep_cells: false,
    };
    let times = ShotTimes::Spread { from_ms: 0, count: 64 };
    let order = SnapshotOrder { times, frames: Frames::Shown, size: Size::default(), layout };
    let why = world.failed(PictureOrder::Snapshots(order)).await;
    assert!(why.contains("too large"), "{why}");
    world.running.stop().await;
}

#[tokio::test]
async fn without_a_program_covers_fail_quietly_and_requests_aloud() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = worker::TranscodeSettings { ffmpeg: "/nonexistent/ffmpeg".into(), ..Default::default() };
    let world = World::with(nowhere, &[&numbered(folder.path(), "a.mp4", 2, "240x136")]).await;
    let cover = world.ended(world.cover_job().await).await;
    assert_eq!(cover.state, PictureState::Failed);
    assert_eq!(world.catalog().job_count(kind::COVER, JobState::Dead).await.unwrap(), 0);
    let why = world.failed(stills(times_at(&[0]), Frames::Shown, Size::default())).await;
    assert!(why.starts_with("the encoder cannot be started"), "{why}");
    assert_eq!(world.told().await.len(), 1);
    world.running.stop().await;
}

#[tokio::test]
async fn pictures_go_with_their_asset_and_a_check_sees_what_is_lost_or_left() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 4, "240x136")]).await;
    let cover = world.cover_job().await;
    world.ended(cover).await;
    let job = world.done(stills(times_at(&[0, 1_000]), Frames::Shown, Size::default())).await;
    let (catalog, blobs) = (world.catalog().clone(), world.running.blobs.clone());
    // An installation of which nothing is configured has no description.
    catalog.set_setting("colour", "red").await.unwrap();
    let settled = async || catalog.stale_count().await.unwrap() == 0;
    until("described", settled).await;
    let found = async || check(&catalog, &blobs, Depth::Index).await.unwrap();
    assert_eq!(found().await.problems, []);
    let name = |number| PictureName::still(PictureKind::Snapshot, job, number);
    blobs.delete(&picture_key(world.asset, &name(2))).await.unwrap();
    let strange = picture_key(world.asset, &name(3));
    blobs.put(&strange, "x".into()).await.unwrap();
    let report = found().await;
    let mends: Vec<_> = report.problems.iter().map(|problem| problem.mend.clone().unwrap()).collect();
    assert_eq!(mends, [Mend::Picture(job), Mend::Remove(vec![strange])]);
    let mended = mend(&catalog, &blobs, &report, "n1", at(50)).await;
    assert!(mended.iter().all(|(_, mended)| mended.is_ok()));
    world.ended(job).await;
    assert_eq!(number_of(&world.file(name(2)).await, None), 25);
    until("described", settled).await;
    assert_eq!((found().await.problems, world.told().await.len()), (vec![], 1));
    // A job whose work is lost.
    let lost = world.ordered(stills(times_at(&[2_000]), Frames::Shown, Size::default())).await;
    world.ended(lost).await;
    let mut tx = catalog.begin().await.unwrap();
    Sql::new("UPDATE picture_job SET state = 'running' WHERE id = $1").arg(lost).run(&mut tx).await.unwrap();
    Sql::new("DELETE FROM job WHERE kind = 'pictures'").run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    until("described", settled).await;
    assert_eq!(found().await.problems[0].mend, Some(Mend::Picture(lost)));
    catalog.make_pictures_again(lost, at(60)).await.unwrap();
    world.ended(lost).await;

    assert!(catalog.delete_asset(world.asset, Duration::ZERO, at(70)).await.unwrap());
    until("freed", async || world.files().await.is_empty()).await;
    assert_eq!(catalog.picture_jobs(world.asset).await.unwrap(), []);
    until("described", settled).await;
    until("clean", async || found().await.problems.is_empty()).await;
    world.running.stop().await;
}

#[tokio::test]
async fn an_asset_from_before_there_were_covers_gets_one_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::of(&[&numbered(folder.path(), "a.mp4", 4, "240x136")]).await;
    let first = world.cover_job().await;
    world.ended(first).await;
    let (catalog, blobs) = (world.catalog().clone(), world.running.blobs.clone());
    let mut tx = catalog.begin().await.unwrap();
    for forget in ["DELETE FROM picture_job", "DELETE FROM picture_set", "UPDATE asset SET taken_cover = ''"] {
        Sql::new(forget).run(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let transcode = worker::TranscodeSettings { scratch: scratch.path().to_owned(), ..Default::default() };
    let settings = worker::Settings { node: "n2".into(), transcode, ..Default::default() };
    let stop = tokio_util::sync::CancellationToken::new();
    let second = tokio::spawn(worker::run(catalog.clone(), blobs, settings, stop.clone()));
    let covered = async || !catalog.asset(world.asset).await.unwrap().unwrap().taken_cover.is_empty();
    until("covered", covered).await;
    assert_ne!(world.cover_job().await, first);
    stop.cancel();
    second.await.unwrap().unwrap();
    world.running.stop().await;
}
