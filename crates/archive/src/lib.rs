//! What storage tells of itself, and of the catalog: descriptions beside the media, receipts, the check of one against
//! the other, and the catalog made anew.
//!
//! ```text
//! assets/<asset>/asset.json       the rows of an asset
//! assets/<asset>/receipt.json     its story: pushes, gaps, parameters, cycles
//! assets/<asset>/covers/…         its pictures, in a folder for each kind
//! reels/<reel>/recording.json     the rows of a reel, its recording and its pushes
//! reels/<reel>/reel.json          the recorder's own note, written before any row
//! catalog/installation.json       everything that was configured, secrets included
//! ```
//!
//! **Invariant:** a description is written whole or not at all, and never says less than an acknowledged change that
//! was described before it. It may be older than the catalog by the time it takes to write it, never by more. It is the first file
//! in an asset's folder.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing))]

mod check;
mod description;
mod error;
mod rebuild;
mod receipt;
mod reindex;

pub use check::{Depth, LOOKS, Mend, Problem, Report, check, check_beside, mend};
pub use description::{Description, describe_first, description_key, read_description, write_description};
pub use error::{ArchiveError, Result};
pub use rebuild::{Rebuilt, rebuild};
pub use receipt::{
    Receipt, ReceiptGap, SoFar, receipt_key, receipt_of, recorded_so_far, write_receipt, write_receipts,
};
