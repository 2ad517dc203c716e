//! Taking a file of somebody else's over into a reel: what is in it, how FFmpeg is asked for its frames, and where each belongs.
//! Runs nothing.
//!
//! What a reel can hold is taken as it is, frame by frame; what it cannot hold is encoded on the way. FFmpeg reads the file, whatever
//! its container, and puts out one fragmented MP4, which is read as it comes (`MovieReader`) and laid into segments
//! ([`Layer`]). No file is ever held whole. (Decision 0033.)

mod command;
mod layer;
mod probe;
mod reader;

pub use command::{TakePlan, Taking, probe_arguments, take_arguments};
pub use layer::{Laid, Layer, Misfit};
pub use probe::{Probe, ProbeError, ProbedSound, ProbedVideo};
