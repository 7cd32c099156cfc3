//! A store: opened once, checked as a whole, read at start.

mod error;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use quorate_model::Erasure;
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

pub use self::error::{OpenError, ReadError};
use crate::commit::{Committer, MANIFEST_KEY, MANIFEST_TREE, Secrets, seal_manifest};
use crate::database::{self, contain};
use crate::durable::{self, parent, sync_dir};
use crate::kek::Making;
use crate::keyring::Keyring;
use crate::manifest::{Fingerprints, Generation, Manifest};
use crate::seal::{self, Place};
use crate::verify::Verifier;
use crate::{
    Binding, CommitError, DataKeyId, DatabaseError, KdfParams, KekError, KekSource, KeyringError,
    RewrapError, Tree, Write,
};

/// What a token takes for one key must not hold up the writer for all of them: it gets its turn between.
const REWRAP_PAUSE: Duration = Duration::from_millis(1);

/// A record that was read: its key and its value.
pub type Record = (Vec<u8>, Zeroizing<Vec<u8>>);

/// The sealed records of one node, in one folder, open in one process.
pub struct Store {
    dir: PathBuf,
    binding: Binding,
    kdf: KdfParams,
    database: sled::Db,
    secrets: Mutex<Secrets>,
    /// Held by whoever wraps the keyring anew.
    rewrapping: Mutex<()>,
    generation: Mutex<Generation>,
    committer: Mutex<Option<Committer>>,
    // Declared last, so that it is released after sled has closed.
    _lock: File,
}

impl Store {
    /// Opens the store in `dir`, or creates it there, and checks every record of it.
    ///
    /// `keks` are tried in their order: the present source, and where it is being replaced the next one.
    /// A new store takes the first. `kdf` counts where a keyring is made or wrapped anew: an existing one
    /// says what it was made with. `rng` makes data keys, salts and nonces.
    ///
    /// # Errors
    ///
    /// When the folder is in use, open to others, another node's, or altered while the node was
    /// down; or the passphrase, the PIN or a wrapping key is missing or wrong. Nothing was changed then,
    /// but for what a change that was cut short had left in a token.
    pub fn open(
        dir: &Path,
        binding: Binding,
        keks: &[KekSource],
        kdf: KdfParams,
        mut rng: Box<dyn CryptoRngCore + Send>,
    ) -> Result<Self, OpenError> {
        let lock = lock_dir(dir)?;
        let keyring_path = dir.join("keyring");
        let created = !fs::exists(&keyring_path).map_err(|e| OpenError::folder(dir, e))?;
        let database = database::open(&dir.join("records"))?;
        let mut keyring = if created {
            let kek = keks.first().ok_or(KeyringError::OtherSource)?;
            let keyring = Keyring::generate(keyring_path, binding, kek, kdf, &mut *rng)?;
            create(&database, &binding, &keyring, &mut *rng)?;
            keyring
        } else {
            Keyring::open(keyring_path, binding, keks)?
        };
        let (manifest, fingerprints) =
            contain(|| verified_manifest(&database, &binding, &keyring))?;
        sync_all(dir).map_err(|e| OpenError::folder(dir, e))?;
        if created {
            // Last: where there is a keyring, there is a manifest.
            keyring.save(&mut *rng)?;
        }
        let generation = manifest.generation;
        let committer = Committer::new(database.clone(), binding, fingerprints, manifest);
        Ok(Self {
            dir: dir.to_owned(),
            binding,
            kdf,
            database,
            secrets: Mutex::new(Secrets { keyring, rng }),
            rewrapping: Mutex::default(),
            generation: Mutex::new(generation),
            committer: Mutex::new(Some(committer)),
            _lock: lock,
        })
    }

    /// All records of a tree, opened, in the order of their keys. Meant for the start of a node:
    /// what a writer has not yet completed may be among them.
    ///
    /// # Errors
    ///
    /// When a record does not open, also because its data key was erased. Delete a share's record
    /// first, then erase its data key.
    pub fn scan(&self, tree: Tree) -> Result<Vec<Record>, ReadError> {
        contain(|| {
            let records = self.database.open_tree(tree.0).map_err(DatabaseError::from)?;
            self.opened(tree, records.iter())
        })
    }

    /// At most so many records of a tree from a key on, opened, in the order of their keys. Meant for
    /// reading a tree while the node runs: a writer waits for one page, not for the whole tree. What
    /// it has not yet completed may be among the records.
    ///
    /// # Errors
    ///
    /// When a record does not open.
    pub fn page(&self, tree: Tree, from: &[u8], count: usize) -> Result<Vec<Record>, ReadError> {
        contain(|| {
            let records = self.database.open_tree(tree.0).map_err(DatabaseError::from)?;
            self.opened(tree, records.range(from..).take(count))
        })
    }

    fn opened(
        &self,
        tree: Tree,
        records: impl Iterator<Item = sled::Result<(sled::IVec, sled::IVec)>>,
    ) -> Result<Vec<Record>, ReadError> {
        let Secrets { keyring, .. } = &*lock(&self.secrets);
        let mut opened = Vec::new();
        for record in records {
            let (key, sealed) = record.map_err(DatabaseError::from)?;
            let place = Place { binding: &self.binding, tree: tree.0, key: &key };
            let value = seal::open(place, keyring, &sealed).map_err(|source| ReadError::Seal {
                tree,
                key: hex::encode(&key),
                source,
            })?;
            opened.push((key.to_vec(), value));
        }
        Ok(opened)
    }

    /// How far the records are: what was durable last.
    pub fn generation(&self) -> Generation {
        *lock(&self.generation)
    }

    /// Makes a data key, durably. One that exists stays.
    ///
    /// # Errors
    ///
    /// When the keyring was not written: there is no such data key then.
    pub fn add_data_key(&self, id: &DataKeyId) -> Result<(), KeyringError> {
        let Secrets { keyring, rng } = &mut *lock(&self.secrets);
        keyring.add(id, &mut **rng)
    }

    /// Destroys a data key, durably, and with it whatever is sealed under it. Returns whether there
    /// was one.
    ///
    /// The keyring is rewritten without it and the old file overwritten; where a token has a wrapping key
    /// for it, that is destroyed as well. [`Self::erasure`] says what this is worth. An old keyring that
    /// is put back is noticed when a batch was written after the erasure; a token notices it always.
    ///
    /// # Errors
    ///
    /// When the keyring was not written; the data key cannot be used until a restart then, and may
    /// be there after it. The root data key is never erased.
    pub fn erase_data_key(&self, id: &DataKeyId) -> Result<bool, KeyringError> {
        let Secrets { keyring, rng } = &mut *lock(&self.secrets);
        keyring.erase(id, &mut **rng)
    }

    /// How surely the data keys of the shares that there are now will be gone once they are erased:
    /// [`Complete`](Erasure::Complete) where each was only ever wrapped by a key of its own in the present
    /// token. Otherwise an old copy of the keyring (a backup, a snapshot, a copy-on-write or flash block)
    /// together with the passphrase still has them.
    pub fn erasure(&self) -> Erasure {
        lock(&self.secrets).keyring.erasure()
    }

    /// Wraps every data key anew, durably, while the store is in use: under a key of `kek`, or where that
    /// is the token that wraps them now, under new keys in it. What wrapped them before opens the keyring
    /// no more, and is destroyed where it is in a token. Killed at any time, either opens it.
    ///
    /// # Errors
    ///
    /// [`RewrapError::Refused`] when nothing has changed. [`RewrapError::Failed`] when the change is not
    /// known to be whole: the keyring takes no other until a restart then.
    pub fn rewrap(&self, kek: &KekSource, rng: &mut dyn CryptoRngCore) -> Result<(), RewrapError> {
        let _turn = lock(&self.rewrapping);
        let refused = |error: KekError| RewrapError::Refused(error.into());
        let description = lock(&self.secrets).keyring.description();
        let next = if kek.is_token_of(&description) {
            None
        } else {
            // Deriving a key takes its time, in which the store is not held up.
            let making = Making { binding: self.binding, kdf: self.kdf, rng: &mut *rng };
            Some(kek.make(making).map_err(refused)?)
        };
        let begun = lock(&self.secrets).keyring.begin_rewrap(next);
        let mut rewrap = begun.map_err(RewrapError::Refused)?;
        let mut before = loop {
            {
                let keyring = &mut lock(&self.secrets).keyring;
                if !keyring.wrap_next(&mut rewrap, rng).map_err(RewrapError::Refused)? {
                    break keyring.switch(rewrap, rng).map_err(RewrapError::Failed)?;
                }
            }
            thread::sleep(REWRAP_PAUSE);
        };
        while lock(&self.secrets).keyring.destroy_next(&mut before).map_err(RewrapError::Failed)? {
            thread::sleep(REWRAP_PAUSE);
        }
        Ok(())
    }

    /// The data keys that there are.
    pub fn data_keys(&self) -> Vec<DataKeyId> {
        lock(&self.secrets).keyring.ids().cloned().collect()
    }

    /// Bytes that the file system has left for this process.
    ///
    /// # Errors
    ///
    /// When the file system does not say.
    pub fn free_space(&self) -> std::io::Result<u64> {
        let stat = rustix::fs::statvfs(&self.dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    pub(crate) fn has_data_key(&self, id: &DataKeyId) -> bool {
        lock(&self.secrets).keyring.by_id(id).is_some()
    }

    /// The one committer, to the first who asks.
    pub(crate) fn take_committer(&self) -> Option<Committer> {
        lock(&self.committer).take()
    }

    pub(crate) fn commit(
        &self,
        committer: &mut Committer,
        writes: impl Iterator<Item = Write>,
    ) -> Result<Generation, CommitError> {
        committer.commit(writes, &self.secrets)
    }

    pub(crate) fn set_generation(&self, generation: Generation) {
        *lock(&self.generation) = generation;
    }

    /// sled's own file, whose data a sync makes durable.
    pub(crate) fn open_log(&self) -> std::io::Result<File> {
        File::open(self.dir.join("records").join("db"))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let generation = self.generation();
        f.debug_struct("Store")
            .field("dir", &self.dir)
            .field("generation", &generation)
            .finish_non_exhaustive()
    }
}

/// A panic leaves none of this crate's mutexes guarding anything half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_dir(dir: &Path) -> Result<File, OpenError> {
    let folder = |source| OpenError::folder(dir, source);
    durable::create_private_dir(dir).map_err(folder)?;
    if durable::is_exposed(dir).map_err(folder)? {
        return Err(OpenError::Exposed { dir: dir.to_owned() });
    }
    let lock = durable::open_private(&dir.join("lock")).map_err(folder)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(folder(source)),
    }
}

/// Writes the manifest of a store without records, unless there are records.
fn create(
    database: &sled::Db,
    binding: &Binding,
    keyring: &Keyring,
    rng: &mut dyn CryptoRngCore,
) -> Result<(), OpenError> {
    contain(|| {
        for name in database.tree_names() {
            let records = database.open_tree(&name).map_err(DatabaseError::from)?;
            // Creating was cut short if nothing but a manifest is there.
            if name != MANIFEST_TREE && !records.is_empty() {
                return Err(OpenError::KeyringMissing);
            }
        }
        let manifest = Manifest::empty(keyring.revision());
        let sealed = seal_manifest(binding, &manifest, keyring, rng)?;
        let tree = database.open_tree(MANIFEST_TREE).map_err(DatabaseError::from)?;
        tree.insert(MANIFEST_KEY, sealed).map_err(DatabaseError::from)?;
        database.flush().map_err(DatabaseError::from)?;
        Ok(())
    })
}

fn verified_manifest(
    database: &sled::Db,
    binding: &Binding,
    keyring: &Keyring,
) -> Result<(Manifest, Fingerprints), OpenError> {
    let id = DataKeyId::Root;
    let (_, root) = keyring.by_id(&id).ok_or(CommitError::UnknownDataKey { id })?;
    let fingerprints = Fingerprints::new(root);
    let verifier = Verifier { database, binding, keyring, fingerprints: &fingerprints };
    let manifest = verifier.manifest()?.ok_or(OpenError::ManifestMissing)?;
    if keyring.revision() < manifest.keyring_revision {
        let (found, expected) = (keyring.revision(), manifest.keyring_revision);
        return Err(OpenError::KeyringPutBack { found, expected });
    }
    verifier.check(&manifest)?;
    Ok((manifest, fingerprints))
}

/// Makes durable what creating or recovering has written, down to the folders' names.
fn sync_all(dir: &Path) -> std::io::Result<()> {
    let records = dir.join("records");
    File::open(records.join("db"))?.sync_all()?;
    File::open(records.join("conf"))?.sync_all()?;
    sync_dir(&records)?;
    sync_dir(dir)?;
    sync_dir(parent(dir))
}

#[cfg(test)]
pub(crate) mod tests;
