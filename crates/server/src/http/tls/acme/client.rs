//! How the authority is asked: by the HTTP client of the rest of the program.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::body::Bytes;
use axum::http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use reqwest::Certificate;

/// How long the authority may take to take a connection, and to answer one request.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of one answer. A chain of certificates, the longest of them, has some 8 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A client of one authority.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Seconds that the authority asked to be left alone for when it last refused; 0: none.
    left_alone: Arc<AtomicU64>,
}

impl Client {
    /// Trusts the certificates of the PEM file `root` alone, or else those that the system trusts.
    ///
    /// # Errors
    /// `root` cannot be read, or has no certificate.
    pub async fn new(root: Option<&Path>) -> anyhow::Result<Self> {
        let mut builder =
            reqwest::Client::builder().https_only(true).connect_timeout(CONNECT_TIMEOUT).timeout(ANSWER_TIMEOUT);
        if let Some(root) = root {
            let named = || format!("cannot take http.acme_root = {:?}", root.display().to_string());
            let text = tokio::fs::read(root).await.with_context(named)?;
            let trusted = Certificate::from_pem_bundle(&text).with_context(named)?;
            ensure!(!trusted.is_empty(), "http.acme_root has no certificate");
            builder = builder.tls_certs_only(trusted);
        }
        let http = builder.build().context("cannot make a client of the ACME server")?;
        Ok(Self { http, left_alone: Arc::default() })
    }

    /// How long the authority asked to be left alone for in its last refusal (RFC 8555 §6.6). Asking forgets it.
    pub fn left_alone(&self) -> Duration {
        Duration::from_secs(self.left_alone.swap(0, Ordering::Relaxed))
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let request = Request::from_parts(head, body.to_bytes());
            let asked = reqwest::Request::try_from(request).map_err(|error| Error::Other(error.into()))?;
            let answer = client.http.execute(asked).await.map_err(|error| Error::Other(error.into()))?;
            let answer = Response::<reqwest::Body>::from(answer);
            if [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status()) {
                let seconds =
                    answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                client.left_alone.store(seconds.unwrap_or_default(), Ordering::Relaxed);
            }
            Ok(BytesResponse::from(answer.map(|body| Limited::new(body, ANSWER_BYTES_MAX))))
        })
    }
}
