//! `cargo xtask torture`: what kills cost, as a table. The run itself is a program of the test kit; this installs and builds.

use std::path::PathBuf;

use crate::command::{cargo, command, run as run_command, target};
use crate::setup;

/// What `torture` may be told.
#[derive(clap::Args)]
pub struct Torture {
    /// How often the server is killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Streams at once
    #[arg(long, default_value_t = 20)]
    publishers: u32,
    /// Decides when and how everything happens
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Decode every asset, not one in four
    #[arg(long)]
    decode_all: bool,
    /// Torture the build without optimisation
    #[arg(long)]
    debug: bool,
    /// Where the server keeps its data; without it the folder for temporary files
    #[arg(long)]
    work: Option<PathBuf>,
    /// Leave the data and the log behind when a promise is broken
    #[arg(long)]
    keep: bool,
    /// Write the score to this file, too
    #[arg(long)]
    report: Option<PathBuf>,
}

/// Runs it; fails when a promise is broken.
pub fn run(options: &Torture) -> anyhow::Result<()> {
    setup::run(&setup::DEMO)?;
    let mut build = cargo(&["build", "--locked", "--package", "server", "--package", "testkit", "--bins"]);
    if !options.debug {
        build.arg("--release");
    }
    run_command(&mut build)?;
    let programs = target().join(if options.debug { "debug" } else { "release" });
    let mut torture = command(programs.join("torture"), &["--server"]);
    torture.arg(programs.join("reprise"));
    torture.args(["--kills", &options.kills.to_string(), "--publishers", &options.publishers.to_string()]);
    torture.args(["--seed", &options.seed.to_string()]);
    torture.args(options.decode_all.then_some("--decode-all"));
    torture.args(options.keep.then_some("--keep"));
    if let Some(work) = &options.work {
        torture.arg("--work").arg(work);
    }
    if let Some(report) = &options.report {
        torture.arg("--report").arg(report);
    }
    run_command(&mut torture)
}
