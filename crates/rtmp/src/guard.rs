//! What a peer may make the chunk reader keep: looked at before the reader sees the bytes.
//!
//! The reader has a table entry for each chunk stream id it meets (65 599 are possible) and reserves the declared
//! length of each message at its first chunk. So ids and lengths are counted here.

use crate::SessionError;

/// Distinct chunk stream ids in one session. Publishers use 4 to 6.
pub const CHUNK_STREAMS_MAX: usize = 16;
/// Largest message before a publish is accepted: commands of strangers.
pub const MESSAGE_BYTES_MAX_BEFORE: u32 = 64 * 1024;
/// Largest message of an accepted push: a key frame at 100 Mb/s and one a second has 12 MB. (24 bits of length end just below.)
pub const MESSAGE_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Declared lengths over all chunk streams: one largest message and half of one.
pub const DECLARED_BYTES_MAX: u32 = 24 * 1024 * 1024;

struct Stream {
    id: u32,
    declared: u32,
    /// A message has begun and is not whole.
    open: bool,
}

pub(crate) struct Guard {
    message_max: u32,
    streams: Vec<Stream>,
}

impl Guard {
    pub(crate) fn new() -> Self {
        Self { message_max: MESSAGE_BYTES_MAX_BEFORE, streams: Vec::new() }
    }

    /// The push was accepted: its key frames may be large.
    pub(crate) fn widen(&mut self) {
        self.message_max = MESSAGE_BYTES_MAX;
    }

    /// Looks at the chunk at the head of `bytes`: its chunk stream id, or `None` when the header is not whole yet.
    pub(crate) fn admit(&mut self, bytes: &[u8]) -> Result<Option<u32>, SessionError> {
        let Some((format, id, header)) = basic_header(bytes) else { return Ok(None) };
        let length = match (format, bytes.get(header + 3..header + 6)) {
            (0 | 1, Some(&[a, b, c])) => Some(u32::from_be_bytes([0, a, b, c])),
            (0 | 1, _) => return Ok(None),
            _ => None,
        };
        let full = self.streams.len() >= CHUNK_STREAMS_MAX;
        match self.streams.iter_mut().find(|stream| stream.id == id) {
            Some(stream) if stream.open && format != 3 => return Err(SessionError::Interrupted { id }),
            Some(stream) => stream.declared = length.unwrap_or(stream.declared),
            None if full => return Err(SessionError::ChunkStreams),
            // Without a length there is nothing to repeat; the reader would take a message of length 0. (A fresh stream
            // that begins with type 1 is against the letter, but librtmp answers pings that way.)
            None => match length {
                Some(declared) => self.streams.push(Stream { id, declared, open: false }),
                None => return Err(SessionError::Headless { id }),
            },
        }
        if let Some(length) = length {
            let declared = self.streams.iter().fold(0u32, |sum, stream| sum.saturating_add(stream.declared));
            if length > self.message_max || declared > DECLARED_BYTES_MAX {
                return Err(SessionError::MessageBytes { declared: length, allowed: self.message_max });
            }
        }
        Ok(Some(id))
    }

    /// A chunk of that stream was read; `whole` when it was the last of its message.
    pub(crate) fn read(&mut self, id: u32, whole: bool) {
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.id == id) {
            stream.open = !whole;
        }
    }
}

/// Format, chunk stream id and length of a chunk basic header (§5.3.1.1).
fn basic_header(bytes: &[u8]) -> Option<(u8, u32, usize)> {
    let first = *bytes.first()?;
    let (id, length) = match first & 0x3f {
        0 => (64 + u32::from(*bytes.get(1)?), 2),
        1 => (64 + u32::from(*bytes.get(1)?) + 256 * u32::from(*bytes.get(2)?), 3),
        id => (u32::from(id), 1),
    };
    Some((first >> 6, id, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(format: u8, id: u8, length: u32) -> Vec<u8> {
        let length = length.to_be_bytes();
        vec![(format << 6) | id, 0, 0, 0, length[1], length[2], length[3], 9, 1, 0, 0, 0]
    }

    #[test]
    fn lengths_are_bounded_before_and_after_the_push_is_accepted() {
        let mut guard = Guard::new();
        assert!(guard.admit(&header(0, 3, MESSAGE_BYTES_MAX_BEFORE)).is_ok());
        assert!(guard.admit(&header(0, 3, MESSAGE_BYTES_MAX_BEFORE + 1)).is_err());
        guard.widen();
        assert!(guard.admit(&header(0, 3, MESSAGE_BYTES_MAX - 1)).is_ok());
        assert!(guard.admit(&header(0, 4, MESSAGE_BYTES_MAX - 1)).is_err(), "the sum is bounded");
    }

    #[test]
    fn chunk_streams_are_counted() {
        let mut guard = Guard::new();
        for id in 2..18 {
            assert!(guard.admit(&header(0, id, 10)).is_ok());
        }
        assert!(matches!(guard.admit(&header(0, 18, 10)), Err(SessionError::ChunkStreams)));
        assert!(guard.admit(&header(0, 17, 10)).is_ok());
    }

    #[test]
    fn a_message_goes_on_only_with_type_3_chunks() {
        let mut guard = Guard::new();
        assert_eq!(guard.admit(&header(0, 4, 300)).unwrap(), Some(4));
        guard.read(4, false);
        assert_eq!(guard.admit(&[0xc4]).unwrap(), Some(4));
        assert!(matches!(guard.admit(&header(1, 4, 300)), Err(SessionError::Interrupted { id: 4 })));
        guard.read(4, true);
        assert!(guard.admit(&header(1, 4, 300)).is_ok());
    }

    #[test]
    fn a_chunk_stream_cannot_begin_without_a_header() {
        for format in 2..4 {
            assert!(matches!(Guard::new().admit(&header(format, 5, 10)), Err(SessionError::Headless { id: 5 })));
        }
        assert_eq!(Guard::new().admit(&header(1, 2, 6)).unwrap(), Some(2));
    }

    #[test]
    fn half_a_header_is_waited_for() {
        for half in [&[][..], &[0x00], &[0x01, 5], &[0x04, 0, 0, 0, 0, 0]] {
            assert_eq!(Guard::new().admit(half).unwrap(), None);
        }
    }
}
