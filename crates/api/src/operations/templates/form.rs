//! A template as customers write it (contract §2.12), and what it comes to here.
//!
//! What was written is kept and told back as it was. What this server cannot do is refused when the template is written,
//! never when a video waits for it.

mod delivery;
mod fields;
mod pictures;
mod sound;

use encode::{Capabilities, Format, Profile, Template};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

pub(super) use self::fields::Place;
use self::fields::text_of;
use crate::codes::{Answer, Code};

/// The parameter that templates come in.
const PARAM: &str = "TranscodeTemplateList";
/// Most watermarks of a template.
const WATERMARKS_MAX: usize = 4;
/// Longest name of a template, in bytes.
const NAME_BYTES_MAX: usize = 128;

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
        let format = self.format(place)?;
        let profile = Profile {
            video: if sound_only { None } else { self.pictures(place, format)? },
            audio: self.sound(place, format)?,
            checks: self.checks(place)?,
        };
        if profile.video.is_none() && profile.audio.is_none() {
            return Err(place.wrong("Video", "neither pictures nor sound are left"));
        }
        if profile.video.is_some() && format == Format::Mp3 {
            return Err(place.wrong("Video", "an mp3 has none; {\"Remove\":\"true\"} takes the pictures away"));
        }
        if let Some((key, what)) = encoder.lacks(&profile) {
            return Err(place.wrong(key, format!("this server has no encoder for {what}")));
        }
        let segment_seconds = self.segment_seconds(place, format)?;
        Ok(Template { id, name, definition, format, segment_seconds, profile })
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
}
