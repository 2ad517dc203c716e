//! The accept loop.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Node, connection};

/// Connections that have not published yet. More are closed at once: with the deadlines of a session this bounds what
/// strangers can hold (about 20 KiB each) without touching running pushes.
pub const PENDING_MAX: usize = 1_024;
/// Pause after an error of the listener itself, such as no file descriptor left: it stays until something is closed.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until `shutdown`, then waits for all connections to end.
pub(crate) async fn run(listener: TcpListener, node: Arc<Node>, shutdown: CancellationToken) {
    let pending = Arc::new(Semaphore::new(PENDING_MAX));
    let connections = TaskTracker::new();
    let (accepted, turned_away) = (counter!("ingest_connections_total"), counter!("ingest_pending_full_total"));
    let mut failing = false;
    loop {
        let result = tokio::select! {
            () = shutdown.cancelled() => break,
            result = listener.accept() => result,
        };
        match result {
            Ok((stream, client)) => {
                failing = false;
                accepted.increment(1);
                let Ok(permit) = Arc::clone(&pending).try_acquire_owned() else {
                    turned_away.increment(1);
                    continue;
                };
                connections.spawn(connection::run(stream, client, permit, Arc::clone(&node), shutdown.clone()));
            }
            // The connection was gone before it was accepted: its own trouble.
            Err(cause) if is_of_the_peer(cause.kind()) => {}
            Err(cause) => {
                if !failing {
                    tracing::error!(error = %cause, "cannot accept connections");
                }
                failing = true;
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

fn is_of_the_peer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}
