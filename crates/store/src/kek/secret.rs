//! Passphrases and PINs: where they are read from.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

/// Bytes of a passphrase, at most.
pub(crate) const PASSPHRASE_BYTES_MAX: usize = 4 * 1024;

/// A passphrase, or the PIN of a token: 1 to 4096 bytes.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes what a person gave or a file holds. One newline at the end is not part of it.
    ///
    /// # Errors
    /// When nothing is left, or more than 4096 bytes are.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self, PassphraseError> {
        let mut bytes = bytes;
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        match bytes.len() {
            0 => Err(PassphraseError::Empty),
            1..=PASSPHRASE_BYTES_MAX => Ok(Self(bytes)),
            _ => Err(PassphraseError::TooLong),
        }
    }

    pub(crate) fn secret_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(<redacted>)")
    }
}

/// Why something is no passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// It has no byte.
    #[error("the passphrase is empty")]
    Empty,
    /// It has more than 4096 bytes.
    #[error("the passphrase has over 4096 bytes: is it the right one?")]
    TooLong,
}

/// Where a passphrase or a PIN comes from.
#[derive(Debug)]
pub enum SecretSource {
    /// A file that only its owner can read. One newline at its end is not part of the passphrase.
    File(PathBuf),
    /// A credential that systemd passes (`LoadCredentialEncrypted=`), in `$CREDENTIALS_DIRECTORY`.
    SystemdCredential {
        /// The credential's name in the unit.
        name: String,
    },
    /// A person, who gave it.
    Given(Arc<Passphrase>),
}

impl SecretSource {
    /// Does something with the passphrase.
    pub(crate) fn with<T, E: From<SecretError>>(
        &self,
        act: impl FnOnce(&Passphrase) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::File(path) => act(&read(path, 0o077)?),
            Self::SystemdCredential { name } => {
                act(&read_credential(std::env::var_os("CREDENTIALS_DIRECTORY"), name)?)
            }
            Self::Given(passphrase) => act(passphrase),
        }
    }
}

fn read_credential(dir: Option<OsString>, name: &str) -> Result<Passphrase, SecretError> {
    let dir = dir.ok_or(SecretError::NoCredentials)?;
    if name.is_empty() || name.contains('/') || name == "." || name == ".." {
        return Err(SecretError::CredentialName { name: name.to_owned() });
    }
    // systemd grants its service access by an ACL, whose mask shows as the group's bits.
    read(&Path::new(&dir).join(name), 0o007)
}

fn read(path: &Path, forbidden: u32) -> Result<Passphrase, SecretError> {
    let io = |source| SecretError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(SecretError::NotAFile { path: path.to_owned() });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & forbidden != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    // The room is taken at once, so that no copy is left behind where a vector has grown. The longest
    // passphrase may have a newline behind it.
    let room = PASSPHRASE_BYTES_MAX + 2;
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(room as u64).read_to_end(&mut bytes).map_err(io)?;
    Passphrase::new(bytes).map_err(|source| SecretError::Content { path: path.to_owned(), source })
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
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
    /// What is in the file is no passphrase.
    #[error("the passphrase file {} holds no passphrase", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PassphraseError,
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
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
