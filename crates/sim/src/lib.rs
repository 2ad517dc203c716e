//! A seeded world in which the recorder lives, crashes and heals.
//!
//! The recording machine, the assembly, the disk code and the recovery are the real ones, over a disk in memory that dies,
//! fails, fills up and loses what was not synced ([`blobs::FaultDisk`]). The catalog is a small model with the rules of the
//! real one's SQL, its outbox included. A seed decides all that happens in some hours of virtual time; at the end the world
//! is healed and must come to rest. [`run`] checks on the way and then looks at everything that was kept:
//!
//! - every cycle that was opened is sealed once, or has no media, and says so;
//! - every picture that was taken is in exactly one cycle, or in a gap that is written down, or was lost with a crash and is
//!   no older than what may be lost;
//! - the timeline of a recording never runs backwards;
//! - each asset has exactly one event;
//! - all recordings end.

mod audit;
mod media;
mod rows;
mod service;
mod world;

pub use world::{Broken, Outcome, Plant, run};
