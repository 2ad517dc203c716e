//! Signatures of the callbacks we send (contract §3.1, §3.5): MD5 over something both sides know, a time and a key.

use crate::digest::md5_hex;

/// Header with the Unix seconds of a VOD callback's sending.
pub const VOD_TIMESTAMP_HEADER: &str = "X-VOD-TIMESTAMP";
/// Header with a VOD callback's signature.
pub const VOD_SIGNATURE_HEADER: &str = "X-VOD-SIGNATURE";
/// Header with the Unix seconds of a Live callback's sending.
pub const LIVE_TIMESTAMP_HEADER: &str = "ALI-LIVE-TIMESTAMP";
/// Header with a Live callback's signature.
pub const LIVE_SIGNATURE_HEADER: &str = "ALI-LIVE-SIGNATURE";

/// The value of [`VOD_SIGNATURE_HEADER`]. `callback_url` is the text as configured, query included; the time is that of
/// this attempt, so each attempt is signed anew.
pub fn vod_signature(callback_url: &str, timestamp_unix_s: i64, auth_key: &str) -> String {
    md5_hex(&format!("{callback_url}|{timestamp_unix_s}|{auth_key}"))
}

/// The value of [`LIVE_SIGNATURE_HEADER`]. `domain` is the ingest domain for publish and unpublish, the host of the
/// callback's URL for recording callbacks.
pub fn live_signature(domain: &str, timestamp_unix_s: i64, auth_key: &str) -> String {
    md5_hex(&format!("{domain}|{timestamp_unix_s}|{auth_key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vod_signature_is_the_published_one() {
        let signature = vod_signature("https://www.example.com/your/callback", 1_519_375_990, "test123");
        assert_eq!(signature, "c72b60894140fa98920f1279219b7ed4");
    }

    #[test]
    fn the_live_signature_hashes_the_domain_the_time_and_the_key() {
        // echo -n 'push.example.org|1772359200|0123456789abcdef' | md5sum
        assert_eq!(
            live_signature("push.example.org", 1_772_359_200, "0123456789abcdef"),
            "42ff7753f7d1816ae8f11f0829151d89"
        );
    }
}
