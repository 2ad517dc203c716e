//! HTTP requests to customers: which addresses they may go to, how long they may take.
//!
//! A URL comes from an API user, so with private receivers refused a request must not reach this network. The address is
//! checked where it is connected to: literal addresses here (the client asks no resolver for those), names in the
//! resolver itself, so that a name that changes between two lookups gains nothing. Redirects are off, proxies from the
//! environment are not used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Catalog, Delivery, StreamDelivery};
use jobs::{Attempt, Failure};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url, redirect, retry};
use units::{EventId, StreamPath};
use url::Host;

use crate::clock::now;
use crate::error::{WorkerError, chain};

/// A receiver has this long to answer (contract §3.1, §3.5), the connection included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// As much of an answer is read so that the receiver can end its side in peace.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// As much of it is kept for those who asked a question (contract §3.5).
const ANSWER_BYTES_KEPT: usize = 2_048;
/// As much is written down of what is told of a stream, of the request's headers, and of the answer, in bytes.
const CONTENT_BYTES_NOTED: usize = 4_096;
const HEADERS_BYTES_NOTED: usize = 1_024;
const ANSWER_BYTES_NOTED: usize = 1_024;

/// The client that all requests to customers go through.
#[derive(Clone)]
pub(crate) struct Receivers {
    client: Client,
    private: bool,
}

/// A request to a customer.
pub(crate) struct Request {
    pub method: Method,
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<String>,
}

/// What a request tells.
pub(crate) enum Told<'a> {
    /// An event.
    Event(EventId),
    /// Something of a stream.
    Stream {
        /// A word for it.
        topic: &'a str,
        /// Which.
        path: &'a StreamPath,
        /// The domain that it is pushed to; `None`: it is told of its recording.
        push_domain: Option<&'a str>,
    },
}

/// Why a request counts as failed.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("{0:?} is no URL that can be called")]
    Url(String),
    #[error("{0} is not a public address; callbacks.private_receivers allows only those")]
    NotPublic(String),
    #[error("a header cannot be sent")]
    Header,
    #[error("the receiver answered {status}; only 200 is success")]
    Status { status: StatusCode, answer: Vec<u8> },
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
}

impl SendError {
    /// Whether the next attempt cannot be better.
    fn is_final(&self) -> bool {
        matches!(self, Self::Url(_) | Self::NotPublic(_) | Self::Header)
    }
}

impl Receivers {
    /// With `private` addresses allowed or not.
    pub(crate) fn new(private: bool) -> Result<Self, WorkerError> {
        Self::with_timeout(private, ANSWER_TIMEOUT)
    }

    fn with_timeout(private: bool, timeout: Duration) -> Result<Self, WorkerError> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .referer(false)
            .timeout(timeout)
            .user_agent(concat!("reprise/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Resolver { private }))
            .build()
            .map_err(WorkerError::Client)?;
        Ok(Self { client, private })
    }

    /// Makes the request for a job, and notes it. Gives the beginning of the answer; failure when the receiver did not
    /// answer 200.
    pub(crate) async fn deliver(
        &self,
        catalog: &Catalog,
        attempt: &Attempt,
        told: Told<'_>,
        request: Request,
    ) -> Result<Vec<u8>, Failure> {
        let (at, began, url) = (now(), Instant::now(), request.url.clone());
        let (event, mut stream) = match told {
            Told::Event(id) => (Some(id), None),
            Told::Stream { topic, path, push_domain } => (None, Some(noted(topic, path, push_domain, &request))),
        };
        let answer = self.send(request).await;
        let (http_status, said) = match &answer {
            Ok(said) => (Some(StatusCode::OK.as_u16()), Some(said)),
            Err(SendError::Status { status, answer }) => (Some(status.as_u16()), Some(answer)),
            Err(_) => (None, None),
        };
        if let (Some(stream), Some(said)) = (&mut stream, said) {
            stream.response = beginning(&String::from_utf8_lossy(said), ANSWER_BYTES_NOTED);
        }
        let error = answer.as_ref().err().map(|error| chain(error));
        metrics::counter!("reprise_callbacks_total", "kind" => attempt.job.kind.clone(), "ok" => error.is_none().to_string())
            .increment(1);
        let delivery = Delivery {
            job: attempt.job.id,
            event,
            attempt: attempt.job.attempt,
            at,
            url,
            http_status,
            error: error.clone(),
            elapsed_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            stream,
        };
        catalog.note_delivery(&delivery).await?;
        match (answer, error) {
            (Err(cause), Some(why)) if cause.is_final() => Err(Failure::GiveUp(why)),
            (Err(_), why) => Err(Failure::Retry(why.unwrap_or_default())),
            (Ok(answer), _) => Ok(answer),
        }
    }

    /// Makes a request that no job stands for. The error says why it failed.
    pub(crate) async fn call(&self, request: Request) -> Result<(), String> {
        self.send(request).await.map(drop).map_err(|error| chain(&error))
    }

    async fn send(&self, request: Request) -> Result<Vec<u8>, SendError> {
        let url = Url::parse(&request.url).map_err(|_| SendError::Url(request.url.clone()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(SendError::Url(request.url));
        }
        if !self.private && !literal_is_public(&url) {
            return Err(SendError::NotPublic(url.host_str().unwrap_or_default().to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| SendError::Header)?;
            headers.insert(name, HeaderValue::from_str(&value).map_err(|_| SendError::Header)?);
        }
        let call = self.client.request(request.method, url).headers(headers);
        let call = match request.body {
            Some(body) => call.body(body),
            None => call,
        };
        let answer = call.send().await.map_err(|error| SendError::NoAnswer(error.without_url()))?;
        let status = answer.status();
        let kept = read_beginning(answer).await;
        if status == StatusCode::OK { Ok(kept) } else { Err(SendError::Status { status, answer: kept }) }
    }
}

/// What is written down of a request that tells of a stream.
fn noted(topic: &str, path: &StreamPath, push_domain: Option<&str>, request: &Request) -> StreamDelivery {
    let query = || request.url.split_once('?').map_or("", |(_, query)| query).to_owned();
    let content = request.body.clone().unwrap_or_else(query);
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    StreamDelivery {
        topic: topic.to_owned(),
        domain: path.domain().to_owned(),
        push_domain: push_domain.map(str::to_owned),
        app: path.app().to_owned(),
        stream: path.stream().to_owned(),
        content: beginning(&content, CONTENT_BYTES_NOTED),
        headers: beginning(&headers, HEADERS_BYTES_NOTED),
        response: String::new(),
    }
}

/// The beginning of a text, at most so many bytes, in whole characters that a database takes.
fn beginning(text: &str, bytes_max: usize) -> String {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().replace('\0', "\u{fffd}")
}

/// Reads an answer, as much as is read of any, and gives its beginning. One that breaks off is as long as it is.
async fn read_beginning(mut answer: Response) -> Vec<u8> {
    let (mut read, mut kept) = (0usize, Vec::new());
    while read < ANSWER_BYTES_MAX
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        read = read.saturating_add(chunk.len());
        kept.extend(chunk.iter().take(ANSWER_BYTES_KEPT.saturating_sub(kept.len())));
    }
    kept
}

/// `false` for a URL whose host is an address that is not public. Names are the resolver's matter.
fn literal_is_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) | None => true,
    }
}

struct Resolver {
    private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .filter(|address| private || is_public(address.ip()))
                .collect();
            if found.is_empty() {
                return Err(SendError::NotPublic(name.as_str().to_owned()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public internet (the special-purpose registries of RFC 6890 say which are not).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let relay = (a, b, c) == (192, 88, 99);
    let benchmarks = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 224
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || protocols
        || relay
        || benchmarks)
}

/// The address inside a mapped, compatible, translated (64:ff9b::/96) or 6to4 one: where a packet ends up.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Of the global unicast space 2000::/3: not the documentation, benchmark, ORCHID and Teredo prefixes.
    match address.segments() {
        [0x2001, 0x0db8, ..] | [0x3fff, ..] => false,
        [0x2001, second, ..] if second < 0x0200 => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    /// Takes one connection, reads a little, says `answer`, then keeps quiet until `then` is over.
    async fn receiver(answer: &'static [u8], then: impl Future<Output = ()> + Send + 'static) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/cb", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_buf(&mut Vec::with_capacity(4_096)).await.unwrap();
            connection.write_all(answer).await.unwrap();
            then.await;
            drop(connection);
        });
        url
    }

    fn get(url: String) -> Request {
        Request { method: Method::GET, url, headers: Vec::new(), body: None }
    }

    #[tokio::test]
    async fn a_receiver_that_does_not_answer_in_time_failed() {
        let receivers = Receivers::with_timeout(true, Duration::from_millis(100)).unwrap();
        let url = receiver(b"", std::future::pending()).await;
        let error = receivers.send(get(url)).await.unwrap_err();
        assert!(matches!(&error, SendError::NoAnswer(cause) if cause.is_timeout()), "{}", chain(&error));
        assert!(!error.is_final());
    }

    #[tokio::test]
    async fn an_answer_that_never_ends_does_not_matter() {
        let receivers = Receivers::with_timeout(true, Duration::from_millis(200)).unwrap();
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nsome";
        let url = receiver(head, std::future::pending()).await;
        receivers.send(get(url)).await.unwrap();
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let receivers = Receivers::with_timeout(true, Duration::from_secs(5)).unwrap();
        let other = receiver(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", std::future::ready(())).await;
        let answer = format!("HTTP/1.1 302 Found\r\nlocation: {other}\r\ncontent-length: 0\r\n\r\n");
        let url = receiver(answer.leak().as_bytes(), std::future::ready(())).await;
        let error = receivers.send(get(url)).await.unwrap_err();
        assert!(matches!(error, SendError::Status { status: StatusCode::FOUND, .. }), "{error}");
    }

    #[tokio::test]
    async fn a_name_is_refused_for_the_address_it_has() {
        let receivers = Receivers::with_timeout(false, Duration::from_secs(5)).unwrap();
        let refused = async |url: &str| chain(&receivers.send(get(url.to_owned())).await.unwrap_err());
        for url in ["http://localhost:9/", "http://LOCALHOST:9/", "http://127.0.0.1:9/", "http://[::ffff:7f00:1]:9/"] {
            let error = refused(url).await;
            assert!(error.contains("is not a public address"), "{url}: {error}");
        }
        for url in ["ftp://example.org/", "file:///etc/passwd", "no url", "http://"] {
            let error = refused(url).await;
            assert!(error.contains("is no URL that can be called"), "{url}: {error}");
        }
    }

    #[test]
    fn of_a_long_text_whole_characters_are_kept() {
        assert_eq!((beginning("a中b", 3).as_str(), beginning("a中b", 4).as_str()), ("a", "a中"));
        assert_eq!((beginning("", 9).as_str(), beginning("a\0b", 9).as_str()), ("", "a\u{fffd}b"));
    }

    #[test]
    fn addresses_of_this_host_and_its_networks_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.254",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn an_address_is_seen_through_every_way_to_write_it() {
        for host in ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]"] {
            assert!(!literal_is_public(&Url::parse(&format!("http://{host}:80/x")).unwrap()), "{host}");
        }
        assert!(literal_is_public(&Url::parse("http://8.8.8.8/").unwrap()));
    }
}
