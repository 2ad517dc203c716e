//! The `reprise` binary: configuration and wiring. Knows every service, decides nothing.

// The comments of the configuration are printed as they stand, with their example URLs.
#![allow(rustdoc::bare_urls)]

mod access_key;
mod bootstrap;
mod config;
mod data_dir;
mod edge;
mod health;
mod http;
mod keys;
mod logging;
mod master_key;
mod serve;
mod service;
mod upkeep;
mod users;
mod web_console;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use archive::Depth;
use clap::{Args, Parser, Subcommand};

/// A push is some hundred small allocations a second, each freed on another thread than its own: with the C library's
/// allocator that was a seventh of the processor time of a loaded server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Turns live streams into on-demand videos: self-hosted, wire-compatible with the ApsaraVideo Live and VOD OpenAPI.
#[derive(Parser)]
#[command(name = "reprise", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C; a second one ends it at once
    Serve(Sources),
    /// Run an edge: a cache between viewers and a server, until SIGTERM or Ctrl-C
    Edge {
        /// A configuration file; without it the defaults and the environment count
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Check that the catalog and storage agree; exit status 1 when something is wrong. Beside a running server what it is
    /// recording is left out
    Check {
        #[command(flatten)]
        sources: Sources,
        /// Read all media too, against the checksums written with it
        #[arg(long)]
        deep: bool,
        /// Mend what can be mended; the server has to be stopped
        #[arg(long)]
        mend: bool,
    },
    /// Make the catalog anew from storage alone, while the server is stopped; the old one is kept
    Rebuild(Sources),
    /// Make, list, disable, enable and delete access keys, beside a running server or without one
    #[command(subcommand)]
    Key(keys::Command),
    /// Add, list and delete users of the web console and set their passwords, beside a running server or without one
    #[command(subcommand)]
    User(users::Command),
    /// Print the effective configuration with comments (secrets as ***)
    Config(Sources),
}

#[derive(Args)]
pub(crate) struct Sources {
    /// A configuration file; without it the defaults and the environment count
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder; wins over storage.data_dir
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

impl Sources {
    fn load(&self) -> Result<config::Config, config::ConfigError> {
        let mut config = config::load(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.storage.data_dir.clone_from(data);
        }
        Ok(config)
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(sources) => sources.load().map_err(Into::into).and_then(|config| {
            logging::start(&config.log)?;
            serve::run(config).map(|()| ExitCode::SUCCESS)
        }),
        Command::Edge { config } => config::load(config.as_deref()).map_err(Into::into).and_then(|config| {
            logging::start(&config.log)?;
            edge::run(config).map(|()| ExitCode::SUCCESS)
        }),
        Command::Check { sources, deep, mend } => sources.load().map_err(Into::into).and_then(|config| {
            logging::start(&config.log)?;
            upkeep::check(&config, if deep { Depth::Media } else { Depth::Index }, mend)
        }),
        Command::Rebuild(sources) => sources.load().map_err(Into::into).and_then(|config| {
            logging::start(&config.log)?;
            upkeep::rebuild(&config)
        }),
        Command::Key(command) => keys::run(command),
        Command::User(command) => users::run(command),
        // Not print!, which panics when its reader has seen enough.
        Command::Config(sources) => sources.load().map_err(Into::into).and_then(|config| {
            std::io::stdout().write_all(config.to_toml().as_bytes()).context("cannot print the configuration")?;
            Ok(ExitCode::SUCCESS)
        }),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            let error: anyhow::Error = error;
            // When nobody can hear it, the exit status still tells.
            let _ = writeln!(std::io::stderr(), "reprise: {error:#}");
            ExitCode::FAILURE
        }
    }
}
