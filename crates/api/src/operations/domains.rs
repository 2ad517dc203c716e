//! Domains that are pushed to or played from.

use catalog::{CatalogError, Domain, DomainFilter, DomainKind, DomainStatus, Search};
use rpc::param::{Filled, Int, Text};
use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::{Answer, Code};
use crate::declare::{Done, choice, operations};
use crate::state::Context;
use crate::wire::{DomainText, PageNumber, domain_name, existing_domain, filled, page};

choice! {
    /// What a domain is for.
    DomainType {
        /// Players ask here.
        Video = "liveVideo",
        /// Publishers push here.
        Edge = "liveEdge",
    }
}

choice! {
    /// How a domain's name is searched for.
    SearchType {
        /// Anywhere in the name.
        Fuzzy = "fuzzy_match",
        /// At its start.
        Prefix = "pre_match",
        /// At its end.
        Suffix = "suf_match",
        /// The whole name.
        Full = "full_match",
    }
}

choice! {
    /// Whether a domain works.
    StatusWord {
        /// It does.
        Online = "online",
        /// It was stopped.
        Offline = "offline",
        /// It is being set up.
        Configuring = "configuring",
    }
}

operations! {
    /// Adds a domain that is pushed to or played from. It is online at once: no name server or owner is asked.
    Live T1 AddLiveDomain => add_live_domain {
        /// The domain.
        DomainName => domain_name: DomainText,
        /// `liveVideo` to play from, `liveEdge` to push to.
        LiveDomainType => domain_type: DomainType,
        /// Kept and told back.
        Region => region: Filled<64>,
        /// Kept and told back.
        Scope => scope: Option<Text<64>>,
    }

    /// Deletes a domain with its configuration, rules and mappings. Recordings and videos stay.
    Live T1 DeleteLiveDomain => delete_live_domain {
        /// The domain.
        DomainName => domain_name: DomainText,
    }

    /// Lists domains by name.
    Live T1 DescribeLiveUserDomains => describe_live_user_domains {
        /// The name, or a part of it.
        DomainName => name: Option<DomainText>,
        /// How the name is searched for.
        DomainSearchType => search: SearchType = SearchType::Fuzzy,
        /// Only domains of this status.
        DomainStatus => status: Option<StatusWord>,
        /// Only domains of this type.
        LiveDomainType => domain_type: Option<DomainType>,
        /// Only domains of this region.
        RegionName => region: Option<Filled<64>>,
        /// Which page.
        PageNumber => page_number: PageNumber = 1,
        /// Domains on a page.
        PageSize => page_size: Int<1, 50> = 20,
    }

    /// Tells all about one domain.
    Live T2 DescribeLiveDomainDetail => describe_live_domain_detail {
        /// The domain.
        DomainName => domain_name: DomainText,
    }

    /// Starts a domain that was stopped.
    Live T2 StartLiveDomain => start_live_domain {
        /// The domain.
        DomainName => domain_name: DomainText,
    }

    /// Stops a domain: nothing new is pushed to it, and nothing is played from it, until it is started. Pushes that run go on, and so
    /// do their recordings.
    Live T2 StopLiveDomain => stop_live_domain {
        /// The domain.
        DomainName => domain_name: DomainText,
    }
}

async fn add_live_domain(context: &Context, input: AddLiveDomain) -> Answer<Done> {
    let domain = Domain::new(&domain_name(&input.domain_name)?, input.domain_type.kind(), context.now);
    add(context, Domain { region: input.region, scope: input.scope.unwrap_or_default(), ..domain }).await
}

/// Adds a domain, unless there is one of its name, of whatever kind.
pub(super) async fn add(context: &Context, domain: Domain) -> Answer<Done> {
    match context.catalog.add_domain(&domain).await {
        Ok(()) => Ok(Done {}),
        Err(CatalogError::AlreadyExists { .. }) => Err(Code::DomainAlreadyExist.into()),
        Err(error) => Err(error.into()),
    }
}

async fn delete_live_domain(context: &Context, input: DeleteLiveDomain) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?;
    context.catalog.delete_domain(&domain.name).await?;
    Ok(Done {})
}

async fn start_live_domain(context: &Context, input: StartLiveDomain) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?;
    context.catalog.set_domain_status(&domain.name, DomainStatus::Online, context.now).await?;
    Ok(Done {})
}

async fn stop_live_domain(context: &Context, input: StopLiveDomain) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?;
    context.catalog.set_domain_status(&domain.name, DomainStatus::Offline, context.now).await?;
    Ok(Done {})
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct UserDomains<T> {
    domains: PageData<T>,
    page_number: i64,
    page_size: i64,
    total_count: u64,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct PageData<T> {
    page_data: Vec<T>,
}

/// A page of the domains that a filter lets through, each as `row` tells it.
pub(super) async fn user_domains<T>(
    context: &Context,
    filter: &DomainFilter,
    (page_number, page_size): (i64, i64),
    row: impl Fn(Domain) -> T,
) -> Answer<UserDomains<T>> {
    let listed = context.catalog.domains(filter, page(page_number, page_size)).await?;
    let page_data = listed.rows.into_iter().map(row).collect();
    Ok(UserDomains { domains: PageData { page_data }, page_number, page_size, total_count: listed.total })
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct UserDomain {
    domain_name: String,
    live_domain_type: &'static str,
    live_domain_status: &'static str,
    region_name: String,
    gmt_created: String,
    gmt_modified: String,
}

async fn describe_live_user_domains(
    context: &Context,
    input: DescribeLiveUserDomains,
) -> Answer<UserDomains<UserDomain>> {
    let filter = DomainFilter {
        name: input.name.map(|name| (input.search.search(), name.to_ascii_lowercase())),
        kinds: input.domain_type.map_or(vec![DomainKind::Play, DomainKind::Push], |kind| vec![kind.kind()]),
        status: input.status.map(StatusWord::status),
        region: input.region,
    };
    let row = |domain: Domain| UserDomain {
        live_domain_type: DomainType::of(domain.kind).as_str(),
        live_domain_status: domain.status.as_str(),
        domain_name: domain.name,
        region_name: domain.region,
        gmt_created: domain.created.to_iso8601(),
        gmt_modified: domain.modified.to_iso8601(),
    };
    user_domains(context, &filter, (input.page_number, input.page_size), row).await
}

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
    live_domain_type: &'static str,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(rename = "SSLProtocol")]
    ssl_protocol: &'static str,
    gmt_created: String,
    gmt_modified: String,
}

async fn describe_live_domain_detail(context: &Context, input: DescribeLiveDomainDetail) -> Answer<Detailed> {
    let domain = existing_domain(context, &input.domain_name).await?;
    Ok(Detailed {
        domain_detail: DomainDetail {
            domain_status: domain.status.as_str(),
            live_domain_type: DomainType::of(domain.kind).as_str(),
            scope: filled(&domain.scope),
            domain_name: domain.name,
            region: domain.region,
            // TLS is ended in front of this server.
            ssl_protocol: "off",
            gmt_created: domain.created.to_iso8601(),
            gmt_modified: domain.modified.to_iso8601(),
        },
    })
}

impl DomainType {
    fn kind(self) -> DomainKind {
        match self {
            Self::Video => DomainKind::Play,
            Self::Edge => DomainKind::Push,
        }
    }

    fn of(kind: DomainKind) -> Self {
        match kind {
            // Those of videos are not told of here.
            DomainKind::Play | DomainKind::Vod => Self::Video,
            DomainKind::Push => Self::Edge,
        }
    }
}

impl SearchType {
    pub(super) fn search(self) -> Search {
        match self {
            Self::Fuzzy => Search::Fuzzy,
            Self::Prefix => Search::Prefix,
            Self::Suffix => Search::Suffix,
            Self::Full => Search::Exact,
        }
    }
}

impl StatusWord {
    pub(super) fn status(self) -> DomainStatus {
        match self {
            Self::Online => DomainStatus::Online,
            Self::Offline => DomainStatus::Offline,
            Self::Configuring => DomainStatus::Configuring,
        }
    }
}
