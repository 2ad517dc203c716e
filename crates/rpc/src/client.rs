//! The other side: signing a request as the classic SDKs do, for tools of our own and for tests.

use crate::encoding::encode;
use crate::{Params, v1};

/// The query (or form body) of a request signed with Signature V1: all of `params`, encoded, and their `Signature`.
///
/// `params` has the common parameters already: `AccessKeyId`, `Action`, `Version`, `Timestamp`, `SignatureMethod`
/// (`HMAC-SHA1`), `SignatureVersion` (`1.0`) and a `SignatureNonce` that was never used with this key.
pub fn signed_query(method: &str, params: &Params, secret: &str) -> String {
    let signature = v1::sign(secret, &v1::string_to_sign(method, params));
    let pairs = params.iter().filter(|(name, _)| *name != "Signature").chain([("Signature", signature.as_str())]);
    pairs.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Call, WireRequest};

    #[test]
    fn what_is_signed_here_is_believed_here() {
        let params: Params = [
            ("AccessKeyId", "ak1"),
            ("Action", "GetPlayInfo"),
            ("Version", "2017-03-21"),
            ("Timestamp", "2026-11-22T16:22:43Z"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "1"),
            ("Title", "a b*~/中+'(1)!&="),
        ]
        .into_iter()
        .collect();
        let query = signed_query("GET", &params, "sk1");
        let call =
            Call::parse(&WireRequest { method: "GET", query: query.as_bytes(), headers: &[], body: b"" }).unwrap();
        assert_eq!(call.verify("sk1"), Ok(()));
        assert_eq!(call.params.get("Title"), Some("a b*~/中+'(1)!&="));
    }
}
