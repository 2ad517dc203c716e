//! `cargo xtask torture`: what kills cost, as a table. The run itself is a program of the test kit; this installs and builds.

use crate::programs::{self, Build, Words};
use crate::setup;

/// The word that is ours and not the program's: torture the build without optimisation.
const DEBUG: &str = "--debug";

/// Runs it; fails when a promise is broken.
pub fn run(words: &Words) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    let build = if words.has(DEBUG) { Build::Debug } else { Build::Release };
    programs::run("torture", build, words.all().filter(|word| *word != DEBUG))
}
