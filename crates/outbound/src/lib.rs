//! HTTP requests to the servers of customers: which addresses they may go to, how long they may take.
//!
//! A URL comes from an API user, so with private addresses refused a request must not reach this network. The address is
//! checked where it is connected to: literal addresses here (the client asks no resolver for those), names in the
//! resolver itself, so that a name that changes between two lookups gains nothing. Redirects are off, proxies from the
//! environment are not used.

mod address;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, Url, redirect, retry};
pub use reqwest::{Method, Response, StatusCode};

use crate::address::{is_public, literal_is_public};

/// The client that all requests to customers go through. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: Client,
    private: bool,
}

/// A request to a customer.
#[derive(Clone, Debug)]
pub struct Request {
    /// How.
    pub method: Method,
    /// Where, with `http` or `https`.
    pub url: String,
    /// With what more.
    pub headers: Vec<(&'static str, String)>,
    /// What is said.
    pub body: Option<String>,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// It is no URL of HTTP with a host.
    #[error("{0:?} is no URL that can be called")]
    Url(String),
    /// It leads into a network that is not asked.
    #[error("{0} is not a public address, and the configuration allows only those")]
    NotPublic(String),
    /// It has a character that no header may have.
    #[error("a header cannot be sent")]
    Header,
    /// The server did not do it.
    #[error("the receiver answered {0}; only 200 is success")]
    Status(StatusCode),
    /// There is more than was asked for.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// The most.
        limit: usize,
    },
    /// The server was not reached, or did not say all in time.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
}

impl OutboundError {
    /// Whether the next attempt cannot be better.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Url(_) | Self::NotPublic(_) | Self::Header | Self::TooLarge { .. } => true,
            Self::Status(_) | Self::NoAnswer(_) => false,
        }
    }
}

impl Outbound {
    /// With `private` addresses allowed or not, and so much time for an answer, the connection included.
    ///
    /// Errors: the client cannot be made.
    pub fn new(private: bool, timeout: Duration) -> reqwest::Result<Self> {
        Ok(Self { client: builder(private).timeout(timeout).build()?, private })
    }

    /// The same for answers of any length: so much time to connect, and between two pieces.
    ///
    /// Errors: the client cannot be made.
    pub fn patient(private: bool, silence: Duration) -> reqwest::Result<Self> {
        let client = builder(private).connect_timeout(silence).read_timeout(silence).build()?;
        Ok(Self { client, private })
    }

    /// Makes a request. Whatever the server answers is an answer; its body is still to be read.
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        let url = Url::parse(&request.url).map_err(|_| OutboundError::Url(request.url.clone()))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(OutboundError::Url(request.url));
        }
        if !self.private && !literal_is_public(&url) {
            return Err(OutboundError::NotPublic(url.host_str().unwrap_or_default().to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| OutboundError::Header)?;
            headers.insert(name, HeaderValue::from_str(&value).map_err(|_| OutboundError::Header)?);
        }
        let call = self.client.request(request.method, url).headers(headers);
        let call = match request.body {
            Some(body) => call.body(body),
            None => call,
        };
        call.send().await.map_err(no_answer)
    }

    /// Gets a file of at most so many bytes.
    pub async fn file(&self, url: &str, limit: usize) -> Result<Bytes, OutboundError> {
        let request = Request { method: Method::GET, url: url.to_owned(), headers: Vec::new(), body: None };
        let mut answer = self.send(request).await?;
        if answer.status() != StatusCode::OK {
            return Err(OutboundError::Status(answer.status()));
        }
        let mut read = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
            if read.len().saturating_add(chunk.len()) > limit {
                return Err(OutboundError::TooLarge { limit });
            }
            read.extend_from_slice(&chunk);
        }
        Ok(read.freeze())
    }
}

fn builder(private: bool) -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .user_agent(concat!("reprise/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Resolver { private }))
}

/// The URL may have a key in it.
fn no_answer(error: reqwest::Error) -> OutboundError {
    OutboundError::NoAnswer(error.without_url())
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
                return Err(OutboundError::NotPublic(name.as_str().to_owned()).into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Takes one connection, reads a little, says `answer` and ends it.
    async fn server(answer: &'static [u8]) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mark.png", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_buf(&mut Vec::with_capacity(4_096)).await.unwrap();
            connection.write_all(answer).await.unwrap();
        });
        url
    }

    #[tokio::test]
    async fn a_file_is_whole_and_no_larger_than_allowed() {
        let outbound = Outbound::new(true, PATIENCE).unwrap();
        let four = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour";
        assert_eq!(outbound.file(&server(four).await, 4).await.unwrap(), "four");
        let refused = outbound.file(&server(four).await, 3).await.unwrap_err();
        assert!(matches!(refused, OutboundError::TooLarge { limit: 3 }) && refused.is_final(), "{refused}");
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour";
        assert!(matches!(outbound.file(&server(cut).await, 9).await, Err(OutboundError::NoAnswer(_))));
        let gone = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        let error = outbound.file(&server(gone).await, 9).await.unwrap_err();
        assert!(matches!(error, OutboundError::Status(StatusCode::NOT_FOUND)), "{error}");
    }

    #[tokio::test]
    async fn a_file_of_this_network_is_not_asked_for() {
        let outbound = Outbound::new(false, PATIENCE).unwrap();
        let refused = outbound.file("http://127.0.0.1:9/x.png", 9).await.unwrap_err();
        assert!(matches!(refused, OutboundError::NotPublic(_)), "{refused}");
        assert!(matches!(outbound.file("file:///etc/passwd", 9).await, Err(OutboundError::Url(_))));
    }
}
