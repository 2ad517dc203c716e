//! What customers write of the pictures they want (contract §2.14), and what it comes to here.
//!
//! Numbers may be text, inner objects may be their JSON text, and keys that are not known are left alone. What this server cannot
//! do is refused when it is written, never when a video waits for it.

use std::fmt::Display;

use encode::{
    ANIMATION_MS_MAX, AnimationFormat, AnimationLength, AnimationOrder, Color, Frames, Layout, PictureOrder, SHOTS_MAX,
    SheetOrder, ShotTimes, Size, SnapshotOrder,
};
use rpc::ParamError;
use serde_json::{Map, Value as Json};

use crate::codes::{Answer, ApiError};

/// Sides of pictures that can be asked for, in pixels.
pub(in crate::operations) const SIDES: (u32, u32) = (8, 4_096);
/// Cells of a sheet in one direction.
const CELLS: (u32, u32) = (1, 10_000);
/// Cells of a sheet in one direction when nothing is asked for.
const CELLS_ASKED: u32 = 10;
/// Pixels between and around cells.
const SPACE_MAX: u32 = 1_000;
/// Longest interval in seconds: a day.
pub(in crate::operations) const INTERVAL_SECONDS_MAX: u32 = 86_400;
/// Pictures per second of an animation, and how many when nothing is asked for.
const FPS: (u32, u32) = (1, 30);
const FPS_ASKED: u32 = 10;
/// The width of an animation when neither side is asked for.
const ANIMATION_WIDTH: u32 = 320;
/// The length of an animation when nothing is asked for, in milliseconds.
const ANIMATION_MS: u64 = 5_000;
/// Colours that have a name.
const COLORS: [(&str, Color); 18] = [
    ("black", Color(0, 0, 0)),
    ("white", Color(255, 255, 255)),
    ("gray", Color(128, 128, 128)),
    ("grey", Color(128, 128, 128)),
    ("silver", Color(192, 192, 192)),
    ("red", Color(255, 0, 0)),
    ("maroon", Color(128, 0, 0)),
    ("orange", Color(255, 165, 0)),
    ("yellow", Color(255, 255, 0)),
    ("olive", Color(128, 128, 0)),
    ("lime", Color(0, 255, 0)),
    ("green", Color(0, 128, 0)),
    ("aqua", Color(0, 255, 255)),
    ("teal", Color(0, 128, 128)),
    ("blue", Color(0, 0, 255)),
    ("navy", Color(0, 0, 128)),
    ("fuchsia", Color(255, 0, 255)),
    ("purple", Color(128, 0, 128)),
];

/// What a template is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::operations) enum Purpose {
    /// Still pictures.
    Snapshot,
    /// Animations.
    DynamicImage,
}

impl Purpose {
    /// What an order is for.
    pub(in crate::operations) const fn of(order: &PictureOrder) -> Self {
        match order {
            PictureOrder::Snapshots(_) => Self::Snapshot,
            PictureOrder::Animation(_) => Self::DynamicImage,
        }
    }

    /// The order that a configuration comes to; `param` is the parameter that it came in.
    pub(in crate::operations) fn order(self, param: &'static str, config: &Json) -> Answer<PictureOrder> {
        let config = Fields::new(param, config)?;
        match self {
            Self::Snapshot => snapshots(&config).map(PictureOrder::Snapshots),
            Self::DynamicImage => animation(&config).map(PictureOrder::Animation),
        }
    }
}

fn snapshots(config: &Fields) -> Answer<SnapshotOrder> {
    let kind = config.text("SnapshotType").map(|text| text.to_ascii_lowercase());
    let inner = config.object("SnapshotConfig")?;
    let sprite = inner.object_if_there("SpriteSnapshotConfig")?;
    let layout = match kind.as_deref() {
        Some("normalsnapshot") => {
            if sprite.is_some() {
                return Err(inner.wrong("SpriteSnapshotConfig", "a NormalSnapshot has none"));
            }
            Layout::Single
        }
        Some("spritesnapshot") => {
            let (sheet, keep_cells) = sheet(&sprite.unwrap_or_else(|| inner.empty("SpriteSnapshotConfig")))?;
            Layout::Sheets { sheet, keep_cells }
        }
        Some("webvttsnapshot") => {
            inner.word("Format", "vtt", &["vtt"])?;
            let (sheet, _) = sheet(&sprite.unwrap_or_else(|| inner.empty("SpriteSnapshotConfig")))?;
            let in_sheets = inner.object("SubOut")?.flag("IsSptFrag")?.unwrap_or(true);
            Layout::Cues { sheet: in_sheets.then_some(sheet) }
        }
        _ => return Err(config.wrong("SnapshotType", "NormalSnapshot, SpriteSnapshot or WebVttSnapshot is wanted")),
    };
    let frames = match inner.word("FrameType", "normal", &["normal", "intra"])? {
        "intra" => Frames::Key,
        _ => Frames::Shown,
    };
    let times = Times {
        from_ms: inner.number("SpecifiedOffsetTime", 0, u32::MAX)?.map_or(0, u64::from),
        interval: inner.number("Interval", 0, INTERVAL_SECONDS_MAX)?,
        count: inner.number("Count", 1, SHOTS_MAX)?,
    };
    Ok(SnapshotOrder { times: times.of(&layout), frames, size: inner.size()?, layout })
}

/// When pictures are taken, as somebody wrote it.
pub(in crate::operations) struct Times {
    pub(in crate::operations) from_ms: u64,
    /// In seconds; 0: evenly.
    pub(in crate::operations) interval: Option<u32>,
    pub(in crate::operations) count: Option<u32>,
}

impl Times {
    /// Without a count a single picture is one, and sheets and cues are of the whole video: as many pictures as the interval
    /// gives, or, spread evenly, as fill a sheet.
    pub(in crate::operations) fn of(self, layout: &Layout) -> ShotTimes {
        let Self { from_ms, interval, count } = self;
        let sheet = match layout {
            Layout::Covers | Layout::Single => None,
            Layout::Sheets { sheet, .. } | Layout::Cues { sheet: Some(sheet) } => {
                Some(sheet.columns.saturating_mul(sheet.lines).min(SHOTS_MAX))
            }
            Layout::Cues { sheet: None } => Some(CELLS_ASKED * CELLS_ASKED),
        };
        match (interval.unwrap_or(1), sheet) {
            (0, sheet) => ShotTimes::Spread { from_ms, count: count.or(sheet).unwrap_or(1) },
            (seconds, sheet) => {
                let count = if sheet.is_some() { count } else { Some(count.unwrap_or(1)) };
                ShotTimes::Every { from_ms, interval_ms: u64::from(seconds) * 1_000, count }
            }
        }
    }
}

/// How cells are put together, and whether they are kept beside their sheets.
fn sheet(config: &Fields) -> Answer<(SheetOrder, bool)> {
    let cells = |key| Ok::<_, ApiError>(config.number(key, CELLS.0, CELLS.1)?.unwrap_or(CELLS_ASKED));
    let space = |key| Ok::<_, ApiError>(config.number(key, 0, SPACE_MAX)?.unwrap_or(0));
    let side = |key| config.number(key, SIDES.0, SIDES.1);
    let order = SheetOrder {
        cell: Size { width: side("CellWidth")?, height: side("CellHeight")? },
        padding: space("Padding")?,
        margin: space("Margin")?,
        color: config.color("Color")?,
        columns: cells("Columns")?,
        lines: cells("Lines")?,
    };
    Ok((order, config.word("KeepCellPic", "keep", &["keep", "delete"])? == "keep"))
}

/// The same from a parameter of its own.
pub(in crate::operations) fn sheet_of(param: &'static str, config: Map<String, Json>) -> Answer<(SheetOrder, bool)> {
    sheet(&Fields { param, path: String::new(), map: config })
}

fn animation(config: &Fields) -> Answer<AnimationOrder> {
    let video = config.object("Video")?;
    let format = config.object("Container")?.word("Format", "", &["gif", "webp"])?;
    let span = config.object("Clip")?.object("TimeSpan")?;
    let (duration, end) = (span.clock("Duration")?, span.clock("End")?);
    let length = match (duration, end) {
        (Some(_), Some(_)) => return Err(span.wrong("End", "it cannot be told beside Duration")),
        (Some(ms), None) if ms == 0 || ms > ANIMATION_MS_MAX => {
            return Err(span.wrong("Duration", format!("at most {} s are possible here", ANIMATION_MS_MAX / 1_000)));
        }
        (None, Some(ms)) => AnimationLength::AllBut { ms },
        (duration, None) => AnimationLength::For { ms: duration.unwrap_or(ANIMATION_MS) },
    };
    let size = video.size()?;
    let size = if size.is_open() { Size { width: Some(ANIMATION_WIDTH), height: None } } else { size };
    Ok(AnimationOrder {
        format: if format == "gif" { AnimationFormat::Gif } else { AnimationFormat::Webp },
        size,
        fps: video.number("Fps", FPS.0, FPS.1)?.unwrap_or(FPS_ASKED),
        from_ms: span.clock("Seek")?.unwrap_or(0),
        length,
        cover: config.flag("SetDefaultCover")?.unwrap_or(false),
    })
}

/// A configuration with another one's Video and Container laid over it member by member, and its Clip in place of the old one.
pub(in crate::operations) fn overridden(param: &'static str, config: &str, over: &Map<String, Json>) -> Answer<Json> {
    let mut config: Map<String, Json> = serde_json::from_str(config).unwrap_or_default();
    let over = Fields { param, path: String::new(), map: over.clone() };
    for key in ["Video", "Container"] {
        let known = Fields { param, path: String::new(), map: config.clone() };
        let (mut inner, more) = (known.object(key)?.map, over.object(key)?.map);
        inner.extend(more);
        config.insert(key.to_owned(), Json::Object(inner));
    }
    if let Some(clip) = over.object_if_there("Clip")? {
        config.insert("Clip".to_owned(), Json::Object(clip.map));
    }
    Ok(Json::Object(config))
}

/// The members of an object.
pub(in crate::operations) struct Fields {
    param: &'static str,
    /// Where it is in the parameter: empty, or `SnapshotConfig.`.
    path: String,
    map: Map<String, Json>,
}

impl Fields {
    /// Those of the object that came as a parameter.
    pub(in crate::operations) fn new(param: &'static str, config: &Json) -> Answer<Self> {
        match config {
            Json::Object(map) => Ok(Self { param, path: String::new(), map: map.clone() }),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Err(ParamError::invalid(param, "a JSON object is wanted").into())
            }
        }
    }

    pub(in crate::operations) fn wrong(&self, key: &str, why: impl Display) -> ApiError {
        ParamError::invalid(self.param, format!("{}{key}: {why}", self.path)).into()
    }

    fn empty(&self, key: &str) -> Self {
        Self { param: self.param, path: format!("{}{key}.", self.path), map: Map::new() }
    }

    fn object_if_there(&self, key: &str) -> Answer<Option<Self>> {
        let wrong = || self.wrong(key, "an object is wanted");
        let map = match self.map.get(key) {
            None | Some(Json::Null) => return Ok(None),
            Some(Json::Object(map)) => map.clone(),
            Some(Json::String(text)) if text.is_empty() => return Ok(None),
            Some(Json::String(text)) => serde_json::from_str(text).map_err(|_| wrong())?,
            Some(Json::Bool(_) | Json::Number(_) | Json::Array(_)) => return Err(wrong()),
        };
        Ok(Some(Self { map, ..self.empty(key) }))
    }

    /// An object that is empty when it is absent.
    pub(in crate::operations) fn object(&self, key: &str) -> Answer<Self> {
        Ok(self.object_if_there(key)?.unwrap_or_else(|| self.empty(key)))
    }

    /// The text of a value; an empty one counts as absent.
    pub(in crate::operations) fn text(&self, key: &str) -> Option<String> {
        let text = match self.map.get(key)? {
            Json::String(text) => text.trim().to_owned(),
            Json::Number(number) => number.to_string(),
            Json::Bool(flag) => flag.to_string(),
            Json::Null | Json::Array(_) | Json::Object(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    pub(in crate::operations) fn number(&self, key: &str, min: u32, max: u32) -> Answer<Option<u32>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = text.parse::<u32>().ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| self.wrong(key, format!("a whole number from {min} to {max} is wanted")))
    }

    fn size(&self) -> Answer<Size> {
        Ok(Size { width: self.number("Width", SIDES.0, SIDES.1)?, height: self.number("Height", SIDES.0, SIDES.1)? })
    }

    fn flag(&self, key: &str) -> Answer<Option<bool>> {
        match self.text(key).map(|text| text.to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("true" | "1" | "on" | "yes") => Ok(Some(true)),
            Some("false" | "0" | "off" | "no") => Ok(Some(false)),
            Some(_) => Err(self.wrong(key, "true or false is wanted")),
        }
    }

    /// One of some words, in any letter case.
    pub(in crate::operations) fn word(
        &self,
        key: &str,
        default: &'static str,
        words: &[&'static str],
    ) -> Answer<&'static str> {
        let text = self.text(key).unwrap_or_else(|| default.to_owned());
        let found = words.iter().find(|word| word.eq_ignore_ascii_case(&text));
        found.copied().ok_or_else(|| self.wrong(key, format!("one of {} is wanted", words.join(", "))))
    }

    /// A name of a colour, or `#RRGGBB`. Black when there is none.
    pub(in crate::operations) fn color(&self, key: &str) -> Answer<Color> {
        let Some(text) = self.text(key) else { return Ok(Color::default()) };
        if let Some((_, color)) = COLORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text)) {
            return Ok(*color);
        }
        let digits = text.strip_prefix('#').or_else(|| text.strip_prefix("0x")).unwrap_or_default();
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 6);
        let [_, red, green, blue] =
            number.ok_or_else(|| self.wrong(key, "the name of a colour or #RRGGBB is wanted"))?.to_be_bytes();
        Ok(Color(red, green, blue))
    }

    /// `sssss.SSS` or `hh:mm:ss.SSS`, in milliseconds.
    pub(in crate::operations) fn clock(&self, key: &str) -> Answer<Option<u64>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        milliseconds(&text).map(Some).ok_or_else(|| self.wrong(key, "sssss.SSS or hh:mm:ss.SSS is wanted"))
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    let number = |digits: &str| {
        let fits = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| fits)
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    // Three digits are what counts; more are left out.
    let thousandths =
        number(&format!("{part}000").chars().take(3).collect::<String>()).filter(|_| number(part).is_some())?;
    let seconds = match whole.split(':').collect::<Vec<_>>().as_slice() {
        [seconds] => number(seconds)?,
        [hours, minutes, seconds] => {
            let below_sixty = |text| number(text).filter(|number| *number < 60);
            number(hours)? * 3_600 + below_sixty(minutes)? * 60 + below_sixty(seconds)?
        }
        _ => return None,
    };
    Some(seconds * 1_000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        for (text, ms) in [("0", 0), ("18000.30", 18_000_300), ("00:01:59.999", 119_999), ("100:00:00", 360_000_000)] {
            assert_eq!(milliseconds(text), Some(ms), "{text}");
        }
        for text in ["", "1:2", "00:60:00", "-1", "1e3", "1.", ".5", "1.2.3", "9999999999", "00:00:00:00"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
