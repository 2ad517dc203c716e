//! Relative links in Markdown lead somewhere.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::command::root;

/// Links to files that do not exist.
pub fn check(tracked: &[PathBuf]) -> anyhow::Result<Vec<String>> {
    let mut breaches = Vec::new();
    for file in tracked.iter().filter(|file| file.extension().is_some_and(|ext| ext == "md")) {
        let text = std::fs::read_to_string(root().join(file)).with_context(|| file.display().to_string())?;
        let folder = root().join(file.parent().unwrap_or(Path::new("")));
        for (line, link) in links(&text) {
            let path = link.split(['#', '?']).next().unwrap_or_default();
            let outside = link.contains("://") || link.starts_with("mailto:");
            if !outside && !path.is_empty() && !folder.join(path).exists() {
                breaches.push(format!("{}:{line}: the link {link} leads nowhere", file.display()));
            }
        }
    }
    Ok(breaches)
}

/// The targets of inline links and images outside code, with their line numbers.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        // Every second piece between back-quotes is code.
        let prose: String = line.split('`').step_by(2).collect();
        let mut rest = prose.as_str();
        while let Some((_, after)) = rest.split_once("](") {
            let Some((target, after)) = after.split_once(')') else { break };
            let target = target.split_whitespace().next().unwrap_or_default();
            found.push((index + 1, target.to_owned()));
            rest = after;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_prose_and_not_in_code() {
        let text = "See [a](a.md) and ![b](b.png \"title\").\n```\n[c](c.md)\n```\n`[d](d.md)` [e](e.md#part)\n";
        let found: Vec<_> = links(text);
        assert_eq!(found, [(1, "a.md".into()), (1, "b.png".into()), (5, "e.md#part".into())]);
    }
}
