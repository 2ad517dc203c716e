//! Domains that videos are played from.

use catalog::{Domain, DomainFilter, DomainKind, DomainSource, DomainStatus};
use rpc::ParamError;
use rpc::param::{CommaList, Int, Json, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::domains::{SearchType, StatusWord, UserDomains, add, user_domains};
use crate::codes::Answer;
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, PageNumber, domain_name, filled, vod_domain};

/// Most sources of a domain.
const SOURCES_MAX: usize = 20;
/// Longest member of a source, in bytes.
const SOURCE_BYTES_MAX: usize = 253;

operations! {
    /// Adds a domain that videos are played from, under its name as the host of their URLs. It is online at once: no name server or
    /// owner is asked. What is played from it comes from this server, whatever its sources say.
    Vod T2 AddVodDomain => add_vod_domain {
        /// The domain.
        DomainName => domain_name: DomainText,
        /// `[{"content":"192.0.2.1","type":"ipaddr","priority":"20","port":80}]`: kept and told back.
        Sources => sources: Json<Vec<SourceText>>,
        /// Kept and told back.
        Scope => scope: Option<Text<64>>,
    }

    /// Deletes a domain with its configuration. Videos stay.
    Vod T2 DeleteVodDomain => delete_vod_domain {
        /// The domain.
        DomainName => domain_name: DomainText,
    }

    /// Lists domains by name.
    Vod T2 DescribeVodUserDomains => describe_vod_user_domains {
        /// The name, or a part of it.
        DomainName => name: Option<DomainText>,
        /// How the name is searched for.
        DomainSearchType => search: SearchType = SearchType::Fuzzy,
        /// Only domains of this status.
        DomainStatus => status: Option<StatusWord>,
        /// Which page.
        PageNumber => page_number: PageNumber = 1,
        /// Domains on a page.
        PageSize => page_size: Int<1, 50> = 20,
    }

    /// Tells all about one domain.
    Vod T2 DescribeVodDomainDetail => describe_vod_domain_detail {
        /// The domain.
        DomainName => domain_name: DomainText,
    }

    /// Starts domains that were stopped. Either all are started or none.
    Vod T3 BatchStartVodDomain => batch_start_vod_domain {
        /// The domains, joined by commas.
        DomainNames => domain_names: CommaList<DomainText, 50>,
    }

    /// Stops domains: nothing is played from them until they are started. Either all are stopped or none.
    Vod T3 BatchStopVodDomain => batch_stop_vod_domain {
        /// The domains, joined by commas.
        DomainNames => domain_names: CommaList<DomainText, 50>,
    }
}

/// A source in the request. Numbers come as text from some, and text as numbers.
#[derive(Deserialize)]
pub struct SourceText {
    content: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    priority: Value,
    #[serde(default)]
    port: Value,
    #[serde(default)]
    weight: Value,
}

fn plain(value: &Value, default: &str) -> Option<String> {
    match value {
        Value::Null => Some(default.to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn source(text: &SourceText) -> Answer<DomainSource> {
    let refused = |why: &str| ParamError::invalid("Sources", why);
    if !matches!(text.kind.as_str(), "ipaddr" | "domain" | "oss") {
        return Err(refused("type is one of ipaddr, domain, oss").into());
    }
    let members = (plain(&text.priority, "20"), plain(&text.port, "80"), plain(&text.weight, "10"));
    let (Some(priority), Some(port), Some(weight)) = members else {
        return Err(refused("priority, port and weight are numbers").into());
    };
    let port = port.parse().map_err(|_| refused("port is a number from 0 to 65535"))?;
    if text.content.is_empty() || [&text.content, &priority, &weight].iter().any(|text| text.len() > SOURCE_BYTES_MAX) {
        return Err(refused("content is empty, or a member is too long").into());
    }
    Ok(DomainSource { content: text.content.clone(), kind: text.kind.clone(), priority, port, weight })
}

async fn add_vod_domain(context: &Context, input: AddVodDomain) -> Answer<Done> {
    if !(1..=SOURCES_MAX).contains(&input.sources.len()) {
        return Err(ParamError::invalid("Sources", format!("1 to {SOURCES_MAX} are wanted")).into());
    }
    let sources = input.sources.iter().map(source).collect::<Answer<_>>()?;
    let domain = Domain::new(&domain_name(&input.domain_name)?, DomainKind::Vod, context.now);
    add(context, Domain { scope: input.scope.unwrap_or_default(), sources, ..domain }).await
}

async fn delete_vod_domain(context: &Context, input: DeleteVodDomain) -> Answer<Done> {
    let domain = vod_domain(context, &input.domain_name).await?;
    context.catalog.delete_domain(&domain.name).await?;
    Ok(Done {})
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct UserDomain {
    domain_name: String,
    domain_status: &'static str,
    gmt_created: String,
    gmt_modified: String,
    sandbox: &'static str,
    sources: Sources<ListedSource>,
    ssl_protocol: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Sources<T> {
    source: Vec<T>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ListedSource {
    content: String,
    port: u16,
    priority: String,
    r#type: String,
}

async fn describe_vod_user_domains(
    context: &Context,
    input: DescribeVodUserDomains,
) -> Answer<UserDomains<UserDomain>> {
    let filter = DomainFilter {
        name: input.name.map(|name| (input.search.search(), name.to_ascii_lowercase())),
        kinds: vec![DomainKind::Vod],
        status: input.status.map(StatusWord::status),
        region: None,
    };
    let source = |source: DomainSource| ListedSource {
        content: source.content,
        port: source.port,
        priority: source.priority,
        r#type: source.kind,
    };
    let row = |domain: Domain| UserDomain {
        domain_status: domain.status.as_str(),
        domain_name: domain.name,
        gmt_created: domain.created.to_iso8601(),
        gmt_modified: domain.modified.to_iso8601(),
        sandbox: "normal",
        sources: Sources { source: domain.sources.into_iter().map(source).collect() },
        ssl_protocol: SSL_PROTOCOL,
    };
    user_domains(context, &filter, (input.page_number, input.page_size), row).await
}

/// TLS is ended in front of this server.
const SSL_PROTOCOL: &str = "off";

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Detailed {
    domain_detail: DomainDetail,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DomainDetail {
    domain_name: String,
    domain_status: &'static str,
    gmt_created: String,
    gmt_modified: String,
    #[serde(rename = "SSLProtocol")]
    ssl_protocol: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    sources: Sources<DetailedSource>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct DetailedSource {
    content: String,
    enabled: &'static str,
    port: u16,
    priority: String,
    r#type: String,
    weight: String,
}

async fn describe_vod_domain_detail(context: &Context, input: DescribeVodDomainDetail) -> Answer<Detailed> {
    let domain = vod_domain(context, &input.domain_name).await?;
    let source = |source: DomainSource| DetailedSource {
        content: source.content,
        enabled: "online",
        port: source.port,
        priority: source.priority,
        r#type: source.kind,
        weight: source.weight,
    };
    Ok(Detailed {
        domain_detail: DomainDetail {
            domain_status: domain.status.as_str(),
            gmt_created: domain.created.to_iso8601(),
            gmt_modified: domain.modified.to_iso8601(),
            ssl_protocol: SSL_PROTOCOL,
            scope: filled(&domain.scope),
            sources: Sources { source: domain.sources.into_iter().map(source).collect() },
            domain_name: domain.name,
        },
    })
}

async fn batch_start_vod_domain(context: &Context, input: BatchStartVodDomain) -> Answer<Done> {
    set_status(context, &input.domain_names, DomainStatus::Online).await
}

async fn batch_stop_vod_domain(context: &Context, input: BatchStopVodDomain) -> Answer<Done> {
    set_status(context, &input.domain_names, DomainStatus::Offline).await
}

async fn set_status(context: &Context, names: &[String], status: DomainStatus) -> Answer<Done> {
    let mut domains = Vec::new();
    for name in names {
        domains.push(vod_domain(context, name).await?.name);
    }
    let mut tx = context.catalog.begin().await?;
    for domain in &domains {
        tx.set_domain_status(domain, status, context.now).await?;
    }
    tx.commit().await?;
    Ok(Done {})
}
