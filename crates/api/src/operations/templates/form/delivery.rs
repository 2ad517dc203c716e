//! `Container`, `MuxConfig` and `TransConfig`: how an output is delivered, and what holds against its source.

use encode::{Check, Checks, Format};

use super::Asked;
use super::fields::{Fields, Place};
use crate::codes::{Answer, ApiError};

/// Seconds of a playlist's segments that can be asked for.
const SEGMENT_SECONDS: (u32, u32) = (1, 60);

impl Asked {
    pub(super) fn format(&self, place: Place) -> Answer<Format> {
        let container = Fields::new(place, "Container", self.container.as_ref());
        let all = [Format::Mp4, Format::M3u8, Format::Flv, Format::Mp3].map(|format| (format.as_str(), format));
        match container.one_of("Format", &all)? {
            Some(format) => Ok(format),
            None => Err(container.wrong("Format", "it is missing; one of mp4, m3u8, flv, mp3 is wanted")),
        }
    }

    /// About how long the segments of a playlist are to be.
    pub(super) fn segment_seconds(&self, place: Place, format: Format) -> Answer<Option<u32>> {
        let mux = Fields::new(place, "MuxConfig", self.mux_config.as_ref());
        let segment = mux.inner("Segment", "MuxConfig.Segment")?;
        let seconds = segment.number("Duration", SEGMENT_SECONDS.0, SEGMENT_SECONDS.1)?;
        Ok(seconds.filter(|_| format == Format::M3u8))
    }

    pub(super) fn checks(&self, place: Place) -> Answer<Checks> {
        let config = Fields::new(place, "TransConfig", self.trans_config.as_ref());
        config.one_of("TransMode", &[("onepass", ())])?;
        let check = |limit, fail| match (config.flag(limit)?, config.flag(fail)?) {
            (_, true) => Ok(Check::Fail),
            (true, false) => Ok(Check::Limit),
            (false, false) => Ok::<_, ApiError>(Check::Off),
        };
        Ok(Checks {
            size: check("IsCheckReso", "IsCheckResoFail")?,
            video_rate: check("IsCheckVideoBitrate", "IsCheckVideoBitrateFail")?,
            audio_rate: check("IsCheckAudioBitrate", "IsCheckAudioBitrateFail")?,
        })
    }
}
