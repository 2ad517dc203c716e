//! What is known of the media of a running push.

use std::sync::{Mutex, PoisonError};

use catalog::PushStats;
use codec::{AudioCodec, Frame, TrackConfig, TrackKind, VideoCodec};
use units::Mono;

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
    pictures: u64,
    video_bytes: u64,
    audio_bytes: u64,
    last: PushStats,
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
                    let bytes = u64::try_from(sample.data.len()).unwrap_or(0);
                    match sample.track {
                        TrackKind::Video => {
                            state.pictures += 1;
                            state.video_bytes += bytes;
                        }
                        TrackKind::Audio => state.audio_bytes += bytes,
                    }
                }
                Frame::Config(TrackConfig::Video(video)) => {
                    state.news = true;
                    state.last.width = u32::from(video.width);
                    state.last.height = u32::from(video.height);
                    state.last.video_codec = match video.codec {
                        VideoCodec::H264 => "h264".to_owned(),
                    };
                }
                Frame::Config(TrackConfig::Audio(audio)) => {
                    state.news = true;
                    state.last.audio_codec = match audio.codec {
                        AudioCodec::Aac => "aac".to_owned(),
                    };
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
        let millis = u64::try_from(now.since(state.since).as_millis()).unwrap_or(u64::MAX).max(1);
        // Bits per millisecond are kilobits per second.
        let kbps = |bytes: u64| u32::try_from(bytes.saturating_mul(8) / millis).unwrap_or(u32::MAX);
        let pictures = u32::try_from(state.pictures).unwrap_or(u32::MAX);
        let stats = PushStats {
            fps: f64::from(pictures) * 1_000.0 / f64::from(u32::try_from(millis).unwrap_or(u32::MAX)),
            video_kbps: kbps(state.video_bytes),
            audio_kbps: kbps(state.audio_bytes),
            ..state.last.clone()
        };
        *state = State { since: now, last: stats.clone(), ..State::default() };
        stats
    }
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
}
