//! `UserData` of a job (contract §2.13): where its events go, and what is told back with them.

use serde_json::{Map, Value as Json};

/// Longest callback URL, in bytes, as of the account's own (contract §2.11).
const URL_BYTES_MAX: usize = 256;
/// Longest text that is told back, in bytes.
const EXTEND_BYTES_MAX: usize = 512;

/// What a customer wants with the events of a job.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserData {
    /// Where they go, instead of where all go.
    pub callback_url: Option<String>,
    /// What is told with each of them, letter for letter.
    pub extend: Option<String>,
}

/// Why a `UserData` is not taken; goes on the sentence "… is not valid: ".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UserDataError {
    /// It is no JSON object.
    #[error("a JSON object is wanted")]
    NoObject,
    /// A member is not what it has to be.
    #[error("{member}: {why}")]
    Member {
        /// Which.
        member: &'static str,
        /// What is wanted.
        why: &'static str,
    },
}

fn wrong(member: &'static str, why: &'static str) -> UserDataError {
    UserDataError::Member { member, why }
}

impl UserData {
    /// Reads the text of the parameter. Its members come as they are or as their JSON text; others are left alone. An empty
    /// text asks for nothing. Whether the URL can be called is the caller's question.
    pub fn parse(text: &str) -> Result<Self, UserDataError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let map: Map<String, Json> = serde_json::from_str(text).map_err(|_| UserDataError::NoObject)?;
        let callback_url = match map.get("MessageCallback") {
            None | Some(Json::Null) => None,
            Some(Json::Object(callback)) => callback_url(callback)?,
            Some(Json::String(text)) if text.is_empty() => None,
            Some(Json::String(text)) => {
                let callback =
                    serde_json::from_str(text).map_err(|_| wrong("MessageCallback", "an object is wanted"))?;
                callback_url(&callback)?
            }
            Some(Json::Bool(_) | Json::Number(_) | Json::Array(_)) => {
                return Err(wrong("MessageCallback", "an object is wanted"));
            }
        };
        let extend = match map.get("Extend") {
            None | Some(Json::Null) => None,
            Some(Json::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let extend = extend.filter(|text| !text.is_empty());
        if extend.as_ref().is_some_and(|text| text.len() > EXTEND_BYTES_MAX) {
            return Err(wrong("Extend", "it has more than 512 bytes"));
        }
        Ok(Self { callback_url, extend })
    }
}

fn callback_url(callback: &Map<String, Json>) -> Result<Option<String>, UserDataError> {
    let text = |key: &str| callback.get(key).and_then(Json::as_str).unwrap_or_default();
    let kind = text("CallbackType");
    if !kind.is_empty() && !kind.eq_ignore_ascii_case("http") {
        return Err(wrong("MessageCallback.CallbackType", "http is possible here"));
    }
    match text("CallbackURL") {
        "" => Ok(None),
        url if url.len() > URL_BYTES_MAX => Err(wrong("MessageCallback.CallbackURL", "it has more than 256 bytes")),
        url => Ok(Some(url.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(url: &str, extend: &str) -> UserData {
        UserData { callback_url: Some(url.to_owned()), extend: Some(extend.to_owned()) }
    }

    #[test]
    fn members_come_as_objects_and_as_their_text() {
        let whole = r#"{"MessageCallback":{"CallbackType":"http","CallbackURL":"http://a/cb"},"Extend":{"id":"7"},"AccelerateConfig":{}}"#;
        assert_eq!(UserData::parse(whole), Ok(asked("http://a/cb", r#"{"id":"7"}"#)));
        let texts = r#"{"MessageCallback":"{\"CallbackURL\":\"http://a/cb\"}","Extend":"{\"id\":\"7\"}"}"#;
        assert_eq!(UserData::parse(texts), Ok(asked("http://a/cb", r#"{"id":"7"}"#)));
        assert_eq!(UserData::parse(r#"{"Extend":"plain 中"}"#).unwrap().extend.as_deref(), Some("plain 中"));
    }

    #[test]
    fn nothing_asks_for_nothing() {
        for text in
            ["", " ", "{}", r#"{"Extend":"","MessageCallback":""}"#, r#"{"MessageCallback":{"CallbackType":"http"}}"#]
        {
            assert_eq!(UserData::parse(text), Ok(UserData::default()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        assert_eq!(UserData::parse("id=7"), Err(UserDataError::NoObject));
        assert_eq!(UserData::parse("[1]"), Err(UserDataError::NoObject));
        for text in [
            r#"{"MessageCallback":{"CallbackType":"mns","CallbackURL":"http://a"}}"#.to_owned(),
            r#"{"MessageCallback":7}"#.to_owned(),
            r#"{"MessageCallback":"no json"}"#.to_owned(),
            format!(r#"{{"MessageCallback":{{"CallbackURL":"http://a/{}"}}}}"#, "x".repeat(256)),
            format!(r#"{{"Extend":"{}"}}"#, "x".repeat(513)),
        ] {
            assert!(matches!(UserData::parse(&text), Err(UserDataError::Member { .. })), "{text}");
        }
        assert!(UserData::parse(&format!(r#"{{"Extend":"{}"}}"#, "x".repeat(512))).is_ok());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = UserData::parse(&text);
        }
    }
}
