//! The socket of a running push: read and written without waiting, off the poller.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use bytes::BytesMut;

/// One read. The kernel fills it at once when that much is there.
const READ_BYTES: usize = 256 * 1024;
/// Most bytes of one look at the socket, so that one fast sender does not hold the others up, and that a server with more to
/// carry than it can does not take it all into memory: what is not read waits at the publishers.
const LOOK_BYTES_MAX: usize = 256 * 1024;
/// A buffer that a burst made larger is given back when it is nearly empty again.
const BUFFER_BYTES_KEPT: usize = 256 * 1024;
/// Replies that a peer may leave unread. Ours are a few dozen bytes in a megabyte of its own; more means that it asks
/// without listening.
const UNSENT_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// Shared by all sockets of a thread, so that a stream's own buffer is only as large as what it sends at a time.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// What one look at the socket brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    pub(crate) bytes: usize,
    /// The peer will send no more.
    pub(crate) closed: bool,
}

pub(crate) struct Socket {
    stream: TcpStream,
    unsent: BytesMut,
    /// Writing failed. Reading goes on: what the peer had sent by then is still there.
    deaf: bool,
}

impl Socket {
    /// `stream` must be non-blocking.
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, unsent: BytesMut::new(), deaf: false }
    }

    /// Appends what is there to `buffer`.
    pub(crate) fn look(&mut self, buffer: &mut BytesMut) -> Look {
        if buffer.capacity() > BUFFER_BYTES_KEPT && buffer.len() < BUFFER_BYTES_KEPT / 4 {
            *buffer = BytesMut::from(&buffer[..]);
        }
        READ.with_borrow_mut(|room| {
            let before = buffer.len();
            let mut closed = false;
            while buffer.len() - before < LOOK_BYTES_MAX {
                match (&self.stream).read(room) {
                    Ok(0) => {
                        closed = true;
                        break;
                    }
                    Ok(read) => {
                        buffer.extend_from_slice(room.get(..read).unwrap_or_default());
                        // A short read has emptied the receive buffer: no second call to hear that.
                        if read < room.len() {
                            break;
                        }
                    }
                    Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                    Err(cause) if cause.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => {
                        closed = true;
                        break;
                    }
                }
            }
            Look { bytes: buffer.len() - before, closed }
        })
    }

    /// Sends, or keeps for later what the peer does not take now. `false` when the peer leaves too much unread.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.unsent.extend_from_slice(bytes);
        self.flush();
        self.unsent.len() <= UNSENT_BYTES_MAX
    }

    pub(crate) fn flush(&mut self) {
        while !self.unsent.is_empty() && !self.deaf {
            match (&self.stream).write(&self.unsent) {
                Ok(written) => drop(self.unsent.split_to(written)),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.deaf = true,
            }
        }
        if self.deaf {
            self.unsent.clear();
        }
    }

    /// Says that no more is sent and gives the stream back, for waiting until the peer closes.
    pub(crate) fn finish(mut self) -> io::Result<tokio::net::TcpStream> {
        self.flush();
        self.stream.shutdown(Shutdown::Write)?;
        tokio::net::TcpStream::from_std(self.stream)
    }
}
