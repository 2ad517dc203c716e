//! How SQLite's index of texts is asked: `asset_text`, every three characters in a row, upper and lower case as one.
//!
//! The index folds letters by tables of its own, which are older than those of the program and not quite the same. A letter of which the
//! two disagree is not looked for in it. Where all of a text is, the index decides; else it narrows down, and what it answers is tested
//! by the condition itself.

use super::{AssetMatch, AssetText, longest_run};
use crate::sql::{Sql, cases, one};

/// Characters that the index holds in a row.
const GRAM: usize = 3;
/// Most characters of a text that are looked for in the index; the condition looks for the others.
const PHRASE_MAX: usize = 64;
/// What each text in the index ends with, twice.
const END: char = '\u{1f}';

/// Where the texts stand that a condition asks for: every asset that fits is among those.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Hits {
    /// Those that an expression of the index finds.
    Matching {
        expression: String,
        /// What it finds fits in all that is asked of texts alone.
        decides: bool,
    },
    /// Those that one of these finds.
    Either {
        pieces: Vec<Piece>,
        /// What one of them finds fits in all that is asked of texts.
        decides: bool,
    },
}

/// A part of what is looked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// What an expression of the index finds.
    Matching(String),
    /// The texts of a column with these one or two characters in a row, folded.
    Short(&'static str, String),
}

impl Piece {
    /// Adds a query of the index for the column `doc`.
    pub(super) fn docs(&self, sql: Sql) -> Sql {
        match self {
            Self::Matching(expression) => {
                sql.with("SELECT rowid AS doc FROM asset_text WHERE asset_text MATCH ", expression)
            }
            Self::Short(column, text) => sql
                .with("SELECT DISTINCT doc FROM asset_text_terms WHERE term >= ", text)
                .with(" AND term <= ", format!("{text}{0}{0}", char::MAX))
                .with(" AND col = ", *column),
        }
    }
}

impl Hits {
    /// What the index can tell of a condition; `None` where that is nothing.
    pub(super) fn of(wanted: &AssetMatch) -> Option<Self> {
        let looked_for = Looked::of(wanted)?;
        if looked_for.is_long() {
            return Some(Self::Matching { expression: looked_for.expression(), decides: is_decided(wanted) });
        }
        let mut pieces = Vec::new();
        looked_for.pieces(&mut pieces);
        Some(Self::Either { pieces, decides: is_one_beside(wanted) })
    }

    /// Whether what is asked of texts alone need not be asked again.
    pub(super) fn decides(&self) -> bool {
        match self {
            Self::Matching { decides, .. } | Self::Either { decides, .. } => *decides,
        }
    }

    /// Whether they are found in the order of creation.
    pub(super) fn are_in_order(&self) -> bool {
        matches!(self, Self::Matching { .. })
    }

    /// Adds a query for what is found, as the column `doc`. `more` narrows what an expression finds by `rowid`, the number there.
    pub(super) fn docs(&self, sql: Sql, more: impl Fn(Sql) -> Sql) -> Sql {
        match self {
            Self::Matching { expression, .. } => {
                more(sql.with("SELECT rowid AS doc FROM asset_text WHERE asset_text MATCH ", expression))
            }
            Self::Either { pieces, .. } => {
                let mut sql = sql;
                for (nth, piece) in pieces.iter().enumerate() {
                    sql = piece.docs(sql.text(if nth == 0 { "" } else { " UNION " }));
                }
                sql
            }
        }
    }

    /// Adds what is found as `found`, with its copy of the texts, `asset_text_content`, in which the index keeps its columns in order as
    /// `c0`, `c1` and so on. Read past the index, it costs a third.
    pub(super) fn copies(&self, sql: Sql, more: impl Fn(Sql) -> Sql) -> Sql {
        let sql = self.docs(sql.text("("), more);
        sql.text(") AS found CROSS JOIN asset_text_content ON asset_text_content.id = found.doc")
    }
}

/// Whether the index decides all that is asked of texts alone.
fn is_decided(wanted: &AssetMatch) -> bool {
    match wanted {
        AssetMatch::All(all) => all.iter().all(is_decided),
        one => !one.is_of_texts() || is_exact(one),
    }
}

/// Whether one text of several is asked for, nothing else of texts, and the index finds for each just what has it.
fn is_one_beside(wanted: &AssetMatch) -> bool {
    match wanted {
        AssetMatch::All(all) => {
            let mut of_texts = all.iter().filter(|one| one.asks_for_texts() || one.is_of_texts());
            of_texts.next().is_some_and(is_one_beside) && of_texts.next().is_none()
        }
        one => is_one_of(one),
    }
}

/// Whether one text of several is asked for and nothing else, and the index finds for each just what has it.
fn is_one_of(wanted: &AssetMatch) -> bool {
    match wanted {
        AssetMatch::Contains(_, texts) => !texts.is_empty() && texts.iter().all(|text| is_known(text, 1)),
        AssetMatch::Any(any) => !any.is_empty() && any.iter().all(is_one_of),
        AssetMatch::All(all) => matches!(all.as_slice(), [one] if is_one_of(one)),
        AssetMatch::Ids(_)
        | AssetMatch::Statuses(_)
        | AssetMatch::Categories(_)
        | AssetMatch::Recorded(_)
        | AssetMatch::Between(..) => false,
    }
}

/// Whether a text has at least so many characters, no more than are looked for, and the index folds each as we do.
fn is_known(text: &str, least: usize) -> bool {
    (least..=PHRASE_MAX).contains(&text.chars().count()) && text.chars().all(|c| folded(c).is_some())
}

/// Whether the index finds just what fits.
fn is_exact(wanted: &AssetMatch) -> bool {
    wanted.is_decided(|text| is_known(text, GRAM))
}

/// What is looked for in the index.
enum Looked {
    /// At least [`GRAM`] characters in a column.
    Long(&'static str, String),
    /// Fewer, folded.
    Short(&'static str, String),
    All(Vec<Looked>),
    Any(Vec<Looked>),
}

impl Looked {
    fn of(wanted: &AssetMatch) -> Option<Self> {
        match wanted {
            AssetMatch::All(all) => {
                let mut known: Vec<Self> = all.iter().filter_map(Self::of).collect();
                if known.iter().any(Self::is_long) {
                    known.retain(Self::is_long);
                } else {
                    // One of them narrows enough.
                    known.truncate(1);
                }
                if known.is_empty() { None } else { Some(Self::All(known)) }
            }
            AssetMatch::Any(any) => Self::any(any.iter().map(Self::of)),
            AssetMatch::Contains(field, texts) => {
                let column = field.column();
                Self::any(texts.iter().map(|text| Self::text(column, text)))
            }
            AssetMatch::Ids(_)
            | AssetMatch::Statuses(_)
            | AssetMatch::Categories(_)
            | AssetMatch::Recorded(_)
            | AssetMatch::Between(..) => None,
        }
    }

    /// One of these, if all can be looked for.
    fn any(looked_for: impl Iterator<Item = Option<Self>>) -> Option<Self> {
        let any = looked_for.collect::<Option<Vec<_>>>()?;
        if any.is_empty() { None } else { Some(Self::Any(any)) }
    }

    fn text(column: &'static str, text: &str) -> Option<Self> {
        let run: String = longest_run(text, folded).chars().take(PHRASE_MAX).collect();
        match run.chars().count() {
            0 => None,
            length if length < GRAM => Some(Self::Short(column, run.chars().filter_map(folded).collect())),
            _ => Some(Self::Long(column, run)),
        }
    }

    fn is_long(&self) -> bool {
        match self {
            Self::Long(..) => true,
            Self::Short(..) => false,
            Self::All(all) | Self::Any(all) => all.iter().all(Self::is_long),
        }
    }

    /// As FTS5 reads it. Short texts do not occur.
    fn expression(&self) -> String {
        let joined = |all: &[Self], by| all.iter().map(Self::expression).collect::<Vec<_>>().join(by);
        match self {
            Self::Long(column, text) | Self::Short(column, text) => {
                format!("{column} : \"{}\"", text.replace('"', "\"\""))
            }
            Self::All(all) => format!("({})", joined(all, " AND ")),
            Self::Any(any) => format!("({})", joined(any, " OR ")),
        }
    }

    fn pieces(&self, out: &mut Vec<Piece>) {
        match self {
            Self::Short(column, text) => out.push(Piece::Short(column, text.clone())),
            long if long.is_long() => out.push(Piece::Matching(long.expression())),
            Self::Any(any) => any.iter().for_each(|one| one.pieces(out)),
            Self::All(all) => all.iter().take(1).for_each(|one| one.pieces(out)),
            Self::Long(..) => {}
        }
    }
}

impl AssetText {
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Tags => "tags",
            Self::Description => "description",
        }
    }
}

/// A letter as the index has it, if the index has all its cases as one. A test asks the index itself for each.
pub(super) fn folded(c: char) -> Option<char> {
    let cases = cases(c);
    if cases.len() == 1 {
        return (!matches!(c, '\0' | END | '\u{fffe}' | '\u{ffff}')).then_some(c);
    }
    // Scripts whose letters have had their cases since before the tables of the index.
    let is_old = |c: &char| match c {
        'ı' | '\u{37f}' | 'ϳ' => false,
        c => {
            matches!(c, '\0'..='\u{24f}' | '\u{370}'..='\u{527}' | '\u{531}'..='\u{587}' | '\u{1e00}'..='\u{1fff}')
                || matches!(c, '\u{345}' | '\u{2126}' | '\u{212a}' | '\u{212b}')
        }
    };
    if !cases.iter().all(is_old) {
        return None;
    }
    let upper = one(c.to_uppercase()).unwrap_or(c);
    one(upper.to_lowercase())
}
