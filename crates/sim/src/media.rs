//! A publisher whose pictures carry numbers, so that each can be found again.

use blobs::Draw;
use bytes::Bytes;
use codec::{AudioCodec, AudioConfig, Frame, Sample, TrackConfig, TrackKind, VideoCodec, VideoConfig};
use units::Timescale;

/// Milliseconds from picture to picture, and from sound to sound.
pub(crate) const STEP_MS: i64 = 500;
/// What ends a picture, as in real ones no zeros.
pub(crate) const TRAILER: [u8; 3] = [0x80; 3];
/// Samples a second; few, so that an hour is small.
const RATE: u32 = 1_000;

/// One publisher connection's media.
pub(crate) struct Media {
    /// The publisher's clock.
    clock_ms: i64,
    /// Pictures from key frame to key frame.
    gop: u32,
    picture: u32,
    sound: bool,
    /// A sound between two pictures is due.
    sounds: bool,
    width: u16,
    configs: Vec<Frame>,
}

impl Media {
    pub(crate) fn new(draw: &mut Draw) -> Self {
        let sound = !draw.once_in(5);
        let width = if draw.once_in(3) { 128 } else { 64 };
        let mut configs = vec![video_config(width)];
        if sound {
            configs.push(audio_config());
        }
        let clock_ms = i64::try_from(draw.below(1 << 32)).unwrap_or(0);
        let gop = 1 + u32::try_from(draw.below(6)).unwrap_or(0);
        Self { clock_ms, gop, picture: 0, sound, sounds: false, width, configs }
    }

    /// What is announced before the first frame.
    pub(crate) fn configs(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.configs)
    }

    /// The next frame, and how much later than the one before it comes. A picture carries `number`; tells whether it did.
    pub(crate) fn next(&mut self, number: u32) -> (Frame, i64, bool) {
        if self.sound && self.sounds {
            self.sounds = false;
            let data = Bytes::from([&number.to_be_bytes()[..], &TRAILER].concat());
            let sample = Sample { track: TrackKind::Audio, dts: self.clock_ms - STEP_MS / 2, cto: 0, sync: true, data };
            return (Frame::Sample(sample), STEP_MS / 2, false);
        }
        let sync = self.picture.is_multiple_of(self.gop);
        self.picture += 1;
        self.sounds = true;
        let nal = [&[if sync { 0x65 } else { 0x41 }][..], &number.to_be_bytes(), &TRAILER].concat();
        let length = u32::try_from(nal.len()).unwrap_or(0).to_be_bytes();
        let data = Bytes::from([&length[..], &nal].concat());
        let sample = Sample { track: TrackKind::Video, dts: self.clock_ms, cto: 0, sync, data };
        self.clock_ms += STEP_MS;
        (Frame::Sample(sample), if self.sound { STEP_MS / 2 } else { STEP_MS }, true)
    }

    /// The publisher's clock leaps, back or ahead; its next picture is a key frame.
    pub(crate) fn leap(&mut self, draw: &mut Draw) {
        self.clock_ms = match draw.below(3) {
            0 => 0,
            1 => self.clock_ms + 36_000_000,
            _ => self.clock_ms - 5_000,
        };
        self.picture = 0;
    }

    /// The publisher changes its picture's size; its next picture is a key frame.
    pub(crate) fn resize(&mut self) -> Frame {
        self.width = if self.width == 64 { 128 } else { 64 };
        self.picture = 0;
        video_config(self.width)
    }
}

fn video_config(width: u16) -> Frame {
    let tag = width.to_be_bytes();
    let record =
        [&[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 6, 0x67, 0x64, 0, 0x1f][..], &tag, &[1, 0, 2, 0x68, 0xee]].concat();
    Frame::Config(TrackConfig::Video(VideoConfig {
        codec: VideoCodec::H264,
        record: record.into(),
        width,
        height: 64,
        scale: Timescale::MILLIS,
    }))
}

fn audio_config() -> Frame {
    Frame::Config(TrackConfig::Audio(AudioConfig {
        codec: AudioCodec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
        sample_rate: RATE,
        channels: 2,
        frame_samples: 500,
        scale: Timescale::MILLIS,
    }))
}
