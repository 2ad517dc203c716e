//! Reads the hub, drives the recording machine, writes segments.
