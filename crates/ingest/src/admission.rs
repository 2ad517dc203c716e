//! Whether a publisher may publish, decided before any of its media is taken.

use std::net::SocketAddr;

use catalog::{CatalogError, NewPush, ResolvedDomain};
use hub::{PublishError, Publisher, PushInfo};
use rpc::url_auth::{AuthType, Claim, UrlAuth, UrlAuthError};
use rtmp::PublishRequest;
use units::{PathError, PushId, StreamPath};

use crate::Node;
use crate::clock::wall;
use crate::housekeeping::causes;
use crate::load::ROOM_WAIT;
use crate::meter::Meter;
use crate::registry::{NoPlace, Place};

/// Characters of a domain name that are looked at.
const DOMAIN_CHARS_MAX: usize = 253;

/// Why a push is refused; the text is told to the publisher and holds no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the stream's address is not usable: {0}")]
    Path(#[from] PathError),
    #[error("{0:?} is not a domain of this server")]
    UnknownDomain(String),
    #[error("the domain {0} does not take pushes: it is stopped, or tied to no play domain")]
    ClosedDomain(String),
    #[error("the push URL is not authorised: {0}")]
    Unauthorised(#[from] UrlAuthError),
    #[error("the domain wants URL authentication of {0}, which RTMP cannot carry; use type_a")]
    AuthType(&'static str),
    #[error("the domain's URL authentication cannot be read: {0}")]
    AuthArgs(String),
    #[error("the stream is blocked")]
    Blocked,
    #[error("the stream is pushed already, and this server lets nobody take over")]
    Occupied,
    #[error("the server's disk is nearly full: no new recording is begun")]
    Space,
    #[error("the server's disk does not follow: no new recording is begun")]
    Stalled,
    #[error("server is at capacity")]
    Capacity,
    #[error("the server cannot check the push now")]
    Catalog(#[from] CatalogError),
    #[error("the server is going down")]
    Shutdown,
}

impl Refusal {
    /// The label of the counter.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Path(_) => "path",
            Self::UnknownDomain(_) | Self::ClosedDomain(_) => "domain",
            Self::Unauthorised(_) | Self::AuthType(_) | Self::AuthArgs(_) => "auth",
            Self::Blocked => "blocked",
            Self::Occupied => "occupied",
            Self::Space => "space",
            Self::Stalled => "stalled",
            Self::Capacity => "capacity",
            Self::Catalog(_) => "catalog",
            Self::Shutdown => "shutdown",
        }
    }
}

/// A push that is live: in the catalog, the registry and the hub.
pub(crate) struct Admitted<'a> {
    pub(crate) publisher: Publisher,
    pub(crate) place: Place<'a>,
}

/// Decides, and makes the push live when it may be.
pub(crate) async fn admit<'a>(
    node: &'a Node,
    request: &PublishRequest,
    client: SocketAddr,
    server: SocketAddr,
) -> Result<Admitted<'a>, Refusal> {
    let domains = resolve(node, request).await?;
    let path = StreamPath::new(&domains.play_domain, &request.app, &request.stream)?;
    authorise(node, request, &domains).await?;
    let began = wall();
    if node.catalog.is_blocked(&path, began).await? {
        return Err(Refusal::Blocked);
    }
    // One that is being recorded, or waited for, may use up what is left.
    let (low, stalled) = (node.space.is_low(), node.space.is_stalled());
    if (low || stalled) && !node.registry.has(&path) && node.catalog.live_recording(&path).await?.is_none() {
        return Err(if low { Refusal::Space } else { Refusal::Stalled });
    }
    // A publisher that returns is never kept waiting: it ends the push in whose place it comes.
    if !node.registry.has(&path) && !node.load.room(node.settings.busy_max, ROOM_WAIT, || node.registry.len()).await {
        return Err(Refusal::Capacity);
    }
    let push = node.catalog.ids().push(began);
    let meter = Meter::new(node.clock.now());
    let place = node.registry.enter(push, &path, meter, node.settings.pushes_max, node.settings.takeover);
    let place = place.map_err(|why| match why {
        NoPlace::Full => Refusal::Capacity,
        NoPlace::Occupied => Refusal::Occupied,
    })?;
    let params = request.params.without_auth();
    let row = NewPush {
        id: push,
        path: path.clone(),
        publish_domain: domains.push_domain,
        params: params.clone(),
        client: client.ip().to_string(),
        server: server.ip().to_string(),
        node: node.settings.node.clone(),
        began,
    };
    node.catalog.insert_push(&row).await?;
    let info = PushInfo { push, path, started: began, params };
    match go_live(node, info).await {
        Ok(publisher) => Ok(Admitted { publisher, place }),
        Err(refusal) => {
            end_row(node, push, "refused").await;
            Err(refusal)
        }
    }
}

async fn go_live(node: &Node, info: PushInfo) -> Result<Publisher, Refusal> {
    // Asked again: a block that came between the first question and the row found no push to cut.
    if node.catalog.is_blocked(&info.path, wall()).await? {
        return Err(Refusal::Blocked);
    }
    node.hub.publish(info).map_err(|cause| match cause {
        PublishError::Busy => Refusal::Capacity,
        PublishError::Closed => Refusal::Shutdown,
    })
}

/// The domains of a push: by its `vhost` parameter, else by the host it was sent to.
async fn resolve(node: &Node, request: &PublishRequest) -> Result<ResolvedDomain, Refusal> {
    let asked = request.params.get("vhost").filter(|vhost| !vhost.is_empty()).or(request.host.as_deref());
    // A longer name is no domain's (RFC 1035 §2.3.4), and is not repeated in logs.
    let asked: String = asked.unwrap_or_default().chars().take(DOMAIN_CHARS_MAX).collect();
    let asked = asked.to_ascii_lowercase();
    if let Some(domains) = node.catalog.resolve_push(&asked).await? {
        return Ok(domains);
    }
    if node.catalog.domain(&asked).await?.is_some() {
        // Known but not open: the default pair would take it around the domain's rules.
        return Err(Refusal::ClosedDomain(asked));
    }
    let default = node.catalog.resolve_push(&node.settings.default_push_domain).await?;
    default.ok_or(Refusal::UnknownDomain(asked))
}

/// Type A authentication, when the push domain, or else its play domain, has it on.
async fn authorise(node: &Node, request: &PublishRequest, domains: &ResolvedDomain) -> Result<(), Refusal> {
    let functions = [UrlAuth::FUNCTION.to_owned()];
    let mut config = node.catalog.domain_configs(&domains.push_domain, &functions).await?.pop();
    if config.is_none() {
        config = node.catalog.domain_configs(&domains.play_domain, &functions).await?.pop();
    }
    let Some(config) = config else { return Ok(()) };
    let Some(auth) = UrlAuth::of_args(&config.args).map_err(Refusal::AuthArgs)? else { return Ok(()) };
    if auth.kind() != AuthType::A {
        return Err(Refusal::AuthType(auth.kind().as_str()));
    }
    let path = format!("/{}/{}", request.app, request.stream);
    let claim = Claim::of_auth_key(&path, request.params.auth_key().unwrap_or_default())?;
    auth.check(&claim, &[&path], wall())?;
    Ok(())
}

/// Ends the row of a push. A catalog that does not answer is asked some times more; if it stays away, the row is ended as an
/// orphan at the next start.
pub(crate) async fn end_row(node: &Node, push: PushId, reason: &str) {
    let ended = wall();
    for wait in END_WAITS {
        match node.catalog.end_push(push, reason, ended).await {
            Ok(_) => return,
            Err(cause) if !cause.is_transient() => {
                tracing::error!(%push, error = %causes(&cause), "cannot note the end of a push");
                return;
            }
            Err(cause) => {
                tracing::warn!(%push, error = %causes(&cause), "cannot note the end of a push yet");
                tokio::time::sleep(wait).await;
            }
        }
    }
    tracing::error!(%push, "gave up noting the end of a push");
}

/// Waits between the attempts to note an end.
const END_WAITS: [std::time::Duration; 5] = [
    std::time::Duration::from_millis(200),
    std::time::Duration::from_secs(1),
    std::time::Duration::from_secs(3),
    std::time::Duration::from_secs(10),
    std::time::Duration::from_secs(30),
];
