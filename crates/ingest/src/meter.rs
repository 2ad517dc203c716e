//! What is known of the media of a running push.
//!
//! Rates are counted against the publisher's clock: what arrives in a few seconds of ours is a frame more or less than what
//! belongs to them, and the start of a push is a burst.

use std::sync::{Mutex, PoisonError};

use catalog::PushStats;
use codec::{Frame, TrackConfig, TrackKind};
use units::{Mono, Timescale};

/// How many times longer or shorter than ours the publisher's time since the last report may be. A clock that goes further
/// off was set anew, and says nothing of rates.
const CLOCK_FACTOR_MAX: f64 = 4.0;

/// Counts frames and bytes since the last report. Written by the push's task, read by housekeeping.
#[derive(Debug)]
pub(crate) struct Meter {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    since: Mono,
    /// There are parameters that no report has told.
    news: bool,
    video: Count,
    audio: Count,
    last: PushStats,
}

/// Frames of one track since the last report.
#[derive(Clone, Copy, Debug)]
struct Count {
    frames: u32,
    bytes: u64,
    scale: Timescale,
    /// Decode time of the last frame of the report before.
    from: Option<i64>,
    /// Of the first and the last frame since.
    span: Option<(i64, i64)>,
}

impl Default for Count {
    fn default() -> Self {
        Self { frames: 0, bytes: 0, scale: Timescale::MILLIS, from: None, span: None }
    }
}

impl Count {
    fn add(&mut self, dts: i64, bytes: usize) {
        self.frames = self.frames.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        self.span = Some((self.span.map_or(dts, |(first, _)| first), dts));
    }

    /// Seconds that the frames last: by the publisher's clock, else by ours.
    fn seconds(&self, ours: f64) -> f64 {
        let Some((first, last)) = self.span else { return ours };
        let theirs = |from: i64| units::MediaTime { ticks: last.saturating_sub(from), scale: self.scale }.seconds();
        let seconds = match self.from {
            Some(from) => theirs(from),
            // Nobody knows how long the last one is: as long as the others.
            None => theirs(first) * f64::from(self.frames) / f64::from(self.frames.saturating_sub(1).max(1)),
        };
        let plausible = seconds > ours / CLOCK_FACTOR_MAX && seconds < ours * CLOCK_FACTOR_MAX;
        if plausible { seconds } else { ours }
    }

    /// Starts the next report.
    fn next(self) -> Self {
        Self { from: self.span.map(|(_, last)| last).or(self.from), scale: self.scale, ..Self::default() }
    }
}

impl Meter {
    pub(crate) fn new(now: Mono) -> Self {
        Self { state: Mutex::new(State { since: now, ..State::default() }) }
    }

    /// Counts a batch.
    pub(crate) fn count(&self, frames: &[Frame]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for frame in frames {
            match frame {
                Frame::Sample(sample) => {
                    let count = match sample.track {
                        TrackKind::Video => &mut state.video,
                        TrackKind::Audio => &mut state.audio,
                    };
                    count.add(sample.dts, sample.data.len());
                }
                Frame::Config(TrackConfig::Video(video)) => {
                    state.news = true;
                    state.video.scale = video.scale;
                    state.last.width = u32::from(video.width);
                    state.last.height = u32::from(video.height);
                    state.last.video_codec = video.codec.as_str().to_owned();
                }
                Frame::Config(TrackConfig::Audio(audio)) => {
                    state.news = true;
                    state.audio.scale = audio.scale;
                    state.last.audio_codec = audio.codec.as_str().to_owned();
                }
            }
        }
    }

    /// Whether parameters are known that no report has told.
    pub(crate) fn has_news(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).news
    }

    /// The rates since the last report, which this one becomes.
    pub(crate) fn report(&self, now: Mono) -> PushStats {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = now.since(state.since).as_secs_f64().max(0.001);
        let (video, audio) = (state.video, state.audio);
        let stats = PushStats {
            fps: f64::from(video.frames) / video.seconds(ours),
            video_kbps: kbps(&video, ours),
            audio_kbps: kbps(&audio, ours),
            ..state.last.clone()
        };
        *state = State { since: now, news: false, video: video.next(), audio: audio.next(), last: stats.clone() };
        stats
    }
}

/// Kilobits per second.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of the target")]
#[allow(clippy::cast_precision_loss, reason = "bytes of some seconds are far below 2^53")]
fn kbps(count: &Count, ours: f64) -> u32 {
    (count.bytes as f64 * 8.0 / 1_000.0 / count.seconds(ours)).round().clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use codec::Sample;

    use super::*;

    #[test]
    fn rates_are_those_since_the_last_report() {
        let meter = Meter::new(Mono::default());
        let sample = |track, bytes: usize| {
            Frame::Sample(Sample { track, dts: 0, cto: 0, sync: true, data: vec![0; bytes].into() })
        };
        for _ in 0..60 {
            meter.count(&[sample(TrackKind::Video, 5_000), sample(TrackKind::Audio, 500)]);
        }
        let first = meter.report(Mono(Duration::from_secs(2)));
        assert_eq!((first.video_kbps, first.audio_kbps, first.fps.round()), (1_200, 120, 30.0));
        let second = meter.report(Mono(Duration::from_secs(3)));
        assert_eq!((second.video_kbps, second.fps.round()), (0, 0.0));
    }

    #[test]
    fn rates_are_those_of_the_publishers_clock() {
        let meter = Meter::new(Mono::default());
        let picture = |index: i64| {
            let data = vec![0; 2_500].into();
            Frame::Sample(Sample { track: TrackKind::Video, dts: index * 40, cto: 0, sync: true, data })
        };
        let rates = |stats: PushStats| ((stats.fps * 1_000.0).round(), stats.video_kbps);
        // The first picture comes half a second after the publish, and the pictures of 0.9 s come in the 1.4 s.
        meter.count(&(0..23).map(picture).collect::<Vec<_>>());
        let first = meter.report(Mono(Duration::from_millis(1_400)));
        assert_eq!(rates(first), (25_000.0, 500));
        // Five of our seconds with a picture less than they have.
        meter.count(&(23..147).map(picture).collect::<Vec<_>>());
        let second = meter.report(Mono(Duration::from_millis(6_400)));
        assert_eq!(rates(second), (25_000.0, 500));
        // A publisher that sets its clock anew is measured by ours.
        meter.count(&(100_000..100_125).map(picture).collect::<Vec<_>>());
        let third = meter.report(Mono(Duration::from_millis(11_400)));
        assert_eq!(rates(third), (25_000.0, 500));
        assert_eq!(meter.report(Mono(Duration::from_millis(16_400))).fps, 0.0);
    }
}
