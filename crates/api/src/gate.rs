//! From an HTTP request to an answer: read, believe, dispatch. Whatever happens, the answer is JSON.
//!
//! The order is: parse, look up the key, check the clock, check the signature, spend the nonce, dispatch. So nobody without
//! a key learns which operations exist, and a request that is not believed writes nothing.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::{FutureExt, StreamExt};
use rpc::play_auth::TEMPORARY;
use rpc::{BODY_BYTES_MAX, CLOCK_WINDOW, Call, Params, Refusal, WireRequest};
use serde_json::{Map, Value};
use tracing::Instrument;
use units::{AssetId, RequestId, WallTime};

use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Operation, Service};
use crate::delivery::Delivery;
use crate::operations;
use crate::state::{ApiState, Context};

/// How much of a body that is too large is still read before the answer, in bytes. A client that is not read from never
/// reads: it would see a reset connection instead of the error.
const DRAIN_BYTES_MAX: usize = 64 << 20;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often nonces that may be forgotten are deleted.
const PURGE_INTERVAL: Duration = Duration::from_secs(60);

/// Answers one request on `/`.
pub(crate) async fn handle(State(state): State<ApiState>, request: Request) -> Response {
    let now = (state.clock)();
    let request_id = state.catalog.ids().request(now);
    let host = host_of(request.headers()).to_owned();
    let span = tracing::info_span!("api", request_id = %request_id.to_uuid(), action = tracing::field::Empty);
    let answer = AssertUnwindSafe(answer(&state, request, &host, now))
        .catch_unwind()
        .instrument(span.clone())
        .await
        .unwrap_or_else(|_| {
            span.in_scope(|| tracing::error!("an API call panicked"));
            Err(Code::InternalError.into())
        });
    let code = answer.as_ref().err().map_or("OK", |error| error.code.as_str());
    metrics::counter!("reprise_api_calls_total", "code" => code).increment(1);
    span.in_scope(|| tracing::debug!(code, "answered"));
    match answer {
        Ok(members) => success(members, request_id),
        Err(error) => failure(&error, request_id, &host),
    }
}

async fn answer(state: &ApiState, request: Request, host: &str, now: WallTime) -> Answer<Map<String, Value>> {
    let (head, body) = request.into_parts();
    // A refusal of the body does not hide one of the method, but the body is read in any case: see DRAIN_BYTES_MAX.
    let body = read_body(body).await;
    let headers = texts(&head.headers);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let wire = WireRequest { method: head.method.as_str(), query, headers: &headers, body: &body? };
    let call = Call::parse(&wire)?;
    let bound = believe(state, &call, now).await?;
    let operation = find(&call.version, &call.action)?;
    tracing::Span::current().record("action", operation.declaration.name);
    if let Some(video) = &bound {
        within_bounds(operation, &call.params, video)?;
    }
    let base = state.settings.public_url.trim_end_matches('/');
    let public_url = if base.is_empty() { format!("http://{host}") } else { base.to_owned() };
    let context = Context {
        catalog: state.catalog.clone(),
        blobs: state.blobs.clone(),
        settings: state.settings.clone(),
        keys: state.keys.clone(),
        now,
        delivery: Delivery::of(&state.catalog, &public_url).await?,
        public_url,
        issuer: state.issuer.clone(),
    };
    run(operation, &context, &call.params).await
}

async fn run(operation: &Operation, context: &Context, params: &Params) -> Answer<Map<String, Value>> {
    let answer = (operation.run)(context, params).await;
    metrics::counter!("reprise_api_operations_total", "action" => operation.declaration.name,
        "result" => if answer.is_ok() { "ok" } else { "error" })
    .increment(1);
    answer
}

/// Is the call signed by someone we know, now, for the first time? With a temporary key, the one video that it is for.
async fn believe(state: &ApiState, call: &Call, now: WallTime) -> Answer<Option<String>> {
    let bound = match &state.issuer {
        Some(issuer) if call.access_key_id.starts_with(TEMPORARY) => {
            let key = issuer.read(&call.access_key_id, call.security_token(), now).map_err(Refusal::from)?;
            call.check_clock(now)?;
            call.verify_temporary(&key.access_key_secret)?;
            Some(key.video)
        }
        _ => {
            let key =
                state.keys.iter().find(|key| key.id == call.access_key_id).ok_or(Code::InvalidAccessKeyNotFound)?;
            call.check_clock(now)?;
            call.verify(&key.secret)?;
            None
        }
    };
    let purged = state.nonces_purged_ms.load(Ordering::Relaxed);
    let due = now.since(WallTime::from_unix_ms(purged)) >= PURGE_INTERVAL;
    if due && state.nonces_purged_ms.compare_exchange(purged, now.unix_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    {
        state.catalog.purge_nonces(now).await?;
    }
    // A request signed as far ahead as is allowed stays good for twice the window.
    let expires = now.after(CLOCK_WINDOW * 2);
    match state.catalog.remember_nonce(&call.access_key_id, &call.nonce, expires).await? {
        true => Ok(bound),
        false => Err(Code::SignatureNonceUsed.into()),
    }
}

/// A temporary key asks how its video is played, and nothing else.
fn within_bounds(operation: &Operation, params: &Params, video: &str) -> Answer<()> {
    let asks_for = |id: &str| id.parse::<AssetId>().is_ok_and(|asked| Ok(asked) == video.parse());
    let is_play_info = operation.declaration == operations::PLAY_INFO;
    if is_play_info && params.filled("VideoId").is_some_and(asks_for) && params.filled("ReferenceId").is_none() {
        return Ok(());
    }
    Err(Code::ForbiddenRam.because("The temporary access key may only call GetPlayInfo, and only for its own VideoId."))
}

fn find(version: &str, action: &str) -> Answer<&'static Operation> {
    let service = Service::of_version(version).ok_or(Code::InvalidVersion)?;
    operations::find(service, action).ok_or_else(|| Code::InvalidActionNotFound.into())
}

async fn read_body(body: Body) -> Answer<Vec<u8>> {
    let read = async {
        let mut kept = Vec::new();
        let mut total = 0usize;
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk =
                chunk.map_err(|_| Code::InvalidParameter.because("The request body was not received whole."))?;
            total = total.saturating_add(chunk.len());
            if total <= BODY_BYTES_MAX {
                kept.extend_from_slice(&chunk);
            } else if total > DRAIN_BYTES_MAX {
                break;
            }
        }
        match total {
            found if found > BODY_BYTES_MAX => {
                Err(Refusal::TooLarge { what: "the body's bytes", found, limit: BODY_BYTES_MAX }.into())
            }
            _ => Ok(kept),
        }
    };
    tokio::time::timeout(BODY_TIMEOUT, read).await.unwrap_or_else(|_| {
        Err(Code::InvalidParameter
            .because(format!("The request body did not arrive within {} s.", BODY_TIMEOUT.as_secs())))
    })
}

/// Headers as text. A value that is not UTF-8 is read with replacement characters: it cannot match a signature then.
fn texts(headers: &HeaderMap) -> Vec<(&str, Cow<'_, str>)> {
    headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect()
}

/// The Host header, which goes into URLs and answers: host and port only, whatever was sent.
fn host_of(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if host.chars().all(plain) { host } else { "" }
}

fn success(mut members: Map<String, Value>, request_id: RequestId) -> Response {
    members.insert("RequestId".to_owned(), Value::String(request_id.to_uuid()));
    respond(StatusCode::OK, members, request_id)
}

fn failure(error: &ApiError, request_id: RequestId, host: &str) -> Response {
    let members = [
        ("RequestId", request_id.to_uuid()),
        ("HostId", host.to_owned()),
        ("Code", error.code.as_str().to_owned()),
        ("Message", error.message.to_string()),
        ("Recommend", format!("See the code {} in the API reference.", error.code.as_str())),
    ];
    let members = members.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect();
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    respond(status, members, request_id)
}

fn respond(status: StatusCode, members: Map<String, Value>, request_id: RequestId) -> Response {
    let mut response = Response::new(Body::from(Value::Object(members).to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    // Players in pages of any site ask with keys of one video. A signature is all that counts here: browsers add nothing to it.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Ok(id) = HeaderValue::from_str(&request_id.to_uuid()) {
        headers.insert("x-acs-request-id", id);
    }
    response
}
