//! An edge before an origin that counts what it is asked.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use door::Secret;
use edge::{Edge, Settings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const SECRET: &str = "between-us-0123456789";

/// An origin that writes down what it is asked, and can be told to answer nothing.
#[derive(Clone, Default)]
pub struct Watch {
    asked: Arc<Mutex<Vec<String>>>,
    away: Arc<AtomicBool>,
}

impl Watch {
    /// Below `app`, whatever it is.
    pub async fn over(self, app: Router) -> String {
        let watch = self.clone();
        let app = app.layer(middleware::from_fn(move |request, next| watch.clone().pass(request, next)));
        listen(app).await
    }

    async fn pass(self, request: Request, next: Next) -> Response {
        if self.away.load(Ordering::Relaxed) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let path = request.uri().path_and_query().map_or("", |path| path.as_str()).to_owned();
        if path != door::feed::PATH {
            let range = request.headers().get(header::RANGE).map_or("", |value| value.to_str().unwrap());
            self.asked.lock().unwrap().push(format!("{path} {range}").trim_end().to_owned());
        }
        next.run(request).await
    }

    /// What was asked since the last time, but for the feed.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    pub fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }
}

/// Serves `app` on a port of its own.
pub async fn listen(app: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// A running edge.
pub struct Running {
    pub edge: Edge,
    pub url: String,
    stop: CancellationToken,
    following: JoinHandle<()>,
}

pub fn settings(origin: &str, folder: &Path) -> Settings {
    Settings {
        origin: origin.to_owned(),
        secret: Secret::new(SECRET).unwrap(),
        name: "edge-1".to_owned(),
        folder: folder.to_owned(),
        memory_bytes: 64 << 20,
        disk_bytes: 256 << 20,
        requests_max: 0,
        bytes_per_second_max: 0,
        behind_proxy: false,
    }
}

impl Running {
    pub async fn start(settings: Settings) -> Self {
        let edge = Edge::open(settings).await.unwrap();
        let url = listen(edge.router()).await;
        let (stop, follower) = (CancellationToken::new(), edge.clone());
        let following = tokio::spawn({
            let stop = stop.clone();
            async move { follower.follow(stop).await }
        });
        let running = Self { edge, url, stop, following };
        until("the edge is ready", async || running.edge.is_ready()).await;
        running
    }

    /// Ends it as a shutdown does; what it keeps is on disk.
    pub async fn stop(self) {
        self.stop.cancel();
        self.following.await.unwrap();
        self.edge.close().await;
    }

    /// The same path under a host.
    pub fn at(&self, host: &str, path: &str) -> String {
        format!("{}{path}", self.url.replace("127.0.0.1", host))
    }
}

/// Waits for a state that nobody announces.
pub async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: bytes::Bytes,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn cache(&self) -> &str {
        self.header("x-cache")
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// The word of a refusal.
    pub fn word(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        body["error"].as_str().unwrap().to_owned()
    }
}

pub async fn get_with(url: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = reqwest::Client::new().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, body: response.bytes().await.unwrap() }
}

pub async fn get(url: &str) -> Got {
    get_with(url, &[]).await
}
