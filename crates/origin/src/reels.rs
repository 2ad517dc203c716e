//! Index files: read on from where they ended, kept by weight; sample pages, read when they are wanted.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use blobs::{BlobError, Blobs};
use bytes::Bytes;
use moka::future::Cache;
use reel::{IndexError, PageRef, ReelIndex, SamplePage, samples_index_key, segments_index_key};
use tokio::sync::mpsc;
use units::ReelId;
use view::{Mp4, Mp4Builder, Timeline};

use crate::error::{OriginError, Result};
use crate::laid::Laid;

/// An index that was looked at this long ago is not looked at again: segments last seconds, viewers are many.
const FRESH: Duration = Duration::from_millis(200);
/// An index that nobody asked for this long is forgotten.
const IDLE: Duration = Duration::from_secs(600);
/// Decoded pages that are kept: both tracks of a segment are usually asked for within a second.
const PAGES_BYTES: u64 = 16 << 20;
/// Bytes of `samples.idx` read at once while an MP4 is made.
const PAGES_READ_BYTES: u64 = 4 << 20;
/// Reads of pages that wait to be decoded.
const PAGES_READ_AHEAD: usize = 2;
/// Rough bytes that a segment takes in memory, as a row or laid out with its lines of playlists.
pub(crate) const ROW_BYTES: usize = 450;

/// How far an index file is read.
struct Tail {
    index: Arc<ReelIndex>,
    read: u64,
    looked: Option<Instant>,
}

/// The reels as they lie in the store.
pub(crate) struct Reels {
    pub(crate) blobs: Blobs,
    tails: Cache<ReelId, Arc<Mutex<Tail>>>,
    pages: Cache<(ReelId, u64), Arc<SamplePage>>,
}

impl Reels {
    pub(crate) fn new(blobs: Blobs, index_cache_bytes: u64) -> Self {
        let weigh = |_: &ReelId, tail: &Arc<Mutex<Tail>>| {
            let rows = tail.lock().unwrap_or_else(PoisonError::into_inner).index.segments.len();
            u32::try_from(rows.saturating_mul(ROW_BYTES).saturating_add(1_000)).unwrap_or(u32::MAX)
        };
        let weigh_page = |_: &(ReelId, u64), page: &Arc<SamplePage>| {
            let samples: usize = page.fragments.iter().map(|fragment| 64 + fragment.samples.len() * 16).sum();
            u32::try_from(samples).unwrap_or(u32::MAX)
        };
        Self {
            blobs,
            tails: Cache::builder().max_capacity(index_cache_bytes).weigher(weigh).time_to_idle(IDLE).build(),
            pages: Cache::builder().max_capacity(PAGES_BYTES).weigher(weigh_page).time_to_idle(IDLE).build(),
        }
    }

    /// The index as far as it is written. `now`: also if it was looked at a moment ago.
    ///
    /// A reel without an index file has an empty index: its first segment is not sealed yet.
    pub(crate) async fn index(&self, reel: ReelId, now: bool) -> Result<Arc<ReelIndex>> {
        let empty =
            || async { Arc::new(Mutex::new(Tail { index: Arc::new(ReelIndex::default()), read: 0, looked: None })) };
        let tail = self.tails.get_with(reel, empty()).await;
        let from = {
            let tail = lock(&tail);
            if !now && tail.looked.is_some_and(|at| at.elapsed() < FRESH) {
                return Ok(Arc::clone(&tail.index));
            }
            tail.read
        };
        let key = segments_index_key(reel);
        let size = match self.blobs.size(&key).await {
            Ok(size) => size,
            Err(BlobError::NotFound { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        // A file shorter than what was read was cut after a crash: what was read no longer holds.
        let from = if size < from { 0 } else { from };
        let bytes = match size > from {
            true => self.blobs.get_range(&key, from..size).await?,
            false => Bytes::new(),
        };
        let grown = {
            let mut tail = lock(&tail);
            let before = tail.index.segments.len();
            read_on(&mut tail, reel, from, &bytes)?;
            tail.looked = Some(Instant::now());
            (tail.index.segments.len() != before).then(|| Arc::clone(&tail.index))
        };
        match grown {
            Some(index) => {
                // Weighed again.
                self.tails.insert(reel, tail).await;
                Ok(index)
            }
            None => Ok(Arc::clone(&lock(&tail).index)),
        }
    }

    /// The page of a segment.
    pub(crate) async fn page(&self, reel: ReelId, at: PageRef) -> Result<Arc<SamplePage>> {
        if let Some(page) = self.pages.get(&(reel, at.at)).await {
            return Ok(page);
        }
        let bytes = self.blobs.get_range(&samples_index_key(reel), range(at)).await?;
        let page = Arc::new(decode(reel, &bytes, at)?);
        self.pages.insert((reel, at.at), Arc::clone(&page)).await;
        Ok(page)
    }

    /// Makes the MP4 of a cut from all its pages; they are read here and decoded on a blocking thread, a few MiB at a
    /// time. A dropped future ends both.
    pub(crate) async fn mp4(&self, laid: &Arc<Laid>) -> Result<Mp4> {
        let (send, mut receive) = mpsc::channel::<(Range<usize>, Bytes)>(PAGES_READ_AHEAD);
        let laid_out = Arc::clone(laid);
        let building = tokio::task::spawn_blocking(move || -> Result<Mp4> {
            let mut builder = Mp4Builder::new(&laid_out.timeline);
            while let Some((positions, bytes)) = receive.blocking_recv() {
                push_pages(&mut builder, &laid_out.timeline, positions, &bytes)?;
            }
            Ok(builder.finish()?)
        });
        let mut next = 0;
        while let Some((reel, positions, bytes)) = run_of_pages(&laid.timeline, next) {
            let bytes = self.blobs.get_range(&samples_index_key(reel), bytes).await?;
            next = positions.end;
            if send.send((positions, bytes)).await.is_err() {
                // It gave up, and says why below.
                break;
            }
        }
        drop(send);
        building.await.map_err(|error| OriginError::Internal(error.to_string()))?
    }
}

/// Takes what was read from byte `from` on, unless another request took it meanwhile.
fn read_on(tail: &mut Tail, reel: ReelId, from: u64, bytes: &[u8]) -> Result<()> {
    if from != tail.read {
        if from != 0 {
            return Ok(());
        }
        *tail = Tail { index: Arc::new(ReelIndex::default()), read: 0, looked: None };
    }
    if bytes.is_empty() {
        return Ok(());
    }
    let (whole, why) = Arc::make_mut(&mut tail.index).extend(bytes);
    tail.read = tail.read.saturating_add(whole);
    match why {
        // A record that is being written right now: the next look finds the rest.
        None | Some(IndexError::Torn { .. }) => Ok(()),
        Some(IndexError::Damaged { .. }) => {
            let what = format!("record at byte {}", tail.read);
            Err(OriginError::Damaged { reel, what })
        }
    }
}

fn lock(tail: &Mutex<Tail>) -> std::sync::MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

fn range(at: PageRef) -> Range<u64> {
    at.at..at.at.saturating_add(u64::from(at.len))
}

fn decode(reel: ReelId, bytes: &[u8], at: PageRef) -> Result<SamplePage> {
    SamplePage::decode(bytes, at.crc).map_err(|error| OriginError::Damaged { reel, what: error.to_string() })
}

/// From position `first` of the cut on: the pages that lie in one stretch of one `samples.idx`, not too many.
fn run_of_pages(timeline: &Timeline, first: usize) -> Option<(ReelId, Range<usize>, Range<u64>)> {
    let (reel, page) = timeline.page(first)?;
    let (mut end, mut bytes) = (first + 1, range(page));
    while let Some((next_reel, page)) = timeline.page(end)
        && next_reel == reel
        && page.at == bytes.end
        && bytes.end - bytes.start < PAGES_READ_BYTES
    {
        bytes.end = range(page).end;
        end += 1;
    }
    Some((reel, first..end, bytes))
}

fn push_pages(builder: &mut Mp4Builder<'_>, timeline: &Timeline, positions: Range<usize>, bytes: &[u8]) -> Result<()> {
    let mut rest = bytes;
    for position in positions {
        let Some((reel, at)) = timeline.page(position) else { return Ok(()) };
        let len = usize::try_from(at.len).unwrap_or(usize::MAX);
        let (page, after) = rest.split_at_checked(len).ok_or_else(|| OriginError::Damaged {
            reel,
            what: format!("the sample page at byte {} is cut off", at.at),
        })?;
        builder.push(position, &decode(reel, page, at)?)?;
        rest = after;
    }
    Ok(())
}
