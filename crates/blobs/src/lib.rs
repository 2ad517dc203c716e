//! Bytes: local files, crash-safe publish.
//!
//! Keys are `/`-separated names below one root. An object that is [`put`](Blobs::put) is there whole or not at all, also
//! after a power loss. A file that grows is appended to with [`AppendFile`] and may be read while it does.
//!
//! **Boundary:** nobody else knows where in the file system anything lies. A program that is to read an object is
//! [told](Blobs::path), and nobody keeps what it was told.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod alarm;
mod append;
mod error;
#[cfg(any(test, feature = "testing"))]
mod faults;
mod files;
mod slips;
mod space;
mod store;

pub use alarm::{Alarm, Change, Seen, Watch};
pub use append::AppendFile;
pub use error::{BlobError, Result};
#[cfg(any(test, feature = "testing"))]
pub use faults::{Blow, Death, Draw, FaultDisk};
pub use slips::{Opened, SLIP_BYTES_MAX, Slips, Stretch};
pub use space::{Measured, Space, Stall, Turn, measure};
pub use store::{Blobs, Listed};
