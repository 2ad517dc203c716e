//! Where videos are played, and how the URLs of an answer are signed (contract §4).

use std::time::Duration;

use catalog::{Catalog, CatalogError, DomainConfig, DomainKind, DomainStatus};
use rpc::url_auth::UrlAuth;
use units::WallTime;
use url::Url;

/// The host of the URLs in an answer, and what has to be in them.
///
/// It is the host at which the server is reached, unless another domain of videos has to be asked: of those that work and ask something
/// the oldest, as other hosts get no videos then. Where the server is reached at such a domain itself, it is that. A domain that was only
/// added may be one that no name server leads here yet.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Without a slash at the end.
    base: String,
    host: String,
    auth: Option<UrlAuth>,
    /// How long URLs live; `None`: for the domain's validity.
    life: Option<Duration>,
}

impl Delivery {
    /// Of a server that is reached at `public_url`.
    pub(crate) async fn of(catalog: &Catalog, public_url: &str) -> Result<Self, CatalogError> {
        let reached = Url::parse(public_url).ok();
        let host = reached.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        // Asked for each call: of most installations there are none.
        let domains = catalog.configured_domains(&[DomainKind::Vod]).await?;
        let mut working = domains.iter().filter(|(domain, _)| domain.status == DomainStatus::Online);
        let named = working.clone().find(|(domain, _)| domain.name == host);
        let Some((domain, configs)) = named.or_else(|| working.find(|(_, configs)| ask(configs))) else {
            return Ok(Self { base: public_url.to_owned(), host, auth: None, life: None });
        };
        let moved = reached.filter(|_| domain.name != host).and_then(|mut url| {
            url.set_host(Some(&domain.name)).ok()?;
            Some(url.as_str().trim_end_matches('/').to_owned())
        });
        let base = moved.unwrap_or_else(|| public_url.to_owned());
        let config = configs.iter().find(|config| config.function == UrlAuth::FUNCTION);
        let auth = config.and_then(|config| {
            let read = UrlAuth::of_args(&config.args);
            read.unwrap_or_else(|error| {
                tracing::error!(
                    domain = domain.name,
                    error,
                    "URLs cannot be signed: the domain's aliauth cannot be read"
                );
                None
            })
        });
        Ok(Self { base, host: domain.name.clone(), auth, life: None })
    }

    /// With URLs that live this long, where they are signed.
    pub(crate) fn living(self, life: Option<Duration>) -> Self {
        Self { life, ..self }
    }

    /// The host of the URLs.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The path that a URL of this server's own has, signed or not.
    pub(crate) fn own_path(&self, url: &str) -> Option<String> {
        let (path, query) =
            url.strip_prefix(&self.base)?.split_once('?').unwrap_or((url.strip_prefix(&self.base)?, ""));
        let claim = self.auth.as_ref().and_then(|auth| auth.claim(path, query).ok());
        Some(claim.map_or(path, |claim| claim.path()).to_owned())
    }

    /// The URL of a pattern of paths, of which there is no signature.
    pub(crate) fn unsigned_url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str, now: WallTime) -> String {
        let Some(auth) = &self.auth else { return format!("{}{path}", self.base) };
        let validity = Duration::from_secs(u64::try_from(auth.validity_s()).unwrap_or(0));
        let pass = auth.until(now.after(self.life.unwrap_or(validity)));
        format!("{}{}", self.base, pass.url(path))
    }
}

/// Whether a domain with this configuration asks anything of who plays from it.
fn ask(configs: &[DomainConfig]) -> bool {
    let asks = |config: &DomainConfig| match config.function.as_str() {
        UrlAuth::FUNCTION => !matches!(UrlAuth::of_args(&config.args), Ok(None)),
        _ => true,
    };
    configs.iter().any(asks)
}
