//! Who is told of recordings of a domain, and who is asked whether to record.

use catalog::{CatalogError, DomainKind, RecordNotify};
use rpc::ParamError;
use rpc::param::{Filled, Flag, Text};
use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::{Answer, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, existing_domain, http_url};

operations! {
    /// Sets who is told of the recordings of a domain, and who is asked whether to record.
    Live T2 AddLiveRecordNotifyConfig => add_live_record_notify_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// Told of each video with POST, and of changes of status if NeedStatusNotify is `true`.
        NotifyUrl => notify_url: Filled<2048>,
        /// Asked with GET at each publish, for rules whose OnDemand is 1.
        OnDemandUrl => on_demand_url: Option<Text<2048>>,
        /// Whether `record_started`, `record_paused` and `record_resumed` are told.
        NeedStatusNotify => status: Flag = false,
        /// Whether requests carry a signature.
        NotifyReqAuth => signed: Flag = false,
        /// The key of the signature, 16 to 32 letters or digits. Needed when NotifyReqAuth is `true`.
        NotifyAuthKey => auth_key: Option<Text<64>>,
    }

    /// Changes the setting. What is absent stays as it is.
    Live T2 UpdateLiveRecordNotifyConfig => update_live_record_notify_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
        /// Told of each video, and of changes of status.
        NotifyUrl => notify_url: Filled<2048>,
        /// Asked whether to record; an empty one: nobody is.
        OnDemandUrl => on_demand_url: Option<Text<2048>>,
        /// Whether changes of status are told.
        NeedStatusNotify => status: Option<Flag>,
        /// Whether requests carry a signature.
        NotifyReqAuth => signed: Option<Flag>,
        /// The key of the signature.
        NotifyAuthKey => auth_key: Option<Text<64>>,
    }

    /// Tells the setting. Nobody: all URLs are empty.
    Live T2 DescribeLiveRecordNotifyConfig => describe_live_record_notify_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
    }

    /// Deletes the setting. When there is none, nothing happens.
    Live T2 DeleteLiveRecordNotifyConfig => delete_live_record_notify_config {
        /// The streaming domain.
        DomainName => domain_name: DomainText,
    }
}

async fn add_live_record_notify_config(context: &Context, input: AddLiveRecordNotifyConfig) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?;
    // Recordings belong to the streaming domain: the setting of another would never be looked at.
    if domain.kind == DomainKind::Push {
        let why = "it is an ingest domain; name the streaming domain it is tied to";
        return Err(ParamError::invalid("DomainName", why).into());
    }
    let notify = RecordNotify {
        domain: domain.name,
        notify_url: input.notify_url,
        on_demand_url: input.on_demand_url.unwrap_or_default(),
        status: input.status,
        signed: input.signed,
        auth_key: input.auth_key.unwrap_or_default(),
    };
    check(&notify)?;
    match context.catalog.add_record_notify(&notify, context.now).await {
        Ok(()) => Ok(Done {}),
        Err(CatalogError::AlreadyExists { .. }) => Err(Code::ConfigAlreadyExists.into()),
        Err(error) => Err(error.into()),
    }
}

async fn update_live_record_notify_config(context: &Context, input: UpdateLiveRecordNotifyConfig) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?.name;
    let old = context.catalog.record_notify(&domain).await?.ok_or(Code::ConfigNotFound)?;
    let notify = RecordNotify {
        domain,
        notify_url: input.notify_url,
        on_demand_url: input.on_demand_url.unwrap_or(old.on_demand_url),
        status: input.status.unwrap_or(old.status),
        signed: input.signed.unwrap_or(old.signed),
        auth_key: input.auth_key.unwrap_or(old.auth_key),
    };
    check(&notify)?;
    match context.catalog.update_record_notify(&notify, context.now).await {
        Ok(()) => Ok(Done {}),
        Err(CatalogError::NotFound { .. }) => Err(Code::ConfigNotFound.into()),
        Err(error) => Err(error.into()),
    }
}

fn check(notify: &RecordNotify) -> Answer<()> {
    if http_url("NotifyUrl", &notify.notify_url).is_err() {
        return Err(Code::InvalidNotifyUrlMalformed.into());
    }
    if !notify.on_demand_url.is_empty() {
        http_url("OnDemandUrl", &notify.on_demand_url)?;
    }
    let key = &notify.auth_key;
    let fits = (16..=32).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric());
    if !fits && (notify.signed || !key.is_empty()) {
        return Err(ParamError::invalid("NotifyAuthKey", "16 to 32 letters or digits are wanted").into());
    }
    Ok(())
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Described {
    live_record_notify_config: NotifyConfig,
}

#[derive(Serialize, JsonSchema, Default)]
#[serde(rename_all = "PascalCase")]
struct NotifyConfig {
    domain_name: String,
    need_status_notify: bool,
    notify_auth_key: String,
    notify_req_auth: bool,
    notify_url: String,
    on_demand_url: String,
}

async fn describe_live_record_notify_config(
    context: &Context,
    input: DescribeLiveRecordNotifyConfig,
) -> Answer<Described> {
    let domain_name = existing_domain(context, &input.domain_name).await?.name;
    let live_record_notify_config = match context.catalog.record_notify(&domain_name).await? {
        Some(notify) => NotifyConfig {
            domain_name,
            need_status_notify: notify.status,
            notify_auth_key: notify.auth_key,
            notify_req_auth: notify.signed,
            notify_url: notify.notify_url,
            on_demand_url: notify.on_demand_url,
        },
        None => NotifyConfig { domain_name, ..NotifyConfig::default() },
    };
    Ok(Described { live_record_notify_config })
}

async fn delete_live_record_notify_config(context: &Context, input: DeleteLiveRecordNotifyConfig) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?.name;
    context.catalog.delete_record_notify(&domain).await?;
    Ok(Done {})
}
