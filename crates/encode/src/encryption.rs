//! How an output is encrypted on its way to players: whole segments of HLS with AES-128 (RFC 8216bis §4.4.4.4).
//!
//! What is stored is not encrypted, and an encrypted output is made of the same renditions as any other.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a key.
const KEY_BYTES: usize = 16;

/// That an output is encrypted, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Encryption {
    /// What the contract calls it.
    pub scheme: Scheme,
    /// The key of one output. A template has none; an output gets its own when it is made, unless it was brought along.
    #[serde(default)]
    pub key: Option<ContentKey>,
    /// Where players get the key; `None`: here, beside the playlist.
    #[serde(default)]
    pub key_url: Option<String>,
}

/// What the contract calls a way to encrypt (§2.12, §2.13).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// The template says it; keys are made here.
    Own,
    /// Who asked for the task brought the key.
    Brought,
}

impl Scheme {
    /// `EncryptType` on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "AliyunVoDEncryption",
            Self::Brought => "HLSEncryption",
        }
    }
}

/// A key of AES-128. `Debug` prints `***`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentKey([u8; KEY_BYTES]);

impl ContentKey {
    /// The key of these bytes.
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes, as a player gets them.
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for ContentKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for ContentKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = u128::from_str_radix(&text, 16).ok().filter(|_| text.len() == 2 * KEY_BYTES);
        let number = number.ok_or_else(|| serde::de::Error::custom("32 hex digits are wanted"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_not_shown() {
        let key = ContentKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        let encryption = Encryption { scheme: Scheme::Own, key: Some(key), key_url: None };
        let text = serde_json::to_string(&encryption).unwrap();
        assert_eq!(text, r#"{"scheme":"own","key":"000102030405060708090a0b0c0d0eff","key_url":null}"#);
        assert_eq!(serde_json::from_str::<Encryption>(&text).unwrap(), encryption);
        assert!(!format!("{encryption:?}").contains("0102"));
        for wrong in ["\"\"", "\"0102\"", "\"+00102030405060708090a0b0c0d0eff0\"", "7"] {
            assert!(serde_json::from_str::<ContentKey>(wrong).is_err(), "{wrong}");
        }
    }
}
