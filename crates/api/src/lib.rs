//! The RPC API of both services on `/`: wire to domain, one module per resource.
//!
//! A request passes the gate (`gate`: read, believe, dispatch), which runs the operation that the table (`operations`)
//! has under its name. An operation is one declaration, from which its parameters are read, and one function; its answer
//! is a serde struct of exactly the contract's shape, which tells that shape as well.
//!
//! **Invariant:** the answer is always JSON, with a RequestId and, when it is an error, a code of the one table in `codes`.
//! **Boundary:** Alibaba's names and quirks stay in `rpc` and here.

pub mod access;
mod caller;
mod codes;
mod declare;
mod delivery;
mod edges;
mod fetch;
mod gate;
mod masked;
pub mod operations;
mod oss;
mod state;
mod throttle;
mod wire;

use axum::Router;
use axum::routing::any;

pub use codes::{Answer, ApiError, Code};
pub use declare::{Declaration, Operation, Service, Tier};
pub use edges::edge_router;
pub use gate::{Asked, call_as};
pub use state::{AccessKey, ApiState, Context, PushSettings, Settings};
pub use throttle::Limits;

/// The store that clients upload to, and the API on `/`, every method: those that are not GET or POST get the contract's error.
pub fn router(state: ApiState) -> Router {
    Router::new().route("/", any(gate::handle)).with_state(state.clone()).merge(oss::router(state))
}
