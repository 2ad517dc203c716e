//! A server of one file, as those are from which files are pulled: with ranges, or breaking off in the middle.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::task::AbortHandle;

/// How the server behaves.
#[derive(Debug, Default)]
pub struct Manners {
    /// Bytes after which the first answer breaks off; 0: none does.
    pub break_off: u64,
    /// Statuses of the first answers, before there is a file.
    pub refuse_with: Vec<StatusCode>,
}

#[derive(Debug)]
struct Shop {
    file: Bytes,
    manners: Mutex<Manners>,
    /// What was asked for: the `Range` of each request that came as far as the file.
    ranges: Mutex<Vec<Option<String>>>,
    sent: AtomicU64,
}

/// A server that listens until dropped. Every path is the file, but `/moved/…`, which redirects to it, and `/round/…`, to itself.
#[derive(Debug)]
pub struct FileServer {
    base: String,
    shop: Arc<Shop>,
    serving: AbortHandle,
}

impl FileServer {
    /// Serves a file from a free port of this machine.
    pub async fn start(file: &Path, manners: Manners) -> anyhow::Result<Self> {
        let file: Bytes = tokio::fs::read(file).await.with_context(|| format!("{}", file.display()))?.into();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let shop = Shop { file, manners: Mutex::new(manners), ranges: Mutex::default(), sent: AtomicU64::new(0) };
        let shop = Arc::new(shop);
        let app = Router::new().fallback(sell).with_state(Arc::clone(&shop));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Ok(Self { base, shop, serving })
    }

    /// Where the file is, under this name.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// The `Range` of each request that came as far as the file.
    pub fn ranges(&self) -> Vec<Option<String>> {
        lock(&self.shop.ranges).clone()
    }

    /// Bytes of the file that were offered, all answers together.
    pub fn sent(&self) -> u64 {
        self.shop.sent.load(Ordering::SeqCst)
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn sell(State(shop): State<Arc<Shop>>, uri: Uri, headers: HeaderMap) -> Response {
    if let Some(name) = uri.path().strip_prefix("/moved/") {
        return (StatusCode::FOUND, [(header::LOCATION, format!("/{name}"))]).into_response();
    }
    if uri.path().starts_with("/round/") {
        return (StatusCode::FOUND, [(header::LOCATION, uri.path().to_owned())]).into_response();
    }
    let (refusal, break_off) = {
        let mut manners = lock(&shop.manners);
        let refusal = (!manners.refuse_with.is_empty()).then(|| manners.refuse_with.remove(0));
        let break_off = if refusal.is_none() { std::mem::take(&mut manners.break_off) } else { 0 };
        (refusal, break_off)
    };
    if let Some(status) = refusal {
        return status.into_response();
    }
    let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok()).map(str::to_owned);
    lock(&shop.ranges).push(range.clone());
    let total = shop.file.len();
    let from = range.as_deref().and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let from: usize = from.unwrap_or(0);
    if from >= total {
        return StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    }
    let rest = shop.file.slice(from..);
    let length = rest.len();
    let offered = if break_off > 0 { length.min(usize::try_from(break_off).unwrap_or(length)) } else { length };
    shop.sent.fetch_add(u64::try_from(offered).unwrap_or(0), Ordering::SeqCst);
    let body = if offered < length {
        let pieces = [Ok(rest.slice(..offered)), Err(std::io::Error::other("the connection breaks"))];
        Body::from_stream(futures::stream::iter(pieces))
    } else {
        Body::from(rest)
    };
    let mut answer = Response::new(body);
    let insert = |answer: &mut Response, name: header::HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    };
    insert(&mut answer, header::ETAG, format!("\"{total}\""));
    insert(&mut answer, header::CONTENT_LENGTH, length.to_string());
    if range.is_some() {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        insert(&mut answer, header::CONTENT_RANGE, format!("bytes {from}-{}/{total}", total - 1));
    }
    answer
}
