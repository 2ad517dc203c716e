//! The grid on which encoded sound lies: frames of 1024 samples, counted from the zero of the reel's timeline.
//!
//! All chunks count on one grid, so each frame belongs to exactly one of them, and neither a gap nor an overlap can arise
//! where two meet. A chunk is encoded with [`LEAD_FRAMES`] before its own and [`TAIL_FRAMES`] after: an encoder that starts
//! afresh needs them to sound like one that never stopped (fewer than four click on pure tones).

/// Samples in a frame of AAC LC.
pub const FRAME_SAMPLES: u32 = 1024;
/// Frames that are encoded before a chunk's first and thrown away.
pub const LEAD_FRAMES: u32 = 16;
/// Frames that are encoded after a chunk's last and thrown away.
pub const TAIL_FRAMES: u32 = 2;

/// The first frame that belongs to what begins at `begin` (90 kHz ticks of the reel's timeline), at `rate` samples per
/// second: the one whose begin lies nearest, so that sound is never more than half a frame off its picture's border.
pub fn first_frame(begin: i64, rate: u32) -> i64 {
    let frame = i128::from(FRAME_SAMPLES) * 90_000;
    let at = i128::from(begin) * i128::from(rate);
    i64::try_from((at * 2 + frame).div_euclid(frame * 2)).unwrap_or(i64::MAX)
}

/// The sample at which a frame begins.
pub fn frame_begin(frame: i64) -> i64 {
    frame.saturating_mul(i64::from(FRAME_SAMPLES))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_frame_belongs_to_one_chunk_and_lies_near_its_border(
            begin in 0i64..90_000 * 86_400 * 30, length in 1i64..90_000 * 60, rate in 8_000u32..96_001,
        ) {
            let (first, next) = (first_frame(begin, rate), first_frame(begin + length, rate));
            prop_assert!(first <= next);
            let off = i128::from(frame_begin(first)) * 90_000 - i128::from(begin) * i128::from(rate);
            prop_assert!(off.abs() * 2 <= 1024 * 90_000);
        }
    }
}
