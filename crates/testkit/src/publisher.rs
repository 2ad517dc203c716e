//! A publisher that sends what it is told, when it is told, and misbehaves on request.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use container::flv::TagKind;
use rtmp_rs::amf::AmfValue;
use rtmp_rs::protocol::chunk::{ChunkDecoder, ChunkEncoder, RtmpChunk};
use rtmp_rs::protocol::handshake::{Handshake, HandshakeRole};
use rtmp_rs::protocol::message::{Command, RtmpMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use crate::ffmpeg::Pace;
use crate::tape::{CHUNK_BYTES, Tag, Tape, chunked, lane};

/// How long a server may take to answer a step; past it the test has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Chunk stream of commands, by custom.
const CSID_COMMAND: u32 = 3;
/// Timestamps from here on are written in the extended form.
const EXTENDED: u32 = 0x00ff_ffff;

/// What [`Publisher::play`] did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Played {
    /// Video samples sent.
    pub video: u64,
    /// Audio samples sent.
    pub audio: u64,
    /// Bytes of message bodies.
    pub bytes: u64,
    /// The longest that one write took: a server that does not read.
    pub worst_stall: Duration,
    /// The most that a tag was sent after its time: the sender's own slowness, and stalls.
    pub worst_delay: Duration,
}

/// A publisher whose push was accepted.
#[derive(Debug)]
pub struct Publisher {
    socket: TcpStream,
    wire: Wire,
    stream: u32,
    /// Added to the time of every tag, modulo 2^32: where the push's own clock begins.
    pub offset_ms: u32,
    /// Media time that was played; the next tape goes on from there.
    position_ms: u64,
    out: BytesMut,
}

/// Both directions of the protocol after the handshake.
struct Wire {
    decoder: ChunkDecoder,
    encoder: ChunkEncoder,
    inbound: BytesMut,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Publisher {
    /// Connects and publishes to `rtmp://host[:port]/app/stream[?query]`. The error is what the server said.
    pub async fn connect(url: &str) -> anyhow::Result<Self> {
        let (authority, app, name) = split_url(url)?;
        let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:1935") };
        Self::connect_to(&address, &format!("rtmp://{authority}/{app}"), app, name).await
    }

    /// Connects to `address`, whatever host the `tc_url` names.
    pub async fn connect_to(address: &str, tc_url: &str, app: &str, name: &str) -> anyhow::Result<Self> {
        let mut socket = timeout(PATIENCE, TcpStream::connect(address)).await??;
        socket.set_nodelay(true)?;
        timeout(PATIENCE, shake_hands(&mut socket)).await.context("no handshake")??;
        let wire = Wire { decoder: ChunkDecoder::new(), encoder: ChunkEncoder::new(), inbound: BytesMut::new() };
        let mut publisher = Self { socket, wire, stream: 0, offset_ms: 0, position_ms: 0, out: BytesMut::new() };
        timeout(PATIENCE, publisher.publish(tc_url, app, name)).await.context("no answer to publish")??;
        Ok(publisher)
    }

    async fn publish(&mut self, tc_url: &str, app: &str, name: &str) -> anyhow::Result<()> {
        let members = [("app", app), ("type", "nonprivate"), ("tcUrl", tc_url)];
        let object = members.map(|(key, value)| (key.to_owned(), AmfValue::from(value)));
        self.command(0, "connect", 1.0, AmfValue::Object(object.into()), vec![]).await?;
        self.answer("_result", 1.0).await?;
        self.message(2, 0, &RtmpMessage::SetChunkSize(u32::try_from(CHUNK_BYTES)?)).await?;
        self.wire.encoder.set_chunk_size(u32::try_from(CHUNK_BYTES)?);
        self.command(0, "releaseStream", 2.0, AmfValue::Null, vec![name.into()]).await?;
        self.command(0, "FCPublish", 3.0, AmfValue::Null, vec![name.into()]).await?;
        self.command(0, "createStream", 4.0, AmfValue::Null, vec![]).await?;
        let created = self.answer("_result", 4.0).await?;
        let id = created.arguments.first().and_then(AmfValue::as_number).context("createStream gave no number")?;
        // Small and whole, or the server is broken; a text comparison avoids a cast.
        self.stream = format!("{id:.0}").parse().context("createStream gave no stream id")?;
        self.command(self.stream, "publish", 5.0, AmfValue::Null, vec![name.into(), "live".into()]).await?;
        self.answer("onStatus", 0.0).await.map(drop)
    }

    /// Sends one tag now.
    pub async fn send(&mut self, tag: &Tag) -> anyhow::Result<()> {
        self.stage(tag, u64::from(tag.at_ms));
        self.flush().await
    }

    /// Sends one tag now, with another time than its own: milliseconds before the push's offset.
    pub async fn send_at(&mut self, tag: &Tag, at_ms: u32) -> anyhow::Result<()> {
        self.stage(tag, u64::from(at_ms));
        self.flush().await
    }

    /// Sends all tags of a tape as fast as they are taken, in their order and with the times they bear.
    pub async fn send_all(&mut self, tape: &Tape) -> anyhow::Result<()> {
        for tag in tape.tags.iter() {
            self.stage(tag, u64::from(tag.at_ms));
            if self.out.len() >= CHUNK_BYTES * 16 {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    /// Sends bytes as they are, in the middle of the chunk stream.
    pub async fn send_raw(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.socket.write_all(bytes).await?)
    }

    /// Plays the tape for `length` of media, again from its beginning when it is shorter, going on where the last call
    /// ended. Headers are sent in the first pass only.
    pub async fn play(&mut self, tape: &Tape, pace: Pace, length: Duration) -> anyhow::Result<Played> {
        let (begun, from_ms) = (Instant::now(), self.position_ms);
        let length_ms = u64::try_from(length.as_millis())?;
        let mut played = Played::default();
        'passes: for pass in 0u64.. {
            let pass_ms = pass * u64::from(tape.duration_ms);
            for tag in tape.tags.iter() {
                let at_ms = pass_ms + u64::from(tag.at_ms);
                if at_ms >= length_ms {
                    break 'passes;
                }
                if pass > 0 && tag.is_header() {
                    continue;
                }
                if let Pace::Times(speed) = pace {
                    let due = begun + Duration::from_millis(at_ms).div_f64(speed);
                    if due > Instant::now() {
                        self.flush_timed(&mut played).await?;
                        sleep_until(due).await;
                    }
                    played.worst_delay = played.worst_delay.max(due.elapsed());
                }
                self.stage(tag, from_ms + at_ms);
                if self.out.len() >= CHUNK_BYTES * 16 {
                    self.flush_timed(&mut played).await?;
                }
                played.bytes += u64::try_from(tag.body.len())?;
                match tag.kind {
                    TagKind::Video if !tag.is_header() => played.video += 1,
                    TagKind::Audio if !tag.is_header() => played.audio += 1,
                    TagKind::Video | TagKind::Audio | TagKind::Script => {}
                }
            }
        }
        self.flush_timed(&mut played).await?;
        self.position_ms = from_ms + length_ms;
        Ok(played)
    }

    /// Says goodbye as OBS and FFmpeg do, and waits until the server closes.
    pub async fn unpublish(mut self) -> anyhow::Result<()> {
        let stream = f64::from(self.stream);
        self.command(self.stream, "FCUnpublish", 6.0, AmfValue::Null, vec![]).await?;
        self.command(self.stream, "deleteStream", 7.0, AmfValue::Null, vec![stream.into()]).await?;
        self.socket.shutdown().await?;
        self.closed().await
    }

    /// Ends with a reset, as a process that is killed with unread input does.
    pub fn reset(self) -> anyhow::Result<()> {
        Ok(self.socket.set_zero_linger()?)
    }

    /// Waits until the server says why it ends this push; the text is its description.
    pub async fn told(&mut self) -> anyhow::Result<String> {
        let answer = timeout(PATIENCE, self.answer("onStatus", 0.0)).await.context("the server says nothing")?;
        match answer {
            Ok(status) => bail!("a status that is no error: {:?}", status.arguments),
            Err(told) => Ok(told.to_string()),
        }
    }

    /// Waits until all that was sent is with the server, be it that nobody has read it there yet.
    pub async fn delivered(&self) -> anyhow::Result<()> {
        let port = self.socket.local_addr()?.port();
        let delivered = async {
            while unacknowledged(port).await? > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, delivered).await.context("the server does not take what was sent")?
    }

    /// Waits until the server has closed the connection.
    pub async fn closed(&mut self) -> anyhow::Result<()> {
        let mut rest = [0; 4096];
        let end = async {
            // A reset is an end as well.
            while self.socket.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        };
        timeout(PATIENCE, end).await.context("the server does not close")
    }

    fn stage(&mut self, tag: &Tag, at_ms: u64) {
        let low = u32::try_from(at_ms & 0xffff_ffff).unwrap_or(0);
        let timestamp = low.wrapping_add(self.offset_ms);
        let (csid, message_type) = lane(tag.kind);
        self.out.put_u8(csid);
        self.out.put_uint(u64::from(timestamp.min(EXTENDED)), 3);
        self.out.put_uint(u64::try_from(tag.body.len()).unwrap_or(u64::MAX), 3);
        self.out.put_u8(message_type);
        self.out.put_u32_le(self.stream);
        if timestamp >= EXTENDED {
            self.out.put_u32(timestamp);
            self.out.put(chunked(tag.kind, &tag.body, Some(timestamp)));
        } else {
            self.out.put_slice(&tag.chunked);
        }
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if let Err(cause) = self.socket.write_all(&self.out).await {
            // The server may have said why.
            let told = timeout(Duration::from_secs(1), self.answer("onStatus", 0.0)).await;
            return Err(told.ok().and_then(Result::err).unwrap_or_else(|| cause.into()));
        }
        self.out.clear();
        Ok(())
    }

    async fn flush_timed(&mut self, played: &mut Played) -> anyhow::Result<()> {
        let begun = Instant::now();
        self.flush().await?;
        played.worst_stall = played.worst_stall.max(begun.elapsed());
        Ok(())
    }

    async fn command(
        &mut self,
        stream_id: u32,
        name: &str,
        transaction_id: f64,
        command_object: AmfValue,
        arguments: Vec<AmfValue>,
    ) -> anyhow::Result<()> {
        let command = Command { name: name.to_owned(), transaction_id, command_object, arguments, stream_id };
        self.message(CSID_COMMAND, stream_id, &RtmpMessage::Command(command)).await
    }

    async fn message(&mut self, csid: u32, stream_id: u32, message: &RtmpMessage) -> anyhow::Result<()> {
        let (message_type, payload) = message.encode();
        let mut bytes = BytesMut::new();
        let chunk = RtmpChunk { csid, timestamp: 0, message_type, stream_id, payload };
        self.wire.encoder.encode(&chunk, &mut bytes);
        Ok(self.socket.write_all(&bytes).await?)
    }

    /// The next command of that name and transaction. A status or result that is an error is one here.
    async fn answer(&mut self, name: &str, transaction: f64) -> anyhow::Result<Command> {
        loop {
            let chunk = self.wire.next(&mut self.socket).await?;
            let RtmpMessage::Command(command) = RtmpMessage::from_chunk(&chunk)? else { continue };
            let information = command.arguments.first();
            let said = |key| information.and_then(|information| information.get_string(key)).unwrap_or_default();
            if command.name == "_error" || said("level") == "error" {
                bail!("{}: {}", said("code"), said("description"));
            }
            if command.name == name && (command.transaction_id - transaction).abs() < 0.5 {
                return Ok(command);
            }
        }
    }
}

impl Wire {
    async fn next(&mut self, socket: &mut TcpStream) -> anyhow::Result<RtmpChunk> {
        loop {
            // The decoder answers `None` after a chunk that is not the last of its message, too.
            let before = self.inbound.len();
            match self.decoder.decode(&mut self.inbound)? {
                Some(chunk) => {
                    if chunk.message_type == 1 {
                        self.decoder.set_chunk_size(chunk.payload.clone().try_get_u32()?);
                    }
                    return Ok(chunk);
                }
                None if self.inbound.len() < before => {}
                None => ensure!(socket.read_buf(&mut self.inbound).await? > 0, "the server closed the connection"),
            }
        }
    }
}

/// Bytes that the connection from this local port has sent and the other side has not acknowledged.
async fn unacknowledged(port: u16) -> anyhow::Result<u64> {
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        // A line: number, local address, remote address, state, and the two queues as `send:receive`, in hexadecimal digits.
        let table = tokio::fs::read_to_string(table).await.unwrap_or_default();
        let ours = table.lines().map(|line| line.split_whitespace().skip(1)).find_map(|mut fields| {
            fields.next()?.ends_with(&format!(":{port:04X}")).then(|| fields.nth(2).map(str::to_owned))?
        });
        if let Some((send, _)) = ours.as_deref().and_then(|queues| queues.split_once(':')) {
            return Ok(u64::from_str_radix(send, 16)?);
        }
    }
    bail!("the system knows no connection from port {port}")
}

async fn shake_hands(socket: &mut TcpStream) -> anyhow::Result<()> {
    let mut handshake = Handshake::new(HandshakeRole::Client);
    socket.write_all(&handshake.generate_initial().context("no C0 and C1")?).await?;
    let mut answer = vec![0; 1 + 2 * 1536];
    socket.read_exact(&mut answer).await.context("the server closed the connection")?;
    let reply = handshake.process(&mut Bytes::from(answer))?.context("no C2")?;
    Ok(socket.write_all(&reply).await?)
}

/// `rtmp://authority/app/name`.
fn split_url(url: &str) -> anyhow::Result<(&str, &str, &str)> {
    let rest = url.strip_prefix("rtmp://").with_context(|| format!("{url} is no RTMP URL"))?;
    let (authority, path) = rest.split_once('/').context("no app in the URL")?;
    let (app, name) = path.split_once('/').context("no stream in the URL")?;
    Ok((authority, app, name))
}
