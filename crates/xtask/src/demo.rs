//! `cargo xtask demo`: the whole path once, to watch. The demo itself is a program of the test kit; this installs and builds.

use crate::programs::{self, Build};
use crate::setup;

/// Runs the demo until Ctrl-C, or with `once` until its checks are done.
pub fn run(once: bool) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    programs::run("demo", Build::Debug, once.then_some("--once").into_iter())
}
