//! Functions of a domain's configuration, of which `aliauth` is URL authentication.

use std::collections::BTreeMap;

use rpc::ParamError;
use rpc::access::{Addresses, Referers};
use rpc::param::{CommaList, Filled, Flag, Json};
use rpc::url_auth::UrlAuth;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codes::{Answer, ApiError, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, existing_domain, vod_domain};

/// Longest value of a function's argument, in bytes: a list of some hundred addresses.
const ARG_BYTES_MAX: usize = 4_096;
operations! {
    /// Sets functions of the configuration of several domains, each replaced whole. Either all are set or none.
    Live T1 BatchSetLiveDomainConfigs => batch_set_live_domain_configs {
        /// The domains, joined by commas.
        DomainNames => domain_names: CommaList<DomainText, 50>,
        /// Only check whether they could be set.
        DryRun => dry_run: Flag = false,
        /// `[{"functionName":"aliauth","functionArgs":[{"argName":"auth_type","argValue":"type_a"},…]}]`
        Functions => functions: Json<Vec<Function>>,
    }

    /// Tells functions of a domain's configuration.
    Live T1 DescribeLiveDomainConfigs => describe_live_domain_configs {
        /// The domain.
        DomainName => domain_name: DomainText,
        /// The functions, joined by commas.
        FunctionNames => function_names: CommaList<Filled<64>, 50>,
    }

    /// Deletes functions of the configuration of several domains. Those that are not set are passed over.
    Live T2 BatchDeleteLiveDomainConfigs => batch_delete_live_domain_configs {
        /// The domains, joined by commas.
        DomainNames => domain_names: CommaList<DomainText, 50>,
        /// The functions, joined by commas.
        FunctionNames => function_names: CommaList<Filled<64>, 50>,
    }

    /// Sets functions of the configuration of several domains that videos are played from, each replaced whole. Either all are set or
    /// none.
    Vod T1 BatchSetVodDomainConfigs => batch_set_vod_domain_configs {
        /// The domains, joined by commas.
        DomainNames => domain_names: CommaList<DomainText, 50>,
        /// As of BatchSetLiveDomainConfigs.
        Functions => functions: Json<Vec<Function>>,
    }

    /// Tells functions of the configuration of a domain that videos are played from.
    Vod T2 DescribeVodDomainConfigs => describe_vod_domain_configs {
        /// The domain.
        DomainName => domain_name: DomainText,
        /// The functions, joined by commas.
        FunctionNames => function_names: CommaList<Filled<64>, 50>,
    }

    /// Deletes one function of the configuration of a domain that videos are played from.
    Vod T3 DeleteVodSpecificConfig => delete_vod_specific_config {
        /// The domain.
        DomainName => domain_name: DomainText,
        /// The ConfigId, as DescribeVodDomainConfigs tells it.
        ConfigId => config_id: Filled<64>,
    }
}

/// A function in the request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Function {
    function_name: String,
    #[serde(default)]
    function_args: Vec<Arg>,
}

/// One argument of a function.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arg {
    arg_name: String,
    arg_value: serde_json::Value,
}

async fn batch_set_live_domain_configs(context: &Context, input: BatchSetLiveDomainConfigs) -> Answer<Done> {
    let functions = checked_all(input.functions)?;
    let mut domains = Vec::new();
    for name in &input.domain_names {
        domains.push(existing_domain(context, name).await?.name);
    }
    if input.dry_run {
        return Ok(Done {});
    }
    set(context, &domains, &functions).await
}

async fn batch_set_vod_domain_configs(context: &Context, input: BatchSetVodDomainConfigs) -> Answer<Done> {
    let functions = checked_all(input.functions)?;
    let mut domains = Vec::new();
    for name in &input.domain_names {
        domains.push(vod_domain(context, name).await?.name);
    }
    set(context, &domains, &functions).await
}

async fn set(context: &Context, domains: &[String], functions: &[(String, BTreeMap<String, String>)]) -> Answer<Done> {
    let mut tx = context.catalog.begin().await?;
    for domain in domains {
        for (function, args) in functions {
            tx.set_domain_config(domain, function, args, context.now).await?;
        }
    }
    tx.commit().await?;
    Ok(Done {})
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Described {
    domain_configs: Configs,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Configs {
    domain_config: Vec<Config>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Config {
    config_id: String,
    function_args: Args,
    function_name: String,
    status: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Args {
    function_arg: Vec<ToldArg>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct ToldArg {
    arg_name: String,
    arg_value: String,
}

async fn describe_live_domain_configs(context: &Context, input: DescribeLiveDomainConfigs) -> Answer<Described> {
    let domain = existing_domain(context, &input.domain_name).await?;
    described(context, &domain.name, &input.function_names).await
}

async fn describe_vod_domain_configs(context: &Context, input: DescribeVodDomainConfigs) -> Answer<Described> {
    let domain = vod_domain(context, &input.domain_name).await?;
    described(context, &domain.name, &input.function_names).await
}

async fn described(context: &Context, domain: &str, functions: &[String]) -> Answer<Described> {
    let configs = context.catalog.domain_configs(domain, functions).await?;
    let told = configs.into_iter().map(|config| Config {
        config_id: config.id,
        function_name: config.function,
        function_args: Args {
            function_arg: config
                .args
                .into_iter()
                .map(|(arg_name, arg_value)| ToldArg { arg_name, arg_value })
                .collect(),
        },
        status: "success",
    });
    Ok(Described { domain_configs: Configs { domain_config: told.collect() } })
}

async fn batch_delete_live_domain_configs(context: &Context, input: BatchDeleteLiveDomainConfigs) -> Answer<Done> {
    let mut domains = Vec::new();
    for name in &input.domain_names {
        domains.push(existing_domain(context, name).await?.name);
    }
    let mut tx = context.catalog.begin().await?;
    for domain in &domains {
        for function in &input.function_names {
            tx.delete_domain_config(domain, function).await?;
        }
    }
    tx.commit().await?;
    Ok(Done {})
}

async fn delete_vod_specific_config(context: &Context, input: DeleteVodSpecificConfig) -> Answer<Done> {
    let domain = vod_domain(context, &input.domain_name).await?;
    match context.catalog.delete_domain_config_of_id(&domain.name, &input.config_id).await? {
        true => Ok(Done {}),
        false => Err(Code::ConfigNotFound.into()),
    }
}

fn refused(why: impl Into<String>) -> ApiError {
    ParamError::invalid("Functions", why).into()
}

fn checked_all(functions: Vec<Function>) -> Answer<Vec<(String, BTreeMap<String, String>)>> {
    match functions.len() {
        0 => Err(refused("it names no function")),
        _ => functions.into_iter().map(checked).collect(),
    }
}

/// A function that we know, with arguments that it takes.
fn checked(function: Function) -> Answer<(String, BTreeMap<String, String>)> {
    let name = function.function_name;
    let mut args = BTreeMap::new();
    for Arg { arg_name, arg_value } in function.function_args {
        let value = match arg_value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Bool(flag) => flag.to_string(),
            _ => return Err(refused(format!("the value of {arg_name:?} is no text"))),
        };
        if value.len() > ARG_BYTES_MAX || value.chars().any(char::is_control) {
            return Err(refused(format!("the value of {arg_name:?} is too long or has control characters")));
        }
        args.insert(arg_name, value);
    }
    // Read as those who ask it will read it.
    let read = match name.as_str() {
        UrlAuth::FUNCTION => match args.keys().find(|arg| !UrlAuth::ARGS.contains(&arg.as_str())) {
            Some(unknown) => Err(format!("there is no argument {unknown:?}; there are {}", UrlAuth::ARGS.join(", "))),
            None => UrlAuth::of_args(&args).map(drop),
        },
        _ => {
            let referers = Referers::of_args(&name, &args).map(|read| read.map(drop));
            let addresses = || Addresses::of_args(&name, &args).map(|read| read.map(drop));
            referers.or_else(addresses).ok_or_else(|| refused(format!("there is no function {name:?}")))?
        }
    };
    match read {
        Ok(()) => Ok((name, args)),
        Err(why) => Err(refused(format!("{name}: {why}"))),
    }
}
