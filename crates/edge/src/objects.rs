//! What is served: from memory, from disk, or from the origin, which is asked once for all who want the same.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use door::Keep;
use moka::Expiry;
use moka::future::Cache;

use crate::error::FetchError;
use crate::head::Head;
use crate::key::split;
use crate::now;
use crate::origin::{Origin, Part, Refused, Told};
use crate::purges::Purges;
use crate::store::Store;

/// How long it is remembered that something is not there, or that the origin does not answer for it.
const SHORT: Duration = Duration::from_secs(1);
/// What is known of an object takes in memory besides its text, about, in bytes.
const KNOWN_BYTES: usize = 1_024;
/// Of the memory, what is for heads and texts.
const KNOWN_SHARE: u64 = 8;

/// Where an answer comes from, as `X-Cache` says it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum From {
    /// It was here.
    Hit,
    /// It was here, and the origin did not say that it is still so.
    Stale,
    /// Some of it came from the origin for this request.
    Miss,
}

impl From {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Stale => "STALE",
            Self::Miss => "MISS",
        }
    }
}

/// What a path is, for a while.
pub(crate) struct Known {
    pub(crate) what: What,
    /// For so long, from when it was found out.
    good_for: Duration,
    /// The origin told it; otherwise it was on disk.
    from_origin: bool,
    /// The origin did not confirm it.
    pub(crate) stale: bool,
    /// When it was found out that this is so (Unix milliseconds): requests that began before may be answered with it.
    asked_ms: i64,
    /// The text with the URLs in it that most viewers get, and its tag.
    pub(crate) plain: OnceLock<(Bytes, u64)>,
}

pub(crate) enum What {
    Object {
        head: Arc<Head>,
        /// Of a text, and of what is not kept, the whole of it.
        whole: Option<Bytes>,
    },
    Refused(Refused),
}

impl Known {
    fn object(head: Head, whole: Option<Bytes>, good_for: Duration) -> Self {
        Self {
            asked_ms: head.asked_ms,
            what: What::Object { head: Arc::new(head), whole },
            good_for,
            from_origin: true,
            stale: false,
            plain: OnceLock::new(),
        }
    }

    fn refused(refused: Refused, asked_ms: i64) -> Self {
        Self {
            what: What::Refused(refused),
            good_for: SHORT,
            from_origin: true,
            stale: false,
            asked_ms,
            plain: OnceLock::new(),
        }
    }

    fn weight(&self) -> u32 {
        let text = match &self.what {
            // Twice: as a form and filled in.
            What::Object { whole: Some(text), .. } => text.len().saturating_mul(2),
            What::Object { .. } => 0,
            What::Refused(refused) => refused.body.len(),
        };
        u32::try_from(KNOWN_BYTES.saturating_add(text)).unwrap_or(u32::MAX)
    }
}

struct AsLongAsGood;

impl Expiry<String, Arc<Known>> for AsLongAsGood {
    fn expire_after_create(&self, _: &String, known: &Arc<Known>, _: Instant) -> Option<Duration> {
        Some(known.good_for)
    }
}

/// Everything that is here, and the way to the rest. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Objects {
    known: Cache<String, Arc<Known>>,
    store: Store,
    origin: Arc<Origin>,
    purges: Arc<Purges>,
}

impl Objects {
    pub(crate) fn new(store: Store, origin: Arc<Origin>, purges: Arc<Purges>, memory_bytes: u64) -> Self {
        let known = Cache::builder()
            .max_capacity(memory_bytes / KNOWN_SHARE)
            .weigher(|path: &String, known: &Arc<Known>| {
                known.weight().saturating_add(u32::try_from(path.len()).unwrap_or(u32::MAX))
            })
            .expire_after(AsLongAsGood)
            .build();
        Self { known, store, origin, purges }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What is kept under `key`. Where the origin is asked, `first` is the slice that is wanted along with it.
    pub(crate) async fn known(&self, key: &str, first: u64) -> Result<(Arc<Known>, From), FetchError> {
        let began_ms = now().unix_ms;
        loop {
            let look = self.look(key, first);
            let entry = self.known.entry_by_ref(key).or_try_insert_with(look).await;
            let entry = entry.map_err(|error: Arc<FetchError>| (*error).clone())?;
            let fresh = entry.is_fresh();
            let known = entry.into_value();
            let asked_now = fresh && known.from_origin;
            let allowed = match &known.what {
                What::Object { head, .. } => self.purges.allow(split(key).0, head),
                // It is forgotten by itself, within a second.
                What::Refused(_) => true,
            };
            // What was asked of the origin since this request began is as new as can be.
            if allowed || asked_now || known.asked_ms >= began_ms {
                let from = match (known.stale, asked_now) {
                    (true, _) => From::Stale,
                    (false, true) => From::Miss,
                    (false, false) => From::Hit,
                };
                return Ok((known, from));
            }
            self.known.invalidate(key).await;
        }
    }

    /// Forgets what memory knows of it: it changed.
    pub(crate) async fn doubt(&self, key: &str) {
        self.known.invalidate(key).await;
        self.store.forget_object(key);
    }

    async fn look(&self, key: &str, first: u64) -> Result<Arc<Known>, FetchError> {
        let (path, query) = split(key);
        // What was waited for is wanted for seconds, by many: memory is enough.
        if let Some(query) = query {
            return self.wait(path, query).await;
        }
        let stored = self.store.object(path).await.filter(|(head, _)| self.purges.allow(path, head));
        let text = |head: &Head, body: &Bytes| head.form().map(|_| body.clone());
        if let Some((head, body)) = &stored {
            let good_for = head.good_for(now());
            if !good_for.is_zero() {
                let known = Known::object(head.clone(), text(head, body), good_for);
                return Ok(Arc::new(Known { from_origin: false, ..known }));
            }
        }
        let stale = || {
            let (head, body) = stored.as_ref().filter(|(head, _)| head.may_be_stale(now()))?;
            let known = Known::object(head.clone(), text(head, body), SHORT);
            Some(Arc::new(Known { stale: true, ..known }))
        };
        if self.origin.is_away()
            && let Some(stale) = stale()
        {
            return Ok(stale);
        }
        // What is carried out while the origin is asked counts as later.
        let ((seq, generation), asked_ms) = (self.purges.generation(path), now().unix_ms);
        let known = stored.as_ref().map(|(head, _)| head);
        let told = match self.origin.object(path, first, known).await {
            Ok(told) => told,
            Err(error @ (FetchError::Away(_) | FetchError::Trouble(_))) => {
                let stale = stale().ok_or(error.clone())?;
                tracing::warn!(%error, path, "served as it was");
                return Ok(stale);
            }
            Err(error) => return Err(error),
        };
        let known = match (told, stored) {
            (Told::Same(keep), Some((head, body))) => {
                let head = Head { keep_s: keep.seconds(), seq, asked_ms, ..head };
                let text = text(&head, &body);
                self.store.keep_object(path, head.clone(), body);
                let good_for = Duration::from_secs(head.keep_s);
                Known::object(head, text, good_for)
            }
            (Told::Same(_), None) => return Err(FetchError::Broken("the same as nothing")),
            (Told::Object { head, part }, _) => {
                let head = Head { seq, generation, asked_ms, ..head };
                let good_for = Duration::from_secs(head.keep_s);
                match part {
                    // Keys of encryption: nobody is to keep them.
                    Part::Whole(bytes) if head.keep() == Keep::Never => {
                        Known::object(head, Some(bytes), Duration::ZERO)
                    }
                    Part::Whole(bytes) => {
                        let text = head.form().map(|_| bytes.clone());
                        self.store.keep_object(path, head.clone(), bytes);
                        Known::object(head, text, good_for)
                    }
                    Part::Slice(number, bytes) => {
                        self.store.keep_slice(path, &head, number, bytes);
                        self.store.keep_object(path, head.clone(), Bytes::new());
                        Known::object(head, None, good_for)
                    }
                }
            }
            (Told::Refused(refused), stored) => {
                if stored.is_some() {
                    self.store.forget_object(path);
                }
                Known::refused(refused, asked_ms)
            }
        };
        Ok(Arc::new(known))
    }

    /// A playlist that the origin sends once it has what `query` asks for.
    async fn wait(&self, path: &str, query: &str) -> Result<Arc<Known>, FetchError> {
        let ((seq, generation), asked_ms) = (self.purges.generation(path), now().unix_ms);
        match self.origin.waited(path, query).await? {
            Told::Object { head, part: Part::Whole(bytes) } => {
                let head = Head { seq, generation, asked_ms, ..head };
                let good_for = Duration::from_secs(head.keep_s);
                Ok(Arc::new(Known::object(head, Some(bytes), good_for)))
            }
            Told::Refused(refused) => Ok(Arc::new(Known::refused(refused, asked_ms))),
            Told::Object { .. } | Told::Same(_) => Err(FetchError::Broken("a playlist that is none")),
        }
    }

    /// A slice of an object, and whether the origin was asked for it by this call.
    pub(crate) async fn slice(&self, path: &str, head: &Arc<Head>, number: u64) -> Result<(Bytes, From), FetchError> {
        let fetch = {
            let (origin, path, head) = (Arc::clone(&self.origin), path.to_owned(), Arc::clone(head));
            async move { origin.slice(&path, &head, number).await }
        };
        let (bytes, asked) = self.store.slice(path, head, number, fetch).await?;
        let length = head.slice(number);
        if u64::try_from(bytes.len()).ok() != Some(length.end.saturating_sub(length.start)) {
            return Err(FetchError::Changed);
        }
        Ok((bytes, if asked { From::Miss } else { From::Hit }))
    }

    pub(crate) async fn close(&self) {
        self.store.close().await;
    }
}
