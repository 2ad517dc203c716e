//! Why bytes are no configuration or no frame.

/// What a caller can do about it: both end a push, but they are told apart in its reason.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodecError {
    /// The bytes break the standard.
    #[error("malformed {what}: {detail}")]
    Malformed {
        /// The structure, as its standard calls it.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The bytes are right, and not something that is recorded.
    #[error("{what} is not supported")]
    Unsupported {
        /// The feature, in a publisher's words.
        what: String,
    },
}

impl CodecError {
    pub(crate) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed { what, detail: detail.into() }
    }
}
