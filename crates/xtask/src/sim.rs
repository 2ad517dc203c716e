//! `cargo xtask sim`: many worlds of the recorder, for the night.

use crate::command::{cargo, run as run_command};

/// What `sim` may be told.
#[derive(clap::Args)]
pub struct Sim {
    /// How many worlds
    #[arg(long, default_value_t = 1_000_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
}

/// Lives through the worlds; the first in which a promise is broken ends it and tells its `SIM_SEED`.
pub fn run(options: &Sim) -> anyhow::Result<()> {
    let mut worlds =
        cargo(&["test", "--locked", "--package", "sim", "--test", "worlds", "--", "--nocapture", "every_world"]);
    worlds.env("SIM_SEEDS", options.seeds.to_string()).env("SIM_FROM", options.from.to_string());
    run_command(&mut worlds)
}
