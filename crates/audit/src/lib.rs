//! The node's audit log: a Merkle tree of entries (RFC 6962), so that nothing can be changed, removed
//! or reordered without the root of the tree changing, and so that one signed root, a checkpoint,
//! stands for all of it.
//!
//! Every act of a node appends an entry in the same durable batch as the act itself.
//!
//! The arithmetic of the tree and the parsing of notes are those of `tlog_tiles` and `signed_note`;
//! here is what a leaf is, what a node keeps, and what is believed on what evidence.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod chain;
mod checkpoint;
mod edge;
mod entry;
mod export;
mod export_writer;
#[cfg(test)]
mod fixture;
mod kind;
mod line;
mod origin;
mod proof;
mod tree;

pub use chain::{ChainError, Log};
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
pub use entry::{Entry, Event};
pub use export::{Export, ExportError, Verified};
pub use export_writer::ExportWriter;
pub use kind::{EventKind, ParseEventKind};
pub use line::LineError;
pub use origin::{Origin, ParseOrigin};
pub use proof::{ConsistencyProof, InclusionProof, ProofError};
pub use tree::Tree;
