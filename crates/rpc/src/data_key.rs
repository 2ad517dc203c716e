//! Keys that customers encrypt their videos with (`GenerateKMSDataKey`, `DecryptKMSDataKey`): a key, and the text from which this
//! installation finds it again. Nobody else can, and nothing is stored: the key follows from the text and a secret.

use crate::digest::{hex, hmac_sha256, same};

/// Hex digits of what was drawn, and of the seal behind it.
const PART_DIGITS: usize = 32;

/// What keys follow from.
#[derive(Clone)]
pub struct DataKeys {
    secret: String,
}

/// A key and its text.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey {
    /// Goes with the task that encrypts (`EncryptConfig.CipherText`).
    pub cipher_text: String,
    /// What players need.
    pub key: [u8; 16],
}

impl DataKeys {
    /// The keys of an installation, whose secret this is.
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned() }
    }

    /// Names the secret, so that a change of it can be seen.
    pub fn id(&self) -> String {
        self.part("id", "")
    }

    /// A new key; `random` is nobody else's.
    pub fn make(&self, random: [u8; 16]) -> DataKey {
        let drawn = hex(&random);
        DataKey { cipher_text: format!("{drawn}{}", self.part("seal", &drawn)), key: self.key(&drawn) }
    }

    /// The key of a text that was made here; `None` for any other.
    pub fn open(&self, cipher_text: &str) -> Option<[u8; 16]> {
        let (drawn, seal) = cipher_text.split_at_checked(PART_DIGITS)?;
        same(&self.part("seal", drawn), seal).then(|| self.key(drawn))
    }

    fn key(&self, drawn: &str) -> [u8; 16] {
        let derived = self.derived("key", drawn);
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(derived) {
            *to = from;
        }
        key
    }

    fn part(&self, what: &str, of: &str) -> String {
        let mut text = hex(&self.derived(what, of));
        text.truncate(PART_DIGITS);
        text
    }

    fn derived(&self, what: &str, of: &str) -> Vec<u8> {
        hmac_sha256(self.secret.as_bytes(), format!("data-key:{what}:{of}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_made_here_is_opened() {
        let (ours, others) = (DataKeys::new("a"), DataKeys::new("b"));
        let made = ours.make([9; 16]);
        assert_eq!(ours.open(&made.cipher_text), Some(made.key));
        assert_eq!(others.open(&made.cipher_text), None);
        assert_ne!(ours.make([8; 16]).key, made.key);
        assert_ne!(ours.id(), others.id());
        let swapped = made.cipher_text.replacen("09", "08", 1);
        for wrong in ["", "09", swapped.as_str(), &made.cipher_text[..63], &format!("{}0", made.cipher_text), "ä"] {
            assert_eq!(ours.open(wrong), None, "{wrong}");
        }
    }
}
