//! All hashes of a log: what proofs are made from.

use quorate_model::Digest;
use tlog_tiles::{
    Error, Hash, HashReader, prove_record, prove_tree, stored_hashes_for_record_hash, tree_hash,
};

use crate::{ConsistencyProof, Entry, InclusionProof, ProofError};

/// The hashes of a whole log, about 64 bytes an entry. A node does not keep one; it is made from the
/// entries when somebody asks for a proof.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    length: u64,
    /// In the storage order of `tlog_tiles`.
    hashes: Stored,
}

#[derive(Debug, Clone, Default)]
struct Stored(Vec<Hash>);

impl Tree {
    /// The tree of these entries, which are the first of a log. Their order is not verified:
    /// [`Log::verify`](crate::Log::verify) does that.
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`], where the log does not fit in memory.
    pub fn new<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, ProofError> {
        entries.into_iter().try_fold(Self::default(), |mut tree, entry| {
            let new = stored_hashes_for_record_hash(tree.length, entry.leaf(), &tree.hashes)
                .map_err(|_| ProofError::OutOfRange)?;
            tree.hashes.0.extend(new);
            tree.length += 1;
            Ok(tree)
        })
    }

    /// How many entries there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The head of the log when it had so many entries.
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`], where it never had.
    pub fn root(&self, length: u64) -> Result<Digest, ProofError> {
        self.within(length)?;
        let root = tree_hash(length, &self.hashes).map_err(|_| ProofError::OutOfRange)?;
        Ok(Digest::new(root.0))
    }

    /// Proves that an entry is in the log of so many entries (RFC 6962, section 2.1.1).
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`], where it is not, or where there never were so many.
    pub fn prove_inclusion(&self, index: u64, length: u64) -> Result<InclusionProof, ProofError> {
        self.within(length)?;
        let proof = prove_record(length, index, &self.hashes);
        InclusionProof::new(digests(&proof.map_err(|_| ProofError::OutOfRange)?))
    }

    /// Proves that the log of `old` entries is the beginning of the log of `new` entries (RFC 6962,
    /// section 2.1.2).
    ///
    /// # Errors
    /// [`ProofError::OutOfRange`], where `old` is more than `new`, or where there never were so many.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Result<ConsistencyProof, ProofError> {
        self.within(new)?;
        if old == 0 {
            // Nothing is the beginning of everything.
            return ConsistencyProof::new(Vec::new());
        }
        let proof = prove_tree(new, old, &self.hashes).map_err(|_| ProofError::OutOfRange)?;
        ConsistencyProof::new(digests(&proof))
    }

    fn within(&self, length: u64) -> Result<(), ProofError> {
        if length <= self.length { Ok(()) } else { Err(ProofError::OutOfRange) }
    }
}

fn digests(hashes: &[Hash]) -> Vec<Digest> {
    hashes.iter().map(|hash| Digest::new(hash.0)).collect()
}

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let read = |place: u64| usize::try_from(place).ok().and_then(|at| self.0.get(at)).copied();
        indexes.iter().map(|place| read(*place).ok_or(Error::IndexesNotInTree)).collect()
    }
}
