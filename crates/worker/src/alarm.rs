//! Calls the operator's server when the disk is in trouble, and when it is over (decision 0011).
//!
//! From memory alone: neither the catalog nor a job has a part in it, as they lie on the disk that is in trouble. What is
//! told is told of an *episode*: from the first trouble until none was for [`episode::QUIET`]. Each is raised once and cleared once.

mod episode;

use std::time::Duration;

use blobs::Alarm;
use catalog::Ids;
use reqwest::Method;
use rpc::callback::{VOD_SIGNATURE_HEADER, VOD_TIMESTAMP_HEADER, vod_signature};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::episode::{Episodes, Kind, Trouble};
use crate::clock::now;
use crate::error::WorkerError;
use crate::receiver::{Receivers, Request};

/// How often is looked; no trouble is missed in between. With what raises the alarm (5 s at most) and [`episode::GATHER`]
/// it leaves some seconds of the ten in which the operator is told.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where the operator is told.
#[derive(Clone, PartialEq, Eq)]
pub struct AlarmReceiver {
    /// An http or https URL.
    pub url: String,
    /// With which the calls are signed; empty: they are not.
    pub key: String,
}

impl std::fmt::Debug for AlarmReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlarmReceiver").field("url", &self.url).field("key", &"***").finish()
    }
}

/// Tells of trouble until `shutdown`. `receiver` is named by who runs the server: any address will do.
///
/// Errors: only at once, when the HTTP client cannot be made.
pub(crate) async fn run(
    alarm: Alarm,
    receiver: Option<AlarmReceiver>,
    node: String,
    shutdown: CancellationToken,
) -> Result<(), WorkerError> {
    let Some(receiver) = receiver else { return Ok(()) };
    let caller = Caller { receivers: Receivers::new(true)?, receiver };
    // Two, so that a call for the one does not hold up the other.
    let media = || {
        let seen = alarm.look();
        (!seen.is_empty()).then_some(Trouble::Media(seen))
    };
    let space = || alarm.look_low().map(Trouble::Space);
    let watching = async {
        let episodes = |kind| Episodes::new(kind, node.clone(), Ids::from_os());
        tokio::join!(watch(episodes(Kind::Media), media, &caller), watch(episodes(Kind::Space), space, &caller));
    };
    tokio::select! {
        () = shutdown.cancelled() => {}
        () = watching => {}
    }
    Ok(())
}

async fn watch(mut episodes: Episodes, look: impl Fn() -> Option<Trouble>, caller: &Caller) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(body) = episodes.step(Instant::now(), now(), look()) {
            let heard = caller.call(body).await;
            metrics::counter!("alarm_calls_total", "ok" => heard.to_string()).increment(1);
            episodes.called(Instant::now(), heard);
        }
    }
}

struct Caller {
    receivers: Receivers,
    receiver: AlarmReceiver,
}

impl Caller {
    /// Whether it was heard.
    async fn call(&self, body: String) -> bool {
        let AlarmReceiver { url, key } = &self.receiver;
        let mut headers = vec![("content-type", "application/json".to_owned())];
        if !key.is_empty() {
            let at = now().unix_s();
            headers.push((VOD_TIMESTAMP_HEADER, at.to_string()));
            headers.push((VOD_SIGNATURE_HEADER, vod_signature(url, at, key)));
        }
        let request = Request { method: Method::POST, url: url.clone(), headers, body: Some(body) };
        match self.receivers.call(request).await {
            Ok(()) => true,
            Err(why) => {
                tracing::warn!(why, "the receiver of alarms was not reached; it is called again");
                false
            }
        }
    }
}
