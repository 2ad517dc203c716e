//! What several operations read and write alike: domain names, pages, numbers as text.

use catalog::{Asset, Domain, DomainKind, Output, Page, PictureSet};
use domain::event::Cover;
use rpc::ParamError;
use rpc::definition::output_file;
use rpc::param::{Filled, Int};
use rpc::user_data::UserData;
use units::StreamPath;

use crate::codes::{Answer, Code};
use crate::state::Context;

/// The one application there is.
pub(crate) const DEFAULT_APP: &str = "app-1000000";

/// A domain name as a parameter.
pub(crate) type DomainText = Filled<253>;
/// An app or stream name as a parameter.
pub(crate) type NameText = Filled<255>;
/// The id of a video as a parameter. Longer than any: a text that is no id is the id of no video, and is told so.
pub(crate) type IdText = Filled<1024>;
/// The number of a page. Pages beyond the end are empty; a billion of them is beyond every end.
pub(crate) type PageNumber = Int<1, 1_000_000_000>;

/// The page of these numbers, which were read in their ranges.
pub(crate) fn page(number: i64, size: i64) -> Page {
    Page { number: u32::try_from(number).unwrap_or(u32::MAX), size: u32::try_from(size).unwrap_or(u32::MAX) }
}

/// Those of a list at hand that are on the page of these numbers, which were read in their ranges.
pub(crate) fn on_page<T>(all: impl Iterator<Item = T>, number: i64, size: i64) -> impl Iterator<Item = T> {
    let count = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    all.skip(count(number.saturating_sub(1).saturating_mul(size))).take(count(size))
}

/// How many pages `total` rows fill.
pub(crate) fn page_count(total: u64, size: i64) -> u64 {
    total.div_ceil(u64::try_from(size).unwrap_or(1).max(1))
}

/// A host name in lower case (RFC 1123 §2.1, and underscores, which are met in the wild). One label is enough:
/// installations in a private network have such names.
pub(crate) fn domain_name(text: &str) -> Answer<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if !text.is_empty() && text.len() <= 253 && text.split('.').all(label) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(Code::InvalidDomainNameMalformed.into())
    }
}

/// The domain of this name that is pushed to, or that streams are played from.
pub(crate) async fn existing_domain(context: &Context, name: &str) -> Answer<Domain> {
    known_domain(context, name, &[DomainKind::Play, DomainKind::Push]).await
}

/// The domain of this name that videos are played from.
pub(crate) async fn vod_domain(context: &Context, name: &str) -> Answer<Domain> {
    known_domain(context, name, &[DomainKind::Vod]).await
}

async fn known_domain(context: &Context, name: &str, kinds: &[DomainKind]) -> Answer<Domain> {
    match context.catalog.domain(&name.to_ascii_lowercase()).await?.filter(|domain| kinds.contains(&domain.kind)) {
        Some(domain) => Ok(domain),
        None => Err(Code::InvalidDomainNotFound.because(format!("The domain {name:?} does not exist."))),
    }
}

/// The play domain that `name` means: itself, or the one that the push domain of this name is tied to.
pub(crate) async fn play_domain(context: &Context, name: &str) -> Answer<String> {
    let domain = existing_domain(context, name).await?;
    if domain.kind == DomainKind::Play {
        return Ok(domain.name);
    }
    let tied = context.catalog.mappings(&domain.name).await?.into_iter().find(|tied| tied.push_domain == domain.name);
    match tied {
        Some(tied) => Ok(tied.play_domain),
        None => Err(Code::InvalidDomainNotFound
            .because(format!("The ingest domain {name:?} is not tied to a streaming domain."))),
    }
}

/// One stream, which may be named under its push or its play domain.
pub(crate) async fn stream_path(context: &Context, domain: &str, app: &str, stream: &str) -> Answer<StreamPath> {
    let domain = play_domain(context, domain).await?;
    StreamPath::new(&domain, app, stream).map_err(|error| Code::InvalidParameter.because(format!("{error}.")))
}

/// An absolute http or https URL.
pub(crate) fn http_url(param: &str, text: &str) -> Answer<()> {
    let fits = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if fits { Ok(()) } else { Err(ParamError::invalid(param, "it is no http or https URL").into()) }
}

/// A number with at most four digits after the point, and none that say nothing: `3600.04`, `25`.
pub(crate) fn decimal(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The same number as a JSON number.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// `None` for an empty text: absent values are left out of answers.
pub(crate) fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The URL of the picture that an asset is known by.
pub(crate) fn cover_url(context: &Context, asset: &Asset) -> Option<String> {
    match asset.cover()? {
        Cover::Given { url } => Some(url),
        Cover::Taken { file } => Some(asset_url(context, asset.id, &file)),
    }
}

/// The URLs of all pictures of a set.
pub(crate) fn picture_urls(context: &Context, set: &PictureSet) -> Vec<String> {
    set.names().map(|name| asset_url(context, set.asset, &name.to_string())).collect()
}

/// What a customer gives with a job (contract §2.13): checked, so that it can be followed when the time comes, and kept as it came.
pub(crate) fn user_data(text: &str) -> Answer<String> {
    let asked = UserData::parse(text).map_err(|error| ParamError::invalid("UserData", error.to_string()))?;
    if let Some(url) = asked.callback_url {
        http_url("UserData.MessageCallback.CallbackURL", &url)?;
    }
    Ok(text.to_owned())
}

/// Where an output is served; `definition` is what it is called by.
pub(crate) fn output_url(context: &Context, output: &Output, definition: &str) -> String {
    let (format, template) = (output.template.format.as_str(), &output.template);
    let file = match &template.file_name {
        Some(name) => format!("{}.{format}", name.of(&output.asset.to_string(), &output.id.to_string(), definition)),
        None => output_file(output.id, definition, format),
    };
    asset_url(context, output.asset, &file)
}

/// Where an asset's views and pictures are served, signed where the domain asks for it.
pub(crate) fn asset_url(context: &Context, asset: units::AssetId, file: &str) -> String {
    context.delivery.url(&format!("/v/{asset}/{file}"), context.now)
}

/// Of which video, or file of the library, a URL of this server is, and what it is called there.
pub(crate) fn own_path(context: &Context, url: &str) -> Option<(units::AssetId, String)> {
    let reached = || url.strip_prefix(&context.public_url).map(str::to_owned);
    let path = context.delivery.own_path(url).or_else(reached)?;
    let (asset, name) = path.strip_prefix("/v/")?.split_once('/')?;
    Some((asset.parse().ok()?, name.to_owned()))
}

/// How long a URL is asked to live, in seconds; at most a year.
pub(crate) type AuthTimeout = Int<1, 31_536_000>;

/// The context of an answer whose URLs live for `seconds`, where they are signed; `None`: for the domain's validity.
pub(crate) fn with_auth_timeout(context: &Context, seconds: Option<i64>) -> Context {
    let life = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(std::time::Duration::from_secs);
    Context { delivery: context.delivery.clone().living(life), ..context.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_text_have_no_idle_digits() {
        let texts = [3600.04, 25.0, 0.0, 59.940_059, 12.300_000_1].map(decimal);
        assert_eq!(texts, ["3600.04", "25", "0", "59.9401", "12.3"]);
    }

    #[test]
    fn domain_names_are_host_names_in_lower_case() {
        assert_eq!(domain_name("Push.Example.ORG").unwrap(), "push.example.org");
        assert_eq!(domain_name("localhost").unwrap(), "localhost");
        let long = "a.".repeat(127) + "aa";
        for text in ["", ".", "a..b", "-a.b", "a-.b", "a b", "a/b", "*.b", "ü.b", "a.b:80", &long] {
            assert!(domain_name(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_last_page_may_be_partly_filled() {
        assert_eq!((page_count(0, 10), page_count(10, 10), page_count(11, 10)), (0, 1, 2));
    }
}
