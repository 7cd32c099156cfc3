//! The keyring: data keys in a small file apart from the records, wrapped by keys that are not on the
//! disk, so that a sharing can be erased by rewriting a few hundred bytes.

mod file;
mod rewrap;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use quorate_model::Erasure;
use rand_core::CryptoRngCore;

use self::file::{Entry, Wrapped, damaged};
pub use self::rewrap::RewrapError;
use crate::data_key::DataKey;
use crate::kek::Making;
use crate::wrapping::{WrappingId, WrappingKeys};
use crate::{Binding, DataKeyId, KdfParams, KekError, KekSource, durable};

const KEYS_MAX: usize = 65_536;
/// The first revision, and the root data key's serial.
const FIRST: u64 = 1;

/// The open keyring of a store.
///
/// `revision` counts its versions, and a data key's *serial* is the revision that added it: a
/// serial is never used twice, even for the same id.
#[derive(Debug)]
pub(crate) struct Keyring {
    path: PathBuf,
    binding: Binding,
    wrapping: Box<dyn WrappingKeys>,
    revision: u64,
    /// The revision with which the present wrapping keys took over from others.
    complete_since: u64,
    entries: BTreeMap<DataKeyId, Entry>,
    keys: BTreeMap<u64, DataKey>,
    /// A change failed: what is on the disk and in a token is only known after a restart.
    failed: bool,
}

impl Keyring {
    /// Makes a keyring with a root data key. It is not on the disk until [`Self::save`].
    pub(crate) fn generate(
        path: PathBuf,
        binding: Binding,
        kek: &KekSource,
        kdf: KdfParams,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, KeyringError> {
        let mut wrapping = kek.make(Making { binding, kdf, rng: &mut *rng })?;
        // What is left of a try that was cut short; and nothing may be there of another keyring.
        wrapping.tidy(&BTreeSet::new(), FIRST - 1)?;
        let mut keyring = Self::empty(path, binding, wrapping);
        keyring.wrap(DataKeyId::Root, FIRST, rng)?;
        Ok(keyring)
    }

    /// Reads a keyring, and checks every byte of it. It is opened by the first of the sources that does.
    /// What a change that was cut short has left in tokens is destroyed.
    pub(crate) fn open(
        path: PathBuf,
        binding: Binding,
        keks: &[KekSource],
    ) -> Result<Self, KeyringError> {
        let bytes = fs::read(&path).map_err(|source| KeyringError::io(&path, source))?;
        let (wrapped, sealed) = file::check(&bytes)?;
        if wrapped.binding != binding {
            return Err(KeyringError::OtherNode);
        }
        let (wrapping, earlier) = unlock(&wrapped, keks)?;
        let keyring = Self::open_by(path, wrapped, sealed, wrapping)?;
        for kek in earlier {
            kek.tidy_after_move(binding, keyring.revision)?;
        }
        Ok(keyring)
    }

    fn open_by(
        path: PathBuf,
        wrapped: Wrapped,
        sealed: &[u8],
        wrapping: Box<dyn WrappingKeys>,
    ) -> Result<Self, KeyringError> {
        let mut keyring = Self::empty(path, wrapped.binding, wrapping);
        (keyring.revision, keyring.complete_since) = (wrapped.revision, wrapped.complete_since);
        for entry in wrapped.entries {
            keyring.unwrap(entry)?;
        }
        file::verify(sealed, keyring.root()?)?;
        keyring.wrapping.tidy(&keyring.used(), keyring.revision)?;
        Ok(keyring)
    }

    fn empty(path: PathBuf, binding: Binding, wrapping: Box<dyn WrappingKeys>) -> Self {
        let (entries, keys) = (BTreeMap::new(), BTreeMap::new());
        let (revision, complete_since, failed) = (FIRST, FIRST, false);
        Self { path, binding, wrapping, revision, complete_since, entries, keys, failed }
    }

    /// Writes the keyring for the first time.
    pub(crate) fn save(&mut self, rng: &mut dyn CryptoRngCore) -> Result<(), KeyringError> {
        self.write(self.revision, durable::replace, rng)?;
        Ok(self.wrapping.tidy(&self.used(), self.revision)?)
    }

    /// Makes a data key, durably, unless there is one of this id.
    pub(crate) fn add(
        &mut self,
        id: &DataKeyId,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        if self.entries.contains_key(id) {
            return Ok(());
        }
        if self.keys.len() >= KEYS_MAX {
            return Err(KeyringError::Full);
        }
        let serial = self.next_revision()?;
        let added = self.try_add(id, serial, rng);
        if added.is_err() {
            self.failed = true;
            self.remove(id);
        }
        added
    }

    fn try_add(
        &mut self,
        id: &DataKeyId,
        serial: u64,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        self.wrap(id.clone(), serial, rng)?;
        self.write(serial, durable::replace, rng)?;
        Ok(self.wrapping.settle(serial)?)
    }

    /// Destroys a data key, durably. Returns whether there was one of this id.
    ///
    /// An error leaves the file with the key or without it; memory has it no more either way, so
    /// that erasing again, after a restart, ends it.
    pub(crate) fn erase(
        &mut self,
        id: &DataKeyId,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<bool, KeyringError> {
        if *id == DataKeyId::Root {
            return Err(KeyringError::RootErased);
        }
        let revision = self.next_revision()?;
        let Some(entry) = self.remove(id) else { return Ok(false) };
        let erased = self.try_erase(entry.wrapping, revision, rng);
        self.failed |= erased.is_err();
        erased.map(|()| true)
    }

    fn try_erase(
        &mut self,
        wrapping: WrappingId,
        revision: u64,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        self.write(revision, durable::replace_and_wipe, rng)?;
        // Only now: a keyring that names a wrapping key which is gone does not open.
        self.wrapping.destroy(wrapping)?;
        Ok(self.wrapping.settle(revision)?)
    }

    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    /// What the header says of the wrapping keys.
    pub(crate) fn description(&self) -> Vec<u8> {
        self.wrapping.description()
    }

    /// How surely every data key of a share that there is now will be gone once it is erased.
    pub(crate) fn erasure(&self) -> Erasure {
        let mut shares = self.entries.values().filter(|entry| entry.id != DataKeyId::Root);
        let complete = self.wrapping.are_destroyed()
            && shares.all(|share| share.wrapping.serial >= self.complete_since);
        if complete { Erasure::Complete } else { Erasure::Medium }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &DataKeyId> {
        self.entries.keys()
    }

    /// The key of this id, and its serial.
    pub(crate) fn by_id(&self, id: &DataKeyId) -> Option<(u64, &DataKey)> {
        let serial = self.entries.get(id)?.wrapping.serial;
        Some((serial, self.keys.get(&serial)?))
    }

    /// The key of this serial.
    pub(crate) fn by_serial(&self, serial: u64) -> Option<&DataKey> {
        self.keys.get(&serial)
    }

    fn root(&self) -> Result<&DataKey, KeyringError> {
        let root = self.by_id(&DataKeyId::Root).map(|(_, root)| root);
        root.ok_or(damaged("it has no root data key"))
    }

    fn used(&self) -> BTreeSet<WrappingId> {
        self.entries.values().map(|entry| entry.wrapping).collect()
    }

    /// The revision after this one, for a change.
    fn next_revision(&self) -> Result<u64, KeyringError> {
        if self.failed {
            return Err(KeyringError::FailedBefore);
        }
        self.revision.checked_add(1).ok_or(KeyringError::Full)
    }

    /// Makes a data key, in memory.
    fn wrap(
        &mut self,
        id: DataKeyId,
        serial: u64,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        let wrapping = WrappingId { serial, revision: serial };
        let key = DataKey::random(rng)?;
        let aad = file::aad(self.binding, &id, wrapping);
        let wrapped = self.wrapping.wrap(wrapping, (&id, &key), &aad, rng)?;
        self.keys.insert(serial, key);
        self.entries.insert(id.clone(), Entry { id, wrapping, wrapped });
        Ok(())
    }

    fn unwrap(&mut self, entry: Entry) -> Result<(), KeyringError> {
        let Entry { id, wrapping, wrapped } = &entry;
        let aad = file::aad(self.binding, id, *wrapping);
        let key = self.wrapping.unwrap(*wrapping, wrapped, &aad)?;
        let key = key.ok_or(damaged("a data key in it is not valid"))?;
        let twice = self.keys.insert(wrapping.serial, key).is_some()
            || self.entries.insert(id.clone(), entry).is_some();
        if twice { Err(damaged("a data key is in it twice")) } else { Ok(()) }
    }

    fn remove(&mut self, id: &DataKeyId) -> Option<Entry> {
        let entry = self.entries.remove(id)?;
        self.keys.remove(&entry.wrapping.serial);
        Some(entry)
    }

    /// Makes the file be of this revision.
    fn write(
        &mut self,
        revision: u64,
        replace: fn(&Path, &[u8]) -> io::Result<()>,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        let entries = self.entries.values().cloned().collect();
        let (binding, complete_since) = (self.binding, self.complete_since);
        let description = self.wrapping.description();
        let wrapped = Wrapped { binding, description, revision, complete_since, entries };
        let bytes = file::encode(&wrapped, self.root()?, rng)?;
        replace(&self.path, &bytes).map_err(|source| KeyringError::io(&self.path, source))?;
        self.revision = revision;
        Ok(())
    }
}

/// The wrapping keys of the first source that opens the keyring, and the sources before it.
fn unlock<'a>(
    wrapped: &Wrapped,
    keks: &'a [KekSource],
) -> Result<(Box<dyn WrappingKeys>, &'a [KekSource]), KeyringError> {
    let mut refused = None;
    for (at, kek) in keks.iter().enumerate() {
        match kek.open(&wrapped.description, wrapped.binding) {
            Ok(Some(wrapping)) => return Ok((wrapping, keks.get(..at).unwrap_or_default())),
            Ok(None) => {}
            Err(error) => {
                refused.get_or_insert(error);
            }
        }
    }
    Err(refused.map_or(KeyringError::OtherSource, KeyringError::Kek))
}

/// Why a keyring was not read or not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The file was not read or not written.
    #[error("the keyring {} cannot be used", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not as it was written.
    #[error(
        "the keyring is damaged ({what}): restore it from a backup, or rejoin with an empty \
         data folder"
    )]
    Damaged {
        /// What gives the damage away.
        what: &'static str,
    },
    /// The file has a format of a later version.
    #[error(
        "the keyring has format {format}, this version reads format 2: use the version that \
         wrote it"
    )]
    Format {
        /// The format's number.
        format: u8,
    },
    /// The file was written for another node.
    #[error("the keyring belongs to another node: check the data folder and the participant id")]
    OtherNode,
    /// The keyring is wrapped otherwise than by the sources that were given.
    #[error(
        "the keyring is wrapped by another kind of source, or in another token, than [store.kek] and \
         [store.next_kek] name: correct them"
    )]
    OtherSource,
    /// Data keys are not wrapped or unwrapped.
    #[error(transparent)]
    Kek(#[from] KekError),
    /// A change failed before.
    #[error("a change of the keyring failed before: restart the process to learn how it ended")]
    FailedBefore,
    /// There is no room for one more data key.
    #[error("the keyring holds 65536 data keys: destroy keys that are not used")]
    Full,
    /// The root data key was to be erased.
    #[error("the root data key cannot be erased: delete the data folder instead")]
    RootErased,
    /// No random bytes.
    #[error("the source of randomness failed")]
    Randomness(#[from] rand_core::Error),
}

impl KeyringError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

#[cfg(test)]
pub(crate) mod tests;
