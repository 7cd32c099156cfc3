//! Files, read with a limit and written so that secrets stay their owner's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::exit::Failure;

const BYTES_MAX: u64 = 1024 * 1024;
const PUBLIC: u32 = 0o644;
const PRIVATE: u32 = 0o600;

/// Why a file is not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{} cannot be read", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} cannot be written", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} is longer than {bytes_max} bytes", path.display())]
    TooLong { path: PathBuf, bytes_max: u64 },
    #[error("{} is not text", path.display())]
    NotText { path: PathBuf },
    #[error("{} holds a secret and is open to others (mode {mode:03o}): chmod 600 it", path.display())]
    Exposed { path: PathBuf, mode: u32 },
}

/// Reads a file.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, FileError> {
    read_long(path, BYTES_MAX)
}

/// Reads a file that may have so many bytes.
pub(crate) fn read_long(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let error = |source| FileError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(error)?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(error)?;
    if bytes.len() as u64 > bytes_max {
        return Err(FileError::TooLong { path: path.to_owned(), bytes_max });
    }
    Ok(bytes)
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, FileError> {
    String::from_utf8(read_bytes(path)?).map_err(|_| FileError::NotText { path: path.to_owned() })
}

/// Reads a text file that only its owner may read.
pub(crate) fn read_secret(path: &Path) -> Result<Zeroizing<String>, FileError> {
    check_private(path)?;
    read(path).map(Zeroizing::new)
}

/// Reads a file that only its owner may read.
pub(crate) fn read_secret_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, FileError> {
    check_private(path)?;
    read_bytes(path).map(Zeroizing::new)
}

fn check_private(path: &Path) -> Result<(), FileError> {
    let error = |source| FileError::Read { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(error)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Writes a new file that only its owner may read, durably. Never over an old one.
pub(crate) fn create_secret(path: &Path, text: &str) -> Result<(), FileError> {
    create_secret_bytes(path, text.as_bytes())
}

/// Writes a new file that only its owner may read, durably. Never over an old one.
pub(crate) fn create_secret_bytes(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write(path, bytes, OpenOptions::new().write(true).create_new(true).mode(PRIVATE))
}

/// Writes a new file. Never over an old one.
pub(crate) fn create(path: &Path, text: &str) -> Result<(), FileError> {
    create_bytes(path, text.as_bytes())
}

/// Writes a new file. Never over an old one.
pub(crate) fn create_bytes(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write(path, bytes, OpenOptions::new().write(true).create_new(true).mode(PUBLIC))
}

/// Writes a file whole or not at all.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let mut options = OpenOptions::new();
    write(&new, contents, options.write(true).create(true).truncate(true).mode(PUBLIC))?;
    let error = |source| FileError::Write { path: path.to_owned(), source };
    fs::rename(&new, path).map_err(error)
}

/// A new file, its owner's alone, that has another name until it is whole. Never over an old one.
pub(crate) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file that is to be there.
    pub(crate) fn begin(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            let message = format!("{} exists: nothing is written over it", path.display());
            return Err(Failure::usage(message));
        }
        let error = |source| FileError::Write { path: path.to_owned(), source };
        let file = NamedTempFile::new_in(folder_of(path)).map_err(error)?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Appends to it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let error = |source| FileError::Write { path: self.path.clone(), source };
        self.file.write_all(bytes).map_err(error)
    }

    /// It is whole, and durable.
    pub(crate) fn finish(self) -> Result<(), FileError> {
        let Self { file, path } = self;
        let error = |source| FileError::Write { path: path.clone(), source };
        file.as_file().sync_all().map_err(error)?;
        file.persist_noclobber(&path).map(drop).map_err(|failed| error(failed.error))
    }
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Makes a folder for its owner alone; one that exists is left as it is.
pub(crate) fn make_dir(path: &Path) -> Result<(), FileError> {
    let error = |source| FileError::Write { path: path.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(error)
}

fn write(path: &Path, contents: &[u8], options: &OpenOptions) -> Result<(), FileError> {
    let error = |source| FileError::Write { path: path.to_owned(), source };
    let mut file = options.open(path).map_err(error)?;
    file.write_all(contents).map_err(error)?;
    file.sync_all().map_err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_owners_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        create_secret(&path, "one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(create_secret(&path, "two").is_err() && create(&path, "two").is_err());
        assert_eq!(*read_secret(&path).unwrap(), "one");
    }

    #[test]
    fn a_secret_open_to_others_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key.pem");
        create_secret(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_secret(&path), Err(FileError::Exposed { mode: 0o640, .. })));
    }

    #[test]
    fn an_endless_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        fs::write(&path, vec![b'x'; BYTES_MAX as usize + 1]).unwrap();
        assert!(matches!(read(&path), Err(FileError::TooLong { .. })));
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
