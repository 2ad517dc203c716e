//! The grid on which encoded sound lies: frames counted from the zero of the reel's timeline.
//!
//! All chunks count on one grid, so each frame belongs to exactly one of them, and neither a gap nor an overlap can arise
//! where two meet. A chunk is encoded with some frames before its own and some after: an encoder that starts afresh needs them
//! to sound like one that never stopped.

use codec::{AudioCodec, Mp3Config};

use crate::resolve::AudioEncoding;

/// Samples by which what LAME makes of a sample is later than that sample, in its encoder and any decoder together.
const MP3_DELAY: u32 = 1_105;

/// How an encoder lays its frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Framing {
    /// Samples of a frame.
    pub frame: u32,
    /// Frames that are encoded before a chunk's first and thrown away. AAC with fewer than four clicks on pure tones.
    pub lead: u32,
    /// Frames that are encoded after a chunk's last and thrown away.
    pub tail: u32,
    /// Frames that the encoder puts before the first of what it is given.
    pub priming: u32,
    /// By how many samples earlier it is begun, so that its frames fall on the grid.
    pub early: u32,
}

impl Framing {
    /// That of an encoding.
    pub fn of(audio: &AudioEncoding) -> Self {
        match audio.codec {
            AudioCodec::Aac => Self { frame: 1_024, lead: 16, tail: 2, priming: 1, early: 0 },
            AudioCodec::Mp3 => {
                let frame = Mp3Config { sample_rate: audio.sample_rate, channels: 2, kbps: 0 }.frame_samples();
                let priming = MP3_DELAY.div_ceil(frame);
                // Of MP3 without a bit reservoir two frames of 1152 samples are enough.
                let lead = 2 * 1_152 / frame;
                Self { frame, lead, tail: lead / 2, priming, early: priming * frame - MP3_DELAY }
            }
        }
    }

    /// The frames that are encoded for a chunk from `begin` to `end` (90 kHz ticks), at `rate` samples per second: the first,
    /// and one past the last.
    pub fn encoded(&self, chunk: (i64, i64), rate: u32) -> (i64, i64) {
        let first = first_frame(chunk.0, rate, self.frame).saturating_sub(i64::from(self.lead));
        (first, first_frame(chunk.1, rate, self.frame).saturating_add(i64::from(self.tail)))
    }
}

/// The first frame that belongs to what begins at `begin` (90 kHz ticks of the reel's timeline), at `rate` samples per
/// second: the one whose begin lies nearest, so that sound is never more than half a frame off its picture's border.
pub fn first_frame(begin: i64, rate: u32, frame: u32) -> i64 {
    let frame = i128::from(frame.max(1)) * 90_000;
    let at = i128::from(begin) * i128::from(rate);
    i64::try_from((at * 2 + frame).div_euclid(frame * 2)).unwrap_or(i64::MAX)
}

/// The sample at which a frame begins.
pub fn frame_begin(number: i64, frame: u32) -> i64 {
    number.saturating_mul(i64::from(frame))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_mp3_encoder_begins_so_that_its_frames_fall_on_the_grid() {
        for sample_rate in [22_050, 32_000, 44_100, 48_000] {
            let audio = AudioEncoding { codec: AudioCodec::Mp3, kbps: 128, sample_rate, channels: 2, volume_db: 0 };
            let framing = Framing::of(&audio);
            assert_eq!((framing.early + MP3_DELAY) % framing.frame, 0);
            assert_eq!((framing.early + MP3_DELAY) / framing.frame, framing.priming);
            assert_eq!(framing.early, 47);
        }
    }

    proptest! {
        #[test]
        fn each_frame_belongs_to_one_chunk_and_lies_near_its_border(
            begin in 0i64..90_000 * 86_400 * 30, length in 1i64..90_000 * 60, rate in 8_000u32..96_001,
            frame in prop::sample::select(&[576u32, 1_024, 1_152][..]),
        ) {
            let (first, next) = (first_frame(begin, rate, frame), first_frame(begin + length, rate, frame));
            prop_assert!(first <= next);
            let off = i128::from(frame_begin(first, frame)) * 90_000 - i128::from(begin) * i128::from(rate);
            prop_assert!(off.abs() * 2 <= i128::from(frame) * 90_000);
        }
    }
}
