//! The check of the catalog against storage: every promise that ties the two together, one by one, in plain words.
//!
//! The check changes nothing. What it finds carries, where there is one, the [`Mend`] that heals it; [`mod@mend`] does that.
//! [`check`] is for a store that nobody writes to: what grows looks torn. [`check_beside`] leaves out what grows, and believes
//! only what it finds again and again.

mod assets;
mod files;
mod mend;
mod pictures;
mod reels;
mod strangers;
mod watermarks;

use std::collections::BTreeSet;
use std::time::Duration;

use blobs::Blobs;
use catalog::{Catalog, ReelState, Subject};
use units::{AssetId, JobId, RecordingId, ReelId};

pub use self::mend::mend;
use crate::error::Result;

/// How much is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Depth {
    /// Rows, descriptions and indexes: some kilobytes a minute of media.
    Index,
    /// Also every byte of media, against the checksums that were written with it.
    Media,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    /// Where: `asset 6f0c… ("court1")`, `reel 77aa…, segment 12`.
    pub place: String,
    /// What, in a sentence.
    pub what: String,
    /// What to do about it, in a sentence.
    pub advice: String,
    /// What heals it, when something does.
    pub mend: Option<Mend>,
}

/// What heals a problem.
#[derive(Clone, PartialEq, Debug)]
pub enum Mend {
    /// Write the description again.
    Describe(Subject),
    /// Make the rows of something that only storage knows.
    Adopt(Subject),
    /// Make the index of a reel again from its segments.
    Reindex(ReelId),
    /// Have an owed event delivered.
    Deliver(units::EventId),
    /// Owe the event that a cycle became an asset.
    OweBirth(AssetId),
    /// Analyse the source of an asset.
    Analyse(AssetId),
    /// Make the pictures of a job, or make them again.
    Picture(JobId),
    /// Take a recording up again from one of its cycles.
    Reopen(RecordingId, u32),
    /// Join the cycles of a recording.
    Compose(RecordingId),
    /// Remove objects that nothing needs.
    Remove(Vec<String>),
    /// Take the spans from a deleted asset.
    DropSpans(AssetId),
}

/// What a check found.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Report {
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
    /// Assets looked at, deleted ones too.
    pub assets: u64,
    /// Reels looked at.
    pub reels: u64,
    /// Segments looked at.
    pub segments: u64,
    /// Bytes of media read.
    pub media_bytes: u64,
}

/// What the checks share.
struct Check<'a> {
    catalog: &'a Catalog,
    blobs: &'a Blobs,
    depth: Depth,
    /// Somebody writes meanwhile.
    beside: bool,
    /// Subjects whose description is being waited for anyway.
    behind: BTreeSet<Subject>,
    report: Report,
}

impl Check<'_> {
    fn found(&mut self, place: impl Into<String>, what: impl Into<String>, advice: &str, mend: Option<Mend>) {
        self.report.problems.push(Problem { place: place.into(), what: what.into(), advice: advice.to_owned(), mend });
    }
}

/// How often what looks wrong beside a running server is looked at.
pub const LOOKS: u32 = 3;
/// What to do where nothing can be mended.
const FROM_A_COPY: &str = "bring the file back from a copy of the media folder; the rest of the video plays";
/// What to do where `--mend` helps.
const BY_MENDING: &str = "run the check with --mend";

/// Checks everything. Errors are of the catalog or the store not answering at all; what is wrong with what they hold is
/// in the report.
pub async fn check(catalog: &Catalog, blobs: &Blobs, depth: Depth) -> Result<Report> {
    look(catalog, blobs, depth, false).await
}

/// Checks, beside a server that runs, what does not grow: recordings that are open are left out, and so is what lies in
/// storage without a row, which may be about to get one. What looks wrong is looked at again, [`LOOKS`] times in all with
/// `pause` in between, and told when it was the same each time: what merely was on its way is not.
pub async fn check_beside(catalog: &Catalog, blobs: &Blobs, depth: Depth, pause: Duration) -> Result<Report> {
    let mut report = look(catalog, blobs, depth, true).await?;
    for _ in 1..LOOKS {
        if report.problems.is_empty() {
            break;
        }
        tokio::time::sleep(pause).await;
        let mut again = look(catalog, blobs, depth, true).await?;
        again.problems.retain(|problem| report.problems.contains(problem));
        report = again;
    }
    Ok(report)
}

async fn look(catalog: &Catalog, blobs: &Blobs, depth: Depth, beside: bool) -> Result<Report> {
    let behind = catalog.stale(u32::MAX).await?.into_iter().map(|stale| stale.subject).collect();
    let mut check = Check { catalog, blobs, depth, beside, behind, report: Report::default() };
    let reels = catalog.all_reels().await?;
    let recordings = catalog.all_recordings().await?;
    for reel in &reels {
        let recording = recordings.iter().find(|recording| recording.reel == reel.id);
        let open = reel.state == ReelState::Open || recording.is_none_or(|recording| !recording.ended);
        if beside && open {
            continue;
        }
        reels::check_reel(&mut check, reel, recording).await?;
    }
    for recording in catalog.forgotten_composes().await? {
        let what = "its rule asks for one video of all its cycles; there is none, and nothing will make it";
        check.found(format!("recording {recording}"), what, BY_MENDING, Some(Mend::Compose(recording)));
    }
    assets::check_assets(&mut check).await?;
    assets::check_installation(&mut check).await?;
    watermarks::check_watermarks(&mut check).await?;
    files::check_files(&mut check).await?;
    if check.beside {
        return Ok(check.report);
    }
    let known: BTreeSet<ReelId> = reels.iter().map(|reel| reel.id).collect();
    let gone = reels.iter().filter(|reel| reel.state == ReelState::Deleted).map(|reel| reel.id).collect();
    strangers::check_strangers(&mut check, &known, &gone).await?;
    Ok(check.report)
}
