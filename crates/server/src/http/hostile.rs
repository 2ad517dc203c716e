//! What peers meet that ask oddly, too much, too slowly, or not at all.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use axum::Extension;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::request::Builder;
use axum::routing::{get, post};
use http_body_util::{BodyExt, Full};
use hyper::body::Frame;
use hyper::client::conn::http2::{self as client, Connection, SendRequest};
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use testkit::server::until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;

/// How long anything may take that is to happen at once or after one of the short limits.
const SOON: Duration = Duration::from_secs(20);
/// Limits that tests can wait for.
const SHORT: Limits = Limits {
    connections: 100,
    head: Duration::from_millis(300),
    handshake: Duration::from_millis(300),
    standstill: Duration::from_millis(400),
    farewell: Duration::from_millis(100),
};

/// A server of one app.
struct Place {
    plain: SocketAddr,
    secured: SocketAddr,
    trusted: CertificateDer<'static>,
    stop: CancellationToken,
    _folder: TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn place(app: Router, limits: Limits) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let (files, trusted) = tls::files::tests::write(folder.path());
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (at, secured) = (plain.local_addr().unwrap(), listener.local_addr().unwrap());
    let certificate = Certificate::Files(tls::files::FileCertificate::open(files).await.unwrap());
    let (listeners, stop) =
        (Listeners { plain, tls: Some(TlsListener { listener, certificate }) }, CancellationToken::new());
    tokio::spawn(serve(listeners, app, limits, stop.clone(), SOON));
    Place { plain: at, secured, trusted, stop, _folder: folder }
}

impl Place {
    async fn shake(&self, version: &[u8]) -> TlsStream<TcpStream> {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.trusted.clone()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(trusted).with_no_client_auth();
        config.alpn_protocols = vec![version.to_vec()];
        let stream = TcpStream::connect(self.secured).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// A client over HTTP/2 with `window` bytes for an answer, and its connection, which has to be polled.
    async fn http2(
        &self,
        window: u32,
    ) -> (SendRequest<Full<Bytes>>, Connection<TokioIo<TlsStream<TcpStream>>, Full<Bytes>, TokioExecutor>) {
        let stream = TokioIo::new(self.shake(tls::HTTP2).await);
        let mut builder = client::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window).handshake(stream).await.unwrap()
    }

    fn request(&self, path: &str) -> Builder {
        Request::builder().uri(format!("https://localhost:{}{path}", self.secured.port()))
    }
}

/// Everything that comes until the end, which has to come.
async fn to_the_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut all)).await.expect("the connection ends");
    // Some ends are resets: there was more to read for the server.
    let _ = read;
    all
}

/// Sends `bytes` without TLS and gives what comes back until the end.
async fn said(at: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    // The server may end it before it has read all.
    let _ = stream.write_all(bytes).await;
    String::from_utf8_lossy(&to_the_end(&mut stream).await).into_owned()
}

fn full(text: &'static str) -> Full<Bytes> {
    Full::new(Bytes::from_static(text.as_bytes()))
}

#[tokio::test]
async fn requests_are_alike_however_they_come() {
    let told = async |uri: Uri, headers: HeaderMap, Extension(scheme): Extension<Scheme>| {
        format!("{scheme} {} {uri}", headers[header::HOST].to_str().unwrap())
    };
    let place = place(Router::new().fallback(told), Limits::new(100)).await;
    let host = format!("localhost:{}", place.secured.port());
    let bytes = format!("GET /v/a?b=%2f HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let plain = said(place.plain, bytes.as_bytes()).await;
    assert!(plain.ends_with(&format!("\r\n\r\nhttp {host} /v/a?b=%2f")), "{plain}");
    let mut stream = place.shake(b"http/1.1").await;
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let secured = String::from_utf8(to_the_end(&mut stream).await).unwrap();
    assert!(secured.ends_with(&format!("\r\n\r\nhttps {host} /v/a?b=%2f")), "{secured}");

    let (mut sender, connection) = place.http2(65_535).await;
    tokio::spawn(connection);
    let mut ask = async |request: Builder| {
        let answer = sender.send_request(request.body(full("")).unwrap()).await.unwrap();
        let (status, version) = (answer.status().as_u16(), answer.version());
        assert_eq!(version, Version::HTTP_2);
        (status, String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap())
    };
    let whole = format!("https {host} /v/a?b=%2f");
    assert_eq!(ask(place.request("/v/a?b=%2f")).await, (200, whole.clone()));
    assert_eq!(ask(place.request("/v/a?b=%2f").header("host", &host)).await, (200, whole));
    assert_eq!(ask(place.request("/v/a").header("host", "other.example.org")).await.0, 400, "two hosts");
    let many = (0..=HEADERS_MAX).fold(place.request("/"), |request, n| request.header(format!("x-{n}"), "1"));
    assert_eq!(ask(many).await.0, 431);
    assert_eq!(ask(place.request("/v/b")).await.0, 200, "and the connection goes on");
}

#[tokio::test]
async fn nothing_is_smuggled_behind_a_request_of_two_lengths() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let app = Router::new().fallback(async move |uri: Uri, body: Body| {
        seen.lock().unwrap().push(uri.path().to_owned());
        if body.collect().await.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
    });
    let place = place(app, SHORT).await;
    let hidden = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (lengths, body, status) in [
        // The chunks count, and the connection ends behind them (RFC 9112 §6.3).
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "200"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n", "200"),
        ("Content-Length: 0\r\nContent-Length: 5\r\n", "0\r\n\r\n", "400"),
        ("Content-Length: 0, 5\r\n", "0\r\n\r\n", "400"),
        ("Content-Length: +5\r\n", "0\r\n\r\n", "400"),
        ("Content-Length: -1\r\n", "", "400"),
        ("Content-Length: 18446744073709551616\r\n", "", "400"),
        ("Content-Length : 5\r\n", "0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", "400"),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", "400"),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", "400"),
        ("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n", "400"),
    ] {
        let bytes = format!("POST /open HTTP/1.1\r\nHost: x\r\n{lengths}\r\n{body}{hidden}");
        let told = said(place.plain, bytes.as_bytes()).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{lengths:?} {body:?}: {told}");
        assert_eq!(told.matches("HTTP/1.1 ").count(), 1, "{lengths:?} {body:?}: {told}");
    }
    let old = format!("POST /open HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}");
    let told = said(place.plain, old.as_bytes()).await;
    assert!(told.contains(" 400 ") && told.matches("HTTP/1.").count() == 1, "{told}");
    assert!(!asked.lock().unwrap().iter().any(|path| path == "/smuggled"), "{asked:?}");
    // The same behind a whole request is a request.
    let whole = format!("POST /open HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab{hidden}");
    assert_eq!(said(place.plain, whole.as_bytes()).await.matches("HTTP/1.1 200 ").count(), 2);
}

#[tokio::test]
async fn heads_that_are_too_large_or_too_slow_are_not_waited_for() {
    let place = place(Router::new().fallback(async || "ok"), SHORT).await;
    let head =
        |bytes: usize| format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(bytes));
    let bytes = usize::try_from(HEAD_BYTES_MAX).unwrap();
    for (head, status) in [
        (head(bytes - 100), "200"),
        (head(bytes + 1), "431"),
        (head(bytes * 4), "431"),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: 1\r\n".repeat(HEADERS_MAX)), "431"),
    ] {
        let told = said(place.plain, head.as_bytes()).await;
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{} bytes: {told:?}", head.len());
    }
    for slow in ["", "G", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let told = said(place.plain, slow.as_bytes()).await;
        assert!(!told.contains(" 200 "), "{told}");
        said(place.secured, slow.as_bytes()).await;
    }
    // Half a handshake.
    said(place.secured, &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc]).await;
    // And the next is served.
    let (mut sender, connection) = place.http2(65_535).await;
    tokio::spawn(connection);
    assert_eq!(sender.send_request(place.request("/").body(full("")).unwrap()).await.unwrap().status(), 200);
}

/// An answer without an end; whoever has a copy of what it holds sees whether it is still wanted.
struct Endless(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[0; 64 * 1024])))))
    }
}

#[tokio::test]
async fn a_peer_that_stops_taking_or_sending_is_cut_whatever_its_version() {
    let held = Arc::new(());
    let counted = Arc::clone(&held);
    let app = Router::new()
        .route("/endless", get(async move || Body::new(Endless(Arc::clone(&counted))).into_response()))
        .route("/large", get(async || vec![0_u8; 256 * 1024]))
        .route("/taken", post(async |body: Bytes| body.len().to_string()));
    let place = place(app, SHORT).await;
    // One copy is the app's.
    let given_up = async || {
        until(SOON, async || {
            anyhow::ensure!(Arc::strong_count(&held) == 2, "an answer is still being sent");
            Ok(())
        })
        .await
        .unwrap();
    };
    let ask = b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut plain = TcpStream::connect(place.plain).await.unwrap();
    plain.write_all(ask).await.unwrap();
    plain.readable().await.unwrap();
    let mut secured = place.shake(b"http/1.1").await;
    secured.write_all(ask).await.unwrap();
    secured.read_u8().await.unwrap();
    assert_eq!(Arc::strong_count(&held), 4, "two answers are being sent");
    given_up().await;
    drop((plain, secured));

    // Over HTTP/2 the socket is free, and it is the window of the stream that is full.
    let (mut sender, connection) = place.http2(65_535).await;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(place.request("/endless").body(full("")).unwrap()).await.unwrap();
    assert_eq!(Arc::strong_count(&held), 3);
    given_up().await;
    tokio::time::timeout(SOON, connection).await.expect("the connection ends").unwrap().ok();
    drop(answer);
    // Only some of what is asked at once is answered at once.
    let (mut sender, connection) = place.http2(65_535).await;
    let connection = tokio::spawn(connection);
    let many = (0..ANSWERS_MAX * 3).map(|_| sender.send_request(place.request("/endless").body(full("")).unwrap()));
    let many: Vec<_> = many.map(tokio::spawn).collect();
    until(SOON, async || {
        let answers = Arc::strong_count(&held) - 2;
        assert!(answers <= ANSWERS_MAX, "{answers} answers");
        anyhow::ensure!(answers == ANSWERS_MAX, "{answers} answers");
        Ok(())
    })
    .await
    .unwrap();
    tokio::time::timeout(SOON, connection).await.expect("the connection ends").unwrap().ok();
    given_up().await;
    let mut answered = 0;
    for one in many {
        answered += usize::from(one.await.unwrap().is_ok());
    }
    assert_eq!(answered, ANSWERS_MAX);
    // Also where all of the answer has been handed over already.
    let (mut sender, connection) = place.http2(1).await;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(place.request("/large").body(full("")).unwrap()).await.unwrap();
    tokio::time::timeout(SOON, connection).await.expect("the connection ends").unwrap().ok();
    assert!(answer.into_body().collect().await.is_err(), "it is not whole");
    // And where nothing is asked.
    let (sender, connection) = place.http2(65_535).await;
    tokio::time::timeout(SOON, connection).await.expect("an idle connection ends").unwrap();
    drop(sender);
    // What was announced does not come.
    let half = "POST /taken HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345";
    assert!(!said(place.plain, half.as_bytes()).await.contains(" 200 "));
}

#[tokio::test]
async fn who_waits_for_an_answer_that_takes_long_is_not_cut() {
    let app = Router::new().fallback(async || {
        // Longer than anybody may stand still.
        tokio::time::sleep(SHORT.standstill * 4).await;
        "at last"
    });
    let place = place(app, SHORT).await;
    let ask = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let (mut sender, connection) = place.http2(65_535).await;
    tokio::spawn(connection);
    let over_http2 = sender.send_request(place.request("/").body(full("")).unwrap());
    let (old, new) = tokio::join!(said(place.plain, ask), over_http2);
    assert!(old.ends_with("at last"), "{old}");
    assert_eq!(new.unwrap().into_body().collect().await.unwrap().to_bytes(), "at last");
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_and_no_other() {
    let place = place(Router::new().fallback(async || "ok"), Limits::new(100)).await;
    let (mut sender, connection) = place.http2(65_535).await;
    tokio::spawn(connection);
    let mut stream = place.shake(tls::HTTP2).await;
    // RFC 9113 §3.4, §4.1: the preface, settings, then requests (GET https x /) that are taken back at once.
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let mut frame = |kind: u8, flags: u8, stream: u32, payload: &[u8]| {
        bytes.extend([0, 0, u8::try_from(payload.len()).unwrap(), kind, flags]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(payload);
    };
    frame(4, 0, 0, &[]);
    for stream in (1..2_000).step_by(2) {
        frame(1, 0b101, stream, &[0x82, 0x87, 0x84, 0x41, 1, b'x']);
        frame(3, 0, stream, &8_u32.to_be_bytes());
    }
    // The server may end it before it has read all.
    let _ = stream.write_all(&bytes).await;
    let told = to_the_end(&mut stream).await;
    let mut rest = told.as_slice();
    let mut goodbye = None;
    while let Some((head, after)) = rest.split_at_checked(9) {
        let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap();
        if head[3] == 7 {
            goodbye = Some(u32::from_be_bytes(after[4..8].try_into().unwrap()));
        }
        rest = after.get(length..).unwrap_or_default();
    }
    assert_eq!(goodbye, Some(11), "ENHANCE_YOUR_CALM");
    assert_eq!(sender.send_request(place.request("/").body(full("")).unwrap()).await.unwrap().status(), 200);
}
