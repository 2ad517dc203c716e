//! The values of an inner object, which may be numbers or their text, and the words for what is wrong with one.

use std::fmt::Display;
use std::str::FromStr;

use rpc::ParamError;
use serde_json::{Map, Value as Json};

use super::{Config, PARAM};
use crate::codes::{Answer, ApiError};

/// A template in a list.
#[derive(Clone, Copy)]
pub(in super::super) struct Place {
    /// From 1.
    pub(in super::super) number: usize,
}

impl Place {
    pub(in super::super) fn wrong(self, key: &str, why: impl Display) -> ApiError {
        ParamError::invalid(PARAM, format!("template {}, {key}: {why}", self.number)).into()
    }
}

/// An inner object of a template.
pub(super) struct Fields<'a> {
    place: Place,
    name: &'static str,
    map: Option<&'a Map<String, Json>>,
}

impl<'a> Fields<'a> {
    /// An object that may be missing; then all its values are.
    pub(super) fn new(place: Place, name: &'static str, config: Option<&'a Config>) -> Self {
        Self { place, name, map: config.map(|config| &config.0) }
    }

    /// An object inside this one, called `name` in full.
    pub(super) fn inner(&self, key: &str, name: &'static str) -> Answer<Self> {
        let map = match self.map.and_then(|map| map.get(key)) {
            None | Some(Json::Null) => None,
            Some(Json::Object(map)) => Some(map),
            Some(_) => return Err(self.wrong(key, "an object is wanted")),
        };
        Ok(Self { place: self.place, name, map })
    }

    pub(super) fn wrong(&self, key: &str, why: impl Display) -> ApiError {
        self.place.wrong(&format!("{}.{key}", self.name), why)
    }

    /// The text of a value; an empty one counts as absent.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.map.and_then(|map| map.get(key)).and_then(text_of).filter(|text| !text.is_empty())
    }

    pub(super) fn number<T>(&self, key: &str, min: T, max: T) -> Answer<Option<T>>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number = T::from_str(&text).ok().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| self.wrong(key, format!("a whole number from {min} to {max} is wanted")))
    }

    pub(super) fn flag(&self, key: &str) -> Answer<bool> {
        match self.text(key).as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "off" | "no") => Ok(false),
            Some("true" | "1" | "on" | "yes") => Ok(true),
            Some(_) => Err(self.wrong(key, "true or false is wanted")),
        }
    }

    /// One of these words, in any letter case; `None` when it is absent.
    pub(super) fn one_of<T: Copy>(&self, key: &str, all: &[(&str, T)]) -> Answer<Option<T>> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let found = all.iter().find(|(word, _)| word.eq_ignore_ascii_case(&text)).map(|(_, one)| *one);
        found.map(Some).ok_or_else(|| {
            let words: Vec<_> = all.iter().map(|(word, _)| *word).collect();
            let wanted = match words.as_slice() {
                [one] => format!("{one} is possible here"),
                words => format!("one of {} is wanted", words.join(", ")),
            };
            self.wrong(key, wanted)
        })
    }
}

pub(in super::super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.trim().to_owned()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
