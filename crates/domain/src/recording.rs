//! The recording machine: when a cycle opens, is cut, waits for its publisher, and is sealed (contract §6).
//!
//! One machine per recording. It takes an event and the time and gives the effects to carry out, in order. It never waits
//! and never asks: the service maps media onto the recording's timeline and tells where it could be cut.

use std::mem;
use std::time::Duration;

use units::{Mono, PushId};

/// Ticks a second of the recording's timeline (90 kHz, [`units::Timescale::REEL`]).
const TICKS_PER_SECOND: i128 = 90_000;

/// The part of a rule that the machine follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// A cycle is cut at the first possible point at or after this length of recorded media.
    pub cycle_length: Duration,
    /// How long a lost push may come back and goes on as the same recording. A push that comes at the last instant is
    /// too late.
    pub grace: Duration,
}

/// Which cycle of its recording, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Cycle(pub u32);

/// A point on the recording's timeline in ticks; it runs on across pushes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct At(pub i64);

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// A publisher feeds the recording from now on; one that did before does so no longer.
    PushStarted(PushId),
    /// The media can be cut here: a key frame, or any frame where there are no pictures.
    CutPoint(At),
    /// A publisher is gone.
    PushLost(PushId),
    /// The recording is to end now, grace or not.
    EndAsked,
    /// Nothing happened but time.
    Tick,
}

/// What is to be done. Doing one twice is doing it once: each names its cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Cut here: what follows belongs to this cycle.
    OpenCycle {
        /// Which.
        cycle: Cycle,
        /// Where it begins.
        at: At,
    },
    /// This cycle is complete: make it an asset.
    SealCycle {
        /// Which.
        cycle: Cycle,
    },
    /// Make all that was taken durable and wait; the recording is given up after the grace.
    Interrupt {
        /// The cycle that stays open.
        cycle: Cycle,
    },
    /// The publisher is back: the cycle goes on.
    Resume {
        /// Which.
        cycle: Cycle,
    },
    /// The recording is over.
    EndRecording {
        /// How many cycles it had; 0 when no media ever came.
        cycles: u32,
    },
}

/// Where a recording is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// A push is there, but no media that could begin a cycle.
    Waiting {
        /// Whose media is awaited.
        push: PushId,
    },
    /// A cycle grows.
    Live {
        /// Who feeds it.
        push: PushId,
        /// Which cycle.
        cycle: Cycle,
        /// Where it began.
        began: At,
    },
    /// The push is lost and may come back.
    Interrupted {
        /// The cycle that waits.
        cycle: Cycle,
        /// Where it began.
        began: At,
        /// When it waits no longer.
        give_up_at: Mono,
    },
    /// Over.
    Ended,
}

/// One recording, from its first push to the end of its grace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    policy: Policy,
    state: State,
}

impl Recording {
    /// A recording that begins with this push.
    pub const fn begin(policy: Policy, push: PushId) -> Self {
        Self { policy, state: State::Waiting { push } }
    }

    /// A recording found open at the start of the service: its cycle waits for a push until `give_up_at`.
    pub const fn recover(policy: Policy, cycle: Cycle, began: At, give_up_at: Mono) -> Self {
        Self { policy, state: State::Interrupted { cycle, began, give_up_at } }
    }

    /// Where it is.
    pub const fn state(&self) -> State {
        self.state
    }

    /// When to send [`Event::Tick`].
    pub const fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Interrupted { give_up_at, .. } => Some(give_up_at),
            State::Waiting { .. } | State::Live { .. } | State::Ended => None,
        }
    }

    /// Whether a cut point here would cut: the cycle has its length, or none is open yet.
    pub fn would_cut(&self, at: At) -> bool {
        match self.state {
            State::Waiting { .. } => true,
            State::Live { began, .. } => is_full(began, at, self.policy.cycle_length),
            State::Interrupted { .. } | State::Ended => false,
        }
    }

    /// Takes an event and gives what is to be done, in order.
    pub fn handle(&mut self, now: Mono, event: Event) -> Vec<Effect> {
        use Event::{CutPoint, EndAsked, PushLost, PushStarted, Tick};
        use State::{Ended, Interrupted, Live, Waiting};
        let mut out = Vec::new();
        self.state = match (mem::replace(&mut self.state, Ended), event) {
            (Waiting { .. }, PushStarted(push)) => Waiting { push },
            (Waiting { push }, CutPoint(at)) => {
                out.push(Effect::OpenCycle { cycle: Cycle(0), at });
                Live { push, cycle: Cycle(0), began: at }
            }
            (Waiting { push }, PushLost(lost)) if lost != push => Waiting { push },
            (Waiting { .. }, PushLost(_) | EndAsked) => {
                out.push(Effect::EndRecording { cycles: 0 });
                Ended
            }
            (Waiting { push }, Tick) => Waiting { push },

            (Live { cycle, began, .. }, PushStarted(push)) => Live { push, cycle, began },
            (Live { push, cycle, began }, CutPoint(at)) if is_full(began, at, self.policy.cycle_length) => {
                let next = Cycle(cycle.0.saturating_add(1));
                out.extend([Effect::SealCycle { cycle }, Effect::OpenCycle { cycle: next, at }]);
                Live { push, cycle: next, began: at }
            }
            (Live { push, cycle, began }, CutPoint(_) | Tick) => Live { push, cycle, began },
            (Live { push, cycle, began }, PushLost(lost)) if lost != push => Live { push, cycle, began },
            (Live { cycle, began, .. }, PushLost(_)) => {
                out.push(Effect::Interrupt { cycle });
                Interrupted { cycle, began, give_up_at: now.after(self.policy.grace) }
            }
            (Live { cycle, .. }, EndAsked) => seal_and_end(&mut out, cycle),

            (Interrupted { cycle, give_up_at, .. }, Tick | PushStarted(_)) if now >= give_up_at => {
                seal_and_end(&mut out, cycle) // the service opens a new recording for a push that came too late
            }
            (Interrupted { cycle, began, .. }, PushStarted(push)) => {
                out.push(Effect::Resume { cycle });
                Live { push, cycle, began }
            }
            (Interrupted { cycle, .. }, EndAsked) => seal_and_end(&mut out, cycle),
            // Media or a loss of a push that was given up already.
            (Interrupted { cycle, began, give_up_at }, Tick | CutPoint(_) | PushLost(_)) => {
                Interrupted { cycle, began, give_up_at }
            }

            // News that comes too late to matter; listed, so that a new event must be placed.
            (Ended, PushStarted(_) | CutPoint(_) | PushLost(_) | EndAsked | Tick) => Ended,
        };
        out
    }
}

fn seal_and_end(out: &mut Vec<Effect>, cycle: Cycle) -> State {
    out.extend([Effect::SealCycle { cycle }, Effect::EndRecording { cycles: cycle.0.saturating_add(1) }]);
    State::Ended
}

fn is_full(began: At, at: At, length: Duration) -> bool {
    let ticks = i128::from(at.0) - i128::from(began.0);
    let nanos = i128::try_from(length.as_nanos()).unwrap_or(i128::MAX);
    ticks.saturating_mul(1_000_000_000) >= nanos.saturating_mul(TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POLICY: Policy = Policy { cycle_length: Duration::from_secs(20), grace: Duration::from_secs(180) };

    fn push(number: u128) -> PushId {
        PushId::from_u128(number)
    }

    fn second(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    fn at(seconds: i64) -> At {
        At(seconds * 90_000)
    }

    fn live() -> Recording {
        let mut recording = Recording::begin(POLICY, push(1));
        assert_eq!(
            recording.handle(second(0), Event::CutPoint(at(1))),
            [Effect::OpenCycle { cycle: Cycle(0), at: at(1) }]
        );
        recording
    }

    #[test]
    fn a_cycle_is_cut_at_the_first_key_frame_at_or_after_its_length() {
        let mut recording = live();
        assert_eq!(recording.handle(second(19), Event::CutPoint(At(at(21).0 - 1))), []);
        let next = Effect::OpenCycle { cycle: Cycle(1), at: at(21) };
        assert_eq!(
            recording.handle(second(20), Event::CutPoint(at(21))),
            [Effect::SealCycle { cycle: Cycle(0) }, next]
        );
    }

    #[test]
    fn a_reconnect_one_second_before_the_grace_ends_continues_the_same_cycle() {
        let mut recording = live();
        assert_eq!(recording.handle(second(10), Event::PushLost(push(1))), [Effect::Interrupt { cycle: Cycle(0) }]);
        assert_eq!(recording.deadline(), Some(second(190)));
        assert_eq!(recording.handle(second(189), Event::PushStarted(push(2))), [Effect::Resume { cycle: Cycle(0) }]);
        assert_eq!(recording.deadline(), None);
    }

    #[test]
    fn a_push_that_comes_when_the_grace_is_over_finds_the_recording_ended() {
        let mut recording = live();
        recording.handle(second(10), Event::PushLost(push(1)));
        let ended = [Effect::SealCycle { cycle: Cycle(0) }, Effect::EndRecording { cycles: 1 }];
        assert_eq!(recording.handle(second(190), Event::PushStarted(push(2))), ended);
        assert_eq!(recording.state(), State::Ended);
    }

    #[test]
    fn the_loss_of_a_superseded_push_does_not_interrupt() {
        let mut recording = live();
        assert_eq!(recording.handle(second(5), Event::PushStarted(push(2))), []);
        assert_eq!(recording.handle(second(6), Event::PushLost(push(1))), []);
        assert_eq!(recording.handle(second(7), Event::PushLost(push(2))), [Effect::Interrupt { cycle: Cycle(0) }]);
    }

    #[test]
    fn a_push_without_media_leaves_no_cycle() {
        let mut recording = Recording::begin(POLICY, push(1));
        assert_eq!(recording.handle(second(5), Event::PushLost(push(1))), [Effect::EndRecording { cycles: 0 }]);
    }

    #[test]
    fn a_recovered_recording_waits_out_its_grace_and_is_sealed() {
        let mut recording = Recording::recover(POLICY, Cycle(3), at(61), second(60));
        assert_eq!(recording.handle(second(59), Event::Tick), []);
        let ended = [Effect::SealCycle { cycle: Cycle(3) }, Effect::EndRecording { cycles: 4 }];
        assert_eq!(recording.handle(second(60), Event::Tick), ended);
    }

    proptest! {
        #[test]
        fn every_opened_cycle_is_sealed_once_under_any_schedule(steps in prop::collection::vec((0u8..5, 0u64..300, 0i64..60, 1u128..4), 0..200)) {
            let mut recording = Recording::begin(POLICY, push(1));
            let (mut now, mut media, mut open, mut next, mut ended) = (0, 0, None, 0u32, false);
            let end = [(4, 0, 0, 1), (3, 0, 0, 1)];
            for (kind, wait, length, who) in steps.into_iter().chain(end) {
                now += wait;
                media += length;
                let event = match kind {
                    0 => Event::PushStarted(push(who)),
                    1 => Event::CutPoint(at(media)),
                    2 => Event::PushLost(push(who)),
                    3 => Event::Tick,
                    // Rarely before the last step, so that schedules are long.
                    _ if wait % 50 != 0 => Event::Tick,
                    _ => Event::EndAsked,
                };
                for effect in recording.handle(second(now), event) {
                    prop_assert!(!ended, "{effect:?} after the end");
                    match effect {
                        Effect::OpenCycle { cycle, at } => {
                            prop_assert_eq!((open, cycle.0, at), (None, next, self::at(media)));
                            (open, next) = (Some(cycle), next + 1);
                        }
                        Effect::SealCycle { cycle } => {
                            prop_assert_eq!(open, Some(cycle));
                            open = None;
                        }
                        Effect::Interrupt { cycle } | Effect::Resume { cycle } => prop_assert_eq!(open, Some(cycle)),
                        Effect::EndRecording { cycles } => {
                            prop_assert_eq!((open, cycles), (None, next));
                            ended = true;
                        }
                    }
                }
            }
            prop_assert!(ended && open.is_none());
        }
    }
}
