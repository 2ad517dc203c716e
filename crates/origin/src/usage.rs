//! What is played and sent: counted in memory, written once a minute (decision 0041).
//!
//! A *play* is one viewer beginning to watch one video or stream: the first media that a viewer gets of it after having had none of it for
//! [`SESSION`]. A viewer is told by address and `User-Agent`; playlists, pictures and what is only looked at (`HEAD`) are no play. *Bytes*
//! are those of all bodies, as they are handed to the connection: of one that breaks off, those before.
//!
//! **Invariant:** memory is bounded, whatever is asked for: beyond [`KEYS_MAX`] bytes still count for their domain.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use catalog::{Catalog, CatalogError, UsageKey, UsageRow};
use http_body::{Frame, SizeHint};
use metrics::Counter;
use moka::sync::Cache;
use tokio::time::{MissedTickBehavior, interval};
use units::WallTime;
use view::Name;

use crate::live::now;
use ::door::name_of;

/// How long a viewer may have got nothing of a video and still be the same play.
const SESSION: Duration = Duration::from_secs(1_800);
/// Plays that are remembered; each takes some 100 bytes. Beyond, the ones that went longest without media are counted again.
const SESSIONS_MAX: u64 = 500_000;
/// What is counted apart between two writes; each takes some 200 bytes.
const KEYS_MAX: usize = 100_000;
/// How often what was counted is written: what a crash may cost of it.
const WRITE_EVERY: Duration = Duration::from_secs(60);
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

#[derive(Clone, Copy, Default)]
struct Tally {
    plays: u64,
    bytes: u64,
}

impl Tally {
    fn add(&mut self, more: Self) {
        self.plays = self.plays.saturating_add(more.plays);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// What was counted and is not written yet. Clones share it.
#[derive(Clone)]
pub struct Usage {
    counted: Arc<Mutex<HashMap<UsageKey, Tally>>>,
    /// Who watches what, as hashes.
    sessions: Cache<u64, ()>,
}

impl Default for Usage {
    fn default() -> Self {
        let sessions = Cache::builder().max_capacity(SESSIONS_MAX).time_to_idle(SESSION).build();
        Self { counted: Arc::default(), sessions }
    }
}

/// A request that is counted.
pub(crate) struct Viewed {
    /// The domain; empty: the server's own name.
    pub(crate) domain: String,
    /// The id of a video, or `app/stream`.
    pub(crate) media: String,
    pub(crate) is_media: bool,
    pub(crate) address: Option<IpAddr>,
    pub(crate) agent: u64,
}

/// What a path under `/v/` or `/l/` is of, and whether it is media itself.
pub(crate) fn of_path(path: &str) -> Option<(String, bool)> {
    let mut parts = path.trim_start_matches('/').split('/');
    let media = match parts.next()? {
        "v" => parts.next()?.to_owned(),
        "l" => {
            let (_, app, stream) = (parts.next()?, parts.next()?, parts.next()?);
            format!("{app}/{}", stream.strip_suffix(".m3u8").unwrap_or(stream))
        }
        _ => return None,
    };
    let name = name_of(path);
    let is_file = || [".mp4", ".flv", ".mp3"].iter().any(|end| name.ends_with(end)) && !name.starts_with("file.");
    let is_media = match name.parse() {
        Ok(Name::Segment(..) | Name::Segments(..) | Name::Fragment(..) | Name::Mp4 | Name::Flv | Name::Mp3) => true,
        Ok(
            Name::Index
            | Name::Mpd
            | Name::Playlist(_)
            | Name::LowIndex
            | Name::LowPlaylist(_)
            | Name::Init(..)
            | Name::IFrames
            | Name::IFrame(_)
            | Name::Key,
        ) => false,
        Err(_) => is_file(),
    };
    Some((media, is_media))
}

/// A hash of what tells viewers of one address apart.
pub(crate) fn agent_of(text: &[u8]) -> u64 {
    hash(text)
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl Usage {
    /// Counts an answer while it is sent.
    pub(crate) fn count(&self, viewed: Viewed, method: &Method, response: Response) -> Response {
        let sent = matches!(response.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT) && method == Method::GET;
        if !sent {
            return response;
        }
        let Viewed { domain, media, is_media, address, agent } = viewed;
        if is_media && self.begins(hash((&domain, &media, address, agent))) {
            metrics::counter!("origin_plays_total", "domain" => domain.clone()).increment(1);
            self.add(&domain, &media, Tally { plays: 1, bytes: 0 });
        }
        let of_domain = metrics::counter!("origin_domain_bytes_total", "domain" => domain.clone());
        let key = UsageKey { hour: hour_of(now()), domain, media };
        response.map(|body| Body::new(Counted { body, usage: self.clone(), key, of_domain }))
    }

    /// Whether a viewer had nothing of a video for a while. From now on it has.
    fn begins(&self, session: u64) -> bool {
        self.sessions.entry(session).or_insert(()).is_fresh()
    }

    fn add(&self, domain: &str, media: &str, more: Tally) {
        let key = UsageKey { hour: hour_of(now()), domain: domain.to_owned(), media: media.to_owned() };
        self.put(&key, more);
    }

    fn put(&self, key: &UsageKey, more: Tally) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tally) = counted.get_mut(key) {
            return tally.add(more);
        }
        let mut key = key.clone();
        if counted.len() >= KEYS_MAX {
            // Somebody asks for more videos in a minute than are told apart: they count together.
            key.media.clear();
        }
        counted.entry(key).or_default().add(more);
    }

    /// Writes what was counted. When that fails it is counted again with what comes.
    pub async fn write(&self, catalog: &Catalog) -> Result<(), CatalogError> {
        let counted = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        if counted.is_empty() {
            return Ok(());
        }
        let mut rows: Vec<UsageRow> =
            counted.into_iter().map(|(key, tally)| UsageRow { key, plays: tally.plays, bytes: tally.bytes }).collect();
        // Always in the same order, so that two nodes never wait for each other.
        rows.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let written = catalog.add_usage(&rows).await;
        if written.is_err() {
            for row in rows {
                self.put(&row.key, Tally { plays: row.plays, bytes: row.bytes });
            }
        }
        written
    }

    /// Writes once a minute until `stop`, and then once more.
    pub async fn run(self, catalog: Catalog, stop: impl Future<Output = ()>) {
        let mut ticks = interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = std::pin::pin!(stop);
        loop {
            let last = tokio::select! {
                () = &mut stop => true,
                _ = ticks.tick() => false,
            };
            if let Err(error) = self.write(&catalog).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what was played and sent cannot be written; it is counted on");
            }
            if last {
                return;
            }
        }
    }
}

/// A body whose bytes are counted.
struct Counted {
    body: Body,
    usage: Usage,
    key: UsageKey,
    of_domain: Counter,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            let bytes = u64::try_from(data.len()).unwrap_or(u64::MAX);
            self.of_domain.increment(bytes);
            self.key.hour = hour_of(now());
            self.usage.put(&self.key, Tally { plays: 0, bytes });
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The hour that a time is in, as the time when it begins.
fn hour_of(time: WallTime) -> WallTime {
    WallTime::from_unix_ms(time.unix_ms.div_euclid(HOUR_MS).saturating_mul(HOUR_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_are_told_from_what_leads_to_them() {
        let of = |path| of_path(path).unwrap();
        for (path, media, is_media) in [
            ("/v/a1/index.m3u8", "a1", false),
            ("/v/a1/video.m3u8", "a1", false),
            ("/v/a1/source.mp4", "a1", true),
            ("/v/a1/5e1f-ld.mp4", "a1", true),
            ("/v/a1/5e1f-ld/init-v0.mp4", "a1", false),
            ("/v/a1/v3.m4s", "a1", true),
            ("/v/a1/covers/x-00001.jpg", "a1", false),
            ("/v/a1/file.mp4", "a1", false),
            ("/l/play.example.org/cup/court1.m3u8", "cup/court1", false),
            ("/l/play.example.org/cup/court1/77aa/v3.m4s", "cup/court1", true),
            ("/l/play.example.org/cup/court1/low.m3u8", "cup/court1", false),
            ("/l/play.example.org/cup/court1/77aa/low-video.m3u8", "cup/court1", false),
            ("/l/play.example.org/cup/court1/77aa/v3.0.m4s", "cup/court1", true),
        ] {
            assert_eq!(of(path), (media.to_owned(), is_media), "{path}");
        }
        assert_eq!(of_path("/other"), None);
    }

    #[test]
    fn what_does_not_fit_counts_for_its_domain() {
        let usage = Usage::default();
        let one = Tally { plays: 1, bytes: 2 };
        for n in 0..KEYS_MAX + 3 {
            usage.add("vod.example.org", &n.to_string(), one);
        }
        let counted = usage.counted.lock().unwrap();
        let rest = counted.iter().find(|(key, _)| key.media.is_empty()).unwrap().1;
        assert!((1..=6).contains(&rest.plays) && rest.bytes == rest.plays * 2, "{}", rest.plays);
        assert!(counted.len() <= KEYS_MAX + 2);
    }

    #[test]
    fn a_viewer_who_goes_on_is_one_play() {
        let usage = Usage::default();
        assert!(usage.begins(1) && !usage.begins(1) && usage.begins(2));
    }
}
