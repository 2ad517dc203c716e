//! A stream to try things with, which the server pushes to itself. Operations of our own.

use std::time::Duration;

use catalog::TestStream;
use rpc::ParamError;
use schemars::JsonSchema;
use serde::Serialize;
use units::StreamPath;

use crate::codes::{Answer, Code};
use crate::declare::{Done, operations};
use crate::state::Context;
use crate::wire::NameText;

/// How long it goes on.
const LASTS: Duration = Duration::from_secs(600);

operations! {
    /// Has the server push a moving picture with sound to itself, for ten minutes, over the default ingest domain. There is one at a time:
    /// while one goes on, it is answered as it is.
    Vod Own StartTestStream => start_test_stream {
        /// The app.
        AppName => app_name: NameText = "live".to_owned(),
        /// The stream.
        StreamName => stream_name: NameText = "test".to_owned(),
    }

    /// Ends the test stream, if there is one.
    Vod Own StopTestStream => stop_test_stream {}
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Started {
    domain_name: String,
    app_name: String,
    stream_name: String,
    end_time: String,
}

fn told(test: TestStream) -> Started {
    Started {
        domain_name: test.path.domain().to_owned(),
        app_name: test.path.app().to_owned(),
        stream_name: test.path.stream().to_owned(),
        end_time: test.until.to_iso8601(),
    }
}

async fn start_test_stream(context: &Context, input: StartTestStream) -> Answer<Started> {
    let encoder = context.settings.encoder;
    if !encoder.h264 || !encoder.aac {
        return Err(Code::ServiceUnavailable.because("A test stream needs FFmpeg with libx264 and AAC on this host."));
    }
    let default = &context.settings.push.default_domain;
    let domains = context.catalog.resolve_push(default).await?.ok_or_else(|| {
        Code::InvalidDomainNotFound.because(format!("Nothing can be pushed to the default ingest domain {default:?}."))
    })?;
    if let Some(running) = context.catalog.test_stream().await? {
        return Ok(told(running));
    }
    let path = StreamPath::new(&domains.play_domain, &input.app_name, &input.stream_name)
        .map_err(|error| ParamError::invalid("StreamName", error.to_string()))?;
    if context.catalog.is_live(&path).await? {
        return Err(Code::TaskAlreadyStarted.because("Somebody pushes this stream already."));
    }
    let test = TestStream { push_domain: domains.push_domain, path, until: context.now.after(LASTS) };
    context.catalog.begin_test_stream(&test, context.now).await?;
    Ok(told(context.catalog.test_stream().await?.unwrap_or(test)))
}

async fn stop_test_stream(context: &Context, _input: StopTestStream) -> Answer<Done> {
    context.catalog.end_test_stream().await?;
    Ok(Done {})
}
