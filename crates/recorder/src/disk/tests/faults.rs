//! The disk dies, fails or is full at every call of a recording in turn.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use blobs::{Blow, Death, FaultDisk};
use codec::Frame;
use reel::{Span, samples_index_key, scan_segment, segment_key, segments_index_key};
use view::{Growth, Mp4Builder, SpanView, Timeline};

use super::*;

const SECONDS: i64 = 13;
const PICTURES: u32 = 13 * 30;

/// Records a push in cycles of 5 s over `disk`, until it ends or the process dies. Gives how many pictures were taken, the
/// time when the process died, and what was told.
fn record_over(disk: &FaultDisk) -> (u32, Vec<Done>) {
    let mut told = Vec::new();
    let mut taken = 0;
    let Ok(mut files) = Disk::create(&disk.blobs(), REEL, INTERVAL) else { return (0, told) };
    let policy = Policy { cycle_length: Duration::from_secs(5), grace: Duration::from_secs(180) };
    let mut assembly = Assembly::begin(Recording::begin(policy, PushId::from_u128(1)));
    let mut next_flush = 0;
    for frame in push(0, SECONDS, 0) {
        let mut ms = 0;
        if let Frame::Sample(sample) = &frame {
            ms = u64::try_from(sample.dts).unwrap();
            taken += u32::from(sample.track == TrackKind::Video);
        }
        let (now, wall) = (Mono(Duration::from_millis(ms)), WallTime::from_unix_ms(ms.cast_signed()));
        assembly.frame(now, wall, &frame);
        if ms >= next_flush {
            assembly.flush();
            next_flush = ms + 500;
        }
        told.extend(files.run(now, wall, assembly.take_ops()));
        if disk.is_dead() {
            return (taken, told);
        }
        if let Some(end) = files.take_struck() {
            assembly.go_on_from(end);
        }
    }
    let (now, wall) = (Mono(Duration::from_secs(13)), WallTime::from_unix_s(13));
    assembly.push_lost(now, wall, PushId::from_u128(1));
    told.extend(files.run(now, wall, assembly.take_ops()));
    // What is owed to the index is tried again while the service waits.
    told.extend(files.run(now, wall, Vec::new()));
    (taken, told)
}

fn object(disk: &FaultDisk, key: &str, range: Option<Range<u64>>) -> Result<Option<Bytes>, RecorderError> {
    match disk.read(key) {
        Ok(bytes) => Ok(Some(part(bytes, range))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn take_up(disk: &FaultDisk) -> Found {
    Disk::recover(&disk.blobs(), REEL, INTERVAL, &|key, range| object(disk, key, range)).unwrap()
}

/// What a reader of the reel finds.
struct Kept {
    index: ReelIndex,
    /// By segment: numbers of its pictures, in order.
    pictures: Vec<Vec<u32>>,
}

impl Kept {
    /// Reads all of the reel with the project's own readers, and checks that it is whole: bytes are where the index says,
    /// every segment starts with a key frame and decodes to its end, nothing is there twice, time never runs back, and the
    /// views can be made.
    fn read(disk: &FaultDisk) -> Self {
        let read = |key: &str| object(disk, key, None).unwrap().unwrap_or_default();
        let (index, _, why) = ReelIndex::read(&read(&segments_index_key(REEL)));
        assert_eq!(why, None);
        let pages_file = read(&samples_index_key(REEL));
        let mut kept = Self { index, pictures: Vec::new() };
        let mut seen = BTreeSet::new();
        let mut end = 0;
        let mut pages = Vec::new();
        for row in &kept.index.segments {
            let file = read(&segment_key(REEL, row.number));
            assert!(file.len() as u64 >= row.bytes, "segment {} is shorter than its row says", row.number);
            let at = usize::try_from(row.page.at).unwrap();
            let len = usize::try_from(row.page.len).unwrap();
            let page = SamplePage::decode(&pages_file[at..at + len], row.page.crc).unwrap();
            assert_eq!(page, scan_segment(&file[..usize::try_from(row.bytes).unwrap()]).page);
            assert!(row.begin >= end, "segment {} begins before the one before it ends", row.number);
            end = row.end;
            let mut numbers = Vec::new();
            for fragment in page.fragments.iter().filter(|fragment| fragment.track == TrackKind::Video) {
                let mut body = usize::try_from(fragment.at + fragment.head()).unwrap();
                for sample in &fragment.samples {
                    body += usize::try_from(sample.size).unwrap();
                    let number = u32::from_be_bytes(file[body - 5..body - 1].try_into().unwrap());
                    assert_eq!(sample.sync, number % 30 == 0, "picture {number} is not what its row says");
                    assert!(seen.insert(number), "picture {number} is there twice");
                    numbers.push(number);
                }
            }
            // Sound after the last key frame of a push may stand alone.
            let pictures = kept.index.epoch(row.epoch).unwrap().video.is_some();
            assert_eq!(
                numbers.first().map(|first| first % 30),
                pictures.then_some(0),
                "a segment starts with a key frame"
            );
            assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "a picture is missing inside: {numbers:?}");
            kept.pictures.push(numbers);
            pages.push(page);
        }
        if !pages.is_empty() {
            let span = Span { reel: REEL, from: 0, to: i64::MAX };
            let timeline = Timeline::new(&[SpanView::new(span, &kept.index)], Growth::Whole).unwrap();
            let mut mp4 = Mp4Builder::new(&timeline);
            pages.iter().enumerate().for_each(|(position, page)| mp4.push(position, page).unwrap());
            assert_eq!(mp4.finish().unwrap().video_frames(), seen.len() as u64);
        }
        kept
    }

    fn pictures(&self) -> BTreeSet<u32> {
        self.pictures.iter().flatten().copied().collect()
    }

    /// Every picture is there, or a segment (or the end) tells that some are not.
    fn assert_told(&self, taken: u32, what: &str) {
        let mut next = 0;
        for (row, numbers) in self.index.segments.iter().zip(&self.pictures) {
            let told = matches!(row.join, Join::Lost { .. });
            let Some(first) = numbers.first() else {
                assert!(told, "{what}: sound alone");
                return;
            };
            assert_eq!(*first != next, told, "{what}: segment {} joins as {:?}", row.number, row.join);
            next = numbers.last().unwrap() + 1;
        }
        assert!(next == taken || self.index.lost_end.is_some(), "{what}: {next} of {taken}");
    }
}

/// Every picture that was taken this long before the end is there: what has no place yet (a second), and what was not
/// synced (another).
fn assert_lost_at_most(kept: &BTreeSet<u32>, taken: u32, seconds: u32, what: &str) {
    let due: BTreeSet<u32> = (0..taken.saturating_sub(seconds * 30)).collect();
    assert!(kept.is_superset(&due), "{what}: taken {taken}, missing {:?}", due.difference(kept).collect::<Vec<_>>());
}

fn calls_of_a_whole_run() -> u64 {
    let disk = FaultDisk::new(0);
    record_over(&disk);
    disk.calls()
}

/// Torture 1 and 3.
#[test]
fn whatever_call_the_process_dies_in_all_but_the_last_moment_is_found_again() {
    for call in 0..calls_of_a_whole_run() {
        for (death, seconds) in [(Death::Process, 1), (Death::Power, 2)] {
            let what = format!("{death:?} at call {call}");
            let disk = FaultDisk::new(call);
            disk.plan(call, Blow::Die);
            let (taken, told) = record_over(&disk);
            disk.restart(death);
            let found = take_up(&disk);
            let kept = Kept::read(&disk);
            assert_lost_at_most(&kept.pictures(), taken, seconds, &what);
            for done in told {
                if let Done::CycleSealed(cycle) = done {
                    let again = found.cycles.iter().find(|found| found.cycle == cycle.cycle).expect("a told cycle");
                    assert_eq!((again.from, again.pictures), (cycle.from, cycle.pictures), "{what}");
                }
            }
        }
    }
}

/// Torture 2: the process dies again while it takes up what the first death left.
#[test]
fn dying_at_any_call_of_the_recovery_changes_nothing_of_what_is_found() {
    for seed in 0..6 {
        let died = || {
            let disk = FaultDisk::new(seed);
            disk.plan(40 + seed * 17, Blow::Die);
            let (taken, _) = record_over(&disk);
            disk.restart(Death::Power);
            (disk, taken)
        };
        let (disk, _) = died();
        let before = disk.calls();
        take_up(&disk);
        let (calls, expected) = (disk.calls() - before, Kept::read(&disk).pictures());
        for call in 0..calls {
            let (disk, taken) = died();
            disk.plan(call, Blow::Die);
            let again = Disk::recover(&disk.blobs(), REEL, INTERVAL, &|key, range| object(&disk, key, range));
            assert!(again.is_err() || disk.is_dead() || disk.calls() > 0);
            disk.restart(Death::Power);
            take_up(&disk);
            let kept = Kept::read(&disk).pictures();
            assert_eq!(kept, expected, "seed {seed}, call {call}");
            assert_lost_at_most(&kept, taken, 2, "second death");
        }
    }
}

#[test]
fn whatever_call_fails_once_only_what_it_struck_is_lost_and_told() {
    for call in 0..calls_of_a_whole_run() {
        for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
            let what = format!("{kind:?} at call {call}");
            let disk = FaultDisk::new(call);
            disk.plan(call, Blow::Fail(kind));
            let (taken, _) = record_over(&disk);
            if taken == 0 {
                continue; // The reel's own files: the recording is not begun.
            }
            assert_eq!(taken, PICTURES);
            let kept = Kept::read(&disk);
            kept.assert_told(taken, &what);
            // At most what was not synced, and what came until the next key frame.
            let lost = PICTURES - u32::try_from(kept.pictures().len()).unwrap();
            assert!(lost <= 3 * 30, "{what}: {lost} pictures lost");
            // What is found later is what was kept, though the power went right after it.
            disk.restart(Death::Power);
            take_up(&disk);
            assert_eq!(Kept::read(&disk).pictures(), kept.pictures(), "{what}");
        }
    }
}

/// Torture 33, the disk's part.
#[test]
fn a_disk_that_is_full_at_any_byte_loses_only_what_comes_then_and_goes_on_by_itself() {
    let disk = FaultDisk::new(0);
    record_over(&disk);
    let all = disk.used();
    for bytes in (all / 40..all).step_by(usize::try_from(all / 97).unwrap()) {
        let disk = FaultDisk::new(bytes);
        disk.set_capacity(bytes);
        let (taken, _) = record_over(&disk);
        assert!(taken == PICTURES || taken == 0);
        // Space is given back: the index takes what it was owed at the next start, or sooner.
        disk.set_capacity(u64::MAX);
        disk.restart(Death::Power);
        take_up(&disk);
        let kept = Kept::read(&disk);
        let numbers: Vec<u32> = kept.pictures().into_iter().collect();
        assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1] || pair[1] % 30 == 0), "full at {bytes}");
        let room = u64::from(PICTURES) * bytes.saturating_sub(30_000) / all;
        assert!(numbers.len() as u64 >= room, "full at {bytes} of {all}: {} pictures", numbers.len());
    }
}

#[test]
fn a_disk_that_is_given_space_again_goes_on_without_a_restart_and_the_gap_is_told() {
    let disk = FaultDisk::new(0);
    let mut files = Disk::create(&disk.blobs(), REEL, INTERVAL).unwrap();
    let policy = Policy { cycle_length: Duration::from_secs(3600), grace: Duration::from_secs(180) };
    let mut assembly = Assembly::begin(Recording::begin(policy, PushId::from_u128(1)));
    let mut troubles = Vec::new();
    for frame in push(0, 30, 0) {
        let Frame::Sample(sample) = &frame else {
            assembly.frame(Mono::default(), WallTime::default(), &frame);
            continue;
        };
        let ms = u64::try_from(sample.dts).unwrap();
        disk.set_capacity(if (10_000..20_000).contains(&ms) { 0 } else { u64::MAX });
        let (now, wall) = (Mono(Duration::from_millis(ms)), WallTime::from_unix_ms(sample.dts));
        assembly.frame(now, wall, &frame);
        files.run(now, wall, assembly.take_ops());
        if let Some(end) = files.take_struck() {
            assembly.go_on_from(end);
        }
        if troubles.last() != Some(&files.trouble()) {
            troubles.push(files.trouble());
        }
    }
    assembly.push_lost(Mono::default(), WallTime::from_unix_s(30), PushId::from_u128(1));
    files.run(Mono::default(), WallTime::from_unix_s(30), assembly.take_ops());
    assert_eq!(troubles, [None, Some(LossCause::Full), None]);
    let kept = Kept::read(&disk);
    kept.assert_told(900, "ten seconds without space");
    let lost = 900 - kept.pictures().len();
    assert!((300..345).contains(&lost), "{lost} pictures lost in ten seconds");
    let gaps: Vec<_> =
        kept.index.segments.iter().map(|row| row.join).filter(|join| matches!(join, Join::Lost { .. })).collect();
    let [Join::Lost { gap_ms, cause: LossCause::Full }] = gaps[..] else { panic!("{gaps:?}") };
    assert!((9_500..11_500).contains(&gap_ms), "{gap_ms}");
    assert!(files.take_lost_fragments() > 0 && !files.owes());
    // The timeline has no hole: the picture goes on where it stopped.
    let joined = kept.index.segments.windows(2).find(|pair| matches!(pair[1].join, Join::Lost { .. })).unwrap();
    assert_eq!(joined[0].end, joined[1].begin);
}
