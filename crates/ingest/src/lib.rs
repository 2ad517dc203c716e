//! Accepts pushes, drives the protocol machines, feeds the hub.
//!
//! A connection is one task. Until its publish is accepted it waits for readiness like any socket. From then on it is read
//! *by the clock*: taken off the poller and looked at every 20-100 ms, so that a stream costs some ten wake-ups a second
//! and not one per packet, and what was read together travels as one batch.
//!
//! All of it runs on the runtime on which [`serve`] is called, whose load decides whether one push more is taken: give it one
//! that carries pushes and their recordings only.
//!
//! **Invariant:** a push is a row in the catalog before its first frame reaches the hub, and that row is ended whatever ends
//! the push, a panic of its task included.

mod admission;
mod clock;
mod connection;
mod housekeeping;
mod listen;
mod load;
mod meter;
mod pace;
mod registry;
mod socket;

use std::sync::Arc;

use blobs::Space;
use catalog::Catalog;
use hub::Hub;
use rtmp::Waits;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::load::Load;
use crate::registry::Registry;

pub use listen::PENDING_MAX;
pub use load::{BACKLOG_BYTES_MAX, LAG_MAX, ROOM_WAIT};

/// Pushes taken at once unless the configuration says otherwise.
pub const PUSHES_MAX: usize = 1_000;
/// The share of the time in which the threads that carry pushes may be busy before new ones are refused, unless the
/// configuration says otherwise. The rest is for what the running ones may ask more.
pub const BUSY_MAX: f64 = 0.7;

/// What happens when a stream is pushed that is pushed already, by a publisher that may do so.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Takeover {
    /// The newest publisher takes over at once, whatever state the older one's connection is in.
    #[default]
    Newest,
    /// The newer one is refused. A publisher that lost its connection without a word is kept out until the old one has
    /// fallen silent for [`Waits::idle`].
    Refuse,
}

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who wins when two push the same stream.
    pub takeover: Takeover,
    /// Pushes taken at once; one more is refused with a reason. A push that supersedes another is always taken.
    pub pushes_max: usize,
    /// The share of the time, from 0 to 1, in which the threads of this runtime may be busy with one push more; past it a new
    /// push waits [`ROOM_WAIT`] and is then refused.
    pub busy_max: f64,
    /// Deadlines of a session.
    pub waits: Waits,
    /// Domain of pushes to a host that is no known domain. It must be in the catalog, or such pushes are refused.
    pub default_push_domain: String,
    /// The name of this node in rows.
    pub node: String,
}

impl Default for Settings {
    fn default() -> Self {
        let default_push_domain = "push.localhost".to_owned();
        Self {
            takeover: Takeover::default(),
            pushes_max: PUSHES_MAX,
            busy_max: BUSY_MAX,
            waits: Waits::default(),
            default_push_domain,
            node: "node-1".to_owned(),
        }
    }
}

/// What ingest works with.
#[derive(Clone)]
pub struct Deps {
    /// Domains, blocks, keys; and a row for each push.
    pub catalog: Catalog,
    /// Where frames go.
    pub hub: Hub,
    /// The disk that recordings are written to.
    pub space: Space,
    /// What an operator may set.
    pub settings: Settings,
}

/// What the tasks of one listener share.
pub(crate) struct Node {
    pub(crate) catalog: Catalog,
    pub(crate) hub: Hub,
    pub(crate) space: Space,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) load: Load,
}

/// Takes pushes until `shutdown` is cancelled; then ends the running ones with `PushEnd::Shutdown`, waits until what they
/// have sent is in the hub and their rows are ended, and returns. Pushes that an earlier process of this node left live in
/// the catalog are ended first.
pub async fn serve(listener: TcpListener, deps: Deps, shutdown: CancellationToken) {
    let Deps { catalog, hub, space, settings } = deps;
    let (clock, registry, load) = (Clock::start(), Registry::default(), Load::default());
    let node = Arc::new(Node { catalog, hub, space, settings, clock, registry, load });
    if !housekeeping::close_orphans(&node, &shutdown).await {
        return;
    }
    // Outlives `shutdown`: the last pushes are still to be ended when it is cancelled.
    let keeping = CancellationToken::new();
    let keepers = TaskTracker::new();
    keepers.spawn(housekeeping::run(Arc::clone(&node), keeping.clone()));
    keepers.spawn(load::watch(Arc::clone(&node), keeping.clone()));
    listen::run(listener, node, shutdown).await;
    keeping.cancel();
    keepers.close();
    keepers.wait().await;
}
