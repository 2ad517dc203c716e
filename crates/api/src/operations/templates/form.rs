//! A template as customers write it (contract §2.12), and what it comes to here.
//!
//! What was written is kept and told back as it was. What this server cannot do is refused when the template is written,
//! never when a video waits for it.

use std::fmt::Display;
use std::str::FromStr;

use encode::{
    AudioProfile, Capabilities, Check, Checks, Format, H264Profile, Preset, Profile, Rate, Template, VideoProfile,
};
use rpc::ParamError;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

use crate::codes::{Answer, ApiError, Code};

/// The parameter that templates come in.
const PARAM: &str = "TranscodeTemplateList";
/// Most watermarks of a template.
const WATERMARKS_MAX: usize = 4;
/// Longest name of a template, in bytes.
const NAME_BYTES_MAX: usize = 128;
/// Quality when neither it nor a bit rate is asked for.
const QUALITY: u32 = 26;
/// Kilobits per second of sound when nothing is asked for.
const AUDIO_KBPS: u32 = 128;
/// Samples per second of sound when nothing is asked for.
const SAMPLE_RATE: u32 = 44_100;
/// Samples per second that can be asked for.
const SAMPLE_RATES: [u32; 5] = [22_050, 32_000, 44_100, 48_000, 96_000];
/// Sides of pictures that can be asked for, in pixels.
const SIDES: (u32, u32) = (128, 4_096);

/// A template as it is written. Keys that are not known are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Asked {
    #[serde(skip_serializing)]
    pub(super) transcode_template_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template_name: Option<String>,
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) definition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) audio: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mux_config: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trans_config: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package_setting: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encrypt_setting: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clip: Option<Config>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rotate: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) transcode_file_regular: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subtitle_list: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) watermark_ids: Option<Vec<String>>,
}

/// An inner object, which comes as one or as its JSON text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Config(pub(super) Map<String, Json>);

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wanted = || serde::de::Error::custom("an object, or the text of one, is wanted");
        match Json::deserialize(deserializer)? {
            Json::Object(map) => Ok(Self(map)),
            Json::String(text) if text.is_empty() => Ok(Self::default()),
            Json::String(text) => serde_json::from_str(&text).map(Self).map_err(|_| wanted()),
            _ => Err(wanted()),
        }
    }
}

impl Asked {
    /// With everything that `change` has instead of what is here.
    pub(super) fn changed_by(self, change: Self) -> Self {
        Self {
            transcode_template_id: None,
            template_name: change.template_name.or(self.template_name),
            kind: change.kind.or(self.kind),
            definition: change.definition.or(self.definition),
            video: change.video.or(self.video),
            audio: change.audio.or(self.audio),
            container: change.container.or(self.container),
            mux_config: change.mux_config.or(self.mux_config),
            trans_config: change.trans_config.or(self.trans_config),
            package_setting: change.package_setting.or(self.package_setting),
            encrypt_setting: change.encrypt_setting.or(self.encrypt_setting),
            clip: change.clip.or(self.clip),
            rotate: change.rotate.or(self.rotate),
            transcode_file_regular: change.transcode_file_regular.or(self.transcode_file_regular),
            subtitle_list: change.subtitle_list.or(self.subtitle_list),
            watermark_ids: change.watermark_ids.or(self.watermark_ids),
        }
    }

    /// What it comes to, or why it cannot be had here. `number` is its place in the list, from 1, for the words.
    pub(super) fn template(&self, number: usize, id: String, encoder: Capabilities) -> Answer<Template> {
        let place = Place { number };
        let name = self.template_name.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| place.wrong("TemplateName", "it is missing"))?;
        if name.len() > NAME_BYTES_MAX {
            return Err(place.wrong("TemplateName", format!("it has more than {NAME_BYTES_MAX} bytes")));
        }
        self.refuse_what_is_not_here(place)?;
        let definition = self.definition.clone().unwrap_or_default();
        let sound_only = match definition.as_str() {
            "LD" | "SD" | "HD" | "FHD" | "2K" | "4K" => false,
            "SQ" | "HQ" => true,
            "OD" => {
                let why = "the source itself can be played without a template, as MP4 and as HLS; OD is not encoded";
                return Err(place.wrong("Definition", why));
            }
            _ => return Err(place.wrong("Definition", "one of LD, SD, HD, FHD, 2K, 4K, SQ, HQ is wanted")),
        };
        let profile = Profile {
            video: if sound_only { None } else { self.pictures(place)? },
            audio: self.sound(place)?,
            checks: self.checks(place)?,
        };
        if profile.video.is_none() && profile.audio.is_none() {
            return Err(place.wrong("Video", "neither pictures nor sound are left"));
        }
        if let Some(what) = encoder.lacks(&profile) {
            return Err(place.wrong("Video", format!("this server has no encoder for {what}")));
        }
        Ok(Template { id, name, definition, format: self.format(place)?, profile })
    }

    /// What the contract has and this server does not.
    fn refuse_what_is_not_here(&self, place: Place) -> Answer<()> {
        if !matches!(self.kind.as_deref(), None | Some("" | "Normal")) {
            return Err(place.wrong("Type", "packages are not made here; Normal is possible"));
        }
        let watermarks = self.watermark_ids.as_ref().map_or(0, Vec::len);
        if watermarks > WATERMARKS_MAX {
            return Err(Code::WatermarkExceededMax.into());
        }
        let is_set = |config: &Option<Config>| config.as_ref().is_some_and(|config| !config.0.is_empty());
        let listed = match &self.subtitle_list {
            Some(Json::Array(list)) => !list.is_empty(),
            Some(Json::String(text)) => !matches!(text.as_str(), "" | "[]"),
            Some(Json::Null) | None => false,
            Some(Json::Object(_) | Json::Number(_) | Json::Bool(_)) => true,
        };
        let turned = self.rotate.as_ref().is_some_and(|by| !matches!(text_of(by).as_deref(), Some("" | "0") | None));
        for (name, there, what) in [
            ("PackageSetting", is_set(&self.package_setting), "packages"),
            ("EncryptSetting", is_set(&self.encrypt_setting), "encrypted outputs"),
            ("Clip", is_set(&self.clip), "clips of a source"),
            ("Rotate", turned, "turned pictures"),
            ("SubtitleList", listed, "subtitles"),
            ("WatermarkIds", watermarks > 0, "watermarks"),
        ] {
            if there {
                return Err(place.wrong(name, format!("{what} are not made here")));
            }
        }
        Ok(())
    }

    fn pictures(&self, place: Place) -> Answer<Option<VideoProfile>> {
        let Some(config) = &self.video else {
            return Err(place.wrong("Video", "it is missing; {\"Remove\":\"true\"} takes the pictures away"));
        };
        let video = Fields { place, name: "Video", map: &config.0 };
        if video.flag("Remove")? {
            return Ok(None);
        }
        video.word("Codec", "H.264", &["H.264"], "pictures are encoded in H.264 here")?;
        video.word("PixFmt", "yuv420p", &["yuv420p"], "yuv420p is possible here")?;
        video.word("ScanMode", "auto", &["auto", "progressive"], "auto and progressive are possible here")?;
        video.absent("Fps", "the rate of the source is kept; leave it out")?;
        let quality = video.number("Crf", 0, 51)?;
        let kbps = video.number("Bitrate", 10, 50_000)?;
        let side = |key| match video.number(key, SIDES.0, SIDES.1)? {
            Some(odd) if odd % 2 == 1 => Err(video.wrong(key, "an even number is wanted")),
            side => Ok(side),
        };
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
            preset: video.choice(
                "Preset",
                &[Preset::Veryfast, Preset::Faster, Preset::Fast, Preset::Medium, Preset::Slow, Preset::Slower],
                Preset::as_str,
            )?,
            profile: video.choice(
                "Profile",
                &[H264Profile::Baseline, H264Profile::Main, H264Profile::High],
                H264Profile::as_str,
            )?,
        }))
    }

    fn sound(&self, place: Place) -> Answer<Option<AudioProfile>> {
        let Some(config) = &self.audio else {
            return Err(place.wrong("Audio", "it is missing; {\"Remove\":\"true\"} takes the sound away"));
        };
        let audio = Fields { place, name: "Audio", map: &config.0 };
        if audio.flag("Remove")? {
            return Ok(None);
        }
        audio.word("Codec", "AAC", &["AAC"], "sound is encoded in AAC here")?;
        audio.word("Profile", "aac_low", &["aac_low"], "aac_low is possible here")?;
        audio.word("Volume", "0", &["0"], "the volume is not changed here")?;
        let sample_rate = audio.number("Samplerate", 1, 96_000)?.unwrap_or(SAMPLE_RATE);
        if !SAMPLE_RATES.contains(&sample_rate) {
            return Err(audio.wrong("Samplerate", "one of 22050, 32000, 44100, 48000, 96000 is wanted"));
        }
        Ok(Some(AudioProfile {
            kbps: audio.number("Bitrate", 8, 1_000)?.unwrap_or(AUDIO_KBPS),
            sample_rate,
            channels: audio.number("Channels", 1, 2)?.unwrap_or(2),
        }))
    }

    fn format(&self, place: Place) -> Answer<Format> {
        let empty = Map::new();
        let container = self.container.as_ref().map_or(&empty, |config| &config.0);
        let container = Fields { place, name: "Container", map: container };
        let format = match container.text("Format").as_deref() {
            Some("mp4") => Format::Mp4,
            Some("m3u8") => Format::M3u8,
            _ => return Err(container.wrong("Format", "mp4 and m3u8 are possible here")),
        };
        if let Some(Json::Object(segment)) = self.mux_config.as_ref().and_then(|config| config.0.get("Segment")) {
            // Where an output is cut follows from its source; the wish is only told back.
            Fields { place, name: "MuxConfig.Segment", map: segment }.number("Duration", 1, 60)?;
        }
        Ok(format)
    }

    fn checks(&self, place: Place) -> Answer<Checks> {
        let empty = Map::new();
        let map = self.trans_config.as_ref().map_or(&empty, |config| &config.0);
        let config = Fields { place, name: "TransConfig", map };
        config.word("TransMode", "onepass", &["onepass"], "onepass is possible here")?;
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

/// A template in a list.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// From 1.
    pub(super) number: usize,
}

impl Place {
    pub(super) fn wrong(self, key: &str, why: impl Display) -> ApiError {
        ParamError::invalid(PARAM, format!("template {}, {key}: {why}", self.number)).into()
    }
}

/// The values of an inner object, which may be numbers or their text.
struct Fields<'a> {
    place: Place,
    name: &'static str,
    map: &'a Map<String, Json>,
}

impl Fields<'_> {
    fn wrong(&self, key: &str, why: impl Display) -> ApiError {
        self.place.wrong(&format!("{}.{key}", self.name), why)
    }

    /// The text of a value; an empty one counts as absent.
    fn text(&self, key: &str) -> Option<String> {
        self.map.get(key).and_then(text_of).filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str, min: u32, max: u32) -> Answer<Option<u32>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = u32::from_str(&text).ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| self.wrong(key, format!("a whole number from {min} to {max} is wanted")))
    }

    fn flag(&self, key: &str) -> Answer<bool> {
        match self.text(key).as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "off" | "no") => Ok(false),
            Some("true" | "1" | "on" | "yes") => Ok(true),
            Some(_) => Err(self.wrong(key, "true or false is wanted")),
        }
    }

    /// Refuses all words but `known`, in any letter case; `default` is one of them.
    fn word(&self, key: &str, default: &str, known: &[&str], why: &str) -> Answer<()> {
        let text = self.text(key).unwrap_or_else(|| default.to_owned());
        if known.iter().any(|word| word.eq_ignore_ascii_case(&text)) { Ok(()) } else { Err(self.wrong(key, why)) }
    }

    fn choice<T: Copy + Default>(&self, key: &str, all: &[T], word: fn(T) -> &'static str) -> Answer<T> {
        let Some(text) = self.text(key) else { return Ok(T::default()) };
        let found = all.iter().copied().find(|one| word(*one).eq_ignore_ascii_case(&text));
        found.ok_or_else(|| {
            let words: Vec<_> = all.iter().map(|one| word(*one)).collect();
            self.wrong(key, format!("one of {} is wanted", words.join(", ")))
        })
    }

    fn absent(&self, key: &str, why: &str) -> Answer<()> {
        if self.text(key).is_some() { Err(self.wrong(key, why)) } else { Ok(()) }
    }
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
