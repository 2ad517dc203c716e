//! Answers that are not those of the API: JSON with a code and a sentence.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::CatalogError;
use serde_json::{Value, json};

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = (status, value.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A refusal: a code, and a sentence for people.
pub(crate) fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    json(status, &json!({ "Code": code, "Message": message }))
}

/// The catalog did not do what it was asked. Its log has the cause.
pub(crate) fn failed(error: &CatalogError) -> Response {
    if error.is_transient() {
        tracing::warn!(error = error as &dyn std::error::Error, "the catalog did not answer the console");
        return refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "The catalog does not answer now. Try again later.",
        );
    }
    tracing::error!(error = error as &dyn std::error::Error, "a request of the console failed in the catalog");
    refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The server failed. Its log has more.")
}

/// A request that cannot be read.
pub(crate) fn unreadable(error: &serde_json::Error) -> Response {
    refusal(StatusCode::BAD_REQUEST, "InvalidRequest", &format!("The request cannot be read: {error}."))
}
