use std::fs;
use std::path::{Path, PathBuf};

use domain::recording::{Policy, Recording};
use reel::{ReelIndex, SamplePage};
use units::{Mono, PushId};

use super::*;
use crate::assembly::Assembly;
use crate::assembly::tests::push;

const REEL: ReelId = ReelId::from_u128(7);
const INTERVAL: Duration = Duration::from_secs(1);

fn file(root: &Path, name: &str) -> PathBuf {
    root.join(format!("reels/{REEL}/{name}"))
}

fn read(root: &Path) -> impl Fn(&str, Option<Range<u64>>) -> Result<Option<Bytes>, RecorderError> + '_ {
    |key, range| match fs::read(root.join(key)) {
        Ok(bytes) => Ok(Some(part(bytes.into(), range))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn part(bytes: Bytes, range: Option<Range<u64>>) -> Bytes {
    let at = |at: u64| usize::try_from(at).unwrap();
    range.map_or(bytes.clone(), |range| bytes.slice(at(range.start)..at(range.end)))
}

/// Records `seconds` in cycles of 10 s and stops without an ending, as a killed process does.
fn record(root: &Path, seconds: i64) {
    let blobs = Blobs::local(root).unwrap();
    let mut disk = Disk::create(&blobs, REEL, INTERVAL).unwrap();
    let policy = Policy { cycle_length: Duration::from_secs(10), grace: Duration::from_secs(180) };
    let mut assembly = Assembly::begin(Recording::begin(policy, PushId::from_u128(1)));
    for frame in push(0, seconds, 0) {
        assembly.frame(Mono::default(), WallTime::from_unix_s(1000), &frame);
        disk.run(Mono::default(), WallTime::from_unix_s(1000), assembly.take_ops());
    }
}

fn recover(root: &Path) -> Found {
    Disk::recover(&Blobs::local(root).unwrap(), REEL, INTERVAL, &read(root)).unwrap()
}

fn index(root: &Path) -> ReelIndex {
    let (index, _, why) = ReelIndex::read(&fs::read(file(root, "segments.idx")).unwrap());
    assert_eq!(why, None);
    index
}

fn pages(root: &Path) -> Vec<SamplePage> {
    let bytes = fs::read(file(root, "samples.idx")).unwrap();
    let page = |row: &SegmentRow| {
        let at = usize::try_from(row.page.at).unwrap();
        let len = usize::try_from(row.page.len).unwrap();
        SamplePage::decode(&bytes[at..at + len], row.page.crc).unwrap()
    };
    index(root).segments.iter().map(page).collect()
}

fn pictures(cycles: &[CycleSoFar]) -> u64 {
    cycles.iter().map(|cycle| cycle.pictures).sum()
}

#[test]
fn a_killed_recording_keeps_all_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 25);
    let found = recover(folder.path());
    assert_eq!(found.cycles.iter().map(|cycle| cycle.cycle.0).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(pictures(&found.cycles) > 24 * 30 - 30);
    assert_eq!(found.end.pts, found.cycles.last().unwrap().to);
    for pair in found.cycles.windows(2) {
        assert!(pair[0].to <= pair[1].from);
    }
}

#[test]
fn the_index_made_again_is_the_index_that_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 25);
    recover(folder.path());
    let (rows, pages_before) = (index(folder.path()), pages(folder.path()));
    fs::remove_file(file(folder.path(), "segments.idx")).unwrap();
    fs::remove_file(file(folder.path(), "samples.idx")).unwrap();
    recover(folder.path());
    assert_eq!(pages(folder.path()), pages_before);
    let again = index(folder.path());
    assert_eq!(again.epochs, rows.epochs);
    for (again, row) in again.segments.iter().zip(&rows.segments) {
        // Where a segment ends is known more exactly while the next one is cut.
        assert!((again.end - row.end).abs() <= 90, "{again:?} {row:?}");
        assert_eq!(SegmentRow { end: row.end, page: row.page, ..again.clone() }, *row);
    }
}

#[test]
fn a_write_torn_at_any_byte_costs_only_its_own_fragments() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 7);
    let last = file(folder.path(), "000001.m4s");
    let whole = fs::read(&last).unwrap();
    let rows = fs::read(file(folder.path(), "segments.idx")).unwrap();
    let pages_file = fs::read(file(folder.path(), "samples.idx")).unwrap();
    let mut kept = 0;
    for cut in (0..=whole.len()).step_by(97).chain([whole.len()]) {
        fs::write(&last, &whole[..cut]).unwrap();
        fs::write(file(folder.path(), "segments.idx"), &rows).unwrap();
        fs::write(file(folder.path(), "samples.idx"), &pages_file).unwrap();
        let found = recover(folder.path());
        let now = pictures(&found.cycles);
        assert!(now >= kept, "more bytes, fewer pictures: {now} after {kept} at {cut}");
        kept = now;
        let left = fs::metadata(&last).map_or(0, |meta| meta.len());
        assert!(left + found.cut_off <= whole.len() as u64);
        // What was adopted is whole: it is found the same again.
        let again = recover(folder.path());
        assert_eq!(again.cycles, found.cycles, "cut at {cut}");
        assert_eq!(again.cut_off, 0, "cut at {cut}");
    }
    assert!(kept > 5 * 30);
}

#[test]
fn an_index_torn_at_any_byte_is_made_whole_from_the_segments() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 25);
    let expected = recover(folder.path()).cycles;
    let rows = fs::read(file(folder.path(), "segments.idx")).unwrap();
    let pages_file = fs::read(file(folder.path(), "samples.idx")).unwrap();
    for cut in (0..rows.len()).step_by(41) {
        fs::write(file(folder.path(), "segments.idx"), &rows[..cut]).unwrap();
        fs::write(file(folder.path(), "samples.idx"), &pages_file).unwrap();
        let found = recover(folder.path());
        assert_eq!(found.cycles.len(), expected.len(), "rows cut at {cut}");
        assert_eq!(pictures(&found.cycles), pictures(&expected), "cut at {cut}");
    }
    for cut in (0..pages_file.len()).step_by(211) {
        fs::write(file(folder.path(), "segments.idx"), &rows).unwrap();
        fs::write(file(folder.path(), "samples.idx"), &pages_file[..cut]).unwrap();
        let found = recover(folder.path());
        assert_eq!(pictures(&found.cycles), pictures(&expected), "cut at {cut}");
        assert_eq!(pages(folder.path()).len(), index(folder.path()).segments.len());
    }
}

mod faults;
