//! Installs what demo, tests and benches need beside Rust: Debian packages, and the Node packages of the browser tests. (The SDK
//! suite installs its own Python packages.)
//!
//! Packages come from the registries this machine is configured for. Nothing is installed that is already there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::command::{command, find, output, root, run as run_command, succeeds, target};

/// A program and the Debian package that has it.
struct Program {
    name: &'static str,
    package: &'static str,
    there: fn() -> bool,
}

/// What a task needs.
pub struct Needs {
    programs: &'static [Program],
    node: bool,
}

const FFMPEG: Program = Program { name: "ffmpeg", package: "ffmpeg", there: || on_path(&["ffmpeg", "ffprobe"]) };
const PYTHON: Program = Program { name: "python3 with venv", package: "python3-venv", there: python_has_venv };
const CHROMIUM: Program = Program { name: "chromium", package: "chromium", there: || on_path(&["chromium"]) };
const NODE: Program = Program { name: "node", package: "nodejs", there: || on_path(&["node"]) };
const NPM: Program = Program { name: "npm", package: "npm", there: || on_path(&["npm"]) };
const FAKETIME: Program = Program { name: "libfaketime", package: "libfaketime", there: has_faketime };
const POSTGRESQL: Program = Program { name: "PostgreSQL's server", package: "postgresql", there: has_postgresql };
/// A server of certificates, and the names that it asks for.
const PEBBLE: Program =
    Program { name: "pebble", package: "pebble", there: || on_path(&["pebble", "pebble-challtestsrv"]) };
const CURL: Program = Program { name: "curl", package: "curl", there: || on_path(&["curl"]) };
/// The engine of the fuzz targets is C++.
const CXX: Program = Program { name: "a C++ compiler", package: "g++", there: || on_path(&["c++"]) };
const NGINX_RTMP: Program =
    Program { name: "nginx with its RTMP module", package: "libnginx-mod-rtmp", there: has_nginx_rtmp };

const NGINX: Program = Program { name: "nginx", package: "nginx-light", there: || on_path(&["nginx"]) };
const WRK: Program = Program { name: "wrk", package: "wrk", there: || on_path(&["wrk"]) };

/// For `cargo xtask demo`.
pub const DEMO: Needs = Needs { programs: &[FFMPEG, PYTHON], node: false };
/// For `cargo xtask test`.
pub const TEST: Needs = Needs {
    programs: &[FFMPEG, PYTHON, CHROMIUM, NODE, NPM, POSTGRESQL, CXX, FAKETIME, CURL, PEBBLE, NGINX],
    node: true,
};
/// For `cargo xtask bench`.
pub const BENCH: Needs = Needs { programs: &[FFMPEG, PYTHON, NGINX_RTMP], node: false };

/// For `cargo xtask bench deliver`.
pub const DELIVER: Needs = Needs { programs: &[FFMPEG, NGINX, WRK], node: false };

/// Installs what is missing, or says in one line what to install.
pub fn run(needs: &Needs) -> anyhow::Result<()> {
    install_packages(needs.programs)?;
    if needs.node {
        node_packages("browser")?;
        if !node_is_new_enough() {
            node_packages("node")?;
        }
    }
    Ok(())
}

/// The search path with a Node before it that is new enough for the console's sources: Debian 12 has an older one.
pub fn path_with_node() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if node_is_new_enough() {
        return path;
    }
    // As the packages call it. Of those for other machines none is installed.
    let machine = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let own = node_dir("node").join(format!("node_modules/node-linux-{machine}/bin"));
    let folders = std::iter::once(own).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

/// Whether the machine's Node is one that the console's packages run on (`engines` in `console/package.json`).
fn node_is_new_enough() -> bool {
    let version = output(&mut command("node", &["--version"])).unwrap_or_default();
    let mut numbers = version.trim().trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(20), Some(19))
}

/// The folder in which `run` installs the Node packages of a folder of `tests`.
fn node_dir(name: &str) -> PathBuf {
    target().join(name)
}

fn install_packages(programs: &[Program]) -> anyhow::Result<()> {
    let missing: Vec<_> = programs.iter().filter(|program| !(program.there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|program| program.name).collect::<Vec<_>>().join(", ");
    let packages: Vec<_> = missing.iter().map(|program| program.package).collect();
    let Some(become_root) = root_prefix().filter(|_| find("apt-get").is_some()) else {
        bail!("missing: {names}. Install with: sudo apt-get install {}", packages.join(" "));
    };
    println!("installing {names}");
    let apt = |args: &[&str]| {
        let words: Vec<_> = become_root.iter().copied().chain(["env", "DEBIAN_FRONTEND=noninteractive"]).collect();
        // Run level 1 keeps the packages' services from starting: tests start their own.
        let mut apt = command(words[0], &words[1..]);
        apt.args(["RUNLEVEL=1", "apt-get", "-q", "-y"]).args(args).stdin(std::process::Stdio::null());
        run_command(&mut apt)
    };
    apt(&["update"])?;
    let install: Vec<_> = ["install", "--no-install-recommends"].into_iter().chain(packages.iter().copied()).collect();
    apt(&install)
        .with_context(|| format!("cannot install {names}; by hand: apt-get install {}", packages.join(" ")))?;
    match missing.iter().find(|program| !(program.there)()) {
        Some(program) => bail!("{} was installed and {} is still not to be found", program.package, program.name),
        None => Ok(()),
    }
}

/// The words before a command that make it run as root; `None` when that is not to be had without a question.
fn root_prefix() -> Option<Vec<&'static str>> {
    let is_root = output(&mut command("id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    match is_root {
        true => Some(Vec::new()),
        false => succeeds(&mut command("sudo", &["-n", "true"])).then(|| vec!["sudo", "-n"]),
    }
}

fn on_path(programs: &[&str]) -> bool {
    programs.iter().all(|program| find(program).is_some())
}

fn python_has_venv() -> bool {
    succeeds(&mut command("python3", &["-c", "import venv, ensurepip"]))
}

/// The folder of PostgreSQL's server programs: on the path, or where Debian keeps them.
fn has_postgresql() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    on_path(&["initdb", "postgres"]) || versions.into_iter().any(|version| version.path().join("bin/initdb").is_file())
}

/// The library that sets a server's clock: Debian keeps it below its architecture's folder.
fn has_faketime() -> bool {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.into_iter().any(|folder| folder.path().join("faketime/libfaketimeMT.so.1").is_file())
}

fn has_nginx_rtmp() -> bool {
    on_path(&["nginx"]) && Path::new("/usr/lib/nginx/modules/ngx_rtmp_module.so").is_file()
}

/// The Node packages of a folder of `tests`, as its lock file has them.
fn node_packages(name: &str) -> anyhow::Result<()> {
    let wanted = root().join("tests").join(name);
    let (manifest, lock) = (wanted.join("package.json"), wanted.join("package-lock.json"));
    let folder = node_dir(name);
    unless_stamped(&folder, &[&manifest, &lock], || {
        println!("installing the Node packages of tests/{name}");
        std::fs::copy(&manifest, folder.join("package.json"))?;
        std::fs::copy(&lock, folder.join("package-lock.json"))?;
        run_command(command("npm", &["ci", "--silent", "--no-audit", "--no-fund"]).current_dir(&folder))
    })
}

/// Does `install` unless it succeeded before with the same `inputs`.
fn unless_stamped(folder: &Path, inputs: &[&Path], install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut wanted = OsString::new();
    for input in inputs {
        wanted.push(std::fs::read_to_string(input).with_context(|| format!("cannot read {}", input.display()))?);
    }
    let stamp = folder.join("installed");
    let wanted = wanted.into_encoded_bytes();
    if std::fs::read(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    install()?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}
