//! Where a stream is pushed to and played from: an operation of our own.

use std::time::Duration;

use catalog::{DomainKind, ResolvedDomain};
use door::{PushKeyError, push_key};
use rpc::ParamError;
use rpc::url_auth::UrlAuth;
use schemars::JsonSchema;
use serde::Serialize;
use units::{StreamPath, WallTime};
use url::Url;

use crate::codes::{Answer, ApiError, Code};
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{AuthTimeout, DomainText, NameText, existing_domain};

/// RTMP's own port, which URLs leave out (RTMP 1.0 §1).
const RTMP_PORT: u16 = 1935;

operations! {
    /// Tells where a stream is pushed to, as programs want to have it, and where it is played while it goes on.
    Vod Own GetPushAddress => get_push_address {
        /// The ingest domain, or a streaming domain: then that of its ingest domains that comes first.
        DomainName => domain_name: DomainText,
        /// The app.
        AppName => app_name: NameText,
        /// The stream.
        StreamName => stream_name: NameText,
        /// For how many seconds the address may be used, where it is signed; left out: for the domain's validity.
        AuthTimeout => auth_timeout: Option<AuthTimeout>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    push_url: String,
    server: String,
    stream_key: String,
    play_url: String,
    /// When a push has to have begun, where it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_time: Option<String>,
}

async fn get_push_address(context: &Context, input: GetPushAddress) -> Answer<Told> {
    let domains = domains_of(context, &input.domain_name).await?;
    let path = StreamPath::new(&domains.play_domain, &input.app_name, &input.stream_name)
        .map_err(|error| Code::InvalidParameter.because(format!("{error}.")))?;
    let life = input.auth_timeout.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let names = (path.app(), path.stream());
    let key = push_key(&context.catalog, &domains, names, life, context.now).await.map_err(refused)?;
    let host = push_host(context)?;
    let vhost = needs_vhost(context, &host, &domains).await?.then(|| format!("vhost={}", domains.push_domain));
    let query: Vec<String> = vhost.into_iter().chain(key.iter().map(|key| key.query.clone())).collect();
    let stream_key = match query.is_empty() {
        true => path.stream().to_owned(),
        false => format!("{}?{}", path.stream(), query.join("&")),
    };
    let server = format!("{}/{}", host.base, path.app());
    Ok(Told {
        push_url: format!("{server}/{stream_key}"),
        play_url: live_url(context, &path).await?,
        server,
        stream_key,
        expire_time: key.map(|key| key.expires.to_iso8601()),
    })
}

fn refused(error: PushKeyError) -> ApiError {
    match error {
        PushKeyError::Catalog(error) => error.into(),
        other @ (PushKeyError::Args(_) | PushKeyError::Kind(_)) => {
            ParamError::invalid("DomainName", other.to_string()).into()
        }
    }
}

/// The pair of domains that a name means for a push.
async fn domains_of(context: &Context, name: &str) -> Answer<ResolvedDomain> {
    let domain = existing_domain(context, name).await?;
    let tied = match domain.kind {
        DomainKind::Push => None,
        DomainKind::Play | DomainKind::Vod => context.catalog.mappings(&domain.name).await?.into_iter().next(),
    };
    let pushed_to = tied.map_or(domain.name, |tied| tied.push_domain);
    context.catalog.resolve_push(&pushed_to).await?.ok_or_else(|| {
        Code::InvalidDomainNotFound
            .because(format!("Nothing can be pushed to {pushed_to:?}: it is stopped, or tied to no streaming domain."))
    })
}

/// Where publishers reach this server.
struct Host {
    /// `rtmp://host:port`, without a slash at the end.
    base: String,
    name: String,
}

fn push_host(context: &Context) -> Answer<Host> {
    let settings = &context.settings.push;
    let configured = settings.public_url.trim_end_matches('/');
    let (told, port) = match configured {
        "" => (context.public_url.as_str(), Some(settings.port)),
        configured => (configured, None),
    };
    let url = Url::parse(told).ok();
    let name = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    if name.is_empty() {
        return Err(Code::InvalidParameter.because("The request has no Host, and rtmp.public_url is not set."));
    }
    let base = match port {
        None => configured.to_owned(),
        Some(RTMP_PORT) => format!("rtmp://{name}"),
        Some(port) => format!("rtmp://{name}:{port}"),
    };
    Ok(Host { base, name })
}

/// Whether the domain has to be named, because the host alone means another.
async fn needs_vhost(context: &Context, host: &Host, domains: &ResolvedDomain) -> Answer<bool> {
    let name = host.name.to_ascii_lowercase();
    if let Some(meant) = context.catalog.resolve_push(&name).await? {
        return Ok(meant.push_domain != domains.push_domain);
    }
    // A host that is no domain means the default pair.
    let is_default = context.settings.push.default_domain == domains.push_domain;
    Ok(!is_default || context.catalog.domain(&name).await?.is_some())
}

/// Where a stream is played while it goes on, signed where its domain asks for it.
pub(super) async fn live_url(context: &Context, path: &StreamPath) -> Answer<String> {
    let functions = [UrlAuth::FUNCTION.to_owned()];
    let config = context.catalog.domain_configs(path.domain(), &functions).await?.pop();
    let auth = config.map(|config| UrlAuth::of_args(&config.args)).transpose();
    let auth = auth.map_err(|why| ParamError::invalid("DomainName", format!("its aliauth cannot be read: {why}")))?;
    let whole = format!("/l/{}/{}/{}.m3u8", path.domain(), path.app(), path.stream());
    let signed = auth.flatten().map(|auth| signed_for_its_validity(&auth, &whole, context.now));
    Ok(format!("{}{}", context.public_url, signed.unwrap_or(whole)))
}

fn signed_for_its_validity(auth: &UrlAuth, path: &str, now: WallTime) -> String {
    auth.until(now.after(Duration::from_secs(u64::try_from(auth.validity_s()).unwrap_or(0)))).url(path)
}
