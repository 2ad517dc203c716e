//! Rows: SQLite or PostgreSQL, migrations, outbox.
//!
//! **Invariant:** an acknowledged write survives power loss (WAL with synchronous=FULL; synchronous_commit=on), and a
//! change of state, the events it owes and the jobs that follow are one transaction.
//! **Boundary:** nothing outside this crate and `jobs` writes SQL.
//!
//! Reads are methods of [`Catalog`] and use a reader's connection. Writes are methods of [`Tx`]; most have a twin on
//! [`Catalog`] that runs in a transaction of its own. Methods are grouped by noun, one module each.

mod access_keys;
mod apps;
mod assets;
mod audit;
mod audit_events;
mod blocks;
mod cache_tasks;
mod callbacks;
mod categories;
mod changes;
mod clean;
mod commands;
mod compose;
mod console_users;
mod deliveries;
mod described;
mod domains;
mod error;
mod events;
mod ids;
mod library_files;
mod live_runs;
mod nonces;
mod notify;
mod page;
mod passwords;
mod picture_templates;
mod pictures;
mod pushes;
mod queue;
mod record_indexes;
mod record_notify;
mod recordings;
mod reels;
mod retention;
mod rules;
mod search;
mod settings;
mod sources;
pub mod sql;
mod standing;
mod stream_control;
mod templates;
mod test_stream;
mod transcodes;
mod uploads;
mod usage;
mod vault;
mod watermarks;
mod withdraw;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::Connection;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub use access_keys::{AccessKeyChange, Role, StoredAccessKey};
pub use apps::App;
pub use assets::{
    Analysis, Asset, AssetFilter, AssetStatus, DeletedAsset, Description, MediaFacts, Origin, RecordedFilter, Restored,
    Span, TrackFacts,
};
pub use audit::{AuditedAsset, AuditedRecording, Claim, ClaimState};
pub use audit_events::{AuditEvent, AuditFilter, NewAuditEvent};
pub use blocks::Block;
pub use cache_tasks::{
    CacheFeed, CacheTask, CacheTaskFilter, CacheTaskKind, CacheTaskState, NewCacheTask, NumberedTask, PreloadReport,
};
pub use callbacks::MessageCallback;
pub use categories::{Category, CategoryAdded, CategoryKind, ListedCategory};
pub use changes::{Marks, Topic};
pub use clean::CleanAfter;
pub use commands::{CommandAnswer, OpenCommand, RecordCommand};
pub use compose::{Composable, ComposableCycle, Composed};
pub use console_users::{ConsoleSession, ConsoleUser, ConsoleUserChange};
pub use deliveries::{Delivery, StreamDelivery, StreamDeliveryFilter};
pub use described::{Rows, Stale, Subject};
pub use domains::{
    Domain, DomainConfig, DomainFilter, DomainKind, DomainSource, DomainStatus, Mapping, ResolvedDomain,
};
pub use error::{CatalogError, Result};
pub use events::{EventCursor, EventFilter, EventOutcome, Replay, Replayed, StoredEvent};
pub use ids::{Ids, random_text, secret};
pub use library_files::{FileStatus, LibraryFile, NewLibraryFile, StoredFile};
pub use live_runs::{LiveRun, NewLiveRun, OPEN_END};
pub use notify::LiveNotify;
pub use page::{Listed, Order, Page, Search};
pub use passwords::PasswordHash;
pub use picture_templates::PictureTemplate;
pub use pictures::{AnimationFacts, MadePictures, PictureCause, PictureJob, PictureSet, PictureState, picture_key};
pub use pushes::{NewPush, PublishFilter, PublishOrder, Push, PushFilter, PushStats};
pub use queue::{JobFilter, JobRow, JobState, NewJob, Retry, kind};
pub use record_indexes::RecordIndex;
pub use record_notify::{QuestionOutcome, RecordNotify, RecordStatus};
pub use recordings::{Feed, NewRecording, OpenCycle, Recording, RecordingState, SealOutcome, SealedCycle};
pub use reels::{Reel, ReelState};
pub use retention::{Kept, Retention};
pub use rules::StoredRule;
pub use search::{AssetMatch, AssetNumber, AssetPart, AssetPlace, AssetSort, AssetSortKey, AssetText};
pub use sources::SourceDeletion;
pub use standing::Standing;
pub use stream_control::{ControlAction, StreamControl};
pub use templates::{StoredTemplate, TemplateGroup};
pub use test_stream::TestStream;
pub use transcodes::{
    EncodeRun, NewTask, Output, OutputEnd, OutputFacts, OutputSpan, OutputState, PlannedOutput, PlannedPiece,
    PlannedSpan, Rendition, RenditionState, Submitted, TRANSCODE_PRIORITY, TaskCause, TaskState, TranscodeTask,
};
pub use uploads::{NewUpload, TakenOver, Upload, UploadState, upload_folder, upload_key, upload_parts_key};
pub use usage::{StoredBytes, UsageBy, UsageFilter, UsageKey, UsageRow, UsageSum, UsageTotal};
pub use vault::{MasterKey, NoMasterKey, NoRandom};
pub use watermarks::{DEFAULT_WATERMARK, StoredWatermark, subtitles_key, watermark_key};
pub use withdraw::{GivenUp, Retried};

/// Connections that only read, on SQLite. Each is a thread; reads are short.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL per process.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a call waits for a connection, and a SQLite statement for the file's lock.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// PostgreSQL gives up a transaction whose client says nothing, so that a frozen process frees its locks.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "10s";
/// PostgreSQL gives up a statement after this long.
const STATEMENT_TIMEOUT: &str = "30s";
/// PostgreSQL gives up waiting for a lock after this long.
const LOCK_TIMEOUT: &str = "10s";

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// Where the rows are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CatalogUrl {
    /// A file of this process alone, never on a network file system. Made when it is not there.
    Sqlite(PathBuf),
    /// A server, `postgres://…` with all that libpq's URLs allow.
    Postgres(String),
}

impl FromStr for CatalogUrl {
    type Err = CatalogError;
    /// `sqlite:PATH` or `postgres://…`.
    fn from_str(url: &str) -> Result<Self> {
        if let Some(path) = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest))
            && !path.is_empty()
        {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        // Only the scheme is repeated: the rest may hold a password.
        Err(CatalogError::Url { url: url.split(':').next().unwrap_or_default().to_owned() })
    }
}

/// The open catalog. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Catalog {
    inner: Arc<Inner>,
}

struct Inner {
    pools: Pools,
    ids: Ids,
    /// Seals secrets, once it is unlocked.
    vault: OnceLock<vault::Vault>,
    /// Woken when a transaction that made jobs is committed.
    job_made: Notify,
    /// Woken when a transaction that made or answered a command is committed.
    command_news: Notify,
    /// Holds the lock that makes a SQLite file belong to one process.
    _lock: Option<File>,
}

enum Pools {
    /// SQLite has one writer at a time anyway: one connection makes the wait fair and the errors few.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

impl Catalog {
    /// Opens the database. Call [`migrate`](Self::migrate) before anything else.
    pub async fn open(url: &CatalogUrl) -> Result<Self> {
        Self::open_with(url, Ids::from_os()).await
    }

    /// Like [`open`](Self::open), drawing ids from `ids`.
    pub async fn open_with(url: &CatalogUrl, ids: Ids) -> Result<Self> {
        let (pools, lock) = match url {
            CatalogUrl::Sqlite(path) => {
                let (pools, lock) = open_sqlite(path).await?;
                (pools, Some(lock))
            }
            CatalogUrl::Postgres(url) => (open_postgres(url, &[]).await?, None),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                pools,
                ids,
                vault: OnceLock::new(),
                job_made: Notify::new(),
                command_news: Notify::new(),
                _lock: lock,
            }),
        })
    }

    /// Opens a database that is there, and that another process may be using, only to read it: every write fails.
    ///
    /// Fails with [`CatalogError::Schema`] when the schema is not the one of this build; it is not changed.
    pub async fn open_to_read(url: &CatalogUrl) -> Result<Self> {
        let pools = match url {
            CatalogUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(ACQUIRE_TIMEOUT);
                let readers = SqlitePoolOptions::new()
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .max_connections(SQLITE_READERS)
                    .connect_with(options)
                    .await?;
                Pools::Sqlite { writer: readers.clone(), readers }
            }
            CatalogUrl::Postgres(url) => open_postgres(url, &[("default_transaction_read_only", "on")]).await?,
        };
        let (job_made, command_news) = (Notify::new(), Notify::new());
        let vault = OnceLock::new();
        let inner = Inner { pools, ids: Ids::from_os(), vault, job_made, command_news, _lock: None };
        let catalog = Self { inner: Arc::new(inner) };
        let ours = match &catalog.inner.pools {
            Pools::Sqlite { .. } => &SQLITE_MIGRATIONS,
            Pools::Postgres(_) => &POSTGRES_MIGRATIONS,
        };
        let wanted = ours.iter().map(|migration| migration.version).max().unwrap_or_default();
        let found = sql::Sql::new("SELECT COALESCE(MAX(version), 0) AS version FROM _sqlx_migrations");
        let found = found.row(&catalog).await?.map(|row| row.int("version")).transpose()?.unwrap_or_default();
        if found == wanted { Ok(catalog) } else { Err(CatalogError::Schema { found, wanted }) }
    }

    /// Brings the schema up to date. Run once, by the process that starts; on PostgreSQL under an advisory lock.
    pub async fn migrate(&self) -> Result<()> {
        match &self.inner.pools {
            Pools::Sqlite { writer, .. } => SQLITE_MIGRATIONS.run(writer).await,
            Pools::Postgres(pool) => POSTGRES_MIGRATIONS.run(pool).await,
        }
        .map_err(CatalogError::Migrate)
    }

    /// Begins a transaction that may write. On SQLite it waits for the one before it. Dropped without
    /// [`commit`](Tx::commit), it leaves nothing behind.
    pub async fn begin(&self) -> Result<Tx> {
        let inner = match &self.inner.pools {
            // Not DEFERRED: a read that turns into a write would fail at once, whatever the busy timeout.
            Pools::Sqlite { writer, .. } => TxInner::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => TxInner::Postgres(pool.begin().await?),
        };
        Ok(Tx { inner, catalog: self.clone(), made_jobs: false, command_news: false })
    }

    /// The process's source of ids.
    pub fn ids(&self) -> &Ids {
        &self.inner.ids
    }

    /// Resolves when a transaction that made jobs is committed by this process. Ask before looking for jobs, wait after.
    pub fn job_made(&self) -> Notified<'_> {
        self.inner.job_made.notified()
    }

    /// The database answers: for readiness checks.
    pub async fn ping(&self) -> Result<()> {
        sql::Sql::new("SELECT 1 AS one").rows(self).await.map(drop)
    }

    /// Has SQLite carry its log over into the file and begin it anew, so that nothing older stands in it. PostgreSQL looks after that itself.
    pub(crate) async fn empty_log(&self) -> Result<()> {
        if let Pools::Sqlite { writer, .. } = &self.inner.pools {
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(writer).await?;
        }
        Ok(())
    }

    /// Closes all connections, after which every call fails. Waits for running transactions.
    pub async fn close(&self) {
        match &self.inner.pools {
            Pools::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(path: &Path) -> Result<(Pools, File)> {
    let lock = lock_file(path)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(ACQUIRE_TIMEOUT)
        // What is overwritten is gone from the file, too, where that costs no page more: secrets once stood there as they are.
        .pragma("secure_delete", "FAST");
    let pool = || SqlitePoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).idle_timeout(None).max_lifetime(None);
    // The writer first: it makes the file and the write-ahead log that a reader needs.
    let writer = pool()
        .min_connections(1)
        .max_connections(1)
        // After a full disk SQLite has ended the transaction by itself, and the connection still counts it: it would refuse to
        // begin another for ever. Such a connection is replaced. (The ping before this has let a rollback on its way arrive.)
        .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }))
        .connect_with(options.clone().create_if_missing(true))
        .await?;
    let readers = pool().max_connections(SQLITE_READERS).connect_with(options.read_only(true)).await?;
    Ok((Pools::Sqlite { writer, readers }, lock))
}

/// A second process on the same file would be stopped by, or stop, the first at every write.
fn lock_file(database: &Path) -> Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |source| CatalogError::File { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(CatalogError::InUse { path }),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

async fn open_postgres(url: &str, more: &[(&str, &str)]) -> Result<Pools> {
    let options = PgConnectOptions::from_str(url)?.application_name("reprise").options(more.iter().copied()).options([
        ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_TIMEOUT),
        ("statement_timeout", STATEMENT_TIMEOUT),
        ("lock_timeout", LOCK_TIMEOUT),
        // Questions are small: neither a compiler nor other processes pay.
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
    ]);
    let pool = PgPoolOptions::new()
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_connections(POSTGRES_CONNECTIONS)
        .connect_with(options)
        .await?;
    Ok(Pools::Postgres(pool))
}

/// Several writes that happen together or not at all.
pub struct Tx {
    inner: TxInner,
    catalog: Catalog,
    made_jobs: bool,
    command_news: bool,
}

enum TxInner {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Makes the writes last, and wakes the queue when jobs are among them. When the connection is lost here, the writes
    /// may or may not have happened: repeat them, they are idempotent where it matters.
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            TxInner::Sqlite(tx) => tx.commit().await?,
            TxInner::Postgres(tx) => tx.commit().await?,
        }
        if self.made_jobs {
            self.catalog.inner.job_made.notify_waiters();
        }
        if self.command_news {
            self.catalog.inner.command_news.notify_waiters();
        }
        Ok(())
    }

    /// The process's source of ids.
    pub fn ids(&self) -> &Ids {
        self.catalog.ids()
    }
}
