//! `Container`, `MuxConfig`, `TransConfig`, `Clip`, `EncryptSetting` and `TranscodeFileRegular`: how an output is delivered and called, of which part
//! of its source it is, and what holds against that.

use encode::{Check, Checks, Clip, Encryption, FileName, Format, Passes, Scheme};

use super::Asked;
use super::fields::{Fields, Place};
use crate::codes::{Answer, ApiError};

/// Seconds of a playlist's segments that can be asked for.
const SEGMENT_SECONDS: (u32, u32) = (1, 60);
const TIME_WANTED: &str = "seconds, or hh:mm:ss, with three digits after the point at most are wanted";
/// Longest time that is read: ten days, in seconds.
const SECONDS_MAX: u64 = 864_000;

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

    pub(super) fn passes(&self, place: Place) -> Answer<Passes> {
        let config = Fields::new(place, "TransConfig", self.trans_config.as_ref());
        let modes = [("onepass", Passes::One), ("twopass", Passes::Two), ("CBR", Passes::Constant)];
        Ok(config.one_of("TransMode", &modes)?.unwrap_or_default())
    }

    /// `Clip.TimeSpan`: from `Seek` on, for `Duration` or up to `End`.
    pub(super) fn clip(&self, place: Place) -> Answer<Option<Clip>> {
        let clip = Fields::new(place, "Clip", self.clip.as_ref());
        let span = clip.inner("TimeSpan", "Clip.TimeSpan")?;
        let time = |key| match span.text(key) {
            Some(text) => millis(&text).map(Some).ok_or_else(|| span.wrong(key, TIME_WANTED)),
            None => Ok(None),
        };
        let (seek, duration, end) = (time("Seek")?, time("Duration")?, time("End")?);
        let begin_ms = seek.unwrap_or(0);
        let end_ms = match (duration, end) {
            (Some(_), Some(_)) => return Err(span.wrong("End", "Duration says it already; leave one of them out")),
            (Some(duration), None) => Some(begin_ms.saturating_add(duration)),
            (None, end) => end,
        };
        if end_ms.is_some_and(|end| end <= begin_ms) {
            let key = if duration.is_some() { "Duration" } else { "End" };
            return Err(span.wrong(key, "nothing is left between it and Seek"));
        }
        Ok((seek.is_some() || end_ms.is_some()).then_some(Clip { begin_ms, end_ms }))
    }

    /// `EncryptSetting`: that the segments of a playlist are encrypted.
    pub(super) fn encryption(&self, place: Place, format: Format) -> Answer<Option<Encryption>> {
        let setting = Fields::new(place, "EncryptSetting", self.encrypt_setting.as_ref());
        match setting.one_of("EncryptType", &[(Scheme::Own.as_str(), Scheme::Own)])? {
            Some(_) if format != Format::M3u8 => {
                Err(setting.wrong("EncryptType", "only an m3u8 is encrypted; its Container.Format says otherwise"))
            }
            Some(scheme) => Ok(Some(Encryption { scheme, key: None, key_url: None })),
            None if self.encrypt_setting.as_ref().is_some_and(|setting| !setting.0.is_empty()) => {
                Err(setting.wrong("EncryptType", format!("it is missing; {} is wanted", Scheme::Own.as_str())))
            }
            None => Ok(None),
        }
    }

    /// `TranscodeFileRegular`: what stands in the folder of the video.
    pub(super) fn file_name(&self, place: Place) -> Answer<Option<FileName>> {
        let Some(text) = self.transcode_file_regular.as_deref().filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let name = text.strip_prefix("{MediaId}/").unwrap_or(text);
        if name.contains('/') {
            let why = "one name is wanted, with {MediaId}/ in front of it or nothing: all outputs lie in the folder of their video";
            return Err(place.wrong("TranscodeFileRegular", why));
        }
        FileName::parse(name).map(Some).map_err(|why| place.wrong("TranscodeFileRegular", why))
    }

    pub(super) fn checks(&self, place: Place) -> Answer<Checks> {
        let config = Fields::new(place, "TransConfig", self.trans_config.as_ref());
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

/// `sssss.SSS` or `hh:mm:ss.SSS`, in milliseconds.
fn millis(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let number = |text: &str, digits: usize| -> Option<u64> {
        let fits = (1..=digits).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| fits)
    };
    let seconds = match whole.split(':').collect::<Vec<_>>().as_slice() {
        [seconds] => number(seconds, 6)?,
        [hours, minutes, seconds] => {
            let (minutes, seconds) = (number(minutes, 2)?, number(seconds, 2)?);
            (minutes < 60 && seconds < 60).then_some(number(hours, 3)? * 3_600 + minutes * 60 + seconds)?
        }
        _ => return None,
    };
    let fraction = number(&format!("{fraction:0<3}"), 3)?;
    (seconds <= SECONDS_MAX).then_some(seconds * 1_000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_seconds_or_hours_minutes_and_seconds() {
        for (text, wanted) in [
            ("0", 0),
            ("5", 5_000),
            ("123414.789", 123_414_789),
            ("00:01:59.999", 119_999),
            ("100:00:00.5", 360_000_500),
        ] {
            assert_eq!(millis(text), Some(wanted), "{text}");
        }
        for wrong in ["", "-1", "1.2345", "1:00", "00:60:00", "1:2:3:4", "a", "1e3", "864001"] {
            assert_eq!(millis(wrong), None, "{wrong:?}");
        }
    }
}
