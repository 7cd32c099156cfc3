//! The keyring: data keys in a small file apart from the records, wrapped by the key-encryption
//! key, so that a sharing can be erased by rewriting a few hundred bytes.

mod file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use self::file::{Contents, Header};
use crate::data_key::DataKey;
use crate::kek::Kek;
use crate::{Binding, DataKeyId, KdfParams, KekError, durable};

const KEYS_MAX: usize = 65_536;

/// The open keyring of a store.
///
/// `revision` counts its versions, and a data key's *serial* is the revision that added it: a
/// serial is never used twice, even for the same id.
#[derive(Debug)]
pub(crate) struct Keyring {
    path: PathBuf,
    header: Header,
    kek: Kek,
    revision: u64,
    serials: BTreeMap<DataKeyId, u64>,
    keys: BTreeMap<u64, DataKey>,
}

impl Keyring {
    /// Makes a keyring with a root data key. It is not on the disk until [`Self::save`].
    pub(crate) fn generate(
        path: PathBuf,
        binding: Binding,
        passphrase: &[u8],
        kdf: KdfParams,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Self, KeyringError> {
        let mut salt = [0; 16];
        rng.try_fill_bytes(&mut salt)?;
        let header = Header { kdf, salt, binding };
        let kek = Kek::derive(passphrase, kdf, &salt)?;
        let keys = BTreeMap::from([(1, DataKey::random(rng)?)]);
        let serials = BTreeMap::from([(DataKeyId::Root, 1)]);
        Ok(Self { path, header, kek, revision: 1, serials, keys })
    }

    /// Reads a keyring, and checks every byte of it.
    pub(crate) fn open(
        path: PathBuf,
        binding: Binding,
        passphrase: &[u8],
    ) -> Result<Self, KeyringError> {
        let bytes = fs::read(&path).map_err(|source| KeyringError::io(&path, source))?;
        let (header, sealed) = file::check(&bytes)?;
        if header.binding != binding {
            return Err(KeyringError::OtherNode);
        }
        let kek = Kek::derive(passphrase, header.kdf, &header.salt)?;
        let Contents { revision, keys } = file::open(&header, sealed, &kek.cipher())?;
        let serials = keys.iter().map(|(serial, (id, _))| (id.clone(), *serial)).collect();
        let keys = keys.into_iter().map(|(serial, (_, key))| (serial, key)).collect();
        Ok(Self { path, header, kek, revision, serials, keys })
    }

    /// Writes the keyring for the first time.
    pub(crate) fn save(&self, rng: &mut dyn CryptoRngCore) -> Result<(), KeyringError> {
        let bytes = self.encode(self.revision, rng)?;
        durable::replace(&self.path, &bytes).map_err(|source| KeyringError::io(&self.path, source))
    }

    /// Makes a data key, durably, unless there is one of this id.
    pub(crate) fn add(
        &mut self,
        id: &DataKeyId,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<(), KeyringError> {
        if self.serials.contains_key(id) {
            return Ok(());
        }
        if self.keys.len() >= KEYS_MAX {
            return Err(KeyringError::Full);
        }
        let serial = self.next_revision()?;
        self.keys.insert(serial, DataKey::random(rng)?);
        self.serials.insert(id.clone(), serial);
        let written = self.encode(serial, rng).and_then(|bytes| {
            durable::replace(&self.path, &bytes)
                .map_err(|source| KeyringError::io(&self.path, source))
        });
        if written.is_err() {
            self.keys.remove(&serial);
            self.serials.remove(id);
        } else {
            self.revision = serial;
        }
        written
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
        let Some(serial) = self.serials.remove(id) else { return Ok(false) };
        self.keys.remove(&serial);
        let bytes = self.encode(revision, rng)?;
        durable::replace_and_wipe(&self.path, &bytes)
            .map_err(|source| KeyringError::io(&self.path, source))?;
        self.revision = revision;
        Ok(true)
    }

    pub(crate) const fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &DataKeyId> {
        self.serials.keys()
    }

    /// The key of this id, and its serial.
    pub(crate) fn by_id(&self, id: &DataKeyId) -> Option<(u64, &DataKey)> {
        let serial = *self.serials.get(id)?;
        Some((serial, self.keys.get(&serial)?))
    }

    /// The key of this serial.
    pub(crate) fn by_serial(&self, serial: u64) -> Option<&DataKey> {
        self.keys.get(&serial)
    }

    fn next_revision(&self) -> Result<u64, KeyringError> {
        self.revision.checked_add(1).ok_or(KeyringError::Full)
    }

    fn encode(
        &self,
        revision: u64,
        rng: &mut dyn CryptoRngCore,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let keys = self
            .serials
            .iter()
            .filter_map(|(id, serial)| self.keys.get(serial).map(|key| (*serial, id, key)));
        file::encode(&self.header, revision, keys, &self.kek.cipher(), rng).map(Zeroizing::new)
    }
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
        "the keyring has format {format}, this version reads format 1: use the version that \
         wrote it"
    )]
    Format {
        /// The format's number.
        format: u8,
    },
    /// The file was written for another node.
    #[error("the keyring belongs to another node: check the data folder and the participant id")]
    OtherNode,
    /// The passphrase is not the one that the keyring was created with.
    #[error("the passphrase does not open the keyring: check the configured source")]
    WrongKek,
    /// There is no passphrase.
    #[error(transparent)]
    Kek(#[from] KekError),
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
mod tests;
