//! Proofs about a log for who holds its checkpoints and not its entries.

use quorate_model::Digest;
use tlog_tiles::{EMPTY_HASH, Hash, check_record, check_tree};

use crate::{Checkpoint, Entry};

/// Shows that an entry is in the log that a checkpoint is of: RFC 6962's audit path (section 2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof(Vec<Digest>);

/// Shows that the log of one checkpoint is the beginning of the log of another: RFC 6962's
/// consistency proof (section 2.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof(Vec<Digest>);

/// Why there is no proof, or why it is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Asked about more than the log has.
    #[error("proof: the log does not have so many entries")]
    OutOfRange,
    /// More hashes than any log needs.
    #[error("proof: more than {HASHES_MAX} hashes")]
    TooLong,
    /// The checkpoints are of two logs.
    #[error("proof: the checkpoints are of different logs")]
    OtherLog,
    /// The proof does not show it.
    #[error("proof: it does not verify")]
    Invalid,
}

/// A consistency proof of the longest log that a 64-bit length allows (RFC 6962, section 2.1.2).
const HASHES_MAX: usize = 65;

impl InclusionProof {
    /// A proof from its hashes, from the leaf up.
    ///
    /// # Errors
    /// [`ProofError::TooLong`].
    pub fn new(hashes: Vec<Digest>) -> Result<Self, ProofError> {
        bounded(hashes).map(Self)
    }

    /// The hashes, from the leaf up.
    pub fn hashes(&self) -> &[Digest] {
        &self.0
    }

    /// Verifies that this entry, at its index, is in the log of the checkpoint.
    ///
    /// # Errors
    /// [`ProofError::Invalid`].
    pub fn verify(&self, entry: &Entry, within: &Checkpoint) -> Result<(), ProofError> {
        let (path, root) = (hashes(&self.0), hash(&within.head()));
        check_record(&path, within.length(), root, entry.index, entry.leaf())
            .map_err(|_| ProofError::Invalid)
    }
}

impl ConsistencyProof {
    /// A proof from its hashes, from the bottom up.
    ///
    /// # Errors
    /// [`ProofError::TooLong`].
    pub fn new(hashes: Vec<Digest>) -> Result<Self, ProofError> {
        bounded(hashes).map(Self)
    }

    /// The hashes, from the bottom up.
    pub fn hashes(&self) -> &[Digest] {
        &self.0
    }

    /// Verifies that the log of `old` is the beginning of the log of `new`: nothing was changed or
    /// removed in between, only appended.
    ///
    /// # Errors
    /// [`ProofError::OtherLog`], [`ProofError::Invalid`].
    pub fn verify(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), ProofError> {
        if old.origin() != new.origin() {
            return Err(ProofError::OtherLog);
        }
        if old.length() == 0 {
            let nothing = self.0.is_empty() && hash(&old.head()) == EMPTY_HASH;
            return if nothing { Ok(()) } else { Err(ProofError::Invalid) };
        }
        let (before, after) = (hash(&old.head()), hash(&new.head()));
        check_tree(&hashes(&self.0), new.length(), after, old.length(), before)
            .map_err(|_| ProofError::Invalid)
    }
}

fn bounded(hashes: Vec<Digest>) -> Result<Vec<Digest>, ProofError> {
    if hashes.len() <= HASHES_MAX { Ok(hashes) } else { Err(ProofError::TooLong) }
}

fn hash(digest: &Digest) -> Hash {
    Hash(*digest.as_bytes())
}

fn hashes(digests: &[Digest]) -> Vec<Hash> {
    digests.iter().map(hash).collect()
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
