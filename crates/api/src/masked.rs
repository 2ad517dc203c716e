//! The parameters of a call as they may be written down: without secrets, and no longer than they help.

use std::borrow::Cow;

use rpc::Params;
use rpc::param::Declared;
use serde_json::{Map, Value};

/// What stands in the place of a secret.
const MASK: &str = "***";
/// Characters that are kept of one value. A template group has some thousand.
const VALUE_CHARS_MAX: usize = 4_096;
/// What stands in the place of a URL's parameters.
const CUT: &str = "?***";
/// What stands between the words of a text.
const SEPARATORS: [char; 8] = [',', ' ', '\n', '\t', '"', '\'', '<', '>'];
/// Most parameters that are kept.
const PARAMS_MAX: usize = 200;

/// Those parameters of a call that the operation knows, as a JSON object. Values of keys and secrets, also within JSON, and what stands in URLs
/// behind their path or before their host, are masked; what is too long is cut.
pub(crate) fn masked(declared: &[Declared], params: &Params) -> String {
    let known = |name: &str| {
        let first = name.split('.').next().unwrap_or_default();
        declared.iter().any(|param| param.name == first)
    };
    let kept = params.iter().filter(|(name, _)| known(name)).take(PARAMS_MAX);
    let kept = kept.map(|(name, value)| (name.to_owned(), Value::String(value_of(name, value))));
    Value::Object(kept.collect::<Map<_, _>>()).to_string()
}

fn value_of(name: &str, value: &str) -> String {
    if is_secret(name) {
        return if value.is_empty() { String::new() } else { MASK.to_owned() };
    }
    let text = match serde_json::from_str::<Value>(value) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => without_secrets(json).to_string(),
        _ => without_parameters(value).into_owned(),
    };
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Whether a parameter, a member of JSON or the argument of a function of this name holds a secret. Names of keys end in an `Id`
/// (`UserAccessKeyId`) and are none.
fn is_secret(name: &str) -> bool {
    let last = name.rsplit('.').find(|part| !part.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(name);
    let name: String = last.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let ends = ["key", "token", "password", "secret", "plaintext", "signature"];
    ends.iter().any(|end| name.ends_with(end))
}

fn without_secrets(json: Value) -> Value {
    match json {
        Value::Array(items) => Value::Array(items.into_iter().map(without_secrets).collect()),
        Value::Object(members) => {
            // `{"argName":"auth_key1","argValue":"…"}`: the name of the secret is the value of its neighbour.
            let names_secret = members.iter().any(|(name, value)| {
                name.to_ascii_lowercase().ends_with("name") && value.as_str().is_some_and(is_secret)
            });
            let masked = members.into_iter().map(|(name, value)| {
                let hidden = is_secret(&name) || (names_secret && name.to_ascii_lowercase().ends_with("value"));
                let value = match value {
                    Value::String(text) if hidden && text.is_empty() => Value::String(text),
                    Value::Object(_) | Value::Array(_) => without_secrets(value),
                    _ if hidden => Value::String(MASK.to_owned()),
                    other => without_secrets(other),
                };
                (name, value)
            });
            Value::Object(masked.collect())
        }
        // JSON within JSON: configurations of templates.
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => Value::String(without_secrets(inner).to_string()),
            _ => Value::String(without_parameters(&text).into_owned()),
        },
        other => other,
    }
}

/// Whether there is a URL in a text. In lists they may be encoded once more.
fn has_scheme(text: &str) -> bool {
    text.contains("://") || text.to_ascii_lowercase().contains("%3a%2f%2f")
}

/// A text whose URLs have no parameters any more, and nobody's name and password.
fn without_parameters(text: &str) -> Cow<'_, str> {
    if !has_scheme(text) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    // A comma may belong to the parameters that were cut off.
    let mut cut = false;
    for part in text.split_inclusive(SEPARATORS) {
        let word = part.trim_end_matches(SEPARATORS);
        let separator = part.get(word.len()..).unwrap_or_default();
        let told = without_parameter_of(word);
        if cut && !has_scheme(word) {
            kept.push_str(if separator == "," { "" } else { separator });
        } else {
            kept.push_str(&told);
            kept.push_str(separator);
        }
        cut = separator == "," && (told.ends_with(CUT) || cut);
    }
    Cow::Owned(kept)
}

fn without_parameter_of(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let Some((scheme_end, encoded)) = lower
        .find("://")
        .map(|at| (at + 3, false))
        .or_else(|| lower.find("%3a%2f%2f").map(|at| (at + "%3a%2f%2f".len(), true)))
    else {
        return word.to_owned();
    };
    let (scheme, rest) = word.split_at(scheme_end);
    let first = |marks: &[&str]| {
        let lower = rest.to_ascii_lowercase();
        marks.iter().filter_map(|mark| lower.find(mark)).min()
    };
    let (query, slash, at_sign): (&[&str], &[&str], &[&str]) =
        if encoded { (&["%3f", "%23", "?", "#"], &["%2f", "/"], &["%40", "@"]) } else { (&["?", "#"], &["/"], &["@"]) };
    let cut = first(query);
    let address = cut.map_or(rest, |at| &rest[..at]);
    let authority_end = first(slash).filter(|at| *at < address.len()).unwrap_or(address.len());
    let authority = address[..authority_end].to_ascii_lowercase();
    let host_from = at_sign.iter().filter_map(|mark| authority.rfind(mark).map(|at| at + mark.len())).max();
    let address = match host_from {
        Some(from) => format!("{MASK}@{}", &address[from..]),
        None => address.to_owned(),
    };
    let end = if cut.is_some() { CUT } else { "" };
    format!("{scheme}{address}{end}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rpc::param::Kind;

    use super::*;

    #[test]
    fn names_of_keys_are_told_from_keys() {
        for secret in [
            "AuthKey",
            "NotifyAuthKey",
            "auth_key1",
            "auth_key2",
            "AccessKeySecret",
            "SecurityToken",
            "Password",
            "Plaintext",
            "Callback.1.AuthKey",
            "Keys.AuthKey.1",
            "MtsHlsUriToken",
            "Signature",
        ] {
            assert!(is_secret(secret), "{secret}");
        }
        for open in ["UserAccessKeyId", "VideoId", "KeyServiceType", "AuthSwitch", "CipherText", "Title", "AppName"] {
            assert!(!is_secret(open), "{open}");
        }
    }

    #[test]
    fn secrets_within_json_are_masked_and_the_rest_stays() {
        let functions = r#"[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},
            {"argName":"auth_key1","argValue":"hidden123"},{"argName":"auth_key2","argValue":""}]}]"#;
        let kept = value_of("Functions", functions);
        assert!(!kept.contains("hidden123") && kept.contains("type_a") && kept.contains(MASK), "{kept}");
        let nested =
            r#"{"Extend":{"order":7,"token":5},"MessageCallback":"{\"CallbackURL\":\"https://a.b/c?k=hidden\"}"}"#;
        let kept = value_of("UserData", nested);
        assert!(!kept.contains("hidden") && kept.contains("order") && kept.contains("https://a.b/c?***"), "{kept}");
        assert!(kept.contains("\"token\":\"***\""), "{kept}");
    }

    #[test]
    fn urls_lose_what_may_let_somebody_in() {
        for (url, kept) in [
            ("https://a.b/c.mp4", "https://a.b/c.mp4"),
            ("https://a.b/c?Signature=hidden&x=1", "https://a.b/c?***"),
            ("https://me:hidden@a.b/c", "https://***@a.b/c"),
            ("https://me:hid@den@a.b?x", "https://***@a.b?***"),
            ("https://a.b/c?x=1,https://d.e/f?y=2", "https://a.b/c?***,https://d.e/f?***"),
            ("https://a.b/c?x=hid,den,https://d.e/f", "https://a.b/c?***,https://d.e/f"),
            ("https://a.b/c?x=hid,den and", "https://a.b/c?***, and"),
            ("https%3A%2F%2Fa.b%2Fc%3Fx%3Dhidden", "https%3A%2F%2Fa.b%2Fc?***"),
            ("https://a.b/c#hidden", "https://a.b/c?***"),
            ("see https://a.b/?x and go", "see https://a.b/?*** and go"),
            ("what? @home", "what? @home"),
            ("rtmp://a/b/c?auth_key=hidden", "rtmp://a/b/c?***"),
            ("https://a.b/@c", "https://a.b/@c"),
        ] {
            assert_eq!(without_parameters(url), kept, "{url}");
        }
    }

    #[test]
    fn only_what_the_operation_knows_is_kept_and_not_too_much() {
        let declared = [Declared { name: "Title", required: true, kind: Kind::Text { bytes_max: 9 }, about: "" }];
        let params: Params =
            [("Title", "é".repeat(5_000)), ("Signature", "s".into()), ("Title.1.AuthKey", "hidden".into())]
                .into_iter()
                .collect();
        let kept: Value = serde_json::from_str(&masked(&declared, &params)).unwrap();
        assert_eq!(kept["Title"].as_str().unwrap().chars().count(), VALUE_CHARS_MAX + 1);
        assert_eq!(kept["Title.1.AuthKey"], MASK);
        assert_eq!(kept.as_object().unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_no_query_stays(text in ".{0,80}", host in "[a-z]{1,9}", query in "[0-9]{6,20}") {
            let _ = value_of("Title", &text);
            let kept = value_of("URL", &format!("{text},https://u:{query}@{host}/p?k={query}"));
            prop_assert!(!kept.contains(&query) || text.contains(&query), "{kept}");
        }
    }
}
