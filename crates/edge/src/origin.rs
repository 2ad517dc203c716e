//! The client of the origin: what is asked of it, and what of its answers is believed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use door::{FORM_HEADER, Form, Keep, Secret, is_part};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use tokio::sync::Semaphore;

use crate::SLICE_BYTES;
use crate::error::{EdgeError, FetchError};
use crate::head::Head;
use crate::now;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the origin may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// Connections that are kept for the next request.
const IDLE_MAX: usize = 64;
/// Requests to the origin at once; further ones wait.
const REQUESTS_MAX: usize = 256;
/// Requests at once that the origin answers when something was recorded; further ones wait. Each track that is watched with low latency
/// here has two: its playlist and its next part.
const WAITING_MAX: usize = 1_024;
/// How long the origin counts as away after it could not be reached: what is here is then served without asking.
const AWAY: Duration = Duration::from_secs(1);
/// Longest text, in bytes: cues of a picture a second of a day take some 10 MB.
const TEXT_BYTES_MAX: u64 = 64 << 20;
/// Longest refusal that is handed on, in bytes.
const REFUSAL_BYTES_MAX: u64 = 64 << 10;
/// What may not stand in the path of a URL as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What the origin answers to the question what a path is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    /// It is as it was, and may be kept again.
    Same(Keep),
    /// It is this.
    Object {
        /// When it was asked for, and after which task, is to be put in.
        head: Head,
        /// A text or what is not kept, as a whole; of others the slice that was asked for along with it.
        part: Part,
    },
    /// It is nothing that is served.
    Refused(Refused),
}

/// What came along with a head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Whole(Bytes),
    Slice(u64, Bytes),
}

/// An answer that is handed on as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) retry_after: Option<HeaderValue>,
    pub(crate) body: Bytes,
}

/// The origin.
#[derive(Debug)]
pub(crate) struct Origin {
    client: Client,
    /// Without a slash at the end.
    base: String,
    secret: Secret,
    /// Until when it counts as away, in Unix milliseconds.
    away_until_ms: AtomicI64,
    requests: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Origin {
    pub(crate) fn new(base: &str, secret: Secret) -> Result<Self, EdgeError> {
        let url = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none_or(|url| url.query().is_some() || url.fragment().is_some()) {
            return Err(EdgeError::Origin { url: base.to_owned() });
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_MAX)
            .pool_max_idle_per_host(IDLE_MAX)
            .tcp_nodelay(true)
            .build()
            .map_err(EdgeError::Client)?;
        Ok(Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            secret,
            away_until_ms: AtomicI64::new(0),
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
        })
    }

    /// Whether it could not be reached a moment ago.
    pub(crate) fn is_away(&self) -> bool {
        let left = self.away_until_ms.load(Ordering::Relaxed).saturating_sub(now().unix_ms);
        // A clock that was set back keeps nobody away for longer.
        (1..=i64::try_from(AWAY.as_millis()).unwrap_or(i64::MAX)).contains(&left)
    }

    /// A question of the feed, which may take `patience` to be answered.
    pub(crate) async fn feed(&self, body: Vec<u8>, patience: Duration) -> Result<Bytes, FetchError> {
        let request = self.client.post(format!("{}{}", self.base, door::feed::PATH));
        let request = request.header(header::AUTHORIZATION, self.secret.value());
        let request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        let asked = request.timeout(patience.saturating_add(SILENCE_MAX)).send();
        let response = asked.await.map_err(|error| FetchError::Away(chain(&error)))?;
        match response.status() {
            StatusCode::OK => read(response, TEXT_BYTES_MAX).await,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Err(FetchError::Stranger),
            status => Err(FetchError::Trouble(status.as_u16())),
        }
    }

    /// What a path is. Of what is sent in slices the slice `first` comes along.
    pub(crate) async fn object(&self, path: &str, first: u64, known: Option<&Head>) -> Result<Told, FetchError> {
        let text = is_text(path);
        let mut request = self.get(path, None);
        if let Some(known) = known {
            request = request.header(header::IF_NONE_MATCH, &known.etag);
        }
        if !text {
            request = request.header(header::RANGE, range_value(&slice_range(first)));
        }
        let turn = turn(if is_part(path) { &self.waiting } else { &self.requests }).await;
        let response = self.send(request).await?;
        // There is no such slice: it is shorter than who asks believes.
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE && first > 0 {
            drop((response, turn));
            return Box::pin(self.object(path, 0, known)).await;
        }
        told(response, text, first, known.is_some()).await
    }

    /// A playlist that is sent when it has what `query` asks for.
    pub(crate) async fn waited(&self, path: &str, query: &str) -> Result<Told, FetchError> {
        let _turn = turn(&self.waiting).await;
        let response = self.send(self.get(path, Some(query))).await?;
        told(response, true, 0, false).await
    }

    /// The slice `number` of an object.
    pub(crate) async fn slice(&self, path: &str, head: &Head, number: u64) -> Result<Bytes, FetchError> {
        let slice = head.slice(number);
        let _turn = turn(&self.requests).await;
        let response = self.send(self.get(path, None).header(header::RANGE, range_value(&slice))).await?;
        let same = word(response.headers(), header::ETAG.as_str()) == Some(head.etag.as_str());
        match response.status() {
            StatusCode::PARTIAL_CONTENT if same => {}
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                return Err(FetchError::Changed);
            }
            // It is gone, or may not be seen any more.
            status if status.is_client_error() => return Err(FetchError::Changed),
            status => return Err(FetchError::Trouble(status.as_u16())),
        }
        if content_range(response.headers()) != Some((slice.start, head.size)) {
            return Err(FetchError::Broken("another part than was asked for"));
        }
        exactly(response, &slice).await
    }

    fn get(&self, path: &str, query: Option<&str>) -> RequestBuilder {
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let url = format!("{}{}{query}", self.base, utf8_percent_encode(path, PATH));
        self.client.get(url).header(header::AUTHORIZATION, self.secret.value())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, FetchError> {
        metrics::counter!("edge_origin_requests_total").increment(1);
        request.send().await.map_err(|error| {
            let until = now().unix_ms.saturating_add(i64::try_from(AWAY.as_millis()).unwrap_or(i64::MAX));
            self.away_until_ms.store(until, Ordering::Relaxed);
            metrics::counter!("edge_origin_failures_total").increment(1);
            FetchError::Away(chain(&error))
        })
    }
}

/// What an answer says. `first`: the slice that was asked for; `known`: something was known before.
async fn told(response: Response, text: bool, first: u64, known: bool) -> Result<Told, FetchError> {
    let keep = Keep::of_value(response.headers().get(header::CACHE_CONTROL));
    match response.status() {
        StatusCode::NOT_MODIFIED if known => return Ok(Told::Same(keep)),
        StatusCode::OK | StatusCode::PARTIAL_CONTENT => {}
        status if status.is_client_error() => return refused(response).await,
        status => return Err(FetchError::Trouble(status.as_u16())),
    }
    let form = word(response.headers(), FORM_HEADER.as_str()).and_then(Form::of_word);
    // Only to strangers texts are sent with URLs in them.
    if text && form.is_none() && keep != Keep::Never {
        return Err(FetchError::Stranger);
    }
    let told = |name: header::HeaderName| word(response.headers(), name.as_str()).map(str::to_owned);
    let etag = told(header::ETAG).ok_or(FetchError::Broken("it has no ETag"))?;
    let content_type = told(header::CONTENT_TYPE).ok_or(FetchError::Broken("it has no Content-Type"))?;
    let range = content_range(response.headers());
    let partial = response.status() == StatusCode::PARTIAL_CONTENT;
    let (begin, size) = match (partial, range) {
        (true, Some(range)) => range,
        (true, None) => return Err(FetchError::Broken("a part without its range")),
        (false, _) => (0, response.content_length().ok_or(FetchError::Broken("it has no length"))?),
    };
    let head = Head {
        content_type,
        etag,
        size,
        keep_s: keep.seconds(),
        form: form.map(|form| form.as_str().to_owned()),
        generation: 0,
        seq: 0,
        asked_ms: 0,
    };
    let whole = form.is_some() || keep == Keep::Never;
    if whole || size == 0 {
        if begin != 0 || size > TEXT_BYTES_MAX {
            return Err(FetchError::Broken("a text that is not whole, or too long"));
        }
        let bytes = read(response, size).await?;
        if u64::try_from(bytes.len()).ok() != Some(size) {
            return Err(FetchError::Broken("a text that is not whole"));
        }
        return Ok(Told::Object { head, part: Part::Whole(bytes) });
    }
    if !partial {
        return Err(FetchError::Broken("the whole of what was asked for in part"));
    }
    let slice = head.slice(first);
    if begin != slice.start {
        return Err(FetchError::Broken("another part than was asked for"));
    }
    let bytes = exactly(response, &slice).await?;
    Ok(Told::Object { head, part: Part::Slice(first, bytes) })
}

async fn turn(of: &Arc<Semaphore>) -> Option<tokio::sync::OwnedSemaphorePermit> {
    // Never closed.
    Arc::clone(of).acquire_owned().await.ok()
}

/// What an origin writes URLs into, or keeps nobody's cache: asked for as a whole.
fn is_text(path: &str) -> bool {
    [".m3u8", ".mpd", ".vtt", ".key"].iter().any(|ending| path.ends_with(ending))
}

fn slice_range(number: u64) -> Range<u64> {
    let from = number.saturating_mul(SLICE_BYTES);
    from..from.saturating_add(SLICE_BYTES)
}

fn range_value(range: &Range<u64>) -> String {
    format!("bytes={}-{}", range.start, range.end.saturating_sub(1))
}

fn word<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Where a part begins, and how long the whole is.
fn content_range(headers: &HeaderMap) -> Option<(u64, u64)> {
    let (range, size) = word(headers, header::CONTENT_RANGE.as_str())?.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.parse().ok()?, size.parse().ok()?))
}

async fn refused(response: Response) -> Result<Told, FetchError> {
    let status = response.status();
    let header = |name| response.headers().get(name).cloned();
    let (content_type, retry_after) = (header(header::CONTENT_TYPE), header(header::RETRY_AFTER));
    let body = read(response, REFUSAL_BYTES_MAX).await?;
    Ok(Told::Refused(Refused { status, content_type, retry_after, body }))
}

async fn exactly(response: Response, range: &Range<u64>) -> Result<Bytes, FetchError> {
    let length = range.end.saturating_sub(range.start);
    let bytes = read(response, length).await?;
    if u64::try_from(bytes.len()).ok() == Some(length) { Ok(bytes) } else { Err(FetchError::Broken("a short part")) }
}

/// The body, if it has no more than `most` bytes.
async fn read(mut response: Response, most: u64) -> Result<Bytes, FetchError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let told = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut bytes = BytesMut::with_capacity(told.unwrap_or(0).min(most));
    while let Some(chunk) = response.chunk().await.map_err(|error| FetchError::Away(chain(&error)))? {
        if bytes.len().saturating_add(chunk.len()) > most {
            return Err(FetchError::Broken("more than was asked for"));
        }
        bytes.extend_from_slice(&chunk);
    }
    metrics::counter!("edge_origin_bytes_total").increment(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    Ok(bytes.freeze())
}

/// The whole chain of causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_url_of_http_is_an_origin() {
        let secret = || Secret::new("0123456789abcdef").unwrap();
        for url in ["http://10.0.0.1:8080", "https://vod.example.org/", "http://[::1]:8080"] {
            assert!(Origin::new(url, secret()).is_ok(), "{url}");
        }
        for url in ["", "10.0.0.1:8080", "ftp://a", "http://", "http://a/?x=1", "http://a/#x"] {
            assert!(matches!(Origin::new(url, secret()), Err(EdgeError::Origin { .. })), "{url}");
        }
    }

    #[test]
    fn a_part_says_where_it_begins_and_how_long_the_whole_is() {
        let read = |text: &'static str| {
            content_range(&HeaderMap::from_iter([(header::CONTENT_RANGE, HeaderValue::from_static(text))]))
        };
        assert_eq!(read("bytes 5-9/100"), Some((5, 100)));
        for odd in ["bytes */100", "bytes 5-9/*", "items 5-9/100", "bytes 5/100", ""] {
            assert_eq!(read(odd), None, "{odd}");
        }
        assert_eq!(range_value(&slice_range(1)), format!("bytes={}-{}", SLICE_BYTES, 2 * SLICE_BYTES - 1));
    }
}
