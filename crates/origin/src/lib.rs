//! Serves manifests and segments from blobs.
