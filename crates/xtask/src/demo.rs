//! `cargo xtask demo`: the whole path once, to watch. The demo itself is a program of the test kit; this installs and builds.

use crate::command::{cargo, command, run as run_command, target};
use crate::setup;

/// Runs the demo until Ctrl-C, or with `once` until its checks are done.
pub fn run(once: bool) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    run_command(&mut cargo(&["build", "--locked", "--package", "server", "--package", "testkit", "--bins"]))?;
    let programs = target().join("debug");
    let mut demo = command(programs.join("demo"), &["--server"]);
    demo.arg(programs.join("reprise"));
    if once {
        demo.arg("--once");
    }
    run_command(&mut demo)
}
