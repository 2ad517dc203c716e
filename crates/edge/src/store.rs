//! The engine of the cache: memory before disk, entries found by name.
//!
//! It is foyer's (decision 0036). Everything is written to disk when it comes, so that a restart finds it, also after a crash; the
//! engine drops writes when the disk does not follow, which costs the origin a request later on.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use foyer::{
    BlockEngineConfig, Code, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder, HybridCachePolicy,
    HybridCacheProperties, Location, PsyncIoEngineConfig,
};

use crate::error::{EdgeError, FetchError};
use crate::head::Head;
use crate::{SLICE_BYTES, Settings};

/// The folder in that of the edge.
const FOLDER: &str = "cache";
/// The disk is divided in blocks of at least so many bytes; what lies in one is evicted together.
const BLOCK_BYTES_MIN: u64 = 16 << 20;
/// Each block is an open file.
const BLOCKS_MAX: u64 = 2_048;
/// Tasks that write.
const FLUSHERS: usize = 2;
/// Bytes that are gathered before they are written. An entry that does not fit into what is left is dropped without a word (foyer's
/// issue 1334), so there is room for some.
const BUFFER_BYTES: usize = 32 << 20;
/// Bytes that wait to be gathered; what would be more is not written.
const QUEUE_BYTES: usize = 64 << 20;
/// What an entry takes in memory besides its bytes, about.
const ENTRY_BYTES: usize = 256;
/// Longest head on disk, in bytes: more is a mistake.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Longest body on disk, in bytes: a text, or a slice. Longer texts stay in memory.
const BODY_BYTES_MAX: usize = 8 << 20;

/// An object's head with its text, or one slice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) head: Option<Head>,
    pub(crate) body: Bytes,
}

impl Entry {
    fn head_json(&self) -> Vec<u8> {
        // Texts and numbers are always JSON.
        self.head.as_ref().and_then(|head| serde_json::to_vec(head).ok()).unwrap_or_default()
    }
}

/// Lengths of head and body (each 32 bits, big-endian), the head as JSON, the body.
impl Code for Entry {
    fn encode(&self, writer: &mut impl Write) -> foyer::Result<()> {
        let head = self.head_json();
        let lengths = [head.len(), self.body.len()];
        if head.len() > HEAD_BYTES_MAX || self.body.len() > BODY_BYTES_MAX {
            return Err(broken("it is too long"));
        }
        for length in lengths {
            let length = u32::try_from(length).map_err(|_| broken("it is too long"))?;
            writer.write_all(&length.to_be_bytes()).map_err(foyer::Error::io_error)?;
        }
        writer.write_all(&head).and_then(|()| writer.write_all(&self.body)).map_err(foyer::Error::io_error)
    }

    fn decode(reader: &mut impl Read) -> foyer::Result<Self> {
        let mut length = |most: usize| {
            let mut bytes = [0; 4];
            reader.read_exact(&mut bytes).map_err(foyer::Error::io_error)?;
            let length = usize::try_from(u32::from_be_bytes(bytes)).unwrap_or(usize::MAX);
            if length > most { Err(broken("it is too long")) } else { Ok(length) }
        };
        let (head_length, body_length) = (length(HEAD_BYTES_MAX)?, length(BODY_BYTES_MAX)?);
        let mut head = vec![0; head_length];
        reader.read_exact(&mut head).map_err(foyer::Error::io_error)?;
        let mut body = vec![0; body_length];
        reader.read_exact(&mut body).map_err(foyer::Error::io_error)?;
        let head = match head.as_slice() {
            [] => None,
            json => Some(serde_json::from_slice(json).map_err(|_| broken("its head is no head"))?),
        };
        Ok(Self { head, body: body.into() })
    }

    fn estimated_size(&self) -> usize {
        8usize.saturating_add(self.head_json().len()).saturating_add(self.body.len())
    }
}

fn broken(what: &'static str) -> foyer::Error {
    foyer::Error::io_error(std::io::Error::new(std::io::ErrorKind::InvalidData, what))
}

/// The cache by names.
#[derive(Clone)]
pub(crate) struct Store {
    cache: HybridCache<String, Entry>,
}

impl Store {
    /// Opens what is in the edge's folder.
    pub(crate) async fn open(settings: &Settings) -> Result<Self, EdgeError> {
        let failed = |error: foyer::Error| EdgeError::Cache(error.to_string());
        let memory = usize::try_from(settings.memory_bytes).unwrap_or(usize::MAX);
        let builder = HybridCacheBuilder::new()
            .with_name("edge")
            .with_policy(HybridCachePolicy::WriteOnInsertion)
            .memory(memory)
            .with_weighter(|key: &String, entry: &Entry| {
                ENTRY_BYTES.saturating_add(key.len()).saturating_add(entry.body.len())
            })
            .storage();
        let builder = if settings.disk_bytes == 0 {
            builder
        } else {
            let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
            let block = (settings.disk_bytes / BLOCKS_MAX).next_multiple_of(1 << 20).max(BLOCK_BYTES_MIN);
            let device = FsDeviceBuilder::new(settings.folder.join(FOLDER)).with_capacity(size(settings.disk_bytes));
            let engine = BlockEngineConfig::new(device.build().map_err(failed)?)
                .with_block_size(size(block))
                .with_flushers(FLUSHERS)
                .with_buffer_pool_size(BUFFER_BYTES)
                .with_submit_queue_size_threshold(QUEUE_BYTES);
            // Its engine over io_uring keeps a core busy when nothing is to be done (foyer's issue 1311).
            builder.with_io_engine_config(PsyncIoEngineConfig::new()).with_engine_config(engine)
        };
        Ok(Self { cache: builder.build().await.map_err(failed)? })
    }

    /// The head of an object and its text, when they are here.
    pub(crate) async fn object(&self, path: &str) -> Option<(Head, Bytes)> {
        let found = self.cache.get(head_key(path).as_str()).await;
        // What cannot be read is not there: it is asked for again.
        let found = found.inspect_err(|error| tracing::warn!(%error, path, "the cache cannot be read")).ok()??;
        let Entry { head, body } = found.value().clone();
        Some((head?, body))
    }

    /// Keeps the head of an object, and its text.
    pub(crate) fn keep_object(&self, path: &str, head: Head, text: Bytes) {
        self.cache.insert(head_key(path), Entry { head: Some(head), body: text });
    }

    /// Forgets an object. Its slices are not found without it, and go when room is needed.
    pub(crate) fn forget_object(&self, path: &str) {
        self.cache.remove(head_key(path).as_str());
    }

    /// Keeps a slice.
    pub(crate) fn keep_slice(&self, path: &str, head: &Head, number: u64, bytes: Bytes) {
        self.cache.insert(slice_key(path, head, number), Entry { head: None, body: bytes });
    }

    /// A slice: the one that is here, or what `fetch` gets, once for all who ask meanwhile; and whether it was got by this call.
    /// That goes on when those who asked are gone.
    pub(crate) async fn slice<F>(
        &self,
        path: &str,
        head: &Head,
        number: u64,
        fetch: F,
    ) -> Result<(Bytes, bool), FetchError>
    where
        F: Future<Output = Result<Bytes, FetchError>> + Send + 'static,
    {
        let key = slice_key(path, head, number);
        if let Some(entry) = self.cache.memory().get(key.as_str()) {
            return Ok((entry.value().body.clone(), false));
        }
        let here = self.clone();
        let got = tokio::spawn(async move { here.read_or_fetch(key, fetch).await }).await;
        got.map_err(|error| FetchError::Cache(error.to_string()))?
    }

    /// The engine's own way to fetch would write what it has for each who asks, whenever it is asked for. So it is told that the
    /// disk is not for this, and what was fetched is given to it once more by the one call that fetched it.
    async fn read_or_fetch<F>(&self, key: String, fetch: F) -> Result<(Bytes, bool), FetchError>
    where
        F: Future<Output = Result<Bytes, FetchError>> + Send + 'static,
    {
        let asked = Arc::new(AtomicBool::new(false));
        let asking = Arc::clone(&asked);
        let fetch = || async move {
            asking.store(true, Ordering::Relaxed);
            let in_memory = HybridCacheProperties::default().with_location(Location::InMem);
            fetch.await.map(|body| (Entry { head: None, body }, in_memory))
        };
        let entry = self.cache.get_or_fetch(key.as_str(), fetch).await;
        let body = match entry {
            Ok(entry) => entry.value().body.clone(),
            Err(error) => {
                return Err(match error.downcast_ref::<FetchError>() {
                    Some(error) => error.clone(),
                    None => FetchError::Cache(error.to_string()),
                });
            }
        };
        let asked = asked.load(Ordering::Relaxed);
        if asked {
            self.cache.insert(key, Entry { head: None, body: body.clone() });
        }
        Ok((body, asked))
    }

    /// Writes down what is on its way.
    pub(crate) async fn close(&self) {
        if let Err(error) = self.cache.close().await {
            tracing::warn!(%error, "the cache cannot be closed: some of it is asked for again");
        }
    }
}

/// No path has a control character in it.
fn head_key(path: &str) -> String {
    format!("{path}\0")
}

fn slice_key(path: &str, head: &Head, number: u64) -> String {
    format!("{path}\0{}\0{}\0{number}\0{SLICE_BYTES}", head.etag, head.generation)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use door::Secret;

    use super::*;

    fn head() -> Head {
        Head {
            content_type: "video/mp4".to_owned(),
            etag: "\"1\"".to_owned(),
            size: 5,
            keep_s: 60,
            form: Some("playlist".to_owned()),
            generation: 1,
            seq: 2,
            asked_ms: 3,
        }
    }

    #[test]
    fn an_entry_is_read_as_it_was_written_and_a_torn_one_is_none() {
        for entry in [
            Entry { head: Some(head()), body: Bytes::from_static(b"text") },
            Entry { head: None, body: Bytes::from_static(b"slice") },
            Entry { head: None, body: Bytes::new() },
        ] {
            let mut written = Vec::new();
            entry.encode(&mut written).unwrap();
            assert_eq!(written.len(), entry.estimated_size());
            assert_eq!(Entry::decode(&mut written.as_slice()).unwrap(), entry);
            for length in 0..written.len() {
                assert!(Entry::decode(&mut &written[..length]).is_err(), "{length}");
            }
        }
        assert!(Entry::decode(&mut &[0xff; 64][..]).is_err(), "no length is believed that is too long");
        let long = Entry { head: None, body: vec![0; BODY_BYTES_MAX + 1].into() };
        assert!(long.encode(&mut Vec::new()).is_err());
    }

    #[tokio::test]
    async fn a_slice_is_fetched_and_written_once_however_often_it_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            origin: String::new(),
            secret: Secret::new("0123456789abcdef").unwrap(),
            name: String::new(),
            folder: folder.path().to_owned(),
            memory_bytes: 64 << 20,
            disk_bytes: 64 << 20,
            requests_max: 0,
            bytes_per_second_max: 0,
            behind_proxy: false,
        };
        let bytes = Bytes::from(vec![7; 400_000]);
        let ask = |store: &Store, fetched: &Arc<AtomicUsize>| {
            let (store, bytes, fetched) = (store.clone(), bytes.clone(), Arc::clone(fetched));
            async move {
                let fetch = async move {
                    fetched.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    Ok(bytes)
                };
                store.slice("/a", &head(), 0, fetch).await.unwrap()
            }
        };
        let fetched = Arc::new(AtomicUsize::new(0));
        let store = Store::open(&settings).await.unwrap();
        for _ in 0..8 {
            let all = futures::future::join_all((0..8).map(|_| ask(&store, &fetched))).await;
            assert!(all.iter().all(|(got, _)| *got == bytes));
        }
        store.close().await;
        let written = store.cache.statistics().disk_write_bytes();
        assert!((400_000..800_000).contains(&written), "{written}");
        // What was written is there after a restart, and is not written again.
        let store = Store::open(&settings).await.unwrap();
        assert!(!ask(&store, &fetched).await.1);
        store.close().await;
        assert_eq!(store.cache.statistics().disk_write_bytes(), 0);
        assert_eq!(fetched.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_slice_leaves_no_large_rest_of_a_block() {
        let entry = Entry { head: None, body: vec![0; usize::try_from(SLICE_BYTES).unwrap()].into() };
        // With the longest path, and what the engine writes before an entry.
        assert!(entry.estimated_size() + 4_096 + 4_096 + 64 <= 512 << 10);
    }
}
