//! One live stream, many readers, each with a bounded queue.
