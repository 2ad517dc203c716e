//! A publisher whose frames carry numbers, so that each can be found again, and whose clock does what clocks do.

use blobs::Draw;
use bytes::Bytes;
use codec::{AudioCodec, AudioConfig, Frame, Sample, TrackConfig, TrackKind, VideoCodec, VideoConfig};
use rtmp::Unwrap;
use units::{PushId, Timescale};

/// What ends a frame, as in real ones no zeros.
const TRAILER: [u8; 3] = [0x80; 3];
/// Where, from its end, a frame has its number.
pub(crate) const NUMBER_AT: usize = 4 + TRAILER.len();
const SECOND_US: i64 = 1_000_000;

/// What is known of a frame that was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) push: PushId,
    pub(crate) track: TrackKind,
    /// When, by the world's clock.
    pub(crate) sent_ms: i64,
    /// When what it shows happened, since its push began; whatever its time stamp says.
    pub(crate) meant_us: i64,
    /// How often the publisher's clock has stepped by less than shows: frames before and after are in step each for themselves.
    pub(crate) steps: u32,
    /// Its time stamp is as far from that of the frame of its track before it as it should be.
    pub(crate) steady: bool,
}

/// How densely a publisher sends.
#[derive(Clone, Copy, Debug)]
struct Pace {
    picture_us: i64,
    /// Samples a second, and in a frame.
    rate: u32,
    frame_samples: u32,
}

/// Few frames, so that an hour is small.
const COARSE: Pace = Pace { picture_us: 500_000, rate: 1_000, frame_samples: 500 };
/// As cameras send.
const FINE: Pace = Pace { picture_us: 40_000, rate: 48_000, frame_samples: 1_024 };

/// One publisher connection's media.
pub(crate) struct Media {
    push: PushId,
    pace: Pace,
    /// Pictures from key frame to key frame.
    gop: u32,
    /// Pictures since the last key frame.
    picture: u32,
    next_picture_us: i64,
    /// `None` without sound.
    next_sound_us: Option<i64>,
    /// By how much a frame of sound lasts longer than its samples say.
    drift_us: i64,
    /// Time stamps come up to so much late.
    jitter_us: u64,
    clock: Clock,
    quiet_until_us: i64,
    picture_times: Track,
    sound_times: Track,
    waited_ms: i64,
    width: u16,
    configs: Vec<Frame>,
}

/// The clock that both tracks are stamped with.
#[derive(Clone, Copy, Debug)]
struct Clock {
    offset_us: i64,
    /// How many bits of milliseconds the publisher sends.
    bits: u32,
    /// Pictures for which it stands still.
    stands: u32,
    /// See [`Sent::steps`].
    steps: u32,
}

/// One track on its way through RTMP.
#[derive(Default)]
struct Track {
    times: Unwrap,
    stamp: u32,
    /// The clock was disturbed since the last frame of this track.
    disturbed: bool,
}

impl Media {
    pub(crate) fn new(push: PushId, fine: bool, draw: &mut Draw) -> Self {
        let pace = if fine { FINE } else { COARSE };
        let width = if draw.once_in(3) { 128 } else { 64 };
        let mut configs = vec![video_config(width)];
        let sound = !draw.once_in(5);
        if sound {
            configs.push(audio_config(pace));
        }
        let gop = 1 + below(draw, if fine { 60 } else { 6 });
        let (drift_us, jitter_us) =
            if fine { (i64::from(below(draw, 60)) - 30, draw.below(2) * 4_000) } else { (0, 0) };
        Self {
            push,
            pace,
            gop,
            picture: 0,
            next_picture_us: 0,
            next_sound_us: sound.then_some(0),
            drift_us,
            jitter_us,
            clock: Clock::draw(draw),
            quiet_until_us: 3 * SECOND_US,
            picture_times: Track::default(),
            sound_times: Track::default(),
            waited_ms: 0,
            width,
            configs,
        }
    }

    /// What is announced before the first frame.
    pub(crate) fn configs(&mut self) -> Vec<Frame> {
        std::mem::take(&mut self.configs)
    }

    /// The next frame, which carries `number`, and how many milliseconds after the one before it it comes.
    pub(crate) fn next(&mut self, number: u32, draw: &mut Draw) -> (Frame, Sent, i64) {
        let sound_first = self.next_sound_us.filter(|at| *at <= self.next_picture_us);
        let (sample, meant_us, steady) = match sound_first {
            Some(meant_us) => {
                let length = i64::from(self.pace.frame_samples) * SECOND_US / i64::from(self.pace.rate);
                self.next_sound_us = Some(meant_us + length + self.drift_us);
                let late = if self.jitter_us == 0 { 0 } else { draw.below(self.jitter_us) };
                let stamp = self.clock.stamp(meant_us + i64::try_from(late).unwrap_or(0));
                let data = Bytes::from([&number.to_be_bytes()[..], &TRAILER].concat());
                self.sound_times.times.follow(self.picture_times.times);
                let (dts, steady) = self.sound_times.take(stamp);
                (Sample { track: TrackKind::Audio, dts, cto: 0, sync: true, data }, meant_us, steady)
            }
            None => {
                let meant_us = self.next_picture_us;
                self.next_picture_us += self.pace.picture_us;
                let stamp = if self.clock.stands > 0 {
                    self.clock.stands -= 1;
                    self.picture_times.disturbed = true;
                    self.picture_times.stamp
                } else {
                    self.clock.stamp(meant_us)
                };
                self.picture_times.times.follow(self.sound_times.times);
                let (dts, steady) = self.picture_times.take(stamp);
                let sync = self.picture.is_multiple_of(self.gop);
                self.picture += 1;
                let nal = [&[if sync { 0x65 } else { 0x41 }][..], &number.to_be_bytes(), &TRAILER].concat();
                let length = u32::try_from(nal.len()).unwrap_or(0).to_be_bytes();
                let data = Bytes::from([&length[..], &nal].concat());
                (Sample { track: TrackKind::Video, dts, cto: 0, sync, data }, meant_us, steady)
            }
        };
        let wait_ms = meant_us / 1_000 - self.waited_ms;
        self.waited_ms += wait_ms;
        let sent = Sent { push: self.push, track: sample.track, sent_ms: 0, meant_us, steps: self.clock.steps, steady };
        (Frame::Sample(sample), sent, wait_ms)
    }

    /// The publisher's clock does something strange.
    pub(crate) fn disturb(&mut self, draw: &mut Draw) {
        let now_us = self.next_picture_us;
        // One thing at a time: what a clock means that leaps in a pause nobody can tell.
        if now_us < self.quiet_until_us || self.clock.bits == 24 {
            return;
        }
        let before = self.clock;
        let what = draw.below(7);
        let disturbed = match what {
            // The encoder begins again at 0.
            0 => {
                self.clock.offset_us = -self.next_sound_us.map_or(now_us, |at| at.min(now_us));
                true
            }
            1 => {
                self.clock.offset_us += 36_000 * SECOND_US;
                true
            }
            2 => {
                self.clock.offset_us -= 5 * SECOND_US;
                true
            }
            // Less than what is taken for a leap, and more than what sound follows slowly.
            3 => {
                self.clock.offset_us -= i64::from(130 + below(draw, 260)) * 1_000;
                true
            }
            4 => {
                self.clock.stands = 1 + below(draw, 4);
                true
            }
            // Nothing is captured for a while, and the clock tells so.
            _ => {
                let pause_us = i64::from(1 + below(draw, 8)) * SECOND_US;
                self.next_picture_us += pause_us;
                self.next_sound_us = self.next_sound_us.map(|at| at + pause_us);
                false
            }
        };
        self.picture_times.disturbed |= disturbed;
        self.sound_times.disturbed |= disturbed;
        if self.clock.steps_from(before) {
            if what != 3 {
                // A leap that by chance is none.
                self.clock = before;
                return;
            }
            self.clock.steps += 1;
        }
        self.quiet_until_us = self.next_picture_us + 3 * SECOND_US;
        if draw.once_in(2) {
            self.picture = 0;
        }
    }

    /// The publisher changes its picture's size; its next picture is a key frame.
    pub(crate) fn resize(&mut self) -> Frame {
        self.width = if self.width == 64 { 128 } else { 64 };
        self.picture = 0;
        video_config(self.width)
    }
}

impl Clock {
    fn draw(draw: &mut Draw) -> Self {
        let bits = if draw.once_in(8) { 24 } else { 31 + below(draw, 2) };
        let wraps = [1i64 << 24, 1 << 31, 1 << 32];
        let near = wraps.get(usize::try_from(draw.below(3)).unwrap_or(0)).copied().unwrap_or_default();
        let begin_ms = match draw.below(4) {
            0 => 0,
            1 => i64::try_from(draw.below(1 << 32)).unwrap_or(0),
            _ => near - i64::try_from(draw.below(20_000)).unwrap_or(0),
        };
        Self { offset_us: begin_ms * 1_000, bits, stands: 0, steps: 0 }
    }

    /// Whether the time stamps of this clock follow those of the one before so closely that they tell of no leap: then they are
    /// believed, and frames on both sides are in step each for themselves.
    fn steps_from(self, before: Self) -> bool {
        let by_us = self.offset_us - before.offset_us;
        let near = |period_us: i64| {
            let ahead = by_us.rem_euclid(period_us);
            ahead < 11 * SECOND_US || period_us - ahead < 3 * SECOND_US / 2
        };
        by_us != 0 && (near(1_000 << 31) || near(1_000 << 32))
    }

    fn stamp(&self, meant_us: i64) -> u32 {
        let stamp = (self.offset_us + meant_us).div_euclid(1_000).rem_euclid(1 << self.bits);
        u32::try_from(stamp).unwrap_or(u32::MAX)
    }
}

impl Track {
    /// The unwrapped time, and whether it is what it should be.
    fn take(&mut self, stamp: u32) -> (i64, bool) {
        // A clock of 24 bits is not known to wrap: it leaps.
        let wrapped = stamp < self.stamp && self.stamp - stamp < 1 << 30;
        self.stamp = stamp;
        (self.times.next(stamp), !std::mem::take(&mut self.disturbed) && !wrapped)
    }
}

fn below(draw: &mut Draw, end: u64) -> u32 {
    u32::try_from(draw.below(end)).unwrap_or(0)
}

/// The number that a stored frame carries in its last bytes.
pub(crate) fn number_in(data: &[u8]) -> Option<u32> {
    let at = data.len().checked_sub(NUMBER_AT)?;
    data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
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

fn audio_config(pace: Pace) -> Frame {
    let record = if pace.rate == FINE.rate { &[0x11, 0x90] } else { &[0x12, 0x10] };
    Frame::Config(TrackConfig::Audio(AudioConfig {
        codec: AudioCodec::Aac,
        record: Bytes::from_static(record),
        sample_rate: pace.rate,
        channels: 2,
        frame_samples: pace.frame_samples,
        scale: Timescale::MILLIS,
    }))
}
