//! Reads the hub, drives the recording machine, writes segments.
//!
//! One task per stream path. It owns the recording's `assembly` (pure: which frame goes where), its `disk`
//! (files, on blocking threads) and its `ledger` (rows, in order, not in the way).
//!
//! **Invariant:** what a publisher was told is taken is on disk within a second, or the log and the reel say what is not.
//! **Invariant:** no asset without its event: both come from one catalog transaction, after the media is durable.
//! **Invariant:** a panic in the task of one stream costs that stream what a crash of the process would, and the others nothing.
//! **Boundary:** viewers read what is stored; nothing they do reaches this crate.

mod account;
mod active;
mod alarm;
mod answer;
mod assembly;
#[cfg(feature = "sim")]
pub mod bare;
mod buffer;
mod clock;
mod command;
mod demand;
mod disk;
mod falls;
mod ledger;
mod recover;
mod story;
mod stream;
mod timeline;
mod unheard;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use blobs::{BlobError, Blobs, Space};
use catalog::{Catalog, CommandAnswer, Ids, OpenCommand};
use hub::{NewPush, Pushes};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use units::StreamPath;

use crate::clock::Clock;
use crate::recover::{FoundOpen, Recovered};
use crate::stream::Inbox;

/// Pushes of one path that wait for its task: each supersedes the one before, so more than a few mean a publisher that
/// reconnects without pause. A full inbox makes the others wait.
const PENDING_PUSHES_MAX: usize = 16;
/// Commands for one path that wait for its task. What finds no place is not carried out, and whoever gave it is told so.
const PENDING_COMMANDS_MAX: usize = 16;
/// Commands for this node that wait to be handed to their tasks; a full queue makes the others wait in the catalog.
const COMMANDS_MAX: usize = 64;

/// Recordings taken up late that wait for their task; a full queue makes the others wait.
const FOUND_LATE_MAX: usize = 8;

/// How recordings are made durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The name of this node in the rows of its recordings.
    pub node: String,
    /// How often what was written is synced to the disk: the most that a power loss may cost.
    pub sync_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { node: "local".to_owned(), sync_interval: Duration::from_secs(1) }
    }
}

/// What the recorder works with.
#[derive(Clone)]
pub struct Deps {
    /// Rows.
    pub catalog: Catalog,
    /// Files.
    pub blobs: Blobs,
    /// The disk they lie on; who admits pushes hears from it that the disk does not follow.
    pub space: Space,
    /// Names for recordings, reels and assets.
    pub ids: Arc<Ids>,
    /// How.
    pub settings: Settings,
}

/// Why the recorder could not start or a reel could not be opened.
#[derive(Debug, Error)]
pub enum RecorderError {
    /// The files.
    #[error("storage")]
    Blobs(#[from] BlobError),
    /// The files.
    #[error("storage")]
    Io(#[from] std::io::Error),
    /// The rows.
    #[error("catalog")]
    Catalog(#[from] catalog::CatalogError),
    /// A blocking task was lost: the process is going down or has a bug.
    #[error("a writing task was lost")]
    Task(#[from] tokio::task::JoinError),
}

/// Records until `shutdown`, then until every push has ended and its media is durable.
///
/// First takes up what the last run left open, also what the catalog never heard of: torn tails are cut off, cycles that are owed to the catalog are sealed,
/// recordings within their grace wait for their publisher, the others are sealed with their true end. Errors of single
/// recordings are logged; only a catalog that cannot be read at all is returned.
pub async fn run(mut pushes: Pushes, deps: Deps, shutdown: CancellationToken) -> Result<(), RecorderError> {
    let clock = Clock::start();
    let mut tasks = JoinSet::new();
    let mut streams: HashMap<StreamPath, Outbox> = HashMap::new();
    // Of two recordings of one path (the older could not be taken up by an earlier start) the newer one is fed; the other
    // waits out its grace.
    let mut waiting: Vec<Outbox> = Vec::new();
    unheard::take_in(&deps).await?;
    let FoundOpen { recovered, later } = recover::open_recordings(&deps, &clock).await?;
    for recovered in recovered {
        let path = recovered.row.path.clone();
        let outbox = start(&mut tasks, &deps, clock, path.clone(), Some(recovered), shutdown.clone());
        waiting.extend(streams.insert(path, outbox));
    }
    let (watched, mut commands) = mpsc::channel(COMMANDS_MAX);
    let watching = shutdown.child_token();
    tasks.spawn(demand::watch(deps.clone(), watched, watching.clone()));
    let (found, mut found_late) = mpsc::channel(FOUND_LATE_MAX);
    for row in later {
        tasks.spawn(recover::keep_trying(deps.clone(), clock, row, found.clone(), watching.clone()));
    }
    drop(found);
    loop {
        tokio::select! {
            biased;
            push = pushes.next() => match push {
                Some(push) => hand_over(&mut tasks, &mut streams, &deps, clock, push, &shutdown).await,
                None => break,
            },
            () = shutdown.cancelled() => break,
            Some(recovered) = found_late.recv() => {
                let path = recovered.row.path.clone();
                let outbox = start(&mut tasks, &deps, clock, path.clone(), Some(recovered), shutdown.clone());
                waiting.retain(|outbox| !outbox.pushes.is_closed());
                // What is pushed by now has a recording of its own.
                match streams.contains_key(&path) {
                    true => waiting.push(outbox),
                    false => drop(streams.insert(path, outbox)),
                }
            }
            Some(command) = commands.recv() => hand_command(&mut tasks, &streams, &deps, clock, command),
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a recording's task failed; the next start takes its recording up");
                }
                streams.retain(|_, outbox| !outbox.pushes.is_closed());
            }
        }
    }
    watching.cancel();
    // Pushes that were accepted while this was going down.
    while let Ok(Some(push)) = tokio::time::timeout(Duration::ZERO, pushes.next()).await {
        hand_over(&mut tasks, &mut streams, &deps, clock, push, &shutdown).await;
    }
    drop((streams, waiting));
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a recording's task failed; the next start takes its recording up");
        }
    }
    Ok(())
}

/// The way to the task of a path.
struct Outbox {
    pushes: mpsc::Sender<NewPush>,
    commands: mpsc::Sender<OpenCommand>,
}

/// Gives a command to the task of its path. Without one there is neither a push nor a recording.
fn hand_command(
    tasks: &mut JoinSet<()>,
    streams: &HashMap<StreamPath, Outbox>,
    deps: &Deps,
    clock: Clock,
    command: OpenCommand,
) {
    let seq = command.seq;
    let refused = match streams.get(&command.path).map(|outbox| outbox.commands.try_send(command)) {
        Some(Ok(())) => return,
        Some(Err(TrySendError::Full(_))) => CommandAnswer::Failed,
        Some(Err(TrySendError::Closed(_))) | None => CommandAnswer::NotLive,
    };
    let (deps, at) = (deps.clone(), clock.wall());
    tasks.spawn(async move { demand::answer(&deps, seq, refused, at).await });
}

/// Gives a push to the task of its path, starting one when there is none.
async fn hand_over(
    tasks: &mut JoinSet<()>,
    streams: &mut HashMap<StreamPath, Outbox>,
    deps: &Deps,
    clock: Clock,
    push: NewPush,
    shutdown: &CancellationToken,
) {
    let path = push.info.path.clone();
    let push = match streams.get(&path) {
        Some(outbox) => match outbox.pushes.send(push).await {
            Ok(()) => return,
            // The task has just ended.
            Err(refused) => refused.0,
        },
        None => push,
    };
    let outbox = start(tasks, deps, clock, path.clone(), None, shutdown.clone());
    if outbox.pushes.send(push).await.is_err() {
        tracing::error!(stream = %path, "a recording's task ended before its first push");
    }
    streams.insert(path, outbox);
}

fn start(
    tasks: &mut JoinSet<()>,
    deps: &Deps,
    clock: Clock,
    path: StreamPath,
    recovered: Option<Recovered>,
    shutdown: CancellationToken,
) -> Outbox {
    let (pushes, new_pushes) = mpsc::channel(PENDING_PUSHES_MAX);
    let (commands, new_commands) = mpsc::channel(PENDING_COMMANDS_MAX);
    let inbox = Inbox { pushes: new_pushes, commands: new_commands };
    tasks.spawn(stream::run(deps.clone(), clock, path, recovered, inbox, shutdown));
    Outbox { pushes, commands }
}

#[cfg(test)]
mod service_tests;
