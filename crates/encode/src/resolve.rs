//! From what is wanted of any source to what is encoded of this one.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{EncodeError, Result};
use crate::profile::{AudioProfile, Check, Checks, H264Profile, Preset, Profile, Rate, VideoProfile};

/// Changes whenever the same [`Encoding`] would be encoded in another way.
const RECIPE: &str = "1";
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

/// What is encoded: every value that the encoder is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Encoding {
    /// Its pictures.
    pub video: Option<VideoEncoding>,
    /// Its sound.
    pub audio: Option<AudioEncoding>,
}

/// Pictures that are encoded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VideoEncoding {
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
    /// Tools.
    pub profile: H264Profile,
}

/// Sound that is encoded.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct AudioEncoding {
    /// Kilobits per second.
    pub kbps: u32,
    /// Samples per second.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u32,
}

impl Encoding {
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
        Ok(Encoding { video, audio })
    }
}

fn video(wanted: &VideoProfile, checks: &Checks, source: &SourceFacts) -> Result<VideoEncoding> {
    let (mut width, mut height) = size(wanted, source);
    if width > source.width || height > source.height {
        match checks.size {
            Check::Off => {}
            Check::Limit => (width, height) = (even(source.width), even(source.height)),
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
    let (max_kbps, buffer_kbit) = match rate {
        Rate::Kbps(kbps) => (
            Some(wanted.max_kbps.unwrap_or(kbps.saturating_add(kbps / 2)).max(kbps)),
            Some(wanted.buffer_kbit.unwrap_or(kbps.saturating_mul(2))),
        ),
        Rate::Quality(_) => {
            (wanted.max_kbps, wanted.max_kbps.map(|most| wanted.buffer_kbit.unwrap_or(most.saturating_mul(2))))
        }
    };
    Ok(VideoEncoding {
        width,
        height,
        rate,
        max_kbps,
        buffer_kbit,
        gop: wanted.gop,
        preset: wanted.preset,
        profile: wanted.profile,
    })
}

fn audio(wanted: &AudioProfile, checks: &Checks, source: &SourceFacts) -> Result<AudioEncoding> {
    let most = source.audio_kbps.max(AUDIO_KBPS_MIN);
    let kbps = limited(wanted.kbps, most, checks.audio_rate, "the bit rate of its sound")?;
    Ok(AudioEncoding { kbps, sample_rate: wanted.sample_rate, channels: wanted.channels.clamp(1, 2) })
}

fn limited(wanted: u32, most: u32, check: Check, what: &'static str) -> Result<u32> {
    match check {
        Check::Limit => Ok(wanted.min(most)),
        Check::Fail if wanted > most => Err(EncodeError::AboveSource { what }),
        Check::Off | Check::Fail => Ok(wanted),
    }
}

/// Pixels of the output: as asked for, and where only one side is, the other by the ratio of the source.
fn size(wanted: &VideoProfile, source: &SourceFacts) -> (u32, u32) {
    let upright = source.height > source.width;
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
        (Some(width), None) => (width, by_ratio(width, source.width, source.height)),
        (None, Some(height)) => (by_ratio(height, source.height, source.width), height),
        (None, None) => (source.width, source.height),
    };
    (even(width), even(height))
}

/// The nearest even number of pixels below that an encoder takes.
fn even(side: u32) -> u32 {
    side.clamp(SIDE_MIN, SIDE_MAX) & !1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOURCE: SourceFacts =
        SourceFacts { width: 1280, height: 720, video_kbps: 2000, audio_kbps: 128, has_audio: true };

    fn wanted(width: Option<u32>, height: Option<u32>) -> VideoProfile {
        VideoProfile {
            width,
            height,
            long_short: false,
            rate: Rate::Kbps(900),
            max_kbps: None,
            buffer_kbit: None,
            gop: None,
            preset: Preset::Veryfast,
            profile: H264Profile::High,
        }
    }

    fn profile(video: VideoProfile) -> Profile {
        Profile {
            video: Some(video),
            audio: Some(AudioProfile { kbps: 64, sample_rate: 44_100, channels: 2 }),
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
        let same = profile(wanted(Some(640), Some(360))).resolve(&SOURCE).unwrap();
        assert_eq!((one.digest(), one.digest().len()), (same.digest(), 32));
        let other = profile(VideoProfile { gop: Some(50), ..wanted(Some(640), None) }).resolve(&SOURCE).unwrap();
        assert_ne!(one.digest(), other.digest());
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
