//! What the session says: protocol control, command results and status, as chunks.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use rtmp_rs::amf::AmfValue;
use rtmp_rs::protocol::chunk::{ChunkEncoder, RtmpChunk};
use rtmp_rs::protocol::constants::{
    BANDWIDTH_LIMIT_DYNAMIC, CMD_ON_STATUS, CMD_RESULT, CSID_COMMAND, CSID_PROTOCOL_CONTROL, NC_CONNECT_SUCCESS,
    NS_PUBLISH_START,
};
use rtmp_rs::protocol::message::{Command, RtmpMessage, UserControlEvent};

/// The window that is announced to publishers. Those that stop without acknowledgements answer with the window they want
/// (§5.4.5).
const ACK_WINDOW_BYTES: u32 = 2_500_000;
/// Our chunk size. FFmpeg answers in kind: with the default 128 bytes a 2 Mb/s stream would come in 2 000 chunks a second.
const CHUNK_BYTES: u32 = 16 * 1024;

/// Gathers replies until they are fetched.
pub(crate) struct Replies {
    encoder: ChunkEncoder,
    out: BytesMut,
}

impl Replies {
    pub(crate) fn new() -> Self {
        Self { encoder: ChunkEncoder::new(), out: BytesMut::new() }
    }

    /// Everything said since the last call.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| std::mem::take(&mut self.out).freeze())
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Answers `connect` (§7.2.1.1).
    pub(crate) fn connected(&mut self, transaction: f64, object_encoding: f64) {
        self.control(&RtmpMessage::WindowAckSize(ACK_WINDOW_BYTES));
        self.control(&RtmpMessage::SetPeerBandwidth { size: ACK_WINDOW_BYTES, limit_type: BANDWIDTH_LIMIT_DYNAMIC });
        self.control(&RtmpMessage::SetChunkSize(CHUNK_BYTES));
        self.encoder.set_chunk_size(CHUNK_BYTES);
        let properties = [("fmsVer", AmfValue::from("FMS/3,0,1,123")), ("capabilities", AmfValue::from(31.0))];
        let mut information = status("status", NC_CONNECT_SUCCESS, "Connection succeeded.");
        information.push(("objectEncoding", AmfValue::from(object_encoding)));
        self.command(0, CMD_RESULT, transaction, object(properties), vec![object(information)]);
    }

    /// Answers `createStream` (§7.2.1.3).
    pub(crate) fn stream_created(&mut self, transaction: f64, stream: u32) {
        self.command(0, CMD_RESULT, transaction, AmfValue::Null, vec![AmfValue::from(stream)]);
    }

    /// Answers a command whose result nobody looks at.
    pub(crate) fn done(&mut self, transaction: f64) {
        self.command(0, CMD_RESULT, transaction, AmfValue::Null, vec![AmfValue::Undefined]);
    }

    /// The push on `stream` may begin.
    pub(crate) fn publish_started(&mut self, stream: u32) {
        self.control(&RtmpMessage::UserControl(UserControlEvent::StreamBegin(stream)));
        self.status(stream, "status", NS_PUBLISH_START, "Publishing.");
    }

    /// `onStatus` (§7.2.2).
    pub(crate) fn status(&mut self, stream: u32, level: &str, code: &str, description: &str) {
        let information = object(status(level, code, description));
        self.command(stream, CMD_ON_STATUS, 0.0, AmfValue::Null, vec![information]);
    }

    pub(crate) fn acknowledge(&mut self, sequence: u32) {
        self.control(&RtmpMessage::Acknowledgement { sequence });
    }

    pub(crate) fn pong(&mut self, echo: u32) {
        self.control(&RtmpMessage::UserControl(UserControlEvent::PingResponse(echo)));
    }

    fn command(&mut self, stream: u32, name: &str, transaction: f64, object: AmfValue, arguments: Vec<AmfValue>) {
        let command = Command {
            name: name.to_owned(),
            transaction_id: transaction,
            command_object: object,
            arguments,
            stream_id: stream,
        };
        self.write(CSID_COMMAND, stream, &RtmpMessage::Command(command));
    }

    fn control(&mut self, message: &RtmpMessage) {
        self.write(CSID_PROTOCOL_CONTROL, 0, message);
    }

    fn write(&mut self, csid: u32, stream_id: u32, message: &RtmpMessage) {
        let (message_type, payload) = message.encode();
        self.encoder.encode(&RtmpChunk { csid, timestamp: 0, message_type, stream_id, payload }, &mut self.out);
    }
}

fn status(level: &str, code: &str, description: &str) -> Vec<(&'static str, AmfValue)> {
    vec![("level", level.into()), ("code", code.into()), ("description", description.into())]
}

fn object(members: impl IntoIterator<Item = (&'static str, AmfValue)>) -> AmfValue {
    AmfValue::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<HashMap<_, _>>())
}
