//! Durable queue on the catalog: lease, retry, idempotency key.
//!
//! **The contract**
//! - A job is made in the transaction that owes it ([`catalog::Tx::enqueue`]) and runs at least once after its commit.
//! - `claim` takes a lease: attempt + 1, fence + 1, until a time by the *database's* clock, never the worker's.
//! - Every heartbeat, progress and end carries the fence; no row changed means [`JobsError::Lost`]: somebody else has the
//!   job, stop. Outputs go under the fence's number, or are idempotent, so that a stale worker overwrites nothing.
//! - A lost lease counts as an attempt. Attempts spent: `dead`, which a human can see. So a job that kills its worker
//!   ends, too.
//! - Otherwise it is `ready` again after an exponential wait, which is in the row and survives a restart.
//! - A unique key holds among unfinished jobs only. Jobs of one order key run one at a time, in order of creation; one
//!   that waits for its next attempt holds the others back, one that is dead does not.
//! - A job that somebody cancels ends at once when it waits, and within a second or so when it runs: its runner looks when it is
//!   woken and at each poll.
//! - Handlers are dropped in the middle when the lease is lost, the job cancelled or the process stopped: what they do
//!   must be safe against that as against a crash.

mod backoff;
mod queue;
mod runner;

pub use catalog::{JobRow, JobState, NewJob, Retry, kind};
pub use queue::{JobsError, Queue};
pub use runner::{Attempt, Failure, Finish, Handler, KindLimits, Runner, RunnerSettings};
