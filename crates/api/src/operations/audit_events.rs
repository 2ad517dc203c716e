//! Who wrote what: an operation of our own, in the words of the vendor's audit trail.

use catalog::{AuditEvent, AuditFilter};
use rpc::ParamError;
use rpc::param::{Filled, Int, Time};
use schemars::JsonSchema;
use serde::Serialize;

use super::videos::end_of_second;
use crate::codes::Answer;
use crate::declare::{choice, operations};
use crate::state::Context;

choice! {
    /// What became of a call.
    CallOutcome {
        /// It was done.
        Done = "Done",
        /// It was refused or failed, or nobody knows.
        Failed = "Failed",
    }
}

operations! {
    /// Lists the calls of operations that write, newest first: who called what, from where, with which parameters, and what became of it.
    /// They are kept for `auth.audit_kept`.
    Vod Own ListAuditEvents => list_audit_events {
        /// Only calls that were signed with this key.
        UserAccessKeyId => access_key: Option<Filled<128>>,
        /// Only calls of this operation: `DeleteVideo`.
        EventName => action: Option<Filled<128>>,
        /// Only calls of which this became.
        Outcome => outcome: Option<CallOutcome>,
        /// Came at or after.
        StartTime => from: Option<Time>,
        /// Came at or before.
        EndTime => to: Option<Time>,
        /// Calls in the answer.
        MaxResults => max: Int<1, 100> = 50,
        /// Where the answer before this one ended.
        NextToken => token: Option<Filled<32>>,
    }
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    audit_event_list: Vec<Told>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
struct Told {
    access_key_id: String,
    /// `OK`, or the code of its error; absent when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The `RequestId` of its answer.
    event_id: String,
    event_name: String,
    event_time: String,
    /// JSON as text, without secrets.
    request_parameters: String,
    role: String,
    service_name: String,
    source_ip_address: String,
}

async fn list_audit_events(context: &Context, input: ListAuditEvents) -> Answer<Listed> {
    let wrong = |_| ParamError::invalid("NextToken", "it is none that this operation gave");
    let filter = AuditFilter {
        access_key: input.access_key,
        action: input.action,
        done: input.outcome.map(|outcome| outcome == CallOutcome::Done),
        from: input.from,
        // The wire has whole seconds: a call within the last one is meant too.
        to: input.to.map(end_of_second),
        before: input.token.map(|token| token.parse()).transpose().map_err(wrong)?,
    };
    let wanted = u32::try_from(input.max).unwrap_or(u32::MAX);
    let page = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut events = context.catalog.audit_events(&filter, wanted.saturating_add(1)).await?;
    let more = events.len() > page;
    events.truncate(page);
    let next_token = events.last().filter(|_| more).map(|event| event.seq.to_string());
    Ok(Listed { audit_event_list: events.into_iter().map(told).collect(), next_token })
}

fn told(event: AuditEvent) -> Told {
    let AuditEvent { call, code, .. } = event;
    Told {
        access_key_id: call.access_key,
        code,
        event_id: call.request,
        event_name: call.action,
        event_time: call.at.to_iso8601(),
        request_parameters: call.params,
        role: call.role,
        service_name: call.service,
        source_ip_address: call.address,
    }
}
