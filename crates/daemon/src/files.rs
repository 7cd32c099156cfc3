//! Files that processes start from, with their reasons to refuse them.

use std::fs;
use std::path::{Path, PathBuf};

use quorate_model::Digest;
use quorate_net::TlsMaterial;
use quorate_trust::{SigningKey, TrustRoot};
use zeroize::Zeroizing;

use crate::DaemonError;
use crate::config::TlsFiles;

pub(crate) fn read(path: &Path) -> Result<String, DaemonError> {
    fs::read_to_string(path).map_err(|source| DaemonError::Read { path: path.to_owned(), source })
}

pub(crate) fn content(path: &Path, reason: impl ToString) -> DaemonError {
    DaemonError::Content { path: path.to_owned(), reason: reason.to_string() }
}

/// Reads the trust root and compares it with the pinned hash.
pub(crate) fn root(path: &Path, pinned: &Digest) -> Result<TrustRoot, DaemonError> {
    let root = TrustRoot::parse(&read(path)?).map_err(|error| content(path, error))?;
    let found = root.hash();
    if found == *pinned {
        return Ok(root);
    }
    let (found, pinned) = (found.to_string(), pinned.to_string());
    Err(DaemonError::OtherRoot { path: path.to_owned(), found, pinned })
}

/// Reads an identity key.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey, DaemonError> {
    let pem = Zeroizing::new(read(path)?);
    SigningKey::from_pkcs8_pem(&pem).map_err(|error| content(path, error))
}

/// Reads certificate, authority and key.
pub(crate) fn tls(files: &TlsFiles, base: &Path) -> Result<TlsMaterial, DaemonError> {
    let at = |path: &Path| base.join(path);
    Ok(TlsMaterial::load(&at(&files.ca), &at(&files.certificate), &at(&files.key))?)
}

/// The folder that relative paths of a configuration file are relative to.
pub(crate) fn base(config: &Path) -> PathBuf {
    config.parent().map(Path::to_owned).unwrap_or_default()
}
