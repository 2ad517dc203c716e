use bytes::BufMut;
use codec::{TrackConfig, TrackKind};
use proptest::prelude::*;
use rtmp_rs::amf::AmfValue;
use rtmp_rs::protocol::chunk::ChunkEncoder;
use rtmp_rs::protocol::message::{Command, RtmpMessage, UserControlEvent};

use super::*;
use crate::{CHUNK_STREAMS_MAX, MESSAGE_BYTES_MAX_BEFORE};

const ASC: &[u8] = &[0xaf, 0, 0x11, 0x90];

/// Writes what a publisher sends.
struct Client {
    encoder: ChunkEncoder,
    bytes: BytesMut,
}

impl Client {
    fn new() -> Self {
        let mut bytes = BytesMut::new();
        bytes.put_u8(3);
        bytes.put_bytes(0, 2 * 1536);
        Self { encoder: ChunkEncoder::new(), bytes }
    }

    fn chunk(mut self, csid: u32, timestamp: u32, message_type: u8, stream_id: u32, payload: &[u8]) -> Self {
        let payload = Bytes::copy_from_slice(payload);
        self.encoder.encode(&RtmpChunk { csid, timestamp, message_type, stream_id, payload }, &mut self.bytes);
        self
    }

    fn message(self, csid: u32, stream: u32, message: &RtmpMessage) -> Self {
        let (message_type, payload) = message.encode();
        self.chunk(csid, 0, message_type, stream, &payload)
    }

    fn command(self, stream: u32, name: &str, transaction: f64, object: AmfValue, arguments: Vec<AmfValue>) -> Self {
        let name = name.to_owned();
        let command =
            Command { name, transaction_id: transaction, command_object: object, arguments, stream_id: stream };
        self.message(3, stream, &RtmpMessage::Command(command))
    }

    fn connect(self, app: &str, tc_url: &str) -> Self {
        let members = [("app", app), ("tcUrl", tc_url)].map(|(key, value)| (key.to_owned(), AmfValue::from(value)));
        self.command(0, "connect", 1.0, AmfValue::Object(members.into()), vec![])
    }

    fn publish(self, name: &str) -> Self {
        self.command(0, "releaseStream", 2.0, AmfValue::Null, vec![name.into()])
            .command(0, "FCPublish", 3.0, AmfValue::Null, vec![name.into()])
            .command(0, "createStream", 4.0, AmfValue::Null, vec![])
            .command(1, "publish", 5.0, AmfValue::Null, vec![name.into(), "live".into()])
    }

    fn publishing() -> Self {
        Self::new().connect("cup", "rtmp://push.example.org:1935/cup").publish("court1")
    }

    fn audio(self, timestamp: u32, data: &[u8]) -> Self {
        self.chunk(4, timestamp, 8, 1, &[&[0xaf, 1], data].concat())
    }

    fn config(self) -> Self {
        self.chunk(4, 0, 8, 1, ASC)
    }
}

#[derive(Default, PartialEq, Debug)]
struct Seen {
    sent: Vec<u8>,
    request: Option<PublishRequest>,
    frames: Vec<Frame>,
    ended: Option<Ended>,
    wait: Mono,
}

impl Seen {
    fn told(&self, text: &str) -> bool {
        self.sent.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// Drains the machine; accepts every request.
fn drain(session: &mut Session, now: Mono, seen: &mut Seen) {
    loop {
        match session.poll() {
            Output::Send(bytes) => seen.sent.extend_from_slice(&bytes),
            Output::PublishRequested(request) => {
                assert!(seen.request.replace(request).is_none(), "asked twice");
                session.accept(now);
            }
            Output::Frames(frames) => seen.frames.extend(frames),
            Output::Ended(ended) => assert!(seen.ended.replace(ended).is_none(), "ended twice"),
            Output::Wait(wait) => {
                seen.wait = wait;
                return;
            }
        }
    }
}

fn run(bytes: &[u8], pieces: &[usize]) -> (Session, Seen) {
    let mut session = Session::new(Mono::default(), Waits::default());
    let mut seen = Seen::default();
    let mut pieces = pieces.iter().copied().cycle();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(pieces.next().unwrap_or(usize::MAX).clamp(1, rest.len()));
        session.buffer().extend_from_slice(piece);
        session.handle(Mono::default(), Input::Received);
        drain(&mut session, Mono::default(), &mut seen);
        rest = after;
    }
    (session, seen)
}

fn run_whole(client: &Client) -> (Session, Seen) {
    run(&client.bytes, &[])
}

fn times(frames: &[Frame]) -> Vec<i64> {
    let time = |frame: &Frame| match frame {
        Frame::Sample(sample) => Some(sample.dts),
        Frame::Config(_) => None,
    };
    frames.iter().filter_map(time).collect()
}

#[test]
fn a_publisher_is_asked_for_and_then_its_media_flows() {
    let client = Client::new()
        .connect("cup?vhost=push.example.org&a=app", "rtmp://10.0.0.1:1935/cup?vhost=push.example.org")
        .publish("court1?auth_key=17-0-0-ab&a=stream")
        .config()
        .audio(0, b"one")
        .audio(21, b"two");
    let (_, seen) = run_whole(&client);
    let request = seen.request.as_ref().unwrap();
    assert_eq!((request.app.as_str(), request.stream.as_str()), ("cup", "court1"));
    assert_eq!(request.host.as_deref(), Some("10.0.0.1"));
    assert_eq!(request.params.auth_key(), Some("17-0-0-ab"));
    assert_eq!(request.params.without_auth(), "a=stream&vhost=push.example.org");
    assert!(seen.told("NetConnection.Connect.Success") && seen.told("NetStream.Publish.Start"));
    assert!(matches!(&seen.frames[0], Frame::Config(TrackConfig::Audio(audio)) if audio.sample_rate == 48_000));
    assert!(matches!(&seen.frames[2], Frame::Sample(two) if two.track == TrackKind::Audio && &two.data[..] == b"two"));
    assert_eq!((times(&seen.frames), seen.ended), (vec![0, 21], None));
}

#[test]
fn nothing_is_read_while_the_service_decides() {
    let client = Client::publishing().config().audio(0, b"one");
    let mut session = Session::new(Mono::default(), Waits::default());
    session.buffer().extend_from_slice(&client.bytes);
    session.handle(Mono::default(), Input::Received);
    assert!(matches!(session.poll(), Output::Send(_)));
    assert!(matches!(session.poll(), Output::PublishRequested(_)));
    assert!(matches!(session.poll(), Output::Wait(_)));
    assert!(!session.buffer().is_empty());
    session.accept(Mono::default());
    assert!(matches!(session.poll(), Output::Send(_)));
    assert!(matches!(session.poll(), Output::Frames(frames) if frames.len() == 2));
}

#[test]
fn a_refusal_is_told_with_its_reason_and_ends() {
    let mut session = Session::new(Mono::default(), Waits::default());
    session.buffer().extend_from_slice(&Client::publishing().bytes);
    session.handle(Mono::default(), Input::Received);
    while !matches!(session.poll(), Output::PublishRequested(_)) {}
    session.refuse("server is at capacity");
    let mut seen = Seen::default();
    drain(&mut session, Mono::default(), &mut seen);
    assert!(seen.told("NetStream.Publish.Denied") && seen.told("server is at capacity"));
    assert_eq!(seen.ended, Some(Ended::Dismissed("server is at capacity".into())));
    session.handle(Mono::default(), Input::Closed);
    assert_eq!(session.poll(), Output::Wait(Mono(Duration::MAX)));
}

#[test]
fn every_way_to_end_a_stream_is_one_end_after_all_media() {
    for command in ["FCUnpublish", "deleteStream", "closeStream"] {
        let client = Client::publishing().config().audio(7, b"last");
        let client = client.command(1, command, 6.0, AmfValue::Null, vec![1.0.into()]).command(
            1,
            "deleteStream",
            7.0,
            AmfValue::Null,
            vec![1.0.into()],
        );
        let (mut session, mut seen) = run_whole(&client);
        session.handle(Mono::default(), Input::Closed);
        drain(&mut session, Mono::default(), &mut seen);
        assert_eq!((times(&seen.frames), seen.ended), (vec![7], Some(Ended::Unpublished)), "{command}");
    }
    let (mut session, mut seen) = run_whole(&Client::publishing().config().audio(7, b"last"));
    session.handle(Mono::default(), Input::Closed);
    drain(&mut session, Mono::default(), &mut seen);
    assert_eq!((times(&seen.frames), seen.ended), (vec![7], Some(Ended::Closed)));
}

#[test]
fn slow_and_silent_peers_are_given_up() {
    let slow = |bytes: &[u8], wait: Duration| {
        let (mut session, mut seen) = run(bytes, &[]);
        assert_eq!(seen.wait, Mono(wait));
        session.handle(Mono(wait - Duration::from_millis(1)), Input::Tick);
        drain(&mut session, Mono(wait), &mut seen);
        assert_eq!(seen.ended, None);
        session.handle(Mono(wait), Input::Tick);
        drain(&mut session, Mono(wait), &mut seen);
        seen.ended.unwrap()
    };
    let client = Client::publishing();
    assert_eq!(slow(&client.bytes[..2000], HANDSHAKE_WAIT), Ended::Slow { step: "handshake", wait: HANDSHAKE_WAIT });
    assert_eq!(slow(&client.bytes[..3200], PUBLISH_WAIT), Ended::Slow { step: "publish", wait: PUBLISH_WAIT });
    assert_eq!(slow(&client.bytes, IDLE_WAIT), Ended::Silent(IDLE_WAIT));
}

#[test]
fn what_is_not_rtmp_is_given_up_at_the_first_byte() {
    for (bytes, version) in [(&b"GET / HTTP/1.1\r\n"[..], b'G'), (&[0x16, 3, 1], 0x16), (&[6], 6)] {
        assert_eq!(run(bytes, &[]).1.ended, Some(Ended::Protocol(SessionError::Version(version))));
    }
}

#[test]
fn unsupported_codecs_end_the_push_with_their_name() {
    for (message_type, body, name) in [(9, &b"\x90hvc1\0"[..], "HEVC"), (8, &b"\x7f\0"[..], "G.711 A-law")] {
        let client = Client::publishing().config().audio(0, b"one").chunk(6, 0, message_type, 1, body);
        let (_, seen) = run_whole(&client);
        assert!(seen.told("NetStream.Publish.Denied") && seen.told(name), "{name}");
        assert_eq!(times(&seen.frames), [0]);
        assert!(matches!(seen.ended, Some(Ended::Media(_))));
    }
}

#[test]
fn playing_is_refused_clearly() {
    let client = Client::new()
        .connect("cup", "rtmp://play.example.org/cup")
        .command(0, "createStream", 2.0, AmfValue::Null, vec![])
        .command(1, "play", 3.0, AmfValue::Null, vec!["court1".into()]);
    let (_, seen) = run_whole(&client);
    assert!(seen.told("NetStream.Play.Failed") && seen.told("not offered"));
    assert_eq!(seen.ended, Some(Ended::Protocol(SessionError::Play)));
}

#[test]
fn what_nobody_asked_for_is_not_acknowledged() {
    // A publisher that has closed with data on the way loses it when an answer arrives at its closed socket.
    let few = Client::publishing().config();
    let many = (0..200).fold(Client::publishing().config(), |client, time| client.audio(time, &[0; 32 * 1024]));
    // The handshake is random, its length is not.
    assert_eq!(run_whole(&many).1.sent.len(), run_whole(&few).1.sent.len());
}

#[test]
fn pings_are_answered_and_windows_acknowledged() {
    let ping = RtmpMessage::UserControl(UserControlEvent::PingRequest(0xfeed));
    let client = Client::publishing().message(2, 0, &RtmpMessage::WindowAckSize(100)).message(2, 0, &ping);
    let (_, seen) = run_whole(&client);
    assert!(seen.sent.windows(6).any(|window| window == [0, 7, 0, 0, 0xfe, 0xed]));
    let length = u32::try_from(client.bytes.len()).unwrap();
    assert!(seen.sent.ends_with(&length.to_be_bytes()));
}

#[test]
fn controls_of_zero_neither_spin_nor_panic() {
    let zero = |message| run_whole(&Client::publishing().message(2, 0, &message).config().audio(1, b"one")).1;
    assert_eq!(zero(RtmpMessage::SetChunkSize(0)).ended, Some(Ended::Protocol(SessionError::Control(1))));
    assert_eq!(times(&zero(RtmpMessage::WindowAckSize(0)).frames), [1]);
    assert_eq!(times(&zero(RtmpMessage::Abort { csid: 77 }).frames), [1]);
}

#[test]
fn an_aborted_message_leaves_no_trace() {
    let mut client = Client::publishing().config();
    // The first 128 of 300 bytes, then an abort of chunk stream 4.
    client.bytes.extend_from_slice(&[0x04, 0, 0, 9, 0, 1, 44, 8, 1, 0, 0, 0]);
    client.bytes.put_bytes(0xaa, 128);
    let client = client.message(2, 0, &RtmpMessage::Abort { csid: 4 }).chunk(5, 50, 8, 1, &[0xaf, 1, 9]);
    let (_, seen) = run_whole(&client);
    assert_eq!((times(&seen.frames), seen.ended), (vec![50], None));
}

#[test]
fn strangers_may_not_declare_large_messages_nor_many_chunk_streams() {
    let mut large = Client::new();
    large.bytes.extend_from_slice(&[0x03, 0, 0, 0, 1, 0, 1, 20, 0, 0, 0, 0]);
    let refused = SessionError::MessageBytes { declared: 65_537, allowed: MESSAGE_BYTES_MAX_BEFORE };
    assert_eq!(run_whole(&large).1.ended, Some(Ended::Protocol(refused)));

    let mut many = Client::publishing();
    for id in 0..=u32::try_from(CHUNK_STREAMS_MAX).unwrap() {
        many = many.chunk(100 + id, 0, 18, 1, b"x");
    }
    assert_eq!(run_whole(&many).1.ended, Some(Ended::Protocol(SessionError::ChunkStreams)));

    let long = "x".repeat(COMMAND_BYTES_MAX);
    let command = Client::new().connect(&long, "rtmp://h/");
    assert!(matches!(run_whole(&command).1.ended, Some(Ended::Protocol(SessionError::CommandBytes(_)))));
}

#[test]
fn commands_out_of_order_end_the_session() {
    let twice = Client::publishing().connect("cup", "rtmp://h/cup");
    assert_eq!(run_whole(&twice).1.ended, Some(Ended::Protocol(SessionError::Order("connect"))));
    let early = Client::new().publish("court1");
    assert_eq!(run_whole(&early).1.ended, Some(Ended::Protocol(SessionError::Order("publish"))));
    let mut streams = Client::new().connect("cup", "rtmp://h/cup");
    for _ in 0..=STREAMS_MAX {
        streams = streams.command(0, "createStream", 2.0, AmfValue::Null, vec![]);
    }
    assert_eq!(run_whole(&streams).1.ended, Some(Ended::Protocol(SessionError::Streams)));
}

/// An audio message of 3 bytes under a header of type 0 on a chunk stream of its own, the time always extended.
fn extended(timestamp: u32) -> Vec<u8> {
    let head = [0x07, 0xff, 0xff, 0xff, 0, 0, 3, 8, 1, 0, 0, 0];
    [&head[..], &timestamp.to_be_bytes(), &[0xaf, 1, 9]].concat()
}

#[test]
fn timestamps_go_on_across_the_extended_form_and_the_wrap() {
    let mut client = Client::publishing().config().audio(0x00ff_fff0, b"a");
    let far = [0x0100_0010, 0x3000_0000, 0x6000_0000, 0x9000_0000, 0xc000_0000, 0xf000_0000, 0xffff_fff0];
    for timestamp in far {
        client.bytes.extend_from_slice(&extended(timestamp));
    }
    // Type 3 with the extended field again: the last time as a step, which goes past 2^32 here.
    client.bytes.extend_from_slice(&[0xc7, 0, 0, 0, 0x20, 0xaf, 1, 9]);
    let truth = far.iter().map(|timestamp| i64::from(*timestamp)).chain([0x1_0000_0010]);
    assert_eq!(times(&run_whole(&client).1.frames)[1..], truth.collect::<Vec<_>>());
}

#[test]
fn a_chunk_without_header_that_begins_a_message_repeats_the_step() {
    let mut client = Client::publishing().config();
    client.bytes.extend_from_slice(&[0x05, 0, 0, 100, 0, 0, 3, 8, 1, 0, 0, 0, 0xaf, 1, 1]);
    client.bytes.extend_from_slice(&[0x85, 0, 0, 21, 0xaf, 1, 2]);
    client.bytes.extend_from_slice(&[0xc5, 0xaf, 1, 3, 0xc5, 0xaf, 1, 4]);
    assert_eq!(times(&run_whole(&client).1.frames), [100, 121, 142, 163]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_the_input_gives_the_same_output(
        pieces in prop::collection::vec(1usize..700, 1..20),
        sizes in prop::collection::vec(1usize..600, 1..20),
    ) {
        let mut client = Client::publishing().config();
        for (at, size) in sizes.iter().enumerate() {
            client = client.audio(u32::try_from(at * 21).unwrap(), &vec![1; *size]);
        }
        let client = client.command(1, "FCUnpublish", 6.0, AmfValue::Null, vec![]);
        let (whole, split) = (run_whole(&client).1, run(&client.bytes, &pieces).1);
        prop_assert_eq!(whole.frames, split.frames);
        prop_assert_eq!(whole.request, split.request);
        prop_assert_eq!(whole.ended, split.ended);
    }

    #[test]
    fn no_bytes_panic_and_memory_stays_bounded(
        noise in prop::collection::vec(prop_oneof![0u8..30, any::<u8>()], 0..2000), accepted in any::<bool>(),
    ) {
        let mut client = if accepted { Client::publishing() } else { Client::new() };
        client.bytes.extend_from_slice(&noise);
        let (mut session, _) = run_whole(&client);
        prop_assert!(session.buffer().len() <= noise.len());
    }
}
