//! Keys for one video (contract §4.4): a temporary key pair with which one video's play URLs can be asked for, and nothing else.
//!
//! A token says what it is good for and is sealed under a secret of the server; the secret of its key pair follows from it. So
//! nothing is stored, and whoever knows the server's secret can check it (decision 0032).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use units::WallTime;

use crate::digest::{hex, hmac_sha256, same};

/// With what the ids of temporary keys begin.
pub const TEMPORARY: &str = "STS.";
/// Longest token, in bytes: an id of a key and one of a video take some 200.
const TOKEN_BYTES_MAX: usize = 2_048;
/// Characters of a secret.
const SECRET_LENGTH: usize = 44;

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none, though the key is a temporary one.
    #[error("The SecurityToken of the temporary access key is missing.")]
    Missing,
    /// It was not made here, or was changed.
    #[error("The specified SecurityToken is malformed.")]
    Malformed,
    /// It is another key's.
    #[error("The specified SecurityToken does not belong to the specified AccessKeyId.")]
    Mismatch,
    /// It was good.
    #[error("The specified SecurityToken is expired.")]
    Expired,
}

/// What a token says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Said {
    /// The id of the key.
    key: String,
    /// The id of the video.
    video: String,
    /// Unix seconds after which it is not good any more.
    until: i64,
}

/// A key pair and its token.
#[derive(Clone, PartialEq, Eq)]
pub struct Temporary {
    /// Public.
    pub access_key_id: String,
    /// With which requests are signed.
    pub access_key_secret: String,
    /// Goes with every request.
    pub security_token: String,
}

/// What the key of a believed token may do, and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Believed {
    /// With which the request must be signed.
    pub access_key_secret: String,
    /// The one video that it is for.
    pub video: String,
}

/// What a player shows of a video before it asks for more.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub struct VideoMeta {
    /// A picture of it.
    #[serde(rename = "CoverURL", skip_serializing_if = "Option::is_none")]
    pub cover_url: Option<String>,
    /// In seconds.
    pub duration: f64,
    /// Its status.
    pub status: &'static str,
    /// Its title.
    pub title: String,
    /// Its id.
    pub video_id: String,
}

/// Makes tokens, and reads them.
#[derive(Clone)]
pub struct Issuer {
    secret: Vec<u8>,
}

impl Issuer {
    /// All servers with the same `secret` believe each other's tokens. Something else is derived from it than anything that is
    /// signed with it elsewhere.
    pub fn new(secret: &str) -> Self {
        Self { secret: hmac_sha256(secret.as_bytes(), b"play credentials") }
    }

    /// A key pair for `video`, good until `until`. `id` has to be another one each time.
    pub fn issue(&self, id: &str, video: &str, until: WallTime) -> Temporary {
        let said = Said { key: format!("{TEMPORARY}{id}"), video: video.to_owned(), until: until.unix_s() };
        // Strings and a number are always JSON.
        let said_text = URL_SAFE_NO_PAD.encode(serde_json::to_string(&said).unwrap_or_default());
        let security_token = format!("{said_text}.{}", self.seal(&said_text));
        Temporary { access_key_id: said.key, access_key_secret: self.key_secret(&security_token), security_token }
    }

    /// What may be done with the key `id`, to which `token` came.
    pub fn read(&self, id: &str, token: Option<&str>, now: WallTime) -> Result<Believed, TokenError> {
        let token = token.filter(|token| !token.is_empty()).ok_or(TokenError::Missing)?;
        let (text, seal) =
            token.split_once('.').filter(|_| token.len() <= TOKEN_BYTES_MAX).ok_or(TokenError::Malformed)?;
        if !same(&self.seal(text), seal) {
            return Err(TokenError::Malformed);
        }
        let said = URL_SAFE_NO_PAD.decode(text).ok().and_then(|json| serde_json::from_slice::<Said>(&json).ok());
        let said = said.ok_or(TokenError::Malformed)?;
        if said.key != id {
            return Err(TokenError::Mismatch);
        }
        if now.unix_s() > said.until {
            return Err(TokenError::Expired);
        }
        Ok(Believed { access_key_secret: self.key_secret(token), video: said.video })
    }

    fn seal(&self, text: &str) -> String {
        hex(&hmac_sha256(&self.secret, format!("token {text}").as_bytes()))
    }

    fn key_secret(&self, token: &str) -> String {
        let mut secret = hex(&hmac_sha256(&self.secret, format!("key {token}").as_bytes()));
        secret.truncate(SECRET_LENGTH);
        secret
    }
}

/// The envelope in which players expect a key pair: base64 of a JSON object.
pub fn envelope(key: &Temporary, meta: &VideoMeta, place: Place<'_>, until: WallTime) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct AuthInfo<'a> {
        #[serde(rename = "CI")]
        ci: &'a str,
        caller: &'a str,
        expire_time: String,
        media_id: &'a str,
        signature: String,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Envelope<'a> {
        security_token: &'a str,
        auth_info: String,
        video_meta: &'a VideoMeta,
        access_key_id: &'a str,
        play_domain: &'a str,
        access_key_secret: &'a str,
        region: &'a str,
        customer_id: u32,
    }
    let expire_time = until.to_iso8601();
    let signature =
        hex(&hmac_sha256(key.access_key_secret.as_bytes(), format!("{}{expire_time}", meta.video_id).as_bytes()));
    let auth_info = AuthInfo { ci: "", caller: &key.access_key_id, expire_time, media_id: &meta.video_id, signature };
    let envelope = Envelope {
        security_token: &key.security_token,
        auth_info: serde_json::to_string(&auth_info).unwrap_or_default(),
        video_meta: meta,
        access_key_id: &key.access_key_id,
        play_domain: place.domain,
        access_key_secret: &key.access_key_secret,
        region: place.region,
        customer_id: 0,
    };
    STANDARD.encode(serde_json::to_string(&envelope).unwrap_or_default())
}

/// Where a video is played.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The host of its URLs.
    pub domain: &'a str,
    /// The region.
    pub region: &'a str,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> WallTime {
        WallTime::from_unix_s(second)
    }

    #[test]
    fn a_token_is_good_for_its_key_its_video_and_its_time() {
        let issuer = Issuer::new("root secret");
        let key = issuer.issue("a", "video", at(100));
        let read = |issuer: &Issuer, id: &str, token: Option<&str>, now| {
            issuer.read(id, token, at(now)).map(|believed| (believed.video, believed.access_key_secret))
        };
        let token = Some(key.security_token.as_str());
        let good = Ok(("video".to_owned(), key.access_key_secret.clone()));
        assert_eq!(read(&issuer, "STS.a", token, 100), good);
        assert_eq!(read(&Issuer::new("root secret"), "STS.a", token, 0), good, "nothing is stored");
        assert_eq!(read(&issuer, "STS.a", token, 101), Err(TokenError::Expired));
        assert_eq!(read(&issuer, "STS.b", token, 100), Err(TokenError::Mismatch));
        assert_eq!(read(&Issuer::new("another"), "STS.a", token, 100), Err(TokenError::Malformed));
        for missing in [None, Some("")] {
            assert_eq!(read(&issuer, "STS.a", missing, 100), Err(TokenError::Missing));
        }
        let long = "a".repeat(TOKEN_BYTES_MAX) + "." + &key.security_token;
        for wrong in ["x", ".", "a.b", &long] {
            assert_eq!(read(&issuer, "STS.a", Some(wrong), 100), Err(TokenError::Malformed), "{wrong}");
        }
        let other = issuer.issue("b", "video", at(100));
        assert_ne!((&key.access_key_secret, &key.security_token), (&other.access_key_secret, &other.security_token));
    }

    #[test]
    fn the_envelope_is_what_players_decode() {
        let key = Issuer::new("root").issue("a", "v1", at(1_700_000_100));
        let meta =
            VideoMeta { cover_url: None, duration: 1.5, status: "Normal", title: "t".into(), video_id: "v1".into() };
        let place = Place { domain: "vod.example.org", region: "local" };
        let json = STANDARD.decode(envelope(&key, &meta, place, at(1_700_000_100))).unwrap();
        let told: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(told["AccessKeyId"], "STS.a");
        assert_eq!(told["VideoMeta"]["Duration"], 1.5);
        let info: serde_json::Value = serde_json::from_str(told["AuthInfo"].as_str().unwrap()).unwrap();
        assert_eq!((&info["MediaId"], &info["ExpireTime"]), (&"v1".into(), &"2023-11-14T22:15:00Z".into()));
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_anywhere_is_not_believed(at_byte in 0usize..300, byte in "[A-Za-z0-9._-]") {
            let issuer = Issuer::new("root");
            let token = issuer.issue("a", "video", at(100)).security_token;
            let at_byte = at_byte % token.len();
            prop_assume!(token[at_byte..=at_byte] != byte);
            let changed = format!("{}{byte}{}", &token[..at_byte], &token[at_byte + 1..]);
            prop_assert!(issuer.read("STS.a", Some(&changed), at(1)).is_err());
        }
    }
}
