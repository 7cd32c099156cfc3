//! Checking all records against the manifest, before anything is read.

use crate::commit::{MANIFEST_KEY, MANIFEST_TREE};
use crate::keyring::Keyring;
use crate::manifest::{Census, Fingerprints, Manifest};
use crate::seal::{self, Place};
use crate::{Binding, DatabaseError, SealError};

/// What checks records.
pub(crate) struct Verifier<'a> {
    pub(crate) database: &'a sled::Db,
    pub(crate) binding: &'a Binding,
    pub(crate) keyring: &'a Keyring,
    pub(crate) fingerprints: &'a Fingerprints,
}

impl Verifier<'_> {
    /// Reads the manifest. `None` where there is none.
    pub(crate) fn manifest(&self) -> Result<Option<Manifest>, AlteredError> {
        let records = self.database.open_tree(MANIFEST_TREE).map_err(DatabaseError::from)?;
        let Some(sealed) = records.get(MANIFEST_KEY).map_err(DatabaseError::from)? else {
            return Ok(None);
        };
        let place = Place { binding: self.binding, tree: MANIFEST_TREE, key: MANIFEST_KEY };
        let record = |source| AlteredError::record(MANIFEST_TREE, MANIFEST_KEY, source);
        let bytes = seal::open(place, self.keyring, &sealed).map_err(record)?;
        Manifest::decode(&bytes).map(Some).ok_or(record(SealError::Truncated))
    }

    /// Checks that the records are those that the manifest accounts for, no less and no more.
    pub(crate) fn check(&self, manifest: &Manifest) -> Result<(), AlteredError> {
        let mut names: Vec<String> = self
            .database
            .tree_names()
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .chain(manifest.trees().map(str::to_owned))
            .filter(|name| name != MANIFEST_TREE)
            .collect();
        names.sort();
        names.dedup();
        names.iter().try_for_each(|tree| self.check_tree(tree, manifest.census(tree)))
    }

    fn check_tree(&self, tree: &str, expected: Census) -> Result<(), AlteredError> {
        let records = self.database.open_tree(tree).map_err(DatabaseError::from)?;
        let mut found = Census::default();
        for record in &records {
            let (key, sealed) = record.map_err(DatabaseError::from)?;
            found.add(self.fingerprints.of(tree, &key, &sealed));
        }
        if found == expected {
            return Ok(());
        }
        self.locate(tree, &records)?;
        let (expected, found) = (expected.count, found.count);
        Err(AlteredError::Tree { tree: tree.to_owned(), expected, found })
    }

    /// Fails for the first record that does not open: the one to blame, if one is.
    fn locate(&self, tree: &str, records: &sled::Tree) -> Result<(), AlteredError> {
        for record in records {
            let (key, sealed) = record.map_err(DatabaseError::from)?;
            let place = Place { binding: self.binding, tree, key: &key };
            match seal::open(place, self.keyring, &sealed) {
                // A record under an erased data key never opens, whole or not.
                Ok(_) | Err(SealError::DataKeyMissing { .. }) => {}
                Err(
                    source @ (SealError::Truncated
                    | SealError::Format { .. }
                    | SealError::Mismatch
                    | SealError::Randomness(_)),
                ) => return Err(AlteredError::record(tree, &key, source)),
            }
        }
        Ok(())
    }
}

/// What in the records is not as this node wrote it.
#[derive(Debug, thiserror::Error)]
pub enum AlteredError {
    /// A record does not open.
    #[error("the record {tree}/{key} was damaged, or comes from elsewhere")]
    Record {
        /// The record's tree.
        tree: String,
        /// The record's key, in hexadecimal.
        key: String,
        /// Why it does not open.
        source: SealError,
    },
    /// Every record opens, but they are not those that were there.
    #[error(
        "records of tree {tree} were deleted, added or put back: {expected} were written, \
         {found} are there"
    )]
    Tree {
        /// The tree.
        tree: String,
        /// How many records it had.
        expected: u64,
        /// How many it has.
        found: u64,
    },
    /// sled failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl AlteredError {
    pub(crate) fn record(tree: &str, key: &[u8], source: SealError) -> Self {
        Self::Record { tree: tree.to_owned(), key: hex::encode(key), source }
    }
}
