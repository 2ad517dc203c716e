//! What must hold of all that was kept, after healing.

mod clocks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use blobs::Death;
use catalog::{Recording, RecordingState, SealedCycle};
use codec::TrackKind;
use reel::{Join, ReelIndex, SamplePage, SegmentRow, samples_index_key, segment_key, segments_index_key};

use crate::media::number_in;
use crate::world::{Outcome, Taken, World};

/// What has no place yet when the process is killed: a fragment, the picture whose duration is not known, the sound that a
/// cut waits for.
const KILLED_MS: i64 = 2_000;
/// What was not synced when the power went, in addition.
const POWERLESS_MS: i64 = KILLED_MS + 1_500;

type Checked<T = ()> = Result<T, String>;

/// Looks at every recording, asset, event and picture.
pub(crate) fn check(world: &World) -> Checked<Outcome> {
    let mut outcome = Outcome {
        lasted: world.lasted(),
        pictures: u64::try_from(world.taken.len()).unwrap_or(0),
        commands: u64::try_from(world.rows.asked.len()).unwrap_or(0),
        deaths: u64::try_from(world.blows.iter().filter(|blow| blow.death.is_some()).count()).unwrap_or(0),
        strikes: u64::try_from(world.blows.iter().filter(|blow| blow.death.is_none()).count()).unwrap_or(0),
        assets: u64::try_from(world.rows.assets.len()).unwrap_or(0),
        ..Outcome::default()
    };
    check_events(world)?;
    for row in world.rows.recordings.values() {
        outcome.recordings += 1;
        let told = |what: String| format!("{:?}: {what}", row.id);
        if row.state != RecordingState::Ended {
            return Err(told("it has not ended".to_owned()));
        }
        let kept = read_reel(world, row).map_err(told)?;
        check_timeline(&kept).map_err(told)?;
        check_cycles(world, row, &kept).map_err(told)?;
        check_pictures(world, row, &kept).map_err(told)?;
        let skew_us = clocks::check(world, row, &kept).map_err(told)?;
        outcome.skew_max = outcome.skew_max.max(Duration::from_micros(skew_us));
        outcome.kept += kept.segments.iter().map(|segment| segment.pictures.len() as u64).sum::<u64>();
    }
    Ok(outcome)
}

/// Each asset has exactly one event.
fn check_events(world: &World) -> Checked {
    let mut told = BTreeMap::new();
    world.rows.events.iter().for_each(|asset| *told.entry(*asset).or_insert(0u32) += 1);
    for asset in &world.rows.assets {
        match told.remove(&asset.asset) {
            Some(1) => {}
            other => return Err(format!("{:?} has {} events", asset.asset, other.unwrap_or(0))),
        }
    }
    if told.is_empty() { Ok(()) } else { Err("an event without an asset".to_owned()) }
}

struct Kept {
    index: ReelIndex,
    segments: Vec<KeptSegment>,
}

struct KeptSegment {
    row: SegmentRow,
    page: SamplePage,
    pictures: Vec<u32>,
    /// The number of each frame, in the order of the page.
    numbers: Vec<Vec<u32>>,
}

impl Kept {
    /// For a message.
    fn told(&self) -> Vec<String> {
        self.segments.iter().map(KeptSegment::told).collect()
    }
}

impl KeptSegment {
    /// For a message.
    fn told(&self) -> String {
        let SegmentRow { number, cycle, epoch, begin, end, join, .. } = &self.row;
        format!("{number} of cycle {cycle}, epoch {epoch}: {begin}..{end} {join:?} {:?}", self.pictures)
    }
}

fn read_reel(world: &World, recording: &Recording) -> Checked<Kept> {
    let reel = recording.reel;
    let read = |key: String| world.disk.read(&key).map_err(|error| format!("{key}: {error}"));
    // A torn end is no harm: what it would have told must be there all the same.
    let (index, _, _) = ReelIndex::read(&read(segments_index_key(reel))?);
    let pages = read(samples_index_key(reel))?;
    let mut segments = Vec::new();
    for row in &index.segments {
        let file = read(segment_key(reel, row.number))?;
        let page = part(&pages, row.page.at, u64::from(row.page.len)).ok_or("a page is beyond the end of its file")?;
        let page = SamplePage::decode(page, row.page.crc).map_err(|error| error.to_string())?;
        let (mut pictures, mut numbers) = (Vec::new(), Vec::new());
        for fragment in &page.fragments {
            let mut at = fragment.at + fragment.head();
            let mut found = Vec::new();
            for sample in &fragment.samples {
                let data = part(&file, at, u64::from(sample.size)).filter(|_| at + u64::from(sample.size) <= row.bytes);
                let number = data.and_then(number_in);
                found.push(number.ok_or_else(|| format!("segment {} is cut off", row.number))?);
                at += u64::from(sample.size);
            }
            if fragment.track == TrackKind::Video {
                if pictures.is_empty() && !fragment.samples.first().is_some_and(|sample| sample.sync) {
                    return Err(format!("segment {} does not start with a key frame", row.number));
                }
                pictures.extend(&found);
            }
            numbers.push(found);
        }
        segments.push(KeptSegment { row: row.clone(), page, pictures, numbers });
    }
    Ok(Kept { index, segments })
}

fn part(bytes: &[u8], at: u64, len: u64) -> Option<&[u8]> {
    let at = usize::try_from(at).ok()?;
    bytes.get(at..at.checked_add(usize::try_from(len).ok()?)?)
}

/// The timeline never runs backwards: of segments, and of the samples of each track.
fn check_timeline(kept: &Kept) -> Checked {
    let mut end = 0;
    let mut decoded = [0, 0];
    for segment in &kept.segments {
        let row = &segment.row;
        if row.begin < end {
            let (number, begin, all) = (row.number, row.begin, kept.told());
            return Err(format!("segment {number} begins at {begin} before {end}; segments: {all:?}"));
        }
        end = row.end;
        for fragment in &segment.page.fragments {
            let decoded = &mut decoded[usize::from(fragment.track == TrackKind::Audio)];
            if fragment.dts < *decoded {
                return Err(format!(
                    "{:?} goes back from {decoded} to {}; segments: {:?}",
                    fragment.track,
                    fragment.dts,
                    kept.told()
                ));
            }
            *decoded = fragment.dts_end();
        }
    }
    Ok(())
}

/// Every cycle with media is one asset that covers exactly its segments, and there is no other asset.
fn check_cycles(world: &World, recording: &Recording, kept: &Kept) -> Checked {
    let assets: Vec<&SealedCycle> = world.rows.assets.iter().filter(|asset| asset.recording == recording.id).collect();
    let mut cycles: Vec<u32> = kept.segments.iter().map(|segment| segment.row.cycle).collect();
    if !cycles.is_sorted() {
        return Err(format!("cycles run back: {cycles:?}"));
    }
    cycles.dedup();
    for cycle in &cycles {
        let sealed: Vec<_> = assets.iter().filter(|asset| asset.cycle == *cycle).collect();
        let [asset] = sealed[..] else { return Err(format!("cycle {cycle} was sealed {} times", sealed.len())) };
        let covered = kept.index.between(asset.from_ticks, asset.to_ticks).iter().map(|row| row.number);
        let own = kept.segments.iter().filter(|segment| segment.row.cycle == *cycle).map(|segment| segment.row.number);
        if !covered.clone().eq(own.clone()) {
            let (has, own): (Vec<_>, Vec<_>) = (covered.collect(), own.collect());
            let (told, all) = (format!("{asset:?}; what broke: {:?}", world.blows), kept.told());
            return Err(format!(
                "the asset of cycle {cycle} has segments {has:?}, not {own:?}: {told}; segments: {all:?}"
            ));
        }
    }
    match assets.iter().find(|asset| !cycles.contains(&asset.cycle)) {
        Some(empty) => Err(format!("the asset of cycle {} has no media", empty.cycle)),
        None => Ok(()),
    }
}

/// Every picture that was taken is there once, or is missing for a reason that is written down or within what may be lost.
fn check_pictures(world: &World, recording: &Recording, kept: &Kept) -> Checked {
    let mut places = BTreeMap::new();
    for (position, segment) in kept.segments.iter().enumerate() {
        for (nth, number) in segment.pictures.iter().enumerate() {
            if places.insert(*number, (position, nth)).is_some() {
                return Err(format!("picture {number} is there twice"));
            }
        }
    }
    let taken: Vec<&Taken> = world.taken.iter().filter(|taken| taken.recording == recording.id).collect();
    if let Some(pair) =
        taken.windows(2).find(|pair| pair.first().map(|one| one.number) >= pair.last().map(|one| one.number))
    {
        return Err(format!("what came earlier was recorded later: {pair:?}"));
    }
    let known: BTreeSet<u32> = taken.iter().map(|taken| taken.number).collect();
    if let Some(foreign) = places.keys().find(|number| !known.contains(number)) {
        return Err(format!("picture {foreign} was never taken"));
    }
    let mut missing: Vec<&Taken> = Vec::new();
    let mut order = None;
    for one in taken {
        let Some(place) = places.get(&one.number) else {
            missing.push(one);
            continue;
        };
        if order.replace(*place).is_some_and(|before| before > *place) {
            return Err(format!("picture {} is out of order", one.number));
        }
        if !missing.is_empty() {
            // Sound may go on before the pictures do: then the first of it tells.
            let segments = kept.segments.get(..=place.0).unwrap_or_default();
            let silent = segments.iter().rev().skip(1).take_while(|segment| segment.pictures.is_empty());
            let mut joins = segments.last().into_iter().chain(silent).map(|segment| segment.row.join);
            let tells = |join| matches!(join, Join::Lost { .. } | Join::Resumed { .. } | Join::Start);
            let told = place.1 == 0 && joins.any(tells);
            if !told {
                let all: Vec<_> = missing.iter().map(|one| (one.number, one.at_ms, one.life, one.trouble)).collect();
                return Err(format!(
                    "{one:?} at {place:?} follows {all:?} that are missing; what broke: {:?}; segments: {:?}",
                    world.blows,
                    kept.told()
                ));
            }
            check_missing(world, &missing).map_err(|what| format!("{what}; segments: {:?}", kept.told()))?;
            missing.clear();
        }
    }
    check_missing(world, &missing).map_err(|what| format!("{what}; segments: {:?}", kept.told()))?;
    let died = |one: &Taken| {
        world.blows.iter().any(|blow| blow.life == one.life && blow.death.is_some() && blow.at_ms >= one.at_ms)
    };
    missing.retain(|one| !one.awaited_key_frame);
    let untold = missing.last().is_some_and(|one| !died(one)) && kept.index.lost_end.is_none();
    if untold && !kept.segments.is_empty() {
        return Err(format!("{} pictures are missing at the end and nobody says so", missing.len()));
    }
    Ok(())
}

/// Each was taken while media was being lost, or shortly before the disk failed or the process died.
fn check_missing(world: &World, missing: &[&Taken]) -> Checked {
    for one in missing.iter().filter(|one| !one.trouble && !one.awaited_key_frame) {
        let excused = world.blows.iter().filter(|blow| blow.life == one.life).any(|blow| {
            let bound = if blow.death == Some(Death::Process) { KILLED_MS } else { POWERLESS_MS };
            // A picture has its place when the next one tells how long it lasts.
            let placed = world.taken.iter().find(|next| next.number > one.number && next.life == one.life);
            let placed_ms = placed.map_or(blow.at_ms, |next| next.at_ms.min(blow.at_ms));
            blow.at_ms >= one.at_ms && blow.at_ms - placed_ms <= bound
        });
        if !excused {
            let blows: Vec<_> =
                world.blows.iter().filter(|blow| (one.at_ms..one.at_ms + 60_000).contains(&blow.at_ms)).collect();
            let all: Vec<_> = missing.iter().map(|one| (one.number, one.at_ms, one.trouble)).collect();
            return Err(format!("{one:?} is missing without a reason, among {all:?}; what broke: {blows:?}"));
        }
    }
    Ok(())
}
