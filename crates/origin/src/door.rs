//! Who is let in: of which domain a request is, and what that domain asks of it, before anything is looked for.
//!
//! What is live is the domain's that its path names; a video is that of the host it is asked from. Where any domain of videos
//! asks something, a host that is none of them gets no videos: another name for this server would be the way around it.
//!
//! A signature is checked over the path as it was sent, and that path is routed: what was signed is what is served. A path that
//! could be read as another one is refused before. (Decision 0031.)

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, Uri, header};
use axum::response::{IntoResponse, Response};
use catalog::{Catalog, Domain, DomainConfig, DomainKind, DomainStatus};
use moka::future::Cache;
use rpc::access::{Addresses, Referers};
use rpc::url_auth::UrlAuth;
use tower::ServiceExt;
use view::Name;

use crate::ANSWER_AGE_MAX;
use crate::error::{OriginError, Result};
use crate::grant::Grant;
use crate::live::now;
use crate::path::{Plain, folder_of, name_of};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What a domain asks of those who play from it.
#[derive(Debug)]
struct Rules {
    kind: DomainKind,
    online: bool,
    auth: Option<UrlAuth>,
    referers: Vec<Referers>,
    addresses: Vec<Addresses>,
    /// Something of its configuration cannot be read.
    broken: bool,
}

impl Rules {
    fn new(domain: &Domain, configs: &[DomainConfig]) -> Self {
        let mut rules = Self {
            kind: domain.kind,
            online: domain.status == DomainStatus::Online,
            auth: None,
            referers: Vec::new(),
            addresses: Vec::new(),
            broken: false,
        };
        for DomainConfig { function, args, .. } in configs {
            if let Err(error) = rules.add(function, args) {
                tracing::error!(
                    domain = domain.name,
                    function,
                    error,
                    "nothing is played from a domain that cannot be read"
                );
                rules.broken = true;
            }
        }
        rules
    }

    fn add(&mut self, function: &str, args: &BTreeMap<String, String>) -> std::result::Result<(), String> {
        if function == UrlAuth::FUNCTION {
            self.auth = UrlAuth::of_args(args)?;
        } else if let Some(referers) = Referers::of_args(function, args) {
            self.referers.push(referers?);
        } else if let Some(addresses) = Addresses::of_args(function, args) {
            self.addresses.push(addresses?);
        }
        Ok(())
    }

    /// Whether it asks anything.
    fn asks(&self) -> bool {
        self.broken || self.auth.is_some() || self.is_personal()
    }

    /// Whether it depends on who asks.
    fn is_personal(&self) -> bool {
        !self.referers.is_empty() || !self.addresses.is_empty()
    }

    /// Everything but the signature.
    fn admit(&self, visitor: &Visitor<'_>) -> Result<()> {
        if self.broken {
            return Err(OriginError::Internal("the domain's configuration cannot be read".to_owned()));
        }
        if !self.online {
            return Err(OriginError::Stopped);
        }
        if !self.addresses.iter().all(|list| list.admits(visitor.connected, visitor.told)) {
            return Err(OriginError::Address);
        }
        if !self.referers.iter().all(|list| list.admits(visitor.referer)) {
            return Err(OriginError::Referer);
        }
        Ok(())
    }
}

/// All domains that are played from, as they were a moment ago.
#[derive(Debug)]
struct Domains {
    by_name: HashMap<String, Rules>,
    /// Some domain of videos asks something.
    videos_guarded: bool,
}

/// Who asks, as far as it is known.
struct Visitor<'a> {
    /// Lower case, without a port.
    host: String,
    referer: Option<&'a str>,
    connected: Option<IpAddr>,
    /// What a trusted proxy tells.
    told: Option<IpAddr>,
}

/// Stands before the routes.
pub(crate) struct Door {
    catalog: Catalog,
    /// One value: whatever hosts are asked for, the catalog is asked once in a while.
    domains: Cache<(), Arc<Domains>>,
    behind_proxy: bool,
    inside: Router,
}

impl Door {
    pub(crate) fn new(catalog: Catalog, behind_proxy: bool, inside: Router) -> Self {
        let domains = Cache::builder().max_capacity(1).time_to_live(ANSWER_AGE_MAX).build();
        Self { catalog, domains, behind_proxy, inside }
    }

    async fn domains(&self) -> Result<Arc<Domains>> {
        let ask = async {
            let told = self.catalog.configured_domains(&[DomainKind::Play, DomainKind::Vod]).await?;
            let rules =
                |(domain, configs): &(Domain, Vec<DomainConfig>)| (domain.name.clone(), Rules::new(domain, configs));
            let by_name: HashMap<String, Rules> = told.iter().map(rules).collect();
            let videos_guarded = by_name.values().any(|rules| rules.kind == DomainKind::Vod && rules.asks());
            Ok(Arc::new(Domains { by_name, videos_guarded }))
        };
        self.domains.try_get_with((), ask).await.map_err(|error: Arc<OriginError>| (*error).clone())
    }

    fn visitor<'a>(&self, uri: &Uri, headers: &'a HeaderMap, peer: Option<SocketAddr>) -> Result<Visitor<'a>> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if headers.get_all(header::HOST).iter().count() > 1 {
            return Err(OriginError::BadRequest { what: "it names two hosts" });
        }
        // Of a list the last is what the proxy itself saw; whatever stands before came from outside.
        let forwarded = |name: HeaderName| {
            let list = headers.get_all(name).iter().next_back().filter(|_| self.behind_proxy)?;
            list.to_str().ok()?.rsplit(',').next().map(str::trim)
        };
        let asked = uri.authority().map(|authority| authority.as_str()).or(text(header::HOST));
        Ok(Visitor {
            host: host_name(forwarded(FORWARDED_HOST).or(asked).unwrap_or_default()),
            referer: text(header::REFERER),
            connected: peer.map(|peer| peer.ip()),
            told: forwarded(FORWARDED_FOR).and_then(|address| address.parse().ok()),
        })
    }

    /// Lets a request in, or not: what it may do, and the path to serve.
    async fn admit(&self, uri: &Uri, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(Grant, String)> {
        let whole = uri.path();
        Plain::parse(whole)?;
        let visitor = self.visitor(uri, headers, peer)?;
        let domains = self.domains().await?;
        let by_host = domains.by_name.get(&visitor.host);
        let media = media_path(whole);
        let mut short = String::new();
        let rules = match media {
            Some(path) if path.starts_with(LIVE) => {
                let name = path.strip_prefix(LIVE).and_then(|rest| rest.split('/').next()).unwrap_or_default();
                let name = Plain::parse(&format!("/{name}"))?.decoded.to_ascii_lowercase();
                let named = domains.by_name.get(name.trim_start_matches('/'));
                Some(named.filter(|rules| rules.kind == DomainKind::Play).ok_or(NO_STREAM)?)
            }
            Some(_) => match by_host.filter(|rules| rules.kind == DomainKind::Vod) {
                None if domains.videos_guarded => return Err(OriginError::NoDomain),
                rules => rules,
            },
            // `/{app}/{stream}.m3u8` on a streaming domain.
            None => {
                short = format!("{LIVE}{}", visitor.host);
                Some(by_host.filter(|rules| rules.kind == DomainKind::Play).ok_or(NO_PATH)?)
            }
        };
        if let Some(rules) = rules {
            rules.admit(&visitor)?;
        }
        let (grant, path) = match rules.and_then(|rules| rules.auth.as_ref()) {
            None => (Grant::open(whole), whole),
            Some(auth) => {
                let claim = auth.claim(whole, uri.query().unwrap_or_default())?;
                let path = claim.path();
                let (plain, now) = (Plain::parse(path)?, now());
                let pass = auth.check(&claim, &signed_for(path, &plain.decoded), now)?;
                (Grant::open(path).signed(pass, now), path)
            }
        };
        // A signature stands before the path only where the domain wants it there.
        if media.is_some_and(|media| media != path) {
            return Err(NO_PATH);
        }
        let grant = grant.personal(rules.is_some_and(Rules::is_personal)).with_query(uri.query().unwrap_or_default());
        Ok((grant, format!("{short}{path}")))
    }
}

const VIDEOS: &str = "/v/";
const LIVE: &str = "/l/";
const NO_STREAM: OriginError = OriginError::NotFound { what: "a live stream" };
const NO_PATH: OriginError = OriginError::NotFound { what: "this path" };

/// The path of a video or of something live, without the two parts of a signature that may stand before it.
fn media_path(whole: &str) -> Option<&str> {
    let is_media = |path: &&str| path.starts_with(VIDEOS) || path.starts_with(LIVE);
    let behind = || {
        let (_, rest) = whole.strip_prefix('/')?.split_once('/')?;
        rest.find('/').and_then(|at| rest.get(at..))
    };
    Some(whole).filter(is_media).or_else(|| behind().filter(is_media))
}

/// What a signature of a path may have been made for: the path as it was sent, or with its escapes taken back, as some sign it
/// before they write it; and of the parts of a description, which are numbered, their folder.
fn signed_for<'a>(path: &'a str, decoded: &'a str) -> Vec<&'a str> {
    let mut all = vec![path];
    if decoded != path {
        all.push(decoded);
    }
    let part = matches!(name_of(path).parse(), Ok(Name::Init(..) | Name::Segment(..) | Name::Segments(..)));
    if part {
        all.push(folder_of(path));
    }
    all
}

/// The host of an authority, lower case, without user and port.
fn host_name(authority: &str) -> String {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    // A name may end with the dot of the root.
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Answers whatever is asked for below the origin.
pub(crate) async fn enter(State(door): State<Arc<Door>>, mut request: Request) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    let admitted = door.admit(request.uri(), request.headers(), peer).await;
    let routed = admitted.and_then(|(grant, path)| match PathAndQuery::try_from(path) {
        Ok(path) => Ok((grant, path)),
        Err(_) => Err(NO_PATH),
    });
    let (grant, path) = match routed {
        Ok(routed) => routed,
        Err(error) => {
            if let Some(reason) = error.refusal() {
                metrics::counter!("origin_refused_total", "reason" => reason).increment(1);
                tracing::debug!(reason, path = request.uri().path(), ?peer, "a request is refused");
            }
            return error.into_response();
        }
    };
    *request.uri_mut() = Uri::from(path);
    request.extensions_mut().insert(Arc::new(grant));
    match door.inside.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_case_port_and_the_dot_of_the_root() {
        for (authority, host) in [
            ("VOD.example.org", "vod.example.org"),
            ("vod.example.org:8080", "vod.example.org"),
            ("vod.example.org.", "vod.example.org"),
            ("vod.example.org.:80", "vod.example.org"),
            ("a@vod.example.org:80", "vod.example.org"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_name(authority), host, "{authority}");
        }
    }

    #[test]
    fn a_signature_is_told_from_what_it_signs() {
        assert_eq!(media_path("/v/a/b"), Some("/v/a/b"));
        assert_eq!(media_path("/202601010000/0cc1/l/d/app/s.m3u8"), Some("/l/d/app/s.m3u8"));
        assert_eq!(media_path("/v/x/v/a/b"), Some("/v/x/v/a/b"));
        for other in ["/", "/app/s.m3u8", "/1/v/a/b", "/1/2/3/v/a/b", "/v"] {
            assert_eq!(media_path(other), None, "{other}");
        }
    }

    #[test]
    fn only_numbered_parts_are_signed_with_their_folder() {
        assert_eq!(signed_for("/v/a/v0.m4s", "/v/a/v0.m4s"), ["/v/a/v0.m4s", "/v/a/"]);
        assert_eq!(signed_for("/v/a/init-v0.mp4", "/v/a/init-v0.mp4").len(), 2);
        for whole in ["/v/a/index.m3u8", "/v/a/video.m3u8", "/v/a/source.mp4", "/v/a/covers/x-00001.jpg"] {
            assert_eq!(signed_for(whole, whole), [whole]);
        }
        assert_eq!(signed_for("/v/a/%62", "/v/a/b"), ["/v/a/%62", "/v/a/b"]);
    }
}
