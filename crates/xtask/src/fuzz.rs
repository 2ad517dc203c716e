//! `cargo xtask fuzz`: builds a program per parser of foreign bytes (`fuzz/`) and runs each for a while.
//!
//! The programs are built by the stable compiler with its coverage counters, optimised, with assertions and overflow checks. They
//! begin with the corpus that is kept; what ends one is left in `fuzz/artifacts`, to become a test and an entry of the corpus.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::command::{cargo, command, output, root, run as run_command, target};

/// What makes the compiler count which edges and comparisons are met.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];
/// Memory of one program, in MiB: a session may keep 32, twice over where two are compared, and the engine needs some.
const MEMORY_MIB_MAX: u32 = 512;
/// The longest input, in bytes: room for some messages in several chunks.
const INPUT_BYTES_MAX: u32 = 4096;

/// Lines of a program's log that are shown when it found something.
const LINES_SHOWN: usize = 40;

/// What `fuzz` may be told.
#[derive(clap::Args)]
pub struct Fuzz {
    /// Seconds for each program
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// End each after so many inputs, if that is sooner; 0: not
    #[arg(long, default_value_t = 0)]
    inputs: u32,
    /// Only this program
    #[arg(long)]
    target: Option<String>,
    /// Decides what is tried
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// Keep what reached new code in the corpus
    #[arg(long)]
    grow: bool,
}

impl Fuzz {
    /// What `cargo xtask test` runs: the same inputs each time, so that two runs of one commit say the same.
    pub const BRIEFLY: Self = Self { seconds: 20, inputs: 20_000, target: None, seed: 1, grow: false };
}

/// Builds and runs them; fails when one finds something. Returns how many ran.
pub fn run(options: &Fuzz) -> anyhow::Result<u64> {
    let host = host()?;
    let folder = root().join("fuzz");
    let built = target().join("fuzz");
    // With a target named, build scripts and macros are built without the counters.
    let mut build = cargo(&["build", "--locked", "--quiet", "--release", "--bins", "--target", &host]);
    build.current_dir(&folder).env("CARGO_TARGET_DIR", &built).env("RUSTFLAGS", COVERAGE.join(" "));
    run_command(&mut build)?;
    let names: Vec<_> = names()?.into_iter().filter(|name| options.target.as_ref().is_none_or(|t| t == name)).collect();
    if names.is_empty() {
        bail!("there is no such program; see fuzz/targets");
    }
    let artifacts = folder.join("artifacts");
    std::fs::create_dir_all(&artifacts)?;
    let mut broken = Vec::new();
    for name in &names {
        let corpus = folder.join("corpus").join(name);
        std::fs::create_dir_all(&corpus)?;
        let found = empty_folder(&built, name)?;
        let mut program =
            command(built.join(&host).join("release").join(name), &["-print_final_stats=0", "-verbosity=0"]);
        if options.inputs > 0 {
            program.arg(format!("-runs={}", options.inputs));
        }
        program.arg(format!("-seed={}", options.seed)).arg(format!("-max_total_time={}", options.seconds));
        program.arg(format!("-rss_limit_mb={MEMORY_MIB_MAX}")).arg(format!("-max_len={INPUT_BYTES_MAX}"));
        program.arg("-timeout=20").arg(format!("-artifact_prefix={}/{name}-", artifacts.display()));
        program.args([&found, &corpus]);
        println!("{name}: {} s at most", options.seconds);
        // The engine talks much; only of a find it is worth reading.
        let log = built.join("found").join(format!("{name}.log"));
        if !logged(&mut program, &log)? {
            println!("{}", last_lines(&std::fs::read_to_string(&log)?));
            broken.push(name.as_str());
        } else if options.grow {
            let mut merge = command(built.join(&host).join("release").join(name), &["-merge=1"]);
            logged(merge.args([&corpus, &found]), &log)?;
        }
    }
    if !broken.is_empty() {
        bail!("found something: {}; see {}", broken.join(", "), artifacts.display());
    }
    Ok(u64::try_from(names.len())?)
}

/// Runs a program with its output in a file; tells whether it succeeded.
fn logged(program: &mut Command, log: &Path) -> anyhow::Result<bool> {
    let file = std::fs::File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let status = program.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).status()?;
    Ok(status.success())
}

/// What says why a program ended.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
}

/// The programs, by the names of their files.
fn names() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(root().join("fuzz/targets"))? {
        let path = file?.path();
        names.push(path.file_stem().and_then(|stem| stem.to_str()).context("a target has a name")?.to_owned());
    }
    names.sort_unstable();
    Ok(names)
}

/// An empty folder for what a run finds.
fn empty_folder(built: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = built.join("found").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The triple of this machine.
fn host() -> anyhow::Result<String> {
    let said = output(&mut command("rustc", &["-vV"]))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    Ok(host.to_owned())
}
