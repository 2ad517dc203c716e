//! What is known of a cut without reading any media.

use codec::TrackKind;
use container::{SAMPLE_ROW, head_bytes};
use reel::TrackSpan;

use crate::timeline::Timeline;

/// The pictures of a cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VideoFacts {
    /// How many.
    pub frames: u64,
    /// Bytes of them all.
    pub bytes: u64,
    /// Average, in bits per second.
    pub bitrate_bps: u64,
    /// Average, in thousandths of a picture per second.
    pub frame_rate_milli: u64,
    /// Pixels, of the first parameters.
    pub width: u16,
    /// Pixels, of the first parameters.
    pub height: u16,
    /// RFC 6381, of the first parameters.
    pub codec: String,
    /// How often the parameters change.
    pub changes: usize,
}

/// The sound of a cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AudioFacts {
    /// How many frames.
    pub frames: u64,
    /// Bytes of them all.
    pub bytes: u64,
    /// Average, in bits per second.
    pub bitrate_bps: u64,
    /// Of the core coder, of the first parameters.
    pub sample_rate: u32,
    /// Of the first parameters.
    pub channels: u16,
    /// RFC 6381, of the first parameters.
    pub codec: String,
}

/// Exact facts of a cut, from its index alone. The size of its MP4 is [`crate::Mp4::size`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// In 90 kHz ticks.
    pub duration: u64,
    /// Bytes of the stored segments.
    pub stored_bytes: u64,
    /// Its pictures.
    pub video: Option<VideoFacts>,
    /// Its sound.
    pub audio: Option<AudioFacts>,
}

impl Timeline {
    /// The facts of the cut.
    pub fn facts(&self) -> Facts {
        let duration = self.duration();
        let video = self.track_epochs(TrackKind::Video).first().and_then(|first| {
            let config = first.epoch.video.as_ref()?;
            let sum = self.sum(TrackKind::Video);
            Some(VideoFacts {
                frames: sum.samples,
                bytes: sum.bytes,
                bitrate_bps: per_second(sum.bytes.saturating_mul(8), duration),
                frame_rate_milli: per_second(sum.samples.saturating_mul(1_000), sum.ticks),
                width: config.width,
                height: config.height,
                codec: config.codec_string().unwrap_or_default(),
                changes: self.parts().windows(2).filter(|pair| changes(pair)).count(),
            })
        });
        let audio = self.track_epochs(TrackKind::Audio).first().and_then(|first| {
            let config = first.epoch.audio.as_ref()?;
            let sum = self.sum(TrackKind::Audio);
            Some(AudioFacts {
                frames: sum.samples,
                bytes: sum.bytes,
                bitrate_bps: per_second(sum.bytes.saturating_mul(8), duration),
                sample_rate: config.sample_rate,
                channels: config.channels,
                codec: config.codec_string().unwrap_or_default().to_owned(),
            })
        });
        let stored_bytes = self.files().fold(0, |sum: u64, file| sum.saturating_add(file.bytes));
        Facts { duration, stored_bytes, video, audio }
    }

    fn sum(&self, track: TrackKind) -> Sum {
        self.parts().iter().filter_map(|part| Some((part, part.row.track(track)?))).fold(
            Sum::default(),
            |sum, (part, span)| Sum {
                samples: sum.samples.saturating_add(u64::from(span.samples)),
                bytes: sum.bytes.saturating_add(payload_bytes(span)),
                ticks: sum.ticks.saturating_add(part.length),
            },
        )
    }
}

#[derive(Default)]
struct Sum {
    samples: u64,
    bytes: u64,
    /// Of the segments that have the track.
    ticks: u64,
}

fn changes(pair: &[crate::Part]) -> bool {
    matches!(pair, [before, after] if before.video_epoch != after.video_epoch)
}

/// Bytes of the samples of a track in a segment: all but the heads of its fragments.
fn payload_bytes(span: &TrackSpan) -> u64 {
    let fixed = u64::try_from(head_bytes(0)).unwrap_or(0);
    let row = u64::try_from(SAMPLE_ROW).unwrap_or(0);
    span.bytes.saturating_sub(fixed * u64::from(span.fragments) + row * u64::from(span.samples))
}

/// How many in a second, of `count` in `ticks` of 90 kHz, rounded to the nearest.
pub(crate) fn per_second(count: u64, ticks: u64) -> u64 {
    if ticks == 0 {
        return 0;
    }
    let ticks = u128::from(ticks);
    u64::try_from((u128::from(count) * 180_000 + ticks) / (2 * ticks)).unwrap_or(u64::MAX)
}
