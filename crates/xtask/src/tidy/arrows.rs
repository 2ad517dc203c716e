//! Which crate may import which, what the lower ones must not know, and what each manifest says.

use cargo_metadata::{DependencyKind, Metadata, Package};

/// The rows of the house, from below. A crate imports from lower rows; within a row only what `SIDEWAYS` lists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Row {
    Words,
    Formats,
    Protocols,
    Decisions,
    Adapters,
    Services,
    Wiring,
    /// Beside the house: may import anything, is imported by nothing but tests.
    Tools,
}

/// Where each crate stands. A new crate is placed here first.
const PLACES: &[(&str, Row)] = &[
    ("units", Row::Words),
    ("codec", Row::Formats),
    ("container", Row::Formats),
    ("manifest", Row::Formats),
    ("reel", Row::Formats),
    ("view", Row::Formats),
    ("encode", Row::Formats),
    ("rtmp", Row::Protocols),
    ("rpc", Row::Protocols),
    ("domain", Row::Decisions),
    ("hub", Row::Adapters),
    ("catalog", Row::Adapters),
    ("blobs", Row::Adapters),
    ("jobs", Row::Adapters),
    ("archive", Row::Adapters),
    ("outbound", Row::Adapters),
    ("door", Row::Adapters),
    ("ingest", Row::Services),
    ("recorder", Row::Services),
    ("worker", Row::Services),
    ("origin", Row::Services),
    ("edge", Row::Services),
    ("api", Row::Services),
    ("console", Row::Services),
    ("server", Row::Wiring),
    ("sim", Row::Tools),
    ("testkit", Row::Tools),
    ("xtask", Row::Tools),
];

/// The arrows within a row.
const SIDEWAYS: &[(&str, &str)] = &[
    ("container", "codec"),
    ("reel", "codec"),
    ("reel", "container"),
    ("view", "codec"),
    ("view", "container"),
    ("view", "manifest"),
    ("view", "reel"),
    ("encode", "codec"),
    ("encode", "container"),
    ("encode", "reel"),
    ("jobs", "catalog"),
    ("archive", "catalog"),
    ("archive", "blobs"),
    ("door", "catalog"),
];

/// What a crate below the adapters must not import: runtimes, sockets, disks, databases, randomness, clocks. (A library of
/// wire formats may bring a runtime along; what counts is what our own code can name.)
const NOT_BELOW_ADAPTERS: &[&str] = &[
    "tokio",
    "tokio-util",
    "futures",
    "axum",
    "hyper",
    "hyper-util",
    "reqwest",
    "sqlx",
    "object_store",
    "uuid",
    "jiff",
    "moka",
    "tempfile",
    "metrics",
    "tracing",
];

/// Every breach of the arrows and of the manifests.
pub fn check(metadata: &Metadata) -> Vec<String> {
    let mut breaches = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        breaches.extend(check_manifest(package));
        let Some(row) = row(name) else {
            breaches.push(format!("{name} has no row yet: place it in crates/xtask/src/tidy/arrows.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            if dependency.kind == DependencyKind::Development {
                continue;
            }
            let breach = match self::row(&dependency.name) {
                Some(to) if dependency.path.is_some() => (!allowed(name, row, &dependency.name, to))
                    .then(|| format!("{name} ({row:?}) imports {} ({to:?}): arrows point down", dependency.name)),
                _ => (row < Row::Adapters && NOT_BELOW_ADAPTERS.contains(&dependency.name.as_str())).then(|| {
                    format!(
                        "{name} ({row:?}) imports {}: below the adapters nothing waits, reads or draws",
                        dependency.name
                    )
                }),
            };
            breaches.extend(breach);
        }
    }
    breaches
}

fn row(name: &str) -> Option<Row> {
    PLACES.iter().find(|(placed, _)| *placed == name).map(|(_, row)| *row)
}

fn allowed(from: &str, from_row: Row, to: &str, to_row: Row) -> bool {
    match (from_row, to_row) {
        (Row::Tools, _) => true,
        (_, Row::Tools) => false,
        (Row::Decisions, to_row) => to_row == Row::Words,
        (from_row, to_row) if from_row == to_row => SIDEWAYS.contains(&(from, to)),
        (from_row, to_row) => to_row < from_row,
    }
}

fn check_manifest(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let mut breaches = Vec::new();
    let mut want = |held: bool, what: &str| {
        if !held {
            breaches.push(format!("{name}: its Cargo.toml {what}"));
        }
    };
    want(package.license.as_deref() == Some("Apache-2.0"), "has no licence Apache-2.0");
    want(
        package.description.as_deref().is_some_and(|text| text.ends_with('.')),
        "has no description ending in a full stop",
    );
    want(package.publish.as_ref().is_some_and(Vec::is_empty), "does not say publish = false");
    want(
        package.manifest_path.parent().and_then(|dir| dir.file_name()) == Some(name),
        "lies in a folder of another name",
    );
    let text = std::fs::read_to_string(&package.manifest_path).unwrap_or_default();
    want(text.contains("[lints]\nworkspace = true"), "does not take the workspace's lints");
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_down_and_sideways_only_where_listed() {
        let arrow = |from: &str, to: &str| allowed(from, row(from).unwrap(), to, row(to).unwrap());
        for (from, to) in
            [("server", "api"), ("api", "catalog"), ("recorder", "domain"), ("jobs", "catalog"), ("rpc", "units")]
        {
            assert!(arrow(from, to), "{from} -> {to}");
        }
        for (from, to) in [
            ("api", "origin"),
            ("domain", "codec"),
            ("catalog", "jobs"),
            ("codec", "rtmp"),
            ("hub", "ingest"),
            ("api", "testkit"),
        ] {
            assert!(!arrow(from, to), "{from} -> {to}");
        }
    }
}
