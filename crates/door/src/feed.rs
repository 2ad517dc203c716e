//! What an edge and its origin tell each other: `POST /edge/feed`, JSON both ways.
//!
//! The edge says which task it has carried out last and what it knows of domains; the answer comes when there is something else, or
//! after [`PATIENCE`]. Tasks are numbered in the order in which they were made, so what is told once is not told again, and nothing is
//! left out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rules::DomainSettings;

/// Where it is asked for.
pub const PATH: &str = "/edge/feed";
/// How long the origin waits for something to tell: a server that is stopped waits for the answer.
pub const PATIENCE: Duration = Duration::from_secs(4);
/// Most tasks of one answer.
pub const TASKS_MAX: u32 = 500;
/// Largest question, in bytes: reports of some thousand preloads.
pub const ASKED_BYTES_MAX: usize = 1 << 20;

/// What an edge asks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedAsked {
    /// Which edge it is: a name that no other has.
    pub edge: String,
    /// All tasks up to this one are carried out, but preloads, which are reported apart. 0: the edge is new, and has nothing.
    pub after: u64,
    /// The tag of the domains that it knows; 0: none.
    pub domains: u64,
    /// Preloads that ended since the last answer.
    pub preloaded: Vec<Preloaded>,
}

/// How a preload ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Preloaded {
    /// The task.
    pub seq: u64,
    /// Why it failed; `None`: all of it is in the cache.
    pub error: Option<String>,
}

/// What it is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedAnswer {
    /// The last task there is.
    pub last: u64,
    /// Tasks may be missing between `after` and the first of these: everything that the edge has is to be asked for anew.
    pub reset: bool,
    /// In order.
    pub tasks: Vec<FeedTask>,
    /// All domains, when they are not those that the edge knows.
    pub domains: Option<FeedDomains>,
}

/// Something an edge is to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedTask {
    /// Its place in the order.
    pub seq: u64,
    /// What.
    pub what: FeedWork,
    /// The path, with its escapes taken back: a file, a folder with the slash at its end, or a regular expression over paths.
    pub path: String,
}

/// What an edge is to do with a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedWork {
    /// Forget this file.
    File,
    /// Forget what is in this folder.
    Folder,
    /// Forget all whose path the expression fits.
    Regex,
    /// Get this file, before somebody asks for it.
    Preload,
}

/// What the domains ask of those who play from them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FeedDomains {
    /// Tells two sets apart. Never 0.
    pub tag: u64,
    /// All that are played from.
    pub list: Vec<DomainSettings>,
}
