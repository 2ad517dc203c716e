//! What was told to be forgotten.
//!
//! Nothing is looked for and removed: each task is remembered, and what was asked of the origin before it is not served any more. The
//! origin itself is a moment behind its catalog, so what was asked for in the first moments after a task is not kept either.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use door::feed::FeedWork;
use regex::Regex;
use serde::{Deserialize, Serialize};
use units::WallTime;

use crate::head::{Head, UNCONFIRMED_MAX};

/// How long after a task the origin may still answer what it was before; it asks its catalog once a second.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a task is remembered: longer than anything is served that was asked for before it.
const REMEMBERED: Duration = Duration::from_secs(UNCONFIRMED_MAX.as_secs() + 86_400);
/// Most tasks that are remembered one by one. Beyond that everything is forgotten, which costs less than to look through them.
const TASKS_MAX: usize = 50_000;
/// The same of regular expressions: each is tried on every request.
const REGEXES_MAX: usize = 100;
/// Largest regular expression, in bytes when compiled.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A task, as it is remembered over restarts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Purge {
    pub(crate) seq: u64,
    pub(crate) what: FeedWork,
    pub(crate) path: String,
    /// What was asked for before this moment (Unix milliseconds) is forgotten.
    pub(crate) until_ms: i64,
}

impl Purge {
    /// A task that came now.
    pub(crate) fn new(seq: u64, what: FeedWork, path: &str, now: WallTime) -> Self {
        let settle = i64::try_from(SETTLE.as_millis()).unwrap_or(i64::MAX);
        Self { seq, what, path: path.to_owned(), until_ms: now.unix_ms.saturating_add(settle) }
    }

    /// Everything there is, as tasks that came now have it.
    pub(crate) fn everything(seq: u64, now: WallTime) -> Self {
        Self::new(seq, FeedWork::Folder, "/", now)
    }

    /// Everything that was kept before this edge knows of any task.
    pub(crate) fn unknown(now: WallTime) -> Self {
        Self { until_ms: now.unix_ms, ..Self::everything(0, now) }
    }
}

/// From which task and moment on something may be served.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Since {
    seq: u64,
    ms: i64,
}

impl Since {
    fn later(self, other: Self) -> Self {
        Self { seq: self.seq.max(other.seq), ms: self.ms.max(other.ms) }
    }
}

#[derive(Default)]
struct Known {
    list: Vec<Purge>,
    files: HashMap<String, Since>,
    folders: HashMap<String, Since>,
    regexes: Vec<(Regex, Since)>,
    /// The last task that was carried out.
    seq: u64,
}

impl Known {
    fn since(&self, path: &str) -> Since {
        let mut since = self.files.get(path).copied().unwrap_or_default();
        if !self.folders.is_empty() {
            for (at, _) in path.match_indices('/') {
                if let Some(folder) = path.get(..=at).and_then(|folder| self.folders.get(folder)) {
                    since = since.later(*folder);
                }
            }
        }
        self.regexes.iter().filter(|(regex, _)| regex.is_match(path)).fold(since, |since, (_, one)| since.later(*one))
    }

    fn add(&mut self, purge: Purge) {
        let since = Since { seq: purge.seq, ms: purge.until_ms };
        let by_name = |names: &mut HashMap<String, Since>| {
            let known = names.entry(purge.path.clone()).or_default();
            *known = known.later(since);
        };
        match purge.what {
            FeedWork::File => by_name(&mut self.files),
            FeedWork::Folder => by_name(&mut self.folders),
            FeedWork::Regex => match regex::RegexBuilder::new(&purge.path).size_limit(REGEX_BYTES_MAX).build() {
                Ok(regex) => self.regexes.push((regex, since)),
                Err(error) => return tracing::error!(%error, seq = purge.seq, "a task cannot be read, and is left out"),
            },
            FeedWork::Preload => return,
        }
        self.list.push(purge);
    }
}

/// All tasks that still count.
#[derive(Default)]
pub(crate) struct Purges {
    known: RwLock<Known>,
}

impl Purges {
    /// Those that were remembered; `seq` is the last task that was carried out.
    pub(crate) fn new(remembered: Vec<Purge>, seq: u64) -> Self {
        let mut known = Known { seq, ..Known::default() };
        remembered.into_iter().for_each(|purge| known.add(purge));
        Self { known: RwLock::new(known) }
    }

    /// Carries out what came, up to the task `seq`, and forgets what is too old to matter.
    pub(crate) fn apply(&self, came: Vec<Purge>, seq: u64, now: WallTime) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut list = std::mem::take(&mut known.list);
        list.retain(|purge| now.since(WallTime::from_unix_ms(purge.until_ms)) < REMEMBERED);
        list.extend(came);
        let regexes = list.iter().filter(|purge| purge.what == FeedWork::Regex).count();
        if list.len() > TASKS_MAX || regexes > REGEXES_MAX {
            tracing::warn!(tasks = list.len(), regexes, "too many tasks to remember: everything is asked for anew");
            list = vec![Purge::everything(seq, now)];
        }
        *known = Known { seq, ..Known::default() };
        list.into_iter().for_each(|purge| known.add(purge));
    }

    /// What has to be remembered over a restart.
    pub(crate) fn list(&self) -> Vec<Purge> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).list.clone()
    }

    /// The last task that was carried out, and the last that had this path forgotten (0: none had).
    pub(crate) fn generation(&self, path: &str) -> (u64, u64) {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        (known.seq, known.since(path).seq)
    }

    /// Whether what was asked for so may still be served.
    pub(crate) fn allow(&self, path: &str, head: &Head) -> bool {
        let since = self.known.read().unwrap_or_else(PoisonError::into_inner).since(path);
        head.seq >= since.seq && head.asked_ms >= since.ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_unix_s(1_772_359_200);

    fn at(seconds: i64) -> WallTime {
        WallTime::from_unix_s(NOW.unix_s() + seconds)
    }

    fn head(seq: u64, asked: WallTime) -> Head {
        Head {
            content_type: String::new(),
            etag: String::new(),
            size: 0,
            keep_s: 60,
            form: None,
            generation: 0,
            seq,
            asked_ms: asked.unix_ms,
        }
    }

    #[test]
    fn a_task_has_forgotten_what_was_asked_for_before_it_and_just_after() {
        let purges = Purges::default();
        purges.apply(vec![Purge::new(7, FeedWork::File, "/v/a/x.mp4", NOW)], 7, NOW);
        for (seq, asked, allowed) in [
            (6, at(-10), false),
            (6, at(10), false), // Its request was on its way when the task came.
            (7, at(0), false),
            (7, at(1), false),
            (7, at(2), true),
            (9, at(20), true),
            (7, at(-100), false), // The clock was set back.
        ] {
            assert_eq!(purges.allow("/v/a/x.mp4", &head(seq, asked)), allowed, "{seq} {asked:?}");
        }
        assert!(purges.allow("/v/a/y.mp4", &head(0, at(-10))));
        assert_eq!((purges.generation("/v/a/x.mp4"), purges.generation("/v/a/y.mp4")), ((7, 7), (7, 0)));
    }

    #[test]
    fn folders_and_expressions_take_what_they_name() {
        let purges = Purges::default();
        let came = vec![
            Purge::new(1, FeedWork::Folder, "/v/a/", NOW),
            Purge::new(2, FeedWork::Regex, r"^/v/b/.*\.m4s$", NOW),
            Purge::new(3, FeedWork::Regex, "(", NOW),
        ];
        purges.apply(came, 3, NOW);
        for (path, gone) in [
            ("/v/a/index.m3u8", true),
            ("/v/a/b/c.m4s", true),
            ("/v/ab/c.m4s", false),
            ("/v/a", false),
            ("/v/b/v0.m4s", true),
            ("/v/b/v0.mp4", false),
        ] {
            assert_eq!(!purges.allow(path, &head(0, at(-1))), gone, "{path}");
        }
        assert_eq!(purges.list().len(), 2, "one that cannot be read is left out");
    }

    #[test]
    fn tasks_are_remembered_over_a_restart_and_not_for_ever() {
        let purges = Purges::default();
        purges.apply(vec![Purge::new(5, FeedWork::Folder, "/v/a/", NOW)], 5, NOW);
        let again = Purges::new(purges.list(), 5);
        assert!(!again.allow("/v/a/x", &head(4, at(-1))));
        assert_eq!(again.generation("/v/b"), (5, 0));
        again.apply(Vec::new(), 6, at(9 * 86_400));
        assert_eq!((again.list().len(), again.generation("/v/a/x")), (0, (6, 0)));
    }

    #[test]
    fn too_many_tasks_become_one_that_forgets_everything() {
        let purges = Purges::default();
        let regex = |seq| Purge::new(seq, FeedWork::Regex, "^/v/a", NOW);
        let many = u64::try_from(REGEXES_MAX).unwrap();
        purges.apply((1..=many).map(regex).collect(), many, NOW);
        assert!(purges.allow("/v/b", &head(0, at(-1))));
        purges.apply(vec![regex(many + 1)], many + 1, NOW);
        assert!(!purges.allow("/v/b", &head(many, at(-1))));
        assert_eq!(purges.list().len(), 1);
    }
}
