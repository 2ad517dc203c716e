//! Which push domain belongs to which play domain.

use catalog::{CatalogError, Mapping};
use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::{Answer, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, existing_domain};

operations! {
    /// Ties an ingest domain to a streaming domain, on which all configuration hangs.
    Live T1 AddLiveDomainMapping => add_live_domain_mapping {
        /// The streaming domain.
        PullDomain => pull_domain: DomainText,
        /// The ingest domain.
        PushDomain => push_domain: DomainText,
    }

    /// Unties an ingest domain from its streaming domain. Pushes that run go on.
    Live T2 DeleteLiveDomainMapping => delete_live_domain_mapping {
        /// The streaming domain.
        PullDomain => pull_domain: DomainText,
        /// The ingest domain.
        PushDomain => push_domain: DomainText,
    }

    /// Lists the domains that a domain is tied to.
    Live T2 DescribeLiveDomainMapping => describe_live_domain_mapping {
        /// Either of the two.
        DomainName => domain_name: DomainText,
    }
}

fn mapping(pull_domain: &str, push_domain: &str) -> Mapping {
    Mapping { push_domain: push_domain.to_ascii_lowercase(), play_domain: pull_domain.to_ascii_lowercase() }
}

async fn add_live_domain_mapping(context: &Context, input: AddLiveDomainMapping) -> Answer<Done> {
    let mapping = mapping(&input.pull_domain, &input.push_domain);
    match context.catalog.add_mapping(&mapping, context.now).await {
        Ok(()) => Ok(Done {}),
        Err(CatalogError::NotFound { key, .. }) => {
            Err(Code::InvalidDomainNotFound.because(format!("There is no domain {key:?} of the wanted type.")))
        }
        Err(CatalogError::AlreadyExists { .. }) => {
            Err(Code::ConfigAlreadyExists.because("The ingest domain is tied to another streaming domain."))
        }
        Err(error) => Err(error.into()),
    }
}

async fn delete_live_domain_mapping(context: &Context, input: DeleteLiveDomainMapping) -> Answer<Done> {
    for name in [&input.pull_domain, &input.push_domain] {
        existing_domain(context, name).await?;
    }
    match context.catalog.delete_mapping(&mapping(&input.pull_domain, &input.push_domain)).await? {
        true => Ok(Done {}),
        false => Err(Code::ConfigNotFound.because("The two domains are not tied to each other.")),
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Mapped {
    live_domain_models: Models,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Models {
    live_domain_model: Vec<Model>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Model {
    domain_name: String,
    #[serde(rename = "Type")]
    kind: &'static str,
}

async fn describe_live_domain_mapping(context: &Context, input: DescribeLiveDomainMapping) -> Answer<Mapped> {
    let domain = existing_domain(context, &input.domain_name).await?;
    let related = |mapping: Mapping| {
        if mapping.push_domain == domain.name {
            Model { domain_name: mapping.play_domain, kind: "vhost" }
        } else {
            Model { domain_name: mapping.push_domain, kind: "publish" }
        }
    };
    let models = context.catalog.mappings(&domain.name).await?.into_iter().map(related).collect();
    Ok(Mapped { live_domain_models: Models { live_domain_model: models } })
}
