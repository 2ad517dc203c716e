//! What a run came to: a table, and everything that broke a promise.

use std::fmt::Write;

/// Broken promises that are written out; the rest is counted.
const SHOWN_MAX: usize = 40;

/// The outcome of a run.
#[derive(Debug, Default, Clone)]
pub struct Score {
    /// What was done and measured: its name and the figure, in the order of the table.
    pub rows: Vec<(String, String)>,
    /// Everything that was not as promised; empty when the run passed.
    pub failures: Vec<String>,
}

impl Score {
    /// Adds a line to the table.
    pub fn row(&mut self, name: &str, figure: impl std::fmt::Display) {
        self.rows.push((name.to_owned(), figure.to_string()));
    }

    /// Enters a broken promise when there is one.
    pub fn check(&mut self, holds: bool, failure: impl FnOnce() -> String) {
        if !holds {
            self.failures.push(failure());
        }
    }

    /// The table in Markdown, with the verdict under it.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("| what | figure |\n|---|---|\n");
        for (name, figure) in &self.rows {
            // Writing to a string never fails; here and below.
            let _ = writeln!(text, "| {name} | {figure} |");
        }
        let verdict = match self.failures.len() {
            0 => "**Passed:** every promise was kept.".to_owned(),
            count => format!("**Failed:** {count} broken promises."),
        };
        let _ = writeln!(text, "\n{verdict}");
        for failure in self.failures.iter().take(SHOWN_MAX) {
            let _ = writeln!(text, "- {failure}");
        }
        if self.failures.len() > SHOWN_MAX {
            let _ = writeln!(text, "- … and {} more", self.failures.len() - SHOWN_MAX);
        }
        text
    }
}

/// The least, the middle and the greatest of some figures, as text.
pub fn spread(figures: &mut [u32], unit: &str) -> String {
    figures.sort_unstable();
    match (figures.first(), figures.get(figures.len() / 2), figures.last()) {
        (Some(least), Some(middle), Some(most)) => format!("{least} / {middle} / {most} {unit}"),
        _ => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_promise_stands_under_the_table() {
        let mut score = Score::default();
        score.row("kills", 5);
        score.check(true, || "not this".to_owned());
        assert!(score.to_markdown().contains("| kills | 5 |\n\n**Passed:**"));
        score.check(false, || "an asset is missing".to_owned());
        assert!(score.to_markdown().ends_with("**Failed:** 1 broken promises.\n- an asset is missing\n"));
    }

    #[test]
    fn a_spread_is_told_as_least_middle_and_greatest() {
        assert_eq!(spread(&mut [9, 1, 5], "ms"), "1 / 5 / 9 ms");
        assert_eq!(spread(&mut [], "ms"), "none");
    }
}
