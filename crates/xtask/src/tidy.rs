//! House rules that no compiler checks.

mod arrows;
mod files;
mod links;

use anyhow::bail;
use cargo_metadata::MetadataCommand;

use crate::command::root;
use crate::coverage;

/// Checks every rule, prints each breach, and fails when there is one.
pub fn run() -> anyhow::Result<()> {
    let metadata =
        MetadataCommand::new().current_dir(root()).no_deps().other_options(["--locked".to_owned()]).exec()?;
    let tracked = files::tracked()?;
    let mut breaches = arrows::check(&metadata);
    breaches.extend(files::check_sizes(&tracked)?);
    breaches.extend(files::check_texts(&tracked)?);
    breaches.extend(links::check(&tracked)?);
    breaches.extend(coverage::check()?);
    if breaches.is_empty() {
        println!("tidy: {} crates, {} files, no breach", metadata.packages.len(), tracked.len());
        return Ok(());
    }
    for breach in &breaches {
        println!("tidy: {breach}");
    }
    bail!("{} breaches of the house rules", breaches.len())
}
