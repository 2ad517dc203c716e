//! Writing ISO-BMFF boxes (ISO/IEC 14496-12 §4.2): sizes are filled in when a box ends.

use bytes::{BufMut, Bytes, BytesMut};

/// Collects boxes into one buffer.
#[derive(Debug, Default)]
pub(crate) struct BoxWriter {
    bytes: BytesMut,
}

impl BoxWriter {
    /// Writes a box of type `kind` whose body `body` writes.
    pub(crate) fn boxed(&mut self, kind: &[u8; 4], body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.put_u32(0);
        self.bytes.put_slice(kind);
        body(self);
        // A `moov` beyond 4 GiB would need some 250 million samples; such a cut is refused before it comes here.
        let size = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        if let Some(field) = self.bytes.get_mut(start..start + 4) {
            field.copy_from_slice(&size.to_be_bytes());
        }
    }

    /// Writes a full box: version and flags before the body.
    pub(crate) fn full(&mut self, kind: &[u8; 4], version: u8, flags: u32, body: impl FnOnce(&mut Self)) {
        self.boxed(kind, |w| {
            w.u32((u32::from(version) << 24) | (flags & 0x00ff_ffff));
            body(w);
        });
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.bytes.put_u16(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes.put_u32(value);
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.bytes.put_i32(value);
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes.put_u64(value);
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.bytes.put_i64(value);
    }

    pub(crate) fn slice(&mut self, value: &[u8]) {
        self.bytes.put_slice(value);
    }

    /// How many bytes are written so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes.freeze()
    }

    pub(crate) fn into_mut(self) -> BytesMut {
        self.bytes
    }
}

/// The transformation matrix that changes nothing (§8.2.2).
pub(crate) const UNITY_MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// One top-level box as it lies in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BoxSpan {
    /// The four-character type.
    pub kind: [u8; 4],
    /// Where its header begins, in bytes from the start of the file.
    pub at: u64,
    /// Bytes of its header: 8, or 16 with a 64-bit size.
    pub header: u32,
    /// Bytes of header and body.
    pub size: u64,
}

/// Reads a box header at offset `at` of a file; `head` are the bytes from there on (16 suffice).
///
/// `None` when the bytes are no complete header or the size is smaller than its header: the end of what can be trusted.
/// A size of 0 ("to the end of the file", §4.2) is never written by us and reads as `None`.
pub fn read_box_header(head: &[u8], at: u64) -> Option<BoxSpan> {
    let size = u32::from_be_bytes(head.get(0..4)?.try_into().ok()?);
    let kind: [u8; 4] = head.get(4..8)?.try_into().ok()?;
    let (header, size) = match size {
        0 => return None,
        1 => (16, u64::from_be_bytes(head.get(8..16)?.try_into().ok()?)),
        size => (8, u64::from(size)),
    };
    (size >= u64::from(header)).then_some(BoxSpan { kind, at, header, size })
}
