//! The manifest: a sealed record of what all records are, moved on by every transaction.
//!
//! For each tree it has the number of records and the exclusive-or of their fingerprints. A
//! fingerprint is an HMAC under a key that only the node has, so nobody else can find records that
//! cancel out (MSet-XOR-Hash, Clarke et al., ASIACRYPT 2003; a tree is a set, so no record counts
//! twice).

use std::collections::BTreeMap;

use hmac::{Hmac, Mac as _};
use quorate_model::Digest;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::data_key::DataKey;
use crate::fields::Fields;

/// How often the records have changed, and a hash over all changes in their order.
///
/// A node cannot notice by itself that its whole data folder was put back to an earlier day: that
/// is what this is for, kept by its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// Transactions since the store was created.
    pub number: u64,
    /// The hash of the hash before it, and of what the transaction wrote.
    pub chain: Digest,
}

/// What all records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) generation: Generation,
    /// The keyring is at least of this revision, unless it was put back.
    pub(crate) keyring_revision: u64,
    trees: BTreeMap<String, Census>,
}

impl Manifest {
    /// The manifest of a store without records.
    pub(crate) fn empty(keyring_revision: u64) -> Self {
        let generation = Generation { number: 0, chain: Digest::new([0; 32]) };
        Self { generation, keyring_revision, trees: BTreeMap::new() }
    }

    /// What the records of a tree are.
    pub(crate) fn census(&self, tree: &str) -> Census {
        self.trees.get(tree).copied().unwrap_or_default()
    }

    /// The trees with records.
    pub(crate) fn trees(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Notes that a record was `old` and is `new`.
    pub(crate) fn replace(
        &mut self,
        tree: &str,
        old: Option<Fingerprint>,
        new: Option<Fingerprint>,
    ) {
        let mut census = self.census(tree);
        if let Some(fingerprint) = old {
            census.count = census.count.wrapping_sub(1);
            census.mix(fingerprint);
        }
        if let Some(fingerprint) = new {
            census.add(fingerprint);
        }
        if census == Census::default() {
            self.trees.remove(tree);
        } else {
            self.trees.insert(tree.to_owned(), census);
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.generation.number.to_be_bytes().to_vec();
        bytes.extend_from_slice(self.generation.chain.as_bytes());
        bytes.extend_from_slice(&self.keyring_revision.to_be_bytes());
        for (tree, census) in &self.trees {
            bytes.extend_from_slice(&census.count.to_be_bytes());
            bytes.extend_from_slice(&census.sum);
            bytes.extend_from_slice(&(tree.len() as u64).to_be_bytes());
            bytes.extend_from_slice(tree.as_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let number = fields.u64()?;
        let generation = Generation { number, chain: Digest::new(fields.array()?) };
        let keyring_revision = fields.u64()?;
        let mut trees = BTreeMap::new();
        while !fields.is_empty() {
            let census = Census { count: fields.u64()?, sum: fields.array()? };
            let length = usize::try_from(fields.u64()?).ok()?;
            let tree = std::str::from_utf8(fields.bytes(length)?).ok()?;
            trees.insert(tree.to_owned(), census);
        }
        Some(Self { generation, keyring_revision, trees })
    }
}

/// What the records of a tree are: how many, and the exclusive-or of their fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Census {
    pub(crate) count: u64,
    sum: [u8; 32],
}

impl Census {
    /// Counts one more record.
    pub(crate) fn add(&mut self, fingerprint: Fingerprint) {
        self.count = self.count.wrapping_add(1);
        self.mix(fingerprint);
    }

    fn mix(&mut self, fingerprint: Fingerprint) {
        self.sum.iter_mut().zip(fingerprint.0).for_each(|(sum, byte)| *sum ^= byte);
    }
}

/// What a record is, in 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// Takes fingerprints.
pub(crate) struct Fingerprints(Zeroizing<[u8; 32]>);

impl Fingerprints {
    pub(crate) fn new(root: &DataKey) -> Self {
        Self(root.fingerprint_key())
    }

    pub(crate) fn of(&self, tree: &str, key: &[u8], sealed: &[u8]) -> Fingerprint {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_ref())
            .expect("HMAC takes a key of any length");
        for field in [tree.as_bytes(), key, sealed] {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        Fingerprint(mac.finalize().into_bytes().into())
    }
}

/// Hashes what a transaction writes, in order.
pub(crate) struct Chain(Sha256);

impl Chain {
    pub(crate) fn after(generation: &Generation) -> Self {
        let mut hash = Sha256::new_with_prefix(b"quorate/v1/store/chain");
        hash.update(generation.number.to_be_bytes());
        hash.update(generation.chain.as_bytes());
        Self(hash)
    }

    pub(crate) fn record(&mut self, tree: &str, key: &[u8], sealed: Option<&[u8]>) {
        // A sealed value is never empty: no two lists of changes have one encoding.
        for field in [tree.as_bytes(), key, sealed.unwrap_or_default()] {
            self.0.update((field.len() as u64).to_be_bytes());
            self.0.update(field);
        }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest::new(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprints() -> Fingerprints {
        Fingerprints::new(&DataKey::from_slice(&[7; 32]).unwrap())
    }

    #[test]
    fn a_manifest_reads_as_it_was_written() {
        let prints = fingerprints();
        let mut manifest = Manifest::empty(3);
        manifest.replace("a", None, Some(prints.of("a", b"k", b"v")));
        manifest.replace("b", None, Some(prints.of("b", b"k", b"v")));
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes), Some(manifest));
        assert_eq!(Manifest::decode(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn the_order_of_changes_does_not_matter_but_every_record_does() {
        let prints = fingerprints();
        let [one, two] = [prints.of("a", b"1", b"v"), prints.of("a", b"2", b"v")];
        let (mut left, mut right) = (Manifest::empty(1), Manifest::empty(1));
        for print in [one, two] {
            left.replace("a", None, Some(print));
        }
        for print in [two, one] {
            right.replace("a", None, Some(print));
        }
        assert_eq!(left, right);
        left.replace("a", Some(one), None);
        assert_ne!(left, right);
        left.replace("a", Some(two), None);
        assert_eq!(left, Manifest::empty(1));
    }

    #[test]
    fn a_fingerprint_depends_on_tree_key_value_and_node() {
        let print = fingerprints().of("ab", b"c", b"v");
        let other = Fingerprints::new(&DataKey::from_slice(&[8; 32]).unwrap());
        for different in [
            fingerprints().of("a", b"bc", b"v"),
            fingerprints().of("ab", b"cv", b""),
            fingerprints().of("ab", b"c", b"w"),
            other.of("ab", b"c", b"v"),
        ] {
            assert_ne!(print, different);
        }
    }

    #[test]
    fn a_chain_depends_on_what_came_before_and_on_every_change() {
        let start = Manifest::empty(1).generation;
        let chain = |generation: &Generation, sealed| {
            let mut chain = Chain::after(generation);
            chain.record("a", b"k", sealed);
            chain.finish()
        };
        let first = chain(&start, Some(&b"v"[..]));
        assert_ne!(first, chain(&start, None));
        assert_ne!(first, chain(&Generation { number: 1, chain: first }, Some(&b"v"[..])));
    }
}
