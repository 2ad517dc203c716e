//! One request: the door, the limits, the cache, and what is written down of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use door::{Admitted, Asked, Plain, Reload, cross_origin, json};

use crate::answer::{Answering, CACHE, first_slice};
use crate::error::FetchError;
use crate::key::key_of;
use crate::objects::From;
use crate::{Inner, now};

/// What was answered.
struct Answered {
    response: Response,
    bytes: u64,
    /// `None`: the cache was not asked.
    from: Option<From>,
    domain: String,
    path: String,
}

impl Answered {
    fn refused(response: Response, domain: &str, path: &str) -> Self {
        Self { response, bytes: 0, from: None, domain: domain.to_owned(), path: path.to_owned() }
    }
}

/// Answers whatever viewers ask for.
pub(crate) async fn enter(State(edge): State<Arc<Inner>>, request: Request) -> Response {
    cross_origin(request, async |request| counted(&edge, request).await).await
}

/// An answer that is told in the log and the metrics.
async fn counted(edge: &Inner, request: Request) -> Response {
    let began = Instant::now();
    let (asked, _) = request.into_parts();
    let Answered { mut response, bytes, from, domain, path } = answer(edge, &asked).await;
    let word = from.map_or("NONE", From::as_str);
    if let Some(from) = from {
        response.headers_mut().insert(CACHE, HeaderValue::from_static(from.as_str()));
    }
    metrics::counter!("edge_requests_total", "domain" => domain.clone(), "cache" => word).increment(1);
    metrics::counter!("edge_bytes_total", "domain" => domain.clone()).increment(bytes);
    // Neither signatures nor queries are in it.
    tracing::info!(
        target: "access",
        domain,
        method = asked.method.as_str(),
        path,
        status = response.status().as_u16(),
        bytes,
        cache = word,
        ms = began.elapsed().as_millis(),
    );
    response
}

async fn answer(edge: &Inner, request: &Parts) -> Answered {
    let Parts { method, uri, headers, extensions, .. } = request;
    if method != Method::GET && method != Method::HEAD {
        let mut response = json(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "only GET and HEAD are");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        return Answered::refused(response, "", "");
    }
    let Some(domains) = edge.feed.domains() else {
        let response = json(StatusCode::SERVICE_UNAVAILABLE, "try_again", "the origin was not heard yet; try again");
        return Answered::refused(response, "", "");
    };
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    let admitted = domains.admit(Asked { uri, headers, peer, behind_proxy: edge.behind_proxy }, now());
    // However a path is written, it is one.
    let admitted = admitted.and_then(|admitted| {
        let path = Plain::parse(&admitted.path)?.decoded;
        let reload = Reload::of(&path, uri.query().unwrap_or_default())?;
        Ok((key_of(&path, &reload), path, admitted))
    });
    let (key, path, Admitted { grant, domain, .. }) = match admitted {
        Ok(admitted) => admitted,
        Err(refusal) => {
            if let Some(reason) = refusal.reason() {
                metrics::counter!("edge_refused_total", "reason" => reason).increment(1);
            }
            return Answered::refused(refusal.into_response(), "", "");
        }
    };
    let domain = domain.unwrap_or_default();
    let Ok(mut seat) = edge.limits.enter(&domain) else {
        metrics::counter!("edge_refused_total", "reason" => "domain_full").increment(1);
        let mut response = json(
            StatusCode::SERVICE_UNAVAILABLE,
            "domain_full",
            "the domain has as many requests as it may; try again",
        );
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return Answered::refused(response, &domain, &path);
    };
    let first = first_slice(headers);
    // What changes while it is looked at is looked at once more.
    for last in [false, true] {
        let head_only = method == Method::HEAD;
        let answering = Answering { objects: &edge.objects, key: &key, grant: &grant, headers, head_only };
        let answered = match edge.objects.known(&key, first).await {
            Ok((known, from)) => answering.with(&known, from, seat.take()).await,
            Err(error) => Err(error),
        };
        match answered {
            Ok((response, bytes, from)) => return Answered { response, bytes, from: Some(from), domain, path },
            Err(FetchError::Changed) if !last => {
                edge.objects.doubt(&key).await;
                seat = edge.limits.enter(&domain).unwrap_or_default();
            }
            Err(error) => {
                metrics::counter!("edge_refused_total", "reason" => "origin").increment(1);
                return Answered::refused(error.into_response(), &domain, &path);
            }
        }
    }
    Answered::refused(FetchError::Changed.into_response(), &domain, &path)
}
