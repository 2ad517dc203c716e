//! Index files: read on from where they ended, kept by weight; sample pages, read when they are wanted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use blobs::BlobError;
use bytes::Bytes;
use moka::future::Cache;
use reel::{IndexError, PageRef, ReelIndex, SamplePage, samples_index_key, segments_index_key};
use tokio::sync::mpsc;
use units::ReelId;
use view::{Flv, FlvBuilder, Mp3, Mp3Builder, Mp4, Mp4Builder, Piece, StoredFile, Timeline};

use crate::error::{OriginError, Result};
use crate::laid::Laid;
use crate::store::Store;

/// An index that was looked at this long ago is not looked at again: segments last seconds, viewers are many.
const FRESH: Duration = Duration::from_millis(200);
/// An index that nobody asked for this long is forgotten.
const IDLE: Duration = Duration::from_secs(600);
/// Decoded pages that are kept: both tracks of a segment are usually asked for within a second.
const PAGES_BYTES: u64 = 16 << 20;
/// Pages read at once while a file is made: some 1 KiB each.
const PAGES_AT_ONCE: usize = 1_024;
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
    pub(crate) store: Store,
    tails: Cache<ReelId, Arc<Mutex<Tail>>>,
    pages: Cache<(ReelId, u64), Arc<SamplePage>>,
}

impl Reels {
    pub(crate) fn new(store: Store, index_cache_bytes: u64) -> Self {
        let weigh = |_: &ReelId, tail: &Arc<Mutex<Tail>>| {
            let rows = tail.lock().unwrap_or_else(PoisonError::into_inner).index.segments.len();
            u32::try_from(rows.saturating_mul(ROW_BYTES).saturating_add(1_000)).unwrap_or(u32::MAX)
        };
        let weigh_page = |_: &(ReelId, u64), page: &Arc<SamplePage>| {
            let samples: usize = page.fragments.iter().map(|fragment| 64 + fragment.samples.len() * 16).sum();
            u32::try_from(samples).unwrap_or(u32::MAX)
        };
        Self {
            store,
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
        let size = match self.store.blobs.size(&key).await {
            Ok(size) => size,
            Err(BlobError::NotFound { .. }) => 0,
            Err(error) => return Err(error.into()),
        };
        // A file shorter than what was read was cut after a crash: what was read no longer holds.
        let from = if size < from { 0 } else { from };
        let bytes = match size > from {
            true => self.store.blobs.get_range(&key, from..size).await?,
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
        let bytes = self.store.blobs.get_range(&samples_index_key(reel), range(at)).await?;
        let page = Arc::new(decode(reel, &bytes, at)?);
        self.pages.insert((reel, at.at), Arc::clone(&page)).await;
        Ok(page)
    }

    /// Makes a file of a cut from all its pages; they are read here and decoded on a blocking thread, some hundred at a time. A
    /// dropped future ends both.
    pub(crate) async fn file<T: CutFile>(&self, laid: &Arc<Laid>) -> Result<T> {
        let (send, mut receive) = mpsc::channel::<Vec<(StoredFile, Bytes)>>(PAGES_READ_AHEAD);
        let laid_out = Arc::clone(laid);
        let building = tokio::task::spawn_blocking(move || T::build(&laid_out.timeline, || receive.blocking_recv()));
        let files: Vec<StoredFile> = laid.timeline.files().collect();
        for some in files.chunks(PAGES_AT_ONCE) {
            if send.send(self.pages(some).await?).await.is_err() {
                // It gave up, and says why below.
                break;
            }
        }
        drop(send);
        building.await.map_err(|error| OriginError::Internal(error.to_string()))?
    }

    /// The pages of these files, in their order; those of one reel are read together.
    async fn pages(&self, files: &[StoredFile]) -> Result<Vec<(StoredFile, Bytes)>> {
        let mut of_reel: BTreeMap<ReelId, (Vec<usize>, Vec<Range<u64>>)> = BTreeMap::new();
        for (place, file) in files.iter().enumerate() {
            let (places, ranges) = of_reel.entry(file.reel).or_default();
            places.push(place);
            ranges.push(range(file.page));
        }
        let mut pages: Vec<(StoredFile, Bytes)> = files.iter().map(|file| (*file, Bytes::new())).collect();
        for (reel, (places, ranges)) in of_reel {
            let read = self.store.blobs.get_ranges(&samples_index_key(reel), &ranges).await?;
            for (place, bytes) in places.into_iter().zip(read) {
                if let Some((_, page)) = pages.get_mut(place) {
                    *page = bytes;
                }
            }
        }
        Ok(pages)
    }

    /// The bytes of a part of an FLV that lie in `range` of it.
    pub(crate) async fn flv_part(
        &self,
        flv: &Flv,
        laid: &Laid,
        position: usize,
        range: &Range<u64>,
    ) -> Result<Vec<Piece>> {
        let files = laid.timeline.page_of(position).ok_or(OriginError::NotFound { what: "the part" })?;
        let [pictures, sound] = files.map(|file| self.page(file.reel, file.page));
        let pages = (pictures.await?, sound.await?);
        Ok(flv.part(&laid.timeline, position, [&pages.0, &pages.1], range)?)
    }
}

/// A file that is made of the pages of a cut.
pub(crate) trait CutFile: Sized + Send + 'static {
    /// Makes it; `next` gives the pages of the cut's files, some at a time.
    fn build(timeline: &Timeline, next: impl FnMut() -> Option<Vec<(StoredFile, Bytes)>>) -> Result<Self>;
}

/// Takes all pages, in order.
fn push_all(
    mut next: impl FnMut() -> Option<Vec<(StoredFile, Bytes)>>,
    mut push: impl FnMut(usize, &SamplePage) -> view::Result<()>,
) -> Result<()> {
    let mut position = 0;
    while let Some(pages) = next() {
        for (file, bytes) in pages {
            push(position, &decode(file.reel, &bytes, file.page)?)?;
            position += 1;
        }
    }
    Ok(())
}

impl CutFile for Mp4 {
    fn build(timeline: &Timeline, next: impl FnMut() -> Option<Vec<(StoredFile, Bytes)>>) -> Result<Self> {
        let mut builder = Mp4Builder::new(timeline);
        push_all(next, |position, page| builder.push(position, page))?;
        Ok(builder.finish()?)
    }
}

impl CutFile for Flv {
    fn build(timeline: &Timeline, next: impl FnMut() -> Option<Vec<(StoredFile, Bytes)>>) -> Result<Self> {
        let mut builder = FlvBuilder::new(timeline)?;
        push_all(next, |position, page| builder.push(position, page))?;
        Ok(builder.finish()?)
    }
}

impl CutFile for Mp3 {
    fn build(timeline: &Timeline, next: impl FnMut() -> Option<Vec<(StoredFile, Bytes)>>) -> Result<Self> {
        let mut builder = Mp3Builder::new(timeline)?;
        push_all(next, |position, page| builder.push(position, page))?;
        Ok(builder.finish()?)
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
