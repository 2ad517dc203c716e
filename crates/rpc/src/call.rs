//! A request on `/`, from bytes to "who asks for what, signed how".

use std::time::Duration;

use units::WallTime;

use crate::acs3::{self, Authorization};
use crate::digest::{same, sha256_hex};
use crate::encoding::decode_pairs;
use crate::param::{self, Filled, ParamError};
use crate::play_auth::TokenError;
use crate::refusal::excerpt;
use crate::{Params, Refusal, v1};

/// Largest body, in bytes. A timeline of a long edit is some 100 KiB; nothing on this wire carries media.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// Longest query, in bytes; the HTTP layer's own limit is 64 KiB for the whole request target.
const QUERY_BYTES_MAX: usize = 64 << 10;
/// Most parameters of one call: the longest lists of the wire have a few hundred members.
const PARAMS_MAX: usize = 2_000;
/// Longest parameter name, in bytes. Names are repeated in error messages and logs.
const NAME_BYTES_MAX: usize = 256;
/// Longest nonce, in bytes. SDKs send 32 or 36; each is kept for the clock window.
const NONCE_BYTES_MAX: usize = 128;
/// Longest access key id, in bytes; the vendor's have 16 to 30.
const ACCESS_KEY_ID_BYTES_MAX: usize = 128;
/// How far the time of signing may be from ours, either way (contract §1.5).
pub const CLOCK_WINDOW: Duration = Duration::from_secs(15 * 60);

/// A request as it came from the wire.
#[derive(Clone, Copy, Debug)]
pub struct WireRequest<'a> {
    /// `GET` or `POST`; others are refused.
    pub method: &'a str,
    /// Without the question mark, not decoded.
    pub query: &'a [u8],
    /// Names in lower case. Of a header that comes twice the first is used.
    pub headers: &'a [(&'a str, &'a str)],
    /// Whole, at most [`BODY_BYTES_MAX`].
    pub body: &'a [u8],
}

/// What is asked, by whom, signed how. Not to be believed before [`verify`](Call::verify).
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation's name.
    pub action: String,
    /// The API version: the service.
    pub version: String,
    /// All parameters, common ones included.
    pub params: Params,
    /// Whose key it is signed with.
    pub access_key_id: String,
    /// Single use per key within the clock window.
    pub nonce: String,
    /// When it was signed.
    pub signed_at: WallTime,
    security_token: Option<String>,
    signature: Signature,
}

#[derive(Clone, Debug)]
enum Signature {
    V1 {
        theirs: String,
        string_to_sign: String,
    },
    /// `whole`: the digest in the headers is that of the body.
    Acs3 {
        theirs: String,
        canonical_request: String,
        whole: bool,
    },
}

impl Call {
    /// Reads a request (contract §1.1): parameters are those of the query and of a form body together; the operation and
    /// its version stand in headers when an ACS3 `Authorization` is there, else in parameters, else in headers.
    pub fn parse(request: &WireRequest<'_>) -> Result<Self, Refusal> {
        if !matches!(request.method, "GET" | "POST") {
            return Err(Refusal::Method { method: excerpt(request.method) });
        }
        within("the body's bytes", request.body.len(), BODY_BYTES_MAX)?;
        within("the query's bytes", request.query.len(), QUERY_BYTES_MAX)?;
        let query: Vec<(String, String)> =
            decode_pairs(request.query).take(PARAMS_MAX.saturating_add(1)).collect::<Result<_, _>>()?;
        let form: Vec<(String, String)> = if request.has_form() {
            decode_pairs(request.body).take(PARAMS_MAX.saturating_add(1)).collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        within("the number of parameters", query.len().saturating_add(form.len()), PARAMS_MAX)?;
        let mut params = Params::default();
        for (name, value) in query.iter().chain(&form) {
            within("a parameter name's bytes", name.len(), NAME_BYTES_MAX)?;
            if !params.insert(name.clone(), value.clone()) {
                return Err(Refusal::Repeated { name: excerpt(name) });
            }
        }
        match request.header("authorization") {
            Some(authorization) if acs3::is_acs3(authorization) => {
                Self::parse_acs3(request, acs3::parse(authorization)?, &query, params)
            }
            Some(authorization) if params.get("AccessKeyId").is_none() => {
                Err(Refusal::SignatureMethod { method: excerpt(authorization.split(' ').next().unwrap_or_default()) })
            }
            _ => Self::parse_v1(request, params),
        }
    }

    fn parse_acs3(
        request: &WireRequest<'_>,
        authorization: Authorization,
        query: &[(String, String)],
        params: Params,
    ) -> Result<Self, Refusal> {
        let header = |name: &str| {
            let absent = || Refusal::IncompleteSignature { what: format!("the header {} is missing", excerpt(name)) };
            request.header(name).ok_or_else(absent)
        };
        let mut signed = Vec::with_capacity(authorization.signed_headers.len());
        for name in &authorization.signed_headers {
            signed.push((name.as_str(), header(name)?));
        }
        let canonical_request = acs3::canonical_request(&acs3::Signable {
            method: request.method,
            query,
            headers: &signed,
            body: request.body,
        });
        let nonce = header("x-acs-signature-nonce")?;
        let told = header("x-acs-content-sha256")?.trim();
        let whole = told.eq_ignore_ascii_case(&sha256_hex(request.body));
        Ok(Self {
            action: header("x-acs-action")?.trim().to_owned(),
            version: header("x-acs-version")?.trim().to_owned(),
            signed_at: parse_time(header("x-acs-date")?.trim())?,
            nonce: checked("x-acs-signature-nonce", nonce.trim(), NONCE_BYTES_MAX)?,
            access_key_id: checked("Credential", &authorization.access_key_id, ACCESS_KEY_ID_BYTES_MAX)?,
            security_token: request.header("x-acs-security-token").map(str::to_owned),
            signature: Signature::Acs3 {
                theirs: authorization.signature.to_ascii_lowercase(),
                canonical_request,
                whole,
            },
            params,
        })
    }

    fn parse_v1(request: &WireRequest<'_>, params: Params) -> Result<Self, Refusal> {
        // The key first: a request that is not signed at all is told so, not what else it lacks.
        let access_key_id = param::required::<Filled<ACCESS_KEY_ID_BYTES_MAX>>(&params, "AccessKeyId")?;
        let theirs = param::required::<Filled>(&params, "Signature")?;
        let method = param::required::<Filled>(&params, "SignatureMethod")?;
        let version = params.filled("SignatureVersion").unwrap_or("1.0");
        let kind = params.filled("SignatureType").unwrap_or_default();
        if !method.eq_ignore_ascii_case("HMAC-SHA1") || version != "1.0" || !kind.is_empty() {
            let method = format!("{} {version} {kind}", excerpt(&method));
            return Err(Refusal::SignatureMethod { method: excerpt(method.trim_end()) });
        }
        let named = |parameter: &str, header: &str| {
            let sent = params.filled(parameter).or_else(|| request.header(header).map(str::trim));
            sent.filter(|name| !name.is_empty()).map(str::to_owned).ok_or_else(|| ParamError::missing(parameter))
        };
        Ok(Self {
            action: named("Action", "x-acs-action")?,
            version: named("Version", "x-acs-version")?,
            signed_at: parse_time(&param::required::<Filled>(&params, "Timestamp")?)?,
            nonce: param::required::<Filled<NONCE_BYTES_MAX>>(&params, "SignatureNonce")?,
            access_key_id,
            security_token: params.filled("SecurityToken").map(str::to_owned),
            signature: Signature::V1 { theirs, string_to_sign: v1::string_to_sign(request.method, &params) },
            params,
        })
    }

    /// Is the time of signing within [`CLOCK_WINDOW`] of `now`?
    pub fn check_clock(&self, now: WallTime) -> Result<(), Refusal> {
        let apart = now.since(self.signed_at).max(self.signed_at.since(now));
        if apart > CLOCK_WINDOW { Err(Refusal::TimestampExpired { seconds: apart.as_secs() }) } else { Ok(()) }
    }

    /// Was the request signed with the secret of a permanent key? A temporary token does not fit one: it is refused once the
    /// signature is known to be right.
    pub fn verify(&self, secret: &str) -> Result<(), Refusal> {
        self.verify_temporary(secret)?;
        match self.security_token() {
            None => Ok(()),
            Some(_) => Err(Refusal::Token(TokenError::Mismatch)),
        }
    }

    /// Was the request signed with the secret that belongs to its token? Compared in constant time.
    pub fn verify_temporary(&self, secret: &str) -> Result<(), Refusal> {
        let (matched, shown) = match &self.signature {
            Signature::V1 { theirs, string_to_sign } => {
                (same(&v1::sign(secret, string_to_sign), theirs), string_to_sign.clone())
            }
            Signature::Acs3 { theirs, canonical_request, whole } => {
                let string_to_sign = acs3::string_to_sign(canonical_request);
                let matched = *whole && same(&acs3::sign(secret, &string_to_sign), theirs);
                (matched, format!("{string_to_sign}\nserver canonical request is:{canonical_request}"))
            }
        };
        if matched { Ok(()) } else { Err(Refusal::SignatureMismatch { string_to_sign: shown }) }
    }

    /// The token that came with the key, if any.
    pub fn security_token(&self) -> Option<&str> {
        self.security_token.as_deref().filter(|token| !token.is_empty())
    }
}

impl WireRequest<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| *value)
    }

    fn has_form(&self) -> bool {
        let kind = self.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }
}

fn within(what: &'static str, found: usize, limit: usize) -> Result<(), Refusal> {
    if found > limit { Err(Refusal::TooLarge { what, found, limit }) } else { Ok(()) }
}

fn checked(name: &str, value: &str, bytes_max: usize) -> Result<String, Refusal> {
    if value.is_empty() {
        return Err(Refusal::IncompleteSignature { what: format!("{name} is empty") });
    }
    if value.len() > bytes_max || value.chars().any(char::is_control) {
        return Err(ParamError::invalid(name, format!("it is longer than {bytes_max} bytes or no plain text")).into());
    }
    Ok(value.to_owned())
}

fn parse_time(text: &str) -> Result<WallTime, Refusal> {
    WallTime::parse_iso8601(text).ok_or_else(|| Refusal::TimestampFormat { text: excerpt(text) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The request of contract §1.8, captured from the Python SDK (core 0.4.3).
    const CAPTURED_QUERY: &[u8] = b"AppName=a+b%2A~%2F%E4%B8%AD%2B&PageNo=1&StreamName=s%27%281%29%21";
    const CAPTURED_HEADERS: &[(&str, &str)] = &[
        ("host", "127.0.0.1:41219"),
        ("x-acs-version", "2017-03-21"),
        ("x-acs-action", "ListLiveRecordVideo"),
        ("user-agent", "AlibabaCloud (Linux; x86_64) Python/3.11.7 Core/0.4.3 TeaDSL/2"),
        ("x-acs-date", "2026-11-22T16:22:43Z"),
        ("x-acs-signature-nonce", "d1553b59074118c3460d788bff11ee87"),
        ("accept", "application/json"),
        ("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("x-acs-credentials-provider", "static_ak"),
        (
            "authorization",
            "ACS3-HMAC-SHA256 Credential=ak1,SignedHeaders=accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=8e4303702339442acad6df9773146a006eaa68f577d5f1abf0ef0f7a58ff9121",
        ),
    ];
    const CAPTURED: WireRequest<'_> =
        WireRequest { method: "POST", query: CAPTURED_QUERY, headers: CAPTURED_HEADERS, body: b"" };
    const DOCUMENTED_QUERY: &[u8] = b"AccessKeyId=testAccessKeyId&Action=GetVideoPlayAuth&Format=JSON\
        &SignatureMethod=HMAC-SHA1&SignatureNonce=8f8a035d-6496-4268-afd4-67c22837e38d&SignatureVersion=1.0\
        &Timestamp=2017-10-10T12%3A02%3A54Z&Version=2017-03-21&VideoId=5aed81b74ba84920be578cdfe004af4b\
        &Signature=Ibgh7y8Vp47LBuAsf5Xhi1SvDss%3D";
    const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded; charset=UTF-8")];

    #[test]
    fn the_captured_acs3_request_is_read_and_believed() {
        let call = Call::parse(&CAPTURED).unwrap();
        assert_eq!((call.action.as_str(), call.version.as_str()), ("ListLiveRecordVideo", "2017-03-21"));
        assert_eq!(call.params.get("AppName"), Some("a b*~/中+"));
        assert_eq!(call.params.get("StreamName"), Some("s'(1)!"));
        assert_eq!(call.access_key_id, "ak1");
        assert_eq!(call.verify("sk1"), Ok(()));
    }

    #[test]
    fn a_changed_query_body_or_header_is_not_believed() {
        let changed = [
            WireRequest { query: b"AppName=other", ..CAPTURED },
            WireRequest { body: b"x", ..CAPTURED },
            WireRequest { method: "GET", ..CAPTURED },
        ];
        for request in changed {
            assert!(matches!(Call::parse(&request).unwrap().verify("sk1"), Err(Refusal::SignatureMismatch { .. })));
        }
        for changed in ["host", "x-acs-action", "x-acs-date", "user-agent"] {
            let value = if changed == "x-acs-date" { "2026-11-22T16:22:44Z" } else { "other" };
            let headers: Vec<_> = CAPTURED_HEADERS
                .iter()
                .map(|(name, old)| (*name, if *name == changed { value } else { *old }))
                .collect();
            let call = Call::parse(&WireRequest { headers: &headers, ..CAPTURED }).unwrap();
            assert!(call.verify("sk1").is_err(), "{changed}");
        }
    }

    #[test]
    fn a_digest_that_is_not_the_bodys_is_not_believed_though_it_is_signed() {
        let told = |digest: &str| {
            let names = [
                "host",
                "x-acs-action",
                "x-acs-content-sha256",
                "x-acs-date",
                "x-acs-signature-nonce",
                "x-acs-version",
            ];
            let value = |name: &str| CAPTURED_HEADERS.iter().find(|(known, _)| *known == name).unwrap().1;
            let mut headers: Vec<(&str, &str)> =
                names.map(|name| (name, if name == "x-acs-content-sha256" { digest } else { value(name) })).into();
            let request =
                acs3::canonical_request(&acs3::Signable { method: "POST", query: &[], headers: &headers, body: b"" });
            let signature = acs3::sign("sk1", &acs3::string_to_sign(&request));
            let authorization =
                format!("ACS3-HMAC-SHA256 Credential=ak1,SignedHeaders={},Signature={signature}", names.join(";"));
            headers.push(("authorization", &authorization));
            Call::parse(&WireRequest { method: "POST", query: b"", headers: &headers, body: b"" })
                .unwrap()
                .verify("sk1")
        };
        let digest = sha256_hex(b"");
        assert_eq!(told(&digest), Ok(()));
        assert_eq!(told(&digest.to_ascii_uppercase()), Ok(()));
        assert!(matches!(told("00"), Err(Refusal::SignatureMismatch { .. })));
    }

    #[test]
    fn the_documented_v1_request_is_believed_from_the_query_and_from_the_body() {
        let call =
            Call::parse(&WireRequest { method: "GET", query: DOCUMENTED_QUERY, headers: &[], body: b"" }).unwrap();
        assert_eq!((call.action.as_str(), call.version.as_str()), ("GetVideoPlayAuth", "2017-03-21"));
        assert_eq!(call.verify("testAccessKeySecret"), Ok(()));
        // The method is signed: as a POST the same parameters have another signature.
        let posted = WireRequest { method: "POST", query: b"", headers: FORM, body: DOCUMENTED_QUERY };
        let call = Call::parse(&posted).unwrap();
        assert_eq!(call.action, "GetVideoPlayAuth");
        assert!(call.verify("testAccessKeySecret").is_err());
    }

    #[test]
    fn the_refusal_of_a_signature_has_our_string_after_its_first_colon() {
        let call =
            Call::parse(&WireRequest { method: "GET", query: DOCUMENTED_QUERY, headers: &[], body: b"" }).unwrap();
        let message = call.verify("wrong").unwrap_err().to_string();
        // What the classic Python core does with the message.
        let after = message.split(':').nth(1).unwrap();
        assert!(message.contains("server string to sign is:"), "{message}");
        assert!(after.starts_with("GET&%2F&AccessKeyId%3DtestAccessKeyId%26Action"), "{message}");
        assert_eq!(message.matches(':').count(), 1, "{message}");
        let message = Call::parse(&CAPTURED).unwrap().verify("wrong").unwrap_err().to_string();
        assert!(message.contains("server string to sign is:ACS3-HMAC-SHA256\n"), "{message}");
    }

    #[test]
    fn the_clock_may_differ_by_a_quarter_of_an_hour_either_way() {
        let call = Call::parse(&CAPTURED).unwrap();
        for (seconds, right) in [(0, true), (900, true), (901, false), (-900, true), (-901, false)] {
            let now = WallTime::from_unix_s(call.signed_at.unix_s() + seconds);
            assert_eq!(call.check_clock(now).is_ok(), right, "{seconds}");
        }
    }

    #[test]
    fn a_request_that_is_not_signed_is_asked_for_its_key() {
        let plain = WireRequest { method: "GET", query: b"Action=GetPlayInfo", headers: &[], body: b"" };
        assert_eq!(Call::parse(&plain).unwrap_err(), ParamError::missing("AccessKeyId").into());
        let bearer = WireRequest { headers: &[("authorization", "Bearer abc")], ..plain };
        assert_eq!(Call::parse(&bearer).unwrap_err(), Refusal::SignatureMethod { method: "Bearer".into() });
    }

    #[test]
    fn what_is_beyond_a_limit_or_given_twice_is_refused() {
        let body = vec![b'a'; BODY_BYTES_MAX + 1];
        let large = WireRequest { method: "POST", query: b"", headers: FORM, body: &body };
        assert!(matches!(Call::parse(&large), Err(Refusal::TooLarge { .. })));
        let many: String = (0..=PARAMS_MAX).map(|n| format!("p{n}=&")).collect();
        let many = WireRequest { body: many.as_bytes(), ..large };
        assert!(matches!(Call::parse(&many), Err(Refusal::TooLarge { found, .. }) if found == PARAMS_MAX + 1));
        let twice = WireRequest { query: b"A=1", body: b"A=1", ..large };
        assert_eq!(Call::parse(&twice).unwrap_err(), Refusal::Repeated { name: "A".into() });
        let put = WireRequest { method: "PUT", ..CAPTURED };
        assert!(matches!(Call::parse(&put), Err(Refusal::Method { .. })));
    }

    #[test]
    fn other_signature_methods_are_refused_by_name() {
        let query = String::from_utf8(DOCUMENTED_QUERY.to_vec()).unwrap();
        for (from, to) in [("HMAC-SHA1", "HMAC-SHA256"), ("SignatureVersion=1.0", "SignatureVersion=2.0")] {
            let query = query.replace(from, to);
            let request = WireRequest { method: "GET", query: query.as_bytes(), headers: &[], body: b"" };
            assert!(matches!(Call::parse(&request), Err(Refusal::SignatureMethod { .. })), "{to}");
        }
        let lenient = query.replace("HMAC-SHA1", "Hmac-Sha1");
        assert!(
            Call::parse(&WireRequest { method: "GET", query: lenient.as_bytes(), headers: &[], body: b"" }).is_ok()
        );
    }

    #[test]
    fn a_temporary_token_does_not_fit_a_permanent_key() {
        let mut call = Call::parse(&CAPTURED).unwrap();
        call.security_token = Some("token".into());
        assert_eq!(call.verify("sk1"), Err(Refusal::Token(TokenError::Mismatch)));
    }

    proptest! {
        #[test]
        fn no_request_makes_it_panic(
            query in prop::collection::vec(any::<u8>(), 0..200),
            body in prop::collection::vec(any::<u8>(), 0..200),
            authorization in "(ACS3-HMAC-SHA256 )?.{0,120}",
        ) {
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", authorization.as_str())];
            for headers in [&headers[..], &headers[..1]] {
                if let Ok(call) = Call::parse(&WireRequest { method: "POST", query: &query, headers, body: &body }) {
                    let _ = call.verify("sk1");
                    let _ = call.check_clock(WallTime::default());
                }
            }
        }

        #[test]
        fn a_changed_captured_authorization_never_passes(at in 0usize..300, byte in any::<char>()) {
            let authorization = CAPTURED_HEADERS.last().unwrap().1;
            let mut changed: Vec<char> = authorization.chars().collect();
            let at = at % changed.len();
            prop_assume!(!changed[at].eq_ignore_ascii_case(&byte));
            changed[at] = byte;
            let changed: String = changed.into_iter().collect();
            let headers: Vec<_> = CAPTURED_HEADERS
                .iter()
                .map(|(name, old)| (*name, if *name == "authorization" { changed.as_str() } else { *old }))
                .collect();
            let call = Call::parse(&WireRequest { headers: &headers, ..CAPTURED });
            let believed = call.is_ok_and(|call| call.access_key_id == "ak1" && call.verify("sk1").is_ok());
            // A space for a space-like separator changes nothing that is signed.
            prop_assert!(!believed || byte.is_whitespace(), "{changed}");
        }
    }
}
