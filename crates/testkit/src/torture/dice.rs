//! Chance that a seed repeats.

use std::time::Duration;

/// A stream of numbers that look random (SplitMix64); the same for the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// Dice of a seed; `lane` tells those of one seed apart.
    pub fn new(seed: u64, lane: u64) -> Self {
        let mut dice = Self(seed ^ lane.wrapping_mul(0xd134_2543_de82_ef95));
        dice.roll();
        dice
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `from` up to, not including, `to`; `from` when there is none between.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        let roll = self.roll();
        from + if to > from { roll % (to - from) } else { 0 }
    }

    /// Whether a thing that happens `per_cent` times in a hundred happens now.
    pub fn happens(&mut self, per_cent: u64) -> bool {
        self.between(0, 100) < per_cent
    }

    /// A time from `from_ms` up to `to_ms` milliseconds.
    pub fn millis(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        Duration::from_millis(self.between(from_ms, to_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_lanes_differ() {
        let throw = |seed, lane| {
            let mut dice = Dice::new(seed, lane);
            [dice.roll(), dice.roll(), dice.between(5, 9)]
        };
        assert_eq!(throw(1, 2), throw(1, 2));
        assert_ne!(throw(1, 2), throw(1, 3));
        assert!((5..9).contains(&throw(1, 2)[2]));
    }
}
