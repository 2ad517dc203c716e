//! Who is told of publish and unpublish.

use catalog::LiveNotify;
use rpc::param::{Flag, Text};
use schemars::JsonSchema;
use serde::Serialize;

use crate::codes::{Answer, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::{DomainText, existing_domain, http_url};

operations! {
    /// Sets who is told when a stream of this domain is published or ends, replacing what was set.
    Live T1 SetLiveStreamsNotifyUrlConfig => set_live_streams_notify_url_config {
        /// The ingest domain.
        DomainName => domain_name: DomainText,
        /// Asked with GET at each publish and unpublish.
        NotifyUrl => notify_url: Option<Text<2048>>,
        /// Told of exceptions.
        ExceptionNotifyUrl => exception_url: Option<Text<2048>>,
        /// `yes`: requests carry a signature.
        NotifyReqAuth => signed: Flag = false,
        /// The key of the signature, 16 to 64 letters or digits. Needed when NotifyReqAuth is `yes`.
        NotifyAuthKey => auth_key: Option<Text<64>>,
    }

    /// Tells who is told. Nobody: all URLs are empty.
    Live T1 DescribeLiveStreamsNotifyUrlConfig => describe_live_streams_notify_url_config {
        /// The ingest domain.
        DomainName => domain_name: DomainText,
    }

    /// Deletes the setting. When there is none, nothing happens.
    Live T1 DeleteLiveStreamsNotifyUrlConfig => delete_live_streams_notify_url_config {
        /// The ingest domain.
        DomainName => domain_name: DomainText,
    }
}

async fn set_live_streams_notify_url_config(context: &Context, input: SetLiveStreamsNotifyUrlConfig) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?;
    let notify = LiveNotify {
        domain: domain.name,
        notify_url: input.notify_url.unwrap_or_default(),
        exception_url: input.exception_url.unwrap_or_default(),
        signed: input.signed,
        auth_key: input.auth_key.unwrap_or_default(),
    };
    if notify.notify_url.is_empty() && notify.exception_url.is_empty() {
        return Err(Code::InvalidParam.because("One of NotifyUrl and ExceptionNotifyUrl is wanted."));
    }
    for (param, url) in [("NotifyUrl", &notify.notify_url), ("ExceptionNotifyUrl", &notify.exception_url)] {
        if !url.is_empty() && http_url(param, url).is_err() {
            return Err(Code::InvalidParam.because(format!("{param} is no http or https URL.")));
        }
    }
    let key = &notify.auth_key;
    let fits = (16..=64).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric());
    if !fits && (notify.signed || !key.is_empty()) {
        return Err(Code::InvalidParam.because("NotifyAuthKey is to be 16 to 64 letters or digits."));
    }
    context.catalog.set_live_notify(&notify, context.now).await?;
    Ok(Done {})
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Described {
    live_streams_notify_config: NotifyConfig,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct NotifyConfig {
    domain_name: String,
    exception_notify_url: String,
    notify_auth_key: String,
    notify_req_auth: &'static str,
    notify_url: String,
}

async fn describe_live_streams_notify_url_config(
    context: &Context,
    input: DescribeLiveStreamsNotifyUrlConfig,
) -> Answer<Described> {
    let domain = existing_domain(context, &input.domain_name).await?;
    let notify = context.catalog.live_notify(&domain.name).await?.unwrap_or(LiveNotify {
        domain: domain.name,
        notify_url: String::new(),
        exception_url: String::new(),
        signed: false,
        auth_key: String::new(),
    });
    Ok(Described {
        live_streams_notify_config: NotifyConfig {
            domain_name: notify.domain,
            exception_notify_url: notify.exception_url,
            notify_auth_key: notify.auth_key,
            notify_req_auth: if notify.signed { "yes" } else { "no" },
            notify_url: notify.notify_url,
        },
    })
}

async fn delete_live_streams_notify_url_config(
    context: &Context,
    input: DeleteLiveStreamsNotifyUrlConfig,
) -> Answer<Done> {
    let domain = existing_domain(context, &input.domain_name).await?;
    context.catalog.delete_live_notify(&domain.name).await?;
    Ok(Done {})
}
