//! What can go wrong, by what the caller can do about it.

use blobs::BlobError;
use catalog::CatalogError;

/// Why storage and catalog could not be read or brought together. Nothing half-written stays: an object is replaced
/// whole, rows in one transaction.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The rows cannot be read or written now.
    #[error("the catalog does not answer")]
    Catalog(#[from] CatalogError),
    /// The objects cannot be read or written now.
    #[error("storage does not answer")]
    Blobs(#[from] BlobError),
    /// A description is damaged or of a later version.
    #[error("{key} is no description that can be read")]
    Description {
        /// Which object.
        key: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// The answer of every call here.
pub type Result<T> = std::result::Result<T, ArchiveError>;
