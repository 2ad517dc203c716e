//! What is wanted, in the form in which it is stored with a job.

use serde::{Deserialize, Serialize};

use super::gops::Frames;
use super::sheet::{CELL_WIDTH, SheetOrder};
use crate::Capabilities;
use crate::error::{EncodeError, Result};

/// Most pictures of one job: one a second for nearly three hours, one in ten seconds for a day.
pub const SHOTS_MAX: u32 = 10_000;
/// Pictures of which the best one stands for an asset.
pub const COVERS: u32 = 8;
/// Snapshots that come with a transcode task.
pub const TASK_SNAPSHOTS: u32 = 20;
/// Longest animation, in milliseconds.
pub const ANIMATION_MS_MAX: u64 = 60_000;
/// Most pixels of all pictures of an animation together: 400 MB in the memory of its encoder.
const ANIMATION_PIXELS_MAX: u64 = 100_000_000;
/// Ticks in a millisecond.
const TICKS_PER_MS: i64 = 90;

/// What a job makes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PictureOrder {
    /// Still pictures.
    Snapshots(SnapshotOrder),
    /// A moving one.
    Animation(AnimationOrder),
}

/// Still pictures that are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotOrder {
    /// When.
    pub times: ShotTimes,
    /// Which pictures may be taken.
    pub frames: Frames,
    /// How large.
    pub size: Size,
    /// What becomes of them.
    pub layout: Layout,
}

/// When pictures are taken, in milliseconds of the asset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ShotTimes {
    /// At these times, in this order.
    At {
        /// Each of them.
        times_ms: Vec<u64>,
    },
    /// At a fixed interval.
    Every {
        /// The first.
        from_ms: u64,
        /// Not 0.
        interval_ms: u64,
        /// How many at most; `None`: to the end.
        count: Option<u32>,
    },
    /// Where equal parts of the asset begin.
    Spread {
        /// Where the first one does.
        from_ms: u64,
        /// How many.
        count: u32,
    },
    /// In the middle of equal parts of the asset.
    Middles {
        /// How many.
        count: u32,
    },
}

/// A size that is wanted. What is absent follows from the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Size {
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

/// What becomes of still pictures.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Layout {
    /// One of them stands for the asset.
    Covers,
    /// They are kept as they are.
    Single,
    /// They are put together to sheets.
    Sheets {
        /// How.
        sheet: SheetOrder,
        /// They are kept beside them, too.
        keep_cells: bool,
    },
    /// Players are told when to show which.
    Cues {
        /// Put together to sheets; `None`: each for itself.
        sheet: Option<SheetOrder>,
    },
}

/// A moving picture that is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnimationOrder {
    /// What is written.
    pub format: AnimationFormat,
    /// How large.
    pub size: Size,
    /// Pictures per second.
    pub fps: u32,
    /// Where it begins, in milliseconds of the asset.
    pub from_ms: u64,
    /// How long it is.
    pub length: AnimationLength,
    /// It stands for the asset.
    pub cover: bool,
}

/// How much of an asset an animation shows, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnimationLength {
    /// So much of it.
    For {
        /// How much.
        ms: u64,
    },
    /// All but this much at its end.
    AllBut {
        /// How much.
        ms: u64,
    },
}

/// What moving pictures are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnimationFormat {
    /// 256 colours.
    Gif,
    /// All colours, and smaller.
    Webp,
}

/// What an animation comes to for one asset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnimationPlan {
    /// Pixels.
    pub size: (u32, u32),
    /// When each of its pictures is shown, in ticks of the asset.
    pub times: Vec<i64>,
}

impl PictureOrder {
    /// What of it cannot be made by this encoder, in words that follow "This server has no encoder for ".
    pub fn lacking(&self, encoder: Capabilities) -> Option<&'static str> {
        match self {
            Self::Snapshots(_) if !encoder.jpeg => Some("JPEG: its FFmpeg lacks mjpeg or png, or there is no FFmpeg"),
            Self::Animation(AnimationOrder { format: AnimationFormat::Gif, .. }) if !encoder.gif => {
                Some("GIF: its FFmpeg lacks gif or png, or there is no FFmpeg")
            }
            Self::Animation(AnimationOrder { format: AnimationFormat::Webp, .. }) if !encoder.webp => {
                Some("WebP: its FFmpeg lacks libwebp_anim or png, or there is no FFmpeg")
            }
            Self::Snapshots(_) | Self::Animation(_) => None,
        }
    }
}

impl SnapshotOrder {
    /// The pictures of which one stands for an asset: key frames, each of which is decoded alone.
    pub fn covers() -> Self {
        let times = ShotTimes::Middles { count: COVERS };
        Self { times, frames: Frames::Key, size: Size::default(), layout: Layout::Covers }
    }

    /// The snapshots that come with a transcode task.
    pub fn of_task() -> Self {
        let times = ShotTimes::Spread { from_ms: 0, count: TASK_SNAPSHOTS };
        Self { times, frames: Frames::Key, size: Size::default(), layout: Layout::Single }
    }

    /// Whether a key frame is taken once though several times fall on it: where only their spread was asked for.
    pub fn is_distinct(&self) -> bool {
        let spread = matches!(self.times, ShotTimes::Spread { .. } | ShotTimes::Middles { .. });
        spread && self.frames == Frames::Key
    }

    /// Whether its pictures become cells of sheets.
    pub fn sheet(&self) -> Option<&SheetOrder> {
        match &self.layout {
            Layout::Sheets { sheet, .. } | Layout::Cues { sheet: Some(sheet) } => Some(sheet),
            Layout::Covers | Layout::Single | Layout::Cues { sheet: None } => None,
        }
    }

    /// The size of pictures that are small unless it is said how large they are.
    pub fn thumbnail_size(&self) -> Size {
        if self.size.is_open() { Size { width: Some(CELL_WIDTH), height: None } } else { self.size }
    }
}

impl ShotTimes {
    /// The times for an asset of this length, in its ticks. At least one, none beyond its end.
    pub fn ticks(&self, duration: i64) -> Vec<i64> {
        let last = duration.saturating_sub(1).max(0);
        let ticks = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_MS).min(last);
        let at = |from: i64, length: i64, part: u32, of: u32| {
            let offset = i128::from(length) * i128::from(part) / i128::from(of.max(1));
            from.saturating_add(i64::try_from(offset).unwrap_or(0))
        };
        let few = |count: u32| count.clamp(1, SHOTS_MAX);
        match self {
            Self::At { times_ms } => times_ms.iter().map(|ms| ticks(*ms)).collect(),
            Self::Every { from_ms, interval_ms, count } => {
                let (from, most) = (ticks(*from_ms), few(count.unwrap_or(SHOTS_MAX)));
                let step = i64::try_from(*interval_ms).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_MS).max(1);
                let times = (0..most).map(|n| from.saturating_add(step.saturating_mul(i64::from(n))));
                times.take_while(|at| *at <= last).collect()
            }
            Self::Spread { from_ms, count } => {
                let (from, count) = (ticks(*from_ms), few(*count));
                (0..count).map(|n| at(from, duration.saturating_sub(from), n, count).min(last)).collect()
            }
            Self::Middles { count } => {
                let count = few(*count);
                (0..count).map(|n| at(0, duration, 2 * n + 1, 2 * count).min(last)).collect()
            }
        }
    }
}

impl Size {
    /// The size of a picture whose source has this one.
    pub fn of(self, source: (u32, u32)) -> (u32, u32) {
        let (width, height) = (source.0.max(1), source.1.max(1));
        let part = |wanted: u32, of: u32, whole: u32| {
            let exact = (u64::from(wanted) * u64::from(of) + u64::from(whole) / 2) / u64::from(whole);
            u32::try_from(exact).unwrap_or(u32::MAX).max(1)
        };
        match (self.width, self.height) {
            (Some(wide), Some(high)) => (wide, high),
            (Some(wide), None) => (wide, part(wide, height, width)),
            (None, Some(high)) => (part(high, width, height), high),
            (None, None) => (width, height),
        }
    }

    /// Whether neither side is asked for.
    pub fn is_open(self) -> bool {
        self.width.is_none() && self.height.is_none()
    }
}

impl AnimationOrder {
    /// What it comes to for an asset of this length whose pictures have this size.
    ///
    /// Errors: [`EncodeError::TooLarge`] when it would take too much memory.
    pub fn plan(&self, duration: i64, source: (u32, u32)) -> Result<AnimationPlan> {
        let size = self.size.of(source);
        let last = duration.saturating_sub(1).max(0);
        let ticks = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(TICKS_PER_MS);
        let from = ticks(self.from_ms).min(last);
        let end = match self.length {
            AnimationLength::For { ms } => from.saturating_add(ticks(ms)).min(duration),
            AnimationLength::AllBut { ms } => duration.saturating_sub(ticks(ms)),
        };
        if end.saturating_sub(from) > ticks(ANIMATION_MS_MAX) {
            let what = format!("an animation of {} s", end.saturating_sub(from) / 90_000);
            return Err(EncodeError::TooLarge { what });
        }
        let step = |n: u32| from.saturating_add(i64::from(n) * 90_000 / i64::from(self.fps.max(1)));
        let mut times: Vec<i64> = (0..SHOTS_MAX).map(step).take_while(|at| *at < end).collect();
        if times.is_empty() {
            times.push(from);
        }
        let pixels = u64::from(size.0) * u64::from(size.1);
        if pixels.saturating_mul(u64::try_from(times.len()).unwrap_or(u64::MAX)) > ANIMATION_PIXELS_MAX {
            let (width, height) = size;
            let what = format!("an animation of {} pictures of {width}x{height}", times.len());
            return Err(EncodeError::TooLarge { what });
        }
        Ok(AnimationPlan { size, times })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times() -> impl Strategy<Value = ShotTimes> {
        let ms = || 0u64..200_000_000;
        prop_oneof![
            prop::collection::vec(ms(), 1..30).prop_map(|times_ms| ShotTimes::At { times_ms }),
            (ms(), 1u64..100_000, prop::option::of(1u32..20_000))
                .prop_map(|(from_ms, interval_ms, count)| ShotTimes::Every { from_ms, interval_ms, count }),
            (ms(), 1u32..20_000).prop_map(|(from_ms, count)| ShotTimes::Spread { from_ms, count }),
            (1u32..20_000).prop_map(|count| ShotTimes::Middles { count }),
        ]
    }

    proptest! {
        #[test]
        fn there_is_a_time_and_all_lie_within_the_asset(times in times(), duration in 0i64..8_000_000_000) {
            let ticks = times.ticks(duration);
            prop_assert!(!ticks.is_empty() && ticks.len() <= SHOTS_MAX as usize);
            prop_assert!(ticks.iter().all(|at| (0..duration.max(1)).contains(at)));
            if !matches!(times, ShotTimes::At { .. }) {
                prop_assert!(ticks.is_sorted());
            }
        }
    }

    #[test]
    fn times_fall_where_they_were_asked_for() {
        let second = |n: i64| n * 90_000;
        let ten = second(10);
        assert_eq!(ShotTimes::At { times_ms: vec![3_000, 0, 99_000] }.ticks(ten), [second(3), 0, ten - 1]);
        let every = |count| ShotTimes::Every { from_ms: 1_000, interval_ms: 4_000, count };
        assert_eq!(every(None).ticks(ten), [second(1), second(5), second(9)]);
        assert_eq!(every(Some(2)).ticks(ten), [second(1), second(5)]);
        assert_eq!(
            ShotTimes::Spread { from_ms: 2_000, count: 4 }.ticks(ten),
            [second(2), second(4), second(6), second(8)]
        );
        assert_eq!(ShotTimes::Middles { count: 5 }.ticks(ten), [1, 3, 5, 7, 9].map(second));
    }

    #[test]
    fn a_side_that_is_not_asked_for_follows_the_other_one() {
        let size = |width, height| Size { width, height }.of((1280, 720));
        assert_eq!(size(None, None), (1280, 720));
        assert_eq!((size(Some(160), None), size(None, Some(90))), ((160, 90), (160, 90)));
        assert_eq!((size(Some(100), None), size(Some(8), Some(4096))), ((100, 56), (8, 4096)));
        assert_eq!(Size { width: Some(8), height: None }.of((4096, 8)), (8, 1));
    }

    #[test]
    fn an_animation_has_its_pictures_at_its_rate_and_a_bound() {
        let order = AnimationOrder {
            format: AnimationFormat::Gif,
            size: Size { width: Some(320), height: None },
            fps: 12,
            from_ms: 1_000,
            length: AnimationLength::For { ms: 500 },
            cover: false,
        };
        let plan = order.plan(10 * 90_000, (1280, 720)).unwrap();
        assert_eq!(plan.size, (320, 180));
        assert_eq!(plan.times, [0, 1, 2, 3, 4, 5].map(|n| 90_000 + n * 7_500));
        let beyond = AnimationOrder { from_ms: 60_000, ..order.clone() }.plan(10 * 90_000, (1280, 720)).unwrap();
        assert_eq!(beyond.times, [899_999]);
        let all_but = |ms| AnimationOrder { length: AnimationLength::AllBut { ms }, ..order.clone() };
        assert_eq!(all_but(8_500).plan(10 * 90_000, (1280, 720)).unwrap().times, plan.times);
        assert_eq!(all_but(60_000).plan(10 * 90_000, (1280, 720)).unwrap().times, [90_000]);
        let size = Size { width: Some(4096), height: None };
        let huge = AnimationOrder { size, length: AnimationLength::For { ms: 9_000 }, ..order.clone() };
        for (order, seconds) in [(huge, 10), (all_but(0), 3_600)] {
            let refused = order.plan(seconds * 90_000, (1280, 720));
            assert!(matches!(refused, Err(EncodeError::TooLarge { .. })), "{refused:?}");
        }
    }

    #[test]
    fn an_order_is_read_back_as_it_was_stored() {
        for order in [SnapshotOrder::covers(), SnapshotOrder::of_task()] {
            let order = PictureOrder::Snapshots(order);
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<PictureOrder>(&text).unwrap(), order, "{text}");
        }
    }
}
