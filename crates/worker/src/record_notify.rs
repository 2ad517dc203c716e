//! Tells a customer of recordings: each file, and changes of status (contract §3.5).

use std::collections::BTreeMap;

use catalog::{Asset, Catalog, RecordNotify, RecordStatus};
use jobs::{Attempt, Failure, Finish, Handler, kind};
use reqwest::{Method, Url};
use rpc::callback::{LIVE_SIGNATURE_HEADER, LIVE_TIMESTAMP_HEADER, live_signature};
use serde::{Deserialize, Serialize};
use units::{AssetId, MediaTime, RecordingId, StreamPath};

use crate::clock::now;
use crate::receiver::{Receivers, Request, Told};

/// Push parameters whose names begin with this are told back with each file.
const TOLD_BACK: &str = "callback_";

/// The word for a file in the history of what was told.
const FILE_CREATED: &str = "file_created";

#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    File { asset: AssetId },
    Status { recording: RecordingId, status: String },
}

/// Field by field, in a fixed order, so that a repeat is the same text.
#[derive(Serialize)]
struct File<'a> {
    domain: &'a str,
    app: &'a str,
    stream: &'a str,
    uri: String,
    /// Seconds.
    duration: f64,
    start_time: i64,
    stop_time: i64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    push_args: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Status<'a> {
    domain: &'a str,
    app: &'a str,
    stream: &'a str,
    event: &'a str,
}

/// What is told, and to whom.
struct Notice {
    topic: &'static str,
    path: StreamPath,
    notify: RecordNotify,
    body: String,
}

/// Delivers what is told of recordings.
pub(crate) struct NotifyOfRecordings {
    catalog: Catalog,
    receivers: Receivers,
}

impl NotifyOfRecordings {
    pub(crate) fn new(catalog: Catalog, receivers: Receivers) -> Self {
        Self { catalog, receivers }
    }

    /// Whom to tell and what; `None`: nobody wants it any more, or it is gone.
    async fn told(&self, payload: Payload) -> Result<Option<Notice>, Failure> {
        let notify = async |path: &StreamPath| self.catalog.record_notify(path.domain()).await;
        match payload {
            Payload::File { asset: id } => {
                // A video that was deleted meanwhile is told all the same: it was made. But nothing is left to tell it from.
                let Some(asset) = self.catalog.asset(id).await? else { return Ok(None) };
                let Some(origin) = asset.origin.clone() else { return Ok(None) };
                let Some(notify) = notify(&origin.path).await? else { return Ok(None) };
                let push_args = self.push_args(origin.recording).await?;
                let body = json(&file(&asset, &origin, push_args))?;
                Ok(Some(Notice { topic: FILE_CREATED, path: origin.path, notify, body }))
            }
            Payload::Status { recording: id, status } => {
                let Some(recording) = self.catalog.recording(id).await? else { return Ok(None) };
                let Some(notify) = notify(&recording.path).await?.filter(|notify| notify.status) else {
                    return Ok(None);
                };
                let status: RecordStatus =
                    status.parse().map_err(|()| Failure::GiveUp(format!("{status:?} is no status")))?;
                let path = &recording.path;
                let told =
                    Status { domain: path.domain(), app: path.app(), stream: path.stream(), event: status.as_str() };
                let body = json(&told)?;
                Ok(Some(Notice { topic: status.as_str(), path: recording.path, notify, body }))
            }
        }
    }

    /// What the publisher wants told back: of the first push of the recording, of each name the first value.
    async fn push_args(&self, recording: RecordingId) -> Result<BTreeMap<String, String>, Failure> {
        let mut args = BTreeMap::new();
        let Some(first) = self.catalog.pushes_of_recording(recording).await?.into_iter().next() else {
            return Ok(args);
        };
        let Some(push) = self.catalog.push(first).await? else { return Ok(args) };
        for (name, value) in url::form_urlencoded::parse(push.info.params.as_bytes()) {
            if name.starts_with(TOLD_BACK) {
                args.entry(name.into_owned()).or_insert_with(|| value.into_owned());
            }
        }
        Ok(args)
    }
}

impl Handler for NotifyOfRecordings {
    const KIND: &'static str = kind::RECORD_NOTIFY;

    async fn run(&self, attempt: &Attempt) -> Result<Finish, Failure> {
        if let Some(notice) = self.told(attempt.payload()?).await? {
            let request = request(notice.notify, notice.body)?;
            let told = Told::Stream { topic: notice.topic, path: &notice.path, push_domain: None };
            self.receivers.deliver(&self.catalog, attempt, told, request).await?;
        }
        Ok(Finish::Done)
    }
}

fn file<'a>(asset: &Asset, origin: &'a catalog::Origin, push_args: BTreeMap<String, String>) -> File<'a> {
    File {
        domain: origin.path.domain(),
        app: origin.path.app(),
        stream: origin.path.stream(),
        uri: format!("{}/source.mp4", asset.id),
        // Milliseconds: what a player shows, and no digits that say nothing.
        duration: (MediaTime::reel(asset.duration_ticks).seconds() * 1_000.0).round() / 1_000.0,
        start_time: origin.began.unix_s(),
        stop_time: origin.ended.unix_s(),
        push_args,
    }
}

fn json(told: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(told).map_err(|error| Failure::GiveUp(format!("a callback cannot be written: {error}")))
}

fn request(notify: RecordNotify, body: String) -> Result<Request, Failure> {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    if notify.signed && !notify.auth_key.is_empty() {
        let url = Url::parse(&notify.notify_url)
            .map_err(|error| Failure::GiveUp(format!("{:?} is no URL: {error}", notify.notify_url)))?;
        // The host alone, without a port: the receiver knows its name, and not always what stands in front of it.
        let host = url.host_str().unwrap_or_default();
        let at = now().unix_s();
        headers.push((LIVE_TIMESTAMP_HEADER, at.to_string()));
        headers.push((LIVE_SIGNATURE_HEADER, live_signature(host, at, &notify.auth_key)));
    }
    Ok(Request { method: Method::POST, url: notify.notify_url, headers, body: Some(body) })
}
