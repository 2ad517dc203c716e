//! The calls of users: handed on to the API, which answers by the role of their user.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::uri::Scheme;
use axum::http::{Extensions, HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;

use crate::guard::host_of;
use crate::{Asked, Console, reply};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Wanted {
    service: String,
    action: String,
    #[serde(default)]
    params: BTreeMap<String, String>,
}

/// `POST /console/call`: the answer of the operation, as everybody gets it.
pub(crate) async fn call(
    State(console): State<Arc<Console>>,
    extensions: Extensions,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signed_in = match console.signed_in(&extensions, &headers).await {
        Ok(signed_in) => signed_in,
        Err(refused) => return refused,
    };
    let wanted: Wanted = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(error) => return reply::unreadable(&error),
    };
    let Wanted { service, action, params } = wanted;
    let scheme = extensions.get::<Scheme>().unwrap_or(&Scheme::HTTP);
    let asked = Asked {
        user: signed_in.session.user.clone(),
        role: signed_in.session.role,
        service,
        action,
        params,
        address: door::address_of(&extensions, &headers, console.deps.settings.behind_proxy),
        reached: format!("{scheme}://{}", host_of(&headers, console.deps.settings.behind_proxy)),
    };
    let mut answer = (console.deps.call)(asked).await;
    // The public API may be asked from pages of any site; this is for pages of this one.
    answer.headers_mut().remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    answer.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    signed_in.on(answer)
}
