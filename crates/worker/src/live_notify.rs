//! Tells a customer of a publish or unpublish (contract §3.5).

use catalog::{Catalog, LiveNotify, Push};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reqwest::{Method, Url};
use rpc::callback::{LIVE_SIGNATURE_HEADER, LIVE_TIMESTAMP_HEADER, live_signature};
use serde::Deserialize;
use units::PushId;

use crate::clock::now;
use crate::receiver::{Receivers, Request, Told};

#[derive(Deserialize)]
struct Payload {
    push: PushId,
    action: Action,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Publish,
    PublishDone,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::PublishDone => "publish_done",
        }
    }
}

/// Delivers publish and unpublish.
pub(crate) struct Notify {
    catalog: Catalog,
    receivers: Receivers,
}

impl Notify {
    pub(crate) fn new(catalog: Catalog, receivers: Receivers) -> Self {
        Self { catalog, receivers }
    }
}

impl Handler for Notify {
    const KIND: &'static str = kind::LIVE_NOTIFY;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        let Payload { push: id, action } = attempt.payload()?;
        let Some(push) = self.catalog.push(id).await? else {
            return Err(Failure::GiveUp(format!("there is no push {id}")));
        };
        if action == Action::Publish && push.ended.is_some() {
            return Ok(Finish::Done);
        }
        let notify = self.catalog.live_notify_for(&push.info.publish_domain, push.info.path.domain()).await?;
        let Some(notify) = notify else { return Ok(Finish::Done) };
        let request = request(&notify, &push, action)?;
        let push_domain = Some(push.info.publish_domain.as_str());
        let told = Told::Stream { topic: action.word(), path: &push.info.path, push_domain };
        self.receivers.deliver(&self.catalog, attempt, told, request).await?;
        Ok(Finish::Done)
    }
}

fn request(notify: &LiveNotify, push: &Push, action: Action) -> Result<Request, Failure> {
    let mut url = Url::parse(&notify.notify_url)
        .map_err(|error| Failure::GiveUp(format!("{:?} is no URL: {error}", notify.notify_url)))?;
    let at = match action {
        Action::Publish => push.info.began,
        Action::PublishDone => push.ended.unwrap_or(push.info.began),
    };
    url.query_pairs_mut()
        .append_pair("action", action.word())
        .append_pair("app", &push.info.publish_domain)
        .append_pair("appname", push.info.path.app())
        .append_pair("id", push.info.path.stream())
        .append_pair("ip", host(&push.info.client))
        .append_pair("node", host(&push.info.server))
        .append_pair("time", &at.unix_s().to_string())
        .append_pair("usrargs", &push.info.params);
    let mut headers = Vec::new();
    if notify.signed && !notify.auth_key.is_empty() {
        let at = now().unix_s();
        headers.push((LIVE_TIMESTAMP_HEADER, at.to_string()));
        headers.push((LIVE_SIGNATURE_HEADER, live_signature(&notify.domain, at, &notify.auth_key)));
    }
    Ok(Request { method: Method::GET, url: url.into(), headers, body: None })
}

/// An address without its port: `203.0.113.7:5000`, `[2001:db8::1]:5000`, or without one already.
fn host(address: &str) -> &str {
    match address.parse::<std::net::SocketAddr>() {
        Ok(_) => {
            address.rsplit_once(':').map_or(address, |(host, _)| host).trim_start_matches('[').trim_end_matches(']')
        }
        Err(_) => address,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_told_without_its_port() {
        for (address, host) in [
            ("203.0.113.7:5000", "203.0.113.7"),
            ("[2001:db8::1]:5000", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("203.0.113.7", "203.0.113.7"),
            ("", ""),
        ] {
            assert_eq!(super::host(address), host);
        }
    }
}
