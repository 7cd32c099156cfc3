//! Why a store does not open, or a record does not read.

use std::io;
use std::path::{Path, PathBuf};

use crate::{AlteredError, CommitError, DatabaseError, KeyringError, SealError, Tree};

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder was not created, read or synced.
    #[error("the data folder {} cannot be used", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The group or others have access to the folder.
    #[error("{} is open to others: make it its owner's alone (chmod 700)", dir.display())]
    Exposed {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process has the store open.
    #[error("the data folder {} is in use by another process", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The keyring does not open.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// There are records, but no keyring that opens them.
    #[error(
        "the keyring is missing but there are records: restore it, or rejoin with an empty \
         data folder"
    )]
    KeyringMissing,
    /// The keyring is an earlier version of itself.
    #[error(
        "the keyring was put back: it is at revision {found}, the records have seen {expected}"
    )]
    KeyringPutBack {
        /// The keyring's revision.
        found: u64,
        /// The revision that was there when the last records were written.
        expected: u64,
    },
    /// There is a keyring, but no manifest of the records.
    #[error("the records are missing: restore the data folder, or rejoin with an empty one")]
    ManifestMissing,
    /// Records were altered while the store was closed.
    #[error(
        "the records are not as this node wrote them: do not use them, find out who had access"
    )]
    Altered(#[from] AlteredError),
    /// The first manifest was not written.
    #[error("the store cannot be created")]
    Create(#[from] CommitError),
    /// sled failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl OpenError {
    pub(crate) fn folder(dir: &Path, source: io::Error) -> Self {
        Self::Folder { dir: dir.to_owned(), source }
    }
}

/// Why a tree was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A record does not open.
    #[error("the record {tree}/{key} does not open")]
    Seal {
        /// The record's tree.
        tree: Tree,
        /// The record's key, in hexadecimal.
        key: String,
        /// Why.
        source: SealError,
    },
    /// sled failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}
