//! Reading AMF0 (Action Message Format, December 2007) from a peer that is not trusted.
//!
//! The wire crate's own reader follows references (marker 7): three bytes clone a whole tree, and trees of references
//! grow without bound. No publisher sends references in commands, so here they are refused, and with them all that makes
//! the result larger than its bytes.

use std::str;

/// Nesting of objects and arrays in a command. A `connect` of Enhanced RTMP has 3 levels.
pub const AMF_DEPTH_MAX: usize = 8;

/// Why bytes are no AMF0 that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum AmfError {
    /// It ends inside a value.
    #[error("AMF0 value ends early")]
    Short,
    /// A marker that is unknown, reserved, a reference, or a switch to AMF3.
    #[error("AMF0 marker {0:#04x} is not taken")]
    Marker(u8),
    /// Deeper than [`AMF_DEPTH_MAX`].
    #[error("AMF0 value is nested more than {AMF_DEPTH_MAX} deep")]
    Deep,
    /// A string is not UTF-8.
    #[error("AMF0 string is not UTF-8")]
    Text,
}

/// A value; those that no command of a publisher needs are folded into `Other`.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A double.
    Number(f64),
    /// A short or long string.
    Text(String),
    /// An object, typed object or associative array, in the order of the wire.
    Object(Vec<(String, Value)>),
    /// Null, undefined, booleans, dates, XML, lists.
    Other,
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) | Self::Object(_) | Self::Other => None,
        }
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(_) | Self::Object(_) | Self::Other => None,
        }
    }

    /// The text under `key` of an object.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.text()),
            Self::Number(_) | Self::Text(_) | Self::Other => None,
        }
    }
}

/// Reads all values of a command.
pub fn read_values(mut bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut values = Vec::new();
    while !bytes.is_empty() {
        values.push(read_value(&mut bytes, 0)?);
    }
    Ok(values)
}

fn read_value(bytes: &mut &[u8], depth: usize) -> Result<Value, AmfError> {
    if depth > AMF_DEPTH_MAX {
        return Err(AmfError::Deep);
    }
    let [marker] = take(bytes)?;
    Ok(match marker {
        0x00 => Value::Number(f64::from_be_bytes(take(bytes)?)),
        0x01 => {
            take::<1>(bytes)?;
            Value::Other
        }
        0x02 => Value::Text(short_text(bytes)?.to_owned()),
        0x03 => read_members(bytes, depth)?,
        0x05 | 0x06 | 0x0d => Value::Other,
        0x08 => {
            // The count is a hint that encoders get wrong; the end marker counts.
            take::<4>(bytes)?;
            read_members(bytes, depth)?
        }
        0x0a => {
            for _ in 0..u32::from_be_bytes(take(bytes)?) {
                read_value(bytes, depth + 1)?;
            }
            Value::Other
        }
        0x0b => {
            take::<10>(bytes)?;
            Value::Other
        }
        0x0c => Value::Text(long_text(bytes)?.to_owned()),
        0x0f => {
            long_text(bytes)?;
            Value::Other
        }
        0x10 => {
            short_text(bytes)?;
            read_members(bytes, depth)?
        }
        other => return Err(AmfError::Marker(other)),
    })
}

fn read_members(bytes: &mut &[u8], depth: usize) -> Result<Value, AmfError> {
    let mut members = Vec::new();
    loop {
        // Some encoders leave the end of the last object out.
        if bytes.is_empty() {
            break;
        }
        let key = short_text(bytes)?;
        if key.is_empty() && bytes.first() == Some(&0x09) {
            take::<1>(bytes)?;
            break;
        }
        let value = read_value(bytes, depth + 1)?;
        members.push((key.to_owned(), value));
    }
    Ok(Value::Object(members))
}

fn short_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, AmfError> {
    let length = usize::from(u16::from_be_bytes(take(bytes)?));
    text(bytes, length)
}

fn long_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, AmfError> {
    let length = u32::from_be_bytes(take(bytes)?);
    text(bytes, usize::try_from(length).map_err(|_| AmfError::Short)?)
}

fn text<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a str, AmfError> {
    let (head, rest) = bytes.split_at_checked(length).ok_or(AmfError::Short)?;
    *bytes = rest;
    str::from_utf8(head).map_err(|_| AmfError::Text)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], AmfError> {
    let (head, rest) = bytes.split_first_chunk().ok_or(AmfError::Short)?;
    *bytes = rest;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_connect_of_a_publisher_is_read() {
        let bytes =
            b"\x02\0\x07connect\0\x3f\xf0\0\0\0\0\0\0\x03\0\x03app\x02\0\x04live\0\x05tcUrl\x02\0\x0crtmp://h/live\
            \0\x04fpad\x01\0\0\x04maps\x08\0\0\0\x09\0\x01a\x0a\0\0\0\x02\x05\x06\0\0\x09\0\0\x09";
        let mut bytes = bytes.to_vec();
        // "rtmp://h/live" has 13 bytes.
        let at = bytes.windows(2).position(|pair| pair == [0, 0x0c]).unwrap();
        bytes[at + 1] = 13;
        let values = read_values(&bytes).unwrap();
        assert_eq!(values[0].text(), Some("connect"));
        assert_eq!(values[1].number(), Some(1.0));
        assert_eq!(values[2].text_of("app"), Some("live"));
        assert_eq!(values[2].text_of("tcUrl"), Some("rtmp://h/live"));
        assert_eq!(values.len(), 3);
    }

    #[test]
    fn references_and_amf3_are_refused() {
        assert_eq!(read_values(b"\x0a\0\0\0\x01\x07\0\0"), Err(AmfError::Marker(7)));
        assert_eq!(read_values(b"\x11\x0a"), Err(AmfError::Marker(0x11)));
    }

    #[test]
    fn nesting_is_read_up_to_the_limit_and_no_further() {
        let nested = |levels: usize| [b"\x0a\0\0\0\x01".repeat(levels), vec![5]].concat();
        assert!(read_values(&nested(AMF_DEPTH_MAX)).is_ok());
        assert_eq!(read_values(&nested(AMF_DEPTH_MAX + 1)), Err(AmfError::Deep));
        assert_eq!(read_values(&nested(100_000)), Err(AmfError::Deep));
    }

    #[test]
    fn a_list_that_claims_more_than_it_has_ends_early() {
        assert_eq!(read_values(b"\x0a\xff\xff\xff\xff\x05"), Err(AmfError::Short));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(noise in prop::collection::vec(prop_oneof![0u8..18, any::<u8>()], 0..100)) {
            let _ = read_values(&noise);
        }
    }
}
