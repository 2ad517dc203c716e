//! Who is let in: of which domain a request is, and what that domain asks of it, before anything is looked for.
//!
//! What is live is the domain's that its path names; a video is that of the host it is asked from. Where any domain of videos
//! asks something, a host that is none of them gets no videos: another name for this server would be the way around it.
//!
//! A signature is checked over the path as it was sent, and that path is routed: what was signed is what is served. A path that
//! could be read as another one is refused before. (Decision 0031.)

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, Uri, header};
use catalog::{Domain, DomainConfig, DomainKind, DomainStatus};
use rpc::access::{Addresses, Referers};
use rpc::url_auth::UrlAuth;
use serde::{Deserialize, Serialize};
use units::WallTime;
use view::Name;

use crate::grant::Grant;
use crate::path::{Plain, folder_of, name_of};
use crate::refusal::{Refusal, Result};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A domain that is played from, and its configuration, as an origin tells it to its edges.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DomainSettings {
    /// Its name, lower case.
    pub name: String,
    /// Videos are played from it; otherwise streams are.
    pub videos: bool,
    /// It works.
    pub online: bool,
    /// The arguments of the functions that the door reads, by name. They have keys in them.
    pub functions: BTreeMap<String, BTreeMap<String, String>>,
}

impl std::fmt::Debug for DomainSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DomainSettings").field("name", &self.name).field("online", &self.online).finish_non_exhaustive()
    }
}

impl DomainSettings {
    /// The kinds of domains that are played from.
    pub const KINDS: [DomainKind; 2] = [DomainKind::Play, DomainKind::Vod];

    /// Of the catalog's rows.
    pub fn new(domain: &Domain, configs: &[DomainConfig]) -> Self {
        let read = |config: &&DomainConfig| {
            let (function, args) = (config.function.as_str(), &config.args);
            function == UrlAuth::FUNCTION
                || Referers::of_args(function, args).is_some()
                || Addresses::of_args(function, args).is_some()
        };
        let functions = configs.iter().filter(read).map(|config| (config.function.clone(), config.args.clone()));
        Self {
            name: domain.name.clone(),
            videos: domain.kind == DomainKind::Vod,
            online: domain.status == DomainStatus::Online,
            functions: functions.collect(),
        }
    }
}

/// What a domain asks of those who play from it.
#[derive(Debug)]
struct Rules {
    name: String,
    videos: bool,
    online: bool,
    auth: Option<UrlAuth>,
    referers: Vec<Referers>,
    addresses: Vec<Addresses>,
    /// Something of its configuration cannot be read.
    broken: bool,
}

impl Rules {
    fn new(domain: &DomainSettings) -> Self {
        let mut rules = Self {
            name: domain.name.clone(),
            videos: domain.videos,
            online: domain.online,
            auth: None,
            referers: Vec::new(),
            addresses: Vec::new(),
            broken: false,
        };
        for (function, args) in &domain.functions {
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
            return Err(Refusal::Broken);
        }
        if !self.online {
            return Err(Refusal::Stopped);
        }
        if !self.addresses.iter().all(|list| list.admits(visitor.connected, visitor.told)) {
            return Err(Refusal::Address);
        }
        if !self.referers.iter().all(|list| list.admits(visitor.referer)) {
            return Err(Refusal::Referer);
        }
        Ok(())
    }
}

/// All domains that are played from.
#[derive(Debug)]
pub struct Domains {
    by_name: HashMap<String, Rules>,
    /// Some domain of videos asks something.
    videos_guarded: bool,
}

/// A request for media.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// As it was sent.
    pub uri: &'a Uri,
    /// As they were sent.
    pub headers: &'a HeaderMap,
    /// Who is connected.
    pub peer: Option<SocketAddr>,
    /// A proxy stands before this server, and what it tells of the host and the address of a request is believed.
    pub behind_proxy: bool,
}

/// A request that was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// What it may do.
    pub grant: Grant,
    /// The path to serve, as it was written, without a signature; of what is live with the domain in it.
    pub path: String,
    /// The domain that it is of; `None` for a video from a host that is none.
    pub domain: Option<String>,
    /// Who is told to have asked, by a trusted proxy or else by the connection.
    pub address: Option<IpAddr>,
    /// An edge asks, for whoever it serves.
    pub by_edge: bool,
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

impl<'a> Visitor<'a> {
    fn new(asked: Asked<'a>) -> Result<Self> {
        let Asked { uri, headers, peer, behind_proxy } = asked;
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if headers.get_all(header::HOST).iter().count() > 1 {
            return Err(Refusal::BadRequest { what: "it names two hosts" });
        }
        // Of a list the last is what the proxy itself saw; whatever stands before came from outside.
        let forwarded = |name: HeaderName| {
            let list = headers.get_all(name).iter().next_back().filter(|_| behind_proxy)?;
            list.to_str().ok()?.rsplit(',').next().map(str::trim)
        };
        let host = uri.authority().map(|authority| authority.as_str()).or(text(header::HOST));
        Ok(Self {
            host: host_name(forwarded(FORWARDED_HOST).or(host).unwrap_or_default()),
            referer: text(header::REFERER),
            connected: peer.map(|peer| peer.ip()),
            told: forwarded(FORWARDED_FOR).and_then(|address| address.parse().ok()),
        })
    }
}

impl Domains {
    /// Of these domains.
    pub fn new<'a>(domains: impl IntoIterator<Item = &'a DomainSettings>) -> Self {
        let by_name: HashMap<String, Rules> =
            domains.into_iter().map(|domain| (domain.name.clone(), Rules::new(domain))).collect();
        let videos_guarded = by_name.values().any(|rules| rules.videos && rules.asks());
        Self { by_name, videos_guarded }
    }

    /// Lets a request in, or not: what it may do, and the path to serve.
    pub fn admit(&self, asked: Asked<'_>, now: WallTime) -> Result<Admitted> {
        let whole = asked.uri.path();
        Plain::parse(whole)?;
        let visitor = Visitor::new(asked)?;
        let by_host = self.by_name.get(&visitor.host);
        let media = media_path(whole);
        let mut short = String::new();
        let rules = match media {
            Some(path) if path.starts_with(LIVE) => {
                let name = path.strip_prefix(LIVE).and_then(|rest| rest.split('/').next()).unwrap_or_default();
                let name = Plain::parse(&format!("/{name}"))?.decoded.to_ascii_lowercase();
                let named = self.by_name.get(name.trim_start_matches('/'));
                Some(named.filter(|rules| !rules.videos).ok_or(NO_STREAM)?)
            }
            Some(_) => match by_host.filter(|rules| rules.videos) {
                None if self.videos_guarded => return Err(Refusal::NoDomain),
                rules => rules,
            },
            // `/{app}/{stream}.m3u8` on a streaming domain.
            None => {
                short = format!("{LIVE}{}", visitor.host);
                Some(by_host.filter(|rules| !rules.videos).ok_or(NO_PATH)?)
            }
        };
        if let Some(rules) = rules {
            rules.admit(&visitor)?;
        }
        let query = asked.uri.query().unwrap_or_default();
        let (grant, path) = match rules.and_then(|rules| rules.auth.as_ref()) {
            None => (Grant::open(whole), whole),
            Some(auth) => {
                let claim = auth.claim(whole, query)?;
                let path = claim.path();
                let plain = Plain::parse(path)?;
                let pass = auth.check(&claim, &signed_for(path, &plain.decoded), now)?;
                (Grant::open(path).signed(pass, now), path)
            }
        };
        // A signature stands before the path only where the domain wants it there.
        if media.is_some_and(|media| media != path) {
            return Err(NO_PATH);
        }
        let grant = grant.personal(rules.is_some_and(Rules::is_personal)).with_query(query);
        let domain = rules.map(|rules| rules.name.clone());
        let address = visitor.told.or(visitor.connected);
        Ok(Admitted { grant, path: format!("{short}{path}"), domain, address, by_edge: false })
    }
}

/// Lets an edge in, which has shown its secret: it asks for media alone, and gets texts as forms.
pub fn admit_edge(uri: &Uri) -> Result<Admitted> {
    let path = uri.path();
    Plain::parse(path)?;
    media_path(path).filter(|media| *media == path).ok_or(NO_PATH)?;
    Ok(Admitted { grant: Grant::form(path), path: path.to_owned(), domain: None, address: None, by_edge: true })
}

const VIDEOS: &str = "/v/";
const LIVE: &str = "/l/";
const NO_STREAM: Refusal = Refusal::NotFound { what: "a live stream" };
const NO_PATH: Refusal = Refusal::NotFound { what: "this path" };

/// The path of a video or of something live, without the two parts of a signature that may stand before it.
pub fn media_path(whole: &str) -> Option<&str> {
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
