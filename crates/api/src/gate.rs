//! From an HTTP request to an answer: read, believe, permit, dispatch. Whatever happens, the answer is JSON.
//!
//! The order is: parse, look up the key, check the clock, check the signature, see how often it asks, spend the nonce, look up the operation,
//! ask whether the key may call it, run it. So nobody without a key learns which operations exist, and a request that is not believed, or
//! comes too often, writes nothing. A user of the console is believed elsewhere, and goes the rest of the way. A call that is believed and may write is written down together with its nonce, before it does anything.

use std::borrow::Cow;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use catalog::{NewAuditEvent, Role};
use futures::{FutureExt, StreamExt};
use rpc::{BODY_BYTES_MAX, CLOCK_WINDOW, Call, Params, Refusal, WireRequest};
use serde_json::{Map, Value};
use tracing::Instrument;
use units::{RequestId, WallTime};

use crate::access::{self, Access, Effect, Right};
use crate::caller::{Caller, believe, throttled};
use crate::codes::{Answer, ApiError, Code, chain};
use crate::declare::{Operation, Service};
use crate::delivery::Delivery;
use crate::masked::masked;
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
    answered(answer(&state, request, request_id, &host, now), request_id, &host).await
}

/// A call of somebody whom another part of the server has believed already: a user of the console.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// His name.
    pub user: String,
    /// What he may do.
    pub role: Role,
    /// The service by name, `Live` or `Vod`.
    pub service: String,
    /// The operation.
    pub action: String,
    /// Its parameters.
    pub params: Params,
    /// From where he asks.
    pub address: Option<IpAddr>,
    /// Under which URL he reaches the server: scheme, host and port.
    pub reached: String,
}

/// Answers a call without a signature, by the role of its user: as often as a key may ask, and written down like the calls of one, under the
/// name `console:USER`. The answer is that of the public API.
pub async fn call_as(state: &ApiState, asked: Asked) -> Response {
    let now = (state.clock)();
    let request_id = state.catalog.ids().request(now);
    let Asked { user, role, service, action, params, address, reached } = asked;
    let host = reached.split_once("://").map_or("", |(_, host)| host).to_owned();
    let answer = async {
        let service = Service::of_name(&service).ok_or(Code::InvalidVersion)?;
        let operation = operations::find(service, &action).ok_or_else(|| Code::InvalidActionNotFound.into());
        let caller_id = format!("console:{user}");
        let caller = Caller::User { role };
        let believed = Believed { caller, caller_id: &caller_id, nonce: None, params: &params, address };
        serve(state, &believed, operation, request_id, &reached, now).await
    };
    answered(answer, request_id, &host).await
}

/// Puts an answer into words, whatever happens to it.
async fn answered(
    answer: impl Future<Output = Answer<Map<String, Value>>>,
    request_id: RequestId,
    host: &str,
) -> Response {
    let span = tracing::info_span!("api", request_id = %request_id.to_uuid(), action = tracing::field::Empty);
    let answer = AssertUnwindSafe(answer).catch_unwind().instrument(span.clone()).await.unwrap_or_else(|_| {
        span.in_scope(|| tracing::error!("an API call panicked"));
        Err(Code::InternalError.into())
    });
    let code = answer.as_ref().err().map_or("OK", |error| error.code.as_str());
    metrics::counter!("reprise_api_calls_total", "code" => code).increment(1);
    span.in_scope(|| tracing::debug!(code, "answered"));
    match answer {
        Ok(members) => success(members, request_id),
        Err(error) => failure(&error, request_id, host),
    }
}

async fn answer(
    state: &ApiState,
    request: Request,
    request_id: RequestId,
    host: &str,
    now: WallTime,
) -> Answer<Map<String, Value>> {
    let (head, body) = request.into_parts();
    // A refusal of the body does not hide one of the method, but the body is read in any case: see DRAIN_BYTES_MAX.
    let body = read_body(body).await;
    let headers = texts(&head.headers);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let wire = WireRequest { method: head.method.as_str(), query, headers: &headers, body: &body? };
    let call = Call::parse(&wire)?;
    let address = door::address_of(&head.extensions, &head.headers, state.settings.behind_proxy);
    let believed = Believed {
        caller: believe(state, &call, address, now).await?,
        caller_id: &call.access_key_id,
        nonce: Some(&call.nonce),
        params: &call.params,
        address,
    };
    // Whoever listens says by what it was asked.
    let scheme = head.extensions.get::<Scheme>().unwrap_or(&Scheme::HTTP);
    serve(state, &believed, find(&call.version, &call.action), request_id, &format!("{scheme}://{host}"), now).await
}

/// A call whose caller is known.
struct Believed<'a> {
    caller: Caller,
    /// The id of his key, or what stands in its place.
    caller_id: &'a str,
    /// Works once; what was not signed has none.
    nonce: Option<&'a str>,
    params: &'a Params,
    address: Option<IpAddr>,
}

/// Runs a call whose caller is known, if he does not ask too often and may ask, and writes down what is to be known of it.
async fn serve(
    state: &ApiState,
    call: &Believed<'_>,
    operation: Answer<&'static Operation>,
    request_id: RequestId,
    reached: &str,
    now: WallTime,
) -> Answer<Map<String, Value>> {
    let right = operation.as_ref().map_or(UNKNOWN, |operation| access::right(operation.declaration.name));
    let mono = (state.mono)();
    state.throttle.call(call.caller_id, right.effect, mono).map_err(|wait| throttled("calls", wait))?;
    let audited = operation.as_ref().ok().filter(|_| right.effect == Effect::Writes);
    let audited = audited.map(|operation| NewAuditEvent {
        request: request_id.to_uuid(),
        at: now,
        access_key: call.caller_id.to_owned(),
        role: call.caller.role().to_owned(),
        address: call.address.map(|address| address.to_string()).unwrap_or_default(),
        service: operation.declaration.service.name().to_owned(),
        action: operation.declaration.name.to_owned(),
        params: masked(operation.declaration.params, call.params),
    });
    admit(state, call, audited.as_ref(), now).await?;
    let operation = operation?;
    tracing::Span::current().record("action", operation.declaration.name);
    let done = permitted(state, operation, right, call, reached, now).await;
    if audited.is_some() {
        let code = done.as_ref().err().map_or("OK", |error| error.code.as_str());
        if let Err(error) = state.catalog.end_audit(&request_id.to_uuid(), code).await {
            // It stays in the log without an outcome, and the caller gets his answer.
            tracing::warn!(error = chain(&error), code, "cannot write down what became of a call");
        }
    }
    done
}

/// Runs an operation, if the caller may call it. The server was `reached` at this URL.
async fn permitted(
    state: &ApiState,
    operation: &Operation,
    right: Right,
    call: &Believed<'_>,
    reached: &str,
    now: WallTime,
) -> Answer<Map<String, Value>> {
    call.caller.may_call(operation, right, call.params)?;
    let base = state.settings.public_url.trim_end_matches('/');
    let public_url = if base.is_empty() { reached.to_owned() } else { base.to_owned() };
    let context = Context {
        catalog: state.catalog.clone(),
        blobs: state.blobs.clone(),
        settings: state.settings.clone(),
        keys: state.keys.clone(),
        now,
        delivery: Delivery::of(&state.catalog, &public_url).await?,
        public_url,
        issuer: state.issuer.clone(),
        space: state.space.clone(),
    };
    run(operation, &context, call.params).await
}

async fn run(operation: &Operation, context: &Context, params: &Params) -> Answer<Map<String, Value>> {
    // A panic ends its call, which is told and written down like any other failure.
    let answer = AssertUnwindSafe((operation.run)(context, params)).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("an API call panicked");
        Err(Code::InternalError.into())
    });
    metrics::counter!("reprise_api_operations_total", "action" => operation.declaration.name,
        "result" => if answer.is_ok() { "ok" } else { "error" })
    .increment(1);
    answer
}

/// What is asked of a call whose operation does not exist.
const UNKNOWN: Right = Right { access: Access::Look, effect: Effect::Reads };

/// Spends the nonce of a believed call and, in the same transaction, writes down what is to be known of it.
async fn admit(state: &ApiState, call: &Believed<'_>, audited: Option<&NewAuditEvent>, now: WallTime) -> Answer<()> {
    if call.nonce.is_none() && audited.is_none() {
        return Ok(());
    }
    let purged = state.nonces_purged_ms.load(Ordering::Relaxed);
    let due = now.since(WallTime::from_unix_ms(purged)) >= PURGE_INTERVAL;
    if due && state.nonces_purged_ms.compare_exchange(purged, now.unix_ms, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    {
        state.catalog.purge_nonces(now).await?;
    }
    // A request signed as far ahead as is allowed stays good for twice the window.
    let expires = now.after(CLOCK_WINDOW * 2);
    let mut tx = state.catalog.begin().await?;
    if let Some(nonce) = call.nonce
        && !tx.remember_nonce(call.caller_id, nonce, expires).await?
    {
        return Err(Code::SignatureNonceUsed.into());
    }
    if let Some(audited) = audited {
        tx.begin_audit(audited).await?;
    }
    if let Caller::Owner(key) = &call.caller
        && !key.is_use_noted(now)
    {
        tx.note_use_of_access_key(&key.id, now).await?;
    }
    tx.commit().await?;
    Ok(())
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
    let mut response = respond(status, members, request_id);
    if let Some(wait) = error.retry_after {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        response.headers_mut().insert("x-acs-retry-after", HeaderValue::from(millis));
    }
    response
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
