//! URL authentication of type A, B and C: whether a push or a play URL was signed by someone who holds the domain's key.
//!
//! All three hash the path, a time and the key with MD5; they differ in the order and in where the result stands.
//! Two keys are valid at the same time, so that one can be replaced while URLs signed with the other are still about.
//!
//! [`UrlAuth`] is what a domain has on. [`UrlAuth::claim`] reads what a URL says of itself, [`UrlAuth::check`] whether that
//! is true. Out of it comes a [`Pass`], with which the URLs that a playlist names are signed for just as long.

use std::collections::BTreeMap;
use std::fmt;

use units::WallTime;

use crate::digest::{md5_hex, same};
use crate::encoding::decode_pairs;

/// Longest value of `auth_key`, `KEY1` or `KEY2` that is looked at, in bytes: a time, a UUID, a user id and an MD5 need some 90.
const VALUE_BYTES_MAX: usize = 256;
/// Offset of the time in a type B URL, in seconds: it is written in UTC+8.
const TYPE_B_OFFSET_S: i64 = 8 * 3_600;
/// How long a signed URL lives after its time, unless the domain says otherwise (contract §4.2), in seconds.
const VALIDITY_S: i64 = 1_800;
/// Longest validity, in seconds: a year.
const VALIDITY_S_MAX: i64 = 31_536_000;
/// Length of a key. The vendor asks for 16 to 32; keys from 6 were seen in use.
const KEY_LENGTH: std::ops::RangeInclusive<usize> = 6..=32;
/// Hex digits of an MD5.
const HASH_DIGITS: usize = 32;

/// Why a signed URL is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlAuthError {
    /// There is no signature in the URL.
    #[error("the URL is not signed")]
    Missing,
    /// The signature does not have the parts of its type.
    #[error("the URL's signature is not of the form {form}")]
    Malformed {
        /// The wanted form.
        form: &'static str,
    },
    /// The signature was right and is too old.
    #[error("the signed URL expired {seconds} s ago")]
    Expired {
        /// Seconds since it expired, at least 1.
        seconds: i64,
    },
    /// No key of the domain gives this signature.
    #[error("the URL's signature does not match")]
    Mismatch,
}

/// Where the signature stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthType {
    /// `{path}?auth_key={time}-{rand}-{uid}-{md5}`.
    A,
    /// `/{YYYYMMDDHHMM}/{md5}{path}`, the time in UTC+8.
    B,
    /// `/{md5}/{hexadecimal time}{path}`, or `{path}?KEY1={md5}&KEY2={hexadecimal time}`.
    C,
}

impl AuthType {
    const ALL: [(&'static str, Self); 3] = [("type_a", Self::A), ("type_b", Self::B), ("type_c", Self::C)];

    /// The word of the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "type_a",
            Self::B => "type_b",
            Self::C => "type_c",
        }
    }
}

/// URL authentication as a domain has it on.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlAuth {
    kind: AuthType,
    /// One or two, none of them empty.
    keys: Vec<String>,
    validity_s: i64,
}

impl fmt::Debug for UrlAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlAuth")
            .field("kind", &self.kind)
            .field("validity_s", &self.validity_s)
            .finish_non_exhaustive()
    }
}

impl UrlAuth {
    /// The function of a domain's configuration that it is (contract §2.4).
    pub const FUNCTION: &'static str = "aliauth";
    /// The arguments of the function.
    pub const ARGS: [&'static str; 4] = ["auth_type", "auth_key1", "auth_key2", "ali_auth_delta"];

    /// Reads the arguments of the function; `None`: it is off. The error is a sentence on what is wrong.
    pub fn of_args(args: &BTreeMap<String, String>) -> Result<Option<Self>, String> {
        let arg = |name: &str| args.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let word = arg("auth_type").ok_or("auth_type is one of no_auth, type_a, type_b, type_c")?;
        let kind = AuthType::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind);
        if kind.is_none() && word != "no_auth" {
            return Err("auth_type is one of no_auth, type_a, type_b, type_c".to_owned());
        }
        let mut keys = Vec::new();
        for name in ["auth_key1", "auth_key2"] {
            let Some(key) = arg(name) else { continue };
            if !KEY_LENGTH.contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(format!("{name} is to be 6 to 32 letters or digits"));
            }
            keys.push(key.to_owned());
        }
        let validity_s = match arg("ali_auth_delta").map(str::parse) {
            None => VALIDITY_S,
            Some(Ok(seconds)) if (1..=VALIDITY_S_MAX).contains(&seconds) => seconds,
            Some(_) => return Err(format!("ali_auth_delta is to be 1 to {VALIDITY_S_MAX} seconds")),
        };
        match kind {
            Some(_) if arg("auth_key1").is_none() => {
                Err("auth_key1 is wanted when auth_type is not no_auth".to_owned())
            }
            Some(kind) => Ok(Some(Self { kind, keys, validity_s })),
            None => Ok(None),
        }
    }

    /// Of which type.
    pub const fn kind(&self) -> AuthType {
        self.kind
    }

    /// How long a URL lives after its time, in seconds.
    pub const fn validity_s(&self) -> i64 {
        self.validity_s
    }

    /// What a URL says of itself. `path` and `query` are as they were sent, not decoded.
    ///
    /// Errors: [`UrlAuthError::Missing`], [`UrlAuthError::Malformed`].
    pub fn claim<'a>(&self, path: &'a str, query: &str) -> Result<Claim<'a>, UrlAuthError> {
        match self.kind {
            AuthType::A => match query_value(query, "auth_key") {
                None => Err(UrlAuthError::Missing),
                Some(value) => Claim::of_auth_key(path, &value),
            },
            AuthType::B => Claim::of_type_b(path),
            AuthType::C => Claim::of_type_c(path, query),
        }
    }

    /// Is a claim true? It is when it was signed for one of `paths`, with one of the keys, not too long ago.
    pub fn check(&self, claim: &Claim<'_>, paths: &[&str], now: WallTime) -> Result<Pass, UrlAuthError> {
        // Everything is tried, in time that does not tell which one came close.
        let mut found = None;
        for path in paths {
            for key in &self.keys {
                if same(&claim.stamp.hash(path, key), &claim.hash) {
                    found = Some(key);
                }
            }
        }
        let key = found.ok_or(UrlAuthError::Mismatch)?;
        let expires_unix_s = claim.signed_at.saturating_add(self.validity_s);
        match now.unix_s().saturating_sub(expires_unix_s) {
            late if late > 0 => Err(UrlAuthError::Expired { seconds: late }),
            _ => Ok(Pass { key: key.clone(), stamp: claim.stamp.clone(), expires_unix_s }),
        }
    }

    /// A pass for URLs that live until `expires`; of type B, whose times are minutes, until less than a minute later.
    pub fn until(&self, expires: WallTime) -> Pass {
        let signed_at = expires.unix_s().saturating_sub(self.validity_s).max(0);
        let (stamp, signed_at) = match self.kind {
            AuthType::A => {
                let [rand, uid] = ["0", "0"].map(str::to_owned);
                (Stamp::A { time: signed_at.to_string(), rand, uid }, signed_at)
            }
            AuthType::B => {
                let whole = signed_at.saturating_add(59).div_euclid(60).saturating_mul(60);
                let shown = WallTime::from_unix_s(whole.saturating_add(TYPE_B_OFFSET_S));
                let ((year, month, day), (hour, minute, _)) = shown.civil();
                (Stamp::B { minute: format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}") }, whole)
            }
            AuthType::C => (Stamp::C { time: format!("{signed_at:x}"), in_path: false }, signed_at),
        };
        let key = self.keys.first().cloned().unwrap_or_default();
        Pass { key, stamp, expires_unix_s: signed_at.saturating_add(self.validity_s) }
    }
}

/// What is signed beside the path and the key, and how it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Stamp {
    A { time: String, rand: String, uid: String },
    B { minute: String },
    C { time: String, in_path: bool },
}

impl Stamp {
    fn hash(&self, path: &str, key: &str) -> String {
        md5_hex(&match self {
            Self::A { time, rand, uid } => format!("{path}-{time}-{rand}-{uid}-{key}"),
            Self::B { minute } => format!("{key}{minute}{path}"),
            Self::C { time, .. } => format!("{key}{path}{time}"),
        })
    }
}

/// What a URL says of itself. Not to be believed before [`UrlAuth::check`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim<'a> {
    path: &'a str,
    stamp: Stamp,
    /// Lower case.
    hash: String,
    signed_at: i64,
}

impl<'a> Claim<'a> {
    /// The path without the signature, still as it was sent.
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// Of type A: the value of `auth_key`, for a URL whose path has no signature in it.
    pub fn of_auth_key(path: &'a str, value: &str) -> Result<Self, UrlAuthError> {
        let malformed = || UrlAuthError::Malformed { form: "{timestamp}-{rand}-{uid}-{md5}" };
        if value.is_empty() {
            return Err(UrlAuthError::Missing);
        }
        if value.len() > VALUE_BYTES_MAX {
            return Err(malformed());
        }
        let mut parts = value.split('-');
        let (Some(time), Some(rand), Some(uid), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed());
        };
        let signed_at = decimal(time).ok_or_else(malformed)?;
        let [time, rand, uid] = [time, rand, uid].map(str::to_owned);
        Ok(Self { path, stamp: Stamp::A { time, rand, uid }, hash: hash.to_ascii_lowercase(), signed_at })
    }

    fn of_type_b(whole: &'a str) -> Result<Self, UrlAuthError> {
        let malformed = || UrlAuthError::Malformed { form: "/{YYYYMMDDHHMM}/{md5}{path}" };
        let (minute, hash, path) = two_leading_parts(whole).ok_or(UrlAuthError::Missing)?;
        if !minute.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(UrlAuthError::Missing);
        }
        let signed_at = minute_in_utc8(minute).ok_or_else(malformed)?;
        if !is_hash(hash) {
            return Err(malformed());
        }
        let stamp = Stamp::B { minute: minute.to_owned() };
        Ok(Self { path, stamp, hash: hash.to_ascii_lowercase(), signed_at })
    }

    fn of_type_c(whole: &'a str, query: &str) -> Result<Self, UrlAuthError> {
        let keys = (query_value(query, "KEY1"), query_value(query, "KEY2"));
        let (path, hash, time, in_path, form) = match keys {
            (None, None) => match two_leading_parts(whole) {
                Some((hash, time, path)) if is_hash(hash) => {
                    (path, hash.to_owned(), time.to_owned(), true, "/{md5}/{hexadecimal timestamp}{path}")
                }
                _ => return Err(UrlAuthError::Missing),
            },
            (hash, time) => {
                let (hash, time) = (hash.unwrap_or_default(), time.unwrap_or_default());
                (whole, hash, time, false, "KEY1={md5}&KEY2={hexadecimal timestamp}")
            }
        };
        let malformed = || UrlAuthError::Malformed { form };
        let signed_at = hexadecimal(&time).ok_or_else(malformed)?;
        if !is_hash(&hash) {
            return Err(malformed());
        }
        Ok(Self { path, stamp: Stamp::C { time, in_path }, hash: hash.to_ascii_lowercase(), signed_at })
    }
}

/// The right to sign URLs that live until a moment: as the URL did that it comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    key: String,
    stamp: Stamp,
    expires_unix_s: i64,
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("stamp", &self.stamp)
            .field("expires_unix_s", &self.expires_unix_s)
            .finish_non_exhaustive()
    }
}

/// A signature, and where it goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Placed {
    /// Before the path: `/…/…`.
    Before(String),
    /// Into the query, without the question mark.
    Query(String),
}

impl Pass {
    /// The last second at which a URL signed with it is accepted.
    pub const fn expires_unix_s(&self) -> i64 {
        self.expires_unix_s
    }

    /// The signature of `path`, which begins with `/` and is written as it will be sent.
    pub fn sign(&self, path: &str) -> Placed {
        let hash = self.stamp.hash(path, &self.key);
        match &self.stamp {
            Stamp::A { time, rand, uid } => Placed::Query(format!("auth_key={time}-{rand}-{uid}-{hash}")),
            Stamp::B { minute } => Placed::Before(format!("/{minute}/{hash}")),
            Stamp::C { time, in_path: true } => Placed::Before(format!("/{hash}/{time}")),
            Stamp::C { time, in_path: false } => Placed::Query(format!("KEY1={hash}&KEY2={time}")),
        }
    }

    /// `path` with its signature.
    pub fn url(&self, path: &str) -> String {
        match self.sign(path) {
            Placed::Before(prefix) => format!("{prefix}{path}"),
            Placed::Query(query) => format!("{path}?{query}"),
        }
    }
}

/// The first value of this name in a query.
pub fn query_value(query: &str, name: &str) -> Option<String> {
    // Of a pair that is no text nothing is known.
    decode_pairs(query.as_bytes()).filter_map(Result::ok).find(|(known, _)| known == name).map(|(_, value)| value)
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The digits of an unsigned decimal number that fits 53 bits.
fn decimal(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 15 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn hexadecimal(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if digits { i64::from_str_radix(text, 16).ok() } else { None }
}

/// `/{first}/{second}{/rest}`.
fn two_leading_parts(path: &str) -> Option<(&str, &str, &str)> {
    let (first, rest) = path.strip_prefix('/')?.split_once('/')?;
    let slash = rest.find('/')?;
    let (second, rest) = rest.split_at_checked(slash)?;
    Some((first, second, rest))
}

fn minute_in_utc8(text: &str) -> Option<i64> {
    if text.len() != 12 {
        return None;
    }
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let (year, month, day, hour, minute) = (part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12));
    let time = WallTime::parse_iso8601(&format!("{year}-{month}-{day}T{hour}:{minute}:00Z"))?;
    Some(time.unix_s().saturating_sub(TYPE_B_OFFSET_S))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "aliyuncdnexp1234";

    fn auth(kind: &str, keys: &[&str]) -> UrlAuth {
        let mut args = BTreeMap::from([("auth_type".to_owned(), kind.to_owned())]);
        for (name, key) in ["auth_key1", "auth_key2"].iter().zip(keys) {
            args.insert((*name).to_owned(), (*key).to_owned());
        }
        UrlAuth::of_args(&args).unwrap().unwrap()
    }

    /// The path that a URL is good for, and until when.
    fn good(auth: &UrlAuth, url: &str, now: i64) -> Result<(String, i64), UrlAuthError> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let claim = auth.claim(path, query)?;
        let pass = auth.check(&claim, &[claim.path()], WallTime::from_unix_s(now))?;
        Ok((claim.path().to_owned(), pass.expires_unix_s()))
    }

    #[test]
    fn the_published_check_values_are_accepted_until_their_validity_is_over() {
        let a = "/video/standard/1K.html?auth_key=1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f";
        // 2015-08-15 08:00 in UTC+8 is midnight in UTC.
        let b = "/201508150800/9044548ef1527deadafa49a890a377f0/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3";
        let c_path = "/a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100/test.flv";
        let c_query = "/test.flv?KEY1=a37fa50a5fb8f71214b1e7c95ec7a1bd&KEY2=55CE8100";
        for (kind, url, signed_at, path) in [
            ("type_a", a, 1_444_435_200, "/video/standard/1K.html"),
            ("type_b", b, 1_439_596_800, "/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3"),
            ("type_c", c_path, 0x55CE_8100, "/test.flv"),
            ("type_c", c_query, 0x55CE_8100, "/test.flv"),
        ] {
            for keys in [&[KEY][..], &["another", KEY], &[KEY, "another"]] {
                let auth = auth(kind, keys);
                let end = signed_at + 1_800;
                assert_eq!(good(&auth, url, end), Ok((path.to_owned(), end)), "{url}");
                assert_eq!(good(&auth, url, end + 1), Err(UrlAuthError::Expired { seconds: 1 }), "{url}");
                assert_eq!(good(&auth, &url.replace("test", "tesu"), end).is_ok(), !url.contains("test"), "{url}");
            }
            assert_eq!(good(&auth(kind, &["another"]), url, signed_at), Err(UrlAuthError::Mismatch), "{url}");
        }
    }

    #[test]
    fn what_was_changed_does_not_match() {
        for kind in ["type_a", "type_b", "type_c"] {
            let auth = auth(kind, &[KEY]);
            let url = auth.until(WallTime::from_unix_s(1_700_000_000)).url("/v/one/index.m3u8");
            assert!(good(&auth, &url, 1_700_000_000).is_ok(), "{url}");
            for at in 0..url.len() {
                let mut changed = url.clone().into_bytes();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                let changed = String::from_utf8(changed).unwrap();
                assert!(good(&auth, &changed, 0).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn the_hash_may_be_in_capitals_and_the_time_of_type_c_is_hashed_as_it_is_written() {
        let auth = auth("type_c", &[KEY]);
        assert!(good(&auth, "/test.flv?KEY1=A37FA50A5FB8F71214B1E7C95EC7A1BD&KEY2=55CE8100", 0).is_ok());
        let lower = "/test.flv?KEY1=a37fa50a5fb8f71214b1e7c95ec7a1bd&KEY2=55ce8100";
        assert_eq!(good(&auth, lower, 0), Err(UrlAuthError::Mismatch));
    }

    #[test]
    fn what_is_not_signed_is_told_apart_from_what_is_signed_badly() {
        let missing =
            |kind: &str, url: &str| assert_eq!(good(&auth(kind, &[KEY]), url, 1), Err(UrlAuthError::Missing), "{url}");
        for kind in ["type_a", "type_b", "type_c"] {
            missing(kind, "/v/a/index.m3u8");
            missing(kind, "/v/a/index.m3u8?x=1");
            missing(kind, "/");
        }
        missing("type_a", "/a?auth_key=");
        let malformed = |kind: &str, url: &str| {
            let told = good(&auth(kind, &[KEY]), url, 1);
            assert!(matches!(told, Err(UrlAuthError::Malformed { .. })), "{url}: {told:?}");
        };
        for text in ["1", "1-2-3", "1-2-3-4-5", "x-0-0-80cd", "-1-0-0-80cd", "99999999999999999999-0-0-80cd"] {
            malformed("type_a", &format!("/a?auth_key={text}"));
        }
        malformed("type_a", &format!("/a?auth_key=1-{}-0-80cd", "9".repeat(VALUE_BYTES_MAX)));
        malformed("type_b", "/201508150800/short/a");
        malformed("type_b", "/201513150800/9044548ef1527deadafa49a890a377f0/a");
        malformed("type_c", "/a?KEY1=a37fa50a5fb8f71214b1e7c95ec7a1bd");
        malformed("type_c", "/a?KEY2=55CE8100");
        malformed("type_c", "/a37fa50a5fb8f71214b1e7c95ec7a1bd/xyz/a");
    }

    #[test]
    fn of_a_parameter_that_comes_twice_the_first_counts() {
        let auth = auth("type_a", &[KEY]);
        let url = auth.until(WallTime::from_unix_s(2_000)).url("/a");
        assert!(good(&auth, &format!("{url}&auth_key=1-0-0-0"), 2_000).is_ok());
        let behind = url.replace("?", "?auth_key=1-0-0-0&");
        assert_eq!(good(&auth, &behind, 2_000), Err(UrlAuthError::Mismatch));
    }

    #[test]
    fn a_pass_signs_other_paths_for_as_long_as_the_url_it_comes_from() {
        for url in [
            auth("type_a", &["another", KEY]).until(WallTime::from_unix_s(1_700_000_000)).url("/v/a/index.m3u8"),
            auth("type_b", &[KEY]).until(WallTime::from_unix_s(1_700_000_000)).url("/v/a/index.m3u8"),
            auth("type_c", &[KEY]).until(WallTime::from_unix_s(1_700_000_000)).url("/v/a/index.m3u8"),
        ] {
            let kind = match &url {
                url if url.contains("auth_key") => "type_a",
                url if url.contains("KEY1") => "type_c",
                _ => "type_b",
            };
            let auth = auth(kind, if kind == "type_a" { &["another", KEY] } else { &[KEY] });
            let (path, query) = url.split_once('?').unwrap_or((&url, ""));
            let claim = auth.claim(path, query).unwrap();
            let pass = auth.check(&claim, &[claim.path()], WallTime::from_unix_s(1_700_000_000)).unwrap();
            let (path, until) = good(&auth, &pass.url("/v/a/v0.m4s"), 1_700_000_000).unwrap();
            assert_eq!((path.as_str(), until), ("/v/a/v0.m4s", pass.expires_unix_s()), "{url}");
        }
        // The form of type C is kept.
        let auth = auth("type_c", &[KEY]);
        let claim = auth.claim("/a37fa50a5fb8f71214b1e7c95ec7a1bd/55CE8100/test.flv", "").unwrap();
        let pass = auth.check(&claim, &["/test.flv"], WallTime::from_unix_s(0)).unwrap();
        assert!(pass.url("/other.flv").ends_with("/55CE8100/other.flv"));
    }

    #[test]
    fn a_url_lives_as_long_as_was_asked_for_whatever_the_validity() {
        for (kind, late) in [("type_a", 0), ("type_c", 0), ("type_b", 59)] {
            for end in [1_700_000_000i64, 1_700_000_001, 1_700_000_059] {
                let auth = auth(kind, &[KEY]);
                let pass = auth.until(WallTime::from_unix_s(end));
                assert!((end..=end + late).contains(&pass.expires_unix_s()), "{kind} {end}");
                assert_eq!(good(&auth, &pass.url("/x"), end).unwrap().1, pass.expires_unix_s(), "{kind}");
            }
        }
    }

    #[test]
    fn arguments_are_checked_one_by_one() {
        let read = |pairs: &[(&str, &str)]| {
            UrlAuth::of_args(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(read(&[("auth_type", "no_auth")]), Ok(None));
        assert_eq!(read(&[("auth_type", "no_auth"), ("auth_key1", KEY)]), Ok(None));
        let on = read(&[("auth_type", "type_b"), ("auth_key1", KEY), ("ali_auth_delta", "60")]).unwrap().unwrap();
        assert_eq!((on.kind(), on.validity_s()), (AuthType::B, 60));
        for (pairs, wanted) in [
            (&[("auth_key1", KEY)][..], "auth_type is one of"),
            (&[("auth_type", "type_d")], "auth_type is one of"),
            (&[("auth_type", "type_a")], "auth_key1 is wanted"),
            (&[("auth_type", "type_a"), ("auth_key2", KEY)], "auth_key1 is wanted"),
            (&[("auth_type", "type_a"), ("auth_key1", "short")], "6 to 32 letters"),
            (&[("auth_type", "type_a"), ("auth_key1", KEY), ("auth_key2", "no-hyphens")], "auth_key2"),
            (&[("auth_type", "type_a"), ("auth_key1", KEY), ("ali_auth_delta", "0")], "ali_auth_delta"),
        ] {
            assert!(read(pairs).unwrap_err().contains(wanted), "{pairs:?}");
        }
        assert!(!format!("{on:?} {:?}", on.until(WallTime::default())).contains(KEY));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_checks_panic(path in ".{0,60}", query in ".{0,120}", now in any::<i64>()) {
            for kind in ["type_a", "type_b", "type_c"] {
                let _ = good(&auth(kind, &[KEY]), &format!("{path}?{query}"), now.clamp(-1 << 40, 1 << 40));
                let _ = auth(kind, &[KEY]).claim(&path, &query);
            }
        }

        #[test]
        fn what_was_signed_is_accepted(path in "/[a-z0-9]{1,9}/[a-z0-9_.]{1,9}", at in 2_000i64..4_000_000_000) {
            for kind in ["type_a", "type_b", "type_c"] {
                let auth = auth(kind, &["another", KEY]);
                let url = auth.until(WallTime::from_unix_s(at)).url(&path);
                prop_assert_eq!(good(&auth, &url, at).map(|(path, _)| path), Ok(path.clone()));
            }
        }
    }
}
