//! All automation of the project, in Rust: `cargo xtask help`.

mod bench;
mod command;
mod console;
mod coverage;
mod demo;
mod fuzz;
mod programs;
mod setup;
mod sim;
mod suites;
mod tidy;
mod torture;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// All automation of the project.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check and every test
    Test,
    /// Show the whole path: a push becomes a video that plays, with its callbacks; runs until Ctrl-C
    Demo {
        /// Exit after the checks
        #[arg(long)]
        once: bool,
    },
    /// Measure
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Kill a recording server again and again, and check every promise afterwards; with `--debug` the build for tests
    Torture(programs::Words),
    /// Live through many simulated worlds of the recorder, with crashes and failing disks at every step
    Sim(sim::Sim),
    /// Feed every parser of foreign bytes with what breaks parsers
    Fuzz(fuzz::Fuzz),
    /// Write docs/reference/coverage.md: which operations of the APIs are there
    Coverage,
    /// Write the types of the console: console/src/generated, from the declarations of the server
    Console,
    /// Check the house rules: arrows between crates, licence, links, file sizes
    Tidy,
    /// Install what demo and test need, or say what to install
    Setup,
}

#[derive(Subcommand)]
enum Bench {
    /// Many streams recorded at once: CPU and memory per stream, samples lost, beside nginx-rtmp
    Record(programs::Words),
    /// A server with many open recordings is killed: how long until all of them go on
    Recover(programs::Words),
    /// A day of media recorded at full speed: memory and answers, hour by hour
    Day(programs::Words),
    /// A ladder made chunk by chunk, beside one FFmpeg: CPU, time with one worker and two, likeness
    Transcode(programs::Words),
    /// The cycles of an hour and of a day joined to one video, beside FFmpeg that copies them: time, bytes
    Compose(programs::Words),
    /// How soon a stream that ends is a video, and its ladder is whole
    Ready(programs::Words),
    /// Lists and searches in a library of a million videos
    Library(programs::Words),
    /// Views at the origin and at an edge: CPU per gigabyte and requests a second, beside nginx that serves files
    Deliver(programs::Words),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test => suites::run(),
        Task::Demo { once } => demo::run(once),
        Task::Bench { what: Bench::Record(words) } => bench::record(&words),
        Task::Bench { what: Bench::Recover(words) } => bench::alone("recover", &words),
        Task::Bench { what: Bench::Day(words) } => bench::alone("day", &words),
        Task::Bench { what: Bench::Transcode(words) } => bench::alone("transcode", &words),
        Task::Bench { what: Bench::Compose(words) } => bench::alone("compose", &words),
        Task::Bench { what: Bench::Ready(words) } => bench::alone("ready", &words),
        Task::Bench { what: Bench::Library(words) } => bench::alone("library", &words),
        Task::Bench { what: Bench::Deliver(words) } => bench::deliver(&words),
        Task::Torture(words) => torture::run(&words),
        Task::Sim(options) => sim::run(&options),
        Task::Fuzz(options) => fuzz::run(&options).map(drop),
        Task::Coverage => coverage::run(),
        Task::Console => console::write_types(),
        Task::Tidy => tidy::run(),
        Task::Setup => setup::run(&setup::TEST),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
