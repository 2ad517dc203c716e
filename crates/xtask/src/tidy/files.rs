//! What must not be in a tracked file, and in the sources of the pure crates.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::{command, output, root};

/// Bytes of the largest tracked file: media is made or fetched by a recipe, never committed.
const FILE_BYTES_MAX: u64 = 1_000_000;

/// Where somebody's machine shows: home folders, and folders that only one machine has.
const MACHINE_PATHS: &[&str] =
    &[concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

/// The crates in which nothing waits, reads, draws or looks at a clock.
const PURE_CRATES: &[&str] =
    &["units", "codec", "container", "manifest", "reel", "view", "encode", "rtmp", "rpc", "domain"];

/// What only impure code says.
const IMPURE: &[&str] = &[
    "async fn",
    "async move",
    ".await",
    "std::fs",
    "std::net",
    "std::env::",
    "std::process",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
];

/// The files under version control that are still there, relative to the root.
pub fn tracked() -> anyhow::Result<Vec<PathBuf>> {
    let names = output(&mut command("git", &["ls-files", "-z"]))?;
    let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
    Ok(files.filter(|file| root().join(file).is_file()).collect())
}

/// Files that are too large.
pub fn check_sizes(tracked: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut breaches = Vec::new();
    for file in tracked {
        let bytes = std::fs::metadata(root().join(file)).with_context(|| file.display().to_string())?.len();
        if bytes > FILE_BYTES_MAX {
            breaches.push(format!("{}: {bytes} bytes; {FILE_BYTES_MAX} are allowed", file.display()));
        }
    }
    Ok(breaches)
}

/// Machine paths anywhere, unnumbered to-dos in sources, and impure words in the pure crates.
pub fn check_texts(tracked: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut breaches = Vec::new();
    for file in tracked {
        let bytes = std::fs::read(root().join(file)).with_context(|| file.display().to_string())?;
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let pure = is_pure(file);
        // Tests stand at the end of a file and may do what they like.
        let code_ends = text.lines().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(usize::MAX);
        for (index, line) in text.lines().enumerate() {
            let mut breach = |what: String| breaches.push(format!("{}:{}: {what}", file.display(), index + 1));
            if let Some(path) = MACHINE_PATHS.iter().find(|path| line.contains(**path)) {
                breach(format!("names a folder of one machine ({path})"));
            }
            let todo = concat!("TO", "DO");
            if file.extension().is_some_and(|ext| ext == "rs")
                && line.contains(todo)
                && !line.contains(concat!("TO", "DO(#"))
            {
                breach(format!("a {todo} names an issue: {todo}(#12)"));
            }
            let comment = line.trim_start().starts_with("//");
            let word = IMPURE.iter().find(|word| line.contains(**word));
            if let Some(word) = word.filter(|_| pure && index < code_ends && !comment) {
                breach(format!("{word} in a pure crate"));
            }
        }
    }
    Ok(breaches)
}

/// Whether a file is non-test source of a pure crate.
fn is_pure(file: &Path) -> bool {
    let parts: Vec<_> = file.iter().filter_map(|part| part.to_str()).collect();
    let test = |part: &&str| *part == "tests" || *part == "tests.rs" || *part == "build.rs";
    matches!(parts.as_slice(), ["crates", name, "src", ..] if PURE_CRATES.contains(name)) && !parts.iter().any(test)
}
