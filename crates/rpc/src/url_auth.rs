//! URL authentication of type A, B and C: whether a push or a play URL was signed by someone who holds the domain's key.
//!
//! All three hash the path, a time and the key with MD5; they differ in the order and in where the result stands.
//! Two keys are valid at the same time, so that one can be replaced while URLs signed with the other are still about.

use crate::digest::{md5_hex, same};

/// Longest value of `auth_key` that is looked at, in bytes: a time, a UUID, a user id and an MD5 need some 90.
const AUTH_KEY_BYTES_MAX: usize = 256;
/// Offset of the time in a type B URL, in seconds: it is written in UTC+8.
const TYPE_B_OFFSET_S: i64 = 8 * 3_600;

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

/// The value of `auth_key` for `path`, type A: `{ts}-{rand}-{uid}-{md5}`.
///
/// `path` begins with `/` and has no query: `/{app}/{stream}` for a push. `timestamp_unix_s` is the time of signing (the
/// URL lives for the domain's validity from there); `rand` is `0` or a UUID without hyphens; `uid` is `0`.
pub fn sign_a(path: &str, key: &str, timestamp_unix_s: i64, rand: &str, uid: &str) -> String {
    let hash = md5_hex(&format!("{path}-{timestamp_unix_s}-{rand}-{uid}-{key}"));
    format!("{timestamp_unix_s}-{rand}-{uid}-{hash}")
}

/// Checks a URL of type A (contract §4.1): `auth_key` is the value of the query parameter of that name, empty when there
/// is none; `keys` are the domain's keys, of which empty ones are never matched; the URL is good until its time plus
/// `validity_s`.
pub fn check_a<K: AsRef<str>>(
    path: &str,
    auth_key: &str,
    keys: &[K],
    validity_s: i64,
    now_unix_s: i64,
) -> Result<(), UrlAuthError> {
    const FORM: &str = "{timestamp}-{rand}-{uid}-{md5}";
    if auth_key.is_empty() {
        return Err(UrlAuthError::Missing);
    }
    let malformed = || UrlAuthError::Malformed { form: FORM };
    if auth_key.len() > AUTH_KEY_BYTES_MAX {
        return Err(malformed());
    }
    let mut parts = auth_key.split('-');
    let (Some(timestamp), Some(rand), Some(uid), Some(hash), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let signed_at = decimal(timestamp).ok_or_else(malformed)?;
    matches_any(keys, hash, |key| md5_hex(&format!("{path}-{timestamp}-{rand}-{uid}-{key}")))?;
    not_expired(signed_at, validity_s, now_unix_s)
}

/// The path of a URL of type B: `/{YYYYMMDDHHMM}/{md5}{path}`, the time in UTC+8.
pub fn sign_b(path: &str, key: &str, timestamp_unix_s: i64) -> String {
    let ((year, month, day), (hour, minute, _)) =
        units::WallTime::from_unix_s(timestamp_unix_s.saturating_add(TYPE_B_OFFSET_S)).civil();
    let minute_text = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}");
    format!("/{minute_text}/{}{path}", md5_hex(&format!("{key}{minute_text}{path}")))
}

/// Checks a URL of type B, whose whole path is `signed_path`; answers the path without the signature.
pub fn check_b<'a, K: AsRef<str>>(
    signed_path: &'a str,
    keys: &[K],
    validity_s: i64,
    now_unix_s: i64,
) -> Result<&'a str, UrlAuthError> {
    let malformed = || UrlAuthError::Malformed { form: "/{YYYYMMDDHHMM}/{md5}{path}" };
    let (minute_text, hash, path) = two_leading_parts(signed_path).ok_or_else(malformed)?;
    let signed_at = minute_in_utc8(minute_text).ok_or_else(malformed)?;
    matches_any(keys, hash, |key| md5_hex(&format!("{key}{minute_text}{path}")))?;
    not_expired(signed_at, validity_s, now_unix_s)?;
    Ok(path)
}

/// The MD5 and the hexadecimal time of a URL of type C, for either of its forms: `/{md5}/{hexts}{path}` or
/// `{path}?KEY1={md5}&KEY2={hexts}`.
pub fn sign_c(path: &str, key: &str, timestamp_unix_s: i64) -> (String, String) {
    let time = format!("{timestamp_unix_s:x}");
    (md5_hex(&format!("{key}{path}{time}")), time)
}

/// Checks the second form of type C: `hash` is KEY1, `hex_time` is KEY2, in the letter case of the URL.
pub fn check_c<K: AsRef<str>>(
    path: &str,
    hash: &str,
    hex_time: &str,
    keys: &[K],
    validity_s: i64,
    now_unix_s: i64,
) -> Result<(), UrlAuthError> {
    if hash.is_empty() && hex_time.is_empty() {
        return Err(UrlAuthError::Missing);
    }
    let signed_at =
        hexadecimal(hex_time).ok_or(UrlAuthError::Malformed { form: "KEY1={md5}&KEY2={hexadecimal timestamp}" })?;
    matches_any(keys, hash, |key| md5_hex(&format!("{key}{path}{hex_time}")))?;
    not_expired(signed_at, validity_s, now_unix_s)
}

/// Checks the first form of type C, whose whole path is `signed_path`; answers the path without the signature.
pub fn check_c_path<'a, K: AsRef<str>>(
    signed_path: &'a str,
    keys: &[K],
    validity_s: i64,
    now_unix_s: i64,
) -> Result<&'a str, UrlAuthError> {
    let (hash, hex_time, path) = two_leading_parts(signed_path)
        .ok_or(UrlAuthError::Malformed { form: "/{md5}/{hexadecimal timestamp}{path}" })?;
    check_c(path, hash, hex_time, keys, validity_s, now_unix_s)?;
    Ok(path)
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
    let time = units::WallTime::parse_iso8601(&format!("{year}-{month}-{day}T{hour}:{minute}:00Z"))?;
    Some(time.unix_s().saturating_sub(TYPE_B_OFFSET_S))
}

/// Every key is tried, in time that does not tell which one came close.
fn matches_any<K: AsRef<str>>(keys: &[K], theirs: &str, ours: impl Fn(&str) -> String) -> Result<(), UrlAuthError> {
    let theirs = theirs.to_ascii_lowercase();
    let mut matched = false;
    for key in keys.iter().map(AsRef::as_ref).filter(|key| !key.is_empty()) {
        matched |= same(&ours(key), &theirs);
    }
    if matched { Ok(()) } else { Err(UrlAuthError::Mismatch) }
}

fn not_expired(signed_at: i64, validity_s: i64, now_unix_s: i64) -> Result<(), UrlAuthError> {
    match now_unix_s.saturating_sub(signed_at.saturating_add(validity_s)) {
        late if late > 0 => Err(UrlAuthError::Expired { seconds: late }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "aliyuncdnexp1234";

    #[test]
    fn type_a_gives_the_published_hash_and_lives_for_its_validity() {
        let path = "/video/standard/1K.html";
        let signed = sign_a(path, KEY, 1_444_435_200, "0", "0");
        assert_eq!(signed, "1444435200-0-0-80cd3862d699b7118eed99103f2a3a4f");
        assert_eq!(check_a(path, &signed, &["other", KEY], 1_800, 1_444_437_000), Ok(()));
        assert_eq!(check_a(path, &signed, &[KEY], 1_800, 1_444_437_001), Err(UrlAuthError::Expired { seconds: 1 }));
        assert_eq!(check_a("/video/other", &signed, &[KEY], 1_800, 1_444_435_200), Err(UrlAuthError::Mismatch));
        assert_eq!(check_a(path, &signed, &["other"], 1_800, 1_444_435_200), Err(UrlAuthError::Mismatch));
    }

    #[test]
    fn an_empty_key_signs_nothing() {
        let signed = sign_a("/app/stream", "", 100, "0", "0");
        assert_eq!(check_a("/app/stream", &signed, &[""], 1_800, 100), Err(UrlAuthError::Mismatch));
        assert_eq!(check_a::<&str>("/app/stream", &signed, &[], 1_800, 100), Err(UrlAuthError::Mismatch));
    }

    #[test]
    fn what_is_not_of_type_a_is_told_apart_from_what_is_wrong() {
        assert_eq!(check_a("/a/b", "", &[KEY], 1, 1), Err(UrlAuthError::Missing));
        for text in ["1", "1-2-3", "1-2-3-4-5", "x-0-0-80cd", "-1-0-0-80cd", "99999999999999999999-0-0-80cd"] {
            assert!(matches!(check_a("/a/b", text, &[KEY], 1, 1), Err(UrlAuthError::Malformed { .. })), "{text}");
        }
        let long = format!("1-{}-0-80cd", "9".repeat(AUTH_KEY_BYTES_MAX));
        assert!(matches!(check_a("/a/b", &long, &[KEY], 1, 1), Err(UrlAuthError::Malformed { .. })));
    }

    #[test]
    fn type_b_gives_the_published_hash() {
        let path = "/4/44/44c0909bcfc20a01afaf256ca99a8b8b.mp3";
        // 2015-08-15 08:00 in UTC+8 is midnight in UTC.
        let signed = sign_b(path, KEY, 1_439_596_800);
        assert_eq!(signed, format!("/201508150800/9044548ef1527deadafa49a890a377f0{path}"));
        assert_eq!(check_b(&signed, &[KEY], 1_800, 1_439_598_600), Ok(path));
        assert_eq!(check_b(&signed, &[KEY], 1_800, 1_439_598_601), Err(UrlAuthError::Expired { seconds: 1 }));
    }

    #[test]
    fn type_c_gives_the_published_hash_in_both_forms_and_both_letter_cases() {
        let hash = "a37fa50a5fb8f71214b1e7c95ec7a1bd";
        let at = 0x55CE_8100;
        assert_eq!(check_c("/test.flv", hash, "55CE8100", &[KEY], 1_800, at), Ok(()));
        assert_eq!(check_c_path(&format!("/{hash}/55CE8100/test.flv"), &[KEY], 1_800, at), Ok("/test.flv"));
        assert_eq!(check_c("/test.flv", hash, "55ce8100", &[KEY], 1_800, at), Err(UrlAuthError::Mismatch));
        let (lower, time) = sign_c("/test.flv", KEY, at);
        assert_eq!(time, "55ce8100");
        assert_eq!(check_c("/test.flv", &lower, &time, &[KEY], 1_800, at), Ok(()));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_checks_panic(path in ".{0,40}", text in ".{0,120}", validity in any::<i64>(), now in any::<i64>()) {
            let _ = check_a(&path, &text, &[KEY], validity, now);
            let _ = check_b(&text, &[KEY], validity, now);
            let _ = check_c(&path, &text, &text, &[KEY], validity, now);
            let _ = check_c_path(&text, &[KEY], validity, now);
        }

        #[test]
        fn what_was_signed_is_accepted(path in "/[a-z0-9]{1,9}/[a-z0-9_.]{1,9}", at in 0i64..4_000_000_000) {
            prop_assert_eq!(check_a(&path, &sign_a(&path, KEY, at, "0", "0"), &[KEY], 10, at), Ok(()));
            let signed = sign_b(&path, KEY, at);
            prop_assert_eq!(check_b(&signed, &[KEY], 60, at), Ok(path.as_str()));
        }
    }
}
