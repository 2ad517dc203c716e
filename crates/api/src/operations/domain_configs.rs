//! Functions of a domain's configuration, of which `aliauth` is URL authentication.

use std::collections::BTreeMap;

use rpc::ParamError;
use rpc::param::{CommaList, Filled, Flag, Json};
use serde::{Deserialize, Serialize};

use crate::codes::{Answer, ApiError};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, existing_domain};

/// Longest value of a function's argument, in bytes: a list of some hundred addresses.
const ARG_BYTES_MAX: usize = 4_096;
/// Length of a key of URL authentication. The vendor asks for 16 to 32; keys from 6 were seen in use.
const AUTH_KEY_LENGTH: std::ops::RangeInclusive<usize> = 6..=32;
/// Longest validity of a signed URL, in seconds: a year.
const AUTH_DELTA_MAX: u32 = 31_536_000;

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
    let functions = input.functions.into_iter().map(checked).collect::<Answer<Vec<_>>>()?;
    if functions.is_empty() {
        return Err(refused("it names no function"));
    }
    let mut domains = Vec::new();
    for name in &input.domain_names {
        domains.push(existing_domain(context, name).await?.name);
    }
    if input.dry_run {
        return Ok(Done {});
    }
    let mut tx = context.catalog.begin().await?;
    for domain in &domains {
        for (function, args) in &functions {
            tx.set_domain_config(domain, function, args, context.now).await?;
        }
    }
    tx.commit().await?;
    Ok(Done {})
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    domain_configs: Configs,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Configs {
    domain_config: Vec<Config>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    config_id: String,
    function_args: Args,
    function_name: String,
    status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Args {
    function_arg: Vec<ToldArg>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ToldArg {
    arg_name: String,
    arg_value: String,
}

async fn describe_live_domain_configs(context: &Context, input: DescribeLiveDomainConfigs) -> Answer<Described> {
    let domain = existing_domain(context, &input.domain_name).await?;
    let configs = context.catalog.domain_configs(&domain.name, &input.function_names).await?;
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

fn refused(why: impl Into<String>) -> ApiError {
    ParamError::invalid("Functions", why).into()
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
    let known: &[&str] = match name.as_str() {
        "aliauth" => &["auth_type", "auth_key1", "auth_key2", "ali_auth_delta"],
        "referer_white_list_set" => &["refer_domain_allow_list", "allow_empty"],
        "referer_black_list_set" => &["refer_domain_deny_list", "allow_empty"],
        "ip_black_list_set" | "ip_allow_list_set" => &["ip_list"],
        _ => return Err(refused(format!("there is no function {name:?}"))),
    };
    if let Some(unknown) = args.keys().find(|arg| !known.contains(&arg.as_str())) {
        return Err(refused(format!("{name} has no argument {unknown:?}")));
    }
    if name == "aliauth" {
        check_auth(&args)?;
    }
    Ok((name, args))
}

fn check_auth(args: &BTreeMap<String, String>) -> Answer<()> {
    let arg = |name: &str| args.get(name).map(String::as_str).filter(|value| !value.is_empty());
    match arg("auth_type") {
        Some("no_auth") => {}
        Some("type_a" | "type_b" | "type_c") => {
            if arg("auth_key1").is_none() {
                return Err(refused("auth_key1 is wanted when auth_type is not no_auth"));
            }
        }
        _ => return Err(refused("auth_type is one of no_auth, type_a, type_b, type_c")),
    }
    for key in ["auth_key1", "auth_key2"] {
        let fits =
            |text: &str| AUTH_KEY_LENGTH.contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric());
        if arg(key).is_some_and(|text| !fits(text)) {
            return Err(refused(format!("{key} is to be 6 to 32 letters or digits")));
        }
    }
    match arg("ali_auth_delta").map(str::parse::<u32>) {
        None => Ok(()),
        Some(Ok(seconds)) if (1..=AUTH_DELTA_MAX).contains(&seconds) => Ok(()),
        Some(_) => Err(refused(format!("ali_auth_delta is to be 1 to {AUTH_DELTA_MAX} seconds"))),
    }
}
