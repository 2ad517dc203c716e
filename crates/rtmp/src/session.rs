//! The session machine: handshake, connect, publish, media, end.

use std::mem;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use codec::Frame;
use rtmp_rs::protocol::chunk::{ChunkDecoder, RtmpChunk};
use rtmp_rs::protocol::constants::{
    MSG_ABORT, MSG_AGGREGATE, MSG_AUDIO, MSG_COMMAND_AMF0, MSG_COMMAND_AMF3, MSG_SET_CHUNK_SIZE, MSG_USER_CONTROL,
    MSG_VIDEO, MSG_WINDOW_ACK_SIZE, RTMP_VERSION, UC_PING_REQUEST,
};
use rtmp_rs::protocol::handshake::{Handshake, HandshakeRole};
use units::Mono;

use crate::amf::{AmfError, Value, read_values};
use crate::guard::Guard;
use crate::media::{Left, Media, MediaError};
use crate::query::{Query, host_of, split_name};
use crate::reply::Replies;

/// From accept to the end of the handshake: three round trips on a bad mobile link, not more.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// From accept to `publish`. Encoders send it within the second.
pub const PUBLISH_WAIT: Duration = Duration::from_secs(20);
/// Without a byte from an accepted publisher: one that lives sends sound or a picture each second, and TCP bridges a
/// stall of some seconds. A publisher that returns does not wait for it: it supersedes.
pub const IDLE_WAIT: Duration = Duration::from_secs(20);
/// One command message. A `connect` has less than 1 KiB; signed stream names reach 2.
pub const COMMAND_BYTES_MAX: usize = 16 * 1024;
/// `createStream` calls in one session. Publishers make one.
pub const STREAMS_MAX: u32 = 8;

/// The waits of a session; see the constants for the defaults and their reasons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waits {
    /// From accept to the end of the handshake.
    pub handshake: Duration,
    /// From accept to `publish`.
    pub publish: Duration,
    /// Without a byte from an accepted publisher.
    pub idle: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self { handshake: HANDSHAKE_WAIT, publish: PUBLISH_WAIT, idle: IDLE_WAIT }
    }
}

/// What happened outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// Bytes were appended to [`Session::buffer`].
    Received,
    /// The peer will send no more: its side is closed, or reading failed. What it sent before was given as `Received`.
    Closed,
    /// Time has passed, at least to the deadline of the last [`Output::Wait`].
    Tick,
}

/// What is to be done outside, in this order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send these bytes.
    Send(Bytes),
    /// Someone wants to publish: answer with [`Session::accept`] or [`Session::refuse`]. Until then nothing is read.
    PublishRequested(PublishRequest),
    /// Media, in order of arrival; all that one input brought.
    Frames(Vec<Frame>),
    /// The session is over, once, after everything else. Close the connection when what was to be sent is sent.
    Ended(Ended),
    /// Nothing more to do now. Come back with an input, at the latest at this time with a [`Input::Tick`].
    Wait(Mono),
}

/// A `publish` command with what `connect` said before. Printing it shows no stream key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishRequest {
    /// The app name, without its query.
    pub app: String,
    /// The stream name, without its query.
    pub stream: String,
    /// The query of the stream name and, for what is not there, that of the app.
    pub params: Query,
    /// The host of the `tcUrl`: the name by which the publisher reached the server, or wanted to.
    pub host: Option<String>,
}

/// Why a session is over.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ended {
    /// The publisher said so (`FCUnpublish`, `deleteStream`, `closeStream`).
    #[error("the publisher ended the stream")]
    Unpublished,
    /// The connection ended without a word.
    #[error("the connection was closed")]
    Closed,
    /// Nothing came for this long.
    #[error("no byte for {} s", .0.as_secs())]
    Silent(Duration),
    /// The step was not done in this time.
    #[error("no {step} within {} s", .wait.as_secs())]
    Slow {
        /// "handshake" or "publish".
        step: &'static str,
        /// The wait.
        wait: Duration,
    },
    /// The publisher sent what breaks the protocol or a limit.
    #[error(transparent)]
    Protocol(#[from] SessionError),
    /// The publisher sent media that is not taken.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The service refused or ended it, with this reason.
    #[error("{0}")]
    Dismissed(String),
}

/// What breaks the protocol, or one of the limits.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SessionError {
    /// The first byte is no version of RTMP: HTTP, TLS, RTMPE or noise.
    #[error("not RTMP: the first byte is {0:#04x}")]
    Version(u8),
    /// The chunk reader gave up.
    #[error("malformed chunk: {0}")]
    Chunk(String),
    /// More distinct chunk stream ids than allowed.
    #[error("more than {} chunk streams", crate::guard::CHUNK_STREAMS_MAX)]
    ChunkStreams,
    /// A chunk stream begins with a header that repeats what never was.
    #[error("chunk stream {id} begins without a message header")]
    Headless {
        /// The chunk stream.
        id: u32,
    },
    /// A new message begins before the one before it is whole.
    #[error("a message on chunk stream {id} begins inside another")]
    Interrupted {
        /// The chunk stream.
        id: u32,
    },
    /// A message is declared too long, alone or with those that are under way.
    #[error("a message of {declared} bytes; {allowed} are allowed")]
    MessageBytes {
        /// Its declared length.
        declared: u32,
        /// The limit at this point of the session.
        allowed: u32,
    },
    /// A chunk size of 0, or a control message that is too short.
    #[error("malformed protocol control message of type {0}")]
    Control(u8),
    /// A command longer than [`COMMAND_BYTES_MAX`].
    #[error("a command of {0} bytes")]
    CommandBytes(usize),
    /// A command that is no AMF0.
    #[error("malformed command")]
    Amf(#[from] AmfError),
    /// More streams were created than allowed.
    #[error("more than {STREAMS_MAX} streams in one session")]
    Streams,
    /// A command that does not belong here.
    #[error("`{0}` out of order")]
    Order(&'static str),
    /// Somebody wants to watch.
    #[error("playing over RTMP is not offered: play the HLS URL of the stream")]
    Play,
}

enum State {
    Handshake(Box<Handshake>),
    /// Until `publish`: `connect`, `createStream` and courtesies.
    Commands,
    /// The service decides about the publish on this message stream.
    Asked {
        stream: u32,
    },
    Publishing {
        stream: u32,
    },
    Over,
}

/// One connection of a publisher. Feed bytes through [`buffer`](Self::buffer) and [`handle`](Self::handle), then
/// [`poll`](Self::poll) until it answers [`Output::Wait`].
pub struct Session {
    waits: Waits,
    state: State,
    opened: Mono,
    last_received: Mono,
    inbound: BytesMut,
    /// Length of `inbound` that was counted as received.
    counted: usize,
    received: u64,
    acknowledged: u64,
    /// Bytes after which the peer asked for an acknowledgement. One that nobody asked for does harm: it may reach a publisher
    /// that has closed with data on the way, whose system then resets the connection and drops that data.
    ack_window: Option<u64>,
    decoder: ChunkDecoder,
    guard: Guard,
    media: Media,
    replies: Replies,
    connect: Option<Connect>,
    streams: u32,
    request: Option<PublishRequest>,
    frames: Vec<Frame>,
    ended: Option<Ended>,
}

struct Connect {
    app: String,
    query: Query,
    host: Option<String>,
}

impl Session {
    /// A session of a connection accepted at `now`.
    pub fn new(now: Mono, waits: Waits) -> Self {
        let mut handshake = Box::new(Handshake::new(HandshakeRole::Server));
        // The server's part begins with waiting.
        let _ = handshake.generate_initial();
        Self {
            waits,
            state: State::Handshake(handshake),
            opened: now,
            last_received: now,
            inbound: BytesMut::new(),
            counted: 0,
            received: 0,
            acknowledged: 0,
            ack_window: None,
            decoder: ChunkDecoder::new(),
            guard: Guard::new(),
            media: Media::default(),
            replies: Replies::new(),
            connect: None,
            streams: 0,
            request: None,
            frames: Vec::new(),
            ended: None,
        }
    }

    /// Where received bytes are appended, to be followed by [`Input::Received`]. Bytes stay in it while a chunk is not
    /// whole, and while a publish is asked for.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.inbound
    }

    /// What was received but not handed on.
    pub fn left(&self) -> Left {
        self.media.left
    }

    /// Takes one input. Then drain [`poll`](Self::poll) before the next.
    pub fn handle(&mut self, now: Mono, input: Input) {
        match input {
            Input::Received => {
                self.count(now);
                self.advance();
            }
            Input::Closed => self.end(Ended::Closed),
            Input::Tick => self.check_deadline(now),
        }
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Output {
        if let Some(bytes) = self.replies.take() {
            return Output::Send(bytes);
        }
        if let Some(request) = self.request.take() {
            return Output::PublishRequested(request);
        }
        if !self.frames.is_empty() {
            return Output::Frames(mem::take(&mut self.frames));
        }
        if let Some(ended) = self.ended.take() {
            return Output::Ended(ended);
        }
        Output::Wait(self.deadline())
    }

    /// The publish that was asked for may begin. Media that came with the request is handed on at once.
    pub fn accept(&mut self, now: Mono) {
        if let State::Asked { stream } = self.state {
            self.replies.publish_started(stream);
            self.guard.widen();
            self.state = State::Publishing { stream };
            // The decision is our time, not the publisher's silence.
            self.last_received = now;
            self.advance();
        }
    }

    /// The publish that was asked for may not begin, or the push may not go on; `reason` is told to the publisher.
    pub fn refuse(&mut self, reason: &str) {
        if let State::Asked { stream } | State::Publishing { stream } = self.state {
            self.replies.status(stream, "error", "NetStream.Publish.Denied", reason);
        }
        self.end(Ended::Dismissed(reason.to_owned()));
    }

    fn deadline(&self) -> Mono {
        match self.state {
            State::Handshake(_) => self.opened.after(self.waits.handshake),
            State::Commands => self.opened.after(self.waits.publish),
            State::Publishing { .. } => self.last_received.after(self.waits.idle),
            State::Asked { .. } | State::Over => Mono(Duration::MAX),
        }
    }

    fn check_deadline(&mut self, now: Mono) {
        if now < self.deadline() {
            return;
        }
        match self.state {
            State::Handshake(_) => self.end(Ended::Slow { step: "handshake", wait: self.waits.handshake }),
            State::Commands => self.end(Ended::Slow { step: "publish", wait: self.waits.publish }),
            State::Publishing { .. } => self.end(Ended::Silent(self.waits.idle)),
            State::Asked { .. } | State::Over => {}
        }
    }

    fn count(&mut self, now: Mono) {
        let new = self.inbound.len().saturating_sub(self.counted);
        if new > 0 {
            self.last_received = now;
            self.received += u64::try_from(new).unwrap_or(0);
        }
    }

    /// Reads all that can be read, then acknowledges if that was asked for.
    fn advance(&mut self) {
        if let Err(ended) = self.read() {
            self.refuse_for(ended);
        }
        self.counted = self.inbound.len();
        let greeted = !matches!(self.state, State::Handshake(_));
        let unacknowledged = self.received - self.acknowledged;
        if greeted && self.ack_window.is_some_and(|window| unacknowledged >= window) {
            self.acknowledged = self.received;
            // The sequence number wraps (§5.4.3).
            self.replies.acknowledge(u32::try_from(self.received & 0xffff_ffff).unwrap_or(0));
        }
    }

    fn read(&mut self) -> Result<(), Ended> {
        if let State::Handshake(_) = self.state {
            self.read_handshake()?;
        }
        while matches!(self.state, State::Commands | State::Publishing { .. }) {
            let before = self.inbound.len();
            let Some(id) = self.guard.admit(&self.inbound)? else { break };
            let chunk = self.decoder.decode(&mut self.inbound);
            let chunk = chunk.map_err(|cause| SessionError::Chunk(cause.to_string()))?;
            if self.inbound.len() == before {
                break;
            }
            self.guard.read(id, chunk.is_some());
            if let Some(chunk) = chunk {
                self.message(chunk)?;
            }
        }
        Ok(())
    }

    fn read_handshake(&mut self) -> Result<(), Ended> {
        if self.received == u64::try_from(self.inbound.len()).unwrap_or(u64::MAX) {
            match self.inbound.first() {
                Some(&version) if version != RTMP_VERSION => return Err(SessionError::Version(version).into()),
                _ => {}
            }
        }
        while let State::Handshake(handshake) = &mut self.state {
            let needed = handshake.bytes_needed();
            if self.inbound.len() < needed {
                break;
            }
            let reply = handshake.process(&mut self.inbound.split_to(needed).freeze());
            let reply = reply.map_err(|cause| SessionError::Chunk(cause.to_string()))?;
            let done = handshake.is_done();
            if let Some(reply) = reply {
                self.replies.raw(&reply);
            }
            if done {
                self.state = State::Commands;
            }
        }
        Ok(())
    }

    fn message(&mut self, chunk: RtmpChunk) -> Result<(), Ended> {
        let publishing = matches!(self.state, State::Publishing { .. });
        let RtmpChunk { timestamp, mut payload, .. } = chunk;
        match chunk.message_type {
            // Media before the answer to `publish` belongs to nothing yet.
            MSG_VIDEO if publishing => self.media.video(timestamp, &payload, &mut self.frames)?,
            MSG_AUDIO if publishing => self.media.audio(timestamp, &payload, &mut self.frames)?,
            MSG_AGGREGATE if publishing => self.media.aggregate(timestamp, payload, &mut self.frames)?,
            MSG_SET_CHUNK_SIZE => match payload.try_get_u32() {
                // The first bit is zero by definition; some encoders set it all the same.
                Ok(size) if size & 0x7fff_ffff > 0 => self.decoder.set_chunk_size(size & 0x7fff_ffff),
                _ => return Err(SessionError::Control(MSG_SET_CHUNK_SIZE).into()),
            },
            MSG_ABORT => {
                let id = payload.try_get_u32().map_err(|_| SessionError::Control(MSG_ABORT))?;
                self.decoder.abort(id);
                self.guard.read(id, true);
            }
            MSG_WINDOW_ACK_SIZE => {
                let size = payload.try_get_u32().map_err(|_| SessionError::Control(MSG_WINDOW_ACK_SIZE))?;
                // Zero would ask for an acknowledgement of nothing.
                self.ack_window = (size > 0).then(|| u64::from(size));
            }
            MSG_USER_CONTROL if payload.try_get_u16() == Ok(UC_PING_REQUEST) => {
                self.replies.pong(payload.try_get_u32().unwrap_or(0));
            }
            MSG_COMMAND_AMF0 => self.command(chunk.stream_id, &payload)?,
            // AMF3 commands are AMF0 behind one byte, but for objects that say otherwise.
            MSG_COMMAND_AMF3 => self.command(chunk.stream_id, payload.get(1..).unwrap_or_default())?,
            // Acknowledgements, other user control, bandwidth, shared objects, and script data: nothing of it is needed.
            _ => {}
        }
        Ok(())
    }

    fn command(&mut self, stream: u32, payload: &[u8]) -> Result<(), Ended> {
        if payload.len() > COMMAND_BYTES_MAX {
            return Err(SessionError::CommandBytes(payload.len()).into());
        }
        let values = read_values(payload).map_err(SessionError::Amf)?;
        let mut values = values.into_iter();
        let name = values.next();
        let transaction = values.next().and_then(|value| value.number()).unwrap_or(0.0);
        let arguments: Vec<_> = values.collect();
        match name.as_ref().and_then(Value::text).unwrap_or_default() {
            "connect" => self.connect(transaction, arguments.first())?,
            "createStream" => {
                if self.streams >= STREAMS_MAX {
                    return Err(SessionError::Streams.into());
                }
                self.streams += 1;
                self.replies.stream_created(transaction, self.streams);
            }
            "publish" => self.publish(stream, arguments.get(1).and_then(Value::text).unwrap_or_default())?,
            // Transaction 0 asks for no answer.
            "releaseStream" | "FCPublish" | "_checkbw" if transaction > 0.0 => self.replies.done(transaction),
            "FCUnpublish" | "deleteStream" | "closeStream" => {
                // Before a publish they clear what an earlier session may have left.
                if matches!(self.state, State::Publishing { .. }) {
                    self.end(Ended::Unpublished);
                }
            }
            "play" | "play2" => return Err(SessionError::Play.into()),
            // Results, and calls that no publisher waits for.
            _ => {}
        }
        Ok(())
    }

    fn connect(&mut self, transaction: f64, object: Option<&Value>) -> Result<(), Ended> {
        if self.connect.is_some() {
            return Err(SessionError::Order("connect").into());
        }
        let text = |key| object.and_then(|object| object.text_of(key)).unwrap_or_default();
        let (app, query) = split_name(text("app"));
        let host = host_of(text("tcUrl")).map(str::to_owned);
        self.connect = Some(Connect { app: app.to_owned(), query, host });
        let encoding = match object {
            Some(Value::Object(members)) => members.iter().find(|(key, _)| key == "objectEncoding"),
            _ => None,
        };
        self.replies.connected(transaction, encoding.and_then(|(_, value)| value.number()).unwrap_or(0.0));
        Ok(())
    }

    fn publish(&mut self, stream: u32, name: &str) -> Result<(), Ended> {
        let (Some(connect), State::Commands) = (&mut self.connect, &self.state) else {
            return Err(SessionError::Order("publish").into());
        };
        let (name, mut params) = split_name(name);
        params.merge(mem::take(&mut connect.query));
        let (app, host) = (mem::take(&mut connect.app), connect.host.take());
        self.request = Some(PublishRequest { app, stream: name.to_owned(), params, host });
        self.state = State::Asked { stream };
        Ok(())
    }

    /// Tells the publisher why, as far as it can be told, and ends.
    fn refuse_for(&mut self, ended: Ended) {
        match (&ended, &self.state) {
            (Ended::Protocol(SessionError::Play), State::Commands) => {
                self.replies.status(self.streams, "error", "NetStream.Play.Failed", &ended.to_string());
            }
            (Ended::Protocol(_) | Ended::Media(_), State::Publishing { stream }) => {
                self.replies.status(*stream, "error", "NetStream.Publish.Denied", &ended.to_string());
            }
            _ => {}
        }
        self.end(ended);
    }

    fn end(&mut self, ended: Ended) {
        if !matches!(self.state, State::Over) {
            self.state = State::Over;
            self.request = None;
            self.ended = Some(ended);
        }
    }
}

#[cfg(test)]
mod tests;
