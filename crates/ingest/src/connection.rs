//! One connection: greeting, admission, push, end.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use hub::{Batch, Publisher, PushEnd, Superseded};
use metrics::counter;
use rtmp::{Ended, Input, Output, PublishRequest, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::admission::{Admitted, Refusal, admit, end_row};
use crate::clock::wall;
use crate::housekeeping::causes;
use crate::pace::next_read;
use crate::registry::Place;
use crate::socket::Socket;

/// Room for the greeting: handshake and commands.
const GREETING_BYTES: usize = 4 * 1024;
/// How long a peer may leave our greeting unread.
const GREETING_WRITE_WAIT: Duration = Duration::from_secs(5);
/// How long a peer may take to close after we did. Closing with its bytes unread would reset the connection, and it would
/// never see why.
const LINGER: Duration = Duration::from_secs(2);
/// Characters of a refused name that the log shows.
const NAME_CHARS_SHOWN: usize = 64;
/// What a push that ends at our wish may still have in its receive buffer, in bytes: more than the kernel lets it hold (6 MiB
/// as a rule), so that only a peer that never stops sending is cut off in the middle.
const LAST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a shutdown waits for a reader that does not take the last batch.
const LAST_BATCH_WAIT: Duration = Duration::from_secs(10);

/// Serves a connection to its end. `pending` is its place among those that have not published.
pub(crate) async fn run(
    mut stream: TcpStream,
    client: SocketAddr,
    pending: OwnedSemaphorePermit,
    node: Arc<Node>,
    shutdown: CancellationToken,
) {
    let mut session = Session::new(node.clock.now(), node.settings.waits);
    let request = match greet(&mut stream, &mut session, &node, &shutdown).await {
        Ok(request) => request,
        Err(ended) => {
            // Scanners and health checks end here: not worth more than a line for those who look.
            tracing::debug!(%client, reason = %ended, "connection ended before a publish");
            counter!("ingest_unpublished_connections_total").increment(1);
            return linger(stream).await;
        }
    };
    let admitted = match stream.local_addr() {
        Ok(server) => tokio::select! {
            admitted = admit(&node, &request, client, server) => admitted,
            // A row that was just made is ended as an orphan at the next start.
            () = shutdown.cancelled() => Err(Refusal::Shutdown),
        },
        // The peer is gone.
        Err(_) => return,
    };
    drop(pending);
    match admitted {
        Ok(admitted) => publish(stream, session, admitted, client, &node, &shutdown).await,
        Err(refusal) => {
            let (app, name) = (shown(&request.app), shown(&request.stream));
            tracing::info!(%client, app, name, reason = %causes(&refusal), "push refused");
            counter!("ingest_refused_pushes_total", "reason" => refusal.word()).increment(1);
            session.refuse(&refusal.to_string());
            while let Output::Send(bytes) = session.poll() {
                if !matches!(timeout(GREETING_WRITE_WAIT, stream.write_all(&bytes)).await, Ok(Ok(()))) {
                    return;
                }
            }
            linger(stream).await;
        }
    }
}

/// A stranger's text, for the log: short, and without line breaks.
fn shown(text: &str) -> String {
    text.chars().take(NAME_CHARS_SHOWN).flat_map(char::escape_debug).collect()
}

/// Up to the publish.
async fn greet(
    stream: &mut TcpStream,
    session: &mut Session,
    node: &Node,
    shutdown: &CancellationToken,
) -> Result<PublishRequest, Ended> {
    loop {
        let deadline = loop {
            match session.poll() {
                Output::Send(bytes) => {
                    if !matches!(timeout(GREETING_WRITE_WAIT, stream.write_all(&bytes)).await, Ok(Ok(()))) {
                        session.handle(node.clock.now(), Input::Closed);
                    }
                }
                Output::PublishRequested(request) => return Ok(request),
                Output::Ended(ended) => return Err(ended),
                // None come before a publish is accepted.
                Output::Frames(_) => {}
                Output::Wait(deadline) => break deadline,
            }
        };
        session.buffer().reserve(GREETING_BYTES);
        let input = tokio::select! {
            read = stream.read_buf(session.buffer()) => match read {
                Ok(1..) => Input::Received,
                Ok(0) | Err(_) => Input::Closed,
            },
            () = sleep_until(node.clock.instant(deadline)) => Input::Tick,
            () = shutdown.cancelled() => return Err(Ended::Dismissed(Refusal::Shutdown.to_string())),
        };
        session.handle(node.clock.now(), input);
    }
}

/// From the accepted publish to the end of everything that was begun for it.
async fn publish(
    stream: TcpStream,
    session: Session,
    admitted: Admitted<'_>,
    client: SocketAddr,
    node: &Node,
    shutdown: &CancellationToken,
) {
    let Admitted { publisher, place } = admitted;
    let info = publisher.info().clone();
    tracing::info!(stream = %info.path, push = %info.push, %client, "push accepted");
    counter!("ingest_pushes_total").increment(1);
    let mut push = Push { node, session, publisher, place, bytes: 0 };
    // A panic ends its push, not the process, and not without noting the end.
    let ran = async {
        let mut socket = Socket::new(stream.into_std()?);
        let end = push.run(&mut socket, shutdown).await;
        Ok::<_, std::io::Error>((end, socket))
    };
    let ran = AssertUnwindSafe(ran).catch_unwind().await;
    let (end, socket) = match ran {
        Ok(Ok((end, socket))) => (end, Some(socket)),
        Ok(Err(cause)) => {
            tracing::warn!(stream = %info.path, push = %info.push, error = %cause, "socket lost");
            (PushEnd::Lost, None)
        }
        Err(_) => {
            tracing::error!(stream = %info.path, push = %info.push, "the task of a push panicked");
            (PushEnd::Lost, None)
        }
    };
    let Push { session, publisher, place, bytes, .. } = push;
    let (left, lasted) = (session.left(), wall().since(info.started));
    tracing::info!(
        stream = %info.path, push = %info.push, end = ?end, seconds = lasted.as_secs(), bytes,
        without_config = left.without_config, without_picture = left.without_picture, "push ended"
    );
    counter!("ingest_ended_pushes_total", "end" => word(&end)).increment(1);
    publisher.end(end.clone());
    drop(place);
    let farewell = async {
        if let Some(Ok(stream)) = socket.map(Socket::finish) {
            drain(stream).await;
        }
    };
    tokio::join!(farewell, end_row(node, info.push, word(&end)));
}

struct Push<'a> {
    node: &'a Node,
    session: Session,
    publisher: Publisher,
    place: Place<'a>,
    /// Received since the publish was accepted.
    bytes: u64,
}

impl Push<'_> {
    /// Reads by the clock until something ends the push.
    async fn run(&mut self, socket: &mut Socket, shutdown: &CancellationToken) -> PushEnd {
        self.session.accept(self.node.clock.now());
        let mut last_bytes = 0;
        loop {
            if let Some(end) = self.drain(socket, shutdown).await {
                return end;
            }
            let read_at = next_read(self.node.clock.now(), self.node.registry.len(), last_bytes);
            let cause = tokio::select! {
                biased;
                () = self.publisher.superseded() => Some(PushEnd::Superseded),
                () = self.place.cut.cancelled() => Some(PushEnd::Cut),
                () = shutdown.cancelled() => Some(PushEnd::Shutdown),
                () = sleep_until(self.node.clock.instant(read_at)) => None,
            };
            last_bytes = self.look(socket);
            if let Some(end) = cause {
                let ended = self.empty(socket, shutdown, last_bytes).await;
                self.session.refuse(told(&end));
                self.drain(socket, shutdown).await;
                return ended.unwrap_or(end);
            }
        }
    }

    /// Takes all that is in the socket, of which `last_bytes` were just read: what had arrived before an end that comes from us
    /// was sent in good faith. The end of the push, when it has come meanwhile.
    async fn empty(
        &mut self,
        socket: &mut Socket,
        shutdown: &CancellationToken,
        mut last_bytes: usize,
    ) -> Option<PushEnd> {
        let mut taken = 0;
        loop {
            let ended = self.drain(socket, shutdown).await;
            taken += last_bytes;
            if ended.is_some() || last_bytes == 0 || taken > LAST_BYTES_MAX {
                return ended;
            }
            last_bytes = self.look(socket);
        }
    }

    /// Reads what is there; how much.
    fn look(&mut self, socket: &mut Socket) -> usize {
        let look = socket.look(self.session.buffer());
        let now = self.node.clock.now();
        self.session.handle(now, if look.bytes > 0 { Input::Received } else { Input::Tick });
        if look.closed {
            self.session.handle(now, Input::Closed);
        }
        self.bytes += u64::try_from(look.bytes).unwrap_or(0);
        look.bytes
    }

    /// Does all that the session asks for; the end of the push, when it has come.
    async fn drain(&mut self, socket: &mut Socket, shutdown: &CancellationToken) -> Option<PushEnd> {
        loop {
            match self.session.poll() {
                Output::Send(bytes) => {
                    if !socket.send(&bytes) {
                        self.session.refuse("the replies are not read");
                    }
                }
                Output::Frames(frames) => {
                    self.place.meter.count(self.node.clock.now(), &frames);
                    let batch = Arc::new(Batch { arrived: wall(), frames });
                    let sent = tokio::select! {
                        sent = self.publisher.send(batch) => sent,
                        () = given_up(shutdown) => {
                            tracing::warn!(push = %self.publisher.info().push, "the last batch found no reader");
                            return Some(PushEnd::Shutdown);
                        }
                    };
                    self.place.meter.dropped(self.publisher.shed_frames());
                    if sent == Err(Superseded) {
                        self.session.refuse(told(&PushEnd::Superseded));
                        while let Output::Send(bytes) = self.session.poll() {
                            socket.send(&bytes);
                        }
                        return Some(PushEnd::Superseded);
                    }
                }
                Output::Ended(ended) => return Some(end_of(ended)),
                // A session asks once, and was answered.
                Output::PublishRequested(_) => {}
                Output::Wait(_) => {
                    socket.flush();
                    return None;
                }
            }
        }
    }
}

async fn given_up(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(LAST_BATCH_WAIT).await;
}

fn end_of(ended: Ended) -> PushEnd {
    match ended {
        Ended::Unpublished => PushEnd::Unpublished,
        Ended::Closed | Ended::Silent(_) | Ended::Slow { .. } => PushEnd::Lost,
        Ended::Protocol(_) | Ended::Media(_) | Ended::Dismissed(_) => PushEnd::Refused { reason: ended.to_string() },
    }
}

/// What the publisher is told of an end that comes from us.
fn told(end: &PushEnd) -> &'static str {
    match end {
        PushEnd::Superseded => "a newer push of the same stream has taken over",
        PushEnd::Cut => "the stream was cut by an operator",
        PushEnd::Shutdown => "the server is going down",
        PushEnd::Unpublished | PushEnd::Lost | PushEnd::Refused { .. } => "the stream has ended",
    }
}

/// The word of an end in the catalog and in counters.
fn word(end: &PushEnd) -> &'static str {
    match end {
        PushEnd::Unpublished => "unpublished",
        PushEnd::Lost => "lost",
        PushEnd::Superseded => "superseded",
        PushEnd::Cut => "cut",
        PushEnd::Refused { .. } => "refused",
        PushEnd::Shutdown => "shutdown",
    }
}

/// Closes our side and waits a little for the peer to close its own.
async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_ok() {
        drain(stream).await;
    }
}

async fn drain(mut stream: TcpStream) {
    let mut rest = [0; 2048];
    let closed = async { while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {} };
    // Whoever has not closed by then is cut off: that is the answer here.
    let _ = timeout(LINGER, closed).await;
}
