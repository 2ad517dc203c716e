//! Recordings that grow: `/l/{domain}/{app}/{stream}.m3u8`, and the folder of that name; `{stream}/low.m3u8` for those who watch with
//! low latency.
//!
//! The multivariant playlist is that of whatever is recorded right now; its children name the recording, so that no cache
//! takes a segment of yesterday's for one of today's. A child serves its recording from the first second on, also for
//! [`SHOWN_AFTER_END`] after the end.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use catalog::{Catalog, Recording, RecordingState};
use codec::TrackKind;
use door::{Grant, Keep, Refusal, Reload, tag};
use moka::future::Cache;
use reel::{ReelIndex, Span};
use units::{RecordingId, StreamPath, WallTime};
use view::{Growth, Low, Member, Name, Package, Piece, Reach, SpanView, Timeline, ViewError, Wanted};

use crate::ANSWER_AGE_MAX;
use crate::error::{OriginError, Result};
use crate::kept::kept;
use crate::laid::{Laid, Playlist, Text};
use crate::low::{LiveEdge, Recorded, Seen, reach_of_fragment};
use crate::reels::Reels;
use crate::reply::{Content, Reply, content_type};
use crate::viewer::Viewer;
use crate::vod::{i_frame, segment};

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
    edge: LiveEdge,
}

impl Live {
    pub(crate) fn new(catalog: Catalog, reels: Arc<Reels>, cache_bytes: u64) -> Self {
        let weigh = |_: &RecordingId, laid: &Arc<Laid>| laid.weight();
        Self {
            catalog,
            edge: LiveEdge::new(Arc::clone(&reels), cache_bytes),
            reels,
            by_path: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build(),
            by_id: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(ANSWER_AGE_MAX).build(),
            laid: Cache::builder().max_capacity(cache_bytes).weigher(weigh).build(),
        }
    }

    /// The recording that goes on under a path.
    async fn current(&self, path: StreamPath) -> Result<Answer> {
        let ask = async || Ok(self.catalog.live_recording(&path).await?.map(answer_of));
        kept(&self.by_path, path.clone(), ask).await?.ok_or(OriginError::NotFound { what: "a live stream" })
    }

    /// A recording of a path that goes on or ended not long ago.
    async fn known(&self, path: &StreamPath, id: RecordingId) -> Result<Answer> {
        let ask = async || Ok(self.catalog.recording(id).await?.map(answer_of));
        let asked = kept(&self.by_id, id, ask).await?;
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

    /// A multivariant playlist; its children lie in the folder `{stream}/{recording}/`. `name`: [`Name::Index`] beside that folder, or
    /// [`Name::LowIndex`] in the stream's.
    async fn index(&self, path: StreamPath, name: Name, grant: &Grant) -> Result<Reply> {
        // A stream's name may have characters that end a path in a URL.
        let stream = path.stream().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
        let answer = self.current(path).await?;
        let laid = self.lay_out(&answer).await?;
        let folder = match name {
            Name::LowIndex => format!("{}/", answer.id),
            _ => format!("{stream}/{}/", answer.id),
        };
        Ok(playlist(name, over(&laid, name, &folder, grant)))
    }

    /// The playlist of a track with its parts, once it has what is asked for.
    async fn low_playlist(&self, answer: &Answer, track: TrackKind, reload: Reload, grant: &Grant) -> Result<Reply> {
        let wanted = reload.segment.map(|segment| Wanted { segment, part: reload.part });
        let mut seen = self.edge.now(recorded(answer)).await?;
        let mut keep = Keep::Second;
        if let Some(wanted) = wanted {
            let there = match seen.low.reach(track, wanted) {
                Reach::TooFar => return Err(OriginError::TooFar),
                Reach::Here => true,
                Reach::Soon => {
                    let there;
                    (seen, there) = self.wait(answer, |low| low.reach(track, wanted) == Reach::Here).await?;
                    there
                }
            };
            if there {
                keep = Keep::Reload;
            }
        }
        let name = Name::LowPlaylist(track);
        Ok(Reply { keep, ..playlist(name, seen.playlist(track, reload.skip, grant)?) })
    }

    /// A part of a segment. One that was announced is waited for.
    async fn part(&self, answer: &Answer, track: TrackKind, position: usize, number: usize) -> Result<Reply> {
        let mut seen = self.edge.now(recorded(answer)).await?;
        let reach = |low: &Low| reach_of_fragment(low, track, position, number);
        if reach(&seen.low) == Reach::Soon {
            (seen, _) = self.wait(answer, |low| reach(low) == Reach::Here).await?;
        }
        let pieces = self.edge.fragment(&seen, track, position, number).await?;
        let name = Name::Fragment(track, position, number);
        // The head of what a disk lost and got anew is another one.
        let head = pieces.iter().find_map(|piece| match piece {
            Piece::Made(bytes) => Some(bytes),
            Piece::Stored { .. } => None,
        });
        let tag = tag((answer.id, name, head));
        Ok(Reply {
            content_type: content_type(name),
            keep: Keep::Forever,
            tag,
            content: Content::Pieces(pieces.into()),
        })
    }

    async fn wait(&self, answer: &Answer, is_there: impl Fn(&Low) -> bool) -> Result<(Arc<Seen>, bool)> {
        let known = || async { Ok(recorded(&self.known(&answer.path, answer.id).await?)) };
        self.edge.wait(recorded(answer), is_there, known).await
    }

    async fn reply(
        &self,
        path: &StreamPath,
        id: RecordingId,
        name: Name,
        reload: Reload,
        grant: &Grant,
    ) -> Result<Reply> {
        let answer = self.known(path, id).await?;
        match name {
            Name::LowPlaylist(track) => return self.low_playlist(&answer, track, reload, grant).await,
            Name::Fragment(track, position, number) => return self.part(&answer, track, position, number).await,
            _ => {}
        }
        let laid = self.lay_out(&answer).await?;
        let timeline = &laid.timeline;
        let (tag, content) = match name {
            Name::Index | Name::LowIndex => return Ok(playlist(name, over(&laid, name, "", grant))),
            Name::Playlist(track) => {
                return Ok(playlist(name, laid.playlist(Playlist::Track(track, None), None, grant)?));
            }
            Name::IFrames => return Ok(playlist(name, laid.playlist(Playlist::IFrames, None, grant)?)),
            Name::Init(track, number) => {
                let init = match timeline.init(track, number) {
                    // Parameters that hold from the open segment on.
                    Err(ViewError::NoSuch { .. }) => {
                        self.edge.now(recorded(&answer)).await?.low.timeline().init(track, number)?
                    }
                    init => init?,
                };
                (tag(&init), Content::Made(init))
            }
            Name::Segment(track, position) => {
                let pieces = segment(&self.reels, timeline, track, position).await?;
                (tag((id, name)), Content::Pieces(pieces.into()))
            }
            Name::IFrame(position) => {
                let pieces = i_frame(&self.reels, timeline, position).await?;
                (tag((id, name)), Content::Pieces(pieces.into()))
            }
            Name::LowPlaylist(_) | Name::Fragment(..) | Name::Segments(..) => {
                return Err(OriginError::NotFound { what: "a segment of several" });
            }
            Name::Mpd | Name::Mp4 | Name::Flv | Name::Mp3 | Name::Key => {
                return Err(OriginError::NotFound { what: "a file of what still grows" });
            }
        };
        Ok(Reply { content_type: content_type(name), keep: Keep::Forever, tag, content })
    }
}

/// What stands over the playlists.
fn over(laid: &Laid, name: Name, folder: &str, grant: &Grant) -> Text {
    let member = Member { low: name == Name::LowIndex, ..Member::new(&laid.timeline, folder) };
    let mut playlist = Package::one(member).multivariant(None);
    playlist.each_uri(|uri| grant.url(uri));
    Text::new(playlist.to_text())
}

fn playlist(name: Name, text: Text) -> Reply {
    Reply { content_type: content_type(name), keep: Keep::Second, tag: text.tag, content: Content::Made(text.bytes) }
}

fn recorded(answer: &Answer) -> Recorded {
    Recorded { id: answer.id, span: answer.span, ended: answer.ended.is_some() }
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
    let reply = live.index(path_of(&domain, &app, stream)?, Name::Index, &viewer.grant).await?;
    Ok(reply.answer(&viewer, &live.reels.store))
}

/// `GET /l/{domain}/{app}/{stream}/low.m3u8`.
pub(crate) async fn serve_low_index(
    State(live): State<Arc<Live>>,
    Path((domain, app, stream)): Path<(String, String, String)>,
    viewer: Viewer,
) -> Result<Response> {
    let reply = live.index(path_of(&domain, &app, &stream)?, Name::LowIndex, &viewer.grant).await?;
    Ok(reply.answer(&viewer, &live.reels.store))
}

/// `GET /l/{domain}/{app}/{stream}/{recording}/{name}`.
pub(crate) async fn serve(
    State(live): State<Arc<Live>>,
    Path((domain, app, stream, recording, name)): Path<(String, String, String, String, String)>,
    Extension(reload): Extension<std::result::Result<Reload, Refusal>>,
    viewer: Viewer,
) -> Result<Response> {
    let recording = recording.parse().map_err(|_| OriginError::NotFound { what: "this recording" })?;
    let name = name.parse().map_err(|_| OriginError::NotFound { what: "this name" })?;
    let reply = live.reply(&path_of(&domain, &app, &stream)?, recording, name, reload?, &viewer.grant).await?;
    Ok(reply.answer(&viewer, &live.reels.store))
}
