//! `cargo xtask bench`: measurements, printed for a person to judge; never a test with a limit.

use crate::programs::{self, Build, Words};
use crate::setup;

/// Records many streams with the server on one core and the load generator on the other.
pub fn record(words: &Words) -> anyhow::Result<()> {
    setup::run(if words.has("--alone") { &setup::DEMO } else { &setup::BENCH })?;
    programs::run("load", Build::Release, words.all())
}

/// Kills a server that records many streams and measures how it comes back.
pub fn recover(words: &Words) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    programs::run("recover", Build::Release, words.all())
}

/// Records a day of media at full speed.
pub fn day(words: &Words) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    programs::run("day", Build::Release, words.all())
}
