//! A template as customers write it (contract §2.12), and what it comes to here.
//!
//! What was written is kept and told back as it was. What this server cannot do is refused when the template is written,
//! never when a video waits for it.

mod delivery;
mod fields;
mod package;
mod pictures;
mod sound;

use encode::{Capabilities, Content, Format, Profile, Template, Turn};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value as Json};

pub(super) use self::fields::{Place, text_of};
pub(in crate::operations) use self::package::check_encryption;
pub(super) use self::package::{Kind, check_packages};
use super::super::subtitles::{self, AskedFile};
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

    /// With what `change` says instead for one task, key by key of the inner objects. A size and a rate are one thing each: who
    /// names a part of it names all of it.
    pub(super) fn overridden_by(self, change: Self, place: Place) -> Answer<Self> {
        let fixed =
            Self { video: None, audio: None, clip: None, rotate: None, transcode_file_regular: None, ..change.clone() };
        if fixed != (Self { transcode_template_id: change.transcode_template_id.clone(), ..Self::default() }) {
            let why = "only Video, Audio, Clip, Rotate and TranscodeFileRegular can be changed for one task";
            return Err(place.wrong("its members", why));
        }
        let one_thing: [&[&str]; 2] =
            [&["Width", "Height", "LongShortMode"], &["Bitrate", "Crf", "Maxrate", "Bufsize"]];
        let merged = |old: Option<Config>, new: Option<Config>| match (old, new) {
            (old, None) => old,
            (None, new) => new,
            (Some(mut old), Some(new)) => {
                for part in one_thing.iter().filter(|part| part.iter().any(|key| new.0.contains_key(*key))) {
                    old.0.retain(|key, _| !part.contains(&key.as_str()));
                }
                old.0.extend(new.0);
                Some(old)
            }
        };
        Ok(Self {
            video: merged(self.video, change.video),
            audio: merged(self.audio, change.audio),
            clip: merged(self.clip, change.clip),
            rotate: change.rotate.or(self.rotate),
            transcode_file_regular: change.transcode_file_regular.or(self.transcode_file_regular),
            ..self
        })
    }

    /// The watermarks that it names, the lowest first.
    pub(super) fn watermarks(&self) -> &[String] {
        self.watermark_ids.as_deref().unwrap_or_default()
    }

    /// What it comes to, or why it cannot be had here. `number` is its place in the list, from 1, for the words. Whether there are such
    /// watermarks is the caller's question.
    pub(super) fn template(&self, number: usize, id: String, encoder: Capabilities) -> Answer<Template> {
        let place = Place { number };
        let name = self.template_name.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| place.wrong("TemplateName", "it is missing"))?;
        if name.len() > NAME_BYTES_MAX {
            return Err(place.wrong("TemplateName", format!("it has more than {NAME_BYTES_MAX} bytes")));
        }
        if !self.subtitles(place)?.is_empty() && !encoder.subtitles {
            return Err(place.wrong("SubtitleList", subtitles::LACKING));
        }
        if self.watermarks().len() > WATERMARKS_MAX {
            return Err(Code::WatermarkExceededMax.into());
        }
        let definition = self.definition.clone().unwrap_or_default();
        if self.kind(place)? == Kind::Package {
            return self.package(place, id, name, definition);
        }
        let format = self.format(place)?;
        let (content, profile) = match definition.as_str() {
            "OD" => (self.as_it_is(place, format)?, Profile::default()),
            "AUTO" => return Err(place.wrong("Definition", "only what has the Type VideoPackage is AUTO")),
            "LD" | "SD" | "HD" | "FHD" | "2K" | "4K" => (Content::Encoded, self.profile(place, format, true)?),
            "SQ" | "HQ" => (Content::Encoded, self.profile(place, format, false)?),
            _ => return Err(place.wrong("Definition", "one of LD, SD, HD, FHD, 2K, 4K, SQ, HQ, OD is wanted")),
        };
        if let Some((key, what)) = encoder.lacks(&profile) {
            return Err(place.wrong(key, format!("this server has no encoder for {what}")));
        }
        Ok(Template {
            id,
            name,
            definition,
            format,
            segment_seconds: self.segment_seconds(place, format)?,
            file_name: self.file_name(place)?,
            content,
            clip: self.clip(place)?,
            bandwidth_bps: self.told_bandwidth(place, format)?,
            encryption: self.encryption(place, format)?,
            profile,
        })
    }

    /// What is encoded, with pictures or without.
    fn profile(&self, place: Place, format: Format, pictures: bool) -> Answer<Profile> {
        let passes = self.passes(place)?;
        let video = if pictures { self.pictures(place, format, passes)? } else { None };
        let profile = Profile { video, audio: self.sound(place, format)?, checks: self.checks(place)? };
        if profile.video.is_none() && profile.audio.is_none() {
            return Err(place.wrong("Video", "neither pictures nor sound are left"));
        }
        if profile.video.is_none() && !self.watermarks().is_empty() {
            return Err(place.wrong("WatermarkIds", "there are no pictures to show them on"));
        }
        if profile.video.is_none() && !self.subtitles(place)?.is_empty() {
            return Err(place.wrong("SubtitleList", "there are no pictures to draw them on"));
        }
        if profile.video.is_some() && format == Format::Mp3 {
            return Err(place.wrong("Video", "an mp3 has none; {\"Remove\":\"true\"} takes the pictures away"));
        }
        Ok(profile)
    }

    /// `OD`: the source's own media in another container. Whatever would have to be encoded for cannot be asked for.
    fn as_it_is(&self, place: Place, format: Format) -> Answer<Content> {
        if format == Format::Mp3 {
            return Err(place.wrong("Container.Format", "no source has its sound in MP3; with OD nothing is encoded"));
        }
        let turned = self.turn(place)? != Turn::None;
        let marked = !self.watermarks().is_empty();
        let subtitled = !self.subtitles(place)?.is_empty();
        for (key, there) in [
            ("Clip", self.clip(place)?.is_some()),
            ("Rotate", turned),
            ("WatermarkIds", marked),
            ("SubtitleList", subtitled),
        ] {
            if there {
                return Err(place.wrong(key, "with OD nothing is encoded; leave it out"));
            }
        }
        Ok(Content::Remuxed)
    }

    /// The files of subtitles that it names.
    pub(super) fn subtitles(&self, place: Place) -> Answer<Vec<AskedFile>> {
        let listed = self.subtitle_list.as_ref().map(subtitles::listed).transpose();
        Ok(listed.map_err(|why| place.wrong("SubtitleList", why))?.unwrap_or_default())
    }
}
