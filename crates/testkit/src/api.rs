//! A client of the API that shares no code with the server: signature V1 over GET (contract §1.3).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use sha1::Sha1;
use units::WallTime;

/// What RFC 3986 leaves alone, and the signature with it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The two APIs, by version.
const LIVE: &str = "2016-11-01";
const VOD: &str = "2017-03-21";

/// An answer with its HTTP status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
}

/// Made once: it reads all certificates of the host. It keeps no connections, which servers that are killed would break.
static CLIENT: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap_or_default());

/// A caller with an access key.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    id: String,
    secret: String,
    http: reqwest::Client,
}

impl Api {
    /// A caller of the server at `base` ("http://127.0.0.1:8080").
    pub fn new(base: &str, id: &str, secret: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { base, id: id.to_owned(), secret: secret.to_owned(), http: CLIENT.clone() }
    }

    /// Calls an operation of Live; an error answer is an error.
    pub async fn live(&self, action: &str, params: &[(&str, &str)]) -> anyhow::Result<Value> {
        Self::success(action, self.call(LIVE, action, params).await?)
    }

    /// Calls an operation of VOD; an error answer is an error.
    pub async fn vod(&self, action: &str, params: &[(&str, &str)]) -> anyhow::Result<Value> {
        Self::success(action, self.call(VOD, action, params).await?)
    }

    /// Calls an operation and returns whatever is answered.
    pub async fn call(&self, version: &str, action: &str, params: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let url = format!("{}/?{}", self.base, self.signed_query(version, action, params)?);
        let response = self.http.get(url).send().await.with_context(|| action.to_owned())?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).with_context(|| format!("{action} answered {status}: {text}"))?;
        Ok(Answer { status, body })
    }

    fn success(action: &str, answer: Answer) -> anyhow::Result<Value> {
        if answer.status != 200 {
            bail!("{action} answered {}: {}", answer.status, answer.body);
        }
        Ok(answer.body)
    }

    fn signed_query(&self, version: &str, action: &str, params: &[(&str, &str)]) -> anyhow::Result<String> {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let nonce = format!("{}-{}-{}", std::process::id(), now.as_nanos(), CALLS.fetch_add(1, Ordering::Relaxed));
        let timestamp = WallTime::from_unix_s(i64::try_from(now.as_secs())?).to_iso8601();
        let mut all = vec![
            ("Action", action),
            ("Version", version),
            ("Format", "JSON"),
            ("AccessKeyId", &self.id),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce),
            ("Timestamp", &timestamp),
        ];
        all.extend(params);
        all.sort_unstable();
        let pairs = all.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let signature = sign(&self.secret, &query)?;
        Ok(format!("{query}&Signature={}", encode(&signature)))
    }
}

fn sign(secret: &str, query: &str) -> anyhow::Result<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes())?;
    mac.update(format!("GET&%2F&{}", encode(query)).as_bytes());
    Ok(base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes()))
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_request_gets_the_documented_signature() {
        let query = "AccessKeyId=testAccessKeyId&Action=GetVideoPlayAuth&Format=JSON&SignatureMethod=HMAC-SHA1&\
                     SignatureNonce=8f8a035d-6496-4268-afd4-67c22837e38d&SignatureVersion=1.0&\
                     Timestamp=2017-10-10T12%3A02%3A54Z&Version=2017-03-21&VideoId=5aed81b74ba84920be578cdfe004af4b";
        assert_eq!(sign("testAccessKeySecret", query).unwrap(), "Ibgh7y8Vp47LBuAsf5Xhi1SvDss=");
    }
}
