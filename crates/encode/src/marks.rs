//! Watermarks: what somebody wants over pictures of any size, and what is drawn on those of one encoding.
//!
//! A [`Watermark`] belongs to a template and knows no video. A [`Mark`] belongs to an encoding: its pixels are counted, and when it is
//! shown is a stretch of the source's reel. So chunks that know nothing of each other draw it on the same pictures.

use codec::ImageKind;
use serde::{Deserialize, Serialize};

use crate::resolve::Encoding;
use crate::shots::Color;
use crate::subtitles::Subtitles;

/// 90 kHz ticks of a millisecond.
pub(crate) const TICKS_PER_MS: i64 = 90;
/// A whole side, in the parts that a [`Length`] counts.
pub const WHOLE: u32 = 10_000;
/// How wide an image is of which neither side was asked for, in parts of the picture's width.
const WIDTH_ASKED: u32 = 1_200;

/// What is wanted over pictures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Watermark {
    /// What.
    pub content: WatermarkContent,
    /// From when on, in milliseconds of the output.
    #[serde(default)]
    pub begin_ms: u64,
    /// How long, in milliseconds; `None`: to the end.
    #[serde(default)]
    pub length_ms: Option<u64>,
}

/// What a watermark shows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatermarkContent {
    /// A picture.
    Image(ImageWatermark),
    /// Words.
    Text(TextMark),
}

/// A picture over pictures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImageWatermark {
    /// The file's SHA-256 in hex.
    pub hash: String,
    /// What it is.
    pub kind: ImageKind,
    /// Its own pixels.
    pub size: (u32, u32),
    /// From which corner its distances are.
    pub corner: Corner,
    /// From the side.
    pub dx: Length,
    /// From above or below.
    pub dy: Length,
    /// How wide it is shown; with one side the ratio is kept, with none it has 12 % of the width.
    pub width: Option<Length>,
    /// How high.
    pub height: Option<Length>,
}

/// What a watermark shows for once, where and as it shows its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Another picture.
    Image(ImageFile),
    /// Other words.
    Text(String),
}

/// The file of an image.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ImageFile {
    /// Its SHA-256 in hex.
    pub hash: String,
    /// What it is.
    pub kind: ImageKind,
    /// Pixels.
    pub size: (u32, u32),
}

/// A length on a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// So many.
    Pixels(u32),
    /// So many ten-thousandths of the side, see [`WHOLE`].
    Parts(u32),
}

impl Length {
    /// In pixels, of a side of so many; rounded to the nearest.
    fn of(self, side: u32) -> u32 {
        match self {
            Self::Pixels(pixels) => pixels,
            Self::Parts(parts) => scaled(side, WHOLE, parts),
        }
    }
}

/// A corner of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words say it")]
pub enum Corner {
    TopLeft,
    #[default]
    TopRight,
    BottomLeft,
    BottomRight,
}

/// Words over pictures; all lengths in pixels.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TextMark {
    /// The words.
    pub content: String,
    /// The name of the font, of letters, digits, spaces, `-` and `_`; the host takes the one that is most like it.
    pub font: String,
    /// How high.
    pub size: u32,
    /// Of the letters.
    pub color: Color,
    /// How much of what is below is hidden, in percent.
    pub opacity: u32,
    /// Of their outline.
    pub border_color: Color,
    /// How wide that is.
    pub border: u32,
    /// From the left.
    pub left: u32,
    /// From above.
    pub top: u32,
}

/// What is drawn on the pictures of an encoding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// What.
    pub drawn: Drawn,
    /// On pictures that are shown from here on, in 90 kHz ticks of the source's reel; `None`: from the first.
    pub from: Option<i64>,
    /// On pictures that are shown before this; `None`: to the last.
    pub to: Option<i64>,
}

/// What a mark shows, and where.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// A picture.
    Image {
        /// The file's SHA-256 in hex.
        hash: String,
        /// What it is.
        kind: ImageKind,
        /// Pixels from the left and from above.
        at: (u32, u32),
        /// Pixels.
        size: (u32, u32),
    },
    /// Words.
    Text(TextMark),
}

/// Where an output lies on the reel that it is made of, in 90 kHz ticks of that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Laid {
    /// Where its begin would lie, if it were all on this reel.
    pub zero: i64,
    /// Where the stretch begins that is encoded.
    pub begin: i64,
}

impl Watermark {
    /// The same that shows something else; as it is where that is not of its kind.
    pub fn showing(&self, shown: &Shown) -> Self {
        let content = match (&self.content, shown) {
            (WatermarkContent::Image(image), Shown::Image(ImageFile { hash, kind, size })) => {
                WatermarkContent::Image(ImageWatermark {
                    hash: hash.clone(),
                    kind: *kind,
                    size: *size,
                    ..image.clone()
                })
            }
            (WatermarkContent::Text(text), Shown::Text(content)) => {
                WatermarkContent::Text(TextMark { content: content.clone(), ..text.clone() })
            }
            (content, _) => content.clone(),
        };
        Self { content, ..self.clone() }
    }

    /// What is drawn of it on pictures of this size; `None` when it is over before the stretch begins.
    pub fn on(&self, frame: (u32, u32), laid: Laid) -> Option<Mark> {
        let on_reel = |ms: u64| {
            let ticks = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_MS);
            laid.zero.saturating_add(ticks)
        };
        let from = Some(on_reel(self.begin_ms)).filter(|from| *from > laid.begin);
        let to = self.length_ms.map(|length| on_reel(self.begin_ms.saturating_add(length)));
        if to.is_some_and(|to| to <= laid.begin) {
            return None;
        }
        let drawn = match &self.content {
            WatermarkContent::Text(text) => Drawn::Text(text.clone()),
            WatermarkContent::Image(image) => image.on(frame),
        };
        Some(Mark { drawn, from, to })
    }
}

impl ImageWatermark {
    /// Its file.
    pub fn file(&self) -> ImageFile {
        ImageFile { hash: self.hash.clone(), kind: self.kind, size: self.size }
    }

    /// Within the picture, whatever was asked for.
    fn on(&self, (frame_width, frame_height): (u32, u32)) -> Drawn {
        let (own_width, own_height) = self.size;
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width.of(frame_width), height.of(frame_height)),
            (None, Some(height)) => {
                let height = height.of(frame_height);
                (scaled(own_width, own_height, height), height)
            }
            (width, None) => {
                let width = width.unwrap_or(Length::Parts(WIDTH_ASKED)).of(frame_width);
                (width, scaled(own_height, own_width, width))
            }
        };
        let (width, height) = (width.clamp(1, frame_width.max(1)), height.clamp(1, frame_height.max(1)));
        let (free_x, free_y) = (frame_width.saturating_sub(width), frame_height.saturating_sub(height));
        let (dx, dy) = (self.dx.of(frame_width).min(free_x), self.dy.of(frame_height).min(free_y));
        let at = match self.corner {
            Corner::TopLeft => (dx, dy),
            Corner::TopRight => (free_x - dx, dy),
            Corner::BottomLeft => (dx, free_y - dy),
            Corner::BottomRight => (free_x - dx, free_y - dy),
        };
        Drawn::Image { hash: self.hash.clone(), kind: self.kind, at, size: (width, height) }
    }
}

/// `value` by the ratio `to / of`, rounded to the nearest.
fn scaled(value: u32, of: u32, to: u32) -> u32 {
    let twice = u64::from(value) * u64::from(to) * 2 + u64::from(of);
    u32::try_from(twice / (u64::from(of.max(1)) * 2)).unwrap_or(u32::MAX)
}

impl Encoding {
    /// With these marks over its pictures, if it has any.
    pub fn marked(mut self, watermarks: &[Watermark], laid: Laid) -> Self {
        if let Some(video) = &mut self.video {
            let frame = (video.width, video.height);
            video.marks = watermarks.iter().filter_map(|watermark| watermark.on(frame, laid)).collect();
        }
        self
    }

    /// With the subtitles of these files on its pictures, if it has any.
    pub fn subtitled(mut self, files: &[String], laid: Laid) -> Self {
        if let Some(video) = self.video.as_mut().filter(|_| !files.is_empty()) {
            video.subtitles = Some(Subtitles { files: files.to_vec(), zero: laid.zero });
        }
        self
    }
}

/// What the encoder needs a file of its own for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarkFile<'a> {
    /// A picture.
    Image {
        /// Its SHA-256 in hex.
        hash: &'a str,
        /// What it is.
        kind: ImageKind,
    },
    /// Words.
    Text(&'a str),
}

/// The files of all marks of these encodings, each once; the encoder finds the `n`th as [`Paths::mark_in`](crate::Paths::mark_in).
pub fn mark_files(encodings: &[Encoding]) -> Vec<MarkFile<'_>> {
    let mut files = Vec::new();
    for mark in encodings.iter().filter_map(|encoding| encoding.video.as_ref()).flat_map(|video| &video.marks) {
        let file = mark.drawn.file();
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

impl Drawn {
    /// The file that it comes from.
    pub(crate) fn file(&self) -> MarkFile<'_> {
        match self {
            Self::Image { hash, kind, .. } => MarkFile::Image { hash, kind: *kind },
            Self::Text(text) => MarkFile::Text(&text.content),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn image(corner: Corner) -> ImageWatermark {
        let (dx, dy) = (Length::Pixels(10), Length::Parts(500));
        let (hash, kind) = ("ab".repeat(32), ImageKind::Png);
        ImageWatermark { hash, kind, size: (400, 200), corner, dx, dy, width: None, height: None }
    }

    fn drawn(image: &ImageWatermark) -> ((u32, u32), (u32, u32)) {
        match image.on((1_000, 600)) {
            Drawn::Image { at, size, .. } => (at, size),
            Drawn::Text(_) => panic!("words"),
        }
    }

    #[test]
    fn an_image_lies_at_its_distance_from_its_corner() {
        let corners = [Corner::TopLeft, Corner::TopRight, Corner::BottomLeft, Corner::BottomRight];
        let found = corners.map(|corner| drawn(&image(corner)));
        assert_eq!(found.map(|(at, _)| at), [(10, 30), (870, 30), (10, 510), (870, 510)]);
        assert!(found.iter().all(|(_, size)| *size == (120, 60)), "12 % of the width: {found:?}");
    }

    #[test]
    fn an_image_has_the_size_that_is_asked_for_within_the_picture() {
        let sized = |width, height| drawn(&ImageWatermark { width, height, ..image(Corner::TopLeft) }).1;
        assert_eq!(sized(Some(Length::Pixels(50)), None), (50, 25));
        assert_eq!(sized(None, Some(Length::Parts(1_000))), (120, 60));
        assert_eq!(sized(Some(Length::Pixels(8)), Some(Length::Pixels(30))), (8, 30));
        assert_eq!(sized(Some(Length::Pixels(4_096)), None), (1_000, 600));
    }

    #[test]
    fn a_mark_is_shown_on_the_pictures_of_its_time_wherever_the_stretch_lies() {
        let watermark = |begin_ms, length_ms| Watermark {
            content: WatermarkContent::Image(image(Corner::TopLeft)),
            begin_ms,
            length_ms,
        };
        let laid = Laid { zero: 90_000, begin: 900_000 };
        let of =
            |begin_ms, length_ms| watermark(begin_ms, length_ms).on((640, 360), laid).map(|mark| (mark.from, mark.to));
        assert_eq!(of(0, None), Some((None, None)));
        assert_eq!(of(9_000, None), Some((None, None)), "the stretch begins nine seconds into the output");
        assert_eq!(of(9_001, None), Some((Some(900_090), None)));
        assert_eq!(of(2_000, Some(10_000)), Some((None, Some(1_170_000))));
        assert_eq!(of(0, Some(9_000)), None);
    }

    proptest! {
        #[test]
        fn an_image_is_always_within_the_picture(
            frame in (16u32..4_096, 16u32..4_096), size in (1u32..5_000, 1u32..5_000),
            asked in [prop::option::of(0u32..5_000), prop::option::of(0u32..5_000)],
            distances in [0u32..5_000, 0u32..5_000], parts: bool, corner in 0usize..4,
        ) {
            let length = |value| if parts { Length::Parts(value) } else { Length::Pixels(value) };
            let corner = [Corner::TopLeft, Corner::TopRight, Corner::BottomLeft, Corner::BottomRight][corner];
            let [width, height] = asked.map(|side| side.map(length));
            let [dx, dy] = distances.map(length);
            let image = ImageWatermark { size, corner, dx, dy, width, height, ..image(corner) };
            let Drawn::Image { at, size, .. } = image.on(frame) else { panic!("words") };
            prop_assert!(size.0 > 0 && size.1 > 0 && at.0 + size.0 <= frame.0 && at.1 + size.1 <= frame.1);
        }
    }
}
