//! `cargo xtask bench`: measurements, printed for a person to judge; never a test with a limit.

use crate::programs::{self, Build, Words};
use crate::setup;

/// Records many streams with the server on one core and the load generator on the other.
pub fn record(words: &Words) -> anyhow::Result<()> {
    setup::run(if words.has("--alone") { &setup::DEMO } else { &setup::BENCH })?;
    programs::run("load", Build::Release, words.all())
}

/// Serves views from the origin and from an edge, beside nginx.
pub fn deliver(words: &Words) -> anyhow::Result<()> {
    setup::run(&setup::DELIVER)?;
    programs::run("deliver", Build::Release, words.all())
}

/// Runs a program that needs nothing but the server and FFmpeg.
pub fn alone(program: &str, words: &Words) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    programs::run(program, Build::Release, words.all())
}
