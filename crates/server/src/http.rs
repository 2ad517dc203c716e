//! The HTTP server: one listener, and one for TLS, bounded together in connections, each connection in header size, in requests at
//! once and in patience.
//!
//! Over TLS the handshake decides between HTTP/2 and HTTP/1.1 (ALPN, RFC 9113 §3.2); without it there is HTTP/1.1 only. What comes
//! over HTTP/2 is brought into the form of HTTP/1.1 before anybody reads it: a `Host` header, and a path as the target.

#[cfg(test)]
mod hostile;
mod outlet;
mod patience;
pub mod tls;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::uri::Scheme;
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use axum::response::IntoResponse;
use blobs::Slips;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use self::outlet::Outlet;
use self::patience::{Counted, Progress, Turn};
use self::tls::Certificate;

/// How long the head of a request may take, and how long a kept-alive connection may be idle before the next one. Longer
/// than any pause between a player's segment requests, short enough that slow peers do not pile up.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a peer may take nothing of what waits for it, send nothing of what it announced, or be idle over HTTP/2.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);
/// How long a connection on which nothing moves is given for its farewell before it is cut.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes buffered for one request's head. An RPC call with all parameters in its query stays far below.
const HEAD_BYTES_MAX: u32 = 128 * 1024;
/// Headers of one request: as many as the library of HTTP/1.1 reads without asking for memory.
const HEADERS_MAX: usize = 100;
/// Requests at once on one HTTP/2 connection. Players have a handful; RFC 9113 §6.5.2 advises no less.
const STREAMS_MAX: u32 = 100;
/// Those of them that are answered at once; the others wait. Each may hold some MiB while its peer takes nothing.
const ANSWERS_MAX: usize = 16;
/// Bytes that one HTTP/2 request may send ahead of whoever reads its body, and all of a connection together.
const WINDOW_BYTES: u32 = 256 * 1024;
const WINDOW_BYTES_TOGETHER: u32 = 1 << 20;
/// Bytes of one HTTP/2 answer that wait in the connection besides the chunk that is being sent.
const SEND_BYTES_MAX: usize = 128 * 1024;
/// Pause after a failed accept: usually the process is out of file descriptors, and asking again at once only burns CPU.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where requests come in.
pub struct Listeners {
    /// Without TLS.
    pub plain: TcpListener,
    /// With it.
    pub tls: Option<TlsListener>,
}

/// A listener whose connections begin with a TLS handshake.
pub struct TlsListener {
    /// The listener.
    pub listener: TcpListener,
    /// What is shown to peers.
    pub certificate: Certificate,
}

impl TlsListener {
    /// Where it listens, with the real port.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// What peers may take of the server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    connections: usize,
    head: Duration,
    handshake: Duration,
    standstill: Duration,
    farewell: Duration,
}

impl Limits {
    /// The usual ones, for at most this many connections.
    pub fn new(connections_max: u32) -> Self {
        Self {
            connections: usize::try_from(connections_max).unwrap_or(usize::MAX),
            head: HEAD_TIMEOUT,
            handshake: HANDSHAKE_TIMEOUT,
            standstill: STANDSTILL_MAX,
            farewell: FAREWELL,
        }
    }
}

/// Serves `app` until `stop`; then takes no more connections, lets the requests that run finish for at most `drain`, and
/// returns. Connections that are still busy then are closed.
pub async fn serve(listeners: Listeners, app: Router, limits: Limits, stop: CancellationToken, drain: Duration) {
    let tasks = TaskTracker::new();
    let Listeners { plain, tls } = listeners;
    let (secured, follow) = match tls {
        None => (None, None),
        Some(TlsListener { listener, certificate }) => {
            (Some((listener, certificate.subscribe())), Some(certificate.follow()))
        }
    };
    let following = async {
        match follow {
            Some(follow) => follow.await,
            None => std::future::pending().await,
        }
    };
    let house = House { app, limits, tasks: tasks.clone(), stop };
    tokio::select! {
        () = accept(&plain, secured.as_ref(), &house) => {}
        () = following => {}
    }
    drop((plain, secured));
    tasks.close();
    if tokio::time::timeout(drain, tasks.wait()).await.is_err() {
        tracing::info!(connections = tasks.len(), "closing HTTP connections that are still busy");
    }
}

/// What all connections share.
#[derive(Clone)]
struct House {
    app: Router,
    limits: Limits,
    /// The connections, and the requests of those over HTTP/2.
    tasks: TaskTracker,
    stop: CancellationToken,
}

type Secured = (TcpListener, watch::Receiver<Arc<ServerConfig>>);

/// Accepts connections until the house closes.
async fn accept(plain: &TcpListener, secured: Option<&Secured>, house: &House) {
    // A full house stops accepting; the kernel's backlog holds the next peers for a while.
    let seats = Arc::new(Semaphore::new(house.limits.connections.min(Semaphore::MAX_PERMITS)));
    loop {
        let seat = tokio::select! {
            () = house.stop.cancelled() => return,
            seat = Arc::clone(&seats).acquire_owned() => seat,
        };
        let (accepted, config) = tokio::select! {
            () = house.stop.cancelled() => return,
            accepted = plain.accept() => (accepted, None),
            accepted = accept_secured(secured) => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept an HTTP connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let mine = house.clone();
        house.tasks.spawn(async move {
            let _seat = seat;
            connection(stream, peer, config, mine).await;
        });
    }
}

type Accepted = (io::Result<(TcpStream, SocketAddr)>, Option<Arc<ServerConfig>>);

/// Never where there is no TLS.
async fn accept_secured(secured: Option<&Secured>) -> Accepted {
    let Some((listener, config)) = secured else { return std::future::pending().await };
    let accepted = listener.accept().await;
    (accepted, Some(Arc::clone(&config.borrow())))
}

async fn connection(stream: TcpStream, peer: SocketAddr, config: Option<Arc<ServerConfig>>, house: House) {
    // Answers are written whole, so waiting to fill packets only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let progress = Progress::default();
    let Some(config) = config else {
        let slips = Slips::default();
        let stream = Counted::new(Outlet::new(stream, slips.clone()), progress.clone());
        return over_http1(stream, Way { scheme: Scheme::HTTP, peer, slips: Some(slips) }, progress, house).await;
    };
    let stream = Counted::new(stream, progress.clone());
    let shaken = tokio::select! {
        () = house.stop.cancelled() => return,
        shaken = tokio::time::timeout(house.limits.handshake, TlsAcceptor::from(config).accept(stream)) => shaken,
    };
    let stream = match shaken {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return ended_early("handshake", peer, &error),
        Err(_) => return ended_early("handshake", peer, &"it took too long"),
    };
    let spoken = stream.get_ref().1.alpn_protocol();
    if spoken == Some(tls::acme::PROTOCOL) {
        // The handshake is all that an authority wants (RFC 8737 §3).
        metrics::counter!("http_acme_validations_total").increment(1);
        tracing::debug!(%peer, "an ACME server looked at a name");
    } else if spoken == Some(tls::HTTP2) {
        over_http2(stream, peer, progress, house).await;
    } else {
        over_http1(stream, Way { scheme: Scheme::HTTPS, peer, slips: None }, progress, house).await;
    }
}

/// By what a request comes, for whoever answers it.
#[derive(Debug, Clone)]
struct Way {
    scheme: Scheme,
    peer: SocketAddr,
    /// Where the connection hands slips on.
    slips: Option<Slips>,
}

async fn over_http1<S>(stream: S, way: Way, progress: Progress, house: House)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (app, asked, peer) = (house.app, progress.clone(), way.peer);
    let service = service_fn(move |request| answer(app.clone(), request, way.clone(), asked.begin(), None));
    let head_bytes_max = usize::try_from(HEAD_BYTES_MAX).unwrap_or(usize::MAX);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(house.limits.head)
        .max_buf_size(head_bytes_max)
        .max_header_size(head_bytes_max)
        // Slips may not be copied together.
        .writev(true)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, peer, progress, house.limits, house.stop).await;
}

/// What HTTP/2 lets a peer do beyond this is bounded by the library: resets of requests that nobody saw yet, and of malformed
/// ones, and the frames that one head is spread over. Past its bounds the connection ends with ENHANCE_YOUR_CALM.
async fn over_http2<S>(stream: S, peer: SocketAddr, progress: Progress, house: House)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (app, asked, room) = (house.app, progress.clone(), Arc::new(Semaphore::new(ANSWERS_MAX)));
    let way = Way { scheme: Scheme::HTTPS, peer, slips: None };
    let service =
        service_fn(move |request| answer(app.clone(), request, way.clone(), asked.begin(), Some(Arc::clone(&room))));
    let connection = http2::Builder::new(Tracked(house.tasks))
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES_TOGETHER)
        .max_send_buf_size(SEND_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    drive(connection, peer, progress, house.limits, house.stop).await;
}

/// Runs a connection to its end, until nothing moves on it, or until the house closes and its requests are answered.
async fn drive<C>(connection: C, peer: SocketAddr, progress: Progress, limits: Limits, stop: CancellationToken)
where
    C: GracefulConnection<Error = hyper::Error>,
{
    let mut connection = std::pin::pin!(connection);
    let mut standstill = std::pin::pin!(progress.stands_still(limits.standstill));
    let mut closing = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                return if let Err(error) = ended { ended_early("protocol", peer, &error) };
            }
            () = standstill.as_mut() => break,
            () = stop.cancelled(), if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
    // An idle peer is told that it is over, and ends it. One that takes nothing cannot be told.
    connection.as_mut().graceful_shutdown();
    if tokio::time::timeout(limits.farewell, connection).await.is_err() {
        ended_early("standstill", peer, &"nothing moved on it");
    }
}

/// Ordinary peers go away in the middle as well: it is counted, and logged for who looks for it.
fn ended_early(reason: &'static str, peer: SocketAddr, error: &dyn std::fmt::Display) {
    metrics::counter!("http_connections_cut_total", "reason" => reason).increment(1);
    tracing::debug!(reason, %peer, %error, "an HTTP connection ended early");
}

async fn answer(
    app: Router,
    request: Request<Incoming>,
    way: Way,
    turn: Turn,
    room: Option<Arc<Semaphore>>,
) -> Result<Response<impl hyper::body::Body<Data = axum::body::Bytes, Error = axum::Error>>, Infallible> {
    let place = match room {
        // Whoever takes the answers before this one makes room for it. The semaphore is never closed.
        Some(room) => turn.theirs(room.acquire_owned()).await.ok(),
        None => None,
    };
    let request = request.map(|body| Body::new(turn.asked(body)));
    let response = match in_one_form(request) {
        Ok(mut request) => {
            let extensions = request.extensions_mut();
            extensions.insert(ConnectInfo(way.peer));
            extensions.insert(way.scheme);
            if let Some(slips) = way.slips {
                extensions.insert(slips);
            }
            app.oneshot(request).await?
        }
        Err(status) => {
            tracing::debug!(peer = %way.peer, %status, "a request is refused before it is read");
            status.into_response()
        }
    };
    Ok(response.map(|body| turn.answered(body, place)))
}

/// A request over HTTP/2 as it would have come over HTTP/1.1 (RFC 9113 §8.3.1): its authority is the `Host` header, its target the
/// path. Two different hosts are refused, and so are more headers than HTTP/1.1 takes.
fn in_one_form(request: Request<Body>) -> Result<Request<Body>, StatusCode> {
    if request.version() != Version::HTTP_2 {
        return Ok(request);
    }
    let (mut head, body) = request.into_parts();
    if head.headers.len() > HEADERS_MAX {
        return Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    if let Some(authority) = head.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| StatusCode::BAD_REQUEST)?;
        if head.headers.get_all(header::HOST).iter().any(|other| other != host) {
            return Err(StatusCode::BAD_REQUEST);
        }
        head.headers.insert(header::HOST, host);
    }
    let Some(path) = head.uri.path_and_query().cloned() else { return Err(StatusCode::BAD_REQUEST) };
    head.uri = Uri::from(path);
    Ok(Request::from_parts(head, body))
}

/// Spawns the requests of an HTTP/2 connection where they are waited for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> hyper::rt::Executor<F> for Tracked
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
