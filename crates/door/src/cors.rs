//! Any site may play what is served; players run in pages of other origins.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// How long browsers keep the answer that any site may ask (a day is the most they take).
const CORS_AGE: &str = "86400";

/// Answers what browsers ask before they let a page read media, and lets it read the answer to anything else.
pub async fn cross_origin(request: Request, answer: impl AsyncFnOnce(Request) -> Response) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight { StatusCode::NO_CONTENT.into_response() } else { answer(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if preflight {
        let methods = HeaderValue::from_static("GET, HEAD, OPTIONS");
        headers.insert(header::ALLOW, methods.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Range, If-None-Match, If-Range, Cache-Control, Content-Type"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(CORS_AGE));
    } else {
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Content-Length, Content-Range, Accept-Ranges, ETag, Date"),
        );
    }
    response
}
