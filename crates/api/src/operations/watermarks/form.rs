//! `WatermarkConfig` (contract §2.14): where and when a watermark is shown, and what of words.

use encode::{Corner, ImageFile, ImageWatermark, Length, TextMark, WHOLE};
use serde_json::Value as Json;

use super::super::vod_templates::form::Fields;
use crate::codes::Answer;

/// Pixels that can be asked for, of what has any.
const PIXELS: (u32, u32) = (8, 4_096);
/// Longest words, in characters.
const WORDS_MAX: usize = 256;
/// Longest name of a font, in characters.
const FONT_MAX: usize = 64;
/// The font when none is asked for: what the host takes for one without serifs.
const FONT: &str = "Sans";
/// Pixels of letters: fewest, most, and when nothing is asked for.
const FONT_SIZE: (u32, u32, u32) = (4, 120, 16);
const CORNERS: [(&str, Corner); 4] = [
    ("TopLeft", Corner::TopLeft),
    ("TopRight", Corner::TopRight),
    ("BottomLeft", Corner::BottomLeft),
    ("BottomRight", Corner::BottomRight),
];

/// Where an image is shown.
pub(super) struct Place {
    corner: Corner,
    dx: Length,
    dy: Length,
    width: Option<Length>,
    height: Option<Length>,
}

impl Place {
    /// An image there.
    pub(super) fn with(self, file: ImageFile) -> ImageWatermark {
        let Self { corner, dx, dy, width, height } = self;
        ImageWatermark { hash: file.hash, kind: file.kind, size: file.size, corner, dx, dy, width, height }
    }
}

/// Where an image is shown.
pub(super) fn place(param: &'static str, config: &Json) -> Answer<Place> {
    let config = Fields::new(param, config)?;
    let word = config.word("ReferPos", "TopRight", &CORNERS.map(|(word, _)| word))?;
    let corner = CORNERS.iter().find(|(known, _)| *known == word).map(|(_, corner)| *corner);
    let nothing = Length::Pixels(0);
    let none = |key| match length(&config, key)? {
        Some(length) if length == nothing => Err(config.wrong(key, "it has to be more than nothing")),
        length => Ok(length),
    };
    Ok(Place {
        corner: corner.unwrap_or_default(),
        dx: length(&config, "Dx")?.unwrap_or(nothing),
        dy: length(&config, "Dy")?.unwrap_or(nothing),
        width: none("Width")?,
        height: none("Height")?,
    })
}

/// Pixels, or a part of the side.
fn length(config: &Fields, key: &str) -> Answer<Option<Length>> {
    let Some(text) = config.text(key) else { return Ok(None) };
    let found = match (parts(&text), text.parse::<u32>()) {
        (Some(0), _) => Some(Length::Pixels(0)),
        (Some(parts), _) => Some(Length::Parts(parts)),
        (None, Ok(pixels)) if (PIXELS.0..=PIXELS.1).contains(&pixels) => Some(Length::Pixels(pixels)),
        (None, _) => None,
    };
    let why = || {
        let (least, most) = PIXELS;
        config.wrong(key, format!("pixels from {least} to {most}, or a part of the side from 0 to 1, are wanted"))
    };
    found.map(Some).ok_or_else(why)
}

/// A number from 0 to 1 in parts of [`WHOLE`]; digits that are too small to matter are left out.
fn parts(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let fraction: u32 = format!("{fraction:0<4}").get(..4)?.parse().ok()?;
    let parts = whole.parse::<u32>().ok()?.checked_mul(WHOLE)?.checked_add(fraction)?;
    (parts <= WHOLE).then_some(parts)
}

/// What is shown of words, and where.
pub(super) fn words(param: &'static str, config: &Json) -> Answer<TextMark> {
    let config = Fields::new(param, config)?;
    let content = config.text("Content").ok_or_else(|| config.wrong("Content", "it is missing"))?;
    check_words(&content).map_err(|why| config.wrong("Content", why))?;
    let font = config.text("FontName").unwrap_or_else(|| FONT.to_owned());
    if font.len() > FONT_MAX || !font.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_')) {
        return Err(config.wrong("FontName", "letters, digits, spaces, - and _ are wanted"));
    }
    let opacity = match config.text("FontAlpha") {
        None => 100,
        Some(text) => {
            let parts = parts(&text).filter(|parts| *parts > 0);
            let why = || config.wrong("FontAlpha", "a number above 0 and up to 1 is wanted");
            (parts.ok_or_else(why)? / (WHOLE / 100)).max(1)
        }
    };
    let pixels = |key| Ok::<_, crate::codes::ApiError>(config.number(key, 0, PIXELS.1)?.unwrap_or(0));
    Ok(TextMark {
        content,
        font,
        size: config.number("FontSize", FONT_SIZE.0, FONT_SIZE.1)?.unwrap_or(FONT_SIZE.2),
        color: config.color("FontColor")?,
        opacity,
        border_color: config.color("BorderColor")?,
        border: pixels("BorderWidth")?,
        left: pixels("Left")?,
        top: pixels("Top")?,
    })
}

/// Says what is wrong with words that are to be drawn.
pub(super) fn check_words(content: &str) -> Result<(), String> {
    let fit = content.chars().count() <= WORDS_MAX && !content.chars().any(|c| c.is_control() && c != '\n');
    if fit { Ok(()) } else { Err(format!("at most {WORDS_MAX} characters are wanted, none of them a control")) }
}

/// From when on it is shown and how long, in milliseconds.
pub(super) fn shown(param: &'static str, config: &Json) -> Answer<(u64, Option<u64>)> {
    let timeline = Fields::new(param, config)?.object("Timeline")?;
    let begin = timeline.clock("Start")?.unwrap_or(0);
    let to_end = timeline.text("Duration").is_none_or(|text| text.eq_ignore_ascii_case("ToEND"));
    let length = if to_end { None } else { timeline.clock("Duration")? };
    if length == Some(0) {
        return Err(timeline.wrong("Duration", "it has to be more than nothing; ToEND is to the end"));
    }
    Ok((begin, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_a_number_up_to_one() {
        let found = ["0", "0.5", "0.12345", "1", "1.0", "0.00001"].map(parts);
        assert_eq!(found, [0, 5_000, 1_234, 10_000, 10_000, 0].map(Some));
        for wrong in ["", ".", "1.1", "2", "-0.1", "0,5", "1e-1", "5000000"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
