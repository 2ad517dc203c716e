//! `reprise edge`: a cache between viewers and a server, in a process of its own. It needs no catalog and no storage.
//!
//! # The shutdown sequence
//!
//! 1. `/readyz` answers 503. Everything else is still answered.
//! 2. The feed is not followed any more; what it told is on disk.
//! 3. HTTP takes no more connections; the requests that run have ten seconds to finish.
//! 4. What is on its way into the cache is written.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use edge::Edge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::http::{self, Listeners, TlsListener};
use crate::serve::{HTTP_DRAIN, Signals, bind, edge_secret, infallible, raise_file_limit, tidy_metrics, tls_listener};
use crate::service::{self, Service};

/// Runs an edge until it is told to stop.
pub fn run(config: Config) -> anyhow::Result<()> {
    raise_file_limit();
    let runtime = Builder::new_multi_thread().thread_name("edge").enable_all().build();
    runtime.context("cannot start a runtime")?.block_on(serve(config))
}

fn settings(config: &Config) -> anyhow::Result<edge::Settings> {
    let part = &config.edge;
    let Some(secret) = edge_secret(part)? else { bail!("edge.secret is wanted: the one of the origin") };
    if part.origin.is_empty() {
        bail!("edge.origin is wanted: where the origin is");
    }
    Ok(edge::Settings {
        origin: part.origin.clone(),
        secret,
        name: part.name.clone(),
        folder: PathBuf::from(&part.cache_dir),
        memory_bytes: u64::from(part.memory_mib) << 20,
        disk_bytes: u64::from(part.disk_gib) << 30,
        requests_max: part.domain_requests_max,
        bytes_per_second_max: u64::from(part.domain_mib_per_second_max) << 20,
        behind_proxy: config.http.behind_proxy,
    })
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let signals = Signals::listen()?;
    let settings = settings(&config)?;
    let origin = settings.origin.clone();
    let metrics = PrometheusBuilder::new().install_recorder().context("cannot start the metrics")?;
    let listener = bind("http.listen", &config.http.listen).await?;
    let address = listener.local_addr()?;
    let tls = tls_listener(&config.http, &settings.folder).await?;
    let https = tls.as_ref().map(TlsListener::local_addr).transpose()?;
    let edge = Edge::open(settings).await.context("cannot start the edge")?;
    let stopping = CancellationToken::new();
    let probes = Probes { edge: edge.clone(), metrics: metrics.clone(), stopping: stopping.clone() };
    let app = router(probes).merge(edge.router());
    let limits = http::Limits::new(config.http.connections_max);
    let (ends, ended) = service::ends();
    let here = Handle::current();
    let follower = edge.clone();
    let feed = Service::start("feed", &here, &ends, |stop| infallible(async move { follower.follow(stop).await }));
    let http = Service::start("http", &here, &ends, |stop| {
        infallible(http::serve(Listeners { plain: listener, tls }, app, limits, stop, HTTP_DRAIN))
    });
    let upkeep = tokio::spawn(tidy_metrics(metrics));
    let https = https.map_or_else(String::new, |https| format!("                 https://{https}/\n"));
    let greeting = format!(
        "Reprise {} edge\n  viewers        http://{address}/\n{https}  origin         {origin}\n  name           {}\n",
        env!("CARGO_PKG_VERSION"),
        edge.name()
    );
    if let Err(error) = std::io::stdout().write_all(greeting.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        tracing::warn!(%error, "cannot write to standard output");
    }
    let outcome = service::until_over([feed, http], ended, signals, &stopping).await;
    upkeep.abort();
    edge.close().await;
    outcome
}

/// What `/livez`, `/readyz` and `/metrics` answer from.
#[derive(Clone)]
struct Probes {
    edge: Edge,
    metrics: PrometheusHandle,
    stopping: CancellationToken,
}

fn router(probes: Probes) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(render))
        .with_state(probes)
}

/// Viewers reach this port as well: the metrics, which name domains, are for this network.
async fn render(State(probes): State<Probes>, ConnectInfo(peer): ConnectInfo<SocketAddr>) -> Response {
    if !is_near(peer.ip()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (content_type, probes.metrics.render()).into_response()
}

/// Whether an address is of this machine or of a private network (RFC 1918, RFC 4193).
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

async fn ready(State(probes): State<Probes>) -> (StatusCode, &'static str) {
    if probes.stopping.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
    } else if probes.edge.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "origin: not heard yet\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_for_this_network() {
        for (address, near) in [
            ("127.0.0.1", true),
            ("10.1.2.3", true),
            ("192.168.0.7", true),
            ("::1", true),
            ("fd00::1", true),
            ("::ffff:10.0.0.1", true),
            ("203.0.113.7", false),
            ("::ffff:203.0.113.7", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_near(address.parse().unwrap()), near, "{address}");
        }
    }
}
