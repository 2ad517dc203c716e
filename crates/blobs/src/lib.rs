//! Bytes: local files, crash-safe publish.
