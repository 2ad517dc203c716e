//! Stands before the routes: asks of a request what its domain wants (the rules are the crate `door`'s), and hands on with it what it may do.

use std::net::SocketAddr;
use std::sync::Arc;

use ::door::{Admitted, Asked, DomainSettings, Domains, Plain, Refusal, Reload, admit_edge, cross_origin};
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use catalog::Catalog;
use moka::future::Cache;
use tower::ServiceExt;

use crate::error::{OriginError, Result};
use crate::kept::kept;
use crate::live::now;
use crate::usage::{self, Usage, Viewed};
use crate::{ANSWER_AGE_MAX, Settings};

/// Stands before the routes.
pub(crate) struct Door {
    catalog: Catalog,
    /// One value: whatever hosts are asked for, the catalog is asked once in a while.
    domains: Cache<(), Arc<Domains>>,
    settings: Settings,
    usage: Usage,
    inside: Router,
}

impl Door {
    pub(crate) fn new(catalog: Catalog, settings: Settings, usage: Usage, inside: Router) -> Self {
        let domains = Cache::builder().max_capacity(1).time_to_live(ANSWER_AGE_MAX).build();
        Self { catalog, domains, settings, usage, inside }
    }

    /// All domains, as they were a moment ago.
    async fn domains(&self) -> Result<Arc<Domains>> {
        let ask = async || {
            let told = self.catalog.configured_domains(&DomainSettings::KINDS).await?;
            let all: Vec<_> = told.iter().map(|(domain, configs)| DomainSettings::new(domain, configs)).collect();
            Ok(Arc::new(Domains::new(&all)))
        };
        kept(&self.domains, (), ask).await
    }

    async fn admit(&self, request: &Parts) -> Result<Admitted> {
        let Parts { uri, headers, extensions, .. } = request;
        if self.settings.edge_secret.as_ref().is_some_and(|secret| secret.is_shown(headers)) {
            return Ok(admit_edge(uri)?);
        }
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
        let asked = Asked { uri, headers, peer, behind_proxy: self.settings.behind_proxy };
        Ok(self.domains().await?.admit(asked, now())?)
    }
}

/// What a request that was let in is counted as. What edges ask for is not: one copy of theirs serves many.
fn viewed(admitted: &Admitted, headers: &HeaderMap) -> Option<Viewed> {
    if admitted.by_edge {
        return None;
    }
    let path = Plain::parse(&admitted.path).ok()?.decoded;
    let (media, is_media) = usage::of_path(&path)?;
    let agent = headers.get(header::USER_AGENT).map(|agent| agent.as_bytes()).unwrap_or_default();
    // Any name that is no domain counts as the server's own: who asks may write there what they like.
    let domain = admitted.domain.clone().unwrap_or_default();
    Some(Viewed { domain, media, is_media, address: admitted.address, agent: usage::agent_of(agent) })
}

/// Answers whatever is asked for below the origin.
pub(crate) async fn enter(State(door): State<Arc<Door>>, request: Request) -> Response {
    cross_origin(request, async |request| answer(&door, request).await).await
}

async fn answer(door: &Door, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let routed = door.admit(&parts).await.and_then(|admitted| {
        let viewed = viewed(&admitted, &parts.headers);
        let path = PathAndQuery::try_from(admitted.path).map_err(|_| Refusal::NotFound { what: "this path" })?;
        Ok((admitted.grant, path, viewed))
    });
    let (grant, path, viewed) = match routed {
        Ok(routed) => routed,
        Err(error) => {
            if let OriginError::Door(refusal) = &error
                && let Some(reason) = refusal.reason()
            {
                metrics::counter!("origin_refused_total", "reason" => reason).increment(1);
                tracing::debug!(reason, path = parts.uri.path(), "a request is refused");
            }
            return error.into_response();
        }
    };
    // All that is looked at of a query behind the door.
    parts.extensions.insert(Reload::of(path.path(), parts.uri.query().unwrap_or_default()));
    parts.uri = Uri::from(path);
    parts.extensions.insert(Arc::new(grant));
    let method = parts.method.clone();
    let response = match door.inside.clone().oneshot(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    match viewed {
        Some(viewed) => door.usage.count(viewed, &method, response),
        None => response,
    }
}
