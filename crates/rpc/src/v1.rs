//! Signature V1: HMAC-SHA1 over all parameters (contract §1.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::Params;
use crate::digest::hmac_sha1;
use crate::encoding::encode;

/// `METHOD&%2F&enc(canonical query)` over all parameters but `Signature`; those with an empty value stay in.
pub(crate) fn string_to_sign(method: &str, params: &Params) -> String {
    let canonical: Vec<String> = params
        .iter()
        .filter(|(name, _)| *name != "Signature")
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{method}&%2F&{}", encode(&canonical.join("&")))
}

/// Base64 of the HMAC-SHA1; the key is the secret and an ampersand.
pub(crate) fn sign(secret: &str, string_to_sign: &str) -> String {
    BASE64.encode(hmac_sha1(format!("{secret}&").as_bytes(), string_to_sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_request_has_the_documented_signature() {
        let params: Params = [
            ("AccessKeyId", "testAccessKeyId"),
            ("Action", "GetVideoPlayAuth"),
            ("Format", "JSON"),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "8f8a035d-6496-4268-afd4-67c22837e38d"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2017-10-10T12:02:54Z"),
            ("Version", "2017-03-21"),
            ("VideoId", "5aed81b74ba84920be578cdfe004af4b"),
            ("Signature", "is not part of what is signed"),
        ]
        .into_iter()
        .collect();
        assert_eq!(sign("testAccessKeySecret", &string_to_sign("GET", &params)), "Ibgh7y8Vp47LBuAsf5Xhi1SvDss=");
    }

    #[test]
    fn parameters_with_an_empty_value_are_signed() {
        let params: Params = [("SignatureType", ""), ("A", "1")].into_iter().collect();
        assert_eq!(string_to_sign("POST", &params), "POST&%2F&A%3D1%26SignatureType%3D");
    }
}
