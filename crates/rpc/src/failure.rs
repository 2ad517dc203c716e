//! Codes with which answers and events say why an output was not made.

/// The source, or what was asked of it, cannot be encoded: as in the vendor's samples.
pub const BAD_CONTENT: &str = "InvalidParameter.ResourceContentBad";
/// Somebody ended its task.
pub const CANCELLED: &str = "TranscodeCancelled";
/// What is said with [`CANCELLED`].
pub const CANCELLED_MESSAGE: &str = "The task was cancelled.";
