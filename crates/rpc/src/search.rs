//! What SearchMedia is asked for: its `Match`, read and written (contract §2.15).
//!
//! ```text
//! match  = [ all ]
//! all    = item { "and" item }
//! item   = test | "(" all { "or" all } ")"
//! test   = field "=" value | field "in" "(" value { "," value } ")" | field "=" range
//! range  = ( "(" | "[" ) value "," value ( ")" | "]" )          round: without the bound
//! value  = "'" text "'" | number                                in a text `\'` and `\\` are `'` and `\`
//! ```
//!
//! Names of fields and `and`, `or`, `in` are read in any letter case. `and` binds closer than `or`.

use std::fmt;

use units::WallTime;

/// Longest match, in bytes.
pub const MATCH_BYTES_MAX: usize = 16 * 1024;
/// Most values of one list.
pub const VALUES_MAX: usize = 100;
/// Most tests of one match.
pub const TESTS_MAX: usize = 50;
/// How deep brackets may lie in each other.
const DEPTH_MAX: usize = 8;
/// Steps of a duration in one second.
const DURATION_STEPS: i64 = 10_000;

/// Why a match cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Match, character {at}: {wanted} is wanted, not {found}")]
pub struct MatchError {
    /// Where, in characters from 1.
    pub at: usize,
    /// What could stand there.
    pub wanted: String,
    /// What stands there: the next characters, or that it is the end.
    pub found: String,
}

/// What is wanted of a medium.
///
/// As it is read, no `All` is in an `All` and no `Any` in an `Any`, and both have at least two members; but for the empty match, which
/// is an empty `All`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// All of these.
    All(Vec<Condition>),
    /// One of these.
    Any(Vec<Condition>),
    /// One field.
    Test(Test),
}

/// What is wanted of one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Test {
    /// One of these words: the whole of the field, or, where [`WordField::is_fuzzy`], a part of it.
    Word(WordField, Vec<String>),
    /// `CateId` is one of these.
    Category(Vec<i64>),
    /// The field is in this range.
    Range(RangeField, Range),
}

macro_rules! fields {
    ($(#[$about:meta])+ $name:ident { $($(#[$field_about:meta])+ $variant:ident),+ $(,)? }) => {
        $(#[$about])+
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$field_about])+ $variant),+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.as_str().eq_ignore_ascii_case(word))
            }
        }
    };
}

fields! {
    /// A field that has words.
    WordField {
        /// The id of a video.
        VideoId,
        /// The id of a picture of the library.
        ImageId,
        /// The id of whatever is searched.
        MediaId,
        /// The application.
        AppId,
        /// Where it is in its life.
        Status,
        /// Where it came from.
        MediaSource,
        /// Whether it was prepared for production.
        PreprocessStatus,
        /// Where it is stored.
        StorageLocation,
        /// Its title.
        Title,
        /// Its tags.
        Tags,
        /// Its description.
        Description,
    }
}

fields! {
    /// A field that has a place in an order.
    RangeField {
        /// Bytes.
        Size,
        /// Ten-thousandths of a second.
        Duration,
        /// Seconds since 1970.
        CreationTime,
        /// Seconds since 1970.
        ModificationTime,
    }
}

impl WordField {
    /// Whether a part of it will do.
    pub const fn is_fuzzy(self) -> bool {
        match self {
            Self::Title | Self::Tags | Self::Description => true,
            Self::VideoId
            | Self::ImageId
            | Self::MediaId
            | Self::AppId
            | Self::Status
            | Self::MediaSource
            | Self::PreprocessStatus
            | Self::StorageLocation => false,
        }
    }
}

/// From one value to another, in the unit of the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Range {
    /// The lower bound.
    pub from: Bound,
    /// The upper bound.
    pub to: Bound,
}

/// An end of a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// Where.
    pub value: i64,
    /// Whether the value itself is outside.
    pub is_open: bool,
}

impl Condition {
    /// All of these, in the form in which it is read.
    pub fn all(conditions: Vec<Condition>) -> Self {
        let mut flat = Vec::with_capacity(conditions.len());
        for condition in conditions {
            match condition {
                Self::All(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.pop() {
            Some(only) if flat.is_empty() => only,
            last => {
                flat.extend(last);
                Self::All(flat)
            }
        }
    }

    /// One of these, of which there is at least one, in the form in which it is read.
    pub fn any(conditions: Vec<Condition>) -> Self {
        let mut flat = Vec::with_capacity(conditions.len());
        for condition in conditions {
            match condition {
                Self::Any(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.pop() {
            Some(only) if flat.is_empty() => only,
            last => {
                flat.extend(last);
                Self::Any(flat)
            }
        }
    }

    /// Reads a match. An empty one fits all.
    pub fn parse(text: &str) -> Result<Self, MatchError> {
        let mut reader = Reader { text, at: 0, tests: 0 };
        if text.len() > MATCH_BYTES_MAX {
            let found = format!("{} bytes", text.len());
            return Err(MatchError { at: 1, wanted: format!("a match of at most {MATCH_BYTES_MAX} bytes"), found });
        }
        reader.skip_space();
        if reader.rest().is_empty() {
            return Ok(Self::All(Vec::new()));
        }
        let condition = reader.all(0)?;
        if reader.peek_word().eq_ignore_ascii_case("or") {
            return Err(reader.wrong("\"and\" or the end (\"or\" stands in round brackets)"));
        }
        if reader.rest().is_empty() { Ok(condition) } else { Err(reader.wrong("\"and\" or the end")) }
    }
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte, always at a character.
    at: usize,
    tests: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// The error that something else stands here.
    fn wrong(&self, wanted: impl Into<String>) -> MatchError {
        let before = self.text.get(..self.at).unwrap_or_default();
        let found = if self.rest().is_empty() {
            "the end".to_owned()
        } else {
            format!("{:?}", self.rest().chars().take(16).collect::<String>())
        };
        MatchError { at: before.chars().count() + 1, wanted: wanted.into(), found }
    }

    /// Takes `symbol`, and the space after it.
    fn take(&mut self, symbol: char) -> bool {
        let there = self.rest().starts_with(symbol);
        if there {
            self.at += symbol.len_utf8();
            self.skip_space();
        }
        there
    }

    fn peek_word(&self) -> &'a str {
        let end = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        self.rest().get(..end.unwrap_or(self.rest().len())).unwrap_or_default()
    }

    fn take_keyword(&mut self, word: &str) -> bool {
        let there = self.peek_word().eq_ignore_ascii_case(word);
        if there {
            self.at += word.len();
            self.skip_space();
        }
        there
    }

    fn all(&mut self, depth: usize) -> Result<Condition, MatchError> {
        let mut items = vec![self.item(depth)?];
        while self.take_keyword("and") {
            items.push(self.item(depth)?);
        }
        Ok(Condition::all(items))
    }

    fn item(&mut self, depth: usize) -> Result<Condition, MatchError> {
        let opening = self.at;
        if !self.take('(') {
            return self.test().map(Condition::Test);
        }
        if depth == DEPTH_MAX {
            self.at = opening;
            return Err(self.wrong(format!("a field (brackets lie in each other at most {DEPTH_MAX} deep)")));
        }
        let mut items = vec![self.all(depth + 1)?];
        while self.take_keyword("or") {
            items.push(self.all(depth + 1)?);
        }
        if self.take(')') { Ok(Condition::any(items)) } else { Err(self.wrong("\"and\", \"or\" or \")\"")) }
    }

    fn test(&mut self) -> Result<Test, MatchError> {
        let word = self.peek_word();
        let (as_word, as_range) = (WordField::of(word), RangeField::of(word));
        let is_category = word.eq_ignore_ascii_case("CateId");
        if as_word.is_none() && as_range.is_none() && !is_category {
            return Err(self.wrong("a field"));
        }
        if self.tests == TESTS_MAX {
            return Err(self.wrong(format!("the end: {TESTS_MAX} tests are allowed, and one more")));
        }
        self.tests += 1;
        self.at += word.len();
        self.skip_space();
        match (as_word, as_range) {
            (Some(field), _) => Ok(Test::Word(field, self.values(Self::text)?)),
            (None, Some(field)) => Ok(Test::Range(field, self.range(field)?)),
            (None, None) => Ok(Test::Category(self.values(Self::whole)?)),
        }
    }

    /// `= value`, or `in (value, …)`.
    fn values<T>(&mut self, one: fn(&mut Self) -> Result<T, MatchError>) -> Result<Vec<T>, MatchError> {
        if self.take('=') {
            return Ok(vec![one(self)?]);
        }
        if !self.take_keyword("in") {
            return Err(self.wrong("\"=\" or \"in\""));
        }
        if !self.take('(') {
            return Err(self.wrong("\"(\""));
        }
        let mut values = vec![one(self)?];
        while self.take(',') {
            if values.len() == VALUES_MAX {
                return Err(self.wrong(format!("\")\" after {VALUES_MAX} values")));
            }
            values.push(one(self)?);
        }
        if self.take(')') { Ok(values) } else { Err(self.wrong("\",\" or \")\"")) }
    }

    fn range(&mut self, field: RangeField) -> Result<Range, MatchError> {
        if !self.take('=') {
            return Err(self.wrong("\"=\" and a range"));
        }
        let from_open = self.take('(');
        if !from_open && !self.take('[') {
            return Err(self.wrong("a range in round or square brackets"));
        }
        let from = self.bound(field)?;
        if !self.take(',') {
            return Err(self.wrong("\",\""));
        }
        let to = self.bound(field)?;
        let to_open = self.take(')');
        if !to_open && !self.take(']') {
            return Err(self.wrong("\")\" or \"]\""));
        }
        Ok(Range { from: Bound { value: from, is_open: from_open }, to: Bound { value: to, is_open: to_open } })
    }

    /// A bound, in the unit of the field.
    fn bound(&mut self, field: RangeField) -> Result<i64, MatchError> {
        let (read, wanted): (fn(&str) -> Option<i64>, _) = match field {
            RangeField::Size => (|text| text.parse().ok(), "a whole number of bytes"),
            RangeField::Duration => (duration, "a number of seconds, with at most four digits after the point,"),
            RangeField::CreationTime | RangeField::ModificationTime => {
                (|text| Some(WallTime::parse_iso8601(text)?.unix_s()), "a time in quotes, 'YYYY-MM-DDThh:mm:ssZ',")
            }
        };
        let before = self.at;
        let text = if self.rest().starts_with('\'') { self.text()? } else { self.bare() };
        match read(text.trim()) {
            Some(value) => Ok(value),
            None => {
                self.at = before;
                Err(self.wrong(wanted))
            }
        }
    }

    fn whole(&mut self) -> Result<i64, MatchError> {
        let before = self.at;
        let text = if self.rest().starts_with('\'') { self.text()? } else { self.bare() };
        text.trim().parse().map_err(|_| {
            self.at = before;
            self.wrong("a whole number")
        })
    }

    /// The characters of a number without quotes; empty when there is none.
    fn bare(&mut self) -> String {
        let end = self.rest().find(|c: char| !c.is_ascii_digit() && !matches!(c, '-' | '.'));
        let number = self.rest().get(..end.unwrap_or(self.rest().len())).unwrap_or_default();
        self.at += number.len();
        self.skip_space();
        number.to_owned()
    }

    /// A text in single quotes.
    fn text(&mut self) -> Result<String, MatchError> {
        if !self.rest().starts_with('\'') {
            return Err(self.wrong("a text in single quotes"));
        }
        let opening = self.at;
        self.at += 1;
        let (mut text, mut escaped) = (String::new(), false);
        for c in self.rest().chars() {
            self.at += c.len_utf8();
            match c {
                '\'' | '\\' if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '\'' => {
                    self.skip_space();
                    return Ok(text);
                }
                c => {
                    // A backslash before anything else stands for itself.
                    if escaped {
                        text.push('\\');
                    }
                    escaped = false;
                    text.push(c);
                }
            }
        }
        self.at = opening;
        Err(self.wrong("a text that ends with a single quote"))
    }
}

/// Seconds with at most four digits after the point, in their ten-thousandths.
fn duration(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 4 {
        return None;
    }
    let part: i64 = format!("{part:0<4}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(sign * DURATION_STEPS)?.checked_add(sign * part)
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(conditions) => joined(f, conditions, " and "),
            Self::Any(conditions) => {
                f.write_str("(")?;
                joined(f, conditions, " or ")?;
                f.write_str(")")
            }
            Self::Test(test) => test.fmt(f),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display], by: &str) -> fmt::Result {
    for (nth, item) in items.iter().enumerate() {
        if nth > 0 {
            f.write_str(by)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// A text as it is written.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(field, words) => {
                write!(f, "{} in (", field.as_str())?;
                joined(f, &words.iter().map(|word| Quoted(word)).collect::<Vec<_>>(), ",")?;
                f.write_str(")")
            }
            Self::Category(ids) => {
                f.write_str("CateId in (")?;
                joined(f, ids, ",")?;
                f.write_str(")")
            }
            Self::Range(field, Range { from, to }) => {
                let (opening, closing) = (if from.is_open { '(' } else { '[' }, if to.is_open { ')' } else { ']' });
                let (from, to) = (written(*field, from.value), written(*field, to.value));
                write!(f, "{} = {opening}{from},{to}{closing}", field.as_str())
            }
        }
    }
}

fn written(field: RangeField, value: i64) -> String {
    match field {
        RangeField::Size => value.to_string(),
        RangeField::Duration => {
            let sign = if value < 0 { "-" } else { "" };
            let steps = value.unsigned_abs();
            let per_second = DURATION_STEPS.unsigned_abs();
            format!("{sign}{}.{:04}", steps / per_second, steps % per_second)
        }
        RangeField::CreationTime | RangeField::ModificationTime => {
            Quoted(&WallTime::from_unix_s(value).to_iso8601()).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(field: WordField, words: &[&str]) -> Condition {
        Condition::Test(Test::Word(field, words.iter().map(|word| (*word).to_owned()).collect()))
    }

    fn range(field: RangeField, from: i64, from_open: bool, to: i64, to_open: bool) -> Condition {
        let (from, to) = (Bound { value: from, is_open: from_open }, Bound { value: to, is_open: to_open });
        Condition::Test(Test::Range(field, Range { from, to }))
    }

    #[test]
    fn tests_are_joined_by_and_and_in_brackets_by_or() {
        let text = "MediaSource in ('live') and Status in ('Normal', 'Blocked') and CreationTime = \
                    ('2026-01-01T00:00:00Z','2026-02-01T00:00:00Z') and (Title in ('cup') or Tags = '決勝')";
        let wanted = Condition::All(vec![
            word(WordField::MediaSource, &["live"]),
            word(WordField::Status, &["Normal", "Blocked"]),
            range(RangeField::CreationTime, 1_767_225_600, true, 1_769_904_000, true),
            Condition::Any(vec![word(WordField::Title, &["cup"]), word(WordField::Tags, &["決勝"])]),
        ]);
        assert_eq!(Condition::parse(text), Ok(wanted));
    }

    #[test]
    fn an_empty_match_fits_all() {
        for text in ["", " \t\n"] {
            assert_eq!(Condition::parse(text), Ok(Condition::All(vec![])), "{text:?}");
        }
    }

    #[test]
    fn words_are_read_in_any_letter_case_and_with_any_space() {
        let wanted =
            Condition::all(vec![word(WordField::VideoId, &["a"]), Condition::Test(Test::Category(vec![7, 8]))]);
        for text in [
            "VideoId='a' and CateId in(7,'8')",
            "videoid = 'a'AND cateid IN ( '7' , 8 ) ",
            "((VideoId in ('a')) and (CateId in (7,8)))",
        ] {
            assert_eq!(Condition::parse(text).as_ref(), Ok(&wanted), "{text}");
        }
    }

    #[test]
    fn and_binds_closer_than_or() {
        let [a, b, c] = ["a", "b", "c"].map(|text| word(WordField::Title, &[text]));
        let wanted = Condition::Any(vec![Condition::All(vec![a, b]), c]);
        assert_eq!(Condition::parse("(Title='a' and Title='b' or Title='c')"), Ok(wanted));
    }

    #[test]
    fn ranges_are_open_or_closed_at_each_end() {
        for (text, wanted) in [
            ("Size = [1,20)", range(RangeField::Size, 1, false, 20, true)),
            ("Size = ('-1', 9223372036854775807]", range(RangeField::Size, -1, true, i64::MAX, false)),
            ("Duration = [0.5,3600.04]", range(RangeField::Duration, 5_000, false, 36_000_400, false)),
            ("Duration = (1,'1.0001')", range(RangeField::Duration, 10_000, true, 10_001, true)),
            (
                "ModificationTime = ['1970-01-01T00:00:00Z','1970-01-01T00:01Z']",
                range(RangeField::ModificationTime, 0, false, 60, false),
            ),
        ] {
            assert_eq!(Condition::parse(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn quotes_and_backslashes_in_a_text_are_escaped() {
        for (text, wanted) in
            [(r"'it\'s'", "it's"), (r"'a\\'", r"a\"), (r"'C:\dir'", r"C:\dir"), ("''", ""), (r"'\\\''", r"\'")]
        {
            assert_eq!(Condition::parse(&format!("Title = {text}")), Ok(word(WordField::Title, &[wanted])), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_place_and_what_is_wanted() {
        for (text, at, wanted, found) in [
            ("Name = 'a'", 1, "a field", "\"Name = 'a'\""),
            ("Title", 6, "\"=\" or \"in\"", "the end"),
            ("Title like 'a'", 7, "\"=\" or \"in\"", "\"like 'a'\""),
            ("Title = cup", 9, "a text in single quotes", "\"cup\""),
            ("Title = '決勝", 9, "a text that ends with a single quote", "\"'決勝\""),
            ("Title = '決勝' Tags = 'a'", 14, "\"and\" or the end", "\"Tags = 'a'\""),
            ("Title in ()", 11, "a text in single quotes", "\")\""),
            ("Title in 'a'", 10, "\"(\"", "\"'a'\""),
            ("Title in ('a'", 14, "\",\" or \")\"", "the end"),
            (
                "Title = 'a' or Tags = 'b'",
                13,
                "\"and\" or the end (\"or\" stands in round brackets)",
                "\"or Tags = 'b'\"",
            ),
            ("(Title = 'a' or Tags = 'b'", 27, "\"and\", \"or\" or \")\"", "the end"),
            ("Title = 'a' and", 16, "a field", "the end"),
            ("CateId = many", 10, "a whole number", "\"many\""),
            ("CateId in (1,'x')", 14, "a whole number", "\"'x')\""),
            ("Size in (1,2)", 6, "\"=\" and a range", "\"in (1,2)\""),
            ("Size = 1", 8, "a range in round or square brackets", "\"1\""),
            ("Size = (1 2)", 11, "\",\"", "\"2)\""),
            ("Size = (1.5,2)", 9, "a whole number of bytes", "\"1.5,2)\""),
            ("Size = (1,2", 12, "\")\" or \"]\"", "the end"),
            (
                "Duration = (1.00001,2)",
                13,
                "a number of seconds, with at most four digits after the point,",
                "\"1.00001,2)\"",
            ),
            ("CreationTime = (1,2)", 17, "a time in quotes, 'YYYY-MM-DDThh:mm:ssZ',", "\"1,2)\""),
            (
                "CreationTime = ('2026-02-30T00:00:00Z','x')",
                17,
                "a time in quotes, 'YYYY-MM-DDThh:mm:ssZ',",
                "\"'2026-02-30T00:0\"",
            ),
        ] {
            let error = MatchError { at, wanted: wanted.to_owned(), found: found.to_owned() };
            assert_eq!(Condition::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn what_a_match_may_have_is_limited() {
        let list = |count: usize| format!("VideoId in ({})", vec!["'a'"; count].join(","));
        assert!(Condition::parse(&list(VALUES_MAX)).is_ok());
        assert_eq!(Condition::parse(&list(VALUES_MAX + 1)).unwrap_err().wanted, "\")\" after 100 values");
        let tests = |count: usize| vec!["CateId=1"; count].join(" and ");
        assert!(Condition::parse(&tests(TESTS_MAX)).is_ok());
        assert!(Condition::parse(&tests(TESTS_MAX + 1)).unwrap_err().wanted.starts_with("the end: 50 tests"));
        let deep = |depth: usize| format!("{}CateId=1{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Condition::parse(&deep(DEPTH_MAX)).is_ok());
        assert_eq!(Condition::parse(&deep(DEPTH_MAX + 1)).unwrap_err().at, DEPTH_MAX + 1);
        let long = |bytes: usize| format!("Title='{}'", "a".repeat(bytes - 8));
        assert!(Condition::parse(&long(MATCH_BYTES_MAX)).is_ok());
        assert_eq!(Condition::parse(&long(MATCH_BYTES_MAX + 1)).unwrap_err().found, "16385 bytes");
    }

    fn tests() -> impl Strategy<Value = Condition> {
        let words = (proptest::sample::select(WordField::ALL), prop::collection::vec(".{0,8}", 1..4))
            .prop_map(|(field, words)| Test::Word(field, words));
        let categories = prop::collection::vec(any::<i64>(), 1..4).prop_map(Test::Category);
        let ranges = (proptest::sample::select(RangeField::ALL), any::<[bool; 2]>(), any::<[i64; 2]>()).prop_map(
            |(field, [from_open, to_open], values)| {
                // Years with four digits.
                let is_time = matches!(field, RangeField::CreationTime | RangeField::ModificationTime);
                let [from, to] = values.map(|value| if is_time { value.rem_euclid(253_402_300_800) } else { value });
                let (from, to) = (Bound { value: from, is_open: from_open }, Bound { value: to, is_open: to_open });
                Test::Range(field, Range { from, to })
            },
        );
        prop_oneof![words, categories, ranges].prop_map(Condition::Test)
    }

    fn conditions() -> impl Strategy<Value = Condition> {
        tests().prop_recursive(3, 24, 4, |inner| {
            let some = prop::collection::vec(inner, 1..4);
            prop_oneof![some.clone().prop_map(Condition::all), some.prop_map(Condition::any)]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was(condition in conditions()) {
            let text = condition.to_string();
            prop_assert_eq!(Condition::parse(&text), Ok(condition), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in ".{0,40}|[a-zA-Z =()',\\[\\]\\\\0-9.-]{0,40}") {
            match Condition::parse(&text) {
                Ok(condition) => prop_assert_eq!(Condition::parse(&condition.to_string()), Ok(condition)),
                Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.at), "{}", error),
            }
        }
    }
}
