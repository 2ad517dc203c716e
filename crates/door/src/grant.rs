//! What a request that was let in may do: be answered, and hand on URLs that are let in for as long.

use axum::http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rpc::url_auth::{Pass, Placed, query_value};
use units::WallTime;

use crate::form::{Mark, mark};
use crate::keep::Keep;
use crate::path::folder_of;

/// One request that was let in.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The path that was asked for, as it was written, without a signature.
    path: String,
    /// With which further URLs are signed; `None` where none has to be.
    pass: Option<Pass>,
    /// Seconds for which `pass` still holds.
    left_s: u64,
    /// It depends on who asks: what is kept for one is not for others.
    personal: bool,
    /// What the viewer wants told to who gives out keys, as it is written in a query.
    key_token: Option<String>,
    /// Of an edge: URLs are marked, and written by it for each viewer.
    form: bool,
}

/// The parameter of playlists that goes on to the URLs of their keys (contract §2.13).
const KEY_TOKEN: &str = "MtsHlsUriToken";
/// Longest token, in bytes.
const KEY_TOKEN_BYTES_MAX: usize = 1_024;

impl Grant {
    /// Of a domain that asks nothing.
    pub fn open(path: &str) -> Self {
        Self { path: path.to_owned(), pass: None, left_s: 0, personal: false, key_token: None, form: false }
    }

    /// Of an edge, which asks its viewers itself: it gets forms.
    pub fn form(path: &str) -> Self {
        Self { form: true, ..Self::open(path) }
    }

    /// Whether texts are to be forms.
    pub const fn is_form(&self) -> bool {
        self.form
    }

    /// Whether all whom the domain lets in may have the same URLs: none is signed, and no viewer has something told.
    pub const fn is_plain(&self) -> bool {
        self.pass.is_none() && self.key_token.is_none() && !self.form
    }

    /// For a URL that was signed.
    pub fn signed(self, pass: Pass, now: WallTime) -> Self {
        let left_s = pass.expires_unix_s().saturating_sub(now.unix_s());
        Self { pass: Some(pass), left_s: u64::try_from(left_s).unwrap_or(0), ..self }
    }

    /// With what the query says of keys.
    pub fn with_query(self, query: &str) -> Self {
        let token = query_value(query, KEY_TOKEN).filter(|token| (1..=KEY_TOKEN_BYTES_MAX).contains(&token.len()));
        let key_token = token.map(|token| format!("{KEY_TOKEN}={}", utf8_percent_encode(&token, NON_ALPHANUMERIC)));
        Self { key_token, ..self }
    }

    /// From a domain that looks at who asks.
    pub fn personal(self, personal: bool) -> Self {
        Self { personal, ..self }
    }

    /// Whether the URLs that are handed on are others than those that were given: they have to be signed, or marked.
    pub const fn is_signed(&self) -> bool {
        self.pass.is_some() || self.form
    }

    /// A URL, given as it is written beside the one that was asked for, with a signature that lives as long.
    pub fn url(&self, uri: &str) -> String {
        if self.form {
            return mark(Mark::Url, uri);
        }
        let Some(pass) = &self.pass else { return uri.to_owned() };
        let path = format!("{}{uri}", folder_of(&self.path));
        match pass.sign(&path) {
            Placed::Before(prefix) => format!("{prefix}{path}"),
            Placed::Query(query) => format!("{uri}?{query}"),
        }
    }

    /// The same for a playlist, or for a key: it says what the viewer wants told to who gives out keys.
    pub fn key_url(&self, uri: &str) -> String {
        if self.form {
            return mark(Mark::KeyUrl, uri);
        }
        self.told(self.url(uri))
    }

    /// The URL of a key that somebody else gives out; it is not signed.
    pub fn told(&self, url: String) -> String {
        if self.form {
            return mark(Mark::Told, &url);
        }
        match &self.key_token {
            None => url,
            Some(token) => format!("{url}{}{token}", if url.contains('?') { '&' } else { '?' }),
        }
    }

    /// The same for all parts in a folder (decision 0031): where it is, and what is to be in their queries.
    pub fn folder(&self, folder: &str) -> (String, Option<String>) {
        if self.form {
            return (mark(Mark::Folder, folder), Some(mark(Mark::FolderQuery, folder)));
        }
        let Some(pass) = &self.pass else { return (folder.to_owned(), None) };
        let path = format!("{}{folder}", folder_of(&self.path));
        match pass.sign(&path) {
            Placed::Before(prefix) => (format!("{prefix}{path}"), None),
            Placed::Query(query) => (folder.to_owned(), Some(query)),
        }
    }

    /// How long others may keep the answer: not longer than the URL is let in, and not for others where it depends on who asks.
    pub fn keep(&self, keep: Keep) -> HeaderValue {
        if keep == Keep::Never {
            return keep.value();
        }
        let seconds = match self.pass {
            Some(_) => keep.seconds().min(self.left_s),
            None if !self.personal => return keep.value(),
            None => keep.seconds(),
        };
        let who = if self.personal { "private" } else { "public" };
        // Words and digits are always a header's value.
        HeaderValue::from_str(&format!("{who}, max-age={seconds}")).unwrap_or(HeaderValue::from_static("no-store"))
    }
}
