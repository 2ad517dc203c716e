//! A plain socket on which the kernel sends what slips stand for (`blobs::Slips`).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use blobs::Slips;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// The socket. It says that it takes several buffers at once, so that the HTTP library hands slips on as they are.
#[derive(Debug)]
pub struct Outlet {
    stream: TcpStream,
    slips: Slips,
}

impl Outlet {
    /// Slips are issued by whoever makes the bodies.
    pub fn new(stream: TcpStream, slips: Slips) -> Self {
        Self { stream, slips }
    }

    /// Once the socket takes something, does `write`, which has so many bytes.
    fn poll_writing(
        &self,
        cx: &mut Context<'_>,
        bytes: usize,
        mut write: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            let mut some = None;
            let done = self.stream.try_io(Interest::WRITABLE, || match write()? {
                // It is full: to find that out by another call would cost as much as to send.
                written if written < bytes => {
                    some = Some(written);
                    Err(io::ErrorKind::WouldBlock.into())
                }
                written => Ok(written),
            });
            match (done, some) {
                (_, Some(written)) => return Poll::Ready(Ok(written)),
                (Err(error), None) if error.kind() == io::ErrorKind::WouldBlock => {}
                (done, None) => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncRead for Outlet {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Outlet {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    /// Writes what comes before the next slip, or some of a slip.
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(slip) = buffers.iter().position(|buffer| Slips::is_slip(buffer)) else {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, buffers);
        };
        match buffers.split_at(slip) {
            ([], [slip, ..]) => self.poll_writing(cx, slip.len(), || self.slips.send(&self.stream, slip.len())),
            // Heads are small, and share a packet with what follows.
            (before, _) => self.poll_writing(cx, before.iter().map(|buffer| buffer.len()).sum(), || {
                Ok(sendmsg(
                    &self.stream,
                    before,
                    &mut SendAncillaryBuffer::default(),
                    SendFlags::MORE | SendFlags::NOSIGNAL,
                )?)
            }),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::{Body, Bytes};
    use blobs::{Blobs, Opened};
    use futures::stream;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response, body::Incoming};
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A part of a body: bytes that were made, or a stretch of the file.
    #[derive(Clone)]
    enum Part {
        Made(Bytes),
        Stored(std::ops::Range<u64>),
    }

    /// Every byte of the file differs from those around it.
    fn stored(length: u64) -> Vec<u8> {
        (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 255 + 1).unwrap()).collect()
    }

    async fn body(parts: &[Part], file: &Opened, slips: &Slips) -> Body {
        let (parts, file, slips) = (parts.to_vec(), file.clone(), slips.clone());
        Body::from_stream(stream::iter(parts.into_iter().map(move |part| {
            Ok::<_, Infallible>(match part {
                Part::Made(bytes) => bytes,
                Part::Stored(range) => slips.issue(file.stretch_in_memory(range).unwrap()),
            })
        })))
    }

    #[tokio::test]
    async fn answers_of_bytes_and_slips_arrive_as_they_are_meant() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path()).unwrap();
        let content = stored(3_000_000);
        blobs.put("a", content.clone().into()).await.unwrap();
        let file = blobs.open("a").unwrap().unwrap();
        let mut parts = vec![Part::Made(Bytes::from_static(b"head"))];
        for nth in 0..40u64 {
            parts.push(Part::Stored(nth * 70_000..(nth + 1) * 70_000));
            parts.push(Part::Stored(nth..nth + 1));
            parts.push(Part::Made(Bytes::from(vec![b'm'; usize::try_from(nth * 300 + 1).unwrap()])));
        }
        let mut meant = Vec::new();
        for part in &parts {
            match part {
                Part::Made(bytes) => meant.extend_from_slice(bytes),
                Part::Stored(range) => {
                    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
                    meant.extend_from_slice(&content[range]);
                }
            }
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let length = meant.len();
        let server = async {
            let slips = Slips::default();
            let outlet = Outlet::new(listener.accept().await.unwrap().0, slips.clone());
            let service = service_fn(move |_: Request<Incoming>| {
                let (parts, file, slips) = (parts.clone(), file.clone(), slips.clone());
                async move {
                    let body = body(&parts, &file, &slips).await;
                    Response::builder().header("content-length", length).body(body)
                }
            });
            http1::Builder::new().writev(true).serve_connection(TokioIo::new(outlet), service).await.unwrap();
        };
        let client = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // The second is asked before the first was read, and the peer reads slowly: slips are sent in parts.
            for last in ["", "connection: close\r\n"] {
                stream.write_all(format!("GET / HTTP/1.1\r\nhost: a\r\n{last}\r\n").as_bytes()).await.unwrap();
            }
            let mut got = Vec::new();
            let mut some = vec![0; 7_001];
            loop {
                let read = stream.read(&mut some).await.unwrap();
                if read == 0 {
                    return got;
                }
                got.extend_from_slice(&some[..read]);
            }
        };
        let ((), mut got) = tokio::join!(server, client);
        for nth in 0..2 {
            let head = got.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let rest = got.split_off(head);
            assert!(got.starts_with(b"HTTP/1.1 200"), "{nth}: {}", String::from_utf8_lossy(&got));
            assert!(rest.len() >= length, "{nth}");
            assert!(rest[..length] == meant, "answer {nth} is another");
            got = rest[length..].to_vec();
        }
        assert!(got.is_empty());
    }
}
