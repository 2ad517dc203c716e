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

/// By how much more than its time says a picture may come after the most timely one of late, in milliseconds. Encoders send some hundred
/// milliseconds at once, and sockets are read some times a second.
const LATE_MS: i64 = 1_000;
/// By how much a clock is set anew, in milliseconds: nothing is so late and still comes over the same connection.
const LEAP_MS: i64 = 30_000;
/// Longest time between key frames that is told, in milliseconds: more is a clock that was set anew.
const KEY_FRAME_MS_MAX: i64 = 600_000;

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
    punctuality: Punctuality,
    /// Decode time of the last key frame.
    key_frame: Option<i64>,
}

/// When pictures come, against the times that they have. The clocks drift: what counts is the most timely picture of this report and the
/// one before.
#[derive(Debug, Default)]
struct Punctuality {
    timely: Option<i64>,
    timely_before: Option<i64>,
}

impl Punctuality {
    /// Whether a picture that has this time and comes now is late; both in milliseconds.
    fn is_late(&mut self, time: i64, now: i64) -> bool {
        let offset = now.saturating_sub(time);
        let known = self.timely.into_iter().chain(self.timely_before).min();
        let behind = known.map_or(0, |timely| offset.saturating_sub(timely));
        if behind.saturating_abs() > LEAP_MS {
            *self = Self { timely: Some(offset), timely_before: None };
            return false;
        }
        self.timely = Some(self.timely.map_or(offset, |timely| timely.min(offset)));
        behind > LATE_MS
    }

    fn next_report(&mut self) {
        if self.timely.is_some() {
            self.timely_before = self.timely.take();
        }
    }
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

impl State {
    /// A picture has come.
    fn picture(&mut self, dts: i64, sync: bool, now: i64) {
        let scale = self.video.scale;
        let millis = |ticks| units::MediaTime { ticks, scale }.rescale_floor(Timescale::MILLIS).map(|time| time.ticks);
        if let Some(time) = millis(dts)
            && self.punctuality.is_late(time, now)
        {
            self.last.late_frames = self.last.late_frames.saturating_add(1);
        }
        if sync {
            let since = self.key_frame.replace(dts).and_then(|before| millis(dts.saturating_sub(before)));
            if let Some(since) = since.filter(|since| (1..=KEY_FRAME_MS_MAX).contains(since)) {
                self.last.key_frame_ms = u32::try_from(since).unwrap_or(u32::MAX);
            }
        }
    }
}

impl Meter {
    pub(crate) fn new(now: Mono) -> Self {
        Self { state: Mutex::new(State { since: now, ..State::default() }) }
    }

    /// Counts a batch that has just come.
    pub(crate) fn count(&self, now: Mono, frames: &[Frame]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = i64::try_from(now.0.as_millis()).unwrap_or(i64::MAX);
        for frame in frames {
            match frame {
                Frame::Sample(sample) => {
                    if sample.track == TrackKind::Video {
                        state.picture(sample.dts, sample.sync, now);
                    }
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

    /// So many frames were dropped since the push began.
    pub(crate) fn dropped(&self, frames: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).last.dropped_frames = frames;
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
        state.punctuality.next_report();
        state.since = now;
        state.news = false;
        state.video = video.next();
        state.audio = audio.next();
        state.last = stats.clone();
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
            meter.count(Mono::default(), &[sample(TrackKind::Video, 5_000), sample(TrackKind::Audio, 500)]);
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
        meter.count(Mono::default(), &(0..23).map(picture).collect::<Vec<_>>());
        let first = meter.report(Mono(Duration::from_millis(1_400)));
        assert_eq!(rates(first), (25_000.0, 500));
        // Five of our seconds with a picture less than they have.
        meter.count(Mono::default(), &(23..147).map(picture).collect::<Vec<_>>());
        let second = meter.report(Mono(Duration::from_millis(6_400)));
        assert_eq!(rates(second), (25_000.0, 500));
        // A publisher that sets its clock anew is measured by ours.
        meter.count(Mono::default(), &(100_000..100_125).map(picture).collect::<Vec<_>>());
        let third = meter.report(Mono(Duration::from_millis(11_400)));
        assert_eq!(rates(third), (25_000.0, 500));
        assert_eq!(meter.report(Mono(Duration::from_millis(16_400))).fps, 0.0);
    }
    #[test]
    fn pictures_that_come_late_are_counted_and_clocks_may_drift_and_be_set_anew() {
        let meter = Meter::new(Mono::default());
        let at = |millis: u64| Mono(Duration::from_millis(millis));
        let picture = |dts: i64| {
            let data = vec![0; 10].into();
            Frame::Sample(Sample { track: TrackKind::Video, dts, cto: 0, sync: dts % 2_000 == 0, data })
        };
        let send = |from: u64, ahead: i64, late: u64| {
            for index in (from..from + 5_000).step_by(40) {
                meter.count(at(index + late), &[picture(i64::try_from(index).unwrap() + ahead)]);
            }
            meter.report(at(from + 5_000))
        };
        assert_eq!((send(0, 0, 0).late_frames, send(5_000, 0, 900).late_frames), (0, 0));
        // As far as the report before goes, so does what is timely.
        assert_eq!(send(10_000, 0, 1_500).late_frames, 0);
        assert_eq!(send(15_000, 0, 2_600).late_frames, 125);
        let stats = send(20_000, -100_000, 0);
        assert_eq!((stats.late_frames, stats.key_frame_ms), (125, 2_000), "a clock that was set anew is no delay");
    }

    #[test]
    fn what_was_dropped_is_told_with_the_next_report() {
        let meter = Meter::new(Mono::default());
        meter.dropped(7);
        assert_eq!(meter.report(Mono(Duration::from_secs(5))).dropped_frames, 7);
        assert_eq!(meter.report(Mono(Duration::from_secs(10))).dropped_frames, 7);
    }
}
