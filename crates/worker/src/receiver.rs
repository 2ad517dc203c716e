//! HTTP requests to customers for jobs: what counts as an answer, what is kept of it, and what is noted.

use std::time::{Duration, Instant};

use catalog::{Catalog, Delivery, StreamDelivery};
use jobs::{Attempt, Failure};
pub(crate) use outbound::Request;
use outbound::{Outbound, OutboundError, Response, StatusCode};
use units::{EventId, StreamPath};

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

/// The client that all requests for jobs go through.
#[derive(Clone)]
pub(crate) struct Receivers {
    outbound: Outbound,
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
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the receiver answered {status}; only 200 is success")]
    Status { status: StatusCode, answer: Vec<u8> },
}

impl SendError {
    /// Whether the next attempt cannot be better.
    fn is_final(&self) -> bool {
        match self {
            Self::Outbound(error) => error.is_final(),
            Self::Status { .. } => false,
        }
    }
}

impl Receivers {
    /// With `private` addresses allowed or not.
    pub(crate) fn new(private: bool) -> Result<Self, WorkerError> {
        Self::with_timeout(private, ANSWER_TIMEOUT)
    }

    fn with_timeout(private: bool, timeout: Duration) -> Result<Self, WorkerError> {
        Ok(Self { outbound: Outbound::new(private, timeout).map_err(WorkerError::Client)? })
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
        let answer = self.outbound.send(request).await?;
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

#[cfg(test)]
mod tests {
    use outbound::Method;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

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
        assert!(
            matches!(&error, SendError::Outbound(OutboundError::NoAnswer(cause)) if cause.is_timeout()),
            "{}",
            chain(&error)
        );
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
}
