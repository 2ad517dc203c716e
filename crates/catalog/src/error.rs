//! What can go wrong, by what the caller can do about it.

use std::path::PathBuf;

/// Why a row was not read or written. Nothing of the failed call is kept: its transaction is rolled back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A row with this key is there already.
    #[error("{what} {key} exists already")]
    AlreadyExists {
        /// The noun.
        what: &'static str,
        /// Its key.
        key: String,
    },
    /// There is no row with this key.
    #[error("{what} {key} does not exist")]
    NotFound {
        /// The noun.
        what: &'static str,
        /// Its key.
        key: String,
    },
    /// What the caller saw is not so any more. Looking again and then trying again is right.
    #[error("the {what} {key} changed meanwhile")]
    Changed {
        /// The noun.
        what: &'static str,
        /// Its key.
        key: String,
    },
    /// A stored value does not mean anything: a bug, or someone else wrote to the database.
    #[error("column {column} holds {found:?}, which is not {wanted}")]
    Corrupt {
        /// The column.
        column: String,
        /// What stands there, shortened.
        found: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// The database is not there, full, or lost the connection; or two transactions were in each other's way. Trying
    /// again later is right.
    #[error("the database did not answer")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused a statement: a bug or a foreign schema.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
    /// A value that must be stored as JSON cannot be.
    #[error("a value cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// The schema could not be brought up to date.
    #[error("the schema could not be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The schema is not the one that this build reads, and may not be changed now.
    #[error("the schema has version {found} and not {wanted}: another version of the program uses it")]
    Schema {
        /// The version that is there.
        found: i64,
        /// The version of this build.
        wanted: i64,
    },
    /// The secrets are sealed under another master key than the one that was given.
    #[error("the secrets in the catalog are sealed under another master key")]
    MasterKey,
    /// A secret cannot be opened (or sealed): there is no master key, or the value was changed or put elsewhere.
    #[error("the secret in {column} cannot be opened with the master key")]
    Sealed {
        /// The column.
        column: String,
    },
    /// A password cannot be hashed.
    #[error("a password cannot be hashed: {0}")]
    Password(String),
    /// Another process has the SQLite file open. One file belongs to one process.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The file or its folder cannot be opened.
    #[error("{} cannot be opened", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is no catalog URL.
    #[error("{url:?} is no catalog URL; sqlite:PATH and postgres://… are")]
    Url {
        /// The text, without a password.
        url: String,
    },
}

/// The answer of every catalog call.
pub type Result<T> = std::result::Result<T, CatalogError>;

impl CatalogError {
    /// Whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the error says that the row is there already.
    pub fn is_already_exists(&self) -> bool {
        matches!(self, Self::AlreadyExists { .. })
    }
}

/// PostgreSQL states after which the same transaction may succeed (appendix A of its manual): serialisation failure,
/// deadlock, lock not available, cancelled by a timeout.
const TRANSIENT_STATES: [&str; 4] = ["40001", "40P01", "55P03", "57014"];
/// PostgreSQL classes of trouble outside the statement: connection, resources, operator, system.
const TRANSIENT_CLASSES: [&str; 4] = ["08", "53", "57", "58"];
/// SQLite primary result codes of the same kind: busy, locked, out of memory, I/O error, full, cannot open.
const TRANSIENT_SQLITE: [i64; 6] = [5, 6, 7, 10, 13, 14];

impl From<sqlx::Error> for CatalogError {
    fn from(error: sqlx::Error) -> Self {
        let transient = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(cause) => match (cause.code(), cause.try_downcast_ref::<sqlx::sqlite::SqliteError>())
            {
                // SQLite: an extended result code in decimal; its low byte is the primary code.
                (Some(code), Some(_)) => code.parse::<i64>().is_ok_and(|c| TRANSIENT_SQLITE.contains(&(c & 0xff))),
                (Some(code), None) => {
                    TRANSIENT_STATES.contains(&code.as_ref())
                        || TRANSIENT_CLASSES.iter().any(|class| code.starts_with(class))
                }
                (None, _) => false,
            },
            _ => false,
        };
        if transient { Self::Unavailable(error) } else { Self::Refused(error) }
    }
}
