//! `cargo xtask bench`: measurements, printed for a person to judge; never a test with a limit.

use crate::command::{cargo, command, run as run_command, target};
use crate::setup;

/// What `bench record` may be told.
#[derive(clap::Args)]
pub struct Record {
    /// Streams at once
    #[arg(long, default_value_t = 500)]
    streams: u32,
    /// Milliseconds between the starts of two streams: their key frames do not fall together, as in life
    #[arg(long, default_value_t = 11)]
    stagger_ms: u32,
    /// Seconds of the measured window, after all streams are up
    #[arg(long, default_value_t = 25)]
    window: u32,
    /// Kilobits per second of each stream's pictures
    #[arg(long, default_value_t = 2_000)]
    kbps: u32,
    /// Where the servers record to; without it a memory disk, so that the disk is not what is compared
    #[arg(long)]
    work: Option<std::path::PathBuf>,
    /// Measure only Reprise, not nginx-rtmp beside it
    #[arg(long)]
    alone: bool,
}

/// Records many streams with the server on one core and the load generator on the other.
pub fn record(options: &Record) -> anyhow::Result<()> {
    setup::run(if options.alone { &setup::DEMO } else { &setup::BENCH })?;
    run_command(&mut cargo(&[
        "build",
        "--locked",
        "--release",
        "--package",
        "server",
        "--package",
        "testkit",
        "--bins",
    ]))?;
    let programs = target().join("release");
    let mut load = command(programs.join("load"), &["--server"]);
    load.arg(programs.join("reprise"));
    load.args(["--streams", &options.streams.to_string(), "--window", &options.window.to_string()]);
    load.args(["--kbps", &options.kbps.to_string(), "--stagger-ms", &options.stagger_ms.to_string()]);
    if let Some(work) = &options.work {
        load.arg("--work").arg(work);
    }
    if options.alone {
        load.arg("--alone");
    }
    run_command(&mut load)
}
