//! Files and folders that survive a loss of power.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Creates a folder for its owner only, unless it exists.
pub(crate) fn create_private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Whether the group or others have any access.
pub(crate) fn is_exposed(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// Opens a file for writing, and creates it for its owner only, unless it exists.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Makes the file at `path` have these bytes, or leaves it as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = open_private(&next)?;
    file.set_len(0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    sync_dir(parent(path))
}

/// As [`replace`], and then overwrites what the file had with zeros, where it was. On a
/// copy-on-write file system and on flash the old bytes may survive that.
pub(crate) fn replace_and_wipe(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut old = OpenOptions::new().write(true).open(path)?;
    let length = usize::try_from(old.metadata()?.len()).map_err(io::Error::other)?;
    replace(path, bytes)?;
    old.write_all(&vec![0; length])?;
    old.sync_all()
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) | None => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_file_has_no_old_byte_left() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("keyring"), dir.path().join("old"));
        replace(&path, b"secret").unwrap();
        // A second name keeps the replaced file, as an undelete would.
        fs::hard_link(&path, &old).unwrap();
        replace_and_wipe(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&old).unwrap(), [0; 6]);
        assert!(!is_exposed(&path).unwrap());
    }
}
