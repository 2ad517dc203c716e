//! Which of several pictures shows most: the one that a video is known by should be neither black nor blank.

/// Pixels of a small grey copy of a picture, which is what is looked at.
pub(super) const LOOK_WIDTH: usize = 64;
/// The same.
pub(super) const LOOK_HEIGHT: usize = 36;
/// Bytes of such a copy: one a pixel, row by row, black is 0 and white 255.
pub const LOOK_BYTES: usize = LOOK_WIDTH * LOOK_HEIGHT;
/// Mean brightness from which on a picture is not dark, and up to which it is not blank.
const BRIGHTNESS: std::ops::RangeInclusive<u64> = 32..=224;

/// What a picture looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Mean brightness.
    brightness: u64,
    /// Mean square of how far its pixels are from that.
    contrast: u64,
    /// Mean difference of neighbours, in hundredths: edges and texture.
    detail: u64,
}

impl Look {
    /// Looks at a small grey copy; `None` when it has another size.
    pub fn of(grey: &[u8]) -> Option<Self> {
        if grey.len() != LOOK_BYTES {
            return None;
        }
        let count = u64::try_from(LOOK_BYTES).unwrap_or(u64::MAX);
        let sum = |values: &mut dyn Iterator<Item = u64>| values.sum::<u64>();
        let brightness = sum(&mut grey.iter().map(|pixel| u64::from(*pixel))) / count;
        let apart = |pixel: &u8| u64::from(*pixel).abs_diff(brightness);
        let contrast = sum(&mut grey.iter().map(|pixel| apart(pixel).pow(2))) / count;
        let step = |pair: &[u8]| match pair {
            [one, other] => u64::from(one.abs_diff(*other)),
            _ => 0,
        };
        let rows = grey.chunks_exact(LOOK_WIDTH).flat_map(|row| row.windows(2));
        let across = sum(&mut rows.map(step));
        let below = grey.iter().zip(grey.iter().skip(LOOK_WIDTH));
        let down = sum(&mut below.map(|(one, other)| u64::from(one.abs_diff(*other))));
        Some(Self { brightness, contrast, detail: (across + down) * 100 / count })
    }

    /// More is better. What is dark or blank comes after all that is not.
    fn rank(self) -> (bool, u64) {
        (BRIGHTNESS.contains(&self.brightness), self.contrast.saturating_mul(self.detail.max(1)))
    }
}

/// The position of the best look: of equal ones the first.
pub fn best(looks: &[Look]) -> usize {
    let mut best = 0;
    for (at, look) in looks.iter().enumerate() {
        if looks.get(best).is_some_and(|known| look.rank() > known.rank()) {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(pixel: impl Fn(usize, usize) -> u8) -> Look {
        let grey: Vec<u8> = (0..LOOK_BYTES).map(|at| pixel(at % LOOK_WIDTH, at / LOOK_WIDTH)).collect();
        Look::of(&grey).unwrap()
    }

    #[test]
    fn what_shows_something_is_better_than_black_white_and_grey() {
        let (black, white, grey) = (look(|_, _| 0), look(|_, _| 255), look(|_, _| 128));
        let caption_on_black = look(|x, y| if y == 20 && x % 2 == 0 { 255 } else { 0 });
        let scene = look(|x, y| u8::try_from(60 + (x * 7 + y * 13) % 120).unwrap());
        assert_eq!(best(&[black, white, grey, caption_on_black, scene]), 4);
        assert_eq!(best(&[black, grey]), 1);
        assert_eq!(best(&[black, caption_on_black]), 1);
    }

    #[test]
    fn of_equal_pictures_the_first_is_taken_and_there_is_always_one() {
        let scene = look(|x, _| u8::try_from(x * 3).unwrap());
        assert_eq!((best(&[scene, scene]), best(&[])), (0, 0));
        assert_eq!(Look::of(&[0; 10]), None);
    }
}
