//! What can go wrong, by what the caller can do about it.

use std::error::Error;
use std::io;

/// The answer of every call here.
pub type Result<T> = std::result::Result<T, BlobError>;

/// Why bytes were not read or written.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is nothing under this key.
    #[error("there is no object {key}")]
    NotFound {
        /// The key.
        key: String,
    },
    /// No space, or no quota, is left: make room and try again.
    #[error("no space is left for {key}")]
    Full {
        /// The key.
        key: String,
        /// What the system said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else: a bad key, a right that is missing, a disk that fails.
    #[error("object {key} cannot be used")]
    Other {
        /// The key.
        key: String,
        /// What the system said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl BlobError {
    /// What an error of the file system means for the object `key`.
    pub fn of_io(key: &str, error: io::Error) -> Self {
        Self::of(key, Box::new(error))
    }

    pub(crate) fn of_store(key: &str, error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound { key: key.to_owned() },
            error => Self::of(key, Box::new(error)),
        }
    }

    pub(crate) fn of_key(key: &str, error: object_store::path::Error) -> Self {
        Self::Other { key: key.to_owned(), source: Box::new(error) }
    }

    fn of(key: &str, source: Box<dyn Error + Send + Sync>) -> Self {
        let key = key.to_owned();
        match io_kind(source.as_ref()) {
            Some(io::ErrorKind::NotFound) => Self::NotFound { key },
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Self::Full { key, source },
            _ => Self::Other { key, source },
        }
    }

    /// Whether the same call may succeed later without anyone changing the request or the set-up.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotFound { .. } => false,
            Self::Full { .. } => true,
            Self::Other { source, .. } => matches!(
                io_kind(source.as_ref()),
                Some(io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::ResourceBusy)
            ),
        }
    }
}

/// The kind of the first I/O error in the chain of causes.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one_also_through_the_store() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        assert!(matches!(BlobError::of_io("a", full()), BlobError::Full { .. }));
        let wrapped = object_store::Error::Generic { store: "local", source: Box::new(full()) };
        let error = BlobError::of_store("a", wrapped);
        assert!(matches!(error, BlobError::Full { .. }) && error.is_transient());
        let broken = BlobError::of_io("a", io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(matches!(broken, BlobError::Other { .. }) && !broken.is_transient());
    }
}
