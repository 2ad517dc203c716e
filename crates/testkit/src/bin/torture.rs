//! `cargo xtask torture`: kills a recording server again and again and says what it cost.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use testkit::torture::{self, Options};

/// Tortures a server.
#[derive(Parser)]
struct Words {
    /// The reprise binary
    #[arg(long)]
    server: PathBuf,
    /// How often it is killed
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Streams at once
    #[arg(long, default_value_t = 20)]
    publishers: u32,
    /// Decides when and how everything happens
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seconds of a cycle
    #[arg(long, default_value_t = 20)]
    cycle: u32,
    /// Seconds that a lost push is waited for
    #[arg(long, default_value_t = 5)]
    grace: u32,
    /// Decode every asset, not one in four
    #[arg(long)]
    decode_all: bool,
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

#[tokio::main]
async fn main() -> ExitCode {
    match score(&Words::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\ntorture: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn score(words: &Words) -> anyhow::Result<bool> {
    let options = Options {
        kills: words.kills,
        publishers: words.publishers,
        seed: words.seed,
        cycle_seconds: words.cycle,
        grace_seconds: words.grace,
        decode_every: if words.decode_all { 1 } else { 4 },
        work: words.work.clone().unwrap_or_else(std::env::temp_dir),
        keep: words.keep,
    };
    let begun = Instant::now();
    let tell = |what: &str| println!("{:>5} s  {what}", begun.elapsed().as_secs());
    let score = torture::run(&words.server, &options, &tell).await?;
    let text = score.to_markdown();
    println!("\n{text}");
    if let Some(report) = &words.report {
        std::fs::write(report, &text)?;
    }
    Ok(score.failures.is_empty())
}
