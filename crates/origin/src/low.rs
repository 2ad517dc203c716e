//! The live edge of recordings, for those who watch with low latency.
//!
//! Fragments are appended to the open segment before it is in the index, by this process or another one. So its file is looked at,
//! while somebody wants to know what is new: whoever wants it looks, one at a time for each recording and at most once in
//! [`LOOK_EVERY`], and tells the others. Nothing runs while nobody watches.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use blobs::{BlobError, Blobs};
use codec::TrackKind;
use door::Grant;
use moka::future::Cache;
use reel::{HEAD_BYTES_MAX, ReelIndex, SamplePage, ScanEnd, Scanned, Span, segment_key};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use units::{RecordingId, ReelId};
use view::{Growth, Low, OpenSegment, Piece, Reach, SpanView, Timeline, Wanted};

use crate::error::{OriginError, Result};
use crate::laid::Text;
use crate::reels::{ROW_BYTES, Reels};

/// A recording that somebody waits for is looked at this often: a twentieth of what a part takes to come.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// The longest that a request waits: shorter than edges and proxies are patient with a silent origin.
const WAIT_MAX: Duration = Duration::from_secs(8);
/// Requests that wait at once; each takes some 10 KB with its connection.
const WAITING_MAX: usize = 10_000;
/// A recording that nobody asked for this long is forgotten.
const IDLE: Duration = Duration::from_secs(60);

/// A recording as it was seen at one moment, and what was written of that.
pub(crate) struct Seen {
    pub(crate) low: Low,
    /// The fragments of the open segment.
    open: Option<Arc<SamplePage>>,
    /// By track and whether its reader has most of it.
    texts: [OnceLock<Text>; 4],
}

/// What is known of the segment that is being written.
#[derive(Default)]
struct OpenFile {
    number: u32,
    found: Scanned,
}

/// What was laid out last, and with which open segment.
struct LaidOut {
    sealed: usize,
    open: Option<OpenSegment>,
    timeline: Arc<Timeline>,
}

/// What the next look goes on from.
#[derive(Default)]
struct Looked {
    file: OpenFile,
    laid: Option<LaidOut>,
}

/// A recording that is watched.
struct Watched {
    /// Who looks. Whoever gives up in the middle leaves it to the next.
    turn: Semaphore,
    at: Mutex<Option<Instant>>,
    looked: Mutex<Looked>,
    seen: watch::Sender<Option<Arc<Seen>>>,
}

/// All recordings that are watched.
pub(crate) struct LiveEdge {
    reels: Arc<Reels>,
    watched: Cache<RecordingId, Arc<Watched>>,
    waiting: Semaphore,
}

/// Which recording is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Recorded {
    pub(crate) id: RecordingId,
    pub(crate) span: Span,
    /// Nothing more comes; asked before anything is looked at.
    pub(crate) ended: bool,
}

impl Seen {
    /// The playlist of a track. That of all who may have the same URLs is written once.
    pub(crate) fn playlist(&self, track: TrackKind, skip: bool, grant: &Grant) -> Result<Text> {
        if grant.is_signed() {
            let mut playlist = self.low.playlist(track, skip)?;
            playlist.each_uri(|uri| grant.url(uri));
            return Ok(Text::new(playlist.to_text()));
        }
        let written = match (track, skip) {
            (TrackKind::Video, false) => &self.texts[0],
            (TrackKind::Video, true) => &self.texts[1],
            (TrackKind::Audio, false) => &self.texts[2],
            (TrackKind::Audio, true) => &self.texts[3],
        };
        if let Some(text) = written.get() {
            return Ok(text.clone());
        }
        let text = Text::new(self.low.playlist(track, skip)?.to_text());
        Ok(written.get_or_init(|| text).clone())
    }

    /// How much of it there is: what has more is newer.
    fn extent(&self) -> (usize, usize, bool) {
        let open = self.open.as_ref().map_or(0, |page| page.fragments.len());
        (self.low.timeline().sealed(), open, self.low.ended())
    }
}

impl LiveEdge {
    pub(crate) fn new(reels: Arc<Reels>, cache_bytes: u64) -> Self {
        let weigh = |_: &RecordingId, watched: &Arc<Watched>| {
            let parts = watched.seen.borrow().as_ref().map_or(0, |seen| seen.low.timeline().parts().len());
            u32::try_from(parts.saturating_mul(ROW_BYTES).saturating_add(10_000)).unwrap_or(u32::MAX)
        };
        Self {
            reels,
            watched: Cache::builder().max_capacity(cache_bytes).weigher(weigh).time_to_idle(IDLE).build(),
            waiting: Semaphore::new(WAITING_MAX),
        }
    }

    async fn watched(&self, id: RecordingId) -> Arc<Watched> {
        self.watched.get_with(id, async { Arc::new(Watched::new()) }).await
    }

    /// A recording as it is now, or was [`LOOK_EVERY`] ago.
    pub(crate) async fn now(&self, recorded: Recorded) -> Result<Arc<Seen>> {
        let watched = self.watched(recorded.id).await;
        if let Some(seen) = watched.fresh(recorded.ended) {
            return Ok(seen);
        }
        let _turn = watched.turn().await?;
        match watched.fresh(recorded.ended) {
            Some(seen) => Ok(seen),
            None => self.look(&watched, recorded).await,
        }
    }

    /// A recording once `is_there`, or as it is after [`WAIT_MAX`]; `true`: it was there. `known` says, once in a while, what the
    /// recording is by now.
    pub(crate) async fn wait<F>(
        &self,
        mut recorded: Recorded,
        is_there: impl Fn(&Low) -> bool,
        known: impl Fn() -> F,
    ) -> Result<(Arc<Seen>, bool)>
    where
        F: Future<Output = Result<Recorded>>,
    {
        let _place = self.waiting.try_acquire().map_err(|_| OriginError::Crowded)?;
        metrics::gauge!("origin_waiting_requests").increment(1);
        let _left = Left;
        let watched = self.watched(recorded.id).await;
        let mut news = watched.seen.subscribe();
        let until = Instant::now() + WAIT_MAX;
        loop {
            let seen = news.borrow_and_update().clone();
            if let Some(seen) = seen.filter(|seen| is_there(&seen.low)) {
                return Ok((seen, true));
            }
            tokio::select! {
                // It never ends: its sender is held here.
                _ = news.changed() => continue,
                () = sleep_until(until) => break,
                turn = watched.turn() => {
                    let turn = turn?;
                    recorded = known().await?;
                    if watched.fresh(recorded.ended).is_none() {
                        self.look(&watched, recorded).await?;
                    }
                    let next = watched.looked_at() + LOOK_EVERY;
                    // Who looked goes last among those who wait for the turn, and the disk rests between two looks.
                    tokio::select! {
                        _ = news.changed() => {}
                        () = sleep_until(next.min(until)) => {}
                    }
                    drop(turn);
                }
            }
        }
        Ok((self.now(recorded).await?, false))
    }

    /// Looks at the index and the open segment. Who calls it has the turn.
    async fn look(&self, watched: &Arc<Watched>, recorded: Recorded) -> Result<Arc<Seen>> {
        let mut looked = std::mem::take(&mut *lock(&watched.looked));
        let reel = recorded.span.reel;
        let index = self.reels.index(reel, true).await?;
        let mut open = None;
        if !recorded.ended {
            let number = u32::try_from(index.segments.len()).unwrap_or(u32::MAX);
            if looked.file.number != number {
                looked.file = OpenFile { number, ..OpenFile::default() };
            }
            looked.file.read_on(&self.reels.store.blobs, reel).await?;
            open = looked.file.as_open();
        }
        let (timeline, is_new) = looked.lay_out(recorded.span, &index, open)?;
        let last = watched.seen.borrow().clone();
        let has_open = timeline.sealed() < timeline.parts().len();
        let extent =
            (timeline.sealed(), if has_open { looked.file.found.page.fragments.len() } else { 0 }, recorded.ended);
        let seen = match last.filter(|last| last.extent() == extent && !is_new) {
            Some(last) => last,
            None => {
                let open = has_open.then(|| Arc::new(looked.file.found.page.clone()));
                let pages = self.pages(&timeline, open.as_ref()).await?;
                let low = Low::new(timeline, &pages, recorded.ended)?;
                let seen = Arc::new(Seen { low, open, texts: Default::default() });
                watched.seen.send_replace(Some(Arc::clone(&seen)));
                if is_new {
                    // Weighed again.
                    self.watched.insert(recorded.id, Arc::clone(watched)).await;
                }
                seen
            }
        };
        *lock(&watched.looked) = looked;
        *lock(&watched.at) = Some(Instant::now());
        Ok(seen)
    }

    /// The pages of the segments whose fragments are told.
    async fn pages(&self, timeline: &Timeline, open: Option<&Arc<SamplePage>>) -> Result<Vec<Arc<SamplePage>>> {
        let mut pages = Vec::new();
        for position in timeline.told() {
            let Some(part) = timeline.parts().get(position) else { break };
            pages.push(match open {
                Some(open) if timeline.is_open(position) => Arc::clone(open),
                _ => self.reels.page(part.reel, part.row.page).await?,
            });
        }
        Ok(pages)
    }

    /// One fragment of a segment, which may be the open one.
    pub(crate) async fn fragment(
        &self,
        seen: &Seen,
        track: TrackKind,
        position: usize,
        number: usize,
    ) -> Result<Vec<Piece>> {
        let timeline = seen.low.timeline();
        let page = match &seen.open {
            Some(open) if timeline.is_open(position) => Arc::clone(open),
            _ => {
                let part = timeline.parts().get(position).ok_or(OriginError::NotFound { what: "the segment" })?;
                let file = part.file(track);
                self.reels.page(file.reel, file.page).await?
            }
        };
        Ok(timeline.fragment(track, position, number, &page)?)
    }
}

/// Whether a fragment can be given, or will never be; see [`Low::reach`].
pub(crate) fn reach_of_fragment(low: &Low, track: TrackKind, position: usize, number: usize) -> Reach {
    if position < low.timeline().sealed() {
        return Reach::Here;
    }
    low.reach(track, Wanted { segment: position, part: Some(number) })
}

/// Counts who waits, also those who give up.
struct Left;

impl Drop for Left {
    fn drop(&mut self) {
        metrics::gauge!("origin_waiting_requests").decrement(1);
    }
}

impl Watched {
    fn new() -> Self {
        Self { turn: Semaphore::new(1), at: Mutex::default(), looked: Mutex::default(), seen: watch::Sender::new(None) }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        self.turn.acquire().await.map_err(|error| OriginError::Internal(error.to_string()))
    }

    fn looked_at(&self) -> Instant {
        lock(&self.at).unwrap_or_else(Instant::now)
    }

    /// What was seen, if that was a moment ago; or if nothing can be new.
    fn fresh(&self, ended: bool) -> Option<Arc<Seen>> {
        let recent = lock(&self.at).is_some_and(|at| at.elapsed() < LOOK_EVERY);
        let seen = self.seen.borrow().clone();
        seen.filter(|seen| seen.low.ended() || recent && !ended)
    }
}

impl OpenFile {
    /// Reads what was appended: heads alone, whatever lies between them.
    async fn read_on(&mut self, blobs: &Blobs, reel: ReelId) -> Result<()> {
        let key = segment_key(reel, self.number);
        let size = match blobs.size(&key).await {
            Ok(size) => size,
            // It is not begun, or was removed.
            Err(BlobError::NotFound { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        if size < self.found.whole_bytes {
            // What the disk lost was cut off.
            self.found = Scanned::default();
        }
        while self.found.whole_bytes < size && !matches!(self.found.end, ScanEnd::Damaged { .. }) {
            let from = self.found.whole_bytes;
            let some = blobs.get_range(&key, from..size.min(from.saturating_add(HEAD_BYTES_MAX))).await?;
            self.found.read_on(&some, size);
            if self.found.whole_bytes == from {
                // A fragment that is being written right now: the next look finds the rest.
                break;
            }
        }
        Ok(())
    }

    fn as_open(&self) -> Option<OpenSegment> {
        let (first, last) = (self.found.heads.first()?, self.found.heads.last()?);
        OpenSegment::new(first, last, &self.found.page)
    }
}

impl Looked {
    /// The recording laid out; what was laid out before, if that still holds. `true`: it is new.
    fn lay_out(&mut self, span: Span, index: &ReelIndex, open: Option<OpenSegment>) -> Result<(Arc<Timeline>, bool)> {
        let sealed = index.segments.len();
        let same = |laid: &&LaidOut| {
            laid.sealed == sealed
                && match (&laid.open, &open) {
                    (None, None) => true,
                    (Some(before), Some(open)) => before.is_laid_as(open),
                    _ => false,
                }
        };
        if let Some(laid) = self.laid.as_ref().filter(same) {
            return Ok((Arc::clone(&laid.timeline), false));
        }
        let view = SpanView::new(span, index);
        let timeline = Arc::new(match &open {
            Some(open) => Timeline::with_open(&view, open)?,
            None => Timeline::new(&[view], Growth::Growing)?,
        });
        self.laid = Some(LaidOut { sealed, open, timeline: Arc::clone(&timeline) });
        Ok((timeline, true))
    }
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
