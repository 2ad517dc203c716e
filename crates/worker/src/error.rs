//! What can go wrong, by what the caller can do about it.

use jobs::Failure;

/// Why the worker, or one attempt at a job, cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkerError {
    /// The HTTP client cannot be made, for example because the system has no usable certificates.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
    /// Stored media or its index cannot be read or removed now.
    #[error("stored media cannot be used")]
    Blobs(#[from] blobs::BlobError),
    /// A sample page is damaged: the index has to be made again.
    #[error("the index of reel {reel} is damaged")]
    Index {
        /// Which reel.
        reel: units::ReelId,
        /// What is wrong.
        #[source]
        source: reel::PageError,
    },
    /// A video cannot be described in storage now.
    #[error("a video cannot be described in storage")]
    Archive(#[from] archive::ArchiveError),
    /// The encoder's files cannot be written or read.
    #[error("the encoder's folder cannot be used")]
    Scratch(#[source] std::io::Error),
    /// The index does not make a video.
    #[error("there is no view of the asset")]
    View(#[from] view::ViewError),
}

impl From<WorkerError> for Failure {
    /// Another attempt may find what is missing now: an index that is written again, a disk that is mounted again.
    fn from(error: WorkerError) -> Self {
        Self::Retry(chain(&error))
    }
}

/// An error with all its causes, for operators.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
