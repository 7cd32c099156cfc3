//! Backups of a node's shares: what is in one, how it is sealed to the node's recovery officers, and
//! how it is shown to be good without telling what is in it.
//!
//! A fresh secret seals the contents. It is split among the officers (Feldman's verifiable secret
//! sharing), so that as many of them as the trust root asks for have it, and fewer know nothing of it.
//! Each officer's piece is an age file, which is made and opened outside of this crate.
//!
//! **Architecture invariant:** nothing here opens anything with fewer pieces than the header asks for,
//! and a piece counts only if the header's commitments say that it is one.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::panic, clippy::expect_used))]

mod contents;
mod header;
mod open;
mod piece;
mod proof;
mod seal;
#[cfg(test)]
mod tests;

pub use contents::{Contents, ContentsError, Draft, KeyContents};
pub use header::{Header, HeaderError};
pub use open::{OpenError, Opened};
pub use piece::{Piece, PieceError};
pub use proof::{ProofError, RestoreProof};
pub use seal::{Backup, SealError, Sealing};

/// Keys in one backup, at most.
pub const KEYS_MAX: usize = 8_192;
