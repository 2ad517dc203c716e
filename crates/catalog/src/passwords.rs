//! What is kept of a password: an Argon2id hash (RFC 9106) with a salt of its own, in the
//! text form of the Password Hashing Competition.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::{CatalogError, Result};

/// What is kept of a password. `Debug` prints `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(crate) String);

/// Fewest characters of a password.
const CHARACTERS_MIN: usize = 10;
/// Most bytes of a password.
const BYTES_MAX: usize = 1_024;

impl PasswordHash {
    /// Why this cannot be a password; `None`: it can.
    pub fn refuses(password: &str) -> Option<&'static str> {
        match password {
            _ if password.chars().count() < CHARACTERS_MIN => Some("A password has at least 10 characters."),
            _ if password.len() > BYTES_MAX => Some("A password has at most 1024 bytes."),
            _ => None,
        }
    }

    /// Of a password, with a new salt. Takes some 20 ms of a processor and 19 MiB (the library's defaults, which are OWASP's): call it on a
    /// thread that may wait.
    ///
    /// # Errors
    /// The operating system has no random bytes, or the password is longer than 4 GiB.
    pub fn of(password: &str) -> Result<Self> {
        match Argon2::default().hash_password(password.as_bytes()) {
            Ok(hash) => Ok(Self(hash.to_string())),
            Err(error) => Err(CatalogError::Password(error.to_string())),
        }
    }

    /// Whether this is the password. As expensive as [`of`](Self::of). A hash that cannot be read fits no password.
    pub fn fits(&self, password: &str) -> bool {
        Argon2::default().verify_password(password.as_bytes(), self.0.as_str()).is_ok()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_alone() {
        let (hash, again) = (PasswordHash::of("correct horse").unwrap(), PasswordHash::of("correct horse").unwrap());
        assert!(hash.fits("correct horse") && again.fits("correct horse"));
        assert!(!hash.fits("correct horsE") && !hash.fits(""));
        assert_ne!(hash, again, "each has a salt of its own");
        assert!(hash.0.starts_with("$argon2id$") && !format!("{hash:?}").contains("argon2"));
        assert!(!PasswordHash(String::new()).fits(""));
    }

    #[test]
    fn a_password_is_neither_short_nor_endless() {
        for good in ["0123456789", "zehnBücher", &"a".repeat(1_024)] {
            assert_eq!(PasswordHash::refuses(good), None, "{good}");
        }
        for wrong in ["", "012345678", "ééééé", &"a".repeat(1_025)] {
            assert!(PasswordHash::refuses(wrong).is_some(), "{wrong}");
        }
    }
}
