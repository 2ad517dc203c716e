//! Answers of the store.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::{BUCKET, Refused, Said};

/// Text between tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// An answer with this document.
pub(super) fn response(status: StatusCode, document: String) -> Response {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// An answer without one; `etag` in hex.
pub(super) fn empty(status: StatusCode, etag: Option<&str>) -> Said<Response> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    match etag {
        Some(etag) => tagged(response, etag),
        None => Ok(response),
    }
}

/// An answer with this tag, in hex.
pub(super) fn tagged(mut response: Response, etag: &str) -> Said<Response> {
    let value = HeaderValue::from_str(&quoted(etag)).map_err(|error| Refused::failed(&error))?;
    response.headers_mut().insert(header::ETAG, value);
    Ok(response)
}

/// A tag as it is written.
pub(super) fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.to_ascii_uppercase())
}

/// Why a request was refused.
pub(super) fn error(code: &str, message: &str, request_id: &str) -> String {
    document("Error", &[("Code", code), ("Message", message), ("RequestId", request_id), ("HostId", BUCKET)], "")
}

/// A document of one level, with more behind its fields.
pub(super) fn document(root: &str, fields: &[(&str, &str)], more: &str) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value))).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>{fields}{more}</{root}>")
}

/// The texts of all elements of this name, as a list of parts has them: without attributes, and none inside another.
pub(super) fn texts<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let pieces = document.split(open.as_str()).skip(1);
    pieces.filter_map(|piece| piece.split_once(close.as_str()).map(|(text, _)| text.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_from_a_list_of_them() {
        let list = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"AB\"</ETag></Part>\
            <Part> <PartNumber> 2 </PartNumber><ETag>&quot;CD&quot;</ETag></Part></CompleteMultipartUpload>";
        assert_eq!(texts(list, "PartNumber"), ["1", "2"]);
        assert_eq!(texts(list, "ETag"), ["\"AB\"", "&quot;CD&quot;"]);
        assert_eq!(texts("<PartNumber>1", "PartNumber"), [""; 0]);
        assert!(error("A", "a<b", "r").contains("<Message>a&lt;b</Message>"));
    }
}
