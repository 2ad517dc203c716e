//! `cargo xtask coverage`: which operations of the two APIs are there, as a page of the reference.
//!
//! What there could be stands in `docs/reference/operations.tsv`, what is there in the declarations of `crates/api`: they are read as
//! text, in the one form that `operations!` allows, so that this needs no build of the server.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::command::root;

/// What there could be.
const OPERATIONS: &str = "docs/reference/operations.tsv";
/// The page.
const PAGE: &str = "docs/reference/coverage.md";
/// Where operations are declared, one module per resource.
const DECLARATIONS: &str = "crates/api/src/operations";
/// The table that makes a declaration an operation.
const TABLE: &str = "crates/api/src/operations.rs";

/// An operation of the vendor's.
#[derive(Debug, PartialEq)]
struct Known {
    /// `VOD: media assets`.
    section: String,
    /// `T1`.
    tier: String,
    name: String,
}

/// An operation that is declared.
#[derive(Debug, PartialEq)]
struct Declared {
    /// `Live` or `Vod`.
    service: String,
    /// `T1`, or `Own`.
    tier: String,
    name: String,
}

/// Writes the page.
pub fn run() -> anyhow::Result<()> {
    std::fs::write(root().join(PAGE), page()?)?;
    println!("{PAGE} is written");
    Ok(())
}

/// Whether the page says what is so.
pub fn check() -> anyhow::Result<Vec<String>> {
    let written = std::fs::read_to_string(root().join(PAGE)).unwrap_or_default();
    let stale = written != page()?;
    Ok(stale
        .then(|| format!("{PAGE} is not what the declarations say: run cargo xtask coverage"))
        .into_iter()
        .collect())
}

fn page() -> anyhow::Result<String> {
    let known = known(&std::fs::read_to_string(root().join(OPERATIONS)).context(OPERATIONS)?)?;
    let table = std::fs::read_to_string(root().join(TABLE)).context(TABLE)?;
    let mut declared = Vec::new();
    for text in sources(&root().join(DECLARATIONS))? {
        declared.extend(declarations(&text));
    }
    declared.sort_by(|one, other| one.name.cmp(&other.name));
    for operation in &declared {
        let row = format!("::{}::OPERATION", operation.name);
        ensure!(table.contains(&row), "{} is declared, and not in the table of {TABLE}", operation.name);
    }
    rendered(&known, &declared)
}

/// All files in a folder and in those in it.
fn sources(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            texts.extend(sources(&path)?);
        } else {
            texts.push(std::fs::read_to_string(&path).with_context(|| path.display().to_string())?);
        }
    }
    Ok(texts)
}

fn known(text: &str) -> anyhow::Result<Vec<Known>> {
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let row = |line: &str| match line.split('\t').collect::<Vec<_>>()[..] {
        [section, tier, name] => {
            Ok(Known { section: section.to_owned(), tier: tier.to_owned(), name: name.to_owned() })
        }
        _ => bail!("{OPERATIONS}: {line:?} has not three columns"),
    };
    rows.map(row).collect()
}

/// The declarations in one file: lines such as `Vod T1 GetVideoInfo => get_video_info {`.
fn declarations(text: &str) -> Vec<Declared> {
    let one = |line: &str| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [service @ ("Live" | "Vod"), tier @ ("T1" | "T2" | "T3" | "Own"), name, "=>", _, "{" | "{}"] => {
            Some(Declared { service: service.to_owned(), tier: tier.to_owned(), name: name.to_owned() })
        }
        _ => None,
    };
    text.lines().filter_map(one).collect()
}

fn rendered(known: &[Known], declared: &[Declared]) -> anyhow::Result<String> {
    let mut page = "# Coverage\n\nWhich operations of ApsaraVideo Live and VOD are answered here. Made of the declarations by `cargo xtask coverage`; do not edit it.\n\
        T1 is the core, T2 is expected, T3 is nice. What is *not yet* here is refused with `InvalidAction.NotFound` (404). Where an operation\n\
        differs from the vendor's is told in [deviations](deviations.md).\n"
        .to_owned();
    let names: BTreeSet<_> = known.iter().map(|operation| operation.name.as_str()).collect();
    ensure!(names.len() == known.len(), "{OPERATIONS} has a name twice");
    for operation in declared {
        let listed = known.iter().find(|known| known.name == operation.name);
        match (listed, operation.tier.as_str()) {
            (Some(listed), tier) if listed.tier == tier => {}
            (None, "Own") => {}
            (listed, tier) => bail!("{} is declared as {tier}, and {OPERATIONS} has {listed:?}", operation.name),
        }
    }
    let is_there = |name: &str| declared.iter().any(|operation| operation.name == name);

    page.push_str("\n| tier | there | of |\n|---|---|---|\n");
    for tier in ["T1", "T2", "T3"] {
        let all: Vec<_> = known.iter().filter(|operation| operation.tier == tier).collect();
        let there = all.iter().filter(|operation| is_there(&operation.name)).count();
        writeln!(page, "| {tier} | {there} | {} |", all.len())?;
    }
    let mut section = "";
    for operation in known {
        if operation.section != section {
            section = &operation.section;
            write!(page, "\n## {section}\n\n| operation | tier | |\n|---|---|---|\n")?;
        }
        let state = if is_there(&operation.name) { "yes" } else { "not yet" };
        writeln!(page, "| {} | {} | {state} |", operation.name, operation.tier)?;
    }
    page.push_str("\n## Our own\n\n| operation | service |\n|---|---|\n");
    for operation in declared.iter().filter(|operation| operation.tier == "Own") {
        writeln!(page, "| {} | {} |", operation.name, operation.service.replace("Vod", "VOD"))?;
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "
operations! {
    /// Tells.
    Vod T1 GetVideoInfo => get_video_info {
        VideoId => video_id: Option<IdText>,
    }

    Live Own ListPushes => list_pushes {}
}
";

    #[test]
    fn declarations_are_told_from_what_is_around_them() {
        let declared = |service: &str, tier: &str, name: &str| Declared {
            service: service.into(),
            tier: tier.into(),
            name: name.into(),
        };
        let wanted = [declared("Vod", "T1", "GetVideoInfo"), declared("Live", "Own", "ListPushes")];
        assert_eq!(declarations(DECLARED), wanted);
    }

    #[test]
    fn the_page_tells_what_is_there_and_what_is_not() {
        let known = known("# A comment.\nVOD: assets\tT1\tGetVideoInfo\nVOD: assets\tT2\tDeleteStream\n").unwrap();
        let page = rendered(&known, &declarations(DECLARED)).unwrap();
        for line in [
            "| T1 | 1 | 1 |",
            "| T2 | 0 | 1 |",
            "## VOD: assets",
            "| GetVideoInfo | T1 | yes |",
            "| DeleteStream | T2 | not yet |",
            "| ListPushes | Live |",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in {page}");
        }
    }

    #[test]
    fn what_contradicts_the_list_is_an_error() {
        let declared = declarations(DECLARED);
        for list in ["VOD: assets\tT2\tGetVideoInfo\n", "", "VOD: a\tT1\tGetVideoInfo\nVOD: b\tT1\tGetVideoInfo\n"] {
            assert!(rendered(&known(list).unwrap(), &declared).is_err(), "{list:?}");
        }
        assert!(known("VOD: assets\tT2\n").is_err());
    }
}
