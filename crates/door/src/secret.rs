//! What an edge shows to the origin.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;

/// The secret that an origin and its edges share. Whoever shows it gets all media, unsigned, and what domains ask of their viewers.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl Secret {
    /// Shortest secret, in characters: it is asked for over the network, as often as somebody likes.
    pub const LENGTH_MIN: usize = 16;

    /// `None` when it is too short, or has what cannot stand in a header (only printable ASCII without spaces can).
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (plain && text.len() >= Self::LENGTH_MIN).then(|| Self(text.to_owned()))
    }

    /// The value of `Authorization` that shows it (RFC 6750 §2.1).
    pub fn value(&self) -> HeaderValue {
        // Only what can stand in a header was taken.
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.0)).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }

    /// Does a request with these headers show it? In time that does not tell how much of it was right.
    pub fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).map_or(&b""[..], HeaderValue::as_bytes);
        shown.ct_eq(self.value().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_is_believed_and_it_is_never_printed() {
        let secret = Secret::new("0123456789abcdef").unwrap();
        let shown = |value: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())]);
            secret.is_shown(&headers)
        };
        assert!(shown("Bearer 0123456789abcdef"));
        for other in ["", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdeff", "0123456789abcdef"]
        {
            assert!(!shown(other), "{other}");
        }
        assert!(!secret.is_shown(&HeaderMap::new()));
        assert!(!format!("{secret:?} {:?}", secret.value()).contains("0123"));
    }

    #[test]
    fn short_ones_and_odd_ones_are_no_secrets() {
        for text in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\n", "0123456789äbcdef"] {
            assert_eq!(Secret::new(text), None, "{text}");
        }
    }
}
