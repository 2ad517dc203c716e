//! Patience with a peer: whether anything moves on its connection, and whose turn it is.
//!
//! A peer that takes no bytes, or sends none of what it announced, holds memory and a place. Over HTTP/2 it can do so while its
//! socket is free, by the window of a stream (RFC 9113 §5.2), so that the socket alone does not tell. Nothing is timed per byte or
//! per request: they count, and one look every few seconds compares the counts.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::MissedTickBehavior;

/// Looks within the time in which something has to move.
const LOOKS: u32 = 4;

/// What moves on one connection, and for how many of its requests something is still to be done here.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests begun, bytes written, bytes of bodies read. Only its changes matter.
    moved: AtomicU64,
    /// Requests of which the peer waits for us.
    ours: AtomicUsize,
}

impl Progress {
    /// Ends when nothing has moved for `patience`, or up to half as long again, though nothing was to be done here.
    pub async fn stands_still(&self, patience: Duration) {
        let mut looks = tokio::time::interval(patience / LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut last, mut quiet) = (self.moved(), 0);
        // The first look comes at once.
        while quiet <= LOOKS {
            looks.tick().await;
            let moved = self.moved();
            let waits = moved == last && self.0.ours.load(Ordering::Relaxed) == 0;
            quiet = if waits { quiet + 1 } else { 0 };
            last = moved;
        }
    }

    /// A request has come: its answer is our turn.
    pub fn begin(&self) -> Turn {
        self.add(1);
        let turn = Turn(Arc::new(Whose { progress: self.clone(), ours: AtomicBool::new(false) }));
        turn.0.set(true);
        turn
    }

    fn moved(&self) -> u64 {
        self.0.moved.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.moved.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// Whose turn it is in one request.
#[derive(Debug)]
pub struct Turn(Arc<Whose>);

#[derive(Debug)]
struct Whose {
    progress: Progress,
    ours: AtomicBool,
}

impl Whose {
    fn set(&self, ours: bool) {
        if self.ours.swap(ours, Ordering::Relaxed) == ours {
            return;
        }
        match ours {
            true => self.progress.0.ours.fetch_add(1, Ordering::Relaxed),
            false => self.progress.0.ours.fetch_sub(1, Ordering::Relaxed),
        };
    }
}

impl Drop for Whose {
    fn drop(&mut self) {
        self.set(false);
    }
}

impl Turn {
    /// Waits for what the peer has to do.
    pub async fn theirs<F: Future>(&self, until: F) -> F::Output {
        self.0.set(false);
        let done = until.await;
        self.0.set(true);
        done
    }

    /// The body of the request: while it is waited for, it is the peer's turn.
    pub fn asked<B>(&self, body: B) -> Watched<B> {
        Watched { body, whose: Arc::clone(&self.0), side: Side::Asked, _place: None }
    }

    /// The body of the answer: while a part of it waits to be taken, it is the peer's turn, and while the next one is being made,
    /// ours. It has its place among the answers of its connection as long as it is there.
    pub fn answered<B>(self, body: B, place: Option<OwnedSemaphorePermit>) -> Watched<B> {
        self.0.set(false);
        Watched { body, whose: self.0, side: Side::Answered, _place: place }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Asked,
    Answered,
}

/// A body that says whose turn it is.
#[derive(Debug)]
pub struct Watched<B> {
    body: B,
    whose: Arc<Whose>,
    side: Side,
    _place: Option<OwnedSemaphorePermit>,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.whose.set(polled.is_pending() == (self.side == Side::Answered));
        if let (Side::Asked, Poll::Ready(Some(Ok(frame)))) = (self.side, &polled) {
            self.whose.progress.add(frame.data_ref().map_or(0, Bytes::len));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket whose written bytes are counted.
#[derive(Debug)]
pub struct Counted<S> {
    stream: S,
    progress: Progress,
}

impl<S> Counted<S> {
    /// Counts into `progress`.
    pub fn new(stream: S, progress: Progress) -> Self {
        Self { stream, progress }
    }

    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.progress.add(bytes);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.count(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);
    const SOON: Duration = Duration::from_secs(20);

    async fn stands_still_within(progress: &Progress, time: Duration) -> bool {
        tokio::time::timeout(time, progress.stands_still(PATIENCE)).await.is_ok()
    }

    #[tokio::test]
    async fn patience_ends_when_nothing_moves_and_nothing_is_to_be_done_here() {
        let progress = Progress::default();
        let begun = Instant::now();
        assert!(stands_still_within(&progress, SOON).await);
        assert!(begun.elapsed() >= PATIENCE);
        let turn = progress.begin();
        assert!(!stands_still_within(&progress, PATIENCE * 5).await, "the answer is being made");
        let answer = turn.answered((), None);
        assert!(stands_still_within(&progress, SOON).await, "the answer waits to be taken");
        drop(answer);
        assert_eq!(progress.0.ours.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_body_says_whose_turn_it_is() {
        use http_body_util::{BodyExt, Channel};

        let progress = Progress::default();
        let ours = || progress.0.ours.load(Ordering::Relaxed);
        let waits = async |body: &mut Watched<Channel<Bytes>>| {
            assert!(tokio::time::timeout(Duration::from_millis(50), body.frame()).await.is_err(), "nothing is there");
        };
        let turn = progress.begin();
        let (mut sender, body) = Channel::<Bytes>::new(1);
        let mut asked = turn.asked(body);
        waits(&mut asked).await;
        assert_eq!(ours(), 0, "the peer has to send");
        let before = progress.moved();
        sender.send_data(Bytes::from_static(b"abc")).await.unwrap();
        asked.frame().await.unwrap().unwrap();
        assert_eq!((ours(), progress.moved() - before), (1, 3), "it is to be answered");

        let (mut sender, body) = Channel::<Bytes>::new(1);
        let mut answered = turn.answered(body, None);
        assert_eq!(ours(), 0, "nobody has asked for its first part");
        waits(&mut answered).await;
        assert_eq!(ours(), 1, "we have to make it");
        sender.send_data(Bytes::from_static(b"abc")).await.unwrap();
        answered.frame().await.unwrap().unwrap();
        assert_eq!(ours(), 0, "the peer has to take it");
    }

    #[tokio::test]
    async fn whatever_moves_renews_patience() {
        let progress = Progress::default();
        let moves = async {
            loop {
                tokio::time::sleep(PATIENCE / 8).await;
                progress.add(1);
            }
        };
        tokio::select! {
            still = stands_still_within(&progress, PATIENCE * 5) => assert!(!still),
            () = moves => {}
        }
    }
}
