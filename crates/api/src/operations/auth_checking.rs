//! Whether a signed URL would be let in.

use percent_encoding::percent_decode_str;
use rpc::ParamError;
use rpc::param::Filled;
use rpc::url_auth::UrlAuth;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use crate::codes::Answer;
use crate::declare::operations;
use crate::state::Context;
use crate::wire::{DomainText, existing_domain};

operations! {
    /// Tells whether a push or play URL is signed as its domain wants it, now.
    Live T3 DescribeLiveStreamAuthChecking => describe_live_stream_auth_checking {
        /// The domain.
        DomainName => domain_name: DomainText,
        /// The whole URL.
        Url => url: Filled<4096>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    description: String,
    status: &'static str,
}

async fn describe_live_stream_auth_checking(context: &Context, input: DescribeLiveStreamAuthChecking) -> Answer<Told> {
    let domain = existing_domain(context, &input.domain_name).await?;
    let url = Url::parse(&input.url).map_err(|_| ParamError::invalid("Url", "it is no URL"))?;
    let config = context.catalog.domain_configs(&domain.name, &[UrlAuth::FUNCTION.to_owned()]).await?.pop();
    let passed = |description: &str| Told { description: description.to_owned(), status: "pass" };
    let failed = |description: String| Told { description, status: "false" };
    let auth = match config.map(|config| UrlAuth::of_args(&config.args)).transpose() {
        Ok(auth) => auth.flatten(),
        Err(why) => return Ok(failed(why)),
    };
    let Some(auth) = auth else { return Ok(passed("the domain asks for no signature")) };
    let checked = auth.claim(url.path(), url.query().unwrap_or_default()).and_then(|claim| {
        let decoded = percent_decode_str(claim.path()).decode_utf8_lossy().into_owned();
        auth.check(&claim, &[claim.path(), &decoded], context.now)
    });
    Ok(match checked {
        Ok(_) => passed("the URL is signed"),
        Err(why) => failed(why.to_string()),
    })
}
