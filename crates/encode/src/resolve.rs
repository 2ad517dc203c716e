//! From what is wanted of any source to what is encoded of this one.

use bytes::Bytes;
use codec::{AudioCodec, AudioConfig, Mp3Config, VideoCodec};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use units::Timescale;

use crate::error::{EncodeError, Result};
use crate::grid::Fps;
use crate::marks::Mark;
use crate::profile::{
    AudioProfile, Check, Checks, H264Profile, Passes, Preset, Profile, Rate, Turn, VideoProfile, aac, h264,
};
use crate::sound::Framing;
use crate::subtitles::Subtitles;

/// Changes whenever the same [`Encoding`] would be encoded in another way.
const RECIPE: &str = "2";
/// Smallest and largest side of a picture, in pixels (contract §2.12: 128 to 4096; what is derived may be smaller).
const SIDE_MIN: u32 = 16;
const SIDE_MAX: u32 = 4096;
/// Kilobits per second: what no source is taken to be below, because a short or still one says little.
const VIDEO_KBPS_MIN: u32 = 50;
const AUDIO_KBPS_MIN: u32 = 16;

/// What is known of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Pixels; 0 without pictures.
    pub width: u32,
    /// Pixels; 0 without pictures.
    pub height: u32,
    /// Of its pictures.
    pub video_kbps: u32,
    /// Of its sound; 0 without any.
    pub audio_kbps: u32,
    /// Whether it has sound.
    pub has_audio: bool,
}

/// What is encoded: every value that the encoder is told. A rendition has one of its tracks, see [`Encoding::tracks`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Encoding {
    /// Its pictures.
    pub video: Option<VideoEncoding>,
    /// Its sound.
    pub audio: Option<AudioEncoding>,
    /// The stretch begins and ends where it says, not where the segments do that begin in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exact: bool,
}

/// Pictures that are encoded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoEncoding {
    /// How they are encoded.
    #[serde(default = "h264")]
    pub codec: VideoCodec,
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// How many bits.
    pub rate: Rate,
    /// Most kilobits per second; with quality alone there may be no limit.
    pub max_kbps: Option<u32>,
    /// The decoder's buffer, in kilobits.
    pub buffer_kbit: Option<u32>,
    /// Most pictures from key frame to key frame.
    pub gop: Option<u32>,
    /// Effort.
    pub preset: Preset,
    /// Tools of H.264.
    pub profile: H264Profile,
    /// Ten bits a sample instead of eight.
    #[serde(default)]
    pub ten_bit: bool,
    /// Pictures per second; `None`: as the source has them.
    #[serde(default)]
    pub fps: Option<Fps>,
    /// How they are turned.
    #[serde(default)]
    pub turn: Turn,
    /// Fields are made one picture.
    #[serde(default)]
    pub deinterlace: bool,
    /// How bits are shared out.
    #[serde(default)]
    pub passes: Passes,
    /// A picture of another ratio gets bars, instead of being stretched.
    #[serde(default)]
    pub bars: bool,
    /// What is drawn over them, the lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// What is written on them, over the marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitles: Option<Subtitles>,
}

/// Sound that is encoded.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AudioEncoding {
    /// How it is encoded.
    #[serde(default = "aac")]
    pub codec: AudioCodec,
    /// Kilobits per second.
    pub kbps: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u32,
    /// How much louder than the source, in decibels.
    #[serde(default)]
    pub volume_db: i32,
}

impl AudioEncoding {
    /// The parameters of what is encoded so.
    ///
    /// Errors: [`EncodeError::Output`] for a sampling rate that the codec has no number for.
    pub fn config(&self) -> Result<AudioConfig> {
        /// `samplingFrequencyIndex` (ISO/IEC 14496-3 table 1.18), in Hz.
        const RATES: [u32; 12] =
            [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000];
        const LC: u16 = 2;
        let unknown = EncodeError::Output { what: "sound of a rate that its codec has no number for" };
        let scale = Timescale::new(self.sample_rate).ok_or_else(|| unknown.clone())?;
        let channels = u16::try_from(self.channels).unwrap_or(2);
        match self.codec {
            AudioCodec::Aac => {
                let rate =
                    RATES.iter().position(|rate| *rate == self.sample_rate).and_then(|at| u16::try_from(at).ok());
                // An `AudioSpecificConfig` (§1.6.2.1): five bits of object type, four of the rate, four of channels.
                let bits = (LC << 11) | (rate.ok_or(unknown)? << 7) | (channels << 3);
                Ok(AudioConfig {
                    codec: AudioCodec::Aac,
                    record: Bytes::copy_from_slice(&bits.to_be_bytes()),
                    sample_rate: self.sample_rate,
                    channels,
                    frame_samples: Framing::of(self).frame,
                    scale,
                })
            }
            AudioCodec::Mp3 => {
                Ok(Mp3Config::new(self.sample_rate, channels, self.kbps).ok_or(unknown)?.audio_config(scale))
            }
        }
    }
}

impl Encoding {
    /// Its pictures and its sound, each as an encoding of its own: sound that is the same is encoded once, whatever pictures it
    /// goes with.
    pub fn tracks(&self) -> [Option<Self>; 2] {
        let exact = self.exact;
        let video = self.video.clone().map(|video| Self { video: Some(video), audio: None, exact });
        let audio = self.audio.clone().map(|audio| Self { video: None, audio: Some(audio), exact });
        [video, audio]
    }

    /// Names the rendition: 32 hex digits of a hash over the recipe and every value.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(RECIPE);
        // A struct of numbers and words always has a JSON form, its fields in the order of their declaration.
        hash.update(serde_json::to_vec(self).unwrap_or_default());
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Profile {
    /// What is encoded of a source.
    ///
    /// Errors: [`EncodeError::AboveSource`] where a check says so, [`EncodeError::NothingToEncode`].
    pub fn resolve(&self, source: &SourceFacts) -> Result<Encoding> {
        let video = match &self.video {
            Some(wanted) if source.width > 0 && source.height > 0 => Some(video(wanted, &self.checks, source)?),
            _ => None,
        };
        let audio = match &self.audio {
            Some(wanted) if source.has_audio => Some(audio(wanted, &self.checks, source)?),
            _ => None,
        };
        if video.is_none() && audio.is_none() {
            return Err(EncodeError::NothingToEncode);
        }
        Ok(Encoding { video, audio, exact: false })
    }

    /// What a part of a longer cut is encoded as: `resolved`, or a track that the part has already where all that tells the two
    /// apart is a bit rate that a check limits. The part's source has another bit rate than the whole, and is not encoded
    /// again for that.
    #[must_use]
    pub fn reuse(&self, resolved: Encoding, made: &[Encoding]) -> Encoding {
        let video = resolved.video.map(|resolved| {
            let same = |made: &&VideoEncoding| {
                let (rate, max_kbps, buffer_kbit) = (made.rate, made.max_kbps, made.buffer_kbit);
                let limited = VideoEncoding { rate, max_kbps, buffer_kbit, ..resolved.clone() };
                **made == limited && self.may_have_video_rate(made.rate)
            };
            let all = || made.iter().filter_map(|made| made.video.as_ref());
            all().find(|made| **made == resolved).or_else(|| all().find(same)).cloned().unwrap_or(resolved)
        });
        let audio = resolved.audio.map(|resolved| {
            let same = |made: &&AudioEncoding| {
                **made == AudioEncoding { kbps: made.kbps, ..resolved.clone() } && self.may_have_audio_rate(made.kbps)
            };
            let all = || made.iter().filter_map(|made| made.audio.as_ref());
            all().find(|made| **made == resolved).or_else(|| all().find(same)).cloned().unwrap_or(resolved)
        });
        Encoding { video, audio, exact: resolved.exact }
    }

    /// Whether a check may have lowered the rate of pictures to this.
    fn may_have_video_rate(&self, rate: Rate) -> bool {
        let wanted = self.video.as_ref().map(|video| video.rate);
        self.checks.video_rate == Check::Limit
            && matches!((rate, wanted), (Rate::Kbps(rate), Some(Rate::Kbps(wanted))) if rate <= wanted)
    }

    /// Whether a check may have lowered the rate of sound to this.
    fn may_have_audio_rate(&self, kbps: u32) -> bool {
        self.checks.audio_rate == Check::Limit && self.audio.as_ref().is_some_and(|wanted| kbps <= wanted.kbps)
    }
}

fn video(wanted: &VideoProfile, checks: &Checks, source: &SourceFacts) -> Result<VideoEncoding> {
    let turned = wanted.turn.of((source.width, source.height));
    let (mut width, mut height) = size(wanted, turned);
    if width > turned.0 || height > turned.1 {
        match checks.size {
            Check::Off => {}
            Check::Limit => (width, height) = (even(turned.0), even(turned.1)),
            Check::Fail => return Err(EncodeError::AboveSource { what: "the size of its pictures" }),
        }
    }
    let rate = match wanted.rate {
        Rate::Quality(quality) => Rate::Quality(quality.min(51)),
        Rate::Kbps(kbps) => Rate::Kbps(limited(
            kbps,
            source.video_kbps.max(VIDEO_KBPS_MIN),
            checks.video_rate,
            "the bit rate of its pictures",
        )?),
    };
    // A quality takes as many bits as it takes.
    let passes = if matches!(rate, Rate::Kbps(_)) { wanted.passes } else { Passes::One };
    let (max_kbps, buffer_kbit) = match rate {
        // A second of it, whatever is in it.
        Rate::Kbps(kbps) if passes == Passes::Constant => (Some(kbps), Some(wanted.buffer_kbit.unwrap_or(kbps))),
        Rate::Kbps(kbps) => (
            Some(wanted.max_kbps.unwrap_or(kbps.saturating_add(kbps / 2)).max(kbps)),
            Some(wanted.buffer_kbit.unwrap_or(kbps.saturating_mul(2))),
        ),
        Rate::Quality(_) => {
            (wanted.max_kbps, wanted.max_kbps.map(|most| wanted.buffer_kbit.unwrap_or(most.saturating_mul(2))))
        }
    };
    Ok(VideoEncoding {
        codec: wanted.codec,
        width,
        height,
        rate,
        max_kbps,
        buffer_kbit,
        gop: wanted.gop,
        preset: wanted.preset,
        // What the other codec has no use for does not make another rendition.
        profile: if wanted.codec == VideoCodec::H264 { wanted.profile } else { H264Profile::default() },
        ten_bit: wanted.codec == VideoCodec::H265 && wanted.ten_bit,
        fps: wanted.fps,
        turn: wanted.turn,
        deinterlace: wanted.deinterlace,
        passes,
        // Both sides were asked for: then so was the ratio.
        bars: wanted.width.is_none() || wanted.height.is_none(),
        // Where the output lies is not known here.
        marks: Vec::new(),
        subtitles: None,
    })
}

fn audio(wanted: &AudioProfile, checks: &Checks, source: &SourceFacts) -> Result<AudioEncoding> {
    let most = source.audio_kbps.max(AUDIO_KBPS_MIN);
    let kbps = limited(wanted.kbps, most, checks.audio_rate, "the bit rate of its sound")?;
    let channels = wanted.channels.clamp(1, 2);
    let kbps = match wanted.codec {
        AudioCodec::Aac => kbps,
        // There are few bit rates: the nearest, so that two that come to the same are the same.
        AudioCodec::Mp3 => {
            let nearest = Mp3Config::new(wanted.sample_rate, u16::try_from(channels).unwrap_or(2), kbps);
            nearest.map_or(kbps, |config| config.kbps)
        }
    };
    let (codec, sample_rate, volume_db) = (wanted.codec, wanted.sample_rate, wanted.volume_db);
    Ok(AudioEncoding { codec, kbps, sample_rate, channels, volume_db })
}

fn limited(wanted: u32, most: u32, check: Check, what: &'static str) -> Result<u32> {
    match check {
        Check::Limit => Ok(wanted.min(most)),
        Check::Fail if wanted > most => Err(EncodeError::AboveSource { what }),
        Check::Off | Check::Fail => Ok(wanted),
    }
}

/// Pixels of the output: as asked for, and where only one side is, the other by the ratio of the source.
fn size(wanted: &VideoProfile, source: (u32, u32)) -> (u32, u32) {
    let upright = source.1 > source.0;
    let (width, height) = match wanted.long_short && upright {
        // The width is that of the longer side, which stands here.
        true => (wanted.height, wanted.width),
        false => (wanted.width, wanted.height),
    };
    let by_ratio = |side: u32, of: u32, to: u32| {
        let scaled = u64::from(side) * u64::from(to) * 2 + u64::from(of);
        u32::try_from(scaled / (u64::from(of.max(1)) * 2)).unwrap_or(u32::MAX)
    };
    let (width, height) = match (width, height) {
        (Some(width), Some(height)) => (width, height),
        (Some(width), None) => (width, by_ratio(width, source.0, source.1)),
        (None, Some(height)) => (by_ratio(height, source.1, source.0), height),
        (None, None) => source,
    };
    (even(width), even(height))
}

/// The nearest even number of pixels below that an encoder takes.
fn even(side: u32) -> u32 {
    side.clamp(SIDE_MIN, SIDE_MAX) & !1
}

#[cfg(test)]
mod tests {
    use codec::AacConfig;
    use proptest::prelude::*;

    use super::*;

    const SOURCE: SourceFacts =
        SourceFacts { width: 1280, height: 720, video_kbps: 2000, audio_kbps: 128, has_audio: true };

    fn wanted(width: Option<u32>, height: Option<u32>) -> VideoProfile {
        VideoProfile { width, height, rate: Rate::Kbps(900), ..VideoProfile::default() }
    }

    fn profile(video: VideoProfile) -> Profile {
        Profile {
            video: Some(video),
            audio: Some(AudioProfile {
                codec: AudioCodec::Aac,
                kbps: 64,
                sample_rate: 44_100,
                channels: 2,
                volume_db: 0,
            }),
            checks: Checks::default(),
        }
    }

    fn sized(video: VideoProfile, source: &SourceFacts) -> (u32, u32) {
        let video = profile(video).resolve(source).unwrap().video.unwrap();
        (video.width, video.height)
    }

    #[test]
    fn the_side_that_is_not_asked_for_follows_the_ratio() {
        assert_eq!(sized(wanted(Some(640), None), &SOURCE), (640, 360));
        assert_eq!(sized(wanted(None, Some(480)), &SOURCE), (852, 480));
        assert_eq!(sized(wanted(None, None), &SOURCE), (1280, 720));
        assert_eq!(sized(wanted(Some(400), Some(400)), &SOURCE), (400, 400));
    }

    #[test]
    fn long_and_short_sides_turn_with_the_source() {
        let upright = SourceFacts { width: 720, height: 1280, ..SOURCE };
        let turned = VideoProfile { long_short: true, ..wanted(Some(640), None) };
        assert_eq!(sized(turned.clone(), &upright), (360, 640));
        assert_eq!(sized(turned, &SOURCE), (640, 360));
        assert_eq!(sized(wanted(Some(640), None), &upright), (640, 1138));
    }

    #[test]
    fn a_size_is_that_of_the_turned_picture() {
        let turned = |turn| sized(VideoProfile { turn, ..wanted(Some(360), None) }, &SOURCE);
        assert_eq!((turned(Turn::Right), turned(Turn::Over), turned(Turn::Left)), ((360, 640), (360, 202), (360, 640)));
        assert_eq!(sized(VideoProfile { turn: Turn::Left, ..wanted(None, None) }, &SOURCE), (720, 1280));
        assert_eq!(
            (Turn::of_degrees(270), Turn::of_degrees(360), Turn::of_degrees(45)),
            (Some(Turn::Left), Some(Turn::None), None)
        );
    }

    #[test]
    fn a_constant_rate_is_its_own_limit_and_a_quality_is_made_in_one_pass() {
        let resolved = |video| profile(video).resolve(&SOURCE).unwrap().video.unwrap();
        let constant = resolved(VideoProfile { passes: Passes::Constant, ..wanted(None, None) });
        assert_eq!(
            (constant.max_kbps, constant.buffer_kbit, constant.passes),
            (Some(900), Some(900), Passes::Constant)
        );
        let quality = VideoProfile { passes: Passes::Two, rate: Rate::Quality(20), ..wanted(None, None) };
        assert_eq!(resolved(quality).passes, Passes::One);
    }

    #[test]
    fn a_part_keeps_what_it_has_where_only_a_limited_rate_differs() {
        let limited = Checks { video_rate: Check::Limit, audio_rate: Check::Limit, ..Checks::default() };
        let profile = Profile { checks: limited, ..profile(wanted(Some(640), None)) };
        let of = |video_kbps, audio_kbps| profile.resolve(&SourceFacts { video_kbps, audio_kbps, ..SOURCE }).unwrap();
        let (part, whole) = (of(500, 40), of(700, 48));
        assert_ne!(part, whole);
        let made: Vec<Encoding> = part.tracks().into_iter().flatten().collect();
        assert_eq!(profile.reuse(whole.clone(), &made), part);
        assert_eq!(profile.reuse(whole.clone(), &[]), whole);
        // Both are there: the very same comes first.
        let both: Vec<Encoding> = made.iter().cloned().chain(whole.tracks().into_iter().flatten()).collect();
        assert_eq!(profile.reuse(whole.clone(), &both), whole);
        // Another size, a higher rate than was asked for, and a profile without limits are other encodings.
        let other = Profile { video: Some(self::wanted(Some(320), None)), ..profile.clone() };
        let small = other.resolve(&SOURCE).unwrap();
        assert_eq!(other.reuse(small.clone(), &made).video, small.video);
        let above = Profile {
            video: Some(VideoProfile { rate: Rate::Kbps(400), ..self::wanted(Some(640), None) }),
            ..profile.clone()
        };
        let low = above.resolve(&SOURCE).unwrap();
        assert_eq!(above.reuse(low.clone(), &made).video, low.video);
        let free = Profile { checks: Checks::default(), ..profile.clone() };
        let wanted = free.resolve(&SOURCE).unwrap();
        assert_eq!(free.reuse(wanted.clone(), &made), wanted);
    }

    #[test]
    fn a_check_limits_or_refuses_what_is_above_the_source() {
        let large = profile(VideoProfile { rate: Rate::Kbps(9_000), ..wanted(Some(1920), None) });
        let with = |check| {
            let checks = Checks { size: check, video_rate: check, audio_rate: check };
            Profile { checks, ..large.clone() }.resolve(&SOURCE)
        };
        assert_eq!(with(Check::Off).unwrap().video.unwrap().width, 1920);
        let limited = with(Check::Limit).unwrap().video.unwrap();
        assert_eq!((limited.width, limited.height, limited.rate), (1280, 720, Rate::Kbps(2_000)));
        assert_eq!(with(Check::Fail), Err(EncodeError::AboveSource { what: "the size of its pictures" }));
    }

    #[test]
    fn what_the_source_has_not_is_not_encoded() {
        let mute = SourceFacts { has_audio: false, ..SOURCE };
        assert_eq!(profile(wanted(None, None)).resolve(&mute).unwrap().audio, None);
        let dark = SourceFacts { width: 0, height: 0, ..mute };
        assert_eq!(profile(wanted(None, None)).resolve(&dark), Err(EncodeError::NothingToEncode));
    }

    #[test]
    fn the_same_encoding_has_the_same_name_and_another_has_another() {
        let one = profile(wanted(Some(640), None)).resolve(&SOURCE).unwrap();
        let mut same = profile(wanted(Some(640), Some(360))).resolve(&SOURCE).unwrap();
        assert_ne!(one.digest(), same.digest(), "what has another ratio gets bars, or is stretched");
        same.video.as_mut().unwrap().bars = true;
        assert_eq!((one.digest(), one.digest().len()), (same.digest(), 32));
        let other = profile(VideoProfile { gop: Some(50), ..wanted(Some(640), None) }).resolve(&SOURCE).unwrap();
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn pictures_and_sound_have_names_of_their_own() {
        let small = profile(wanted(Some(320), None)).resolve(&SOURCE).unwrap().tracks();
        let large = profile(wanted(Some(640), None)).resolve(&SOURCE).unwrap().tracks();
        assert_eq!(small[1], large[1], "the same sound goes with both");
        assert_ne!(small[0].as_ref().unwrap().digest(), large[0].as_ref().unwrap().digest());
        let mute = Profile { audio: None, ..profile(wanted(None, None)) };
        assert_eq!(mute.resolve(&SOURCE).unwrap().tracks()[1], None);
    }

    #[test]
    fn the_parameters_of_sound_say_what_is_encoded() {
        let of =
            |codec, sample_rate, channels, kbps| AudioEncoding { codec, kbps, sample_rate, channels, volume_db: 0 };
        for (sample_rate, channels) in [(44_100, 2), (48_000, 1), (22_050, 2)] {
            let config = of(AudioCodec::Aac, sample_rate, channels, 64).config().unwrap();
            let aac = AacConfig::parse(&config.record).unwrap();
            assert_eq!((aac.object_type, aac.sample_rate, u32::from(aac.channels)), (2, sample_rate, channels));
            let config = of(AudioCodec::Mp3, sample_rate, channels, 96).config().unwrap();
            let mp3 = Mp3Config::parse(&config.record).unwrap();
            assert_eq!((mp3.kbps, mp3.sample_rate, u32::from(mp3.channels)), (96, sample_rate, channels));
        }
        assert!(
            of(AudioCodec::Aac, 44_000, 2, 64).config().is_err()
                && of(AudioCodec::Mp3, 96_000, 2, 64).config().is_err()
        );
    }

    #[test]
    fn mp3_has_the_bit_rate_that_is_nearest() {
        let wanted = AudioProfile { codec: AudioCodec::Mp3, kbps: 100, sample_rate: 44_100, channels: 2, volume_db: 0 };
        let profile = Profile { audio: Some(wanted), ..Profile::default() };
        assert_eq!(profile.resolve(&SOURCE).unwrap().audio.unwrap().kbps, 96);
    }

    proptest! {
        #[test]
        fn every_size_is_one_that_an_encoder_takes(
            width in prop::option::of(0u32..9000), height in prop::option::of(0u32..9000),
            of in (1u32..9000, 1u32..9000), long_short: bool, limit: bool,
        ) {
            let source = SourceFacts { width: of.0, height: of.1, ..SOURCE };
            let checks = Checks { size: if limit { Check::Limit } else { Check::Off }, ..Checks::default() };
            let video = VideoProfile { long_short, ..wanted(width, height) };
            let resolved = Profile { checks, ..profile(video) }.resolve(&source).unwrap().video.unwrap();
            for side in [resolved.width, resolved.height] {
                prop_assert!(side % 2 == 0 && (SIDE_MIN..=SIDE_MAX).contains(&side));
            }
        }
    }
}
