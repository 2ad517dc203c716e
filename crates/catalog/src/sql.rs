//! One body of SQL for both databases.
//!
//! **Invariant:** the text of a statement consists of `'static` pieces, placeholders, and names of tables and columns that
//! have nothing but letters and `_`; every value is bound. So the two `AssertSqlSafe` below are the only ones in the
//! project and hold by construction.
//!
//! The common subset: `$n` placeholders, BIGINT milliseconds, TEXT ids, TEXT JSON, flags 0 or 1, `INSERT … ON CONFLICT`,
//! `UPDATE … RETURNING`, partial indexes, CTEs. Some fragments differ and are written `{now}` (the database's clock in
//! Unix milliseconds), `{skip locked}`, `{contains}` (the text before it has a [`Contains`] in it), `{contains plainly}`, and `{by created}` and `{by modified}`
//! (the assets that are not deleted are read along this index).

use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, Column as _, Postgres, Row as _, Sqlite, TypeInfo as _, ValueRef as _};
use units::{AssetId, EventId, JobId, PushId, RecordingId, ReelId, WallTime};

use crate::{Catalog, CatalogError, Pools, Result, Tx, TxInner};

/// A value bound to a placeholder.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// BIGINT.
    Int(Option<i64>),
    /// TEXT.
    Text(Option<String>),
    /// DOUBLE PRECISION.
    Real(Option<f64>),
    /// NULL in a column of whatever type; only as a value of an INSERT.
    Null,
    /// What a text is to have in it; only after `{contains}`.
    Contains(Contains),
    /// The same where no letter has cases but those of ASCII; only after `{contains plainly}`, which is faster.
    ContainsPlainly(Contains),
}

/// A text that is looked for in others, in whatever letter case.
///
/// Neither database folds letters beyond ASCII by itself, whatever its collation. So each letter is looked for in all its cases, by a
/// GLOB of SQLite and a regular expression of PostgreSQL. Letters whose other case is more than one letter (ß) are their own only.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contains(pub String);

impl From<Contains> for Value {
    fn from(text: Contains) -> Self {
        Self::Contains(text)
    }
}

impl Contains {
    fn glob(&self) -> String {
        format!(
            "*{}*",
            self.pattern(|c, pattern| {
                // These stand for themselves only in a class.
                if matches!(c, '*' | '?' | '[') {
                    pattern.extend(['[', c, ']']);
                } else {
                    pattern.push(c);
                }
            })
        )
    }

    fn regex(&self) -> String {
        self.pattern(|c, pattern| {
            if c.is_ascii_punctuation() && c != '_' {
                pattern.push('\\');
            }
            pattern.push(c);
        })
    }

    fn like(&self) -> String {
        let mut pattern = String::from("%");
        for c in self.0.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern + "%"
    }

    /// Whether no letter has cases but those of ASCII, which PostgreSQL's ILIKE folds under the collation of all our columns.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.chars().map(cases).all(|cases| cases.len() == 1 || cases.iter().all(char::is_ascii))
    }

    fn pattern(&self, plain: fn(char, &mut String)) -> String {
        let mut pattern = String::with_capacity(self.0.len().saturating_mul(4));
        for c in self.0.chars() {
            let cases = cases(c);
            if cases.len() > 1 {
                pattern.push('[');
                pattern.extend(cases);
                pattern.push(']');
            } else {
                plain(c, &mut pattern);
            }
        }
        pattern
    }
}

/// Letters that are cases of others by how they are folded (Unicode, CaseFolding.txt), though no case leads to them: the sigma at the
/// end of a word, the signs of kelvin, angstrom and ohm, the iota below a letter.
const FOLDED_ONLY: [(char, char); 5] =
    [('σ', 'ς'), ('k', '\u{212a}'), ('å', '\u{212b}'), ('ω', '\u{2126}'), ('ι', '\u{345}')];

/// A letter in all its cases, itself first.
pub(crate) fn cases(c: char) -> Vec<char> {
    let lower = |c: char| one(c.to_lowercase());
    let upper = |c: char| one(c.to_uppercase());
    let mut cases = vec![c];
    let more = [lower(c), upper(c), upper(c).and_then(lower), lower(c).and_then(upper)];
    let mut push = |other| {
        if !cases.contains(&other) {
            cases.push(other);
        }
    };
    more.into_iter().flatten().for_each(&mut push);
    let folded_only = FOLDED_ONLY.iter().filter(|(of, _)| *of == c || more.contains(&Some(*of)));
    folded_only.for_each(|(_, other)| push(*other));
    cases
}

/// The only letter, if there is but one.
pub(crate) fn one(mut letters: impl Iterator<Item = char>) -> Option<char> {
    let first = letters.next();
    if letters.next().is_none() { first } else { None }
}

macro_rules! value_from {
    ($($from:ty => $variant:ident($value:ident -> $into:expr)),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant(Some($into))
            }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$variant(value.map(|$value| $into))
            }
        }
    )*};
}

value_from! {
    i64 => Int(v -> v),
    u32 => Int(v -> i64::from(v)),
    // Counts of bytes and the like: nothing real is above 2^63, and a wrong huge one stays huge.
    u64 => Int(v -> i64::try_from(v).unwrap_or(i64::MAX)),
    bool => Int(v -> i64::from(v)),
    WallTime => Int(v -> v.unix_ms),
    f64 => Real(v -> v),
    &str => Text(v -> v.to_owned()),
    &String => Text(v -> v.clone()),
    String => Text(v -> v),
    AssetId => Text(v -> v.to_string()),
    EventId => Text(v -> v.to_string()),
    JobId => Text(v -> v.to_string()),
    PushId => Text(v -> v.to_string()),
    RecordingId => Text(v -> v.to_string()),
    ReelId => Text(v -> v.to_string()),
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub struct Sql {
    text: String,
    values: Vec<Value>,
}

/// Where a statement runs: on a reader's connection, or in a transaction.
pub enum On<'a> {
    /// Outside any transaction; reads only.
    Reader(&'a Catalog),
    /// In a transaction.
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Catalog> for On<'a> {
    fn from(catalog: &'a Catalog) -> Self {
        Self::Reader(catalog)
    }
}

impl<'a> From<&'a mut Tx> for On<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl Sql {
    /// A statement with the placeholders `$1`, `$2`, … for the values that follow.
    pub fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// The value of the next placeholder.
    pub fn arg(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// More text.
    pub fn text(mut self, text: &'static str) -> Self {
        self.text.push_str(text);
        self
    }

    /// The same behind this text.
    pub fn within(mut self, before: &'static str) -> Self {
        self.text.insert_str(0, before);
        self
    }

    /// More text: the name of a table or column that is not known when this is compiled. Refused when it is none.
    pub fn name(mut self, name: &str) -> Result<Self> {
        if name.is_empty() || name.bytes().any(|byte| !byte.is_ascii_lowercase() && byte != b'_') {
            return Err(corrupt("a name", name, "the name of a table or column"));
        }
        self.text.push_str(name);
        Ok(self)
    }

    /// More text, then a placeholder for `value`: `.with(" AND app = ", app)`.
    pub fn with(mut self, text: &'static str, value: impl Into<Value>) -> Self {
        self.text.push_str(text);
        let value = value.into();
        if value == Value::Null {
            self.text.push_str("NULL");
            return self;
        }
        self.values.push(value);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Like [`with`](Self::with), but only when there is a value.
    pub fn with_some(self, text: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(text, value),
            None => self,
        }
    }

    /// More text, then a list of placeholders in brackets: `.with_list(" AND kind IN ", kinds)`. An empty list becomes
    /// `(NULL)`, which nothing is in.
    pub fn with_list(mut self, text: &'static str, values: impl IntoIterator<Item = impl Into<Value>>) -> Self {
        self.text.push_str(text);
        self.text.push('(');
        let before = self.values.len();
        for value in values {
            let comma = if self.values.len() == before { "" } else { ", " };
            self = self.with(comma, value);
        }
        self.text.push_str(if self.values.len() == before { "NULL)" } else { ")" });
        self
    }

    /// Runs the statement for its effect; answers how many rows it changed.
    pub async fn run(self, tx: &mut Tx) -> Result<u64> {
        match &mut tx.inner {
            TxInner::Sqlite(tx) => {
                let done = sqlite(dialect(&self.text, &SQLITE), self.values).execute(&mut **tx).await?;
                Ok(done.rows_affected())
            }
            TxInner::Postgres(tx) => {
                let done = postgres(dialect(&self.text, &POSTGRES), self.values).execute(&mut **tx).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// All rows that the statement answers.
    pub async fn rows(self, on: impl Into<On<'_>>) -> Result<Vec<Row>> {
        match on.into() {
            On::Reader(catalog) => match &catalog.inner.pools {
                Pools::Sqlite { readers, .. } => self.rows_sqlite(readers).await,
                Pools::Postgres(pool) => self.rows_postgres(pool).await,
            },
            On::Tx(tx) => match &mut tx.inner {
                TxInner::Sqlite(tx) => self.rows_sqlite(&mut **tx).await,
                TxInner::Postgres(tx) => self.rows_postgres(&mut **tx).await,
            },
        }
    }

    /// The first row, if there is one.
    pub async fn row(self, on: impl Into<On<'_>>) -> Result<Option<Row>> {
        Ok(self.rows(on).await?.into_iter().next())
    }

    /// The column `total` of the only row: for `SELECT COUNT(*) AS total`.
    pub async fn total(self, on: impl Into<On<'_>>) -> Result<u64> {
        match self.row(on).await? {
            Some(row) => row.count("total"),
            None => Ok(0),
        }
    }

    async fn rows_sqlite<'e>(self, on: impl sqlx::Executor<'e, Database = Sqlite>) -> Result<Vec<Row>> {
        let rows = sqlite(dialect(&self.text, &SQLITE), self.values).fetch_all(on).await?;
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    async fn rows_postgres<'e>(self, on: impl sqlx::Executor<'e, Database = Postgres>) -> Result<Vec<Row>> {
        let rows = postgres(dialect(&self.text, &POSTGRES), self.values).fetch_all(on).await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }
}

/// What the fragments are in one database.
struct Dialect {
    now: &'static str,
    skip_locked: &'static str,
    contains: &'static str,
    contains_plainly: &'static str,
    by_created: &'static str,
    by_modified: &'static str,
}

const SQLITE: Dialect = Dialect {
    now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
    skip_locked: "",
    contains: "GLOB",
    contains_plainly: "GLOB",
    by_created: "INDEXED BY asset_created",
    by_modified: "INDEXED BY asset_modified",
};
const POSTGRES: Dialect = Dialect {
    // Not `now()`, which stands still for the length of a transaction.
    now: "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
    skip_locked: "FOR UPDATE SKIP LOCKED",
    contains: "~",
    contains_plainly: "ILIKE",
    // It counts what is there, and chooses by itself.
    by_created: "",
    by_modified: "",
};

fn dialect(text: &str, dialect: &Dialect) -> String {
    let text = text.replace("{now}", dialect.now).replace("{skip locked}", dialect.skip_locked);
    let text = text.replace("{by created}", dialect.by_created).replace("{by modified}", dialect.by_modified);
    text.replace("{contains}", dialect.contains).replace("{contains plainly}", dialect.contains_plainly)
}

fn sqlite(text: String, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    values.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Real(value) => query.bind(value),
        Value::Null => query.bind(None::<String>),
        Value::Contains(text) | Value::ContainsPlainly(text) => query.bind(text.glob()),
    })
}

fn postgres(text: String, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    values.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, value| match value {
        Value::Int(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Real(value) => query.bind(value),
        Value::Null => query.bind(None::<String>),
        Value::Contains(text) => query.bind(text.regex()),
        Value::ContainsPlainly(text) => query.bind(text.like()),
    })
}

/// A row of either database.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

macro_rules! get {
    ($row:expr, $column:expr) => {
        match $row {
            Row::Sqlite(row) => row.try_get($column),
            Row::Postgres(row) => row.try_get($column),
        }
    };
}

impl Row {
    /// A BIGINT that may be NULL.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>> {
        Ok(get!(self, column)?)
    }

    /// A BIGINT.
    pub fn int(&self, column: &str) -> Result<i64> {
        Ok(get!(self, column)?)
    }

    /// A TEXT that may be NULL.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>> {
        Ok(get!(self, column)?)
    }

    /// A TEXT.
    pub fn text(&self, column: &str) -> Result<String> {
        Ok(get!(self, column)?)
    }

    /// A DOUBLE PRECISION.
    pub fn real(&self, column: &str) -> Result<f64> {
        Ok(get!(self, column)?)
    }

    /// A flag, stored as 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A BIGINT that is a count: not negative.
    pub fn count(&self, column: &str) -> Result<u64> {
        let value = self.int(column)?;
        u64::try_from(value).map_err(|_| corrupt(column, value, "a count"))
    }

    /// A BIGINT that is a small count.
    pub fn small(&self, column: &str) -> Result<u32> {
        let value = self.int(column)?;
        u32::try_from(value).map_err(|_| corrupt(column, value, "a small count"))
    }

    /// All columns as they stand, by name.
    pub(crate) fn to_json(&self) -> Result<serde_json::Map<String, serde_json::Value>> {
        let columns: Vec<&str> = match self {
            Self::Sqlite(row) => row.columns().iter().map(|column| column.name()).collect(),
            Self::Postgres(row) => row.columns().iter().map(|column| column.name()).collect(),
        };
        columns.into_iter().map(|column| Ok((column.to_owned(), self.cell(column)?))).collect()
    }

    fn cell(&self, column: &str) -> Result<serde_json::Value> {
        // SQLite knows the type of each value, PostgreSQL that of the column.
        let (null, type_name) = match self {
            Self::Sqlite(row) => {
                let raw = row.try_get_raw(column)?;
                (raw.is_null(), raw.type_info().name().to_owned())
            }
            Self::Postgres(row) => {
                let raw = row.try_get_raw(column)?;
                (raw.is_null(), raw.type_info().name().to_owned())
            }
        };
        Ok(match type_name.as_str() {
            _ if null => serde_json::Value::Null,
            "INTEGER" | "INT8" => self.int(column)?.into(),
            "REAL" | "FLOAT8" => self.real(column)?.into(),
            "TEXT" => self.text(column)?.into(),
            other => return Err(corrupt(column, other, "INTEGER, REAL or TEXT")),
        })
    }

    /// A point in time.
    pub fn time(&self, column: &str) -> Result<WallTime> {
        Ok(WallTime::from_unix_ms(self.int(column)?))
    }

    /// A point in time that may be NULL.
    pub fn opt_time(&self, column: &str) -> Result<Option<WallTime>> {
        Ok(self.opt_int(column)?.map(WallTime::from_unix_ms))
    }

    /// A TEXT that is parsed: a typed id, a closed set of words.
    pub fn parsed<T: FromStr>(&self, column: &str) -> Result<T> {
        let text = self.text(column)?;
        text.parse().map_err(|_| corrupt(column, text, "of the expected form"))
    }

    /// Like [`parsed`](Self::parsed), may be NULL.
    pub fn opt_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| corrupt(column, text, "of the expected form"))
    }

    /// A TEXT that is JSON.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|_| corrupt(column, text, "the expected JSON"))
    }
}

/// A value as JSON text, to be bound.
pub(crate) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(CatalogError::Json)
}

pub(crate) fn corrupt(column: &str, found: impl ToString, wanted: &'static str) -> CatalogError {
    CatalogError::Corrupt { column: column.to_owned(), found: found.to_string().chars().take(120).collect(), wanted }
}

/// Declares an enum that is stored as a word.
macro_rules! words {
    ($($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// The stored word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            fn from_str(word: &str) -> std::result::Result<Self, ()> {
                match word { $($word => Ok(Self::$variant),)+ _ => Err(()) }
            }
        }

        impl From<$name> for $crate::sql::Value {
            fn from(value: $name) -> Self {
                value.as_str().into()
            }
        }
    )+};
}
pub(crate) use words;

/// Declares, for methods of [`Tx`], methods of [`Catalog`] that run them in a transaction of their own.
macro_rules! in_own_tx {
    ($($name:ident($($arg:ident: $type:ty),* $(,)?) -> $out:ty;)+) => {
        impl $crate::Catalog {$(
            #[doc = concat!("[`Tx::", stringify!($name), "`](crate::Tx::", stringify!($name), ") in a transaction of its own.")]
            pub async fn $name(&self, $($arg: $type),*) -> $crate::Result<$out> {
                let mut tx = self.begin().await?;
                let out = tx.$name($($arg),*).await?;
                tx.commit().await?;
                Ok(out)
            }
        )+}
    };
}
pub(crate) use in_own_tx;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_for_in_all_cases_of_its_letters() {
        let text = Contains("aÉ1決[*?".to_owned());
        assert_eq!(text.glob(), "*[aA][Éé]1決[[][*][?]*");
        assert_eq!(Contains("a.b\\".to_owned()).regex(), "[aA]\\.[bB]\\\\");
        assert_eq!(Contains("a%_\\決".to_owned()).like(), "%a\\%\\_\\\\決%");
        for (text, is_plain) in [("a決 [Z", true), ("k", false), ("é", false), ("ß", true)] {
            assert_eq!(Contains(text.to_owned()).is_plain(), is_plain, "{text}");
        }
        for (letter, others) in
            [('σ', "σΣς"), ('Σ', "Σσς"), ('ς', "ςΣσ"), ('ß', "ß"), ('ж', "жЖ"), ('ǆ', "ǆǄ"), ('1', "1")]
        {
            assert_eq!(cases(letter).into_iter().collect::<String>(), others, "{letter}");
        }
    }
}
