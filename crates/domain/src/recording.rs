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
    /// Somebody wants the push to be recorded: what was stopped goes on.
    StartAsked(PushId),
    /// Somebody wants no more to be recorded. The cycle waits out the grace, and only [`Event::StartAsked`] goes on with it.
    StopAsked,
    /// Somebody wants the cycle that grows to be an asset, and what follows another: it is cut at the next possible point.
    /// What was stopped is over; the service begins a new recording.
    RestartAsked,
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
    /// It was stopped: only [`Event::StartAsked`] goes on with this cycle, also after a crash.
    Stop {
        /// The cycle that waits.
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
        /// It is to be cut at the next possible point, whatever its length.
        cut_asked: bool,
    },
    /// The push is lost and may come back, or recording was stopped and may be started again.
    Interrupted {
        /// The cycle that waits.
        cycle: Cycle,
        /// Where it began.
        began: At,
        /// When it waits no longer.
        give_up_at: Mono,
        /// It was stopped: a push that comes back is not recorded.
        stopped: bool,
        /// See [`State::Live`].
        cut_asked: bool,
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
        Self { policy, state: State::Interrupted { cycle, began, give_up_at, stopped: false, cut_asked: false } }
    }

    /// Like [`recover`](Self::recover), one that had been stopped.
    pub const fn recover_stopped(policy: Policy, cycle: Cycle, began: At, give_up_at: Mono) -> Self {
        Self { policy, state: State::Interrupted { cycle, began, give_up_at, stopped: true, cut_asked: false } }
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
            State::Live { began, cut_asked, .. } => cut_asked || is_full(began, at, self.policy.cycle_length),
            State::Interrupted { .. } | State::Ended => false,
        }
    }

    /// Takes an event and gives what is to be done, in order.
    pub fn handle(&mut self, now: Mono, event: Event) -> Vec<Effect> {
        use Event::{CutPoint, EndAsked, PushLost, PushStarted, RestartAsked, StartAsked, StopAsked, Tick};
        use State::{Ended, Interrupted, Live, Waiting};
        let mut out = Vec::new();
        self.state = match (mem::replace(&mut self.state, Ended), event) {
            (Waiting { .. }, PushStarted(push) | StartAsked(push)) => Waiting { push },
            (Waiting { push }, CutPoint(at)) => {
                out.push(Effect::OpenCycle { cycle: Cycle(0), at });
                Live { push, cycle: Cycle(0), began: at, cut_asked: false }
            }
            (Waiting { push }, PushLost(lost)) if lost != push => Waiting { push },
            (Waiting { .. }, PushLost(_) | StopAsked | EndAsked) => {
                out.push(Effect::EndRecording { cycles: 0 });
                Ended
            }
            (Waiting { push }, RestartAsked | Tick) => Waiting { push },

            (Live { cycle, began, cut_asked, .. }, PushStarted(push) | StartAsked(push)) => {
                Live { push, cycle, began, cut_asked }
            }
            (Live { push, cycle, began, cut_asked }, CutPoint(at))
                if cut_asked || is_full(began, at, self.policy.cycle_length) =>
            {
                let next = Cycle(cycle.0.saturating_add(1));
                out.extend([Effect::SealCycle { cycle }, Effect::OpenCycle { cycle: next, at }]);
                Live { push, cycle: next, began: at, cut_asked: false }
            }
            (live @ Live { .. }, CutPoint(_) | Tick) => live,
            (live @ Live { push, .. }, PushLost(lost)) if lost != push => live,
            (Live { push, cycle, began, .. }, RestartAsked) => Live { push, cycle, began, cut_asked: true },
            (Live { cycle, began, cut_asked, .. }, PushLost(_) | StopAsked) => {
                out.push(Effect::Interrupt { cycle });
                let (give_up_at, stopped) = (now.after(self.policy.grace), event == StopAsked);
                out.extend(stopped.then_some(Effect::Stop { cycle }));
                Interrupted { cycle, began, give_up_at, stopped, cut_asked }
            }
            (Live { cycle, .. }, EndAsked) => seal_and_end(&mut out, cycle),

            (
                Interrupted { cycle, give_up_at, .. },
                Tick | PushStarted(_) | StartAsked(_) | StopAsked | RestartAsked,
            ) if now >= give_up_at => {
                seal_and_end(&mut out, cycle) // the service opens a new recording for what came too late
            }
            (stopped @ Interrupted { stopped: true, .. }, PushStarted(_)) => stopped,
            (Interrupted { cycle, began, cut_asked, .. }, PushStarted(push) | StartAsked(push)) => {
                out.push(Effect::Resume { cycle });
                Live { push, cycle, began, cut_asked }
            }
            (Interrupted { cycle, began, give_up_at, cut_asked, .. }, StopAsked) => {
                out.push(Effect::Stop { cycle });
                Interrupted { cycle, began, give_up_at, stopped: true, cut_asked }
            }
            (Interrupted { cycle, .. }, RestartAsked | EndAsked) => seal_and_end(&mut out, cycle),
            // Media or a loss of a push that was given up already.
            (waiting @ Interrupted { .. }, Tick | CutPoint(_) | PushLost(_)) => waiting,

            // News that comes too late to matter; listed, so that a new event must be placed.
            (
                Ended,
                PushStarted(_) | CutPoint(_) | PushLost(_) | StartAsked(_) | StopAsked | RestartAsked | EndAsked | Tick,
            ) => Ended,
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

    #[test]
    fn a_push_that_comes_back_a_second_before_the_delay_time_is_the_same_asset_and_a_second_after_it_another() {
        for (away, same) in [(1, true), (30, true), (179, true), (180, false), (181, false)] {
            let mut recording = live();
            recording.handle(second(10), Event::PushLost(push(1)));
            let back = recording.handle(second(10 + away), Event::PushStarted(push(2)));
            let resumed = back == [Effect::Resume { cycle: Cycle(0) }];
            let ended = back == [Effect::SealCycle { cycle: Cycle(0) }, Effect::EndRecording { cycles: 1 }];
            assert!(resumed == same && ended != same, "away for {away} s: {back:?}");
        }
    }

    #[test]
    fn a_cycle_that_gets_full_while_the_push_is_away_is_cut_at_the_first_key_frame_of_its_return() {
        let mut recording = live();
        recording.handle(second(19), Event::PushLost(push(1)));
        recording.handle(second(60), Event::PushStarted(push(2)));
        let cut = [Effect::SealCycle { cycle: Cycle(0) }, Effect::OpenCycle { cycle: Cycle(1), at: at(21) }];
        assert_eq!(recording.handle(second(60), Event::CutPoint(at(21))), cut);
        // The grace ends: the second cycle is sealed, and no third was opened for it.
        recording.handle(second(61), Event::PushLost(push(2)));
        let ended = [Effect::SealCycle { cycle: Cycle(1) }, Effect::EndRecording { cycles: 2 }];
        assert_eq!(recording.handle(second(241), Event::Tick), ended);
    }

    #[test]
    fn what_was_stopped_waits_for_a_start_and_not_for_a_push() {
        let mut recording = live();
        let stopped = [Effect::Interrupt { cycle: Cycle(0) }, Effect::Stop { cycle: Cycle(0) }];
        assert_eq!(recording.handle(second(10), Event::StopAsked), stopped);
        assert_eq!(recording.handle(second(20), Event::PushLost(push(1))), []);
        assert_eq!(recording.handle(second(21), Event::PushStarted(push(2))), []);
        assert_eq!(recording.handle(second(22), Event::CutPoint(at(9))), []);
        assert_eq!(recording.handle(second(189), Event::StartAsked(push(2))), [Effect::Resume { cycle: Cycle(0) }]);
        assert_eq!(recording.handle(second(190), Event::PushLost(push(2))), [Effect::Interrupt { cycle: Cycle(0) }]);
        assert_eq!(recording.handle(second(191), Event::PushStarted(push(3))), [Effect::Resume { cycle: Cycle(0) }]);
    }

    #[test]
    fn what_was_stopped_is_sealed_after_the_grace_or_when_the_delay_is_cancelled() {
        let ended = [Effect::SealCycle { cycle: Cycle(0) }, Effect::EndRecording { cycles: 1 }];
        let mut recording = live();
        recording.handle(second(10), Event::StopAsked);
        assert_eq!(recording.deadline(), Some(second(190)));
        assert_eq!(recording.clone().handle(second(190), Event::Tick), ended);
        assert_eq!(recording.clone().handle(second(190), Event::StartAsked(push(1))), ended);
        assert_eq!(recording.handle(second(11), Event::EndAsked), ended);
    }

    #[test]
    fn a_lost_push_that_is_stopped_does_not_go_on_when_it_returns() {
        let mut recording = live();
        recording.handle(second(10), Event::PushLost(push(1)));
        assert_eq!(recording.handle(second(20), Event::StopAsked), [Effect::Stop { cycle: Cycle(0) }]);
        assert_eq!(recording.handle(second(30), Event::PushStarted(push(2))), []);
        assert_eq!(recording.deadline(), Some(second(190)), "the grace runs from the loss");
    }

    #[test]
    fn a_restart_cuts_at_the_next_key_frame_once_and_survives_a_loss() {
        let mut recording = live();
        assert_eq!(recording.handle(second(3), Event::RestartAsked), []);
        assert!(recording.would_cut(at(4)));
        recording.handle(second(3), Event::PushLost(push(1)));
        recording.handle(second(5), Event::PushStarted(push(2)));
        let cut = [Effect::SealCycle { cycle: Cycle(0) }, Effect::OpenCycle { cycle: Cycle(1), at: at(4) }];
        assert_eq!(recording.handle(second(5), Event::CutPoint(at(4))), cut);
        assert_eq!(recording.handle(second(6), Event::CutPoint(at(5))), []);
        recording.handle(second(7), Event::StopAsked);
        let ended = [Effect::SealCycle { cycle: Cycle(1) }, Effect::EndRecording { cycles: 2 }];
        assert_eq!(recording.handle(second(8), Event::RestartAsked), ended);
    }

    #[test]
    fn a_start_that_is_stopped_before_media_leaves_no_cycle() {
        let mut recording = Recording::begin(POLICY, push(1));
        assert_eq!(recording.handle(second(5), Event::StopAsked), [Effect::EndRecording { cycles: 0 }]);
    }

    #[test]
    fn a_recording_that_was_stopped_before_a_restart_of_the_service_stays_stopped() {
        let mut recording = Recording::recover_stopped(POLICY, Cycle(3), at(61), second(60));
        assert_eq!(recording.handle(second(59), Event::PushStarted(push(1))), []);
        assert_eq!(recording.handle(second(59), Event::StartAsked(push(1))), [Effect::Resume { cycle: Cycle(3) }]);
    }

    proptest! {
        #[test]
        fn every_opened_cycle_is_sealed_once_under_any_schedule(steps in prop::collection::vec((0u8..8, 0u64..300, 0i64..60, 1u128..4), 0..200)) {
            let mut recording = Recording::begin(POLICY, push(1));
            let (mut now, mut media, mut open, mut next, mut ended, mut stopped) = (0, 0, None, 0u32, false, false);
            let end = [(7, 0, 0, 1), (3, 0, 0, 1)];
            for (kind, wait, length, who) in steps.into_iter().chain(end) {
                now += wait;
                media += length;
                let event = match kind {
                    0 => Event::PushStarted(push(who)),
                    1 => Event::CutPoint(at(media)),
                    2 => Event::PushLost(push(who)),
                    3 => Event::Tick,
                    4 => Event::StartAsked(push(who)),
                    5 => Event::StopAsked,
                    6 => Event::RestartAsked,
                    // Rarely before the last step, so that schedules are long.
                    _ if wait % 50 != 0 => Event::Tick,
                    _ => Event::EndAsked,
                };
                let effects = recording.handle(second(now), event);
                stopped = match event {
                    Event::StopAsked => true,
                    Event::StartAsked(_) => false,
                    _ => stopped,
                };
                for effect in effects {
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
                        Effect::Interrupt { cycle } | Effect::Stop { cycle } => prop_assert_eq!(open, Some(cycle)),
                        Effect::Resume { cycle } => {
                            prop_assert_eq!(open, Some(cycle));
                            prop_assert!(!stopped, "went on though it was stopped");
                        }
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
