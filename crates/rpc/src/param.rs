//! How a parameter's text becomes a value: each type knows its kind, its range and how it is sent (contract §1.2).
//!
//! The types here are markers in declarations; what an operation gets is their [`Param::Value`]. `Option` makes a
//! parameter optional; lists are optional as they are.

use serde::de::DeserializeOwned;
use units::WallTime;

use crate::Params;
use crate::refusal::excerpt;

/// Why a parameter's value is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// A required parameter was not sent, or is empty.
    #[error("The input parameter \"{name}\" that is mandatory for processing this request is not supplied.")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The value is not one of those allowed.
    #[error("The specified parameter \"{name}\" is not valid: {why}.")]
    Invalid {
        /// Its name.
        name: String,
        /// What would be allowed.
        why: String,
    },
}

impl ParamError {
    /// The parameter `name` was not sent.
    pub fn missing(name: &str) -> Self {
        Self::Missing { name: name.to_owned() }
    }

    /// The parameter `name` has a value that is not allowed; `why` goes on the sentence "… is not valid: ".
    pub fn invalid(name: &str, why: impl Into<String>) -> Self {
        Self::Invalid { name: excerpt(name), why: why.into() }
    }
}

/// What a parameter may be; the description of an operation is made of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// UTF-8 without control characters.
    Text {
        /// Longest value in bytes.
        bytes_max: usize,
    },
    /// A decimal number.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// True or false, in any of the wire's forms.
    Boolean,
    /// `YYYY-MM-DDThh:mm:ssZ`.
    Time,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// JSON as text.
    Json,
    /// In repeat form, or JSON as text.
    List(&'static Kind),
    /// Joined by commas.
    CommaList {
        /// What is between the commas.
        of: &'static Kind,
        /// Most items.
        items_max: usize,
    },
    /// Members after a dot.
    Object(&'static [Declared]),
}

/// One parameter of a declaration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Declared {
    /// Its name on the wire.
    pub name: &'static str,
    /// Must it be there?
    pub required: bool,
    /// What it may be.
    pub kind: Kind,
    /// What it means.
    pub about: &'static str,
}

/// A type that a parameter can be declared with.
pub trait Param {
    /// What the operation gets.
    type Value;
    /// What it may be.
    const KIND: Kind;
    /// Is it an error when it is absent and has no default?
    const REQUIRED: bool = true;

    /// The value of `name`; `None` when it was not sent.
    fn read(params: &Params, name: &str) -> Result<Option<Self::Value>, ParamError>;
}

/// Text of at most `BYTES_MAX` bytes. An empty one is a value when optional (it clears what was set), and missing when
/// required. Control characters but tab and line feed are refused: no store and no log wants them.
pub enum Text<const BYTES_MAX: usize = 1024> {}

impl<const BYTES_MAX: usize> Param for Text<BYTES_MAX> {
    type Value = String;
    const KIND: Kind = Kind::Text { bytes_max: BYTES_MAX };

    fn read(params: &Params, name: &str) -> Result<Option<String>, ParamError> {
        let Some(text) = params.get(name) else { return Ok(None) };
        if text.len() > BYTES_MAX {
            return Err(ParamError::invalid(name, format!("{} bytes are more than {BYTES_MAX}", text.len())));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            return Err(ParamError::invalid(name, "it has control characters"));
        }
        Ok(Some(text.to_owned()))
    }
}

/// Text that is not empty; an empty value counts as not sent.
pub enum Filled<const BYTES_MAX: usize = 1024> {}

impl<const BYTES_MAX: usize> Param for Filled<BYTES_MAX> {
    type Value = String;
    const KIND: Kind = Kind::Text { bytes_max: BYTES_MAX };

    fn read(params: &Params, name: &str) -> Result<Option<String>, ParamError> {
        Ok(Text::<BYTES_MAX>::read(params, name)?.filter(|text| !text.is_empty()))
    }
}

/// Text as it came, for an operation that has codes of its own for what is wrong with it.
pub enum Raw {}

impl Param for Raw {
    type Value = String;
    const KIND: Kind = Kind::Text { bytes_max: crate::BODY_BYTES_MAX };

    fn read(params: &Params, name: &str) -> Result<Option<String>, ParamError> {
        Ok(params.get(name).map(str::to_owned))
    }
}

/// A whole number from `MIN` to `MAX`.
pub enum Int<const MIN: i64 = { i64::MIN }, const MAX: i64 = { i64::MAX }> {}

impl<const MIN: i64, const MAX: i64> Param for Int<MIN, MAX> {
    type Value = i64;
    const KIND: Kind = Kind::Integer { min: MIN, max: MAX };

    fn read(params: &Params, name: &str) -> Result<Option<i64>, ParamError> {
        let Some(text) = params.filled(name) else { return Ok(None) };
        match text.trim().parse::<i64>() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Some(number)),
            Ok(number) => Err(ParamError::invalid(name, format!("{number} is not from {MIN} to {MAX}"))),
            Err(_) => Err(ParamError::invalid(name, format!("{:?} is no whole number", excerpt(text)))),
        }
    }
}

/// True or false: `True`, `true`, `ON`, `yes`, `1` and their opposites, in any letter case.
pub enum Flag {}

impl Param for Flag {
    type Value = bool;
    const KIND: Kind = Kind::Boolean;

    fn read(params: &Params, name: &str) -> Result<Option<bool>, ParamError> {
        let Some(text) = params.filled(name) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Ok(Some(true)),
            "false" | "off" | "no" | "0" => Ok(Some(false)),
            _ => Err(ParamError::invalid(name, format!("{:?} is neither true nor false", excerpt(text)))),
        }
    }
}

/// A time in UTC, `YYYY-MM-DDThh:mm:ssZ`.
pub enum Time {}

impl Param for Time {
    type Value = WallTime;
    const KIND: Kind = Kind::Time;

    fn read(params: &Params, name: &str) -> Result<Option<WallTime>, ParamError> {
        let Some(text) = params.filled(name) else { return Ok(None) };
        match WallTime::parse_iso8601(text) {
            Some(time) => Ok(Some(time)),
            None => {
                Err(ParamError::invalid(name, format!("{:?} is not of the form YYYY-MM-DDThh:mm:ssZ", excerpt(text))))
            }
        }
    }
}

/// JSON as text, of the shape `T`.
pub struct Json<T>(std::marker::PhantomData<T>);

impl<T: DeserializeOwned> Param for Json<T> {
    type Value = T;
    const KIND: Kind = Kind::Json;

    fn read(params: &Params, name: &str) -> Result<Option<T>, ParamError> {
        let Some(text) = params.filled(name) else { return Ok(None) };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|error| ParamError::invalid(name, format!("it is not the JSON that is wanted ({error})")))
    }
}

/// A list in repeat form (`Name.1`, `Name.2`), or as one JSON array of strings and numbers. Empty when not sent.
pub struct List<P>(std::marker::PhantomData<P>);

impl<P: Param> Param for List<P> {
    type Value = Vec<P::Value>;
    const KIND: Kind = Kind::List(&P::KIND);
    const REQUIRED: bool = false;

    fn read(params: &Params, name: &str) -> Result<Option<Self::Value>, ParamError> {
        let mut items = Vec::new();
        for index in params.indexes(name) {
            items.extend(P::read(params, &format!("{name}.{index}"))?);
        }
        if items.is_empty()
            && let Some(text) = params.filled(name)
        {
            let values: Vec<serde_json::Value> = serde_json::from_str(text)
                .map_err(|_| ParamError::invalid(name, "it is neither a repeat list nor a JSON array"))?;
            for value in values {
                let text = match value {
                    serde_json::Value::String(text) => text,
                    serde_json::Value::Array(_) | serde_json::Value::Object(_) | serde_json::Value::Null => {
                        return Err(ParamError::invalid(name, "its items are to be strings or numbers"));
                    }
                    scalar => scalar.to_string(),
                };
                let single: Params = [(name, text)].into_iter().collect();
                items.extend(P::read(&single, name)?);
            }
        }
        Ok(Some(items))
    }
}

/// Values joined by commas in one parameter, at most `ITEMS_MAX`; empty ones are left out.
pub struct CommaList<P, const ITEMS_MAX: usize>(std::marker::PhantomData<P>);

impl<P: Param, const ITEMS_MAX: usize> Param for CommaList<P, ITEMS_MAX> {
    type Value = Vec<P::Value>;
    const KIND: Kind = Kind::CommaList { of: &P::KIND, items_max: ITEMS_MAX };

    fn read(params: &Params, name: &str) -> Result<Option<Self::Value>, ParamError> {
        let Some(text) = params.filled(name) else { return Ok(None) };
        let mut items = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            if items.len() >= ITEMS_MAX {
                return Err(ParamError::invalid(name, format!("it has more than {ITEMS_MAX} items")));
            }
            let single: Params = [(name, item)].into_iter().collect();
            items.extend(P::read(&single, name)?);
        }
        if items.is_empty() { Ok(None) } else { Ok(Some(items)) }
    }
}

impl<P: Param> Param for Option<P> {
    type Value = Option<P::Value>;
    const KIND: Kind = P::KIND;
    const REQUIRED: bool = false;

    fn read(params: &Params, name: &str) -> Result<Option<Self::Value>, ParamError> {
        P::read(params, name).map(Some)
    }
}

/// The value of a required parameter, or of one that has its own value for "not sent".
pub fn required<P: Param>(params: &Params, name: &str) -> Result<P::Value, ParamError> {
    match P::read(params, name)? {
        Some(value) => Ok(value),
        None => Err(ParamError::missing(name)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().copied().collect()
    }

    #[test]
    fn booleans_are_read_in_every_form_the_sdks_send() {
        for (text, value) in
            [("True", true), ("true", true), ("ON", true), ("yes", true), ("False", false), ("off", false)]
        {
            assert_eq!(required::<Flag>(&params(&[("A", text)]), "A"), Ok(value), "{text}");
        }
        assert!(required::<Flag>(&params(&[("A", "maybe")]), "A").is_err());
    }

    #[test]
    fn numbers_are_refused_outside_their_range_and_when_they_are_none() {
        let read = |text| required::<Int<5, 100>>(&params(&[("PageSize", text)]), "PageSize");
        assert_eq!((read("5"), read("100")), (Ok(5), Ok(100)));
        for text in ["4", "101", "9223372036854775808", "1e2", "ten", "5.0", "-"] {
            assert!(matches!(read(text), Err(ParamError::Invalid { .. })), "{text}");
        }
        assert_eq!(read(""), Err(ParamError::missing("PageSize")));
    }

    #[test]
    fn an_absent_parameter_is_missing_unless_it_is_optional() {
        let none = params(&[]);
        assert_eq!(required::<Text>(&none, "A"), Err(ParamError::missing("A")));
        assert_eq!(required::<Option<Text>>(&none, "A"), Ok(None));
        assert_eq!(required::<List<Text>>(&none, "A"), Ok(vec![]));
        assert_eq!(required::<Filled>(&params(&[("A", "")]), "A"), Err(ParamError::missing("A")));
        assert_eq!(required::<Option<Text>>(&params(&[("A", "")]), "A"), Ok(Some(String::new())));
    }

    #[test]
    fn lists_are_read_in_repeat_form_and_as_json() {
        assert_eq!(
            required::<List<Text>>(&params(&[("A.1", "x"), ("A.2", "y")]), "A"),
            Ok(vec!["x".into(), "y".into()])
        );
        assert_eq!(required::<List<Int>>(&params(&[("A", "[1,\"2\"]")]), "A"), Ok(vec![1, 2]));
        assert!(required::<List<Int>>(&params(&[("A", "[{}]")]), "A").is_err());
        assert!(required::<List<Int>>(&params(&[("A", "nonsense")]), "A").is_err());
    }

    #[test]
    fn comma_lists_stop_at_their_limit() {
        let read = |text| required::<CommaList<Filled<8>, 3>>(&params(&[("A", text)]), "A");
        assert_eq!(read("a, b,,c"), Ok(vec!["a".into(), "b".into(), "c".into()]));
        assert!(matches!(read("a,b,c,d"), Err(ParamError::Invalid { .. })));
        assert_eq!(read(",,"), Err(ParamError::missing("A")));
    }

    #[test]
    fn control_characters_and_long_texts_are_refused() {
        assert!(required::<Text<4>>(&params(&[("A", "12345")]), "A").is_err());
        assert!(required::<Text<4>>(&params(&[("A", "a\0b")]), "A").is_err());
        assert!(required::<Text<4>>(&params(&[("A", "a\nb")]), "A").is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in ".{0,64}", name in "[A-C](\\.[0-9]{1,3})?") {
            let params = params(&[(&name, &text)]);
            for wanted in ["A", "B", name.as_str()] {
                let _ = required::<Text<16>>(&params, wanted);
                let _ = required::<Int<0, 9>>(&params, wanted);
                let _ = required::<Flag>(&params, wanted);
                let _ = required::<Time>(&params, wanted);
                let _ = required::<Json<Vec<String>>>(&params, wanted);
                let _ = required::<List<Int>>(&params, wanted);
                let _ = required::<CommaList<Int, 2>>(&params, wanted);
            }
        }
    }
}
