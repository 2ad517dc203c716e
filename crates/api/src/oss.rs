//! The store that clients upload to: as much of the object store's dialect as its own clients need to send one file, whole or in parts.
//!
//! A client has a temporary key for one upload and its object (`CreateUploadVideo`). What it sends is streamed to storage, never held.
//! An upload is complete with its object, or with the request that names its parts; from then on it belongs to the worker, unless it is a
//! file of the library, which is kept as it came.
//! **Invariant:** nothing is believed before its signature is, and no key reaches beyond its own upload.

mod parts;
mod target;
mod xml;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use blobs::{AppendFile, Blobs};
use bytes::{Bytes, BytesMut};
use catalog::upload_key;
use futures::StreamExt;
use md5::{Digest, Md5};
use rpc::oss::{Signed, read_token, temporary_key};
use tokio::task::spawn_blocking;

pub(crate) use self::target::{ATTACHED_BYTES_MAX, file_object, joined, object_key};
use self::target::{Target, finish_file};
use crate::codes::chain;
use crate::state::ApiState;

/// The one bucket there is.
pub(crate) const BUCKET: &str = "reprise";
/// Bytes that are written at a time.
const WRITE_BYTES: usize = 4 << 20;
/// Bytes between two syncs.
const SYNC_BYTES: u64 = 64 << 20;

/// Codes that tell somebody who guesses that he has guessed wrong.
const GUESSES: [&str; 2] = ["InvalidSecurityToken", "SignatureDoesNotMatch"];

/// The store on `/reprise/…`.
pub(crate) fn router(state: ApiState) -> Router {
    Router::new().route(&format!("/{BUCKET}/{{*key}}"), any(handle)).with_state(state)
}

/// What is said when something is refused.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn denied(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "AccessDenied", message)
    }

    fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = %chain(error), "an upload cannot be stored");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "The server failed to store the upload.")
    }
}

impl From<blobs::BlobError> for Refused {
    fn from(error: blobs::BlobError) -> Self {
        Self::failed(&error)
    }
}

impl From<catalog::CatalogError> for Refused {
    fn from(error: catalog::CatalogError) -> Self {
        Self::failed(&error)
    }
}

type Said<T> = Result<T, Refused>;

/// Which objects are being written now: two clients that write one would mix their bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writing(Arc<Mutex<BTreeSet<String>>>);

/// Gives an object free when it is dropped.
struct Held {
    writing: Writing,
    key: String,
}

impl Writing {
    fn hold(&self, key: String) -> Said<Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.insert(key.clone()) {
            let message = "Another request writes this object now.";
            return Err(Refused::new(StatusCode::CONFLICT, "OperationAborted", message));
        }
        drop(held);
        Ok(Held { writing: self.clone(), key })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.writing.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// A request that is believed.
struct Asked {
    method: Method,
    /// Decoded.
    key: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    target: Target,
}

impl Asked {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The file may still be sent.
    fn is_waited_for(&self) -> Said<()> {
        if self.target.is_waiting() {
            return Ok(());
        }
        Err(Refused::new(StatusCode::CONFLICT, "FileAlreadyExists", "The file is complete already."))
    }
}

async fn handle(State(state): State<ApiState>, Path(key): Path<String>, request: Request<Body>) -> Response {
    let request_id = state.catalog.ids().request((state.clock)()).to_string();
    let head = request.method() == Method::HEAD;
    let neighbourhood =
        door::neighbourhood(door::address_of(request.extensions(), request.headers(), state.settings.behind_proxy));
    let (who, mono) = (format!("{BUCKET}\n{neighbourhood}"), (state.mono)());
    let believed = match state.throttle.may_fail(&who, mono) {
        Ok(()) => believe(&state, key, request).await,
        Err(_) => {
            let message = "Too many requests with wrong signatures came from this address. Try again later.";
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "QpsLimitExceeded", message))
        }
    };
    if believed.as_ref().is_err_and(|refused| GUESSES.contains(&refused.code)) {
        state.throttle.failed(&who, mono);
    }
    let answered = match believed {
        Ok((asked, body)) => answer(&state, asked, body).await,
        Err(refused) => Err(refused),
    };
    let mut response = answered.unwrap_or_else(|Refused { status, code, message }| {
        let body = if head { String::new() } else { xml::error(code, &message, &request_id) };
        let mut response = xml::response(status, body);
        // What was sent with a refused request may not have been read: nothing more can come behind it, and the client has to know.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    });
    if let Ok(id) = request_id.parse() {
        response.headers_mut().insert("x-oss-request-id", id);
    }
    response
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Checks who asks, and for what.
async fn believe(state: &ApiState, key: String, request: Request<Body>) -> Said<(Asked, Body)> {
    let (parts, body) = request.into_parts();
    let root = state.keys.first().ok_or_else(|| Refused::denied("There is no key."))?;
    let token = text(&parts.headers, "x-oss-security-token");
    let (thing, until) = read_token(&root.secret, token).ok_or_else(|| {
        Refused::new(StatusCode::FORBIDDEN, "InvalidSecurityToken", "The security token is not known.")
    })?;
    if (state.clock)().unix_s() >= until {
        let message = "The temporary key has expired: ask for another with RefreshUploadVideo.";
        return Err(Refused::new(StatusCode::FORBIDDEN, "SecurityTokenExpired", message));
    }
    let query: Vec<(String, String)> = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let of_the_store = parts.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-oss-"));
    let headers: Vec<(String, String)> = of_the_store
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let dated = text(&parts.headers, "x-oss-date");
    let signed = Signed {
        method: parts.method.as_str(),
        content_md5: text(&parts.headers, "content-md5"),
        content_type: text(&parts.headers, "content-type"),
        date: if dated.is_empty() { text(&parts.headers, "date") } else { dated },
        headers: &headers,
        bucket: BUCKET,
        key: &key,
        query: &query,
    };
    let temporary = temporary_key(&root.secret, thing, until);
    if !signed.is_authorized(text(&parts.headers, "authorization"), &temporary) {
        let message = "The signature is not that of the request: signature V1 in the header is wanted.";
        return Err(Refused::new(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", message));
    }
    let target = Target::find(&state.catalog, thing).await?.filter(|target| key == target.object());
    let target = target.ok_or_else(|| Refused::denied("The temporary key is for another object."))?;
    Ok((Asked { method: parts.method, key, query, headers: parts.headers, target }, body))
}

async fn answer(state: &ApiState, asked: Asked, body: Body) -> Said<Response> {
    let (begins, in_parts) = (asked.parameter("uploads").is_some(), asked.parameter("uploadId").is_some());
    match (asked.method.clone(), begins, in_parts) {
        (Method::PUT, false, false) => put_object(state, asked, body).await,
        (Method::HEAD, false, false) => head_object(asked),
        (Method::POST, true, _) => parts::begin(state, asked).await,
        (Method::PUT, _, true) => parts::put(state, asked, body).await,
        (Method::GET, _, true) => parts::list(state, asked).await,
        (Method::POST, _, true) => parts::complete(state, asked, body).await,
        (Method::DELETE, _, true) => parts::abort(state, asked).await,
        _ => {
            let message = "Only the requests that send one file are answered here.";
            Err(Refused::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message))
        }
    }
}

/// The whole file in one request.
async fn put_object(state: &ApiState, asked: Asked, body: Body) -> Said<Response> {
    asked.is_waited_for()?;
    let limit = asked.target.bytes_max(&state.settings);
    let upload = match &asked.target {
        Target::Video(upload) => upload,
        Target::File(file) => {
            let key = file.key();
            let _held = state.writing.hold(key.clone())?;
            archive::describe_first(&state.catalog, &state.blobs, file.id)
                .await
                .map_err(|error| Refused::failed(&error))?;
            let stored = store(&state.blobs, &key, body, &asked.headers, limit).await?;
            finish_file(state, file, stored.bytes, &stored.md5).await?;
            return xml::empty(StatusCode::OK, Some(&stored.md5));
        }
    };
    let key = upload_key(upload.id);
    let _held = state.writing.hold(key.clone())?;
    let stored = store(&state.blobs, &key, body, &asked.headers, limit).await?;
    if !state.catalog.upload_stored(upload.id, stored.bytes, &stored.md5, (state.clock)()).await? {
        return Err(not_waited_for());
    }
    tracing::info!(upload = %upload.id, asset = %upload.asset, bytes = stored.bytes, "file sent");
    xml::empty(StatusCode::OK, Some(&stored.md5))
}

fn not_waited_for() -> Refused {
    let message = "Nobody waits for the file any more.";
    Refused::new(StatusCode::CONFLICT, "FileAlreadyExists", message)
}

fn head_object(asked: Asked) -> Said<Response> {
    match asked.target.is_here() {
        true => xml::empty(StatusCode::OK, asked.target.md5()),
        false => Err(Refused::new(StatusCode::NOT_FOUND, "NoSuchKey", "The file was not sent.")),
    }
}

/// What was stored.
pub(crate) struct Stored {
    pub(crate) bytes: u64,
    /// In upper-case hex.
    pub(crate) md5: String,
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Said<T> {
    match spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Refused::failed(&error)),
        Err(error) => Err(Refused::failed(&error)),
    }
}

/// Streams a body into an object, which it replaces. It survives a power loss when this ends well.
async fn store(blobs: &Blobs, key: &str, body: Body, headers: &HeaderMap, limit: u64) -> Said<Stored> {
    let announced = text(headers, header::CONTENT_LENGTH.as_str()).parse::<u64>();
    let too_large = || Refused::bad("EntityTooLarge", format!("At most {limit} bytes are taken."));
    if announced.as_ref().is_ok_and(|bytes| *bytes > limit) {
        return Err(too_large());
    }
    has_room(blobs)?;
    let (store, name) = (blobs.clone(), key.to_owned());
    let opened = spawn_blocking(move || store.append_file(&name)).await.map_err(|error| Refused::failed(&error))?;
    let mut file = opened?;
    file = blocking(move || file.truncate(0).map(|()| file)).await?;
    let (mut digest, mut buffer, mut unsynced) = (Md5::new(), BytesMut::with_capacity(WRITE_BYTES), 0u64);
    let mut body = body.into_data_stream();
    loop {
        let next = body.next().await.transpose();
        let next = next.map_err(|_| Refused::bad("IncompleteBody", "The request ended early."))?;
        if let Some(bytes) = &next {
            digest.update(bytes);
            buffer.extend_from_slice(bytes);
            if file.len().saturating_add(u64::try_from(buffer.len()).unwrap_or(u64::MAX)) > limit {
                return Err(too_large());
            }
        }
        if next.is_none() || buffer.len() >= WRITE_BYTES {
            let bytes = buffer.split().freeze();
            unsynced = unsynced.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let sync = next.is_none() || unsynced >= SYNC_BYTES;
            if sync && has_room(blobs).is_err() {
                blocking(move || file.truncate(0)).await?;
                return Err(no_room());
            }
            unsynced = if sync { 0 } else { unsynced };
            file = write(file, bytes, sync).await?;
        }
        if next.is_none() {
            break;
        }
    }
    if announced.is_ok_and(|bytes| bytes != file.len()) {
        return Err(Refused::bad("IncompleteBody", "The request has fewer bytes than it says."));
    }
    let digest = digest.finalize();
    let claimed = text(headers, "content-md5");
    if !claimed.is_empty() && claimed != rpc::oss::base64(&digest) {
        return Err(Refused::bad("InvalidDigest", "Content-MD5 is not that of the body."));
    }
    Ok(Stored { bytes: file.len(), md5: digest.iter().map(|byte| format!("{byte:02X}")).collect() })
}

/// What remains of the disk is for what is recorded: a file that is uploaded can wait.
fn has_room(blobs: &Blobs) -> Said<()> {
    if blobs.alarm().is_low() { Err(no_room()) } else { Ok(()) }
}

fn no_room() -> Refused {
    let message = "There is too little room on the server's disk. Send the file again later.";
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}

async fn write(mut file: AppendFile, bytes: Bytes, sync: bool) -> Said<AppendFile> {
    blocking(move || {
        if !bytes.is_empty() {
            file.append(&[bytes])?;
        }
        if sync {
            file.sync_data()?;
        }
        Ok(file)
    })
    .await
}
