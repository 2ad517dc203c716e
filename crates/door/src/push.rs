//! The key of a push: what a publisher shows where its domain asks for it.

use std::time::Duration;

use catalog::{Catalog, CatalogError, ResolvedDomain};
use rpc::url_auth::{AuthType, Placed, UrlAuth};
use units::WallTime;

/// Why no key is made.
#[derive(Debug, thiserror::Error)]
pub enum PushKeyError {
    /// The catalog did not answer.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The domain's URL authentication cannot be read; a sentence.
    #[error("the domain's aliauth cannot be read: {0}")]
    Args(String),
    /// Pushes are signed as type A alone.
    #[error("the domain's aliauth is {0}, with which nobody is let in to push")]
    Kind(&'static str),
}

/// The key of a push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PushKey {
    /// As it stands in a URL: `auth_key=…`.
    pub query: String,
    /// The last second at which a push with it may begin.
    pub expires: WallTime,
}

/// The key of a push of `stream` in `app`; `None`: its domain asks for none. It lives for `life`, else for the domain's validity. The ingest
/// domain is asked first, then its streaming domain, as at the push itself.
pub async fn push_key(
    catalog: &Catalog,
    domains: &ResolvedDomain,
    (app, stream): (&str, &str),
    life: Option<Duration>,
    now: WallTime,
) -> Result<Option<PushKey>, PushKeyError> {
    let functions = [UrlAuth::FUNCTION.to_owned()];
    let mut config = catalog.domain_configs(&domains.push_domain, &functions).await?.pop();
    if config.is_none() {
        config = catalog.domain_configs(&domains.play_domain, &functions).await?.pop();
    }
    let Some(config) = config else { return Ok(None) };
    let Some(auth) = UrlAuth::of_args(&config.args).map_err(PushKeyError::Args)? else { return Ok(None) };
    if auth.kind() != AuthType::A {
        return Err(PushKeyError::Kind(auth.kind().as_str()));
    }
    let validity = Duration::from_secs(u64::try_from(auth.validity_s()).unwrap_or(0));
    let pass = auth.until(now.after(life.unwrap_or(validity)));
    let expires = WallTime::from_unix_s(pass.expires_unix_s());
    match pass.sign(&format!("/{app}/{stream}")) {
        Placed::Query(query) => Ok(Some(PushKey { query, expires })),
        Placed::Before(_) => Err(PushKeyError::Kind(auth.kind().as_str())),
    }
}
