//! The programs of the test kit that work on the server's binary: built, then run with the words they were given.

use crate::command::{cargo, command, run as run_command, target};

/// What a program of the test kit is told. The program knows its options, and lists them with `--help`.
#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Words {
    /// Options of the program; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    words: Vec<String>,
}

impl Words {
    /// Whether `word` is among them.
    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|known| known == word)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }
}

/// How server and program are built.
#[derive(Clone, Copy, PartialEq)]
pub enum Build {
    /// For tests.
    Debug,
    /// For measurements.
    Release,
}

/// Builds server and test kit and runs `program` with the server's binary; fails when it fails.
pub fn run<'a>(program: &str, build: Build, words: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    let mut cargo = cargo(&["build", "--locked", "--package", "server", "--package", "testkit", "--bins"]);
    let programs = match build {
        Build::Debug => target().join("debug"),
        Build::Release => {
            cargo.arg("--release");
            target().join("release")
        }
    };
    run_command(&mut cargo)?;
    let mut program = command(programs.join(program), &["--server"]);
    program.arg(programs.join("reprise")).args(words);
    run_command(&mut program)
}
