//! The node's audit log: entries, each chained to the one before, so that nothing can be changed,
//! removed or reordered without the head changing.
//!
//! Every act of a node appends an entry in the same durable batch as the act itself.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod chain;
mod entry;

pub use chain::{ChainError, Log};
pub use entry::{Entry, Event, EventKind, ParseEventKind};
