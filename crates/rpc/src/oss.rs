//! The upload dialect: signature V1 of the object store's clients (header `Authorization: OSS id:signature`), and the temporary keys that
//! they sign with.
//!
//! A temporary key is not kept anywhere: its token says what it is for and until when, under a seal; its secret follows from the token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::{hex, hmac_sha1, hmac_sha256, same};

/// Query parameters that are signed, as they name a part of the object, among those that are answered here.
const SIGNED_PARAMETERS: [&str; 3] = ["partNumber", "uploadId", "uploads"];
/// What the ids of temporary keys begin with.
const KEY_PREFIX: &str = "STS.";

/// A temporary key.
#[derive(Clone, PartialEq, Eq)]
pub struct TemporaryKey {
    /// Public.
    pub id: String,
    /// Secret.
    pub secret: String,
    /// Sent with every request.
    pub token: String,
}

/// The key for one thing, until a time in Unix seconds. `root` is what all follow from; `thing` has letters, digits and `-` alone.
pub fn temporary_key(root: &str, thing: &str, until: i64) -> TemporaryKey {
    let claim = format!("{thing}.{until}");
    let seal = hex(&hmac_sha256(root.as_bytes(), format!("oss-token:{claim}").as_bytes()));
    let token = format!("{claim}.{seal}");
    let secret = hex(&hmac_sha256(root.as_bytes(), format!("oss-secret:{token}").as_bytes()));
    TemporaryKey { id: format!("{KEY_PREFIX}{thing}"), secret, token }
}

/// What a token is for, and until when, when it was given under `root`.
pub fn read_token<'a>(root: &str, token: &'a str) -> Option<(&'a str, i64)> {
    let mut parts = token.split('.');
    let (thing, until) = (parts.next()?, parts.next()?.parse().ok()?);
    same(&temporary_key(root, thing, until).token, token).then_some((thing, until))
}

/// A request as far as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `PUT`.
    pub method: &'a str,
    /// Of the headers `Content-MD5`, `Content-Type`, and `x-oss-date` or else `Date`; empty when they are not there.
    pub content_md5: &'a str,
    /// See there.
    pub content_type: &'a str,
    /// See there.
    pub date: &'a str,
    /// The headers that begin with `x-oss-`, names in lower case.
    pub headers: &'a [(String, String)],
    /// The bucket.
    pub bucket: &'a str,
    /// The object's key, decoded.
    pub key: &'a str,
    /// The query, decoded.
    pub query: &'a [(String, String)],
}

impl Signed<'_> {
    /// What is signed.
    fn text(&self) -> String {
        let mut headers: Vec<_> = self.headers.iter().collect();
        headers.sort();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
        let mut query: Vec<_> =
            self.query.iter().filter(|(name, _)| SIGNED_PARAMETERS.contains(&name.as_str())).collect();
        query.sort();
        let one =
            |(name, value): &(String, String)| if value.is_empty() { name.clone() } else { format!("{name}={value}") };
        let query: Vec<String> = query.into_iter().map(one).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!(
            "{}\n{}\n{}\n{}\n{headers}/{}/{}{mark}{}",
            self.method,
            self.content_md5,
            self.content_type,
            self.date,
            self.bucket,
            self.key,
            query.join("&")
        )
    }

    /// The signature under a secret.
    pub fn signature(&self, secret: &str) -> String {
        STANDARD.encode(hmac_sha1(secret.as_bytes(), self.text().as_bytes()))
    }

    /// Whether an `Authorization` is that of this request under this key.
    pub fn is_authorized(&self, authorization: &str, key: &TemporaryKey) -> bool {
        let expected = format!("OSS {}:{}", key.id, self.signature(&key.secret));
        same(&expected, authorization.trim())
    }
}

/// Bytes as the wire writes them in base64.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by oss2 2.19.1.
    #[test]
    fn a_request_has_the_signature_that_the_client_gives_it() {
        let headers = [("x-oss-meta-author", "foo@example.com"), ("x-oss-magic", "abracadabra")];
        let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Signed {
            method: "PUT",
            content_md5: "ODBGOERFMDMzQTczRUY3NUE3NzA5QzdFNUYzMDQxNEM=",
            content_type: "text/html",
            date: "Sat, 28 Nov 2026 22:48:01 GMT",
            headers: &headers,
            bucket: "oss-example",
            key: "nelson",
            query: &[("uploadId".to_owned(), "7".to_owned()), ("partNumber".to_owned(), "1".to_owned())],
        };
        assert_eq!(request.signature("OtxrzxIsfpFjA7SwPzILwy8Bw21TLhquhboDYROV"), "qCwsCDacLPHKUKShz2C5v0R0XpY=");
    }

    #[test]
    fn a_token_is_for_one_thing_and_cannot_be_changed() {
        let key = temporary_key("root", "ab12", 1_700_000_000);
        assert_eq!(read_token("root", &key.token), Some(("ab12", 1_700_000_000)));
        assert_eq!(read_token("other", &key.token), None);
        for wrong in
            ["", ".", "ab12.1700000001.", &key.token.replace("ab12", "ab13"), &key.token.replacen('.', ".9", 1)]
        {
            assert_eq!(read_token("root", wrong), None, "{wrong}");
        }
        assert_ne!(temporary_key("root", "ab12", 1).secret, temporary_key("root", "ab12", 2).secret);
    }

    #[test]
    fn what_names_a_part_is_signed_and_other_parameters_are_not() {
        let query = [("uploadId", "7"), ("partNumber", "1"), ("encoding-type", "url")];
        let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let one = Signed {
            method: "PUT",
            content_md5: "",
            content_type: "",
            date: "d",
            headers: &[],
            bucket: "b",
            key: "k/a b",
            query: &query,
        };
        assert_eq!(one.text(), "PUT\n\n\nd\n/b/k/a b?partNumber=1&uploadId=7");
        let begin = [("uploads".to_owned(), String::new())];
        assert_eq!(Signed { query: &begin, ..one }.text(), "PUT\n\n\nd\n/b/k/a b?uploads");
    }
}
