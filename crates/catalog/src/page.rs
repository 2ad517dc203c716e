//! Lists in pages.

/// Which part of a list is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Rows on a page.
    pub size: u32,
}

impl Page {
    /// Everything that a list can have.
    pub const ALL: Page = Page { number: 1, size: u32::MAX };

    /// Rows before the page.
    pub(crate) fn offset(self) -> i64 {
        i64::from(self.number.saturating_sub(1)) * i64::from(self.size)
    }

    /// Rows on the page.
    pub(crate) fn limit(self) -> i64 {
        i64::from(self.size)
    }
}

/// One page and how many rows there are on all of them.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed<T> {
    /// The rows of the page; empty beyond the end.
    pub rows: Vec<T>,
    /// Rows on all pages.
    pub total: u64,
}

/// Which way a list runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    #[default]
    Descending,
}

/// How a name is searched for. Upper and lower case ASCII letters are equal, except in `Exact`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Search {
    /// The whole name, letter for letter.
    Exact,
    /// Anywhere in the name.
    #[default]
    Fuzzy,
    /// At the start of the name.
    Prefix,
    /// At the end of the name.
    Suffix,
}

impl Search {
    /// A pattern for `LIKE … ESCAPE '\'` on a lower-cased column.
    pub(crate) fn pattern(self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len() + 2);
        for c in text.chars() {
            if matches!(c, '%' | '_' | '\\') {
                plain.push('\\');
            }
            plain.push(c.to_ascii_lowercase());
        }
        match self {
            Self::Exact => plain,
            Self::Fuzzy => format!("%{plain}%"),
            Self::Prefix => format!("{plain}%"),
            Self::Suffix => format!("%{plain}"),
        }
    }
}
