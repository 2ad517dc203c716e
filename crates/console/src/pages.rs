//! The pages: what `npm run build` makes of `console/` and what is checked in as `console/dist`, in the program.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{LazyLock, OnceLock};

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};

use crate::reply;

static DIST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../console/dist");

/// Every file by its path.
static PAGES: LazyLock<BTreeMap<&'static str, Page>> = LazyLock::new(|| {
    let mut pages = BTreeMap::new();
    let mut folders = vec![&DIST];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        for file in folder.files() {
            if let Some(path) = file.path().to_str() {
                pages.insert(path, Page::new(path, file.contents()));
            }
        }
    }
    pages
});

/// How long a browser may keep a file whose name changes with its content.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
/// A browser asks each time whether it is still the same.
const ASK_AGAIN: &str = "no-cache";

/// A file of the console.
struct Page {
    content: &'static [u8],
    kind: &'static str,
    tag: String,
    /// Made when it is first wanted; `None`: it does not get smaller.
    gzip: OnceLock<Option<Bytes>>,
}

impl Page {
    fn new(path: &str, content: &'static [u8]) -> Self {
        let digest = Sha256::digest(content);
        let tag = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Self { content, kind: kind_of(path), tag, gzip: OnceLock::new() }
    }

    fn gzip(&self) -> Option<Bytes> {
        let pack = || {
            let mut packed = GzEncoder::new(Vec::new(), Compression::best());
            packed.write_all(self.content).ok()?;
            let packed = packed.finish().ok()?;
            (packed.len() < self.content.len()).then(|| Bytes::from(packed))
        };
        self.gzip.get_or_init(pack).clone()
    }

    fn answer(&self, headers: &HeaderMap, keep: &'static str) -> Response {
        let packed = if takes_gzip(headers) { self.gzip() } else { None };
        let tag = format!("\"{}{}\"", self.tag, if packed.is_some() { "-gzip" } else { "" });
        let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
        let is_known = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
        let mut response = Response::new(Body::empty());
        let own = [
            (header::CACHE_CONTROL, HeaderValue::from_static(keep)),
            (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
        ];
        response.headers_mut().extend::<[(HeaderName, HeaderValue); 3]>(own);
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if packed.is_some() {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        *response.body_mut() = Body::from(packed.unwrap_or(Bytes::from_static(self.content)));
        response
    }
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html;charset=utf-8",
        "js" => "text/javascript;charset=utf-8",
        "css" => "text/css;charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        "txt" => "text/plain;charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether an answer may be packed (RFC 9110 §12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|accepted| accepted.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let refused = |quality: &str| quality.trim_start_matches("q=").parse::<f32>().is_ok_and(|q| q <= 0.0);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !parts.any(refused)
    })
}

fn page(path: &str, headers: &HeaderMap, keep: &'static str) -> Response {
    match PAGES.get(path) {
        Some(page) => page.answer(headers, keep),
        None => reply::refusal(StatusCode::NOT_FOUND, "NotFound", "There is no such file."),
    }
}

/// `GET /console`: names in pages are relative to the folder.
pub(crate) async fn to_folder() -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, "/console/")]).into_response()
}

/// `GET /console/`: the page.
pub(crate) async fn index(headers: HeaderMap) -> Response {
    page("index.html", &headers, ASK_AGAIN)
}

/// `GET /console/favicon.svg`.
pub(crate) async fn icon(headers: HeaderMap) -> Response {
    page("favicon.svg", &headers, ASK_AGAIN)
}

/// `GET /console/assets/{file}`: scripts and styles, whose names change with them.
pub(crate) async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    page(&format!("assets/{file}"), &headers, FOR_GOOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(of: &[(HeaderName, &str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[test]
    fn the_page_is_there_and_is_not_sent_twice() {
        let page = &PAGES["index.html"];
        let answer = page.answer(&asked(&[]), ASK_AGAIN);
        assert_eq!((answer.status(), answer.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, page.kind));
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
            let again = page.answer(&asked(&[(header::IF_NONE_MATCH, &known)]), ASK_AGAIN);
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
        }
        let other = page.answer(&asked(&[(header::IF_NONE_MATCH, "\"other\"")]), ASK_AGAIN);
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[test]
    fn who_takes_gzip_gets_less_under_another_tag() {
        let page = Page::new("a.js", &[b'a'; 4_000]);
        let packed = page.answer(&asked(&[(header::ACCEPT_ENCODING, "br, gzip;q=0.5")]), FOR_GOOD);
        let plain = page.answer(&asked(&[]), FOR_GOOD);
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_ne!(packed.headers()["etag"], plain.headers()["etag"]);
        assert!(page.gzip().unwrap().len() < 100);
        for none in ["", "br", "gzip;q=0", "x-gzip"] {
            assert!(!takes_gzip(&asked(&[(header::ACCEPT_ENCODING, none)])), "{none}");
        }
        assert_eq!(Page::new("a.png", b"x").gzip(), None, "what does not get smaller stays as it is");
    }
}
