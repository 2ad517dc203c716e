//! How PostgreSQL's index of texts is asked: `asset_grams`, every one, two and three characters in a row, upper and lower case as one.
//!
//! Each begins with a mark of the time of creation: one of [`PARTS`] for each 70 minutes, in turn. So the index can be asked for a part of
//! the library after the other, and what many assets have costs no more than to count as many of them as are counted.
//!
//! The index folds letters by a table of its own. A letter of which it knows not all cases is not looked for in it. Where a text has at
//! most three characters the index decides; else it narrows down, and what it answers is tested by the condition itself.

use super::{AssetMatch, joined, longest_run};
use crate::sql::{Sql, cases, one};

/// Into how many parts the index has the library, by creation.
pub(super) const PARTS: u8 = 16;
/// The part of an asset, as the index has it.
pub(super) const PART: &str = "((created >> 22) & 15)";
/// Between the pieces of a list.
const BETWEEN: char = '\u{1f}';
/// The mark of the first part.
const FIRST_MARK: u8 = b'@';
/// Characters in a row that the index has at most.
const GRAM: usize = 3;
/// Most characters of a text that are looked for in the index; the condition looks for the others.
const RUN_MAX: usize = 64;

/// What is looked for in the index for a text.
struct Grams {
    grams: Vec<String>,
    /// What it finds has the text.
    decides: bool,
}

impl Grams {
    /// `None` where the index can tell nothing of the text.
    fn of(text: &str) -> Option<Self> {
        let run = longest_run(text, folded);
        let letters: Vec<char> = run.chars().take(RUN_MAX).filter_map(folded).collect();
        if letters.is_empty() {
            return None;
        }
        let mut grams: Vec<String> =
            letters.windows(GRAM.min(letters.len())).map(|gram| gram.iter().collect()).collect();
        grams.sort_unstable();
        grams.dedup();
        Some(Self { grams, decides: run == text && letters.len() <= GRAM })
    }

    /// The list that an asset of a part has to have.
    fn in_part(&self, part: u8) -> String {
        let mark = char::from(FIRST_MARK.saturating_add(part));
        let mut list = String::new();
        for gram in &self.grams {
            if !list.is_empty() {
                list.push(BETWEEN);
            }
            list.push(mark);
            list.push_str(gram);
        }
        list
    }
}

/// Whether the index knows, of each asset that fits, a text.
pub(super) fn narrow(wanted: &AssetMatch) -> bool {
    match wanted {
        AssetMatch::All(all) => all.iter().any(narrow),
        AssetMatch::Any(any) => !any.is_empty() && any.iter().all(narrow),
        AssetMatch::Contains(_, texts) => !texts.is_empty() && texts.iter().all(|text| Grams::of(text).is_some()),
        AssetMatch::Ids(_)
        | AssetMatch::Statuses(_)
        | AssetMatch::Categories(_)
        | AssetMatch::Recorded(_)
        | AssetMatch::Between(..) => false,
    }
}

/// What the index is asked for in a part: whatever fits is among what it finds there. Nothing but this asks for its pieces, as a row that
/// was found would be cut into them again to look.
pub(super) fn condition(sql: Sql, wanted: &AssetMatch, part: u8) -> Sql {
    let each = |sql: Sql, one: &&AssetMatch| condition(sql, one, part);
    match wanted {
        AssetMatch::All(all) => {
            let known: Vec<&AssetMatch> = all.iter().filter(|one| narrow(one)).collect();
            joined(sql, &known, each, " AND ", "1 = 1")
        }
        AssetMatch::Any(any) => joined(sql, &any.iter().collect::<Vec<_>>(), each, " OR ", "1 = 0"),
        AssetMatch::Contains(field, texts) => {
            let has = |sql: Sql, grams: &Grams| {
                let sql = sql.text("asset_grams(").text(field.column());
                let sql = sql.with(", created) @> string_to_array(", grams.in_part(part));
                sql.with(", ", BETWEEN.to_string()).text(")")
            };
            joined(sql, &texts.iter().filter_map(|text| Grams::of(text)).collect::<Vec<_>>(), has, " OR ", "1 = 0")
        }
        _ => sql.text("1 = 1"),
    }
}

/// Whether the index finds just what fits.
pub(super) fn decides(wanted: &AssetMatch) -> bool {
    wanted.is_decided(|text| Grams::of(text).is_some_and(|grams| grams.decides))
}

/// A letter as the index has it, if it has all its cases, and nothing else, as one. A test compares the two for each.
fn folded(c: char) -> Option<char> {
    let fold = fold(c);
    (!matches!(c, '\0' | BETWEEN) && cases(c).into_iter().all(|case| self::fold(case) == fold)).then_some(fold)
}

/// What the index makes of a letter (`migrations/postgres/0050_asset_grams.sql`).
fn fold(c: char) -> char {
    match c {
        'A'..='Z' => c.to_ascii_lowercase(),
        'ı' | 'ſ' => c,
        // Latin, Greek, Cyrillic and Armenian letters, and letters that are signs as well.
        '\u{c0}'..='\u{17f}'
        | '\u{386}'..='\u{3ce}'
        | '\u{400}'..='\u{45f}'
        | '\u{531}'..='\u{586}'
        | '\u{1ea0}'..='\u{1ef9}'
        | '\u{345}'
        | '\u{2126}'
        | '\u{212a}'
        | '\u{212b}' => one(c.to_uppercase()).and_then(|upper| one(upper.to_lowercase())).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Behind it no letter has cases.
    const LAST: char = '\u{1ffff}';

    #[test]
    fn a_letter_is_looked_for_where_the_index_has_just_its_cases_as_one() {
        let mut alike = BTreeMap::<char, Vec<char>>::new();
        ('\0'..=LAST).for_each(|c| alike.entry(fold(c)).or_default().push(c));
        let mut known = 0;
        for (c, fold) in ('\0'..=LAST).filter_map(|c| Some((c, folded(c)?))) {
            let mut cases = cases(c);
            cases.sort_unstable();
            assert_eq!(alike.get(&fold), Some(&cases), "{c:?}");
            known += u32::from(cases.len() > 1);
        }
        assert!(known > 400, "{known} letters with cases are known");
    }
}
