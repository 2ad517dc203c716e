//! Why a request is refused before any operation has seen it.

use crate::param::ParamError;
use crate::play_auth::TokenError;

/// The gateway's refusals (contract §1.6). The message is a sentence for the caller; the wire's code and HTTP status are
/// given to each variant by the one table of codes in `api`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither GET nor POST.
    #[error("The HTTP method {method:?} is not supported. Use GET or POST.")]
    Method {
        /// The method sent, cut to a few characters.
        method: String,
    },
    /// The body, the query or the number of parameters is beyond its limit.
    #[error("The request is too large: {what} {found} exceeds the limit of {limit}.")]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// How large it is; for a body read in pieces, how much had been read.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A parameter's name or value is not UTF-8.
    #[error("A parameter is not valid UTF-8 after URL decoding.")]
    NotUtf8,
    /// A parameter was sent twice.
    #[error("The parameter {name:?} is given more than once.")]
    Repeated {
        /// Which.
        name: String,
    },
    /// A common parameter is missing, or one of the operation's.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// The `Authorization` header lacks a part, or a header that has to be signed is not.
    #[error("The request signature does not conform to the standard: {what}.")]
    IncompleteSignature {
        /// What is missing or malformed.
        what: String,
    },
    /// A signature method other than HMAC-SHA1 (version 1.0) and ACS3-HMAC-SHA256.
    #[error("The signature method {method:?} is not supported. Use HMAC-SHA1 or ACS3-HMAC-SHA256.")]
    SignatureMethod {
        /// The method sent, cut to a few characters.
        method: String,
    },
    /// The time of signing is not `YYYY-MM-DDThh:mm:ssZ`.
    #[error("The time of signing {text:?} is not of the form YYYY-MM-DDThh:mm:ssZ.")]
    TimestampFormat {
        /// The text sent, cut to a few characters.
        text: String,
    },
    /// The time of signing is too far from the server's.
    #[error("The time of signing differs from the server's by {seconds} s; 900 s are allowed. Check the clocks.")]
    TimestampExpired {
        /// By how much.
        seconds: u64,
    },
    /// The signature is not ours. The text has one colon before our string to sign: an SDK splits there, and crashes when
    /// there is none.
    #[error("Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}")]
    SignatureMismatch {
        /// What we signed.
        string_to_sign: String,
    },
    /// The token of a temporary key is not believed, or came with a permanent key.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// The first characters of a text from the network, for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    text.chars().take(CHARS_MAX).collect()
}
