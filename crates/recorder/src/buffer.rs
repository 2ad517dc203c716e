//! The safety buffer: what is pushed while nothing is recorded, kept for a while so that a start can reach back into it.
//!
//! It is memory, and bounded: media that nobody asked for is never written, so a crash leaves nothing of it behind, and what a
//! start reaches back to is written once, when it is recorded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codec::{Frame, TrackConfig, TrackKind};
use hub::Batch;
use units::Mono;

/// Payload that is kept of one push: 17 minutes of 2 Mb/s, or 4 of 8. Beyond it the window gets shorter.
const BUFFER_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Payload that all buffers of this process keep together. Beyond it each new frame costs its own push an old one.
const ALL_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// What all buffers of this process keep now.
static ALL_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The newest parameters of a push's tracks: what a recording needs that begins in its middle.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    video: Option<Frame>,
    audio: Option<Frame>,
}

impl Heard {
    /// Takes the parameters of a batch.
    pub(crate) fn note(&mut self, batch: &Batch) {
        for frame in &batch.frames {
            match frame {
                Frame::Config(TrackConfig::Video(_)) => self.video = Some(frame.clone()),
                Frame::Config(TrackConfig::Audio(_)) => self.audio = Some(frame.clone()),
                Frame::Sample(_) => {}
            }
        }
    }

    /// As frames, in the order in which publishers send them.
    pub(crate) fn parameters(&self) -> Vec<Frame> {
        self.video.iter().chain(&self.audio).cloned().collect()
    }
}

struct Kept {
    at: Mono,
    batch: Arc<Batch>,
    bytes: usize,
    /// A recording can begin with it.
    begins: bool,
}

/// What is kept of one push.
pub struct Buffer {
    window: Duration,
    bytes_max: usize,
    kept: VecDeque<Kept>,
    bytes: usize,
    /// The parameters that hold before the first batch.
    before: Heard,
    /// … and behind the last.
    heard: Heard,
}

impl Buffer {
    /// Keeps `window` of what comes; nothing when it is zero.
    pub fn new(window: Duration) -> Self {
        Self {
            window,
            bytes_max: BUFFER_BYTES_MAX,
            kept: VecDeque::new(),
            bytes: 0,
            before: Heard::default(),
            heard: Heard::default(),
        }
    }

    /// Keeps another window from now on.
    pub fn set_window(&mut self, window: Duration) {
        self.window = window;
    }

    /// The parameters that hold now.
    pub fn heard(&self) -> Vec<Frame> {
        self.heard.parameters()
    }

    /// The parameters in a batch that is recorded: it need not be kept, nor what came before it, which no later recording of this
    /// push may begin with.
    pub fn pass(&mut self, batch: &Batch) {
        self.free(self.kept.len());
        self.heard.note(batch);
    }

    /// Keeps a batch that is not recorded, and frees what is older than the window reaches.
    pub fn keep(&mut self, now: Mono, batch: &Arc<Batch>) {
        if self.kept.is_empty() {
            self.before = self.heard.clone();
        }
        self.heard.note(batch);
        if self.window.is_zero() {
            return;
        }
        let bytes = batch.payload_bytes();
        let begins = self.begins(batch);
        self.kept.push_back(Kept { at: now, batch: Arc::clone(batch), bytes, begins });
        self.bytes += bytes;
        ALL_BYTES.fetch_add(bytes, Ordering::Relaxed);
        while let Some(next) = self.kept.iter().skip(1).position(|kept| kept.begins) {
            let old = self.kept.get(next + 1).is_some_and(|kept| kept.at.after(self.window) <= now);
            if !old && !self.is_full() {
                break;
            }
            self.free(next + 1);
        }
        if self.is_full() {
            // One group of pictures is more than may be kept.
            self.free(self.kept.len());
        }
    }

    /// Gives back what is kept: memory is needed for what is recorded, or what comes next does not follow it.
    pub(crate) fn give_back(&mut self) {
        self.free(self.kept.len());
    }

    fn is_full(&self) -> bool {
        self.bytes > self.bytes_max || ALL_BYTES.load(Ordering::Relaxed) > ALL_BYTES_MAX
    }

    fn begins(&self, batch: &Batch) -> bool {
        batch.frames.iter().any(|frame| match frame {
            Frame::Sample(sample) => match sample.track {
                TrackKind::Video => sample.sync,
                TrackKind::Audio => self.heard.video.is_none(),
            },
            Frame::Config(_) => false,
        })
    }

    /// Frees the first `count` batches.
    fn free(&mut self, count: usize) {
        for kept in self.kept.drain(..count.min(self.kept.len())) {
            self.before.note(&kept.batch);
            self.bytes -= kept.bytes;
            ALL_BYTES.fetch_sub(kept.bytes, Ordering::Relaxed);
        }
    }

    /// Takes out what came in the last `reach`, from the key frame before it, and the parameters that it needs. What is
    /// older is freed.
    pub fn take(&mut self, now: Mono, reach: Duration) -> (Vec<Frame>, Vec<Arc<Batch>>) {
        let begins = |kept: &Kept| kept.begins;
        let in_reach = |kept: &Kept| kept.begins && kept.at.after(reach) <= now;
        let from = match self.kept.iter().rposition(in_reach).or_else(|| self.kept.iter().position(begins)) {
            Some(from) if !reach.is_zero() => from,
            _ => self.kept.len(),
        };
        self.free(from);
        let parameters = self.before.parameters();
        let batches = self.kept.iter().map(|kept| Arc::clone(&kept.batch)).collect();
        self.free(self.kept.len());
        (parameters, batches)
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        ALL_BYTES.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use codec::{AudioConfig, Sample};
    use units::{Timescale, WallTime};

    use super::*;

    fn second(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    fn parameters(profile: u8) -> Frame {
        let record = Bytes::copy_from_slice(&[profile]);
        let scale = Timescale::new(1_000).unwrap();
        let codec = codec::AudioCodec::Aac;
        let audio = AudioConfig { codec, sample_rate: 48_000, channels: 2, frame_samples: 1_024, record, scale };
        Frame::Config(TrackConfig::Audio(audio))
    }

    /// A second of pictures: a key frame every third one.
    fn batch(number: u64, more: Option<Frame>) -> Arc<Batch> {
        let picture = Frame::Sample(Sample {
            track: TrackKind::Video,
            dts: i64::try_from(number).unwrap() * 1_000,
            cto: 0,
            sync: number.is_multiple_of(3),
            data: Bytes::from(vec![0; 100]),
        });
        Arc::new(Batch { arrived: WallTime::default(), frames: more.into_iter().chain([picture]).collect() })
    }

    fn numbers(batches: &[Arc<Batch>]) -> Vec<i64> {
        let samples = batches.iter().flat_map(|batch| &batch.frames).filter_map(|frame| match frame {
            Frame::Sample(sample) => Some(sample.dts / 1_000),
            Frame::Config(_) => None,
        });
        samples.collect()
    }

    fn filled(window: u64, seconds: u64) -> Buffer {
        let mut buffer = Buffer::new(Duration::from_secs(window));
        for number in 0..seconds {
            buffer.keep(second(number), &batch(number, None));
        }
        buffer
    }

    #[test]
    fn a_start_reaches_back_to_the_key_frame_before_the_moment_it_names() {
        for (reach, first) in [(1, 18), (2, 18), (3, 15), (5, 15), (6, 12), (10, 9), (3_600, 9)] {
            let (_, batches) = filled(10, 20).take(second(20), Duration::from_secs(reach));
            assert_eq!(numbers(&batches), (first..20).collect::<Vec<_>>(), "{reach} s back");
        }
    }

    #[test]
    fn what_is_older_than_the_window_and_its_key_frame_is_freed() {
        let buffer = filled(10, 600);
        assert!((11..=13).contains(&buffer.kept.len()), "{}", buffer.kept.len());
        assert_eq!(buffer.bytes, buffer.kept.len() * 100);
    }

    #[test]
    fn nothing_is_kept_without_a_window_and_nothing_taken_without_a_reach() {
        assert!(filled(0, 20).kept.is_empty());
        let mut buffer = filled(10, 20);
        assert!(buffer.take(second(20), Duration::ZERO).1.is_empty());
        assert_eq!((buffer.kept.len(), buffer.bytes), (0, 0));
    }

    #[test]
    fn what_was_given_back_is_not_reached_and_the_parameters_hold() {
        let mut buffer = Buffer::new(Duration::from_secs(60));
        buffer.keep(second(0), &batch(0, Some(parameters(1))));
        buffer.keep(second(1), &batch(1, None));
        buffer.give_back();
        assert_eq!((buffer.kept.len(), buffer.bytes), (0, 0));
        buffer.keep(second(3), &batch(3, None));
        let (heard, batches) = buffer.take(second(3), Duration::from_secs(60));
        assert_eq!((heard, numbers(&batches)), (vec![parameters(1)], vec![3]));
    }

    #[test]
    fn nothing_reaches_back_over_what_was_recorded() {
        let mut buffer = filled(60, 20);
        buffer.pass(&batch(20, None));
        (21..30).for_each(|number| buffer.keep(second(number), &batch(number, None)));
        assert_eq!(numbers(&buffer.take(second(30), Duration::from_secs(60)).1), (21..30).collect::<Vec<_>>());
    }

    #[test]
    fn more_than_may_be_kept_makes_the_window_shorter() {
        let mut buffer = Buffer::new(Duration::from_secs(60));
        buffer.bytes_max = 500;
        for number in 0..20 {
            buffer.keep(second(number), &batch(number, None));
            assert!(buffer.bytes <= 500);
        }
        assert_eq!(numbers(&buffer.take(second(20), Duration::from_secs(60)).1), [15, 16, 17, 18, 19]);
        let mut tiny = Buffer::new(Duration::from_secs(60));
        tiny.bytes_max = 150;
        (0..20).for_each(|number| tiny.keep(second(number), &batch(number, None)));
        assert!(tiny.bytes <= 150);
    }

    #[test]
    fn the_parameters_are_those_that_hold_where_it_begins() {
        let mut buffer = Buffer::new(Duration::from_secs(60));
        for number in 0..9u64 {
            let more = number.is_multiple_of(4).then(|| parameters(u8::try_from(number).unwrap()));
            buffer.keep(second(number), &batch(number, more));
        }
        let (heard, batches) = buffer.take(second(9), Duration::from_secs(3));
        assert_eq!(heard, [parameters(4)]);
        assert_eq!(numbers(&batches), [6, 7, 8]);
        assert_eq!(buffer.heard(), [parameters(8)]);
    }
}
