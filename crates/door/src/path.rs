//! Paths of requests, in the one form in which everybody reads them alike.

use percent_encoding::percent_decode_str;

use crate::refusal::{Refusal, Result};

/// Longest path, in bytes: a signature, and four names of 255 bytes of which each is written as `%XX`.
const PATH_BYTES_MAX: usize = 4_096;

/// A path that means one thing: no empty part (but one, the last), no `.` or `..`, no slash, backslash or control character inside
/// a part, however written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plain {
    /// With its escapes taken back.
    pub decoded: String,
}

impl Plain {
    /// Reads a path as it was sent.
    ///
    /// Errors: [`Refusal::BadPath`].
    pub fn parse(path: &str) -> Result<Self> {
        let bad = |what| Refusal::BadPath { what };
        if path.len() > PATH_BYTES_MAX {
            return Err(bad("it is too long"));
        }
        let mut decoded = String::with_capacity(path.len());
        let parts = path.strip_prefix('/').ok_or(bad("it does not begin with a slash"))?.split('/');
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            let text = percent_decode_str(part).decode_utf8().map_err(|_| bad("it is no UTF-8"))?;
            if text.is_empty() && parts.peek().is_some() {
                return Err(bad("a part of it is empty"));
            }
            if text == "." || text == ".." || text.chars().any(|c| c == '/' || c == '\\' || c.is_control()) {
                return Err(bad("it can be read as another one"));
            }
            decoded.push('/');
            decoded.push_str(&text);
        }
        Ok(Self { decoded })
    }
}

/// A path up to its last slash.
pub fn folder_of(path: &str) -> &str {
    path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or_default()
}

/// The last part of a path.
pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_refused() {
        let read = |path: &str| Plain::parse(path).map(|plain| plain.decoded).ok();
        assert_eq!(read("/v/a/index.m3u8").as_deref(), Some("/v/a/index.m3u8"));
        assert_eq!(read("/l/d/app/%E4%B8%AD%20%25.m3u8").as_deref(), Some("/l/d/app/中 %.m3u8"));
        assert_eq!(read("/v/...").as_deref(), Some("/v/..."));
        assert_eq!(read("/v/%252e%252e/x").as_deref(), Some("/v/%2e%2e/x"), "taken back once, as the routes do");
        assert_eq!(read("/").as_deref(), Some("/"));
        for path in [
            "",
            "v/a",
            "*",
            "//v/a",
            "/v//a",
            "/v/a/../b",
            "/v/./a",
            "/v/%2e%2e/a",
            "/v/.%2E/a",
            "/v/a%2fb",
            "/v/a%5Cb",
            "/v/a\\b",
            "/v/a%00",
            "/v/a%0d%0ab",
            "/v/%ff",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
        assert!(read(&format!("/{}", "a".repeat(PATH_BYTES_MAX))).is_none());
    }

    #[test]
    fn a_path_is_a_folder_and_a_name() {
        assert_eq!((folder_of("/v/a/b"), name_of("/v/a/b")), ("/v/a/", "b"));
        assert_eq!((folder_of("b"), name_of("")), ("", ""));
    }
}
