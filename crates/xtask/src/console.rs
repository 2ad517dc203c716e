//! `cargo xtask console`: the types of the console from the declarations of the server; and the check that what is checked in is what its
//! sources give.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::command::{cargo, command, find, root, run};
use crate::setup;

/// Where the sources of the console are.
const FOLDER: &str = "console";
/// What is made of them.
const BUILT: &str = "dist";

/// Writes what lies in `console/src/generated`.
pub fn write_types() -> anyhow::Result<()> {
    let test = ["test", "--locked", "--workspace", "--test", "console_types"];
    run(cargo(&test).env("UPDATE_GOLDEN", "1"))
}

/// Checks and tests the sources of the console, builds them, and compares what comes of it with what is checked in, byte by byte.
pub fn check() -> anyhow::Result<()> {
    let folder = root().join(FOLDER);
    if !folder.join("package.json").is_file() {
        println!("the console has no sources: what is checked in is all there is");
        return Ok(());
    }
    find("npm").context("the console is built with npm, which is not there: run `cargo xtask setup`")?;
    let before = files(&folder.join(BUILT))?;
    let path = setup::path_with_node();
    let npm = |words: &[&str]| -> Command {
        let mut npm = command("npm", words);
        npm.current_dir(&folder).env("PATH", &path);
        npm
    };
    run(&mut npm(&["ci", "--no-audit", "--no-fund"]))?;
    for script in ["check", "test", "build"] {
        run(&mut npm(&["run", script]))?;
    }
    let after = files(&folder.join(BUILT))?;
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&before) != names(&after) {
        bail!(
            "{FOLDER}/{BUILT} has other files than its sources give: run `npm run build` in {FOLDER} and check it in"
        );
    }
    for ((name, old), (_, new)) in before.iter().zip(&after) {
        if old != new {
            let name = name.display();
            bail!(
                "{FOLDER}/{BUILT}/{name} is not what its sources give: run `npm run build` in {FOLDER} and check it in"
            );
        }
    }
    Ok(())
}

/// All files below a folder, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(inner) = folders.pop() {
        for entry in std::fs::read_dir(&inner).with_context(|| inner.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = std::fs::read(&path).with_context(|| path.display().to_string())?;
                found.push((path.strip_prefix(folder)?.to_owned(), content));
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_in_all_folders() {
        let folder = std::env::temp_dir().join(format!("xtask-console-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("assets")).unwrap();
        std::fs::write(folder.join("index.html"), "a").unwrap();
        std::fs::write(folder.join("assets/app.js"), "b").unwrap();
        let found = files(&folder).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let wanted =
            [("assets/app.js", b"b"), ("index.html", b"a")].map(|(name, text)| (PathBuf::from(name), text.to_vec()));
        assert_eq!(found, wanted);
    }
}
