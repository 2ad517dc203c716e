//! `/livez`, `/readyz`, `/metrics`: what orchestrators and dashboards ask.

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use catalog::Catalog;
use metrics::gauge;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::data_dir;
use crate::serve::NODE;

/// How long a readiness check may take before it counts as failed: shorter than orchestrators' own time-outs.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What the answers are made of.
#[derive(Clone)]
pub struct Health {
    /// Cancelled when the shutdown begins.
    pub stopping: CancellationToken,
    /// Must answer.
    pub catalog: Catalog,
    /// The folder that must be writable.
    pub data: PathBuf,
    /// Renders the metrics of this process.
    pub metrics: PrometheusHandle,
}

/// The three routes.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(render))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    if health.stopping.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n".to_owned());
    }
    let unready = |what: &str, why: &str| (StatusCode::SERVICE_UNAVAILABLE, format!("{what}: {why}\n"));
    match tokio::time::timeout(CHECK_TIMEOUT, health.catalog.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return unready("catalog", &why.to_string()),
        Err(_) => return unready("catalog", "no answer in time"),
    }
    let probe = tokio::task::spawn_blocking(move || data_dir::probe_writable(&health.data));
    match tokio::time::timeout(CHECK_TIMEOUT, probe).await {
        Ok(Ok(Ok(()))) => (StatusCode::OK, "ready\n".to_owned()),
        Ok(Ok(Err(error))) => unready("storage", &error.to_string()),
        Ok(Err(error)) => unready("storage", &error.to_string()),
        Err(_) => unready("storage", "no answer in time"),
    }
}

async fn render(State(health): State<Health>) -> impl IntoResponse {
    // Told by the rows, so that recordings that wait for their push count as well.
    match health.catalog.open_recordings(NODE).await {
        Ok(open) => gauge!("reprise_recordings_open").set(f64::from(u32::try_from(open.len()).unwrap_or(u32::MAX))),
        Err(error) => tracing::warn!(%error, "cannot count the open recordings"),
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], health.metrics.render())
}
