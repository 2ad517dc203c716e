//! The HTTP server: one listener, bounded in connections, in header size and in patience.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// How long the head of a request may take, and how long a kept-alive connection may be idle before the next one. Longer
/// than any pause between a player's segment requests, short enough that slow peers do not pile up.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes buffered for one request's head. An RPC call with all parameters in its query stays far below.
const HEAD_BYTES_MAX: usize = 128 * 1024;
/// Headers of one request. What is refused here has no body, and SDKs cannot read that: so nearly all that fits
/// `HEAD_BYTES_MAX` is let through, to be refused by the API in its own form.
const HEADERS_MAX: usize = 1_000;
/// Pause after a failed accept: usually the process is out of file descriptors, and asking again at once only burns CPU.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `app` until `stop`; then takes no more connections, lets the requests that run finish for at most `drain`, and
/// returns. Connections that are still busy then are closed.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    connections_max: usize,
    stop: CancellationToken,
    drain: Duration,
) {
    // A full house stops accepting; the kernel's backlog holds the next peers for a while.
    let seats = Arc::new(Semaphore::new(connections_max));
    let connections = TaskTracker::new();
    loop {
        let seat = tokio::select! {
            () = stop.cancelled() => break,
            seat = Arc::clone(&seats).acquire_owned() => seat,
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an HTTP connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (app, stop) = (app.clone(), stop.clone());
        connections.spawn(async move {
            let _seat = seat;
            connection(stream, peer, app, stop).await;
        });
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(drain, connections.wait()).await.is_err() {
        tracing::info!(connections = connections.len(), "closing HTTP connections that are still busy");
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Router, stop: CancellationToken) {
    // Answers are written whole, so waiting to fill packets only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = TowerToHyperService::new(app.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(axum::body::Body::new)
    }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection ended early");
    }
}
