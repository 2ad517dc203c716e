//! `cargo xtask test`: every check and every suite, one after the other, with a count at the end.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::command::{cargo, command, find, run as run_command, target};
use crate::{console, fuzz, setup, tidy};

/// Tests that a suite ran.
#[derive(Default, Clone, Copy)]
struct Count {
    passed: u64,
    failed: u64,
    skipped: u64,
}

/// One suite's outcome.
struct Outcome {
    name: &'static str,
    took: Duration,
    result: anyhow::Result<Count>,
}

/// Runs everything, also after a failure; fails at the end when something failed.
pub fn run() -> anyhow::Result<()> {
    let mut outcomes = Vec::new();
    let mut suite = |name: &'static str, suite: &dyn Fn() -> anyhow::Result<Count>| {
        println!("\n== {name}");
        let began = Instant::now();
        let result = suite();
        if let Err(error) = &result {
            println!("== {name} failed: {error:#}");
        }
        outcomes.push(Outcome { name, took: began.elapsed(), result });
    };
    let check = |command: &mut Command| run_command(command).map(|()| Count::default());
    suite("setup", &|| setup::run(&setup::TEST).map(|()| Count::default()));
    suite("format", &|| check(&mut cargo(&["fmt", "--all", "--check"])));
    suite("tidy", &|| tidy::run().map(|()| Count::default()));
    suite("clippy", &|| {
        check(&mut cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    suite("docs", &|| {
        check(
            cargo(&["doc", "--locked", "--workspace", "--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    });
    suite("console", &|| console::check().map(|()| Count::default()));
    suite("tests", &tests);
    suite("fuzz", &|| fuzz::run(&fuzz::Fuzz::BRIEFLY).map(|passed| Count { passed, ..Count::default() }));
    suite("sdk", &sdk);
    summary(&outcomes)
}

/// Unit, integration and end-to-end tests: with nextest where it is installed, else with cargo's own runner.
///
/// Property tests draw the same cases in every run, so that two runs of one commit say the same; new cases are
/// looked for with another `PROPTEST_RNG_SEED` (a number) and more `PROPTEST_CASES` in the environment.
fn tests() -> anyhow::Result<Count> {
    let (mut command, read): (_, fn(&str) -> Option<Count>) = if find("cargo-nextest").is_some() {
        (cargo(&["nextest", "run", "--locked", "--workspace", "--no-fail-fast"]), nextest_line)
    } else {
        let tests = ["test", "--locked", "--workspace", "--all-targets", "--no-fail-fast", "--", "--test-threads=2"];
        (cargo(&tests), cargo_test_line)
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        command.env("PROPTEST_RNG_SEED", "20260301");
    }
    counted(&mut command, read)
}

/// The official SDKs against a running server.
fn sdk() -> anyhow::Result<Count> {
    // What the tests were run with: a build of the server alone has other features, and would compile most of it again.
    run_command(&mut cargo(&["test", "--locked", "--workspace", "--no-run"]))?;
    let mut suite = command("python3", &["tests/sdk/run.py", "--server"]);
    counted(suite.arg(target().join("debug/reprise")), plain_line)
}

/// Runs a command, passes its output on, and adds up the counts that `read` finds in its lines.
fn counted(command: &mut Command, read: fn(&str) -> Option<Count>) -> anyhow::Result<Count> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("stdout is piped")?;
    let stderr = child.stderr.take().context("stderr is piped")?;
    let errors = std::thread::spawn(move || pass_on(stderr, std::io::stderr(), read));
    let mut count = pass_on(stdout, std::io::stdout(), read)?;
    let from_errors = errors.join().map_err(|_| anyhow::anyhow!("the reader of stderr panicked"))??;
    count.passed += from_errors.passed;
    count.failed += from_errors.failed;
    count.skipped += from_errors.skipped;
    let status = child.wait()?;
    match (status.success(), count) {
        (true, Count { passed: 0, .. }) => bail!("no test ran"),
        (true, count) => Ok(count),
        (false, Count { failed, .. }) if failed > 0 => Ok(count),
        (false, _) => bail!("{status}"),
    }
}

fn pass_on(from: impl std::io::Read, mut to: impl Write, read: fn(&str) -> Option<Count>) -> anyhow::Result<Count> {
    let mut count = Count::default();
    for line in BufReader::new(from).split(b'\n') {
        let line = line?;
        to.write_all(&line)?;
        to.write_all(b"\n")?;
        to.flush()?;
        if let Some(found) = read(&String::from_utf8_lossy(&line)) {
            count.passed += found.passed;
            count.failed += found.failed;
            count.skipped += found.skipped;
        }
    }
    Ok(count)
}

/// `     Summary [   1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 2 skipped`
fn nextest_line(line: &str) -> Option<Count> {
    let (_, counts) = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?;
    let timed_out = number_before(counts, "timed out");
    let failed = number_before(counts, "failed") + timed_out + number_before(counts, "exec failed");
    Some(Count { passed: number_before(counts, "passed"), failed, skipped: number_before(counts, "skipped") })
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s`
fn cargo_test_line(line: &str) -> Option<Count> {
    let counts = line.strip_prefix("test result: ")?;
    let counts = counts.split_once(". ").map_or(counts, |(_, counts)| counts);
    let skipped = number_before(counts, "ignored");
    Some(Count { passed: number_before(counts, "passed"), failed: number_before(counts, "failed"), skipped })
}

/// `12 passed, 0 failed`
fn plain_line(line: &str) -> Option<Count> {
    let line = line.trim();
    let first = line.split_once(' ')?.0;
    (first.parse::<u64>().is_ok() && line.contains(" passed, ") && line.contains(" failed")).then(|| Count {
        passed: number_before(line, "passed"),
        failed: number_before(line, "failed"),
        skipped: number_before(line, "skipped"),
    })
}

/// The number before `word` in a list such as `3 passed (1 slow), 1 failed`; 0 when it is not there.
fn number_before(counts: &str, word: &str) -> u64 {
    let parts = counts.split([',', ';']).map(str::trim);
    let numbers = parts.filter_map(|part| {
        let (number, rest) = part.split_once(' ')?;
        (rest == word || rest.starts_with(&format!("{word} ("))).then(|| number.parse::<u64>().ok())?
    });
    numbers.sum()
}

/// Prints what each suite came to, and in the last line how many tests passed and failed.
fn summary(outcomes: &[Outcome]) -> anyhow::Result<()> {
    let mut total = Count::default();
    println!();
    for Outcome { name, took, result } in outcomes {
        let seconds = took.as_secs();
        match result {
            Ok(count) => {
                total.passed += count.passed;
                total.failed += count.failed;
                total.skipped += count.skipped;
                let verdict = if count.failed > 0 { "FAILED" } else { "ok" };
                println!("{verdict:>6}  {name:<8} {seconds:>5} s  {} passed, {} failed", count.passed, count.failed);
            }
            Err(error) => {
                total.failed += 1;
                println!("FAILED  {name:<8} {seconds:>5} s  {error:#}");
            }
        }
    }
    println!("\n{} passed, {} failed, {} skipped", total.passed, total.failed, total.skipped);
    if total.failed > 0 {
        bail!("something failed; see above");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_closing_lines_are_understood() {
        let counts = |count: Option<Count>| count.map(|c| (c.passed, c.failed, c.skipped));
        let nextest = "     Summary [  12.345s] 120 tests run: 117 passed (2 slow), 2 failed, 1 timed out, 4 skipped";
        assert_eq!(counts(nextest_line(nextest)), Some((117, 3, 4)));
        let cargo = "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(counts(cargo_test_line(cargo)), Some((12, 1, 2)));
        assert_eq!(counts(plain_line("9 passed, 1 failed")), Some((9, 1, 0)));
        assert_eq!(counts(plain_line("nothing passed, nothing failed")), None);
        assert_eq!(counts(nextest_line("running 3 tests")), None);
    }
}
