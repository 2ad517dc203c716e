//! Real publishers over real sockets, into the hub.

mod domains;
mod ends;
mod media;
mod world;
