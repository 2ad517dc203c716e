//! `Type` and `PackageSetting`: the other outputs of a group as one, between which players switch.

use catalog::StoredTemplate;
use encode::{Content, Format, Profile, Template};
use rpc::ParamError;

use super::fields::{Fields, Place};
use super::{Asked, Config, PARAM};
use crate::codes::Answer;

/// Bits per second that can be told.
const BANDWIDTH_BPS: (u64, u64) = (1_000, 1_000_000_000);
/// The definition of every package.
const AUTO: &str = "AUTO";

/// What a template is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// One output.
    Normal,
    /// Others together.
    Package,
}

impl Kind {
    /// That of a template that is stored.
    pub(in super::super) const fn of(template: &Template) -> Self {
        match template.content {
            Content::Encoded | Content::Remuxed => Self::Normal,
            Content::Package { .. } => Self::Package,
        }
    }

    /// The word on the wire.
    pub(in super::super) const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Package => "VideoPackage",
        }
    }
}

impl Asked {
    pub(super) fn kind(&self, place: Place) -> Answer<Kind> {
        match self.kind.as_deref() {
            None | Some("" | "Normal") => Ok(Kind::Normal),
            Some("VideoPackage") => Ok(Kind::Package),
            Some("SubtitlePackage") => Err(place.wrong("Type", "subtitles are not packed here")),
            Some(_) => Err(place.wrong("Type", "one of Normal, VideoPackage is wanted")),
        }
    }

    /// A package. What would have to be encoded for cannot be asked for.
    pub(super) fn package(&self, place: Place, id: String, name: String, definition: String) -> Answer<Template> {
        if definition != AUTO {
            return Err(place.wrong("Definition", "that of a package is AUTO"));
        }
        let is_set = |config: &Option<Config>| config.as_ref().is_some_and(|config| !config.0.is_empty());
        let marked = !self.watermarks().is_empty();
        let rotated =
            self.rotate.as_ref().and_then(super::text_of).is_some_and(|text| !matches!(text.as_str(), "" | "0"));
        for (key, there) in [
            ("Video", is_set(&self.video)),
            ("Audio", is_set(&self.audio)),
            ("MuxConfig", is_set(&self.mux_config)),
            ("TransConfig", is_set(&self.trans_config)),
            ("EncryptSetting", is_set(&self.encrypt_setting)),
            ("Clip", is_set(&self.clip)),
            ("Rotate", rotated),
            ("WatermarkIds", marked),
        ] {
            if there {
                return Err(
                    place.wrong(key, "a package offers the outputs of the other templates as they are; leave it out")
                );
            }
        }
        let setting = Fields::new(place, "PackageSetting", self.package_setting.as_ref());
        let kinds = [("HLSPackage", Format::M3u8), ("DASHPackage", Format::Mpd)];
        let format = setting.one_of("PackageType", &kinds)?.unwrap_or(Format::M3u8);
        let container = Fields::new(place, "Container", self.container.as_ref());
        container.one_of("Format", &[(format.as_str(), ())])?;
        let config = setting.inner("PackageConfig", "PackageSetting.PackageConfig")?;
        let network_bps = config.number("BandWidth", BANDWIDTH_BPS.0, BANDWIDTH_BPS.1)?;
        Ok(Template {
            id,
            name,
            definition,
            format,
            segment_seconds: None,
            file_name: self.file_name(place)?,
            content: Content::Package { network_bps },
            clip: None,
            bandwidth_bps: None,
            encryption: None,
            profile: Profile::default(),
        })
    }

    /// What playlists tell of a Normal output's bandwidth, instead of what it takes.
    pub(super) fn told_bandwidth(&self, place: Place, format: Format) -> Answer<Option<u64>> {
        let setting = Fields::new(place, "PackageSetting", self.package_setting.as_ref());
        if setting.text("PackageType").is_some() {
            return Err(setting.wrong("PackageType", "only what has the Type VideoPackage has one"));
        }
        let config = setting.inner("PackageConfig", "PackageSetting.PackageConfig")?;
        let bandwidth = config.number("BandWidth", BANDWIDTH_BPS.0, BANDWIDTH_BPS.1)?;
        if bandwidth.is_some() && format != Format::M3u8 {
            return Err(config.wrong("BandWidth", "only an m3u8 tells it"));
        }
        Ok(bandwidth)
    }
}

/// Whether every package of a group has something to offer, all of it of the same part of a video.
pub(in super::super) fn check_packages(templates: &[StoredTemplate]) -> Answer<()> {
    let templates = || templates.iter().map(|stored| &stored.template);
    if let Err(why) = check_encryption(templates()) {
        return Err(ParamError::invalid(PARAM, why).into());
    }
    let Some(package) = templates().find(|template| Kind::of(template) == Kind::Package) else { return Ok(()) };
    let wrong = |why: &str| Err(ParamError::invalid(PARAM, format!("the package {}: {why}", package.name)).into());
    let mut offered = templates().filter(|template| template.is_packed());
    let Some(first) = offered.next() else {
        return wrong("the group has no template with pictures in m3u8 that it could offer");
    };
    if offered.any(|other| other.clip != first.clip) {
        return wrong("the templates in m3u8 that it offers have different Clips");
    }
    Ok(())
}

/// Whether what is encrypted can be delivered: DASH has no such encryption. Errors: what is wrong, as a sentence's end.
pub(in crate::operations) fn check_encryption<'a>(
    templates: impl Iterator<Item = &'a Template> + Clone,
) -> std::result::Result<(), String> {
    let is_dash = |template: &&Template| Kind::of(template) == Kind::Package && template.format == Format::Mpd;
    match templates.clone().find(is_dash) {
        Some(package) if templates.clone().any(|template| template.is_packed() && template.encryption.is_some()) => {
            Err(format!(
                "the package {}: a DASHPackage cannot offer what is encrypted; take an HLSPackage",
                package.name
            ))
        }
        Some(_) | None => Ok(()),
    }
}
