//! A customer's server: takes callbacks, keeps them, checks their signatures.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use md5::{Digest, Md5};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// The furthest a signature's time may be from ours, in seconds (contract §3.1).
const CLOCK_WINDOW: u64 = 300;

/// One request that arrived.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// GET for live callbacks, POST for events.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The JSON body; null when there is none.
    pub body: Value,
    /// When it came.
    pub at: Instant,
    /// The same by the wall clock, in seconds since 1970.
    pub at_unix: u64,
    /// The status that was answered.
    pub answered: u16,
}

impl Delivery {
    /// The body's `EventType`.
    pub fn event_type(&self) -> &str {
        self.body["EventType"].as_str().unwrap_or_default()
    }

    /// Checks `X-VOD-SIGNATURE` and its timestamp for a callback URL and key; says what is wrong.
    pub fn check_signature(&self, url: &str, key: &str) -> Result<(), String> {
        let header = |name: &str| {
            let value = self.headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or_else(|| format!("there is no header {name}"))
        };
        let (timestamp, signature) = (header("x-vod-timestamp")?, header("x-vod-signature")?);
        let sent: u64 = timestamp.parse().map_err(|_| format!("X-VOD-TIMESTAMP {timestamp:?} is no number"))?;
        let off = sent.abs_diff(self.at_unix);
        if off > CLOCK_WINDOW {
            return Err(format!("X-VOD-TIMESTAMP {sent} is {off} s from when it came"));
        }
        let expected = Md5::digest(format!("{url}|{timestamp}|{key}"));
        let expected: String = expected.iter().map(|byte| format!("{byte:02x}")).collect();
        if signature != expected {
            return Err(format!("X-VOD-SIGNATURE is {signature}; {expected} is right"));
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Kept {
    deliveries: Mutex<Vec<Delivery>>,
    answers: Mutex<VecDeque<StatusCode>>,
    /// The body of every answer.
    says: Mutex<String>,
    arrived: Notify,
}

/// A receiver that listens until dropped.
#[derive(Debug)]
pub struct Receiver {
    url: String,
    kept: Arc<Kept>,
    serving: AbortHandle,
}

impl Receiver {
    /// Starts one on a free port of this machine.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/callback", listener.local_addr()?);
        let kept = Arc::new(Kept::default());
        let app = Router::new().fallback(take).with_state(Arc::clone(&kept));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await }).abort_handle();
        Ok(Self { url, kept, serving })
    }

    /// Where it takes callbacks.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next requests with these statuses, then 200 again.
    pub fn answer_next(&self, statuses: impl IntoIterator<Item = StatusCode>) {
        lock(&self.kept.answers).extend(statuses);
    }

    /// Fails the next `count` requests with an error of the receiver's own.
    pub fn fail_next(&self, count: u64) {
        self.answer_next((0..count).map(|_| StatusCode::INTERNAL_SERVER_ERROR));
    }

    /// How many deliveries of that event came so far, repeats included.
    pub fn deliveries_of(&self, event_type: &str) -> usize {
        lock(&self.kept.deliveries).iter().filter(|delivery| delivery.event_type() == event_type).count()
    }

    /// Waits until that many deliveries of an event came; false when they did not within `patience`.
    pub async fn wait_count(&self, event_type: &str, count: usize, patience: Duration) -> bool {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let arrived = self.kept.arrived.notified();
            if self.deliveries_of(event_type) >= count {
                return true;
            }
            if tokio::time::timeout_at(deadline, arrived).await.is_err() {
                return false;
            }
        }
    }

    /// Answers every request with this body.
    pub fn say(&self, body: &str) {
        body.clone_into(&mut lock(&self.kept.says));
    }

    /// Everything that came so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.kept.deliveries).clone()
    }

    /// Waits until `enough` says so of everything that came; fails after `patience`, telling what came.
    pub async fn wait(
        &self,
        patience: Duration,
        mut enough: impl FnMut(&[Delivery]) -> bool,
    ) -> anyhow::Result<Vec<Delivery>> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let arrived = self.kept.arrived.notified();
            let deliveries = self.deliveries();
            if enough(&deliveries) {
                return Ok(deliveries);
            }
            if tokio::time::timeout_at(deadline, arrived).await.is_err() {
                let bodies = deliveries.iter().map(|d| format!("\n  {} {}", d.uri, d.body)).collect::<String>();
                bail!("the callbacks waited for did not come within {patience:?}; {} came:{bodies}", deliveries.len());
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(
    State(kept): State<Arc<Kept>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let answer = lock(&kept.answers).pop_front().unwrap_or(StatusCode::OK);
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let at_unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let delivery = Delivery { method, uri, headers, body, at: Instant::now(), at_unix, answered: answer.as_u16() };
    lock(&kept.deliveries).push(delivery);
    kept.arrived.notify_waiters();
    (answer, lock(&kept.says).clone())
}

/// A poisoned lock is a panic elsewhere in the test, which is what will be reported.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
