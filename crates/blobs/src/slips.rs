//! Slips: bytes that the kernel takes from a file to a socket by itself (`sendfile`).
//!
//! A library that writes HTTP wants the bytes of a body in memory. For those that lie in a file it gets a *slip*: a buffer of as
//! many bytes that nobody reads. Whoever owns the socket knows a slip by where it lies in memory, and has the kernel
//! send the stretch of the file that it stands for. So nothing is read and nothing copied here (decision 0051).
//!
//! **Invariant:** slips of one connection are sent in the order in which they were issued. **Boundary:** only for a connection whose
//! writer hands buffers on as they are: no TLS, no HTTP/2, no writer that copies.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use rustix::io::{ReadWriteFlags, preadv2};

/// Bytes of the longest slip.
pub const SLIP_BYTES_MAX: usize = 1 << 20;
/// How far apart a stretch is looked at. A look costs about as much as to send some pages.
const LOOK_BYTES: u64 = 256 << 10;

/// Pages that were never touched, and so are none: only their address counts.
static BLANK: LazyLock<Bytes> = LazyLock::new(|| vec![0; SLIP_BYTES_MAX].into());

/// An object that is open to be read, for some seconds. Cheap to clone; one that is deleted meanwhile stays readable.
#[derive(Clone, Debug)]
pub struct Opened(Arc<Looked>);

/// A file, and where it was looked at.
#[derive(Debug)]
struct Looked {
    file: File,
    /// Of the first 64 blocks of [`LOOK_BYTES`], those that were in memory. What is asked for stays there for as long as a file is open.
    seen: AtomicU64,
    /// How far it is known to reach.
    reaches: AtomicU64,
}

impl Opened {
    pub(crate) fn new(file: File) -> Self {
        Self(Arc::new(Looked { file, seen: AtomicU64::new(0), reaches: AtomicU64::new(0) }))
    }

    /// The bytes `range` of it, when all of them seem to be in memory, so that sending them does not wait for the disk.
    pub fn stretch_in_memory(&self, range: Range<u64>) -> Option<Stretch> {
        let last = range.end.checked_sub(1)?;
        for block in range.start / LOOK_BYTES..=last / LOOK_BYTES {
            let bit = u32::try_from(block).ok().and_then(|block| 1_u64.checked_shl(block)).unwrap_or_default();
            if self.0.seen.load(Ordering::Relaxed) & bit == 0 {
                self.is_in_memory(range.start.max(block * LOOK_BYTES)).then_some(())?;
                self.0.seen.fetch_or(bit, Ordering::Relaxed);
            }
        }
        if self.0.reaches.load(Ordering::Relaxed) < range.end {
            self.is_in_memory(last).then_some(())?;
            self.0.reaches.fetch_max(range.end, Ordering::Relaxed);
        }
        Some(Stretch { file: self.clone(), rest: range })
    }

    /// The bytes of all of `ranges`, when they are in memory: nothing waits for the disk.
    pub fn read_in_memory(&self, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        let length = |range: &Range<u64>| usize::try_from(range.end.saturating_sub(range.start)).ok();
        let total = ranges.iter().map(length).sum::<Option<usize>>()?;
        let mut room = BytesMut::zeroed(total);
        let mut read = Vec::with_capacity(ranges.len());
        for range in ranges {
            let mut bytes = room.split_to(length(range)?);
            let got = preadv2(&self.0.file, &mut [IoSliceMut::new(&mut bytes)], range.start, ReadWriteFlags::NOWAIT);
            got.is_ok_and(|got| got == bytes.len()).then_some(())?;
            read.push(bytes.freeze());
        }
        Some(read)
    }

    /// A file system that cannot say counts as one that has to be waited for.
    fn is_in_memory(&self, at: u64) -> bool {
        let mut byte = [0];
        let read = preadv2(&self.0.file, &mut [IoSliceMut::new(&mut byte)], at, ReadWriteFlags::NOWAIT);
        read.is_ok_and(|read| read == 1)
    }
}

/// Bytes of a file that are to be sent.
#[derive(Clone, Debug)]
pub struct Stretch {
    file: Opened,
    rest: Range<u64>,
}

impl Stretch {
    /// Bytes that are still to be sent.
    fn length(&self) -> u64 {
        self.rest.end.saturating_sub(self.rest.start)
    }
}

/// The slips of one connection that are not sent yet. Cheap to clone: all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Slips(Arc<Mutex<VecDeque<Stretch>>>);

impl Slips {
    /// A slip for a stretch, to be written next. It has as many bytes; for a stretch of more than [`SLIP_BYTES_MAX`] it is one for the
    /// beginning of that length.
    pub fn issue(&self, mut stretch: Stretch) -> Bytes {
        let length = usize::try_from(stretch.length()).map_or(SLIP_BYTES_MAX, |length| length.min(SLIP_BYTES_MAX));
        stretch.rest.end = stretch.rest.start.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        self.queue().push_back(stretch);
        BLANK.slice(..length)
    }

    /// Whether a buffer is a slip, or the rest of one.
    pub fn is_slip(buffer: &[u8]) -> bool {
        BLANK.as_ptr_range().contains(&buffer.as_ptr())
    }

    /// Sends at most `length` bytes of what the next slip stands for; tells how many the socket took.
    ///
    /// # Errors
    /// Those of the socket and the disk; `UnexpectedEof` when the file is shorter than the stretch, or no slip was issued.
    pub fn send(&self, socket: impl AsFd, length: usize) -> io::Result<usize> {
        let mut queue = self.queue();
        let next = queue.front_mut().ok_or(io::ErrorKind::UnexpectedEof)?;
        let length = usize::try_from(next.length()).map_or(length, |left| left.min(length));
        let sent = rustix::fs::sendfile(socket, &next.file.0.file, Some(&mut next.rest.start), length)?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if next.rest.is_empty() {
            queue.pop_front();
        }
        Ok(sent)
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Stretch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    fn opened(bytes: &[u8]) -> Opened {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        Opened::new(file)
    }

    fn stretch(file: &Opened, rest: Range<u64>) -> Stretch {
        Stretch { file: file.clone(), rest }
    }

    #[test]
    fn slips_are_sent_in_their_order_and_in_parts() {
        let (a, b) = (opened(b"0123456789"), opened(b"abcdefgh"));
        let slips = Slips::default();
        let first = slips.issue(stretch(&a, 2..8));
        let second = slips.clone().issue(stretch(&b, 0..3));
        assert_eq!((first.len(), second.len()), (6, 3));
        let (socket, mut peer) = UnixStream::pair().unwrap();
        assert_eq!(slips.send(&socket, 4).unwrap(), 4);
        let rest = &first[4..];
        assert!(Slips::is_slip(rest) && Slips::is_slip(&second));
        // No more than the slip has, whatever is asked for.
        assert_eq!(slips.send(&socket, 100).unwrap(), 2);
        assert_eq!(slips.send(&socket, second.len()).unwrap(), 3);
        assert_eq!(slips.send(&socket, 1).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        drop(socket);
        let mut got = String::new();
        peer.read_to_string(&mut got).unwrap();
        assert_eq!(got, "234567abc");
    }

    #[test]
    fn a_slip_has_a_longest_length() {
        let bytes = vec![7; SLIP_BYTES_MAX + 1];
        let file = opened(&bytes);
        let slips = Slips::default();
        let longest = u64::try_from(SLIP_BYTES_MAX).unwrap();
        assert_eq!(slips.issue(stretch(&file, 1..longest + 1)).len(), SLIP_BYTES_MAX);
        assert_eq!(slips.issue(stretch(&file, 0..longest + 1)).len(), SLIP_BYTES_MAX);
        assert!(slips.queue().iter().all(|next| next.length() == longest));
    }

    #[test]
    fn ordinary_bytes_are_no_slips() {
        for bytes in [Bytes::from_static(b"abc"), vec![0; SLIP_BYTES_MAX].into(), Bytes::new()] {
            assert!(!Slips::is_slip(&bytes));
        }
    }

    #[test]
    fn what_is_in_memory_is_read_in_its_order() {
        let file = opened(b"0123456789");
        let read = file.read_in_memory(&[5..8, 0..0, 2..4, 2..10]).unwrap();
        assert_eq!(read, [&b"567"[..], b"", b"23", b"23456789"]);
        assert_eq!(file.read_in_memory(&[1..3, 5..11]), None, "it does not reach so far");
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let file = opened(b"abc");
        let slips = Slips::default();
        slips.issue(stretch(&file, 1..9));
        let (socket, _peer) = UnixStream::pair().unwrap();
        assert_eq!(slips.send(&socket, 8).unwrap(), 2);
        assert_eq!(slips.send(&socket, 6).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert!(file.stretch_in_memory(1..9).is_none(), "it does not reach so far");
        assert!(file.stretch_in_memory(1..1).is_none_or(|empty| empty.rest.is_empty()));
    }
}
