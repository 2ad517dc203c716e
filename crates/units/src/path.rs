//! The identity of a live stream.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest domain name (RFC 1035 §2.3.4), app name and stream name, in bytes. App and stream have no published limit;
/// 255 keeps every derived file name and URL within what file systems and proxies take.
const PART_BYTES_MAX: usize = 255;

/// Why a text is no stream path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A part is empty.
    #[error("the {part} name of a stream path is empty")]
    Empty {
        /// "domain", "app" or "stream".
        part: &'static str,
    },
    /// A part has a character that may not be in it.
    #[error(
        "the {part} name {name:?} has the character {bad:?}; letters, digits and -_.~+ and the like are allowed, no spaces, slashes or control characters"
    )]
    Character {
        /// "domain", "app" or "stream".
        part: &'static str,
        /// The whole name.
        name: String,
        /// The first character that is refused.
        bad: char,
    },
    /// A part is longer than 255 bytes.
    #[error("the {part} name has {bytes} bytes; {PART_BYTES_MAX} are allowed")]
    Long {
        /// "domain", "app" or "stream".
        part: &'static str,
        /// Its length.
        bytes: usize,
    },
}

/// `domain / app / stream`, where the domain is the *play* domain on which all configuration hangs (contract §6).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamPath {
    domain: String,
    app: String,
    stream: String,
}

impl StreamPath {
    /// Checks and joins the three names. The domain is folded to lower case; app and stream keep theirs.
    pub fn new(domain: &str, app: &str, stream: &str) -> Result<Self, PathError> {
        check("domain", domain)?;
        check("app", app)?;
        check("stream", stream)?;
        Ok(Self { domain: domain.to_ascii_lowercase(), app: app.to_owned(), stream: stream.to_owned() })
    }

    /// The play domain, lower case.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The app name.
    pub fn app(&self) -> &str {
        &self.app
    }

    /// The stream name.
    pub fn stream(&self) -> &str {
        &self.stream
    }
}

fn check(part: &'static str, name: &str) -> Result<(), PathError> {
    if name.is_empty() {
        return Err(PathError::Empty { part });
    }
    if name.len() > PART_BYTES_MAX {
        return Err(PathError::Long { part, bytes: name.len() });
    }
    let refused = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '/' | '\\' | '?' | '#' | '%' | '"' | '<' | '>' | '*')
    };
    match name.chars().find(|c| refused(*c)) {
        Some(bad) => Err(PathError::Character { part, name: name.to_owned(), bad }),
        None if name.chars().all(|c| c == '.') => Err(PathError::Character { part, name: name.to_owned(), bad: '.' }),
        None => Ok(()),
    }
}

impl fmt::Display for StreamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.domain, self.app, self.stream)
    }
}

impl fmt::Debug for StreamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_their_folder_or_url_are_refused() {
        for stream in ["", "..", ".", "a/b", "a b", "a\n", "a?b", "*", "a%2fb"] {
            assert!(StreamPath::new("play.example.org", "cup", stream).is_err(), "{stream:?}");
        }
        assert!(StreamPath::new("play.example.org", "cup", &"x".repeat(256)).is_err());
        assert!(StreamPath::new("play.example.org", "cup", &"x".repeat(255)).is_ok());
    }

    #[test]
    fn the_domain_is_folded_and_the_rest_is_not() {
        let path = StreamPath::new("Play.Example.ORG", "Cup", "Court1").unwrap();
        assert_eq!(path.to_string(), "play.example.org/Cup/Court1");
    }
}
