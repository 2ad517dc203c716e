//! Recordings that grow: `/l/{domain}/{app}/{stream}.m3u8`, and the folder of that name.
//!
//! The multivariant playlist is that of whatever is recorded right now; its children name the recording, so that no cache
//! takes a segment of yesterday's for one of today's. A child serves its recording from the first second on, also for
//! [`SHOWN_AFTER_END`] after the end.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, State};
use axum::response::Response;
use catalog::{Catalog, Recording, RecordingState};
use door::{Grant, Keep, tag};
use moka::future::Cache;
use reel::{ReelIndex, Span};
use units::{RecordingId, StreamPath, WallTime};
use view::{Growth, Name, SpanView, Timeline};

use crate::ANSWER_AGE_MAX;
use crate::error::{OriginError, Result};
use crate::laid::{Laid, Text};
use crate::reels::Reels;
use crate::reply::{Content, Reply, content_type};
use crate::viewer::Viewer;
use crate::vod::segment;

/// How long after its end a recording is still served here, for viewers who are behind. Its assets stay.
const SHOWN_AFTER_END: Duration = Duration::from_secs(3_600);
/// Answers of the catalog that are kept; each takes some 500 bytes.
const ANSWERS_MAX: u64 = 10_000;

/// What a viewer has to know of a recording.
#[derive(Clone)]
struct Answer {
    id: RecordingId,
    path: StreamPath,
    span: Span,
    ended: Option<WallTime>,
}

/// What is served under `/l/`.
pub(crate) struct Live {
    catalog: Catalog,
    reels: Arc<Reels>,
    by_path: Cache<StreamPath, Option<Answer>>,
    by_id: Cache<RecordingId, Option<Answer>>,
    laid: Cache<RecordingId, Arc<Laid>>,
}

impl Live {
    pub(crate) fn new(catalog: Catalog, reels: Arc<Reels>, cache_bytes: u64) -> Self {
        let weigh = |_: &RecordingId, laid: &Arc<Laid>| laid.weight();
        Self {
            catalog,
            reels,
            by_path: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build(),
            by_id: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build(),
            laid: Cache::builder().max_capacity(cache_bytes).weigher(weigh).build(),
        }
    }

    /// The recording that goes on under a path.
    async fn current(&self, path: StreamPath) -> Result<Answer> {
        let ask = async { Ok(self.catalog.live_recording(&path).await?.map(answer_of)) };
        let asked = self.by_path.try_get_with(path.clone(), ask).await;
        asked
            .map_err(|error: Arc<OriginError>| (*error).clone())?
            .ok_or(OriginError::NotFound { what: "a live stream" })
    }

    /// A recording of a path that goes on or ended not long ago.
    async fn known(&self, path: &StreamPath, id: RecordingId) -> Result<Answer> {
        let ask = async { Ok(self.catalog.recording(id).await?.map(answer_of)) };
        let asked = self.by_id.try_get_with(id, ask).await.map_err(|error: Arc<OriginError>| (*error).clone())?;
        let shown = |answer: &Answer| answer.ended.is_none_or(|at| now().since(at) <= SHOWN_AFTER_END);
        asked
            .filter(|answer| answer.path == *path && shown(answer))
            .ok_or(OriginError::NotFound { what: "this recording" })
    }

    /// Lays out what is there. Whether it ended was asked before: then the index is complete when it is read now.
    async fn lay_out(&self, answer: &Answer) -> Result<Arc<Laid>> {
        let known = self.laid.get(&answer.id).await;
        let ended = answer.ended.is_some();
        if let Some(laid) = known.as_ref().filter(|laid| laid.ended) {
            return Ok(Arc::clone(laid));
        }
        let index: Arc<ReelIndex> = self.reels.index(answer.span.reel, ended).await?;
        if let Some(laid) = known
            && laid.ended == ended
            && laid.timeline.parts().len() == index.segments.len()
        {
            return Ok(laid);
        }
        let timeline = Timeline::new(&[SpanView::new(answer.span, &index)], Growth::Growing)?;
        let laid = Arc::new(Laid::new(timeline, ended));
        self.laid.insert(answer.id, Arc::clone(&laid)).await;
        Ok(laid)
    }

    /// The multivariant playlist; its children lie in the folder `{stream}/{recording}/`.
    async fn index(&self, path: StreamPath, grant: &Grant) -> Result<Reply> {
        let folder = format!("{}/", path.stream());
        let answer = self.current(path).await?;
        let laid = self.lay_out(&answer).await?;
        // A stream's name may have characters that end a path in a URL.
        let folder = format!("{}{}/", folder.replace('%', "%25").replace('?', "%3F").replace('#', "%23"), answer.id);
        Ok(playlist(Name::Index, over(&laid, &folder, grant)))
    }

    async fn reply(&self, path: &StreamPath, id: RecordingId, name: Name, grant: &Grant) -> Result<Reply> {
        let answer = self.known(path, id).await?;
        let laid = self.lay_out(&answer).await?;
        let timeline = &laid.timeline;
        let (tag, content) = match name {
            Name::Index => return Ok(playlist(name, over(&laid, "", grant))),
            Name::Playlist(track) => return Ok(playlist(name, laid.playlist(track, None, None, grant)?)),
            Name::Init(track, number) => {
                let init = timeline.init(track, number)?;
                (tag(&init), Content::Made(init))
            }
            Name::Segment(track, position) => {
                let pieces = segment(&self.reels, timeline, track, position).await?;
                (tag((id, name)), Content::Pieces(pieces))
            }
            Name::Segments(..) => return Err(OriginError::NotFound { what: "a segment of several" }),
            Name::Mpd | Name::Mp4 | Name::Flv | Name::Mp3 | Name::Key => {
                return Err(OriginError::NotFound { what: "a file of what still grows" });
            }
        };
        Ok(Reply { content_type: content_type(name), keep: Keep::Forever, tag, content })
    }
}

/// What stands over the playlists.
fn over(laid: &Laid, folder: &str, grant: &Grant) -> Text {
    let mut playlist = laid.timeline.multivariant(folder);
    playlist.each_uri(|uri| grant.url(uri));
    Text::new(playlist.to_text())
}

fn playlist(name: Name, text: Text) -> Reply {
    Reply { content_type: content_type(name), keep: Keep::Second, tag: text.tag, content: Content::Made(text.bytes) }
}

fn answer_of(recording: Recording) -> Answer {
    let ended = match recording.state {
        RecordingState::Ended => Some(recording.ended.unwrap_or(recording.began)),
        RecordingState::Live | RecordingState::Interrupted => None,
    };
    let span = Span { reel: recording.reel, from: i64::MIN, to: i64::MAX };
    Answer { id: recording.id, path: recording.path, span, ended }
}

pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn path_of(domain: &str, app: &str, stream: &str) -> Result<StreamPath> {
    StreamPath::new(domain, app, stream).map_err(|_| OriginError::NotFound { what: "a live stream" })
}

/// `GET /l/{domain}/{app}/{stream}.m3u8`.
pub(crate) async fn serve_index(
    State(live): State<Arc<Live>>,
    Path((domain, app, file)): Path<(String, String, String)>,
    viewer: Viewer,
) -> Result<Response> {
    let stream = file.strip_suffix(".m3u8").ok_or(OriginError::NotFound { what: "a live stream" })?;
    let reply = live.index(path_of(&domain, &app, stream)?, &viewer.grant).await?;
    Ok(reply.answer(&viewer, &live.reels.store))
}

/// `GET /l/{domain}/{app}/{stream}/{recording}/{name}`.
pub(crate) async fn serve(
    State(live): State<Arc<Live>>,
    Path((domain, app, stream, recording, name)): Path<(String, String, String, String, String)>,
    viewer: Viewer,
) -> Result<Response> {
    let recording = recording.parse().map_err(|_| OriginError::NotFound { what: "this recording" })?;
    let name = name.parse().map_err(|_| OriginError::NotFound { what: "this name" })?;
    let reply = live.reply(&path_of(&domain, &app, &stream)?, recording, name, &viewer.grant).await?;
    Ok(reply.answer(&viewer, &live.reels.store))
}
