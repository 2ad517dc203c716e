//! What was sent against what is kept: the losses of each push, and whether they are allowed.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::media::{Mark, PICTURE_MS};
use super::pusher::{Ending, Push};

/// What a kill may cost of one recording, in milliseconds: a second, or a GOP when that is longer (ours are a second).
pub const LOST_MAX_MS: u32 = 1_000;
/// Frames of sound that a push may lose where it begins: they would lie over the sound of the push before.
const SOUND_JOIN_MAX: usize = 5;
/// A goodbye this short before a kill is answered for as the kill is: the last write may not be done.
const AFTERMATH: Duration = Duration::from_secs(1);

/// A kill takes its time: a push may be accepted between the moment that is noted and the end of the process.
const DYING: Duration = Duration::from_millis(500);

/// Which frames of a push are kept.
#[derive(Debug, Default, Clone)]
struct Kept {
    pictures: Vec<bool>,
    sounds: Vec<bool>,
}

/// The frames that the assets of one publisher hold.
#[derive(Debug, Default)]
pub struct Ledger {
    kept: BTreeMap<u32, Kept>,
    /// Frames that are there twice.
    doubled: Vec<Mark>,
}

/// What a push lost.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    /// By a kill (else: by how it ended).
    pub killed: bool,
    /// Milliseconds of pictures or of sound at its end, the greater.
    pub tail_ms: u32,
    /// Frames of sound where it began.
    pub sounds_at_join: usize,
}

impl Ledger {
    /// Enters what an asset holds.
    pub fn enter(&mut self, pictures: &[Mark], sounds: &[Mark]) {
        for mark in pictures {
            put(&mut self.kept.entry(mark.push).or_default().pictures, *mark, &mut self.doubled);
        }
        for mark in sounds {
            put(&mut self.kept.entry(mark.push).or_default().sounds, *mark, &mut self.doubled);
        }
    }

    /// The first frame that two assets hold.
    pub fn doubled(&self) -> Option<Mark> {
        self.doubled.first().copied()
    }

    /// Holds a push against what is kept of it; `kills` are all moments of kills. Fails with what is lost against the rules.
    pub fn settle(&self, push: &Push, kills: &[Instant]) -> Result<Loss, String> {
        let kept = self.kept.get(&push.mark.push).cloned().unwrap_or_default();
        let dying = |kill: &Instant| *kill < push.begun && push.ended < *kill + DYING;
        let during = |kill: &Instant| (push.begun..=push.ended + AFTERMATH).contains(kill);
        let kill = kills.iter().copied().find(|kill| during(kill) || dying(kill));
        let (pictures, sounds) = kill.map_or((push.pictures, push.sounds), |kill| push.sent_by(kill));
        let name = format!("publisher {} push {}", push.mark.publisher, push.mark.push);
        let whole = |what: &str, run: &[bool], from: usize| match run.iter().skip(from).position(|kept| !kept) {
            Some(at) => Err(format!("{name}: {what} {} is missing inside what is kept", from + at)),
            None => Ok(()),
        };
        whole("picture", &kept.pictures, 0)?;
        let first = kept.sounds.iter().position(|kept| *kept).unwrap_or(0);
        whole("frame of sound", &kept.sounds, first)?;
        let missing = |sent: u32, run: &[bool]| sent.saturating_sub(u32::try_from(run.len()).unwrap_or(u32::MAX));
        let pictures_ms = missing(pictures, &kept.pictures) * PICTURE_MS;
        let sounds_ms = missing(sounds, &kept.sounds) * 64 / 3;
        let loss = Loss { killed: kill.is_some(), tail_ms: pictures_ms.max(sounds_ms), sounds_at_join: first };
        let allowed = match (kill, push.ending) {
            (Some(_), _) | (None, Ending::Reset) => LOST_MAX_MS,
            (None, Ending::Left | Ending::Superseded) => 0,
            (None, Ending::Lost) => {
                let lasted = push.ended - push.begun;
                return Err(format!("{name}: the server ended it after {lasted:?} without being killed"));
            }
        };
        if loss.tail_ms > allowed {
            let how = if loss.killed { "a kill" } else { "its end" };
            return Err(format!(
                "{name}: {how} ({:?}) cost {pictures_ms} ms of pictures and {sounds_ms} ms of sound of {} pictures; \
                 {allowed} ms are allowed",
                push.ending, pictures
            ));
        }
        if first > SOUND_JOIN_MAX {
            return Err(format!("{name}: {first} frames of sound are missing where it begins"));
        }
        Ok(loss)
    }
}

fn put(run: &mut Vec<bool>, mark: Mark, doubled: &mut Vec<Mark>) {
    let at = usize::try_from(mark.number).unwrap_or(usize::MAX);
    if run.len() <= at {
        run.resize(at + 1, false);
    }
    if std::mem::replace(&mut run[at], true) {
        doubled.push(mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(pictures: u32, ending: Ending) -> Push {
        let mark = Mark { publisher: 1, push: 0, number: 0 };
        Push::of_size(mark, pictures, pictures * 2, ending)
    }

    fn ledger(pictures: std::ops::Range<u32>, sounds: std::ops::Range<u32>) -> Ledger {
        let mark = |number| Mark { publisher: 1, push: 0, number };
        let mut ledger = Ledger::default();
        ledger.enter(&pictures.map(mark).collect::<Vec<_>>(), &sounds.map(mark).collect::<Vec<_>>());
        ledger
    }

    #[tokio::test]
    async fn a_goodbye_may_cost_nothing_and_a_kill_a_second() {
        let left = push(100, Ending::Left);
        assert!(ledger(0..100, 0..200).settle(&left, &[]).is_ok());
        assert!(ledger(0..99, 0..200).settle(&left, &[]).is_err());
        let lost = push(100, Ending::Lost);
        assert!(ledger(0..100, 0..200).settle(&lost, &[]).is_err(), "nobody killed it");
        assert_eq!(ledger(0..75, 0..160).settle(&lost, &[lost.ended]).unwrap().tail_ms, 1_000);
        assert!(ledger(0..74, 0..160).settle(&lost, &[lost.ended]).is_err());
    }

    #[tokio::test]
    async fn a_push_that_a_dying_server_takes_may_be_lost() {
        let lost = push(3, Ending::Lost);
        assert!(ledger(0..0, 0..0).settle(&lost, &[lost.begun - DYING / 2]).is_ok());
        assert!(ledger(0..0, 0..0).settle(&lost, &[lost.begun - DYING * 2]).is_err());
    }

    #[tokio::test]
    async fn a_hole_inside_is_never_allowed() {
        let lost = push(100, Ending::Lost);
        let mut holed = ledger(0..40, 0..200);
        holed.enter(&[Mark { publisher: 1, push: 0, number: 99 }], &[]);
        assert!(holed.settle(&lost, &[lost.ended]).unwrap_err().contains("picture 40 is missing inside"));
        assert!(ledger(0..100, 6..200).settle(&lost, &[lost.ended]).is_err(), "six sounds at the join");
    }

    #[test]
    fn a_frame_in_two_assets_is_found() {
        let mut twice = ledger(0..10, 0..10);
        assert_eq!(twice.doubled(), None);
        twice.enter(&[Mark { publisher: 1, push: 0, number: 9 }], &[]);
        assert_eq!(twice.doubled().unwrap().number, 9);
    }
}
