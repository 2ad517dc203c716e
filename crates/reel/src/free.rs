//! Which segments of a reel may be removed: the one decision that destroys media, so it is made here, from values alone.

use crate::index::ReelIndex;

/// A stretch of a reel's timeline: the segments that begin in `[from, to)`, in 90 kHz ticks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stretch {
    /// From where.
    pub from: i64,
    /// To where, not included.
    pub to: i64,
}

impl Stretch {
    /// Whether a segment that begins at `begin` belongs to it.
    pub const fn holds(&self, begin: i64) -> bool {
        self.from <= begin && begin < self.to
    }
}

/// What is known of the need for a reel's media, at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Needs {
    /// What assets are made of, and what deleted ones can still be restored from.
    pub needed: Vec<Stretch>,
    /// What deleted assets were made of, that nobody can bring back any more.
    pub given_up: Vec<Stretch>,
    /// The reel grows: its newest segments stay, whatever is said of them.
    pub grows: bool,
}

/// Segments at the end of a growing reel that always stay: what its recording needs to be taken up after a crash is among
/// them (rows of the index that may be unsynced: 16), and the live edge.
pub const GROWING_TAIL: usize = 64;

/// The numbers of the segments that may be removed: those that begin in what was given up, and in nothing that is needed.
/// Media that nobody ever claimed stays.
pub fn freeable(index: &ReelIndex, needs: &Needs) -> Vec<u32> {
    let tail = if needs.grows { GROWING_TAIL } else { 0 };
    let count = index.segments.len().saturating_sub(tail);
    let may_go = |begin: i64| {
        needs.given_up.iter().any(|stretch| stretch.holds(begin))
            && !needs.needed.iter().any(|stretch| stretch.holds(begin))
    };
    index.segments.iter().take(count).filter(|row| may_go(row.begin)).map(|row| row.number).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use units::WallTime;

    use super::*;
    use crate::segment::{Join, PageRef, SegmentRow};

    const LENGTH: i64 = 360_000;
    /// How long a deleted asset can be restored, and how long a view may go on that began before; in steps.
    const WINDOW: u64 = 5;

    fn row(number: u32) -> SegmentRow {
        let begin = 90_000 + i64::from(number) * LENGTH;
        SegmentRow {
            number,
            cycle: 0,
            epoch: 0,
            bytes: 1,
            wall: WallTime::from_unix_s(0),
            join: Join::Continuous,
            begin,
            end: begin + LENGTH,
            video: None,
            audio: None,
            page: PageRef { at: 0, len: 0, crc: 0 },
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// The reel grows by some segments, the last cycle becomes an asset.
        Cycle(u32),
        /// An asset is made of a part of a living one: a clip, or of it and the next: composed.
        Derive(prop::sample::Index, u32, u32),
        Delete(prop::sample::Index),
        Restore(prop::sample::Index),
        /// Somebody begins to watch a living asset.
        Watch(prop::sample::Index),
        Reconcile,
        /// The reconciler dies after so many removals.
        ReconcileAndCrash(usize),
        EndRecording,
        Wait(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let some = || any::<prop::sample::Index>();
        prop_oneof![
            4 => (1u32..60).prop_map(Step::Cycle),
            3 => (some(), 0u32..50, 1u32..80).prop_map(|(of, from, length)| Step::Derive(of, from, length)),
            4 => some().prop_map(Step::Delete),
            2 => some().prop_map(Step::Restore),
            2 => some().prop_map(Step::Watch),
            4 => Just(Step::Reconcile),
            2 => (0usize..10).prop_map(Step::ReconcileAndCrash),
            1 => Just(Step::EndRecording),
            4 => (1u64..8).prop_map(Step::Wait),
        ]
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Life {
        Living,
        /// Since when.
        Deleted(u64),
        GivenUp,
    }

    #[derive(Default)]
    struct World {
        now: u64,
        index: ReelIndex,
        ended: bool,
        assets: Vec<(Stretch, Life)>,
        /// What is being watched, and until when at most.
        views: Vec<(Stretch, u64)>,
        removed: BTreeSet<u32>,
    }

    impl World {
        fn pick(&self, of: &prop::sample::Index, fits: impl Fn(Life) -> bool) -> Option<usize> {
            let fitting: Vec<usize> = (0..self.assets.len()).filter(|at| fits(self.assets[*at].1)).collect();
            (!fitting.is_empty()).then(|| fitting[of.index(fitting.len())])
        }

        fn take(&mut self, step: &Step) {
            match step {
                Step::Cycle(segments) if !self.ended => {
                    let first = u32::try_from(self.index.segments.len()).unwrap();
                    self.index.segments.extend((first..first + segments).map(row));
                    let stretch = Stretch { from: row(first).begin, to: row(first + segments).begin };
                    self.assets.push((stretch, Life::Living));
                }
                Step::Derive(of, from, length) => {
                    if let Some(of) = self.pick(of, |life| life == Life::Living) {
                        let source = self.assets[of].0;
                        let from = source.from + i64::from(*from) * LENGTH / 3;
                        // Only what the source has may be claimed, and what living ones have after it.
                        let mut to = source.to;
                        while let Some(next) =
                            self.assets.iter().find(|(s, life)| s.from == to && *life == Life::Living)
                        {
                            to = next.0.to;
                        }
                        let to = to.min(from + i64::from(*length) * LENGTH / 3);
                        if from < to && from < source.to {
                            self.assets.push((Stretch { from, to }, Life::Living));
                        }
                    }
                }
                Step::Delete(of) => {
                    if let Some(of) = self.pick(of, |life| life == Life::Living) {
                        self.assets[of].1 = Life::Deleted(self.now);
                    }
                }
                Step::Restore(of) => {
                    if let Some(of) = self.pick(of, |life| matches!(life, Life::Deleted(_))) {
                        self.assets[of].1 = Life::Living;
                    }
                }
                Step::Watch(of) => {
                    if let Some(of) = self.pick(of, |life| life == Life::Living) {
                        self.views.push((self.assets[of].0, u64::MAX));
                    }
                }
                Step::Reconcile => self.reconcile(usize::MAX),
                Step::ReconcileAndCrash(after) => self.reconcile(*after),
                Step::EndRecording => self.ended = true,
                Step::Wait(steps) => self.now += steps,
                Step::Cycle(_) => {}
            }
            // A view of what is no asset any more ends within the window.
            let living = |stretch: &Stretch| self.assets.iter().any(|(s, life)| s == stretch && *life == Life::Living);
            for (stretch, until) in &mut self.views {
                *until = if living(stretch) { u64::MAX } else { (*until).min(self.now + WINDOW) };
            }
        }

        /// As the worker does it: first what is given up is noted, then what follows is removed.
        fn reconcile(&mut self, removals: usize) {
            let now = self.now;
            for (_, life) in &mut self.assets {
                if matches!(life, Life::Deleted(since) if now > *since + WINDOW) {
                    *life = Life::GivenUp;
                }
            }
            let of = |given_up: bool| {
                let fits = self.assets.iter().filter(move |(_, life)| (*life == Life::GivenUp) == given_up);
                fits.map(|(stretch, _)| *stretch).collect()
            };
            let needs = Needs { needed: of(false), given_up: of(true), grows: !self.ended };
            self.removed.extend(freeable(&self.index, &needs).into_iter().take(removals));
        }

        fn missing(&self, stretch: &Stretch) -> Vec<u32> {
            let rows = self.index.between(stretch.from, stretch.to).iter().map(|row| row.number);
            rows.filter(|number| self.removed.contains(number)).collect()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
        #[test]
        fn nothing_that_anybody_needs_is_ever_removed_and_in_the_end_all_the_rest_is(
            steps in prop::collection::vec(step(), 1..80)
        ) {
            let mut world = World::default();
            for step in &steps {
                world.take(step);
                for (stretch, life) in &world.assets {
                    prop_assert!(*life == Life::GivenUp || world.missing(stretch).is_empty(), "{stretch:?} {life:?}");
                }
                for (stretch, until) in &world.views {
                    prop_assert!(*until < world.now || world.missing(stretch).is_empty(), "watched {stretch:?}");
                }
                if !world.ended {
                    let tail = world.index.segments.iter().rev().take(GROWING_TAIL);
                    prop_assert!(tail.into_iter().all(|row| !world.removed.contains(&row.number)));
                }
            }
            // Everything is deleted and nobody wants it back: nothing is left.
            for (_, life) in &mut world.assets {
                if *life == Life::Living {
                    *life = Life::Deleted(world.now);
                }
            }
            for step in [Step::EndRecording, Step::Wait(WINDOW + 1), Step::Reconcile] {
                world.take(&step);
            }
            prop_assert_eq!(world.removed.len(), world.index.segments.len());
        }
    }

    #[test]
    fn media_that_no_asset_ever_had_stays() {
        let index = ReelIndex { segments: (0..4).map(row).collect(), ..ReelIndex::default() };
        let given_up = vec![Stretch { from: row(1).begin, to: row(2).begin }];
        assert_eq!(freeable(&index, &Needs { given_up, ..Needs::default() }), [1]);
    }
}
