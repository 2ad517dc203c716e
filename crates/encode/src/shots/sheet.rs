//! Many small pictures in the grid of a large one.

use serde::{Deserialize, Serialize};

use super::order::Size;
use crate::error::{EncodeError, Result};

/// Longest side of a sheet, in pixels: what browsers and WebP take.
const SIDE_MAX: u32 = 16_383;
/// The width of a cell when nobody asks for another.
pub(super) const CELL_WIDTH: u32 = 160;

/// How cells are put together.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SheetOrder {
    /// The size of a cell; as open as that of the snapshots: 160 pixels wide.
    pub cell: Size,
    /// Pixels between cells.
    pub padding: u32,
    /// Pixels around all of them.
    pub margin: u32,
    /// Of what is between and around them.
    pub color: Color,
    /// Most cells beside each other.
    pub columns: u32,
    /// Most cells below each other.
    pub lines: u32,
}

/// Red, green, blue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Color(pub u8, pub u8, pub u8);

/// One sheet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// Cells on it.
    pub cells: u32,
    /// Cells beside each other.
    pub columns: u32,
    /// Cells below each other.
    pub lines: u32,
    /// Pixels of a cell.
    pub cell: (u32, u32),
    /// Pixels between cells.
    pub padding: u32,
    /// Pixels around all of them.
    pub margin: u32,
    /// Of what is between and around them.
    pub color: Color,
}

impl SheetOrder {
    /// The size of a cell, for snapshots of this size from a source of that one.
    pub fn cell_size(&self, snapshots: Size, source: (u32, u32)) -> (u32, u32) {
        match (self.cell.is_open(), snapshots.is_open()) {
            (false, _) => self.cell.of(source),
            (true, false) => snapshots.of(source),
            (true, true) => Size { width: Some(CELL_WIDTH), height: None }.of(source),
        }
    }

    /// The sheets that hold `cells` cells of this size, in order: all full but the last, none with an empty row or column that
    /// could be left out.
    ///
    /// Errors: [`EncodeError::TooLarge`].
    pub fn sheets(&self, cells: u32, cell: (u32, u32)) -> Result<Vec<Sheet>> {
        let (columns, lines) = (self.columns.max(1), self.lines.max(1));
        let capacity = columns.saturating_mul(lines);
        let mut sheets = Vec::new();
        let mut left = cells;
        while left > 0 {
            let cells = left.min(capacity);
            let columns = columns.min(cells);
            let lines = cells.div_ceil(columns);
            let (padding, margin, color) = (self.padding, self.margin, self.color);
            let sheet = Sheet { cells, columns, lines, cell, padding, margin, color };
            let (width, height) = sheet.size();
            if width > SIDE_MAX || height > SIDE_MAX {
                let what = format!("a sheet of {columns} by {lines} cells of {}x{}", cell.0, cell.1);
                return Err(EncodeError::TooLarge { what });
            }
            sheets.push(sheet);
            left -= cells;
        }
        Ok(sheets)
    }
}

impl Sheet {
    /// Its pixels.
    pub fn size(&self) -> (u32, u32) {
        let side = |count: u32, cell: u32| {
            let cells = count.saturating_mul(cell);
            let between = count.saturating_sub(1).saturating_mul(self.padding);
            cells.saturating_add(between).saturating_add(self.margin.saturating_mul(2))
        };
        (side(self.columns, self.cell.0), side(self.lines, self.cell.1))
    }

    /// Where on it a cell lies: left, top.
    pub fn place(&self, cell: u32) -> (u32, u32) {
        let (column, line) = (cell % self.columns.max(1), cell / self.columns.max(1));
        let at = |number: u32, side: u32| {
            self.margin.saturating_add(number.saturating_mul(side.saturating_add(self.padding)))
        };
        (at(column, self.cell.0), at(line, self.cell.1))
    }
}

impl Color {
    /// As FFmpeg writes it.
    pub(super) fn to_hex(self) -> String {
        format!("0x{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn order(columns: u32, lines: u32) -> SheetOrder {
        SheetOrder { cell: Size::default(), padding: 2, margin: 3, color: Color(255, 0, 16), columns, lines }
    }

    #[test]
    fn sheets_are_full_but_the_last_which_is_no_larger_than_it_has_to_be() {
        let sheets = order(4, 3).sheets(29, (160, 90)).unwrap();
        let shapes: Vec<_> = sheets.iter().map(|sheet| (sheet.cells, sheet.columns, sheet.lines)).collect();
        assert_eq!(shapes, [(12, 4, 3), (12, 4, 3), (5, 4, 2)]);
        assert_eq!(sheets[0].size(), (4 * 160 + 3 * 2 + 6, 3 * 90 + 2 * 2 + 6));
        assert_eq!((sheets[0].place(0), sheets[0].place(6)), ((3, 3), (3 + 2 * 162, 3 + 92)));
        assert_eq!(order(10, 10).sheets(3, (160, 90)).unwrap()[0].columns, 3);
    }

    #[test]
    fn a_sheet_that_no_browser_shows_is_refused() {
        assert!(order(100, 1).sheets(100, (160, 90)).is_ok());
        let refused = order(103, 1).sheets(103, (160, 90)).unwrap_err();
        assert!(matches!(&refused, EncodeError::TooLarge { what } if what.contains("103 by 1")), "{refused}");
        assert!(order(10_000, 10_000).sheets(50, (160, 90)).is_ok());
    }

    #[test]
    fn cells_are_as_large_as_the_first_who_says() {
        let asked = Size { width: Some(100), height: None };
        let open = order(1, 1);
        assert_eq!(open.cell_size(Size::default(), (1280, 720)), (160, 90));
        assert_eq!(open.cell_size(asked, (1280, 720)), (100, 56));
        let own = SheetOrder { cell: Size { width: None, height: Some(36) }, ..open };
        assert_eq!(own.cell_size(asked, (1280, 720)), (64, 36));
    }

    proptest! {
        #[test]
        fn no_two_cells_of_a_sheet_touch_and_all_lie_on_it(columns in 1u32..12, lines in 1u32..12, cells in 1u32..300) {
            let sheets = order(columns, lines).sheets(cells, (16, 9)).unwrap();
            prop_assert_eq!(sheets.iter().map(|sheet| sheet.cells).sum::<u32>(), cells);
            for sheet in sheets {
                let (width, height) = sheet.size();
                let places: Vec<_> = (0..sheet.cells).map(|cell| sheet.place(cell)).collect();
                for (at, (x, y)) in places.iter().enumerate() {
                    prop_assert!(x + 16 + 3 <= width && y + 9 + 3 <= height);
                    prop_assert!(places[..at].iter().all(|(left, top)| x.abs_diff(*left) >= 18 || y.abs_diff(*top) >= 11));
                }
            }
        }
    }
}
