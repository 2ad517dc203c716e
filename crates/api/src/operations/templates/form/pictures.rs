//! `Video`: the pictures of a template.

use std::collections::BTreeMap;

use encode::{Format, Fps, H264Profile, Passes, Preset, Rate, Turn, VideoCodec, VideoProfile};

use super::Asked;
use super::fields::{Fields, Place, text_of};
use crate::codes::Answer;

/// Quality when neither it nor a bit rate is asked for.
const QUALITY: u32 = 26;
/// Sides of pictures that can be asked for, in pixels.
const SIDES: (u32, u32) = (128, 4_096);
const PRESETS: [Preset; 6] =
    [Preset::Veryfast, Preset::Faster, Preset::Fast, Preset::Medium, Preset::Slow, Preset::Slower];
const H264_PROFILES: [H264Profile; 3] = [H264Profile::Baseline, H264Profile::Main, H264Profile::High];

impl Asked {
    pub(super) fn pictures(&self, place: Place, format: Format, passes: Passes) -> Answer<Option<VideoProfile>> {
        if self.video.is_none() {
            return Err(place.wrong("Video", "it is missing; {\"Remove\":\"true\"} takes the pictures away"));
        }
        let video = Fields::new(place, "Video", self.video.as_ref());
        if video.flag("Remove")? {
            return Ok(None);
        }
        let codec = video.one_of("Codec", &[("H.264", VideoCodec::H264), ("H.265", VideoCodec::H265)])?;
        let codec = codec.unwrap_or(VideoCodec::H264);
        if codec == VideoCodec::H265 && format == Format::Flv {
            return Err(video.wrong("Codec", "an flv cannot hold H.265"));
        }
        let ten_bit = video.one_of("PixFmt", &[("yuv420p", false), ("yuv420p10le", true)])?.unwrap_or(false);
        if codec == VideoCodec::H264 && ten_bit {
            return Err(video.wrong("PixFmt", "ten bits are encoded in H.265 alone: browsers play no other"));
        }
        // `auto`: as the source has them. What is interlaced is not made here.
        let deinterlace = video.one_of("ScanMode", &[("auto", false), ("progressive", true)])?.unwrap_or(false);
        let fps = match video.text("Fps") {
            Some(text) => {
                let why =
                    || video.wrong("Fps", "a number above 0 and up to 60 is wanted, with three digits after the point");
                Some(Fps::parse(&text).ok_or_else(why)?)
            }
            None => None,
        };
        let quality = video.number("Crf", 0, 51)?;
        let kbps = video.number("Bitrate", 10, 50_000)?;
        if kbps.is_none() && passes != Passes::One {
            return Err(video.wrong("Bitrate", "it is missing; TransMode twopass and CBR are about bit rates"));
        }
        if quality.is_some() && passes != Passes::One {
            return Err(video.wrong("Crf", "a quality is made in one pass; leave it out, or TransMode"));
        }
        let side = |key| match video.number(key, SIDES.0, SIDES.1)? {
            Some(odd) if odd % 2 == 1 => Err(video.wrong(key, "an even number is wanted")),
            side => Ok(side),
        };
        let presets = PRESETS.map(|preset| (preset.as_str(), preset));
        let profile = match codec {
            VideoCodec::H264 => video.one_of("Profile", &H264_PROFILES.map(|profile| (profile.as_str(), profile)))?,
            VideoCodec::H265 if ten_bit => video.one_of("Profile", &[("main10", H264Profile::default())])?,
            VideoCodec::H265 => video.one_of("Profile", &[("main", H264Profile::default())])?,
        };
        Ok(Some(VideoProfile {
            codec,
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
            profile: profile.unwrap_or_default(),
            ten_bit,
            fps,
            turn: self.turn(place)?,
            deinterlace,
            passes,
            watermarks: self.watermarks().to_vec(),
            shown_instead: BTreeMap::new(),
            // Fetched by the caller.
            subtitles: Vec::new(),
        }))
    }

    /// `Rotate`: clockwise.
    pub(super) fn turn(&self, place: Place) -> Answer<Turn> {
        let text = self.rotate.as_ref().and_then(text_of).filter(|text| !text.is_empty());
        let Some(text) = text else { return Ok(Turn::None) };
        let turn = text.parse().ok().and_then(Turn::of_degrees);
        turn.ok_or_else(|| place.wrong("Rotate", "pictures are turned by 0, 90, 180, 270 or 360 degrees here"))
    }
}
