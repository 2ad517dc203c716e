//! `Video`: the pictures of a template.

use encode::{H264Profile, Preset, Rate, VideoProfile};

use super::Asked;
use super::fields::{Fields, Place};
use crate::codes::Answer;

/// Quality when neither it nor a bit rate is asked for.
const QUALITY: u32 = 26;
/// Sides of pictures that can be asked for, in pixels.
const SIDES: (u32, u32) = (128, 4_096);
const PRESETS: [Preset; 6] =
    [Preset::Veryfast, Preset::Faster, Preset::Fast, Preset::Medium, Preset::Slow, Preset::Slower];
const H264_PROFILES: [H264Profile; 3] = [H264Profile::Baseline, H264Profile::Main, H264Profile::High];

impl Asked {
    pub(super) fn pictures(&self, place: Place) -> Answer<Option<VideoProfile>> {
        if self.video.is_none() {
            return Err(place.wrong("Video", "it is missing; {\"Remove\":\"true\"} takes the pictures away"));
        }
        let video = Fields::new(place, "Video", self.video.as_ref());
        if video.flag("Remove")? {
            return Ok(None);
        }
        video.one_of("Codec", &[("H.264", ())])?;
        video.one_of("PixFmt", &[("yuv420p", ())])?;
        video.one_of("ScanMode", &[("auto", ()), ("progressive", ())])?;
        if video.text("Fps").is_some() {
            return Err(video.wrong("Fps", "the rate of the source is kept; leave it out"));
        }
        let quality = video.number("Crf", 0, 51)?;
        let kbps = video.number("Bitrate", 10, 50_000)?;
        let side = |key| match video.number(key, SIDES.0, SIDES.1)? {
            Some(odd) if odd % 2 == 1 => Err(video.wrong(key, "an even number is wanted")),
            side => Ok(side),
        };
        let presets = PRESETS.map(|preset| (preset.as_str(), preset));
        let profiles = H264_PROFILES.map(|profile| (profile.as_str(), profile));
        Ok(Some(VideoProfile {
            width: side("Width")?,
            height: side("Height")?,
            long_short: video.flag("LongShortMode")?,
            // With both, the bit rate loses.
            rate: match (quality, kbps) {
                (None, Some(kbps)) => Rate::Kbps(kbps),
                (quality, _) => Rate::Quality(quality.unwrap_or(QUALITY)),
            },
            max_kbps: video.number("Maxrate", 1_000, 50_000)?,
            // The contract says kB; 6000 kilobytes would be a minute of a small output, so kilobits are meant.
            buffer_kbit: video.number("Bufsize", 1_000, 128_000)?,
            gop: video.number("Gop", 1, 100_000)?,
            preset: video.one_of("Preset", &presets)?.unwrap_or_default(),
            profile: video.one_of("Profile", &profiles)?.unwrap_or_default(),
        }))
    }
}
