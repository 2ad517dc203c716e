//! What can go wrong between a source and its rendition.

/// Shorthand.
pub type Result<T> = std::result::Result<T, EncodeError>;

/// Why something cannot be encoded, or an encoder's answer not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The profile forbids this source (contract §2.12, `IsCheck…Fail`).
    #[error("the template asks for more than the source has: {what}")]
    AboveSource {
        /// Which of its values.
        what: &'static str,
    },
    /// The profile has no track that the source has.
    #[error("the source has none of the tracks that the template asks for")]
    NothingToEncode,
    /// The stored source contradicts its index.
    #[error("the source's index does not fit its media: {what}")]
    Source {
        /// In which way.
        what: &'static str,
    },
    /// More pixels than are made here.
    #[error("{what} is too large")]
    TooLarge {
        /// Which picture.
        what: String,
    },
    /// The encoder's file cannot be read.
    #[error("the encoder's output makes no sense: {what}")]
    Output {
        /// Which part.
        what: &'static str,
    },
    /// The encoder put out more or fewer pictures or frames than the source asks for.
    #[error("the encoder put out {found} {what} instead of {expected}")]
    Count {
        /// Pictures, or sound frames.
        what: &'static str,
        /// Wanted.
        expected: usize,
        /// There.
        found: usize,
    },
    /// A segment of the source would not begin with a key frame in the rendition.
    #[error("the encoder made no key frame where segment {segment} begins")]
    NoKeyFrame {
        /// Of the source.
        segment: u32,
    },
}

impl EncodeError {
    /// Whether another attempt with the same source could end otherwise: an encoder that was cut short.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Output { .. } | Self::Count { .. } | Self::NoKeyFrame { .. })
    }
}
