//! The parameters of a call, by name, with the repeat forms of lists and objects.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Longest list in repeat form that is read; longer than any the wire has.
const LIST_ITEMS_MAX: usize = 1_000;

/// The parameters of a call, or of an object inside them: names are case-sensitive and unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    values: BTreeMap<String, String>,
}

impl Params {
    /// The value of `name`, which may be empty; `None` when it was not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The value of `name`; an empty one counts as not sent.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Adds a parameter; `false`, and nothing changed, when the name is taken.
    pub fn insert(&mut self, name: String, value: String) -> bool {
        match self.values.entry(name) {
            std::collections::btree_map::Entry::Occupied(_) => false,
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(value);
                true
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All, by name in byte order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Was `name` sent, as a value or as the beginning of `name.…`?
    pub fn holds(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.below(name).next().is_some()
    }

    /// The members of the object `name`: `name.A=1` is `A=1` of it.
    pub fn object(&self, name: &str) -> Params {
        let values = self.below(name).map(|(member, value)| (member.to_owned(), value.to_owned())).collect();
        Params { values }
    }

    /// The indexes N for which `name.N` or `name.N.…` was sent, rising. Gaps are allowed; an index that is no number from 1
    /// is not looked at.
    pub fn indexes(&self, name: &str) -> Vec<usize> {
        let mut indexes: Vec<usize> = self
            .below(name)
            .filter_map(|(member, _)| member.split('.').next())
            .filter(|index| !index.starts_with(['0', '+']))
            .filter_map(|index| index.parse().ok())
            .take(LIST_ITEMS_MAX)
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes
    }

    fn below<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let prefix = format!("{name}.");
        self.values
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .map_while(move |(full, value)| Some((full.strip_prefix(&prefix)?, value.as_str())))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    /// Of a name that comes twice the first value stays.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut params = Params::default();
        for (name, value) in pairs {
            params.insert(name.into(), value.into());
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_objects_are_found_by_their_prefix() {
        let params: Params =
            [("A.1", "x"), ("A.2", "y"), ("A.10", "z"), ("B.1.Format", "m3u8"), ("B.2.Format", "mp4"), ("AB", "no")]
                .into_iter()
                .collect();
        assert_eq!(params.indexes("A"), [1, 2, 10]);
        assert_eq!(params.indexes("B"), [1, 2]);
        assert_eq!(params.object("B.2").get("Format"), Some("mp4"));
        assert!(params.holds("A") && params.holds("AB") && !params.holds("C"));
        assert!(params.object("C").is_empty());
    }

    #[test]
    fn indexes_that_are_no_numbers_are_not_looked_at() {
        let params: Params = [
            ("A.0", ""),
            ("A.01", ""),
            ("A.x", ""),
            ("A.-1", ""),
            ("A.+2", ""),
            ("A.99999999999999999999999", ""),
            ("A.", ""),
        ]
        .into_iter()
        .collect();
        assert!(params.indexes("A").is_empty());
    }
}
