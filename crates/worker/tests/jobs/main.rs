//! The worker as it runs in the server: on a catalog and a store, seen from outside.

mod callbacks;
mod described;
mod media;
mod pictures;
mod recordings;
mod support;
mod tasks;
