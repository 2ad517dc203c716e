//! `reprise user`: users of the web console from the command line. It calls the operations of the API, as `reprise key` does.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::Value;

use crate::Sources;
use crate::keys::{call, columns};

/// What is to be done.
#[derive(Subcommand)]
pub enum Command {
    /// Add a user; the password is asked for, or read from the first line of standard input
    Add {
        #[command(flatten)]
        sources: Sources,
        /// With what the user signs in
        name: String,
        /// What the user may do
        #[arg(long, default_value = "admin")]
        role: Role,
    },
    /// Set another password, which signs the user out everywhere
    Password(Named),
    /// List all users
    List {
        #[command(flatten)]
        sources: Sources,
    },
    /// Delete a user, and sign the user out
    Delete(Named),
}

/// One user.
#[derive(Args)]
pub struct Named {
    #[command(flatten)]
    sources: Sources,
    /// The user's name
    name: String,
}

/// What a user may do.
#[derive(Clone, Copy, ValueEnum)]
pub enum Role {
    /// Everything, also with keys and users
    Admin,
    /// All with streams and videos
    Operator,
    /// Look, and play
    Viewer,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
        }
    }
}

/// Runs a command of `reprise user`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let text = match command {
        Command::Add { sources, name, role } => {
            let password = ask_password()?;
            let params = [("UserName", name.as_str()), ("Password", &password), ("Role", role.word())];
            runtime.block_on(call(&sources.load()?, "CreateConsoleUser", &params))?;
            format!("{name} is added\n")
        }
        Command::Password(Named { sources, name }) => {
            let password = ask_password()?;
            let params = [("UserName", name.as_str()), ("Password", &password)];
            runtime.block_on(call(&sources.load()?, "UpdateConsoleUser", &params))?;
            format!("{name} has another password\n")
        }
        Command::List { sources } => table(&runtime.block_on(call(&sources.load()?, "ListConsoleUsers", &[]))?)?,
        Command::Delete(Named { sources, name }) => {
            runtime.block_on(call(&sources.load()?, "DeleteConsoleUser", &[("UserName", &name)]))?;
            format!("{name} is deleted\n")
        }
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn table(listed: &Value) -> anyhow::Result<String> {
    let users = listed["ConsoleUsers"].as_array().context("the answer has no users")?;
    let named = ["UserName", "Role", "CreateDate", "LastSignInDate"];
    Ok(columns(users, named, ["NAME", "ROLE", "CREATED", "LAST SIGN-IN"]))
}

/// The password: from a terminal without showing it, twice; else the first line of standard input.
fn ask_password() -> anyhow::Result<String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return line(&input);
    }
    let shown = tcgetattr(&input).context("cannot ask for a password")?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&input, OptionalActions::Flush, &hidden).context("cannot hide the password")?;
    let asked = ask("password: ").and_then(|()| line(&input));
    let again = ask("\nonce more: ").and_then(|()| line(&input));
    tcsetattr(&input, OptionalActions::Flush, &shown).context("cannot show what is typed again")?;
    ask("\n")?;
    let (password, again) = (asked?, again?);
    if password != again {
        bail!("these are two passwords");
    }
    Ok(password)
}

fn ask(what: &str) -> anyhow::Result<()> {
    let mut out = std::io::stderr();
    out.write_all(what.as_bytes()).and_then(|()| out.flush()).context("cannot ask for a password")
}

fn line(input: &std::io::Stdin) -> anyhow::Result<String> {
    let mut text = String::new();
    input.lock().read_line(&mut text).context("cannot read the password")?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        bail!("there is no password on standard input");
    }
    Ok(text.to_owned())
}
