//! Signature ACS3-HMAC-SHA256: an `Authorization` header over chosen headers, the query and the body (contract §1.4).

use crate::Refusal;
use crate::digest::{hex, hmac_sha256, sha256_hex};
use crate::encoding::encode;
use crate::refusal::excerpt;

/// The only algorithm of this family that we know.
pub(crate) const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// Headers that have to be signed: without one of them a caught request could be bent to another use.
const SIGNED_AT_LEAST: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];
/// Most headers that may be signed; SDKs sign about a dozen.
const SIGNED_HEADERS_MAX: usize = 64;

/// The parts of an `Authorization` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    /// Lower case, in the order in which they are signed.
    pub(crate) signed_headers: Vec<String>,
    /// Hex, as sent.
    pub(crate) signature: String,
}

/// Does this `Authorization` header belong to the ACS3 family, whatever its algorithm?
pub(crate) fn is_acs3(authorization: &str) -> bool {
    authorization.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("ACS3-"))
}

/// Reads `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=a;b,Signature=…`; the parts may come in any order, with spaces.
pub(crate) fn parse(authorization: &str) -> Result<Authorization, Refusal> {
    let incomplete = |what: &str| Refusal::IncompleteSignature { what: what.to_owned() };
    let (algorithm, parts) = authorization.trim().split_once(' ').unwrap_or((authorization, ""));
    if !algorithm.eq_ignore_ascii_case(ALGORITHM) {
        return Err(Refusal::SignatureMethod { method: excerpt(algorithm) });
    }
    let (mut credential, mut signed_headers, mut signature) = (None, None, None);
    for part in parts.split(',') {
        match part.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("SignedHeaders", value)) => signed_headers = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            _ => return Err(incomplete("the Authorization header has a part that is not name=value")),
        }
    }
    let access_key_id = credential.filter(|v| !v.is_empty()).ok_or_else(|| incomplete("Credential is missing"))?;
    let signature = signature.filter(|v| !v.is_empty()).ok_or_else(|| incomplete("Signature is missing"))?;
    let signed_headers: Vec<String> = signed_headers
        .ok_or_else(|| incomplete("SignedHeaders is missing"))?
        .split(';')
        .map(str::to_ascii_lowercase)
        .collect();
    if signed_headers.len() > SIGNED_HEADERS_MAX {
        return Err(incomplete("too many headers are signed"));
    }
    if let Some(absent) = SIGNED_AT_LEAST.iter().find(|name| !signed_headers.iter().any(|signed| signed == *name)) {
        return Err(incomplete(&format!("the header {absent} is not signed")));
    }
    Ok(Authorization { access_key_id: access_key_id.to_owned(), signed_headers, signature: signature.to_owned() })
}

/// What is signed of a request.
pub(crate) struct Signable<'a> {
    pub(crate) method: &'a str,
    /// Decoded, of the query only: the body is signed by its digest.
    pub(crate) query: &'a [(String, String)],
    /// Each signed header's name and value, in the order signed.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: &'a [u8],
}

/// The canonical request.
pub(crate) fn canonical_request(request: &Signable<'_>) -> String {
    let mut query: Vec<_> = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    query.sort_unstable();
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let mut headers = String::new();
    for (name, value) in request.headers {
        headers.push_str(&format!("{name}:{}\n", value.trim()));
    }
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    // The digest is ours, not the header's: a body other than the signed one cannot match.
    let digest = sha256_hex(request.body);
    [request.method, "/", &query.join("&"), &headers, &names.join(";"), &digest].join("\n")
}

/// The string to sign of a canonical request.
pub(crate) fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// Lower-case hex of the HMAC-SHA256; the key is the plain secret.
pub(crate) fn sign(secret: &str, string_to_sign: &str) -> String {
    hex(&hmac_sha256(secret.as_bytes(), string_to_sign.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";

    #[test]
    fn the_parts_are_read_in_any_order() {
        let read = parse(&format!("ACS3-HMAC-SHA256 Signature=ab, SignedHeaders={SIGNED} ,Credential=ak1")).unwrap();
        assert_eq!((read.access_key_id.as_str(), read.signature.as_str()), ("ak1", "ab"));
        assert_eq!(read.signed_headers.join(";"), SIGNED);
    }

    #[test]
    fn other_algorithms_of_the_family_are_named_in_the_refusal() {
        for algorithm in ["ACS3-HMAC-SM3", "ACS3-RSA-SHA256", "ACS3-"] {
            let text = format!("{algorithm} Credential=a,SignedHeaders={SIGNED},Signature=b");
            assert!(is_acs3(&text));
            assert_eq!(parse(&text), Err(Refusal::SignatureMethod { method: algorithm.into() }));
        }
        assert!(!is_acs3("Bearer x") && !is_acs3("ACS") && !is_acs3("ACS€"));
    }

    #[test]
    fn a_header_that_has_to_be_signed_and_is_not_makes_it_incomplete() {
        for name in SIGNED_AT_LEAST {
            let rest: Vec<&str> = SIGNED.split(';').filter(|signed| *signed != name).collect();
            let text = format!("ACS3-HMAC-SHA256 Credential=a,SignedHeaders={},Signature=b", rest.join(";"));
            assert!(matches!(parse(&text), Err(Refusal::IncompleteSignature { what }) if what.contains(name)));
        }
    }
}
