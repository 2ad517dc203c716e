//! HLS text from values.
