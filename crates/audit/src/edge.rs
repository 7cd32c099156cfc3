//! The right edge of a tree: what it takes to go on appending.

use std::collections::BTreeMap;

use quorate_model::Digest;
use tlog_tiles::{
    EMPTY_HASH, Error, Hash, HashReader, stored_hash_index, stored_hashes_for_record_hash,
    sub_tree_index, tree_hash,
};

/// The roots of the largest complete subtrees that make up a tree: one for each bit that is set in
/// its length, so at most 64, however long the log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RightEdge {
    length: u64,
    root: Digest,
    /// By their place in the storage order of `tlog_tiles`.
    hashes: BTreeMap<u64, Digest>,
}

/// Not the root of any tree.
const NO_ROOT: Digest = Digest::new([0; 32]);

impl Default for RightEdge {
    fn default() -> Self {
        Self { length: 0, root: Digest::new(EMPTY_HASH.0), hashes: BTreeMap::new() }
    }
}

impl RightEdge {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn root(&self) -> Digest {
        self.root
    }

    /// Appends the hash of a leaf.
    ///
    /// The edge of an edge's own making always has the hashes that the next step reads. Were one
    /// missing, by a fault in this file, then the root would be [`NO_ROOT`] for ever after, since every
    /// later root needs it or what is made from it. Nothing verifies against that, so a wrong root is
    /// never passed off as one.
    pub(crate) fn push(&mut self, leaf: Hash) {
        if self.grow(leaf).is_err() {
            self.root = NO_ROOT;
        }
        self.length += 1;
    }

    fn grow(&mut self, leaf: Hash) -> Result<(), Error> {
        let new = stored_hashes_for_record_hash(self.length, leaf, self)?;
        let places = stored_hash_index(0, self.length)..;
        self.hashes.extend(places.zip(new.iter().map(|hash| Digest::new(hash.0))));
        let length = self.length + 1;
        let edge = sub_tree_index(0, length, Vec::new());
        self.hashes.retain(|place, _| edge.contains(place));
        self.root = Digest::new(tree_hash(length, self)?.0);
        Ok(())
    }
}

impl HashReader for RightEdge {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let read = |place| self.hashes.get(place).map(|digest| Hash(*digest.as_bytes()));
        indexes.iter().map(|place| read(place).ok_or(Error::IndexesNotInTree)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tlog_tiles::record_hash;

    use super::*;
    use crate::fixture;

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let mut edge = RightEdge::default();
        assert_eq!(edge.root().to_string(), fixture::EMPTY_ROOT);
        for (leaf, root) in fixture::RFC_6962 {
            edge.push(record_hash(&hex::decode(leaf).unwrap()));
            assert_eq!(edge.root().to_string(), root, "{}", edge.length());
        }
    }

    #[test]
    fn an_edge_holds_one_hash_for_each_bit_of_its_length() {
        let mut edge = RightEdge::default();
        for length in 1..=4_096_u64 {
            edge.push(record_hash(&length.to_be_bytes()));
            assert_eq!(edge.hashes.len(), length.count_ones() as usize);
        }
    }

    #[test]
    fn an_edge_that_lacks_a_hash_has_no_root_for_ever_after() {
        let mut whole = RightEdge::default();
        (0..11_u64).for_each(|n| whole.push(record_hash(&n.to_be_bytes())));
        for place in whole.hashes.keys() {
            let mut edge = whole.clone();
            edge.hashes.remove(place);
            for n in 11..70_u64 {
                edge.push(record_hash(&n.to_be_bytes()));
                assert_eq!(edge.root(), NO_ROOT, "{place} {n}");
            }
        }
    }

    /// The definition in RFC 6962, section 2.1, word for word: a second opinion on the crate.
    fn defined(leaves: &[Vec<u8>]) -> Hash {
        match leaves {
            [] => EMPTY_HASH,
            [leaf] => record_hash(leaf),
            leaves => {
                let half = leaves.len().next_power_of_two() / 2;
                tlog_tiles::node_hash(defined(&leaves[..half]), defined(&leaves[half..]))
            }
        }
    }

    proptest! {
        #[test]
        fn the_root_is_the_one_that_the_rfc_defines(
            leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..130)
        ) {
            let mut edge = RightEdge::default();
            leaves.iter().for_each(|leaf| edge.push(record_hash(leaf)));
            prop_assert_eq!(edge.root(), Digest::new(defined(&leaves).0));
        }

        #[test]
        fn the_root_is_the_one_of_the_full_tree(count in 0_u64..600) {
            let mut edge = RightEdge::default();
            let mut full: Vec<Hash> = Vec::new();
            for n in 0..count {
                let leaf = record_hash(&n.to_be_bytes());
                edge.push(leaf);
                let new = stored_hashes_for_record_hash(n, leaf, &Full(&full)).unwrap();
                full.extend(new);
                prop_assert_eq!(edge.root(), Digest::new(tree_hash(n + 1, &Full(&full)).unwrap().0));
            }
        }
    }

    /// Every hash of a tree, so that nothing depends on what an edge keeps.
    struct Full<'a>(&'a [Hash]);

    impl HashReader for Full<'_> {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
            Ok(indexes.iter().map(|index| self.0[usize::try_from(*index).unwrap()]).collect())
        }
    }
}
