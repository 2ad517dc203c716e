//! Reading a decoder configuration record: bytes in order, and parameter sets with their lengths in front.

use bytes::Bytes;

use crate::CodecError;

/// A record, and how far it is read.
pub(crate) struct RecordReader<'a> {
    what: &'static str,
    record: &'a Bytes,
    at: usize,
}

impl<'a> RecordReader<'a> {
    /// `what` is the record's name in its standard.
    pub(crate) fn new(what: &'static str, record: &'a Bytes) -> Self {
        Self { what, record, at: 0 }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, CodecError> {
        let byte = self.record.get(self.at).copied().ok_or_else(|| self.short())?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, CodecError> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CodecError> {
        Ok((u32::from(self.u16()?) << 16) | u32::from(self.u16()?))
    }

    /// A parameter set behind its length of 16 bits.
    pub(crate) fn set(&mut self) -> Result<Bytes, CodecError> {
        let end = usize::from(self.u16()?) + self.at;
        if end > self.record.len() {
            return Err(self.short());
        }
        let set = self.record.slice(self.at..end);
        self.at = end;
        Ok(set)
    }

    fn short(&self) -> CodecError {
        CodecError::malformed(self.what, format!("it ends early, after {} bytes", self.record.len()))
    }
}
