//! One transaction: many writes, and the manifest that accounts for them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;

use rand_core::CryptoRngCore;
use sled::Transactional as _;
use sled::transaction::TransactionError;
use zeroize::Zeroizing;

use crate::database::contain;
use crate::keyring::Keyring;
use crate::manifest::{Chain, Fingerprints, Generation, Manifest};
use crate::seal::{self, Place};
use crate::store::lock;
use crate::{Binding, DataKeyId, DatabaseError, SealError, Tree, Write};

/// The tree of the manifest. No batch can name it.
pub(crate) const MANIFEST_TREE: &str = "__generation";

/// The key of the one record in it.
pub(crate) const MANIFEST_KEY: &[u8] = b"manifest";

type Change = Option<(Zeroizing<Vec<u8>>, DataKeyId)>;

/// Applies writes. Its manifest is what the records are, so there is one per store, and none is
/// used after an error.
pub(crate) struct Committer {
    database: sled::Db,
    binding: Binding,
    fingerprints: Fingerprints,
    manifest: Manifest,
}

/// What sealing takes.
pub(crate) struct Secrets {
    pub(crate) keyring: Keyring,
    pub(crate) rng: Box<dyn CryptoRngCore + Send>,
}

impl Committer {
    pub(crate) const fn new(
        database: sled::Db,
        binding: Binding,
        fingerprints: Fingerprints,
        manifest: Manifest,
    ) -> Self {
        Self { database, binding, fingerprints, manifest }
    }

    /// Applies the writes, in order, in one transaction, and hands it to the kernel. It is not yet
    /// safe from a loss of power.
    pub(crate) fn commit(
        &mut self,
        writes: impl Iterator<Item = Write>,
        secrets: &Mutex<Secrets>,
    ) -> Result<Generation, CommitError> {
        contain(|| {
            let staged = self.stage(last_changes(writes), &mut lock(secrets))?;
            staged.apply()?;
            self.database.flush().map_err(DatabaseError::from)?;
            self.manifest = staged.manifest;
            Ok(self.manifest.generation)
        })
    }

    fn stage(
        &self,
        changes: BTreeMap<(Tree, Vec<u8>), Change>,
        Secrets { keyring, rng }: &mut Secrets,
    ) -> Result<Staged, CommitError> {
        let mut manifest = self.manifest.clone();
        let number = manifest.generation.number + 1;
        let mut chain = Chain::after(&manifest.generation);
        let mut trees: BTreeMap<&str, (sled::Tree, sled::Batch)> = BTreeMap::new();
        let open = |tree: &str| -> Result<_, DatabaseError> {
            Ok((self.database.open_tree(tree)?, sled::Batch::default()))
        };
        for ((Tree(tree), key), change) in changes {
            let place = Place { binding: &self.binding, tree, key: &key };
            let sealed = match change {
                Some((value, id)) => {
                    let data_key = keyring.by_id(&id).ok_or(CommitError::UnknownDataKey { id })?;
                    Some(seal::seal(place, data_key, number, &value, &mut **rng)?)
                }
                None => None,
            };
            if !trees.contains_key(tree) {
                trees.insert(tree, open(tree)?);
            }
            let Some((records, batch)) = trees.get_mut(tree) else { continue };
            let old = records.get(&key).map_err(DatabaseError::from)?;
            let print = |sealed: &[u8]| self.fingerprints.of(tree, &key, sealed);
            manifest.replace(tree, old.as_deref().map(print), sealed.as_deref().map(print));
            chain.record(tree, &key, sealed.as_deref());
            match sealed {
                Some(sealed) => batch.insert(key, sealed),
                None => batch.remove(key),
            }
        }
        manifest.generation = Generation { number, chain: chain.finish() };
        manifest.keyring_revision = keyring.revision();
        let mut head = open(MANIFEST_TREE)?;
        head.1.insert(MANIFEST_KEY, seal_manifest(&self.binding, &manifest, keyring, &mut **rng)?);
        trees.insert(MANIFEST_TREE, head);
        Ok(Staged { trees: trees.into_values().collect(), manifest })
    }
}

/// Seals a manifest for the one place where it belongs.
pub(crate) fn seal_manifest(
    binding: &Binding,
    manifest: &Manifest,
    keyring: &Keyring,
    rng: &mut dyn CryptoRngCore,
) -> Result<Vec<u8>, CommitError> {
    let id = DataKeyId::Root;
    let root = keyring.by_id(&id).ok_or(CommitError::UnknownDataKey { id })?;
    let place = Place { binding, tree: MANIFEST_TREE, key: MANIFEST_KEY };
    Ok(seal::seal(place, root, manifest.generation.number, &manifest.encode(), rng)?)
}

/// What each record is in the end, when the writes are applied in order.
fn last_changes(writes: impl Iterator<Item = Write>) -> BTreeMap<(Tree, Vec<u8>), Change> {
    writes
        .map(|write| match write {
            Write::Put { tree, key, value, data_key } => ((tree, key), Some((value, data_key))),
            Write::Delete { tree, key } => ((tree, key), None),
        })
        .collect()
}

struct Staged {
    trees: Vec<(sled::Tree, sled::Batch)>,
    manifest: Manifest,
}

impl Staged {
    fn apply(&self) -> Result<(), DatabaseError> {
        let trees: Vec<&sled::Tree> = self.trees.iter().map(|(tree, _)| tree).collect();
        let applied = trees.as_slice().transaction(|views| {
            for (view, (_, batch)) in views.iter().zip(&self.trees) {
                view.apply_batch(batch)?;
            }
            Ok(())
        });
        applied.map_err(|error: TransactionError<Infallible>| match error {
            TransactionError::Abort(never) => match never {},
            TransactionError::Storage(error) => error.into(),
        })
    }
}

/// Why a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// sled failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A value was not sealed.
    #[error("a value cannot be sealed")]
    Seal(#[from] SealError),
    /// A data key was erased while a write that needs it was in the queue.
    #[error("{id} is not in the keyring: it was erased while a write under it was waiting")]
    UnknownDataKey {
        /// The data key.
        id: DataKeyId,
    },
}
