//! What the targets share: a session of RTMP that is fed, and what came out of it.

use bytes::BytesMut;
use codec::Frame;
use rtmp::{Input, Output, Session, Waits};
use units::Mono;

/// Most bytes that a session may keep: a largest message, half of one, and what was read beyond it.
const KEPT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What came out of a session.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    /// All that was to be sent.
    pub sent: Vec<u8>,
    /// All frames.
    pub frames: Vec<Frame>,
    /// How it ended, once.
    pub ended: Option<rtmp::Ended>,
}

/// Feeds `bytes` in pieces of these lengths, again from the first when they are used up; accepts every publish.
pub fn feed(bytes: &[u8], pieces: &[usize]) -> Outcome {
    let mut session = Session::new(Mono::default(), Waits::default());
    let mut outcome = Outcome::default();
    let mut pieces = pieces.iter().copied().cycle();
    let mut rest = bytes;
    while !rest.is_empty() && outcome.ended.is_none() {
        let (piece, after) = rest.split_at(pieces.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
        session.buffer().extend_from_slice(piece);
        session.handle(Mono::default(), Input::Received);
        drain(&mut session, &mut outcome);
        assert!(session.buffer().len() <= KEPT_BYTES_MAX);
        rest = after;
    }
    outcome
}

fn drain(session: &mut Session, outcome: &mut Outcome) {
    loop {
        match session.poll() {
            Output::Send(bytes) => outcome.sent.extend_from_slice(&bytes),
            Output::PublishRequested(_) => session.accept(Mono::default()),
            Output::Frames(frames) => outcome.frames.extend(frames),
            Output::Ended(ended) => assert!(outcome.ended.replace(ended).is_none(), "it ended twice"),
            Output::Wait(_) => return,
        }
    }
}

/// C0, C1 and C2 of a client, and a chunk size of 64 KiB.
pub fn greeting() -> BytesMut {
    let mut bytes = BytesMut::zeroed(1 + 2 * 1536);
    bytes[0] = 3;
    bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 1, 0, 0]);
    bytes
}

/// A message in one chunk of type 0.
pub fn message(out: &mut BytesMut, chunk_stream: u8, kind: u8, stream: u8, body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.extend_from_slice(&[chunk_stream, 0, 0, 0, length[1], length[2], length[3], kind, stream, 0, 0, 0]);
    out.extend_from_slice(body);
}

/// The commands up to and with `publish`.
pub fn commands(out: &mut BytesMut) {
    const CONNECT: &[u8] = b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0\x03\0\x03app\x02\0\x03cup\0\x05tcUrl\x02\0\x0frtmp://host/cup\0\0\x09";
    const CREATE: &[u8] = b"\x02\0\x0ccreateStream\0\x40\0\0\0\0\0\0\0\x05";
    const PUBLISH: &[u8] = b"\x02\0\x07publish\0\x40\x08\0\0\0\0\0\0\x05\x02\0\x01s\x02\0\x04live";
    message(out, 3, 20, 0, CONNECT);
    message(out, 3, 20, 0, CREATE);
    message(out, 3, 20, 1, PUBLISH);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canned_commands_begin_a_push() {
        let mut bytes = greeting();
        commands(&mut bytes);
        message(&mut bytes, 4, 8, 1, &[0xaf, 0, 0x11, 0x90]);
        let outcome = feed(&bytes, &[]);
        assert_eq!((outcome.frames.len(), outcome.ended), (1, None));
    }
}
