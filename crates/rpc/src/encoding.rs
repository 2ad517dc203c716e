//! Percent-encoding in both directions: strict when we write a canonical string, lenient when we read the wire.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use crate::Refusal;

/// Everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// `text` with every byte but the unreserved characters of RFC 3986 §2.3 as upper-case `%XX`.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The pairs of a query or a form body, in the order sent. `+` and `%20` are both a space (the SDKs disagree); a `%`
/// that begins no escape stands for itself.
///
/// Refused: text that is not UTF-8 once decoded.
pub(crate) fn decode_pairs(raw: &[u8]) -> impl Iterator<Item = Result<(String, String), Refusal>> {
    raw.split(|byte| *byte == b'&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (part.get(..at).unwrap_or_default(), part.get(at.saturating_add(1)..).unwrap_or_default()),
            None => (part, [].as_slice()),
        };
        Ok((decode(name)?, decode(value)?))
    })
}

/// Text with its `%xx` as the bytes that they mean; what is no UTF-8 then is replaced.
pub fn percent_decoded(text: &str) -> String {
    percent_decode(text.as_bytes()).decode_utf8_lossy().into_owned()
}

fn decode(raw: &[u8]) -> Result<String, Refusal> {
    let spaced: Cow<'_, [u8]> = if raw.contains(&b'+') {
        raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<_>>().into()
    } else {
        raw.into()
    };
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(raw: &str) -> Vec<(String, String)> {
        decode_pairs(raw.as_bytes()).collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn only_the_unreserved_characters_are_left_as_they_are() {
        assert_eq!(encode("aZ09-_.~"), "aZ09-_.~");
        assert_eq!(encode("a b*+'()!/中"), "a%20b%2A%2B%27%28%29%21%2F%E4%B8%AD");
    }

    #[test]
    fn plus_and_percent_twenty_are_both_a_space() {
        assert_eq!(pairs("a=x+y&b=x%20y&c=1%2B1"), [("a", "x y"), ("b", "x y"), ("c", "1+1")].map(own));
    }

    #[test]
    fn odd_forms_are_read_as_browsers_read_them() {
        assert_eq!(
            pairs("&&a&=b&c==d&e=%zz&f=%"),
            [("a", ""), ("", "b"), ("c", "=d"), ("e", "%zz"), ("f", "%")].map(own)
        );
    }

    fn own((name, value): (&str, &str)) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(matches!(decode_pairs(b"a=%ff%fe").next(), Some(Err(Refusal::NotUtf8))));
        assert!(matches!(decode_pairs(b"\xff=1").next(), Some(Err(Refusal::NotUtf8))));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded_to_itself(name in ".{1,20}", value in ".{0,60}") {
            let raw = format!("{}={}", encode(&name), encode(&value));
            prop_assert_eq!(pairs(&raw), vec![(name, value)]);
        }

        #[test]
        fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            decode_pairs(&raw).for_each(drop);
        }
    }
}
