//! What stands before every request of the console, and on every answer: nothing that another site may have caused is done, and pages load
//! nothing from elsewhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use catalog::{Catalog, CatalogError, DomainKind, DomainStatus};
use units::Mono;

use crate::{Console, mono, reply};

/// A header that no form and no link of another site can send.
const OURS: HeaderName = HeaderName::from_static("x-reprise-console");
/// How old the list of hosts may be from which pages load media.
const HOSTS_AGE_MAX: Duration = Duration::from_secs(5);
/// Hosts that are named, at most: a header has to stay short.
const HOSTS_MAX: usize = 50;

/// What pages of the console may load (Content Security Policy Level 3): everything from here, and media from where it is played.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Where clients are told to reach this server; empty: where they do.
    public: String,
    kept: Mutex<Option<(Mono, HeaderValue)>>,
}

impl Policy {
    /// Of a server that is reached at `public_url`.
    pub(crate) fn new(public_url: &str) -> Self {
        let (scheme, rest) = public_url.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let public = if is_plain(host) { format!("{scheme}://{host}") } else { String::new() };
        Self { public, kept: Mutex::new(None) }
    }

    async fn header(&self, catalog: &Catalog) -> HeaderValue {
        let now = mono();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, policy)) = kept
            && now.since(since) < HOSTS_AGE_MAX
        {
            return policy;
        }
        let hosts = media_hosts(catalog).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the console cannot say where media is played");
            Vec::new()
        });
        let policy = HeaderValue::from_str(&policy(&self.public, &hosts)).unwrap_or(HeaderValue::from_static(
            // Nothing that is written above has anything else in it.
            "default-src 'none'",
        ));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, policy.clone()));
        policy
    }
}

/// The domains that players are sent to.
async fn media_hosts(catalog: &Catalog) -> Result<Vec<String>, CatalogError> {
    let domains = catalog.configured_domains(&[DomainKind::Vod, DomainKind::Play]).await?;
    let working = domains.into_iter().map(|(domain, _)| domain).filter(|domain| domain.status == DomainStatus::Online);
    // At whatever port: domains do not say theirs.
    Ok(working
        .filter(|domain| is_plain(&domain.name))
        .map(|domain| format!("{}:*", domain.name))
        .take(HOSTS_MAX)
        .collect())
}

/// Has nothing in it that means something in a header.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'))
}

fn policy(public: &str, hosts: &[String]) -> String {
    let named = Some(public).filter(|public| !public.is_empty()).into_iter().chain(hosts.iter().map(String::as_str));
    let media = named.fold(String::new(), |all, host| format!("{all} {host}"));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:{media}; \
         media-src 'self' blob:{media}; connect-src 'self'{media}; worker-src 'self' blob:; font-src 'self'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// Refuses what another site may have caused, and says on every answer what its page may do.
pub(crate) async fn guard(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let behind_proxy = console.deps.settings.behind_proxy;
    let allowed = matches!(*request.method(), Method::GET | Method::HEAD) || is_own(request.headers(), behind_proxy);
    let mut response = match allowed {
        true => next.run(request).await,
        false => reply::refusal(
            StatusCode::FORBIDDEN,
            "CrossSite",
            "The request did not come from the console itself: it has the header X-Reprise-Console: 1 and the server's own Origin.",
        ),
    };
    let policy = console.policy.header(&console.deps.catalog).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether a page of the console sent this.
fn is_own(headers: &HeaderMap, behind_proxy: bool) -> bool {
    let marked = headers.get(OURS).is_some_and(|value| value == "1");
    // A page without an origin of its own says `null`, which is no host.
    let origin = headers.get(header::ORIGIN).map(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        origin.split_once("://").is_some_and(|(_, host)| host.eq_ignore_ascii_case(host_of(headers, behind_proxy)))
    });
    marked && origin.unwrap_or(true)
}

/// The host that was asked: what a proxy tells, if one is to be believed; else the header. Host and port only, whatever was sent.
pub(crate) fn host_of(headers: &HeaderMap, behind_proxy: bool) -> &str {
    let proxied = behind_proxy.then(|| told(headers, "x-forwarded-host")).flatten();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    proxied.or(host).filter(|host| is_plain(host)).unwrap_or_default()
}

/// What a proxy tells: of a list the last, which it saw itself.
pub(crate) fn told<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

/// Sends a browser that asks for `/` to the console. Everybody else asks the API.
pub async fn welcome(request: Request, next: Next) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|accepted| accepted.to_str().ok());
    let is_browser = accepts.is_some_and(|accepted| accepted.contains("text/html"));
    if is_browser && request.method() == Method::GET && request.uri().path() == "/" && request.uri().query().is_none() {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/console/")]).into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_pages_of_the_console_itself_may_change_something() {
        let (mark, host) = (("x-reprise-console", "1"), ("host", "vod.example.org:8080"));
        assert!(is_own(&headers(&[mark, host]), false), "no browser leaves its origin out where it matters");
        assert!(is_own(&headers(&[mark, host, ("origin", "http://VOD.example.org:8080")]), false));
        for other in [
            &[host][..],
            &[("x-reprise-console", "2"), host],
            &[mark, host, ("origin", "http://vod.example.org")],
            &[mark, host, ("origin", "https://evil.example.org:8080")],
            &[mark, host, ("origin", "null")],
            &[mark, ("origin", "http://vod.example.org:8080")],
        ] {
            assert!(!is_own(&headers(other), false), "{other:?}");
        }
        let proxied = headers(&[
            mark,
            ("host", "10.0.0.1"),
            ("origin", "https://vod.example.org"),
            ("x-forwarded-host", "a, vod.example.org"),
        ]);
        assert!(is_own(&proxied, true) && !is_own(&proxied, false));
    }

    #[test]
    fn pages_load_from_here_and_media_from_where_it_is_played() {
        let told = policy(&Policy::new("https://vod.example.org:8443/x").public, &["play.example.org:*".to_owned()]);
        assert!(told.contains("media-src 'self' blob: https://vod.example.org:8443 play.example.org:*;"), "{told}");
        assert!(told.contains("script-src 'self';") && !told.contains("unsafe"), "{told}");
        assert!(policy(&Policy::new("").public, &[]).contains("connect-src 'self'; "));
        for odd in ["https://a b/", "javascript:x", "https://a;b", "https://'none'"] {
            assert_eq!(Policy::new(odd).public, "", "{odd}");
        }
    }
}
