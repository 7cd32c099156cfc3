//! The key-encryption key: where it comes from, and how a passphrase becomes one.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

const PASSPHRASE_BYTES_MAX: usize = 4 * 1024;

/// Where the key-encryption key of a node comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KekSource {
    /// A file that only its owner can read. One newline at its end is not part of the passphrase.
    PassphraseFile(PathBuf),
    /// A credential that systemd passes (`LoadCredentialEncrypted=`), in `$CREDENTIALS_DIRECTORY`.
    SystemdCredential {
        /// The credential's name in the unit.
        name: String,
    },
}

impl KekSource {
    pub(crate) fn read(&self) -> Result<Zeroizing<Vec<u8>>, KekError> {
        match self {
            Self::PassphraseFile(path) => read_passphrase(path, 0o077),
            Self::SystemdCredential { name } => {
                read_credential(std::env::var_os("CREDENTIALS_DIRECTORY"), name)
            }
        }
    }
}

fn read_credential(dir: Option<OsString>, name: &str) -> Result<Zeroizing<Vec<u8>>, KekError> {
    let dir = dir.ok_or(KekError::NoCredentials)?;
    if name.is_empty() || name.contains('/') || name == "." || name == ".." {
        return Err(KekError::CredentialName { name: name.to_owned() });
    }
    // systemd grants its service access by an ACL, whose mask shows as the group's bits.
    read_passphrase(&Path::new(&dir).join(name), 0o007)
}

fn read_passphrase(path: &Path, forbidden: u32) -> Result<Zeroizing<Vec<u8>>, KekError> {
    let io = |source| KekError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(KekError::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(KekError::Exposed { path: path.to_owned(), mode });
    }
    // The room is taken at once, so that no copy is left behind where a vector has grown.
    let mut passphrase = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX + 1));
    file.take(PASSPHRASE_BYTES_MAX as u64 + 1).read_to_end(&mut passphrase).map_err(io)?;
    if passphrase.len() > PASSPHRASE_BYTES_MAX {
        return Err(KekError::TooLong { path: path.to_owned() });
    }
    if passphrase.last() == Some(&b'\n') {
        passphrase.pop();
    }
    if passphrase.is_empty() {
        return Err(KekError::Empty { path: path.to_owned() });
    }
    Ok(passphrase)
}

/// The cost of deriving a key-encryption key from a passphrase by Argon2id (RFC 9106).
///
/// A keyring records the cost it was created with, and opens with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParams {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

impl KdfParams {
    /// 64 MiB, 3 passes, 1 lane.
    pub const fn production() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }

    /// 256 KiB, 1 pass, 1 lane: for throw-away clusters and tests only, where the passphrase is
    /// random or protects nothing.
    pub const fn light() -> Self {
        Self { memory_kib: 256, passes: 1, lanes: 1 }
    }

    /// Whether deriving costs no more than a node can afford. A damaged header may say anything.
    pub(crate) const fn is_affordable(self) -> bool {
        self.memory_kib <= 1024 * 1024 && self.passes <= 64 && self.lanes <= 16
    }
}

/// Wraps data keys.
pub(crate) struct Kek(Zeroizing<[u8; 32]>);

impl Kek {
    pub(crate) fn derive(
        passphrase: &[u8],
        params: KdfParams,
        salt: &[u8; 16],
    ) -> Result<Self, KekError> {
        let KdfParams { memory_kib, passes, lanes } = params;
        let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(KekError::Derive)?;
        let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, salt, key.as_mut(), memory.as_mut_slice())
            .map_err(KekError::Derive)?;
        Ok(Self(key))
    }

    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.as_ref().into())
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kek(<redacted>)")
    }
}

/// Why there is no key-encryption key.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// The file was not read.
    #[error("the passphrase file {} cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path leads to a folder, pipe or device.
    #[error("{} is not a regular file: a passphrase is read from nothing else", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Others can use the file.
    #[error("{} has mode {mode:03o}: make it its owner's alone (chmod 600)", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file has nothing but, perhaps, a newline.
    #[error("the passphrase file {} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file has more than 4 KiB.
    #[error("the passphrase file {} has over 4096 bytes: is it the right one?", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// `$CREDENTIALS_DIRECTORY` is not set.
    #[error(
        "$CREDENTIALS_DIRECTORY is not set: start the node by a systemd unit with \
         LoadCredentialEncrypted=, or use a passphrase file"
    )]
    NoCredentials,
    /// The credential's name has a slash, or is no file name.
    #[error("{name:?} is not the name of a credential")]
    CredentialName {
        /// The name.
        name: String,
    },
    /// Argon2 refused its parameters.
    #[error("the passphrase cannot be turned into a key: {0}")]
    Derive(argon2::Error),
}

#[cfg(test)]
mod tests;
