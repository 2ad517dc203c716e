//! What was recorded lasts as long as what the publisher meant, and its tracks are in step, whatever their time stamps said.

use std::collections::BTreeSet;

use catalog::Recording;
use codec::TrackKind;
use reel::Join;

use super::{Checked, Kept};
use crate::media::Sent;
use crate::world::World;

/// Sound and picture are not further apart than this anywhere.
const SKEW_MAX_US: i64 = 20_000;
/// The time stamps of RTMP count milliseconds; so much may be lost of each.
const ROUNDING_US: i64 = 2_000;
/// Jitter of the sound's time stamps is not followed.
const PHANTOM_MAX_US: i64 = 21_000_000;

/// A tick of the stored timeline, rounded up.
const TICK_US: i64 = 12;

/// A frame in its place.
#[derive(Clone, Copy)]
struct Placed {
    number: u32,
    sent: Sent,
    /// When it is presented.
    at_us: i64,
}

/// Gives the furthest skew, in microseconds.
pub(super) fn check(world: &World, recording: &Recording, kept: &Kept) -> Checked<u64> {
    let mut last: Option<Placed> = None;
    let mut skew_max = 0;
    // Pictures of a clock that has stepped back a little: they follow each other at once until it is where it was.
    let mut squeezed = BTreeSet::new();
    // The recording goes on with pictures that stand still: when nothing was seen of them before, nobody knows for how long
    // they did. Their clock runs with the first that does not.
    let mut stands = false;
    for segment in &kept.segments {
        let frames = frames(world, kept, segment)?;
        let mut goes_on = !matches!(segment.row.join, Join::Continuous);
        for one in frames.iter().filter(|one| one.sent.track == TrackKind::Video) {
            if let Some(before) = last {
                let same_push = before.sent.push == one.sent.push;
                let at_once = (0..=TICK_US).contains(&(one.at_us - before.at_us));
                if same_push && one.sent.steps > 0 && at_once {
                    squeezed.insert(one.number);
                }
                check_step(world, before, *one, std::mem::take(&mut goes_on), &squeezed)?;
            }
            last = Some(*one);
        }
        stands |= !matches!(segment.row.join, Join::Continuous);
        let runs = |one: &Placed| one.sent.track == TrackKind::Video && (one.sent.steady || !stands);
        // A clock that leaps between the first picture of a stretch and the first sound says nothing of how far apart they are.
        let begins = !matches!(segment.row.join, Join::Continuous);
        let first = frames.iter().find(|one| begins && one.sent.track == TrackKind::Video).map(|one| one.number);
        let from = frames.iter().position(runs).unwrap_or(frames.len());
        let frames = frames.get(from..).unwrap_or_default();
        stands &= frames.is_empty();
        let skew = check_skew(frames, &squeezed, first).map_err(|what| {
            let all: Vec<_> =
                frames.iter().map(|one| (one.number, one.at_us / 1_000, one.sent.meant_us / 1_000)).collect();
            format!("segment {}: {what}; frames, where they are and were meant: {all:?}", segment.row.number)
        })?;
        skew_max = skew_max.max(skew);
    }
    check_lengths(world, recording)?;
    Ok(skew_max)
}

fn frames(world: &World, kept: &Kept, segment: &super::KeptSegment) -> Checked<Vec<Placed>> {
    let epoch = kept.index.epoch(segment.row.epoch);
    let rate = epoch.and_then(|epoch| epoch.audio.as_ref()).map_or(1, |audio| i64::from(audio.sample_rate));
    let mut frames = Vec::new();
    for (fragment, numbers) in segment.page.fragments.iter().zip(&segment.numbers) {
        let scale = if fragment.track == TrackKind::Audio { rate } else { 90_000 };
        let mut dts = fragment.dts;
        for (sample, number) in fragment.samples.iter().zip(numbers) {
            let sent = usize::try_from(*number).ok().and_then(|number| world.sent.get(number)).copied();
            let sent = sent.filter(|sent| sent.track == fragment.track).ok_or("a frame was never sent")?;
            let at_us = (dts + i64::from(sample.cto)) * 1_000_000 / scale;
            frames.push(Placed { number: *number, sent, at_us });
            dts += i64::from(sample.duration);
        }
    }
    Ok(frames)
}

/// From picture to picture: as long as was meant where the clock was steady and nothing is missing, and nowhere hours. `goes_on`: after
/// a loss, whose last picture had its length guessed.
fn check_step(world: &World, before: Placed, one: Placed, goes_on: bool, squeezed: &BTreeSet<u32>) -> Checked {
    let step = one.at_us - before.at_us;
    let real = (one.sent.sent_ms - before.sent.sent_ms) * 1_000;
    let told = || {
        format!(
            "from picture {} to {} is {step} us instead of {real}: {:?}, {:?}",
            before.number, one.number, before.sent, one.sent
        )
    };
    if step > real.max(0) + PHANTOM_MAX_US {
        return Err(told());
    }
    let between = usize::try_from(before.number + 1).unwrap_or(0)..usize::try_from(one.number).unwrap_or(0);
    let follows = before.sent.push == one.sent.push
        && world.sent.get(between).is_some_and(|between| between.iter().all(|sent| sent.track == TrackKind::Audio));
    let meant = one.sent.meant_us - before.sent.meant_us;
    if squeezed.contains(&one.number) || squeezed.contains(&before.number) && step < meant {
        return Ok(());
    }
    if follows && !goes_on && before.sent.steady && one.sent.steady && (step - meant).abs() > ROUNDING_US {
        return Err(format!("{}; meant: {meant}", told()));
    }
    Ok(())
}

/// Each sound against the picture of its push that is presented before it. `first`: the picture with which a stretch begins.
fn check_skew(frames: &[Placed], squeezed: &BTreeSet<u32>, first: Option<u32>) -> Checked<u64> {
    let mut pictures: Vec<&Placed> = frames.iter().filter(|one| one.sent.track == TrackKind::Video).collect();
    pictures.sort_by_key(|one| one.at_us);
    let mut furthest = 0;
    for sound in frames.iter().filter(|one| one.sent.track == TrackKind::Audio) {
        let behind = pictures.partition_point(|picture| picture.at_us <= sound.at_us);
        let Some(picture) = behind.checked_sub(1).and_then(|at| pictures.get(at)) else { continue };
        if (picture.sent.push, picture.sent.steps) != (sound.sent.push, sound.sent.steps)
            || squeezed.contains(&picture.number)
            || Some(picture.number) == first && !sound.sent.steady
        {
            continue;
        }
        let skew = (sound.at_us - picture.at_us) - (sound.sent.meant_us - picture.sent.meant_us);
        if skew.abs() > SKEW_MAX_US + ROUNDING_US {
            let (of, off) = ((sound.number, sound.at_us, sound.sent), (picture.number, picture.at_us, picture.sent));
            return Err(format!("sound is {skew} us off the picture: {of:?}, {off:?}"));
        }
        furthest = furthest.max(skew.unsigned_abs());
    }
    Ok(furthest)
}

/// An asset lasts as long as it says.
fn check_lengths(world: &World, recording: &Recording) -> Checked {
    for asset in world.rows.assets.iter().filter(|asset| asset.recording == recording.id) {
        if asset.duration_ticks != asset.to_ticks - asset.from_ticks {
            return Err(format!("the asset of cycle {} lasts {} ticks", asset.cycle, asset.duration_ticks));
        }
    }
    Ok(())
}
